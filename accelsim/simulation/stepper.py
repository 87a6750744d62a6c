"""The machine of events.py as one state machine: it goes on from step to step, and can be put into any state.

The components are the same and do the same in the same order. `Stepper.hand_over` is one step of one layer
seen from the DMA: from when it takes the step up until all of it is asked for. What the machine does
meanwhile, and what state it is in then, depends on the state before and on that step alone; the state is
`Stepper.state()`, with all times taken relative to the current cycle (docs/decisions/fast-engine.md).

This is the machine with one memory off chip, whose channel is a line: every transfer takes as long to be
ready, and the one that has been ready longest goes first, reads before writes. So a transfer joins the line
when it is asked for, a store at the end of the cycle in which its outputs are there, and none that comes
later goes before it: when it will be done is known when it joins.
"""

from collections import deque
from collections.abc import Iterable, Sequence
from typing import ClassVar

from accelsim.hardware.machine import Hardware
from accelsim.hardware.operand import Operand
from accelsim.mapping.mapping import Step
from accelsim.simulation.deadlock import DeadlockError
from accelsim.simulation.entry import Entry
from accelsim.simulation.log import Log, bank_sums, banks_by_memory
from accelsim.simulation.machine_step import Load, MachineStep, Room, machine_step
from accelsim.simulation.pool import free_bytes_at_start
from accelsim.simulation.state import State, Waiting
from accelsim.simulation.task_queue import NEVER, Tag, TaskQueue, TileTask


