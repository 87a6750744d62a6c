"""simulate_fast: the same machine as in events.py, but what repeats is not gone through again.

The components are the same and do the same in the same order; they are written as one state machine instead
of simpy processes. Whenever the DMA begins another turn of a repeated body, the state of the whole machine,
with all times taken relative to now, is compared with its state at earlier turns. Everything that happens
next follows from that state and from the steps still to come, and those are the same in each turn; so if the
state was there before, what happened between then and now will happen again and again, as often as the turns
that are left allow. Those periods are skipped: the clock and the turn are moved on. Where no state recurs,
every tile is gone through. docs/decisions/fast-engine.md has the argument in full.
"""

import math
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, Final

from accelsim.hardware import Hardware
from accelsim.mapping.mapping import Program, Repeat, Step
from accelsim.mapping.schedule import Schedule
from accelsim.simulation.activity import Activity, LayerActivity

NEVER: Final = 1 << 62
"""A cycle that does not come."""
WORTHWHILE_TURNS: Final = 4
"""A body that is repeated less often cannot be skipped after its state has recurred."""


def simulate_fast(schedule: Schedule, hardware: Hardware) -> Activity:
    """What a machine does for a schedule; what `simulate_events` observes, without a timeline.

    Counts and busy cycles are the mappings': every step is executed exactly once.
    """
    machine = _Machine(schedule, hardware)
    machine.run()
    bandwidth = hardware.dram.bandwidth_bytes_per_cycle
    layers = tuple(
        LayerActivity(
            start_cycle=start,
            end_cycle=end,
            dram_busy_cycles=_stream_cycles(mapping.program, bandwidth),
            array_busy_cycles=mapping.totals.array_cycles,
            vector_busy_cycles=mapping.totals.vector_cycles,
            counts=mapping.totals.counts,
        )
        for mapping, start, end in zip(
            schedule.mappings, machine.start_cycles, machine.end_cycles, strict=True
        )
    )
    weights, inputs, outputs = machine.peaks
    return Activity(
        layers=layers,
        peak_bank_bytes={"inputs": inputs, "weights": weights, "outputs": outputs},
        peak_global_buffer_bytes=machine.peak_total,
    )


def _stream_cycles(program: Sequence[Program], bandwidth: float) -> int:
    """Cycles in which the DRAM channel streams for a program."""
    cycles = 0
    for part in program:
        if isinstance(part, Repeat):
            cycles += part.times * _stream_cycles(part.body, bandwidth)
        else:
            transfers = (part.weight_bytes, part.input_bytes, part.shortcut_bytes, part.store_bytes)
            cycles += sum(math.ceil(size / bandwidth) for size in transfers)
    return cycles


class _Turns:
    """Where the DMA is in one repeated body, and the states of the machine in which earlier turns began."""

    __slots__ = ("body", "glimpsed", "position", "seen", "times", "turn")

    def __init__(self, body: tuple[Program, ...], times: int) -> None:
        self.body = body
        self.times = times
        self.turn = 0
        self.position = 0
        self.seen: dict[Any, tuple[int, int]] = {}
        self.glimpsed: set[tuple[int, ...]] = set()


class _Task:
    """One step of one layer on its way through the machine."""

    __slots__ = ("last", "layer", "step", "transfers_due")

    def __init__(self, step: Step, layer: int, last: bool) -> None:
        self.step = step
        self.layer = layer
        self.last = last
        self.transfers_due = 0


class _Transfer:
    """A request to DRAM: when its latency is over, how long it streams, and for which task."""

    __slots__ = ("is_read", "ready_at", "stream_cycles", "task")

    def __init__(self, ready_at: int, stream_cycles: int, task: _Task, is_read: bool) -> None:
        self.ready_at = ready_at
        self.stream_cycles = stream_cycles
        self.task = task
        self.is_read = is_read


