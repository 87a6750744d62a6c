"""What mappings of layers cost, many at once.

Layers, tile sizes and loop orders are numpy arrays. Sums over tiles are exact, smaller tiles at the edges
included: cycles and bytes of a candidate are those of the program it stands for (bytes as far as elements are
whole bytes; packed elements and pruned weights are rounded up tile by tile in the program).
"""

from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt

from accelsim.energy import ActionCounts, total_energy
from accelsim.hardware import Hardware
from accelsim.mapping.arithmetic import Count, Flags, Ints, ceil_div, chosen, count_of, entries_of, taken
from accelsim.mapping.costs import (
    ArrayCost,
    array_cost,
    array_costs,
    completion_counts,
    dram_counts,
    least_array_cost,
    partial_sum_counts,
    vector_ops,
)
from accelsim.mapping.footprint import bits_to_bytes
from accelsim.mapping.mapping import Order
from accelsim.mapping.precision import activation_bits
from accelsim.mapping.space import ORDERS, Space, Tiles, space_of
from accelsim.mapping.tile import UNCUT, TileShape, Visits
from accelsim.network.layer import Layer

Values: TypeAlias = npt.NDArray[np.float64]
_NO_COST: Final = ArrayCost(0, ActionCounts())


@dataclass(frozen=True, slots=True)
class Candidates:
    """Mappings by one dataflow, and what each of them costs."""

    places: Ints
    """In the space that they are from, in order."""
    tiles: Tiles
    array_cycles: Count
    counts: ActionCounts
    """DRAM included."""
    time_cycles: Values
    """Estimate: the busiest of array, vector unit and DRAM channel, and what cannot overlap at either end."""
    energy: Values

    def __len__(self) -> int:
        return self.time_cycles.size

    def mapping_of(self, index: int) -> tuple[TileShape, Order]:
        """Tile and loop order of one candidate."""
        shape = self.tiles.shape
        sizes = (shape.g, shape.k, shape.c, shape.y, shape.x)
        tile = TileShape(*(int(np.asarray(size)[index]) for size in sizes))
        return tile, ORDERS[int(self.places[index]) % len(ORDERS)]


@dataclass(frozen=True, slots=True)
class Bounds:
    """What some mappings do not go below, an entry each; infinite where none fits."""

    time_cycles: Values
    energy: Values


def candidates(layer: Layer, hardware: Hardware, dataflow: str, batch: int = 1) -> Candidates:
    """Every mapping of a layer by a dataflow that fits the global buffer; none if no tile does."""
    space = space_of(layer, hardware, dataflow)
    return evaluate(space, hardware, batch, space.places())


