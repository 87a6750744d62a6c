"""Networks on machines that keep tensors: what stays is what should, and moves no more than it has to."""

import json
import re
from dataclasses import replace
from functools import cache
from itertools import pairwise

import pytest
from machines import keeping_machine

from accelsim import load_hardware, load_network, run_network
from accelsim.descriptions import dump, vary
from accelsim.errors import AccelsimError, DescriptionError, MappingError
from accelsim.hardware import Hardware, Operand
from accelsim.network import lowered_network
from accelsim.network.configuration import configure
from accelsim.network.description import NetworkDescription
from accelsim.network.executed import ExecutedGraph
from accelsim.planning import network_tensors, pool_compiler
from accelsim.planning.compiler import make_schedule
from accelsim.report.tables.path import path_dict
from accelsim.report.tables.run import run_report
from accelsim.report.tables.sweep import sweep_dict
from accelsim.report.text import Style
from accelsim.reuse import Cache
from accelsim.run import options_for, plan_run
from accelsim.search import SearchTask, plan_for, read_sweep, run_sweep, search_path
from accelsim.search.evaluate import run_cost
from accelsim.search.store import TaskKey
from accelsim.simulation import simulate

KIB = 1024
FREE_ON_CHIP = {
    "memories.global_buffer.energy.read": 0,
    "memories.global_buffer.energy.write": 0,
    "energy.mac": 0,
    "energy.vector_op": 0,
    "energy.register_file": 0,
    "energy.inter_pe": 0,
    "mapper.tiles": "energy",
    "mapper.dataflow": "energy",
}
"""Only DRAM costs energy, so that a plan by energy moves as few bytes as it can."""
EIGHT_BITS = {"precision.weights_bits": 8, "precision.activations_bits": 8}


def keeping(size_bytes, **changes):
    """SqueezeNext's larger machine with a pool of so many bytes, in which activations stay."""
    pool = {
        "memories.global_buffer.size_bytes": size_bytes,
        "memories.global_buffer.banks": "pool",
        "memories.global_buffer.keeps": ["activations"],
    }
    return vary(load_hardware("16x16_128k"), **(pool | changes))


def moved_bytes(result):
    return result.dram_bytes.read + result.dram_bytes.write


def test_where_all_fits_only_weights_the_image_and_the_result_move():
    network, machine = load_network("sqnxt23v5"), keeping(16 << 20)
    graph = lowered_network(network).graph
    tensors = network_tensors(graph, machine.precision).tensors
    image = sum(tensor.size_bytes for tensor in tensors if tensor.is_image)
    result = sum(tensor.size_bytes for tensor in tensors if tensor.is_result)
    weights = sum(2 * (layer.weights + layer.G * layer.K * layer.bias) for layer in graph.layers)
    run = run_network(network, machine)
    assert run.dram_bytes.write == result
    assert weights + image <= run.dram_bytes.read <= 1.02 * (weights + image)


@pytest.mark.parametrize(
    ("network", "kib", "prototype_kib", "tolerance"),
    [
        ("sqnxt23v5", 128, 2231, 0.10),
        ("sqnxt23v5", 256, 1263, 0.10),
        ("sqnxt23v5", 512, 1053, 0.03),
        ("mobilenet_v2", 128, 14151, 0.10),
        ("mobilenet_v2", 512, 8089, 0.03),
        ("resnet18", 512, 12147, 0.03),
    ],
)
def test_bytes_outside_are_no_more_than_those_of_an_independent_prototype(
    network, kib, prototype_kib, tolerance
):
    """An exact plan over layers' least traffic, written apart: 8 bits, bytes without bursts, no addresses."""
    run = run_network(network, keeping(kib * KIB, **FREE_ON_CHIP, **EIGHT_BITS))
    assert moved_bytes(run) <= (1 + tolerance) * prototype_kib * KIB


