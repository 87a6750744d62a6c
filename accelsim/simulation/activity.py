"""What was observed: who was busy when and for which layer, and what happened how often. No prices."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal, NamedTuple

from accelsim.hardware.counts import ActionCounts, weighted_sum
from accelsim.hardware.operand import Operand

Component = Literal["dram", "array", "vector", "host"]
"""What can be busy: a channel of a memory off chip, the array, the vector unit, the host."""
Resource = Literal["descriptor", "room", "producer", "control"]
"""What the DMA may lack: a free descriptor, room in a bank, the results of layers that a layer reads, or that
a step is handed over to it."""


_NONE: Final[Mapping[str, int]] = {}


class Busy(NamedTuple):
    """One component at work for one step of one layer, from `start` until `end`, in cycles.

    Attributes:
        component: Which.
        layer: Its number in the schedule.
        step: Its number in the layer.
        start: The first cycle.
        end: The cycle after the last.
        bytes: What a transfer moves.

    Example:
        >>> busy = Busy("array", layer=0, step=3, start=100, end=164)
        >>> busy.end - busy.start
        64
    """

    component: Component
    layer: int
    step: int
    start: int
    end: int
    operand: Operand | None = None
    """What a transfer moves; None of array and vector unit."""
    memory: str | None = None
    """Off chip, over whose channel a transfer goes; `dram.read` or `dram.write` of one with two."""
    bytes: int = 0
    request_cycle: int | None = None
    """When a transfer was asked for; it starts after the latency, when the channel is free."""


class Wait(NamedTuple):
    """The DMA could not ask for the next operand of a step, from `start` until `end`, in cycles.

    Attributes:
        resource: What was lacking.
        layer: Its number in the schedule.
        step: Its number in the layer.
        start: The first cycle.
        end: The cycle after the last.

    Example:
        >>> Wait("room", layer=0, step=3, start=100, end=164, bank="weights").bank
        'weights'
    """

    resource: Resource
    layer: int
    step: int
    start: int
    end: int
    bank: str | None = None
    """The one without room."""


class Occupancy(NamedTuple):
    """What a bank on chip holds from the end of a cycle until the next entry of that bank.

    Attributes:
        cycle: From whose end on.
        bank: Its name.
        bytes: What it holds.

    Example:
        >>> Occupancy(cycle=100, bank="weights", bytes=4096).bytes
        4096
    """

    cycle: int
    bank: str
    bytes: int
    tensor_bytes: int = 0
    """Of them, those of tensors that stay from layer to layer; the others are tiles."""


class LayerActivity(NamedTuple):
    """What a layer did, for all images.

    Attributes:
        cycles: By which it moves the finish: its end less that of all that ended before it, or 0; of images
            in turn, the sum.
        dram_busy_cycles: In which the channel streamed for it; of several, the busiest.
        array_busy_cycles: In which the array executed it.
        vector_busy_cycles: In which the vector unit finished it.
        counts: What happened how often.

    Example:
        >>> from accelsim.run import plan_run
        >>> from accelsim.simulation import simulate
        >>> plan = plan_run("squeezenet_v1_1", "16x16_128k")
        >>> first, *_ = simulate(plan.schedule, plan.hardware).layers
        >>> first.start_cycle, first.array_busy_cycles <= first.end_cycle
        (0, True)
    """

    start_cycle: int
    """Its first request to DRAM; if it reads nothing there, when the array was told of its first step."""
    end_cycle: int
    """Its last output has reached DRAM."""
    cycles: int
    dram_busy_cycles: int
    array_busy_cycles: int
    vector_busy_cycles: int
    counts: ActionCounts[int]
    waiting_cycles: Mapping[Operand, int]
    """Cycles in which nothing was executed because of one of its steps, by what that step still lacked first:
    an operand that had not come, or `outputs` where there was no room, for them or for all of a step that
    takes its room in a pool, where its turn had not come, or where something moved that stops the array. None
    of them is 0."""
    busy_cycles_by_memory: Mapping[str, int] = _NONE
    """In which each of several channels streamed for it, by the memory off chip, or `dram.read` and
    `dram.write` of one with two; empty where there is one."""
    host_busy_cycles: int = 0
    """In which the host executed it."""


@dataclass(frozen=True)
class Activity:
    """What a machine did for a schedule.

    Attributes:
        layers: What each layer did, in the order of the schedule.

    Example:
        >>> from accelsim.run import plan_run
        >>> from accelsim.simulation import simulate
        >>> plan = plan_run("squeezenet_v1_1", "16x16_128k")
        >>> activity = simulate(plan.schedule, plan.hardware)
        >>> activity.cycles == activity.layers[-1].end_cycle
        True
    """

    layers: tuple[LayerActivity, ...]
    peak_bank_bytes: dict[str, int]
    """The most that each bank of the memories on chip held at any time."""
    peak_memory_bytes: dict[str, int]
    """The most that the banks of each memory on chip held at the same time."""
    peak_global_buffer_bytes: int
    """The most that all banks of tiles held at the same time."""
    timeline: tuple[Busy, ...] = field(repr=False, default=())
    """Every interval, in the order in which they ended, also where something happened in no time; empty
    unless asked for."""
    waits: tuple[Wait, ...] = field(repr=False, default=())
    """What the DMA waited for, in order; empty unless the timeline was asked for."""
    occupancy: tuple[Occupancy, ...] = field(repr=False, default=())
    """Every change of a bank's contents, in order; empty unless the timeline was asked for."""
    executed: tuple[LayerActivity, ...] = field(repr=False, default=())
    """What each layer did for each of several images in turn, one image after the other, by which the layers
    of the timeline and of waits are numbered; empty unless the timeline was asked for."""

    @property
    def cycles(self) -> int:
        """When everything is done."""
        return max((layer.end_cycle for layer in self.layers), default=0)

    @property
    def counts(self) -> ActionCounts[int]:
        """Sum over the layers."""
        return weighted_sum([layer.counts for layer in self.layers], [1] * len(self.layers))


