"""Names beside the points of a scatter plot, with a thin line to those that are not next to theirs."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from matplotlib.axes import Axes

from accelsim.report.placement import Box, along, around, place_names

_POINTS_PER_INCH: Final = 72
_GAP_POINTS: Final = 2.0


@dataclass(frozen=True)
class NamedPoint:
    """A point in the units of the axes, and what to write beside it."""

    x: float
    y: float
    name: str
    bold: bool = False
    radius_points: float = 3.0
    """Of its marker."""


def name_points(
    named: Sequence[NamedPoint],
    axes: Axes,
    *,
    others: Sequence[tuple[float, float]] = (),
    line: Sequence[tuple[float, float]] = (),
    size_points: float = 7.5,
) -> None:
    """Write the names; those that come first have the first choice of places.

    The limits and the place of the axes must be final. `others` are points that no name may hide, `line`
    the corners of a line that none may cross.
    """
    pixels = axes.figure.dpi / _POINTS_PER_INCH
    texts = [
        axes.annotate(
            point.name,
            xy=(point.x, point.y),
            xytext=(0, 0),
            textcoords="offset points",
            ha="center",
            va="center",
            fontsize=size_points,
            fontweight="bold" if point.bold else "normal",
            annotation_clip=False,
            parse_math=False,  # what an exporter calls a layer may have a $ in it
        )
        for point in named
    ]
    boxes = [text.get_window_extent() for text in texts]
    hidden, corners = ([_pixel(axes, x, y) for x, y in group] for group in (others, line))
    places = place_names(
        [_pixel(axes, point.x, point.y) for point in named],
        [(box.width + 5 * pixels, box.height) for box in boxes],
        [(point.radius_points + _GAP_POINTS) * pixels for point in named],
        Box(axes.bbox.x0, axes.bbox.y0, axes.bbox.x1, axes.bbox.y1),
        [around(place, _GAP_POINTS * pixels) for place in (*hidden, *along(corners, 2 * pixels))],
    )
    for point, text, box in zip(named, texts, places, strict=True):
        if box is None:
            text.remove()
            continue
        x, y = _pixel(axes, point.x, point.y)
        middle_x, middle_y = box.centre
        text.set_position(((middle_x - x) / pixels, (middle_y - y) / pixels))
        _line(axes, point, box, (point.radius_points + 3 * _GAP_POINTS) * pixels)


def _line(axes: Axes, point: NamedPoint, box: Box, least: float) -> None:
    """From the point to the nearest place on the edge of its name, if that is not near."""
    x, y = _pixel(axes, point.x, point.y)
    near_x, near_y = min(max(x, box.x0), box.x1), min(max(y, box.y0), box.y1)
    if abs(near_x - x) + abs(near_y - y) < least:
        return
    end = axes.transData.inverted().transform((near_x, near_y))
    axes.plot([point.x, end[0]], [point.y, end[1]], color="0.5", linewidth=0.6, zorder=2)


def _pixel(axes: Axes, x: float, y: float) -> tuple[float, float]:
    across, up = axes.transData.transform((x, y))
    return float(across), float(up)
