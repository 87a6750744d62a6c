"""What a step says, by operand: the only place that knows the names of a step's fields."""

from accelsim.mapping.mapping import Step


def loads(step: Step) -> dict[str, int]:
    """Bytes that come from DRAM."""
    return {"weights": step.weight_bytes, "inputs": step.input_bytes, "residual": step.shortcut_bytes}


def frees_after_array(step: Step) -> dict[str, int]:
    """Bytes that are free when the array is done."""
    return {"weights": step.freed_weight_bytes, "inputs": step.freed_input_bytes}


def frees_after_vector_unit(step: Step) -> int:
    """Bytes that are free when the vector unit is done, whatever the operand."""
    return step.vector_freed_bytes


def takes_for_outputs(step: Step) -> int:
    """Bytes that outputs take at the first visit to them."""
    return step.output_space_bytes


def frees_of_outputs(step: Step) -> int:
    """Bytes that are free when outputs are stored."""
    return step.freed_output_bytes


def stores(step: Step) -> int:
    """Bytes that go to DRAM."""
    return step.store_bytes
