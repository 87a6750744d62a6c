"""What no longer holds of a reproduction, in words."""

from typing import assert_never

from accelsim.validation.evaluate import Cost
from accelsim.validation.pinned import MovedCell
from accelsim.validation.published import Ordering, Quantity
from accelsim.validation.reproduction import MissedBar, Reproduction, missed_bars, simulated_pair


def failures(reproduction: Reproduction) -> list[str]:
    """A sentence for each bar that is missed and each ordering that is violated; none if all is well."""
    bars = missed_bars(reproduction)
    return [
        *map(missed_bar, bars),
        *(violation(ordering, reproduction) for ordering in reproduction.violated),
    ]


def missed_bar(missed: MissedBar) -> str:
    """`time of alexnet on 8x8_32k: error +0.1300 must not exceed 0.12 either way`."""
    cell = missed.cell
    if cell is None:
        return f"{missed.quantity}: mean error {missed.error:.4f} must not exceed {missed.bar:g}"
    return (
        f"{missed.quantity} of {cell.network} on {cell.hardware}: error {missed.error:+.4f} "
        f"must not exceed {missed.bar:g} either way"
    )


def violation(ordering: Ordering, reproduction: Reproduction) -> str:
    """`time on 8x8_32k: sqnxt23 (3840529 cycles) must be above sqnxt23v2 (3840530 cycles)`."""
    unit, figures = _unit(ordering.quantity), simulated_pair(ordering, reproduction.costs)
    names = (ordering.more, ordering.less)
    higher, lower = (f"{name} ({figure:.12g} {unit})" for name, figure in zip(names, figures, strict=True))
    relation = "above" if ordering.strict else "at or above"
    return f"{ordering.quantity} on {ordering.hardware}: {higher} must be {relation} {lower}"


def moved_line(cell: MovedCell) -> str:
    """`alexnet on 8x8_32k: pinned 10 cycles and 2.0 MAC, simulated 11 cycles and 2.0 MAC`."""
    pinned = "nothing" if cell.pinned is None else _cost(cell.pinned)
    return f"{cell.network} on {cell.hardware}: pinned {pinned}, simulated {_cost(cell.simulated)}"


def _cost(cost: Cost) -> str:
    return f"{cost.cycles} cycles and {cost.energy!r} MAC"


def _unit(quantity: Quantity) -> str:
    match quantity:
        case "time":
            return "cycles"
        case "energy":
            return "MAC"
        case _:
            assert_never(quantity)
