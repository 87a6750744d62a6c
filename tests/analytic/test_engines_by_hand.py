"""Engines with rules of their own: what moves and computes when, as derived by hand, in the comments.

The channels stream 16 bytes a cycle, and step by step is as the recurrences have it that the RTL of Gemmini
and the chip of Eyeriss were found to follow.
"""

from dataclasses import replace

import hypothesis.strategies as st
import pytest
from hypothesis import given
from machines import layer_of, machine, schedule, step, transfers, with_engines

from accelsim.hardware import Operand
from accelsim.mapping.mapping import Crossing, Repeat
from accelsim.simulation.activity import Wait
from accelsim.simulation.alone import Alone
from accelsim.simulation.events import simulate_events
from accelsim.simulation.fast import simulate_fast

IN, WEIGHTS, OUT, RESIDUAL = Operand.INPUTS, Operand.WEIGHTS, Operand.OUTPUTS, Operand.RESIDUAL
CONTROL = {"cycles_per_tile": 150, "tiles_in_flight": 2, "completion_cycles": 12, "cycles_per_layer": 500}
READ, WRITE = ({"bytes_per_cycle": 16, "latency_cycles": cycles} for cycles in (30, 40))
GEMMINI = with_engines(control=CONTROL, read=READ, write=WRITE)
AT_ONCE = machine(**{"dram.latency_cycles": 0})


def observed(*steps, hardware):
    plan = schedule(layer_of(*steps, hardware=hardware))
    activity = simulate_events(plan, hardware)
    assert simulate_fast(plan, hardware) == activity
    assert Alone(hardware)(plan.mappings[0]) == activity.cycles
    return simulate_events(plan, hardware, keep_timeline=True)


def executed(activity):
    return [(busy.start, busy.end) for busy in activity.timeline if busy.component == "array"]


# --- two ways


def test_what_is_loaded_and_what_is_stored_overlap():
    # Without a latency: the first tile comes 0 .. 20, is executed until 50 and stored until 80; the second
    # comes 20 .. 40 and the third 40 .. 60, and both are stored as they are executed.
    ways = {"bytes_per_cycle": 16, "latency_cycles": 0}
    hardware = with_engines(read=ways, write=ways)
    activity = observed(*[step(inputs=320, array=30, store=480)] * 3, hardware=hardware)
    assert transfers(activity) == [
        ("dram.read", "inputs", 0, 20),
        ("dram.read", "inputs", 20, 40),
        ("dram.read", "inputs", 40, 60),
        ("dram.write", "outputs", 50, 80),
        ("dram.write", "outputs", 80, 110),
        ("dram.write", "outputs", 110, 140),
    ]
    assert activity.layers[0].busy_cycles_by_memory == {"dram.read": 60, "dram.write": 90}
    assert activity.layers[0].dram_busy_cycles == 90


# --- control


PARTIAL = step(weights=800, inputs=1600, array=400, completes=False)
COMPLETE = step(weights=800, inputs=1600, array=400, store=960)


def test_three_tiles_of_which_two_are_in_flight():
    # A load takes 150 cycles and is seen 30 later; a store takes 60, and begins 40 after the array ends.
    #            handed over               loaded      array                      stored
    # partial    500                       500 ..  650 680 .. 1080                -
    # complete   650                       650 ..  800 1080 .. 1480               1520 .. 1580
    # complete   max(800, 1080 + 12)      1092 .. 1242 1480 .. 1880               1920 .. 1980
    activity = observed(PARTIAL, COMPLETE, COMPLETE, hardware=GEMMINI)
    assert executed(activity) == [(680, 1080), (1080, 1480), (1480, 1880)]
    assert activity.cycles == 1980
    assert activity.waits == (
        Wait("control", 0, 0, 0, 500),
        Wait("control", 0, 1, 500, 650),
        Wait("control", 0, 2, 650, 1092),
    )
    # Streams begin 30 cycles after they are asked for, in which the channel has nothing to do.
    assert [entry[2:] for entry in transfers(activity) if entry[0] == "dram.read"] == [
        (530, 580),
        (580, 680),
        (680, 730),
        (730, 830),
        (1122, 1172),
        (1172, 1272),
    ]


