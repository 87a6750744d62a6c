"""Random machines whose engines have rules of their own, hosts among them, and schedules on these."""

import json
from dataclasses import replace

import hypothesis.strategies as st
from hypothesis import assume
from machines import with_engines, with_host
from strategies import keeping_machines, machines

from accelsim.hardware import Hardware, Operand
from accelsim.hardware.host import HOST
from accelsim.mapping.hosting import program_on_host
from accelsim.mapping.mapping import Crossing, Repeat, Step
from accelsim.mapping.program import program_totals
from accelsim.simulation.occupation import load_cycles, store_cycles

HOSTS = st.fixed_dictionaries(
    {
        "macs_per_cycle": st.sampled_from([0.3, 1, 2, 16]),
        "elements_per_cycle": st.sampled_from([0.1, 0.7, 1, 4]),
        "cycles_per_call": st.sampled_from([0, 1, 50, 1000]),
        "cycles_per_tile": st.sampled_from([0, 0, 3, 32]),
        "energy": st.just({"mac": 3.0, "element": 2.0, "call": 10.0}),
    }
)


def on_host(hardware, mapping, places):
    """The same steps, done by the host: cycles of array and vector unit are its own."""
    program = program_on_host(mapping.program, hardware)
    totals = program_totals(program, hardware.with_places(places))
    return replace(mapping, dataflow=HOST, program=program, totals=totals)


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


@st.composite
def pools(draw):
    """Machines with a pool that keeps nothing, and such rules."""
    keeping = draw(keeping_machines(smallest_pool=4096)).model_dump(mode="json", exclude_none=True)
    for memory in keeping["memories"]:
        memory["keeps"] = []
    assume(len(keeping["memories"][0]["holds"]) == len(Operand))
    return draw(with_rules(Hardware.model_validate_json(json.dumps({**keeping, "io": {}}))))


@st.composite
def behind_caches(draw):
    """Machines with a cache before their memory off chip, and some of these rules or none."""
    described = draw(machines(smallest_buffer=1024)).model_dump(mode="json", exclude_none=True)
    beat_bytes = draw(st.sampled_from([1, 4, 16]))
    described["memories"][0] |= {
        "bandwidth": {"bytes_per_cycle": beat_bytes},
        "burst_bytes": 1,
        "layout": "nhwc",
        "cache": {
            "size_bytes": draw(st.sampled_from([512, 8192])),
            "beat_bytes": beat_bytes,
            "hit_cycles": draw(st.sampled_from([0, 24])),
            "miss_cycles": draw(st.sampled_from([0, 60])),
            "warm": draw(st.booleans()),
        },
    }
    hardware = Hardware.model_validate_json(json.dumps({**described, "assumed": {}}))
    control, stops = draw(_CONTROLS), draw(_STOPS)
    return with_engines(hardware, control=control, stops_array=stops)
