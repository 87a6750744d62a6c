"""What mappings of layers cost, many at once.

Layers, tile sizes and loop orders are numpy arrays. Sums over tiles are exact, smaller tiles at the edges
included: cycles and bytes of a candidate are those of the program it stands for (bytes as far as elements are
whole bytes; packed elements and pruned weights are rounded up tile by tile in the program).
"""

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from accelsim.energy import ActionCounts, total_energy
from accelsim.hardware import Hardware
from accelsim.mapping.arithmetic import Count, Ints, at_most_one, ceil_div, chosen, count_of, entries_of, larger
from accelsim.mapping.costs import (
    VECTOR,
    ArrayCost,
    array_cost,
    dram_counts,
    completion_counts,
    least_array_cost,
    partial_sum_counts,
    vector_ops,
)
from accelsim.mapping.footprint import Footprint, bits_to_bytes
from accelsim.mapping.mapping import Order
from accelsim.mapping.precision import activation_bits
from accelsim.mapping.space import ORDERS, Space, Tiles, space_of, taken
from accelsim.mapping.stack import entries
from accelsim.mapping.tile import TileShape
from accelsim.network.layer import Layer

Values: TypeAlias = npt.NDArray[np.float64]


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
    """What no mapping at a place of a space goes below; infinite where none fits."""

    time_cycles: Values
    energy: Values


def candidates(layer: Layer, hardware: Hardware, dataflow: str, batch: int = 1) -> Candidates:
    """Every mapping of a layer by a dataflow that fits the global buffer; none if no tile does."""
    space = space_of(layer, hardware, dataflow)
    return evaluate(space, hardware, dataflow, batch, space.places())


