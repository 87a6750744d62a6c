"""A memory for tensors between DRAM and the tiles': what moves when, as derived by hand, in the comments.

DRAM streams 16 bytes a cycle after a latency of 100, l2 8 bytes a cycle after 10.
"""

from dataclasses import replace

import pytest
from machines import (
    layer_of,
    machine,
    pooled_machine,
    schedule,
    step,
    transfers,
    with_flash,
    with_tensor_memory,
)

from accelsim.hardware import Operand
from accelsim.hardware.counts import Access, Direction
from accelsim.mapping.mapping import Repeat
from accelsim.mapping.schedule import PoolChange
from accelsim.simulation.activity import Wait
from accelsim.simulation.alone import Alone
from accelsim.simulation.events import simulate_events
from accelsim.simulation.fast import simulate_fast

IN, WEIGHTS, OUT, RESIDUAL = Operand.INPUTS, Operand.WEIGHTS, Operand.OUTPUTS, Operand.RESIDUAL
ALL_IN_L2 = {IN, OUT, RESIDUAL}
LEVELS = with_tensor_memory(machine())


def planned(*layers, hardware=LEVELS, **options):
    """Layers, each the operands that lie in l2 and its steps, one after another."""
    places = [
        {operand: "l2" if operand in inside else "dram" for operand in Operand} for inside, *_ in layers
    ]
    mappings = [
        layer_of(*steps, hardware=hardware.with_places(of_layer))
        for (_, *steps), of_layer in zip(layers, places, strict=True)
    ]
    return replace(schedule(*mappings, **options), places=tuple(places))


def observed(plan, hardware=LEVELS):
    activity = simulate_events(plan, hardware)
    assert simulate_fast(plan, hardware) == activity
    return simulate_events(plan, hardware, keep_timeline=True)


TILE = step(weights=1600, inputs=320, array=30, store=80)


def test_what_lies_in_l2_comes_over_its_channel_while_weights_come_from_dram():
    # Inputs 10 .. 10 + 320 / 8, weights 100 .. 100 + 1600 / 16; the array works until 230, and the outputs
    # are stored from 230 + 10 on for 80 / 8.
    activity = observed(planned((ALL_IN_L2, TILE)))
    assert transfers(activity) == [
        ("l2", "inputs", 10, 50),
        ("dram", "weights", 100, 200),
        ("l2", "outputs", 240, 250),
    ]
    assert activity.cycles == 250
    (of_layer,) = activity.layers
    assert of_layer.busy_cycles_by_memory == {"dram": 100, "l2": 50}
    assert of_layer.waiting_cycles == {WEIGHTS: 200}


def test_what_lies_in_dram_comes_after_the_weights():
    # Inputs 200 .. 220; outputs from 250 + 100 on for 80 / 16.
    activity = observed(planned((set(), TILE)))
    assert transfers(activity)[-2:] == [("dram", "inputs", 200, 220), ("dram", "outputs", 350, 355)]


def test_each_transfer_is_counted_where_its_tensor_lies():
    counts = observed(planned(({IN}, TILE), ({OUT}, TILE))).counts.accesses
    assert counts == {
        Access("dram", WEIGHTS, Direction.READ): 3200,
        Access("l2", IN, Direction.READ): 320,
        Access("dram", OUT, Direction.WRITE): 80,
        Access("dram", IN, Direction.READ): 320,
        Access("l2", OUT, Direction.WRITE): 80,
    }


def test_a_layer_may_be_finished_before_the_one_that_began_before_it():
    # The first layer's outputs go to DRAM, 120 + 100 .. 320, those of the second to l2: its inputs come right
    # behind at 120, so it is executed from 120 to 140 and stored from 150 to 160.
    first = step(inputs=160, array=10, store=1600)
    second = step(inputs=160, array=20, store=80)
    activity = observed(planned((set(), first), ({OUT}, second), waits_for=[(), ()]))
    assert transfers(activity) == [
        ("dram", "inputs", 100, 110),
        ("dram", "inputs", 110, 120),
        ("l2", "outputs", 150, 160),
        ("dram", "outputs", 220, 320),
    ]
    assert [layer.end_cycle for layer in activity.layers] == [320, 160]


def test_neighbouring_layers_share_the_channel_of_l2():
    # The first layer's outputs stream from 150 to 250, and the second layer's inputs, asked for meanwhile
    # since they are of another tensor, behind them.
    first = step(inputs=1600, array=30, store=800)
    second = step(inputs=80, array=50)
    activity = observed(planned(({OUT}, first), ({IN}, second), waits_for=[(), ()]))
    assert transfers(activity) == [
        ("l2", "inputs", 10, 20),
        ("dram", "inputs", 100, 200),
        ("l2", "outputs", 240, 340),
    ]
    # Where it is the same tensor the second layer waits for it: 340 + 10 .. 360.
    activity = observed(planned(({OUT}, first), ({IN}, second)))
    assert transfers(activity)[-1] == ("l2", "inputs", 350, 360)
    assert activity.cycles == 410


