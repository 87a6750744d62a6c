"""A queue of runs holds what a plain list of its tasks does, and there is one way to write it down."""

import hypothesis.strategies as st
from hypothesis import given
from machines import machine, step

from accelsim.simulation.stepper import Stepper
from accelsim.simulation.task_queue import NEVER, TaskQueue, TileTask

STEPS = tuple(Stepper(machine()).on_machine(step(store=store), store - 1) for store in (1, 2))
LAYER = 5
"""From which tasks are looked at."""

PUTS = st.tuples(st.just("put"), st.integers(0, 3), st.integers(0, 1), st.integers(0, 1))
"""So many cycles after the task before, a step by number, so many layers after those before."""
MOVES = st.lists(st.one_of(PUTS, PUTS, st.just(("get",)), st.just(("mark_last",))), max_size=30)


def task_of(tag):
    """A task that a tag seen from the layer stands for."""
    number, back, last = tag
    return TileTask(STEPS[number], LAYER - back, last)


def run_through(moves):
    """A queue after these moves, and a list of what it has to hold: when each task may go on, and its tag."""
    queue, listed, cycle, layer = TaskQueue(), [], 0, 0
    for kind, *numbers in moves:
        if kind == "put":
            after, number, layers = numbers
            cycle, layer = cycle + after, layer + layers
            queue.put(TileTask(STEPS[number], layer, last=False), cycle)
            listed.append((cycle, (number, LAYER - layer, False)))
        elif kind == "get" and listed:
            assert queue.get().tag(LAYER) == listed.pop(0)[1]
        elif kind == "mark_last":
            assert queue.mark_last(layer) == marked(listed, LAYER - layer)
            layer += 1
    return queue, listed


def marked(listed, back):
    """Whether a task of the layer is listed; the last of them is made the layer's last."""
    for place in reversed(range(len(listed))):
        cycle, tag = listed[place]
        if tag[1] == back:
            listed[place] = (cycle, (*tag[:2], True))
            return True
    return False


def unrolled(state):
    """When each task of a state may go on, and its tag."""
    if state is None:
        return []
    cycle, listed = state.head_cycles, [(state.head_cycles, state.head)]
    for run in state.runs:
        for _ in range(run.tasks):
            cycle += run.gap_cycles
            listed.append((cycle, run.tag))
    return listed


@given(MOVES)
def test_a_queue_of_runs_holds_its_tasks_in_order(moves):
    queue, listed = run_through(moves)
    assert unrolled(queue.state(0, LAYER)) == listed
    assert queue.tasks == len(listed)
    assert queue.head_cycle == (listed[0][0] if listed else NEVER)


@given(MOVES, st.integers(0, 50))
def test_queues_that_hold_the_same_have_the_same_state_however_they_came_to_it(moves, now):
    queue, listed = run_through(moves)
    fresh = TaskQueue()
    for cycle, tag in listed:
        fresh.put(task_of(tag), cycle)
    state = queue.state(now, LAYER)
    assert fresh.state(now, LAYER) == state
    assert TaskQueue.of_state(state, now, task_of).state(now, LAYER) == state


@given(MOVES, MOVES)
def test_a_queue_that_was_put_into_a_state_goes_on_like_the_one_that_was_in_it(moves, later):
    queue, listed = run_through(moves)
    copy = TaskQueue.of_state(queue.state(0, LAYER), 0, task_of)
    last_cycle, last_layer = (listed[-1][0], LAYER - listed[-1][1][1]) if listed else (0, 0)
    for kind, *numbers in later:
        if kind == "put":
            last_cycle += numbers[0]
            for each in (queue, copy):
                each.put(TileTask(STEPS[numbers[1]], last_layer, last=False), last_cycle)
        elif kind == "get" and queue.tasks:
            assert queue.get().tag(LAYER) == copy.get().tag(LAYER)
        assert copy.state(0, LAYER) == queue.state(0, LAYER)


@given(st.integers(1, 1000), st.integers(0, 100))
def test_tasks_that_are_alike_and_equally_far_apart_are_one_run(tasks, gap):
    queue = TaskQueue()
    for place in range(tasks):
        queue.put(TileTask(STEPS[0], 0, last=False), place * gap)
    assert len(queue.runs) <= 1
    assert len(queue.state(0, 0).runs) == min(tasks - 1, 1)
