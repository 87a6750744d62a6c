"""Two memories off chip, each with a channel: what moves when, as derived by hand, in the comments.

DRAM streams 16 bytes a cycle after a latency of 100, flash 4 bytes a cycle after 50.
"""

from dataclasses import replace

import pytest
from machines import layer_of, machine, pooled_machine, schedule, step, transfers, with_engines, with_flash

from accelsim.hardware import Operand
from accelsim.mapping.mapping import Crossing, Repeat
from accelsim.simulation.activity import Wait
from accelsim.simulation.alone import Alone
from accelsim.simulation.events import simulate_events
from accelsim.simulation.fast import simulate_fast

IN, WEIGHTS, OUT, RESIDUAL = Operand.INPUTS, Operand.WEIGHTS, Operand.OUTPUTS, Operand.RESIDUAL
TWO = with_flash(machine())


def layer(*steps, hardware=TWO):
    return layer_of(*steps, hardware=hardware)


def observed(plan, hardware=TWO):
    activity = simulate_events(plan, hardware)
    assert simulate_fast(plan, hardware) == activity
    return simulate_events(plan, hardware, keep_timeline=True)


def test_operands_of_two_memories_come_at_the_same_time():
    # Weights 50 .. 50 + 400 / 4, inputs 100 .. 100 + 1600 / 16; the array then works for 30 cycles, and the
    # outputs are stored from 230 + 100 on for 320 / 16.
    activity = observed(schedule(layer(step(weights=400, inputs=1600, array=30, store=320))))
    assert transfers(activity) == [
        ("flash", "weights", 50, 150),
        ("dram", "inputs", 100, 200),
        ("dram", "outputs", 330, 350),
    ]
    assert activity.cycles == 350


def test_with_one_channel_of_the_same_speed_they_come_one_after_the_other():
    activity = observed(schedule(layer_of(step(weights=400, inputs=1600, array=30, store=320))), machine())
    assert activity.cycles == 100 + 400 / 16 + 100 + 30 + 100 + 20


def test_a_layer_that_flash_bounds_leaves_dram_idle():
    # Each tile's weights take 500 cycles of flash, its inputs 10 of DRAM: the last weights come at
    # 50 + 10 * 500, and the last tile is stored 20 + 100 + 10 cycles later.
    tile = step(weights=2000, inputs=160, array=20, store=160)
    activity = observed(schedule(layer(Repeat(10, (tile,)))))
    assert activity.cycles == 50 + 10 * 500 + 20 + 100 + 10
    (of_layer,) = activity.layers
    assert of_layer.busy_cycles_by_memory == {"flash": 5000, "dram": 10 * (10 + 10)}
    assert of_layer.dram_busy_cycles == 5000
    # Weights are missing all the time but while a tile is executed.
    assert of_layer.waiting_cycles == {WEIGHTS: 50 + 500 + 9 * 480}


def test_steps_that_recur_on_two_channels_are_not_gone_through_one_by_one():
    tiles = 10**9
    tile = step(weights=2000, inputs=160, array=20, store=160)
    activity = simulate_fast(schedule(layer(Repeat(tiles, (tile,)))), TWO)
    assert activity.cycles == 50 + tiles * 500 + 130


def test_what_a_step_lacks_first_is_waited_for_though_the_second_has_come():
    # Inputs are there at 110, weights, which are asked for before them, at 550: until then these are lacking.
    activity = observed(schedule(layer(step(weights=2000, inputs=160, array=20))))
    assert activity.layers[0].waiting_cycles == {WEIGHTS: 550}
    # The other way round both are lacked in turn: weights until 60, inputs until 200.
    activity = observed(schedule(layer(step(weights=40, inputs=1600, array=20))))
    assert activity.layers[0].waiting_cycles == {WEIGHTS: 60, IN: 140}


def test_residuals_come_over_the_channel_of_activations():
    # Weights at 50 + 10, inputs at 100 + 10, the residual behind them at 120.
    activity = observed(schedule(layer(step(weights=40, inputs=160, shortcut=160, array=20))))
    assert [entry[:2] for entry in transfers(activity)] == [
        ("flash", "weights"),
        ("dram", "inputs"),
        ("dram", "residual"),
    ]
    assert activity.cycles == 120 + 20


def test_a_store_delays_no_weights():
    # The first tile's outputs stream from 130 + 100 on for 1000 cycles. The second layer's weights were asked
    # for at 0, and it is executed when its inputs come after that: 1230 + 100 + 10.
    first = layer(step(inputs=160, array=20, store=16000))
    second = layer(step(weights=4000, inputs=160, array=50))
    activity = observed(schedule(first, second))
    assert transfers(activity) == [
        ("dram", "inputs", 100, 110),
        ("flash", "weights", 50, 1050),
        ("dram", "outputs", 230, 1230),
        ("dram", "inputs", 1330, 1340),
    ]
    assert activity.cycles == 1390


def test_as_many_steps_are_under_way_as_the_memory_with_the_fewest_descriptors_allows():
    # The array takes up the first step at once, so of a flash with one descriptor the second may be asked
    # for, and the third when the first is executed: at 100 + 10 + 1000. For inputs alone DRAM's three count.
    hardware = with_flash(machine(**{"dma.descriptors": 3}), prefetch=1)
    both, inputs = step(weights=40, inputs=160, array=1000), step(inputs=160, array=1000)

    def waits(tile):
        tiles = [tile] * 5
        activity = observed(schedule(layer(*tiles, hardware=hardware)), hardware)
        return [(wait.resource, wait.step, wait.end) for wait in activity.waits]

    assert waits(both) == [("descriptor", step, 110 + 1000 * (step - 1)) for step in (2, 3, 4)]
    assert waits(inputs) == [("descriptor", 4, 110 + 1000)]