@pytest.mark.parametrize(
    ("network", "first_layers", "kib", "least_bytes", "tolerance"),
    [
        ("mobilenet_v2", 14, 128, 8_657_720, 0.10),
        ("mobilenet_v2", 14, 300, 7_421_984, 0.03),
        ("mobilenet_v2", 14, 700, 4_498_784, 0.03),
        ("resnet18", 12, 128, 6_643_808, 0.10),
        ("resnet18", 12, 300, 3_351_616, 0.03),
        ("resnet18", 12, 700, 1_261_184, 0.03),
        ("sqnxt23v5", 13, 128, 1_339_013, 0.10),
        ("sqnxt23v5", 13, 300, 224_732, 0.03),
        ("sqnxt23v5", 13, 700, 218_603, 0.03),
    ],
)
def test_bytes_of_first_layers_are_no_more_than_the_best_of_all_subsets_of_tensors(
    network, first_layers, kib, least_bytes, tolerance
):
    """All subsets were tried by a prototype, written apart, whose layers have two loop orders; 8 bits."""
    graph = lowered_network(load_network(network)).graph
    nodes = graph.nodes[:first_layers]
    read = {producer for node in nodes for producer in node.predecessors}
    ends = tuple(replace(node, network_output=node.name not in read) for node in nodes)
    machine = keeping(kib * KIB, **FREE_ON_CHIP, **EIGHT_BITS)
    schedule = make_schedule(ExecutedGraph(ends, graph.image_elements), machine)
    counts = [mapping.totals.counts for mapping in schedule.mappings]
    moved = sum(count.read_bytes(["dram"]) + count.written_bytes(["dram"]) for count in counts)
    assert moved <= (1 + tolerance) * least_bytes


def test_more_room_never_costs_more():
    values = [
        run_network("squeezenet_v1_1@resolution=96", keeping(size), objective="time").cycles
        for size in (16 * KIB, 32 * KIB, 64 * KIB, 256 * KIB)
    ]
    for before, after in pairwise(values):
        assert after <= before * 1.005


@pytest.mark.parametrize("objective", ["time", "energy", "edp"])
def test_keeping_is_never_worse_than_keeping_nothing(objective):
    kept = run_network("mobilenet_v1@width=0.25,resolution=128", keeping(64 * KIB), objective=objective)
    nothing = run_network(
        "mobilenet_v1@width=0.25,resolution=128",
        keeping(64 * KIB, **{"memories.global_buffer.keeps": []}),
        objective=objective,
    )
    value = {
        "time": lambda run: run.cycles,
        "energy": lambda run: run.energy.total,
        "edp": lambda run: run.cycles * run.energy.total,
    }[objective]
    assert value(kept) <= value(nothing)


@pytest.mark.parametrize(
    ("network", "kib", "objective"),
    [
        ("resnet18@resolution=64", 20, "energy"),
        ("shufflenet_v2@resolution=64", 20, "time"),
    ],
)
def test_where_room_is_not_in_one_piece_it_is_planned_again(network, kib, objective, monkeypatch):
    machine = keeping_machine(kib * KIB)
    planned = run_network(network, machine, objective=objective)
    monkeypatch.setattr(pool_compiler, "MOST_ROUNDS", 0)
    once = run_network(network, machine, objective=objective)
    assert planned.memory_map.address_waste_bytes == 0
    assert once.memory_map.address_waste_bytes > 0


def test_both_engines_see_the_same_of_a_network_that_keeps():
    network = load_network("squeezenet_v1_1@resolution=64")
    for size in (16 * KIB, 64 * KIB):
        plan = plan_run(network, keeping(size), options_for(network, batch=2))
        assert simulate(plan.schedule, plan.hardware) == simulate(
            plan.schedule, plan.hardware, engine="events"
        )
        assert any(places[Operand.OUTPUTS] == "global_buffer" for places in plan.schedule.places)


def test_what_has_no_home_is_named_with_its_bytes():
    """All activations have to lie on chip, where the memory outside holds weights only."""
    flash = keeping(128 * KIB, **{"memories.dram.holds": ["weights"]})
    with pytest.raises(MappingError) as raised:
        run_network("squeezenet_v1_1", flash)
    sentence = str(raised.value)
    assert "conv1" in sentence
    assert "image" in sentence
    assert "memories.global_buffer.size_bytes" in sentence


def small_network(rows, channels, height, width):
    """A network of convolutions that keep the size of their input, and what adds and joins them."""
    image = {"channels": channels, "height": height, "width": width}
    stages = [{"block": "graph", "name": "g", "operators": rows}]
    described = {"name": "small", "title": "small", "source": "made up", "input": image, "stages": stages}
    return configure(NetworkDescription.model_validate_json(json.dumps(described)))


