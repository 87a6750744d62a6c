"""What mappings of a layer cost, many at once.

Tile sizes and loop orders are numpy arrays. Sums over tiles are exact, smaller tiles at the edges included:
cycles and bytes of a candidate are those of the program it stands for (bytes as far as elements are whole
bytes; packed elements and pruned weights are rounded up tile by tile in the program).
"""

import itertools
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from accelsim.energy import ActionCounts, energy_by_component
from accelsim.hardware import Hardware
from accelsim.mapping.arithmetic import Count, Ints, ceil_div, count_of, larger
from accelsim.mapping.costs import (
    VECTOR,
    ArrayCost,
    array_cost,
    completion_counts,
    dram_counts,
    least_array_cost,
    partial_sum_counts,
    vector_ops,
)
from accelsim.mapping.footprint import Footprint, bits_to_bytes
from accelsim.mapping.mapping import Order
from accelsim.mapping.precision import activation_bits
from accelsim.mapping.space import Space, Tiles, space_of
from accelsim.mapping.tile import TileShape
from accelsim.network.layer import Layer

Values: TypeAlias = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Candidates:
    """Mappings of one layer by one dataflow, and what each of them costs."""

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
        sizes = (shape.g, shape.k, shape.c, shape.y, shape.x, self.tiles.pixels_outer)
        *tile, pixels_outer = (int(np.asarray(size)[index]) for size in sizes)
        return TileShape(*tile), "pixels_outer" if pixels_outer else "filters_outer"


def candidates(layer: Layer, hardware: Hardware, dataflow: str, batch: int = 1) -> Candidates:
    """Every mapping of a layer by a dataflow that fits the global buffer; none if no tile does."""
    space = space_of(layer, hardware, dataflow)
    return evaluate(layer, hardware, dataflow, batch, space.at(space.places()))


def evaluate(layer: Layer, hardware: Hardware, dataflow: str, batch: int, tiles: Tiles) -> Candidates:
    """What some mappings cost, an entry each."""
    array = _array_total(layer, hardware, dataflow, tiles)
    return _priced(layer, hardware, dataflow, batch, tiles, array)


def at_least(layer: Layer, hardware: Hardware, dataflow: str, batch: int, space: Space) -> Candidates:
    """What no mapping goes below, for the whole grid.

    Like `evaluate`, but with the least that the array does for the layer however it is cut, so it takes no
    time to speak of.
    """
    array = least_array_cost(layer, dataflow, hardware)
    return _priced(layer, hardware, dataflow, batch, space.tiles, array)


def _priced(
    layer: Layer, hardware: Hardware, dataflow: str, batch: int, tiles: Tiles, array: ArrayCost
) -> Candidates:
    cuts = _cuts(layer, tiles.shape)
    read_bytes, write_bytes = _traffic(layer, hardware, tiles, cuts, batch)
    ops = vector_ops(layer, layer.output_elements * batch, layer.stored_elements * batch)
    footprint = Footprint(layer, hardware.precision)
    whole = TileShape(layer.G, layer.K, layer.C, layer.OY, layer.OX)
    pictures = cuts[3].tiles * cuts[4].tiles
    counts = (
        array.counts * batch
        + dram_counts(read_bytes, write_bytes)
        + completion_counts(ops, footprint.shortcut(whole, pictures) * batch, write_bytes)
        + partial_sum_counts(layer, layer.output_elements * batch, cuts[2].tiles, hardware)
    )
    if dataflow == VECTOR:
        inputs = footprint.inputs(whole, tiles.rows.total, tiles.columns.total, pictures)
        counts += ActionCounts(global_buffer_read_bytes=inputs * batch)

    busiest = larger(array.cycles * batch, ceil_div(ops, hardware.vector_lanes))
    stream_cycles = np.ceil((read_bytes + write_bytes) / hardware.dram.bandwidth_bytes_per_cycle)
    time = np.maximum(np.maximum(busiest, _shortest_cycles(hardware, cuts, batch)), stream_cycles)
    return Candidates(
        tiles=tiles,
        array_cycles=array.cycles * batch,
        counts=counts,
        time_cycles=time + _ends(layer, hardware, tiles),
        energy=np.asarray(sum(energy_by_component(counts, hardware.energy).values()), dtype=np.float64),
    )


@dataclass(frozen=True, slots=True)
class _Cut:
    """One direction, cut into tiles of one size for each candidate."""

    size: Count
    tiles: Count
    edge: Count
    """Size of the last tile where it is smaller than the others, else 0."""


def _cuts(layer: Layer, tile: TileShape) -> tuple[_Cut, ...]:
    """Groups, filters, input channels, rows and columns."""
    extents = (layer.G, layer.K, layer.C, layer.OY, layer.OX)
    sizes = (tile.g, tile.k, tile.c, tile.y, tile.x)
    return tuple(
        _Cut(size, ceil_div(extent, size), extent % size) for extent, size in zip(extents, sizes, strict=True)
    )


