"""What the processes of one simulation share: the clock, the components, and who reports to whom."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

import simpy

from accelsim.hardware.counts import ActionCounts
from accelsim.hardware.machine import Hardware
from accelsim.hardware.operand import Operand
from accelsim.mapping.mapping import Step
from accelsim.mapping.schedule import Schedule
from accelsim.simulation.activity import Busy, Component, Recorder
from accelsim.simulation.banks import Banks
from accelsim.simulation.control import Turns
from accelsim.simulation.dram import DRAMChannel
from accelsim.simulation.entry import Entry
from accelsim.simulation.standstill import Standstill
from accelsim.simulation.stops import Stops


@dataclass(frozen=True, slots=True)
class EventTask:
    """One step of one layer on its way through the machine."""

    layer: int
    index: int
    step: Step
    last: bool
    """Whether it is the layer's last."""
    loaded: Sequence[tuple[Operand, simpy.Event]]
    """Its room in the pool, which counts as outputs; its transfers from off chip in the order in which they
    were asked for; and of a layer that begins without inputs, the ends of those that it reads from. The value
    of each event is the cycle in which it happens."""


@dataclass(frozen=True)
class Machine:
    """The components of one simulation."""

    env: simpy.Environment
    hardware: Hardware
    schedule: Schedule
    channels: Sequence[Mapping[Operand, DRAMChannel]]
    """Of each layer: those of the memories that are its operands' homes."""
    banks: Banks
    entries: Sequence[Entry]
    """Of each layer: what it brings."""
    descriptors: simpy.Container
    """Free ones, of the memory that has most; a step holds one from its first request until the array takes
    it up."""
    to_array: simpy.Store
    to_vector: simpy.Store
    to_host: simpy.Store
    unstored: list[int]
    """Of each layer: steps whose outputs have yet to be stored, the last step included from the beginning."""
    finished: Sequence[simpy.Event]
    """Of each layer: all its outputs are in DRAM."""
    recorder: Recorder
    standstill: Standstill
    turns: Turns | None
    """Of steps, where somebody hands them over; None where the DMA takes them up by itself."""
    stops: Stops
    """Of the array, for what moves only while it stands."""

    @property
    def pooled(self) -> Collection[Operand]:
        """What lies in the pool, if there is one."""
        pool = self.hardware.pool
        return () if pool is None else pool.operands

    @property
    def stopping(self) -> Collection[Operand]:
        """What moves only while the array stands."""
        return [operand for memory in self.hardware.on_chip for operand in memory.stops_array]

    @property
    def now(self) -> int:
        """The current cycle."""
        return int(self.env.now)

    def steps(self) -> Iterator[tuple[int, int, Step, bool]]:
        """(layer, index, step, whether it is the layer's last) of the whole schedule."""
        for layer, mapping in enumerate(self.schedule.mappings):
            last = mapping.totals.steps - 1
            for index, step in enumerate(mapping.steps()):
                yield layer, index, step, index == last

    def ended(self, task: EventTask) -> None:
        """A step has been executed, and what it stores is stored."""
        if self.turns is not None:
            self.turns.end(task.layer, task.index)

    def worked(
        self,
        component: Component,
        task: EventTask,
        start: int,
        counts: ActionCounts[int],
        operand: Operand | None = None,
        channel: str | None = None,
        size_bytes: int = 0,
        request_cycle: int | None = None,
    ) -> None:
        """A component has just finished a piece of work."""
        busy = Busy(
            component, task.layer, task.index, start, self.now, operand, channel, size_bytes, request_cycle
        )
        self.recorder.worked(busy, counts)
