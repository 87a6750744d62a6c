"""DRAM traffic of every layer against the compulsory minimum: every operand and output once.

What stands above the line was moved more than once, because the tiles did not fit the buffer, or for nothing,
in bursts that are not of use as a whole; below, how many times the minimum that is.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from accelsim.report.plots.stages import Panel, label_cut, limits, stage_figure, stage_spans
from accelsim.report.plots.style import BLUE, GREY, ORANGE, ROUND_STEPS, VERMILION, plain, run_name
from accelsim.report.text.table import quantity, ratio
from accelsim.report.text.words import off_chip_word
from accelsim.result import RunResult

_SCALE: Final = 2.0
"""How many times the minimum can be seen at least, so that a small excess looks small."""
_CLEAR: Final = 0.75
"""Of the step between ticks, what lies at least between 1 and the next."""


@dataclass(frozen=True)
class TrafficBar:
    """One layer's bytes from and to DRAM, and the least that any schedule of it moves."""

    name: str
    stage: str
    read_bytes: int
    write_bytes: int
    compulsory_bytes: int
    beside_bytes: int = 0
    """Of whole bursts, what is of no use."""

    @property
    def total_bytes(self) -> int:
        """Both ways, as it moves."""
        return self.read_bytes + self.write_bytes + self.beside_bytes

    @property
    def times_compulsory(self) -> float:
        """What is moved, as a multiple of the minimum; 1 where nothing has to be."""
        return self.total_bytes / self.compulsory_bytes if self.compulsory_bytes else 1.0


def traffic_bars(result: RunResult) -> list[TrafficBar]:
    """A bar for each layer, in running order."""
    return [
        TrafficBar(
            layer.name,
            layer.stage,
            layer.dram_bytes.read,
            layer.dram_bytes.write,
            layer.compulsory_dram_bytes,
            sum([sum(layer.memories[name].beside_bytes.values()) for name in result.off_chip]),
        )
        for layer in result.layers
    ]


def traffic_figure(results: Sequence[RunResult]) -> Figure:
    """DRAM traffic of every layer, as `accelsim plot traffic` draws it.

    Args:
        results: Runs, each a panel below the one before; on one scale where that can be read.

    Returns:
        A figure with axes of bytes and of multiples of the minimum for each run.

    Example:
        >>> from accelsim import run_network
        >>> result = run_network("mobilenet_v1@width=0.25,resolution=128", "16x16_128k")
        >>> [axes.get_ylabel() for axes in traffic_figure([result]).axes]
        ['DRAM traffic [byte]', 'x minimum']
    """
    bars = [traffic_bars(result) for result in results]
    cuts = limits([[bar.total_bytes for bar in of_result] for of_result in bars])
    largest_excess = max(_SCALE, *(bar.times_compulsory for of_result in bars for bar in of_result))
    panels = [
        Panel(
            traffic_title(result, of_result),
            stage_spans((bar.stage, bar.total_bytes) for bar in of_result),
            "traffic",
            partial(_draw, of_result, limit, largest_excess, off_chip_word(result.off_chip)),
        )
        for result, of_result, limit in zip(results, bars, cuts, strict=True)
    ]
    return stage_figure(panels, _legend([bar for of_result in bars for bar in of_result]), (1.9, 1.05))


def _legend(bars: Sequence[TrafficBar]) -> list[Artist]:
    """What the parts of these bars mean, of those that they have."""
    parts = (
        (BLUE, "read", any(bar.read_bytes for bar in bars)),
        (ORANGE, "written", any(bar.write_bytes for bar in bars)),
        (GREY, "bursts, of no use", any(bar.beside_bytes for bar in bars)),
    )
    patches = [Patch(color=colour, label=words) for colour, words, is_drawn in parts if is_drawn]
    least = Line2D([], [], color="black", linewidth=1.0, label="compulsory: every operand and output once")
    return [*patches, least]


def traffic_title(result: RunResult, bars: Sequence[TrafficBar]) -> str:
    """`DRAM traffic of sqnxt23v5 on 16x16_128k: 14.0 MB, 1.05 times the compulsory 13.4 MB`."""
    total, least = sum(bar.total_bytes for bar in bars), sum(bar.compulsory_bytes for bar in bars)
    times = f", {ratio(total / least)} times the compulsory {quantity(least, 'B')}" if least else ""
    return f"{off_chip_word(result.off_chip)} traffic of {run_name(result)}: {quantity(total, 'B')}{times}"


def _draw(
    bars: Sequence[TrafficBar], limit: float, largest_excess: float, off_chip: str, axes: Sequence[Axes]
) -> None:
    above, below = axes
    plot_traffic(bars, above, limit, off_chip)
    plot_excess(bars, below, largest_excess)


def plot_traffic(bars: Sequence[TrafficBar], axes: Axes, limit: float, off_chip: str) -> None:
    """Read below written, and across each bar the compulsory minimum; a bar that is cut has its value."""
    indexes = range(len(bars))
    reads = [bar.read_bytes for bar in bars]
    axes.bar(indexes, reads, width=0.85, color=BLUE)
    axes.bar(indexes, [bar.write_bytes for bar in bars], bottom=reads, width=0.85, color=ORANGE)
    if any(bar.beside_bytes for bar in bars):
        of_use = [bar.read_bytes + bar.write_bytes for bar in bars]
        axes.bar(indexes, [bar.beside_bytes for bar in bars], bottom=of_use, width=0.85, color=GREY)
    axes.hlines(
        [bar.compulsory_bytes for bar in bars],
        [index - 0.5 for index in indexes],
        [index + 0.5 for index in indexes],
        color="black",
        linewidth=1.0,
    )
    axes.set_ylim(0, limit)
    axes.yaxis.set_major_formatter(lambda value, _: plain(value))
    axes.set_ylabel(f"{off_chip} traffic [byte]")
    label_cut([bar.total_bytes for bar in bars], limit, lambda size: quantity(size, "B"), axes)


def plot_excess(bars: Sequence[TrafficBar], axes: Axes, largest_excess: float) -> None:
    """Each layer's traffic as a multiple of the compulsory minimum, from 1 upwards."""
    axes.bar(
        range(len(bars)), [bar.times_compulsory - 1 for bar in bars], bottom=1, width=0.85, color=VERMILION
    )
    axes.set_ylim(1, 1.05 * largest_excess)
    ticks = MaxNLocator(4, steps=ROUND_STEPS).tick_values(1, largest_excess)
    clear_of_one = 1 + _CLEAR * (ticks[1] - ticks[0])
    axes.set_yticks([1, *(tick for tick in ticks if clear_of_one <= tick <= 1.05 * largest_excess)])
    axes.yaxis.set_major_formatter(lambda value, _: plain(value))
    axes.set_ylabel("x minimum")
