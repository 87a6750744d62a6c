"""What a tile is, and what the array does with one: plain values, no clock."""

from dataclasses import dataclass
from typing import Generic

from accelsim.columns import CountT, CountT_co
from accelsim.mapping.arithmetic import at_most_one, product, smaller
from accelsim.network.layer import LoopNest


@dataclass(frozen=True, slots=True)
class TileShape(Generic[CountT_co]):
    """Bounds of one tile, along every loop of a layer, in elements.

    Of n images g groups of k outputs and c inputs each, y x x output pixels, fy x fx taps of the kernel.

    Attributes:
        n: Images.
        g: Groups.
        k: Output channels of each group.
        c: Input channels of each group.
        y: Output rows.
        x: Output columns.
        fy: Rows of the kernel.
        fx: Columns of the kernel.

    Example:
        >>> tile = TileShape(n=1, g=1, k=16, c=3, y=4, x=8, fy=3, fx=3)
        >>> tile.pixels, tile.taps
        (32, 9)
    """

    n: CountT_co
    g: CountT_co
    k: CountT_co
    c: CountT_co
    y: CountT_co
    x: CountT_co
    fy: CountT_co
    fx: CountT_co

    @property
    def pixels(self) -> CountT_co:
        """Output pixels of all images."""
        return product(self.n, self.y, self.x)

    @property
    def taps(self) -> CountT_co:
        """Taps of the kernel."""
        return self.fy * self.fx


def whole_image(layer: LoopNest[CountT], images: int = 1) -> TileShape[CountT]:
    """The tile that is all of a layer, for one image or several.

    Args:
        layer: One layer, or a stack of them.
        images: How many.

    Returns:
        Its bounds.

    Example:
        >>> from accelsim.network.layer import Layer
        >>> whole_image(Layer("fc", "fully_connected", K=10, C=64, OY=1, OX=1, IY=1, IX=1))
        TileShape(n=1, g=1, k=10, c=64, y=1, x=1, fy=1, fx=1)
    """
    return TileShape(images, layer.G, layer.K, layer.C, layer.OY, layer.OX, layer.FY, layer.FX)


def window(layer: LoopNest[CountT], tile: TileShape[CountT]) -> tuple[CountT, CountT]:
    """Rows and columns of inputs under a tile of outputs, padding included."""
    rows = (tile.y - 1) * layer.stride_y + (tile.fy - 1) * layer.dilation_y + 1
    return rows, (tile.x - 1) * layer.stride_x + (tile.fx - 1) * layer.dilation_x + 1


def inputs_under(outputs: CountT, taps: CountT, stride: CountT, dilation: CountT) -> CountT:
    """Rows (or columns) of inputs under so many windows side by side, each once, padding included.

    Example:
        >>> inputs_under(4, 3, 1, 1), inputs_under(4, 1, 2, 1)
        (6, 4)
    """
    return smaller(outputs * taps, (outputs - 1) * stride + (taps - 1) * dilation + 1)


def is_partial(layer: LoopNest[CountT], tile: TileShape[CountT]) -> CountT:
    """1 where other tiles add to the outputs of a tile: those of other input channels or taps; else 0."""
    return at_most_one(layer.C * layer.FY * layer.FX - tile.c * tile.taps)


@dataclass(frozen=True, slots=True)
class TileCounts(Generic[CountT_co]):
    """How many tiles an image of a layer is cut into; each has all taps of the kernel."""

    y_tiles: CountT_co
    """Parts that the output plane is cut into from top to bottom."""
    x_tiles: CountT_co
    plane_tiles: CountT_co
    """Parts of the output plane."""
    k_tiles: CountT_co
    """Parts that the output channels of a group are cut into."""
    c_tiles: CountT_co
    """Parts that the input channels are cut into: visits to the same outputs."""
    total: CountT_co
    """Tiles along all loops together."""
    exact: bool = False
    """Whether these are the numbers of one cut, and not only the least of many."""


UNCUT = TileCounts(1, 1, 1, 1, 1, 1)


@dataclass(frozen=True, slots=True)
class Granularity:
    """What one pass of an array covers of each loop; tiles are whole passes or parts of one."""

    k: int = 1
    c: int = 1
    y: int = 1
    x: int = 1
    whole_rows: bool = False
    """Whether tiles are as wide as the outputs, unless a mapping says otherwise."""
    in_turn: str = ""
    """Letters of the loops that every PE goes through in turn; the others lie across the PEs."""


@dataclass(frozen=True, slots=True)
class ArrayWork(Generic[CountT_co]):
    """What the array does for one tile; words are elements of the operand that the name says."""

    cycles: CountT_co
    macs: CountT_co
    """Executed: without those that a skipped zero weight saved."""
    weight_register_words: CountT_co
    """Reads and writes of register files, by what they hold: the stationary operand and partial sums. What
    streams past is in pipeline registers, which belong to the multiplier and its energy."""
    partial_sum_register_words: CountT_co
    input_hop_words: CountT_co
    """Inputs that move from a PE to its neighbour."""
    input_read_words: CountT_co
    """Read from memory on chip, as the weights are; finished outputs go to the vector unit."""
    weight_read_words: CountT_co
    weight_reads: CountT_co
    """How often the tile's weights are read; those of a pruned layer in the form in which they are kept."""
    input_register_words: CountT_co = 0
    """Reads and writes of registers of inputs that a machine's file describes, and so prices."""
    sum_hop_words: CountT_co = 0
    """Partial sums that move from a PE to its neighbour."""
    sum_read_words: CountT_co = 0
    """Partial sums that the tile itself reads from memory on chip, and those that it writes to it: none where
    it is done in one pass, or adds up in registers. Between tiles they are counted anyway."""
    sum_written_words: CountT_co = 0
