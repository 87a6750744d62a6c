"""The room of a pool: who has it when, and what is waited for, as derived by hand, in the comments.

DRAM streams 16 bytes a cycle after a latency of 100.
"""

from dataclasses import replace
from unittest import mock

import pytest
from machines import (
    layer_of,
    machine,
    pooled_machine,
    schedule,
    step,
    with_engines,
    with_flash,
    with_host,
)

from accelsim.hardware import Operand
from accelsim.mapping.mapping import Repeat
from accelsim.mapping.schedule import PoolChange
from accelsim.pricing import layer_results
from accelsim.simulation import traversal
from accelsim.simulation.activity import Occupancy, Wait
from accelsim.simulation.alone import Alone
from accelsim.simulation.events import simulate_events
from accelsim.simulation.fast import simulate_fast
from accelsim.simulation.transitions import Transitions

IN, WEIGHTS, OUT = Operand.INPUTS, Operand.WEIGHTS, Operand.OUTPUTS
TILE = step(inputs=160, array=50, store=320)
"""Its inputs come in 110 cycles, and its outputs are stored 120 cycles after the array is done with it."""


def observed(plan, hardware):
    activity = simulate_events(plan, hardware)
    assert simulate_fast(plan, hardware) == activity
    return simulate_events(plan, hardware, keep_timeline=True)


def ends(activity):
    return [layer.end_cycle for layer in activity.layers]


def waiting(activity):
    return [layer.waiting_cycles for layer in activity.layers]


# --- steps


def test_a_step_takes_room_for_its_outputs_before_its_inputs_are_asked_for():
    # The first step is done at 160 and frees its inputs: 700 - 320 = 380 bytes are free, and the second needs
    # 480. At 280 the first one's outputs are stored; only then the second asks for its inputs.
    activity = observed(schedule(layer_of(TILE, TILE)), pooled_machine(700))
    assert activity.cycles == 280 + 280
    assert activity.waits == (Wait("room", layer=0, step=1, start=0, end=280, bank="pool"),)
    held = [(change.cycle, change.bytes) for change in activity.occupancy]
    assert held == [(0, 480), (160, 320), (280, 480), (440, 320), (560, 0)]
    assert activity.peak_bank_bytes == {"pool": 480}


def test_what_a_step_lacked_room_for_counts_as_outputs_and_what_it_asked_for_then_as_that():
    # Nothing is executed from 0 until 110 (inputs), from 160 until 280 (room), from 280 until 390 (inputs).
    activity = observed(schedule(layer_of(TILE, TILE)), pooled_machine(700))
    assert waiting(activity) == [{IN: 110 + 110, OUT: 120}]


def test_two_steps_that_fit_together_are_asked_for_together():
    # The second one's inputs stream behind the first one's, and the array goes on without a break.
    activity = observed(schedule(layer_of(TILE, TILE)), pooled_machine(960))
    assert activity.cycles == 110 + 50 + 50 + 120
    assert not activity.waits


def test_steps_that_recur_in_a_pool_are_not_gone_through_one_by_one():
    tiles = 10**9
    activity = simulate_fast(schedule(layer_of(Repeat(tiles, (TILE,)))), pooled_machine(700))
    assert activity.cycles == tiles * 280
    assert activity.layers[0].waiting_cycles == {IN: tiles * 110, OUT: (tiles - 1) * 120}


def test_a_step_that_loads_nothing_waits_for_room_as_well():
    # The first one's outputs are stored at 160 + 110 = 270, and 400 bytes are free again.
    steps = step(inputs=160, array=50, store=160), step(array=10, store=320)
    activity = observed(schedule(layer_of(*steps)), pooled_machine(400))
    assert activity.cycles == 270 + 10 + 120
    assert waiting(activity) == [{IN: 110, OUT: 110}]


