"""How much room words take in a figure, and where words beside each other go."""

from collections.abc import Sequence
from functools import cache
from itertools import accumulate, pairwise
from typing import Any

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text

from accelsim.report.labels.geometry import DPI, POINTS_PER_INCH


def size_points(words: str, font_size: float | str, dpi: float, *, bold: bool = False) -> tuple[float, float]:
    """Width and height of words, on the screen or in a file, wherever they are larger.

    At each resolution letters are fitted to its pixels.
    """
    sizes = [_drawn_points(words, font_size, one, bold) for one in {dpi, DPI}]
    return max(width for width, _ in sizes), max(height for _, height in sizes)


@cache
def _drawn_points(words: str, font_size: float | str, dpi: float, bold: bool) -> tuple[float, float]:
    figure = Figure((1, 1), dpi)
    text = Text(0, 0, words, fontsize=font_size, fontweight="bold" if bold else "normal", parse_math=False)
    text.set_figure(figure)
    canvas: Any = FigureCanvasAgg(figure)
    extent = text.get_window_extent(canvas.get_renderer())
    return extent.width * POINTS_PER_INCH / dpi, extent.height * POINTS_PER_INCH / dpi


def apart(wanted: Sequence[float], widths: Sequence[float], least: float, most: float) -> list[float]:
    """Middles as near to the wanted ones as can be, in this order, none on another, between least and most.

    The squares of what they are moved by have the least sum: of what touches, as of one thing, the middle
    lies where it is wanted on average (isotonic regression by pooling adjacent violators). Where not all have
    room, the last of them reach beyond most.
    """
    offsets = [0.0, *accumulate((one + other) / 2 for one, other in pairwise(widths))]
    pools: list[tuple[float, int]] = []
    for position, offset in zip(wanted, offsets, strict=False):
        total, count = position - offset, 1
        while pools and pools[-1][0] / pools[-1][1] > total / count:
            more, of = pools.pop()
            total, count = total + more, count + of
        pools.append((total, count))
    starts = [total / count for total, count in pools for _ in range(count)]
    first = least + widths[0] / 2 if widths else least
    last = most - offsets[-1] - widths[-1] / 2 if widths else most
    return [max(first, min(start, last)) + offset for start, offset in zip(starts, offsets, strict=False)]


def fitting(widths: Sequence[float], weights: Sequence[float], room: float) -> list[int]:
    """The places, in order, of those that are kept where not all fit beside each other: the heaviest."""
    kept: list[int] = []
    for index in sorted(range(len(widths)), key=lambda one: (-weights[one], one)):
        if widths[index] <= room:
            kept.append(index)
            room -= widths[index]
    return sorted(kept)
