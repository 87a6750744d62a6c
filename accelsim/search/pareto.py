"""Pareto front: what nothing else is at least as good as in everything and better in something."""

import bisect
import operator
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, Generic, TypeVar

PointT = TypeVar("PointT")
_OF_A_STAIRCASE: Final = 3
"""Figures that a point has whose first is one by which points are in order, and of which two are left."""


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

    def add_all(self, entries: Iterable[tuple[tuple[float, ...], PointT]]) -> None:
        """See many points, each with its figures: quicker than one by one where these are three.

        Example:
            >>> front = Front()
            >>> front.add_all([((2, 4, 1), "b"), ((2, 5, 1), "c"), ((1, 5, 1), "a")])
            >>> list(front)
            ['a', 'b']
        """
        new = list(entries)
        if not new or len(new[0][0]) != _OF_A_STAIRCASE:
            for figures, point in new:
                self.add(figures, point)
            return
        seen = list(zip(self._figures, self._points, strict=True))
        merged = sorted([*seen, *new], key=operator.itemgetter(0))
        kept = list(_undominated([figures for figures, _ in merged]))
        self._figures = [merged[index][0] for index in kept]
        self._points = [merged[index][1] for index in kept]

    def __iter__(self) -> Iterator[PointT]:
        """In the order of their figures, those of equal figures in the order in which they were seen."""
        return iter(self._points)

    def __len__(self) -> int:
        return len(self._points)


def _undominated(triples: Sequence[tuple[float, ...]]) -> Iterator[int]:
    """Which of some triples, that are in order, none dominates (Kung, Luccio, Preparata, J. ACM 22, 1975)."""
    # Invariant: of all triples so far, whose first figures are no greater, `seconds` and `thirds` are the
    # staircase of the others: ascending and descending, so that the third at the last step up to a second
    # figure is the least that goes with any second figure as small.
    seconds: list[float] = []
    thirds: list[float] = []
    before: tuple[float, ...] = ()
    for index, triple in enumerate(triples):
        if triple == before:  # of equals none dominates the other
            yield index
            continue
        _, second, third = triple
        step = bisect.bisect_right(seconds, second)
        if step and thirds[step - 1] <= third:
            continue
        before = triple
        yield index
        end = step
        while end < len(thirds) and thirds[end] >= third:
            end += 1
        begin = step - (step > 0 and seconds[step - 1] == second)
        seconds[begin:end], thirds[begin:end] = [second], [third]
