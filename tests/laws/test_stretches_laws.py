"""A schedule walked through by stretches ends when it ends layer by layer, however it is cut."""

import itertools
from dataclasses import replace

import hypothesis.strategies as st
from hypothesis import given

from accelsim import load_hardware, load_network
from accelsim.mapping.schedule import Schedule
from accelsim.network.build import build
from accelsim.network.lowering import lower
from accelsim.planning.compiler import make_schedule
from accelsim.simulation import stretches
from accelsim.simulation.engines import simulate
from accelsim.simulation.stretches import Stretch, Stretches

MACHINE = load_hardware("8x8_32k")
WHOLE = make_schedule(lower(build(load_network("shufflenet_v2"))), MACHINE)
KNOWN = Stretches(MACHINE)


def cut(schedule, places):
    """The schedule's stretches between these places, each known by its programs and distances."""
    bounds = [0, *sorted(places), len(schedule.layers)]
    found = []
    for first, end in itertools.pairwise(bounds):
        key = tuple(
            (id(schedule.mappings[at]), tuple(at - producer for producer in schedule.waits_for[at]))
            for at in range(first, end)
        )
        found.append(Stretch(key, end - first))
    return found


def shortened(layers):
    """The first layers of the schedule."""
    return Schedule(WHOLE.layers[:layers], WHOLE.mappings[:layers], WHOLE.waits_for[:layers])


@given(st.data())
def test_stretches_end_when_their_schedule_does(data):
    schedule = shortened(data.draw(st.integers(1, len(WHOLE.layers))))
    places = data.draw(st.sets(st.integers(1, len(schedule.layers)), max_size=12))
    expected = simulate(schedule, MACHINE).cycles
    idle = data.draw(st.integers(0, MACHINE.channels[0].prefetch - 1))
    with_fewer = simulate(replace(schedule, idle_descriptors=idle), MACHINE).cycles
    for _ in range(2):
        assert KNOWN.cycles(cut(schedule, places), lambda: schedule) == expected
        assert KNOWN.cycles(cut(schedule, places), lambda: schedule, idle) == with_fewer


def test_what_was_seen_before_is_not_simulated_again():
    known, made = Stretches(MACHINE), []
    pieces = cut(WHOLE, range(3, len(WHOLE.layers), 3))

    def schedule():
        made.append(1)
        return WHOLE

    assert known.cycles(pieces, schedule) == known.cycles(pieces, schedule)
    assert len(made) == 1


def test_what_is_remembered_is_forgotten_before_it_is_too_much(monkeypatch):
    monkeypatch.setattr(stretches, "MOST_PASSAGES", 10)
    known = Stretches(MACHINE)
    for layers in range(1, len(WHOLE.layers), 5):
        schedule = shortened(layers)
        pieces = cut(schedule, range(2, layers, 2))
        assert known.cycles(pieces, lambda schedule=schedule: schedule) == simulate(schedule, MACHINE).cycles
        assert len(known._passages) <= 10 + len(pieces)
