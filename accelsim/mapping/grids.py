"""Sizes to cut layers into: a grid of channel cuts x tile rows x tile columns for each layer."""

from collections.abc import MutableMapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from accelsim.columns import Ints
from accelsim.hardware import Hardware
from accelsim.mapping.arithmetic import ceil_div
from accelsim.mapping.costs import VECTOR
from accelsim.mapping.dataflows import dataflow_of
from accelsim.mapping.loop_order import Order, as_named
from accelsim.mapping.loops import KnownLoops
from accelsim.mapping.siblings import Siblings
from accelsim.mapping.tile import Granularity
from accelsim.mapping.tiling import Axis, column_axis, row_axis, tile_sizes
from accelsim.network.layer import Layer

if TYPE_CHECKING:
    from accelsim.network.given import GivenMapping

AXIS_COLUMNS: Final = ("outputs", "tiles", "largest", "total", "first", "inside", "each", "last_stored")
"""Of the tiles of one size along an axis: outputs of one; how many; inputs of the one that reads most, of all
together and of the first; how many padding does not touch, and inputs of each; results of the last."""


class Grid(NamedTuple):
    """Sizes to cut one layer into."""

    channels: Ints
    """Groups, output and input channels of a tile, a row for each cut."""
    rows: Ints
    """A row for each size, with what `AXIS_COLUMNS` says."""
    columns: Ints

    @property
    def cuts(self) -> int:
        """Of the channels, and of the output plane."""
        return len(self.channels) + len(self.rows) * len(self.columns)

    @property
    def is_empty(self) -> bool:
        """Whether there is no tile: of sizes that are said beforehand."""
        return not (len(self.channels) and len(self.rows) and len(self.columns))


@dataclass(frozen=True, slots=True)
class Grids:
    """Makes grids; what layers have in common is cut once."""

    finely: bool = False
    """Whether sizes are tried that the machine's compiler does not try."""
    given: "GivenMapping | None" = None
    """What is said of sizes beforehand."""
    channels: MutableMapping[tuple[int, int, int, int, int], Ints] = field(default_factory=dict)
    axes: MutableMapping[tuple[Axis, int, str, bool], Ints] = field(default_factory=dict)
    numbers: MutableMapping[tuple[Axis, int], tuple[int, ...]] = field(default_factory=dict)
    """What `AXIS_COLUMNS` says of an axis and one size, whichever machine tries it."""
    sizes: MutableMapping[tuple[int, int], tuple[int, ...]] = field(default_factory=dict)
    loops: KnownLoops = field(default_factory=lambda: KnownLoops({}, {}))
    """Over tiles of sizes that were chosen."""
    siblings: Siblings = field(default_factory=Siblings)
    """What the latest machine has in common with others."""

    @property
    def order(self) -> Order | None:
        """The only loop order, where one is said beforehand."""
        letters: Any = None if self.given is None else self.given.order
        return None if letters is None else as_named(letters)

    def of(self, layer: Layer, unit: Granularity) -> Grid:
        """Tiles of a layer, for an array of which one pass covers so much."""
        return Grid(
            self._channels(layer, unit),
            self._axis_cuts(row_axis(layer), "OY", unit.y),
            self._axis_cuts(column_axis(layer), "OX", unit.x, whole=unit.whole_rows),
        )

    def _channels(self, layer: Layer, unit: Granularity) -> Ints:
        """Tiles of some channels of one group, or of several whole groups."""
        key = layer.G, layer.K, layer.C, unit.k, unit.c
        cuts = self.channels.get(key)
        if cuts is None:
            outputs, inputs = self._sizes("K", layer.K, unit.k), self._sizes("C", layer.C, unit.c)
            groups = [(g, layer.K, layer.C) for g in tile_sizes(layer.G, 1) if g > 1]
            if self.given is not None:
                groups = _given_groups(self.given, layer)
                outputs = outputs if self.given.allows("G", 1) else ()
            parts_of_one = np.ones((len(outputs), len(inputs), 3), dtype=np.int64)
            parts_of_one[..., 1] = np.array(outputs)[:, np.newaxis]
            parts_of_one[..., 2] = inputs
            cuts = parts_of_one.reshape(-1, 3)
            if groups:
                cuts = np.concatenate([cuts, groups])
            self.channels[key] = cuts
        return cuts

    def _axis_cuts(self, axis: Axis, letter: str, unit: int, *, whole: bool = False) -> Ints:
        key = axis, unit, "" if self.given is None else letter, whole
        cuts = self.axes.get(key)
        if cuts is None:
            sizes = self._axis_sizes(letter, axis.outputs, unit, whole=whole)
            rows = [self._numbers(axis, size) for size in sizes]
            cuts = self.axes[key] = np.array(rows, dtype=np.int64).reshape(-1, len(AXIS_COLUMNS))
        return cuts

    def _numbers(self, axis: Axis, size: int) -> tuple[int, ...]:
        numbers = self.numbers.get((axis, size))
        if numbers is None:
            of_tiles = *axis.reads(size), *axis.inside(size), axis.last_stored(size)
            numbers = self.numbers[axis, size] = (size, ceil_div(axis.outputs, size), *of_tiles)
        return numbers

    def _axis_sizes(self, letter: str, extent: int, unit: int, *, whole: bool) -> tuple[int, ...]:
        if whole and not (self.given is not None and self.given.speaks_of(letter)):
            return (extent,)
        return self._sizes(letter, extent, unit)

    def _sizes(self, letter: str, extent: int, unit: int) -> tuple[int, ...]:
        if self.given is not None:
            return given_sizes(self.given, letter, extent, unit, finely=self.finely)
        sizes = self.sizes.get((extent, unit))
        if sizes is None:
            sizes = self.sizes[extent, unit] = tile_sizes(extent, unit, finely=self.finely)
        return sizes


def _given_groups(given: "GivenMapping", layer: Layer) -> list[tuple[int, int, int]]:
    """Tiles of several whole groups, within what is said."""
    if not (given.allows("K", layer.K) and given.allows("C", layer.C)):
        return []
    return [(g, layer.K, layer.C) for g in given_sizes(given, "G", layer.G, 1) if g > 1]


def given_sizes(
    given: "GivenMapping", letter: str, extent: int, unit: int, *, finely: bool = False
) -> tuple[int, ...]:
    """Sizes along a loop within what is said of it: the one that is said, or of those that are tried.

    Example:
        >>> from accelsim.network.given import GivenMapping, SizeBounds
        >>> given_sizes(GivenMapping(bounds=(("K", SizeBounds(most=64, multiple_of=24)),)), "K", 96, 16)
        (48, 24)
    """
    said, bounds = given.size(letter), given.bounds_of(letter)
    if said is not None:
        return (said,) if said <= extent and given.allows(letter, said) else ()
    sizes = tile_sizes(extent, unit, finely=finely)
    if bounds is None:
        return sizes
    most, step = min(extent, bounds.most or extent), bounds.multiple_of
    tried = {size for size in sizes if size <= most} | {most, -(-bounds.least // step) * step}
    tried |= {size // step * step for size in tried}
    return tuple(sorted((size for size in tried if 0 < size <= extent and bounds.allow(size)), reverse=True))


def granularity(dataflow: str, hardware: Hardware) -> Granularity:
    """What a pass of the array covers; layers of the vector unit can be cut anywhere."""
    return Granularity() if dataflow == VECTOR else dataflow_of(dataflow).granularity(hardware)
