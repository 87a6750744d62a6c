"""Mappings of a layer on a machine whose operands share a pool: what each takes of it, and costs.

A divided buffer says beforehand how large a tile of each operand may be. In a pool that depends on all of
them, on which of them come from outside at all, and on what else lies there; so every mapping is laid out
once, and for each set of operands that move it is known how much room it needs and what it costs.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from accelsim.columns import Floats, Ints
from accelsim.hardware import Hardware, Operand
from accelsim.hardware.host import HOST
from accelsim.mapping.arithmetic import column_of, entries
from accelsim.mapping.cuts import Cuts, cuts_of
from accelsim.mapping.dataflows import dataflow_of
from accelsim.mapping.grids import Grids, granularity
from accelsim.mapping.mapping import Choice
from accelsim.mapping.pool_tiles import Grid, PoolTiles
from accelsim.mapping.search import as_executed
from accelsim.mapping.space import POOL_ORDERS
from accelsim.mapping.staircase import Movement
from accelsim.mapping.tile import TileShape
from accelsim.mapping.units import dataflows_for, unit_of
from accelsim.mapping.unmappable import NoDataflowRuns, NotPriced
from accelsim.network.layer import Layer

if TYPE_CHECKING:
    import numpy.typing as npt


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

    def columns(self) -> tuple[Ints, Floats, Floats, Ints, Ints]:
        """In the order of the fields."""
        return self.room_bytes, self.time_cycles, self.energy, self.dram_bytes, self.tiles


class Bounds(NamedTuple):
    """What some mappings do not go below, an entry each; as lists of columns they are put together."""

    room_bytes: Ints
    time_cycles: Floats
    energy: Floats


@dataclass(frozen=True, slots=True)
class MappingCuts:
    """How mappings of a layer cut it, and in which order, an entry each."""

    dataflow: "npt.NDArray[np.str_]"
    n: Ints
    g: Ints
    k: Ints
    c: Ints
    y: Ints
    x: Ints
    order: Ints
    """By its number among `POOL_ORDERS`."""

    def columns(self) -> "tuple[npt.NDArray[Any], ...]":
        """In the order of the fields."""
        return self.dataflow, self.n, self.g, self.k, self.c, self.y, self.x, self.order

    def choice(
        self, index: int, layer: Layer, cycles: int, moved: frozenset[Operand], placed: frozenset[Operand]
    ) -> Choice:
        """What the program of one of them follows from; the layer is theirs."""
        n, g, k, c, y, x, order = (int(column[index]) for column in self.columns()[1:])
        tile = TileShape(n, g, k, c, y, x, layer.FY, layer.FX)
        dataflow = str(self.dataflow[index])
        return Choice(layer, dataflow, tile, POOL_ORDERS[order], cycles, moved=moved, placed=placed)


@dataclass(frozen=True, slots=True)
class TriedCuts:
    """Mappings that were tried one by one, as a shortlist has them."""

    choices: tuple[Choice, ...]

    def choice(
        self, index: int, layer: Layer, cycles: int, moved: frozenset[Operand], placed: frozenset[Operand]
    ) -> Choice:
        """What the program of one of them follows from."""
        chosen = self.choices[index]
        return Choice(
            layer,
            chosen.dataflow,
            chosen.tile,
            chosen.order,
            cycles,
            moved=moved,
            placed=placed,
            parameters=chosen.parameters,
        )


@dataclass(frozen=True)
class PoolMappings:
    """Some mappings of one layer by one dataflow: M of them."""

    tiles: PoolTiles
    tile: Ints
    """Of each: its number among the tiles, M."""
    order: Ints
    """Of each: its number among `POOL_ORDERS`, M."""

    def __len__(self) -> int:
        return len(self.tile)

    def costs(self, movement: Movement) -> Costs:
        """With some operands moving, while the others lie in the pool."""
        of_tiles = self.tiles.costs(movement)
        return Costs(
            self._in_order(self.tiles.room_bytes(movement)),
            self._as_read(of_tiles.time_cycles),
            self._as_read(of_tiles.energy),
            self._as_read(of_tiles.dram_bytes),
            self.tiles.column(self.tiles.tile_counts)[self.tile],
        )

    def cuts_of(self, numbers: Ints) -> "MappingCuts":
        """What some of the mappings are, by their numbers."""
        channels, planes = self.tiles.cuts.channels, self.tiles.cuts.planes
        length, (channel_cut, plane_cut) = len(numbers), np.divmod(self.tile[numbers], self.tiles.shape[1])
        return MappingCuts(
            np.full(length, self.tiles.dataflow),
            np.full(length, self.tiles.cuts.images),
            column_of(entries(channels.g, channel_cut), length),
            column_of(entries(channels.k, channel_cut), length),
            column_of(entries(channels.c, channel_cut), length),
            column_of(entries(planes.y, plane_cut), length),
            column_of(entries(planes.x, plane_cut), length),
            self.order[numbers],
        )

    @cached_property
    def _place(self) -> Ints:
        """Of each in a grid of loop orders x tiles, gone through row by row."""
        return self.order * self.tiles.count + self.tile

    def _in_order(self, grid: Grid) -> Grid:
        """What a grid of loop orders x tiles says of each, M."""
        return np.broadcast_to(grid, (len(POOL_ORDERS), *self.tiles.shape)).reshape(-1)[self._place]

    @cached_property
    def _again(self) -> tuple[Ints, Ints]:
        """Of each: 0 where inputs come once, else 1; and the same of weights."""
        stay = self.tiles.stay
        inputs, weights = self._in_order(stay.inputs), self._in_order(stay.weights)
        return 1 - inputs, 1 - weights

    def _as_read(self, grid: Grid) -> Grid:
        """What a grid of the cost of tiles says of each, M."""
        by_inputs, by_weights, *_ = grid.shape
        inputs, weights = self._again
        place = self.tile
        if by_weights > 1:
            place = place + weights * self.tiles.count
        if by_inputs > 1:
            place = place + inputs * (by_weights * self.tiles.count)
        return np.broadcast_to(grid, (by_inputs, by_weights, *self.tiles.shape)).reshape(-1)[place]


@dataclass(frozen=True)
class LayerMappings:
    """Some mappings of one layer, by one of its dataflows after another."""

    by_dataflow: tuple[PoolMappings, ...]

    def __len__(self) -> int:
        return sum(map(len, self.by_dataflow))

    @property
    def layer(self) -> Layer:
        """In the form in which it is executed."""
        return self.by_dataflow[0].tiles.layer

    @property
    def images(self) -> int:
        """That it goes through one after the other."""
        return self.by_dataflow[0].tiles.images

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
        each = [mappings.costs(movement).columns() for mappings in self.by_dataflow]
        return Costs(*map(np.concatenate, zip(*each, strict=True)))


@dataclass(frozen=True)
class LayerTiles:
    """Every tile of one layer that a pool can hold, by one of its dataflows after another."""

    by_dataflow: tuple[PoolTiles, ...]

    def __len__(self) -> int:
        return sum([len(tiles.held_tiles) for tiles in self.by_dataflow])

    @property
    def pool_bytes(self) -> int:
        """Of the pool."""
        return self.by_dataflow[0].pool_bytes

    def least(self, movement: Movement) -> Bounds:
        """Of each tile: what it does not go below in any loop order, with some operands moving."""
        each = [tiles.least(movement) for tiles in self.by_dataflow]
        return Bounds(*map(np.concatenate, zip(*each, strict=True)))

    def in_first_order(self) -> LayerMappings:
        """Each tile in the loop order that takes least room."""
        return LayerMappings(
            tuple(
                [
                    PoolMappings(tiles, tiles.held_tiles, np.full_like(tiles.held_tiles, tiles.first_order))
                    for tiles in self.by_dataflow
                ]
            )
        )

    def mappings(self, numbers: Ints) -> LayerMappings:
        """Every mapping of some of the tiles, by their rising numbers."""
        parts, begin = [], 0
        for tiles in self.by_dataflow:
            end = begin + len(tiles.held_tiles)
            first, last = np.searchsorted(numbers, (begin, end))
            parts.append(_in_each_order(tiles, tiles.held_tiles[numbers[first:last] - begin]))
            begin = end
        return LayerMappings(tuple(parts))


def _in_each_order(tiles: PoolTiles, numbers: Ints) -> PoolMappings:
    """Every mapping of some tiles of a dataflow that the pool can hold, tile after tile."""
    held = tiles.held.reshape(len(POOL_ORDERS), tiles.count)[:, numbers]
    which, order = np.nonzero(held.T)
    return PoolMappings(tiles, numbers[which], order)


def layer_tiles(
    layer: Layer, hardware: Hardware, dataflows: Sequence[str], batch: int, grids: Grids
) -> LayerTiles:
    """Every tile of a layer on a machine with a pool; there may be none.

    Args:
        layer: For one image.
        hardware: A machine with a pool.
        dataflows: Of the array, that are tried.
        batch: Images that run together.
        grids: The sizes that layers are cut into.
    """
    executed, images = as_executed(layer, batch)
    names = dataflows_for(executed, dataflows, hardware)
    assert not isinstance(names, NoDataflowRuns | NotPriced)  # else nobody asks
    return LayerTiles(
        tuple(
            [
                PoolTiles(executed, images, name, unit_of(name, hardware), cuts)
                for name in names
                for cuts in _cuts_of(executed, images, name, unit_of(name, hardware), grids)
            ]
        )
    )


def _cuts_of(layer: Layer, images: int, dataflow: str, hardware: Hardware, grids: Grids) -> Iterator[Cuts]:
    """Cuts of a layer by one dataflow: in tiles of one image, and of several where these share something."""
    grid = grids.of(layer, granularity(dataflow, hardware))
    several = layer.on_array and dataflow != HOST and dataflow_of(dataflow).takes_images
    for each in range(1, images + 1 if several else 2):
        if images % each == 0 and (grids.given is None or grids.given.allows("N", each)):
            yield cuts_of([layer], [dataflow], [grid], hardware, grids.order, each)
