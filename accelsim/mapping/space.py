"""The space of mappings of a layer by one dataflow: every tile and loop order, and which of them fit.

The space is a grid of channel cuts x tile rows x tile columns x loop orders. What depends on some of these
only is computed for those only, and numpy broadcasts it over the others. In memory the axes are the other way
round: numpy is fast along the last axis, and there are many cuts and two orders.
"""

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from accelsim.hardware import Hardware
from accelsim.mapping.arithmetic import Count, Ints, at_most_one, count_of
from accelsim.mapping.dataflows import DATAFLOWS
from accelsim.mapping.footprint import Footprint
from accelsim.mapping.tile import Granularity, TileShape
from accelsim.mapping.tiling import Axis, column_axis, row_axis, tile_sizes
from accelsim.network.layer import Layer

Flags: TypeAlias = npt.NDArray[np.bool_]
Numbers: TypeAlias = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Extents:
    """Input rows (or columns) of the tiles of one direction."""

    largest: Count
    """Of the tile that reads most."""
    total: Count
    """Of all tiles, halos counted as often as they are read."""
    first: Count

    def at(self, places: Ints) -> "Extents":
        """Some of them."""
        return Extents(*(taken(extent, places) for extent in (self.largest, self.total, self.first)))


@dataclass(frozen=True, slots=True)
class Tiles:
    """Tiles with what they read, and their loop order: arrays that broadcast against each other."""

    shape: TileShape
    rows: Extents
    columns: Extents
    pixels_outer: Count
    """1 where tiles of pixels are the outer loop, 0 where tiles of filters are."""


@dataclass(frozen=True, slots=True)
class Space:
    """Every tile and loop order of a layer, and which of them fit."""

    tiles: Tiles
    """Each array has length 1 along the axes of the grid that it does not depend on."""
    fits: Flags
    """An entry for each place of the grid: channel cuts x rows x columns x orders."""

    def places(self) -> Ints:
        """Places of the flattened grid where a tile fits."""
        return np.flatnonzero(self.fits)

    def where_it_fits(self, values: Numbers) -> Numbers:
        """What broadcasts over the grid, at the places where a tile fits."""
        cuts, rows, columns, orders = self.fits.shape
        everywhere = np.broadcast_to(values, (orders, rows, columns, cuts))
        return everywhere.transpose(3, 1, 2, 0)[self.fits]

    def at(self, places: Ints) -> Tiles:
        """The tiles at some places of the flattened grid, one entry each."""
        channels, row, column, order = np.unravel_index(places, self.fits.shape)
        shape, tiles = self.tiles.shape, self.tiles
        g, k, c = (taken(size, channels) for size in (shape.g, shape.k, shape.c))
        return Tiles(
            shape=TileShape(g, k, c, taken(shape.y, row), taken(shape.x, column)),
            rows=tiles.rows.at(row),
            columns=tiles.columns.at(column),
            pixels_outer=taken(tiles.pixels_outer, order),
        )


def taken(count: Count, places: Ints) -> Count:
    """Entries of an array along the only axis that it has."""
    return count_of(np.ravel(count)[places])


def space_of(layer: Layer, hardware: Hardware, dataflow: str) -> Space:
    """Every tile whose operands fit half a bank each, in both loop orders; none may fit.

    Tiles are whole passes of the array; parts of a pass are tried only where no whole one fits.
    """
    if dataflow in DATAFLOWS:
        space = _space(layer, hardware, DATAFLOWS[dataflow].granularity(hardware))
        if space.fits.any():
            return space
    return _space(layer, hardware, Granularity())


def _space(layer: Layer, hardware: Hardware, unit: Granularity) -> Space:
    channels = np.array(_channel_cuts(layer, unit), dtype=np.int64)
    sizes = (tile_sizes(layer.OY, unit.y), tile_sizes(layer.OX, unit.x))
    g, k, c = (_along(3, column) for column in channels.T)
    tiles = Tiles(
        shape=TileShape(g, k, c, _along(1, sizes[0]), _along(2, sizes[1])),
        rows=_extents(1, row_axis(layer), sizes[0]),
        columns=_extents(2, column_axis(layer), sizes[1]),
        pixels_outer=_along(0, (0, 1)),
    )
    demand = bank_demand(
        layer, hardware, tiles.shape, tiles.rows.largest, tiles.columns.largest, tiles.pixels_outer
    )
    fits = np.ones((2, len(sizes[0]), len(sizes[1]), len(channels)), dtype=bool)
    for bank, half in half_banks(hardware).items():
        fits &= np.less_equal(demand[bank], half)
    return Space(tiles, fits.transpose(3, 1, 2, 0))


def _along(axis: int, entries: Sequence[int] | Ints) -> Count:
    """Entries along one axis of the grid, as it is in memory."""
    shape = [1, 1, 1, 1]
    shape[axis] = len(entries)
    return count_of(np.array(entries, dtype=np.int64).reshape(shape))


def _channel_cuts(layer: Layer, unit: Granularity) -> list[tuple[int, int, int]]:
    """(groups, filters, input channels) of a tile: parts of one group, or several whole groups."""
    parts = itertools.product((1,), tile_sizes(layer.K, unit.k), tile_sizes(layer.C, unit.c))
    return [*parts, *((g, layer.K, layer.C) for g in tile_sizes(layer.G, 1) if g > 1)]


def _extents(along: int, axis: Axis, sizes: Sequence[int]) -> Extents:
    """Input extents of the tiles of each size."""
    largest, total, first = zip(*(axis.reads(size) for size in sizes), strict=True)
    return Extents(_along(along, largest), _along(along, total), _along(along, first))


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
    rows, columns = (axis.reads(1)[0] for axis in (row_axis(layer), column_axis(layer)))
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