def _traffic(
    layer: Layer, hardware: Hardware, tiles: Tiles, cuts: tuple[_Cut, ...], batch: int
) -> tuple[Count, Count]:
    """Bytes read from and written to DRAM. How often an operand is read: see `Order` for what stays when."""
    groups, filters, channels, rows, columns = (cut.tiles for cut in cuts)
    pictures = rows * columns
    pixels_outer = np.equal(tiles.pixels_outer, 1)
    whole_depth = np.equal(channels, 1)
    inputs_stay = whole_depth & (pixels_outer | np.equal(pictures, 1))
    input_reads = count_of(np.where(inputs_stay, 1, filters))
    weights_stay = whole_depth & (~pixels_outer | np.equal(filters, 1))
    weights_stay_for_good = np.equal(groups, 1) & np.equal(filters, 1) & whole_depth
    weight_reads = count_of(np.where(weights_stay, 1, pictures) * np.where(weights_stay_for_good, 1, batch))

    footprint = Footprint(layer, hardware.precision)
    whole = TileShape(layer.G, layer.K, layer.C, layer.OY, layer.OX)
    inputs = footprint.inputs(whole, tiles.rows.total, tiles.columns.total, pictures)
    shortcut = footprint.shortcut(whole, pictures)
    weights = footprint.weights(whole) + footprint.biases(whole)
    read = inputs * batch * input_reads + shortcut * batch + weights * weight_reads
    bits = activation_bits(layer, hardware.precision)
    return read, bits_to_bytes(layer.stored_elements * batch, bits)


def _array_total(layer: Layer, hardware: Hardware, dataflow: str, tiles: Tiles) -> ArrayCost:
    """The array's cost over all tiles of an image, full ones and edges in each direction."""
    length = np.size(tiles.pixels_outer)
    if dataflow == VECTOR or not length:
        return ArrayCost(count_of(np.zeros(length, dtype=np.int64)), ActionCounts())
    cuts = _cuts(layer, tiles.shape)
    kinds = itertools.product(*(_kinds(cut, first_differs=cut is cuts[2]) for cut in cuts))
    sizes, visits, resumes = [], [], []
    for kind in kinds:
        (_, how_many, _), *others = kind
        for _, times, _ in others:
            how_many = how_many * times
        sizes.append([size for size, _, _ in kind])
        visits.append(how_many)
        resumes.append(any(resumed for *_, resumed in kind))
    g, k, c, y, x = (count_of(size) for size in np.array(sizes).swapaxes(0, 1))
    resumed = count_of(np.array(resumes, dtype=np.int64)[:, np.newaxis])
    cost = array_cost(layer, dataflow, TileShape(g, k, c, y, x), resumed, hardware)
    often = np.array(visits)
    return ArrayCost(
        _summed(cost.cycles, often),
        ActionCounts(*(_summed(count, often) for count in cost.counts.values())),
    )


def _kinds(cut: _Cut, *, first_differs: bool) -> list[tuple[Count, Count, bool]]:
    """(size, how many, whether they resume partial sums) of the tiles of one direction.

    Along the input channels the first tile starts from zero, the others resume what it left. Kinds of which
    no candidate has any are left out.
    """
    edges = np.minimum(cut.edge, 1)
    full = cut.tiles - edges
    kinds = [(cut.edge, count_of(edges), first_differs)] if edges.any() else []
    if not first_differs:
        return [(cut.size, count_of(full), False), *kinds]
    if full.max() > 1:
        kinds.append((cut.size, count_of(full - 1), True))
    return [(cut.size, count_of(np.ones_like(full)), False), *kinds]


def _summed(count: Count, visits: Ints) -> Count:
    """Over the kinds of tiles; what is none for each of them is none together."""
    if isinstance(count, int) and not count:
        return 0
    return count_of((count * visits).sum(axis=0))


def _shortest_cycles(hardware: Hardware, cuts: tuple[_Cut, ...], batch: int) -> Values:
    """Cycles that so many steps take however little each of them does.

    A step holds a descriptor of the DMA for at least the latency of DRAM, and the channel for one cycle at
    least.
    """
    steps: Count = batch
    for cut in cuts:
        steps = steps * cut.tiles
    cycles: Values = np.multiply(steps, max(1.0, hardware.dram.latency_cycles / hardware.dma.descriptors))
    return cycles


def _ends(layer: Layer, hardware: Hardware, tiles: Tiles) -> Values:
    """Cycles in which nothing can overlap: the first tile is loaded, the last one stored."""
    footprint, dram, shape = Footprint(layer, hardware.precision), hardware.dram, tiles.shape
    first = footprint.inputs(shape, tiles.rows.first, tiles.columns.first)
    loaded = first + footprint.weights(shape)
    stored = footprint.stored(shape, shape.y, shape.x)
    cycles: Values = np.ceil((loaded + stored) / np.float64(dram.bandwidth_bytes_per_cycle))
    return cycles + 2 * dram.latency_cycles
