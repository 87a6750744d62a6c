"""A pass of the array: which PEs work in it, and what lies along its rows and columns."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from accelsim.descriptions.phrases import counted
from accelsim.hardware.array import ArraySide, PEArray


class PEBlock(NamedTuple):
    """PEs beside and below each other, all of which work."""

    row: int
    """Of the array, where it begins."""
    column: int
    rows: int
    columns: int


class Lying(NamedTuple):
    """What of a tile lies along one axis of the array."""

    loops: tuple[str, ...]
    """By the letters of their bounds."""
    extent: int
    """Of the tile along those."""
    passes: int
    """In which it goes through the array, in parts as equal as they can be."""
    used: int
    """PEs of the axis at work in the pass that has most."""


class ArrayPass(NamedTuple):
    """The pass of a tile in which most PEs work.

    Example:
        >>> along = {"rows": lying(("C",), 24, 16), "columns": lying(("K",), 8, 16)}
        >>> full = pass_of(along, PEArray(rows=16, columns=16))
        >>> full.pes, full.words[0]
        (96, 'along the rows lie 24 of C of a full tile, in 2 passes: 12 of 16 rows work')
    """

    blocks: tuple[PEBlock, ...]
    """Of PEs that work; none lies over another."""
    loops: Mapping[ArraySide, tuple[str, ...]]
    """That lie along each axis."""
    words: tuple[str, ...]
    """The same as sentences."""

    @property
    def pes(self) -> int:
        """That work."""
        return sum(block.rows * block.columns for block in self.blocks)


def lying(loops: tuple[str, ...], extent: int, at_once: int) -> Lying:
    """Loops of which at most so much is in the array at once."""
    passes = -(-extent // at_once)
    return Lying(loops, extent, passes, -(-extent // passes))


def pass_of(
    along: Mapping[ArraySide, Lying], array: PEArray, blocks: tuple[PEBlock, ...] | None = None
) -> ArrayPass:
    """A pass with something along each axis.

    Args:
        along: What lies there.
        array: Without the rows that are left idle.
        blocks: Of PEs that work, where these are not all at which a row and a column in use meet.
    """
    full = (PEBlock(0, 0, along["rows"].used, along["columns"].used),)
    loops = {axis: own.loops for axis, own in along.items()}
    return ArrayPass(full if blocks is None else blocks, loops, tuple(_sentences(along, array)))


def _sentences(along: Mapping[ArraySide, Lying], array: PEArray) -> Iterator[str]:
    lengths = {"rows": array.rows, "columns": array.columns}
    for axis, own in along.items():
        noun, works = axis.removesuffix("s") if lengths[axis] == 1 else axis, f"{own.used} of {lengths[axis]}"
        what = f"{own.extent} of {' x '.join(own.loops)} of a full tile" if own.loops else "one product"
        yield f"along the {axis} lie {what}, in {counted(own.passes, 'pass', 'passes')}: {works} {noun} work"
