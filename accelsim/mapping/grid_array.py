"""What the array does for every tile of a layer: cuts of its channels x cuts of its output plane.

A kind of tile is a kind along the channels and one along the plane. So kinds are found along each of them,
formulas are evaluated on their grid, and what tiles take is summed along one and then along the other.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from accelsim.columns import Count, Ints
from accelsim.hardware import Hardware
from accelsim.hardware.counts import Access, Direction
from accelsim.mapping.candidates import KindsOfTiles, kinds_of_tiles
from accelsim.mapping.costs import ArrayCost, array_cost
from accelsim.mapping.cuts import Cuts
from accelsim.mapping.tile import TileShape


@dataclass(frozen=True, slots=True)
class _Along:
    """Tiles along the channels, or along the plane, for each of some cuts."""

    visits: Ints
    """How many there are of each kind, kinds of a cut after those of another."""
    begins: Ints
    """Of each cut: its first kind."""
    sizes: tuple[Ints, ...]
    """What formulas read, of kinds that differ: those of several cuts may be the same."""
    number: Ints
    """Of each kind, among those."""

    @classmethod
    def of(cls, kinds: KindsOfTiles, cuts: int, *sizes: Count) -> Self:
        """What some cuts have of `kinds`."""
        columns = np.broadcast_arrays(*sizes, kinds.candidate)[:-1]
        key = np.zeros_like(kinds.candidate)
        for column in columns:
            key = key * (int(column.max()) + 1) + column
        _, first, number = np.unique(key, return_index=True, return_inverse=True)
        begins = np.searchsorted(kinds.candidate, np.arange(cuts))
        return cls(kinds.visits, begins, tuple([column[first] for column in columns]), number)

    def summed(self, rows: Ints) -> Ints:
        """Over the tiles of each cut: of a row for each of the kinds that differ."""
        kinds_of_each = np.diff(np.append(self.begins, len(self.number)))
        summed = rows[self.number[self.begins]] * self.visits[self.begins, np.newaxis]
        for further in range(1, int(kinds_of_each.max(initial=1))):
            cuts = np.flatnonzero(kinds_of_each > further)
            kinds = self.begins[cuts] + further
            summed[cuts] += rows[self.number[kinds]] * self.visits[kinds, np.newaxis]
        return summed

    @property
    def last(self) -> Ints:
        """Of each cut: the number of its last kind."""
        last: Ints = self.number[np.append(self.begins[1:], len(self.number)) - 1]
        return last


def grid_array_total(cuts: Cuts, hardware: Hardware) -> tuple[ArrayCost, Count]:
    """What the array does for an image, in tiles of each size, and its cycles for the last of them.

    Args:
        cuts: Of one layer of the array: some of its channels and some of its output plane.
        hardware: The machine.

    Returns:
        Grids of the cost, in which operands that are read from one memory are not told apart,
        over all tiles, edges included, and of the cycles of the last one.
    """
    layer, (dataflow,) = cuts.layers, cuts.dataflows
    of_channels, of_plane = _along_channels(cuts), _along_plane(cuts)
    g, k, c, resumes = [column[:, np.newaxis] for column in of_channels.sizes]
    y, x = of_plane.sizes
    tile: TileShape[Count] = TileShape(cuts.images, g, k, c, y, x, layer.FY, layer.FX)
    cost = array_cost(layer, dataflow, tile, resumes, hardware)
    counts = replace(cost.counts, accesses=_by_memory(cost.counts.accesses))
    shape = len(g), len(y)

    def summed(count: Count) -> Count:
        """Over the kinds of tiles; what is none for each of them is none together."""
        if isinstance(count, int) and not count:
            return 0
        by_channel_cut = of_channels.summed(np.broadcast_to(count, shape))
        return of_plane.summed(np.ascontiguousarray(by_channel_cut.T)).T

    last_cycles = np.broadcast_to(cost.cycles, shape)[of_channels.last[:, np.newaxis], of_plane.last]
    return ArrayCost(summed(cost.cycles), counts.each(summed)), last_cycles


def _by_memory(accesses: Mapping[Access, Count]) -> dict[Access, Count]:
    """Accesses of operands, of which those of one memory are added up: they cost the same."""
    of_memory: dict[tuple[str, Direction], tuple[Access, Count]] = {}
    for access, count in accesses.items():
        memory, _, direction = access
        first, so_far = of_memory.get((memory, direction), (access, 0))
        of_memory[memory, direction] = first, so_far + count
    return dict(of_memory.values())


def _along_channels(cuts: Cuts) -> _Along:
    layer, channels, every = cuts.layers, cuts.channels, np.ones_like(cuts.channel_owner)
    g, k, c, y, x = channels.g, channels.k, channels.c, every * layer.OY, every * layer.OX
    shape = TileShape(1, g, k, c, y, x, layer.FY, layer.FX)
    kinds = kinds_of_tiles(layer, shape, np.zeros_like(every))
    return _Along.of(kinds, len(every), kinds.tile.g, kinds.tile.k, kinds.tile.c, kinds.resumes)


def _along_plane(cuts: Cuts) -> _Along:
    layer, planes, every = cuts.layers, cuts.planes, np.ones_like(cuts.plane_owner)
    g, k, c, y, x = every * layer.G, every * layer.K, every * layer.C, planes.y, planes.x
    shape = TileShape(1, g, k, c, y, x, layer.FY, layer.FX)
    kinds = kinds_of_tiles(layer, shape, np.zeros_like(every))
    return _Along.of(kinds, len(every), kinds.tile.y, kinds.tile.x)
