"""Siblings: what searches find out that follows from a machine apart from how fast its channels stream.

A sweep over bandwidths comes to one such machine after the other: which tiles there are, what the array does
with them and which program a choice stands for is the same for all of them.
"""

from collections import OrderedDict
from collections.abc import Callable, Hashable, MutableMapping
from typing import Any, Final, Self, TypeVar

from accelsim.mapping.mapping import Choice, Mapping

MOST_GROUNDWORKS: Final = 4
"""Of searches, some 2 MB each; the one that was used longest ago goes first."""
MOST_PROGRAMS: Final = 512
"""Of choices, some 5 KB each; then all are forgotten."""
ValueT = TypeVar("ValueT")


class Siblings:
    """Of the latest machine, and of those that differ from it only in how fast channels stream.

    Example:
        >>> siblings = Siblings()
        >>> siblings.of("8x8").groundwork("conv1", list) is siblings.of("8x8").groundwork("conv1", list)
        True
        >>> first = siblings.of("8x8").groundwork("conv1", list)
        >>> siblings.of("16x16").groundwork("conv1", list) is first
        False
    """

    def __init__(self) -> None:
        self._machine: Hashable = None
        self._groundworks: OrderedDict[Hashable, Any] = OrderedDict()
        self._programs: dict[tuple[Choice, int], Mapping] = {}

    def of(self, machine: Hashable) -> Self:
        """What is known of a machine, by what its siblings have in common; of others all is forgotten."""
        if machine != self._machine:
            self._machine = machine
            self._groundworks.clear()
            self._programs.clear()
        return self

    def groundwork(self, key: Hashable, make: Callable[[], ValueT]) -> ValueT:
        """What a search builds upon, by all that it follows from beside the machine."""
        if key not in self._groundworks:
            while len(self._groundworks) >= MOST_GROUNDWORKS:
                self._groundworks.popitem(last=False)
            self._groundworks[key] = make()
        self._groundworks.move_to_end(key)
        known: ValueT = self._groundworks[key]
        return known

    @property
    def programs(self) -> MutableMapping[tuple[Choice, int], Mapping]:
        """Of choices, for so many images; what is found out is added."""
        if len(self._programs) > MOST_PROGRAMS:
            self._programs.clear()
        return self._programs
