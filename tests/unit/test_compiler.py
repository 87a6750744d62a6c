"""What the compiler makes of mapped layers: how much of the machine a schedule leaves idle."""

from dataclasses import replace

import pytest
from machines import machine

from accelsim import load_hardware, load_network, run_network
from accelsim.descriptions import vary
from accelsim.errors import MappingError
from accelsim.mapping.options import MappingOptions
from accelsim.mapping.search import map_layer
from accelsim.network.build import build
from accelsim.network.lowered import lowered_network
from accelsim.network.lowering import lower
from accelsim.planning.compiler import idle_descriptors, make_schedule, map_network
from accelsim.planning.programme.shortage import PoolShortageError
from accelsim.run import plan_run
from accelsim.simulation.alone import Alone
from accelsim.simulation.engines import simulate

BURSTS = vary(load_hardware("16x16_128k"), **{"dma.descriptors": 16})
"""With so many descriptors, loads of SqueezeNext's first layer come in bursts that its stores wait for."""


@pytest.mark.parametrize(
    ("descriptors", "in_use"),
    [
        (1, [1]),
        (2, [2, 1]),
        (3, [3, 2, 1]),
        (8, [8, 4, 2, 1]),
        (12, [12, 8, 4, 2, 1]),
        (1000, [1000, 32, 16, 8, 4, 2, 1]),
    ],
)
def test_all_descriptors_and_fewer_powers_of_two_are_tried(descriptors, in_use):
    hardware = machine(**{"dma.descriptors": descriptors})
    assert [
        descriptors - idle for idle in idle_descriptors(hardware, MappingOptions(objective="time"))
    ] == in_use


def test_the_machines_own_compiler_uses_all_descriptors():
    assert idle_descriptors(BURSTS, MappingOptions()) == [0]
    assert run_network("sqnxt23v5", BURSTS).idle_descriptors == 0


def test_of_a_dataflow_whose_bounds_are_above_what_another_takes_nothing_is_simulated():
    """By edp it has a best mapping, too, but by time none of those that may be it can win."""
    hardware, judged = load_hardware("16x16_128k"), []
    alone = Alone(hardware)

    def judge(mapping):
        judged.append((mapping.dataflow, alone(mapping)))
        return judged[-1][1]

    layer = next(
        layer
        for layer in lower(build(load_network("squeezenet_v1_0"))).layers
        if layer.name == "fire4.expand3x3"
    )
    map_layer(layer, hardware, judge=judge)
    ((dataflow, cycles),) = judged
    assert dataflow == "weight_stationary"
    with_the_other = map_layer(layer, hardware, MappingOptions(dataflow="output_stationary"), judge=alone)
    assert alone(with_the_other) > cycles


def test_the_number_of_descriptors_is_the_one_with_which_the_network_is_done_soonest():
    graph = lower(build(load_network("sqnxt23v5")))
    mapped = map_network(graph, BURSTS, MappingOptions(objective="edp"))
    cycles = {
        idle: simulate(replace(mapped, idle_descriptors=idle), BURSTS).cycles for idle in (0, 8, 12, 14, 15)
    }
    chosen = make_schedule(graph, BURSTS, MappingOptions(objective="edp"))
    assert chosen == replace(mapped, idle_descriptors=8)
    assert min(cycles, key=cycles.__getitem__) == 8
    assert cycles[8] < 0.995 * cycles[0]


def test_between_equals_the_most_descriptors_are_used():
    result = run_network("alexnet", "8x8_32k", objective="time")
    assert result.idle_descriptors == 0


def test_idle_descriptors_and_rows_are_the_same_in_both_engines():
    tall = vary(BURSTS, **{"pe_array.rows": 64})
    fast, events = (
        run_network("sqnxt23v5", tall, objective="edp", engine=engine) for engine in ("fast", "events")
    )
    assert fast == events
    assert fast.idle_descriptors
    assert fast.to_dict()["idle_descriptors"] == fast.idle_descriptors
    assert any(layer.idle_rows for layer in fast.layers)


