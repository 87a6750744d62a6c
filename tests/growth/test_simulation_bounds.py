"""What the fast engine looks at and remembers is bounded: by the steps it takes, and altogether.

Counted in entries of states and in steps, not in seconds and bytes.
"""

import random
from dataclasses import dataclass, field

import pytest
from machines import layer_of, machine, schedule, step

from accelsim.mapping.mapping import Repeat
from accelsim.simulation import transitions as transitions_module
from accelsim.simulation import traversal
from accelsim.simulation.events import simulate_events
from accelsim.simulation.fast import simulate_fast
from accelsim.simulation.stepper import Stepper
from accelsim.simulation.transitions import Transitions

ROOMY = machine(**{"global_buffer.size_bytes": 1 << 22})
"""Its banks hold thousands of the tiles below, so that as many may wait to be finished and stored."""
DEEPEST_NEST = 6
"""Loops of a mapping, each of which looks at states of its own."""


@dataclass
class Work:
    """What a walk has done."""

    steps: int = 0
    entries: list[int] = field(default_factory=list)
    """Of every state that was looked at."""


@pytest.fixture
def work(monkeypatch):
    """Counts the steps that are taken and the states that are looked at."""
    done = Work()
    hand_over, state = Stepper.hand_over, Stepper.state

    def counted_hand_over(self, *arguments):
        done.steps += 1
        hand_over(self, *arguments)

    def counted_state(self):
        taken = state(self)
        done.entries.append(taken.entries)
        return taken

    monkeypatch.setattr(Stepper, "hand_over", counted_hand_over)
    monkeypatch.setattr(Stepper, "state", counted_state)
    return done


def unlike_steps(count, seed=0):
    """Steps that the vector unit finishes slowly, no two neighbours alike."""
    random.seed(seed)
    return tuple(
        step(inputs=16, array=1, vector=random.randint(500, 600), store=random.randint(16, 32))
        for _ in range(count)
    )


def nested(body, *times):
    """A body in loops, innermost first."""
    for count in times:
        body = (Repeat(count, body),)
    return body


@pytest.mark.parametrize("slow", [{"vector": 50}, {"vector": 50, "shortcut": 64}], ids=["stored", "added"])
def test_tiles_that_queue_up_and_are_alike_take_no_more_steps_the_more_there_are(work, slow):
    tile = step(inputs=64, array=2, store=64, **slow)
    taken, remembered = [], []
    for tiles in (10**5, 10**7, 10**9):
        transitions = Transitions()
        work.steps = 0
        simulate_fast(schedule(layer_of(Repeat(tiles, (tile,)))), ROOMY, transitions)
        taken.append(work.steps)
        remembered.append(transitions.entries)
    assert taken[0] == taken[1] == taken[2] < 5 * 10**4
    assert max(remembered) < 500
    assert max(work.entries) < 2 * traversal.SHORT_STATE


def test_a_state_is_as_long_as_its_queues_have_runs_not_tasks():
    machine_of_many = Stepper(ROOMY)
    tile, other = step(inputs=64, array=2, vector=50, store=64), step(inputs=64, array=2, vector=70, store=64)
    for number, tiles in enumerate((tile, other)):
        on_machine = machine_of_many.on_machine(tiles, number)
        for _ in range(1000):
            machine_of_many.hand_over(on_machine, last=False)
    assert machine_of_many.writes.tasks > 1000
    assert len(machine_of_many.state().writes.runs) <= 4


@pytest.mark.parametrize(
    "shape", [(2, 2, 2, 2, 2, 4), (8, 4, 8), (128, 2), (1, 256)], ids=["twos", "eights", "wide", "long"]
)
def test_looking_at_long_states_costs_no_more_than_stepping(work, shape):
    """The queue cannot be written in runs; every loop would like to see all of it at every turn."""
    times = shape[1:]
    program = nested(unlike_steps(10 * shape[0]), *times)
    simulate_fast(schedule(*[layer_of(*program)] * 3), ROOMY)
    assert max(work.entries) > 4 * traversal.SHORT_STATE
    long = sum(entries for entries in work.entries if entries > traversal.SHORT_STATE)
    looks_of_a_part = 3  # before it, after it, and those at its turns
    assert long <= (looks_of_a_part * traversal.ENTRIES_PER_STEP * DEEPEST_NEST) * work.steps


