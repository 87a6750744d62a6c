"""Simulated against published: every cell of a published table, time and energy on each machine.

Logarithmic axes, so that a point's distance from the diagonal is its error, ln(simulated / published).
Machines differ by colour and by marker.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from accelsim.report.plots.style import BLUE, GREEN, PURPLE, VERMILION, plain
from accelsim.validation.published import QUANTITIES, Quantity
from accelsim.validation.reproduction import Reproduction

MACHINE_STYLES: Final = ((BLUE, "o"), (VERMILION, "s"), (GREEN, "^"), (PURPLE, "D"))
"""Colour and marker of each machine, in the table's order."""
SIZE_INCHES: Final = (11.4, 8.6)
AXIS_LABELS: Final[dict[Quantity, str]] = {"time": "time, relative to {}", "energy": "energy [MAC]"}
_TICKS: Final = (1, 1.5, 2, 3, 4, 5, 7, 10, 15)
_BAND: Final = 1.1
"""Simulated values within this factor of the published ones lie in the grey band."""


@dataclass(frozen=True)
class CellPoint:
    """One cell: what was published, what was simulated, and what to write beside it."""

    published: float
    simulated: float
    label: str


def points(reproduction: Reproduction, hardware: str, quantity: Quantity) -> list[CellPoint]:
    """The cells of one column, from the smallest published value to the largest."""
    column = []
    for cell in reproduction.cells:
        if cell.hardware != hardware:
            continue
        published, simulated = (
            (cell.published_relative_time, cell.relative_time)
            if quantity == "time"
            else (cell.published_energy, cell.energy)
        )
        error = cell.log_error(quantity)
        words = "reference" if error is None else f"{error:+.3f}"
        column.append(CellPoint(published, simulated, f"{cell.title}  {words}"))
    return sorted(column, key=lambda point: (point.simulated, point.published))


def published_figure(reproduction: Reproduction) -> Figure:
    """A published table against the simulated one, as `accelsim plot published` draws them.

    Args:
        reproduction: Both tables.

    Returns:
        A figure with a panel for each machine and quantity.

    Example:
        >>> from accelsim.validation.pinned import load_pinned
        >>> from accelsim.validation.published import load_published
        >>> from accelsim.validation.reproduction import compare_with
        >>> reproduction = compare_with(load_published("squeezenext"), load_pinned("squeezenext"))
        >>> len(published_figure(reproduction).axes)
        4
    """
    figure = Figure(figsize=SIZE_INCHES)
    table = reproduction.table
    grid = figure.subplots(len(QUANTITIES), len(table.machines), squeeze=False)
    figure.subplots_adjust(left=0.06, right=0.845, top=0.915, bottom=0.065, wspace=0.7, hspace=0.27)
    for row, quantity in zip(grid, QUANTITIES, strict=True):
        for axes, hardware, (colour, marker) in zip(row, table.machines, MACHINE_STYLES, strict=False):
            plot_column(points(reproduction, hardware, quantity), axes, colour, marker)
            axes.set_title(f"{quantity} on {hardware}", loc="left", fontsize="medium")
            label = AXIS_LABELS[quantity].format(table.titles[table.relative_to])
            axes.set_xlabel(f"published {label}")
            axes.set_ylabel("simulated")
    figure.suptitle(
        "Simulated against published. Beside each name: ln(simulated / published). Grey: within 10%.",
        x=0.06,
        ha="left",
    )
    return figure


def plot_column(column: Sequence[CellPoint], axes: Axes, colour: str, marker: str) -> None:
    """The points of one column around the diagonal; their names stand beside the axes, in the same order."""
    values = [value for point in column for value in (point.published, point.simulated)]
    low, high = min(values) / 1.12, max(values) * 1.12
    axes.set(xscale="log", yscale="log", xlim=(low, high), ylim=(low, high))
    axes.set_box_aspect(1)
    axes.plot([low, high], [low, high], color="0.55", linewidth=0.8, zorder=1)
    axes.fill_between(
        [low, high],
        [low / _BAND, high / _BAND],
        [low * _BAND, high * _BAND],
        color="0.92",
        linewidth=0,
        zorder=0,
    )
    axes.scatter(
        [point.published for point in column],
        [point.simulated for point in column],
        color=colour,
        marker=marker,
        s=26,
        zorder=3,
        edgecolor="white",
        linewidth=0.5,
    )
    _name_points(column, axes)
    _label_ticks(axes, low, high)
    axes.spines[["top", "right"]].set_visible(False)


def _name_points(column: Sequence[CellPoint], axes: Axes) -> None:
    """Names at equal distances on the right, each with a thin line to its point: they cannot overlap."""
    for index, point in enumerate(column):
        axes.annotate(
            point.label,
            xy=(point.published, point.simulated),
            xytext=(1.06, (index + 0.5) / len(column)),
            textcoords="axes fraction",
            va="center",
            fontsize=7.5,
            arrowprops={
                "arrowstyle": "-",
                "color": "0.7",
                "linewidth": 0.5,
                "shrinkA": 0,
                "shrinkB": 3,
                "relpos": (0, 0.5),
            },
            annotation_clip=False,
        )


def _label_ticks(axes: Axes, low: float, high: float) -> None:
    """Plain numbers (`1.5`, `6G`) rather than powers of ten."""
    unit = 1e9 if low > 1e6 else 1
    ticks = [tick * unit for tick in _TICKS if low <= tick * unit <= high]
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(FixedLocator(ticks))
        axis.set_minor_locator(NullLocator())
        axis.set_major_formatter(FuncFormatter(lambda value, _: plain(value)))