def evaluate(space: Space, hardware: Hardware, batch: int, places: Ints) -> Candidates:
    """What some mappings cost, an entry each."""
    tiles, order = space.tiles(places // len(ORDERS)), count_of(places % len(ORDERS))
    array = _array_total(space, tiles, hardware)
    rest = _rest(space, tiles, order, hardware, batch)
    counts = array.counts * batch
    for part in rest.counts:
        counts += part
    array_cycles = entries_of(array.cycles * batch, len(places))
    time: Values = np.maximum(array_cycles, rest.cycles) + rest.ends_cycles
    energy = np.asarray(total_energy(counts, hardware.energy), dtype=np.float64)
    return Candidates(places, tiles, count_of(array_cycles), counts, time, energy)


def at_least(space: Space, hardware: Hardware, batch: int) -> Bounds:
    """What no mapping goes below, for every place of a space.

    Like `evaluate`, but with the least that the array does for a layer that is cut into so many tiles, so
    that it need not be said what each of them costs.
    """
    tiles, orders = space.tiles(slice(None)), count_of(np.arange(len(ORDERS))[:, np.newaxis])
    array = _array_at_least(space, tiles, hardware)
    rest = _rest(space, tiles, orders, hardware, batch)
    time = np.maximum(array.cycles * batch, rest.cycles) + rest.ends_cycles
    energy = total_energy(array.counts * batch, hardware.energy)
    for part in rest.counts:
        energy = energy + total_energy(part, hardware.energy)
    return Bounds(*(np.where(space.fits, values, np.inf).T.ravel() for values in (time, energy)))


def least_of_array(layers: Layer, dataflow: str, hardware: Hardware, batch: int) -> Bounds:
    """What the array takes at least for each layer of a stack; one number if all of them take the same."""
    whole = TileShape(layers.G, layers.K, layers.C, layers.OY, layers.OX)
    cost = least_array_cost(layers, dataflow, whole, UNCUT, hardware)
    cycles, energy = cost.cycles * batch, total_energy(cost.counts * batch, hardware.energy)
    return Bounds(np.asarray(cycles, dtype=np.float64), np.asarray(energy, dtype=np.float64))


@dataclass(frozen=True, slots=True)
class _Rest:
    """What mappings cost beside the array."""

    counts: tuple[ActionCounts, ...]
    """To be added up."""
    cycles: Values
    """Of the vector unit, of the DRAM channel or of the DMA, whichever is busiest."""
    ends_cycles: Values
    """In which nothing can overlap: the first tile is loaded, the last one stored."""


def _rest(space: Space, tiles: Tiles, pixels_outer: Count, hardware: Hardware, batch: int) -> _Rest:
    layers, channels, picture, dram = space.layers, tiles.channels, tiles.picture, hardware.dram
    whole = TileShape(layers.G, layers.K, layers.C, layers.OY, layers.OX)
    outputs, stored = layers.output_elements * batch, layers.stored_elements * batch
    ops = vector_ops(layers, outputs, stored)
    weight_bytes = space.footprint.weights(whole) + space.footprint.biases(whole)
    stored_bytes = bits_to_bytes(stored, activation_bits(layers, hardware.precision))
    vector_cycles = ceil_div(ops, hardware.vector_lanes)
    outputs, ops, vector_cycles, weight_bytes, stored_bytes = (
        taken(of_layer, tiles.owner) for of_layer in (outputs, ops, vector_cycles, weight_bytes, stored_bytes)
    )
    read_bytes = _read_bytes(tiles, pixels_outer, weight_bytes, batch)
    counts = [
        dram_counts(read_bytes, stored_bytes),
        completion_counts(ops, picture.shortcut_bytes * batch, stored_bytes),
        partial_sum_counts(layers, outputs, channels.depth, hardware),
    ]
    if not layers.on_array:
        counts.append(ActionCounts(global_buffer_read_bytes=picture.input_bytes * batch))

    stream_cycles = np.ceil((read_bytes + stored_bytes) / dram.bandwidth_bytes_per_cycle)
    # A step holds a descriptor of the DMA for at least the latency of DRAM, and the channel for a cycle.
    step_cycles = max(1.0, dram.latency_cycles / hardware.dma.descriptors)
    least = np.maximum(vector_cycles, np.multiply(tiles.visits * batch, step_cycles))

    shape = tiles.shape
    first_load = tiles.footprint.inputs(shape, picture.first, 1) + channels.weight_bytes
    last_store = tiles.footprint.stored(shape, shape.y, shape.x)
    ends: Values = np.ceil((first_load + last_store) / dram.bandwidth_bytes_per_cycle)
    return _Rest(tuple(counts), np.maximum(least, stream_cycles), ends + 2 * dram.latency_cycles)


def _read_bytes(tiles: Tiles, pixels_outer: Count, weight_bytes: Count, batch: int) -> Count:
    """Bytes read from DRAM. How often an operand is read: see `Order` for what stays when."""
    channels, picture = tiles.channels, tiles.picture
    outer = np.equal(pixels_outer, 1)
    whole_depth, all_filters = np.equal(channels.depth, 1), np.equal(channels.filters, 1)
    inputs_stay = whole_depth & (outer | np.equal(picture.tiles, 1))
    weights_stay = whole_depth & (~outer | all_filters)
    weight_reads = chosen(weights_stay, 1, picture.tiles)
    if batch > 1:
        weights_stay_for_good = whole_depth & all_filters & np.equal(channels.groups, 1)
        weight_reads = weight_reads * chosen(weights_stay_for_good, 1, batch)
    return (
        picture.input_bytes * batch * chosen(inputs_stay, 1, channels.filters)
        + picture.shortcut_bytes * batch
        + weight_bytes * weight_reads
    )


def _array_total(space: Space, tiles: Tiles, hardware: Hardware) -> ArrayCost:
    """The array's cost over all tiles of an image, full ones and edges in each direction."""
    length = len(tiles.owner)
    if not (space.layers.on_array and length):
        return _NO_COST
    kinds = _kinds_of_tiles(space.layers, tiles)

    def cost_of(layer: Layer, dataflow: str, some: Ints | slice) -> ArrayCost:
        return array_cost(layer, dataflow, kinds.tile.at(some), taken(kinds.resumes, some), hardware)

    cost = array_costs(space.layers, space.dataflows, tiles.owner[kinds.candidate], cost_of)
    begins = np.searchsorted(kinds.candidate, np.arange(length))

    def summed(count: Count) -> Count:
        """Over the kinds of tiles; what is none for each of them is none together."""
        if isinstance(count, int) and not count:
            return 0
        return count_of(np.add.reduceat(count * kinds.visits, begins))

    return ArrayCost(summed(cost.cycles), ActionCounts(*map(summed, cost.counts.values())))


def _array_at_least(space: Space, tiles: Tiles, hardware: Hardware) -> ArrayCost:
    """What the array does at least for an image of layers that are cut into so many tiles."""
    if not (space.layers.on_array and len(tiles.owner)):
        return _NO_COST
    visits = Visits(tiles.picture.tiles, tiles.channels.depth, tiles.visits)

    def cost_of(layer: Layer, dataflow: str, some: Ints | slice) -> ArrayCost:
        return least_array_cost(layer, dataflow, tiles.shape.at(some), visits.at(some), hardware)

    return array_costs(space.layers, space.dataflows, tiles.owner, cost_of)


@dataclass(frozen=True, slots=True)
class _Kinds:
    """Tiles of candidates that are alike: candidate after candidate, those of each together."""

    candidate: Ints
    tile: TileShape
    visits: Ints
    """How many there are of an image."""
    resumes: Count
    """1 where they add to the partial sums of an earlier tile."""


def _kinds_of_tiles(layers: Layer, tiles: Tiles) -> _Kinds:
    """Each direction is cut into full tiles and perhaps a smaller one at the edge.

    Along the input channels the first tile starts from zero, the others resume what it left.
    """
    shape, owner = tiles.shape, tiles.owner
    uncut = (layers.G, layers.K, layers.OY, layers.OX)
    directions = zip(uncut, (shape.g, shape.k, shape.y, shape.x), strict=True)
    cuts = [_Cut.of(taken(extent, owner), size) for extent, size in directions]
    depth = _Cut.of(taken(layers.C, owner), shape.c)
    begun, last = 1 + np.minimum(depth.full - 1, 1), depth.has_edge
    how_many = begun + last
    for cut in cuts:
        how_many = how_many << cut.has_edge
    candidate = np.repeat(np.arange(len(owner)), how_many)
    digits = np.arange(len(candidate)) - np.repeat(np.cumsum(how_many) - how_many, how_many)
    visits = np.ones_like(candidate)
    sizes = []
    for cut in cuts:
        has_edge = cut.has_edge[candidate]
        size, times = cut.tiles(candidate, (digits & has_edge).astype(bool))
        digits = digits >> has_edge
        visits *= times
        sizes.append(size)
    at_edge = digits == begun[candidate]
    size, times = depth.tiles(candidate, at_edge)
    visits *= np.where(at_edge | (digits == 0), 1, times - 1)
    g, k, y, x = sizes
    tile = TileShape(*map(count_of, (g, k, size, y, x)))
    return _Kinds(candidate, tile, visits, count_of(np.minimum(digits, 1)))


@dataclass(frozen=True, slots=True)
class _Cut:
    """One direction, cut into tiles of one size for each candidate."""

    size: Ints
    full: Ints
    """How many tiles have the size."""
    edge: Ints
    """Size of the last tile where it is smaller than the others, else 0."""
    has_edge: Ints
    """1 where it is."""

    @classmethod
    def of(cls, extent: Count, size: Count) -> "_Cut":
        full, edge = np.divmod(extent, size)
        return cls(np.asarray(size), full, edge, np.minimum(edge, 1))

    def tiles(self, candidate: Ints, at_edge: Flags) -> tuple[Ints, Ints]:
        """Size and number of the tiles of some candidates, at the edge or before it."""
        size, full = self.size[candidate], self.full[candidate]
        if not self.has_edge.any():
            return size, full
        return np.where(at_edge, self.edge[candidate], size), np.where(at_edge, 1, full)
