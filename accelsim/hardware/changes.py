"""Changes: what else becomes of a machine whose value at a key is set."""

from typing import Any, Final

from accelsim.descriptions import value_of
from accelsim.hardware.array import is_parameter

ADDED_DATAFLOW: Final = "default, where no parameter is given: the machine did not run it before"
"""Of a dataflow that a machine is given by its name alone."""
_PAIRS: Final = (
    ("bandwidth.bytes_per_cycle", "bandwidth.bytes_per_second"),
    ("latency_cycles", "latency_seconds"),
    *((f"{way}.bytes_per_cycle", f"{way}.bytes_per_second") for way in ("read", "write")),
    *((f"{way}.latency_cycles", f"{way}.latency_seconds") for way in ("read", "write")),
)
"""Keys of a memory that say the same: a machine has one of both."""
_OTHER_PAIRS: Final = (
    ("pe_array.port_words_per_column", "pe_array.ports"),
    ("vector_unit.lanes_per_column", "vector_unit.lanes"),
)
"""The same of other parts."""


def _both_ways(pairs: tuple[tuple[str, str], ...]) -> dict[str, str]:
    return dict([*pairs, *[(second, first) for first, second in pairs]])


_OF_MEMORIES: Final = _both_ways(_PAIRS)
_OF_OTHERS: Final = _both_ways(_OTHER_PAIRS)


def listed_dataflows(data: dict[str, Any], names: list[str]) -> dict[str, Any]:
    """Dataflows by their names alone, with the parameters that the machine gives them.

    One that it does not describe, or no longer does, has the default ones, and `assumed` says so.
    """
    _, dataflows = value_of(data, "pe_array.dataflows")
    described = dataflows if isinstance(dataflows, dict) else {}
    if isinstance(assumed := data["assumed"], dict):
        for of_it in [f"pe_array.dataflows.{name}" for name in names if name not in described]:
            reasons = {
                key: reason for key, reason in assumed.items() if not f"{key}.".startswith(f"{of_it}.")
            }
            assumed = data["assumed"] = {**reasons, of_it: ADDED_DATAFLOW}
    return {name: described.get(name, {}) for name in names}


def is_of_another_dataflow(data: dict[str, Any], key: str) -> bool:
    """Whether a key is a parameter of a dataflow that the array does not run: any value is the same then."""
    return is_parameter(key) and not value_of(data, ".".join(key.split(".")[:3]))[0]


def alternative_to(key: str) -> str | None:
    """The dotted key of a machine that says in another way what this one says; None where none does.

    What is inside a key says it, too.

    Example:
        >>> alternative_to("memories.dram.latency_seconds"), alternative_to("clock_mhz")
        ('memories.dram.latency_cycles', None)
        >>> alternative_to("pe_array.ports.rows.words_in")
        'pe_array.port_words_per_column'
    """
    first, _, of_memories = key.partition(".")
    memory, _, inner = of_memories.partition(".")
    if first == "memories":
        other = _OF_MEMORIES.get(inner)
        return f"memories.{memory}.{other}" if other else None
    return _OF_OTHERS.get(".".join(key.split(".")[:2]))
