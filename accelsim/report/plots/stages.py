"""Bars for the layers of a network, by stage: what the figures that show every layer have in common."""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from accelsim.report.labels.geometry import DPI, POINTS_PER_INCH
from accelsim.report.labels.words import apart, fitting, size_points
from accelsim.report.plots.style import set_title

WIDTH_INCHES: Final = 10.0
_CUT: Final = 3.0
"""Bars longer than this many times the 95th percentile are cut, so that the others can be read."""
_ONE_SCALE: Final = 4.0
"""Panels whose scales differ by more than this factor have a scale each."""
_LEFT: Final = 0.08
_RIGHT: Final = 0.97
_LEGEND_INCHES: Final = 0.3
_LEGEND_LINE_INCHES: Final = 0.18
_LEGEND_HANDLE_POINTS: Final = 42.0
"""Of a legend, beside its words: of each entry its colour, and what stays free."""
_TITLE_INCHES: Final = 0.5
_ROW_GAP_INCHES: Final = 0.15
_AXIS_LABEL_INCHES: Final = 0.3
_LABEL_OFFSET_INCHES: Final = 0.1
_OVERHANG_INCHES: Final = 0.15
"""How far labels of stages may reach beyond the ends of the axes."""
_FONT: Final = "small"
_BESIDE_POINTS: Final = 4.0
"""What stays free between two labels."""
_BEFORE: Final = 0.75
"""Where the axes begin before the middle of the first bar, and end after that of the last, in bars."""


@dataclass(frozen=True)
class StageSpan:
    """Where a stage lies among the bars, and its share of what the bars show."""

    name: str
    first: int
    last: int
    share: float


@dataclass(frozen=True)
class StageLabel:
    """What stands below the bars of a stage, and where its middle is, in bars."""

    words: str
    middle: float
    turned: bool


@dataclass(frozen=True)
class Panel:
    """One result of a figure: how to draw its bars on axes above each other, and what the axis says."""

    title: str
    spans: Sequence[StageSpan]
    quantity: str
    """What the shares of the stages are of."""
    draw: Callable[[Sequence[Axes]], None]


def stage_spans(bars: Iterable[tuple[str, float]]) -> list[StageSpan]:
    """The stages of bars, each given as its stage and the value that the shares are of."""
    values_by_stage = list(bars)
    total = sum(value for _, value in values_by_stage) or 1
    spans: list[StageSpan] = []
    for name, group in groupby(values_by_stage, lambda bar: bar[0]):
        values = [value for _, value in group]
        first = spans[-1].last + 1 if spans else 0
        spans.append(StageSpan(name, first, first + len(values) - 1, sum(values) / total))
    return spans


def cut_limit(values: Iterable[float]) -> float:
    """Where bars are cut: above the longest, unless it is many times longer than most."""
    ordered = sorted(values)
    typical = ordered[math.ceil(0.95 * len(ordered)) - 1]
    if typical <= 0 or ordered[-1] <= _CUT * typical:
        return 1.05 * ordered[-1] or 1.0
    return _CUT * typical


def limits(panels: Sequence[Sequence[float]]) -> list[float]:
    """Where the bars of each panel are cut: at one height, to compare them, if all can be read then."""
    limits_by_panel = [cut_limit(values) for values in panels]
    shared = cut_limit(value for values in panels for value in values)
    one_scale = max(limits_by_panel) <= _ONE_SCALE * min(limits_by_panel)
    return [shared] * len(panels) if one_scale else limits_by_panel


