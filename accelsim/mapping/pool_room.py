"""Room: what mappings of a layer need of a pool, and which of them it can hold."""

from collections.abc import Set
from dataclasses import dataclass
from typing import Final

import numpy as np

from accelsim.columns import Count, Flags
from accelsim.hardware import Hardware, Operand
from accelsim.mapping.arithmetic import at_most_one, chosen, entries
from accelsim.mapping.banks import alone_in_turn, in_units, input_demand, weight_demand
from accelsim.mapping.cuts import Cuts
from accelsim.mapping.loop_order import NamedOrder
from accelsim.mapping.space import POOL_ORDERS, Nesting, Tiles, nesting_of

NESTING: Final = Nesting(
    *(
        np.array([getattr(nesting_of(order), flag) for order in POOL_ORDERS])[:, np.newaxis, np.newaxis]
        for flag in Nesting._fields
    )
)
"""Of `POOL_ORDERS`: orders x 1 x 1."""


@dataclass(frozen=True, slots=True)
class Room:
    """Bytes of the pool that tiles of mappings need, an entry each; 0 of an operand that lies elsewhere.

    A step has room beside the one before it, so of tiles that change from step to step there are two, and of
    outputs as many as are unfinished at a time.
    """

    inputs: Count
    """Where they come from outside; and so on."""
    weights: Count
    outputs: Count
    """Of one tile."""
    residual: Count
    unfinished: Count
    """Of one tile of outputs: partial sums and pooling windows, where complete ones have their place in the
    pool."""
    outputs_at_once: Count
    """Tiles of outputs."""

    def of(self, operands: Set[Operand]) -> "Room":
        """That of some operands, whose tiles lie in the pool; the others have memories of their own."""
        return Room(
            self.inputs if Operand.INPUTS in operands else 0,
            self.weights if Operand.WEIGHTS in operands else 0,
            self.outputs if Operand.OUTPUTS in operands else 0,
            self.residual if Operand.RESIDUAL in operands else 0,
            self.unfinished if Operand.OUTPUTS in operands else 0,
            self.outputs_at_once,
        )

    def together(self, moved: Set[Operand]) -> Count:
        """Of all operands, where some move and the others lie in the pool."""
        by_operand = {
            Operand.INPUTS: self.inputs,
            Operand.WEIGHTS: self.weights,
            Operand.RESIDUAL: self.residual,
        }
        beside: Count = sum([room for operand, room in by_operand.items() if operand in moved])
        outputs = self.outputs if Operand.OUTPUTS in moved else self.unfinished
        return outputs * self.outputs_at_once + beside


def fits_by_itself(tiles: Tiles, cuts: Cuts) -> Flags:
    """Whether a tile's inputs fit, and the outputs of one tile where input channels are innermost: a grid.

    Args:
        tiles: A grid of them, of one layer.
        cuts: That they are made of.
    """
    shape, footprint, plane, halves = tiles.shape, tiles.footprint, tiles.plane, cuts.half_banks
    inputs = input_demand(footprint, shape, cuts.largest_inputs)
    rows_cut, columns_cut = (np.greater(tiles_along, 1) * 1 for tiles_along in (plane.y_tiles, plane.x_tiles))
    outputs = footprint.outputs(shape, np.greater(tiles.channels.c_tiles, 1) * 1)
    outputs = outputs + footprint.unfinished(shape, shape.k, rows_cut, columns_cut)
    fits: Flags = np.less_equal(inputs, halves[Operand.INPUTS])
    return fits & np.less_equal(outputs, halves[Operand.OUTPUTS])


def distinct_orders(tiles: Tiles) -> Flags:
    """Which orders of tiles are not the same as others, because loops of one iteration have no place: the
    first always is.

    Windows of a fused pooling that cuts leave unfinished are kept where input channels are innermost only.
    """
    filters, pixels, channels = (
        np.greater(trips, 1) for trips in (tiles.channels.k_tiles, tiles.plane.tiles, tiles.channels.c_tiles)
    )
    both = filters & pixels
    is_distinct: dict[NamedOrder, Flags] = {
        "filters_outer": np.ones_like(both),
        "pixels_outer": both,
        "pixels_channels_filters": both & channels,
        "filters_channels_pixels": both & channels,
        "channels_filters_pixels": channels & (filters | pixels),
        "channels_pixels_filters": both & channels,
    }
    distinct = np.stack([is_distinct[order] for order in POOL_ORDERS])
    if tiles.layers.pooling is None:
        return distinct
    innermost = np.logical_not(NESTING.filters_in_channels | NESTING.pixels_in_channels)
    return distinct & (innermost | np.logical_not(pixels))


def room_of(tiles: Tiles, largest_inputs: Count, images: int, hardware: Hardware) -> Room:
    """What mappings need, in each loop order; none of a tile needs less than the first.

    Args:
        tiles: A grid of them, of one layer.
        largest_inputs: Of those that are cut alike: input pixels of the one that reads most.
        images: That go through the layer, as many at a time as a tile has.
        hardware: Its pool, and what stops its array.
    """
    pool, alone = hardware.pool, alone_in_turn(hardware)
    shape, footprint, channels, plane = tiles.shape, tiles.footprint, tiles.channels, tiles.plane
    k_tiles, c_tiles, p_tiles = channels.k_tiles, channels.c_tiles, plane.tiles
    groups, partial = channels.g_tiles * (images // shape.n), np.greater(c_tiles, 1)
    # While input channels pass around other loops, a tile of outputs is unfinished for each of their turns.
    unfinished = chosen(partial & NESTING.filters_in_channels, k_tiles, 1) * chosen(
        partial & NESTING.pixels_in_channels, p_tiles, 1
    )
    n_outputs = groups * k_tiles * p_tiles
    outputs_at_once = unfinished
    if Operand.OUTPUTS not in alone:
        outputs_at_once = unfinished + np.greater(n_outputs, unfinished)
    rows_cut, columns_cut = (np.greater(tiles_along, 1) for tiles_along in (plane.y_tiles, plane.x_tiles))
    all_filters = entries(tiles.layers.K, tiles.owner)
    output_channels = chosen(NESTING.filters_in_pixels, all_filters, shape.k)
    windows = footprint.unfinished(shape, output_channels, rows_cut * 1, columns_cut * 1)
    outputs = footprint.outputs(shape, partial * 1) + windows
    tiles_of = {
        Operand.INPUTS: groups * c_tiles * p_tiles,
        Operand.WEIGHTS: channels.g_tiles * k_tiles * c_tiles,
        Operand.RESIDUAL: n_outputs,
    }
    at_once = {
        operand: 1 if operand in alone else 1 + at_most_one(count - 1) for operand, count in tiles_of.items()
    }
    return Room(
        inputs=in_units(footprint.inputs(shape, largest_inputs, 1), pool) * at_once[Operand.INPUTS],
        weights=in_units(weight_demand(footprint, shape), pool) * at_once[Operand.WEIGHTS],
        outputs=in_units(outputs, pool),
        residual=in_units(footprint.residual(shape), pool) * at_once[Operand.RESIDUAL],
        unfinished=in_units(outputs * partial * 1 + windows * (1 - partial), pool),
        outputs_at_once=outputs_at_once,
    )


def weights_may_stay(hardware: Hardware) -> bool:
    """Whether all weights of a layer may lie in the pool: for good, or for as long as a cascade runs."""
    return hardware.keeps("weights") or hardware.cascade is not None
