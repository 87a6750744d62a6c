"""Weight stationary: weights sit still in the PEs and the output pixels stream past.

The array holds a `rows x columns` sub-matrix of the weights: rows are input channels, columns are output
channels, of one kernel tap of one group, as in the TPU (Jouppi et al., ISCA 2017) and in the array that
SqueezeNext was simulated on (Kwon et al., arXiv:1804.10642, section 3). Every cycle one pixel's inputs
enter on the rows, each read once from memory on chip and shared by the columns; an adder tree sums each
column. An accumulator below the column collects the kernel taps and the folds of the input channels.

A pass streams as many pixels as the accumulators hold. The next sub-matrix is loaded meanwhile, a row per
cycle and port word, into a second weight register; so a pass takes

    max(rows in use / port words, pixels)   cycles,

and only a tile's first sub-matrix is waited for. Pixels that are more than the accumulators hold pass in
equal chunks, and input channels that are more than the rows in equal folds: full ones and a rest would leave
the rest too short to hide the loading of the next sub-matrix.
"""

from typing import ClassVar, Final

import numpy as np

from accelsim.columns import Count
from accelsim.descriptions import Description
from accelsim.descriptions.quantities import PerPE
from accelsim.hardware.array import PEArray, described
from accelsim.hardware.machine import Hardware
from accelsim.hardware.operand import Operand
from accelsim.mapping.arithmetic import ceil_div, chosen, equal_part, larger, smaller
from accelsim.mapping.dataflows.contract import Dataflow, Port
from accelsim.mapping.tile import ArrayWork, Granularity, TileCounts, TileShape
from accelsim.network.layer import LoopNest


class Parameters(Description):
    """What the array needs to keep weights in place."""

    accumulators_per_column: PerPE = 64
    """Output pixels whose partial sums are collected below a column while the weights change."""


class WeightStationary(Dataflow):
    """Input channels on the rows, output channels on the columns."""

    name = "weight_stationary"
    short = "WS"
    title = "weight stationary"
    axes: ClassVar = {"rows": ("C",), "columns": ("K",)}
    stationary = Operand.WEIGHTS
    ports: ClassVar = {Operand.WEIGHTS: Port(("columns",), any_port=False, hidden=True)}
    parameters = Parameters

    def of(self, array: PEArray) -> Parameters:
        """What a machine's file says."""
        return described(array, self.name, Parameters)

    def granularity(self, hardware: Hardware) -> Granularity:
        """Whole sub-matrices of weights."""
        return Granularity(k=hardware.pe_array.columns, c=hardware.pe_array.rows)

    def execute(
        self,
        layer: LoopNest[Count],  # noqa: ARG002 (the tile says all)
        tile: TileShape[Count],
        resumes: Count,
        hardware: Hardware,
    ) -> ArrayWork[Count]:
        """Every sub-matrix of the tile's weights, for one accumulator load of pixels after the other.

        `resumes` says that the tile adds to partial sums of an earlier one; they enter the accumulators like
        any other product and cost no cycle of their own.
        """
        array = hardware.pe_array
        accumulators = self.of(array).accumulators_per_column
        taps, pixels = tile.taps, tile.pixels
        column_folds = ceil_div(tile.k, array.columns)
        row_folds = ceil_div(tile.c, array.rows)
        sub_matrices = tile.g * taps * row_folds * column_folds
        # A column's weights, a row after the other.
        load_cycles = self.ports[Operand.WEIGHTS].cycles(equal_part(tile.c, array.rows), array)
        passing = {Operand.WEIGHTS: load_cycles}

        chunks = ceil_div(pixels, accumulators)
        shorter = pixels // chunks
        longer_chunks = pixels - chunks * shorter  # by one pixel
        pass_cycles = longer_chunks * self.cycles_with_ports(shorter + 1, passing) + (
            chunks - longer_chunks
        ) * self.cycles_with_ports(shorter, passing)

        weights = tile.g * tile.k * tile.c * taps
        outputs = tile.g * tile.k * pixels
        accumulations = outputs * taps * row_folds
        return ArrayWork(
            cycles=load_cycles + sub_matrices * pass_cycles,
            macs=weights * pixels,
            weight_register_words=weights * chunks + weights * pixels,
            # Each accumulation reads and writes; the first of an output that starts from zero only writes.
            partial_sum_register_words=2 * accumulations - (1 - resumes) * outputs,
            input_hop_words=0,
            input_read_words=tile.g * taps * column_folds * tile.c * pixels,
            weight_read_words=weights * chunks,
            weight_reads=chunks,
        )

    def least_work(
        self, layer: LoopNest[Count], tile: TileShape[Count], tiles: TileCounts[Count], hardware: Hardware
    ) -> ArrayWork[Count]:
        """Cutting adds folds and roundings, and weights come anew for each part of the output plane.

        Each sub-matrix sees each pixel, and each tile waits for its first one. Only in the last part of the
        input channels may a sub-matrix have fewer rows than in the others.
        """
        array = hardware.pe_array
        accumulators, port = self.of(array).accumulators_per_column, self.ports[Operand.WEIGHTS]
        pixels, taps, outputs = layer.OY * layer.OX, layer.FY * layer.FX, layer.output_elements
        row_folds = larger(ceil_div(layer.C, array.rows), tiles.c_tiles)
        column_folds = larger(ceil_div(layer.K, array.columns), tiles.k_tiles)
        chunks = larger(ceil_div(pixels, accumulators), tiles.plane_tiles)
        # Of the equal folds of c channels none has fewer than half the rows, unless c has.
        least_rows = (
            equal_part(tile.c, array.rows) if tiles.exact else smaller(tile.c, ceil_div(array.rows, 2))
        )
        load_cycles = port.cycles(least_rows, array)
        least_load = ceil_div(layer.C, array.rows * port.words_per_cycle(array))
        load_wait_cycles = larger((tiles.c_tiles - 1) * load_cycles + 1, smaller(least_load, load_cycles))
        # The folds of the last of several parts of the input channels may be smaller than the others.
        full_folds = row_folds - 1
        if tiles.exact:
            in_full_parts = (tiles.c_tiles - 1) * ceil_div(tile.c, array.rows)
            full_folds = chosen(np.equal(tiles.c_tiles, 1), row_folds, in_full_parts)
        full_pass = self.cycles_with_ports(pixels, {Operand.WEIGHTS: chunks * load_cycles})
        last_pass = self.cycles_with_ports(pixels, {Operand.WEIGHTS: chunks})
        passes = full_folds * full_pass + (row_folds - full_folds) * last_pass
        weights = layer.weights
        return ArrayWork(
            cycles=tiles.total // tiles.c_tiles * load_wait_cycles + layer.G * taps * column_folds * passes,
            macs=weights * pixels,
            weight_register_words=weights * (chunks + pixels),
            partial_sum_register_words=(2 * taps * row_folds - 1) * outputs,
            input_hop_words=0,
            input_read_words=layer.G * taps * column_folds * layer.C * pixels,
            weight_read_words=weights * chunks,
            weight_reads=chunks,
        )

    def partial_sums(self, array: PEArray) -> int:
        """Accumulators below the columns."""
        return array.columns * self.of(array).accumulators_per_column


WEIGHT_STATIONARY: Final = WeightStationary()
