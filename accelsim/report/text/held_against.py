"""What a machine was held against, in words."""

import math
from typing import assert_never

from accelsim.held_against import HeldAgainst, Kind


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
        [f"{each.quantity} within {math.ceil(math.expm1(each.largest) * 100)}%" for each in held.errors]
    )
    fitted = f"; fitted: {held.fitted}" if held.fitted else ""
    return f"{_kind(held.kind)} ({held.measured_by}), {held.of}: {errors}{fitted}"


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
