"""What mappings move between memories off chip and on chip, many at once: bytes, and cycles of channels.

Each transfer takes whole cycles. What that adds is counted for tiles that are alike, which are all but those
at the edges; of the others the bytes are added up, which may be a cycle too few for each. So the cycles are a
lower bound, and of most mappings exact.
"""

from collections.abc import Callable, Mapping, Sequence, Set
from functools import reduce
from itertools import chain
from operator import add
from typing import Final, NamedTuple, Self

import numpy as np

from accelsim.columns import Count, Flags, Floats, Real
from accelsim.hardware.machine import Hardware
from accelsim.hardware.memory import Channel
from accelsim.hardware.operand import Operand
from accelsim.mapping.arithmetic import chosen, entries, larger, times
from accelsim.mapping.banks import brought_anew
from accelsim.mapping.bursts import bursts_of_arriving, bursts_of_tiles, bytes_outside, coded_part
from accelsim.mapping.costs import NOTHING
from accelsim.mapping.mapping import ALL_OPERANDS
from accelsim.mapping.space import Nesting, Tiles
from accelsim.mapping.tile import whole_image
from accelsim.mapping.whole import Whole
from accelsim.network.layer import LoopNest


class Streams(NamedTuple):
    """What one channel streams, of each mapping."""

    channel: Channel
    operands: frozenset[Operand]
    """That it moves."""
    read_cycles: Floats
    """In which it streams what is read, at least."""
    cycles: Floats
    """What is read and stored."""
    first_cycles: Floats
    """Of the first step's operands, the latency included."""
    last_cycles: Floats
    """Of what the last step stores, the latency included; 0 where it may store nothing."""

    def each(self, change: Callable[[Floats], Floats]) -> "Streams":
        """Every column changed in the same way."""
        channel, operands, *columns = self
        return Streams(channel, operands, *map(change, columns))

    @classmethod
    def together(cls, parts: Sequence["Streams"]) -> "Streams":
        """Those of different operands of the same mappings, over one channel; latencies overlap."""
        channel, *_ = [part.channel for part in parts]
        read_cycles = cycles = streams = last_cycles = np.asarray(0.0)
        for part in parts:
            read_cycles, cycles = read_cycles + part.read_cycles, cycles + part.cycles
            streams = streams + np.maximum(part.first_cycles - channel.latency_cycles, 0)
            last_cycles = last_cycles + part.last_cycles
        operands = frozenset[Operand]().union(*[part.operands for part in parts])
        first_cycles = streams + channel.latency_cycles * np.greater(streams, 0)
        return cls(channel, operands, read_cycles, cycles, first_cycles, last_cycles)


class MovedBytes(NamedTuple):
    """Between memories off chip and those on chip, of each mapping; 0 of an operand that does not move."""

    loaded: Mapping[Operand, Count]
    stored: Mapping[Operand, Count]


class Transfers(NamedTuple):
    """Between memories off chip and those on chip, of each mapping."""

    loaded: Mapping[Operand, Count]
    """Bytes that are read, and bytes that are stored."""
    stored: Mapping[Operand, Count]
    streams: Sequence[Streams]
    """Of each channel that moves anything."""
    overfetched: Mapping[Operand, Count] = NOTHING
    """Bytes that are read beside those, since whole bursts are; nothing where there are no bursts."""
    masked: Mapping[Operand, Count] = NOTHING
    """Bytes of bursts that are stored, beside what changes."""
    outside: MovedBytes | None = None
    """What is read and stored as it lies outside, where any of it is coded there; None: it is the same."""

    @property
    def read(self) -> Mapping[Operand, Count]:
        """Bytes of what is read, as they lie outside."""
        return self.loaded if self.outside is None else self.outside.loaded

    @property
    def written(self) -> Mapping[Operand, Count]:
        """Bytes of what is stored, as they lie outside."""
        return self.stored if self.outside is None else self.outside.stored


