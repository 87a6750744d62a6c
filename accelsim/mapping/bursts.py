"""Bursts, and codes: what a memory moves, of single tiles and of all tiles of a layer together.

Bytes that follow one another in a memory are a run, and a run of r bytes takes ceil(r / burst) bursts: each
begins with one, which is assumed. A tile's part of an activation is runs, and how long these are is a matter
of the layout:

    nhwc  all channels: the pixels of a row of the tile follow one another; some: those of a pixel do;
    nchw  the pixels of a row of the tile do, channel by channel.

Rows begin with a burst, so none is longer. A tile's weights, offsets included, are one run, as the program
lays them down; so are factors of its channels. What a layer reads is a tensor of its own: where layers write
parts of one tensor, or read parts, that tensor's other channels are taken not to lie between. Of what lies
there compressed a run is shorter by as much.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple, assert_never

import numpy as np

from accelsim.columns import Count, Ints, Real
from accelsim.hardware import Channel, Hardware, Operand
from accelsim.mapping.arithmetic import at_most_one, ceil_div, ceil_scaled, chosen, entries
from accelsim.mapping.footprint import Footprint
from accelsim.mapping.space import Tiles
from accelsim.mapping.tile import TileShape
from accelsim.mapping.tiling import Axis, column_axis, row_axis
from accelsim.network.layer import Layer, LoopNest


class Box(NamedTuple):
    """A tile's part of an activation of one image: channels x rows x columns."""

    channels: Count
    """That are neighbours."""
    all_channels: Count
    """Of the tensor."""
    rows: Count
    columns: Count
    pieces: Count = 1
    """How many times so many channels, with others between: some of several groups."""


def bursts_of_run(elements: Count, bits: Real, channel: Channel) -> Count:
    """That a run of so many elements takes; coded ones have parts of a bit."""
    if isinstance(bits, int):
        return ceil_div(elements * bits, 8 * channel.burst_bytes)
    return ceil_scaled(elements, bits / (8 * channel.burst_bytes))


def coded_part(layers: LoopNest[Count], operand: Operand, hardware: Hardware) -> Real:
    """What an operand takes outside for each byte that it is: 1 where it lies there as it is."""
    if layers.coded is None or operand not in hardware.compress_of:
        return 1
    parts = layers.coded
    match operand:
        case Operand.INPUTS:
            return parts.inputs
        case Operand.WEIGHTS:
            return parts.weights
        case Operand.OUTPUTS:
            return parts.outputs
        case Operand.RESIDUAL:
            return parts.residual
        case _:
            assert_never(operand)


def bytes_outside(sizes: Count, part: Real) -> Count:
    """Bytes that take so much of themselves."""
    return sizes if isinstance(part, int) else ceil_scaled(sizes, part)


def bits_outside(bits: int, part: Real) -> Real:
    """Of an element, as its operand lies outside."""
    return bits if isinstance(part, int) else bits * part


def bursts_of_box(box: Box, bits: Real, channel: Channel) -> Count:
    """That a tile's part of an activation takes."""
    if channel.layout == "nchw":
        return box.pieces * box.channels * box.rows * bursts_of_run(box.columns, bits, channel)
    whole_rows = bursts_of_run(box.columns * box.all_channels, bits, channel)
    by_pixel = box.columns * box.pieces * bursts_of_run(box.channels, bits, channel)
    return box.rows * chosen(np.equal(box.channels, box.all_channels), whole_rows, by_pixel)


def input_box(layers: LoopNest[Count], tile: TileShape[Count], rows: Count, columns: Count) -> Box:
    """What a tile reads of one operand of its layer.

    The vector unit sums channels only where they are the pixels of a plane, in turn (`as_executed`).
    """
    if layers.on_array:
        return _box(tile.g, tile.c, layers.G, layers.C, rows, columns)
    return Box(tile.g, layers.G, rows, tile.c * columns)


def output_box(layers: LoopNest[Count], tile: TileShape[Count], rows: Count, columns: Count) -> Box:
    """What a tile stores, or reads of a residual."""
    return _box(tile.g, tile.k, layers.G, layers.K, rows, columns)


def _box(
    groups: Count, channels: Count, all_groups: Count, all_channels: Count, rows: Count, columns: Count
) -> Box:
    """Of some channels of each of some groups, whose channels are neighbours where all of them are there."""
    whole = 1 - at_most_one(all_channels - channels)  # 1 where all channels of a group are there
    together = channels * (groups * whole + 1 - whole)
    return Box(together, all_groups * all_channels, rows, columns, groups * (1 - whole) + whole)


