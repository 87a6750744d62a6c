"""What a step says, by operand: the only place that knows the names of a step's fields."""

from collections.abc import Mapping

from accelsim.hardware.operand import Operand
from accelsim.mapping.mapping import Step


def _by_name(sizes: Mapping[Operand, int], *operands: Operand) -> dict[str, int]:
    return {operand.value: sizes.get(operand, 0) for operand in operands}


def loads(step: Step) -> dict[str, int]:
    """Bytes that come from outside."""
    return _by_name(step.loads, Operand.WEIGHTS, Operand.INPUTS, Operand.RESIDUAL)


def moved_loads(step: Step) -> dict[str, int]:
    """Bytes that move for them: whole bursts, where channels move such."""
    return _by_name(step.moved_loads, Operand.WEIGHTS, Operand.INPUTS, Operand.RESIDUAL)


def read(step: Step) -> dict[str, int]:
    """Bytes of what is loaded, as it lies outside."""
    return _by_name(step.read, Operand.WEIGHTS, Operand.INPUTS, Operand.RESIDUAL)


def written(step: Step) -> int:
    """Bytes of what goes outside, as it lies there."""
    return sum(step.written.values())


def moved_stores(step: Step) -> int:
    """Bytes that move for what goes outside."""
    return sum(step.moved_stores.values())


def in_place(step: Step) -> frozenset[str]:
    """Operands that come to where they stay, and so take no room as tiles."""
    return frozenset(operand.value for operand in step.in_place if operand in step.loads)


def frees_after_array(step: Step) -> dict[str, int]:
    """Bytes that are free when the array is done."""
    return _by_name(step.freed_by_array, Operand.WEIGHTS, Operand.INPUTS)


def frees_after_vector_unit(step: Step) -> int:
    """Bytes that are free when the vector unit is done, whatever the operand."""
    return sum(step.freed_by_vector_unit.values())


def takes_for_outputs(step: Step) -> int:
    """Bytes that outputs take at the first visit to them."""
    return sum(step.takes.values())


def frees_of_outputs(step: Step) -> int:
    """Bytes that are free when outputs are stored."""
    return sum(step.freed_by_store.values())


def stores(step: Step) -> int:
    """Bytes that go outside."""
    return sum(step.stores.values())
