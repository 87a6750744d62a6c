"""Mappings of a layer on a machine whose operands share a pool: what each takes of it, and costs.

A divided buffer says beforehand how large a tile of each operand may be. In a pool that depends on all of
them, on which of them come from outside at all, and on what else lies there; so every mapping is laid out
once, and for each set of operands that move it is known how much room it needs and what it costs.
"""

from collections.abc import Sequence, Set
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, TypeVar

import numpy as np

from accelsim.columns import Count, Flags, Floats, Ints, Real
from accelsim.energy import total_energy
from accelsim.hardware import Hardware, Operand
from accelsim.hardware.counts import ActionCounts
from accelsim.mapping.arithmetic import at_most_one, chosen, column_of, entries
from accelsim.mapping.banks import input_demand, weight_demand
from accelsim.mapping.candidates import counts_on_chip
from accelsim.mapping.costs import VECTOR, ArrayCost, transfer_counts
from accelsim.mapping.cuts import Cuts, cuts_of
from accelsim.mapping.grid_array import grid_array_total
from accelsim.mapping.grids import Grids, granularity
from accelsim.mapping.mapping import Choice, Order
from accelsim.mapping.search import as_executed
from accelsim.mapping.space import POOL_ORDERS, Nesting, Tiles, nesting_of
from accelsim.mapping.staircase import Arriving, Movement, moved_by
from accelsim.mapping.tile import TileShape
from accelsim.mapping.timing import Timing, VectorWork, latency_steps, of_each_step, vector_work
from accelsim.mapping.transfers import Transfers, arriving_inputs, together, transfers
from accelsim.network.layer import Layer

if TYPE_CHECKING:
    import numpy.typing as npt

_Number = TypeVar("_Number", np.signedinteger[Any], np.float64)
_NESTING: Final = Nesting(
    *(
        np.array([getattr(nesting_of(order), flag) for order in POOL_ORDERS])[:, np.newaxis, np.newaxis]
        for flag in Nesting._fields
    )
)
"""Orders x 1 x 1."""


@dataclass(frozen=True, slots=True)
class Costs:
    """What mappings take with some operands moving, an entry each."""

    room_bytes: Ints
    """Of the pool: for a step, and for the next one, whose tiles come meanwhile."""
    time_cycles: Floats
    """At least."""
    energy: Floats
    dram_bytes: Ints
    tiles: Ints
    """Of an image."""


@dataclass(frozen=True, slots=True)
class Room:
    """Bytes of the pool that tiles of mappings need, an entry each; 0 of an operand that lies elsewhere.

    A step has room beside the one before it, so of tiles that change from step to step there are two, and of
    outputs as many as are unfinished at a time.
    """

    inputs: Count
    """Where they come from outside; and so on."""
    weights: Count
    outputs: Count
    residual: Count
    unfinished_outputs: Count
    """Of partial sums and pooling windows, where complete outputs have their place in the pool."""

    def of(self, operands: Set[Operand]) -> "Room":
        """That of some operands, whose tiles lie in the pool; the others have memories of their own."""
        return Room(
            self.inputs if Operand.INPUTS in operands else 0,
            self.weights if Operand.WEIGHTS in operands else 0,
            self.outputs if Operand.OUTPUTS in operands else 0,
            self.residual if Operand.RESIDUAL in operands else 0,
            self.unfinished_outputs if Operand.OUTPUTS in operands else 0,
        )

    def together(self, moved: Set[Operand]) -> Count:
        """Of all operands, where some move and the others lie in the pool."""
        by_operand = {
            Operand.INPUTS: self.inputs,
            Operand.WEIGHTS: self.weights,
            Operand.OUTPUTS: self.outputs,
            Operand.RESIDUAL: self.residual,
        }
        room: Count = 0 if Operand.OUTPUTS in moved else self.unfinished_outputs
        for operand in moved:
            room = room + by_operand[operand]
        return room


@dataclass(frozen=True, slots=True)
class MappingCuts:
    """How mappings of a layer cut it, and in which order, an entry each."""

    dataflow: "npt.NDArray[np.str_]"
    g: Ints
    k: Ints
    c: Ints
    y: Ints
    x: Ints
    order: Ints
    """By its number among `POOL_ORDERS`."""

    def columns(self) -> "tuple[npt.NDArray[Any], ...]":
        """In the order of the fields."""
        return self.dataflow, self.g, self.k, self.c, self.y, self.x, self.order

    def choice(
        self, index: int, layer: Layer, cycles: int, moved: frozenset[Operand], placed: frozenset[Operand]
    ) -> Choice:
        """What the program of one of them follows from; the layer is theirs."""
        g, k, c, y, x, order = (int(column[index]) for column in self.columns()[1:])
        tile = TileShape(1, g, k, c, y, x, layer.FY, layer.FX)
        dataflow = str(self.dataflow[index])
        return Choice(layer, dataflow, tile, POOL_ORDERS[order], cycles, moved=moved, placed=placed)


