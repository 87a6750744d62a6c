"""Pareto front: what nothing else is at least as good as in everything and better in something."""

import bisect
import operator
from collections.abc import Iterator
from typing import Generic, TypeVar

PointT = TypeVar("PointT")


def dominates(one: tuple[float, ...], other: tuple[float, ...]) -> bool:
    """Whether one is nowhere worse (greater) than the other, and somewhere better."""
    return one != other and all(map(operator.le, one, other))


class Front(Generic[PointT]):
    """The points that none of those seen dominates. Points of equal figures stay beside each other."""

    def __init__(self) -> None:
        self._figures: list[tuple[float, ...]] = []
        """Sorted: what dominates a point stands before it, what it dominates behind it."""
        self._points: list[PointT] = []

    def add(self, figures: tuple[float, ...], point: PointT) -> None:
        """See a point; the figures are better the smaller they are."""
        place = bisect.bisect_right(self._figures, figures)
        if any(dominates(known, figures) for known in self._figures[:place]):
            return
        behind = range(place, len(self._figures))
        kept = [at for at in behind if not dominates(figures, self._figures[at])]
        self._figures[place:] = [figures, *(self._figures[at] for at in kept)]
        self._points[place:] = [point, *(self._points[at] for at in kept)]

    def __iter__(self) -> Iterator[PointT]:
        """In the order of their figures, those of equal figures in the order in which they were seen."""
        return iter(self._points)

    def __len__(self) -> int:
        return len(self._points)