def convolution(name, source, out_channels, kernel):
    row = {"name": name, "operator": "conv", "inputs": [source], "out_channels": out_channels}
    return {**row, "kernel": kernel, "padding": "same"}


def test_by_time_what_may_be_pinned_is_no_slower_whichever_objective_has_planned_it():
    """By energy x delay it is better to pin here, which takes a cycle longer."""
    rows = [
        convolution("n0", "input", 2, 3),
        {"name": "n1", "operator": "add", "inputs": ["input", "n0"]},
        convolution("n2", "n1", 2, 1),
        {"name": "n3", "operator": "add", "inputs": ["n0", "n2"]},
        convolution("n4", "n2", 3, 3),
        convolution("n5", "n1", 5, 3),
        convolution("n6", "n2", 5, 3),
        {"name": "n7", "operator": "concat", "inputs": ["n4", "n5", "n6"]},
        convolution("n8", "n5", 8, 3),
        convolution("n9", "n8", 13, 3),
        {"name": "n10", "operator": "add", "inputs": ["n7", "n9"]},
    ]
    described = {
        "name": "m",
        "pe_array": {
            "rows": 8,
            "columns": 8,
            "dataflows": {
                "weight_stationary": {"accumulators_per_column": 64},
                "output_stationary": {"partial_sums_per_pe": 1},
            },
        },
        "memories": [
            {"name": "dram", "bandwidth": {"bytes_per_cycle": 16}, "latency_cycles": 0},
            {"name": "sram", "size_bytes": 1706, "banks": "pool"},
        ],
        "vector_unit": {"lanes_per_column": 2},
        "mapper": {"tiles": "time"},
    }
    nothing = Hardware.model_validate_json(json.dumps(described))
    network, pinning = small_network(rows, 2, 2, 5), vary(nothing, **{"memories.sram.keeps": ["weights"]})
    assert run_network(network, pinning).cycles <= run_network(network, nothing).cycles


def read_beside_the_image(*, concatenated):
    """Three convolutions, of whose outputs one is added to the image, and then joined to another."""
    rows = [
        convolution("a", "input", 16, 3),
        convolution("b", "a", 3, 3),
        convolution("c", "b", 3, 3),
        {"name": "sum", "operator": "add", "inputs": ["b", "input"]},
        {"name": "both", "operator": "concat", "inputs": ["sum", "c"]},
    ]
    return small_network(rows if concatenated else rows[:-1], 3, 64, 64)


@pytest.mark.parametrize("concatenated", [False, True])
@pytest.mark.parametrize("keeps", [["activations"], ["activations", "weights"]])
def test_what_is_read_beside_an_image_on_chip_needs_room_there_and_the_size_that_is_said_is_enough(
    concatenated, keeps
):
    network = read_beside_the_image(concatenated=concatenated)
    described = {"memories.sram.keeps": keeps, "io.inputs": "sram", "io.outputs": "dram"}
    machine = vary(keeping_machine(40_000), **described)
    with pytest.raises(MappingError, match=r"^b on .*: image .* b .* tiles") as raised:
        run_network(network, machine)
    said = re.search(r"size_bytes = (\d+)", str(raised.value))
    size_bytes = int(said[1])
    assert 40_000 < size_bytes < 50_000
    assert run_network(network, vary(machine, **{"memories.sram.size_bytes": size_bytes})).cycles
    with pytest.raises(MappingError):
        run_network(network, vary(machine, **{"memories.sram.size_bytes": size_bytes - 1}))


def test_a_run_is_the_same_however_little_is_remembered():
    """What is known of layers may be forgotten while a network is planned."""
    network, machine = "squeezenet_v1_1@resolution=64", keeping(16 * KIB)
    forgetful = run_network(network, machine, cache=Cache(most_bytes=0))
    assert forgetful == run_network(network, machine, cache=Cache())


def test_of_mappings_that_cost_the_same_that_in_the_fewest_tiles_runs():
    """A layer of the vector unit that lies in the pool whole moves nothing, however it is cut."""
    plan = plan_run("densenet121", "npu_int8_2m")
    (steps,) = {
        mapping.totals.steps
        for layer, mapping in zip(plan.schedule.layers, plan.schedule.mappings, strict=True)
        if not layer.on_array
    }
    assert steps == 1


