"""The space of mappings of layers by one dataflow each: every tile that fits, in both loop orders.

The tiles of a layer are a grid of channel cuts x tile rows x tile columns. Many layers are laid out at once,
the grid of one after that of the other: a table of the channel cuts of all layers, a table of their cuts of
the output plane, and for each tile its number in both. What depends on one table only is computed there.

A tile that the search tries has all taps of the kernel, and is of one image, but for dataflows that say
otherwise: then a space is of tiles of as many images, and where it says "of an image" it means of those.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final, NamedTuple, Self, assert_never

import numpy as np

from accelsim.columns import Count, Flags, Ints, Selection
from accelsim.mapping.arithmetic import entries
from accelsim.mapping.footprint import Footprint
from accelsim.mapping.loop_order import NamedOrder
from accelsim.mapping.picking import picked
from accelsim.mapping.tile import TileCounts, TileShape
from accelsim.mapping.whole import Whole
from accelsim.network.layer import LoopNest

ORDERS: tuple[NamedOrder, ...] = ("filters_outer", "pixels_outer")
"""Of which one tile of outputs is unfinished at a time: those of a buffer that operands divide."""
POOL_ORDERS: Final[tuple[NamedOrder, ...]] = (
    *ORDERS,
    "pixels_channels_filters",
    "filters_channels_pixels",
    "channels_filters_pixels",
    "channels_pixels_filters",
)
"""Those of a pool, in which partial sums may take as much room as they need."""


class Nesting(NamedTuple):
    """Which loops over tiles lie inside which, of loop orders: all that traffic and room depend on."""

    filters_in_pixels: "Flags | bool"
    """The loop over output channels in that over the output plane; otherwise the other way round."""
    filters_in_channels: "Flags | bool"
    """The loop over output channels in that over input channels."""
    pixels_in_channels: "Flags | bool"


def nesting_of(order: NamedOrder) -> Nesting:
    """That of a loop order that has a name.

    Example:
        >>> nesting_of("pixels_channels_filters")
        Nesting(filters_in_pixels=True, filters_in_channels=True, pixels_in_channels=False)
    """
    match order:
        case "filters_outer":
            return Nesting(False, False, False)
        case "pixels_outer":
            return Nesting(True, False, False)
        case "pixels_channels_filters":
            return Nesting(True, True, False)
        case "filters_channels_pixels":
            return Nesting(False, False, True)
        case "channels_filters_pixels":
            return Nesting(False, True, True)
        case "channels_pixels_filters":
            return Nesting(True, True, True)
        case _:
            assert_never(order)


@dataclass(frozen=True, slots=True)
class ChannelCuts:
    """Cuts of layers into groups, output and input channels: sizes of a tile, and numbers of tiles."""

    g: Count
    k: Count
    c: Count
    g_tiles: Count
    k_tiles: Count
    c_tiles: Count
    weight_bytes: Count
    """Of one tile."""
    bursts: tuple[Count, ...] = ()
    """What `ChannelBursts` has, where anything moves in bursts."""

    def values(self) -> tuple[Count, ...]:
        """The numbers in the order of the fields."""
        plain = (self.g, self.k, self.c, self.g_tiles, self.k_tiles, self.c_tiles, self.weight_bytes)
        return (*plain, *self.bursts)

    @classmethod
    def of_values(cls, values: Sequence[Count]) -> Self:
        """The inverse of `values`."""
        g, k, c, g_tiles, k_tiles, c_tiles, weight_bytes, *bursts = values
        return cls(g, k, c, g_tiles, k_tiles, c_tiles, weight_bytes, tuple(bursts))


@dataclass(frozen=True, slots=True)
class PlaneCuts:
    """Cuts of output planes into rows and columns: sizes of a tile, number of tiles, and what they read."""

    y: Count
    x: Count
    y_tiles: Count
    """From top to bottom."""
    x_tiles: Count
    tiles: Count
    first_inputs: Count
    """Input rows x columns of the first tile."""
    input_bytes: Count
    """Of all tiles of an image together, with all of their channels; halos as often as they are read."""
    residual_bytes: Count
    """Residuals of all tiles of an image together."""
    inner_tiles: Count = 0
    """How many tiles padding does not touch."""
    inner_inputs: Count = 0
    """Input rows x columns of each of those."""
    last_stored: Count = 0
    """Rows x columns that the last tile stores."""
    bursts: tuple[Count, ...] = ()
    """What `PlaneBursts` has, where anything moves in bursts."""

    def values(self) -> tuple[Count, ...]:
        """The numbers that no cost falls with, in the order of the fields."""
        return (
            self.y,
            self.x,
            self.y_tiles,
            self.x_tiles,
            self.tiles,
            self.first_inputs,
            self.input_bytes,
            self.residual_bytes,
            *self.bursts,
        )

    @classmethod
    def of_values(cls, values: Sequence[Count]) -> Self:
        """Cuts with these numbers, and no others."""
        y, x, y_tiles, x_tiles, tiles, first_inputs, input_bytes, residual_bytes, *bursts = values
        plain = (y, x, y_tiles, x_tiles, tiles, first_inputs, input_bytes, residual_bytes)
        return cls(*plain, bursts=tuple(bursts))


@dataclass(frozen=True)
class Tiles:
    """Tiles of layers, an entry each. What several formulas ask for is worked out once."""

    layers: LoopNest[Count]
    """Stacked."""
    owner: Ints
    """Which layer of the stack a tile is of."""
    footprint: Footprint
    shape: TileShape[Count]
    """Bounds of the tiles."""
    channels: ChannelCuts
    plane: PlaneCuts
    exist: bool
    """Whether they are tiles, and not the least of several in each number by itself (`Relaxation`)."""

    @cached_property
    def last(self) -> TileShape[Count]:
        """Bounds of the last tile of each mapping: what the others leave."""
        layers, channels, plane, shape = self.layers, self.channels, self.plane, self.shape

        def remainder(extent: Count, tiles: Count, size: Count) -> Count:
            return entries(extent, self.owner) - (tiles - 1) * size

        return TileShape(
            shape.n,
            remainder(layers.G, channels.g_tiles, shape.g),
            remainder(layers.K, channels.k_tiles, shape.k),
            remainder(layers.C, channels.c_tiles, shape.c),
            remainder(layers.OY, plane.y_tiles, shape.y),
            remainder(layers.OX, plane.x_tiles, shape.x),
            shape.fy,
            shape.fx,
        )

    @cached_property
    def full_groups(self) -> Count:
        """How many tiles have their full size along the groups."""
        return self.channels.g_tiles - np.less(self.last.g, self.shape.g)

    @cached_property
    def full_channels(self) -> Count:
        """How many have it along groups and output channels."""
        return self.full_groups * (self.channels.k_tiles - np.less(self.last.k, self.shape.k))

    @cached_property
    def full_depth(self) -> Count:
        """How many have it along the input channels."""
        return self.channels.c_tiles - np.less(self.last.c, self.shape.c)

    @cached_property
    def full_outputs(self) -> Count:
        """How many tiles of an image have their full size in outputs."""
        plane, last, shape = self.plane, self.last, self.shape
        rows = plane.y_tiles - np.less(last.y, shape.y)
        return self.full_channels * rows * (plane.x_tiles - np.less(last.x, shape.x))

    @cached_property
    def tile_counts(self) -> TileCounts[Count]:
        """How many tiles an image is cut into."""
        channels, plane = self.channels, self.plane
        return TileCounts(
            plane.y_tiles,
            plane.x_tiles,
            plane.tiles,
            channels.k_tiles,
            channels.c_tiles,
            channels.g_tiles * channels.k_tiles * channels.c_tiles * plane.tiles,
            exact=self.exist,
        )


@dataclass(frozen=True, slots=True)
class Space:
    """T tiles of layers that fit in some loop order, layer after layer, each by one dataflow.

    Mappings are numbered: tiles in order, each in the order of `ORDERS`. Number m is tile m // 2 in order m %
    2.
    """

    layers: LoopNest[Count]
    """Stacked: L entries."""
    dataflows: tuple[str, ...]
    """Of each layer, L."""
    footprint: Footprint
    owner: Ints
    """The layer of each tile, T."""
    channels: ChannelCuts
    planes: PlaneCuts
    channel_cut: Ints
    """Of each tile: its number among the channel cuts, T."""
    plane_cut: Ints
    """Of each tile: its number among the cuts of the output plane, T."""
    fits: Flags
    """Orders x tiles, 2 x T."""
    exist: bool = True
    """Whether they are tiles: see `Tiles.exist`."""
    images: int = 1
    """Of a tile."""

    def of(self, tiles: Ints) -> "Space":
        """Some of its tiles, by rising number."""
        return replace(
            self,
            owner=self.owner[tiles],
            channel_cut=self.channel_cut[tiles],
            plane_cut=self.plane_cut[tiles],
            fits=self.fits[:, tiles],
        )

    def whole(self, batch: int) -> Whole:
        """Its layers as a whole, for so many images."""
        return Whole(self.layers, self.footprint, batch)

    def fitting(self) -> Ints:
        """Numbers of the mappings that fit."""
        return np.flatnonzero(self.fits.T)

    def mapping_owner(self) -> Ints:
        """The layer of each mapping, 2 T."""
        return np.repeat(self.owner, len(ORDERS))

    def tiles(self, which: Selection) -> Tiles:
        """Chosen tiles."""
        owner = self.owner[which]
        pick = entries if isinstance(which, slice) else picked  # of a few, formulas read a few columns
        if self.exist:
            channels = pick(self.channels, self.channel_cut[which])
            plane = pick(self.planes, self.plane_cut[which])
        else:  # each has cuts of its own
            channels, plane = pick(self.channels, which), pick(self.planes, which)
        fy, fx = entries((self.layers.FY, self.layers.FX), owner)
        return Tiles(
            self.layers,
            owner,
            picked(self.footprint, owner),
            TileShape(self.images, channels.g, channels.k, channels.c, plane.y, plane.x, fy, fx),
            channels,
            plane,
            self.exist,
        )
