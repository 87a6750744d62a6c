"""ChannelStepper: the state machine of a machine with several memories off chip, each with a channel.

The steps come one after the other, as they do to one memory. Their requests go to the queue of the memory
that is the home of the operand, and each channel streams what comes from or goes to its own, reads before
writes. So the operands of a step may come in another order than they were asked for, and which of them are
still to come is a bit for each: the first that is loaded is the lowest (docs/decisions/channels.md).
"""

import math
from collections import deque
from collections.abc import Iterable, Sequence
from typing import TypeAlias

from accelsim.hardware.machine import Hardware
from accelsim.hardware.memory import Channel
from accelsim.hardware.operand import Operand
from accelsim.simulation.deadlock import DeadlockError
from accelsim.simulation.entry import Entry, most_descriptors
from accelsim.simulation.machine_step import Load, MachineStep
from accelsim.simulation.pool_stepper import PoolStepper
from accelsim.simulation.state import ChannelState, State, Waiting
from accelsim.simulation.stepper import Stepper
from accelsim.simulation.task_queue import NEVER, Tag, TaskQueue, TileTask

_ReadRequest: TypeAlias = tuple[int, int, TileTask, int]
"""A request: when its latency is over, how long it streams, for which task, and for which of its loads."""


class Queue:
    """What one memory off chip has been asked for, and what its channel streams."""

    def __init__(self, channel: Channel) -> None:
        self.bandwidth, self.latency = channel.bytes_per_cycle, channel.latency_cycles
        self.reads: deque[_ReadRequest] = deque()
        self.sum_of_reads = 0
        """Of the cycles at which they are ready."""
        self.writes = TaskQueue()
        """Always empty where outputs go to another memory."""
        self.streaming: TileTask | None = None
        self.bit_of_read = 0
        """Of what streams, among the loads of its step; 0 of a write."""
        self.stream_ends = NEVER

    @property
    def next_cycle(self) -> int:
        """When its stream ends, or else a request is ready."""
        if self.streaming is not None:
            return self.stream_ends
        return min(self.reads[0][0], self.writes.head_cycle) if self.reads else self.writes.head_cycle

    def arbitrate(self, cycle: int) -> None:
        """At the end of a cycle: the request that has been ready longest, if any is; reads before writes."""
        if self.streaming is not None or self.next_cycle > cycle:
            return
        if self.reads and self.reads[0][0] <= self.writes.head_cycle:
            ready_at, stream_cycles, self.streaming, self.bit_of_read = self.reads.popleft()
            self.sum_of_reads -= ready_at
        else:
            self.streaming, self.bit_of_read = self.writes.get(), 0
            stream_cycles = math.ceil(sum(self.streaming.step.mapped.moved_stores.values()) / self.bandwidth)
        self.stream_ends = cycle + stream_cycles

    def end(self) -> TileTask:
        """The stream is over."""
        task, self.streaming, self.stream_ends = self.streaming, None, NEVER
        assert task is not None  # a stream ends only where one has begun
        return task


def _bits(reads_due: int) -> list[int]:
    """Of loads that are still to come, the first that was asked for first."""
    return [1 << position for position in range(reads_due.bit_length()) if reads_due >> position & 1]


