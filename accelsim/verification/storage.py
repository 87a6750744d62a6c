"""The buffer as a store that holds what was loaded and nothing else.

Regions are held with their elements. What is asked for has to lie within what is held, so that an element
that no step brought is a missing value, not a silent read.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from accelsim.descriptions.phrases import counted
from accelsim.hardware.memory import POOL, Bank
from accelsim.hardware.operand import Operand
from accelsim.mapping.regions import Range, Region
from accelsim.verification.functions import Integers
from accelsim.verification.mismatch import refuse
from accelsim.verification.tensors import AXES


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

    def load(self, region: Region) -> None:
        """Bring elements from DRAM."""
        source = self.dram[region.tensor]
        for axis, (start, end), extent in zip(AXES[region.tensor], region.ranges, source.shape, strict=True):
            if not 0 <= start <= end <= extent:
                refuse(
                    f"loads {region.tensor} {axis} {start} to {end - 1}, but there are only 0 to {extent - 1}"
                )
        self.loaded.setdefault(region.tensor, []).append(LoadedRegion(region, source[slices(region.ranges)]))

    def free(self, region: Region) -> None:
        """Give up a region that was loaded; of two that are the same, the one that came first."""
        regions = self.loaded.get(region.tensor, [])
        for index, loaded in enumerate(regions):
            if loaded.region == region:
                del regions[index]
                return
        refuse(f"frees {described(region)}, which the buffer does not hold")

    def read(self, region: Region) -> Integers:
        """Elements that have to be in the buffer."""
        if region.tensor in self.placed:
            return self.dram[region.tensor][slices(region.ranges)]
        regions = self.loaded.get(region.tensor, [])
        for loaded in regions:
            bounds = list(zip(region.ranges, loaded.region.ranges, strict=True))
            if all(low <= start and end <= high for (start, end), (low, high) in bounds):
                box = tuple(slice(start - low, end - low) for (start, end), (low, _) in bounds)
                return loaded.values[box]
        return _missing(region, [loaded.region for loaded in regions])

    def take(self, operand: str, size_bytes: int) -> None:
        """Take room in the bank of an operand."""
        bank, room = self._bank_of(operand)
        used_bytes = self.used_bytes[bank] = self.used_bytes.get(bank, 0) + size_bytes
        if used_bytes > room:
            refuse(
                f"{operand} need {counted(used_bytes, 'byte')} of the bank of {bank} together with what is "
                f"there; it has {room}"
            )

    def give_back(self, operand: str, size_bytes: int) -> None:
        """Free room in the bank of an operand."""
        bank, _ = self._bank_of(operand)
        self.used_bytes[bank] = self.used_bytes.get(bank, 0) - size_bytes
        if self.used_bytes[bank] < 0:
            excess = counted(-self.used_bytes[bank], "byte")
            refuse(f"frees {excess} of {operand} more than the bank of {bank} holds")

    def give_back_pool(self, size_bytes: int) -> None:
        """Free what tensors took of the pool all the while."""
        self.used_bytes[POOL] = self.used_bytes.get(POOL, 0) - size_bytes

    def _bank_of(self, operand: str) -> tuple[str, int]:
        """The bank that the machine gives to an operand, and its bytes."""
        for bank in self.banks:
            if Operand(operand) in bank.operands:
                return bank.name, bank.size_bytes
        raise ValueError(f"no bank holds {operand}")

    def expect_empty(self) -> None:
        """Nothing may be left behind."""
        for regions in self.loaded.values():
            for loaded in regions:
                refuse(f"leaves {described(loaded.region)} in the buffer")
        for bank, used_bytes in self.used_bytes.items():
            if used_bytes:
                refuse(f"leaves {counted(used_bytes, 'byte')} taken in the bank of {bank}")


def slices(ranges: Sequence[Range]) -> tuple[slice, ...]:
    """Ranges as numpy takes them."""
    return tuple(slice(start, end) for start, end in ranges)


def described(region: Region) -> str:
    """`weights G 0, K 0-15, C 0-31`: the axes along which there is more than one element, and where."""
    parts = [
        f"{axis} {start}" if end - start == 1 else f"{axis} {start}-{end - 1}"
        for axis, (start, end) in zip(AXES[region.tensor], region.ranges, strict=True)
    ]
    return f"{region.tensor} {', '.join(parts)}"


def first_of(region: Region, flags: Integers) -> str:
    """The first element of a region that is flagged, in words."""
    position = np.unravel_index(int(np.argmax(flags)), flags.shape)
    starts = [start for start, _ in region.ranges]
    coordinates = [int(index) + start for index, start in zip(position, starts, strict=True)]
    axes = zip(AXES[region.tensor], coordinates, strict=True)
    return f"{region.tensor} {', '.join(f'{axis} {coordinate}' for axis, coordinate in axes)}"


def _missing(region: Region, regions: Sequence[Region]) -> Integers:
    """Name the first element that is not there."""
    tensor, ranges = region
    holds = "; ".join(map(described, regions)) or "none"
    for axis, (start, end) in enumerate(ranges):
        reached = [
            bounds for bounds in (loaded.ranges[axis] for loaded in regions) if bounds[0] <= start < bounds[1]
        ]
        first = max((high for _, high in reached), default=start)
        if first < end:
            element = f"{AXES[tensor][axis]} {first}"
            refuse(f"reads {tensor} at {element}, which is not in the buffer; it holds {holds}")
    refuse(f"reads {described(region)}, which no single load brought; it holds {holds}")