@dataclass(frozen=True)
class PoolMappings:
    """Every mapping of one layer by one dataflow that a pool can hold: M of them.

    What a formula gives is a grid of tiles (cuts of the channels x cuts of the output plane), or of loop
    orders x tiles; mappings are entries of the latter.
    """

    layer: Layer
    """In the form in which it is executed."""
    images: int
    """That it goes through one after the other."""
    dataflow: str
    hardware: Hardware
    cuts: Cuts
    tiles: Tiles
    """A grid of them."""
    tile: Ints
    """Of each mapping: its number among the tiles, M."""
    order: Ints
    """Of each mapping: its number among `POOL_ORDERS`, M."""
    room: Room
    """A grid."""
    _costs: dict[Movement, Costs] = field(default_factory=dict, init=False, compare=False)

    def __len__(self) -> int:
        return len(self.tile)

    def costs(self, movement: Movement) -> Costs:
        """With some operands moving, while the others lie in the pool."""
        known = self._costs.get(movement)
        if known is None:
            known = self._costs[movement] = self._with_moving(movement)
        return known

    def cuts_of(self, numbers: Ints) -> "MappingCuts":
        """What some of the mappings are, by their numbers."""
        length, (channel_cut, plane_cut) = len(numbers), np.divmod(self.tile[numbers], self._plane_cuts)
        channels, planes = self.cuts.channels, self.cuts.planes
        return MappingCuts(
            np.full(length, self.dataflow),
            column_of(entries(channels.g, channel_cut), length),
            column_of(entries(channels.k, channel_cut), length),
            column_of(entries(channels.c, channel_cut), length),
            column_of(entries(planes.y, plane_cut), length),
            column_of(entries(planes.x, plane_cut), length),
            self.order[numbers],
        )

    @property
    def _plane_cuts(self) -> int:
        return len(self.cuts.plane_owner)

    @property
    def _grid(self) -> tuple[int, int]:
        """Its shape."""
        return len(self.cuts.channel_owner), self._plane_cuts

    @cached_property
    def _place(self) -> Ints:
        """Of each mapping in a grid of loop orders x tiles, gone through row by row."""
        return self.order * (self._grid[0] * self._grid[1]) + self.tile

    def _of_each(self, grid: "npt.NDArray[_Number]") -> "npt.NDArray[_Number]":
        """What a formula gave for each mapping, M."""
        if grid.ndim > len(self._grid):
            return np.broadcast_to(grid, (len(POOL_ORDERS), *self._grid)).reshape(-1)[self._place]
        return np.broadcast_to(grid, self._grid).reshape(-1)[self.tile]

    @cached_property
    def _tile_counts(self) -> Ints:
        """Of each mapping, M."""
        return self._of_each(np.asarray(self.tiles.tile_counts.total))

    @cached_property
    def _array(self) -> tuple[ArrayCost, Count]:
        """What the array does over all tiles of an image, and its cycles for the last of them."""
        if not (self.layer.on_array and len(self)):
            return ArrayCost(0, ActionCounts()), 0
        return grid_array_total(self.cuts, self.hardware)

    @cached_property
    def _transfers(self) -> dict[Operand, Transfers]:
        """Of each operand by itself."""
        parts = (self.cuts.grid, self.tiles, _NESTING, self.hardware, self.images)
        return {operand: transfers(*parts, frozenset({operand})) for operand in operands_of(self.layer)}

    @cached_property
    def _energy_on_chip(self) -> Real:
        """Of each mapping, whatever moves."""
        array, _ = self._array
        moved = together(tuple(self._transfers.values()))
        counts = counts_on_chip(self.cuts.grid, self.tiles, moved, self.hardware, self.images)
        return total_energy(sum(counts, array.counts * self.images), self.hardware.prices)

    @cached_property
    def _transfer_energy(self) -> dict[Operand, Real]:
        """Of each operand by itself."""
        return {operand: self._energy_of(moved) for operand, moved in self._transfers.items()}

    def _energy_of(self, moved: Transfers) -> Real:
        counts = transfer_counts(self.hardware, moved.loaded, moved.stored)
        return total_energy(counts, self.hardware.prices)

    @cached_property
    def _vector(self) -> VectorWork:
        return vector_work(self.tiles, self.images, self.hardware)

    @cached_property
    def _latency_steps(self) -> Count:
        return latency_steps(self.tiles, self.images)

    def _with_moving(self, movement: Movement) -> Costs:
        moved = moved_by(movement)
        operands = [operand for operand in operands_of(self.layer) if operand in moved]
        of_operands, energies, tiles = self._transfers, self._transfer_energy, moved
        if isinstance(movement, Arriving):
            arriving = arriving_inputs(self.cuts.grid, self.tiles, self.hardware, self.images)
            of_operands = of_operands | {Operand.INPUTS: arriving}
            energies = energies | {Operand.INPUTS: self._energy_of(arriving)}
            tiles = moved - {Operand.INPUTS}
        moving = together([of_operands[operand] for operand in operands])
        array, last_cycles = self._array
        each_step = of_each_step(on_array=self.layer.on_array)
        timing = Timing(moving.streams, self._latency_steps, each_step, self._vector)
        cycles = timing.least_cycles(array.cycles * self.images, last_cycles)
        energy = sum([energies[operand] for operand in operands], self._energy_on_chip)
        moved_bytes = sum(moving.loaded.values()) + sum(moving.stored.values())
        return Costs(
            self._of_each(np.asarray(self.room.together(tiles))),
            self._of_each(cycles),
            self._of_each(np.asarray(energy, dtype=np.float64)),
            self._of_each(np.asarray(moved_bytes)),
            self._tile_counts,
        )


