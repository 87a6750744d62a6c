"""When things happen beside a host: cycles and energy as derived by hand, in the comments.

DRAM streams 16 bytes a cycle after a latency of 100; 16-bit words. The host does two products and half an
operation on an element a cycle, 500 cycles after it is called.
"""

from dataclasses import replace

import pytest
from machines import addition, conv, keeping_machine, machine, mapped, pool, schedule, with_host

from accelsim.energy import energy_by_component
from accelsim.hardware.host import HOST
from accelsim.hardware.operand import Operand
from accelsim.mapping.mapping import Choice
from accelsim.mapping.program import mappings
from accelsim.mapping.tile import whole_image
from accelsim.simulation.events import simulate_events
from accelsim.simulation.fast import simulate_fast

SPENT = {"mac": 3, "element": 2, "call": 10}
RATES = {"macs_per_cycle": 2, "elements_per_cycle": 0.5, "cycles_per_tile": 0}
HOSTED = with_host(**RATES, cycles_per_call=500, energy=SPENT)
POOL = pool(16, (16, 16), (2, 2), (2, 2))
"""8192 bytes of inputs, 2048 of outputs; 1024 outputs of four operations each: 8192 cycles of the host."""
A_CONV = conv(16, 16, (16, 16))
"""512 bytes of weights, 8192 of inputs and of outputs; 272 cycles of a weight stationary array."""


def observed(*mapped_layers, hardware=HOSTED, **schedule_options):
    plan = schedule(*mapped_layers, **schedule_options)
    events = simulate_events(plan, hardware)
    assert simulate_fast(plan, hardware) == events
    return events


def on_host(layer, **tile):
    return mapped(layer, HOST, HOSTED, **tile)


def test_an_operator_on_the_host_is_called_loaded_done_and_stored():
    activity = observed(on_host(POOL))
    assert activity.cycles == 100 + 512 + 500 + 8192 + 100 + 128
    assert activity.layers[0].host_busy_cycles == 500 + 8192
    assert activity.layers[0].vector_busy_cycles == activity.layers[0].array_busy_cycles == 0


def test_a_convolution_on_the_host_multiplies_two_pairs_a_cycle():
    macs = 16 * 16 * 256
    assert observed(on_host(A_CONV)).cycles == 100 + 32 + 512 + 500 + macs // 2 + 100 + 512


def test_the_host_is_called_once_for_a_layer_of_several_tiles():
    # Tiles of 4 channels: 2048 bytes arrive in 128 cycles, the host works for 2048 at each.
    activity = observed(on_host(POOL, g=4))
    assert activity.cycles == 100 + 128 + 500 + 4 * 2048 + 100 + 32
    assert activity.counts.host.calls == 1


def test_each_tile_costs_the_host_some_cycles_of_its_own():
    hardware = with_host(**RATES | {"cycles_per_tile": 30}, cycles_per_call=500)
    activity = observed(mapped(POOL, HOST, hardware, g=4), hardware=hardware)
    assert activity.cycles == 100 + 128 + 500 + 4 * (30 + 2048) + 100 + 32


def test_two_branches_take_the_time_of_the_longer_one():
    # The host has its tile after 612 cycles; the convolution's weights and inputs stream behind it.
    branch, main = on_host(POOL), mapped(A_CONV, "weight_stationary", HOSTED)
    host_ends = 100 + 512 + 500 + 8192 + 100 + 128
    array_ends = 100 + 512 + 32 + 512 + 272 + 100 + 512
    together = observed(branch, main, waits_for=[(), ()])
    assert [layer.end_cycle for layer in together.layers] == [host_ends, array_ends]
    assert together.cycles == max(host_ends, array_ends)


def test_a_branch_that_waits_for_the_other_takes_the_sum():
    branch, main = on_host(POOL), mapped(A_CONV, "weight_stationary", HOSTED)
    host_ends = 100 + 512 + 500 + 8192 + 100 + 128
    # The weights have come meanwhile.
    assert observed(branch, main).cycles == host_ends + 100 + 512 + 272 + 100 + 512


def test_the_vector_unit_works_beside_the_host():
    branch, main = on_host(POOL), mapped(addition(16, (16, 16)), "vector", HOSTED)
    host_ends = 100 + 512 + 500 + 8192 + 100 + 128
    added_ends = 100 + 512 + 1024 + 256 + 100 + 512
    together = observed(branch, main, waits_for=[(), ()])
    assert [layer.end_cycle for layer in together.layers] == [host_ends, added_ends]


def test_what_the_host_does_is_priced_as_its_own():
    activity = observed(on_host(A_CONV), on_host(POOL))
    energy = energy_by_component(activity.counts, HOSTED.prices)
    assert energy["host"] == 16 * 16 * 256 * 3 + 4096 * 2 + 2 * 10
    assert energy["mac"] == energy["vector"] == energy["register_file"] == 0
    # Words of the buffer, at 6: inputs and weights of the convolution once, its outputs; inputs of the
    # pooling, its outputs. Words of DRAM, at 200: the same.
    words = 4096 + 256 + 4096 + 4096 + 1024
    assert (energy["global_buffer"], energy["dram"]) == (6 * words, 200 * words)


def test_tensors_that_stay_in_a_pool_are_not_moved_for_the_host():
    hardware = with_host(keeping_machine(65536), **RATES)
    choice = Choice(
        POOL, HOST, whole_image(POOL), "pixels_outer", moved=frozenset(), placed=frozenset({*Operand})
    )
    (mapping,) = mappings([choice], 1, hardware)
    activity = observed(mapping, hardware=hardware)
    assert activity.cycles == 8192
    assert activity.counts.read_bytes(["sram"]) == 8192
    assert activity.counts.written_bytes(["sram"]) == 2048
    assert activity.peak_bank_bytes == {"pool": 0}


@pytest.mark.parametrize("per_cycle", [1.0, 0.3, 7.0])
def test_a_part_of_a_cycle_is_a_whole_one(per_cycle):
    hardware = with_host(machine(), macs_per_cycle=per_cycle, cycles_per_tile=0)
    layer = replace(conv(1, 3, (1, 1)), name="one")
    activity = observed(mapped(layer, HOST, hardware), hardware=hardware)
    assert activity.layers[0].host_busy_cycles == {1.0: 3, 0.3: 10, 7.0: 1}[per_cycle]
