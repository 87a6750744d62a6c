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

With `packing`, an array has more of a layer in place at a time. Taps lie side by side on the rows with the
input channels, as where a convolution is turned into a matrix product (im2col). Groups lie side by side on
the diagonal, each on rows and columns of its own, with zeros beside them: a depthwise layer has a column for
each group. A tile is packed in whichever way takes fewest cycles, or not at all.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar, Final, Literal, NamedTuple, Self, get_args

import numpy as np
from pydantic import model_validator

from accelsim.columns import Count
from accelsim.descriptions import Description, Mistake, refusal
from accelsim.descriptions.quantities import PerPE
from accelsim.hardware.array import PEArray, described
from accelsim.hardware.machine import Hardware
from accelsim.hardware.operand import Operand
from accelsim.mapping.arithmetic import ceil_div, chosen, equal_part, larger, smaller
from accelsim.mapping.dataflows.contract import ArrayAxis, Dataflow, Port
from accelsim.mapping.tile import ArrayWork, Granularity, TileCounts, TileShape
from accelsim.network.layer import Layer, LoopNest

if TYPE_CHECKING:
    from accelsim.mapping.dataflows.array_pass import ArrayPass

Packed = Literal["taps", "groups"]
"""What may lie side by side in the array: taps of the kernel on the rows, groups on the diagonal."""


class Parameters(Description):
    """What the array needs to keep weights in place."""

    accumulators_per_column: PerPE = 64
    """Output pixels whose partial sums are collected below a column while the weights change."""
    packing: tuple[Packed, ...] = ()
    """What lies side by side where that is faster; by default one tap of one group is in place at a time."""

    @model_validator(mode="after")
    def _each_is_named_once(self) -> Self:
        if len(set(self.packing)) < len(self.packing):
            raise refusal("weight_stationary", [Mistake(("packing",), "must name each once")])
        return self

    @property
    def ways(self) -> tuple[tuple[Packed, ...], ...]:
        """In which tiles may be packed: by each of what `packing` names, and by both together."""
        if not self.packing:  # as mostly
            return ()
        each: list[tuple[Packed, ...]] = [(packed,) for packed in get_args(Packed) if packed in self.packing]
        return tuple(each) if len(each) < 2 else (*each, self.packing)


class _Laid(NamedTuple):
    """How the weights of tiles lie in the array."""

    row_folds: Count
    """Sub-matrices that add to the same outputs, one after another."""
    group_sets: Count
    """Groups, or several of them side by side, one after another."""
    rows: Count
    """In use, by the sub-matrix that has most."""


def _one_after_another(tile: TileShape[Count], array: PEArray) -> _Laid:
    """One tap of one group at a time."""
    row_folds = tile.taps * ceil_div(tile.c, array.rows)
    return _Laid(row_folds, tile.g, equal_part(tile.c, array.rows))


def _side_by_side(tile: TileShape[Count], array: PEArray, packing: Sequence[Packed]) -> _Laid:
    """Taps, groups or both packed."""
    depth, taps = (tile.c * tile.taps, 1) if "taps" in packing else (tile.c, tile.taps)
    at_once = _groups_at_once(depth, tile.k, tile.g, array, packing)
    return _Laid(
        taps * ceil_div(depth, array.rows),
        ceil_div(tile.g, at_once),
        equal_part(depth, array.rows) * equal_part(tile.g, at_once),
    )