def test_a_tile_is_done_when_all_before_it_are():
    # The first is stored until 1080 + 40 + 60 = 1180; the second is executed until 1090, and done at 1180
    # only, so that the third is handed over at 1192, and the fourth 150 later and not with the second.
    quick = replace(PARTIAL, array_cycles=10)
    activity = observed(COMPLETE, quick, quick, COMPLETE, hardware=GEMMINI)
    turns = [wait.end for wait in activity.waits]
    assert turns == [500, 650, 1192, 1342]


def test_the_first_tile_of_a_layer_waits_for_the_call():
    plan = schedule(layer_of(PARTIAL, COMPLETE, hardware=GEMMINI), layer_of(COMPLETE, hardware=GEMMINI))
    activity = simulate_events(plan, GEMMINI, keep_timeline=True)
    assert simulate_fast(plan, GEMMINI).layers == activity.layers
    # The second tile is handed over at 650, the third 150 + 500 later: the second is done at 1580 by then.
    assert [wait.end for wait in activity.waits if wait.resource == "control"] == [500, 650, 1300]
    # Its weights are asked for at once, its inputs when the first layer has ended.
    assert activity.layers[1].start_cycle == 1300
    assert transfers(activity)[-2:] == [
        ("dram.read", "inputs", 1610, 1710),
        ("dram.write", "outputs", 2150, 2210),
    ]


def test_time_until_a_tile_is_handed_over_is_put_down_to_outputs():
    # 500 cycles until the first is handed over, 30 + 50 until its weights are there, 100 until its inputs.
    (of_layer,) = observed(PARTIAL, COMPLETE, COMPLETE, hardware=GEMMINI).layers
    assert of_layer.waiting_cycles == {OUT: 500, WEIGHTS: 80, IN: 100}


def test_control_without_a_bound_on_tiles_in_flight_is_a_pace():
    # Each tile is handed over 150 cycles after the one before, which is longer than all else takes.
    hardware = with_engines(AT_ONCE, control={"cycles_per_tile": 150})
    activity = observed(Repeat(10, (step(inputs=160, array=20, store=160),)), hardware=hardware)
    assert activity.cycles == 9 * 150 + 10 + 20 + 10


def test_a_billion_tiles_in_step_with_control_are_not_gone_through():
    tiles = 10**9
    plan = schedule(layer_of(Repeat(tiles, (COMPLETE,)), hardware=GEMMINI))
    # Two are in flight: each is loaded 12 cycles after the last but one is done, and waits for the array.
    one = 12 + 180 + 400 + 40 + 60
    assert simulate_fast(plan, GEMMINI).cycles == pytest.approx(tiles * one / 2, rel=0.2)


@given(
    st.lists(
        st.tuples(st.integers(1, 400), st.integers(1, 400), st.integers(1, 300), st.booleans()),
        min_size=1,
        max_size=12,
    )
)
def test_any_tiles_follow_the_recurrences_of_gemmini(tiles):
    """Times of loads, arrays and stores are as the tile says; partial sums are not stored."""
    steps = []
    tiles[-1] = (*tiles[-1][:-1], True)  # as that of every layer
    for load, array, store, completes in tiles:
        one = step(inputs=1, array=array, store=1 if completes else 0, completes=completes)
        crossing = Crossing(one.loads, one.stores, one.loads, one.stores, {IN: load}, store)
        steps.append(replace(one, crossing=crossing))
    activity = observed(*steps, hardware=GEMMINI)
    handed_over, loaded, ended, stored, done = [], 0, 0, 0, []
    for number, (load, array, store, completes) in enumerate(tiles):
        turn = handed_over[-1] + 150 if handed_over else 500
        handed_over.append(max(turn, done[number - 2] + 12) if number >= 2 else turn)
        loaded = max(handed_over[-1], loaded) + load
        ended = max(ended, loaded + 30) + array
        if completes:
            stored = max(stored, ended + 40) + store
        done.append(max([ended, stored if completes else 0, *done[-1:]]))
    assert activity.cycles == done[-1]
    assert [wait.end for wait in activity.waits] == handed_over


