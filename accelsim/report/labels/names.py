"""Names beside the points of a scatter plot, with a thin line to those that are not next to theirs."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from matplotlib.axes import Axes
from matplotlib.transforms import BboxBase

from accelsim.report.labels.geometry import POINTS_PER_INCH
from accelsim.report.labels.placement import Box, Disc, Name, Place, Surroundings, place_some
from accelsim.report.labels.words import size_points

_GAP_POINTS: Final = 1.5
_BESIDE_POINTS: Final = 1.5
"""What stays free on the left and on the right of a name."""
_ABOVE_POINTS: Final = 0.25
_LINE_COLOUR: Final = "0.5"


@dataclass(frozen=True)
class Marked:
    """A place in the units of the axes, and how far the marker there reaches."""

    x: float
    y: float
    radius_points: float


@dataclass(frozen=True)
class Named(Marked):
    """A marker, and what to write beside it."""

    name: str
    bold: bool = False


def name_points(
    named: Sequence[Named],
    axes: Axes,
    *,
    others: Sequence[Marked] = (),
    faint: Sequence[Marked] = (),
    lines: Sequence[Sequence[tuple[float, float]]] = (),
    font_points: float = 7.5,
    most: int | None = None,
) -> None:
    """Write the names; where there is no room for all, those that come last are left out.

    With `most`, only so many are written: the first for which there is room.

    The limits and the place of the axes must be final, and their legend there. `others` are markers that no
    name may hide, `faint` those among them that a line to a name may cross, `lines` the corners of lines that
    no name may lie on.
    """
    pixels = axes.figure.dpi / POINTS_PER_INCH
    sizes = [size_points(point.name, font_points, axes.figure.dpi, bold=point.bold) for point in named]
    legend = axes.get_legend()
    around = Surroundings(
        within=_box(axes.bbox),
        gap=_GAP_POINTS * pixels,
        discs=[_disc(axes, marked, pixels) for marked in others],
        lines=[
            *([_pixel(axes, x, y) for x, y in line] for line in lines),
            *(line for marked in faint for line in _across(_disc(axes, marked, pixels))),
        ],
        boxes=[_box(legend.get_window_extent())] if legend else [],
    )
    names = [
        Name(
            _disc(axes, point, pixels),
            (width + 2 * _BESIDE_POINTS) * pixels,
            (height + 2 * _ABOVE_POINTS) * pixels,
        )
        for point, (width, height) in zip(named, sizes, strict=True)
    ]
    places = place_some(names, around, len(names) if most is None else most)
    for index, place in sorted(places.items()):
        _write(named[index], place, axes, font_points, pixels)


def _write(point: Named, place: Place, axes: Axes, font_points: float, pixels: float) -> None:
    """A name at its place, and the line to it."""
    text = axes.annotate(
        point.name,
        xy=(point.x, point.y),
        xytext=(0, 0),
        textcoords="offset points",
        ha="center",
        va="center",
        fontsize=font_points,
        fontweight="bold" if point.bold else "normal",
        annotation_clip=False,
        parse_math=False,  # what an exporter calls a layer may have a $ in it
    )
    x, y = _pixel(axes, point.x, point.y)
    middle_x, middle_y = place.box.centre
    text.set_position(((middle_x - x) / pixels, (middle_y - y) / pixels))
    if place.line_end:
        end_x, end_y = axes.transData.inverted().transform(place.line_end)
        axes.plot([point.x, end_x], [point.y, end_y], color=_LINE_COLOUR, linewidth=0.6, zorder=2)


def _disc(axes: Axes, marked: Marked, pixels: float) -> Disc:
    return Disc(*_pixel(axes, marked.x, marked.y), marked.radius_points * pixels)


def _across(disc: Disc) -> Iterator[list[tuple[float, float]]]:
    """What a name that hides a marker, or a corner of it, lies on: diameters."""
    for eighths in range(4):
        across, up = (disc.radius * part(math.pi * eighths / 4) for part in (math.cos, math.sin))
        yield [(disc.x - across, disc.y - up), (disc.x + across, disc.y + up)]


def _box(extent: BboxBase) -> Box:
    return Box(extent.x0, extent.y0, extent.x1, extent.y1)


def _pixel(axes: Axes, x: float, y: float) -> tuple[float, float]:
    across, up = axes.transData.transform((x, y))
    return float(across), float(up)