def together(parts: Sequence[Transfers]) -> Transfers:
    """The transfers of different operands of the same mappings as one."""
    loaded: dict[Operand, Count] = {}
    stored: dict[Operand, Count] = {}
    read: dict[Operand, Count] = {}
    written: dict[Operand, Count] = {}
    overfetched: dict[Operand, Count] = {}
    masked: dict[Operand, Count] = {}
    by_channel: dict[Channel, list[Streams]] = {}
    for part in parts:
        loaded |= {operand: loaded.get(operand, 0) + size for operand, size in part.loaded.items()}
        stored |= {operand: stored.get(operand, 0) + size for operand, size in part.stored.items()}
        if part.outside is not None:
            read |= {operand: read.get(operand, 0) + size for operand, size in part.read.items()}
            written |= {operand: written.get(operand, 0) + size for operand, size in part.written.items()}
        overfetched |= {
            operand: overfetched.get(operand, 0) + size for operand, size in part.overfetched.items()
        }
        masked |= {operand: masked.get(operand, 0) + size for operand, size in part.masked.items()}
        for streams in part.streams:
            by_channel.setdefault(streams.channel, []).append(streams)
    of_channels = list(map(Streams.together, by_channel.values()))
    outside = MovedBytes(read, written) if read or written else None
    return Transfers(loaded, stored, of_channels, overfetched, masked, outside)


class Stay(NamedTuple):
    """Whether operands stay on chip, and so come once, while a loop passes on which they do not depend."""

    inputs: Flags
    weights: Flags

    @classmethod
    def in_order(cls, tiles: Tiles, nesting: Nesting) -> Self:
        """Those of tiles in a loop order: they stay if no loop inside that loop moves them."""
        channels, plane = tiles.channels, tiles.plane
        outer = nesting.filters_in_pixels
        all_inputs, all_outputs = np.equal(channels.c_tiles, 1), np.equal(channels.k_tiles, 1)
        return cls(
            (all_inputs | nesting.filters_in_channels) & (outer | np.equal(plane.tiles, 1)),
            (all_inputs | nesting.pixels_in_channels) & (np.logical_not(outer) | all_outputs),
        )


class Reads(NamedTuple):
    """How often the operands of each tile come, for the whole batch."""

    inputs: Count
    """Of each tile of inputs."""
    weights: Count

    @classmethod
    def of(cls, tiles: Tiles, stay: Stay, batch: int, hardware: Hardware) -> Self:
        """What stays comes once, what does not with each turn of the loop; what is brought anew, with each
        step.
        """
        channels, plane, turns = tiles.channels, tiles.plane, batch // tiles.shape.n
        if anew := brought_anew(hardware):
            inputs = channels.k_tiles if Operand.INPUTS in anew else chosen(stay.inputs, 1, channels.k_tiles)
            return cls(times(inputs, turns), times(plane.tiles, turns))
        weights = chosen(stay.weights, 1, plane.tiles)
        if turns > 1:
            single = np.equal(channels.c_tiles, 1) & np.equal(channels.k_tiles, 1)
            weights = weights * chosen(single & np.equal(channels.g_tiles, 1), 1, turns)
        return cls(times(chosen(stay.inputs, 1, channels.k_tiles), turns), weights)


def moved_bytes(
    whole: Whole, tiles: Tiles, reads: Reads, moved: frozenset[Operand] = ALL_OPERANDS
) -> MovedBytes:
    """What is moved of those operands that come from outside or go there."""
    owner, plane, turns = tiles.owner, tiles.plane, whole.batch // tiles.shape.n
    loaded: dict[Operand, Count] = dict.fromkeys((Operand.INPUTS, Operand.RESIDUAL, Operand.WEIGHTS), 0)
    if Operand.INPUTS in moved:
        loaded[Operand.INPUTS] = plane.input_bytes * reads.inputs
    if Operand.RESIDUAL in moved:
        loaded[Operand.RESIDUAL] = times(plane.residual_bytes, turns)
    if Operand.WEIGHTS in moved:
        loaded[Operand.WEIGHTS] = entries(whole.weight_bytes, owner) * reads.weights
    stored_bytes = entries(whole.stored_bytes, owner) if Operand.OUTPUTS in moved else 0
    return MovedBytes(loaded, {Operand.OUTPUTS: stored_bytes})


def transfers(
    whole: Whole,
    tiles: Tiles,
    reads: Reads,
    hardware: Hardware,
    moved: frozenset[Operand] = ALL_OPERANDS,
) -> Transfers:
    """Transfers of tiles, of those operands that come from outside or go there."""
    channels, layers, batch = hardware.channels, whole.layers, whole.batch
    loaded, stored = moved_bytes(whole, tiles, reads, moved)
    if hardware.burst_channels or layers.coded is not None:
        return _in_bursts(whole, tiles, reads, hardware, MovedBytes(loaded, stored), moved)
    if len(channels) == 1 and moved <= channels[0].operands:
        read_bytes = loaded[Operand.INPUTS] + loaded[Operand.RESIDUAL] + loaded[Operand.WEIGHTS]
        stored_bytes = stored[Operand.OUTPUTS]
        streams = [_streams(tiles, channels[0], moved, reads, read_bytes, stored_bytes, batch)]
        return Transfers(loaded, stored, streams)
    streams = []
    for channel in channels:
        operands = moved & channel.operands
        if operands and (layers.on_array or operands != _WEIGHTS):
            read_bytes = sum([loaded[operand] for operand in loaded if operand in operands])
            stored_bytes = sum([stored[operand] for operand in stored if operand in operands])
            streams.append(_streams(tiles, channel, operands, reads, read_bytes, stored_bytes, batch))
    return Transfers(loaded, stored, streams)


