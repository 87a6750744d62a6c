"""Every mapping of a layer by one dataflow at once: which tiles fit, and what each of them costs.

Tile sizes and loop orders are numpy arrays with an entry for each candidate. Sums over tiles are exact,
smaller tiles at the edges included: cycles and bytes of a candidate are those of the program it stands for
(bytes as far as elements are whole bytes; packed elements and pruned weights are rounded up tile by tile in
the program).
"""

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from accelsim.energy import ActionCounts, energy_by_component
from accelsim.hardware import Hardware
from accelsim.mapping.arithmetic import Count, Ints, at_most_one, ceil_div, count_of, entries_of, larger
from accelsim.mapping.costs import (
    VECTOR,
    ArrayCost,
    array_cost,
    completion_counts,
    dram_counts,
    partial_sum_counts,
    vector_ops,
)
from accelsim.mapping.dataflows import DATAFLOWS
from accelsim.mapping.footprint import Footprint, bits_to_bytes
from accelsim.mapping.mapping import Order
from accelsim.mapping.tile import Granularity, TileShape
from accelsim.mapping.tiling import Axis, column_axis, row_axis, tile_sizes
from accelsim.network.layer import Layer

Values: TypeAlias = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Candidates:
    """Mappings of one layer by one dataflow that fit the machine, and what each costs: an entry each."""

    tile: TileShape
    pixels_outer: Ints
    """1 where tiles of pixels are the outer loop, 0 where tiles of filters are."""
    array_cycles: Ints
    counts: ActionCounts
    """DRAM included."""
    time_cycles: Values
    """Estimate: the busiest of array, vector unit and DRAM channel, and what cannot overlap at either end."""
    energy: Values

    def __len__(self) -> int:
        return len(self.time_cycles)

    def mapping_of(self, index: int) -> tuple[TileShape, Order]:
        """Tile and loop order of one candidate."""
        tile = self.tile
        g, k, c, y, x = (
            int(entries_of(size, len(self))[index]) for size in (tile.g, tile.k, tile.c, tile.y, tile.x)
        )
        return TileShape(g, k, c, y, x), "pixels_outer" if self.pixels_outer[index] else "filters_outer"


@dataclass(frozen=True, slots=True)
class _Extents:
    """Input rows (or columns) of the tiles of one direction."""

    largest: Count
    """Of the tile that reads most."""
    total: Count
    """Of all tiles, halos counted as often as they are read."""
    first: Count


@dataclass(frozen=True, slots=True)
class _Space:
    """Tiles that fit, with what they read, and their loop order."""

    tile: TileShape
    rows: _Extents
    columns: _Extents
    pixels_outer: Count


def candidates(layer: Layer, hardware: Hardware, dataflow: str, batch: int = 1) -> Candidates:
    """Every mapping of a layer by a dataflow that fits the global buffer; none if no tile does.

    Tiles are whole passes of the array; parts of a pass are tried only where no whole one fits.
    """
    unit = DATAFLOWS[dataflow].granularity(hardware) if dataflow in DATAFLOWS else Granularity()
    space, size = _fitting(layer, hardware, unit)
    if not size:
        space, size = _fitting(layer, hardware, Granularity())
    cuts = _cuts(layer, space.tile, size)
    read_bytes, write_bytes = _traffic(layer, hardware, space, cuts, batch)
    ops = vector_ops(layer, layer.output_elements * batch, layer.stored_elements * batch)
    array = _array_total(layer, hardware, dataflow, cuts, size)
    footprint = Footprint(layer, hardware.precision)
    whole = TileShape(layer.G, layer.K, layer.C, layer.OY, layer.OX)
    pictures = count_of(cuts[3].tiles * cuts[4].tiles)
    counts = (
        array.counts * batch
        + dram_counts(read_bytes, write_bytes)
        + completion_counts(ops, footprint.shortcut(whole, pictures) * batch, write_bytes)
        + partial_sum_counts(layer.output_elements * batch, count_of(cuts[2].tiles), hardware.precision)
    )
    if dataflow == VECTOR:
        inputs = footprint.inputs(whole, space.rows.total, space.columns.total, pictures)
        counts += ActionCounts(global_buffer_read_bytes=inputs * batch)

    bandwidth = hardware.dram.bandwidth_bytes_per_cycle
    stream_cycles = np.ceil(np.divide(read_bytes + write_bytes, bandwidth))
    busiest = larger(array.cycles * batch, ceil_div(ops, hardware.vector_lanes))
    time = np.maximum(entries_of(busiest, size), stream_cycles)
    time = np.maximum(time, _shortest_cycles(hardware, cuts, batch)) + _ends(layer, hardware, space)
    energy = np.asarray(sum(energy_by_component(counts, hardware.energy).values()), dtype=np.float64)
    return Candidates(
        tile=space.tile,
        pixels_outer=entries_of(space.pixels_outer, size),
        array_cycles=entries_of(array.cycles * batch, size),
        counts=counts,
        time_cycles=np.broadcast_to(time, (size,)),
        energy=np.broadcast_to(energy, (size,)),
    )


# Which tiles fit


