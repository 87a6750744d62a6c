"""Machines whose engines have rules of their own: both engines, networks, bounds and pools, at length."""

from dataclasses import replace

import hypothesis.strategies as st
from engines import engines, pools, with_rules
from hypothesis import assume, given, settings
from strategies import (
    ANY_BITS,
    cases,
    cut_cases,
    machines,
    pooled_schedules,
    repeated_schedules,
    schedules,
)
from test_places_laws import OBJECTIVES, is_proven, networks, planned

from accelsim.mapping.bounds import lower_bounds
from accelsim.mapping.schedule import PoolChange
from accelsim.simulation.activity import Activity
from accelsim.simulation.alone import Alone
from accelsim.simulation.events import simulate_events
from accelsim.simulation.fast import simulate_fast
from accelsim.verification.layers import verify_mapping

SOME = settings(max_examples=settings.default.max_examples * 3 // 2)
PLANNED = settings(max_examples=settings.default.max_examples // 2)
"""Networks are planned whole, for which each layer is searched."""
SEVERAL = settings(max_examples=5 * settings.default.max_examples // 2)
MACHINES = machines(smallest_buffer=1024).flatmap(with_rules)
MADE_UP = st.one_of(
    repeated_schedules(), repeated_schedules(channels=2), pooled_schedules(), pooled_schedules(channels=2)
)


@SEVERAL
@given(engines(st.one_of(schedules(cut=True), schedules(packed=True, channels=2), MADE_UP)))
def test_the_fast_engine_observes_what_events_observe(case):
    hardware, schedule = case
    assert simulate_fast(schedule, hardware) == simulate_events(schedule, hardware)


@SOME
@given(engines(MADE_UP), st.sampled_from([2, 3, 7]))
def test_so_it_does_of_images_in_turn(case, images):
    hardware, schedule = case
    assume(images * sum(mapping.totals.steps for mapping in schedule.mappings) <= 200)
    changes = schedule.pool_changes or [(0, 0)]
    taken_bytes, freed_bytes = map(sum, zip(*changes, strict=True))
    at_start = schedule.pool_bytes_at_start
    next_image = PoolChange(at_start, at_start + taken_bytes - freed_bytes)
    assume(schedule.pool_changes or next_image == (0, 0))
    in_turn = replace(schedule, images_in_turn=images, next_image=next_image)
    assert simulate_fast(in_turn, hardware) == simulate_events(in_turn, hardware)


@SEVERAL
@given(engines(MADE_UP))
def test_what_stops_the_array_moves_only_while_it_stands(case):
    hardware, schedule = case
    stopping = {operand for memory in hardware.on_chip for operand in memory.stops_array}
    timeline = simulate_events(schedule, hardware, keep_timeline=True).timeline
    computes = [busy for busy in timeline if busy.component == "array"]
    for moving in timeline:
        if moving.component == "dram" and moving.operand in stopping:
            assert all(busy.end <= moving.start or moving.end <= busy.start for busy in computes)


@SEVERAL
@given(engines(MADE_UP))
def test_no_more_tiles_are_in_flight_than_control_lets_be_and_none_comes_before_its_turn(case):
    hardware, schedule = case
    assume(hardware.control is not None)
    control, activity = hardware.control, simulate_events(schedule, hardware, keep_timeline=True)
    begun, ended = begin_and_end(activity)
    most, done_cycle, done = control.tiles_in_flight, 0, []
    for number, step in enumerate(sorted(begun)):
        if most is not None and number >= most:
            assert begun[step] >= done[number - most] + control.completion_cycles
        done_cycle = max(done_cycle, ended[step])
        done.append(done_cycle)


def begin_and_end(activity: Activity):
    """When each step asks for its first operand, or computes, and when all is done that it does."""
    begun, ended = {}, {}
    for busy in activity.timeline:
        step = busy.layer, busy.step
        first = busy.start if busy.request_cycle is None else busy.request_cycle
        begun[step] = min(begun.get(step, first), first)
        ended[step] = max(ended.get(step, 0), busy.end)
    return begun, ended


@PLANNED
@given(networks(), machines(ANY_BITS, 1 << 12).flatmap(with_rules), OBJECTIVES)
def test_networks_are_proven(network, hardware, objective):
    assert is_proven(planned(network, hardware, batch=1, dataflow="auto", objective=objective))


@PLANNED
@given(networks(), pools(), st.sampled_from([1, 2]), OBJECTIVES)
def test_networks_in_pools_that_keep_nothing_are_proven(network, hardware, batch, objective):
    assert is_proven(planned(network, hardware, batch=batch, dataflow="auto", objective=objective))


@SEVERAL
@given(cases(hardware=MACHINES) | cut_cases(hardware=MACHINES))
def test_what_is_executed_is_what_the_layer_is_with_weights_past_memories_or_not(case):
    verify_mapping(case.layer, case.mapping, case.hardware, batch=case.batch)
    bounds = lower_bounds(case.layer, case.hardware, case.batch)
    assert Alone(case.hardware)(case.mapping) >= bounds.cycles