def operands_of(layer: Layer) -> tuple[Operand, ...]:
    """That a layer has."""
    absent = {Operand.RESIDUAL} if not layer.residual_elements else set()
    absent |= {Operand.WEIGHTS} if not layer.on_array else set()
    return tuple([operand for operand in Operand if operand not in absent])


@dataclass(frozen=True)
class LayerMappings:
    """Every mapping of one layer that a pool can hold, by one of its dataflows after another."""

    by_dataflow: tuple[PoolMappings, ...]
    _costs: dict[Movement, Costs] = field(default_factory=dict, init=False, compare=False)

    def __len__(self) -> int:
        return sum(map(len, self.by_dataflow))

    @property
    def layer(self) -> Layer:
        """In the form in which it is executed."""
        return self.by_dataflow[0].layer

    @property
    def images(self) -> int:
        """That it goes through one after the other."""
        return self.by_dataflow[0].images

    def cuts_of(self, numbers: Ints) -> MappingCuts:
        """What some of the mappings are, by their rising numbers."""
        parts, begin = [], 0
        for mappings in self.by_dataflow:
            end = begin + len(mappings)
            first, last = np.searchsorted(numbers, (begin, end))
            parts.append(mappings.cuts_of(numbers[first:last] - begin))
            begin = end
        return MappingCuts(*map(np.concatenate, zip(*map(MappingCuts.columns, parts), strict=True)))

    def costs(self, movement: Movement) -> Costs:
        """With some operands moving, while the others lie in the pool."""
        known = self._costs.get(movement)
        if known is None:
            each = [mappings.costs(movement) for mappings in self.by_dataflow]
            known = self._costs[movement] = Costs(
                np.concatenate([costs.room_bytes for costs in each]),
                np.concatenate([costs.time_cycles for costs in each]),
                np.concatenate([costs.energy for costs in each]),
                np.concatenate([costs.dram_bytes for costs in each]),
                np.concatenate([costs.tiles for costs in each]),
            )
        return known


def layer_mappings(
    layer: Layer, hardware: Hardware, dataflows: Sequence[str], batch: int, grids: Grids
) -> LayerMappings:
    """Every mapping of a layer onto a machine with a pool; there may be none.

    Args:
        layer: For one image.
        hardware: A machine with a pool.
        dataflows: Of the array, that are tried.
        batch: Images that run together.
        grids: The sizes that layers are cut into.
    """
    executed, images = as_executed(layer, batch)
    names = dataflows if executed.on_array else (VECTOR,)
    return LayerMappings(tuple([pool_mappings(executed, images, name, hardware, grids) for name in names]))


def pool_mappings(layer: Layer, images: int, dataflow: str, hardware: Hardware, grids: Grids) -> PoolMappings:
    """Every mapping of a layer, in the form in which it is executed, by one dataflow.

    Left out is what the pool cannot hold even if nothing moves but weights, or nothing at all where they may
    stay; what is the same as another; and what leaves more outputs unfinished at a time than a memory of
    their own holds.
    """
    pool = hardware.pool
    in_pool, pool_bytes = (frozenset(pool.operands), pool.size_bytes) if pool else (frozenset(), 0)
    cuts = cuts_of([layer], [dataflow], [grids.of(layer, granularity(dataflow, hardware))], hardware)
    tiles = cuts.grid.tiles(slice(None))
    needed = _room(tiles, _NESTING, cuts.largest_inputs, images)
    room = needed.of(in_pool)
    least_bytes = room.together(frozenset() if hardware.keeps("weights") else {Operand.WEIGHTS})
    held = _distinct(tiles) & np.less_equal(least_bytes, pool_bytes) & _by_itself(cuts)
    if Operand.OUTPUTS not in in_pool:
        held = held & np.less_equal(needed.outputs, hardware.bank_of[Operand.OUTPUTS].size_bytes)
    tile, order = np.divmod(np.flatnonzero(np.moveaxis(held, 0, 2)), len(POOL_ORDERS))
    return PoolMappings(layer, images, dataflow, hardware, cuts, tiles, tile, order, room)


