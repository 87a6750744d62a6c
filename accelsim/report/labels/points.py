"""Labels beside the points of a scatter plot, with a thin line to those that are not next to theirs."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from matplotlib.axes import Axes
from matplotlib.transforms import BboxBase

from accelsim.report.labels.geometry import POINTS_PER_INCH
from accelsim.report.labels.placement import Box, Disc, Label, LabelPosition, Surroundings, place_first
from accelsim.report.labels.words import size_points

_GAP_POINTS: Final = 1.5
_MARGIN_POINTS: Final = 1.5
"""What stays free on the left and on the right of a label."""
_ABOVE_POINTS: Final = 0.25
_LINE_COLOUR: Final = "0.5"


@dataclass(frozen=True)
class Marker:
    """A point in the units of the axes, and how far the marker there reaches.

    Example:
        >>> Marker(0.5, 0.5, radius_points=3.0).x
        0.5
    """

    x: float
    """Across."""
    y: float
    """Up."""
    radius_points: float
    """From the middle to the furthest corner, in points of a page."""


@dataclass(frozen=True)
class LabelledMarker(Marker):
    """A marker, and what to write beside it.

    Example:
        >>> LabelledMarker(0.5, 0.5, 3.0, "sqnxt23v5", bold=True).name
        'sqnxt23v5'
    """

    name: str
    """The text of the label."""
    bold: bool = False
    """Whether it is written in bold."""


def label_points(
    labelled: Sequence[LabelledMarker],
    axes: Axes,
    *,
    unlabelled: Sequence[Marker] = (),
    faint: Sequence[Marker] = (),
    lines: Sequence[Sequence[tuple[float, float]]] = (),
    font_points: float = 7.5,
    count: int | None = None,
) -> None:
    """Write the labels; where there is no room for all, those that come last are left out.

    The limits and the position of the axes must be final, and their legend there.

    Args:
        labelled: Markers with their labels, the most important first.
        axes: Where the markers are drawn.
        unlabelled: Further markers, which no label and no line to one may hide.
        faint: Further markers, which a line to a label may cross.
        lines: Corners of lines that no label may lie on.
        font_points: Size of the letters.
        count: How many are written: the first for which there is room. None is as many as have room.

    Example:
        >>> from matplotlib.figure import Figure
        >>> axes = Figure().subplots()
        >>> label_points([LabelledMarker(0.5, 0.5, 3.0, "sqnxt23v5")], axes)
        >>> [text.get_text() for text in axes.texts]
        ['sqnxt23v5']
    """
    pixels = axes.figure.dpi / POINTS_PER_INCH
    sizes = [size_points(marker.name, font_points, axes.figure.dpi, bold=marker.bold) for marker in labelled]
    legend = axes.get_legend()
    around = Surroundings(
        page=_box(axes.bbox),
        gap=_GAP_POINTS * pixels,
        discs=[_disc(axes, marker, pixels) for marker in unlabelled],
        lines=[
            *([_pixel(axes, x, y) for x, y in line] for line in lines),
            *(line for marker in faint for line in _diameters(_disc(axes, marker, pixels))),
        ],
        boxes=[_box(legend.get_window_extent())] if legend else [],
    )
    labels = [
        Label(
            _disc(axes, marker, pixels),
            (width + 2 * _MARGIN_POINTS) * pixels,
            (height + 2 * _ABOVE_POINTS) * pixels,
        )
        for marker, (width, height) in zip(labelled, sizes, strict=True)
    ]
    positions = place_first(labels, around, len(labels) if count is None else count)
    for index, position in sorted(positions.items()):
        _write(labelled[index], position, axes, font_points, pixels)


def _write(
    marker: LabelledMarker, position: LabelPosition, axes: Axes, font_points: float, pixels: float
) -> None:
    """A label at its position, and the line to it."""
    text = axes.annotate(
        marker.name,
        xy=(marker.x, marker.y),
        xytext=(0, 0),
        textcoords="offset points",
        ha="center",
        va="center",
        fontsize=font_points,
        fontweight="bold" if marker.bold else "normal",
        annotation_clip=False,
        parse_math=False,  # what an exporter calls a layer may have a $ in it
    )
    x, y = _pixel(axes, marker.x, marker.y)
    middle_x, middle_y = position.box.centre
    text.set_position(((middle_x - x) / pixels, (middle_y - y) / pixels))
    if position.line_end:
        end_x, end_y = axes.transData.inverted().transform(position.line_end)
        axes.plot([marker.x, end_x], [marker.y, end_y], color=_LINE_COLOUR, linewidth=0.6, zorder=2)


def _disc(axes: Axes, marker: Marker, pixels: float) -> Disc:
    return Disc(*_pixel(axes, marker.x, marker.y), marker.radius_points * pixels)


def _diameters(disc: Disc) -> Iterator[list[tuple[float, float]]]:
    """What a label that hides a marker, or a corner of it, lies on."""
    for eighths in range(4):
        across, up = (disc.radius * part(math.pi * eighths / 4) for part in (math.cos, math.sin))
        yield [(disc.x - across, disc.y - up), (disc.x + across, disc.y + up)]


def _box(extent: BboxBase) -> Box:
    return Box(extent.x0, extent.y0, extent.x1, extent.y1)


def _pixel(axes: Axes, x: float, y: float) -> tuple[float, float]:
    across, up = axes.transData.transform((x, y))
    return float(across), float(up)
