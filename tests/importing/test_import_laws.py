"""A network that is written as ONNX and imported again is the network that it was."""

from dataclasses import replace

import pytest
from onnx_models import export, save

import accelsim
from accelsim.descriptions import check, parse_text, shipped, vary
from accelsim.network.build import build
from accelsim.network.configuration import configure
from accelsim.network.description import NetworkDescription
from accelsim.network.graph import total_macs, total_params
from accelsim.network.imported import to_yaml
from accelsim.network.lowering import lower

MACHINES = {name: accelsim.load_hardware(name) for name in ("8x8_32k", "16x16_128k")}
REARRANGED = {"deit_tiny", "mobilevit_xxs", "yolov8n"}
"""Networks that rearrange elements: in which views and transpositions ONNX says that, exporters differ."""
NAMES = sorted({*shipped.names("networks")} - {"squeezenet_v1_0_compressed"} - REARRANGED)
"""All others but the one that says more of its weights than their shapes."""
SIMULATED = ("alexnet", "mobilenet_v2", "shufflenet_v1", "shufflenet_v2", "sqnxt23v5", "squeezenet_v1_0")
"""Of each kind of block one, small enough to be simulated on two machines in a moment."""


def round_trip(name, folder):
    """A shipped network, but for bits that its file says, and what comes back from its ONNX model."""
    network = configure(vary(accelsim.load_network(name).description, precision={}))
    return network, accelsim.load_network(save(export(network), folder, f"{name}.onnx"))


def executed(network):
    """The layers that a machine gets to see, and what each reads of which other one, names left out."""
    graph = lower(build(network))
    place = {name: index for index, name in enumerate(graph)}
    reads = {
        (place[read.producer], place[node.name], read.input_elements, read.residual_elements)
        for node in graph.nodes
        for read in node.reads
    }
    nodes = [
        (
            node.network_input_elements,
            node.network_residual_elements,
            node.network_output,
            place[node.buffer],
            node.first_channel,
        )
        for node in graph.nodes
    ]
    return [layer.nameless for layer in graph.layers], reads, nodes


@pytest.mark.parametrize("name", NAMES)
def test_parameters_macs_and_every_executed_layer_come_back(name, tmp_path):
    ours, theirs = round_trip(name, tmp_path)
    assert total_params(build(theirs)) == total_params(build(ours))
    assert total_macs(build(theirs)) == total_macs(build(ours))
    assert executed(theirs) == executed(ours)


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize("name", SIMULATED)
def test_cycles_traffic_and_energy_come_back(name, machine, tmp_path):
    cache = accelsim.Cache()
    ours, theirs = (
        accelsim.run_network(network, MACHINES[machine], cache=cache)
        for network in round_trip(name, tmp_path)
    )
    assert replace(theirs, network=ours.network, layers=()) == replace(ours, layers=())
    for mine, other in zip(ours.layers, theirs.layers, strict=True):
        fused = mine.fused
        assert len(other.fused) == len(fused)
        assert other._replace(name=mine.name, stage=mine.stage, fused=fused) == mine


@pytest.mark.parametrize("name", ["sqnxt23v5", "shufflenet_v2", "senet154"])
def test_the_yaml_of_an_imported_network_is_that_network(name, tmp_path):
    _, theirs = round_trip(name, tmp_path)
    described = check(parse_text(to_yaml(theirs.description), "model.yaml"), NetworkDescription)
    assert described == theirs.description
    assert executed(configure(described)) == executed(theirs)


def test_another_resolution_is_that_of_the_yaml(tmp_path):
    path = save(export(accelsim.load_network("mobilenet_v2")), tmp_path)
    theirs = accelsim.load_network(f"{path}@resolution=160")
    assert theirs.name == "model@resolution=160"
    assert executed(theirs) == executed(accelsim.load_network("mobilenet_v2@resolution=160"))