def test_of_a_pools_mappings_that_save_little_energy_none_is_taken_that_takes_much_longer(tmp_path):
    """The best plan by bounds is that of least energy; which mapping is run depends on the time too."""
    stage = "{block: conv, name: conv1, out_channels: 512, kernel: [1, 11], padding: [0, 5], groups: 512}"
    network = tmp_path / "row.yaml"
    network.write_text(
        "name: row\ntitle: A row\nsource: made up\n"
        f"input: {{channels: 512, height: 1, width: 100}}\nstages: [{stage}]\n"
    )
    hardware = vary(
        load_hardware("npu_int8_2m"),
        **{
            "io": {},
            "memories.flash.holds": ["inputs", "weights", "outputs", "residual"],
            "memories.flash.bandwidth.bytes_per_cycle": 1,
            "memories.flash.latency_cycles": 1,
            "memories.flash.prefetch": 1,
            "memories.flash.energy": {"read": 0, "write": 0},
            "memories.sram.energy": {"read": 17.2, "write": 17.2},  # the same for both sizes
            "memories.sram.leakage_mw_per_kib": 0,
            "precision.weights_bits": 2,
            "precision.activations_bits": 3,
            "pe_array.dataflows.output_stationary.weight_density": 0.6,
        },
    )
    small, large = [
        run_network(network, vary(hardware, **{"memories.sram.size_bytes": size}), objective="edp")
        for size in (6117, 24469)
    ]
    assert large.cycles * large.energy.total <= 1.005 * small.cycles * small.energy.total


@pytest.mark.parametrize("name", ["16x16_128k", "eyeriss", "gemmini_16x16"])
def test_nothing_is_to_stay_on_chip_where_nothing_does(name):
    asked, hardware = MappingOptions(activations="on_chip"), load_hardware(name)
    graph = lowered_network(load_network("sqnxt23v5")).graph
    sentence = f"^activations = 'on_chip': must be anywhere on {name}, which keeps no activations on chip$"
    for plans in (
        lambda: plan_run("sqnxt23v5", hardware, asked),
        lambda: make_schedule(graph, hardware, asked),
        lambda: map_network(graph, hardware, asked),
    ):
        with pytest.raises(MappingError, match=sentence):
            plans()


@pytest.mark.parametrize("name", ["npu_int8_2m", "mcu_l3_l2_l1"])
def test_where_activations_stay_nothing_but_the_ends_is_outside(name):
    plan = plan_run("squeezenet_v1_1", name, MappingOptions(activations="on_chip"))
    tensors = plan.schedule.memory_map.activations
    assert all(tensor.outside is None or tensor.is_image or tensor.is_result for tensor in tensors)


@pytest.mark.parametrize("name", ["mcu_l3_l2_l1", "npu_int8_psram"])
def test_what_would_help_activations_to_stay_on_chip_does(name):
    options = MappingOptions(activations="on_chip")
    with pytest.raises(PoolShortageError) as caught:
        plan_run("mobilenet_v1", name, options)
    shortage = caught.value.shortage
    memory, home = shortage.memory, {"mcu_l3_l2_l1": "l3", "npu_int8_psram": "psram"}[name]
    assert f"where activations = 'on_chip' wants them and not in {home}; would help:" in str(shortage)
    plan_run(shortage.smaller, name, options)
    key, needed_bytes = f"memories.{memory}.size_bytes", shortage.roomiest.size_bytes
    plan_run("mobilenet_v1", vary(load_hardware(name), **{key: needed_bytes}), options)
    with pytest.raises(PoolShortageError):
        plan_run("mobilenet_v1", vary(load_hardware(name), **{key: needed_bytes - 1}), options)


def test_what_a_product_needs_on_chip_is_said_with_what_would_help():
    """The weights' memory holds no keys: they have to stay, though they are no end of the network."""
    with pytest.raises(PoolShortageError, match="where the second operand of a product has to lie") as caught:
        run_network("mobilevit_xxs", "npu_int8_psram")
    shortage = caught.value.shortage
    larger = {f"memories.{shortage.memory}.size_bytes": shortage.roomiest.size_bytes}
    run_network("mobilevit_xxs", vary(load_hardware("npu_int8_psram"), **larger))
    run_network(shortage.smaller, "npu_int8_psram")