class _Machine:
    """The state of the machine, and how it goes on from one cycle in which something happens to the next."""

    def __init__(self, schedule: Schedule, hardware: Hardware) -> None:
        self.schedule = schedule
        self.latency = hardware.dram.latency_cycles
        self.bandwidth = hardware.dram.bandwidth_bytes_per_cycle
        self.now = 0
        layers = len(schedule.mappings)
        self.start_cycles = [NEVER] * layers
        self.end_cycles = [0] * layers
        self.finished = [False] * layers

        # Banks of the global buffer, in the order weights, inputs, outputs.
        sizes = hardware.global_buffer.bank_bytes
        self.sizes = (sizes["weights"], sizes["inputs"], sizes["outputs"])
        self.free_weights, self.free_inputs, self.free_outputs = self.sizes
        self.peaks = (0, 0, 0)
        self.peak_total = 0

        # DRAM channel
        self.reads: deque[_Transfer] = deque()
        self.writes: deque[_Transfer] = deque()
        self.streaming: _Transfer | None = None
        self.stream_ends = NEVER

        # DMA: the layer and the step it is at, and how far it has come with it
        self.layer = -1
        self.loops: list[_Turns] = []
        self.task: _Task | None = None
        self.stage = 0
        self.layer_may_start = False
        self.descriptors = hardware.dma.descriptors

        # PE array and vector unit
        self.to_array: deque[_Task] = deque()
        self.in_array: _Task | None = None
        self.array_ends = NEVER
        self.to_vector: deque[_Task] = deque()
        self.in_vector: _Task | None = None
        self.vector_ends = NEVER

    def run(self) -> None:
        """Until nothing happens any more."""
        self._next_layer()
        self._settle()
        self._arbitrate()
        while (cycle := self._next_cycle()) < NEVER:
            self._observe_peaks()
            self.now = cycle
            if self.stream_ends == cycle:
                self._end_stream()
            if self.array_ends == cycle:
                self._end_array()
            if self.vector_ends == cycle:
                self._end_vector()
            self._settle()
            self._arbitrate()
        self._observe_peaks()
        if not all(self.finished):
            raise RuntimeError(f"the simulation came to a stop in layer {self.finished.index(False)}")

    def _next_cycle(self) -> int:
        cycle = min(self.stream_ends, self.array_ends, self.vector_ends)
        if self.streaming is None:
            for queue in (self.reads, self.writes):
                if queue and queue[0].ready_at < cycle:
                    cycle = queue[0].ready_at
        return cycle

    def _settle(self) -> None:
        """Let everybody go on who can; what one does in this cycle may let another go on."""
        while self._start_array() or self._start_vector() or self._load():
            pass

    def _observe_peaks(self) -> None:
        used = (
            self.sizes[0] - self.free_weights,
            self.sizes[1] - self.free_inputs,
            self.sizes[2] - self.free_outputs,
        )
        self.peaks = (
            max(self.peaks[0], used[0]),
            max(self.peaks[1], used[1]),
            max(self.peaks[2], used[2]),
        )
        self.peak_total = max(self.peak_total, sum(used))

    # DRAM channel

    def _request(self, size_bytes: int, task: _Task, is_read: bool) -> None:
        stream_cycles = math.ceil(size_bytes / self.bandwidth)
        transfer = _Transfer(self.now + self.latency, stream_cycles, task, is_read)
        if is_read:
            task.transfers_due += 1
            self.reads.append(transfer)
            if self.start_cycles[task.layer] == NEVER:
                self.start_cycles[task.layer] = self.now
        else:
            self.writes.append(transfer)

    def _arbitrate(self) -> None:
        """At the end of a cycle: the transfer that has been ready longest; reads before writes."""
        if self.streaming is not None:
            return
        queue = self.reads
        if self.writes and (not self.reads or self.writes[0].ready_at < self.reads[0].ready_at):
            queue = self.writes
        if queue and queue[0].ready_at <= self.now:
            self.streaming = queue.popleft()
            self.stream_ends = self.now + self.streaming.stream_cycles

    def _end_stream(self) -> None:
        transfer = self.streaming
        assert transfer is not None  # a stream ends only where one has begun
        self.streaming = None
        self.stream_ends = NEVER
        if transfer.is_read:
            transfer.task.transfers_due -= 1
        else:
            self._stored(transfer.task)

    def _stored(self, task: _Task) -> None:
        self.free_outputs += task.step.freed_output_bytes
        if task.last:
            self.finished[task.layer] = True
            self.end_cycles[task.layer] = self.now

    # DMA

    def _load(self) -> bool:
        """Ask for whatever there is room for; whether anything was asked for or handed to the array."""
        progress = False
        while self.task is not None and self._load_step(self.task):
            progress = True
            self.to_array.append(self.task)
            self._next_step()
        return progress

    def _load_step(self, task: _Task) -> bool:
        """Go on with a step; whether all of it is asked for."""
        while self.stage < len(_LOAD_STAGES):
            if not _LOAD_STAGES[self.stage](self, task):
                return False
            self.stage += 1
        self.stage = 0
        return True

    def _take_descriptor(self, _: _Task) -> bool:
        taken_up = 1 if self.in_array is None and self.to_array else 0
        return len(self.to_array) - taken_up < self.descriptors

    def _ask_for_weights(self, task: _Task) -> bool:
        size = task.step.weight_bytes
        if size > self.free_weights:
            return False
        if size:
            self.free_weights -= size
            self._request(size, task, is_read=True)
        return True

    def _wait_for_producers(self, task: _Task) -> bool:
        if not self.layer_may_start:
            producers = self.schedule.waits_for[task.layer]
            self.layer_may_start = all(self.finished[producer] for producer in producers)
        return self.layer_may_start

    def _ask_for_inputs(self, task: _Task) -> bool:
        return self._ask_for_input(task, task.step.input_bytes)

    def _ask_for_shortcut(self, task: _Task) -> bool:
        return self._ask_for_input(task, task.step.shortcut_bytes)

    def _ask_for_input(self, task: _Task, size: int) -> bool:
        if size > self.free_inputs:
            return False
        if size:
            self.free_inputs -= size
            self._request(size, task, is_read=True)
        return True

    def _next_layer(self) -> None:
        self.layer += 1
        self.task = None
        if self.layer == len(self.schedule.mappings):
            return
        self.layer_may_start = False
        self.loops = [_Turns(self.schedule.mappings[self.layer].program, 1)]
        self._enter()

    def _next_step(self) -> None:
        """Move on by one step; at the end of a body, to its next turn or out of it."""
        loop = self.loops[-1]
        loop.position += 1
        while loop.position == len(loop.body):
            loop.turn += 1
            if loop.times >= WORTHWHILE_TURNS and loop.turn < loop.times:
                self._skip_periods(loop)
            if loop.turn < loop.times:
                loop.position = 0
                break
            self.loops.pop()
            if not self.loops:
                self._next_layer()
                return
            loop = self.loops[-1]
            loop.position += 1
        self._enter()

    def _enter(self) -> None:
        """Go into repeated bodies until there is a step."""
        loop = self.loops[-1]
        part = loop.body[loop.position]
        while isinstance(part, Repeat):
            loop = _Turns(part.body, part.times)
            self.loops.append(loop)
            part = loop.body[0]
        self.task = _Task(part, self.layer, self._is_last())

    def _is_last(self) -> bool:
        return all(loop.turn == loop.times - 1 and loop.position == len(loop.body) - 1 for loop in self.loops)

    # PE array and vector unit

    def _start_array(self) -> bool:
        if self.in_array is not None or not self.to_array or self.to_array[0].transfers_due:
            return False
        step = self.to_array[0].step
        if step.output_space_bytes > self.free_outputs:
            return False
        self.free_outputs -= step.output_space_bytes
        self.in_array = self.to_array.popleft()
        self.array_ends = self.now + step.array_cycles
        if not step.array_cycles:
            self._end_array()
        return True

    def _end_array(self) -> None:
        task = self.in_array
        assert task is not None  # work ends only where some has begun
        self.in_array = None
        self.array_ends = NEVER
        self.free_weights += task.step.freed_weight_bytes
        self.free_inputs += task.step.freed_input_bytes
        if task.step.completes:
            self.to_vector.append(task)

    def _start_vector(self) -> bool:
        if self.in_vector is not None or not self.to_vector:
            return False
        self.in_vector = self.to_vector.popleft()
        self.vector_ends = self.now + self.in_vector.step.vector_cycles
        if not self.in_vector.step.vector_cycles:
            self._end_vector()
        return True

    def _end_vector(self) -> None:
        task = self.in_vector
        assert task is not None  # work ends only where some has begun
        self.in_vector = None
        self.vector_ends = NEVER
        self.free_inputs += task.step.vector_freed_bytes
        if task.step.store_bytes:
            self._request(task.step.store_bytes, task, is_read=False)
            return
        if task.last and (unstored := self._last_write_of(task.layer)):
            unstored.last, task.last = True, False  # the layer ends with the outputs that still wait
        self._stored(task)

    def _last_write_of(self, layer: int) -> _Task | None:
        """The last step of a layer whose outputs are not stored yet."""
        transfer = self.writes[-1] if self.writes else self.streaming
        waits = transfer is not None and not transfer.is_read and transfer.task.layer == layer
        return transfer.task if transfer is not None and waits else None

    # What repeats

    def _skip_periods(self, loop: _Turns) -> None:
        """At the start of a turn: if the machine was in this state at an earlier one, skip what repeats.

        A part of the state that is quick to compare goes first: where that is new, so is the whole.
        """
        glimpse = self._glimpse()
        if glimpse not in loop.glimpsed:
            loop.glimpsed.add(glimpse)
            return
        state = self._state()
        before = loop.seen.get(state)
        if before is None:
            loop.seen[state] = (loop.turn, self.now)
            return
        turn, cycle = before
        period_turns = loop.turn - turn
        # The last turn may end the layer, which the turns before it do not: it is not skipped.
        periods = (loop.times - 1 - loop.turn) // period_turns
        loop.turn += periods * period_turns
        self._move_clock(periods * (self.now - cycle))

    def _glimpse(self) -> tuple[int, ...]:
        now = self.now
        return (
            self.free_weights,
            self.free_inputs,
            self.free_outputs,
            self.stream_ends - now,
            self.array_ends - now,
            self.vector_ends - now,
            len(self.to_array),
        )

    def _state(self) -> tuple[Any, ...]:
        """All that what happens next depends on, apart from the steps to come; times relative to now."""
        now = self.now
        place = {id(task): index for index, task in enumerate(self.to_array)}

        def transfer(some: _Transfer) -> tuple[Any, ...]:
            of = place[id(some.task)] if some.is_read else self._tag(some.task)
            return some.is_read, some.ready_at - now, some.stream_cycles, of

        return (
            self.free_weights,
            self.free_inputs,
            self.free_outputs,
            self.stream_ends - now,
            None if self.streaming is None else transfer(self.streaming)[2:],
            tuple(map(transfer, self.reads)),
            tuple(map(transfer, self.writes)),
            self.array_ends - now,
            None if self.in_array is None else self._tag(self.in_array),
            tuple((*self._tag(task), task.transfers_due) for task in self.to_array),
            self.vector_ends - now,
            None if self.in_vector is None else self._tag(self.in_vector),
            tuple(map(self._tag, self.to_vector)),
            self.layer_may_start,
        )

    def _tag(self, task: _Task) -> tuple[int, int, bool]:
        """What a task still does: its step, its layer seen from where the DMA is, whether it is the last."""
        return id(task.step), self.layer - task.layer, task.last

    def _move_clock(self, cycles: int) -> None:
        """Let the whole machine be later by so many cycles."""
        self.now += cycles
        for queue in (self.reads, self.writes):
            for some in queue:
                some.ready_at += cycles
        if self.streaming is not None:
            self.stream_ends += cycles
        if self.in_array is not None:
            self.array_ends += cycles
        if self.in_vector is not None:
            self.vector_ends += cycles


_LOAD_STAGES: Final[tuple[Callable[[_Machine, _Task], bool], ...]] = (
    _Machine._take_descriptor,
    _Machine._ask_for_weights,
    _Machine._wait_for_producers,
    _Machine._ask_for_inputs,
    _Machine._ask_for_shortcut,
)
"""What the DMA does for a step, one after the other, each as soon as it can."""
