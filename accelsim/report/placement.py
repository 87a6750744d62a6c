"""Where names of points go so that they can be read: none on another, on a point, or outside.

Greedy: the names are placed in the order given, each in the nearest of a ring of places around its point that
is still free. Good enough for fifty points on a page; a name that finds no place is left out.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

_DEGREES: Final = (0, 180, 90, 270, 45, 315, 135, 225, 22, 338, 158, 202)
"""Beside the point first, then above and below."""
_DISTANCES: Final = (1.0, 2.2, 3.6, 5.2, 7.0, 9.5, 12.5, 16.0)
"""From the point, in units of the margin that stays free around it."""


@dataclass(frozen=True)
class Box:
    """A rectangle with its sides along the axes."""

    x0: float
    y0: float
    x1: float
    y1: float

    def overlaps(self, other: "Box") -> bool:
        """Whether the two share more than an edge."""
        return self.x0 < other.x1 and other.x0 < self.x1 and self.y0 < other.y1 and other.y0 < self.y1

    def holds(self, other: "Box") -> bool:
        """Whether the other lies within this one."""
        return self.x0 <= other.x0 and other.x1 <= self.x1 and self.y0 <= other.y0 and other.y1 <= self.y1

    @property
    def centre(self) -> tuple[float, float]:
        """x and y of its middle."""
        return (self.x0 + self.x1) / 2, (self.y0 + self.y1) / 2


def place_names(
    points: Sequence[tuple[float, float]],
    sizes: Sequence[tuple[float, float]],
    margins: Sequence[float],
    within: Box,
    avoid: Sequence[Box] = (),
) -> list[Box | None]:
    """A box for the name (width, height) of each point, or None where there is no room.

    Boxes keep clear of each other, of each point by its margin, and of what else is to be avoided.
    """
    taken = [around(point, margin) for point, margin in zip(points, margins, strict=True)]
    taken += avoid
    placed: list[Box | None] = []
    for (x, y), (width, height), margin in zip(points, sizes, margins, strict=True):
        box = next(
            (
                candidate
                for candidate in _candidates(x, y, width, height, margin)
                if within.holds(candidate) and not any(candidate.overlaps(other) for other in taken)
            ),
            None,
        )
        placed.append(box)
        if box is not None:
            taken.append(box)
    return placed


def around(point: tuple[float, float], margin: float) -> Box:
    """The square that reaches as far as the margin on each side of a point."""
    x, y = point
    return Box(x - margin, y - margin, x + margin, y + margin)


def along(corners: Sequence[tuple[float, float]], step: float) -> list[tuple[float, float]]:
    """Points on a line, no further than a step from each other."""
    found: list[tuple[float, float]] = []
    for (x0, y0), (x1, y1) in pairwise(corners):
        steps = max(1, math.ceil(math.hypot(x1 - x0, y1 - y0) / step))
        found += [(x0 + (x1 - x0) * one / steps, y0 + (y1 - y0) * one / steps) for one in range(steps + 1)]
    return found


def _candidates(x: float, y: float, width: float, height: float, margin: float) -> Sequence[Box]:
    """Places for a name, the nearest first: its box touches a circle around the point."""
    found = []
    for distance in _DISTANCES:
        for degrees in _DEGREES:
            across, up = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
            middle_x = x + across * (distance * margin + width / 2)
            middle_y = y + up * (distance * margin + height / 2)
            found.append(
                Box(middle_x - width / 2, middle_y - height / 2, middle_x + width / 2, middle_y + height / 2)
            )
    return found
