"""What mappings of layers cost, many at once.

Layers, tile sizes and loop orders are numpy arrays. Sums over tiles are exact, smaller tiles at the edges
included: array cycles and bytes of a candidate are those of the program it stands for (bytes as far as
elements are whole bytes; packed elements, pruned weights and what lies coded are rounded up tile by tile in
the program).
"""

from dataclasses import dataclass
from typing import Any, Final, NamedTuple, TypeVar

import numpy as np

from accelsim.columns import Count, Flags, Floats, Ints, Real, Selection
from accelsim.energy import total_energy
from accelsim.hardware.counts import ActionCounts
from accelsim.hardware.machine import Hardware
from accelsim.hardware.operand import Operand
from accelsim.hardware.prices import Prices
from accelsim.mapping.arithmetic import column_of, entries, times
from accelsim.mapping.costs import (
    ArrayCost,
    array_cost,
    array_costs,
    completion_counts,
    least_array_cost,
    on_chip_counts,
    partial_sum_counts,
    transfer_counts,
)
from accelsim.mapping.cuts import space_of
from accelsim.mapping.loop_order import NamedOrder
from accelsim.mapping.picking import picked
from accelsim.mapping.precision import layer_prices
from accelsim.mapping.space import ORDERS, Nesting, Space, Tiles
from accelsim.mapping.tile import UNCUT, TileShape, whole_image
from accelsim.mapping.timing import Timing, timing_of
from accelsim.mapping.transfers import MovedBytes, Reads, Stay, Transfers, transfers
from accelsim.mapping.whole import Whole
from accelsim.network.layer import Layer, LoopNest

_SECOND_ORDER: Final = np.array([[False], [True]])
"""Orders x 1: the second of `ORDERS` has the output channels inside."""
ColumnT = TypeVar("ColumnT")
_NO_COST: Final = ArrayCost(0, ActionCounts())


@dataclass(frozen=True, slots=True)
class Candidates:
    """Mappings of some layers, each by its layer's dataflow, and what each of them costs."""

    numbers: Ints
    """In the space that they are from, rising."""
    tiles: Tiles
    array_cycles: Count
    counts: ActionCounts[Count]
    """DRAM included."""
    time_cycles: Floats
    """At least: what the simulation of the layer by itself does not go below."""
    energy: Floats
    """With what is drawn at all times, for `time_cycles`: at least, too, where there is such power."""

    def __len__(self) -> int:
        return self.time_cycles.size

    def mappings_of(self, indices: Ints) -> list[tuple[TileShape[int], NamedOrder]]:
        """Tile and loop order of some candidates."""
        shape = self.tiles.shape
        sizes = (shape.n, shape.g, shape.k, shape.c, shape.y, shape.x, shape.fy, shape.fx)
        columns = [column_of(entries(size, indices), len(indices)).tolist() for size in sizes]
        orders = [ORDERS[order] for order in (self.numbers[indices] % len(ORDERS)).tolist()]
        return list(zip(map(TileShape, *columns), orders, strict=True))


class Bounds(NamedTuple):
    """What some mappings do not go below, an entry each; infinite where none fits."""

    time_cycles: Floats
    energy: Floats


def candidates(
    layer: Layer, hardware: Hardware, dataflow: str, batch: int = 1, *, finely: bool = False
) -> Candidates:
    """Every mapping of a layer by a dataflow that fits the banks; none if no tile does."""
    space = space_of(layer, hardware, dataflow, finely=finely)
    return evaluate(beside_array(space, hardware, space.whole(batch)), hardware, space.fitting())


class Beside(NamedTuple):
    """What mappings of a space take beside the array: orders x tiles, or of tiles in any order."""

    space: Space
    whole: Whole
    tiles: Tiles
    """All of the space."""
    timing: Timing
    moved: ActionCounts[Count]
    """Between memories off chip and on chip."""
    on_chip: ActionCounts[Count]
    """The same in all orders."""


def beside_array(space: Space, hardware: Hardware, whole: Whole) -> Beside:
    """What the mappings of a space take beside the array."""
    tiles = space.tiles(slice(None))
    moved = _moved(tiles, hardware, whole)
    return Beside(
        space,
        whole,
        tiles,
        timing_of(whole, tiles, moved, hardware),
        transfer_counts(hardware, moved.read, moved.written, moved.overfetched, moved.masked),
        counts_on_chip(whole, tiles, moved, hardware),
    )


def at_pace(beside: Beside, hardware: Hardware) -> Beside:
    """The same on a machine that differs in nothing but how fast its channels stream."""
    moved = _moved(beside.tiles, hardware, beside.whole)
    return beside._replace(timing=timing_of(beside.whole, beside.tiles, moved, hardware))


def _moved(tiles: Tiles, hardware: Hardware, whole: Whole) -> Transfers:
    stay = Stay.in_order(tiles, Nesting(_SECOND_ORDER, False, False))
    return transfers(whole, tiles, Reads.of(tiles, stay, whole.batch, hardware), hardware)


