"""EngineStepper: the state machine of a machine whose engines have rules of their own.

It may have a control, which hands steps to the DMA one by one and lets so many be under way; a memory that is
read and written over two channels; operands that move only while the array stands; and weights for which no
memory on chip has room. What each does is in the processes of the event engine (control.py, stops.py); here
it is a few more cycles at which something may go on.

A channel with operands that stop the array and others is two queues, of which one streams at a time: what
stops the array waits for it, and what does not goes first. It is made of the stepper of a machine with a
host, which there need not be.
"""

from collections import deque
from collections.abc import Iterator, Sequence
from typing import Final

from accelsim.hardware.machine import Hardware
from accelsim.hardware.memory import Channel
from accelsim.hardware.operand import Operand
from accelsim.simulation.channel_stepper import Queue
from accelsim.simulation.host_stepper import HostPoolStepper, HostQueue, HostStepper
from accelsim.simulation.log import bank_sums
from accelsim.simulation.machine_step import Load, MachineStep
from accelsim.simulation.occupation import load_cycles, store_cycles
from accelsim.simulation.state import EngineState, State
from accelsim.simulation.task_queue import NEVER, TileTask

_ENDED: Final = 0
"""Of a step in flight that has ended, and waits for one before it."""
_WITH_ARRAY, _WITH_UNIT, _WITH_STORE, _WITH_HOST, _WITH_HOST_STORE = range(1, 6)
"""How a step ends: those that end the same way do so in the order of the steps."""


def _ending(step: MachineStep) -> int:
    """How it ends."""
    if step.mapped.on_host:
        return _WITH_HOST_STORE if step.stores else _WITH_HOST
    if not step.completes:
        return _WITH_ARRAY
    return _WITH_STORE if step.stores else _WITH_UNIT


class EngineQueue(HostQueue):
    """What a channel has been asked for that stops the array, or that does not."""

    def __init__(self, channel: Channel, *, stops: bool) -> None:
        super().__init__(channel)
        self.stops = stops

    def arbitrate(self, cycle: int) -> None:
        """A store may say for how long it takes."""
        super().arbitrate(cycle)
        if self.streaming is not None and not self.bit_of_read:
            self.stream_ends = cycle + store_cycles(self.streaming.step.mapped, self.bandwidth)

    @property
    def first(self) -> tuple[int, int]:
        """Of what may stream next: when it is ready, and which way it goes."""
        reads = self.reads[0][0] if self.reads else NEVER
        heads = reads, self.writes.head_cycle, self.host_writes.head_cycle
        ready_at = min(heads)
        return ready_at, heads.index(ready_at)

    def due_after(self, cycle: int) -> int:
        """When its stream ends, or else a request is ready that is not yet: one that is waits for others."""
        due = self.next_cycle
        return due if due > cycle or self.streaming is not None else NEVER


