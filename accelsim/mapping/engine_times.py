"""The least time of mappings where engines have rules of their own: what control and stops add to the rest.

What is left out is left to the simulation: no bound here is above it.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from accelsim.columns import Count, Floats
from accelsim.hardware.control import Control
from accelsim.hardware.machine import Hardware
from accelsim.hardware.memory import STORED
from accelsim.hardware.operand import Operand
from accelsim.mapping.transfers import Streams, Transfers


class EngineTimes(NamedTuple):
    """Of mappings on such a machine."""

    control: Control | None
    steps: Count
    """At least."""
    stopping_cycles: Floats
    """In which a channel streams what stops the array: that with most of it."""
    loading_cycles: Floats
    """Of all steps together, from when each is asked for until its operands of one channel are there."""
    storing_cycles: Floats
    """In which channels stream what steps store."""

    def each(self, change: Callable[[Any], Any]) -> "EngineTimes":
        """Every column changed in the same way."""
        control, *columns = self
        return EngineTimes(control, *map(change, columns))

    def least_cycles(self, array_cycles: Count, working_cycles: Count | Floats, finishing: Count) -> Floats:
        """With an array that is busy for so long, and units that work so long on all steps together and so
        long on the last.
        """
        least: Floats = np.asarray(array_cycles + self.stopping_cycles)
        control = self.control
        if control is None:
            return least
        turns = control.cycles_per_layer + (self.steps - 1) * control.cycles_per_tile
        least = np.maximum(least, turns + finishing)
        if control.tiles_in_flight is None:
            return least
        # Of as many interleaved chains of steps, in each of which a step is handed over when the one before
        # it is seen to be done, the longest takes no less than the average.
        seen = control.completion_cycles * np.maximum(self.steps - control.tiles_in_flight, 0)
        in_turn = self.loading_cycles + working_cycles + self.storing_cycles + seen
        of_chains: Floats = control.cycles_per_layer + in_turn / control.tiles_in_flight
        return np.maximum(least, of_chains)


def engine_times(
    moved: Transfers, steps: Count, latency_steps: Count, each_step: frozenset[Operand], hardware: Hardware
) -> EngineTimes:
    """Of mappings of so many steps, of which so many load something, if these operands come with each."""
    loading = storing = np.asarray(0.0)
    for streams in moved.streams:
        steps_that_wait = latency_steps if streams.operands >= each_step else 0
        of_channel = streams.read_cycles + streams.channel.latency_cycles * steps_that_wait
        loading = np.maximum(loading, of_channel)
        storing = storing + (streams.cycles - streams.read_cycles)
    return EngineTimes(
        hardware.control, steps, _stopping_cycles(moved, moved.streams, hardware), loading, storing
    )


def _stopping_cycles(moved: Transfers, streams: Sequence[Streams], hardware: Hardware) -> Floats:
    stopping = frozenset([operand for memory in hardware.on_chip for operand in memory.stops_array])
    most = np.asarray(0.0)
    for of_channel in streams:
        size: Count = 0
        for operand in of_channel.operands & stopping:
            if operand in STORED:
                size = size + moved.written.get(operand, 0) + moved.masked.get(operand, 0)
            else:
                size = size + moved.read.get(operand, 0) + moved.overfetched.get(operand, 0)
        most = np.maximum(most, np.divide(size, of_channel.channel.bytes_per_cycle))
    return most
