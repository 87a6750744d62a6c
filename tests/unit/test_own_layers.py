"""Operators that a machine's vector unit does not apply on the way, and what they take."""

import pytest
from machines import machine, with_host

from accelsim.descriptions import vary
from accelsim.errors import DescriptionError
from accelsim.hardware import load_hardware
from accelsim.network.load import load_network
from accelsim.network.lowered import lowered_network
from accelsim.planning.own_layers import with_own_layers
from accelsim.run import run_network
from accelsim.verification import verify


def graph_of(network):
    return lowered_network(load_network(network)).graph


def alone(network, *operators, **changes):
    hardware = machine(**{"vector_unit.unfused": list(operators), **changes})
    return with_own_layers(graph_of(network), hardware)


def test_nothing_changes_where_a_machine_says_nothing():
    graph = graph_of("resnet18")
    assert with_own_layers(graph, machine()) is graph


def test_an_addition_reads_its_layer_and_the_residual():
    node = alone("mlperf_tiny_ic", "add")["stage1.add"]
    assert (node.layer.operator, node.layer.operands, node.layer.fused_names) == ("add", 2, ("stage1.relu",))
    assert [(read.producer, read.input_elements, read.residual_elements) for read in node.reads] == [
        ("stage1.conv2", 16 * 32 * 32, 0),
        ("conv1", 16 * 32 * 32, 0),
    ]
    before = alone("mlperf_tiny_ic", "add")["stage1.conv2"]
    assert not before.layer.residual_elements
    assert [read.producer for read in before.reads] == ["stage1.conv1"]


def test_those_that_read_the_layer_read_what_comes_last():
    graph = alone("mlperf_tiny_ic", "add")
    assert graph["stage2.conv1"].predecessors == ("stage1.add",)
    assert set(graph["stage2.add"].predecessors) == {"stage2.conv2", "stage2.shortcut"}


def test_a_pooling_at_the_end_becomes_a_layer_too():
    graph = alone("mlperf_tiny_ic", "add")
    assert [node.name for node in graph.nodes][-4:] == ["stage3.shortcut", "stage3.add", "pool", "fc"]
    assert graph["pool"].predecessors == ("stage3.add",)


def test_a_softmax_is_the_networks_output():
    graph = alone("mlperf_tiny_kws", "softmax")
    assert graph.outputs == ("prob",)
    assert graph["prob"].predecessors == ("fc",)


def test_a_layer_in_a_shared_buffer_leaves_its_place_to_what_comes_last():
    graph = alone("squeezenet_v1_1", "relu")
    node = graph["fire2.expand3x3.relu"]
    assert (node.buffer, node.first_channel) == ("fire2.expand1x1.relu", 64)
    assert graph["fire2.expand3x3"].buffer == "fire2.expand3x3"


def test_a_pooling_of_layers_side_by_side_is_one_of_each():
    graph = alone("squeezenet_v1_1", "relu")
    pools = [node.name for node in graph.nodes if node.layer.operator == "max_pool"]
    assert pools == [
        "pool1",
        *(f"fire{number}.expand{size}.pool{number}" for number in (3, 5) for size in ("1x1", "3x3")),
    ]
    assert {read.producer for read in graph["fire4.squeeze1x1"].reads} == set(pools[1:3])


def test_a_layer_with_several_residuals_stays_whole():
    graph, before = alone("se_shufflenet_v2_164", "add"), graph_of("se_shufflenet_v2_164")
    whole = [
        node.name
        for node in before.nodes
        if sum(operator.residual_elements > 0 for operator in node.layer.fused) > 1
    ]
    for name in whole:
        assert graph[name].layer == before[name].layer


def test_macs_and_parameters_are_the_same():
    graph, before = alone("resnet18", "add", "relu", "softmax"), graph_of("resnet18")
    assert sum(layer.macs for layer in graph.layers) == sum(layer.macs for layer in before.layers)
    assert sum(layer.params for layer in graph.layers) == sum(layer.params for layer in before.layers)
    assert len(graph.layers) > len(before.layers)


def test_an_element_takes_as_many_operations_as_the_machine_says():
    graph = with_own_layers(
        graph_of("mlperf_tiny_ic"), machine(**{"vector_unit.operations": {"add": 3, "relu": 0}})
    )
    fused = {operator.operator: operator.vector_ops for operator in graph["stage1.conv2"].layer.fused}
    assert fused == {"add": 3 * 16 * 32 * 32, "relu": 0}


def test_a_layer_of_its_own_goes_to_the_host_that_takes_it():
    hardware = vary(with_host(takes=["add"]), **{"vector_unit.unfused": ["add"]})
    result = run_network("mlperf_tiny_ic", hardware)
    assert [layer.name for layer in result.layers if layer.dataflow == "host"] == [
        "stage1.add",
        "stage2.add",
        "stage3.add",
    ]


@pytest.mark.parametrize("hardware", ["16x16_128k", "npu_int8_256k", "mcu_l3_l2_l1"])
def test_taken_apart_the_schedule_is_proved(hardware):
    apart = vary(load_hardware(hardware), **{"vector_unit.unfused": ["add", "relu", "softmax"]})
    assert verify("mlperf_tiny_ic", apart).proven


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        (
            {"vector_unit.unfused": ["add", "add"]},
            'vector_unit.unfused = ["add", "add"]: must name each operator once',
        ),
        ({"vector_unit.unfused": ["conv"]}, "vector_unit.unfused.0 = 'conv': must be"),
        ({"vector_unit.operations": {"add": -1}}, "vector_unit.operations.add = -1: must be"),
        ({"vector_unit.operations": {"conv": 1}}, "vector_unit.operations.conv"),
        ({"pe_array.cycles_per_call": -1}, "pe_array.cycles_per_call = -1: must be"),
        ({"precision.offset_bits": 0}, "precision.offset_bits = 0: must be"),
    ],
)
def test_what_cannot_be_is_refused_in_a_sentence(changes, sentence):
    with pytest.raises(DescriptionError) as error:
        machine(**changes)
    assert sentence in str(error.value)
