"""A schedule walked through by stretches ends when it ends layer by layer, however it is cut."""

import itertools
from dataclasses import replace

import hypothesis.strategies as st
from hypothesis import given
from machines import with_flash

from accelsim import load_hardware, load_network
from accelsim.mapping.schedule import Schedule
from accelsim.network.build import build
from accelsim.network.lowering import lower
from accelsim.planning.compiler import make_schedule
from accelsim.simulation import stretches, transitions
from accelsim.simulation.engines import simulate
from accelsim.simulation.stretches import Stretch, Stretches

MACHINE = load_hardware("8x8_32k")
WHOLE = make_schedule(lower(build(load_network("shufflenet_v2"))), MACHINE)
KNOWN = Stretches(MACHINE)


def cut(schedule, places):
    """The schedule's stretches between these places."""
    bounds = [0, *sorted(places), len(schedule.layers)]
    return [Stretch.of(schedule, first, end) for first, end in itertools.pairwise(bounds)]


def shortened(layers, schedule=WHOLE):
    """The first layers of a schedule."""
    return Schedule(schedule.layers[:layers], schedule.mappings[:layers], schedule.waits_for[:layers])


@given(st.data())
def test_stretches_end_when_their_schedule_does(data):
    schedule = shortened(data.draw(st.integers(1, len(WHOLE.layers))))
    places = data.draw(st.sets(st.integers(1, len(schedule.layers)), max_size=12))
    expected = simulate(schedule, MACHINE).cycles
    idle = data.draw(st.integers(0, MACHINE.channels[0].prefetch - 1))
    with_fewer = simulate(replace(schedule, idle_descriptors=idle), MACHINE).cycles
    pieces = cut(schedule, places)
    for _ in range(2):
        assert KNOWN.cycles(pieces) == expected
        assert KNOWN.cycles(pieces, idle) == with_fewer


TWO_CHANNELS = with_flash(MACHINE, bytes_per_cycle=4, latency_cycles=50, prefetch=2)
ON_TWO_CHANNELS = make_schedule(lower(build(load_network("shufflenet_v2"))), TWO_CHANNELS)
KNOWN_ON_TWO_CHANNELS = Stretches(TWO_CHANNELS)


@given(st.data())
def test_so_they_do_on_two_channels_however_many_descriptors_are_left_idle(data):
    """Where a layer may have no more steps under way than flash has descriptors, its state does not say how
    many the schedule leaves idle, and what the next layer may have depends on that.
    """
    layers = data.draw(st.integers(1, len(ON_TWO_CHANNELS.layers)))
    schedule = shortened(layers, ON_TWO_CHANNELS)
    places = data.draw(st.sets(st.integers(1, layers), max_size=12))
    stretches_of_it = cut(schedule, places)
    for idle in data.draw(st.lists(st.integers(0, 7), min_size=2, max_size=3)):
        expected = simulate(replace(schedule, idle_descriptors=idle), TWO_CHANNELS).cycles
        assert KNOWN_ON_TWO_CHANNELS.cycles(stretches_of_it, idle) == expected


def test_what_was_seen_before_is_not_walked_again(monkeypatch):
    known, pieces, walked = Stretches(MACHINE), cut(WHOLE, range(3, len(WHOLE.layers), 3)), []
    along = stretches._Walk.along
    monkeypatch.setattr(
        stretches._Walk,
        "along",
        lambda walk, stretch, *given: walked.append(stretch) or along(walk, stretch, *given),
    )
    assert known.cycles(pieces) == known.cycles(pieces)
    assert walked == pieces
    known.cycles([*pieces[:4], *pieces[5:]])
    assert walked[len(pieces) :] == pieces[5 : 5 + len(walked) - len(pieces)]


def test_places_outlast_what_the_engine_forgets(monkeypatch):
    """Its memory may be full at any time; a stretch is entered in the same state all the same."""
    monkeypatch.setattr(transitions, "MOST_ENTRIES", 300)
    known, pieces = Stretches(MACHINE), cut(WHOLE, range(2, len(WHOLE.layers), 2))
    assert known.cycles(pieces) == simulate(WHOLE, MACHINE).cycles


def test_it_says_when_it_holds_too_much(monkeypatch):
    monkeypatch.setattr(stretches, "MOST_REMEMBERED", 500)
    known = Stretches(MACHINE)
    assert not known.is_full
    known.cycles(cut(WHOLE, range(2, len(WHOLE.layers), 2)))
    assert known.is_full
