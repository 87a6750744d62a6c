"""Siblings: what searches find out that follows from a machine apart from how fast its channels stream.

A sweep over bandwidths comes to one such machine after the other: which tiles there are, what the array does
with them and which program a choice stands for is the same for all of them.
"""

from collections import OrderedDict
from collections.abc import Callable, Hashable, MutableMapping
from typing import Any, Final, TypeVar

from accelsim.mapping.mapping import Choice, Mapping

MOST_BYTES: Final = 4_000_000
"""Of what is known of one machine, by the estimates below: a search of the layers of a network takes half."""
CUT_BYTES: Final = 440
"""Of a cut of the channels or of the output plane, with all that is said of it."""
PROGRAM_BYTES: Final = 2000
"""Of a program, which mostly is held elsewhere, too."""
ValueT = TypeVar("ValueT")


class Siblings:
    """What is known of the latest machine, and of those that differ from it only in how fast channels stream.

    Args:
        most_bytes: What is kept, estimated; what was used longest ago goes first.

    Example:
        >>> siblings = Siblings()
        >>> first = siblings.of("8x8").groundwork("conv1", 100, list)
        >>> siblings.of("8x8").groundwork("conv1", 100, list) is first
        True
        >>> siblings.of("16x16").groundwork("conv1", 100, list) is first
        False
    """

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self._most_bytes = most_bytes
        self._latest = OfSiblings(None, most_bytes)

    @property
    def held_bytes(self) -> int:
        """What it takes, estimated."""
        return self._latest.held_bytes

    def of(self, machine: Hashable) -> "OfSiblings":
        """What is known of a machine, by what its siblings have in common; of others all is forgotten."""
        if machine != self._latest.machine:
            self._latest = OfSiblings(machine, self._most_bytes)
        return self._latest


class OfSiblings:
    """What is known of one machine and its siblings; whoever holds it adds to no other's."""

    def __init__(self, machine: Hashable, most_bytes: int) -> None:
        self.machine = machine
        self._most_bytes = most_bytes
        self._groundworks: OrderedDict[Hashable, tuple[Any, int]] = OrderedDict()
        """With how many cuts each has."""
        self._cuts = 0
        self._programs: dict[tuple[Choice, int], Mapping] = {}

    @property
    def held_bytes(self) -> int:
        """What it takes, estimated."""
        return CUT_BYTES * self._cuts + PROGRAM_BYTES * len(self._programs)

    def groundwork(self, key: Hashable, cuts: int, make: Callable[[], ValueT]) -> ValueT:
        """What a search of so many cuts builds upon, by all that it follows from beside the machine."""
        if key in self._groundworks:
            self._groundworks.move_to_end(key)
            known: ValueT = self._groundworks[key][0]
            return known
        made = make()
        self._groundworks[key] = made, cuts
        self._cuts += cuts
        while self._groundworks and CUT_BYTES * self._cuts > self._most_bytes:
            self._cuts -= self._groundworks.popitem(last=False)[1][1]
        return made

    @property
    def programs(self) -> MutableMapping[tuple[Choice, int], Mapping]:
        """Of choices, for so many images; what is found out is added."""
        if PROGRAM_BYTES * len(self._programs) > self._most_bytes:
            self._programs.clear()
        return self._programs