def test_where_no_tile_fits_the_error_names_the_size_at_which_one_does():
    def error_at(size_bytes):
        machine = vary(load_hardware("npu_int8_256k"), **{"memories.sram.size_bytes": size_bytes})
        with pytest.raises(MappingError) as raised:
            run_network("alexnet", machine)
        return str(raised.value)

    smallest = "the smallest tiles of weights that are tried take 252 bytes of sram, which has"
    remedy = "memories.sram.size_bytes = 252 would hold them"
    assert error_at(96) == f"conv1 on npu_int8_256k: no tile fits: {smallest} 96; {remedy}"
    assert error_at(251) == f"conv1 on npu_int8_256k: no tile fits: {smallest} 251; {remedy}"
    assert "no tile fits" not in error_at(252)  # but for the image there is no room


@pytest.mark.parametrize("keeps", [[], ["activations"], ["weights"], ["activations", "weights"]])
def test_so_it_does_whatever_stays(keeps):
    """Weights that may stay come first, so that a tile of them has to fit."""
    described = {"memories.sram.keeps": keeps, "memories.sram.size_bytes": 20}
    machine = vary(keeping_machine(1024), **described)
    with pytest.raises(MappingError, match="no tile fits") as raised:
        run_network("sqnxt23v5@resolution=64", machine)
    said = re.search(r"^conv1 .* take (\d+) bytes of sram, which has 20;", str(raised.value))
    size_bytes = int(said[1])
    assert size_bytes > 20
    with pytest.raises(MappingError, match=r"^conv1 .* no tile fits"):
        run_network("sqnxt23v5@resolution=64", vary(machine, **{"memories.sram.size_bytes": size_bytes - 1}))
    try:
        run_network("sqnxt23v5@resolution=64", vary(machine, **{"memories.sram.size_bytes": size_bytes}))
    except MappingError as error:
        assert not str(error).startswith("conv1 on machine: no tile fits")  # another layer may need more


PINS = {"memories.global_buffer.keeps": ["activations", "weights"]}


def ends_and_weights(network, machine):
    """Bytes of the image, the result and all weights of a network, as a machine stores them."""
    graph = lowered_network(load_network(network)).graph
    tensors = network_tensors(graph, machine.precision).tensors
    image = sum(tensor.size_bytes for tensor in tensors if tensor.is_image)
    result = sum(tensor.size_bytes for tensor in tensors if tensor.is_result)
    weights = [
        (layer.weights + layer.G * layer.K * layer.bias)
        * (layer.weight_bits or machine.precision.weights_bits)
        // 8
        for layer in graph.layers
    ]
    return image, result, sum(weights)


def test_where_all_fits_weights_come_in_the_first_inference_and_then_only_the_image_does():
    machine = keeping(16 << 20, **(PINS | FREE_ON_CHIP))
    image, result, weights = ends_and_weights("mlperf_tiny_ic", machine)
    run = run_network("mlperf_tiny_ic", machine)
    assert (run.dram_bytes.read, run.dram_bytes.write) == (image, result)
    first = run.first_inference.memories["dram"]
    assert sum(first.written_bytes.values()) == result
    assert weights + image <= sum(first.read_bytes.values()) <= 1.02 * (weights + image)
    assert first.energy > run.memories["dram"].energy
    assert run.first_inference.cycles >= run.cycles


def test_by_its_own_objective_the_machine_reads_some_rows_of_the_image_twice_and_nothing_else():
    machine = keeping(16 << 20, **PINS)
    image, result, weights = ends_and_weights("sqnxt23v5", machine)
    run = run_network("sqnxt23v5", machine)
    first = run.first_inference.memories["dram"]
    assert run.dram_bytes.write == sum(first.written_bytes.values()) == result
    assert weights + image <= sum(first.read_bytes.values()) <= 1.02 * (weights + image)
    assert sum(first.read_bytes.values()) - run.dram_bytes.read == weights
    assert set(run.memories["dram"].read_bytes.values()) == {0, run.dram_bytes.read}


