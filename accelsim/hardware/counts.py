"""ActionCounts: how often each action that costs energy happened; accesses by memory and operand.

Whoever simulates or maps counts; only energy.py prices. A count is a whole number, or in the search a column
of them with an entry for each candidate.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import reduce
from operator import add
from typing import Final, Generic, NamedTuple

from accelsim.columns import CountT, CountT_co
from accelsim.hardware.operand import Operand


class Direction(StrEnum):
    """Whether bytes leave a memory or come to it, and whether anybody asked for them.

    A memory that moves whole bursts moves more than is of use: `OVERFETCH` are the bytes of bursts that are
    read beside those of use, `MASKED` those of bursts that are written without being changed. `MISS` are the
    bytes of lines that a cache before the memory had to fetch from it.

    Example:
        >>> str(Direction.READ)
        'read'
    """

    READ = "read"
    WRITE = "write"
    OVERFETCH = "overfetch"
    MASKED = "masked"
    MISS = "miss"


class Access(NamedTuple):
    """Accesses of one kind: bytes of one operand that leave a memory, or come to it.

    Attributes:
        memory: Its name.
        operand: Whose bytes.
        direction: Which way.

    Example:
        >>> str(Access("dram", Operand.WEIGHTS, Direction.READ).operand)
        'weights'
    """

    memory: str
    operand: Operand
    direction: Direction


class HostCounts(NamedTuple):
    """How often each action of the host happened.

    Attributes:
        macs: Multiply-accumulates.
        elements: Operations on elements.
        calls: Before its layers.

    Example:
        >>> HostCounts(macs=10).added(HostCounts(macs=1, calls=1))
        HostCounts(macs=11, elements=0, calls=1)
    """

    macs: int = 0
    elements: int = 0
    calls: int = 0

    def added(self, addend: "HostCounts", times: int = 1) -> "HostCounts":
        """With so many times others."""
        return HostCounts(*(own + times * other for own, other in zip(self, addend, strict=True)))


NO_HOST_COUNTS: Final = HostCounts()
"""Of all that the host does not do."""
_READ: Final = (Direction.READ,)
_WRITTEN: Final = (Direction.WRITE,)
_MOVED_OUT: Final = (Direction.READ, Direction.OVERFETCH)
_MOVED_IN: Final = (Direction.WRITE, Direction.MASKED)
_MISSED: Final = (Direction.MISS,)


@dataclass(frozen=True, slots=True)
class ActionCounts(Generic[CountT_co]):
    """How often each action happened: a count where the name has no unit, else bytes.

    Counts are whole numbers, or columns with an entry for each of many mappings; they can be added, and
    multiplied by how often something is repeated.

    Attributes:
        vector_ops: Operations of the vector unit.
        register_file_bytes: Read from and written to the register files of the PEs.

    Example:
        >>> counts = ActionCounts(macs=10) + 2 * accesses(("dram", Operand.INPUTS, Direction.READ, 64))
        >>> counts.macs, counts.read_bytes(["dram"])
        (10, 128)
    """

    macs: CountT_co = 0
    """Multiply-accumulates executed: without those that a skipped zero weight saved."""
    vector_ops: CountT_co = 0
    register_file_bytes: CountT_co = 0
    inter_pe_bytes: CountT_co = 0
    """Moved from a PE to its neighbour."""
    accesses: Mapping[Access, CountT_co] = field(default_factory=dict, hash=False)
    """Bytes of each kind of access; kinds that did not happen are left out."""
    host: HostCounts = NO_HOST_COUNTS
    """What the host did; the search, which counts in columns, takes it for the array's."""

    def __add__(self: "ActionCounts[CountT]", addend: "ActionCounts[CountT]") -> "ActionCounts[CountT]":
        return ActionCounts(
            _plus(self.macs, addend.macs),
            _plus(self.vector_ops, addend.vector_ops),
            _plus(self.register_file_bytes, addend.register_file_bytes),
            _plus(self.inter_pe_bytes, addend.inter_pe_bytes),
            _together(self.accesses, addend.accesses),
            self.host if addend.host is NO_HOST_COUNTS else self.host.added(addend.host),
        )

    def __mul__(self: "ActionCounts[CountT]", times: CountT) -> "ActionCounts[CountT]":
        if isinstance(times, int) and times == 1:  # as for a batch of one image
            return self
        multiplied = self.each(lambda count: count * times)
        if self.host is NO_HOST_COUNTS:
            return multiplied
        assert isinstance(times, int)  # the host's are no columns
        return replace(multiplied, host=NO_HOST_COUNTS.added(self.host, times))

    __rmul__ = __mul__

    def each(self: "ActionCounts[CountT]", change: Callable[[CountT], CountT]) -> "ActionCounts[CountT]":
        """Every count changed in the same way, but those of the host, of which no columns are made."""
        accesses = {access: change(count) for access, count in self.accesses.items()}
        return ActionCounts(
            change(self.macs),
            change(self.vector_ops),
            change(self.register_file_bytes),
            change(self.inter_pe_bytes),
            _that_happened(accesses),
            self.host,
        )

    @property
    def largest(self: "ActionCounts[int]") -> int:
        """The largest of the counts."""
        plain = (self.macs, self.vector_ops, self.register_file_bytes, self.inter_pe_bytes)
        return max(*plain, *self.accesses.values(), *self.host)

    def read_bytes(self, memories: Collection[str]) -> CountT_co:
        """Bytes that left some memories."""
        return self._bytes(memories, _READ)

    def written_bytes(self, memories: Collection[str]) -> CountT_co:
        """Bytes that came to some memories."""
        return self._bytes(memories, _WRITTEN)

    def moved_out_bytes(self, memories: Collection[str]) -> CountT_co:
        """The same as they moved: in whole bursts."""
        return self._bytes(memories, _MOVED_OUT)

    def moved_in_bytes(self, memories: Collection[str]) -> CountT_co:
        """Bytes that came, as they moved."""
        return self._bytes(memories, _MOVED_IN)

    def missed_bytes(self, memories: Collection[str]) -> CountT_co:
        """Bytes that caches before some memories fetched from them."""
        return self._bytes(memories, _MISSED)

    def _bytes(self, memories: Collection[str], ways: Sequence[Direction]) -> CountT_co:
        counts = [
            count for (memory, _, way), count in self.accesses.items() if way in ways and memory in memories
        ]
        return reduce(add, counts) if counts else 0