def test_a_tensor_waits_for_room_in_l2_until_another_is_given_up():
    # Of 4096 bytes the first layer's tensor takes 3000 and is given up when that is stored, at 250: not
    # before that the second layer is asked for.
    changes = (PoolChange(3000, 3000), PoolChange(2000, 2000))
    plan = planned((ALL_IN_L2, TILE), (ALL_IN_L2, TILE), waits_for=[(), ()], pool_changes=changes)
    activity = observed(plan)
    assert activity.waits == (Wait("room", layer=1, step=0, start=0, end=250, bank="tensors"),)
    assert activity.cycles == 2 * 250
    assert activity.peak_memory_bytes == {"l2": 3000, "global_buffer": 1600 + 320 + 80}
    assert activity.peak_global_buffer_bytes == 2000


def test_tensors_of_both_layers_have_room_where_there_is_some():
    # Then the second tile is asked for at 0: its weights come behind the first ones, at 200 .. 300.
    changes = (PoolChange(2000, 2000), PoolChange(2000, 2000))
    plan = planned((ALL_IN_L2, TILE), (ALL_IN_L2, TILE), waits_for=[(), ()], pool_changes=changes)
    activity = observed(plan)
    assert activity.waits == ()
    assert activity.cycles == 300 + 30 + 10 + 10
    assert activity.peak_memory_bytes["l2"] == 4000


def test_tiles_in_a_pool_take_no_room_of_tensors():
    # 2100 bytes hold one tile of 1600 + 320 + 80 beside the outputs of another: the second is asked for when
    # the array is done with the first, at 230, and takes as long as that from there on.
    hardware = with_tensor_memory(pooled_machine(2100), size_bytes=80)
    plan = planned((ALL_IN_L2, TILE, TILE), hardware=hardware, pool_changes=(PoolChange(80, 80),))
    activity = observed(plan, hardware)
    assert activity.waits == (Wait("room", layer=0, step=1, start=0, end=230, bank="pool"),)
    assert activity.cycles == 230 + 250
    assert activity.peak_memory_bytes == {"l2": 80, "shared": 2080}


def test_no_more_steps_are_under_way_than_l2_has_descriptors_where_a_layer_uses_it():
    # The array takes up the first step at once; with one descriptor of l2 the second is under way, and the
    # third is asked for when the first is executed, at 10 + 20 + 1000.
    hardware = with_tensor_memory(machine(**{"dma.descriptors": 3}), prefetch=1)
    tiles = [step(inputs=160, array=1000)] * 4
    in_l2 = observed(planned(({IN}, *tiles), hardware=hardware), hardware)
    assert [(wait.step, wait.end) for wait in in_l2.waits] == [(2, 1030), (3, 2030)]
    assert observed(planned((set(), *tiles[:3]), hardware=hardware), hardware).waits == ()


def test_three_channels_stream_at_the_same_time():
    # Weights from flash 50 .. 50 + 400 / 4, inputs from DRAM 100 .. 200, the residual from l2 10 .. 110.
    hardware = with_tensor_memory(with_flash(machine()))
    tile = step(weights=400, inputs=1600, shortcut=800, array=30, store=80)
    plan = planned(({RESIDUAL, OUT}, tile), hardware=hardware)
    home_of_weights = [{**plan.places[0], WEIGHTS: "flash"}]
    activity = observed(replace(plan, places=tuple(home_of_weights)), hardware)
    assert transfers(activity) == [
        ("l2", "residual", 10, 110),
        ("flash", "weights", 50, 150),
        ("dram", "inputs", 100, 200),
        ("l2", "outputs", 240, 250),
    ]


@pytest.mark.parametrize("inside", [set(), {IN}, {OUT}, ALL_IN_L2])
def test_a_layer_takes_as_long_by_itself_on_the_machine_that_it_sees(inside):
    tiles = Repeat(20, (step(weights=400, inputs=160, array=30, store=160),))
    plan = planned((inside, tiles))
    seen = LEVELS.with_places(plan.places[0])
    assert Alone(seen)(plan.mappings[0]) == simulate_fast(plan, LEVELS).cycles


def test_tiles_that_recur_are_not_gone_through_one_by_one():
    # Weights bound each tile, 125 cycles of DRAM; the last is stored 20 + 10 + 20 cycles after they came.
    tiles = 10**9
    tile = step(weights=2000, inputs=160, array=20, store=160)
    activity = simulate_fast(planned((ALL_IN_L2, Repeat(tiles, (tile,)))), LEVELS)
    assert activity.cycles == 100 + tiles * 125 + 50
