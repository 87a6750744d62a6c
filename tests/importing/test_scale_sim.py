"""SCALE-Sim topologies in and out, and the workloads of ZigZag and Timeloop."""

import json
from math import prod

import pytest
from ruamel.yaml import YAML

import accelsim
from accelsim.errors import NetworkError
from accelsim.exporters import EXPORT_FORMATS, exported, workload_of
from accelsim.network.build import build
from accelsim.network.graph import total_macs
from accelsim.network.lowered import lowered_network

CONVOLUTIONS = """\
Layer name, IFMAP Height, IFMAP Width, Filter Height, Filter Width, Channels, Num Filter, Strides,
conv1, 224, 224, 7, 7, 3, 64, 2,
DP2, 58, 58, 3, 3, 64, 1, 1,
half, 14, 14, 3, 3, 32, 16, 1, 2:4,
"""
NETWORKS = ("sqnxt23v5", "mobilenet_v1", "shufflenet_v1", "inception_v3")


def saved(folder, text, name="topology.csv"):
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def layers(network):
    return {layer.name: layer for layer in lowered_network(network).graph.layers}


def test_a_line_of_a_topology_is_a_convolution_with_an_input_of_its_own(tmp_path):
    network = accelsim.from_scale_sim(saved(tmp_path, CONVOLUTIONS))
    conv1, depthwise, half = layers(network).values()
    # scalesim 3.0.0: ceil((224 - 7 + 2) / 2) = 110 outputs along each axis, the last of which sticks out
    assert (conv1.OY, conv1.OX, conv1.macs) == (110, 110, 110 * 110 * 49 * 3 * 64)
    assert (depthwise.G, depthwise.K, depthwise.C, depthwise.OY) == (64, 1, 1, 56)
    assert half.weight_density == 0.5
    assert not any(node.reads for node in lowered_network(network).graph.nodes)
    assert lowered_network(network).graph.image_elements == 3 * 224**2 + 64 * 58**2 + 32 * 14**2


def test_a_line_of_a_topology_of_products_is_a_matrix_product(tmp_path):
    network = accelsim.from_scale_sim(saved(tmp_path, "Layer, M, N, K,\ngemm, 128, 64, 256,\n"))
    (layer,) = layers(network).values()
    assert (layer.OY, layer.K, layer.C) == (128, 64, 256)


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("conv, 8, 8, 3, 3, 4, 4,", ":2: '' must be a whole number from 1"),
        ("conv, 8, 8, 3, 3, 4", ":2: has 5 numbers after the name: must have 7"),
        ("conv, 8, 8, 3, x, 4, 4, 1,", ":2: 'x' must be a whole number from 1"),
        ("conv, 8, 8, 3, 0, 4, 4, 1,", ":2: '0' must be a whole number from 1"),
        ("conv, 8, 8, 3, 3, 4, 4, 1, 4:2,", ":2: '4:2' keeps more weights than there are"),
        ("", ": has no layers"),
    ],
)
def test_a_line_that_is_no_layer_is_named(tmp_path, line, sentence):
    path = saved(tmp_path, f"{CONVOLUTIONS.splitlines()[0]}\n{line}\n")
    with pytest.raises(accelsim.AccelsimError) as error:
        accelsim.from_scale_sim(path)
    assert error.value.lines == [f"{path}{sentence}"]


def test_a_topology_has_no_parameters_and_a_window_has_to_fit(tmp_path):
    path = saved(tmp_path, CONVOLUTIONS)
    with pytest.raises(accelsim.AccelsimError, match="resolution: a topology has no parameters"):
        accelsim.load_network(f"{path}@resolution=8")
    large = saved(tmp_path, CONVOLUTIONS.splitlines()[0] + "\nconv, 2, 2, 3, 3, 4, 4, 1,\n", "large.csv")
    with pytest.raises(NetworkError, match="conv"):
        build(accelsim.load_network(large))


@pytest.mark.parametrize("name", NETWORKS)
def test_a_network_that_went_out_as_a_topology_comes_back_with_its_layers(tmp_path, name):
    network = accelsim.load_network(name)
    text = exported(network, "scale-sim").text
    back = accelsim.from_scale_sim(saved(tmp_path, text))
    assert total_macs(build(back)) == total_macs(build(network))
    ours = sorted((layer.OY, layer.OX, layer.FY, layer.FX, layer.C) for layer in workload_of(network).layers)
    theirs = sorted((layer.OY, layer.OX, layer.FY, layer.FX, layer.C) for layer in layers(back).values())
    assert set(ours) == set(theirs)


