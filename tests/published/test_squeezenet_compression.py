"""SqueezeNet after Deep Compression (Iandola et al., arXiv:1602.07360, tables 1 and 2)."""

import math

import pytest

import accelsim
from accelsim.network.build import build
from accelsim.network.compression import kept_params, stored_bytes, total_kept_params
from accelsim.network.description import load_network
from accelsim.network.graph import total_params

PRINTED_KEPT = {  # table 1, "#parameter after pruning"
    "conv1": 14_208,
    "fire2": 5_746,
    "fire3": 6_258,
    "fire4": 20_646,
    "fire5": 24_742,
    "fire6": 44_700,
    "fire7": 46_236,
    "fire8": 77_581,
    "fire9": 77_581,
    "conv10": 103_400,
}
PRINTED_TOTAL = 421_098
PRINTED_DENSITIES = {  # table 1, "sparsity" of the 1x1 squeeze, the 1x1 and the 3x3 expansion
    "fire2": (1.0, 1.0, 0.33),
    "fire3": (1.0, 1.0, 0.33),
    "fire4": (1.0, 1.0, 0.33),
    "fire5": (1.0, 1.0, 0.33),
    "fire6": (1.0, 0.5, 0.33),
    "fire7": (0.5, 1.0, 0.33),
    "fire8": (1.0, 0.5, 0.33),
    "fire9": (0.5, 1.0, 0.3),
}
CONTRADICTORY = "fire8.expand3x3"


@pytest.fixture(scope="module")
def graph():
    return build(load_network("squeezenet_v1_0_compressed"))


def kept_by_stage(graph):
    kept: dict[str, int] = {}
    for node in graph.nodes:
        kept[node.stage] = kept.get(node.stage, 0) + kept_params(node)
    return {stage: count for stage, count in kept.items() if count}


def test_parameters_after_pruning_layer_by_layer(graph):
    assert kept_by_stage(graph) == PRINTED_KEPT


def test_parameters_before_and_after_pruning(graph):
    assert total_params(graph) == 1_248_424
    assert total_kept_params(graph) == PRINTED_TOTAL == sum(PRINTED_KEPT.values())


def test_densities_are_those_printed_but_for_one(graph):
    printed = {"conv1": 1.0, "conv10": 0.2}
    for fire, densities in PRINTED_DENSITIES.items():
        layers = (f"{fire}.squeeze1x1", f"{fire}.expand1x1", f"{fire}.expand3x3")
        printed |= dict(zip(layers, densities, strict=True))
    given = {node: graph[node].weight_form.density for node in printed}
    assert given == {**printed, CONTRADICTORY: 0.3}
    weighted = {node.name for node in graph.nodes if node.operator.weights}
    assert weighted == printed.keys()


def test_the_density_printed_for_fire8_contradicts_the_count_and_the_total_printed_for_it(graph, tmp_path):
    overlay = tmp_path / "printed.yaml"
    overlay.write_text(f"compression: [{{layers: {CONTRADICTORY}, weight_density: 0.33}}]\n")
    as_printed = build(accelsim.overlaid(load_network("squeezenet_v1_0_compressed"), overlay))
    excess = math.ceil(147_456 * 0.33) - math.ceil(147_456 * 0.3)
    assert kept_by_stage(as_printed) == PRINTED_KEPT | {"fire8": 77_581 + excess}
    assert (77_581 + excess, PRINTED_TOTAL + excess) == (82_005, 425_522)
    assert total_kept_params(as_printed) == 425_522


def test_every_weight_has_6_bits(graph):
    assert {graph[node].weight_form.bits for node in graph if graph[node].operator.weights} == {6}


def test_distances_of_4_bits_lead_to_the_printed_size(graph):
    """Table 2: 0.47 MB. How distances are coded is not printed; without any it would be 0.32 MB."""
    assert stored_bytes(graph) == 473_041
    assert round(stored_bytes(graph) / 1e6, 2) == 0.47
    without_distances = PRINTED_TOTAL * 6 / 8
    assert round(without_distances / 1e6, 2) == 0.32


@pytest.mark.parametrize("hardware", ["8x8_32k", "16x16_128k"])
def test_weights_move_from_dram_in_the_size_printed_where_each_moves_once(graph, hardware):
    """The bound counts the weights as stored, but for rounding to bytes and to whole weights in 26 layers."""
    machine = accelsim.load_hardware(hardware)
    compressed, dense = (
        accelsim.run_network(load_network(name), machine)
        for name in ("squeezenet_v1_0_compressed", "squeezenet_v1_0")
    )
    compulsory = [sum(layer.compulsory_dram_bytes for layer in one.layers) for one in (compressed, dense)]
    saved = compulsory[1] - compulsory[0]
    assert saved == pytest.approx(2 * 1_248_424 - stored_bytes(graph), abs=2 * 26)
    assert compressed.dram_bytes.read < dense.dram_bytes.read
    assert compressed.dram_bytes.write == dense.dram_bytes.write
    assert compressed.energy.total < dense.energy.total
