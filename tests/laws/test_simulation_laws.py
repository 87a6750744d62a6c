"""What holds for every schedule, good or bad, on every machine, in time."""

import itertools
import math
from collections import Counter
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from unittest import mock

import hypothesis.strategies as st
from hypothesis import assume, given, settings
from machines import bank_bytes, layer_of
from strategies import (
    coded,
    leveled_schedules,
    pooled_schedules,
    repeated_schedules,
    schedules,
    some_descriptors,
)

from accelsim.descriptions import vary
from accelsim.hardware import Operand
from accelsim.mapping.mapping import Repeat
from accelsim.mapping.schedule import PoolChange, Schedule
from accelsim.simulation import events, traversal
from accelsim.simulation import transitions as transitions_module
from accelsim.simulation.banks import Banks
from accelsim.simulation.events import simulate_events
from accelsim.simulation.fast import cycles_of, simulate_fast
from accelsim.simulation.transitions import Transitions

UNPOOLED = st.one_of(schedules(), schedules(packed=True), schedules(cut=True), repeated_schedules())
SCHEDULES = st.one_of(
    UNPOOLED,
    pooled_schedules(),
    schedules(channels=2),
    schedules(packed=True, channels=2),
    repeated_schedules(channels=2),
    pooled_schedules(channels=2),
)
LEVELED = leveled_schedules()
"""Where operands are at home depends on the layer."""
CODED = coded(
    st.one_of(
        repeated_schedules(),
        repeated_schedules(channels=2),
        pooled_schedules(),
        pooled_schedules(channels=2),
        leveled_schedules(),
    )
)
"""Transfers may move nothing and take no time."""


@settings(max_examples=2 * settings.default.max_examples)
@given(SCHEDULES)
def test_the_fast_engine_observes_what_events_observe(case):
    hardware, schedule = case
    assert simulate_fast(schedule, hardware) == simulate_events(schedule, hardware)


@settings(max_examples=2 * settings.default.max_examples)
@given(LEVELED)
def test_so_it_does_where_homes_depend_on_the_layer(case):
    hardware, schedule = case
    assert simulate_fast(schedule, hardware) == simulate_events(schedule, hardware)


@settings(max_examples=2 * settings.default.max_examples)
@given(CODED)
def test_so_it_does_where_transfers_take_no_time(case):
    hardware, schedule = case
    assert simulate_fast(schedule, hardware) == simulate_events(schedule, hardware)


@given(SCHEDULES | LEVELED | CODED)
def test_where_only_times_are_asked_for_they_are_the_same(case):
    hardware, schedule = case
    transitions, cycles = Transitions(), simulate_events(schedule, hardware).cycles
    for _ in range(2):
        assert cycles_of(schedule, hardware, transitions) == cycles


@given(repeated_schedules())
def test_what_is_remembered_of_times_and_of_all_that_is_observed_is_told_apart(case):
    hardware, schedule = case
    transitions, activity = Transitions(), simulate_events(schedule, hardware)
    for _ in range(2):
        assert cycles_of(schedule, hardware, transitions) == activity.cycles
        assert simulate_fast(schedule, hardware, transitions) == activity


BOUNDS = st.fixed_dictionaries(
    {
        "WORTHWHILE_ITERATIONS": st.sampled_from([1, 8]),
        "WORTHWHILE_STEPS": st.sampled_from([1, 4]),
        "SHORT_STATE": st.sampled_from([0, 3, 64]),
        "ENTRIES_PER_STEP": st.sampled_from([0, 1, 4]),
        "MOST_ENTRIES": st.sampled_from([0, 60, 300, 1_000_000]),
        "MOST_ITERATION_ENTRIES": st.sampled_from([0, 60, 1_000_000]),
        "MOST_GLIMPSES": st.sampled_from([1, 4, 1_000_000]),
        "MOST_STEPS": st.sampled_from([0, 1_000_000]),
    }
)