def test_operands_beside_the_pool_take_their_room_as_without_one():
    # Both inputs are asked for at once; the second step's outputs have a place when the first's are stored.
    hardware = pooled_machine(1000, [IN, WEIGHTS, Operand.RESIDUAL], own_bytes=320)
    activity = observed(schedule(layer_of(TILE, TILE)), hardware)
    assert activity.cycles == 280 + 50 + 120
    assert not activity.waits
    assert waiting(activity) == [{IN: 110, OUT: 120}]
    assert activity.peak_bank_bytes == {"pool": 320, "outputs": 320}


def test_loads_beside_the_pool_wait_for_their_own_bank_after_the_pool():
    # Weights of 300 bytes have a bank for one tile of them: the second ones are asked for when the array is
    # done with the first at 100 + ceil(300 / 16) + 10 + 50 = 179. The room in the pool is there at once.
    tile = step(weights=300, inputs=160, array=50, store=16)
    hardware = pooled_machine(1000, [IN, OUT, Operand.RESIDUAL], own_bytes=300)
    activity = observed(schedule(layer_of(tile, tile)), hardware)
    assert activity.waits == (Wait("room", layer=0, step=1, start=0, end=179, bank="weights"),)
    assert activity.occupancy[0] == Occupancy(cycle=0, bank="pool", bytes=2 * 176)
    assert activity.cycles == 2 * 179 + 101


# --- tensors


ONE_TILE = layer_of(step(inputs=160, array=50, store=160))
"""Needs 320 bytes; by itself it ends at 110 + 50 + 110 = 270."""


def test_what_a_layers_tensors_take_comes_with_its_first_step_and_goes_with_its_end():
    # The second layer needs 320 + 300 bytes: they are free when the first is finished and has given up 600.
    changes = (PoolChange(600, 600), PoolChange(300, 0))
    activity = observed(schedule(ONE_TILE, ONE_TILE, pool_changes=changes), pooled_machine(1000))
    assert ends(activity) == [270, 540]
    assert activity.waits == (Wait("room", layer=1, step=0, start=0, end=270, bank="pool"),)
    held = [(change.cycle, change.bytes) for change in activity.occupancy]
    assert held == [(0, 920), (160, 760), (270, 620), (430, 460), (540, 300)]
    assert activity.peak_memory_bytes == {"shared": 920}
    assert activity.peak_global_buffer_bytes == 920


def test_a_layer_with_room_loads_its_weights_while_the_one_before_runs():
    # Its weights come at 110 + 20 = 130; the first layer stores nothing and is finished when the vector unit
    # is, at 110 + 50 + 7. Outputs that the pool keeps are stored as well, as a copy: 100 + 2 cycles.
    first = layer_of(step(inputs=160, array=50, vector=7))
    second = layer_of(step(weights=320, array=10, copy=32))
    changes = (PoolChange(160, 0), PoolChange(64, 160))
    activity = observed(schedule(first, second, pool_changes=changes), pooled_machine(1000))
    assert ends(activity) == [167, 167 + 10 + 102]
    assert activity.layers[1].start_cycle == 0
    assert waiting(activity) == [{IN: 110}, {IN: 7}]
    assert activity.occupancy[-1].bytes == 64


def test_a_layer_that_loads_nothing_begins_when_what_it_reads_is_there():
    first, second = layer_of(step(weights=160, array=50)), layer_of(step(array=10, vector=3))
    changes = (PoolChange(64, 0), PoolChange(64, 64))
    plan = schedule(first, second, pool_changes=changes, waits_for=[(), (0,)])
    activity = observed(plan, pooled_machine(1000))
    assert ends(activity) == [160, 173]
    assert activity.layers[1].start_cycle == 160
    assert activity.waits == (Wait("producer", layer=1, step=0, start=0, end=160),)


def test_what_lies_in_the_pool_from_the_beginning_is_there_until_its_last_reader_ends():
    changes = (PoolChange(0, 500), PoolChange(400, 0))
    plan = schedule(ONE_TILE, ONE_TILE, pool_changes=changes, pool_bytes_at_start=500)
    activity = observed(plan, pooled_machine(1000))
    assert ends(activity) == [270, 540]
    assert activity.occupancy[0] == Occupancy(cycle=0, bank="pool", bytes=820, tensor_bytes=500)


