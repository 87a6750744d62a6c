"""What passes over a tile need to know, and what they count."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

from accelsim.hardware.machine import Hardware


class TileWork(NamedTuple):
    """A tile as the array sees it."""

    n: int
    g: int
    k: int
    c: int
    y: int
    x: int
    fy: int
    fx: int
    stride: tuple[int, int]
    dilation: tuple[int, int]
    nonzero: int
    """Weights that are not zero."""
    resumes: bool
    """Whether there are partial sums to add to."""

    @property
    def taps(self) -> int:
        """Taps of the kernel that the tile has."""
        return self.fy * self.fx


@dataclass(frozen=True)
class ArrayMachine:
    """The numbers of an array that passes depend on."""

    rows: int
    columns: int
    port_words: int
    """Words that a column exchanges with the buffer in a cycle."""
    parameters: Any
    """What the machine's file says of the dataflow whose passes these are, an object of its `parameters`;
    None for the vector unit."""

    @classmethod
    def of(cls, hardware: Hardware, dataflow: str, idle_rows: int) -> "ArrayMachine":
        """Those of a machine for a mapping of a dataflow that leaves some rows idle."""
        array = hardware.pe_array
        parameters = array.dataflows.get(dataflow)
        return cls(array.rows - idle_rows, array.columns, array.port_words_per_column, parameters)


@dataclass
class PassCounts:
    """What was counted on the way, in words of the operand that the name says."""

    macs: int = 0
    cycles: int = 0
    weight_register_writes: int = 0
    weight_register_reads: int = 0
    partial_sum_writes: int = 0
    """Of register files and accumulators."""
    partial_sum_reads: int = 0
    input_hops: int = 0
    """Inputs that move to the neighbouring PE."""
    input_reads: int = 0
    """From the buffer."""
    weight_reads: int = 0
    """From the buffer."""
    weight_readings: int = 0
    """How often all weights of the tile were read from the buffer."""


def folds(extent: int, size: int) -> Iterator[tuple[int, int]]:
    """How a direction is shared out among passes: equal ranges of at most `size`, longer ones first.

    All that passes cover (rows, columns, accumulators, registers of a PE) is shared out like this, so that
    what an array does with a remainder is said here only.
    """
    parts = -(-extent // size)
    shorter, longer_parts = divmod(extent, parts)
    start = 0
    for part in range(parts):
        end = start + shorter + (part < longer_parts)
        yield start, end
        start = end
