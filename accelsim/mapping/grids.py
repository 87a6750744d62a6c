"""Sizes to cut layers into: a grid of channel cuts x tile rows x tile columns for each layer."""

from dataclasses import dataclass, field
from typing import Final, NamedTuple

import numpy as np

from accelsim.columns import Ints
from accelsim.hardware import Hardware
from accelsim.mapping.arithmetic import ceil_div
from accelsim.mapping.costs import VECTOR
from accelsim.mapping.dataflows import dataflow_of
from accelsim.mapping.tile import Granularity
from accelsim.mapping.tiling import Axis, column_axis, coarse_sizes, row_axis, tile_sizes
from accelsim.network.layer import Layer

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


@dataclass(frozen=True, slots=True)
class Grids:
    """Makes grids; what layers have in common is cut once."""

    finely: bool = False
    """Whether sizes are tried that the machine's compiler does not try."""
    channels: dict[tuple[int, int, int, Granularity], Ints] = field(default_factory=dict)
    axes: dict[tuple[Axis, int, bool], Ints] = field(default_factory=dict)
    sizes: dict[tuple[int, int], tuple[int, ...]] = field(default_factory=dict)

    def of(self, layer: Layer, unit: Granularity) -> Grid:
        """Tiles of a layer, for an array of which one pass covers so much."""
        return Grid(
            self._channels(layer, unit),
            self._axis_cuts(row_axis(layer), unit.y),
            self._axis_cuts(column_axis(layer), unit.x, whole=unit.whole_rows),
        )

    def _channels(self, layer: Layer, unit: Granularity) -> Ints:
        """Tiles of some channels of one group, or of several whole groups."""
        key = layer.G, layer.K, layer.C, unit
        cuts = self.channels.get(key)
        if cuts is None:
            outputs, inputs = self._sizes(layer.K, unit.k), self._sizes(layer.C, unit.c)
            groups = [(g, layer.K, layer.C) for g in tile_sizes(layer.G, 1) if g > 1]
            parts_of_one = np.ones((len(outputs), len(inputs), 3), dtype=np.int64)
            parts_of_one[..., 1] = np.array(outputs)[:, np.newaxis]
            parts_of_one[..., 2] = inputs
            cuts = parts_of_one.reshape(-1, 3)
            if groups:
                cuts = np.concatenate([cuts, groups])
            self.channels[key] = cuts
        return cuts

    def _axis_cuts(self, axis: Axis, unit: int, *, whole: bool = False) -> Ints:
        cuts = self.axes.get((axis, unit, whole))
        if cuts is None:
            rows = [
                (
                    size,
                    ceil_div(axis.outputs, size),
                    *axis.reads(size),
                    *axis.inside(size),
                    axis.last_stored(size),
                )
                for size in (coarse_sizes(axis.outputs) if whole else self._sizes(axis.outputs, unit))
            ]
            cuts = self.axes[axis, unit, whole] = np.array(rows, dtype=np.int64)
        return cuts

    def _sizes(self, extent: int, unit: int) -> tuple[int, ...]:
        sizes = self.sizes.get((extent, unit))
        if sizes is None:
            sizes = self.sizes[extent, unit] = tile_sizes(extent, unit, finely=self.finely)
        return sizes


def granularity(dataflow: str, hardware: Hardware) -> Granularity:
    """What a pass of the array covers; layers of the vector unit can be cut anywhere."""
    return Granularity() if dataflow == VECTOR else dataflow_of(dataflow).granularity(hardware)