@pytest.mark.parametrize("name", NETWORKS)
def test_zigzag_and_timeloop_are_told_every_loop(name):
    network = accelsim.load_network(name)
    macs = total_macs(build(network))
    rows = YAML(typ="safe").load(exported(network, "zigzag", batch=2).text)
    assert sum(prod(row["loop_sizes"]) for row in rows) == 2 * macs
    assert [row["id"] for row in rows] == list(range(len(rows)))
    files = exported(network, "timeloop", batch=2).files
    problems = [YAML(typ="safe").load(text)["problem"] for text in files.values()]
    loops = [[problem["instance"][key] for key in problem["shape"]["dimensions"]] for problem in problems]
    assert sum(map(prod, loops)) == 2 * macs


def test_a_layer_of_zigzag_reads_the_one_before_where_that_makes_all_of_its_input():
    rows = YAML(typ="safe").load(exported(accelsim.load_network("mobilenet_v1"), "zigzag").text)
    assert [row["operand_source"]["I"] for row in rows[:4]] == [0, 0, 1, 2]
    first = rows[0]
    assert first["dimension_relations"] == ["ix=2*ox+1*fx", "iy=2*oy+1*fy"]
    assert (first["pr_loop_sizes"], first["padding"]) == ([224, 224], [[0, 1], [0, 1]])


def test_what_another_tool_is_not_told_of_is_said():
    notes = {
        name: exported(accelsim.load_network("inception_v3"), name, batch=4).notes for name in EXPORT_FORMATS
    }
    told = "left out, as {} is told what multiplies only: 9 average_pool, 2 max_pool, 1 global_average_pool"
    assert notes["timeloop"] == (told.format("Timeloop"),)
    assert notes["scale-sim"] == (
        told.format("SCALE-Sim"),
        "the batch of 4 is not said: each layer is that of one image",
    )
    assert notes["zigzag"][-1] == "the network gives no bits: 8 are taken, and twice as many of sums"


def test_scale_sim_has_one_stride():
    row = {
        "name": "conv",
        "operator": "conv",
        "inputs": ["input"],
        "out_channels": 4,
        "kernel": 3,
        "stride": [1, 2],
    }
    description = accelsim.network.NetworkDescription.model_validate_json(
        json.dumps(
            {
                "name": "net",
                "title": "A net",
                "source": "a test",
                "input": {"channels": 3, "height": 9, "width": 9},
                "stages": [{"block": "graph", "operators": [row]}],
            }
        )
    )
    network = accelsim.network.configure(description)
    with pytest.raises(NetworkError, match="net: conv: has the strides 1 and 2: SCALE-Sim has one"):
        exported(network, "scale-sim")


def test_a_network_may_have_several_inputs_and_both_engines_and_the_executor_agree():
    rows = [
        {
            "name": "other",
            "operator": "input",
            "inputs": [],
            "channels": 8,
            "height": 16,
            "width": 16,
        },
        {"name": "a", "operator": "conv", "inputs": ["input"], "out_channels": 16, "kernel": 3, "padding": 1},
        {"name": "b", "operator": "conv", "inputs": ["other"], "out_channels": 16, "kernel": 3, "padding": 1},
        {"name": "sum", "operator": "add", "inputs": ["a", "b"]},
        {"name": "side", "operator": "concat", "inputs": ["sum", "input", "other"]},
        {"name": "end", "operator": "conv", "inputs": ["side"], "out_channels": 8},
    ]
    description = accelsim.network.NetworkDescription.model_validate_json(
        json.dumps(
            {
                "name": "net",
                "title": "A net",
                "source": "a test",
                "input": {"channels": 3, "height": 16, "width": 16},
                "stages": [{"block": "graph", "operators": rows}],
            }
        )
    )
    network = accelsim.network.configure(description)
    assert network.description.knobs == {}  # a resolution would be that of the first input only
    for machine in ("16x16_128k", "npu_int8_256k", "mcu_l3_l2_l1"):
        fast = accelsim.run_network(network, machine)
        assert fast == accelsim.run_network(network, machine, engine="events")
        assert accelsim.verify(network, machine).proven