def test_pinned_weights_lie_in_the_pool_from_start_to_end_and_their_layers_read_them_there():
    machine = keeping(64 * KIB, **PINS)
    plan = plan_run("mlperf_tiny_ic", machine)
    memory_map, layers = plan.schedule.memory_map, plan.schedule.layers
    pinned_bytes = sum(weights.size_bytes for weights in memory_map.pinned)
    assert 0 < pinned_bytes == plan.schedule.pool_bytes_at_start
    for weights in memory_map.pinned:
        layer, mapping = layers[weights.last_reader], plan.schedule.mappings[weights.last_reader]
        assert weights.name == f"{layer.name} weights"
        assert weights.in_pool == (0, len(layers) - 1)
        assert weights.end_address <= machine.pool.size_bytes
        assert plan.schedule.places[weights.last_reader][Operand.WEIGHTS] == "global_buffer"
        assert Operand.WEIGHTS not in mapping.moved
    for schedule in (plan.schedule, plan.schedule.first_inference):
        assert simulate(schedule, machine) == simulate(schedule, machine, engine="events")


@pytest.mark.parametrize("keeps", [["activations", "weights"], ["weights"]])
@pytest.mark.parametrize("objective", ["time", "energy", "edp"])
def test_pinning_is_never_worse_than_to_pin_nothing(objective, keeps):
    name = "mlperf_tiny_vww"
    without = [keep for keep in keeps if keep != "weights"]
    pinned, nothing = (
        run_network(name, keeping(96 * KIB, **{"memories.global_buffer.keeps": kept}), objective=objective)
        for kept in (keeps, without)
    )
    values = {
        "time": [run.cycles for run in (pinned, nothing)],
        "energy": [run.energy.total for run in (pinned, nothing)],
        "edp": [run.cycles * run.energy.total for run in (pinned, nothing)],
    }
    value, value_without = values[objective]
    assert value <= value_without


def test_where_nothing_is_pinned_there_is_one_inference():
    small = keeping(6 * KIB, **PINS)
    name = "mobilenet_v1@width=0.25,resolution=64"
    run, without = run_network(name, small), run_network(name, keeping(6 * KIB))
    assert run.first_inference is None
    assert (run.cycles, run.energy, run.memories) == (without.cycles, without.energy, without.memories)


def test_weights_that_stay_do_not_come_from_flash_again():
    machine = vary(
        load_hardware("npu_int8_256k"),
        **{"memories.sram.keeps": ["activations", "weights"], "memories.sram.size_bytes": 512 * KIB},
    )
    run = run_network("mobilenet_v1@width=0.25,resolution=128", machine)
    (flash,) = run.off_chip
    assert (
        run.memories[flash].read_bytes["weights"] < run.first_inference.memories[flash].read_bytes["weights"]
    )


KEEPING_BOTH = keeping(1 << 20, **PINS)
NETWORK = "mobilenet_v1@width=0.25,resolution=128"


@cache
def run_that_keeps_both():
    """What searches are held against."""
    return run_network(NETWORK, KEEPING_BOTH)


def test_a_search_judges_the_inference_that_is_asked_for():
    run = run_that_keeps_both()
    steady, first = (
        run_cost(SearchTask(load_network(NETWORK), KEEPING_BOTH, inferences=inferences), Cache())
        for inferences in ("steady", "first")
    )
    assert (steady.cycles, steady.energy) == (run.cycles, run.energy.total)
    assert (first.cycles, first.energy) == (run.first_inference.cycles, run.first_inference.energy.total)
    assert first.dram_bytes > steady.dram_bytes == run.dram_bytes.total


def test_a_path_is_judged_by_the_inference_that_is_asked_for():
    run = run_that_keeps_both()
    steady = search_path(NETWORK, KEEPING_BOTH, steps=0)
    first = search_path(NETWORK, KEEPING_BOTH, steps=0, inferences="first")
    assert steady.start.cycles == run.cycles
    assert first.start.cycles == run.first_inference.cycles
    assert path_dict(first)["inferences"] == "first"
    with pytest.raises(AccelsimError, match="inferences = 'last': must be one of steady, first"):
        search_path(NETWORK, KEEPING_BOTH, inferences="last")


def test_a_store_knows_which_inference_was_judged():
    network = load_network(NETWORK)
    keys = {TaskKey.of(SearchTask(network, KEEPING_BOTH, inferences=which)) for which in ("steady", "first")}
    assert len(keys) == 2