def _groups_at_once(
    depth: Count, channels: Count, groups: Count, array: PEArray, packing: Sequence[Packed]
) -> Count:
    """Groups that lie side by side, of so many weights on the rows and output channels on the columns."""
    if "groups" not in packing:
        return 1
    on_diagonal = smaller(array.rows // depth, array.columns // channels)
    return smaller(larger(on_diagonal, 1), groups)


class _Stacked(NamedTuple):
    """What of a layer lies on the rows, and what comes one after another."""

    depth: Count
    """Input channels of a group, or all products of an output, on the rows."""
    tile_depth: Count
    """The same of a tile."""
    taps: Count
    """One after another."""
    group_sets: Count
    """Groups, or several side by side, one after another."""


def _stacked(
    layer: LoopNest[Count],
    tile: TileShape[Count],
    tiles: TileCounts[Count],
    array: PEArray,
    packing: Sequence[Packed],
) -> _Stacked:
    """A packed layer; side by side are as many groups as at most can be."""
    all_taps = layer.FY * layer.FX
    on_rows, taps = (all_taps, 1) if "taps" in packing else (1, all_taps)
    groups = tile.g if tiles.exact else layer.G
    at_once = _groups_at_once(tile.c * on_rows, tile.k, groups, array, packing)
    return _Stacked(layer.C * on_rows, tile.c * on_rows, taps, ceil_div(layer.G, at_once))


class _Least(NamedTuple):
    """Lower bounds for sub-matrices of a layer."""

    load_wait_cycles: Count
    """Until the first sub-matrices of a tile and of those that add to it are there."""
    cycles_of_column_fold: Count
    """Of all passes over as many output channels as there are columns."""
    row_folds: Count
    """Sub-matrices that add to the same outputs."""


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

    def loops_on(self, axis: ArrayAxis, array: PEArray) -> tuple[str, ...]:
        """With the taps that are packed on the rows, and the groups on the diagonal."""
        packing = self.of(array).packing
        taps = ("FY", "FX") if axis == "rows" and "taps" in packing else ()
        groups = ("G",) if "groups" in packing else ()
        return (*self.axes[axis], *taps, *groups)

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
        array, parameters = hardware.pe_array, self.of(hardware.pe_array)
        taps, pixels = tile.taps, tile.pixels
        column_folds = ceil_div(tile.k, array.columns)
        chunks = ceil_div(pixels, parameters.accumulators_per_column)
        laid = _one_after_another(tile, array)
        cycles, row_folds = self._cycles(laid, pixels, chunks, column_folds, array), laid.row_folds
        for packing in parameters.ways:
            packed = _side_by_side(tile, array, packing)
            packed_cycles = self._cycles(packed, pixels, chunks, column_folds, array)
            row_folds = chosen(np.less(packed_cycles, cycles), packed.row_folds, row_folds)
            cycles = smaller(packed_cycles, cycles)

        weights = tile.g * tile.k * tile.c * taps
        outputs = tile.g * tile.k * pixels
        accumulations = outputs * row_folds
        return ArrayWork(
            cycles=cycles,
            macs=weights * pixels,
            weight_register_words=weights * chunks + weights * pixels,
            # Each accumulation reads and writes; the first of an output that starts from zero only writes.
            partial_sum_register_words=2 * accumulations - (1 - resumes) * outputs,
            input_hop_words=0,
            input_read_words=tile.g * taps * column_folds * tile.c * pixels,
            weight_read_words=weights * chunks,
            weight_reads=chunks,
        )

    def array_pass(
        self,
        layer: Layer,  # noqa: ARG002 (the tile says all)
        tile: TileShape[int],
        hardware: Hardware,
    ) -> "ArrayPass":
        """The fullest sub-matrix in the way in which the tile is packed: groups lie on the diagonal."""
        from accelsim.mapping.dataflows.array_pass import Lying, PEBlock, pass_of  # noqa: PLC0415 (only pictures ask)

        array = hardware.pe_array
        packing = self._packed(tile, array)
        taps = ("FY", "FX") if "taps" in packing else ()
        depth = tile.c * (tile.taps if taps else 1)
        at_once = int(_groups_at_once(depth, tile.k, tile.g, array, packing))
        rows, columns = equal_part(depth, array.rows), equal_part(tile.k, array.columns)
        groups, sets = (("G",), ceil_div(tile.g, at_once)) if at_once > 1 else ((), 1)
        beside = equal_part(tile.g, at_once)
        of_all = tile.g if groups else 1
        lengths: dict[ArrayAxis, tuple[tuple[str, ...], int, int]] = {
            "rows": ((*self.axes["rows"], *taps), depth, rows),
            "columns": (self.axes["columns"], tile.k, columns),
        }
        along = {
            axis: Lying((*loops, *groups), of_all * extent, sets * ceil_div(extent, used), beside * used)
            for axis, (loops, extent, used) in lengths.items()
        }
        blocks = [PEBlock(group * rows, group * columns, rows, columns) for group in range(beside)]
        return pass_of(along, array, tuple(blocks))

    def _packed(self, tile: TileShape[int], array: PEArray) -> tuple[Packed, ...]:
        """The way in which a tile takes fewest cycles; of equals the one that packs least."""
        chunks = ceil_div(tile.pixels, self.of(array).accumulators_per_column)
        column_folds = ceil_div(tile.k, array.columns)
        laid: dict[tuple[Packed, ...], _Laid] = {(): _one_after_another(tile, array)}
        laid |= {packing: _side_by_side(tile, array, packing) for packing in self.of(array).ways}
        return min(
            laid, key=lambda packing: self._cycles(laid[packing], tile.pixels, chunks, column_folds, array)
        )

    def _cycles(
        self, laid: _Laid, pixels: Count, chunks: Count, column_folds: Count, array: PEArray
    ) -> Count:
        """Of all passes over a tile, and what its first sub-matrix is waited for."""
        # A column's weights, a row after the other.
        load_cycles = self.ports[Operand.WEIGHTS].cycles(laid.rows, array)
        passing = {Operand.WEIGHTS: load_cycles}
        shorter = pixels // chunks
        longer_chunks = pixels - chunks * shorter  # by one pixel
        pass_cycles = longer_chunks * self.cycles_with_ports(shorter + 1, passing) + (
            chunks - longer_chunks
        ) * self.cycles_with_ports(shorter, passing)
        return load_cycles + laid.group_sets * laid.row_folds * column_folds * pass_cycles

    def least_work(
        self, layer: LoopNest[Count], tile: TileShape[Count], tiles: TileCounts[Count], hardware: Hardware
    ) -> ArrayWork[Count]:
        """Cutting adds folds and roundings, and weights come anew for each part of the output plane.

        Each sub-matrix sees each pixel, and each tile waits for its first one. Only in the last part of the
        input channels may a sub-matrix have fewer rows than in the others.
        """
        array, parameters = hardware.pe_array, self.of(hardware.pe_array)
        pixels, taps, outputs = layer.OY * layer.OX, layer.FY * layer.FX, layer.output_elements
        column_folds = larger(ceil_div(layer.K, array.columns), tiles.k_tiles)
        chunks = larger(ceil_div(pixels, parameters.accumulators_per_column), tiles.plane_tiles)
        least = self._least(_Stacked(layer.C, tile.c, taps, layer.G), pixels, chunks, tiles, array)
        for packing in parameters.ways:
            packed = _stacked(layer, tile, tiles, array, packing)
            least = _Least(*map(smaller, least, self._least(packed, pixels, chunks, tiles, array)))
        weights = layer.weights
        return ArrayWork(
            cycles=tiles.total // tiles.c_tiles * least.load_wait_cycles
            + column_folds * least.cycles_of_column_fold,
            macs=weights * pixels,
            weight_register_words=weights * (chunks + pixels),
            partial_sum_register_words=(2 * least.row_folds - 1) * outputs,
            input_hop_words=0,
            input_read_words=layer.G * taps * column_folds * layer.C * pixels,
            weight_read_words=weights * chunks,
            weight_reads=chunks,
        )

    def _least(
        self, stack: _Stacked, pixels: Count, chunks: Count, tiles: TileCounts[Count], array: PEArray
    ) -> _Least:
        """What sub-matrices take at least that have so many weights on the rows."""
        port = self.ports[Operand.WEIGHTS]
        row_folds = larger(ceil_div(stack.depth, array.rows), tiles.c_tiles)
        # Of the equal folds of a depth none has fewer than half the rows, unless all of it has.
        least_rows = (
            equal_part(stack.tile_depth, array.rows)
            if tiles.exact
            else smaller(stack.tile_depth, ceil_div(array.rows, 2))
        )
        load_cycles = port.cycles(least_rows, array)
        least_load = ceil_div(stack.depth, array.rows * port.words_per_cycle(array))
        load_wait_cycles = larger((tiles.c_tiles - 1) * load_cycles + 1, smaller(least_load, load_cycles))
        # The folds of the last of several parts of the input channels may be smaller than the others.
        full_folds = row_folds - 1
        if tiles.exact:
            in_full_parts = (tiles.c_tiles - 1) * ceil_div(stack.tile_depth, array.rows)
            full_folds = chosen(np.equal(tiles.c_tiles, 1), row_folds, in_full_parts)
        full_pass = self.cycles_with_ports(pixels, {Operand.WEIGHTS: chunks * load_cycles})
        last_pass = self.cycles_with_ports(pixels, {Operand.WEIGHTS: chunks})
        passes = full_folds * full_pass + (row_folds - full_folds) * last_pass
        return _Least(load_wait_cycles, stack.group_sets * stack.taps * passes, stack.taps * row_folds)

    def partial_sums(self, array: PEArray) -> int:
        """Accumulators below the columns."""
        return array.columns * self.of(array).accumulators_per_column


WEIGHT_STATIONARY: Final = WeightStationary()