# --- stops


STOPPED = with_engines(AT_ONCE, stops_array=(IN, OUT))
PASS = step(weights=160, inputs=320, array=50, store=160)


def test_inputs_and_outputs_move_only_while_the_array_stands():
    # Weights take 10 cycles, inputs 20, outputs 10. All are asked for at once.
    #   0 .. 10 weights, 10 .. 30 inputs of the first, 30 .. 40 weights of the second: the array computes.
    #   40 .. 50 weights of the third: they pass the inputs of the second, which stop the array.
    #  30 .. 80 the first pass; 80 .. 100 inputs of the second, which were ready before the first outputs,
    # 100 .. 150 the second pass; 150 .. 170 inputs of the third, 170 .. 220 the third pass.
    # 220 .. 250 the outputs: the array has always had something to do.
    activity = observed(PASS, PASS, PASS, hardware=STOPPED)
    assert executed(activity) == [(30, 80), (100, 150), (170, 220)]
    assert sorted(transfers(activity), key=lambda entry: entry[2]) == [
        ("dram", "weights", 0, 10),
        ("dram", "inputs", 10, 30),
        ("dram", "weights", 30, 40),
        ("dram", "weights", 40, 50),
        ("dram", "inputs", 80, 100),
        ("dram", "inputs", 150, 170),
        ("dram", "outputs", 220, 230),
        ("dram", "outputs", 230, 240),
        ("dram", "outputs", 240, 250),
    ]
    # As for the chip: processing, what stops it as it moves, and here the first weights.
    assert activity.cycles == 3 * 50 + 3 * (20 + 10) + 10


def test_outputs_go_when_the_array_lacks_room_for_the_next():
    # Banks hold a tile each. The inputs of the second pass are asked for when the first has ended, at 80, and
    # so are its outputs to be stored: inputs come until 100, outputs go until 120, and there is room.
    hardware = machine(**{"dram.latency_cycles": 0, "global_buffer.size_bytes": 1600})
    one = replace(PASS, stores={OUT: 320}, takes={OUT: 320}, freed_by_store={OUT: 320})
    activity = observed(one, one, hardware=with_engines(hardware, stops_array=(IN, OUT)))
    assert executed(activity) == [(30, 80), (120, 170)]
    assert activity.cycles == 2 * 50 + 2 * (20 + 20) + 10


def test_without_stops_what_moves_is_hidden():
    # 10 + 20 until the first pass; all else comes meanwhile, and the outputs of the last are stored.
    assert observed(PASS, PASS, PASS, hardware=AT_ONCE).cycles == 30 + 3 * 50 + 10


# --- weights past memories


def test_weights_that_no_memory_holds_take_no_room():
    # The bank of weights would hold one of these tiles, of 63 cycles; past it they come one after the other.
    tiles = [step(weights=1000, inputs=16, array=20)] * 4
    small = machine(**{"dram.latency_cycles": 0, "global_buffer.size_bytes": 2000})
    past = with_engines(small, weights_past=True)
    assert observed(*tiles, hardware=small).cycles == 4 * (63 + 1 + 20)
    activity = observed(*tiles, hardware=past)
    assert activity.cycles == 4 * (63 + 1) + 20
    assert activity.peak_bank_bytes == {"inputs": 64, "outputs": 0}


def test_they_come_as_many_steps_ahead_as_there_are_descriptors():
    # The first tile of weights comes until 10, while the array takes 100 cycles for each; with one descriptor
    # one more step is under way, so the third tile of weights is asked for when the first step has ended.
    tiles = [step(weights=160, array=100)] * 3
    hardware = with_engines(machine(**{"dram.latency_cycles": 0, "dma.descriptors": 1}), weights_past=True)
    starts = [entry[2] for entry in transfers(observed(*tiles, hardware=hardware))]
    assert starts == [0, 10, 110]
