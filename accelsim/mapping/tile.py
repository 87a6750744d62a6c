"""What a tile is, and what the array does with one: plain values, no clock."""

from dataclasses import dataclass

from accelsim.mapping.arithmetic import Count, Ints, taken


@dataclass(frozen=True, slots=True)
class TileShape:
    """Bounds of one tile, in elements: g groups of k outputs and c inputs each, y x x output pixels."""

    g: Count
    k: Count
    c: Count
    y: Count
    x: Count

    @property
    def pixels(self) -> Count:
        """Output pixels."""
        return self.y * self.x

    def at(self, which: Ints | slice) -> "TileShape":
        """Some of many tiles."""
        return TileShape(*(taken(size, which) for size in (self.g, self.k, self.c, self.y, self.x)))


@dataclass(frozen=True, slots=True)
class Visits:
    """How many tiles an image of a layer is cut into."""

    rows: Count
    """Parts that the picture is cut into from top to bottom."""
    columns: Count
    pictures: Count
    """Parts of the picture."""
    filters: Count
    """Parts that the output channels of a group are cut into."""
    depth: Count
    """Parts that the input channels are cut into: visits to the same outputs."""
    total: Count
    """Tiles of all directions together."""
    exact: bool = False
    """Whether these are the numbers of one cut, and not only the least of many."""

    def at(self, which: Ints | slice) -> "Visits":
        """Some of many."""
        numbers = (self.rows, self.columns, self.pictures, self.filters, self.depth, self.total)
        rows, columns, pictures, filters, depth, total = (taken(number, which) for number in numbers)
        return Visits(rows, columns, pictures, filters, depth, total, exact=self.exact)


UNCUT = Visits(1, 1, 1, 1, 1, 1)


@dataclass(frozen=True, slots=True)
class Granularity:
    """What one pass of an array covers in each direction; tiles are whole passes or parts of one."""

    k: int = 1
    c: int = 1
    y: int = 1
    x: int = 1
    in_turn: str = ""
    """Letters of the directions that every PE goes through in turn; the others lie across the PEs."""


@dataclass(frozen=True, slots=True)
class ArrayWork:
    """What the array does for one tile; words are elements of the operand that the name says."""

    cycles: Count
    macs: Count
    """Executed: without those that a skipped zero weight saved."""
    weight_register_words: Count
    """Reads and writes of register files, by what they hold: the stationary operand and partial sums. What
    streams past is in pipeline registers, which belong to the multiplier and its energy."""
    partial_sum_register_words: Count
    input_hop_words: Count
    """Inputs that move from a PE to its neighbour."""
    input_read_words: Count
    """Read from the global buffer, as the weights are; finished outputs go to the vector unit."""
    weight_read_words: Count
    weight_reads: Count
    """How often the tile's weights are read; those of a pruned layer in the form in which they are kept."""
