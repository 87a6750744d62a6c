"""The buffer as a store that holds what was loaded and nothing else.

Regions are held with their elements. What is asked for has to lie within what is held, so that an element
that no step brought is a missing value, not a silent read.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from accelsim.columns import Flags
from accelsim.hardware.bank import Bank
from accelsim.hardware.memory import POOL
from accelsim.hardware.operand import Operand
from accelsim.mapping.regions import Range, Region
from accelsim.verification.axes import AXES
from accelsim.verification.difference import Difference, Element
from accelsim.verification.functions import Integers
from accelsim.verification.mismatch import refuse


@dataclass
class LoadedRegion:
    """A region in the buffer."""

    region: Region
    values: Integers


@dataclass
class Storage:
    """What the buffer holds, and how many bytes of each bank that takes.

    Tensors that have their place on chip are read there; what they take of a bank is taken from the start.
    """

    dram: Mapping[str, Integers]
    banks: Sequence[Bank]
    placed: frozenset[str] = frozenset()
    """Tensors that lie on chip as a whole."""
    loaded: dict[str, list[LoadedRegion]] = field(default_factory=dict)
    """By tensor, in the order of loading."""
    used_bytes: dict[str, int] = field(default_factory=dict)
    brought: dict[str, Flags] = field(default_factory=dict)
    """Of each tensor that comes to where it stays: which elements have come."""

    def load(self, region: Region) -> None:
        """Bring elements from DRAM."""
        source = self.dram[region.tensor]
        for axis, (start, end), extent in zip(AXES[region.tensor], region.ranges, source.shape, strict=True):
            if not 0 <= start <= end <= extent:
                refuse(
                    Difference.LOADS_WHAT_IS_NOT,
                    tensor=region.tensor,
                    axis=axis,
                    start=start,
                    last=end - 1,
                    last_of_all=extent - 1,
                )
        self.loaded.setdefault(region.tensor, []).append(LoadedRegion(region, source[slices(region.ranges)]))

    def pin(self, region: Region) -> None:
        """Bring elements to where they stay, which happens once."""
        self.load(region)
        source = self.dram[region.tensor]
        brought = self.brought.setdefault(region.tensor, np.zeros(source.shape, dtype=np.bool_))
        if brought[slices(region.ranges)].any():
            refuse(Difference.LOADS_AGAIN, region=region)
        brought[slices(region.ranges)] = True

    def leave_pinned(self, tensors: Collection[str]) -> None:
        """What was pinned stays; of these tensors that has to be all."""
        for tensor in tensors:
            self.loaded.pop(tensor, None)
            elements = self.dram[tensor].size
            loaded = int(np.count_nonzero(self.brought.get(tensor, False)))
            if loaded != elements:
                refuse(Difference.NEVER_LOADS, loaded=loaded, elements=elements, tensor=tensor)

    def free(self, region: Region) -> None:
        """Give up a region that was loaded; of two that are the same, the one that came first."""
        regions = self.loaded.get(region.tensor, [])
        for index, loaded in enumerate(regions):
            if loaded.region == region:
                del regions[index]
                return
        refuse(Difference.FREES_WHAT_IS_NOT_HELD, region=region)

    def read(self, region: Region) -> Integers:
        """Elements that have to be in the buffer."""
        if region.tensor in self.placed:
            return self.dram[region.tensor][slices(region.ranges)]
        brought = self.brought.get(region.tensor)
        if brought is not None and brought[slices(region.ranges)].all():
            return self.dram[region.tensor][slices(region.ranges)]
        regions = self.loaded.get(region.tensor, [])
        for loaded in regions:
            bounds = list(zip(region.ranges, loaded.region.ranges, strict=True))
            if all(low <= start and end <= high for (start, end), (low, high) in bounds):
                box = tuple(slice(start - low, end - low) for (start, end), (low, _) in bounds)
                return loaded.values[box]
        return _missing(region, [loaded.region for loaded in regions])

    def room(self, operand: str, size_bytes: int) -> int:
        """What so many bytes take: whole banks, where a memory is given out in such."""
        units = [bank.unit_bytes for bank in self.banks if Operand(operand) in bank.operands]
        unit_bytes = units[0] if units else 1
        return -(-size_bytes // unit_bytes) * unit_bytes

    def rooms(self, sizes: Mapping[str, int]) -> dict[str, int]:
        """The same of several operands."""
        return {operand: self.room(operand, size) for operand, size in sizes.items()}

    def take(self, operand: str, size_bytes: int) -> None:
        """Take room in the bank of an operand; none of one that no memory holds."""
        of_operand = self._bank_of(operand)
        if of_operand is None:
            return
        bank, room = of_operand
        used_bytes = self.used_bytes[bank] = self.used_bytes.get(bank, 0) + size_bytes
        if used_bytes > room:
            refuse(Difference.BANK_TOO_SMALL, operand=operand, used=used_bytes, bank=bank, room=room)

    def give_back(self, operand: str, size_bytes: int) -> None:
        """Free room in the bank of an operand."""
        of_operand = self._bank_of(operand)
        if of_operand is None:
            return
        bank, _ = of_operand
        self.used_bytes[bank] = self.used_bytes.get(bank, 0) - size_bytes
        if self.used_bytes[bank] < 0:
            excess = -self.used_bytes[bank]
            refuse(Difference.FREES_MORE_THAN_IS_TAKEN, excess=excess, operand=operand, bank=bank)

    def give_back_pool(self, size_bytes: int) -> None:
        """Free what tensors took of the pool all the while."""
        self.used_bytes[POOL] = self.used_bytes.get(POOL, 0) - size_bytes

    def _bank_of(self, operand: str) -> tuple[str, int] | None:
        """The bank that the machine gives to an operand, and its bytes; none where weights stream past."""
        for bank in self.banks:
            if Operand(operand) in bank.operands:
                return bank.name, bank.size_bytes
        if operand == Operand.WEIGHTS:
            return None
        raise ValueError(f"no bank holds {operand}")

    def expect_empty(self) -> None:
        """Nothing may be left behind."""
        for regions in self.loaded.values():
            for loaded in regions:
                refuse(Difference.LEAVES_ELEMENTS, region=loaded.region)
        for bank, used_bytes in self.used_bytes.items():
            if used_bytes:
                refuse(Difference.LEAVES_ROOM_TAKEN, used=used_bytes, bank=bank)


def slices(ranges: Sequence[Range]) -> tuple[slice, ...]:
    """Ranges as numpy takes them."""
    return tuple(slice(start, end) for start, end in ranges)


def first_of(region: Region, flags: Integers) -> Element:
    """The first element of a region that is flagged."""
    position = np.unravel_index(int(np.argmax(flags)), flags.shape)
    starts = [start for start, _ in region.ranges]
    index = tuple(int(offset) + start for offset, start in zip(position, starts, strict=True))
    return Element(region.tensor, index)


def _missing(region: Region, regions: Sequence[Region]) -> Integers:
    """Name the first element that is not there."""
    tensor, ranges = region
    held = tuple(regions)
    for axis, (start, end) in enumerate(ranges):
        reached = [
            bounds for bounds in (loaded.ranges[axis] for loaded in regions) if bounds[0] <= start < bounds[1]
        ]
        first = max((high for _, high in reached), default=start)
        if first < end:
            letters = AXES[tensor][axis]
            refuse(Difference.READS_WHAT_IS_NOT_HELD, tensor=tensor, axis=letters, index=first, held=held)
    refuse(Difference.READS_OF_SEVERAL_LOADS, region=region, held=held)
