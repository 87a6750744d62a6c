"""The lines of a cache: which of those that are asked for are there, and which take whose place.

Which line of a set has to go is drawn, as in SiFive's InclusiveCache (`Directory`, a linear feedback shift
register): here by a number that follows from the set and from how many lines it has taken in, so that every
run draws the same.
"""

from typing import Final

import numpy as np

from accelsim.columns import Flags, Ints

_NOTHING: Final = -1
"""In place of the number of a line."""
_TOGETHER: Final = 1024
"""Lines of one request that are looked up before those of them that miss come in."""
_OF_COUNT: Final = np.uint64(0x9E3779B97F4A7C15)
_OF_SET: Final = np.uint64(0xD1B54A32D192ED03)
_OF_MIX: Final = np.uint64(0xBF58476D1CE4E5B9)
"""Odd numbers whose products spread evenly: Steele et al., Fast Splittable Pseudorandom Number Generators,
OOPSLA 2014, figure 16."""


class CacheLines:
    """What is in a cache. Lines are numbered through the whole memory; a set has each `sets`-th of them.

    Example:
        >>> lines = CacheLines(sets=4, ways=2)
        >>> first = np.arange(8)
        >>> lines.missing(first), lines.missing(first), lines.missing(first + 8)
        (8, 0, 8)
    """

    def __init__(self, sets: int, ways: int) -> None:
        self._ways = ways
        self._lines: Ints = np.full(sets * ways, _NOTHING, dtype=np.int64)
        """In each place, set by set."""
        self._taken_in: Ints = np.zeros(sets, dtype=np.int64)
        self._is_there: Flags = np.zeros(1, dtype=np.bool_)
        """By the number of a line. The last one is `_NOTHING`'s."""

    @property
    def replaced(self) -> bool:
        """Whether any line has had to go."""
        return bool((self._taken_in > self._ways).any())

    def missing(self, lines: Ints) -> int:
        """Look lines up, and take in those that are not there.

        Args:
            lines: Numbers of lines, each once, in order.

        Returns:
            How many were not there.
        """
        if len(lines) and lines[-1] >= len(self._is_there) - 1:
            larger = np.zeros(2 * int(lines[-1]) + 2, dtype=np.bool_)
            larger[: len(self._is_there)] = self._is_there
            self._is_there = larger
        return sum(
            self._missing(lines[start : start + _TOGETHER]) for start in range(0, len(lines), _TOGETHER)
        )

    def _missing(self, lines: Ints) -> int:
        """Those of a set that come in together take places one after the other, the first one drawn."""
        absent = lines[~self._is_there[lines]]
        if not len(absent):
            return 0
        sets = absent % len(self._taken_in)
        of_set = np.bincount(sets, minlength=len(self._taken_in))
        most = int(of_set.max())
        nth = np.zeros_like(sets)
        if most > 1:
            order, nth = _nth_of_set(sets, of_set)
            absent, sets = absent[order], sets[order]
        before = self._taken_in[sets]
        place = before + nth
        if place.max() >= self._ways:
            place = np.where(place < self._ways, place, (_drawn(sets, before) + nth) % self._ways)
        place += sets * self._ways
        self._is_there[self._lines[place]] = False
        self._lines[place] = absent
        # Of those that come in together one may have the place of another.
        self._is_there[absent] = True if most == 1 else self._lines[place] == absent
        self._taken_in += of_set
        return len(absent)


def _nth_of_set(sets: Ints, of_set: Ints) -> tuple[Ints, Ints]:
    """The order of lines by their sets, and the how manieth of its set each one is in that order.

    Args:
        sets: Of lines, in the order in which they come.
        of_set: How many lines of each set there are.
    """
    order = np.argsort(sets.astype(np.min_scalar_type(len(of_set))), kind="stable")
    before = np.cumsum(of_set) - of_set
    return order, np.arange(len(sets)) - before[sets[order]]


def _drawn(sets: Ints, taken_in: Ints) -> Ints:
    """A large number for each set, another whenever the set has taken in more."""
    mixed = taken_in.astype(np.uint64) * _OF_COUNT + sets.astype(np.uint64) * _OF_SET
    mixed = (mixed ^ (mixed >> np.uint64(31))) * _OF_MIX
    drawn: Ints = (mixed >> np.uint64(33)).astype(np.int64)
    return drawn
