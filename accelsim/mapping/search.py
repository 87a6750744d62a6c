"""The mapping of a layer: every dataflow x tile size x loop order at once, and the best by an objective.

All candidates of a dataflow are numpy arrays, one entry each; what fits no bank of the global buffer is
left out before anything else is computed. Sums over tiles are exact, edges included, so that the estimate
of a candidate has the cycles and bytes of the program it stands for.
"""

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from accelsim.energy import ActionCounts, energy_by_component
from accelsim.errors import MappingError
from accelsim.hardware import Hardware, Objective
from accelsim.mapping.arithmetic import Count, Ints, at_most_one
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
from accelsim.mapping.mapping import Mapping, Order
from accelsim.mapping.program import build_program, program_totals
from accelsim.mapping.tile import Granularity, TileShape
from accelsim.mapping.tiling import Span, column_spans, row_spans, tile_sizes
from accelsim.network.layer import Layer

Values: TypeAlias = npt.NDArray[np.float64]
ORDERS: tuple[Order, ...] = ("pixels_outer", "filters_outer")


@dataclass(frozen=True, slots=True)
class _Cuts:
    """One direction, cut into tiles of one size for each candidate."""

    size: Ints
    tiles: Ints
    edge: Ints
    """Size of the last tile where it is smaller than the others, else 0."""

    @property
    def kinds(self) -> tuple[tuple[Ints, Ints], ...]:
        """(size, how many), for full tiles and for the edge."""
        edges = np.minimum(self.edge, 1)
        return (self.size, self.tiles - edges), (self.edge, edges)


@dataclass(frozen=True, slots=True)
class _Picture:
    """Input rows (or columns) of the tiles of one direction, for each candidate."""

    largest: Ints
    """Of the tile that reads most."""
    total: Ints
    """Of all tiles, halos counted as often as they are read."""
    first: Ints


@dataclass(frozen=True, slots=True)
class Candidates:
    """Mappings of one layer by one dataflow that fit the machine, and what each costs: an entry each."""

    tile: TileShape
    pixels_outer: Ints
    """1 where tiles of pixels are the outer loop, 0 where tiles of filters are."""
    array_cycles: Ints
    counts: ActionCounts
    """DRAM included."""
    time_cycles: Ints
    """Estimate: the busiest of array, vector unit and DRAM channel, and what cannot overlap at either end."""
    energy: Values

    def __len__(self) -> int:
        return len(self.time_cycles)

    def mapping_of(self, index: int) -> tuple[TileShape, Order]:
        """Tile and loop order of one candidate."""
        tile = self.tile
        sizes = (int(np.asarray(size)[index]) for size in (tile.g, tile.k, tile.c, tile.y, tile.x))
        return TileShape(*sizes), "pixels_outer" if self.pixels_outer[index] else "filters_outer"


def map_layer(
    layer: Layer,
    hardware: Hardware,
    *,
    batch: int = 1,
    dataflow: str = "auto",
    objective: Objective | None = None,
) -> Mapping:
    """The best mapping of a layer: the best tiles of each dataflow, then the best dataflow.

    Best by `objective`; without one, by what the machine's compiler goes by (`hardware.mapper`). `dataflow`
    forces one for layers that run on the array. Raises MappingError if no tile fits; it says which bank is
    too small, and what would help.
    """
    layer, batch = as_executed(layer, batch)
    names = _dataflows(layer, hardware, dataflow)
    found = {name: candidates(layer, hardware, name, batch) for name in names}
    best_tiles = {
        name: int(best_first(some.time_cycles, some.energy, objective or hardware.mapper.tiles)[0])
        for name, some in found.items()
        if len(some)
    }
    if not best_tiles:
        raise MappingError(_why_nothing_fits(layer, hardware))
    contenders = list(best_tiles.items())
    time = np.array([found[name].time_cycles[index] for name, index in contenders])
    energy = np.array([found[name].energy[index] for name, index in contenders])
    name, index = contenders[int(best_first(time, energy, objective or hardware.mapper.dataflow)[0])]
    tile, order = found[name].mapping_of(index)
    program = build_program(layer, batch, name, tile, order, hardware)
    return Mapping(
        layer=layer,
        dataflow=name,
        tile=tile,
        order=order,
        program=program,
        totals=program_totals(program),
        candidates=sum(len(some) for some in found.values()),
    )


