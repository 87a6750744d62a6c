"""Bars for the layers of a network, by stage: what the figures that show every layer have in common."""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from accelsim.report.plot_looks import set_title

WIDTH_INCHES: Final = 10.0
_CUT: Final = 3.0
"""Bars longer than this many times the 95th percentile are cut, so that the others can be read."""
_ONE_SCALE: Final = 4.0
"""Panels whose scales differ by more than this factor have a scale each."""
_POINTS_PER_INCH: Final = 72
_LEGEND_INCHES: Final = 0.3
_TITLE_INCHES: Final = 0.5
_ROW_GAP_INCHES: Final = 0.15
_AXIS_LABEL_INCHES: Final = 0.3
_TWO_LINES_INCHES: Final = 0.4
_LABEL_OFFSET_INCHES: Final = 0.1
_CHARACTER_INCHES: Final = 0.073
_CHARACTER: Final = 0.0088
"""Part of the width that a character of a label takes, at a width of ten inches."""
_LABEL_GAP: Final = 0.012
"""Part of the width that stays free beside a label."""
_TURNED_GAP: Final = 0.016
"""Part of the width that a turned label takes."""


@dataclass(frozen=True)
class StageSpan:
    """Where a stage lies among the bars, and its share of what the bars show."""

    name: str
    first: int
    last: int
    share: float


@dataclass(frozen=True)
class Panel:
    """One result of a figure: how to draw its bars on axes above each other, and what the axis says."""

    title: str
    spans: Sequence[StageSpan]
    what: str
    """What the shares of the stages are of."""
    draw: Callable[[Sequence[Axes]], None]


def stage_spans(bars: Iterable[tuple[str, float]]) -> list[StageSpan]:
    """The stages of bars, each given as its stage and the value that the shares are of."""
    everything = list(bars)
    total = sum(value for _, value in everything) or 1
    spans: list[StageSpan] = []
    for name, group in groupby(everything, lambda bar: bar[0]):
        values = [value for _, value in group]
        first = spans[-1].last + 1 if spans else 0
        spans.append(StageSpan(name, first, first + len(values) - 1, sum(values) / total))
    return spans


def cut_limit(values: Iterable[float]) -> float:
    """Where bars are cut: above the longest, unless it is many times longer than most."""
    ordered = sorted(values)
    most = ordered[math.ceil(0.95 * len(ordered)) - 1]
    if most <= 0 or ordered[-1] <= _CUT * most:
        return 1.05 * ordered[-1] or 1.0
    return _CUT * most


def limits(panels: Sequence[Sequence[float]]) -> list[float]:
    """Where the bars of each panel are cut: at one height, to compare them, if all can be read then."""
    own = [cut_limit(values) for values in panels]
    shared = cut_limit(value for values in panels for value in values)
    return [shared] * len(panels) if max(own) <= _ONE_SCALE * min(own) else own


def stage_figure(panels: Sequence[Panel], legend: Sequence[Artist], rows_inches: Sequence[float]) -> Figure:
    """A legend, and below it each panel, with axes of these heights above each other."""
    below = [_labels_inches(panel.spans) + _AXIS_LABEL_INCHES for panel in panels]
    inner = sum(rows_inches) + _ROW_GAP_INCHES * (len(rows_inches) - 1)
    heights = [_TITLE_INCHES + inner + one for one in below]
    figure = Figure(figsize=(WIDTH_INCHES, _LEGEND_INCHES + sum(heights)))
    grid = figure.add_gridspec(len(panels) + 1, 1, height_ratios=[_LEGEND_INCHES, *heights], hspace=0)
    figure.add_subfigure(grid[0, 0]).legend(
        handles=legend, ncols=len(legend), loc="center", frameon=False, fontsize="small"
    )
    for row, panel in enumerate(panels):
        part = figure.add_subfigure(grid[row + 1, 0])
        axes = list(
            part.subplots(len(rows_inches), 1, sharex=True, height_ratios=rows_inches, squeeze=False)[:, 0]
        )
        part.subplots_adjust(
            left=0.08,
            right=0.97,
            top=1 - _TITLE_INCHES / heights[row],
            bottom=below[row] / heights[row],
            hspace=_ROW_GAP_INCHES * len(rows_inches) / sum(rows_inches),
        )
        panel.draw(axes)
        for one in axes:
            _dress(panel.spans, one)
        set_title(panel.title, axes[0], pad=16)
        label_stages(panel.spans, panel.what, axes[-1])
    return figure


