"""The machine of events.py as one state machine: it goes on from step to step, and can be put into any state.

The components are the same and do the same in the same order. `Stepper.hand_over` is one step of one layer
seen from the DMA: from when it takes the step up until all of it is asked for. What the machine does
meanwhile, and what state it is in then, depends on the state before and on that step alone; the state is
`Stepper.state()`, with all times taken relative to now.
"""

import math
from collections import deque
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple, TypeAlias

from accelsim.hardware import Hardware
from accelsim.mapping.mapping import Step

NEVER: Final = 1 << 62
"""A cycle that does not come."""

Tag: TypeAlias = tuple[int, int, bool]
"""A task in a state: the number of its step, layers between its own and the DMA's, whether it is the last."""


class State(NamedTuple):
    """All that what happens next depends on, apart from the steps to come; times relative to now."""

    free_bytes: tuple[int, int, int]
    """Of the banks for weights, inputs and outputs."""
    to_array: tuple[tuple[Tag, int], ...]
    """Tasks that wait for the array, each with how many of its transfers are still to come."""
    streaming: tuple[int, int | Tag] | None
    """When the transfer ends, and for whom it is: a place in `to_array` for a read, a task for a write."""
    reads: tuple[tuple[int, int, int], ...]
    """When each is ready, how long it streams, for whom."""
    writes: tuple[tuple[int, int, Tag], ...]
    in_array: tuple[int, Tag] | None
    to_vector: tuple[Tag, ...]
    in_vector: tuple[int, Tag] | None
    waits_for: tuple[int, ...]
    """Layers, counted back from the DMA's, that have to be finished before it may ask for inputs."""


@dataclass(slots=True)
class Log:
    """What was observed over some time."""

    start_cycles: dict[int, int] = field(default_factory=dict)
    """Of each layer that asked for its first byte."""
    end_cycles: dict[int, int] = field(default_factory=dict)
    """Of each layer whose last output reached DRAM."""
    peak_bytes: tuple[int, int, int, int] = (0, 0, 0, 0)
    """The most that the banks for weights, inputs and outputs held, and all of them together."""

    def observe(self, used: tuple[int, int, int, int]) -> None:
        """Bytes that the banks, and all of them together, hold over some time."""
        a, b = self.peak_bytes, used
        self.peak_bytes = (max(a[0], b[0]), max(a[1], b[1]), max(a[2], b[2]), max(a[3], b[3]))


class _Task:
    """One step of one layer on its way through the machine."""

    __slots__ = ("last", "layer", "number", "step", "transfers_due")

    def __init__(self, step: Step, number: int, layer: int, last: bool, transfers_due: int = 0) -> None:
        self.step = step
        self.number = number
        self.layer = layer
        self.last = last
        self.transfers_due = transfers_due


class _Transfer:
    """A request to DRAM: when its latency is over, how long it streams, and for which task."""

    __slots__ = ("is_read", "ready_at", "stream_cycles", "task")

    def __init__(self, ready_at: int, stream_cycles: int, task: _Task, is_read: bool) -> None:
        self.ready_at = ready_at
        self.stream_cycles = stream_cycles
        self.task = task
        self.is_read = is_read


