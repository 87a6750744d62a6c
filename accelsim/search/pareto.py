"""Pareto front: what nothing else is at least as good as in everything and better in something."""

import bisect
import operator
from collections.abc import Iterator
from typing import Generic, TypeVar

PointT = TypeVar("PointT")


def dominates(figures: tuple[float, ...], rival: tuple[float, ...]) -> bool:
    """Whether figures are nowhere worse (greater) than those of a rival, and somewhere better.

    Args:
        figures: Of a point, the smaller the better.
        rival: Those of another, in the same order.

    Returns:
        Whether the point dominates the other; equal figures do not dominate each other.

    Example:
        >>> dominates((1.0, 5.0), (2.0, 5.0)), dominates((1.0, 6.0), (2.0, 5.0))
        (True, False)
    """
    return figures != rival and all(map(operator.le, figures, rival))


class Front(Generic[PointT]):
    """The points that none of those seen dominates. Points of equal figures stay beside each other.

    Example:
        >>> front = Front()
        >>> for name, figures in {"a": (1.0, 5.0), "b": (2.0, 4.0), "c": (2.0, 5.0)}.items():
        ...     front.add(figures, name)
        >>> list(front)
        ['a', 'b']
    """

    def __init__(self) -> None:
        self._figures: list[tuple[float, ...]] = []
        """Sorted: what dominates a point stands before it, what it dominates behind it."""
        self._points: list[PointT] = []

    def add(self, figures: tuple[float, ...], point: PointT) -> None:
        """See a point; the figures are better the smaller they are."""
        # Invariant: the figures are sorted, and none of them dominates another. What dominates a point is
        # lexicographically smaller, so it stands before the point's position, and what the point dominates
        # stands behind it.
        position = bisect.bisect_right(self._figures, figures)
        if any(dominates(rival, figures) for rival in self._figures[:position]):
            return
        behind = range(position, len(self._figures))
        undominated = [index for index in behind if not dominates(figures, self._figures[index])]
        self._figures[position:] = [figures, *(self._figures[index] for index in undominated)]
        self._points[position:] = [point, *(self._points[index] for index in undominated)]

    def __iter__(self) -> Iterator[PointT]:
        """In the order of their figures, those of equal figures in the order in which they were seen."""
        return iter(self._points)

    def __len__(self) -> int:
        return len(self._points)
