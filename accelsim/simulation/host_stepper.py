"""HostStepper: the state machine of a machine with a host.

A step of the host passes the array in no time, in the order of the steps, and is handed to the host, as one
that is complete is to the vector unit: the host does one after the other, whatever else happens, so when it
will be done is known then. Its outputs wait for the channels in queues of their own, since they may be ready
before those of the vector unit that were begun earlier. Of outputs that are ready in the same cycle those of
the vector unit go first.

It is made of the stepper of a machine with several channels, of which there may be one.
"""

from collections.abc import Sequence

from accelsim.hardware.machine import Hardware
from accelsim.hardware.memory import Channel
from accelsim.hardware.operand import Operand
from accelsim.simulation.channel_stepper import ChannelStepper, PoolChannelStepper, Queue
from accelsim.simulation.deadlock import DeadlockError
from accelsim.simulation.level_stepper import LevelStepper
from accelsim.simulation.machine_step import MachineStep
from accelsim.simulation.state import HostState, State
from accelsim.simulation.task_queue import NEVER, Tag, TaskQueue, TileTask


class HostQueue(Queue):
    """What one memory has been asked for, with the outputs of the host."""

    def __init__(self, channel: Channel) -> None:
        super().__init__(channel)
        self.host_writes = TaskQueue()

    @property
    def next_cycle(self) -> int:
        """When its stream ends, or else a request is ready."""
        if self.streaming is not None:
            return self.stream_ends
        return min(super().next_cycle, self.host_writes.head_cycle)

    def arbitrate(self, cycle: int) -> None:
        """At the end of a cycle: the request that has been ready longest; of equal ones the host's last."""
        if self.streaming is None and self.host_writes.head_cycle < super().next_cycle:
            # They take the place of the other writes for this one choice, before which nothing is ready.
            self.writes, others = self.host_writes, self.writes
            super().arbitrate(cycle)
            self.writes = others
        else:
            super().arbitrate(cycle)