class Moving(NamedTuple):
    """Tiles as their layers, or one of them, have them, and what they read and store."""

    layers: LoopNest[Count]
    footprint: Footprint
    tile: TileShape[Count]
    input_rows: Count
    input_columns: Count
    stored_rows: Count
    stored_columns: Count
    resumes: Count
    """1 where offsets have come before."""

    def bytes_of(self, operand: Operand, channel: Channel, part: Real) -> Count:
        """What a channel moves in bursts for it, which takes so much of itself outside: loads, or of outputs
        what is stored.
        """
        return channel.burst_bytes * self._bursts_of(operand, channel, part)

    def _bursts_of(self, operand: Operand, channel: Channel, part: Real) -> Count:
        layers, footprint, tile = self.layers, self.footprint, self.tile
        bits = bits_outside(footprint.activation_bits, part)
        if operand is Operand.WEIGHTS:
            size = footprint.weights(tile) + footprint.biases(tile) * (1 - self.resumes)
            return _bursts_of_bytes(size, channel, part)
        if operand is Operand.INPUTS:
            inputs = input_box(layers, tile, self.input_rows, self.input_columns)
            gate = bursts_of_run(tile.g * footprint.gate, bits, channel)
            return tile.n * (footprint.operands * bursts_of_box(inputs, bits, channel) + gate)
        if operand is Operand.RESIDUAL:
            residual = bursts_of_box(output_box(layers, tile, tile.y, tile.x), bits, channel)
            factors = bursts_of_run(tile.g * tile.k * footprint.residuals_per_channel, bits, channel)
            return tile.n * (footprint.residuals_per_output * residual + factors)
        stored = output_box(layers, tile, self.stored_rows, self.stored_columns)
        return tile.n * bursts_of_box(stored, bits, channel)


