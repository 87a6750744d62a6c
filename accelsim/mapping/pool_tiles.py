"""Tiles of a layer on a machine whose operands share a pool: what each costs, in whatever loop order.

Loop orders differ in two things only: in the room that unfinished outputs take, and in whether inputs, and
weights, come once or again with each turn of a loop on which they do not depend. So what a tile costs is
worked out four times at most, and not for each of the orders.
"""

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

import numpy as np

from accelsim.columns import Count, Flags, Ints, Real
from accelsim.energy import total_energy
from accelsim.hardware import Hardware, Operand
from accelsim.hardware.counts import ActionCounts
from accelsim.hardware.host import HOST
from accelsim.hardware.prices import Prices
from accelsim.mapping.candidates import call_cycles, counts_on_chip, with_static_energy
from accelsim.mapping.costs import ArrayCost, transfer_counts
from accelsim.mapping.cuts import Cuts
from accelsim.mapping.grid_array import grid_array_total
from accelsim.mapping.hosting import host_of
from accelsim.mapping.pool_room import (
    NESTING,
    Room,
    distinct_orders,
    fits_by_itself,
    room_of,
    weights_may_stay,
)
from accelsim.mapping.precision import layer_prices
from accelsim.mapping.space import POOL_ORDERS, Tiles
from accelsim.mapping.staircase import Arriving, Movement, moved_by
from accelsim.mapping.timing import VectorWork, latency_steps, timing_with, vector_work
from accelsim.mapping.transfers import (
    Reads,
    Stay,
    Transfers,
    arriving_inputs,
    moved_bytes,
    together,
    transfers,
)
from accelsim.mapping.whole import Whole
from accelsim.network.layer import Layer

if TYPE_CHECKING:
    import numpy.typing as npt

Grid: TypeAlias = "npt.NDArray[Any]"
_STAY: Final = Stay(
    inputs=np.array([True, False])[:, np.newaxis, np.newaxis, np.newaxis],
    weights=np.array([True, False])[:, np.newaxis, np.newaxis],
)
"""Inputs come once, or again, x weights do x 1 x 1."""
_AXES: Final = 4


class TileCosts(NamedTuple):
    """What tiles take with some operands moving.

    Grids: inputs come once, or again, x weights do x cuts of the channels x cuts of the output plane. Of one
    that has no axis as long, its only entry holds.
    """

    time_cycles: Grid
    """At least."""
    energy: Grid
    dram_bytes: Grid


