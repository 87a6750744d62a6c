"""Pareto front: what nothing else is at least as good as in everything and better in something."""

from collections.abc import Iterator, Sequence
from typing import Generic, TypeVar

PointT = TypeVar("PointT")


def dominates(one: Sequence[float], other: Sequence[float]) -> bool:
    """Whether one is nowhere worse (greater) than the other, and somewhere better."""
    return one != other and all(mine <= its for mine, its in zip(one, other, strict=True))


class Front(Generic[PointT]):
    """The points that none of those seen dominates. Points of equal figures stay beside each other."""

    def __init__(self) -> None:
        self._members: list[tuple[tuple[float, ...], PointT]] = []

    def add(self, figures: tuple[float, ...], point: PointT) -> None:
        """See a point; the figures are better the smaller they are."""
        if any(dominates(known, figures) for known, _ in self._members):
            return
        self._members = [member for member in self._members if not dominates(figures, member[0])]
        self._members.append((figures, point))

    def __iter__(self) -> Iterator[PointT]:
        """In the order of their figures, those of equal figures in the order in which they were seen."""
        return (point for _, point in sorted(self._members, key=lambda member: member[0]))

    def __len__(self) -> int:
        return len(self._members)