class HostStepper(ChannelStepper):
    """The state of a machine with a host."""

    host_queues: list[HostQueue]
    """Its queues, which are these."""

    def __init__(self, hardware: Hardware, idle_descriptors: int = 0, pool_bytes: int = 0) -> None:
        super().__init__(hardware, idle_descriptors, pool_bytes)
        self.host_free_at = 0
        self.wakes_at = NEVER
        """When the DMA looks again, though nothing has become free."""
        self.to_finish_on_host = TaskQueue()

    def _empty_queues(self) -> list[Queue]:
        self.host_queues = [HostQueue(channel) for channel in self.channels]
        return list(self.host_queues)

    @property
    def _is_moving(self) -> bool:
        of_host = self.to_finish_on_host.tasks or any(queue.host_writes.tasks for queue in self.host_queues)
        return bool(of_host or super()._is_moving)

    def _go_on(self) -> None:
        """Until something is free that the DMA may have waited for; the host's ends are the cycle's last."""
        waiting, finishing, on_host = self.to_array, self.to_finish, self.to_finish_on_host
        queues = self.queues
        while True:
            if self.in_array is None and waiting and not waiting[0].reads_due:
                self._start_array_if_there_is_room()
            array_ends = self.array_ends
            next_cycle = min(array_ends, finishing.head_cycle, on_host.head_cycle, self.wakes_at)
            cycle = self.cycle
            if array_ends > cycle:  # else the cycle is not over: a step of no cycles leaves in it
                self._arbitrate_all()
                # Nor is it where a transfer of no cycles ends in it.
                cycle = min(next_cycle, self._due())
                if self.holds_more and cycle > self.cycle:
                    self._observe()
            if cycle == NEVER:
                raise DeadlockError.of(waiting, self.layer)
            self.cycle = cycle
            ended = [queue for queue in queues if queue.stream_ends == cycle]
            frees = [queue for queue in ended if self._end_stream_of(queue)]
            if not frees and next_cycle > cycle:  # a request is ready, or a read has come: nothing is free
                continue
            if self.array_ends == cycle:
                self._end_array()
            for unit in (finishing, on_host):
                while unit.head_cycle == cycle:
                    self._finish(unit.get())
            return

    def _arbitrate_all(self) -> None:
        """At the end of a cycle: each channel chooses what it moves next."""
        for queue in self.queues:
            queue.arbitrate(self.cycle)

    def _due(self) -> int:
        """When a stream ends, or else a request is ready."""
        return min([queue.next_cycle for queue in self.queues])

    def _end_array(self) -> None:
        task = self.in_array
        if task is None or not task.step.mapped.on_host:
            super()._end_array()
            return
        self.in_array, self.array_ends = None, NEVER
        self._hand_to_host(task)
        self.executed_until = max(self.executed_until, self.host_free_at)

    def _hand_to_host(self, task: TileTask) -> None:
        """It does one task after the other, whatever else happens: when it will be done is known now."""
        step = task.step
        self.host_free_at = max(self.host_free_at, self.cycle) + step.vector_cycles
        if step.stores:
            queue = self.host_queues[self._queue_number(task.layer, Operand.OUTPUTS)]
            queue.host_writes.put(task, self.host_free_at + queue.latency)
        if step.freed_by_vector_unit or not step.stores:
            self.to_finish_on_host.put(task, self.host_free_at)

    def _ends_with_a_write(self, layer: int) -> bool:
        """Let a layer end with the last of its outputs that still wait for the channel, if any do."""
        queue = self.host_queues[self._queue_number(layer, Operand.OUTPUTS)]
        return queue.host_writes.mark_last(layer) or super()._ends_with_a_write(layer)

    def _stood_still(self, task: TileTask, operand: Operand) -> None:
        """A step of the host does not wait for what the vector unit has left to finish."""
        if not task.step.mapped.on_host:
            super()._stood_still(task, operand)
        elif self.executed_until < self.cycle:
            self.log.stand_still(task.layer, operand, self.cycle - self.executed_until)
            self.executed_until = self.cycle

    def glimpse(self) -> tuple[int, ...]:
        """Some of the state: where it differs, so does the state."""
        writes = [queue.host_writes.tasks for queue in self.host_queues]
        return (*super().glimpse(), max(self.host_free_at - self.cycle, 0), *writes)

    @property
    def entries(self) -> int:
        """How long its state is, in the same measure."""
        runs = sum([len(queue.host_writes.runs) for queue in self.host_queues])
        return super().entries + runs + len(self.to_finish_on_host.runs)

    def state(self) -> State:
        """The state between two steps, with what the host does."""
        cycle, layer, state = self.cycle, self.layer, super().state()
        channels = [
            channel._replace(host_writes=queue.host_writes.state(cycle, layer))
            for queue, channel in zip(self.host_queues, state.channels, strict=True)
        ]
        host = HostState(max(self.host_free_at - cycle, 0), self.to_finish_on_host.state(cycle, layer))
        return state._replace(channels=tuple(channels), host=host)

    def put_into(self, state: State, layer: int, cycle: int, steps: Sequence[MachineStep]) -> None:
        """Go on from a state at another place and time."""
        super().put_into(state, layer, cycle, steps)

        def task(tag: Tag) -> TileTask:
            number, distance, last = tag
            return TileTask(steps[number], layer - distance, last)

        assert state.host is not None  # it is a state of such a machine
        self.host_free_at = cycle + state.host.busy_cycles
        self.to_finish_on_host = TaskQueue.of_state(state.host.to_finish, cycle, task)
        for queue, channel in zip(self.host_queues, state.channels, strict=True):
            queue.host_writes = TaskQueue.of_state(channel.host_writes, cycle, task)


class HostPoolStepper(HostStepper, PoolChannelStepper):
    """The state of a machine with a host, and a pool."""


class HostLevelStepper(HostStepper, LevelStepper):
    """The state of a machine with a host, whose tensors have a memory for themselves."""


def stepper_with_host(hardware: Hardware, idle_descriptors: int, pool_bytes: int) -> HostStepper:
    """That of a machine with a host, where tensors take so much of its pool from the beginning."""
    if hardware.tensor_memory is not None:
        return HostLevelStepper(hardware, idle_descriptors, pool_bytes)
    kind = HostStepper if hardware.pool is None else HostPoolStepper
    return kind(hardware, idle_descriptors, pool_bytes)
