"""Time and utilisation of every layer, stage by stage: the per-layer figure of the SqueezeNext paper.

Bars have the colour of what bounds the layer, so that the figure says why and not only how much. The
colours are Okabe and Ito's, which colour-blind people can tell apart.
"""

import math
from collections.abc import Sequence, Set
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from matplotlib.axes import Axes
from matplotlib.figure import Figure, FigureBase
from matplotlib.patches import Patch

from accelsim.report.text import si
from accelsim.result import Bound, RunResult

COLOURS: Final[dict[Bound, str]] = {
    "compute": "#0072B2",
    "array_fill": "#E69F00",
    "dram": "#D55E00",
    "latency": "#999999",
    "vector": "#009E73",
}
INCHES_PER_RESULT: Final = 3.8
"""Height of a figure for each result in it, at a width of ten inches."""
_CUT: Final = 3.0
"""Bars longer than this many times the 95th percentile are cut, so that the others can be read."""
_NARROW: Final = 0.05
"""Part of the width below which the label of a stage is turned."""
_VALUE_GAP: Final = 0.06
"""Part of the width that the value of a bar that is cut takes."""
_TURNED_GAP: Final = 0.016
"""Part of the width that a turned label takes."""


@dataclass(frozen=True)
class LayerBar:
    """What the figure shows of one layer."""

    name: str
    stage: str
    time_us: float
    utilization: float
    bound_by: Bound


@dataclass(frozen=True)
class StageSpan:
    """Where a stage lies among the bars, and the part of the network's time that it takes."""

    name: str
    first: int
    last: int
    time_share: float


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


def stage_spans(bars: Sequence[LayerBar]) -> list[StageSpan]:
    """The stages that the bars belong to."""
    total = sum(bar.time_us for bar in bars)
    spans: list[StageSpan] = []
    for name, group in groupby(bars, lambda bar: bar.stage):
        members = list(group)
        first = spans[-1].last + 1 if spans else 0
        share = sum(bar.time_us for bar in members) / total
        spans.append(StageSpan(name, first, first + len(members) - 1, share))
    return spans


def time_limit(bars: Sequence[LayerBar]) -> float:
    """The time [µs] at which bars are cut: above the longest, unless it is many times longer than most."""
    times = sorted(bar.time_us for bar in bars)
    most = times[math.ceil(0.95 * len(times)) - 1]
    return 1.05 * times[-1] if times[-1] <= _CUT * most else _CUT * most


def plot_layers(results: Sequence[RunResult], figure: Figure) -> None:
    """Each result below the one before, times on one scale, utilisation below time."""
    everything = [bar for result in results for bar in layer_bars(result)]
    limit = time_limit(everything)
    grid = figure.add_gridspec(len(results) + 1, 1, height_ratios=[0.08, *[1.0] * len(results)])
    legend, *parts = (figure.add_subfigure(grid[row, 0]) for row in range(len(results) + 1))
    for result, part in zip(results, parts, strict=True):
        bars = layer_bars(result)
        above, below = part.subplots(2, 1, sharex=True, height_ratios=(3, 2))
        part.subplots_adjust(left=0.08, right=0.97, top=0.86, bottom=0.26, hspace=0.12)
        plot_layer_time(bars, above, limit)
        plot_layer_utilization(bars, below)
        above.set_title(title(result), loc="left", pad=16)
        label_stages(bars, below)
    add_legend({bar.bound_by for bar in everything}, legend)


def title(result: RunResult) -> str:
    """`sqnxt23v5 on 16x16_128k: 1.24 ms, 61% of the PE cycles multiply`."""
    share = f"{100 * result.utilization:.0f}%"
    return (
        f"{result.network} on {result.hardware}: {si(result.time_ms)} ms, {share} of the PE cycles multiply"
    )


def plot_layer_time(bars: Sequence[LayerBar], axes: Axes, limit: float) -> None:
    """Time of each layer, in the colour of what bounds it; a bar that is cut has its value beside it."""
    colours = [COLOURS[bar.bound_by] for bar in bars]
    axes.bar(range(len(bars)), [bar.time_us for bar in bars], width=0.85, color=colours)
    axes.set_ylim(0, limit)
    axes.set_ylabel("time [µs]")
    cut = [(index, bar) for index, bar in enumerate(bars) if bar.time_us > limit]
    places = _apart([float(index) for index, _ in cut], _VALUE_GAP * len(bars), len(bars) - 1)
    for place, (_, bar) in zip(places, cut, strict=True):
        axes.text(
            place,
            1.02,
            f"{si(bar.time_us)} µs",
            transform=axes.get_xaxis_transform(),
            ha="center",
            fontsize="small",
        )
    _dress(bars, axes)


def plot_layer_utilization(bars: Sequence[LayerBar], axes: Axes) -> None:
    """Multiply-accumulates of each layer per PE and cycle, in the colour of what bounds it."""
    colours = [COLOURS[bar.bound_by] for bar in bars]
    axes.bar(range(len(bars)), [100 * bar.utilization for bar in bars], width=0.85, color=colours)
    axes.set_ylim(0, 100)
    axes.set_yticks((0, 50, 100))
    axes.set_ylabel("utilization [%]")
    _dress(bars, axes)


def label_stages(bars: Sequence[LayerBar], axes: Axes) -> None:
    """Names of stages and their shares of the time, below the axes; those of narrow stages are turned."""
    spans = stage_spans(bars)
    wide = [span for span in spans if span.last - span.first + 1 > _NARROW * len(bars)]
    narrow = [span for span in spans if span not in wide]
    for span in wide:
        _label(axes, (span.first + span.last) / 2, f"{span.name}\n{span.time_share:.0%}", turned=False)
    wanted = [(span.first + span.last) / 2 for span in narrow]
    for span, position in zip(narrow, _apart(wanted, _TURNED_GAP * len(bars), 1.01 * len(bars)), strict=True):
        _label(axes, position, f"{span.name} {span.time_share:.0%}", turned=True)
    axes.set_xlabel("layers in running order, by stage, with the stage's share of the time", labelpad=30)


def _apart(wanted: Sequence[float], gap: float, most: float) -> list[float]:
    """Positions as wanted, but a gap apart, and none beyond the most if that can be."""
    places: list[float] = []
    for position in wanted:
        places.append(max(position, places[-1] + gap) if places else position)
    for index in reversed(range(len(places))):
        places[index] = min(places[index], most)
        most = places[index] - gap
    return places


def _label(axes: Axes, position: float, text: str, *, turned: bool) -> None:
    axes.text(
        position,
        -0.08,
        text,
        rotation=90 if turned else 0,
        transform=axes.get_xaxis_transform(),
        ha="center",
        va="top",
        fontsize="small",
    )


def add_legend(bounds: Set[Bound], figure: FigureBase) -> None:
    """What the colours mean, on one line."""
    handles = [Patch(alpha=0, label="bound by")]
    handles += [Patch(color=COLOURS[one], label=one.replace("_", " ")) for one in COLOURS if one in bounds]
    figure.legend(
        handles=handles,
        ncols=len(handles),
        loc="center",
        frameon=False,
        fontsize="small",
    )


def _dress(bars: Sequence[LayerBar], axes: Axes) -> None:
    """Every other stage shaded, no ticks between bars."""
    for span in stage_spans(bars)[1::2]:
        axes.axvspan(span.first - 0.5, span.last + 0.5, color="0.94", zorder=0)
    axes.set_xlim(-0.75, len(bars) - 0.25)
    axes.set_xticks([])
    axes.spines[["top", "right"]].set_visible(False)