def accesses(*happened: tuple[str, Operand, Direction, CountT]) -> ActionCounts[CountT]:
    """Nothing but accesses: memory, operand, direction and bytes of each kind."""
    counts = {Access(memory, operand, direction): count for memory, operand, direction, count in happened}
    return ActionCounts(accesses=_that_happened(counts))


def weighted_sum(counts: Sequence[ActionCounts[int]], times: Sequence[int]) -> ActionCounts[int]:
    """The sum of counts, each so many times."""
    macs = vector_ops = register_file_bytes = inter_pe_bytes = 0
    accessed: dict[Access, int] = {}
    host = NO_HOST_COUNTS
    for summand, factor in zip(counts, times, strict=True):
        macs += factor * summand.macs
        vector_ops += factor * summand.vector_ops
        register_file_bytes += factor * summand.register_file_bytes
        inter_pe_bytes += factor * summand.inter_pe_bytes
        for access, count in summand.accesses.items():
            accessed[access] = accessed.get(access, 0) + factor * count
        if summand.host is not NO_HOST_COUNTS:
            host = host.added(summand.host, factor)
    return ActionCounts(macs, vector_ops, register_file_bytes, inter_pe_bytes, accessed, host)


def _plus(count: CountT, addend: CountT) -> CountT:
    """The sum of two; nothing is added to no column, which would make another of it."""
    if isinstance(addend, int) and not addend:
        return count
    return addend if isinstance(count, int) and not count else count + addend


def _together(counts: Mapping[Access, CountT], addend: Mapping[Access, CountT]) -> Mapping[Access, CountT]:
    if not addend:
        return counts
    if not counts:
        return addend
    total = dict(counts)
    for access, count in addend.items():
        total[access] = total[access] + count if access in total else count
    return total


def _that_happened(counts: Mapping[Access, CountT]) -> Mapping[Access, CountT]:
    """Without those that are zero, so that counts of the same actions are equal."""
    return {access: count for access, count in counts.items() if not isinstance(count, int) or count}
