"""Time and utilization of every layer, stage by stage: the per-layer figure of the SqueezeNext paper.

Bars have the colour of what bounds the layer, so that the figure says why and not only how much.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from accelsim.report.plots.bands import band_legend, plot_bands
from accelsim.report.plots.stages import (
    Panel,
    StageSpan,
    label_cut,
    limits,
    stage_figure,
    stage_spans,
)
from accelsim.report.plots.style import BOUND_COLOURS, run_name
from accelsim.report.text.table import si
from accelsim.report.text.words import bound_name, common_off_chip_word
from accelsim.report.values.cascades import CascadeOfRun, cascades_of
from accelsim.result import Bound, RunResult


@dataclass(frozen=True)
class LayerBar:
    """What the figure shows of one layer."""

    name: str
    stage: str
    time_us: float
    utilization: float
    bound_by: Bound


def layer_bars(result: RunResult) -> list[LayerBar]:
    """The bars of a run, in running order."""
    return [
        LayerBar(
            layer.name,
            layer.stage,
            layer.cycles / result.clock_mhz,
            layer.utilization,
            layer.bound_by,
        )
        for layer in result.layers
    ]


def layer_spans(bars: Sequence[LayerBar]) -> list[StageSpan]:
    """The stages that the bars belong to, with the part of the network's time that each takes."""
    return stage_spans((bar.stage, bar.time_us) for bar in bars)


def layers_figure(results: Sequence[RunResult]) -> Figure:
    """Time and utilization of every layer, as `accelsim plot layers` draws them.

    Args:
        results: Runs, each a panel below the one before; on one scale where that can be read.

    Returns:
        A figure with axes of time and of utilization for each run.

    Example:
        >>> from accelsim import run_network
        >>> result = run_network("mobilenet_v1@width=0.25,resolution=128", "16x16_128k")
        >>> [axes.get_ylabel() for axes in layers_figure([result]).axes]
        ['time [µs]', 'utilization [%]']
    """
    bars = [layer_bars(result) for result in results]
    all_bars = [bar for of_result in bars for bar in of_result]
    cuts = limits([[bar.time_us for bar in of_result] for of_result in bars])
    panels = [
        Panel(
            title(result),
            layer_spans(of_result),
            "time",
            partial(_draw, of_result, limit, cascades_of(result.layers)),
        )
        for result, of_result, limit in zip(results, bars, cuts, strict=True)
    ]
    bounds = {bar.bound_by for bar in all_bars if bar.time_us or bar.utilization}
    off_chip = common_off_chip_word(result.off_chip for result in results)
    legend: list[Artist] = [Patch(alpha=0, label="bound by")]
    legend += [
        Patch(color=colour, label=bound_name(bound, off_chip))
        for bound, colour in BOUND_COLOURS.items()
        if bound in bounds
    ]
    legend += band_legend([cascades_of(result.layers) for result in results])
    return stage_figure(panels, legend, rows_inches=(1.6, 1.05))


def _draw(
    bars: Sequence[LayerBar], limit: float, cascades: Sequence[CascadeOfRun], axes: Sequence[Axes]
) -> None:
    above, below = axes
    plot_bands(cascades, axes)
    plot_layer_time(bars, above, limit)
    plot_layer_utilization(bars, below)


def title(result: RunResult) -> str:
    """`Layers of sqnxt23v5 on 16x16_128k: 1.24 ms, 61% of the PE cycles multiply`."""
    share = f"{100 * result.utilization:.0f}%"
    return f"Layers of {run_name(result)}: {si(result.time_ms)} ms, {share} of the PE cycles multiply"


def plot_layer_time(bars: Sequence[LayerBar], axes: Axes, limit: float) -> None:
    """Time of each layer, in the colour of what bounds it; a bar that is cut has its value beside it."""
    colours = [BOUND_COLOURS[bar.bound_by] for bar in bars]
    axes.bar(range(len(bars)), [bar.time_us for bar in bars], width=0.85, color=colours)
    axes.set_ylim(0, limit)
    axes.set_ylabel("time [µs]")
    label_cut([bar.time_us for bar in bars], limit, _time, axes)


def plot_layer_utilization(bars: Sequence[LayerBar], axes: Axes) -> None:
    """Multiply-accumulates of each layer per PE and cycle, in the colour of what bounds it."""
    colours = [BOUND_COLOURS[bar.bound_by] for bar in bars]
    axes.bar(range(len(bars)), [100 * bar.utilization for bar in bars], width=0.85, color=colours)
    axes.set_ylim(0, 100)
    axes.set_yticks((0, 50, 100))
    axes.set_ylabel("utilization [%]")


def _time(time_us: float) -> str:
    """`341 µs`, `1.24 ms`."""
    return f"{si(time_us)} µs" if time_us < 1000 else f"{si(time_us / 1000)} ms"