def stage_figure(panels: Sequence[Panel], legend: Sequence[Artist], rows_inches: Sequence[float]) -> Figure:
    """A legend, and below it each panel, with axes of these heights above each other."""
    labels = [stage_labels(panel.spans) for panel in panels]
    below = [_labels_inches(of_panel) + _AXIS_LABEL_INCHES for of_panel in labels]
    inner = sum(rows_inches) + _ROW_GAP_INCHES * (len(rows_inches) - 1)
    heights = [_TITLE_INCHES + inner + height for height in below]
    lines = _legend_lines(legend)
    head = _LEGEND_INCHES + (lines - 1) * _LEGEND_LINE_INCHES
    figure = Figure(figsize=(WIDTH_INCHES, head + sum(heights)))
    grid = figure.add_gridspec(len(panels) + 1, 1, height_ratios=[head, *heights], hspace=0)
    figure.add_subfigure(grid[0, 0]).legend(
        handles=legend, ncols=-(-len(legend) // lines), loc="center", frameon=False, fontsize="small"
    )
    for row, panel in enumerate(panels):
        part = figure.add_subfigure(grid[row + 1, 0])
        axes = list(
            part.subplots(len(rows_inches), 1, sharex=True, height_ratios=rows_inches, squeeze=False)[:, 0]
        )
        part.subplots_adjust(
            left=_LEFT,
            right=_RIGHT,
            top=1 - _TITLE_INCHES / heights[row],
            bottom=below[row] / heights[row],
            hspace=_ROW_GAP_INCHES * len(rows_inches) / sum(rows_inches),
        )
        panel.draw(axes)
        for row_axes in axes:
            _dress(panel.spans, row_axes)
        set_title(panel.title, axes[0], pad=16)
        _write(labels[row], panel.quantity, axes[-1])
    return figure


def _legend_lines(legend: Sequence[Artist]) -> int:
    """On how many lines a legend has room."""
    points = sum([_width_points(str(entry.get_label()), DPI) + _LEGEND_HANDLE_POINTS for entry in legend])
    return max(1, math.ceil(points / (WIDTH_INCHES * POINTS_PER_INCH)))


def label_cut(values: Sequence[float], limit: float, text: Callable[[float], str], axes: Axes) -> None:
    """Write the value of each bar that is cut above it; of the largest, where there is no room for all."""
    bars = len(values) - 1 + 2 * _BEFORE
    bars_per_point = bars / _inches(axes) / POINTS_PER_INCH
    cut = [(index, text(value)) for index, value in enumerate(values) if value > limit]
    widths = [(_width_points(words, axes.figure.dpi) + _BESIDE_POINTS) * bars_per_point for _, words in cut]
    fitting_labels = fitting(widths, [values[index] for index, _ in cut], bars)
    middles = apart(
        [cut[index][0] for index in fitting_labels],
        [widths[index] for index in fitting_labels],
        -_BEFORE,
        len(values) - 1 + _BEFORE,
    )
    for index, middle in zip(fitting_labels, middles, strict=True):
        across = axes.get_xaxis_transform()
        axes.text(middle, 1.02, cut[index][1], transform=across, ha="center", fontsize=_FONT)


def stage_labels(spans: Sequence[StageSpan]) -> list[StageLabel]:
    """The name of each stage and its share, below its bars.

    Those that have no room there are turned, and so are those that turned ones push away from their bars.
    Where even turned ones have no room beside each other, stages with the smallest shares have no label.
    """
    bars = spans[-1].last + 2 * _BEFORE
    bars_per_point = bars / (WIDTH_INCHES * (_RIGHT - _LEFT)) / POINTS_PER_INCH
    overhang = _OVERHANG_INCHES * POINTS_PER_INCH * bars_per_point
    gap = _BESIDE_POINTS * bars_per_point
    turned_width = size_points("stage", _FONT, DPI)[1] * bars_per_point + gap / 2
    fitting_labels = fitting([turned_width] * len(spans), [span.share for span in spans], bars + 2 * overhang)
    named = [spans[index] for index in fitting_labels]
    flat_widths = [_width_points(_flat(span), DPI) * bars_per_point + gap for span in named]
    middles = [(span.first + span.last) / 2 for span in named]
    turned = {
        index
        for index, (span, width) in enumerate(zip(named, flat_widths, strict=True))
        if width > span.last - span.first + 1
    }
    # What is turned stays so, and each round turns one more: the loop ends, at the latest when all are.
    while True:
        widths = [turned_width if index in turned else width for index, width in enumerate(flat_widths)]
        positions = apart(middles, widths, -_BEFORE - overhang, spans[-1].last + _BEFORE + overhang)
        outside = [
            index
            for index, (span, position, width) in enumerate(zip(named, positions, widths, strict=True))
            if index not in turned
            and not span.first - 0.5 <= position - width / 2 <= position + width / 2 <= span.last + 0.5
        ]
        if not outside:
            break
        turned.add(max(outside, key=lambda index: abs(positions[index] - middles[index])))
    return [
        StageLabel(_turned(span) if index in turned else _flat(span), position, index in turned)
        for index, (span, position) in enumerate(zip(named, positions, strict=True))
    ]


def _flat(span: StageSpan) -> str:
    return f"{span.name}\n{span.share:.0%}"


def _turned(span: StageSpan) -> str:
    return f"{span.name} {span.share:.0%}"


def _width_points(words: str, dpi: float) -> float:
    return size_points(words, _FONT, dpi)[0]


def _inches(axes: Axes) -> float:
    return float(axes.bbox.width) / float(axes.figure.dpi)


def _labels_inches(labels: Sequence[StageLabel]) -> float:
    """What the names of stages take below the axes."""
    heights = [size_points(label.words, _FONT, DPI)[0 if label.turned else 1] for label in labels]
    return _LABEL_OFFSET_INCHES + (max(heights) + _BESIDE_POINTS) / POINTS_PER_INCH


def _write(labels: Sequence[StageLabel], quantity: str, axes: Axes) -> None:
    for label in labels:
        axes.annotate(
            label.words,
            xy=(label.middle, 0),
            xycoords=axes.get_xaxis_transform(),
            xytext=(0, -POINTS_PER_INCH * _LABEL_OFFSET_INCHES),
            textcoords="offset points",
            rotation=90 if label.turned else 0,
            ha="center",
            va="top",
            fontsize=_FONT,
            annotation_clip=False,
            parse_math=False,
        )
    axes.set_xlabel(
        f"layers in running order, by stage, with the stage's share of the {quantity}",
        labelpad=POINTS_PER_INCH * _labels_inches(labels),
    )


def _dress(spans: Sequence[StageSpan], axes: Axes) -> None:
    """Every other stage shaded, no ticks between bars."""
    for span in spans[1::2]:
        axes.axvspan(span.first - 0.5, span.last + 0.5, color="0.94", zorder=0)
    axes.set_xlim(-_BEFORE, spans[-1].last + _BEFORE)
    axes.set_xticks([])
    axes.spines[["top", "right"]].set_visible(False)
