"""When things happen: cycles of whole schedules as derived by hand, in the comments.

DRAM streams 16 bytes a cycle after a latency of 100; the bank of inputs holds 32768 bytes.
"""

from machines import (
    addition,
    conv,
    fully_connected,
    layer_of,
    machine,
    mapped,
    pool,
    schedule,
    step,
    with_global_pooling,
    with_pooling,
    with_shortcut,
)

from accelsim.mapping.mapping import Repeat
from accelsim.simulation.events import simulate_events
from accelsim.simulation.fast import simulate_fast
from accelsim.simulation.transitions import Transitions

A_LAYER = conv(16, 16, (16, 16))
"""512 bytes of weights, 8192 of inputs and of outputs; 272 cycles of a weight stationary array."""


def cycles_of(*mappings, **schedule_options):
    plan = schedule(*mappings, **schedule_options)
    events = simulate_events(plan, machine())
    assert simulate_fast(plan, machine()) == events
    return events.cycles


def weight_stationary(layer, **tile):
    return mapped(layer, "weight_stationary", machine(), **tile)


def test_one_tile_is_loaded_computed_and_stored():
    loaded = 100 + 32 + 512
    stored = 100 + 512
    assert cycles_of(weight_stationary(A_LAYER)) == loaded + 272 + stored


def test_a_fully_connected_layer_takes_as_long_as_its_weights_take_to_arrive():
    layer = fully_connected(16, 16384)
    # 32 tiles of 16 x 512 weights (1024 cycles) and 512 inputs (64 cycles) stream one after another; the
    # array takes 16 + 32 * 16 = 528 cycles for each and is done with the last one 528 after it has come.
    arrived = 100 + 32 * (1024 + 64)
    assert cycles_of(weight_stationary(layer, c=512)) == arrived + 528 + 100 + 2


def test_double_buffering_hides_computing_behind_longer_loading():
    tiles = [step(inputs=16000, array=500)] * 3
    assert cycles_of(layer_of(*tiles)) == 100 + 3 * 1000 + 500


def test_double_buffering_hides_loading_behind_longer_computing():
    tiles = [step(inputs=16000, array=2000)] * 3
    assert cycles_of(layer_of(*tiles)) == 100 + 1000 + 3 * 2000


def test_a_fused_addition_brings_its_shortcut_and_passes_the_vector_unit():
    loaded = 100 + 32 + 512 + 512
    added = 4096 // 16  # an operation for each output, 16 lanes
    assert cycles_of(weight_stationary(with_shortcut(A_LAYER))) == loaded + 272 + added + 100 + 512


def test_an_addition_of_its_own_reads_both_operands_after_they_are_stored():
    convolved = 100 + 32 + 512 + 272 + 100 + 512
    added = 100 + 1024 + 256 + 100 + 512
    plan = (weight_stationary(A_LAYER), mapped(addition(16, (16, 16)), "vector", machine()))
    assert cycles_of(*plan) == convolved + added


def test_inputs_of_the_vector_unit_stay_until_it_has_read_them():
    # Tiles of 16 channels: 8192 bytes arrive in 256 cycles; 256 outputs of 16 operations each take 256 on 16
    # lanes; 512 bytes leave in 16. The bank of 16384 bytes holds two tiles: the third is asked for when the
    # first is done, although DRAM is idle soon after the second has come, at 100 + 2 * 256.
    changes = {"global_buffer.size_bytes": 65536, "dram.bandwidth_bytes_per_cycle": 32}
    pooling = schedule(mapped(pool(48, (16, 16), (4, 4), (4, 4)), "vector", machine(**changes), g=16))
    third_asked_for = 100 + 256 + 256
    third_done = third_asked_for + 100 + 256 + 256
    assert simulate_events(pooling, machine(**changes)).cycles == third_done + 100 + 16
    assert simulate_fast(pooling, machine(**changes)).cycles == third_done + 100 + 16


def test_a_fused_pooling_takes_vector_operations_and_saves_stores():
    # 16 channels of 7 x 7 results, 9 operations each on 16 lanes: 441 cycles; 1568 bytes: 98 cycles.
    pooled = with_pooling(A_LAYER, 3, 2)
    assert cycles_of(weight_stationary(pooled)) == 100 + 32 + 512 + 272 + 441 + 100 + 98


def test_a_fused_global_pooling_stores_a_word_for_each_channel():
    pooled = with_global_pooling(A_LAYER)
    assert cycles_of(weight_stationary(pooled)) == 100 + 32 + 512 + 272 + 256 + 100 + 2


def test_weights_of_the_next_layer_come_while_the_array_still_works_on_this_one():
    first = layer_of(step(inputs=1600, array=5000))
    second = layer_of(step(weights=16000, inputs=1600, array=10))
    # The weights stream from 200 to 1200; only the inputs wait for the first layer's end at 5200.
    assert cycles_of(first, second) == 100 + 100 + 5000 + 100 + 100 + 10


def test_a_layer_that_waits_for_nobody_loads_its_inputs_early_too():
    first = layer_of(step(inputs=1600, array=5000))
    second = layer_of(step(weights=16000, inputs=1600, array=10))
    assert cycles_of(first, second, waits_for=[(), ()]) == 100 + 100 + 5000 + 10