def evaluate(beside: Beside, hardware: Hardware, numbers: Ints) -> Candidates:
    """What mappings of a space cost, given by their numbers; an entry each."""
    space, batch, which = beside.space, beside.whole.batch, numbers // len(ORDERS)
    tiles = space.tiles(which)
    array, last_array_cycles = array_total(space, tiles, hardware)
    mappings = _Mappings(numbers % len(ORDERS), which)
    counts = array.counts * batch + beside.moved.each(mappings.of) + beside.on_chip.each(mappings.of)
    array_cycles = array.cycles * batch + call_cycles(space.layers, hardware)
    array_cycles = column_of(array_cycles, len(numbers))
    time = beside.timing.each(mappings.of).least_cycles(array_cycles, last_array_cycles)
    prices = layer_prices(space.layers, hardware)
    energy = np.asarray(with_static_energy(total_energy(counts, prices), prices, time), dtype=np.float64)
    return Candidates(numbers, tiles, array_cycles, counts, time, energy)


class _Mappings(NamedTuple):
    """Some mappings of a space."""

    orders: Ints
    """By their number among `ORDERS`."""
    tiles: Ints

    def of(self, column: ColumnT) -> ColumnT:
        """Of what is said of each tile in each order, of each tile, or of all: an entry each, or for all."""
        picked: Any = column
        if isinstance(column, np.ndarray):
            if column.ndim == len(ORDERS):
                picked = column[self.orders, self.tiles]
            elif column.ndim:
                picked = column[self.tiles]
        return picked  # type: ignore[no-any-return]  # of the same kind, which the checker cannot see


class LeastWork(NamedTuple):
    """What the mappings of a space take at least, however fast channels stream."""

    array_cycles: Count
    energy: Real
    """Without what is drawn at all times."""


def least_work(beside: Beside, hardware: Hardware) -> LeastWork:
    """With the least that the array does for a layer that is cut into so many tiles, so that it need not be
    said what each of them costs.
    """
    space, batch = beside.space, beside.whole.batch
    array, prices = _array_at_least(space, beside.tiles, hardware), layer_prices(space.layers, hardware)
    energy = total_energy(array.counts * batch + beside.on_chip, prices) + total_energy(beside.moved, prices)
    return LeastWork(array.cycles * batch + call_cycles(space.layers, hardware), energy)


def at_least(beside: Beside, hardware: Hardware, work: LeastWork | None = None) -> Bounds:
    """What no mapping goes below, for every number of a space: like `evaluate`, but with its least work."""
    work = least_work(beside, hardware) if work is None else work
    space, prices = beside.space, layer_prices(beside.space.layers, hardware)
    time = beside.timing.least_cycles(work.array_cycles, 0)
    energy = with_static_energy(work.energy, prices, time)
    return Bounds(*(np.where(space.fits, values, np.inf).T.ravel() for values in (time, energy)))


def call_cycles(layers: LoopNest[Count], hardware: Hardware) -> int:
    """What the array is busy with before the first step of a layer that it executes."""
    return hardware.pe_array.cycles_per_call if layers.on_array else 0


def with_static_energy(energy: Real, prices: Prices, cycles: Count | Real) -> Real:
    """Energy with what is drawn at all times while it is spent."""
    return energy + prices.static_per_cycle * cycles if prices.static_per_cycle else energy


def least_of_array(layers: LoopNest[Count], dataflow: str, hardware: Hardware, batch: int) -> Bounds:
    """What the array takes at least for each layer of a stack; one number if all of them take the same."""
    cost = least_array_cost(layers, dataflow, whole_image(layers), UNCUT, hardware)
    cycles, prices = cost.cycles * batch, layer_prices(layers, hardware)
    energy = with_static_energy(total_energy(cost.counts * batch, prices), prices, cycles)
    return Bounds(np.asarray(cycles, dtype=np.float64), np.asarray(energy, dtype=np.float64))


