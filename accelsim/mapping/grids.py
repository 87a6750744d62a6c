"""Sizes to cut layers into: a grid of channel cuts x tile rows x tile columns for each layer."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import Final

from accelsim.hardware import Hardware
from accelsim.mapping.arithmetic import ceil_div
from accelsim.mapping.costs import VECTOR
from accelsim.mapping.dataflows import dataflow_of
from accelsim.mapping.tile import Granularity
from accelsim.mapping.tiling import Axis, column_axis, row_axis, tile_sizes
from accelsim.network.layer import Layer

AXIS_COLUMNS: Final = ("outputs", "tiles", "largest", "total", "first", "inside", "each", "last_stored")
"""Of the tiles of one size along an axis: outputs of one; how many; inputs of the one that reads most, of all
together and of the first; how many padding does not touch, and inputs of each; results of the last."""


@dataclass(frozen=True, slots=True)
class Grid:
    """Sizes to cut one layer into."""

    channels: Sequence[tuple[int, int, int]]
    """(groups, filters, input channels) of a tile."""
    rows: Sequence[tuple[int, ...]]
    """Of each size what `AXIS_COLUMNS` says."""
    columns: Sequence[tuple[int, ...]]

    @property
    def cuts(self) -> int:
        """Of the channels, and of the picture."""
        return len(self.channels) + len(self.rows) * len(self.columns)


@dataclass(frozen=True, slots=True)
class Grids:
    """Makes grids; what layers have in common is cut once."""

    finely: bool = False
    """Whether sizes are tried that the machine's compiler does not try."""
    directions: dict[tuple[Axis, int], tuple[tuple[int, ...], ...]] = field(default_factory=dict)

    def of(self, layer: Layer, unit: Granularity) -> Grid:
        """Tiles of a layer, for an array of which one pass covers so much."""
        return Grid(
            _channel_cuts(layer, unit, self.finely),
            self._direction(row_axis(layer), unit.y),
            self._direction(column_axis(layer), unit.x),
        )

    def _direction(self, axis: Axis, unit: int) -> tuple[tuple[int, ...], ...]:
        if (axis, unit) not in self.directions:
            self.directions[axis, unit] = tuple(
                (
                    size,
                    ceil_div(axis.outputs, size),
                    *axis.reads(size),
                    *axis.inside(size),
                    axis.last_stored(size),
                )
                for size in tile_sizes(axis.outputs, unit, finely=self.finely)
            )
        return self.directions[axis, unit]


def _channel_cuts(layer: Layer, unit: Granularity, finely: bool) -> list[tuple[int, int, int]]:
    """(groups, filters, input channels) of a tile: some of one group, or several whole groups."""
    of_one = product(
        (1,), tile_sizes(layer.K, unit.k, finely=finely), tile_sizes(layer.C, unit.c, finely=finely)
    )
    return [*of_one, *((g, layer.K, layer.C) for g in tile_sizes(layer.G, 1) if g > 1)]


def granularity(dataflow: str, hardware: Hardware) -> Granularity:
    """What a pass of the array covers; layers of the vector unit can be cut anywhere."""
    return Granularity() if dataflow == VECTOR else dataflow_of(dataflow).granularity(hardware)
