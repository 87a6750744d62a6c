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

from typing import ClassVar, Final

from accelsim.columns import Count, Real
from accelsim.descriptions import Description
from accelsim.descriptions.quantities import Fraction, PerPE
from accelsim.hardware.array import PEArray, described
from accelsim.hardware.machine import Hardware
from accelsim.hardware.operand import Operand
from accelsim.mapping.arithmetic import ceil_div, ceil_scaled, chosen, equal_part, larger, smaller
from accelsim.mapping.dataflows.contract import Dataflow, Port
from accelsim.mapping.tile import ArrayWork, Granularity, TileCounts, TileShape
from accelsim.network.layer import LoopNest


class Parameters(Description):
    """What a PE needs to keep outputs in place."""

    partial_sums_per_pe: PerPE = 4
    """Output channels whose partial sums a register file holds; one loaded input block serves them all."""
    weight_density: Fraction = 1.0
    """The part of the weights that are not zero; the others are skipped and take no cycle. By default none is
    zero: whoever takes some to be says so."""


class OutputStationary(Dataflow):
    """A block of output pixels on rows and columns, of one output channel after another."""

    name = "output_stationary"
    short = "OS"
    title = "output stationary"
    axes: ClassVar = {"rows": ("OY",), "columns": ("OX",)}
    stationary = Operand.OUTPUTS
    ports: ClassVar = {
        Operand.INPUTS: Port(of_any_column=True, hidden=True),
        Operand.OUTPUTS: Port(of_any_column=False, hidden=False),
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

    def execute(
        self, layer: LoopNest[Count], tile: TileShape[Count], resumes: Count, hardware: Hardware
    ) -> ArrayWork[Count]:
        """Every block of the tile's pixels, for one set of output channels after the other.

        `resumes` says that partial sums of an earlier tile have to be loaded before they can be added to.
        """
        array = hardware.pe_array
        input_port, output_port = self.ports[Operand.INPUTS], self.ports[Operand.OUTPUTS]
        taps, pixels = tile.taps, tile.pixels

        # A block is of one image.
        blocks = tile.n * ceil_div(tile.y, array.rows) * ceil_div(tile.x, array.columns)
        channel_sets = ceil_div(tile.k, self.of(array).partial_sums_per_pe)
        halo_rows = _covered(tile.y, array.rows, tile.fy, layer.stride_y, layer.dilation_y)
        halo_columns = _covered(tile.x, array.columns, tile.fx, layer.stride_x, layer.dilation_x)
        first_rows = _covered(
            equal_part(tile.y, array.rows), array.rows, tile.fy, layer.stride_y, layer.dilation_y
        )
        first_columns = _covered(
            equal_part(tile.x, array.columns), array.columns, tile.fx, layer.stride_x, layer.dilation_x
        )

        # Rounded up for each tile: there are no parts of a weight.
        nonzero_weights = ceil_scaled(tile.g * tile.k * tile.c * taps, self.weight_density(layer, hardware))
        input_words = tile.n * tile.g * halo_rows * halo_columns * tile.c * channel_sets
        drain_cycles = output_port.cycles(
            tile.n * tile.g * tile.k * tile.y * ceil_div(tile.x, array.columns), array
        )
        passing = {
            Operand.INPUTS: input_port.cycles(input_words, array),
            Operand.OUTPUTS: (1 + resumes) * drain_cycles,
        }
        outputs = tile.g * tile.k * pixels
        macs = nonzero_weights * pixels
        first_load = input_port.cycles(first_rows * first_columns, array)
        return ArrayWork(
            cycles=first_load + self.cycles_with_ports(blocks * nonzero_weights, passing),
            macs=macs,
            weight_register_words=0,
            # An accumulation reads and writes; the first of an output only writes, the drain reads it.
            partial_sum_register_words=2 * macs + resumes * outputs,
            input_hop_words=pixels * tile.g * tile.c * channel_sets * (taps - 1),
            input_read_words=input_words,
            weight_read_words=blocks * nonzero_weights,
            weight_reads=blocks,
        )

    def least_work(
        self, layer: LoopNest[Count], tile: TileShape[Count], tiles: TileCounts[Count], hardware: Hardware
    ) -> ArrayWork[Count]:
        """Cutting adds blocks, halos, first loads, and partial sums that are drained and loaded again.

        Only where windows leave inputs out between them are smaller blocks the ones that load less.
        """
        array = hardware.pe_array
        input_port, output_port = self.ports[Operand.INPUTS], self.ports[Operand.OUTPUTS]
        taps = layer.FY * layer.FX
        row_blocks = larger(ceil_div(layer.OY, array.rows), tiles.y_tiles)
        column_blocks = larger(ceil_div(layer.OX, array.columns), tiles.x_tiles)
        channel_sets = larger(ceil_div(layer.K, self.of(array).partial_sums_per_pe), tiles.k_tiles)
        words = _least_covered(
            layer.OY, row_blocks, layer.FY, layer.stride_y, layer.dilation_y
        ) * _least_covered(layer.OX, column_blocks, layer.FX, layer.stride_x, layer.dilation_x)
        input_words = words * layer.G * layer.C * channel_sets
        # Of equal blocks none has fewer than half the rows, unless the tile has.
        y, x = (
            equal_part(outputs, across) if tiles.exact else smaller(outputs, ceil_div(across, 2))
            for outputs, across in ((tile.y, array.rows), (tile.x, array.columns))
        )
        first_words = _first_rows(
            y, array.rows, tiles.y_tiles, layer.FY, layer.stride_y, layer.dilation_y
        ) * _first_rows(x, array.columns, tiles.x_tiles, layer.FX, layer.stride_x, layer.dilation_x)
        first_loads = input_port.cycles(first_words * (tiles.total // tiles.plane_tiles), array)

        nonzero_weights = ceil_scaled(layer.weights, self.weight_density(layer, hardware))
        broadcast = larger(row_blocks * column_blocks, tiles.plane_tiles) * nonzero_weights
        drain_cycles = output_port.cycles(layer.G * layer.K * layer.OY * column_blocks, array)
        passing = {
            Operand.INPUTS: input_port.cycles(input_words, array),
            Operand.OUTPUTS: (2 * tiles.c_tiles - 1) * drain_cycles,
        }
        pixels, outputs = layer.OY * layer.OX, layer.output_elements
        macs = nonzero_weights * pixels
        return ArrayWork(
            cycles=first_loads + self.cycles_with_ports(broadcast, passing),
            macs=macs,
            weight_register_words=0,
            partial_sum_register_words=2 * macs + (tiles.c_tiles - 1) * outputs,
            input_hop_words=pixels * layer.G * layer.C * channel_sets * (taps - 1),
            input_read_words=input_words,
            weight_read_words=broadcast,
            weight_reads=row_blocks * column_blocks,
        )

    def partial_sums(self, array: PEArray) -> int:
        """In the register files of the PEs."""
        return array.pes * self.of(array).partial_sums_per_pe

    def weight_density(self, layer: LoopNest[Count], hardware: Hardware) -> Real:
        """The part of a layer's weights that is broadcast: the network's word, else the machine's."""
        assumed = self.of(hardware.pe_array).weight_density
        return assumed if layer.weight_density is None else layer.weight_density


OUTPUT_STATIONARY: Final = OutputStationary()


def _first_rows(
    outputs: Count, block: int, tiles: Count, kernel: Count, stride: Count, dilation: Count
) -> Count:
    """Input rows (or columns) of the first blocks of tiles, of `outputs` each; the last may have one."""
    full = _covered(outputs, block, kernel, stride, dilation)
    return (tiles - 1) * full + (kernel - 1) * dilation + 1


def _least_covered(outputs: Count, blocks: Count, kernel: Count, stride: Count, dilation: Count) -> Count:
    """Input rows (or columns) that so many blocks at least load, the halo of each block included."""
    halo = (kernel - 1) * dilation + 1 - stride
    return outputs * stride + chosen(halo < 0, outputs, blocks) * halo


def _covered(outputs: Count, block: int, kernel: Count, stride: Count, dilation: Count) -> Count:
    """Input rows (or columns) that the blocks of a tile load, the halo of each block included."""
    halo = (kernel - 1) * dilation + 1 - stride
    return outputs * stride + ceil_div(outputs, block) * halo