def counts_on_chip(
    whole: Whole, tiles: Tiles, moved: Transfers | MovedBytes, hardware: Hardware
) -> ActionCounts[Count]:
    """What happens beside the array and the transfers, if all operands are moved."""
    layers, ops, outputs = whole.layers, *entries((whole.vector_ops, whole.outputs), tiles.owner)
    residual_bytes, stored_bytes = moved.loaded[Operand.RESIDUAL], moved.stored[Operand.OUTPUTS]
    counts = completion_counts(ops, residual_bytes, stored_bytes, hardware)
    counts = counts + partial_sum_counts(layers, outputs, tiles.channels.c_tiles, hardware)
    if layers.on_array:
        return counts
    input_bytes = times(tiles.plane.input_bytes, whole.batch // tiles.shape.n)
    return counts + on_chip_counts(hardware, {Operand.INPUTS: input_bytes}, {})


def array_total(space: Space, tiles: Tiles, hardware: Hardware) -> tuple[ArrayCost, Count]:
    """The array's cost over all tiles of an image, edges included, and its cycles for the last of them."""
    length = len(tiles.owner)
    if not (space.layers.on_array and length):
        return _NO_COST, 0
    kinds = kinds_of_tiles(space.layers, tiles.shape, tiles.owner)

    def cost_of(layer: LoopNest[Count], dataflow: str, which: Selection) -> ArrayCost:
        tile, resumes = entries(kinds.tile, which), entries(kinds.resumes, which)
        return array_cost(layer, dataflow, tile, resumes, hardware)

    cost = array_costs(space.layers, space.dataflows, tiles.owner[kinds.candidate], cost_of)
    begins = np.searchsorted(kinds.candidate, np.arange(length))

    def summed(count: Count) -> Count:
        """Over the kinds of tiles; what is none for each of them is none together."""
        if isinstance(count, int) and not count:
            return 0
        return np.add.reduceat(count * kinds.visits, begins)

    ends = np.append(begins[1:], len(kinds.candidate))
    total = ArrayCost(summed(cost.cycles), cost.counts.each(summed))
    return total, entries(cost.cycles, ends - 1)


def _array_at_least(space: Space, tiles: Tiles, hardware: Hardware) -> ArrayCost:
    """What the array does at least for an image of layers that are cut into so many tiles."""
    if not (space.layers.on_array and len(tiles.owner)):
        return _NO_COST
    counts = tiles.tile_counts

    def cost_of(layer: LoopNest[Count], dataflow: str, which: Selection) -> ArrayCost:
        return least_array_cost(layer, dataflow, picked(tiles.shape, which), picked(counts, which), hardware)

    return array_costs(space.layers, space.dataflows, tiles.owner, cost_of)


class KindsOfTiles(NamedTuple):
    """Tiles of candidates that are alike: candidate after candidate, those of each together."""

    candidate: Ints
    """Of each kind, S in all."""
    tile: TileShape[Count]
    visits: Ints
    """How many there are of an image, S."""
    resumes: Count
    """1 where they add to the partial sums of an earlier tile."""


def kinds_of_tiles(layers: LoopNest[Count], shape: TileShape[Count], owner: Ints) -> KindsOfTiles:
    """The kinds of tiles that each of T candidates is made of; `owner` says of which layer each is.

    Along G, K, OY and OX a layer is cut into full tiles and perhaps a smaller one at the edge; along C the
    first tile starts the partial sums, full ones in between resume them, and the last one may be smaller. The
    kinds of a candidate are all combinations: up to 2 x 2 x 2 x 2 x 3 = 48, mostly far fewer. They are
    numbered in mixed radix, a binary digit for each of G, K, OY, OX that has an edge (1 at the edge), above
    them the digit of C. docs/decisions/branch-and-bound.md says why edges are costed exactly.
    """
    extents = (layers.G, layers.K, layers.OY, layers.OX)
    sizes = (shape.g, shape.k, shape.y, shape.x)
    loops = [_Tiling.of(entries(extent, owner), size) for extent, size in zip(extents, sizes, strict=True)]
    depth = _Tiling.of(entries(layers.C, owner), shape.c)
    # Digits of C: 0 the first tile, 1 full ones after it (if there are two full ones), the largest the edge.
    full_kinds = 1 + np.minimum(depth.full - 1, 1)  # T
    n_kinds = full_kinds + depth.has_edge
    for loop in loops:
        n_kinds = n_kinds << loop.has_edge
    candidate = np.repeat(np.arange(len(owner)), n_kinds)  # S
    digits = np.arange(len(candidate)) - np.repeat(
        np.cumsum(n_kinds) - n_kinds, n_kinds
    )  # number of the kind
    # Invariant: `digits` holds the digits of the loops that are still to come, the next one lowest, and
    # `visits` how many tiles of the kind there are along those that are done.
    visits = np.ones_like(candidate)
    kind_sizes = []
    for loop in loops:
        has_edge = loop.has_edge[candidate]
        size, times = loop.tiles(candidate, (digits & has_edge).astype(bool))
        digits = digits >> has_edge
        visits *= times
        kind_sizes.append(size)
    at_edge = digits == full_kinds[candidate]
    c, times = depth.tiles(candidate, at_edge)
    visits *= np.where(at_edge | (digits == 0), 1, times - 1)
    g, k, y, x = kind_sizes
    fy, fx = entries((shape.fy, shape.fx), candidate)
    tile = TileShape(1, g, k, c, y, x, fy, fx)
    return KindsOfTiles(candidate, tile, visits, np.minimum(digits, 1))


class _Tiling(NamedTuple):
    """One loop, cut into tiles of one size for each of T candidates."""

    size: Ints
    full: Ints
    """How many tiles have the size."""
    edge: Ints
    """Size of the last tile where it is smaller than the others, else 0."""
    has_edge: Ints
    """1 where it is."""

    @classmethod
    def of(cls, extent: Count, size: Count) -> "_Tiling":
        full, edge = np.divmod(extent, size)
        return cls(np.asarray(size), full, edge, np.minimum(edge, 1))

    def tiles(self, candidate: Ints, at_edge: Flags) -> tuple[Ints, Ints]:
        """Size and number of the tiles of candidates, at the edge or before it; S entries."""
        size, full = self.size[candidate], self.full[candidate]
        if not self.has_edge.any():
            return size, full
        return np.where(at_edge, self.edge[candidate], size), np.where(at_edge, 1, full)
