"""TimeStepper: the state machine of stepper.py for those who ask for nothing but when layers end.

It goes on as the `Stepper` does, with the same things at the same times, but notes neither what banks hold at
most, nor what the vector unit executes, nor whom the array stands still for. A mapping that is judged, and a
candidate of a search, are worth no more than their time.

Its states are not those of a `Stepper`: where these say for how long the vector unit executes layers of its
own, they have `executes_nothing`, a number that a `Stepper` never has there. So both may share a memory of
transitions, and what was remembered without notes is never met by whoever asks for them.
"""

from typing import ClassVar

from accelsim.simulation.deadlock import DeadlockError
from accelsim.simulation.log import Log
from accelsim.simulation.machine_step import MachineStep
from accelsim.simulation.stepper import Stepper
from accelsim.simulation.task_queue import NEVER, TileTask


class TimeStepper(Stepper):
    """The state of a machine with one channel and no pool, where only times are asked for."""

    executes_nothing: ClassVar[int] = -1

    def report_to(self, log: Log) -> None:
        """When layers end from now on is to be written there."""
        self.log = log

    def hand_over(self, step: MachineStep, last: bool) -> None:
        """Until a step is asked for and waits for the array, as `Stepper` says it."""
        task = TileTask(step, self.layer, last)
        waiting, free_bytes, latency = self.to_array, self.free_bytes, self.latency
        while len(waiting) + (self.in_array is not None) > self.prefetch:
            self._go_on()
        arrivals: list[int] = []
        for load in step.loads:
            bank, size_bytes = load.bank, load.size_bytes
            if self.waits_for and load.of_layers:
                while self.waits_for:
                    self._go_on()
            if size_bytes > free_bytes[bank]:
                self._go_on(bank, size_bytes)
            free_bytes[bank] -= size_bytes
            ready_at, free_at = self.cycle + latency, self.channel_free_at
            arrives = (ready_at if ready_at > free_at else free_at) + load.stream_cycles
            self.channel_free_at = task.arrives = arrives
            arrivals.append(arrives)
        task.arrivals = arrivals
        while self.waits_for:  # a layer may begin without inputs
            self._go_on()
        waiting.append(task)
        if last:
            self.layer += 1

    def _go_on(self, bank: int = 0, size_bytes: int = 0) -> None:
        """Until something is freed, and so many bytes of a bank are free; see `Stepper`, whose order it is.

        Raises DeadlockError if nothing ever will be.
        """
        waiting, finishing, stores, writes = self.to_array, self.to_finish, self.stores, self.writes
        free_bytes, cycle, array_ends = self.free_bytes, self.cycle, self.array_ends
        while True:
            starts = NEVER
            if array_ends == NEVER and waiting:
                starts = waiting[0].arrives
                if starts <= cycle:
                    step = waiting[0].step
                    if step.taken_bytes <= free_bytes[self.bank_of_outputs]:
                        free_bytes[self.bank_of_outputs] -= step.taken_bytes
                        self.in_array = waiting.popleft()
                        self.array_ends = array_ends = cycle + step.array_cycles
                    starts = NEVER
            frees_at = finishing.head_cycle
            frees_at = array_ends if array_ends < frees_at else frees_at
            if not stores.tasks and writes.head_cycle < (starts if starts < frees_at else frees_at):
                self._join_line()
            stored_at = stores.head_cycle
            frees_at = stored_at if stored_at < frees_at else frees_at
            if starts < frees_at:
                cycle = starts
                continue
            if frees_at == NEVER:
                self.cycle = cycle
                raise DeadlockError.of(waiting, self.layer)
            self.cycle = cycle = frees_at
            while writes.head_cycle < cycle:
                self._join_line()
            if stored_at == cycle:
                self._stored(stores.get())
            if array_ends == cycle:
                self._end_array()
                array_ends = NEVER
            while finishing.head_cycle == cycle:
                self._finish(finishing.get())
            if size_bytes <= free_bytes[bank]:
                return

    def _end_array(self) -> None:
        task, free_bytes = self.in_array, self.free_bytes
        assert task is not None  # work ends only where some has begun
        step = task.step
        self.in_array, self.array_ends = None, NEVER
        for bank, size_bytes in step.freed_by_array:
            free_bytes[bank] += size_bytes
        if step.completes:
            self._hand_to_vector_unit(task)

    def _stands_still(self, task: TileTask, then: object = None) -> None:
        """Nobody asks for whom."""

    def _observe(self) -> None:
        """Nor what banks hold."""