def test_what_is_taken_in_the_last_cycle_and_stays_is_part_of_the_peak():
    # The second layer has room at 270, and needs no time.
    changes = (PoolChange(0, 100), PoolChange(700, 0))
    plan = schedule(ONE_TILE, layer_of(step()), pool_changes=changes, pool_bytes_at_start=100)
    activity = observed(plan, pooled_machine(700))
    assert ends(activity) == [270, 270]
    assert activity.peak_bank_bytes == {"pool": 700}


def test_layers_that_end_before_the_one_before_them_take_no_cycles():
    # The first is stored at 160 + 100 + 100; the second, of which nothing is stored, reads other layers: its
    # weights come at 120, and the array is done with it at 160 + 20.
    first = layer_of(step(inputs=160, array=50, store=1600))
    second, third = layer_of(step(weights=160, array=20)), layer_of(step(array=30))
    plan = schedule(first, second, third, waits_for=[(), (), (0, 1)])
    hardware = pooled_machine(4000)
    activity = observed(plan, hardware)
    assert ends(activity) == [360, 180, 390]
    assert [layer.cycles for layer in layer_results(plan, activity, hardware, 1)] == [360, 0, 30]


def test_what_is_remembered_of_one_plan_of_tensors_is_not_taken_for_another():
    hardware, transitions = pooled_machine(1000), Transitions()
    plans = [
        schedule(ONE_TILE, ONE_TILE, pool_changes=changes, pool_bytes_at_start=at_start)
        for at_start in (0, 100)
        for changes in (
            (),
            (PoolChange(500, 500), PoolChange(300, 0)),
            (PoolChange(0, 0), PoolChange(400, 0)),
            (PoolChange(100, 0), PoolChange(400, 0)),
            (PoolChange(100, 100), PoolChange(400, 0)),
        )
    ]
    for plan in [*plans, *plans]:
        assert simulate_fast(plan, hardware, transitions) == simulate_events(plan, hardware)


# --- images in turn

TWO_LAYERS = layer_of(step(weights=160, array=50)), layer_of(step(weights=320, array=100))
"""The first reads the image, 200 bytes, and writes 300; the second reads these and writes a result of 100."""


def in_turn(images):
    changes = (PoolChange(300, 200), PoolChange(100, 300))
    each = {"images_in_turn": images, "next_image": PoolChange(taken_bytes=200, freed_bytes=100)}
    return schedule(*TWO_LAYERS, pool_changes=changes, pool_bytes_at_start=200, **each)


def test_an_image_that_has_no_room_beside_the_one_before_begins_when_that_has_ended():
    # An image takes 160 cycles for its first layer, and 100 + 20 + 100 for the second, whose weights have no
    # room beside the first one's. The next one needs 200 + 300 + 160 bytes; they are free when the second
    # layer gives up its weights, what it read, and the result. The last result stays.
    activity = observed(in_turn(3), pooled_machine(1000))
    assert activity.cycles == 3 * (160 + 220)
    assert [layer.cycles for layer in activity.layers] == [3 * 160, 3 * 220]
    assert activity.occupancy[-1].bytes == 100


def test_images_overlap_as_layers_do_where_there_is_room():
    # Beside the first image's layers, which end at 160 and 260, the second image has room from 160 on: its
    # weights come at 270, and its first layer ends at 320. The weights of its second layer have room at 260
    # and come at 380; that layer ends at 480. The third image has room at 320; its first layer is executed
    # from 480 to 530. The weights of the last layer are asked for at 480 and come at 600.
    activity = observed(in_turn(3), pooled_machine(1500))
    assert [layer.end_cycle for layer in activity.executed] == [160, 260, 320, 480, 530, 700]
    assert activity.cycles == 700 < 3 * 260
    assert [layer.cycles for layer in activity.layers] == [160 + 60 + 50, 100 + 160 + 170]
    assert [layer.start_cycle for layer in activity.layers] == [0, 0]
    assert activity.peak_bank_bytes == {"pool": 1500 - 120}