class ChannelStepper(Stepper):
    """The state of a machine with several memories off chip."""

    def __init__(self, hardware: Hardware, idle_descriptors: int = 0, pool_bytes: int = 0) -> None:
        super().__init__(hardware, idle_descriptors, pool_bytes)
        self.prefetch = most_descriptors(hardware) - idle_descriptors
        self.channels = self._of_queues(hardware)
        self.queue_of: dict[Operand, int] = dict.fromkeys(Operand, 0)
        """Of the layer that is being asked for; the first, of operands without a home."""
        for number, channel in enumerate(self.channels):
            self.queue_of |= dict.fromkeys(channel.operands, number)
        self.queues = self._empty_queues()
        self.asked_for: TileTask | None = None
        """The task that is being asked for."""
        self.to_ask: list[tuple[int, int]] = []
        """Of its loads that are not asked for, the next one last: the bit, and the number of the queue."""

    def _of_queues(self, hardware: Hardware) -> Sequence[Channel]:
        """The channel that each queue is of."""
        return hardware.channels

    def _empty_queues(self) -> list[Queue]:
        return [Queue(channel) for channel in self.channels]

    def _queue_number(self, _layer: int, operand: Operand) -> int:
        """Over which channel an operand of a layer comes or goes."""
        return self.queue_of[operand]

    def enter(self, waits_for: Iterable[int], entry: Entry) -> None:
        """Begin a layer, which says how many steps may be under way."""
        super().enter(waits_for, entry)
        self.prefetch = entry.prefetch

    def hand_over(self, step: MachineStep, last: bool) -> None:
        """Until a step is asked for and waits for the array: as with one channel, where it is written out
        for speed, but for the queues.
        """
        task = TileTask(step, self.layer, last)
        while len(self.to_array) + (self.in_array is not None) > self.prefetch:
            self._go_on()
        loads = self._take_room(task) if self.shares_room else step.loads
        for load in loads:
            while self.waits_for and load.of_layers:
                self._go_on()
            while load.size_bytes > self.free_bytes[load.bank]:
                self._go_on()
            self.free_bytes[load.bank] -= load.size_bytes
            self.holds_more = True
            self._read(load, task)
        if self.waits_for or not step.loads:
            self._wait_for_producers(task)
        self.to_array.append(task)
        if last:
            self.layer += 1
            self.begins = True

    def _read(self, load: Load, task: TileTask) -> None:
        """Ask for the next of the loads of a task; they come in order, and those of one task together."""
        if task is not self.asked_for:
            self.asked_for = task
            loads = [(1 << number, self.queue_of[of.operand]) for number, of in enumerate(task.step.loads)]
            self.to_ask = loads[::-1]
            task.reads_due = (1 << len(loads)) - 1
        bit, number = self.to_ask.pop()
        queue = self.queues[number]
        ready_at = self.cycle + queue.latency
        queue.reads.append((ready_at, math.ceil(load.moved_bytes / queue.bandwidth), task, bit))
        queue.sum_of_reads += ready_at
        if self.begins:
            self._begin(task.layer)

    def _takes(self, size_bytes: int) -> bool:
        took = super()._takes(size_bytes)
        self.holds_more = self.holds_more or took  # in all banks together, if not in one
        return took

    @property
    def _is_moving(self) -> bool:
        """Whether a channel streams, or outputs are to be stored."""
        return any(queue.writes.tasks or queue.streaming is not None for queue in self.queues)

    def _go_on(self) -> None:
        """Until something is free that the DMA may have waited for, as with one channel."""
        waiting, finishing, queues = self.to_array, self.to_finish, self.queues
        while True:
            if self.in_array is None and waiting and not waiting[0].reads_due:
                self._start_array_if_there_is_room()
            array_ends = self.array_ends
            next_cycle = min(array_ends, finishing.head_cycle)
            cycle = self.cycle
            if array_ends > cycle:  # else the cycle is not over: a step of no cycles leaves in it
                for queue in queues:
                    queue.arbitrate(cycle)
                # Nor is it where a transfer of no cycles ends in it.
                cycle = min(next_cycle, *[queue.next_cycle for queue in queues])
                if self.holds_more and cycle > self.cycle:
                    self._observe()
            if cycle == NEVER:
                raise DeadlockError.of(waiting, self.layer)
            self.cycle = cycle
            frees = next_cycle == cycle
            for queue in queues:
                if queue.stream_ends == cycle:
                    frees = self._end_stream_of(queue) or frees
            if not frees:  # a request is ready, or a read has come: neither frees anything
                continue
            if self.array_ends == cycle:
                self._end_array()
            while finishing.head_cycle == cycle:
                self._finish(finishing.get())
            return

    def _end_stream_of(self, queue: Queue) -> bool:
        """Whether that frees anything."""
        bit, task = queue.bit_of_read, queue.end()
        if not bit:
            self._stored(task)
            return True
        if self.in_array is None and self.executed_until < self.cycle and self._is_next(task):
            self._stood_still(task, self._first_missing(task))
        task.reads_due &= ~bit
        return False

    def _hand_to_vector_unit(self, task: TileTask) -> None:
        """Outputs wait for the channel of their home."""
        step = task.step
        self.vector_free_at = max(self.vector_free_at, self.cycle) + step.vector_cycles
        if step.stores:
            queue = self.queues[self._queue_number(task.layer, Operand.OUTPUTS)]
            queue.writes.put(task, self.vector_free_at + queue.latency)
        if step.freed_by_vector_unit or not step.stores:
            self.to_finish.put(task, self.vector_free_at)

    def _has_all(self, task: TileTask) -> bool:
        return not task.reads_due

    def _first_missing(self, task: TileTask) -> Operand:
        """Of the operands that a task loads, in the order in which they are asked for."""
        lowest = task.reads_due & -task.reads_due
        return task.step.loads[lowest.bit_length() - 1].operand

    def _stands_still(self, task: TileTask, then: Operand = Operand.OUTPUTS) -> None:
        """Put what has passed of a standstill down to what the next task lacks now."""
        self._stood_still(task, self._first_missing(task) if task.reads_due else then)

    def _ends_with_a_write(self, layer: int) -> bool:
        """Let a layer end with the last of its outputs that still wait for the channel, if any do."""
        queue = self.queues[self._queue_number(layer, Operand.OUTPUTS)]
        if queue.writes.mark_last(layer):
            return True
        task = queue.streaming
        if task is None or queue.bit_of_read or task.layer != layer:
            return False
        queue.streaming = TileTask(task.step, layer, last=True)
        return True

    def glimpse(self) -> tuple[int, ...]:
        """Some of the state: where it differs, so does the state."""
        cycle = self.cycle
        return (
            *super().glimpse(),
            *[queue.stream_ends - cycle for queue in self.queues if queue.streaming is not None],
            *[queue.sum_of_reads - cycle * len(queue.reads) for queue in self.queues],
            *[queue.writes.tasks for queue in self.queues],
        )

    @property
    def entries(self) -> int:
        """How long its state is, in the same measure."""
        return super().entries + sum([len(queue.reads) + len(queue.writes.runs) for queue in self.queues])

    def state(self) -> State:
        """The state between two steps."""
        cycle, layer = self.cycle, self.layer
        channels = [
            ChannelState(
                streaming=None
                if queue.streaming is None
                else (queue.stream_ends - cycle, None if queue.bit_of_read else queue.streaming.tag(layer)),
                reads=tuple([(ready_at - cycle, cycles) for ready_at, cycles, _, _ in queue.reads]),
                writes=queue.writes.state(cycle, layer),
            )
            for queue in self.queues
        ]
        return super().state()._replace(channels=tuple(channels))

    def _waiting(self, _begins: int) -> Waiting:
        layer = self.layer
        return tuple([(*task.tag(layer), task.reads_due) for task in self.to_array])

    def _let_wait(self, task: TileTask, due: Sequence[int]) -> None:
        (task.reads_due,) = due

    def put_into(self, state: State, layer: int, cycle: int, steps: Sequence[MachineStep]) -> None:
        """Go on from a state at another place and time."""
        super().put_into(state, layer, cycle, steps)
        self.prefetch, self.asked_for = state.prefetch, None
        self.queues = self._empty_queues()
        due: list[list[tuple[TileTask, int]]] = [[] for _ in self.queues]
        for waiting in self.to_array:
            for bit in _bits(waiting.reads_due):
                operand = waiting.step.loads[bit.bit_length() - 1].operand
                due[self._queue_number(waiting.layer, operand)].append((waiting, bit))

        def task(tag: Tag) -> TileTask:
            number, distance, last = tag
            return TileTask(steps[number], layer - distance, last)

        for queue, of_queue, of_state in zip(self.queues, due, state.channels, strict=True):
            to_come = iter(of_queue)
            queue.writes = TaskQueue.of_state(of_state.writes, cycle, task)
            if of_state.streaming is not None:
                ends, tag = of_state.streaming
                queue.stream_ends = cycle + ends
                if tag is None:
                    queue.streaming, queue.bit_of_read = next(to_come)
                else:
                    queue.streaming = task(tag)
            queue.reads = deque(
                [
                    (cycle + ready, cycles, of, bit)
                    for (ready, cycles), (of, bit) in zip(of_state.reads, to_come, strict=True)
                ]
            )
            queue.sum_of_reads = sum([request[0] for request in queue.reads])


class PoolChannelStepper(ChannelStepper, PoolStepper):
    """The state of a machine with several memories off chip, and a pool."""