def label_cut(values: Sequence[float], limit: float, text: Callable[[float], str], axes: Axes) -> None:
    """Write the value of each bar that is cut above it."""
    cut = [(index, text(value)) for index, value in enumerate(values) if value > limit]
    gap = (max((len(words) for _, words in cut), default=0) * _CHARACTER) * len(values)
    places = apart([float(index) for index, _ in cut], gap, len(values) - 1)
    for place, (_, words) in zip(places, cut, strict=True):
        axes.text(place, 1.02, words, transform=axes.get_xaxis_transform(), ha="center", fontsize="small")


def label_stages(spans: Sequence[StageSpan], what: str, axes: Axes) -> None:
    """Names of stages and their shares below the axes; those of narrow stages are turned."""
    bars = spans[-1].last + 1
    narrow = _narrow(spans)
    for span in spans:
        if span not in narrow:
            _label(axes, (span.first + span.last) / 2, f"{span.name}\n{span.share:.0%}", turned=False)
    wanted = [(span.first + span.last) / 2 for span in narrow]
    for span, position in zip(narrow, apart(wanted, _TURNED_GAP * bars, 1.01 * bars), strict=True):
        _label(axes, position, f"{span.name} {span.share:.0%}", turned=True)
    axes.set_xlabel(
        f"layers in running order, by stage, with the stage's share of the {what}",
        labelpad=_POINTS_PER_INCH * _labels_inches(spans),
    )


def _labels_inches(spans: Sequence[StageSpan]) -> float:
    """What the names of stages take below the axes."""
    longest = max((len(f"{span.name} {span.share:.0%}") for span in _narrow(spans)), default=0)
    return max(_TWO_LINES_INCHES, _LABEL_OFFSET_INCHES + _CHARACTER_INCHES * longest)


def _narrow(spans: Sequence[StageSpan]) -> list[StageSpan]:
    """Stages with less room than their names take."""
    bars = spans[-1].last + 1
    return [
        span
        for span in spans
        if (span.last - span.first + 1) / bars < len(span.name) * _CHARACTER + _LABEL_GAP
    ]


def apart(wanted: Sequence[float], gap: float, most: float) -> list[float]:
    """Positions as wanted, but a gap apart, and none beyond the most if that can be."""
    places: list[float] = []
    for position in wanted:
        places.append(max(position, places[-1] + gap) if places else position)
    for index in reversed(range(len(places))):
        places[index] = min(places[index], most)
        most = places[index] - gap
    return places


def _label(axes: Axes, position: float, text: str, *, turned: bool) -> None:
    axes.annotate(
        text,
        xy=(position, 0),
        xycoords=axes.get_xaxis_transform(),
        xytext=(0, -_POINTS_PER_INCH * _LABEL_OFFSET_INCHES),
        textcoords="offset points",
        rotation=90 if turned else 0,
        ha="center",
        va="top",
        fontsize="small",
        annotation_clip=False,
    )


def _dress(spans: Sequence[StageSpan], axes: Axes) -> None:
    """Every other stage shaded, no ticks between bars."""
    for span in spans[1::2]:
        axes.axvspan(span.first - 0.5, span.last + 0.5, color="0.94", zorder=0)
    axes.set_xlim(-0.75, spans[-1].last + 0.75)
    axes.set_xticks([])
    axes.spines[["top", "right"]].set_visible(False)
