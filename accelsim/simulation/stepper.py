"""The machine of events.py as one state machine: it goes on from step to step, and can be put into any state.

The components are the same and do the same in the same order. `Stepper.hand_over` is one step of one layer
seen from the DMA: from when it takes the step up until all of it is asked for. What the machine does
meanwhile, and what state it is in then, depends on the state before and on that step alone; the state is
`Stepper.state()`, with all times taken relative to the current cycle (docs/decisions/fast-engine.md).
"""

import math
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from operator import lt
from typing import TypeAlias

from accelsim.hardware.bank import Bank
from accelsim.hardware.machine import Hardware
from accelsim.hardware.operand import Operand
from accelsim.mapping.mapping import Step
from accelsim.simulation.entry import Entry
from accelsim.simulation.pool import free_bytes_at_start
from accelsim.simulation.state import State
from accelsim.simulation.task_queue import NEVER, Tag, TaskQueue, TileTask


@dataclass(slots=True)
class Log:
    """What was observed over some time."""

    start_cycles: dict[int, int] = field(default_factory=dict)
    """Of each layer that asked for its first byte."""
    end_cycles: dict[int, int] = field(default_factory=dict)
    """Of each layer whose last output reached DRAM."""
    waiting_cycles: dict[int, dict[Operand, int]] = field(default_factory=dict)
    """Of each layer for which nothing was executed, as `LayerActivity` has them."""
    least_free_bytes: tuple[int, ...] = ()
    """The least that was free in each bank, in each of several memories, and in all with tiles together;
    empty as long as nothing was observed."""

    def stand_still(self, layer: int, operand: Operand, cycles: int) -> None:
        """Nothing was executed, because a step of a layer lacked an operand."""
        of_layer = self.waiting_cycles.get(layer)
        if of_layer is None:
            self.waiting_cycles[layer] = {operand: cycles}
        else:
            of_layer[operand] = of_layer.get(operand, 0) + cycles

    def observe(self, free_bytes: tuple[int, ...]) -> None:
        """What is free over some time in the banks, and in all of them together."""
        least = self.least_free_bytes
        if not least:
            self.least_free_bytes = free_bytes
        elif True in map(lt, free_bytes, least):  # mostly not; `any` takes twice as long for so few
            self.least_free_bytes = tuple(map(min, free_bytes, least))


def banks_by_memory(banks: Sequence[Bank]) -> tuple[tuple[int, ...], ...]:
    """Which banks each memory has, and at last those of tiles, where there are several memories: one has all
    banks, and none is listed.
    """
    memories = dict.fromkeys(bank.memory for bank in banks)
    if len(memories) == 1:
        return ()
    of_memories = [
        [index for index, bank in enumerate(banks) if bank.memory == memory] for memory in memories
    ]
    of_tiles = [index for index, bank in enumerate(banks) if bank.operands]
    return tuple(map(tuple, [*of_memories, of_tiles]))


def bank_sums(of_banks: Sequence[int], memories: Sequence[Sequence[int]]) -> tuple[int, ...]:
    """Bytes of each bank, then of each of several memories, then of all with tiles together."""
    if not memories:  # as mostly
        return (*of_banks, sum(of_banks))
    return (*of_banks, *(sum([of_banks[index] for index in indices]) for indices in memories))


_ReadRequest: TypeAlias = tuple[int, int, TileTask]
"""A request to DRAM: when its latency is over, how long it streams, and for which task."""


