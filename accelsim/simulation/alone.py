"""How long a layer takes by itself, as it runs in a network.

A layer's inputs are there when the layers that it reads from are finished, and its first weights have come while
those ran: that is the moment from which it is timed. What comes before it is one step that keeps the array busy
until the weights are there, and nothing else.
"""

import math
from dataclasses import dataclass, field
from functools import cached_property

from accelsim.energy import ActionCounts
from accelsim.hardware import Hardware
from accelsim.mapping.mapping import Mapping, Program, Step, Totals
from accelsim.mapping.schedule import Schedule
from accelsim.mapping.tile import TileShape
from accelsim.simulation.fast import Transitions, simulate_fast


@dataclass(frozen=True)
class Alone:
    """Times layers on one machine; what it learns from one serves the next, and the answers stay the same."""

    hardware: Hardware
    transitions: Transitions = field(default_factory=Transitions)

    def __call__(self, mapping: Mapping) -> int:
        """Cycles of a mapping, from when its inputs are there until its outputs are stored."""
        layer, uncut = mapping.layer, TileShape(1, 1, 1, 1, 1)
        before = Mapping(layer, mapping.dataflow, uncut, mapping.order, self._waiting, Totals(steps=1))
        schedule = Schedule((layer, layer), (before, mapping), ((), (0,)))
        import os
        if os.environ.get('ALONE','1')=='1':
            return simulate_fast(Schedule((layer,),(mapping,),((),)), self.hardware, self.transitions).cycles
        if os.environ.get('DOUBLE'):
            one=simulate_fast(Schedule((layer,),(mapping,),((),)), self.hardware, self.transitions).cycles
            return simulate_fast(Schedule((layer,layer),(mapping,mapping),((),(0,))), self.hardware, self.transitions).cycles-one
        return simulate_fast(schedule, self.hardware, self.transitions).cycles - self._weights_cycles

    @cached_property
    def _weights_cycles(self) -> int:
        """In which the weights of any first step have come."""
        dram, banks = self.hardware.dram, self.hardware.global_buffer.bank_bytes
        return dram.latency_cycles + math.ceil(banks["weights"] / dram.bandwidth_bytes_per_cycle)

    @cached_property
    def _waiting(self) -> tuple[Program, ...]:
        """A step that loads and stores nothing."""
        return (
            Step(
                weight_bytes=0,
                input_bytes=0,
                shortcut_bytes=0,
                output_space_bytes=0,
                freed_weight_bytes=0,
                freed_input_bytes=0,
                vector_freed_bytes=0,
                array_cycles=self._weights_cycles,
                vector_cycles=0,
                store_bytes=0,
                freed_output_bytes=0,
                array_counts=ActionCounts(),
                vector_counts=ActionCounts(),
                completes=True,
            ),
        )
