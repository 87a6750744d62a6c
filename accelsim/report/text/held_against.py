"""What a machine was held against, in words."""

import math
from typing import Final, assert_never

from accelsim.held_against import HeldAgainst, Kind

_SEVERAL: Final = math.log(2)
"""|ln(simulated / measured)| above which an error is a factor."""


def held_sentence(held: HeldAgainst | None) -> str:
    """In one line: whose figures, and how far off the simulation is at most.

    Args:
        held: None where nothing was.

    Returns:
        Words for a table.

    Example:
        >>> held_sentence(None)
        'nothing: nobody is known to have measured this machine'
    """
    if held is None:
        return "nothing: nobody is known to have measured this machine"
    errors = ", ".join(
        [f"{each.quantity} {_off(each.median)} and {_off(each.largest)}" for each in held.errors]
    )
    fitted = f"; fitted: {held.fitted}" if held.fitted else ""
    whose = f"{_kind(held.kind)} ({held.measured_by}), {held.of}"
    return f"{whose}; off in the median and at most: {errors}{fitted}"


def _off(log_error: float) -> str:
    """In percent, or where that says little as a factor.

    Example:
        >>> _off(0.0519), _off(1.18)
        ('6%', 'a factor of 3.3')
    """
    if log_error > _SEVERAL:
        return f"a factor of {math.exp(log_error):.1f}"
    return f"{math.ceil(math.expm1(log_error) * 100)}%"


def _kind(kind: Kind) -> str:
    match kind:
        case "silicon":
            return "a chip"
        case "RTL":
            return "RTL"
        case "simulator":
            return "another simulator"
        case _:
            assert_never(kind)