class Stepper:
    """The state of the machine, and how it goes on from one cycle in which something is freed to the next."""

    shares_room: ClassVar[bool] = False
    """Whether a step takes room in one request, with tensors perhaps."""
    pooled: frozenset[Operand] = frozenset()
    """Operands of which it does."""
    executes_nothing: ClassVar[int] = 0
    """What states say where the vector unit executes none of its own steps; less where it is not noted."""

    def __init__(self, hardware: Hardware, idle_descriptors: int = 0, pool_bytes: int = 0) -> None:
        channel = hardware.channel_of[Operand.OUTPUTS]
        self.bandwidth, self.latency = channel.bytes_per_cycle, channel.latency_cycles
        self.prefetch = channel.prefetch - idle_descriptors
        self.bank_of = {
            operand: index for index, bank in enumerate(hardware.banks) for operand in bank.operands
        }
        self.bank_of_outputs = self.bank_of[Operand.OUTPUTS]
        self.memories = banks_by_memory(hardware.banks)
        self.observed = len(hardware.banks) + (len(self.memories) or 1)
        """Of how many banks, memories and all together the least free bytes are noted."""
        self.cycle = 0
        """On its own clock, which stands still while others skip what repeats."""
        self.skipped_cycles = 0
        """By which that clock is behind."""
        self.layer = 0
        self.waits_for: set[int] = set()
        self.free_bytes = free_bytes_at_start(hardware, pool_bytes)
        """Of each bank."""
        self.channel_free_at = 0
        """When the channel will be done with all that has joined the line."""
        self.writes = TaskQueue()
        """Tasks whose outputs have not joined the line, and when they will be there."""
        self.stores = TaskQueue()
        """Tasks whose outputs have, and when they will be stored."""
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
        self.begins = True
        """Whether the layer may not have asked for anything since then."""
        least = self.least_free_bytes = log.least_free_bytes
        """What was observed, of banks, memories and all together; only less than that has to be."""
        if not least:
            least.extend([NEVER] * self.observed)
        self.least_together = NEVER if self.memories else least[-1]
        """Of all together; where there are several memories, which it is not known of, any is less."""

    def on_machine(self, step: Step, number: int) -> MachineStep:
        """A step as this machine meets it."""
        return machine_step(step, number, self.bank_of, self.bandwidth, self.pooled)

    # What the DMA is told to do

    def enter(self, waits_for: Iterable[int], _entry: Entry) -> None:
        """Begin a layer that reads what others store, counted back from it; nothing else changes with it."""
        self.waits_for = {self.layer - distance for distance in waits_for}

    def hand_over(self, step: MachineStep, last: bool) -> None:
        """Until a step is asked for and waits for the array.

        After the last one of a layer the DMA is at the next layer.
        """
        task = TileTask(step, self.layer, last)
        waiting = self.to_array
        # What the array has taken up gave its descriptor back: one more than `prefetch` may be under way.
        while len(waiting) + (self.in_array is not None) > self.prefetch:
            self._go_on()
        loads = self._take_room(task) if self.shares_room else step.loads
        free_bytes, least, latency = self.free_bytes, self.least_free_bytes, self.latency
        arrivals: list[int] = []
        for load in loads:
            bank, size_bytes = load.bank, load.size_bytes
            if self.waits_for and load.of_layers:
                while self.waits_for:
                    self._go_on()
            while size_bytes > free_bytes[bank]:
                self._go_on()
            free_bytes[bank] = left_bytes = free_bytes[bank] - size_bytes
            if left_bytes < least[bank]:
                self.holds_more = True
            if self.begins:
                self._begin(self.layer)
            # The transfer joins the line, after the stores whose outputs were there in earlier cycles.
            ready_at, free_at = self.cycle + latency, self.channel_free_at
            arrives = (ready_at if ready_at > free_at else free_at) + load.stream_cycles
            self.channel_free_at = task.arrives = arrives
            arrivals.append(arrives)
        task.arrivals = arrivals
        if self.waits_for or not loads:
            self._wait_for_producers(task)
        waiting.append(task)
        if last:
            self.layer += 1
            self.begins = True

    def _take_room(self, task: TileTask) -> Sequence[Load]:
        """Wait for what a step takes in one request before it loads anything; what it loads then."""
        return task.step.loads

    def _begin(self, layer: int) -> None:
        """A layer has asked for something."""
        self.log.start_cycles.setdefault(layer, self.cycle + self.skipped_cycles)
        self.begins = False

    def _wait_for_producers(self, task: TileTask) -> None:
        """A layer may begin without inputs, and a step without any request to DRAM."""
        if self.waits_for:
            while self.waits_for:
                self._go_on()
            if self.in_array is None and self._is_next(task) and self._has_all(task):
                self._stands_still(task, Operand.INPUTS)
        if self.begins:
            self._begin(task.layer)

    def drain(self) -> None:
        """Until everything that was asked for is done."""
        while self.to_array or self.in_array or self.to_finish.tasks or self._is_moving:
            self._go_on()
        self._observe()  # what was taken in the last cycle, and stays

    @property
    def _is_moving(self) -> bool:
        """Whether outputs are to be stored."""
        return bool(self.writes.tasks or self.stores.tasks)

    def _go_on(self) -> None:
        """Until something is free that the DMA may have waited for: in this cycle, or in a later one.

        Raises DeadlockError if nothing ever will be.
        """
        # Invariant: all that happens before `self.cycle` has happened, and of this cycle whatever comes first
        # in the order of events.py: what frees bytes or descriptors, then who takes them. Only the DMA and
        # the array take any; the DMA waits until something is freed, so up to then only the array has to be
        # looked at. Times that nothing is due at are NEVER, so the least is the next.
        waiting, finishing, stores, writes = self.to_array, self.to_finish, self.stores, self.writes
        while True:
            starts = NEVER
            if self.in_array is None and waiting:
                starts = waiting[0].arrives
                if starts <= self.cycle:
                    self._start_array_if_there_is_room()
                    starts = NEVER
            array_ends, frees_at = self.array_ends, finishing.head_cycle
            frees_at = array_ends if array_ends < frees_at else frees_at  # `min` is slow for two
            # No read is asked for before `frees_at`, so a store that joins before has its place; of the same
            # cycle, reads go first. Stores in line come before those that are not.
            if not stores.tasks and writes.head_cycle < (starts if starts < frees_at else frees_at):
                self._join_line()
            stored_at = stores.head_cycle
            frees_at = stored_at if stored_at < frees_at else frees_at
            if starts < frees_at:
                if not waiting[0].step.array_cycles:  # which frees bytes in the same cycle
                    self._observe()
                self.cycle = starts
                continue
            if frees_at == NEVER:
                raise DeadlockError.of(waiting, self.layer)
            # Banks are fullest before something is freed; a step of no cycles leaves before a cycle is over.
            if frees_at > self.cycle and (self.holds_more or sum(self.free_bytes) < self.least_together):
                self._observe()
            self.cycle = frees_at
            while writes.head_cycle < frees_at:
                self._join_line()
            if stored_at == frees_at:
                self._stored(stores.get())
            if array_ends == frees_at:
                self._end_array()
            while finishing.head_cycle == frees_at:
                self._finish(finishing.get())
            return

    def _observe(self) -> None:
        """What the banks hold at the end of a cycle."""
        free_bytes, least = self.free_bytes, self.least_free_bytes
        for bank, left_bytes in enumerate(free_bytes):
            known_bytes = least[bank]  # `min` is slow for two
            least[bank] = left_bytes if left_bytes < known_bytes else known_bytes
        if self.memories:
            self.log.observe(bank_sums(free_bytes, self.memories))
        elif (together_bytes := sum(free_bytes)) < least[-1]:
            least[-1] = self.least_together = together_bytes
        self.holds_more = False

    def _free(self, freed: Room) -> None:
        free_bytes = self.free_bytes
        for bank, size_bytes in freed:
            free_bytes[bank] += size_bytes

    # DRAM channel

    def _join_line(self) -> None:
        """The first store that has not joined the line does so: none may have been asked for before it."""
        writes = self.writes
        ready_at, free_at = writes.head_cycle + self.latency, self.channel_free_at
        task = writes.get()
        self.channel_free_at = ends = (ready_at if ready_at > free_at else free_at) + task.step.store_cycles
        self.stores.put(task, ends)

    def _stored(self, task: TileTask) -> None:
        free_bytes = self.free_bytes
        for bank, size_bytes in task.step.freed_by_store:
            free_bytes[bank] += size_bytes
        if task.last:
            self._end_layer(task.layer)

    def _end_layer(self, layer: int) -> None:
        self.log.end_cycles[layer] = self.cycle + self.skipped_cycles
        self.waits_for.discard(layer)

    # PE array and vector unit

    def _start_array_if_there_is_room(self) -> None:
        """With the first of the tasks that wait for it, which has all else that it needs."""
        task, cycle = self.to_array[0], self.cycle
        step = task.step
        if step.taken_bytes and not self._takes(step.taken_bytes):
            return
        self.to_array.popleft()
        if self.executed_until < cycle:
            self._stands_still(task)
        self.in_array = task
        self.array_ends = cycle + step.array_cycles

    def _takes(self, size_bytes: int) -> bool:
        """Whether there is room for so many bytes of outputs, which is taken then."""
        bank = self.bank_of_outputs
        left_bytes = self.free_bytes[bank] - size_bytes
        if left_bytes < 0:
            return False
        self.free_bytes[bank] = left_bytes
        if left_bytes < self.least_free_bytes[bank]:
            self.holds_more = True
        return True

    def _end_array(self) -> None:
        task = self.in_array
        assert task is not None  # work ends only where some has begun
        step, executed_until, free_bytes = task.step, self.cycle, self.free_bytes
        self.in_array = None
        self.array_ends = NEVER
        for bank, size_bytes in step.freed_by_array:
            free_bytes[bank] += size_bytes
        if step.completes:
            self._hand_to_vector_unit(task)
            if not step.array_cycles:
                executed_until = self.vector_free_at
        self.executed_until = max(self.executed_until, executed_until)

    def _hand_to_vector_unit(self, task: TileTask) -> None:
        """It finishes one task after the other, whatever else happens: when it will be done is known now."""
        step, cycle, free_at = task.step, self.cycle, self.vector_free_at
        self.vector_free_at = free_at = (free_at if free_at > cycle else cycle) + step.vector_cycles
        if step.stores:
            self.writes.put(task, free_at)
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
        """Let a layer end with the last of its outputs that are not stored, if any are."""
        return self.writes.mark_last(layer) or self.stores.mark_last(layer)

    # Standstill (see standstill.py for what it is)

    def _is_next(self, task: TileTask) -> bool:
        """Whether a task that waits for the array, or will, is the first to do so."""
        return not self.to_array or self.to_array[0] is task

    def _has_all(self, task: TileTask) -> bool:
        """Whether all has come that was asked for."""
        return task.arrives <= self.cycle

    def _stood_still(self, task: TileTask, operand: Operand) -> None:
        """Until now the next task lacked an operand: if nothing was executed meanwhile, that is why."""
        cycle, since = self.cycle, self.executed_until
        if not task.step.array_cycles:
            since = max(since, self.vector_free_at)
        if since < cycle:
            self.log.stand_still(task.layer, operand, cycle - since)
            self.executed_until = cycle

    def _stands_still(self, task: TileTask, then: Operand = Operand.OUTPUTS) -> None:
        """Put what has passed of a standstill down to what the next task lacked: its loads, as they come one
        after the other, and what it waits for then.
        """
        cycle, since, step = self.cycle, self.executed_until, task.step
        if not step.array_cycles:
            since = max(since, self.vector_free_at)
        if since >= cycle:
            return
        self.executed_until = cycle
        waiting = self.log.of_layer(task.layer)
        if task.arrives > since:
            for number, arrives in enumerate(task.arrivals):
                if arrives > since:
                    operand, until = step.loads[number].operand, arrives if arrives < cycle else cycle
                    waiting[operand] = waiting.get(operand, 0) + until - since
                    if until == cycle:
                        return
                    since = until
        waiting[then] = waiting.get(then, 0) + cycle - since

    # The state, as a value

    def glimpse(self) -> tuple[int, ...]:
        """Some of the state: where it differs, so does the state."""
        cycle, stores = self.cycle, self.stores
        executes_until = cycle if self.in_array is None else self.array_ends
        vector_free_at, channel_free_at = self.vector_free_at, self.channel_free_at - self.latency
        return (
            *self.free_bytes,
            executes_until - cycle,
            vector_free_at - executes_until if vector_free_at > executes_until else 0,
            len(self.to_array),
            channel_free_at - cycle if channel_free_at > cycle else 0,
            self.writes.tasks,
            stores.tasks,
            stores.head_cycle - cycle if stores.tasks else 0,
        )

    @property
    def entries(self) -> int:
        """How long its state is, in the same measure."""
        return len(self.to_array) + len(self.writes.runs) + len(self.stores.runs) + len(self.to_finish.runs)

    def state(self) -> State:
        """The state between two steps."""
        if self.in_array is None and self.to_array and self.executed_until < self.cycle:
            self._stands_still(self.to_array[0])
        cycle, layer, in_array = self.cycle, self.layer, self.in_array
        # The vector unit gets nothing, and no other step is executed, before the array is done: what ends
        # earlier does not matter. Nor does when the channel is free, before what is asked for now is ready.
        executes_until = cycle if in_array is None else self.array_ends
        waits_for, vector_free_at, executed_until = self.waits_for, self.vector_free_at, self.executed_until
        channel_free_at = self.channel_free_at - self.latency
        return State(  # by position, and without `max`: half the time
            self.prefetch,
            tuple(self.free_bytes),
            self._waiting(executes_until) if self.to_array else (),
            None if in_array is None else (executes_until - cycle, in_array.tag(layer)),
            vector_free_at - executes_until if vector_free_at > executes_until else 0,
            self.to_finish.state(cycle, layer) if self.to_finish.tasks else None,
            executed_until - executes_until if executed_until > executes_until else self.executes_nothing,
            tuple(sorted([layer - waited_for for waited_for in waits_for])) if waits_for else (),
            self.writes.state(cycle, layer) if self.writes.tasks else None,
            self.stores.state(cycle, layer) if self.stores.tasks else None,
            channel_free_at - cycle if channel_free_at > cycle else 0,
        )

    def _waiting(self, begins: int) -> Waiting:
        """Tasks that wait for the array, the first of which it begins at a cycle or later.

        Each begins when all before it are done and its loads have come: what comes before holds up nothing.
        """
        waiting: list[tuple[int, ...]] = []
        cycle, layer = self.cycle, self.layer
        for task in self.to_array:
            step, arrives = task.step, task.arrives
            if arrives > begins:
                due = [arrives - cycle]
                if len(task.arrivals) > 1 and task.arrivals[-2] > begins:  # others hold it up, too
                    due = [come - cycle for come in task.arrivals if come > begins]
                waiting.append((step.number, layer - task.layer, task.last, *due))
                begins = arrives
            else:
                waiting.append((step.number, layer - task.layer, task.last))
            begins += step.array_cycles
        return tuple(waiting)

    def put_into(self, state: State, layer: int, cycle: int, steps: Sequence[MachineStep]) -> None:
        """Go on from a state at another place and time; `steps` are those that its numbers stand for."""

        def task(tag: Tag) -> TileTask:
            number, distance, last = tag
            return TileTask(steps[number], layer - distance, last)

        self.cycle, self.layer, self.skipped_cycles = cycle, layer, 0
        self.holds_more = self.begins = True
        self.waits_for = {layer - distance for distance in state.waits_for}
        self.free_bytes = list(state.free_bytes)
        self.to_array = deque()
        for number, distance, last, *due in state.to_array:
            waiting = TileTask(steps[number], layer - distance, last != 0)
            self._let_wait(waiting, due)
            self.to_array.append(waiting)
        self.channel_free_at = cycle + self.latency + state.channel_busy_cycles
        self.writes = TaskQueue.of_state(state.writes, cycle, task)
        self.stores = TaskQueue.of_state(state.stores, cycle, task)
        self.in_array, self.array_ends, executes_until = None, NEVER, cycle
        if state.in_array is not None:
            self.in_array = task(state.in_array[1])
            self.array_ends = executes_until = cycle + state.in_array[0]
        self.vector_free_at = executes_until + state.vector_busy_cycles
        self.executed_until = executes_until + state.executing_cycles
        self.to_finish = TaskQueue.of_state(state.to_finish, cycle, task)

    def _let_wait(self, task: TileTask, due: Sequence[int]) -> None:
        """What a task that waits for the array still waits for; if anything, other loads came now."""
        if due:
            come = [self.cycle] * (len(task.step.loads) - len(due))
            task.arrivals = [*come, *[self.cycle + cycles for cycles in due]]
            task.arrives = task.arrivals[-1]