def _fitting(layer: Layer, hardware: Hardware, unit: Granularity) -> tuple[_Space, int]:
    """Every tile whose operands fit half a bank each, in both loop orders, and how many there are."""
    axes = (row_axis(layer), column_axis(layer))
    sizes = (tile_sizes(layer.OY, unit.y), tile_sizes(layer.OX, unit.x))
    channels = np.array(_channel_cuts(layer, unit), dtype=np.int64)
    c, y, x, order = (
        axis.ravel()
        for axis in np.meshgrid(
            *(np.arange(length) for length in (len(channels), len(sizes[0]), len(sizes[1]), 2)), indexing="ij"
        )
    )
    rows, columns = (_extents(axis, some) for axis, some in zip(axes, sizes, strict=True))
    shape = np.column_stack((channels[c], np.array(sizes[0])[y], np.array(sizes[1])[x]))
    space = _space(shape, rows[y], columns[x], order)
    demand = bank_demand(
        layer, hardware, space.tile, space.rows.largest, space.columns.largest, space.pixels_outer
    )
    fits = np.ones(len(order), dtype=bool)
    for bank, half in half_banks(hardware).items():
        fits &= np.less_equal(demand[bank], half)
    return _space(shape[fits], rows[y[fits]], columns[x[fits]], order[fits]), int(fits.sum())


def _space(shape: Ints, rows: Ints, columns: Ints, pixels_outer: Ints) -> _Space:
    g, k, c, y, x = (count_of(column) for column in shape.T)
    return _Space(
        TileShape(g, k, c, y, x),
        _Extents(*(count_of(column) for column in rows.T)),
        _Extents(*(count_of(column) for column in columns.T)),
        count_of(pixels_outer),
    )


def _channel_cuts(layer: Layer, unit: Granularity) -> list[tuple[int, int, int]]:
    """(groups, filters, input channels) of a tile: parts of one group, or several whole groups."""
    parts = [(1, k, c) for k in tile_sizes(layer.K, unit.k) for c in tile_sizes(layer.C, unit.c)]
    return parts + [(g, layer.K, layer.C) for g in tile_sizes(layer.G, 1) if g > 1]


def _extents(axis: Axis, sizes: Sequence[int]) -> Ints:
    """(largest, total, first) input extents, a row for each tile size."""
    inputs = [axis.inputs_of_tiles(size) for size in sizes]
    return np.array([(some.max(), some.sum(), some[0]) for some in inputs], dtype=np.int64)


def bank_demand(
    layer: Layer, hardware: Hardware, tile: TileShape, rows: Count, columns: Count, pixels_outer: Count
) -> dict[str, Count]:
    """Bytes that a tile takes in each bank of the global buffer; `rows` x `columns` inputs."""
    footprint = Footprint(layer, hardware.precision)
    filters = tile.k + pixels_outer * (layer.K - tile.k)
    unfinished = footprint.unfinished(
        tile, filters, at_most_one(layer.OY - tile.y), at_most_one(layer.OX - tile.x)
    )
    return {
        "inputs": footprint.inputs(tile, rows, columns) + footprint.shortcut(tile),
        "weights": footprint.weights(tile) + footprint.biases(tile),
        "outputs": footprint.outputs(tile, at_most_one(layer.C - tile.c)) + unfinished,
    }