def _by_itself(cuts: Cuts) -> Flags:
    """Whether a tile's inputs fit, and the outputs of one tile where input channels are innermost: a grid."""
    tiles, halves = cuts.grid.tiles(slice(None)), cuts.half_banks
    shape, footprint, plane = tiles.shape, tiles.footprint, tiles.plane
    inputs = input_demand(footprint, shape, cuts.largest_inputs)
    rows_cut, columns_cut = (np.greater(tiles_along, 1) * 1 for tiles_along in (plane.y_tiles, plane.x_tiles))
    outputs = footprint.outputs(shape, np.greater(tiles.channels.c_tiles, 1) * 1)
    outputs = outputs + footprint.unfinished(shape, shape.k, rows_cut, columns_cut)
    fits: Flags = np.less_equal(inputs, halves[Operand.INPUTS])
    return fits & np.less_equal(outputs, halves[Operand.OUTPUTS])


def _distinct(tiles: Tiles) -> Flags:
    """Which orders of tiles are not the same as others, because loops of one iteration have no place.

    Windows of a fused pooling that cuts leave unfinished are kept where input channels are innermost only.
    """
    filters, pixels, channels = (
        np.greater(trips, 1) for trips in (tiles.channels.k_tiles, tiles.plane.tiles, tiles.channels.c_tiles)
    )
    both = filters & pixels
    is_distinct: dict[Order, Flags] = {
        "filters_outer": np.ones_like(both),
        "pixels_outer": both,
        "pixels_channels_filters": both & channels,
        "filters_channels_pixels": both & channels,
        "channels_filters_pixels": channels & (filters | pixels),
        "channels_pixels_filters": both & channels,
    }
    distinct = np.stack([is_distinct[order] for order in POOL_ORDERS])
    if tiles.layers.pooling is None:
        return distinct
    innermost = np.logical_not(_NESTING.filters_in_channels | _NESTING.pixels_in_channels)
    return distinct & (innermost | np.logical_not(pixels))


def _room(tiles: Tiles, nesting: Nesting, largest_inputs: Count, images: int) -> Room:
    """What mappings need of the pool; `largest_inputs` are the pixels of the tile that reads most."""
    shape, footprint, channels, plane = tiles.shape, tiles.footprint, tiles.channels, tiles.plane
    k_tiles, c_tiles, p_tiles = channels.k_tiles, channels.c_tiles, plane.tiles
    groups, partial = channels.g_tiles * images, np.greater(c_tiles, 1)
    # While input channels pass around other loops, a tile of outputs is unfinished for each of their turns.
    unfinished = chosen(partial & nesting.filters_in_channels, k_tiles, 1) * chosen(
        partial & nesting.pixels_in_channels, p_tiles, 1
    )
    n_outputs = groups * k_tiles * p_tiles
    outputs_at_once = unfinished + at_most_one(n_outputs - unfinished)
    rows_cut, columns_cut = (np.greater(tiles_along, 1) for tiles_along in (plane.y_tiles, plane.x_tiles))
    all_filters = entries(tiles.layers.K, tiles.owner)
    output_channels = chosen(nesting.filters_in_pixels, all_filters, shape.k)
    windows = footprint.unfinished(shape, output_channels, rows_cut * 1, columns_cut * 1)
    outputs = footprint.outputs(shape, partial * 1) + windows
    return Room(
        inputs=footprint.inputs(shape, largest_inputs, 1) * _at_once(groups * c_tiles * p_tiles),
        weights=weight_demand(footprint, shape) * _at_once(channels.g_tiles * k_tiles * c_tiles),
        outputs=outputs * outputs_at_once,
        residual=footprint.residual(shape) * _at_once(n_outputs),
        unfinished_outputs=(outputs * partial * 1 + windows * (1 - partial)) * outputs_at_once,
    )


def _at_once(tiles: Count) -> Count:
    """Tiles of an operand that lie beside each other: two where there are several."""
    return 1 + at_most_one(tiles - 1)
