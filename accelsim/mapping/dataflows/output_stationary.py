"""Output stationary: each PE keeps the partial sums of one output pixel while inputs and weights pass.

The array holds a `rows x columns` block of output pixels of one output channel; each cycle one weight is
broadcast to all PEs (single output channel, multiple output pixels: Kwon et al., arXiv:1804.10642, section
3). A block of inputs with its halo is loaded for one input channel; between kernel taps the inputs move on
to the neighbouring PE, as in ShiDianNao (Du et al., ISCA 2015). The register file holds the partial sums
of several output channels, so one loaded block serves them all. Zero weights are not broadcast, so they take
no cycle. The next block of inputs is loaded meanwhile, so a block takes

    max(load, non-zero weights) + rows x drain      cycles

for every set of output channels whose partial sums fit the register files; only a tile's first load is
waited for.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar, Final, Literal

from accelsim.columns import Count, Real
from accelsim.descriptions import Description
from accelsim.descriptions.quantities import Extent, Fraction, PerPE
from accelsim.hardware.array import ArraySide, PEArray, described
from accelsim.hardware.machine import Hardware
from accelsim.hardware.operand import Operand
from accelsim.mapping.arithmetic import ceil_div, ceil_scaled, equal_part, larger, smaller
from accelsim.mapping.dataflows.blocks import BlockAxis, block_axis
from accelsim.mapping.dataflows.contract import Dataflow, Port
from accelsim.mapping.tile import ArrayWork, Granularity, TileCounts, TileShape
from accelsim.network.layer import Layer, LoopNest

if TYPE_CHECKING:
    from accelsim.mapping.dataflows.array_pass import ArrayPass

AS_NEEDED: Final = "as_needed"


class BlockRegister(Description):
    """The registers that hold the inputs under a block of outputs, while these move on from tap to tap.

    Attributes:
        rows: Of inputs of one channel.
        columns: Likewise.

    Example:
        >>> BlockRegister(rows=33, columns=33).rows
        33
    """

    rows: Extent
    columns: Extent


class Parameters(Description):
    """What a PE needs to keep outputs in place."""

    partial_sums_per_pe: PerPE = 4
    """Output channels whose partial sums a register file holds; one loaded input block serves them all."""
    weight_density: Fraction = 1.0
    """The part of the weights that are not zero; the others are skipped and take no cycle. By default none is
    zero: whoever takes some to be says so."""
    block_register: BlockRegister | Literal["as_needed"] = AS_NEEDED
    """How much of an input channel lies in the array at a time. It is there twice, as the next is loaded
    meanwhile, and has the area and the price of a register file. `as_needed`: as much as any layer takes, of
    no area and at no price."""


class OutputStationary(Dataflow):
    """A block of output pixels on rows and columns, of one output channel after another."""

    name = "output_stationary"
    short = "OS"
    title = "output stationary"
    axes: ClassVar = {"rows": ("OY",), "columns": ("OX",)}
    stationary = Operand.OUTPUTS
    ports: ClassVar = {
        Operand.INPUTS: Port(("rows", "columns"), any_port=True, hidden=True),
        Operand.OUTPUTS: Port(("rows", "columns"), any_port=False, hidden=False),
    }
    skips_zeros = True
    parameters = Parameters

    def of(self, array: PEArray) -> Parameters:
        """What a machine's file says."""
        return described(array, self.name, Parameters)

    def granularity(self, hardware: Hardware) -> Granularity:
        """Whole blocks of pixels, and whole sets of output channels."""
        array = hardware.pe_array
        channels = self.of(array).partial_sums_per_pe
        return Granularity(k=channels, y=array.rows, x=array.columns, in_turn="k")

    def array_pass(self, layer: Layer, tile: TileShape[int], hardware: Hardware) -> "ArrayPass":
        """A block of pixels, which is smaller than the array where its inputs would not fit the registers."""
        from accelsim.mapping.dataflows.array_pass import Lying, lying, pass_of  # noqa: PLC0415 (only pictures ask)

        array = hardware.pe_array
        rows, columns = _block(layer, tile.fy, tile.fx, array, self.of(array))
        along: dict[ArraySide, Lying] = {
            "rows": lying(self.axes["rows"], tile.y, int(rows.outputs)),
            "columns": lying(self.axes["columns"], tile.x, int(columns.outputs)),
        }
        return pass_of(along, array)

    def execute(
        self, layer: LoopNest[Count], tile: TileShape[Count], resumes: Count, hardware: Hardware
    ) -> ArrayWork[Count]:
        """Every block of the tile's pixels, for one set of output channels after the other.

        `resumes` says that partial sums of an earlier tile have to be loaded before they can be added to.
        """
        array, parameters = hardware.pe_array, self.of(hardware.pe_array)
        input_port, output_port = self.ports[Operand.INPUTS], self.ports[Operand.OUTPUTS]
        rows, columns = _block(layer, tile.fy, tile.fx, array, parameters)
        taps, pixels = tile.taps, tile.pixels

        row_blocks, column_blocks = rows.blocks(tile.y), columns.blocks(tile.x)
        blocks = tile.n * row_blocks * column_blocks  # a block is of one image
        channel_sets = ceil_div(tile.k, parameters.partial_sums_per_pe)

        # Rounded up for each tile: there are no parts of a weight.
        nonzero_weights = ceil_scaled(tile.g * tile.k * tile.c * taps, self.weight_density(layer, hardware))
        block_words = rows.loaded(tile.y, row_blocks) * columns.loaded(tile.x, column_blocks)
        planes = tile.g * tile.c * channel_sets
        input_words = tile.n * block_words * planes
        sums = tile.n * tile.g * tile.k
        sums_of_a_port: dict[ArraySide, Count] = {
            "rows": sums * tile.x * row_blocks,
            "columns": sums * tile.y * column_blocks,
        }
        passing = {
            Operand.INPUTS: input_port.cycles(input_words, array),
            Operand.OUTPUTS: output_port.sum_cycles(sums_of_a_port, array, in_again=resumes),
        }
        first_words = rows.first_load(equal_part(tile.y, rows.outputs)) * columns.first_load(
            equal_part(tile.x, columns.outputs)
        )
        outputs = tile.g * tile.k * pixels
        macs = nonzero_weights * pixels
        first_load = input_port.cycles(first_words, array)
        return ArrayWork(
            cycles=first_load + self.cycles_with_ports(blocks * nonzero_weights, passing),
            macs=macs,
            weight_register_words=0,
            # An accumulation reads and writes; the first of an output only writes, the drain reads it.
            partial_sum_register_words=2 * macs + resumes * outputs,
            input_hop_words=pixels * planes * (taps - rows.loads * columns.loads),
            input_read_words=input_words,
            weight_read_words=blocks * nonzero_weights,
            weight_reads=blocks,
            input_register_words=_input_register_words(input_words, pixels * planes * taps, parameters),
        )

    def least_work(
        self, layer: LoopNest[Count], tile: TileShape[Count], tiles: TileCounts[Count], hardware: Hardware
    ) -> ArrayWork[Count]:
        """Cutting adds blocks, halos, first loads, and partial sums that are drained and loaded again."""
        array, parameters = hardware.pe_array, self.of(hardware.pe_array)
        input_port, taps = self.ports[Operand.INPUTS], layer.FY * layer.FX
        rows, columns = _block(layer, layer.FY, layer.FX, array, parameters)
        row_blocks = larger(rows.blocks(layer.OY), tiles.y_tiles)
        column_blocks = larger(columns.blocks(layer.OX), tiles.x_tiles)
        channel_sets = larger(ceil_div(layer.K, parameters.partial_sums_per_pe), tiles.k_tiles)
        planes = layer.G * layer.C * channel_sets
        block_words = rows.least_loaded(layer.OY, row_blocks) * columns.least_loaded(layer.OX, column_blocks)
        input_words = block_words * planes
        # Of equal blocks none has fewer than half the rows, unless the tile has.
        y, x = (
            equal_part(outputs, axis.outputs) if tiles.exact else smaller(outputs, ceil_div(axis.outputs, 2))
            for outputs, axis in ((tile.y, rows), (tile.x, columns))
        )
        first_words = _first_loads(rows, y, tiles.y_tiles) * _first_loads(columns, x, tiles.x_tiles)
        first_loads = input_port.cycles(first_words * (tiles.total // tiles.plane_tiles), array)

        nonzero_weights = ceil_scaled(layer.weights, self.weight_density(layer, hardware))
        broadcast = larger(row_blocks * column_blocks, tiles.plane_tiles) * nonzero_weights
        passing = {
            Operand.INPUTS: input_port.cycles(input_words, array),
            Operand.OUTPUTS: self._least_sum_cycles(
                layer, {"rows": rows, "columns": columns}, column_blocks, tiles.c_tiles, array
            ),
        }
        pixels, outputs = layer.OY * layer.OX, layer.output_elements
        macs = nonzero_weights * pixels
        return ArrayWork(
            cycles=first_loads + self.cycles_with_ports(broadcast, passing),
            macs=macs,
            weight_register_words=0,
            partial_sum_register_words=2 * macs + (tiles.c_tiles - 1) * outputs,
            input_hop_words=pixels * planes * (taps - rows.loads * columns.loads),
            input_read_words=input_words,
            weight_read_words=broadcast,
            weight_reads=row_blocks * column_blocks,
            input_register_words=_input_register_words(input_words, pixels * planes * taps, parameters),
        )

    def _least_sum_cycles(
        self,
        layer: LoopNest[Count],
        axes: Mapping[ArraySide, BlockAxis],
        column_blocks: Count,
        c_tiles: Count,
        array: PEArray,
    ) -> Count:
        """How long sums at least take: they leave with each tile, and come in for each but the first.

        Some tiles may take one side and some the other; none is faster than in full blocks by the faster.
        """
        port, sums, pixels = self.ports[Operand.OUTPUTS], layer.G * layer.K, layer.OY * layer.OX
        of_a_port = {side: sums * ceil_div(pixels, axis.outputs) for side, axis in axes.items()}
        if not array.words_out("rows"):
            of_a_port["columns"] = sums * layer.OY * column_blocks
        leaving = port.sum_cycles(of_a_port, array)
        coming = port.sum_cycles(of_a_port, array, out=0, in_again=1)
        return c_tiles * leaving + (c_tiles - 1) * coming

    def partial_sums(self, array: PEArray) -> int:
        """In the register files of the PEs."""
        return array.pes * self.of(array).partial_sums_per_pe

    def input_words(self, array: PEArray) -> int:
        """Two blocks of inputs, of which the array shifts one while the next is loaded."""
        register = self.of(array).block_register
        return 0 if register == AS_NEEDED else 2 * register.rows * register.columns

    def weight_density(self, layer: LoopNest[Count], hardware: Hardware) -> Real:
        """The part of a layer's weights that is broadcast: the network's word, else the machine's."""
        assumed = self.of(hardware.pe_array).weight_density
        return assumed if layer.weight_density is None else layer.weight_density


OUTPUT_STATIONARY: Final = OutputStationary()


def _block(
    layer: LoopNest[Count], fy: Count, fx: Count, array: PEArray, parameters: Parameters
) -> tuple[BlockAxis, BlockAxis]:
    """The rows of a block, and its columns, where fy x fx taps of the kernel are used."""
    register = parameters.block_register
    rows, columns = (None, None) if register == AS_NEEDED else (register.rows, register.columns)
    return (
        block_axis(array.rows, rows, fy, layer.stride_y, layer.dilation_y),
        block_axis(array.columns, columns, fx, layer.stride_x, layer.dilation_x),
    )


def _first_loads(axis: BlockAxis, outputs: Count, tiles: Count) -> Count:
    """Input rows (or columns) of the first loads of tiles, of `outputs` each; the last may have one."""
    return (tiles - 1) * axis.first_load(outputs) + axis.first_window


def _input_register_words(loaded: Count, used: Count, parameters: Parameters) -> Count:
    """What is loaded is written, and read for each tap of each pixel; as needed, nothing is counted."""
    return 0 if parameters.block_register == AS_NEEDED else loaded + used
