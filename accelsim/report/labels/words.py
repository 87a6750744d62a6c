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
    sizes = [_drawn_points(words, font_size, resolution, bold) for resolution in {dpi, DPI}]
    return max(width for width, _ in sizes), max(height for _, height in sizes)


@cache
def _drawn_points(words: str, font_size: float | str, dpi: float, bold: bool) -> tuple[float, float]:
    figure = Figure((1, 1), dpi)
    text = Text(0, 0, words, fontsize=font_size, fontweight="bold" if bold else "normal", parse_math=False)
    text.set_figure(figure)
    canvas: Any = FigureCanvasAgg(figure)
    extent = text.get_window_extent(canvas.get_renderer())
    return extent.width * POINTS_PER_INCH / dpi, extent.height * POINTS_PER_INCH / dpi


def apart(middles: Sequence[float], widths: Sequence[float], low: float, high: float) -> list[float]:
    """Middles as near to these as can be, in this order, none on another, between low and high.

    The squares of what they are moved by have the least sum: of what touches, as of one word, the middle lies
    where those of its words would on average (isotonic regression by pooling adjacent violators). Where not
    all have room, the last of them reach beyond high.
    """
    # From each middle, how far it is from the first when all touch: less that, middles must not decrease.
    offsets = [0.0, *accumulate((width + next_width) / 2 for width, next_width in pairwise(widths))]
    pools: list[tuple[float, int]] = []  # sum and number of what touches; averages increase
    for middle, offset in zip(middles, offsets, strict=False):
        total, count = middle - offset, 1
        while pools and pools[-1][0] / pools[-1][1] > total / count:
            pool_total, pool_count = pools.pop()
            total, count = total + pool_total, count + pool_count
        pools.append((total, count))
    starts = [total / count for total, count in pools for _ in range(count)]
    first = low + widths[0] / 2 if widths else low
    last = high - offsets[-1] - widths[-1] / 2 if widths else high
    return [max(first, min(start, last)) + offset for start, offset in zip(starts, offsets, strict=False)]


def fitting(widths: Sequence[float], weights: Sequence[float], room: float) -> list[int]:
    """The indexes, in order, of those that fit beside each other: the heaviest where not all do."""
    indexes: list[int] = []
    for index in sorted(range(len(widths)), key=lambda index: (-weights[index], index)):
        if widths[index] <= room:
            indexes.append(index)
            room -= widths[index]
    return sorted(indexes)
