"""A machine that is put into a state goes on as the one that was in it, of whatever kind it is."""

import hypothesis.strategies as st
from engines import engines
from hypothesis import assume, given
from strategies import leveled_schedules, pooled_schedules, repeated_schedules, schedules

from accelsim.simulation.entry import entries_of
from accelsim.simulation.traversal import stepper_of, time_stepper_of

PLAIN = st.one_of(
    schedules(most_steps=40),
    schedules(packed=True, most_steps=40),
    repeated_schedules(),
    pooled_schedules(),
    schedules(channels=2, most_steps=40),
    pooled_schedules(channels=2),
    leveled_schedules(),
)
LATER, FURTHER = 1000, 3
"""Cycles and layers by which the second machine is elsewhere."""


def steps_of(schedule, stepper, number_of):
    """Of each layer, its steps as the machine meets them; those that are alike are the same one."""
    known = {}
    for mapping in schedule.mappings:
        of_layer = []
        for step in mapping.steps():
            if id(step) not in known:
                known[id(step)] = stepper.on_machine(step, len(number_of))
                number_of.append(known[id(step)])
            of_layer.append(known[id(step)])
        yield of_layer


@given(PLAIN | engines(PLAIN), st.integers(0, 60), st.sampled_from([stepper_of, time_stepper_of]))
def test_a_machine_put_into_a_state_goes_on_as_the_one_that_was_in_it(case, before, machine_of):
    hardware, schedule = case
    pool_bytes = schedule.pool_bytes_at_start
    first, second = (machine_of(hardware, schedule.idle_descriptors, pool_bytes) for _ in range(2))
    by_number, machines, handed_over = [], [first], 0
    programs = list(steps_of(schedule, first, by_number))
    for layer, (steps, entry) in enumerate(zip(programs, entries_of(schedule, hardware), strict=True)):
        unfinished = [layer - of for of in schedule.waits_for[layer] if of not in first.log.end_cycles]
        for machine in machines:
            machine.enter(unfinished, entry)
        for position, step in enumerate(steps, 1):
            for machine in machines:
                machine.hand_over(step, position == len(steps))
            handed_over += 1
            if handed_over == before:
                second.put_into(first.state(), first.layer + FURTHER, first.cycle + LATER, by_number)
                machines.append(second)
            states = [machine.state() for machine in machines]
            assert states[0] == states[-1]
    assume(len(machines) == 2)
    for machine in machines:
        machine.drain()
    assert second.cycle == first.cycle + LATER
    ended = {layer + FURTHER: cycle + LATER for layer, cycle in first.log.end_cycles.items()}
    assert second.log.end_cycles.items() <= ended.items()