class EngineStepper(HostStepper):
    """The state of a machine whose engines have rules of their own."""

    engine_queues: list[EngineQueue]
    """Its queues, which are these."""

    def __init__(self, hardware: Hardware, idle_descriptors: int = 0, pool_bytes: int = 0) -> None:
        self.stopping = frozenset([operand for memory in hardware.on_chip for operand in memory.stops_array])
        super().__init__(hardware, idle_descriptors, pool_bytes)
        self.banks = len(self.free_bytes)
        if Operand.WEIGHTS not in self.bank_of:  # no memory on chip holds them: there is room always
            self.bank_of[Operand.WEIGHTS] = self.banks
            self.free_bytes.append(NEVER)
        self.control = hardware.control
        self.next_turn = 0 if self.control is None else self.control.cycles_per_layer
        """The cycle from which on the next step may be handed over."""
        self.in_flight: deque[int] = deque()
        """How each step will end that is handed over and not done."""
        self.seen_at: deque[int] = deque()
        """When each step that is done is seen to be."""
        self.has_room = False
        """Of the first step that waits for the array, and waits only for what stops the array."""

    # Channels and queues

    def _of_queues(self, hardware: Hardware) -> Sequence[Channel]:
        return [part for channel in hardware.channels for part in self._parts(channel)]

    def _parts(self, channel: Channel) -> Iterator[Channel]:
        """What a channel moves whatever the array does, and what it moves only while that stands."""
        for operands in (channel.operands - self.stopping, channel.operands & self.stopping):
            if operands:
                yield channel._replace(operands=operands)

    def _empty_queues(self) -> list[Queue]:
        groups: dict[str, list[EngineQueue]] = {}
        self.engine_queues = []
        for channel in self.channels:
            queue = EngineQueue(channel, stops=not self.stopping.isdisjoint(channel.operands))
            self.engine_queues.append(queue)
            groups.setdefault(channel.name, []).append(queue)
        self.of_channels = list(groups.values())
        """Those of each channel."""
        self.host_queues = list(self.engine_queues)
        return list(self.engine_queues)

    def _read(self, load: Load, task: TileTask) -> None:
        """Ask for the next of the loads of a task, which may say for how long it takes."""
        super()._read(load, task)
        queue = self.queues[self.queue_of[load.operand]]
        ready_at, _, _, bit = queue.reads.pop()
        cycles = load_cycles(task.step.mapped, load.operand, load.moved_bytes, queue.bandwidth)
        queue.reads.append((ready_at, cycles, task, bit))

    def _observe(self) -> None:
        self.log.observe(bank_sums(self.free_bytes[: self.banks], self.memories))
        self.holds_more = False

    def _arbitrate_all(self) -> None:
        for of_channel in self.of_channels:
            self._arbitrate_among(of_channel)

    def _due(self) -> int:
        return min([queue.due_after(self.cycle) for queue in self.engine_queues])

    def _arbitrate_among(self, of_channel: Sequence[EngineQueue]) -> None:
        """At the end of a cycle: what has been ready longest; what stops the array does not while that
        computes. Of equals reads, in the order in which they were asked for.
        """
        if any(queue.streaming is not None for queue in of_channel):
            return
        computes = self.in_array is not None
        ready = [queue for queue in of_channel if queue.next_cycle <= self.cycle]
        free = [queue for queue in ready if not (queue.stops and computes)]
        if len(free) > 1:
            free.sort(key=lambda queue: (*queue.first, *self._place_of_read(queue)))
        if free:
            free[0].arbitrate(self.cycle)

    def _place_of_read(self, queue: EngineQueue) -> tuple[int, int]:
        """Of the first read of a queue among all, by its task and its place there."""
        if not queue.reads:
            return 0, 0
        _, _, task, bit = queue.reads[0]
        waiting = self.to_array
        return waiting.index(task) if task in waiting else len(waiting), bit

    # The array, and what it stands still for

    def _start_array_if_there_is_room(self) -> None:
        """Unless something moves that stops it; then its room is taken all the same."""
        step = self.to_array[0].step
        stopped = step.array_cycles and any(
            queue.stops and queue.streaming is not None for queue in self.engine_queues
        )
        if stopped:
            if not self.has_room and self._takes(step.taken_bytes):
                self.has_room = self.holds_more = True
            return
        if self.has_room:
            self.free_bytes[self.bank_of_outputs] += step.taken_bytes  # which the array takes now
            self.has_room = False
        super()._start_array_if_there_is_room()

    # Control

    def hand_over(self, step: MachineStep, last: bool) -> None:
        """When it is the turn of a step, until it is asked for and waits for the array."""
        if self.control is not None:
            self._wait_for_turn(step)
            if self.in_array is None and not self.to_array:
                self._stood_still(TileTask(step, self.layer, last), Operand.OUTPUTS)
        super().hand_over(step, last)
        if self.control is not None and last:
            self.next_turn += self.control.cycles_per_layer

    def _wait_for_turn(self, step: MachineStep) -> None:
        control, seen_at = self.control, self.seen_at
        assert control is not None  # else nobody waits
        most = NEVER if control.tiles_in_flight is None else control.tiles_in_flight
        while True:
            while seen_at and seen_at[0] <= self.cycle:
                seen_at.popleft()
            if self.next_turn <= self.cycle and len(self.in_flight) + len(seen_at) < most:
                break
            coming = [cycle for cycle in (self.next_turn, *seen_at) if cycle > self.cycle]
            self.wakes_at = min(coming, default=NEVER)
            self._go_on()
        self.wakes_at = NEVER
        self.next_turn = self.cycle + control.cycles_per_tile
        if control.tiles_in_flight is not None:
            self.in_flight.append(_ending(step))

    def _ended(self, step: MachineStep) -> None:
        """A step has ended; those are done before which all have."""
        in_flight = self.in_flight
        if self.control is None or self.control.tiles_in_flight is None:
            return
        in_flight[in_flight.index(_ending(step))] = _ENDED
        while in_flight and in_flight[0] == _ENDED:
            in_flight.popleft()
            self.seen_at.append(self.cycle + self.control.completion_cycles)

    def _end_array(self) -> None:
        task = self.in_array
        super()._end_array()
        if task is not None and not task.step.mapped.on_host and not task.step.completes:
            self._ended(task.step)

    def _stored(self, task: TileTask) -> None:
        super()._stored(task)
        self._ended(task.step)

    def _finish(self, task: TileTask) -> None:
        super()._finish(task)
        if not task.step.stores:
            self._ended(task.step)

    # The state, as a value

    def glimpse(self) -> tuple[int, ...]:
        """Some of the state: where it differs, so does the state."""
        turn = max(self.next_turn - self.cycle, 0)
        return (*super().glimpse(), turn, len(self.in_flight), len(self.seen_at))

    def state(self) -> State:
        """The state between two steps, with what its engines wait for."""
        cycle, state = self.cycle, super().state()
        engines = EngineState(
            next_turn_cycles=max(self.next_turn - cycle, 0),
            in_flight=tuple(self.in_flight),
            seen_cycles=tuple([seen_at - cycle for seen_at in self.seen_at if seen_at > cycle]),
            has_room=self.has_room,
        )
        assert state.host is not None  # it is made of such a state
        return state._replace(host=state.host._replace(engines=engines))

    def put_into(self, state: State, layer: int, cycle: int, steps: Sequence[MachineStep]) -> None:
        """Go on from a state at another place and time."""
        super().put_into(state, layer, cycle, steps)
        assert state.host is not None  # it is a state of such a machine
        assert state.host.engines is not None
        turn_cycles, in_flight, seen_cycles, self.has_room = state.host.engines
        self.next_turn, self.wakes_at = cycle + turn_cycles, NEVER
        self.in_flight = deque(in_flight)
        self.seen_at = deque([cycle + cycles for cycles in seen_cycles])