@settings(max_examples=2 * settings.default.max_examples)
@given(st.one_of(SCHEDULES, LEVELED, CODED), BOUNDS)
def test_how_little_the_fast_engine_remembers_changes_nothing(case, bounds):
    hardware, schedule = case
    observed, transitions = simulate_events(schedule, hardware), Transitions()
    with remembering(bounds):
        for _ in range(2):
            assert simulate_fast(schedule, hardware, transitions) == observed


@contextmanager
def remembering(bounds):
    """The fast engine with these bounds of what it looks at and remembers."""
    of_transitions = {name: bounds[name] for name in ("MOST_ENTRIES", "MOST_STEPS")}
    of_traversal = {name: bound for name, bound in bounds.items() if name not in of_transitions}
    with (
        mock.patch.multiple(transitions_module, **of_transitions),
        mock.patch.multiple(traversal, **of_traversal),
    ):
        yield


@st.composite
def images_in_turn(draw, most_steps=200):
    """A schedule that several images go through in turn: tensors of each leave the pool as they found it."""
    made_up = [repeated_schedules(), pooled_schedules(), pooled_schedules(channels=2)]
    hardware, schedule = draw(st.one_of(*made_up, coded(st.one_of(made_up))))
    steps = sum(mapping.totals.steps for mapping in schedule.mappings)
    images = [number for number in (2, 3, 5, 17, 40) if number * steps <= most_steps]
    assume(images)
    next_image = PoolChange(schedule.pool_bytes_at_start, tensor_bytes_at_end(schedule))
    assume(schedule.pool_changes or next_image == (0, 0))
    later = draw(st.sampled_from([(), schedule.mappings[::-1]]))
    in_turn = {"images_in_turn": draw(st.sampled_from(images)), "next_image": next_image}
    return hardware, replace(schedule, later_mappings=later, **in_turn)


@settings(max_examples=2 * settings.default.max_examples)
@given(images_in_turn(), BOUNDS)
def test_of_images_in_turn_the_fast_engine_observes_what_events_observe(case, bounds):
    hardware, schedule = case
    observed, transitions = simulate_events(schedule, hardware), Transitions()
    assert simulate_fast(schedule, hardware) == observed
    with remembering(bounds):
        for _ in range(2):
            assert simulate_fast(schedule, hardware, transitions) == observed


@settings(max_examples=20)
@given(images_in_turn(most_steps=100))
def test_images_in_turn_are_layers_one_after_the_other(case):
    hardware, schedule = case
    unrolled, layers = schedule.unrolled, len(schedule.layers)
    whole, by_image = simulate_events(schedule, hardware), simulate_fast(unrolled, hardware)
    assert whole.cycles == by_image.cycles == sum(of_layer.cycles for of_layer in whole.layers)
    for layer, of_layer in enumerate(whole.layers):
        assert of_layer.cycles == sum(of_image.cycles for of_image in by_image.layers[layer::layers])
    assert tensor_bytes_at_end(unrolled) == tensor_bytes_at_end(schedule)


@given(SCHEDULES, st.data())
def test_what_is_remembered_from_other_schedules_changes_nothing(case, data):
    """The same layers in another order and dependence, or with fewer descriptors, with one memory."""
    hardware, schedule = case
    order = data.draw(st.permutations(range(len(schedule.mappings))))
    other = Schedule(
        layers=tuple(schedule.layers[layer] for layer in order),
        mappings=tuple(schedule.mappings[layer] for layer in order),
        waits_for=tuple((layer - 1,) if layer else () for layer in range(len(order))),
    )
    fewer = replace(schedule, idle_descriptors=data.draw(some_descriptors(hardware)))
    transitions = Transitions()
    for some in (schedule, other, fewer, schedule, other, fewer):
        assert simulate_fast(some, hardware, transitions) == simulate_fast(some, hardware)