def test_a_layer_waits_until_few_enough_steps_are_under_way_for_the_memories_it_uses():
    # Four steps of the first layer are under way, more than the second may have: it asks when two are left.
    hardware = with_flash(machine(**{"dma.descriptors": 64}), prefetch=1)
    first = layer(*[step(inputs=160, array=1000)] * 4, hardware=hardware)
    second = layer(step(weights=40, array=10), hardware=hardware)
    activity = observed(schedule(first, second, waits_for=[[], []]), hardware)
    assert activity.waits == (Wait("descriptor", layer=1, step=0, start=0, end=3110),)
    assert activity.cycles == 4110 + 10


def test_a_layer_that_moves_nothing_needs_a_descriptor_of_each_memory():
    hardware = with_flash(machine(**{"dma.descriptors": 64}), prefetch=1)
    first = layer(*[step(inputs=160, array=1000)] * 4, hardware=hardware)
    second = layer(step(array=10), hardware=hardware)
    activity = observed(schedule(first, second, waits_for=[[], []]), hardware)
    assert activity.waits == (Wait("descriptor", layer=1, step=0, start=0, end=3110),)


def test_descriptors_that_are_left_idle_are_those_of_the_memory_with_most():
    # Of 8 and 4 all but 2 are idle: DRAM has 2 in use, and flash, which has but 1, 1.
    hardware = with_flash(machine(**{"dma.descriptors": 8}), prefetch=1)
    tiles = [step(inputs=160, array=1000)] * 4
    plan = schedule(layer(*tiles, hardware=hardware), idle_descriptors=6)
    assert [(wait.step, wait.end) for wait in observed(plan, hardware).waits] == [(3, 1110)]


def test_by_itself_a_layer_takes_what_it_takes_in_a_schedule():
    hardware = with_flash(machine(**{"dma.descriptors": 8}), prefetch=1)
    of_both = layer(Repeat(20, (step(weights=400, inputs=160, array=30, store=160),)), hardware=hardware)
    assert Alone(hardware)(of_both) == simulate_fast(schedule(of_both), hardware).cycles


@pytest.mark.parametrize("outermost", [True, False])
def test_which_of_two_memories_is_further_out_does_not_matter(outermost):
    hardware = with_flash(machine(), outermost=outermost)
    tile = step(weights=400, inputs=1600, array=30, store=320)
    activity = observed(schedule(layer(tile, hardware=hardware)), hardware)
    assert activity.cycles == 350


def test_a_step_in_a_pool_takes_its_room_for_both_channels_at_once():
    # 700 bytes hold one step of 400 + 160 + 80 bytes; the second is asked for when the first is stored, at
    # 50 + 100 + 20 + 100 + 5 = 275, and is done after as long again.
    hardware = with_flash(pooled_machine(700))
    tile = step(weights=400, inputs=160, array=20, store=80)
    activity = observed(schedule(layer(tile, tile, hardware=hardware)), hardware)
    # What the array gave back at 170 is not enough: 560 bytes are free beside the outputs, 640 are needed.
    assert activity.waits == (Wait("room", layer=0, step=1, start=0, end=275, bank="pool"),)
    assert activity.cycles == 2 * 275


# --- transfers of no bytes, as of what is coded to nothing: they take no cycle


def moving(a_step, **moved):
    """A step of whose operands channels move so many bytes, and else what is loaded and stored."""
    moved = {Operand(operand): size_bytes for operand, size_bytes in moved.items()}
    loads, stores = (
        {operand: moved.get(operand, size_bytes) for operand, size_bytes in sizes.items()}
        for sizes in (a_step.loads, a_step.stores)
    )
    return replace(a_step, crossing=Crossing(loads, stores, loads, stores))


def test_what_is_stored_in_no_time_is_not_held_at_the_end_of_its_cycle():
    # Inputs come at 10; array and vector unit pass the outputs on, which are stored at 10.
    hardware = with_flash(machine(**{"dram.latency_cycles": 0}))
    tile = moving(step(inputs=160, store=320), outputs=0)
    activity = observed(schedule(layer(tile, hardware=hardware)), hardware)
    assert activity.cycles == 10
    assert activity.peak_bank_bytes == {"inputs": 160, "weights": 0, "outputs": 0}
    assert activity.peak_global_buffer_bytes == 160


def test_what_comes_in_no_time_and_is_used_in_none_is_not_held_at_the_end_of_its_cycle():
    # Weights come in the cycle in which they are asked for, and the array passes the step on in the same.
    hardware = with_flash(machine(), latency_cycles=0)
    tiles = moving(step(weights=400), weights=0), step(inputs=160, array=10)
    activity = observed(schedule(layer(*tiles, hardware=hardware)), hardware)
    assert activity.cycles == 120
    assert activity.peak_bank_bytes == {"inputs": 160, "weights": 0, "outputs": 0}


def test_channels_choose_together_before_what_takes_no_time_has_come():
    # The first tile's outputs are ready to be stored at 120 + 100, for 20 cycles in which the array has to
    # stand. The weights that the second lacks come at 220: when the channels choose, the array still stands.
    hardware = with_engines(with_flash(machine(), latency_cycles=220), stops_array=[Operand.OUTPUTS])
    lacking = moving(step(weights=400, inputs=160, array=30), weights=0)
    tiles = step(inputs=160, array=10, store=320), lacking
    activity = observed(schedule(layer(*tiles, hardware=hardware)), hardware)
    assert transfers(activity) == [
        ("dram", "inputs", 100, 110),
        ("dram", "inputs", 110, 120),
        ("dram", "outputs", 220, 240),
    ]
    assert activity.cycles == 240 + 30
    assert activity.layers[0].waiting_cycles == {IN: 110, WEIGHTS: 100, OUT: 20}