def moved_finish(end_cycles: Iterable[int], finish_cycle: int = 0) -> list[int]:
    """By how much each of successive layers moves the finish, where all before them ended by a cycle."""
    moved = []
    for end_cycle in end_cycles:
        moved.append(max(end_cycle - finish_cycle, 0))
        finish_cycle += moved[-1]
    return moved


class Recorder:
    """Collects what the components report, layer by layer."""

    def __init__(self, layers: int, channels: Sequence[str], *, keep_timeline: bool) -> None:
        self._start: list[int | None] = [None] * layers
        self._end = [0] * layers
        self._busy: dict[Component, list[int]] = {name: [0] * layers for name in ("array", "vector", "host")}
        self._streamed = {channel: [0] * layers for channel in channels}
        self._counts = [ActionCounts()] * layers
        self._timeline: list[Busy] | None = [] if keep_timeline else None
        self._waits: list[Wait] = []

    def begins(self, layer: int, cycle: int) -> None:
        """The layer asks for its first byte, or hands over a step without doing so."""
        if self._start[layer] is None:
            self._start[layer] = cycle

    def worked(self, busy: Busy, counts: ActionCounts[int]) -> None:
        """A component finished a piece of work."""
        of_layers = self._busy[busy.component] if busy.memory is None else self._streamed[busy.memory]
        of_layers[busy.layer] += busy.end - busy.start
        self._counts[busy.layer] = self._counts[busy.layer] + counts
        self._end[busy.layer] = max(self._end[busy.layer], busy.end)
        if self._timeline is not None and (busy.end > busy.start or counts != ActionCounts()):
            self._timeline.append(busy)

    def waited(self, wait: Wait) -> None:
        """The DMA may go on."""
        if self._timeline is not None and wait.end > wait.start:
            self._waits.append(wait)

    def layers(self, waiting_cycles: Sequence[Mapping[Operand, int]]) -> tuple[LayerActivity, ...]:
        """What each layer did; how long nothing was executed because of it is known to `Standstill`."""
        by_memory = [
            dict(zip(self._streamed, cycles, strict=True))
            for cycles in zip(*self._streamed.values(), strict=True)
        ]
        return tuple(
            LayerActivity(
                start or 0,
                end,
                cycles,
                max(streamed.values()),
                array,
                vector,
                counts,
                waiting,
                streamed if len(streamed) > 1 else {},
                host,
            )
            for start, end, cycles, streamed, array, vector, host, counts, waiting in zip(
                self._start,
                self._end,
                moved_finish(self._end),
                by_memory,
                self._busy["array"],
                self._busy["vector"],
                self._busy["host"],
                self._counts,
                waiting_cycles,
                strict=True,
            )
        )

    def timeline(self) -> tuple[Busy, ...]:
        """Every interval, if they were to be kept."""
        return tuple(self._timeline or ())

    def waits(self) -> tuple[Wait, ...]:
        """Every wait of the DMA, if the timeline was to be kept."""
        return tuple(self._waits)
