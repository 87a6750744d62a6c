"""What holds for machines with several memories off chip, each with a channel of its own."""

import hypothesis.strategies as st
import numpy as np
from hypothesis import given, settings
from machines import with_flash
from strategies import (
    ANY_BITS,
    cases,
    keeping_machines,
    layers,
    machines,
    schedules,
    with_channels,
)
from test_places_laws import OBJECTIVES, is_proven, networks, planned

from accelsim.hardware import Direction, Operand
from accelsim.mapping.bounds import lower_bounds
from accelsim.mapping.candidates import candidates
from accelsim.simulation.alone import Alone
from accelsim.simulation.events import simulate_events
from accelsim.simulation.fast import simulate_fast

SOME = settings(max_examples=settings.default.max_examples * 3 // 2)
PLANNED = settings(max_examples=settings.default.max_examples // 2)
"""Networks are planned whole, for which each layer is searched."""
TWO_CHANNELS = machines().flatmap(with_channels)


@PLANNED
@given(networks(), machines(ANY_BITS, 1 << 12).flatmap(with_channels), OBJECTIVES)
def test_networks_on_divided_machines_are_proven(network, hardware, objective):
    assert is_proven(planned(network, hardware, batch=1, dataflow="auto", objective=objective))


@PLANNED
@given(networks(), keeping_machines().flatmap(with_channels), st.sampled_from([1, 2]), OBJECTIVES)
def test_networks_in_pools_are_proven(network, hardware, batch, objective):
    assert is_proven(planned(network, hardware, batch=batch, dataflow="auto", objective=objective))


@settings(max_examples=2 * settings.default.max_examples)
@given(cases(layers(), TWO_CHANNELS))
def test_no_mapping_is_faster_than_its_bound_or_that_of_its_layer(case):
    """The bound by which mappings are compared, and the one that no mapping goes below."""
    in_use = case.in_use
    space = candidates(case.mapping.layer, in_use, case.mapping.dataflow, case.images)
    index = space.mappings_of(np.arange(len(space))).index((case.mapping.tile, case.mapping.order))
    cycles, bounds = Alone(case.hardware)(case.mapping), lower_bounds(case.layer, case.hardware, case.batch)
    assert cycles >= space.time_cycles[index]
    assert cycles >= bounds.cycles
    counts = case.mapping.totals.counts
    off_chip = [memory.name for memory in case.hardware.off_chip]
    assert counts.read_bytes(off_chip) + counts.written_bytes(off_chip) >= bounds.dram_bytes


@SOME
@given(schedules(channels=2))
def test_operands_move_over_the_channel_of_their_home_and_are_counted_there(case):
    hardware, schedule = case
    home_of = {operand: hardware.channel_of[operand].memory for operand in Operand}
    assert home_of[Operand.WEIGHTS] == "flash"
    assert {home_of[operand] for operand in Operand if operand.of_layers} == {"dram"}
    moved = {}
    for busy in simulate_events(schedule, hardware, keep_timeline=True).timeline:
        if busy.component == "dram":
            direction = Direction.WRITE if busy.operand is Operand.OUTPUTS else Direction.READ
            key = home_of[busy.operand], busy.operand, direction
            moved[key] = moved.get(key, 0) + busy.bytes
    counts = simulate_fast(schedule, hardware).counts
    assert moved == {
        access: size
        for access, size in counts.accesses.items()
        if access.memory in {"flash", "dram"} and access.direction in {Direction.READ, Direction.WRITE}
    }


@SOME
@given(schedules(channels=2))
def test_no_more_steps_are_under_way_than_the_memories_of_their_layer_have_descriptors(case):
    hardware, schedule = case
    timeline = simulate_events(schedule, hardware, keep_timeline=True).timeline
    steps = [
        (layer, step)
        for layer, mapping in enumerate(schedule.mappings)
        for step in range(mapping.totals.steps)
    ]
    ends = {(busy.layer, busy.step): busy.end for busy in timeline if busy.component == "array"}
    requested = {}
    for busy in timeline:
        if busy.component == "dram" and busy.operand is not Operand.OUTPUTS:
            key = busy.layer, busy.step
            requested[key] = min(busy.request_cycle, requested.get(key, busy.request_cycle))
    most = max(channel.prefetch for channel in hardware.channels) - schedule.idle_descriptors
    for number, step in enumerate(steps):
        used = {access.memory for access in schedule.mappings[step[0]].totals.counts.accesses}
        prefetch = min([most, *(channel.prefetch for channel in hardware.channels if channel.memory in used)])
        before = number - prefetch - 1
        if step in requested and before >= 0 and steps[before] in ends:
            assert requested[step] >= ends[steps[before]]


@PLANNED
@given(networks(), machines(smallest_buffer=1 << 12), st.booleans(), OBJECTIVES)
def test_a_second_channel_is_never_slower_than_one_of_the_smaller_bandwidth(
    network, hardware, outermost, objective
):
    """With mappings of the machine with one channel: all that was one after the other may overlap."""
    channel = hardware.channels[0]
    two = with_flash(
        hardware, channel.bytes_per_cycle, channel.latency_cycles, channel.prefetch, outermost=outermost
    )
    schedule = planned(network, hardware, batch=1, dataflow="auto", objective=objective).schedule
    assert simulate_fast(schedule, two).cycles <= simulate_fast(schedule, hardware).cycles