@dataclass(frozen=True)
class PoolTiles:
    """Every tile of one layer by one dataflow: a grid of cuts of the channels x cuts of the output plane."""

    layer: Layer
    """In the form in which it is executed."""
    images: int
    """That it goes through, as many at a time as a tile has."""
    dataflow: str
    hardware: Hardware
    cuts: Cuts
    _costs: dict[Movement, TileCosts] = field(default_factory=dict, init=False, compare=False)
    _moving: dict[Operand, tuple[Transfers, Real]] = field(default_factory=dict, init=False, compare=False)
    """Operands by themselves: transfers, and their energy."""
    _rooms_bytes: dict[Movement, Grid] = field(default_factory=dict, init=False, compare=False)

    @property
    def count(self) -> int:
        """Whether the pool can hold them or not."""
        return len(self.cuts.channel_owner) * len(self.cuts.plane_owner)

    @property
    def shape(self) -> tuple[int, int]:
        """Of the grid."""
        return len(self.cuts.channel_owner), len(self.cuts.plane_owner)

    def costs(self, movement: Movement) -> TileCosts:
        """With some operands moving, while the others lie in the pool."""
        known = self._costs.get(movement)
        if known is None:
            known = self._costs[movement] = self._with_moving(movement)
        return known

    def least(self, movement: Movement) -> tuple[Grid, Grid, Grid]:
        """Of each tile that the pool holds: room, time and energy that it does not go below in any order."""
        costs = self.costs(movement)
        least = self.room_bytes(movement)[0], costs.time_cycles[0, 0], costs.energy[0, 0]
        room_bytes, time_cycles, energy = (self.column(grid)[self.held_tiles] for grid in least)
        return room_bytes, time_cycles, energy

    def column(self, grid: Grid) -> Grid:
        """What a formula gave for each tile, an entry each."""
        return np.broadcast_to(grid, self.shape).reshape(-1)

    def room_bytes(self, movement: Movement) -> Grid:
        """What is needed of the pool, of each loop order x tile; inputs that arrive have a place there."""
        known = self._rooms_bytes.get(movement)
        if known is None:
            pool = self.hardware.pool
            in_pool = self._room.of(frozenset(pool.operands) if pool else frozenset())
            moved = moved_by(movement)
            tiles = moved - {Operand.INPUTS} if isinstance(movement, Arriving) else moved
            grid = np.broadcast_to(in_pool.together(tiles), (len(POOL_ORDERS), *self.shape))
            known = self._rooms_bytes[movement] = grid
        return known

    @property
    def pool_bytes(self) -> int:
        """Of the pool; none on a machine without."""
        return self.hardware.pool.size_bytes if self.hardware.pool else 0

    @cached_property
    def held(self) -> Flags:
        """Which mappings the pool can hold: loop orders x tiles.

        Left out is what it cannot hold even if nothing moves but weights, or nothing at all where they may
        stay; what is the same as another; and what leaves more outputs unfinished at a time than a memory of
        their own holds. What the pool holds in some order it holds in the first.
        """
        bank = self.hardware.bank_of[Operand.OUTPUTS]
        may_stay = weights_may_stay(self.hardware) or self.layer.multiplies_activations
        may_move = frozenset() if may_stay else frozenset({Operand.WEIGHTS})
        if self.cuts.order is None:
            may_be = distinct_orders(self._tiles)
        else:
            may_be = np.array([order == self.cuts.order for order in POOL_ORDERS])[:, np.newaxis, np.newaxis]
        held = may_be & fits_by_itself(self._tiles, self.cuts)
        held &= np.less_equal(self.room_bytes(may_move), self.pool_bytes)
        if bank is not self.hardware.pool:
            held &= np.less_equal(self._room.outputs * self._room.outputs_at_once, bank.size_bytes)
        return held

    @cached_property
    def held_tiles(self) -> Ints:
        """Numbers of the tiles that the pool holds in some order."""
        return np.flatnonzero(self.held[self.first_order])

    @property
    def first_order(self) -> int:
        """The number of the loop order that takes least room, or of the only one."""
        return 0 if self.cuts.order is None else POOL_ORDERS.index(self.cuts.order)

    @cached_property
    def tile_counts(self) -> Grid:
        """Tiles of an image, where it is cut into such."""
        return np.asarray(self._tiles.tile_counts.total)

    @cached_property
    def stay(self) -> Stay:
        """Whether inputs, and weights, come once: of each loop order x tile."""
        return Stay.in_order(self._tiles, NESTING)

    @cached_property
    def _tiles(self) -> Tiles:
        return self.cuts.grid.tiles(slice(None))

    @cached_property
    def _whole(self) -> Whole:
        return Whole(self.cuts.layers, self.cuts.footprint, self.images)

    @cached_property
    def _room(self) -> Room:
        """Of each loop order x tile."""
        return room_of(self._tiles, self.cuts.largest_inputs, self.images, self.hardware)

    @cached_property
    def _array(self) -> tuple[ArrayCost, Count]:
        """What the array does over all tiles of an image, and its cycles for the last of them."""
        if not (self.layer.on_array and len(self.held_tiles)):
            return ArrayCost(0, ActionCounts()), 0
        return grid_array_total(self.cuts, self.hardware)

    @cached_property
    def _reads(self) -> Reads:
        return Reads.of(self._tiles, _STAY, self.images, self.hardware)

    @property
    def _turns(self) -> int:
        """How often the layer is gone through."""
        return self.images // self.cuts.images

    def _moved(self, operand: Operand) -> tuple[Transfers, Real]:
        known = self._moving.get(operand)
        if known is None:
            parts = (self._whole, self._tiles, self._reads, self.hardware)
            moved = transfers(*parts, frozenset({operand}))
            known = self._moving[operand] = moved, self._energy_of(moved)
        return known

    def _energy_of(self, moved: Transfers) -> Real:
        counts = transfer_counts(self.hardware, moved.read, moved.written, moved.overfetched, moved.masked)
        return total_energy(counts, self._prices)

    @cached_property
    def _prices(self) -> Prices:
        return layer_prices(self.layer, self.hardware)

    @cached_property
    def _energy_on_chip(self) -> Real:
        """Whatever moves."""
        array, _ = self._array
        moved = moved_bytes(self._whole, self._tiles, self._reads, frozenset(operands_of(self.layer)))
        counts = counts_on_chip(self._whole, self._tiles, moved, self.hardware)
        return total_energy(array.counts * self._turns + counts, self._prices)

    @cached_property
    def _vector(self) -> VectorWork:
        return vector_work(self._whole, self._tiles, self.hardware)

    @cached_property
    def _latency_steps(self) -> Count:
        return latency_steps(self._whole, self._tiles)

    def _with_moving(self, movement: Movement) -> TileCosts:
        moved = moved_by(movement)
        if isinstance(movement, Arriving):
            arriving = arriving_inputs(self._whole, self._tiles, self.hardware)
            parts = [(arriving, self._energy_of(arriving))]
            moved = moved - {Operand.INPUTS}
        else:
            parts = []
        parts += [self._moved(operand) for operand in operands_of(self.layer) if operand in moved]
        moving = together([moved_alone for moved_alone, _ in parts])
        array, last_cycles = self._array
        steps, on_array = self._tiles.tile_counts.total * self._turns, self.layer.on_array
        of_steps = steps, self._latency_steps, self._vector
        timing = timing_with(moving, *of_steps, self.hardware, on_array=on_array)
        array_cycles = array.cycles * self._turns + call_cycles(self.layer, self.hardware)
        cycles = timing.least_cycles(array_cycles, last_cycles)
        dynamic = sum([energy for _, energy in parts], self._energy_on_chip)
        if self.dataflow == HOST:
            host = host_of(self.hardware)
            cycles, dynamic = cycles + host.cycles_per_call, dynamic + host.energy.call
        energy = with_static_energy(dynamic, self._prices, cycles)
        dram_bytes = sum(moving.loaded.values()) + sum(moving.stored.values())
        return TileCosts(*map(_as_grid, (cycles, energy, dram_bytes)))


def operands_of(layer: Layer) -> tuple[Operand, ...]:
    """That a layer has."""
    absent = {Operand.RESIDUAL} if not layer.residual_elements else set()
    absent |= {Operand.WEIGHTS} if not layer.on_array else set()
    return tuple([operand for operand in Operand if operand not in absent])


def _as_grid(values: "Real | Count") -> Grid:
    """With all four axes."""
    grid = np.asarray(values)
    return grid.reshape((1,) * (_AXES - grid.ndim) + grid.shape)
