"""Simulated against measured: every figure of a machine, and below it how far off each is.

Logarithmic axes, so that a point's distance from the diagonal is its error, ln(simulated / measured). Series
differ by colour and by marker.
"""

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from accelsim.report.plots.style import BLUE, GREEN, PURPLE, VERMILION, plain
from accelsim.validation.log_errors import MeasuredFigure

_STYLES: Final = ((BLUE, "o"), (VERMILION, "s"), (GREEN, "^"), (PURPLE, "D"))
"""Colour and marker of each series of a panel."""
_WITHIN: Final = 0.1
"""What the grey band shows: simulated values within 10 % of the measured ones."""
_DECADE: Final = 10
PANEL_INCHES: Final = (3.7, 5.8)


class MeasuredPanel(NamedTuple):
    """One quantity of one machine.

    Attributes:
        title: Above the panel.
        axis: What the figures are, with their unit.
        series: Figures by what they are told apart by, four at most.

    Example:
        >>> panel = MeasuredPanel("time", "time [ms]", {"AlexNet": [MeasuredFigure("CONV1", 16.5, 16.0)]})
        >>> len(measured_figure([panel]).axes)
        2
    """

    title: str
    axis: str
    series: Mapping[str, Sequence[MeasuredFigure]]


def measured_figure(panels: Sequence[MeasuredPanel]) -> Figure:
    """Panels side by side, each a scatter with its residuals below.

    Args:
        panels: One at least.

    Returns:
        A figure.

    Example:
        >>> figures = [MeasuredFigure("a", 1.0, 1.1), MeasuredFigure("b", 2.0, 1.9)]
        >>> figure = measured_figure([MeasuredPanel("chip: time", "time [ms]", {"layers": figures})])
        >>> [axes.get_ylabel() for axes in figure.axes]
        ['simulated', 'ln(simulated / measured)']
    """
    width, height = PANEL_INCHES
    figure = Figure(figsize=(width * len(panels), height), layout="constrained")
    grid = figure.subplots(2, len(panels), squeeze=False, height_ratios=(3, 1.5))
    for panel, scatter, residuals in zip(panels, *grid, strict=True):
        _plot_panel(panel, scatter, residuals)
    return figure


def _plot_panel(panel: MeasuredPanel, scatter: Axes, residuals: Axes) -> None:
    figures = [figure for series in panel.series.values() for figure in series]
    values = [value for figure in figures for value in (figure.measured, figure.simulated)]
    low, high = min(values) / 1.3, max(values) * 1.3
    scatter.set(xscale="log", yscale="log", xlim=(low, high), ylim=(low, high), ylabel="simulated")
    scatter.plot([low, high], [low, high], color="0.55", linewidth=0.8, zorder=1)
    band = 1 + _WITHIN
    scatter.fill_between(
        [low, high], [low / band, high / band], [low * band, high * band], color="0.9", linewidth=0, zorder=0
    )
    residuals.set(xscale="log", xlim=(low, high), xlabel=f"measured {panel.axis}")
    residuals.set_ylabel("ln(simulated / measured)")
    residuals.axhspan(-_WITHIN, _WITHIN, color="0.9", linewidth=0, zorder=0)
    residuals.axhline(0, color="0.55", linewidth=0.8, zorder=1)
    for (name, series), (colour, marker) in zip(panel.series.items(), _STYLES, strict=False):
        if not series:
            continue
        measured = [figure.measured for figure in series]
        simulated = [figure.simulated for figure in series]
        errors = [figure.log_error for figure in series]
        for axes, values_of in ((scatter, simulated), (residuals, errors)):
            axes.scatter(
                measured,
                values_of,
                label=name,
                color=colour,
                marker=marker,
                s=22,
                zorder=3,
                edgecolor="white",
                linewidth=0.4,
            )
    scatter.set_title(panel.title, loc="left", fontsize="medium")
    scatter.legend(loc="upper left", frameon=False, fontsize="small")
    axes_with_values = (scatter.xaxis, scatter.yaxis, residuals.xaxis)
    for axis in axes_with_values:
        axis.set_major_formatter(FuncFormatter(lambda value, _: plain(value)))
        if high / low < _DECADE:  # else there are labels enough
            axis.set_minor_formatter(FuncFormatter(lambda value, _: plain(value)))
    for axes in (scatter, residuals):
        axes.spines[["top", "right"]].set_visible(False)
