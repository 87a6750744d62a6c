"""What holds where engines have rules of their own: control, two ways, stops, weights past memories."""

from dataclasses import replace
from unittest import mock

import hypothesis.strategies as st
from hypothesis import assume, given, settings
from machines import with_engines, with_host
from strategies import pooled_schedules, repeated_schedules, schedules
from test_host_laws import HOSTS, on_host

from accelsim.hardware import Operand
from accelsim.mapping.mapping import Crossing, Repeat, Step
from accelsim.mapping.program import program_totals
from accelsim.simulation import traversal
from accelsim.simulation.events import simulate_events
from accelsim.simulation.fast import simulate_fast
from accelsim.simulation.occupation import load_cycles, store_cycles
from accelsim.simulation.transitions import Transitions

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
def engines(draw, made):
    """Schedules on machines with some of these rules, of which a host may execute some layers."""
    hardware, schedule = draw(made)
    ways = {"read": draw(_WAYS), "write": draw(_WAYS)} if draw(st.booleans()) else {}
    past, stops = draw(st.sampled_from([False, False, True])), draw(_STOPS)
    if past and all(
        memory.holds == (Operand.WEIGHTS,) for memory in hardware.on_chip if Operand.WEIGHTS in memory.holds
    ):
        past = False  # a memory that holds nothing is none
    machine = with_engines(hardware, control=draw(_CONTROLS), stops_array=stops, weights_past=past, **ways)
    assume(not machine.is_plain)
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


@settings(max_examples=max(200, settings.default.max_examples))
@given(SCHEDULES, st.sampled_from([(4, 64), (1, 0), (1, 3)]))
def test_the_fast_engine_observes_what_events_observe(case, bounds):
    hardware, schedule = case
    observed, transitions = simulate_events(schedule, hardware), Transitions()
    names = ("WORTHWHILE_ITERATIONS", "SHORT_STATE")
    with mock.patch.multiple(traversal, **dict(zip(names, bounds, strict=True))):
        for _ in range(2):
            assert simulate_fast(schedule, hardware, transitions) == observed
