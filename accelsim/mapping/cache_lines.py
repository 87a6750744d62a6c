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
        self._lines: Ints = np.full((sets, ways), _NOTHING, dtype=np.int64)
        self._taken_in: Ints = np.zeros(sets, dtype=np.int64)

    @property
    def replaced(self) -> bool:
        """Whether any line has had to go."""
        return bool((self._taken_in > self._lines.shape[1]).any())

    def missing(self, lines: Ints) -> int:
        """Look lines up, and take in those that are not there.

        Args:
            lines: Numbers of lines, each once, in order.

        Returns:
            How many were not there.
        """
        return sum(
            self._missing(lines[start : start + _TOGETHER]) for start in range(0, len(lines), _TOGETHER)
        )

    def _has(self, lines: Ints) -> Flags:
        there: Flags = (self._lines[lines % len(self._lines)] == lines[:, np.newaxis]).any(axis=1)
        return there

    def _missing(self, lines: Ints) -> int:
        """Those of a set that come in together take places one after the other, the first one drawn."""
        absent = lines[~self._has(lines)]
        if not len(absent):
            return 0
        sets = absent % len(self._lines)
        order = np.argsort(sets, kind="stable")
        absent, sets = absent[order], sets[order]
        is_first = np.ones(len(sets), dtype=np.bool_)
        is_first[1:] = sets[1:] != sets[:-1]
        first = np.flatnonzero(is_first)
        nth = np.arange(len(sets)) - first[np.cumsum(is_first) - 1]
        ways, before = self._lines.shape[1], self._taken_in[sets]
        place = np.where(before + nth < ways, before + nth, (_drawn(sets, before) + nth) % ways)
        self._lines[sets, place] = absent
        self._taken_in[sets[first]] += np.diff(first, append=len(sets))
        return len(absent)


def _drawn(sets: Ints, taken_in: Ints) -> Ints:
    """A large number for each set, another whenever the set has taken in more."""
    mixed = taken_in.astype(np.uint64) * _OF_COUNT + sets.astype(np.uint64) * _OF_SET
    mixed = (mixed ^ (mixed >> np.uint64(31))) * _OF_MIX
    drawn: Ints = (mixed >> np.uint64(33)).astype(np.int64)
    return drawn
