"""Systolic weight stationary: weights are preloaded, pixels enter skewed, sums flow out below.

Rows of the array are input channels, columns output channels, of one kernel tap, as in Gemmini (Genc et al.,
DAC 2021, section III; its RTL, LoopConv and ExecuteController). Inputs move on from column to column and
partial sums from row to row, both a PE a cycle, so that an array of R rows is drained in R cycles. Below it
the sums are added up in a memory on chip, from pass to pass.

Pixels pass in blocks of at most `block_pixels`, each of one row of the output: a row of outputs that is
longer has several, the last one shorter. A sub-matrix of weights is preloaded while the blocks of the one
before pass. With p blocks of b1, b2, ... pixels a pass takes

    max( sum of max(b, least) - max(last b, least) + max(block_pixels, least),
         p x pair_cycles / pairs_in_flight )                                    cycles:

the last block is padded to a full one, since the next weights follow a full preload later; and each block is
a pair of instructions, of which so many are in flight and take so long. A tile takes

    ceil(K / columns) x taps x ceil(C / rows)

passes, and the rows of the array once, to drain.
"""

from typing import ClassVar, Final

from accelsim.columns import Count
from accelsim.descriptions import Description
from accelsim.descriptions.quantities import PerPE
from accelsim.hardware.array import PEArray, described
from accelsim.hardware.machine import Hardware
from accelsim.hardware.operand import Operand
from accelsim.mapping.arithmetic import at_most_one, ceil_div, larger
from accelsim.mapping.dataflows.contract import Dataflow
from accelsim.mapping.tile import ArrayWork, Granularity, TileCounts, TileShape, whole_image
from accelsim.network.layer import LoopNest


class Parameters(Description):
    """What a pass of the array takes."""

    block_pixels: PerPE = 16
    """Output pixels that pass between two instructions, at most; of one row of the output."""
    least_block_cycles: PerPE = 4
    """That a block takes, however few pixels it has."""
    pairs_in_flight: PerPE = 8
    """Blocks, each a pair of instructions (preload and compute), that are under way at once."""
    pair_cycles: PerPE = 60
    """That a pair is under way."""


class SystolicWeightStationary(Dataflow):
    """Input channels on the rows, output channels on the columns, sums in a memory on chip."""

    name = "systolic_weight_stationary"
    short = "SWS"
    title = "systolic weight stationary"
    axes: ClassVar = {"rows": ("C",), "columns": ("K",)}
    stationary = Operand.WEIGHTS
    of_any_array = False
    parameters = Parameters

    def of(self, array: PEArray) -> Parameters:
        """What a machine's file says."""
        return described(array, self.name, Parameters)

    def granularity(self, hardware: Hardware) -> Granularity:
        """Whole sub-matrices of weights, and whole blocks of pixels."""
        array = hardware.pe_array
        return Granularity(k=array.columns, c=array.rows, x=self.of(array).block_pixels)

    def padded_pass_cycles(self, tile: TileShape[Count], array: PEArray) -> Count:
        """Of one sub-matrix of weights, if instructions took no time: pixels, and the last block padded.

        Args:
            tile: Whose pixels pass.
            array: The array.

        Returns:
            Cycles, which no array of this kind can go below.
        """
        own = self.of(array)
        full, rest = tile.x // own.block_pixels, tile.x % own.block_pixels
        full_cycles = max(own.block_pixels, own.least_block_cycles)
        last = larger(rest, own.least_block_cycles) * at_most_one(rest)
        row_cycles = full * full_cycles + last
        last_block = last + (1 - at_most_one(rest)) * full_cycles
        return tile.n * tile.y * row_cycles - last_block + full_cycles

    def passes(self, tile: TileShape[Count], array: PEArray) -> Count:
        """Sub-matrices of weights that a tile goes through.

        Args:
            tile: With its channels and taps.
            array: Whose rows and columns they fill.

        Returns:
            How many.
        """
        return tile.g * tile.taps * ceil_div(tile.c, array.rows) * ceil_div(tile.k, array.columns)

    def execute(
        self,
        layer: LoopNest[Count],  # noqa: ARG002 (the tile says all)
        tile: TileShape[Count],
        resumes: Count,  # noqa: ARG002 (sums between tiles are counted anyway)
        hardware: Hardware,
    ) -> ArrayWork[Count]:
        """Every sub-matrix of the tile's weights, for all of its pixels."""
        array = hardware.pe_array
        own, row_folds = self.of(array), ceil_div(tile.c, array.rows)
        blocks = tile.n * tile.y * ceil_div(tile.x, own.block_pixels)
        pass_cycles = larger(
            self.padded_pass_cycles(tile, array), ceil_div(blocks * own.pair_cycles, own.pairs_in_flight)
        )
        return _work(
            self.passes(tile, array) * pass_cycles + array.rows,
            tile,
            row_folds=row_folds,
            column_folds=ceil_div(tile.k, array.columns),
            sums_between=tile.taps * row_folds - 1,
            weight_reads=1,
        )

    def least_work(
        self,
        layer: LoopNest[Count],
        tile: TileShape[Count],  # noqa: ARG002 (how many there are says enough)
        tiles: TileCounts[Count],
        hardware: Hardware,
    ) -> ArrayWork[Count]:
        """Cutting adds folds, blocks and paddings, and weights are read for each part of the output plane.

        The last block of a part may be padded by nothing, and its blocks may be long enough all.
        """
        array = hardware.pe_array
        own = self.of(array)
        row_folds = larger(ceil_div(layer.C, array.rows), tiles.c_tiles)
        column_folds = larger(ceil_div(layer.K, array.columns), tiles.k_tiles)
        blocks = layer.OY * larger(ceil_div(layer.OX, own.block_pixels), tiles.x_tiles)
        pass_cycles = larger(layer.OY * layer.OX, ceil_div(blocks * own.pair_cycles, own.pairs_in_flight))
        taps = layer.FY * layer.FX
        return _work(
            layer.G * taps * row_folds * column_folds * pass_cycles + tiles.total * array.rows,
            whole_image(layer),
            row_folds=row_folds,
            column_folds=column_folds,
            sums_between=taps * row_folds - tiles.c_tiles,
            weight_reads=tiles.plane_tiles,
        )

    def partial_sums(self, array: PEArray) -> int:  # noqa: ARG002 (whatever its size)
        """None: they are in a memory on chip."""
        return 0


def _work(
    cycles: Count,
    tile: TileShape[Count],
    *,
    row_folds: Count,
    column_folds: Count,
    sums_between: Count,
    weight_reads: Count,
) -> ArrayWork[Count]:
    """What is counted of so many cycles: each sum is written and read `sums_between` times between passes."""
    weights, pixels = tile.g * tile.k * tile.c * tile.taps, tile.pixels
    outputs, inputs = tile.g * tile.k * pixels, tile.g * tile.taps * tile.c * pixels
    return ArrayWork(
        cycles=cycles,
        macs=weights * pixels,
        weight_register_words=weights * weight_reads + weights * pixels,
        partial_sum_register_words=0,
        input_hop_words=inputs * (tile.k - column_folds),
        input_read_words=inputs * column_folds,
        weight_read_words=weights * weight_reads,
        weight_reads=weight_reads,
        sum_hop_words=outputs * tile.taps * (tile.c - row_folds),
        sum_read_words=outputs * sums_between,
        sum_written_words=outputs * sums_between,
    )


SYSTOLIC_WEIGHT_STATIONARY: Final = SystolicWeightStationary()
