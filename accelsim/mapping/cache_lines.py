"""The lines of a cache: which of those that are asked for are there, and which take whose place.

Which line of a set has to go is drawn, as in SiFive's InclusiveCache (`Directory`, a linear feedback shift
register): here by a number that follows from the set and from how many lines it has taken in, so that every run
draws the same.
"""

from typing import Final

import numpy as np

from accelsim.columns import Flags, Ints

_NOTHING: Final = -1
"""In place of the number of a line."""
_TOGETHER: Final = 256
"""Lines that are looked up before those of them that miss come in."""
_OF_COUNT, _OF_SET, _OF_MIX = (
    np.uint64(0x9E3779B97F4A7C15),
    np.uint64(0xD1B54A32D192ED03),
    np.uint64(0xBF58476D1CE4E5B9),
)
"""Odd numbers of which the products spread evenly: Steele et al., Fast Splittable Pseudorandom Number Generators,
OOPSLA 2014."""


class CacheLines:
    """What is in a cache. Lines are numbered through the whole memory."""

    def __init__(self, sets: int, ways: int) -> None:
        self._lines: Ints = np.full((sets, ways), _NOTHING, dtype=np.int64)
        self._taken_in: Ints = np.zeros(sets, dtype=np.int64)

    def missing(self, lines: Ints) -> int:
        """Look lines up, in their order, and take in those that are not there.

        Args:
            lines: Numbers of lines, those of one request after the other.

        Returns:
            How many were not there.
        """
        return sum(
            self._missing(lines[start : start + _TOGETHER]) for start in range(0, len(lines), _TOGETHER)
        )

    def _missing(self, lines: Ints) -> int:
        absent = lines[~self.has(lines)]
        if not len(absent):
            return 0
        absent = np.unique(absent)  # sorted: the order within what is looked up together does not matter
        sets = absent % len(self._lines)
        order = np.argsort(sets, kind="stable")
        # Those of one set come in one after the other: the n-th of each set together.
        first = np.flatnonzero(np.diff(sets[order], prepend=-1))
        nth = np.arange(len(order)) - np.repeat(first, np.diff(first, append=len(order)))
        for turn in range(int(nth.max()) + 1):
            coming = absent[order[nth == turn]]
            self._take_in(coming, coming % len(self._lines))
        return len(absent)

    def has(self, lines: Ints) -> Flags:
        """Which lines are there."""
        there: Flags = (self._lines[lines % len(self._lines)] == lines[:, np.newaxis]).any(axis=1)
        return there

    def _take_in(self, lines: Ints, sets: Ints) -> None:
        """Lines of different sets, each in place of another."""
        ways = self._lines.shape[1]
        empty = self._lines[sets] == _NOTHING
        way = np.where(empty.any(axis=1), empty.argmax(axis=1), _drawn(sets, self._taken_in[sets], ways))
        self._lines[sets, way] = lines
        self._taken_in[sets] += 1


def _drawn(sets: Ints, taken_in: Ints, ways: int) -> Ints:
    """Whose place the next line of each set takes."""
    mixed = taken_in.astype(np.uint64) * _OF_COUNT + sets.astype(np.uint64) * _OF_SET
    mixed = (mixed ^ (mixed >> np.uint64(31))) * _OF_MIX
    drawn: Ints = ((mixed ^ (mixed >> np.uint64(29))) % np.uint64(ways)).astype(np.int64)
    return drawn
