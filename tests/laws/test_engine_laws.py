"""What holds where engines have rules of their own: control, two ways, stops, weights past memories."""

from dataclasses import replace
from unittest import mock

import hypothesis.strategies as st
import numpy as np
from engines import behind_caches, engines, with_rules
from hypothesis import given, settings
from machines import schedule
from strategies import (
    cases,
    coded,
    convolutions,
    machines,
    pooled_schedules,
    repeated_schedules,
    schedules,
    vector_layers,
)

from accelsim.hardware import Direction
from accelsim.mapping.candidates import candidates
from accelsim.simulation import traversal
from accelsim.simulation.alone import Alone
from accelsim.simulation.events import simulate_events
from accelsim.simulation.fast import simulate_fast
from accelsim.simulation.transitions import Transitions

SCHEDULES = engines(
    st.one_of(
        schedules(most_steps=30),
        schedules(packed=True, channels=2, most_steps=30),
        repeated_schedules(),
        repeated_schedules(channels=2),
        pooled_schedules(),
        pooled_schedules(channels=2),
    )
)


@given(SCHEDULES, st.sampled_from([(4, 64), (1, 0), (1, 3)]))
def test_the_fast_engine_observes_what_events_observe(case, bounds):
    hardware, schedule = case
    observed, transitions = simulate_events(schedule, hardware), Transitions()
    names = ("WORTHWHILE_ITERATIONS", "SHORT_STATE")
    with mock.patch.multiple(traversal, **dict(zip(names, bounds, strict=True))):
        for _ in range(2):
            assert simulate_fast(schedule, hardware, transitions) == observed


@settings(max_examples=2 * settings.default.max_examples)
@given(engines(coded(st.one_of(repeated_schedules(channels=2), pooled_schedules(channels=2)))))
def test_so_it_does_where_transfers_take_no_time(case):
    hardware, schedule = case
    assert simulate_fast(schedule, hardware) == simulate_events(schedule, hardware)


RULED = machines(smallest_buffer=1024).flatmap(with_rules)
SMALL = st.one_of(convolutions(largest=6, channels=6), vector_layers())


@given(cases(hardware=RULED) | cases(layer=SMALL, hardware=behind_caches(), most_steps=30))
def test_a_candidate_costs_what_its_program_costs_and_is_done_no_sooner_than_its_bound(case):
    mapping = case.mapping
    space = candidates(mapping.layer, case.in_use, mapping.dataflow, case.images)
    index = space.mappings_of(np.arange(len(space))).index((mapping.tile, mapping.order))
    counts = space.counts.each(lambda count: int(np.broadcast_to(count, len(space))[index]))
    asked_for = {
        access: count
        for access, count in mapping.totals.counts.accesses.items()
        if access.direction is not Direction.MISS  # which are known when the program is
    }
    assert counts == replace(mapping.totals.counts, accesses=asked_for)
    alone = Alone(case.hardware)(mapping)
    assert alone >= space.time_cycles[index]
    assert simulate_events(schedule(mapping), case.hardware).cycles == alone