@given(pooled_schedules())
def test_what_is_remembered_of_other_tensors_changes_nothing(case):
    """The same layers, whose tensors take less room, or more of it for longer, with one memory.

    Those that stay longer may leave too little room for the layers after them, which is said alike."""
    hardware, schedule = case
    less = tuple(PoolChange(taken // 3, freed // 3) for taken, freed in schedule.pool_changes)
    longer = tuple(PoolChange(taken // 3, 0) for taken, _ in schedule.pool_changes)
    plans = [replace(schedule, pool_changes=changes) for changes in (schedule.pool_changes, less, longer)]
    transitions = Transitions()
    with_memory = partial(simulate_fast, transitions=transitions)
    for plan in (*plans, *plans):
        assert outcome_of(with_memory, plan, hardware) == outcome_of(simulate_fast, plan, hardware)


@given(LEVELED)
def test_what_is_remembered_of_other_homes_changes_nothing(case):
    """The same layers, whose operands lie elsewhere, with one memory."""
    hardware, schedule = case
    other = replace(schedule, places=schedule.places[::-1])
    transitions = Transitions()
    for plan in (schedule, other, schedule, other):
        assert simulate_fast(plan, hardware, transitions) == simulate_fast(plan, hardware)


def outcome_of(engine, schedule, hardware):
    """What an engine observes, or what it says where it comes to a stop."""
    try:
        return engine(schedule, hardware)
    except RuntimeError as error:
        return str(error)


@given(st.one_of(pooled_schedules(feasible=False), pooled_schedules(feasible=False, channels=2)))
def test_both_engines_come_to_a_stop_in_the_same_layer_where_a_pool_is_too_small(case):
    hardware, schedule = case
    events = outcome_of(simulate_events, schedule, hardware)
    assert outcome_of(simulate_fast, schedule, hardware) == events


@given(st.one_of(SCHEDULES, LEVELED))
def test_what_is_observed_is_what_was_mapped(case):
    hardware, schedule = case
    observed = simulate_events(schedule, hardware).layers
    places = schedule.places or [{}] * len(observed)
    for mapping, layer, of_layer in zip(schedule.mappings, observed, places, strict=True):
        assert layer.counts == mapping.totals.counts
        assert layer.array_busy_cycles == mapping.totals.array_cycles
        assert layer.vector_busy_cycles == mapping.totals.vector_cycles
        stream_cycles = Counter({channel.memory: 0 for channel in hardware.channels})
        for step in mapping.steps():
            for operand, size in (*step.moved_loads.items(), *step.moved_stores.items()):
                home = of_layer.get(operand, hardware.channel_of[operand].memory)
                channel = next(channel for channel in hardware.channels if channel.memory == home)
                stream_cycles[channel.memory] += math.ceil(size / channel.bytes_per_cycle)
        assert layer.dram_busy_cycles == max(stream_cycles.values())
        assert layer.busy_cycles_by_memory == (stream_cycles if len(stream_cycles) > 1 else {})


@given(st.one_of(SCHEDULES, LEVELED))
def test_each_component_does_one_thing_at_a_time_in_order(case):
    hardware, schedule = case
    timeline = simulate_events(schedule, hardware, keep_timeline=True).timeline
    memories = {channel.memory for channel in hardware.channels}
    assert {entry.memory for entry in timeline} <= {None, *memories}
    for component, entries in grouped(timeline, lambda entry: (entry.component, entry.memory)).items():
        busy = sorted(entries, key=lambda entry: entry.start)
        for earlier, later in itertools.pairwise(busy):
            assert earlier.end <= later.start
            if component[0] != "dram":
                assert (earlier.layer, earlier.step) < (later.layer, later.step)


@given(SCHEDULES)
def test_a_step_is_loaded_then_computed_then_finished_then_stored(case):
    hardware, schedule = case
    timeline = simulate_events(schedule, hardware, keep_timeline=True).timeline
    order = {"weights": 0, "inputs": 0, "residual": 0, "array": 1, "vector": 2, "outputs": 3}
    for of_step in grouped(timeline, lambda entry: (entry.layer, entry.step)).values():
        for one, other in itertools.permutations(of_step, 2):
            if order[one.operand or one.component] < order[other.operand or other.component]:
                stores = other.operand == "outputs"
                waited = hardware.channel_of[Operand.OUTPUTS].latency_cycles if stores else 0
                assert one.end + waited <= other.start


def grouped(entries, key):
    """Entries with the same key together."""
    groups = {}
    for entry in entries:
        groups.setdefault(key(entry), []).append(entry)
    return groups


@given(SCHEDULES)
def test_no_layer_reads_before_what_it_reads_is_written(case):
    hardware, schedule = case
    timeline = simulate_events(schedule, hardware, keep_timeline=True).timeline
    written = {
        layer: max(entry.end for entry in entries)
        for layer, entries in grouped(timeline, lambda entry: entry.layer).items()
        if any(entry.operand == "outputs" for entry in entries)
    }
    for entry in timeline:
        if entry.operand in {"inputs", "residual"}:
            for producer in schedule.waits_for[entry.layer]:
                latency = hardware.channel_of[entry.operand].latency_cycles
                assert entry.start >= written.get(producer, 0) + latency


@given(SCHEDULES)
def test_no_bank_is_ever_over_full_and_nothing_but_tensors_is_left_at_the_end(case):
    hardware, schedule = case
    held = Counter(pool=schedule.pool_bytes_at_start)

    class Watched(Banks):
        def take(self, bank, size_bytes, tensor_bytes=0):
            held[bank] += size_bytes
            return super().take(bank, size_bytes, tensor_bytes)

        def give_back(self, bank, size_bytes, tensor_bytes=0):
            held[bank] -= size_bytes
            super().give_back(bank, size_bytes, tensor_bytes)

    with mock.patch.object(events, "Banks", Watched):
        activity = simulate_events(schedule, hardware)
    assert held.pop("pool") == tensor_bytes_at_end(schedule)
    assert not any(held.values())
    sizes = bank_bytes(hardware)
    assert all(0 <= peak <= sizes[bank] for bank, peak in activity.peak_bank_bytes.items())
    assert activity.peak_global_buffer_bytes <= sum(activity.peak_bank_bytes.values())
    assert activity.peak_global_buffer_bytes <= hardware.on_chip_bytes
    for memory in hardware.on_chip:
        peaks = [activity.peak_bank_bytes[bank.name] for bank in hardware.banks if bank.memory == memory.name]
        assert max(peaks) <= activity.peak_memory_bytes[memory.name] <= sum(peaks)


def tensor_bytes_at_end(schedule):
    """What tensors that nobody reads any more have not given up."""
    changes = schedule.pool_changes
    return schedule.pool_bytes_at_start + sum(change.taken_bytes - change.freed_bytes for change in changes)


@given(UNPOOLED)
def test_layers_end_in_order_where_all_store_something(case):
    hardware, schedule = case
    activity = simulate_fast(schedule, hardware)
    ends = [layer.end_cycle for layer in activity.layers]
    assert ends == sorted(ends)
    assert activity.cycles == ends[-1]


@given(SCHEDULES)
def test_layers_take_no_less_than_their_busiest_component(case):
    hardware, schedule = case
    activity = simulate_fast(schedule, hardware)
    assert activity.cycles == max(layer.end_cycle for layer in activity.layers)
    for layer in activity.layers:
        for busy_cycles in busy_cycles_of(layer):
            assert busy_cycles <= layer.end_cycle - layer.start_cycle
    for busy_cycles in zip(*map(busy_cycles_of, activity.layers), strict=True):
        assert sum(busy_cycles) <= activity.cycles


def busy_cycles_of(layer):
    """Of array and vector unit, and of each channel."""
    channels = layer.busy_cycles_by_memory.values() or [layer.dram_busy_cycles]
    return layer.array_busy_cycles, layer.vector_busy_cycles, *channels


@given(SCHEDULES)
def test_the_same_schedule_again_takes_the_same_cycles(case):
    hardware, schedule = case
    assert simulate_events(schedule, hardware, keep_timeline=True) == simulate_events(
        schedule, hardware, keep_timeline=True
    )


# Of tiles that a mapping made. Where steps are made up, it happens once in thousands of schedules that a
# transfer gets in another's way because it comes sooner: whoever has been ready longest goes first.


@given(schedules(), st.sampled_from([1.01, 1.3, 2, 10]))
def test_more_bandwidth_is_never_slower(case, factor):
    hardware, schedule = case
    bandwidth = hardware.channels[0].bytes_per_cycle * factor
    faster = vary(hardware, **{"dram.bandwidth_bytes_per_cycle": bandwidth})
    assert simulate_fast(schedule, faster).cycles <= simulate_fast(schedule, hardware).cycles


@given(schedules(), st.integers(1, 100))
def test_less_latency_is_never_slower(case, fewer):
    hardware, schedule = case
    assume(hardware.channels[0].latency_cycles >= fewer)
    faster = vary(hardware, **{"dram.latency_cycles": hardware.channels[0].latency_cycles - fewer})
    assert simulate_fast(schedule, faster).cycles <= simulate_fast(schedule, hardware).cycles


@given(SCHEDULES)
def test_what_banks_hold_over_time_has_the_observed_peaks_and_ends_with_tensors_alone(case):
    hardware, schedule = case
    activity = simulate_events(schedule, hardware, keep_timeline=True)
    assert list(activity.occupancy) == sorted(activity.occupancy, key=lambda change: change.cycle)
    held = grouped(activity.occupancy, lambda change: change.bank)
    for bank, peak in activity.peak_bank_bytes.items():
        changes = held.get(bank, [])
        assert max((change.bytes for change in changes), default=0) == peak
        left_bytes = tensor_bytes_at_end(schedule) if bank == "pool" else 0
        assert (changes[-1].bytes if changes else 0) == left_bytes
        assert all(one.cycle < other.cycle for one, other in itertools.pairwise(changes))
        assert all(one.bytes != other.bytes for one, other in itertools.pairwise(changes))


@given(SCHEDULES)
def test_the_dma_waits_for_one_thing_at_a_time_and_asks_for_nothing_meanwhile(case):
    hardware, schedule = case
    activity = simulate_events(schedule, hardware, keep_timeline=True)
    for earlier, later in itertools.pairwise(activity.waits):
        assert earlier.end <= later.start
        assert (earlier.layer, earlier.step) <= (later.layer, later.step)
    reads = [busy for busy in activity.timeline if busy.component == "dram" and busy.operand != "outputs"]
    for wait in activity.waits:
        assert wait.start < wait.end
        assert not any(wait.start < read.request_cycle < wait.end for read in reads)


@given(SCHEDULES)
def test_a_transfer_starts_no_sooner_than_a_latency_after_it_was_asked_for(case):
    hardware, schedule = case
    for busy in simulate_events(schedule, hardware, keep_timeline=True).timeline:
        if busy.component == "dram":
            channel = hardware.channel_of[busy.operand]
            assert busy.memory == channel.memory
            assert busy.request_cycle + channel.latency_cycles <= busy.start


# --- standstill: what is waited for


def executions(schedule, timeline):
    """(layer, step, start, end, since when what executes it had nothing else to do) of all steps in order.

    An array layer's steps are executed by the array, those without array cycles by the vector unit.
    """
    of_step = {(entry.component, entry.layer, entry.step): entry for entry in timeline}
    vector_free_at = 0
    for layer, mapping in enumerate(schedule.mappings):
        for index, step in enumerate(mapping.steps()):
            computed = of_step.get(("array", layer, index))
            finished = of_step.get(("vector", layer, index))
            if step.array_cycles:
                yield layer, index, computed.start, computed.end, 0
            else:
                yield layer, index, finished.start, finished.end, vector_free_at
            vector_free_at = finished.end if finished else vector_free_at


def waited_for(schedule, activity):
    """By layer and operand, cycles in which nothing was executed: from when everything happened."""
    timeline = activity.timeline
    had_room = {(wait.layer, wait.step): wait.end for wait in activity.waits if wait.bank == "pool"}
    came = {
        (entry.layer, entry.step, entry.operand): entry.end for entry in timeline if entry.component == "dram"
    }
    written = Counter()
    for entry in timeline:
        written[entry.layer] = max(written[entry.layer], entry.end)
    steps = [tuple(mapping.steps()) for mapping in schedule.mappings]
    waited, executed_until = Counter(), 0
    for layer, index, start, end, free_since in executions(schedule, timeline):
        since = max(executed_until, free_since)
        loads = steps[layer][index].loads
        lacked = [(Operand.OUTPUTS, had_room.get((layer, index), 0))]
        lacked += [(operand, came[layer, index, operand]) for operand in loads]
        if not index and not any(operand.of_layers for operand in loads):
            lacked += [(Operand.INPUTS, written[producer]) for producer in schedule.waits_for[layer]]
        for operand, here in [*lacked, (Operand.OUTPUTS, start)]:
            waited[layer, operand] += max(here - since, 0)
            since = max(since, here)
        executed_until = max(executed_until, end)
    return waited, executed_until


def all_executed_visibly(schedule):
    """Whether each step that the vector unit executes takes time, so that a timeline shows it."""
    return all(
        step.array_cycles or (step.completes and step.vector_cycles)
        for mapping in schedule.mappings
        for step in mapping.steps()
    )


def executed_visibly(part):
    """A part of a program whose steps take time, as a timeline shows them."""
    if isinstance(part, Repeat):
        return Repeat(part.times, tuple(map(executed_visibly, part.body)))
    return part if part.array_cycles else replace(part, array_cycles=5)


def with_visible_steps(case):
    """The same case, of steps that take time."""
    hardware, schedule = case
    programs = [map(executed_visibly, mapping.program) for mapping in schedule.mappings]
    return hardware, replace(schedule, mappings=tuple(layer_of(*program) for program in programs))


@settings(max_examples=2 * settings.default.max_examples)
@given(st.one_of(SCHEDULES, pooled_schedules().map(with_visible_steps)))
def test_what_is_waited_for_is_what_the_next_step_lacks_while_nothing_is_executed(case):
    hardware, schedule = case
    assume(all_executed_visibly(schedule))
    waited, _ = waited_for(schedule, simulate_events(schedule, hardware, keep_timeline=True))
    for layer, observed in enumerate(simulate_fast(schedule, hardware).layers):
        expected = {operand: waited[layer, operand] for operand in Operand if waited[layer, operand]}
        assert observed.waiting_cycles == expected


@given(SCHEDULES)
def test_an_array_works_or_waits_until_its_last_step_is_done(case):
    hardware, schedule = case
    assume(all(step.array_cycles for mapping in schedule.mappings for step in mapping.steps()))
    timeline = simulate_events(schedule, hardware, keep_timeline=True).timeline
    layers = simulate_fast(schedule, hardware).layers
    working = sum(layer.array_busy_cycles for layer in layers)
    waiting = sum(sum(layer.waiting_cycles.values()) for layer in layers)
    assert working + waiting == max(entry.end for entry in timeline if entry.component == "array")


@given(SCHEDULES)
def test_no_layer_is_waited_for_longer_than_it_takes_to_come_to_its_end(case):
    hardware, schedule = case
    activity = simulate_fast(schedule, hardware)
    waiting = 0
    for layer in activity.layers:
        assert all(cycles > 0 for cycles in layer.waiting_cycles.values())
        waiting += sum(layer.waiting_cycles.values())
        assert waiting <= layer.end_cycle