def test_layers_of_one_step_do_not_look_at_a_long_queue_each(work):
    first, steps = layer_of(*unlike_steps(3000)), unlike_steps(1000, seed=1)
    layers = [first, *(layer_of(each) for each in steps)]
    free_of_each_other = schedule(*layers, waits_for=[() for _ in layers])
    activity = simulate_fast(free_of_each_other, ROOMY)
    assert sum(work.entries) < 10 * work.steps
    assert activity == simulate_events(free_of_each_other, ROOMY)


def test_more_tiles_that_never_repeat_take_as_many_more_steps_and_looks(work):
    looked = []
    for tiles in (1000, 2000, 4000):
        work.steps, work.entries = 0, []
        bodies = [nested(unlike_steps(10, seed), 2) for seed in range(tiles // 20)]
        simulate_fast(schedule(layer_of(*(part for body in bodies for part in body))), ROOMY)
        assert work.steps == tiles
        looked.append(sum(work.entries))
    assert looked[2] <= 2.2 * looked[1] <= 2.2**2 * looked[0]


def test_what_is_remembered_stays_below_its_bound_within_one_simulation(monkeypatch):
    monkeypatch.setattr(transitions_module, "MOST_ENTRIES", 3000)
    most = 0
    numbered = Transitions.state_number

    def watched(self, state):
        nonlocal most
        number = numbered(self, state)
        most = max(most, self.entries)
        return number

    monkeypatch.setattr(Transitions, "state_number", watched)
    layers = [layer_of(*nested(unlike_steps(5, seed), 3, 3)) for seed in range(200)]
    transitions = Transitions()
    activity = simulate_fast(schedule(*layers), ROOMY, transitions)
    longest = traversal.ENTRIES_OF_A_STATE + traversal.SHORT_STATE + traversal.ENTRIES_PER_STEP * 45
    assert 2000 < most < 3000 + 4 * longest
    assert activity == simulate_events(schedule(*layers), ROOMY)


def test_what_is_remembered_of_the_turns_of_a_loop_is_bounded(monkeypatch):
    """Of a period longer than that, nothing is skipped; what is observed is the same."""
    program = nested(unlike_steps(2), 300)
    expected = simulate_events(schedule(layer_of(*program)), ROOMY)
    monkeypatch.setattr(traversal, "MOST_GLIMPSES", 5)
    monkeypatch.setattr(traversal, "MOST_ITERATION_ENTRIES", 100)
    assert simulate_fast(schedule(layer_of(*program)), ROOMY) == expected


def test_a_memory_that_is_half_full_is_emptied_before_the_next_simulation(monkeypatch):
    transitions = Transitions()
    for seed in range(5):
        simulate_fast(schedule(layer_of(*nested(unlike_steps(5, seed), 3, 3))), ROOMY, transitions)
    before = transitions.entries
    monkeypatch.setattr(transitions_module, "MOST_ENTRIES", 2 * before - 1)
    simulate_fast(schedule(layer_of(step(inputs=16, store=16))), ROOMY, transitions)
    assert transitions.entries < before
    assert len(transitions.steps) == 1


def test_programs_are_told_apart_after_their_memory_was_given_back():
    """Known by identity, they are kept alive: another one at the same place would be taken for them."""
    transitions = Transitions()
    for count in range(1, 200):
        one_layer = schedule(layer_of(*nested(unlike_steps(3, seed=count), count)))
        assert simulate_fast(one_layer, ROOMY, transitions) == simulate_fast(one_layer, ROOMY)
        transitions.forget_states()
