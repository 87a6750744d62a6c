"""Mappings of a layer on a machine whose operands share a pool: what each takes of it, and costs.

A divided buffer says beforehand how large a tile of each operand may be. In a pool that depends on all of
them, on which of them come from outside at all, and on what else lies there; so every mapping is laid out
once, and for each set of operands that move it is known how much room it needs and what it costs.
"""

from collections.abc import Sequence, Set
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from accelsim.columns import Count, Flags, Floats, Ints, Real
from accelsim.energy import total_energy
from accelsim.hardware import Hardware, Operand
from accelsim.mapping.arithmetic import at_most_one, chosen, column_of, entries
from accelsim.mapping.banks import weight_demand
from accelsim.mapping.candidates import array_total, counts_on_chip
from accelsim.mapping.costs import VECTOR, ArrayCost, transfer_counts
from accelsim.mapping.cuts import cuts_of
from accelsim.mapping.grids import Grids, granularity
from accelsim.mapping.mapping import Choice, Order
from accelsim.mapping.search import as_executed
from accelsim.mapping.space import POOL_ORDERS, Nesting, Space, Tiles, nesting_of
from accelsim.mapping.tile import TileShape
from accelsim.mapping.timing import Timing, VectorWork, latency_steps, of_each_step, vector_work
from accelsim.mapping.transfers import Transfers, together, transfers
from accelsim.network.layer import Layer

if TYPE_CHECKING:
    import numpy.typing as npt

_BY_ORDER: Final = [nesting_of(order) for order in POOL_ORDERS]
_FLAGS: Final = ("filters_in_pixels", "filters_in_channels", "pixels_in_channels")


@dataclass(frozen=True, slots=True)
class Costs:
    """What mappings take with some operands moving, an entry each."""

    room_bytes: Ints
    """Of the pool: for a step, and for the next one, whose tiles come meanwhile."""
    time_cycles: Floats
    """At least."""
    energy: Floats
    dram_bytes: Ints


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
    """Every mapping of one layer by one dataflow that a pool can hold: M of them."""

    layer: Layer
    """In the form in which it is executed."""
    images: int
    """That it goes through one after the other."""
    dataflow: str
    hardware: Hardware
    space: Space
    """Its tiles; loop orders are those here."""
    tile: Ints
    """Of each mapping: its number among the tiles, M."""
    order: Ints
    """Of each mapping: its number among `POOL_ORDERS`, M."""
    room: Room
    _costs: dict[frozenset[Operand], Costs] = field(default_factory=dict, init=False, compare=False)

    def __len__(self) -> int:
        return len(self.tile)

    def costs(self, moved: frozenset[Operand]) -> Costs:
        """With some operands moving, while the others lie in the pool."""
        known = self._costs.get(moved)
        if known is None:
            known = self._costs[moved] = self._with_moving(moved)
        return known

    @property
    def cuts(self) -> "MappingCuts":
        """What the mappings are, M entries."""
        shape, length = self._tiles.shape, len(self)
        return MappingCuts(
            np.full(length, self.dataflow),
            column_of(shape.g, length),
            column_of(shape.k, length),
            column_of(shape.c, length),
            column_of(shape.y, length),
            column_of(shape.x, length),
            self.order,
        )

    @cached_property
    def _tiles(self) -> Tiles:
        """Of each mapping, M."""
        return self.space.tiles(self.tile)

    @cached_property
    def _nesting(self) -> Nesting:
        """Of each mapping, M."""
        return _nesting(self.order)

    @cached_property
    def _array(self) -> tuple[ArrayCost, Count]:
        """What the array does over all tiles of an image, and its cycles for the last of them; M."""
        every_tile = self.space.tiles(slice(None))
        total, last_cycles = array_total(self.space, every_tile, self.hardware)
        counts = total.counts.each(lambda count: entries(count, self.tile))
        return ArrayCost(entries(total.cycles, self.tile), counts), entries(last_cycles, self.tile)

    @cached_property
    def _transfers(self) -> dict[Operand, Transfers]:
        """Of each operand by itself."""
        parts = (self.space, self._tiles, self._nesting, self.hardware, self.images)
        return {operand: transfers(*parts, frozenset({operand})) for operand in self._operands}

    @cached_property
    def _operands(self) -> tuple[Operand, ...]:
        """That the layer has."""
        absent = {Operand.RESIDUAL} if not self.layer.residual_elements else set()
        absent |= {Operand.WEIGHTS} if not self.layer.on_array else set()
        return tuple([operand for operand in Operand if operand not in absent])

    @cached_property
    def _energy_on_chip(self) -> Real:
        """Of each mapping, whatever moves."""
        array, _ = self._array
        moved = together(tuple(self._transfers.values()))
        counts = counts_on_chip(self.space, self._tiles, moved, self.hardware, self.images)
        return total_energy(sum(counts, array.counts * self.images), self.hardware.prices)

    @cached_property
    def _transfer_energy(self) -> dict[Operand, Real]:
        """Of each operand by itself."""
        return {
            operand: total_energy(
                transfer_counts(self.hardware, moved.loaded, moved.stored), self.hardware.prices
            )
            for operand, moved in self._transfers.items()
        }

    @cached_property
    def _vector(self) -> VectorWork:
        return vector_work(self._tiles, self.images, self.hardware)

    @cached_property
    def _latency_steps(self) -> Count:
        return latency_steps(self._tiles, self.images)

    def _with_moving(self, moved: frozenset[Operand]) -> Costs:
        length = len(self)
        operands = [operand for operand in self._operands if operand in moved]
        moving = together([self._transfers[operand] for operand in operands])
        array, last_cycles = self._array
        each_step = of_each_step(on_array=self.layer.on_array)
        timing = Timing(moving.streams, self._latency_steps, each_step, self._vector)
        cycles = timing.least_cycles(column_of(array.cycles * self.images, length), last_cycles)
        energy = sum([self._transfer_energy[operand] for operand in operands], self._energy_on_chip)
        moved_bytes = sum(moving.loaded.values()) + sum(moving.stored.values())
        return Costs(
            column_of(self.room.together(moved), length),
            np.broadcast_to(cycles, length),
            np.broadcast_to(np.asarray(energy, dtype=np.float64), length),
            column_of(moved_bytes, length),
        )