def best_first(time: Values, energy: Values, objective: Objective) -> Ints:
    """Indices from the best to the worst; between equals the other quantity decides, then who came first."""
    if objective == "time":
        return np.lexsort((energy, time))
    if objective == "energy":
        return np.lexsort((time, energy))
    return np.lexsort((time, time * energy))


def _dataflows(layer: Layer, hardware: Hardware, dataflow: str) -> tuple[str, ...]:
    offered = hardware.pe_array.dataflows
    if dataflow != "auto" and dataflow not in offered:
        raise MappingError(
            f"the array cannot run the dataflow {dataflow!r}: pe_array.dataflows lists {', '.join(offered)}"
        )
    if not layer.on_array:
        return (VECTOR,)
    return offered if dataflow == "auto" else (dataflow,)


def as_executed(layer: Layer, batch: int) -> tuple[Layer, int]:
    """The same work in the form that leaves most freedom to cut it.

    Where a pixel reads one pixel, images are rows like any others. A pooling over the whole picture sums
    its pixels as a convolution sums its input channels, so it can be cut anywhere.
    """
    whole = layer.OY == layer.OX == 1 and (layer.FY, layer.FX) == (layer.IY, layer.IX)
    if not layer.on_array and whole and layer.C == 1:
        layer = replace(layer, C=layer.IY * layer.IX, IY=1, IX=1, FY=1, FX=1, stride_y=1, stride_x=1)
    pointwise = (layer.FY, layer.FX, layer.stride_y, layer.pad_top, layer.pad_left) == (1, 1, 1, 0, 0)
    if batch == 1 or not pointwise or layer.pooling is not None or layer.gate_elements:
        return layer, batch
    fused = tuple(
        replace(operator, vector_ops=operator.vector_ops * batch, operand_elements=operator.operand_elements * batch)
        for operator in layer.fused
    )
    rows = {"OY": layer.OY * batch, "IY": layer.IY * batch}
    return replace(layer, fused=fused, vector_ops=layer.vector_ops * batch, **rows), 1