class Stepper:
    """The state of the machine, and how it goes on from one cycle in which something happens to the next."""

    def __init__(self, hardware: Hardware, idle_descriptors: int = 0, pool_bytes: int = 0) -> None:
        channel = hardware.channel_of[Operand.OUTPUTS]
        self.bandwidth, self.latency = channel.bytes_per_cycle, channel.latency_cycles
        self.prefetch = channel.prefetch - idle_descriptors
        self.bank_of = {
            operand: index for index, bank in enumerate(hardware.banks) for operand in bank.operands
        }
        self.memories = banks_by_memory(hardware.banks)
        self.cycle = 0
        self.layer = 0
        self.waits_for: set[int] = set()
        self.free_bytes = free_bytes_at_start(hardware, pool_bytes)
        """Of each bank."""
        self.reads: deque[_ReadRequest] = deque()
        self.sum_of_reads = 0
        """Of the cycles at which they are ready: tells queues apart at a glimpse."""
        self.writes = TaskQueue()
        self.streaming: TileTask | None = None
        self.stream_is_read = False
        self.stream_ends = NEVER
        self.to_array: deque[TileTask] = deque()
        self.in_array: TileTask | None = None
        self.array_ends = NEVER
        self.vector_free_at = 0
        self.executed_until = 0
        """Where nothing is executed, until when it was, or the standstill since is put down to something."""
        self.to_finish = TaskQueue()
        self.report_to(Log())

    def report_to(self, log: Log) -> None:
        """What is observed from now on is to be written there."""
        self.log = log
        self.holds_more = True
        """Whether a bank may hold more than at the end of any cycle since the log was begun."""

    # What the DMA is told to do

    def enter(self, waits_for: Iterable[int], _entry: Entry) -> None:
        """Begin a layer that reads what others store, counted back from it; nothing else changes with it."""
        self.waits_for = {self.layer - distance for distance in waits_for}

    def hand_over(self, step: Step, number: int, last: bool) -> None:
        """Until a step is asked for and waits for the array; it is known by its number.

        After the last one of a layer the DMA is at the next layer.
        """
        task = TileTask(step, number, self.layer, last, len(step.loads))
        waiting = self.to_array
        # The step that the array has taken up has given its descriptor back, so that one more than
        # `prefetch` may be under way.
        while len(waiting) + (self.in_array is not None) > self.prefetch:
            self._go_on()
        free_bytes = self.free_bytes
        bank_of, crossing = self.bank_of, step.crossing
        for operand, size_bytes in step.loads.items():
            while self.waits_for and (operand.of_layers or step.weights_of_layer):
                self._go_on()
            bank = bank_of[operand]
            while size_bytes > free_bytes[bank]:
                self._go_on()
            free_bytes[bank] -= size_bytes
            self._read(size_bytes if crossing is None else crossing.loads[operand], task)
        if self.waits_for or not step.loads:
            self._wait_for_producers(task)
        waiting.append(task)
        self.layer += last

    def _wait_for_producers(self, task: TileTask) -> None:
        """A layer may begin without inputs, and a step without any request to DRAM."""
        if self.waits_for:
            while self.waits_for:
                self._go_on()
            if self.in_array is None and not task.reads_due and self._is_next(task):
                self._stood_still(task, Operand.INPUTS)
        self.log.start_cycles.setdefault(task.layer, self.cycle)

    def drain(self) -> None:
        """Until everything that was asked for is done."""
        while self.to_array or self.in_array or self.to_finish.tasks or self.writes.tasks or self.streaming:
            self._go_on()
        if self.holds_more:  # what was taken in the last cycle, and stays
            self._observe()

    def _go_on(self) -> None:
        """Until something is free that the DMA may have waited for: in this cycle, or in a later one.

        Raises RuntimeError if nothing ever will be.
        """
        # Invariant: all that happens before `self.cycle` has happened, and of this cycle whatever comes first
        # in the order of events.py: what frees bytes or descriptors, then who takes them, then, at the end of
        # the cycle, the channel chooses. Times that nothing is due at are NEVER, so the least is the next.
        waiting, finishing = self.to_array, self.to_finish
        while True:
            if self.in_array is None and waiting and not waiting[0].reads_due:
                self._start_array_if_there_is_room()
            array_ends, vector_ends = self.array_ends, finishing.head_cycle
            next_cycle = array_ends if array_ends < vector_ends else vector_ends  # `min` is slow for two
            if array_ends > self.cycle:  # else the cycle is not over: a step of no cycles leaves in it
                if self.holds_more:
                    self._observe()
                if self.streaming is None and (self.reads or self.writes.tasks):
                    self._arbitrate(next_cycle)
            # A read that ends frees nothing the DMA waits for, so it goes on; ends of this cycle are in the
            # order stream, array, vector unit, as events.py has them.
            if self.stream_ends < next_cycle:
                self.cycle = self.stream_ends
                if self.stream_is_read:  # which frees nothing
                    self._end_stream()
                    continue
            elif next_cycle == NEVER:
                raise RuntimeError(f"the simulation came to a stop in layer {self.layer}")
            else:
                self.cycle = next_cycle
            cycle = self.cycle
            if self.stream_ends == cycle:
                self._end_stream()
            if self.array_ends == cycle:
                self._end_array()
            while finishing.head_cycle == cycle:
                self._finish(finishing.get())
            return

    def _observe(self) -> None:
        """What the banks hold at the end of a cycle."""
        self.holds_more = False
        free_bytes, least = self.free_bytes, self.log.least_free_bytes
        # The last of these is of all banks together, and mostly no less was ever free than now.
        if not least or self.memories or sum(free_bytes) < least[-1] or True in map(lt, free_bytes, least):
            self.log.observe(bank_sums(free_bytes, self.memories))

    def _free(self, freed: Mapping[Operand, int]) -> None:
        bank_of, free_bytes = self.bank_of, self.free_bytes
        for operand, size_bytes in freed.items():
            free_bytes[bank_of[operand]] += size_bytes

    # DRAM channel

    def _read(self, size_bytes: int, task: TileTask) -> None:
        """Ask for what has its place in a bank already: so many bytes that the channel moves."""
        self.holds_more = True
        ready_at = self.cycle + self.latency
        self.reads.append((ready_at, math.ceil(size_bytes / self.bandwidth), task))
        self.sum_of_reads += ready_at
        self.log.start_cycles.setdefault(task.layer, self.cycle)

    def _arbitrate(self, next_cycle: int) -> None:
        """At the end of a cycle: the transfer that has been ready longest; reads before writes.

        If none is ready, the first that will be before the next cycle in which anything else happens: nobody
        asks for another one until then.
        """
        reads, writes = self.reads, self.writes
        if reads and reads[0][0] <= writes.head_cycle:
            ready_at, stream_cycles, task = reads[0]
            if ready_at > self.cycle and ready_at >= next_cycle:
                return
            reads.popleft()
            self.sum_of_reads -= ready_at
            self.stream_is_read = True
        else:
            ready_at = writes.head_cycle
            if ready_at > self.cycle and ready_at >= next_cycle:
                return
            task = writes.get()
            stores = task.step.stores if task.step.crossing is None else task.step.crossing.stores
            stream_cycles = math.ceil(sum(stores.values()) / self.bandwidth)
            self.stream_is_read = False
        cycle = self.cycle
        self.streaming = task
        self.stream_ends = (ready_at if ready_at > cycle else cycle) + stream_cycles

    def _end_stream(self) -> None:
        task = self.streaming
        assert task is not None  # a stream ends only where one has begun
        self.streaming = None
        self.stream_ends = NEVER
        if not self.stream_is_read:
            self._stored(task)
            return
        if self.in_array is None and self.executed_until < self.cycle and self._is_next(task):
            self._stood_still(task, self._first_missing(task))
        task.reads_due -= 1

    def _stored(self, task: TileTask) -> None:
        self._free(task.step.freed_by_store)
        if task.last:
            self._end_layer(task.layer)

    def _end_layer(self, layer: int) -> None:
        self.log.end_cycles[layer] = self.cycle
        self.waits_for.discard(layer)

    # PE array and vector unit

    def _start_array_if_there_is_room(self) -> None:
        task = self.to_array[0]
        step = task.step
        bank_of, free_bytes = self.bank_of, self.free_bytes
        for operand, size_bytes in step.takes.items():
            if size_bytes > free_bytes[bank_of[operand]]:
                return
        for operand, size_bytes in step.takes.items():
            free_bytes[bank_of[operand]] -= size_bytes
        self._start_array()

    def _start_array(self) -> None:
        """With the first of the tasks that wait for it, which has all that it needs."""
        task = self.to_array.popleft()
        if self.executed_until < self.cycle:
            self._stood_still(task, Operand.OUTPUTS)
        self.holds_more = True
        self.in_array = task
        self.array_ends = self.cycle + task.step.array_cycles

    def _end_array(self) -> None:
        task = self.in_array
        assert task is not None  # work ends only where some has begun
        self.in_array = None
        self.array_ends = NEVER
        self._free(task.step.freed_by_array)
        executed_until = self.cycle
        if task.step.completes:
            self._hand_to_vector_unit(task)
            if not task.step.array_cycles:
                executed_until = self.vector_free_at
        self.executed_until = max(self.executed_until, executed_until)

    def _hand_to_vector_unit(self, task: TileTask) -> None:
        """It finishes one task after the other, whatever else happens: when it will be done is known now."""
        step, cycle, free_at = task.step, self.cycle, self.vector_free_at
        self.vector_free_at = free_at = (free_at if free_at > cycle else cycle) + step.vector_cycles
        if step.stores:
            self.writes.put(task, free_at + self.latency)
        if step.freed_by_vector_unit or not step.stores:
            self.to_finish.put(task, free_at)

    def _finish(self, task: TileTask) -> None:
        """The vector unit is done with a task that frees bytes then, or has nothing to store."""
        self._free(task.step.freed_by_vector_unit)
        if task.step.stores:
            return
        self._free(task.step.freed_by_store)
        if task.last and not self._ends_with_a_write(task.layer):
            self._end_layer(task.layer)

    def _ends_with_a_write(self, layer: int) -> bool:
        """Let a layer end with the last of its outputs that still wait for the channel, if any do."""
        if self.writes.mark_last(layer):
            return True
        task = self.streaming
        if task is None or self.stream_is_read or task.layer != layer:
            return False
        self.streaming = TileTask(task.step, task.number, layer, last=True)
        return True

    # Standstill (see standstill.py for what it is)

    def _first_missing(self, task: TileTask) -> Operand:
        """Of the operands that a task loads, which come in order."""
        return list(task.step.loads)[-task.reads_due]

    def _is_next(self, task: TileTask) -> bool:
        """Whether a task that waits for the array, or will, is the first to do so."""
        return not self.to_array or self.to_array[0] is task

    def _stood_still(self, task: TileTask, operand: Operand) -> None:
        """Until now the next task lacked an operand: if nothing was executed meanwhile, that is why."""
        cycle, since = self.cycle, self.executed_until
        if not task.step.array_cycles:
            since = max(since, self.vector_free_at)
        if since < cycle:
            self.log.stand_still(task.layer, operand, cycle - since)
            self.executed_until = cycle

    def _stands_still(self) -> None:
        """Put what has passed of a standstill down to what the next task lacks now: no state holds it."""
        task = self.to_array[0]
        self._stood_still(task, self._first_missing(task) if task.reads_due else Operand.OUTPUTS)

    # The state, as a value

    def glimpse(self) -> tuple[int, ...]:
        """Some of the state: where it differs, so does the state."""
        cycle = self.cycle
        return (
            *self.free_bytes,
            self.stream_ends if self.streaming is None else self.stream_ends - cycle,
            self.array_ends if self.in_array is None else self.array_ends - cycle,
            max(self.vector_free_at - cycle, 0),
            len(self.to_array),
            self.sum_of_reads - cycle * len(self.reads),
            self.writes.tasks,
        )

    @property
    def entries(self) -> int:
        """How long its state is, in the same measure: within two of it."""
        return len(self.to_array) + len(self.reads) + len(self.writes.runs) + len(self.to_finish.runs)

    def state(self) -> State:
        """The state between two steps."""
        if self.in_array is None and self.to_array and self.executed_until < self.cycle:
            self._stands_still()
        cycle, layer = self.cycle, self.layer
        streaming, in_array = self.streaming, self.in_array
        return State(
            prefetch=self.prefetch,
            free_bytes=tuple(self.free_bytes),
            to_array=tuple(
                [((task.number, layer - task.layer, task.last), task.reads_due) for task in self.to_array]
            ),
            streaming=None
            if streaming is None
            else (self.stream_ends - cycle, None if self.stream_is_read else streaming.tag(layer)),
            reads=tuple([(ready_at - cycle, cycles) for ready_at, cycles, _ in self.reads]),
            writes=self.writes.state(cycle, layer),
            in_array=None if in_array is None else (self.array_ends - cycle, in_array.tag(layer)),
            vector_busy_cycles=max(self.vector_free_at - cycle, 0),
            to_finish=self.to_finish.state(cycle, layer),
            executing_cycles=max(self.executed_until - cycle, 0),
            waits_for=tuple(sorted([layer - layer_waited_for for layer_waited_for in self.waits_for]))
            if self.waits_for
            else (),
        )

    def put_into(self, state: State, layer: int, cycle: int, steps: Sequence[Step]) -> None:
        """Go on from a state at another place and time; `steps` are those that its numbers stand for."""

        def task(tag: Tag, reads_due: int = 0) -> TileTask:
            number, distance, last = tag
            return TileTask(steps[number], number, layer - distance, last, reads_due)

        # The inverse of `state`: reads carry no tasks, because they come for the tasks that wait for the
        # array in the order of these, `reads_due` each; a read that streams is the first of them.
        self.cycle, self.layer, self.holds_more = cycle, layer, True
        self.waits_for = {layer - distance for distance in state.waits_for}
        self.free_bytes = list(state.free_bytes)
        self.to_array = deque([task(tag, due) for tag, due in state.to_array])
        due = iter([task for task in self.to_array for _ in range(task.reads_due)])
        self.streaming, self.stream_is_read, self.stream_ends = None, False, NEVER
        if state.streaming is not None:
            ends, tag = state.streaming
            self.stream_is_read = tag is None
            self.streaming = next(due) if tag is None else task(tag)
            self.stream_ends = cycle + ends
        self.reads = deque(
            [(cycle + ready, cycles, of) for (ready, cycles), of in zip(state.reads, due, strict=True)]
        )
        self.sum_of_reads = sum([ready_at for ready_at, _, _ in self.reads])
        self.writes = TaskQueue.of_state(state.writes, cycle, task)
        self.in_array, self.array_ends = None, NEVER
        if state.in_array is not None:
            self.in_array, self.array_ends = task(state.in_array[1]), cycle + state.in_array[0]
        self.vector_free_at = cycle + state.vector_busy_cycles
        self.executed_until = cycle + state.executing_cycles
        self.to_finish = TaskQueue.of_state(state.to_finish, cycle, task)