def test_images_that_recur_are_not_gone_through_one_by_one():
    images = 10**9
    activity = simulate_fast(in_turn(images), pooled_machine(1000))
    assert activity.cycles == images * 380
    assert [layer.cycles for layer in activity.layers] == [images * 160, images * 220]
    assert activity.layers[0].array_busy_cycles == images * 50


def test_what_has_passed_of_a_standstill_when_an_image_begins_is_waited_for_once():
    # The first layer of the first image is executed 110 .. 120 and stored until 230. Then the inputs of the
    # second are asked for, which come 110 later; what it puts out is stored in 1000 cycles. In each other
    # image, the first layer's outputs are stored after those: of 1340 cycles between two executions of the
    # second layer, the array works in 20, and has stood still for 1100 when the next image begins.
    tiles = step(inputs=160, array=10, store=160), step(inputs=160, array=10, store=16000)
    plan = replace(schedule(*map(layer_of, tiles)), images_in_turn=10)
    assert waiting(observed(plan, machine())) == [{IN: 110}, {IN: 220 + 9 * 1210}]
    # As where states are so long that they are looked at only where an image begins:
    with mock.patch.multiple(traversal, SHORT_STATE=0, ENTRIES_PER_STEP=0):
        assert waiting(observed(plan, machine())) == [{IN: 110}, {IN: 220 + 9 * 1210}]


# --- alone


def test_a_layer_alone_has_the_room_that_tensors_leave():
    tiles = layer_of(TILE, TILE)
    assert Alone(pooled_machine(1400))(tiles) == 330
    assert Alone(pooled_machine(1400), pool_bytes=700)(tiles) == 560
    assert Alone(pooled_machine(700))(tiles) == 560


# --- what cannot go on


@pytest.mark.parametrize("engine", [simulate_events, simulate_fast])
@pytest.mark.parametrize(
    ("hardware", "tensors", "message"),
    [
        (pooled_machine(300), {}, "the simulation came to a stop in layer 0$"),
        (
            pooled_machine(1000),
            {"pool_changes": (PoolChange(600, 0), PoolChange(100, 0))},
            "the simulation came to a stop in layer 1$",
        ),
        (pooled_machine(1000), {"pool_bytes_at_start": 800}, "the simulation came to a stop in layer 0$"),
        (pooled_machine(1000), {"pool_bytes_at_start": 1001}, "less than the 1001 bytes"),
        (machine(), {"pool_bytes_at_start": 1}, "less than the 1 bytes"),
        (machine(), {"pool_changes": (PoolChange(0, 0),) * 2}, "machine has none"),
    ],
)
def test_where_nothing_can_go_on_both_engines_say_so(engine, hardware, tensors, message):
    with pytest.raises(RuntimeError, match=message):
        engine(schedule(ONE_TILE, ONE_TILE, **tensors), hardware)


@pytest.mark.parametrize("engine", [simulate_events, simulate_fast])
@pytest.mark.parametrize("hardware", [machine(), with_flash(machine()), with_host(), with_engines()])
@pytest.mark.parametrize("images", [1, 3])
def test_the_machine_stops_in_the_layer_that_does_not_end_though_others_have_been_asked_for(
    engine, hardware, images
):
    # The second layer's outputs, 40,000 bytes, have no room in a bank of 32 KiB. Steps of the layers behind
    # it, and of images behind the first, are asked for all the same.
    tiles = step(inputs=160, array=10, store=160), step(inputs=160, array=10, store=40_000)
    layers = [layer_of(tile, hardware=hardware) for tile in (*tiles, tiles[0])]
    plan = replace(schedule(*layers, waits_for=[(), (), ()]), images_in_turn=images)
    with pytest.raises(RuntimeError, match=r"^the simulation came to a stop in layer 1$"):
        engine(plan, hardware)
