"""A published table beside the simulated one: values, and how they look."""

from collections.abc import Sequence
from dataclasses import asdict
from itertools import groupby
from typing import Any

from accelsim.descriptions.phrases import counted
from accelsim.report.text.table import Column, Style, labelled, si, table, wrapped
from accelsim.validation.pinned import MovedCell
from accelsim.validation.published import QUANTITIES, Ordering
from accelsim.validation.reproduction import Reproduction, TableCell, simulated_pair
from accelsim.version import __version__


def cell_dict(cell: TableCell) -> dict[str, Any]:
    """Plain values of one cell; the error of a time that is 1 by definition is None."""
    return asdict(cell)


def reproduction_dict(reproduction: Reproduction, moved: Sequence[MovedCell]) -> dict[str, Any]:
    """Plain values of `reproduce --format json`."""
    return {
        "accelsim": __version__,
        "table": reproduction.table.name,
        "source": reproduction.table.source,
        "relative_to": reproduction.table.relative_to,
        "rows": [cell_dict(cell) for cell in reproduction.cells],
        **{quantity: asdict(reproduction.errors(quantity)) for quantity in QUANTITIES},
        "bars": reproduction.table.bars.model_dump(),
        "orderings": {
            "checked": len(reproduction.orderings),
            "violated": [_ordering_dict(ordering, reproduction) for ordering in reproduction.violated],
        },
        "pinned": {"checked": len(reproduction.cells), "moved": [asdict(cell) for cell in moved]},
    }


def reproduction_report(reproduction: Reproduction, style: Style, moved: int) -> str:
    """A published table beside the simulated one, as `accelsim reproduce squeezenext` prints it.

    Args:
        reproduction: Both tables.
        style: What the place that it goes to can show.
        moved: How many cells are not as pinned.

    Returns:
        The cells of each machine, and below them what they add up to; ends in a newline.

    Example:
        >>> from accelsim.report.text import Style
        >>> from accelsim.validation.pinned import load_pinned
        >>> from accelsim.validation.published import load_published
        >>> from accelsim.validation.reproduction import compare_with
        >>> reproduction = compare_with(load_published("squeezenext"), load_pinned("squeezenext"))
        >>> print(reproduction_report(reproduction, Style(), moved=0).splitlines()[-1])
        pinned cells   26 checked, 0 moved
    """
    head, *lines = table(_columns(reproduction.cells), style.width)
    text = [style.strong(head)]
    pairs = zip(reproduction.cells, lines, strict=True)
    for hardware, members in groupby(pairs, lambda pair: pair[0].hardware):
        text += [style.strong(hardware), *(line for _, line in members)]
    legend = (
        f"time: relative to {reproduction.table.relative_to} on the same machine. energy: in "
        "multiply-accumulates. paper: as published. error: ln(simulated / published)."
    )
    text += ["", *wrapped(legend, style), "", *_sums(reproduction, moved, style)]
    return "\n".join(text) + "\n"


def _columns(cells: Sequence[TableCell]) -> list[Column]:
    return [
        Column("network", [f" {cell.network}" for cell in cells], "left", least=12),
        Column("cycles", [si(cell.cycles) for cell in cells], gap=2),
        Column("time", [f"{cell.relative_time:.2f}" for cell in cells], gap=2),
        Column("paper", [f"{cell.published_relative_time:.2f}" for cell in cells], gap=2),
        Column("error", [_error(cell.time_log_error) for cell in cells], gap=2),
        Column("energy", [_scientific(cell.energy, 2) for cell in cells], gap=3),
        Column("paper", [_scientific(cell.published_energy, 1) for cell in cells], gap=2),
        Column("error", [_error(cell.energy_log_error) for cell in cells], gap=2),
    ]


def _scientific(value: float, decimals: int) -> str:
    """As the paper prints energies: `1.6e10`."""
    mantissa, _, exponent = f"{value:.{decimals}e}".partition("e")
    return f"{mantissa}e{int(exponent)}"


def _error(error: float | None) -> str:
    return "-" if error is None else f"{error:+.3f}"


def _sums(reproduction: Reproduction, moved: int, style: Style) -> list[str]:
    lines: list[str] = []
    for quantity in QUANTITIES:
        errors, bar = reproduction.errors(quantity), getattr(reproduction.table.bars, quantity)
        count = sum(cell.log_error(quantity) is not None for cell in reproduction.cells)
        words = (
            f"|error| {errors.mean_abs_log_error:.4f} on average (bar {bar.mean:g}), "
            f"{errors.max_abs_log_error:.4f} at most (bar {bar.largest:g}), {counted(count, 'cell')}"
        )
        lines += labelled(quantity, words, style)
    checked = f"{len(reproduction.orderings)} checked, {len(reproduction.violated)} violated"
    lines += labelled("orderings", checked, style)
    return lines + labelled("pinned cells", f"{len(reproduction.cells)} checked, {moved} moved", style)


def _ordering_dict(ordering: Ordering, reproduction: Reproduction) -> dict[str, Any]:
    column = reproduction.table.column(ordering.hardware, ordering.quantity)
    larger, smaller = simulated_pair(ordering, reproduction.costs)
    return {
        **asdict(ordering),
        "published": [column[ordering.more], column[ordering.less]],
        "simulated": [larger, smaller],
    }