class EnginePoolStepper(EngineStepper, HostPoolStepper):
    """The state of such a machine with a pool."""

    def __init__(self, hardware: Hardware, idle_descriptors: int = 0, pool_bytes: int = 0) -> None:
        super().__init__(hardware, idle_descriptors, pool_bytes)
        self.past = frozenset({Operand.WEIGHTS}) - hardware.bank_of.keys()
        """What streams past the memories on chip."""
        self.without_room: TileTask | None = None
        """The step that waits for room, of which that has been asked for."""

    def _take_room(self, task: TileTask) -> Sequence[Load]:
        """What streams past needs none, and does not wait for it."""
        loads = task.step.loads
        past = [load for load in loads if load.operand in self.past]
        if not past:
            return super()._take_room(task)
        while self.waits_for and task.step.mapped.weights_of_layer:
            self._go_on()
        for load in past:
            self.free_bytes[load.bank] -= load.size_bytes
            self._read(load, task)
        self.without_room = task
        super()._take_room(task)
        self.without_room = None
        return [load for load in loads if load.operand not in self.past]

    def _first_missing(self, task: TileTask) -> Operand:
        """Room comes before operands."""
        return Operand.OUTPUTS if task is self.without_room else super()._first_missing(task)


def stepper_of_engines(hardware: Hardware, idle_descriptors: int, pool_bytes: int) -> EngineStepper:
    """That of a machine whose engines have rules of their own, which keeps no tensors."""
    kind = EngineStepper if hardware.pool is None else EnginePoolStepper
    return kind(hardware, idle_descriptors, pool_bytes)
