"""TaskQueue: tasks in the order in which they go on, and when each may.

Thousands of finished tiles may wait for a slow vector unit or a slow channel. Most are alike and equally far
apart, since one component made them at its own pace: such a row is one run, however long it is. To take or to
give one task costs the same whatever waits, and a state of the machine is as long as the queue has runs.
"""

from collections import deque
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple, TypeAlias

from accelsim.simulation.machine_step import MachineStep

NEVER: Final = 1 << 62
"""A cycle that does not come."""

Tag: TypeAlias = tuple[int, int, bool]
"""A task in a state: the number of its step, layers between its own and the DMA's, whether it is the last."""


class TileTask:
    """One step of one layer on its way through the machine."""

    __slots__ = ("arrivals", "arrives", "last", "layer", "reads_due", "step")

    def __init__(self, step: MachineStep, layer: int, last: bool) -> None:
        self.step = step
        self.layer = layer
        self.last = last
        self.arrivals: Sequence[int] = ()
        """When each of its loads comes, as far as that is known when it is asked for."""
        self.arrives = 0
        """The last of them."""
        self.reads_due = 0
        """Where it is not: a bit for each that is still to come."""

    def tag(self, layer: int) -> Tag:
        """What it is, seen from a layer."""
        return self.step.number, layer - self.layer, self.last


class Run(NamedTuple):
    """Successive tasks of a queue that are alike, each so many cycles after the one before it."""

    tasks: int
    gap_cycles: int
    tag: Tag


class QueueState(NamedTuple):
    """What a queue that is not empty holds; equal if and only if the queues hold the same.

    The first task stands apart, since its distance from one that has left matters to nobody.
    """

    head_cycles: int
    """When the first task may go on, from now."""
    head: Tag
    runs: tuple[Run, ...]
    """The tasks behind it. No two neighbours are alike, so that there is one way to write a queue down."""


class OpenRun:
    """A run that tasks may still join and leave."""

    __slots__ = ("gap_cycles", "task", "tasks")

    def __init__(self, task: TileTask, gap_cycles: int, tasks: int = 1) -> None:
        self.task = task
        """Stands for all of them."""
        self.gap_cycles = gap_cycles
        self.tasks = tasks


class TaskQueue:
    """First in, first out. Tasks come in the order of the cycles at which they may go on."""

    __slots__ = ("_head", "_tail_cycle", "head_cycle", "runs", "tasks")

    def __init__(self) -> None:
        self._head: TileTask | None = None
        self.head_cycle = NEVER
        """When the first task may go on."""
        self.runs: deque[OpenRun] = deque()
        """Of those behind it: as many as its state has."""
        self._tail_cycle = 0
        self.tasks = 0

    def put(self, task: TileTask, cycle: int) -> None:
        """A task that may go on at a cycle comes last."""
        self.tasks += 1
        if self._head is None:  # as mostly
            self._head = task
            self.head_cycle = self._tail_cycle = cycle
            return
        gap_cycles, runs = cycle - self._tail_cycle, self.runs
        self._tail_cycle = cycle
        if runs:
            run = runs[-1]
            last_task = run.task
            if (
                run.gap_cycles == gap_cycles
                and last_task.step is task.step
                and last_task.layer == task.layer
                and last_task.last == task.last
            ):
                run.tasks += 1
                return
        runs.append(OpenRun(task, gap_cycles))

    def get(self) -> TileTask:
        """The first task leaves."""
        task, runs = self._head, self.runs
        assert task is not None  # nobody takes one where there is none
        self.tasks -= 1
        if runs:
            run = runs[0]
            self._head = run.task
            self.head_cycle += run.gap_cycles
            run.tasks -= 1
            if not run.tasks:
                runs.popleft()
        else:
            self._head, self.head_cycle = None, NEVER
        return task

    def mark_last(self, layer: int) -> bool:
        """Make the last of a layer's tasks that wait here the layer's last; False if none does."""
        runs = self.runs
        for index in range(len(runs) - 1, -1, -1):
            run = runs[index]
            if run.task.layer < layer:  # tasks come in the order of their layers
                return False
            if run.task.layer == layer:
                last = TileTask(run.task.step, layer, last=True)
                if run.tasks == 1:
                    run.task = last
                else:
                    run.tasks -= 1
                    runs.insert(index + 1, OpenRun(last, run.gap_cycles))
                return True
        if self._head is None or self._head.layer != layer:
            return False
        self._head = TileTask(self._head.step, layer, last=True)
        return True

    def state(self, cycle: int, layer: int) -> QueueState | None:
        """What it holds, seen from a cycle and a layer; None if that is nothing."""
        head = self._head
        if head is None:
            return None
        runs = (
            tuple([Run(run.tasks, run.gap_cycles, run.task.tag(layer)) for run in self.runs])
            if self.runs
            else ()
        )
        return QueueState(self.head_cycle - cycle, head.tag(layer), runs)

    @classmethod
    def of_state(
        cls, state: QueueState | None, cycle: int, task_of: Callable[[Tag], TileTask]
    ) -> "TaskQueue":
        """A queue that holds what a state says, from a cycle on."""
        queue = cls()
        if state is not None:
            queue.put(task_of(state.head), cycle + state.head_cycles)
            for run in state.runs:
                queue.runs.append(OpenRun(task_of(run.tag), run.gap_cycles, run.tasks))
                queue._tail_cycle += run.tasks * run.gap_cycles
                queue.tasks += run.tasks
        return queue
