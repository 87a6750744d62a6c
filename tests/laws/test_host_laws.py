"""What holds for layers of a host, on machines of every kind."""

from dataclasses import replace
from unittest import mock

import hypothesis.strategies as st
import numpy as np
from engines import HOSTS, on_host
from hypothesis import assume, given, settings
from machines import with_host
from strategies import (
    coded,
    compressed_layers,
    layers,
    leveled_schedules,
    machines,
    pooled_schedules,
    repeated_schedules,
    schedules,
    steps_of,
)

from accelsim.hardware.host import HOST
from accelsim.mapping.candidates import candidates
from accelsim.mapping.mapping import Choice
from accelsim.mapping.program import mappings
from accelsim.mapping.schedule import PoolChange
from accelsim.mapping.search import as_executed
from accelsim.simulation import traversal
from accelsim.simulation.events import simulate_events
from accelsim.simulation.fast import cycles_alone, simulate_fast
from accelsim.simulation.transitions import Transitions
from accelsim.verification.layers import verify_mapping


@st.composite
def hosted(draw, of_chip):
    """Schedules of which the host executes some layers."""
    hardware, schedule = draw(of_chip)
    machine = with_host(hardware, **draw(HOSTS))
    some = draw(st.lists(st.booleans(), min_size=len(schedule.layers), max_size=len(schedule.layers)))
    assume(any(some))
    places = schedule.places or ({},) * len(some)
    executed = [
        on_host(machine, mapping, of_layer) if chosen else mapping
        for mapping, of_layer, chosen in zip(schedule.mappings, places, some, strict=True)
    ]
    return machine, replace(schedule, mappings=tuple(executed))


SCHEDULES = st.one_of(
    schedules(),
    schedules(packed=True, channels=2),
    repeated_schedules(),
    repeated_schedules(channels=2),
    pooled_schedules(),
    pooled_schedules(channels=2),
    leveled_schedules(),
    coded(repeated_schedules()),
    coded(leveled_schedules()),
)


@settings(max_examples=2 * settings.default.max_examples)
@given(hosted(SCHEDULES), st.sampled_from([(4, 64), (1, 0), (1, 3)]))
def test_the_fast_engine_observes_what_events_observe(case, bounds):
    hardware, schedule = case
    observed, transitions = simulate_events(schedule, hardware), Transitions()
    names = ("WORTHWHILE_ITERATIONS", "SHORT_STATE")
    with mock.patch.multiple(traversal, **dict(zip(names, bounds, strict=True))):
        for _ in range(2):
            assert simulate_fast(schedule, hardware, transitions) == observed


@given(hosted(pooled_schedules()), st.sampled_from([2, 3, 7]))
def test_so_it_does_of_images_in_turn(case, images):
    hardware, schedule = case
    assume(images * sum(mapping.totals.steps for mapping in schedule.mappings) <= 200)
    taken_bytes, freed_bytes = map(sum, zip(*schedule.pool_changes or [(0, 0)], strict=True))
    at_start = schedule.pool_bytes_at_start
    next_image = PoolChange(at_start, at_start + taken_bytes - freed_bytes)
    assume(schedule.pool_changes or next_image == (0, 0))
    in_turn = replace(schedule, images_in_turn=images, next_image=next_image)
    assert simulate_fast(in_turn, hardware) == simulate_events(in_turn, hardware)


@given(schedules())
def test_a_host_that_is_given_nothing_changes_nothing(case):
    hardware, schedule = case
    assert simulate_fast(schedule, with_host(hardware)) == simulate_fast(schedule, hardware)


@st.composite
def host_cases(draw, layer):
    """Layers that a host executes in tiles of any size that the search compares, good or bad."""
    layer, hardware = draw(layer), with_host(draw(machines()), **draw(HOSTS))
    executed, images = as_executed(layer, draw(st.sampled_from([1, 1, 2])))
    space = candidates(executed, hardware.on_host, HOST, images)
    assume(len(space))
    index = draw(st.integers(0, len(space) - 1))
    ((tile, order),) = space.mappings_of(np.array([index]))
    assume(steps_of(executed, images, tile) <= 200)
    (mapping,) = mappings([Choice(executed, HOST, tile, order)], images, hardware)
    return layer, hardware, images, mapping, space, index


@given(host_cases(layers()))
def test_no_host_is_done_before_the_bound_of_its_tiles(case):
    _, hardware, _, mapping, space, index = case
    assert cycles_alone(mapping, hardware, Transitions()) >= space.time_cycles[index]


@given(host_cases(st.one_of(layers(), compressed_layers())))
def test_a_host_computes_what_the_layer_is_and_does_what_is_counted(case):
    layer, hardware, images, mapping, _, _ = case
    batch = images if mapping.layer.OY == layer.OY else mapping.layer.OY // layer.OY
    verify_mapping(layer, mapping, hardware, batch=batch)
    host = mapping.totals.counts.host
    assert host.calls == 1
    assert host.macs == batch * layer.macs
    assert mapping.totals.array_cycles == mapping.totals.counts.macs == 0
