"""What passes over a tile need to know, and what they count."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from accelsim.hardware.machine import Hardware
from accelsim.mapping.mapping import DataflowParameters


class TileWork(NamedTuple):
    """A tile as the array sees it: its extent along each loop, and what its windows are.

    Example:
        >>> TileWork(1, 1, 16, 16, 4, 4, 3, 3, (1, 1), (1, 1), nonzero=2304, resumes=False).taps
        9
    """

    n: int
    """Images."""
    g: int
    """Groups."""
    k: int
    """Output channels of a group."""
    c: int
    """Input channels of a group."""
    y: int
    """Output rows."""
    x: int
    """Output columns."""
    fy: int
    """Rows of kernel taps."""
    fx: int
    """Columns of kernel taps."""
    stride: tuple[int, int]
    """Of rows and columns."""
    dilation: tuple[int, int]
    """Likewise."""
    nonzero: int
    """Weights that are not zero."""
    resumes: bool
    """Whether there are partial sums to add to."""
    input_density: float = 1.0
    """The part of the inputs that is not zero, where the array saves products with those that are."""
    depthwise: bool = False
    """Whether groups of the layer have one input and one output channel each."""

    @property
    def taps(self) -> int:
        """Taps of the kernel that the tile has."""
        return self.fy * self.fx


@dataclass(frozen=True)
class ArrayMachine:
    """The numbers of an array that passes depend on.

    Example:
        >>> from accelsim import load_hardware
        >>> machine = ArrayMachine.of(load_hardware("16x16_128k"), "output_stationary", idle_rows=4)
        >>> machine.rows, machine.columns, machine.parameters.partial_sums_per_pe
        (12, 16, 4)
    """

    rows: int
    """Of PEs that work."""
    columns: int
    """Of PEs."""
    row_words_in: int
    """Words that the port of a row takes in from the buffer in a cycle."""
    row_words_out: int
    """That it lets out; 0 where it lets out none."""
    column_words_in: int
    """Words that the port of a column takes in."""
    column_words_out: int
    """That it lets out."""
    parameters: Any
    """What the machine's file says of the dataflow whose passes these are, an object of its `parameters`;
    None for the vector unit."""
    fixed: Mapping[str, int] = field(default_factory=dict)
    """Parameters of the dataflow's own that the mapping says."""

    @classmethod
    def of(
        cls, hardware: Hardware, dataflow: str, idle_rows: int, fixed: DataflowParameters = ()
    ) -> "ArrayMachine":
        """Those of a machine for a mapping of a dataflow that leaves some rows idle."""
        array = hardware.pe_array
        parameters = array.dataflows.get(dataflow)
        return cls(
            rows=array.rows - idle_rows,
            columns=array.columns,
            row_words_in=array.words_in("rows"),
            row_words_out=array.words_out("rows"),
            column_words_in=array.words_in("columns"),
            column_words_out=array.words_out("columns"),
            parameters=parameters,
            fixed=dict(fixed),
        )


@dataclass
class PassCounts:
    """What was counted on the way, in words of the operand that the name says.

    Example:
        >>> counts = PassCounts(cycles=8)
        >>> counts.macs += 256
        >>> counts.macs, counts.cycles
        (256, 8)
    """

    macs: int = 0
    """Multiply-accumulates, without those of weights that are skipped."""
    cycles: int = 0
    """That the array works."""
    weight_register_writes: int = 0
    """Of the PEs' register files."""
    weight_register_reads: int = 0
    """Likewise."""
    partial_sum_writes: int = 0
    """Of register files and accumulators."""
    partial_sum_reads: int = 0
    """Likewise."""
    input_register_writes: int = 0
    """Of registers of inputs that a machine's file describes."""
    input_register_reads: int = 0
    """Likewise."""
    input_hops: int = 0
    """Inputs that move to the neighbouring PE."""
    sum_hops: int = 0
    """Partial sums that do."""
    sum_read_words: int = 0
    """Partial sums that passes read from the buffer, of those before them."""
    sum_written_words: int = 0
    """And that they write to it, for those after them."""
    input_read_words: int = 0
    """From the buffer."""
    weight_read_words: int = 0
    """From the buffer."""
    weight_reads: int = 0
    """How often all weights of the tile were read from the buffer."""


def folds(extent: int, size: int) -> Iterator[tuple[int, int]]:
    """How a loop is shared out among passes: equal ranges of at most `size`, longer ones first.

    All that passes cover (rows, columns, accumulators, registers of a PE) is shared out like this, so that
    what an array does with a remainder is said here only.

    Args:
        extent: Of the loop.
        size: What a pass covers at most.

    Yields:
        The start and the end of each range.

    Example:
        >>> list(folds(10, 4))
        [(0, 4), (4, 7), (7, 10)]
    """
    parts = -(-extent // size)
    shorter, longer_parts = divmod(extent, parts)
    start = 0
    for part in range(parts):
        end = start + shorter + (part < longer_parts)
        yield start, end
        start = end
