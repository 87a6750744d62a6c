"""What holds where engines have rules of their own: control, two ways, stops, weights past memories."""

import json
from dataclasses import replace
from unittest import mock

import hypothesis.strategies as st
import numpy as np
from hypothesis import assume, given, settings
from machines import with_engines, with_host
from strategies import (
    cases,
    cut_cases,
    keeping_machines,
    layers,
    machines,
    pooled_schedules,
    repeated_schedules,
    schedules,
)
from test_host_laws import HOSTS, on_host
from test_pool_mapping_laws import pool_mappings, programs

from accelsim.hardware import Hardware, Operand
from accelsim.mapping.candidates import candidates
from accelsim.mapping.mapping import Crossing, Repeat, Step
from accelsim.mapping.program import program_totals
from accelsim.simulation import traversal
from accelsim.simulation.alone import Alone
from accelsim.simulation.events import simulate_events
from accelsim.simulation.fast import simulate_fast
from accelsim.simulation.occupation import load_cycles, store_cycles
from accelsim.simulation.transitions import Transitions
from accelsim.verification.layers import verify_mapping

_CONTROLS = st.one_of(
    st.none(),
    st.builds(
        lambda per_tile, most, seen, per_layer: {
            "cycles_per_tile": per_tile,
            "cycles_per_layer": per_layer,
            **({"tiles_in_flight": most, "completion_cycles": seen} if most else {}),
        },
        st.sampled_from([0, 1, 20, 150]),
        st.sampled_from([None, 1, 2, 2, 3, 64]),
        st.sampled_from([0, 1, 12]),
        st.sampled_from([0, 0, 500]),
    ),
)
_WAYS = st.fixed_dictionaries(
    {
        "bytes_per_cycle": st.sampled_from([0.7, 1.5, 4, 16]),
        "latency_cycles": st.sampled_from([0, 1, 30, 100]),
    }
)
_STOPS = st.sampled_from(
    [
        (),
        (),
        (Operand.INPUTS, Operand.OUTPUTS),
        (Operand.INPUTS,),
        (Operand.OUTPUTS,),
        (Operand.WEIGHTS,),
        tuple(Operand),
    ]
)


@st.composite
def with_rules(draw, hardware):
    """A machine with some of these rules."""
    ways = {"read": draw(_WAYS), "write": draw(_WAYS)} if draw(st.booleans()) else {}
    past, stops = draw(st.sampled_from([False, False, True])), draw(_STOPS)
    holders = [memory.holds for memory in hardware.on_chip if Operand.WEIGHTS in memory.holds]
    past = past and holders != [(Operand.WEIGHTS,)]  # a memory that holds nothing is none
    machine = with_engines(hardware, control=draw(_CONTROLS), stops_array=stops, weights_past=past, **ways)
    assume(not machine.is_plain)
    return machine


@st.composite
def engines(draw, made):
    """Schedules on such machines, of which a host may execute some layers."""
    hardware, schedule = draw(made)
    machine = draw(with_rules(hardware))
    programs = [mapping.program for mapping in schedule.mappings]
    if draw(st.booleans()):
        more = draw(st.sampled_from([0, 1, 40]))
        programs = [in_its_own_time(program, machine, more) for program in programs]
    mappings = [
        replace(mapping, program=program, totals=program_totals(program, machine))
        for mapping, program in zip(schedule.mappings, programs, strict=True)
    ]
    if draw(st.integers(0, 2)) == 0:
        machine = with_host(machine, **draw(HOSTS))
        mappings = [on_host(machine, one, {}) if draw(st.booleans()) else one for one in mappings]
    return machine, replace(schedule, mappings=tuple(mappings), idle_descriptors=0)


def in_its_own_time(program, machine, more_cycles):
    """The same steps, whose transfers keep channels busy for longer than their bytes need."""
    return tuple(
        Repeat(part.times, in_its_own_time(part.body, machine, more_cycles))
        if isinstance(part, Repeat)
        else _slower(part, machine, more_cycles)
        for part in program
    )