@dataclass(frozen=True)
class LayerMappings:
    """Every mapping of one layer that a pool can hold, by one of its dataflows after another."""

    by_dataflow: tuple[PoolMappings, ...]
    _costs: dict[frozenset[Operand], Costs] = field(default_factory=dict, init=False, compare=False)

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

    @cached_property
    def cuts(self) -> MappingCuts:
        """What the mappings are, an entry each."""
        parts = [mappings.cuts for mappings in self.by_dataflow]
        return MappingCuts(*map(np.concatenate, zip(*map(MappingCuts.columns, parts), strict=True)))

    def costs(self, moved: frozenset[Operand]) -> Costs:
        """With some operands moving, while the others lie in the pool."""
        known = self._costs.get(moved)
        if known is None:
            each = [mappings.costs(moved) for mappings in self.by_dataflow]
            known = self._costs[moved] = Costs(
                np.concatenate([costs.room_bytes for costs in each]),
                np.concatenate([costs.time_cycles for costs in each]),
                np.concatenate([costs.energy for costs in each]),
                np.concatenate([costs.dram_bytes for costs in each]),
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

    Left out is what the pool cannot hold even if nothing moves but weights, and what is the same as another;
    and what leaves more outputs unfinished at a time than a memory of their own holds.
    """
    pool = hardware.pool
    in_pool, pool_bytes = (frozenset(pool.operands), pool.size_bytes) if pool else (frozenset(), 0)
    cuts = cuts_of([layer], [dataflow], [grids.of(layer, granularity(dataflow, hardware))], hardware)
    space = cuts.crossed(np.arange(len(cuts.channel_owner)), np.arange(len(cuts.plane_owner)))
    tile, order = _distinct(space)
    largest_inputs = entries(cuts.largest_inputs, space.plane_cut[tile])
    needed = _room(space.tiles(tile), _nesting(order), largest_inputs, images)
    room = needed.of(in_pool)
    held = np.less_equal(room.together({Operand.WEIGHTS}), pool_bytes)
    if Operand.OUTPUTS not in in_pool:
        held = held & np.less_equal(needed.outputs, hardware.bank_of[Operand.OUTPUTS].size_bytes)
    fits = np.flatnonzero(held)
    return PoolMappings(
        layer, images, dataflow, hardware, space, tile[fits], order[fits], entries(room, fits)
    )


def _nesting(order: Ints) -> Nesting:
    """Columns, for the orders that are given by their numbers."""
    return Nesting(*(np.array([getattr(nesting, name) for nesting in _BY_ORDER])[order] for name in _FLAGS))


def _distinct(space: Space) -> tuple[Ints, Ints]:
    """Tiles and orders that are not the same as others, because loops of one iteration have no place.

    Windows of a fused pooling that cuts leave unfinished are kept where input channels are innermost only.
    """
    tiles, length = space.tiles(slice(None)), len(space.owner)
    filters, pixels, channels = (
        np.greater(column_of(trips, length), 1)
        for trips in (tiles.channels.k_tiles, tiles.plane.tiles, tiles.channels.c_tiles)
    )
    both = filters & pixels
    is_distinct: dict[Order, Flags] = {
        "filters_outer": np.ones(length, dtype=np.bool_),
        "pixels_outer": both,
        "pixels_channels_filters": both & channels,
        "filters_channels_pixels": both & channels,
        "channels_filters_pixels": channels & (filters | pixels),
        "channels_pixels_filters": both & channels,
    }
    kept = np.stack([is_distinct[order] for order in POOL_ORDERS], axis=1)  # tiles x orders
    if space.layers.pooling is not None:
        innermost = np.array([not (n.filters_in_channels or n.pixels_in_channels) for n in _BY_ORDER])
        kept = kept & (innermost | ~pixels[:, np.newaxis])
    tile, order = np.nonzero(kept)
    return tile, order


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