def candidates(layer: Layer, hardware: Hardware, dataflow: str, batch: int = 1) -> Candidates:
    """Every mapping of a layer by a dataflow that fits the global buffer."""
    unit = DATAFLOWS[dataflow].granularity(hardware) if dataflow in DATAFLOWS else Granularity()
    tile, row, column, pixels_outer = _fitting(layer, hardware, unit)
    if not len(pixels_outer):  # no whole pass of the array fits, but a part of one may
        tile, row, column, pixels_outer = _fitting(layer, hardware, Granularity())
    footprint = Footprint(layer, hardware.precision)
    groups, filters = _cuts(layer.G, tile.g), _cuts(layer.K, tile.k)
    channels, rows, columns = _cuts(layer.C, tile.c), _cuts(layer.OY, tile.y), _cuts(layer.OX, tile.x)
    pixel_tiles = rows.tiles * columns.tiles

    # How often each operand is read: see Order for what stays when.
    channels_cut = channels.tiles > 1
    stay = np.where(pixels_outer == 1, filters.tiles == 1, pixel_tiles == 1) | (pixels_outer == 1)
    input_reads = np.where(channels_cut | ~stay, filters.tiles, 1)
    one_weight_tile = (groups.tiles == 1) & (filters.tiles == 1) & ~channels_cut
    weight_reads = np.where(
        ~channels_cut & ((pixels_outer == 0) | (filters.tiles == 1)), 1, pixel_tiles
    ) * np.where(one_weight_tile, 1, batch)

    everything = TileShape(layer.G, layer.K, layer.C, layer.OY, layer.OX)
    inputs = footprint.inputs(everything, row.total, column.total) * input_reads * batch
    weights = footprint.weights(everything) * weight_reads
    biases = footprint.biases(everything) * weight_reads
    shortcut = footprint.shortcut(everything) * batch
    stored = bits_to_bytes(layer.stored_elements * batch, hardware.precision.activations_bits)
    read_bytes, write_bytes = inputs + weights + biases + shortcut, stored + 0 * inputs

    ops = vector_ops(layer, layer.output_elements * batch, layer.stored_elements * batch)
    counts = (
        dram_counts(read_bytes, write_bytes)
        + completion_counts(ops, shortcut, stored)
        + partial_sum_counts(layer.output_elements * batch, channels.tiles, hardware.precision)
    )
    if dataflow == VECTOR:
        array_cycles = 0 * inputs
        counts = counts + ActionCounts(global_buffer_read_bytes=inputs)
    else:
        cost = _array_total(layer, hardware, dataflow, (groups, filters, channels, rows, columns))
        array_cycles = cost.cycles * batch
        counts = counts + cost.counts * batch

    first = footprint.inputs(tile, row.first, column.first) + footprint.weights(tile)
    last = footprint.stored(tile, tile.y, tile.x)
    bandwidth = hardware.dram.bandwidth_bytes_per_cycle
    busiest = np.maximum(array_cycles, -(-ops // hardware.vector_lanes))
    busiest = np.maximum(busiest, np.ceil((read_bytes + write_bytes) / bandwidth))
    ends = 2 * hardware.dram.latency_cycles + np.ceil((first + last) / bandwidth)
    energy = sum(energy_by_component(counts, hardware.energy).values()) + 0.0 * inputs
    return Candidates(tile, pixels_outer, array_cycles, counts, busiest + ends, energy)


def _fitting(
    layer: Layer, hardware: Hardware, unit: Granularity
) -> tuple[TileShape, _Picture, _Picture, Ints]:
    """Sizes of every tile whose operands fit half a bank each, with its picture, and its loop order."""
    row_sizes, column_sizes = tile_sizes(layer.OY, unit.y), tile_sizes(layer.OX, unit.x)
    channel_cuts = _channel_cuts(layer, unit)
    c, y, x, o = (
        axis.ravel()
        for axis in np.meshgrid(
            np.arange(len(channel_cuts)), np.arange(len(row_sizes)), np.arange(len(column_sizes)), [0, 1], indexing="ij"
        )
    )
    cuts = np.array(channel_cuts, dtype=np.int64)[c]
    tile = TileShape(cuts[:, 0], cuts[:, 1], cuts[:, 2], np.array(row_sizes)[y], np.array(column_sizes)[x])
    row = _picture([row_spans(layer, size) for size in row_sizes], y)
    column = _picture([column_spans(layer, size) for size in column_sizes], x)
    demand = bank_demand(layer, hardware, tile, row.largest, column.largest, o)
    fits = np.ones(len(o), dtype=bool)
    for bank, half in half_banks(hardware).items():
        fits &= demand[bank] <= half
    tile = TileShape(tile.g[fits], tile.k[fits], tile.c[fits], tile.y[fits], tile.x[fits])
    return tile, _only(row, fits), _only(column, fits), o[fits]


def _channel_cuts(layer: Layer, unit: Granularity) -> list[tuple[int, int, int]]:
    """(groups, filters, input channels) of a tile: parts of one group, or several whole groups."""
    parts = [(1, k, c) for k in tile_sizes(layer.K, unit.k) for c in tile_sizes(layer.C, unit.c)]
    return parts + [(g, layer.K, layer.C) for g in tile_sizes(layer.G, 1) if g > 1]


def _picture(spans: Sequence[Sequence[Span]], index: Ints) -> _Picture:
    return _Picture(
        largest=np.array([max(span.inputs for span in some) for some in spans])[index],
        total=np.array([sum(span.inputs * span.tiles for span in some) for some in spans])[index],
        first=np.array([some[0].inputs for some in spans])[index],
    )


def _only(picture: _Picture, fits: npt.NDArray[np.bool_]) -> _Picture:
    return _Picture(picture.largest[fits], picture.total[fits], picture.first[fits])


def bank_demand(
    layer: Layer, hardware: Hardware, tile: TileShape, rows: Count, columns: Count, pixels_outer: Count
) -> dict[str, Count]:
    """Bytes that a tile takes in each bank of the global buffer; `rows` x `columns` inputs."""
    footprint = Footprint(layer, hardware.precision)
    filters = tile.k + pixels_outer * (layer.K - tile.k)
    unfinished = footprint.unfinished(tile, filters, at_most_one(layer.OY - tile.y), at_most_one(layer.OX - tile.x))
    return {
        "inputs": footprint.inputs(tile, rows, columns) + footprint.shortcut(tile),
        "weights": footprint.weights(tile) + footprint.biases(tile),
        "outputs": footprint.outputs(tile, at_most_one(layer.C - tile.c)) + unfinished,
    }


def half_banks(hardware: Hardware) -> dict[str, int]:
    """Bytes that a tile may take in each bank: half, so that the next tile can be loaded meanwhile."""
    return {bank: size // 2 for bank, size in hardware.global_buffer.bank_bytes.items()}


def _cuts(extent: int, size: Count) -> _Cuts:
    sizes = np.asarray(size, dtype=np.int64)
    return _Cuts(sizes, -(-extent // sizes), extent % sizes)


def _array_total(layer: Layer, hardware: Hardware, dataflow: str, cuts: tuple[_Cuts, ...]) -> ArrayCost:
    """The array's cost over all tiles of an image: full tiles and edges in each direction.

    The first visit to outputs differs from later ones, which resume their partial sums.
    """
    channels = cuts[2]
    cycles: Ints = np.zeros_like(channels.tiles)
    counts = ActionCounts()
    for kinds in itertools.product(*(cut.kinds for cut in cuts)):
        tiles = np.prod([how_many for _, how_many in kinds], axis=0)
        if not tiles.any():
            continue
        tile = TileShape(*(size for size, _ in kinds))
        # Of the tiles that cut the input channels, one in each row of them is the first: a full one.
        is_full = kinds[2][0] is channels.size
        first = tiles // np.maximum(kinds[2][1], 1) if is_full else 0 * tiles
        for resumes, visits in ((False, first), (True, tiles - first)):
            if visits.any():
                cost = array_cost(layer, dataflow, tile, resumes, hardware)
                cycles = cycles + cost.cycles * visits
                counts = counts + cost.counts * visits
    return ArrayCost(cycles, counts)


def _why_nothing_fits(layer: Layer, hardware: Hardware) -> str:
    """Which bank is too small for the smallest tile, and what would help."""
    tile = TileShape(1, 1, 1, 1, 1)
    rows = max(span.inputs for span in row_spans(layer, int(tile.y)))
    columns = max(span.inputs for span in column_spans(layer, int(tile.x)))
    demand = bank_demand(layer, hardware, tile, rows, columns, 0)
    half = half_banks(hardware)
    bank = max(demand, key=lambda name: int(demand[name]) / max(half[name], 1))
    share = getattr(hardware.global_buffer.shares, bank)
    needed = math.ceil(2 * int(demand[bank]) / share)
    return (
        f"no tile fits: the {bank} of the smallest one (K{tile.k} C{tile.c} "
        f"Y{tile.y} X{tile.x}) take {demand[bank]} bytes, half of their share of the global buffer is {half[bank]}; "
        f"global_buffer.size_bytes = {needed} would hold them"
    )