def _in_bursts(
    whole: Whole,
    tiles: Tiles,
    reads: Reads,
    hardware: Hardware,
    of_use: MovedBytes,
    moved: frozenset[Operand],
) -> Transfers:
    """The transfers of tiles where some channels move whole bursts, or memories hold something coded."""
    layers, batch = whole.layers, whole.batch
    parts = _coded_parts(layers, tiles, hardware)
    outside = of_use
    if parts:
        outside = MovedBytes(*(_as_they_lie(sizes, parts) for sizes in (of_use.loaded, of_use.stored)))
    bursts: Mapping[Operand, Count] = NOTHING
    if hardware.burst_channels:
        bursts = bursts_of_tiles(layers, tiles, reads.inputs * tiles.shape.n, reads.weights, batch)
    overfetched, masked = (
        {
            operand: larger(channel.burst_bytes * bursts[operand] - sizes[operand], 0)
            for operand, channel in hardware.burst_channels.items()
            if operand in moved and operand in sizes and (layers.on_array or operand != Operand.WEIGHTS)
        }
        for sizes in outside
    )
    streams = []
    for channel in hardware.channels:
        operands = moved & (channel.operands or moved)
        if operands and (layers.on_array or operands != _WEIGHTS):
            read_bytes, stored_bytes = (
                sum([size for operand, size in chain(sizes.items(), more.items()) if operand in operands])
                for sizes, more in zip(outside, (overfetched, masked), strict=True)
            )
            streams.append(_streams(tiles, channel, operands, reads, read_bytes, stored_bytes, batch, parts))
    return Transfers(*of_use, streams, overfetched, masked, None if outside is of_use else outside)


def _coded_parts(layers: LoopNest[Count], tiles: Tiles, hardware: Hardware) -> Mapping[Operand, Real]:
    """What operands of tiles take outside for each byte; none where all lie there as they are."""
    if layers.coded is None:
        return NOTHING
    return {
        operand: entries(coded_part(layers, operand, hardware), tiles.owner)
        for operand in hardware.compress_of
    }


def _as_they_lie(sizes: Mapping[Operand, Count], parts: Mapping[Operand, Real]) -> dict[Operand, Count]:
    """Bytes of operands, as they lie outside."""
    return {operand: bytes_outside(size, parts.get(operand, 1)) for operand, size in sizes.items()}


def arriving_inputs(whole: Whole, tiles: Tiles, hardware: Hardware) -> Transfers:
    """Transfers of inputs that come once, all of them, to a place where they stay."""
    layers, batch = whole.layers, whole.batch
    whole_bytes = whole.footprint.inputs(whole_image(layers), layers.IY, layers.IX) * batch
    loaded = entries(whole_bytes, tiles.owner)
    (channel,) = [channel for channel in hardware.channels if Operand.INPUTS in channel.operands]
    parts = _coded_parts(layers, tiles, hardware)
    read = bytes_outside(loaded, parts.get(Operand.INPUTS, 1))
    overfetched: Mapping[Operand, Count] = NOTHING
    if channel.burst_bytes > 1:
        bursts_bytes = channel.burst_bytes * bursts_of_arriving(layers, tiles, batch)
        overfetched = {Operand.INPUTS: larger(bursts_bytes - read, 0)}
    cycles = np.divide(read + overfetched.get(Operand.INPUTS, 0), channel.bytes_per_cycle)
    first_and_last = _first_and_last(tiles, channel, _INPUTS, parts)
    streams = Streams(channel, _INPUTS, cycles, cycles, *first_and_last)
    nothing_else = {Operand.RESIDUAL: 0, Operand.WEIGHTS: 0}
    of_use = MovedBytes({Operand.INPUTS: loaded, **nothing_else}, {Operand.OUTPUTS: 0})
    outside = MovedBytes(_as_they_lie(of_use.loaded, parts), of_use.stored) if parts else None
    return Transfers(*of_use, [streams], overfetched, outside=outside)


_INPUTS: Final = frozenset({Operand.INPUTS})
_WEIGHTS: Final = frozenset({Operand.WEIGHTS})