def test_a_write_that_is_ready_first_delays_a_read():
    # The second tile streams from 850 to 2100. The first one's outputs have been ready since 960, so they go
    # next, until 3100. The third tile finds room at 2110, is ready at 2210, and has to wait for them.
    tiles = (
        step(inputs=12000, array=10, store=16000),
        step(inputs=20000, array=10),
        step(inputs=20000, array=10),
    )
    assert cycles_of(layer_of(*tiles)) == 100 + 750 + 1250 + 1000 + 1250 + 10


def test_of_transfers_that_are_ready_in_the_same_cycle_the_read_goes_first():
    # The second tile finds room when the first is computed, at 1360; its read and the first one's write are
    # both ready at 1460. The read takes 1250 cycles, the write 1000 after it.
    tiles = (step(inputs=20000, array=10, store=16000), step(inputs=20000, array=10))
    assert cycles_of(layer_of(*tiles)) == 1460 + 1250 + 1000


# --- what is waited for meanwhile


def waits_of(*mappings, changes=None, **schedule_options):
    """Of each layer, by operand."""
    hardware = machine(**(changes or {}))
    plan = schedule(*mappings, **schedule_options)
    activity = simulate_fast(plan, hardware)
    assert activity == simulate_events(plan, hardware)
    return [layer.waiting_cycles for layer in activity.layers]


def test_weights_are_waited_for_until_they_have_come_and_then_the_inputs_behind_them():
    assert waits_of(weight_stationary(A_LAYER)) == [{"weights": 100 + 32, "inputs": 512}]


def test_nothing_is_waited_for_once_loading_hides_behind_computing():
    assert waits_of(layer_of(*[step(inputs=16000, array=2000)] * 3)) == [{"inputs": 100 + 1000}]
    assert waits_of(layer_of(Repeat(300, (step(inputs=16000, array=2000),)))) == [{"inputs": 100 + 1000}]


def test_what_computing_does_not_hide_is_waited_for_at_every_step_however_many_there_are():
    tile = step(inputs=16000, array=400)
    assert waits_of(layer_of(*[tile] * 3)) == [{"inputs": 100 + 1000 + 2 * 600}]
    assert waits_of(layer_of(Repeat(300, (tile,)))) == [{"inputs": 100 + 1000 + 299 * 600}]


def test_inputs_that_wait_for_the_layer_before_are_waited_for_from_its_last_step_on():
    first = layer_of(step(inputs=1600, array=5000, store=800))
    second = layer_of(step(weights=16000, inputs=1600, array=10))
    # The weights come early; the inputs are asked for when the first layer's outputs are stored (100 + 50).
    assert waits_of(first, second) == [{"inputs": 200}, {"inputs": 100 + 50 + 100 + 100}]
    assert waits_of(first, second, waits_for=[(), ()]) == [{"inputs": 200}, {}]


def test_a_residual_that_comes_last_is_waited_for():
    assert waits_of(layer_of(step(inputs=1600, shortcut=3200, array=10))) == [
        {"inputs": 200, "residual": 200}
    ]


def test_room_for_outputs_is_waited_for_until_those_before_are_stored():
    # The bank holds 16000 bytes. Tiles of 9600 arrive at 110 and 120; the outputs of the first are done at
    # 130, ready at 230, and stored at 830, when the second finds room.
    changes = {"global_buffer.size_bytes": 64000}
    tiles = [step(inputs=160, array=20, store=9600)] * 2
    waits = waits_of(layer_of(*tiles), changes=changes)
    assert waits == [{"inputs": 110, "outputs": 830 - 130}]


def test_the_vector_unit_executes_its_own_layers_and_they_wait_for_what_it_lacks():
    # The convolution is computed at 916 and stored at 1528; the addition has both operands at 2652.
    plan = (weight_stationary(A_LAYER), mapped(addition(16, (16, 16)), "vector", machine()))
    assert waits_of(*plan) == [{"weights": 132, "inputs": 512}, {"inputs": 100 + 512 + 100 + 1024}]


def test_a_layer_waits_for_no_more_than_the_vector_unit_leaves_to_wait_for():
    # The vector unit executes from 110 to 1110; nothing is stored, so the next layer is asked for then.
    first = layer_of(step(inputs=160, vector=1000))
    second = layer_of(step(inputs=160, array=10))
    assert waits_of(first, second) == [{"inputs": 110}, {"inputs": 110}]
    assert waits_of(first, second, waits_for=[(), ()]) == [{"inputs": 110}, {}]


def test_a_layer_that_begins_without_inputs_waits_for_those_it_reads_from_all_the_same():
    first = layer_of(step(inputs=1600, array=5000, store=800))
    only_padding = layer_of(step(weights=160, array=10))
    assert waits_of(first, only_padding) == [{"inputs": 200}, {"inputs": 100 + 50}]


def test_a_state_that_is_returned_to_knows_that_the_vector_unit_still_executes():
    # With one descriptor the second convolution is asked for when the array has passed the pooling on.
    hardware = machine(**{"dma.descriptors": 1})
    pooling = layer_of(step(inputs=160, vector=100_000))
    convolutions = [layer_of(step(inputs=1600, array=10)) for _ in range(3)]
    transitions = Transitions()
    for layers in (2, 3):
        plan = schedule(pooling, *convolutions[:layers], waits_for=[()] * (1 + layers))
        activity = simulate_fast(plan, hardware, transitions)
        assert activity == simulate_events(plan, hardware)
        assert not any(layer.waiting_cycles for layer in activity.layers[1:])
