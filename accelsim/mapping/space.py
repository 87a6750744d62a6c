"""The space of mappings of layers by one dataflow: every tile that fits, in both loop orders.

The tiles of a layer are a grid of channel cuts x tile rows x tile columns. Many layers are laid out at once,
the grid of one after that of the other: a table of the channel cuts of all layers, a table of their cuts of
the picture, and for each tile its place in both. What depends on one table only is computed there.

A tile that the search tries is of one image and has all taps of the kernel.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from accelsim.columns import Count, Flags, Ints, Selection
from accelsim.hardware import Hardware
from accelsim.mapping.arithmetic import at_most_one, ceil_div, column_of, entries, larger
from accelsim.mapping.banks import half_banks, input_demand, weight_demand
from accelsim.mapping.footprint import Footprint
from accelsim.mapping.grids import Grid, Grids, granularity
from accelsim.mapping.mapping import Order
from accelsim.mapping.stack import stacked
from accelsim.mapping.tile import TileShape, Visits, whole_image
from accelsim.network.layer import Layer, LoopNest

ORDERS: tuple[Order, ...] = ("filters_outer", "pixels_outer")


@dataclass(frozen=True, slots=True)
class Channels:
    """Cuts of layers into groups, filters and input channels: sizes of a tile, and numbers of tiles."""

    g: Count
    k: Count
    c: Count
    groups: Count
    filters: Count
    depth: Count
    weight_bytes: Count
    """Of one tile."""

    def values(self) -> tuple[Count, ...]:
        """The numbers in the order of the fields."""
        return self.g, self.k, self.c, self.groups, self.filters, self.depth, self.weight_bytes


@dataclass(frozen=True, slots=True)
class Pictures:
    """Cuts of layers into rows and columns: sizes of a tile, number of tiles, and what they read."""

    y: Count
    x: Count
    rows: Count
    """Tiles from top to bottom."""
    columns: Count
    tiles: Count
    first: Count
    """Input rows x columns of the first tile."""
    input_bytes: Count
    """Of all tiles of an image together, with all of their channels; halos as often as they are read."""
    shortcut_bytes: Count
    """Second operands of all tiles of an image together."""
    inside: Count = 0
    """How many tiles padding does not touch."""
    each: Count = 0
    """Input rows x columns of each of those."""
    last_stored: Count = 0
    """Rows x columns that the last tile stores."""

    def values(self) -> tuple[Count, ...]:
        """The numbers that no cost falls with, in the order of the fields."""
        return (
            self.y,
            self.x,
            self.rows,
            self.columns,
            self.tiles,
            self.first,
            self.input_bytes,
            self.shortcut_bytes,
        )


@dataclass(frozen=True, slots=True)
class Tiles:
    """Tiles of layers, an entry each."""

    layers: LoopNest[Count]
    """Stacked."""
    owner: Ints
    """Which layer of the stack a tile is of."""
    footprint: Footprint
    kernel: tuple[Count, Count]
    """Rows and columns of taps of the layer that a tile is of."""
    channels: Channels
    picture: Pictures
    exist: bool
    """Whether they are tiles, and not the best of several in each number by itself (`Cuts.ideal`)."""

    @property
    def shape(self) -> TileShape[Count]:
        """Bounds of the tiles."""
        channels, picture = self.channels, self.picture
        return TileShape(1, channels.g, channels.k, channels.c, picture.y, picture.x, *self.kernel)

    @property
    def last(self) -> TileShape[Count]:
        """Bounds of the last tile of each mapping: what the others leave."""
        layers, channels, picture, shape = self.layers, self.channels, self.picture, self.shape

        def left(extent: Count, tiles: Count, size: Count) -> Count:
            return entries(extent, self.owner) - (tiles - 1) * size

        return TileShape(
            1,
            left(layers.G, channels.groups, shape.g),
            left(layers.K, channels.filters, shape.k),
            left(layers.C, channels.depth, shape.c),
            left(layers.OY, picture.rows, shape.y),
            left(layers.OX, picture.columns, shape.x),
            *self.kernel,
        )

    def full(self, *directions: tuple[str, str]) -> list[Count]:
        """How many tiles have their full size in some directions, each a bound of layers and of tiles."""
        shape, layers = self.shape, self.layers
        return [
            entries(getattr(layers, extent), self.owner) // getattr(shape, size)
            for extent, size in directions
        ]

    @property
    def full_outputs(self) -> Count:
        """How many tiles of an image have their full size in outputs."""
        groups, filters, rows, columns = self.full(("G", "g"), ("K", "k"), ("OY", "y"), ("OX", "x"))
        return groups * filters * rows * columns

    @property
    def visits(self) -> Visits[Count]:
        """How many tiles an image is cut into."""
        channels, picture = self.channels, self.picture
        return Visits(
            picture.rows,
            picture.columns,
            picture.tiles,
            channels.filters,
            channels.depth,
            channels.groups * channels.filters * channels.depth * picture.tiles,
            exact=self.exist,
        )


@dataclass(frozen=True, slots=True)
class Space:
    """Tiles of some layers that fit in some loop order, layer after layer, each by one dataflow.

    A mapping is a place: tiles in order, each in the order of `ORDERS`.
    """

    layers: LoopNest[Count]
    """Stacked."""
    dataflows: tuple[str, ...]
    """Of each layer."""
    footprint: Footprint
    owner: Ints
    """Of each tile."""
    channels: Channels
    pictures: Pictures
    of_channels: Ints
    """Of each tile: its place among the channel cuts."""
    of_pictures: Ints
    fits: Flags
    """Orders x tiles."""
    exist: bool = True
    """Whether they are tiles: see `Tiles.exist`."""

    def places(self) -> Ints:
        """Mappings that fit."""
        return np.flatnonzero(self.fits.T)

    def tiles(self, which: Selection) -> Tiles:
        """Some of the tiles."""
        owner = self.owner[which]
        return Tiles(
            self.layers,
            owner,
            entries(self.footprint, owner),
            entries((self.layers.FY, self.layers.FX), owner),
            entries(self.channels, self.of_channels[which]),
            entries(self.pictures, self.of_pictures[which]),
            self.exist,
        )


@dataclass(frozen=True, slots=True)
class _Sizes:
    """What some cuts take of the banks, as a factor: channels x pixels are elements."""

    owner: Ints
    inputs: Count
    outputs: Count


@dataclass(frozen=True, slots=True)
class Cuts:
    """Sizes to cut some layers into, before channels and pictures are crossed: few, where tiles are many."""

    layers: LoopNest[Count]
    """Stacked."""
    dataflows: tuple[str, ...]
    """Of each layer."""
    footprint: Footprint
    half_banks: Mapping[str, int]
    owner: Ints
    """Of each cut of the channels; those whose weights do not fit are left out."""
    channels: Channels
    owner_of_pictures: Ints
    largest_inputs: Count
    """Of each cut of the picture: input pixels of the tile that reads most."""
    pictures: Pictures

    @property
    def tiles(self) -> int:
        """How many there are, whether they fit or not."""
        layers = len(self.dataflows)
        of_channels = np.bincount(self.owner, minlength=layers)
        return int(of_channels @ np.bincount(self.owner_of_pictures, minlength=layers))

    def crossed(self, of_channels: Ints, of_pictures: Ints) -> Space:
        """Every tile that fits, of some cuts of the channels and some cuts of the picture."""
        left, right = crossed(
            self.owner[of_channels], self.owner_of_pictures[of_pictures], len(self.dataflows)
        )
        of_channels, of_pictures = of_channels[left], of_pictures[right]
        owner = self.owner[of_channels]
        fits = self._fits(owner, of_channels, of_pictures)
        some = np.flatnonzero(fits.any(axis=0))
        return self._space(
            owner[some], self.channels, self.pictures, of_channels[some], of_pictures[some], fits[:, some]
        )

    def ideal(self) -> "Ideal":
        """For each cut of the channels and each of the picture, a tile that no tile of it beats in anything.

        Whether it exists or not: of the other cuts that fit the bank of inputs with it, and of those that fit
        the bank of outputs, it has the least number of tiles, the fewest bytes, and so on, each by itself.
        """
        best_pictures, channels = self._best(
            self._channel_sizes(), self._picture_sizes(), self.pictures.values()
        )
        best_channels, pictures = self._best(
            self._picture_sizes(), self._channel_sizes(), self.channels.values()
        )
        cuts = len(channels), len(pictures)
        owner = np.concatenate([self.owner[channels], self.owner_of_pictures[pictures]])
        own = np.arange(len(owner))
        space = self._space(
            owner,
            Channels(*_joined(entries(self.channels, channels).values(), best_channels, cuts)),
            Pictures(*_joined(best_pictures, entries(self.pictures, pictures).values(), cuts)),
            own,
            own,
            np.ones((len(ORDERS), len(owner)), dtype=np.bool_),
            exist=False,
        )
        return Ideal(space, channels, pictures)

    def _channel_sizes(self) -> _Sizes:
        return _Sizes(self.owner, self.channels.g * self.channels.c, self.channels.g * self.channels.k)

    def _picture_sizes(self) -> _Sizes:
        return _Sizes(self.owner_of_pictures, self.largest_inputs, self.pictures.y * self.pictures.x)

    def _best(self, some: _Sizes, others: _Sizes, values: Sequence[Count]) -> tuple[list[Count], Ints]:
        """For some cuts the least of everything that others have which fit; and which have any."""
        inputs = entries(self.footprint.input_room(self.half_banks["inputs"]), some.owner)
        outputs = entries(self.footprint.output_room(self.half_banks["outputs"]), some.owner)
        table = np.empty((len(values), len(others.owner)), dtype=np.int64)
        for row, value in zip(table, values, strict=True):
            row[:] = value
        by_inputs, fit_inputs = _least_up_to(
            others.owner,
            np.asarray(others.inputs),
            table,
            some.owner,
            np.asarray(inputs // larger(some.inputs, 1)),  # a window may read nothing but padding
        )
        by_outputs, fit_outputs = _least_up_to(
            others.owner, np.asarray(others.outputs), table, some.owner, np.asarray(outputs // some.outputs)
        )
        which = np.flatnonzero(fit_inputs & fit_outputs)
        return list(np.maximum(by_inputs, by_outputs)[:, which]), which

    def _fits(self, owner: Ints, of_channels: Ints, of_pictures: Ints) -> Flags:
        """Whether tiles fit: orders x tiles. Where both orders are the same, the first stands for both."""
        g, k, c, depth = (
            entries(size, of_channels)
            for size in (self.channels.g, self.channels.k, self.channels.c, self.channels.depth)
        )
        y, x = entries(self.pictures.y, of_pictures), entries(self.pictures.x, of_pictures)
        fy, fx = entries((self.layers.FY, self.layers.FX), owner)
        tile, own = TileShape(1, g, k, c, y, x, fy, fx), entries(self.footprint, owner)
        inputs = input_demand(own, tile, entries(self.largest_inputs, of_pictures))
        outputs: Count = own.outputs(tile, at_most_one(depth - 1))
        layers = self.layers
        if layers.pooling is not None:
            pixels_outer = np.arange(len(ORDERS))[:, np.newaxis]
            filters = k + pixels_outer * (entries(layers.K, owner) - k)
            cut = at_most_one(entries(layers.OY, owner) - y), at_most_one(entries(layers.OX, owner) - x)
            outputs = outputs + own.unfinished(tile, filters, *cut)
        fits = np.less_equal(inputs, self.half_banks["inputs"])
        fits = fits & np.less_equal(outputs, self.half_banks["outputs"])
        cuts = entries(self.channels.filters, of_channels), entries(self.pictures.tiles, of_pictures)
        orders_differ = np.greater(cuts[0], 1) & np.greater(cuts[1], 1)
        of_orders: Flags = fits & np.stack([np.ones_like(orders_differ), orders_differ])
        return of_orders

    def _space(
        self,
        owner: Ints,
        channels: Channels,
        pictures: Pictures,
        of_channels: Ints,
        of_pictures: Ints,
        fits: Flags,
        *,
        exist: bool = True,
    ) -> Space:
        return Space(
            self.layers,
            self.dataflows,
            self.footprint,
            owner,
            channels,
            pictures,
            of_channels,
            of_pictures,
            fits,
            exist,
        )


@dataclass(frozen=True, slots=True)
class Ideal:
    """What cuts promise."""

    space: Space
    """A tile for each of the cuts of the channels, then one for each of the cuts of the picture."""
    channels: Ints
    """Cuts of the channels with which any cut of the picture fits."""
    pictures: Ints


def _joined(some: Sequence[Count], others: Sequence[Count], lengths: tuple[int, int]) -> Iterator[Count]:
    """Two tables with so many entries as one."""
    for one, other in zip(some, others, strict=True):
        yield np.concatenate([column_of(one, lengths[0]), column_of(other, lengths[1])])


def _least_up_to(owner: Ints, sizes: Ints, table: Ints, of: Ints, most: Ints) -> tuple[Ints, Flags]:
    """The least of each attribute among the entries of an owner whose size is no more than `most`.

    `owner` and `sizes` are those of the table's entries, attributes x entries; `of` and `most` what is asked
    for. And whether there is any such entry.
    """
    if not len(owner):
        return np.zeros((len(table), len(of)), dtype=np.int64), np.zeros(len(of), dtype=np.bool_)
    # Owners are set so far apart that the least of all entries before is the least of the owner's own.
    apart = 1 + max(table.max(), sizes.max())
    keys = sizes + owner * apart
    ranked = np.argsort(keys)
    least = np.minimum.accumulate((table - owner * apart)[:, ranked], axis=1)
    keys = keys[ranked]
    begins = np.searchsorted(keys, of * apart)
    ends = np.searchsorted(keys, of * apart + np.minimum(most, apart - 1), side="right")
    return least[:, ends - 1] + of * apart, ends > begins


def space_of(layer: Layer, hardware: Hardware, dataflow: str, *, finely: bool = False) -> Space:
    """Every tile of one layer whose operands fit half a bank each; none may fit."""
    grid = Grids(finely).of(layer, granularity(dataflow, hardware))
    cuts = cuts_of([layer], [dataflow], [grid], hardware)
    return cuts.crossed(np.arange(len(cuts.owner)), np.arange(len(cuts.owner_of_pictures)))


def cuts_of(
    layers: Sequence[Layer], dataflows: Sequence[str], grids: Sequence[Grid], hardware: Hardware
) -> Cuts:
    """Sizes to cut layers of one structure into; a layer may come twice, with different dataflows."""
    stack, halves = stacked(layers), half_banks(hardware)
    footprint = Footprint.of(stack, hardware.precision)
    owner, channels = _channels(stack, footprint, grids, halves["weights"])
    owner_of_pictures, largest_inputs, pictures = _pictures(stack, footprint, grids)
    return Cuts(
        stack,
        tuple(dataflows),
        footprint,
        halves,
        owner,
        channels,
        owner_of_pictures,
        largest_inputs,
        pictures,
    )


def _channels(
    stack: LoopNest[Count], footprint: Footprint, grids: Sequence[Grid], half_bank: int
) -> tuple[Ints, Channels]:
    """Cuts of the channels whose weights fit, and the layer of each."""
    owner = np.repeat(np.arange(len(grids)), [len(grid.channels) for grid in grids])
    cuts = np.concatenate([grid.channels for grid in grids])
    g, k, c = np.ascontiguousarray(cuts.T)
    fy, fx = entries((stack.FY, stack.FX), owner)
    tile, own = TileShape(1, g, k, c, 1, 1, fy, fx), entries(footprint, owner)
    all_groups, all_filters, all_channels = (entries(extent, owner) for extent in (stack.G, stack.K, stack.C))
    channels = Channels(
        g=g,
        k=k,
        c=c,
        groups=ceil_div(all_groups, g),
        filters=ceil_div(all_filters, k),
        depth=ceil_div(all_channels, c),
        weight_bytes=own.weights(tile),
    )
    some = np.flatnonzero(np.less_equal(weight_demand(own, tile), half_bank))
    return owner[some], entries(channels, some)


def _pictures(
    stack: LoopNest[Count], footprint: Footprint, grids: Sequence[Grid]
) -> tuple[Ints, Count, Pictures]:
    """Cuts of the picture, with the layer of each, and what the tile that reads most reads."""
    row_of, rows = _direction([grid.rows for grid in grids])
    column_of, columns = _direction([grid.columns for grid in grids])
    row, column = crossed(row_of, column_of, len(grids))
    owner = row_of[row]
    (y, *of_rows), (x, *of_columns) = rows[:, row], columns[:, column]
    tiles, largest, total, first, inside, each, last_stored = (
        a * b for a, b in zip(of_rows, of_columns, strict=True)
    )
    whole, own = entries(whole_image(stack), owner), entries(footprint, owner)
    return (
        owner,
        largest,
        Pictures(
            y=y,
            x=x,
            rows=of_rows[0],
            columns=of_columns[0],
            tiles=tiles,
            first=first,
            input_bytes=own.inputs(whole, total, 1, tiles),
            shortcut_bytes=own.shortcut(whole, tiles),
            inside=inside,
            each=each,
            last_stored=last_stored,
        ),
    )


def _direction(sizes: Sequence[Ints]) -> tuple[Ints, Ints]:
    """The cuts of one direction, a column each, and the layer of each."""
    owner = np.repeat(np.arange(len(sizes)), [len(some) for some in sizes])
    return owner, np.ascontiguousarray(np.concatenate(sizes).T)


def crossed(left: Ints, right: Ints, layers: int) -> tuple[Ints, Ints]:
    """Every pair of a left and a right entry of the same layer, the left one slowest: places of both.

    Entries stand layer after layer; `left` and `right` say of which layer each is.
    """
    how_many = np.bincount(right, minlength=layers)
    begin = np.cumsum(how_many) - how_many
    partners = how_many[left]
    ends = np.cumsum(partners)
    lefts = np.repeat(np.arange(len(left)), partners)
    rights = np.arange(len(lefts)) - np.repeat(ends - partners - begin[left], partners)
    return lefts, rights