def evaluate(space: Space, hardware: Hardware, dataflow: str, batch: int, places: Ints) -> Candidates:
    """What some mappings cost, an entry each."""
    tiles, order = space.tiles(places // len(ORDERS)), count_of(places % len(ORDERS))
    array = _array_total(tiles, hardware, dataflow)
    rest = _rest(tiles, order, _common(space.stack, hardware, batch), hardware, dataflow, batch)
    counts = array.counts * batch + rest.counts
    time: Values = np.maximum(array.cycles * batch, rest.cycles) + rest.ends_cycles
    energy = np.asarray(total_energy(counts, hardware.energy), dtype=np.float64)
    return Candidates(places, tiles, array.cycles * batch, counts, time, energy)


def at_least(space: Space, hardware: Hardware, dataflow: str, batch: int) -> Bounds:
    """What no mapping goes below, for every place of a space.

    Like `evaluate`, but with the least that the array does for a layer however it is cut, so it takes no
    time to speak of.
    """
    tiles, orders = space.tiles(np.arange(len(space.owner))), count_of(np.arange(len(ORDERS))[:, np.newaxis])
    least = least_array_cost(space.stack, dataflow, hardware)
    rest = _rest(tiles, orders, _common(space.stack, hardware, batch), hardware, dataflow, batch)
    array_energy = np.asarray(total_energy(least.counts * batch, hardware.energy))
    if array_energy.ndim:
        array_energy = array_energy[space.owner]
    time = np.maximum(taken(least.cycles, space.owner) * batch, rest.cycles) + rest.ends_cycles
    energy = array_energy + total_energy(rest.counts, hardware.energy)
    return Bounds(*(np.where(space.fits, values, np.inf).T.ravel() for values in (time, energy)))


@dataclass(frozen=True, slots=True)
class _Common:
    """What all mappings of a layer have in common, for the whole batch; an entry for each layer."""

    weight_bytes: Count
    """Every weight and bias once."""
    stored_bytes: Count
    vector_ops: Count
    outputs: Count

    def at(self, owner: Ints) -> "_Common":
        """Of the layers that tiles are of."""
        return _Common(*(taken(getattr(self, name), owner) for name in self.__slots__))


def _common(layer: Layer, hardware: Hardware, batch: int) -> _Common:
    footprint = Footprint(layer, hardware.precision)
    whole = TileShape(layer.G, layer.K, layer.C, layer.OY, layer.OX)
    stored = layer.stored_elements * batch
    return _Common(
        weight_bytes=footprint.weights(whole) + footprint.biases(whole),
        stored_bytes=bits_to_bytes(stored, activation_bits(layer, hardware.precision)),
        vector_ops=vector_ops(layer, layer.output_elements * batch, stored),
        outputs=layer.output_elements * batch,
    )


@dataclass(frozen=True, slots=True)
class _Rest:
    """What mappings cost beside the array."""

    counts: ActionCounts
    cycles: Values
    """Of the vector unit, of the DRAM channel or of the DMA, whichever is busiest."""
    ends_cycles: Values
    """In which nothing can overlap: the first tile is loaded, the last one stored."""


def _rest(
    tiles: Tiles, pixels_outer: Count, of_layers: _Common, hardware: Hardware, dataflow: str, batch: int
) -> _Rest:
    common, channels, picture = of_layers.at(tiles.owner), tiles.channels, tiles.picture
    read_bytes = _read_bytes(tiles, pixels_outer, common.weight_bytes, batch)
    counts = (
        dram_counts(read_bytes, common.stored_bytes)
        + completion_counts(common.vector_ops, picture.shortcut_bytes * batch, common.stored_bytes)
        + partial_sum_counts(tiles.layer, common.outputs, channels.depth, hardware)
    )
    if dataflow == VECTOR:
        counts += ActionCounts(global_buffer_read_bytes=picture.input_bytes * batch)

    dram = hardware.dram
    stream_cycles = np.ceil((read_bytes + common.stored_bytes) / dram.bandwidth_bytes_per_cycle)
    # A step holds a descriptor of the DMA for at least the latency of DRAM, and the channel for a cycle.
    step_cycles = max(1.0, dram.latency_cycles / hardware.dma.descriptors)
    steps = channels.groups * channels.filters * channels.depth * picture.tiles * batch
    vector_cycles = ceil_div(common.vector_ops, hardware.vector_lanes)
    cycles: Values = np.maximum(np.maximum(vector_cycles, np.multiply(steps, step_cycles)), stream_cycles)

    footprint, shape = Footprint(tiles.layer, hardware.precision), tiles.shape
    first_load = footprint.inputs(shape, picture.first, 1) + channels.weight_bytes
    last_store = footprint.stored(shape, shape.y, shape.x)
    ends: Values = np.ceil((first_load + last_store) / dram.bandwidth_bytes_per_cycle)
    return _Rest(counts, cycles, ends + 2 * dram.latency_cycles)


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


def _array_total(tiles: Tiles, hardware: Hardware, dataflow: str) -> ArrayCost:
    """The array's cost over all tiles of an image, full ones and edges in each direction."""
    length = len(tiles.owner)
    if dataflow == VECTOR or not length:
        return ArrayCost(count_of(np.zeros(length, dtype=np.int64)), ActionCounts())
    kinds = _kinds_of_tiles(tiles)
    cost = array_cost(
        entries(tiles.layer, kinds.candidate), dataflow, kinds.tile, kinds.resumes, hardware
    )
    begins = np.flatnonzero(np.diff(kinds.candidate, prepend=-1))

    def summed(count: Count) -> Count:
        """Over the kinds of tiles; what is none for each of them is none together."""
        if isinstance(count, int) and not count:
            return 0
        return count_of(np.add.reduceat(count * kinds.visits, begins))

    return ArrayCost(summed(cost.cycles), ActionCounts(*map(summed, cost.counts.values())))


@dataclass(frozen=True, slots=True)
class _Kinds:
    """Tiles of candidates that are alike: candidate after candidate, those of each together."""

    candidate: Ints
    tile: TileShape
    visits: Ints
    """How many there are of an image."""
    resumes: Count
    """1 where they add to the partial sums of an earlier tile."""


def _kinds_of_tiles(tiles: Tiles) -> _Kinds:
    """Each direction is cut into full tiles and perhaps a smaller one at the edge.

    Along the input channels the first tile starts from zero, the others resume what it left.
    """
    length, layer, shape = len(tiles.owner), tiles.layer, tiles.shape
    candidate, visits = np.arange(length), np.ones(length, dtype=np.int64)
    chosen_sizes: list[Ints] = []
    resumes: Count = 0
    extents = (layer.G, layer.K, layer.C, layer.OY, layer.OX)
    for extent, size in zip(extents, (shape.g, shape.k, shape.c, shape.y, shape.x), strict=True):
        edge = extent % size
        full, edges = extent // size, at_most_one(edge)
        kinds = [(size, full), (edge, edges)]
        if size is shape.c:
            kinds = [(size, 1), (size, full - 1 + 0 * size), (edge, edges)]
        sizes = np.stack([entries_of(one, length) for one, _ in kinds], axis=1)
        how_many = np.stack([entries_of(times, length) for _, times in kinds], axis=1)
        before, kind = np.nonzero(how_many[candidate])
        candidate = candidate[before]
        visits = visits[before] * how_many[candidate, kind]
        chosen_sizes = [*(some[before] for some in chosen_sizes), sizes[candidate, kind]]
        if not isinstance(resumes, int):
            resumes = taken(resumes, before)
        if size is shape.c:
            resumes = count_of(np.minimum(kind, 1))
    return _Kinds(candidate, TileShape(*map(count_of, chosen_sizes)), visits, resumes)