class Stepper:
    """The state of the machine, and how it goes on from one cycle in which something happens to the next."""

    def __init__(self, hardware: Hardware) -> None:
        self.latency = hardware.dram.latency_cycles
        self.bandwidth = hardware.dram.bandwidth_bytes_per_cycle
        self.descriptors = hardware.dma.descriptors
        sizes = hardware.global_buffer.bank_bytes
        self.sizes = (sizes["weights"], sizes["inputs"], sizes["outputs"])
        self.log = Log()
        self.now = 0
        self.layer = -1
        self.stage = 0
        self.may_load = True
        """Whether something has changed since the DMA could not go on."""
        self.waits_for: set[int] = set()
        self.free_weights, self.free_inputs, self.free_outputs = self.sizes
        self.reads: deque[_Transfer] = deque()
        self.writes: deque[_Transfer] = deque()
        self.streaming: _Transfer | None = None
        self.stream_ends = NEVER
        self.to_array: deque[_Task] = deque()
        self.in_array: _Task | None = None
        self.array_ends = NEVER
        self.to_vector: deque[_Task] = deque()
        self.in_vector: _Task | None = None
        self.vector_ends = NEVER

    # What the DMA is told to do

    def enter(self, layer: int, producers: Collection[int]) -> None:
        """The steps to come are those of another layer, which reads what its producers store."""
        self.layer = layer
        unfinished = {task.layer for task in self._in_flight() if task.last}
        self.waits_for = unfinished.intersection(producers)

    def hand_over(self, step: Step, number: int, last: bool) -> None:
        """Until a step of the layer is asked for and waits for the array; it is known by its number."""
        task = _Task(step, number, self.layer, last)
        self.may_load = True
        while not (self.may_load and self._load(task)):
            self._work()
            if self.may_load and self._load(task):
                break
            if not self._advance():
                raise RuntimeError(f"the simulation came to a stop in layer {self.layer}")
        self.to_array.append(task)

    def drain(self) -> None:
        """Until everything that was asked for is done."""
        self._work()
        while self._advance():
            self._work()

    def _work(self) -> None:
        """Let array and vector unit go on; what one does in this cycle may let the other go on."""
        while self._start_array() or self._start_vector():
            pass

    def _advance(self) -> bool:
        """On to the next cycle in which something ends or is ready; whether there is one."""
        self._arbitrate()
        cycle = min(self.stream_ends, self.array_ends, self.vector_ends)
        if self.streaming is None:
            for queue in (self.reads, self.writes):
                if queue and queue[0].ready_at < cycle:
                    cycle = queue[0].ready_at
        self._observe()
        if cycle == NEVER:
            return False
        self.now = cycle
        if self.stream_ends == cycle:
            self._end_stream()
        if self.array_ends == cycle:
            self._end_array()
        if self.vector_ends == cycle:
            self._end_vector()
        return True

    def _observe(self) -> None:
        weights = self.sizes[0] - self.free_weights
        inputs = self.sizes[1] - self.free_inputs
        outputs = self.sizes[2] - self.free_outputs
        together = weights + inputs + outputs
        most = self.log.peak_bytes
        if weights > most[0] or inputs > most[1] or outputs > most[2] or together > most[3]:
            self.log.observe((weights, inputs, outputs, together))

    # DRAM channel

    def _request(self, size_bytes: int, task: _Task, is_read: bool) -> None:
        stream_cycles = math.ceil(size_bytes / self.bandwidth)
        transfer = _Transfer(self.now + self.latency, stream_cycles, task, is_read)
        if is_read:
            task.transfers_due += 1
            self.reads.append(transfer)
            self.log.start_cycles.setdefault(task.layer, self.now)
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
            self.log.end_cycles[task.layer] = self.now
            self.waits_for.discard(task.layer)
            self.may_load = True

    # DMA

    def _load(self, task: _Task) -> bool:
        """Go on with a step; whether all of it is asked for. If not, it has to wait for others to go on."""
        while self.stage < len(_LOAD_STAGES):
            if not _LOAD_STAGES[self.stage](self, task):
                self.may_load = False
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

    def _wait_for_producers(self, _: _Task) -> bool:
        return not self.waits_for

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

    # PE array and vector unit

    def _start_array(self) -> bool:
        if self.in_array is not None or not self.to_array or self.to_array[0].transfers_due:
            return False
        step = self.to_array[0].step
        if step.output_space_bytes > self.free_outputs:
            return False
        self.free_outputs -= step.output_space_bytes
        self.in_array = self.to_array.popleft()
        self.may_load = True
        self.array_ends = self.now + step.array_cycles
        if not step.array_cycles:
            self._end_array()
        return True

    def _end_array(self) -> None:
        task = self.in_array
        assert task is not None  # work ends only where some has begun
        self.in_array = None
        self.array_ends = NEVER
        self.may_load = True
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
        self.may_load = True
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

    # The state, as a value

    def glimpse(self) -> tuple[int, ...]:
        """Some of the state: where it differs, so does the state."""
        now = self.now
        return (
            self.free_weights,
            self.free_inputs,
            self.free_outputs,
            self.stream_ends if self.streaming is None else self.stream_ends - now,
            self.array_ends if self.in_array is None else self.array_ends - now,
            self.vector_ends if self.in_vector is None else self.vector_ends - now,
            len(self.to_array),
        )

    def state(self) -> State:
        """The state between two steps."""
        now = self.now
        place = {id(task): index for index, task in enumerate(self.to_array)}
        streaming: tuple[int, int | Tag] | None = None
        if self.streaming is not None:
            task = self.streaming.task
            of = place[id(task)] if self.streaming.is_read else self._tag(task)
            streaming = (self.stream_ends - now, of)
        return State(
            free_bytes=(self.free_weights, self.free_inputs, self.free_outputs),
            to_array=tuple((self._tag(task), task.transfers_due) for task in self.to_array),
            streaming=streaming,
            reads=tuple(
                (some.ready_at - now, some.stream_cycles, place[id(some.task)]) for some in self.reads
            ),
            writes=tuple(
                (some.ready_at - now, some.stream_cycles, self._tag(some.task)) for some in self.writes
            ),
            in_array=None if self.in_array is None else (self.array_ends - now, self._tag(self.in_array)),
            to_vector=tuple(map(self._tag, self.to_vector)),
            in_vector=None if self.in_vector is None else (self.vector_ends - now, self._tag(self.in_vector)),
            waits_for=tuple(sorted(self.layer - layer for layer in self.waits_for)),
        )

    def put_into(self, state: State, layer: int, now: int, steps: Sequence[Step]) -> None:
        """Go on from a state at another place and time; `steps` are those that its numbers stand for."""

        def task(tag: Tag, transfers_due: int = 0) -> _Task:
            number, back, last = tag
            return _Task(steps[number], number, layer - back, last, transfers_due)

        self.now, self.layer, self.stage = now, layer, 0
        self.waits_for = {layer - back for back in state.waits_for}
        self.free_weights, self.free_inputs, self.free_outputs = state.free_bytes
        self.to_array = deque(task(tag, due) for tag, due in state.to_array)
        self.reads = deque(
            _Transfer(now + ready, cycles, self.to_array[of], True) for ready, cycles, of in state.reads
        )
        self.writes = deque(
            _Transfer(now + ready, cycles, task(tag), False) for ready, cycles, tag in state.writes
        )
        self.streaming, self.stream_ends = None, NEVER
        if state.streaming is not None:
            ends, of = state.streaming
            is_read = isinstance(of, int)
            self.streaming = _Transfer(
                now, 0, self.to_array[of] if isinstance(of, int) else task(of), is_read
            )
            self.stream_ends = now + ends
        self.in_array, self.array_ends = None, NEVER
        if state.in_array is not None:
            self.in_array, self.array_ends = task(state.in_array[1]), now + state.in_array[0]
        self.to_vector = deque(map(task, state.to_vector))
        self.in_vector, self.vector_ends = None, NEVER
        if state.in_vector is not None:
            self.in_vector, self.vector_ends = task(state.in_vector[1]), now + state.in_vector[0]

    def _tag(self, task: _Task) -> Tag:
        return task.number, self.layer - task.layer, task.last

    def _in_flight(self) -> Iterator[_Task]:
        """Every task that is not done."""
        yield from self.to_array
        yield from self.to_vector
        for transfer in (*self.writes, self.streaming):
            if transfer is not None and not transfer.is_read:
                yield transfer.task
        for task in (self.in_array, self.in_vector):
            if task is not None:
                yield task


_LOAD_STAGES: Final[tuple[Callable[[Stepper, _Task], bool], ...]] = (
    Stepper._take_descriptor,
    Stepper._ask_for_weights,
    Stepper._wait_for_producers,
    Stepper._ask_for_inputs,
    Stepper._ask_for_shortcut,
)
"""What the DMA does for a step, one after the other, each as soon as it can."""