def half_banks(hardware: Hardware) -> dict[str, int]:
    """Bytes that a tile may take in each bank: half, so that the next tile can be loaded meanwhile."""
    return {bank: size // 2 for bank, size in hardware.global_buffer.bank_bytes.items()}


def why_nothing_fits(layer: Layer, hardware: Hardware) -> str:
    """Which bank is too small for the smallest tile, and what would help."""
    smallest = TileShape(1, 1, 1, 1, 1)
    rows, columns = (int(axis.inputs_of_tiles(1).max()) for axis in (row_axis(layer), column_axis(layer)))
    demand, half = bank_demand(layer, hardware, smallest, rows, columns, 0), half_banks(hardware)
    needed = {
        bank: _buffer_for(demand[bank], getattr(hardware.global_buffer.shares, bank)) for bank in demand
    }
    bank = max(needed, key=needed.__getitem__)
    return (
        f"no tile fits: for one output and one input channel the {bank} take {demand[bank]} bytes, half "
        f"of their share of the global buffer is {half[bank]}; "
        f"global_buffer.size_bytes = {needed[bank]} would hold them"
    )


def _buffer_for(tile_bytes: int, share: float) -> int:
    """The size of a global buffer of which half a share holds a tile."""
    size = math.ceil(2 * tile_bytes / share)
    return size if int(size * share) >= 2 * tile_bytes else size + 1


# What each costs


@dataclass(frozen=True, slots=True)
class _Cut:
    """One direction, cut into tiles of one size for each candidate."""

    size: Ints
    tiles: Ints
    edge: Ints
    """Size of the last tile where it is smaller than the others, else 0."""


def _cuts(layer: Layer, tile: TileShape, length: int) -> tuple[_Cut, ...]:
    """Groups, filters, input channels, rows and columns."""
    extents = (layer.G, layer.K, layer.C, layer.OY, layer.OX)
    sizes = (entries_of(size, length) for size in (tile.g, tile.k, tile.c, tile.y, tile.x))
    return tuple(
        _Cut(size, -(-extent // size), extent % size) for extent, size in zip(extents, sizes, strict=True)
    )


def _traffic(
    layer: Layer, hardware: Hardware, space: _Space, cuts: tuple[_Cut, ...], batch: int
) -> tuple[Count, Count]:
    """Bytes read from and written to DRAM. How often an operand is read: see `Order` for what stays when."""
    groups, filters, channels, rows, columns = (cut.tiles for cut in cuts)
    pixels = rows * columns
    pixels_outer = np.equal(space.pixels_outer, 1)
    whole_depth = channels == 1
    inputs_stay = whole_depth & (pixels_outer | (pixels == 1))
    input_reads = np.where(inputs_stay, 1, filters)
    weights_stay = whole_depth & (~pixels_outer | (filters == 1))
    weights_stay_for_good = (groups == 1) & (filters == 1) & whole_depth
    weight_reads = np.where(weights_stay, 1, pixels) * np.where(weights_stay_for_good, 1, batch)

    footprint = Footprint(layer, hardware.precision)
    whole = TileShape(layer.G, layer.K, layer.C, layer.OY, layer.OX)
    pictures = count_of(pixels)
    inputs = footprint.inputs(whole, space.rows.total, space.columns.total, pictures) * count_of(input_reads)
    shortcut = footprint.shortcut(whole, pictures)
    weights = (footprint.weights(whole) + footprint.biases(whole)) * count_of(weight_reads)
    read = (inputs + shortcut) * batch + weights
    return read, bits_to_bytes(layer.stored_elements * batch, hardware.precision.activations_bits)


def _array_total(
    layer: Layer, hardware: Hardware, dataflow: str, cuts: tuple[_Cut, ...], length: int
) -> ArrayCost:
    """The array's cost over all tiles of an image, full ones and edges in each direction."""
    if dataflow == VECTOR or not length:
        return ArrayCost(count_of(np.zeros(length, dtype=np.int64)), ActionCounts())
    kinds = itertools.product(*(_kinds(cut, first_differs=cut is cuts[2]) for cut in cuts))
    sizes, visits, resumes = [], [], []
    for kind in kinds:
        (_, tiles, _), *others = kind
        for _, how_many, _ in others:
            tiles = tiles * how_many
        sizes.append([size for size, _, _ in kind])
        visits.append(tiles)
        resumes.append(any(resumed for *_, resumed in kind))
    g, k, c, y, x = (count_of(size) for size in np.array(sizes).swapaxes(0, 1))
    resumed = count_of(np.array(resumes, dtype=np.int64)[:, np.newaxis])
    cost = array_cost(layer, dataflow, TileShape(g, k, c, y, x), resumed, hardware)
    return ArrayCost(
        _summed(cost.cycles, visits),
        ActionCounts(*(_summed(count, visits) for count in cost.counts.values())),
    )


def _kinds(cut: _Cut, *, first_differs: bool) -> list[tuple[Ints, Ints, bool]]:
    """(size, how many, whether they resume partial sums) of the tiles of one direction.

    Along the input channels the first tile starts from zero, the others resume what it left. Kinds of which
    no candidate has any are left out.
    """
    edges = np.minimum(cut.edge, 1)
    full = cut.tiles - edges
    kinds = [(cut.edge, edges, first_differs)] if edges.any() else []
    if not first_differs:
        return [(cut.size, full, False), *kinds]
    if full.max() > 1:
        kinds.append((cut.size, full - 1, True))
    return [(cut.size, np.ones_like(full), False), *kinds]


def _summed(count: Count, visits: Sequence[Ints]) -> Count:
    return count_of((np.asarray(count) * np.array(visits)).sum(axis=0))


def _shortest_cycles(hardware: Hardware, cuts: tuple[_Cut, ...], batch: int) -> Values:
    """Cycles that so many steps take however little each of them does.

    A step holds a descriptor of the DMA for at least the latency of DRAM, and the channel for one cycle at
    least.
    """
    steps = np.full_like(cuts[0].tiles, batch)
    for cut in cuts:
        steps = steps * cut.tiles
    step_cycles = np.float64(max(1.0, hardware.dram.latency_cycles / hardware.dma.descriptors))
    return np.asarray(steps * step_cycles, dtype=np.float64)


def _ends(layer: Layer, hardware: Hardware, space: _Space) -> Values:
    """Cycles in which nothing can overlap: the first tile is loaded, the last one stored."""
    footprint, dram = Footprint(layer, hardware.precision), hardware.dram
    first = footprint.inputs(space.tile, space.rows.first, space.columns.first)
    loaded = first + footprint.weights(space.tile)
    stored = footprint.stored(space.tile, space.tile.y, space.tile.x)
    cycles: Values = np.ceil(np.divide(loaded + stored, dram.bandwidth_bytes_per_cycle))
    return cycles + 2 * dram.latency_cycles