def _streams(
    tiles: Tiles,
    channel: Channel,
    moved: frozenset[Operand],
    reads: Reads,
    read_bytes: Count,
    stored_bytes: Count,
    batch: int,
    parts: Mapping[Operand, Real] = NOTHING,
) -> Streams:
    """What one channel streams, of operands that it moves; their bytes for all tiles together."""
    read_cycles, stored_cycles = (
        np.divide(size, channel.bytes_per_cycle) for size in (read_bytes, stored_bytes)
    )
    first_cycles, last_cycles = _first_and_last(tiles, channel, moved, parts)
    if tiles.exist and channel.burst_bytes == 1 and not parts:  # bursts mostly take whole cycles
        rounded = _Rounded(tiles.layers, tiles, channel.bytes_per_cycle)
        read_cycles = read_cycles + rounded.of_reads(reads, batch, moved)
        if Operand.OUTPUTS in moved:
            stored_cycles = stored_cycles + rounded.of_stores(batch)
    return Streams(channel, moved, read_cycles, read_cycles + stored_cycles, first_cycles, last_cycles)


def _first_and_last(
    tiles: Tiles, channel: Channel, moved: Set[Operand], parts: Mapping[Operand, Real]
) -> tuple[Floats, Floats]:
    """Cycles until the first step has its operands, and in which the last step's outputs are stored."""
    shape, footprint = tiles.shape, tiles.footprint

    def cycles(sizes: Mapping[Operand, Count]) -> Floats:
        moving = [
            bytes_outside(size, parts.get(operand, 1)) if parts else size
            for operand, size in sizes.items()
            if operand in moved
        ]
        streams = [np.ceil(np.divide(size, channel.bytes_per_cycle)) for size in moving]
        if not streams:
            return np.asarray(0.0)
        streamed = reduce(add, streams)
        first_to_last: Floats = streamed + channel.latency_cycles * np.greater(streamed, 0)
        return first_to_last

    weights = tiles.channels.weight_bytes + footprint.biases(shape)
    inputs = footprint.inputs(shape, tiles.plane.first_inputs, 1)
    loaded = {Operand.WEIGHTS: weights, Operand.INPUTS: inputs}
    if not tiles.exist:
        return cycles(loaded), np.asarray(0.0)
    residual = footprint.residual(shape) * np.equal(tiles.channels.c_tiles, 1)
    stored = footprint.stored(tiles.last, tiles.plane.last_stored, 1)
    return cycles(loaded | {Operand.RESIDUAL: residual}), cycles({Operand.OUTPUTS: stored})


class _Rounded(NamedTuple):
    """Cycles that rounding up adds to the transfers of tiles which are not at an edge."""

    layers: LoopNest[Count]
    """Stacked."""
    tiles: Tiles
    bandwidth: float

    def of_reads(self, reads: Reads, batch: int, moved: Set[Operand]) -> Floats:
        """Of inputs, weights and residuals."""
        tiles, shape, footprint = self.tiles, self.tiles.shape, self.tiles.footprint
        added: Floats = np.asarray(0.0)
        if Operand.INPUTS in moved:
            inputs = tiles.full_groups * tiles.full_depth * tiles.plane.inner_tiles * reads.inputs
            added = inputs * self._added(footprint.inputs(shape, tiles.plane.inner_inputs, 1))
        if self.layers.on_array and Operand.WEIGHTS in moved:
            weights, biases = tiles.channels.weight_bytes, footprint.biases(shape)
            resumed = (tiles.full_depth - 1) * self._added(weights)
            added = added + tiles.full_channels * reads.weights * (self._added(weights + biases) + resumed)
        residual = footprint.residual(shape)
        if Operand.RESIDUAL not in moved or (isinstance(residual, int) and not residual):
            return added
        return added + times(self.tiles.full_outputs, batch // shape.n) * self._added(residual)

    def of_stores(self, batch: int) -> Floats:
        """Of outputs; where pooling follows, tiles store unequal parts of the result: not looked at."""
        shape, pooling = self.tiles.shape, self.layers.pooling
        stored_bytes = self.tiles.footprint.stored(shape, shape.y, shape.x)
        added = times(self.tiles.full_outputs, batch // shape.n) * self._added(stored_bytes)
        if pooling is None:
            return added
        unpooled: Floats = added * np.equal(entries(pooling.FY, self.tiles.owner), 0)
        return unpooled

    def _added(self, size_bytes: Count) -> Floats:
        cycles = size_bytes / self.bandwidth
        added: Floats = np.ceil(cycles - 1e-9) - cycles
        return added