def test_a_sweep_says_which_inference_it_judges(tmp_path):
    machine = tmp_path / "keeping.yaml"
    machine.write_text(dump(KEEPING_BOTH))
    spec = f"{{networks: ['{NETWORK}'], hardware: [{machine}], objectives: [cycles]"
    costs = {}
    for which in ("steady", "first"):
        (tmp_path / "sweep.yaml").write_text(f"{spec}, inferences: {which}}}")
        sweep = read_sweep(tmp_path / "sweep.yaml")
        result = run_sweep(sweep, plan_for(sweep))
        assert sweep_dict(result)["inferences"] == which
        costs[which] = sweep_dict(result)["best"]["figures"]["cycles"]
    run = run_that_keeps_both()
    assert costs == {"steady": run.cycles, "first": run.first_inference.cycles}
    (tmp_path / "sweep.yaml").write_text(f"{spec}, inferences: last}}")
    with pytest.raises(DescriptionError, match="inferences = 'last': must be 'steady' or 'first'"):
        read_sweep(tmp_path / "sweep.yaml")


@pytest.mark.parametrize("network", ["resnet18", "sqnxt23v5", "mobilenet_v1@width=0.5"])
def test_by_time_no_network_is_slower_than_by_energy_times_delay(network):
    by_time, by_edp = (
        run_network(network, "npu_int8_2m", objective=objective) for objective in ("time", "edp")
    )
    assert by_time.cycles <= by_edp.cycles


def test_a_batch_that_does_not_fit_goes_image_by_image():
    network = "mobilenet_v1@width=0.25,resolution=128"
    one, four = [run_network(network, "npu_int8_256k", batch=batch) for batch in (1, 4)]
    values = four.to_dict()
    assert values["batch_order"] == {"in_turn": True, "other_cycles": None, "other_energy": None}
    assert "batch_order" not in one.to_dict()
    assert values["tensors"] == one.to_dict()["tensors"]
    assert four.dram_bytes.read == 4 * one.dram_bytes.read
    assert 0 < 4 * one.cycles - four.cycles < 0.01 * four.cycles
    for name in ("cycles", "tiles", "macs"):
        assert sum(getattr(layer, name) for layer in four.layers) > 3.9 * sum(
            getattr(layer, name) for layer in one.layers
        )
    assert sum(layer.cycles for layer in four.layers) == four.cycles
    assert "does not fit" in run_report(four, Style())


def test_where_both_ways_fit_the_better_one_is_run_and_the_other_one_said():
    """Small images that the pool holds together share the weights that are not pinned."""
    machine = vary(load_hardware("npu_int8_256k"), **{"memories.sram.keeps": ["activations", "weights"]})
    run = run_network("mobilenet_v1@width=0.25,resolution=32", machine, batch=4)
    order = run.memory_map.batch_order
    assert not order.in_turn
    assert order.other_cycles * order.other_energy > run.cycles * run.energy.total
    assert "all images go through each layer; each image through all" in " ".join(
        run_report(run, Style()).split()
    )


def test_what_does_not_fit_either_way_says_so_of_one_image():
    with pytest.raises(MappingError) as error:
        run_network("squeezenet_v1_1", "npu_int8_256k", batch=4)
    assert "image (150528 bytes)" in str(error.value)
    assert "at a time" not in str(error.value)


@pytest.mark.parametrize(
    ("network", "objective", "image", "classes", "weight_bytes"),
    [
        ("sqnxt23v5", "edp", 3 * 227 * 227, 1000, 1_845_664),
        ("mobilenet_v1@width=0.25,resolution=64", "time", 3 * 64 * 64, 1000, 934_672),
        ("mobilenet_v1@width=0.25,resolution=64", "energy", 3 * 64 * 64, 1000, 934_672),
    ],
)
def test_where_all_stays_the_image_is_read_once_and_the_result_written_once(
    network, objective, image, classes, weight_bytes
):
    """At 16 bits: what goes in and comes out, and all weights and biases."""
    hardware = keeping_machine(
        16 * 1024 * KIB, keeps=("activations", "weights"), hardware=load_hardware("16x16_128k")
    )
    result = run_network(network, hardware, objective=objective)
    image_bytes, result_bytes = 2 * image, 2 * classes
    assert sum(result.memories["dram"].read_bytes.values()) == image_bytes
    assert sum(result.memories["dram"].written_bytes.values()) == result_bytes
    first = result.first_inference.memories["dram"]
    assert sum(first.read_bytes.values()) == image_bytes + weight_bytes
    assert sum(first.written_bytes.values()) == result_bytes
