"""Sizes to cut layers into, before cuts of the channels and of the output plane are crossed to tiles.

Many layers are cut at once, the cuts of one after those of the other; a layer may come twice, with different
dataflows. Of each kind there are a few dozen for a layer, where of tiles there are a thousand.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from accelsim.columns import Count, Flags, Ints
from accelsim.hardware import Hardware, Operand
from accelsim.mapping.arithmetic import at_most_one, ceil_div, column_of, entries, is_none
from accelsim.mapping.banks import half_banks, input_demand, weight_demand
from accelsim.mapping.bursts import channel_bursts, plane_bursts
from accelsim.mapping.footprint import Footprint
from accelsim.mapping.grids import Grid, Grids, granularity
from accelsim.mapping.loop_order import Order
from accelsim.mapping.picking import picked
from accelsim.mapping.space import ORDERS, ChannelCuts, PlaneCuts, Space
from accelsim.mapping.stack import stacked
from accelsim.mapping.tile import TileShape, whole_image, window
from accelsim.network.layer import Layer, LoopNest


@dataclass(frozen=True, slots=True)
class Cuts:
    """Sizes to cut some layers into."""

    layers: LoopNest[Count]
    """Stacked: L entries."""
    dataflows: tuple[str, ...]
    """Of each layer, L."""
    footprint: Footprint
    half_banks: Mapping[Operand, int]
    channel_owner: Ints
    """The layer of each cut of the channels; those whose weights do not fit are left out."""
    channels: ChannelCuts
    plane_owner: Ints
    """The layer of each cut of the output plane."""
    planes: PlaneCuts
    largest_inputs: Count
    """Of each cut of the output plane: input pixels of the tile that reads most."""
    order: Order | None = None
    """The only loop order, where it is said beforehand."""
    images: int = 1
    """Of a tile."""

    @property
    def tiles(self) -> int:
        """How many there are, whether they fit or not."""
        layers = len(self.dataflows)
        channel_cuts = np.bincount(self.channel_owner, minlength=layers)
        return int(channel_cuts @ np.bincount(self.plane_owner, minlength=layers))

    def crossed(self, channel_cuts: Ints, plane_cuts: Ints) -> Space:
        """Every tile that fits, of chosen cuts of the channels and of the output plane, by their numbers."""
        left, right = crossed(
            self.channel_owner[channel_cuts], self.plane_owner[plane_cuts], len(self.dataflows)
        )
        return self.paired(channel_cuts[left], plane_cuts[right])

    def paired(self, channel_cut: Ints, plane_cut: Ints) -> Space:
        """The tiles that fit, of pairs of cuts of the channels and of the output plane, layer after layer."""
        owner = self.channel_owner[channel_cut]
        fits = self._fits(owner, channel_cut, plane_cut)
        fitting = np.flatnonzero(fits.any(axis=0))
        return Space(
            layers=self.layers,
            dataflows=self.dataflows,
            footprint=self.footprint,
            owner=owner[fitting],
            channels=self.channels,
            planes=self.planes,
            channel_cut=channel_cut[fitting],
            plane_cut=plane_cut[fitting],
            fits=fits[:, fitting],
        )

    @property
    def grid(self) -> Space:
        """Every tile of a single layer, whether it fits or not: channel cuts x plane cuts.

        Of formulas, what depends on channels is a column of such a grid, and what depends on the plane a row.
        """
        channel_cut = np.arange(len(self.channel_owner))[:, np.newaxis]
        plane_cut = np.arange(len(self.plane_owner))
        return Space(
            layers=self.layers,
            dataflows=self.dataflows,
            footprint=self.footprint,
            owner=np.zeros((1, 1), dtype=np.int64),
            channels=self.channels,
            planes=self.planes,
            channel_cut=channel_cut,
            plane_cut=plane_cut,
            fits=np.ones((1, 1, 1), dtype=np.bool_),
            images=self.images,
        )

    def _unfinished(self, owner: Ints, tile: TileShape[Count]) -> Count:
        """Bytes of unfinished windows of a fused pooling: orders x tiles, or none.

        Most layers have no such pooling, and of most that have one no cut leaves a window unfinished.
        """
        windows = self.footprint.windows_cut
        if is_none(windows):
            return 0
        which = np.flatnonzero(column_of(entries(windows, owner), len(owner)))
        unfinished = np.zeros((len(ORDERS), len(owner)), dtype=np.int64)
        owner, tile = owner[which], entries(tile, which)
        all_outputs, rows, columns = entries((self.layers.K, self.layers.OY, self.layers.OX), owner)
        pixels_outer = np.arange(len(ORDERS))[:, np.newaxis]
        output_channels = tile.k + pixels_outer * (all_outputs - tile.k)
        rows_cut, columns_cut = at_most_one(rows - tile.y), at_most_one(columns - tile.x)
        footprint = picked(self.footprint, owner)
        unfinished[:, which] = footprint.unfinished(tile, output_channels, rows_cut, columns_cut)
        return unfinished

    def _fits(self, owner: Ints, channel_cut: Ints, plane_cut: Ints) -> Flags:
        """Whether tiles fit: orders x tiles. Where both orders are the same, the first stands for both."""
        g, k, c, c_tiles = (
            entries(size, channel_cut)
            for size in (self.channels.g, self.channels.k, self.channels.c, self.channels.c_tiles)
        )
        y, x = entries(self.planes.y, plane_cut), entries(self.planes.x, plane_cut)
        fy, fx = entries((self.layers.FY, self.layers.FX), owner)
        tile, footprint = TileShape(1, g, k, c, y, x, fy, fx), picked(self.footprint, owner)
        inputs = input_demand(footprint, tile, entries(self.largest_inputs, plane_cut))
        outputs: Count = footprint.outputs(tile, at_most_one(c_tiles - 1))
        outputs = outputs + self._unfinished(owner, tile)
        fits = np.less_equal(inputs, self.half_banks[Operand.INPUTS])
        fits = fits & np.less_equal(outputs, self.half_banks[Operand.OUTPUTS])
        k_tiles, plane_tiles = (
            entries(self.channels.k_tiles, channel_cut),
            entries(self.planes.tiles, plane_cut),
        )
        orders_differ = np.greater(k_tiles, 1) & np.greater(plane_tiles, 1)
        may_be = [np.ones_like(orders_differ), orders_differ]
        if self.order is not None:
            may_be = [np.full_like(orders_differ, order == self.order) for order in ORDERS]
        by_order: Flags = fits & np.stack(may_be)
        return by_order


def space_of(layer: Layer, hardware: Hardware, dataflow: str, *, finely: bool = False) -> Space:
    """Every tile of one layer whose operands fit half a bank each; none may fit."""
    grid = Grids(finely).of(layer, granularity(dataflow, hardware))
    cuts = cuts_of([layer], [dataflow], [grid], hardware)
    return cuts.crossed(np.arange(len(cuts.channel_owner)), np.arange(len(cuts.plane_owner)))


def cuts_of(
    layers: Sequence[Layer],
    dataflows: Sequence[str],
    grids: Sequence[Grid],
    hardware: Hardware,
    order: Order | None = None,
    images: int = 1,
) -> Cuts:
    """Sizes to cut layers of one structure into, each by its dataflow; and the only order, if one is said.

    Tiles are of so many images.
    """
    stack, halves = stacked(layers), half_banks(hardware)
    footprint = Footprint.of(stack, hardware.precision)
    channel_owner, channels = _channel_cuts(stack, footprint, grids, halves[Operand.WEIGHTS])
    plane_owner, planes, largest_inputs = _plane_cuts(stack, footprint, grids, images)
    if hardware.pool is not None and hardware.pool.padded:
        taps = _taps(stack, plane_owner)
        rows, columns = window(entries(stack, plane_owner), TileShape(1, 1, 1, 1, planes.y, planes.x, *taps))
        largest_inputs = rows * columns
    if hardware.burst_channels:
        tile = TileShape(1, channels.g, channels.k, channels.c, 1, 1, *_taps(stack, channel_owner))
        of_channels = channel_bursts(stack, footprint, channel_owner, tile, hardware)
        channels = replace(channels, bursts=tuple(of_channels))
        planes = replace(planes, bursts=_plane_bursts(layers, footprint, grids, hardware))
    return Cuts(
        layers=stack,
        dataflows=tuple(dataflows),
        footprint=footprint,
        half_banks=halves,
        channel_owner=channel_owner,
        channels=channels,
        plane_owner=plane_owner,
        planes=planes,
        largest_inputs=largest_inputs,
        order=order,
        images=images,
    )


def _plane_bursts(
    layers: Sequence[Layer], footprint: Footprint, grids: Sequence[Grid], hardware: Hardware
) -> tuple[Count, ...]:
    """What `PlaneBursts` has, of the cuts of one layer after those of the other."""
    parts = [
        plane_bursts(layer, grid.rows[:, 0], grid.columns[:, 0], footprint.activation_bits, hardware)
        for layer, grid in zip(layers, grids, strict=True)
    ]
    return tuple(map(np.concatenate, zip(*parts, strict=True)))


def _taps(stack: LoopNest[Count], owner: Ints) -> tuple[Count, Count]:
    """Rows and columns of the kernel of the layer of each cut."""
    return entries((stack.FY, stack.FX), owner)


def _channel_cuts(
    stack: LoopNest[Count], footprint: Footprint, grids: Sequence[Grid], half_bank: int
) -> tuple[Ints, ChannelCuts]:
    """Cuts of the channels whose weights fit, and the layer of each."""
    owner = np.repeat(np.arange(len(grids)), [len(grid.channels) for grid in grids])
    cuts = np.concatenate([grid.channels for grid in grids])
    g, k, c = np.ascontiguousarray(cuts.T)
    fy, fx = _taps(stack, owner)
    tile, of_owner = TileShape(1, g, k, c, 1, 1, fy, fx), entries(footprint, owner)
    all_groups, all_outputs, all_inputs = (entries(extent, owner) for extent in (stack.G, stack.K, stack.C))
    channels = ChannelCuts(
        g=g,
        k=k,
        c=c,
        g_tiles=ceil_div(all_groups, g),
        k_tiles=ceil_div(all_outputs, k),
        c_tiles=ceil_div(all_inputs, c),
        weight_bytes=of_owner.weights(tile),
    )
    fitting = np.flatnonzero(np.less_equal(weight_demand(of_owner, tile), half_bank))
    return owner[fitting], entries(channels, fitting)


def _plane_cuts(
    stack: LoopNest[Count], footprint: Footprint, grids: Sequence[Grid], images: int
) -> tuple[Ints, PlaneCuts, Count]:
    """Cuts of the output plane: the layer of each, the cuts, and what the tile that reads most reads."""
    row_owner, rows = _axis_cuts([grid.rows for grid in grids])
    column_owner, columns = _axis_cuts([grid.columns for grid in grids])
    row, column = crossed(row_owner, column_owner, len(grids))
    owner = row_owner[row]
    (y, *of_rows), (x, *of_columns) = rows[:, row], columns[:, column]
    # As AXIS_COLUMNS says: what is so many along the rows and so many along the columns is their product.
    tiles, largest, total, first_inputs, inner_tiles, inner_inputs, last_stored = (
        along_rows * along_columns for along_rows, along_columns in zip(of_rows, of_columns, strict=True)
    )
    whole, of_owner = entries(whole_image(stack, images), owner), entries(footprint, owner)
    planes = PlaneCuts(
        y=y,
        x=x,
        y_tiles=of_rows[0],
        x_tiles=of_columns[0],
        tiles=tiles,
        first_inputs=first_inputs,
        input_bytes=of_owner.inputs(whole, total, 1, tiles),
        residual_bytes=of_owner.residual(whole, tiles),
        inner_tiles=inner_tiles,
        inner_inputs=inner_inputs,
        last_stored=last_stored,
    )
    return owner, planes, largest


def _axis_cuts(sizes: Sequence[Ints]) -> tuple[Ints, Ints]:
    """The layer of each cut of one axis, and the cuts, a column each with what `AXIS_COLUMNS` says."""
    owner = np.repeat(np.arange(len(sizes)), [len(rows) for rows in sizes])
    return owner, np.ascontiguousarray(np.concatenate(sizes).T)


def crossed(left: Ints, right: Ints, layers: int) -> tuple[Ints, Ints]:
    """Every pair of a left and a right entry of the same layer, the left one slowest.

    Args:
        left: The layer of each left entry, not falling.
        right: The layer of each right entry, not falling.
        layers: How many there are.

    Returns:
        The numbers of both entries of each pair.

    Example:
        >>> crossed(np.array([0, 1, 1]), np.array([0, 0, 1]), 2)
        (array([0, 0, 1, 2]), array([0, 1, 2, 2]))
    """
    right_counts = np.bincount(right, minlength=layers)
    right_begins = np.cumsum(right_counts) - right_counts  # of each layer
    partners = right_counts[left]  # of each left entry
    ends = np.cumsum(partners)  # of the pairs of each left entry
    lefts = np.repeat(np.arange(len(left)), partners)
    # A pair's number less where the pairs of its left entry begin counts its partners; from there, where the
    # right entries of the layer begin is added.
    rights = np.arange(len(lefts)) - np.repeat(ends - partners - right_begins[left], partners)
    return lefts, rights