def _slower(step: Step, machine, more_cycles):
    of = machine.channel_of
    loads = {
        operand: load_cycles(step, operand, size, of[operand].bytes_per_cycle) + more_cycles
        for operand, size in step.moved_loads.items()
    }
    stores = store_cycles(step, of[Operand.OUTPUTS].bytes_per_cycle) + more_cycles
    crossing = step.crossing or Crossing(step.loads, step.stores, step.loads, step.stores)
    return replace(step, crossing=crossing._replace(load_cycles=loads, store_cycles=stores))


UNPOOLED = st.one_of(
    schedules(most_steps=30),
    schedules(packed=True, channels=2, most_steps=30),
    repeated_schedules(),
    repeated_schedules(channels=2),
)
SCHEDULES = engines(st.one_of(UNPOOLED, pooled_schedules(), pooled_schedules(channels=2)))


@settings(max_examples=max(100, settings.default.max_examples))
@given(SCHEDULES, st.sampled_from([(4, 64), (1, 0), (1, 3)]))
def test_the_fast_engine_observes_what_events_observe(case, bounds):
    hardware, schedule = case
    observed, transitions = simulate_events(schedule, hardware), Transitions()
    names = ("WORTHWHILE_ITERATIONS", "SHORT_STATE")
    with mock.patch.multiple(traversal, **dict(zip(names, bounds, strict=True))):
        for _ in range(2):
            assert simulate_fast(schedule, hardware, transitions) == observed


# --- what the search reckons


ON_CHIP = machines(smallest_buffer=1024)


@given(cases(hardware=ON_CHIP.flatmap(with_rules)))
def test_a_candidate_costs_what_its_program_costs_and_is_done_no_sooner_than_its_bound(case):
    mapping = case.mapping
    space = candidates(mapping.layer, case.in_use, mapping.dataflow, case.images)
    index = space.mappings_of(np.arange(len(space))).index((mapping.tile, mapping.order))
    counts = space.counts.each(lambda count: int(np.broadcast_to(count, len(space))[index]))
    assert counts == mapping.totals.counts
    assert Alone(case.hardware)(mapping) >= space.time_cycles[index]


@given(cases(hardware=ON_CHIP.flatmap(with_rules)) | cut_cases(hardware=ON_CHIP.flatmap(with_rules)))
def test_what_is_executed_is_what_the_layer_is_with_weights_past_memories_or_not(case):
    verify_mapping(case.layer, case.mapping, case.hardware, batch=case.batch)


@st.composite
def pools(draw):
    """Machines with a pool that keeps nothing, and such rules."""
    keeping = draw(keeping_machines(smallest_pool=4096)).model_dump(mode="json", exclude_none=True)
    for memory in keeping["memories"]:
        memory["keeps"] = []
    assume(len(keeping["memories"][0]["holds"]) == len(Operand))
    return draw(with_rules(Hardware.model_validate_json(json.dumps({**keeping, "io": {}}))))


@given(pool_mappings(layers(), pools()))
def test_so_it_is_in_a_pool(case):
    layer, hardware, batch, found, numbers = case
    moved = frozenset(Operand) if layer.residual_elements else frozenset(Operand) - {Operand.RESIDUAL}
    costs = found.costs(moved if layer.on_array else moved - {Operand.WEIGHTS})
    for number, mapping in programs(found, numbers, moved, hardware):
        if Operand.OUTPUTS in mapping.placed or costs.room_bytes[number] > hardware.pool.size_bytes:
            continue
        assert Alone(hardware)(mapping) >= costs.time_cycles[number]
        counts, outside = mapping.totals.counts, hardware.names_off_chip
        assert counts.read_bytes(outside) + counts.written_bytes(outside) == costs.dram_bytes[number]
        verify_mapping(layer, mapping, hardware, batch=batch)
