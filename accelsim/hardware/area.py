"""Area: what the parts of a chip take, in one process; nothing is scaled to another."""

import math
from collections.abc import Iterable, Mapping
from typing import Annotated, Self, TypeAlias

from pydantic import BeforeValidator, Field, model_validator

from accelsim.descriptions import Description, Mistake, refusal
from accelsim.descriptions.quantities import (
    Bits,
    BufferBytes,
    Exponent,
    LeakageMilliwatts,
    SquareMillimetres,
)
from accelsim.hardware.memory import Memory
from accelsim.hardware.prices import EMPTY, BitsKey, bits_as_keys, least_that_holds

Words = Annotated[str, Field(min_length=1)]
AreasByBits: TypeAlias = Annotated[Mapping[BitsKey, SquareMillimetres], BeforeValidator(bits_as_keys)]
"""By bits of the wider operand."""


class AreaLaw(Description):
    """What a kibibyte of a memory takes, as a law of the memory's size.

    A memory of `at_bytes` takes `mm2_per_kib` for each kibibyte, one of another size in all
    (size / `at_bytes`) ^ `exponent` times as much: with an exponent of 1 each kibibyte takes the same.

    Example:
        >>> AreaLaw(at_bytes=65536, mm2_per_kib=0.015, exponent=0.5).area_mm2(4 * 65536)
        1.92
    """

    at_bytes: BufferBytes
    mm2_per_kib: SquareMillimetres
    exponent: Exponent

    def area_mm2(self, size_bytes: int) -> float:
        """Of a memory of a size."""
        factor = math.pow(size_bytes / self.at_bytes, self.exponent)
        return self.at_bytes / 1024 * self.mm2_per_kib * factor


class AreaTable(Description):
    """What the parts of a chip take [mm2], in one process; nothing is scaled to another."""

    process: Words
    """In which the figures are: `65 nm`."""
    word_bits: Bits | None = None
    """Of the PEs that the source measured; left out where `pe_mm2` says it."""
    pe_mm2: SquareMillimetres | AreasByBits
    """A PE with its multiplier, adder and operand registers, without its register file of partial sums. One
    number, or by bits of its wider operand: PEs are as wide as the machine's words."""
    register_file_mm2_per_kib: SquareMillimetres
    """Partial sums in the PEs and accumulators below the columns."""
    global_buffer_mm2_per_kib: SquareMillimetres | AreaLaw
    """Of memories on chip; one number, or a law of their size."""
    rest_mm2: SquareMillimetres
    """What is there whatever the size of the rest: control."""
    leakage_mw_per_mm2: LeakageMilliwatts | None = None
    """That a square millimetre draws at all times, of all but the memories that say their own leakage."""

    @model_validator(mode="after")
    def _widths_are_said_once(self) -> Self:
        by_bits = isinstance(self.pe_mm2, dict)
        mistakes = []
        if self.pe_mm2 == {}:
            mistakes.append(Mistake(("pe_mm2",), EMPTY))
        if by_bits and self.word_bits is not None:
            mistakes.append(Mistake(("word_bits",), "must be left out: pe_mm2 says areas by bits"))
        if not by_bits and self.word_bits is None:
            mistakes.append(Mistake(("word_bits",), "missing, must be the bits of the PE that pe_mm2 is of"))
        if mistakes:
            raise refusal("area", mistakes)
        return self

    def pe_mm2_of(self, bits: int) -> float | None:
        """Of a PE for words of so many bits; None where that is wider than the source's.

        One of narrower words is taken to be as large as the next that the source has.
        """
        if isinstance(self.pe_mm2, int | float):
            return self.pe_mm2 if bits <= (self.word_bits or 0) else None
        return least_that_holds(self.pe_mm2, bits)

    def memories_mm2(self, memories: Iterable[Memory]) -> float:
        """Of memories on chip."""
        sizes = [memory.size_bytes or 0 for memory in memories]
        law = self.global_buffer_mm2_per_kib
        if isinstance(law, AreaLaw):
            return sum([law.area_mm2(size_bytes) for size_bytes in sizes])
        return sum(sizes) / 1024 * law

    def mm2_by_part(
        self, *, pes: int, bits: int, register_file_bytes: float, memories: Iterable[Memory]
    ) -> dict[str, float] | None:
        """What each part of a chip takes; None where its words are wider than the table's.

        PEs of narrower words are as large as the next width of the table.
        """
        pe_mm2 = self.pe_mm2_of(bits)
        if pe_mm2 is None:
            return None
        return {
            "pe_array": pes * pe_mm2,
            "register_file": register_file_bytes / 1024 * self.register_file_mm2_per_kib,
            "global_buffer": self.memories_mm2(memories),
            "rest": self.rest_mm2,
        }
