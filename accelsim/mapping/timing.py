"""The least time of mappings, many at once: what no simulation goes below, and most do not go above.

Each resource (the array, the vector unit, each channel, the descriptors of the DMA) takes the time of its
own work, and what has to come before and after that. What they wait for each other in between is left to the
simulation.
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from accelsim.columns import Count, Floats
from accelsim.hardware import Hardware, Operand
from accelsim.hardware.host import HOST
from accelsim.mapping.arithmetic import ceil_div, entries, times
from accelsim.mapping.hosting import host_of
from accelsim.mapping.space import Tiles
from accelsim.mapping.transfers import Streams, Transfers
from accelsim.mapping.whole import Whole

if TYPE_CHECKING:
    from accelsim.mapping.engine_times import EngineTimes

CYCLE_ROUNDING: Final = 1e-6
"""Cycles: sums of fractions of a cycle that are whole together differ by less."""


class VectorWork(NamedTuple):
    """What the vector unit takes."""

    cycles: Floats
    last_cycles: Count
    """For the last step; 0 where that is not known."""
    in_turn: bool = False
    """Whether it is what does the products, too, of a host, so that it does the one after the other."""


class Timing(NamedTuple):
    """What the time of mappings is made of, beside the work of the array."""

    streams: Sequence[Streams]
    """Of each channel that moves anything."""
    latency_steps: Count
    """Steps that load something, if inputs or weights come with each of them; 0 where that is not known."""
    each_step: frozenset[Operand]
    """The operands of which one at least comes with each of those steps."""
    vector: VectorWork
    engines: "EngineTimes | None" = None
    """What rules of their own add; None where the machine is plain."""

    def each(self, change: Callable[[Any], Any]) -> "Timing":
        """Every column changed in the same way, which leaves alone what is none."""
        streams = [streams.each(change) for streams in self.streams]
        vector = self.vector._replace(
            cycles=change(self.vector.cycles), last_cycles=change(self.vector.last_cycles)
        )
        engines = None if self.engines is None else self.engines.each(change)
        return Timing(streams, change(self.latency_steps), self.each_step, vector, engines)

    def least_cycles(self, array_cycles: Count, last_array_cycles: Count) -> Floats:
        """With an array that works for so long in all, and so long for the last step."""
        least = self._least_of_plain(array_cycles, last_array_cycles)
        if self.engines is None:
            return least
        finishing = last_array_cycles + self.vector.last_cycles
        busy = 0 if self.vector.in_turn else array_cycles
        of_engines = self.engines.least_cycles(busy, array_cycles + self.vector.cycles, finishing)
        return np.maximum(least, _whole(of_engines))

    def _least_of_plain(self, array_cycles: Count, last_array_cycles: Count) -> Floats:
        """Where whatever has what it needs goes on."""
        working = np.maximum(array_cycles + self.vector.last_cycles, self.vector.cycles)
        if self.vector.in_turn:
            # The array passes its steps on as soon as they are loaded: none is under way while it works.
            working, array_cycles = array_cycles + self.vector.cycles, 0
        finishing = last_array_cycles + self.vector.last_cycles
        if not self.streams:
            return _whole(np.maximum(working, finishing))
        first, *others = self.streams
        last_cycles = sum([streams.last_cycles for streams in others], first.last_cycles)
        # No more than prefetch + 1 steps are under way at a time, so of as many interleaved chains of steps,
        # each of which takes its steps one after the other, the longest takes no less than the average.
        chains = min([streams.channel.prefetch for streams in self.streams]) + 1
        cycles: Floats = np.asarray(0.0)
        for streams in self.streams:
            latency = streams.channel.latency_cycles
            on_chip = streams.first_cycles + working + last_cycles
            reads = streams.operands != _STORED
            reading = latency * reads + streams.read_cycles + (finishing + last_cycles)
            steps = self.latency_steps if streams.operands >= self.each_step else 0
            under_way = (steps * latency + streams.read_cycles + array_cycles) / chains
            moving = latency + streams.cycles
            of_channel = np.maximum(np.maximum(on_chip, reading), np.maximum(moving, under_way))
            cycles = of_channel if streams is first else np.maximum(cycles, of_channel)
        return _whole(cycles)


_STORED: Final = frozenset({Operand.OUTPUTS})


def _whole(cycles: Floats) -> Floats:
    least: Floats = np.ceil(cycles - CYCLE_ROUNDING)
    return least


def of_each_step(*, on_array: bool) -> frozenset[Operand]:
    """The operands of which one at least comes with each step of a layer, if any comes."""
    return _OF_ARRAY if on_array else _OF_VECTOR_UNIT


_OF_ARRAY: Final = frozenset({Operand.INPUTS, Operand.WEIGHTS})
_OF_VECTOR_UNIT: Final = frozenset({Operand.INPUTS})


def timing_of(whole: Whole, tiles: Tiles, moved: Transfers, hardware: Hardware) -> Timing:
    """Of tiles that move so much."""
    return timing_with(
        moved,
        times(tiles.tile_counts.total, whole.batch // tiles.shape.n),
        latency_steps(whole, tiles),
        vector_work(whole, tiles, hardware),
        hardware,
        on_array=tiles.layers.on_array,
    )


def timing_with(
    moved: Transfers,
    steps: Count,
    latency_steps: Count,
    vector: VectorWork,
    hardware: Hardware,
    *,
    on_array: bool,
) -> Timing:
    """Of mappings of so many steps that move so much."""
    each_step = of_each_step(on_array=on_array)
    if hardware.is_plain:
        return Timing(moved.streams, latency_steps, each_step, vector)
    from accelsim.mapping.engine_times import engine_times  # noqa: PLC0415 (few machines have such)

    engines = engine_times(moved, steps, latency_steps, each_step, hardware)
    return Timing(moved.streams, latency_steps, each_step, vector, engines)


def latency_steps(whole: Whole, tiles: Tiles) -> Count:
    """Steps of mappings, if inputs or weights come with each of them; 0 where that is not known."""
    steps = times(tiles.tile_counts.total, whole.batch // tiles.shape.n)
    return times(steps, entries(whole.every_window_reads, tiles.owner))


def vector_work(whole: Whole, tiles: Tiles, hardware: Hardware) -> VectorWork:
    """Each step takes whole cycles, as transfers do."""
    layers, owner, lanes, pooling = tiles.layers, tiles.owner, hardware.vector_lanes, tiles.layers.pooling
    total, batch = entries(whole.vector_ops, owner), whole.batch
    if HOST in hardware.pe_array.dataflows:
        return _host_work(tiles, batch, hardware, total)
    if not tiles.exist:
        return VectorWork(np.asarray(ceil_div(total, lanes)), 0)
    shape, last = tiles.shape, tiles.last
    ops = entries(layers.vector_ops + sum(operator.vector_ops for operator in layers.fused), owner)
    elements = entries(layers.output_elements, owner)
    last_ops = ceil_div(ops * (last.g * last.k * last.pixels), elements)
    if pooling is not None:
        window = entries(pooling.FY * pooling.FX, owner)
        last_ops = last_ops + last.n * last.g * last.k * tiles.plane.last_stored * window
        return VectorWork(np.asarray(ceil_div(total, lanes)), ceil_div(last_ops, lanes))
    full = times(tiles.full_outputs, batch // shape.n)
    of_each = ops * (shape.g * shape.k * shape.pixels)
    added = ceil_div(of_each, elements * lanes) - of_each / (elements * lanes)
    return VectorWork(np.ceil(total / lanes + full * added - CYCLE_ROUNDING), ceil_div(last_ops, lanes))


def _host_work(tiles: Tiles, batch: int, hardware: Hardware, ops: Count) -> VectorWork:
    """What a host takes beside products; that each step takes whole cycles is left to the simulation."""
    busy_cycles = ops / hardware.vector_lanes - CYCLE_ROUNDING
    tile_cycles = host_of(hardware).cycles_per_tile * tiles.tile_counts.total * batch
    return VectorWork(np.asarray(np.ceil(busy_cycles) + tile_cycles), 0, in_turn=True)
