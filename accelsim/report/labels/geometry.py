"""Rectangles, lines and points of a page, many at a time: which of them touch, and how far they are apart.

The last axis of an array of boxes is x0, y0, x1, y1 (lower left, upper right), that of lines x0, y0, x1, y1
(from, to), that of points x, y; the others are broadcast. What is not a number touches nothing.
"""

from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

POINTS_PER_INCH: Final = 72
DPI: Final = 120
"""Of files of pixels."""
Floats: TypeAlias = NDArray[np.float64]
Booleans: TypeAlias = NDArray[np.bool_]


def boxes_overlap(box: Floats, other_box: Floats) -> Booleans:
    """Whether boxes share more than an edge."""
    return (
        (box[..., 0] < other_box[..., 2])
        & (other_box[..., 0] < box[..., 2])
        & (box[..., 1] < other_box[..., 3])
        & (other_box[..., 1] < box[..., 3])
    )


def box_holds(outer: Floats, inner: Floats) -> Booleans:
    """Whether the inner box lies within the outer one."""
    return (
        (outer[..., 0] <= inner[..., 0])
        & (outer[..., 1] <= inner[..., 1])
        & (inner[..., 2] <= outer[..., 2])
        & (inner[..., 3] <= outer[..., 3])
    )


def line_enters_box(line: Floats, box: Floats) -> Booleans:
    """Whether a line has a part inside a box: neither an axis nor its own direction separates them.

    The theorem of separating axes, for a segment and a box, both by their middles and half their extents.
    """
    half_width, half_height = (box[..., 2] - box[..., 0]) / 2, (box[..., 3] - box[..., 1]) / 2
    x, y = box[..., 0] + half_width, box[..., 1] + half_height
    along_x, along_y = (line[..., 2] - line[..., 0]) / 2, (line[..., 3] - line[..., 1]) / 2
    from_x, from_y = line[..., 0] + along_x - x, line[..., 1] + along_y - y
    across = from_x * along_y - from_y * along_x
    return (
        (abs(from_x) < half_width + abs(along_x))
        & (abs(from_y) < half_height + abs(along_y))
        & (abs(across) < half_width * abs(along_y) + half_height * abs(along_x))
    )


def lines_cross(line: Floats, other_line: Floats) -> Booleans:
    """Whether each line has an end on either side of the other."""
    return (_side(line, other_line[..., :2]) * _side(line, other_line[..., 2:]) < 0) & (
        _side(other_line, line[..., :2]) * _side(other_line, line[..., 2:]) < 0
    )


def _side(line: Floats, point: Floats) -> Floats:
    """Positive on the left of a line, negative on its right."""
    along_x, along_y = line[..., 2] - line[..., 0], line[..., 3] - line[..., 1]
    return along_x * (point[..., 1] - line[..., 1]) - along_y * (point[..., 0] - line[..., 0])


def distance_to_box(point: Floats, box: Floats) -> Floats:
    """From a point to the nearest point of a box; 0 inside."""
    x, y = point[..., 0], point[..., 1]
    across = np.maximum(np.maximum(box[..., 0] - x, x - box[..., 2]), 0)
    up = np.maximum(np.maximum(box[..., 1] - y, y - box[..., 3]), 0)
    return _length(across, up)


def distance_to_line(point: Floats, line: Floats) -> Floats:
    """From a point to the nearest point of a line, which has a length."""
    along_x, along_y = line[..., 2] - line[..., 0], line[..., 3] - line[..., 1]
    to_x, to_y = point[..., 0] - line[..., 0], point[..., 1] - line[..., 1]
    part = np.clip((along_x * to_x + along_y * to_y) / (along_x**2 + along_y**2), 0, 1)
    return _length(to_x - part * along_x, to_y - part * along_y)


def _length(across: Floats, up: Floats) -> Floats:
    return np.sqrt(across**2 + up**2)