def bursts_of_tiles(
    layers: LoopNest[Count], tiles: Tiles, input_reads: Count, weight_reads: Count, batch: int
) -> dict[Operand, Count]:
    """Bursts of all tiles of mappings; 0 of operands that do not move in bursts.

    Args:
        layers: A stack.
        tiles: Of those layers.
        input_reads: How often each tile of inputs comes, for the whole batch.
        weight_reads: The same of weights.
        batch: Images.
    """
    channels, plane = ChannelBursts(*tiles.channels.bursts), PlaneBursts(*tiles.plane.bursts)
    operands = tiles.footprint.operands
    outputs, stored = (
        entries(layers.OY * layers.OX, tiles.owner),
        entries(layers.stored_elements // (layers.G * layers.K), tiles.owner),
    )
    inputs = channels.input_rows * plane.inputs + channels.input_pixels * plane.input_pixels
    residual = channels.residual_rows * plane.residuals + channels.residual_pixels * outputs
    return {
        Operand.INPUTS: (operands * inputs + channels.gates * tiles.plane.tiles) * input_reads,
        Operand.WEIGHTS: channels.weights * weight_reads,
        Operand.RESIDUAL: (residual + channels.factors * tiles.plane.tiles) * batch,
        Operand.OUTPUTS: (channels.output_rows * plane.outputs + channels.output_pixels * stored) * batch,
    }


def bursts_of_arriving(layers: LoopNest[Count], tiles: Tiles, batch: int) -> Count:
    """Bursts of inputs that come once, all of them, tile by tile."""
    channels, plane = ChannelBursts(*tiles.channels.bursts), PlaneBursts(*tiles.plane.bursts)
    pixels = entries(layers.IY * layers.IX, tiles.owner)
    operands = tiles.footprint.operands
    once = channels.input_rows * plane.arriving_inputs + channels.input_pixels * pixels
    return (operands * once + channels.gates) * batch


def _bursts_of_bytes(size: Count, channel: Channel, part: Real) -> Count:
    """Of a run of bytes that take so much of themselves."""
    return ceil_div(bytes_outside(size, part), channel.burst_bytes)


class ChannelBursts(NamedTuple):
    """Of cuts of the channels: bursts of all tiles along them; those of operands without bursts are 0.

    An activation takes `rows` times what rows of its plane take where whole channels, or all of them, are
    neighbours (`PlaneBursts`), and `pixels` for each pixel where they are not.
    """

    input_rows: Count = 0
    input_pixels: Count = 0
    gates: Count = 0
    """For each tile of the plane."""
    output_rows: Count = 0
    output_pixels: Count = 0
    residual_rows: Count = 0
    residual_pixels: Count = 0
    factors: Count = 0
    """For each tile of the plane."""
    weights: Count = 0
    """Of all tiles once."""


class PlaneBursts(NamedTuple):
    """Of cuts of the output plane: bursts of the rows of all tiles of an image together, and pixels."""

    inputs: Count = 0
    arriving_inputs: Count = 0
    """Of inputs that stay, so that each comes once."""
    outputs: Count = 0
    residuals: Count = 0
    input_pixels: Count = 0
    """Halos as often as they are read."""


def channel_bursts(
    stack: LoopNest[Count], footprint: Footprint, owner: Ints, tile: TileShape[Count], hardware: Hardware
) -> ChannelBursts:
    """Of cuts of the channels of layers; nothing else of the tile counts.

    Args:
        stack: Layers of one structure.
        footprint: Theirs.
        owner: The layer of each cut.
        tile: Groups, output and input channels of each cut, and all taps of the kernel.
        hardware: The machine.
    """
    channels = hardware.burst_channels
    layers, of_owner = entries(stack, owner), entries(footprint, owner)
    groups = _ends(layers.G, tile.g)
    outputs, inputs = _ends(layers.K, tile.k), _ends(layers.C, tile.c)
    bursts = ChannelBursts()

    def bits_of(operand: Operand) -> Real:
        return bits_outside(footprint.activation_bits, coded_part(layers, operand, hardware))

    if channel := channels.get(Operand.INPUTS):
        bits = bits_of(Operand.INPUTS)
        rows, pixels = _of_activation(
            groups, inputs, layers.G, layers.C, bits, channel, in_turn=not layers.on_array
        )
        gates = _sum_of_runs(groups, [(1, of_owner.gate)], bits, channel)
        bursts = bursts._replace(input_rows=rows, input_pixels=pixels, gates=gates)
    if channel := channels.get(Operand.OUTPUTS):
        bits = bits_of(Operand.OUTPUTS)
        rows, pixels = _of_activation(groups, outputs, layers.G, layers.K, bits, channel)
        bursts = bursts._replace(output_rows=rows, output_pixels=pixels)
    if channel := channels.get(Operand.RESIDUAL):
        bits = bits_of(Operand.RESIDUAL)
        rows, pixels = _of_activation(groups, outputs, layers.G, layers.K, bits, channel)
        factors = [(count, size * of_owner.residuals_per_channel) for count, size in outputs]
        per_output = of_owner.residuals_per_output
        bursts = bursts._replace(
            residual_rows=rows * per_output,
            residual_pixels=pixels * per_output,
            factors=_sum_of_runs(groups, factors, bits, channel),
        )
    if layers.on_array and (channel := channels.get(Operand.WEIGHTS)):
        part = coded_part(layers, Operand.WEIGHTS, hardware)
        bursts = bursts._replace(weights=_of_weights(of_owner, layers, tile, channel, part))
    return ChannelBursts(*[np.broadcast_to(count, owner.shape) for count in bursts])


_Parts = Sequence[tuple[Count, Count]]
"""Tiles along a loop: how many, and the size of each."""


def _ends(extent: Count, size: Count) -> _Parts:
    """Full tiles, and the one at the edge; no tile, of size 0, where there is none."""
    return [(extent // size, size), (np.sign(extent % size), extent % size)]


def _sum_of_runs(groups: _Parts, others: _Parts, bits: Real, channel: Channel) -> Count:
    """Bursts of a run for each tile of groups x another loop."""
    total: Count = 0
    for group_tiles, group_size in groups:
        for tiles, size in others:
            total = total + group_tiles * tiles * bursts_of_run(group_size * size, bits, channel)
    return total


def _of_activation(
    groups: _Parts,
    channels: _Parts,
    all_groups: Count,
    all_channels: Count,
    bits: Real,
    channel: Channel,
    *,
    in_turn: bool = False,
) -> tuple[Count, Count]:
    """What rows of a plane count, and the bursts of a pixel, as `ChannelBursts` has them.

    In turn: channels are pixels of a plane, one after another, and groups its channels.
    """
    (_, group_size), (_, size) = groups[0], channels[0]
    is_plane = np.equal(all_channels, 1) if in_turn else np.asarray(True)  # else the channels are
    if channel.layout == "nchw":
        single = sum([tiles * bursts_of_run(size, bits, channel) for tiles, size in channels])
        return chosen(is_plane, all_groups * all_channels, 0), chosen(is_plane, 0, all_groups * single)
    covers = np.equal(group_size, all_groups)
    if not in_turn:
        covers = covers & np.equal(size, all_channels)
        return chosen(covers, 1, 0), chosen(covers, 0, _sum_of_runs(groups, channels, bits, channel))
    whole = sum([tiles * bursts_of_run(size * all_groups, bits, channel) for tiles, size in channels])
    in_part = all_channels * _sum_of_runs(groups, [(1, 1)], bits, channel)
    by_rows = covers & is_plane
    return chosen(by_rows, 1, 0), chosen(by_rows, 0, chosen(covers, whole, in_part))


def _of_weights(
    footprint: Footprint, layers: LoopNest[Count], tile: TileShape[Count], channel: Channel, part: Real
) -> Count:
    """Runs of all tiles; offsets come with those of the first input channels."""
    total: Count = 0
    inputs = _ends(layers.C, tile.c)
    for group_tiles, g in _ends(layers.G, tile.g):
        for output_tiles, k in _ends(layers.K, tile.k):
            for number, (input_tiles, c) in enumerate(inputs):
                shape = TileShape(1, g, k, c, 1, 1, tile.fy, tile.fx)
                plain = _bursts_of_bytes(footprint.weights(shape), channel, part)
                runs = input_tiles * plain
                if not number:
                    first = footprint.weights(shape) + footprint.biases(shape)
                    runs = runs - plain + _bursts_of_bytes(first, channel, part)
                total = total + group_tiles * output_tiles * runs
    return total


def plane_bursts(layer: Layer, rows: Ints, columns: Ints, bits: int, hardware: Hardware) -> PlaneBursts:
    """Of cuts of the output plane of a layer: R sizes along the rows x C along the columns, row by row.

    Args:
        layer: One layer.
        rows: Sizes of tiles, R.
        columns: Sizes of tiles, C.
        bits: Of an element.
        hardware: The machine.

    Returns:
        Columns of R C entries.
    """
    of_rows = np.array([_total_rows(row_axis(layer), size) for size in rows.tolist()])
    axis = column_axis(layer)
    bits_of = {
        operand: bits_outside(bits, coded_part(layer, operand, hardware))
        for operand in hardware.burst_channels
    }
    of_columns = np.array(
        [_row_bursts(layer, axis, size, bits_of, hardware.burst_channels) for size in columns.tolist()]
    )
    together = of_rows[:, np.newaxis] * of_columns  # R x C x what `PlaneBursts` has
    return PlaneBursts(*together.reshape(-1, len(PlaneBursts._fields)).T)


def _total_rows(axis: Axis, size: int) -> PlaneBursts:
    """Of tiles of one size: rows of all of them together, and of inputs a second time."""
    spans, arriving = axis.spans(size), axis._replace(once=True).spans(size)
    inputs = sum([span.tiles * span.inputs for span in spans])
    arriving_inputs = sum([span.tiles * span.inputs for span in arriving])
    stored = sum([span.tiles * span.stored for span in spans])
    return PlaneBursts(inputs, arriving_inputs, stored, axis.outputs, inputs)


def _row_bursts(
    layer: Layer,
    axis: Axis,
    size: int,
    bits_of: Mapping[Operand, Real],
    channels: Mapping[Operand, Channel],
) -> PlaneBursts:
    """Of tiles of one size: bursts of a row of all of them together, and its input pixels."""
    all_inputs, all_outputs = layer.G * (layer.C if layer.on_array else 1), layer.G * layer.K

    def total(operand: Operand, all_channels: int, extents: Sequence[tuple[int, int]]) -> int:
        channel = channels.get(operand)
        if channel is None:
            return 0
        elements, bits = 1 if channel.layout == "nchw" else all_channels, bits_of[operand]
        runs = [(tiles, bursts_of_run(extent * elements, bits, channel)) for tiles, extent in extents]
        return sum([tiles * int(bursts) for tiles, bursts in runs])

    spans, arriving = axis.spans(size), axis._replace(once=True).spans(size)
    return PlaneBursts(
        total(Operand.INPUTS, all_inputs, [(span.tiles, span.inputs) for span in spans]),
        total(Operand.INPUTS, all_inputs, [(span.tiles, span.inputs) for span in arriving]),
        total(Operand.OUTPUTS, all_outputs, [(span.tiles, span.stored) for span in spans]),
        total(Operand.RESIDUAL, all_outputs, [(span.tiles, span.size) for span in spans]),
        sum([span.tiles * span.inputs for span in spans]),
    )
