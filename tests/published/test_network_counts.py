"""Parameters and MACs of the shipped networks, to the unit.

The reference was computed from the authors' releases (Caffe prototxt, Darknet cfg, TensorFlow slim), layer by
layer and independently of accelsim. Parameters are weights + biases + scale and shift of batch normalisation.
"""

from functools import cache

import pytest

from accelsim import shipped
from accelsim.descriptions import vary
from accelsim.network.build import build
from accelsim.network.description import configure, load_network
from accelsim.network.graph import operator_of, total_macs, total_params
from accelsim.network.lowering import layers, lower

COUNTS = {  # weights, weights + biases, + batch normalisation, MACs
    "alexnet": (60_954_656, 60_965_224, 60_965_224, 724_406_816),
    "squeezenet_v1_0": (1_244_448, 1_248_424, 1_248_424, "832.668"),
    "squeezenet_v1_1": (1_231_552, 1_235_496, 1_235_496, "349.152"),
    "tiny_darknet": (1_036_720, 1_037_720, 1_042_104, "491.524"),
    "sqnxt23": (705_728, 705_728, 717_280, 277_999_808),
    "sqnxt23v2": (722_112, 722_112, 733_664, 224_916_480),
    "sqnxt23v3": (735_936, 735_936, 747_840, 224_916_480),
    "sqnxt23v4": (749_760, 749_760, 762_016, 224_916_480),
    "sqnxt23v5": (915_648, 915_648, 930_016, 224_916_480),
    "sqnxt23_2x": (2_339_008, 2_339_008, 2_361_728, 742_070_464),
    "sqnxt23v4_2x": (2_531_008, 2_531_008, 2_555_136, 702_592_000),
    "sqnxt23v5_2x": (3_194_560, 3_194_560, 3_222_912, 702_592_000),
    "sqnxt23@width=1.5": (1_389_248, 1_389_248, 1_406_384, "472.271"),
    "sqnxt23@width=2.0": (2_339_008, 2_339_008, 2_361_728, 742_070_464),
    "mobilenet_v1": (4_209_088, 4_210_088, 4_231_976, "568.740"),
    "mobilenet_v1@width=0.75": (2_568_144, 2_569_144, 2_585_560, "325.400"),
    "mobilenet_v1@width=0.5": (1_319_648, 1_320_648, 1_331_592, "149.497"),
    "mobilenet_v1@width=0.25": (463_600, 464_600, 470_072, "41.030"),
    "mobilenet_v1@resolution=192": (4_209_088, 4_210_088, 4_231_976, "418.122"),
    "mobilenet_v1@resolution=160": (4_209_088, 4_210_088, 4_231_976, "290.675"),
    "mobilenet_v1@resolution=128": (4_209_088, 4_210_088, 4_231_976, "186.401"),
    "mobilenet_v1@width=0.5,resolution=160": (1_319_648, 1_320_648, 1_331_592, "76.525"),
    "squeezenet_v1_1@resolution=227": (1_231_552, 1_235_496, 1_235_496, "387.748"),
}

HARDWARE_TABLE_MACS = {  # millions, as SqueezeNext's hardware table counts them
    "alexnet": "725.066",
    "squeezenet_v1_0": "837.119",
    "squeezenet_v1_1": "351.741",
    "tiny_darknet": "494.530",
    "sqnxt23": "281.991",
    "sqnxt23v2": "228.984",
    "sqnxt23v3": "228.708",
    "sqnxt23v4": "228.432",
    "sqnxt23v5": "228.018",
    "mobilenet_v1": "573.784",
    "sqnxt23_2x": "749.258",
    "sqnxt23v4_2x": "708.814",
    "sqnxt23v5_2x": "707.986",
}


@cache
def published(name):
    return build(load_network(name))


@pytest.mark.parametrize("name", COUNTS)
def test_parameters_and_macs_are_those_of_the_release(name):
    weights, with_biases, with_norms, macs = COUNTS[name]
    graph = published(name)
    operators = [operator_of(graph, node) for node in graph]
    assert sum(operator.weights for operator in operators) == weights
    assert sum(operator.weights + operator.biases for operator in operators) == with_biases
    assert total_params(graph) == with_norms
    if isinstance(macs, str):
        assert f"{total_macs(graph) / 1e6:.3f}" == macs
    else:
        assert total_macs(graph) == macs


@pytest.mark.parametrize("name", HARDWARE_TABLE_MACS)
def test_the_hardware_table_counts_one_operation_more_for_each_output_with_an_offset(name):
    executed = layers(lower(published(name)))
    total = sum(layer.macs + layer.output_elements * layer.bias for layer in executed)
    assert f"{total / 1e6:.3f}" == HARDWARE_TABLE_MACS[name]
    reported = load_network(name).description.reported
    assert total == pytest.approx(reported.macs, rel=0.0045)


@pytest.mark.parametrize("name", HARDWARE_TABLE_MACS)
def test_reported_parameters_are_the_computed_ones_but_for_rounding(name):
    reported = load_network(name).description.reported
    assert total_params(published(name)) == pytest.approx(reported.params, rel=0.045)


def test_every_shipped_network_is_checked_here():
    assert set(shipped.names("networks")) <= set(COUNTS)


def test_parameters_of_squeezenet_layer_by_layer():
    """Table 1 of the SqueezeNet paper (arXiv:1602.07360), column "#parameter before pruning"."""
    graph = published("squeezenet_v1_0")
    params: dict[str, int] = {}
    for node in graph:
        stage = graph.nodes[node]["stage"]
        params[stage] = params.get(stage, 0) + operator_of(graph, node).params
    assert {stage: count for stage, count in params.items() if count} == {
        "conv1": 14_208,
        "fire2": 11_920,
        "fire3": 12_432,
        "fire4": 45_344,
        "fire5": 49_440,
        "fire6": 104_880,
        "fire7": 111_024,
        "fire8": 188_992,
        "fire9": 197_184,
        "conv10": 513_000,
    }


def output_sizes(name, *nodes):
    graph = published(name)
    return [operator_of(graph, node).output.height for node in nodes]


def test_output_sizes_of_squeezenet():
    """Table 1 of the paper, at the release's input of 227: at 224 conv1 would give 109, not 111."""
    nodes = ("conv1", "pool1", "fire4.concat", "pool4", "fire8.concat", "pool8", "conv10", "pool10")
    assert output_sizes("squeezenet_v1_0", *nodes) == [111, 55, 55, 27, 27, 13, 13, 1]


def test_resolutions_of_squeezenext_before_and_after_the_smaller_stem():
    stages = [f"stage{stage}.block1.add" for stage in (1, 2, 3, 4)]
    assert output_sizes("sqnxt23", "conv1", *stages) == [111, 55, 28, 14, 7]
    assert output_sizes("sqnxt23v5", "conv1", *stages) == [112, 56, 28, 14, 7]


@pytest.mark.parametrize(("resolution", "size"), [(224, 7), (192, 6), (160, 5), (128, 4)])
def test_resolution_before_the_pool_of_mobilenet(resolution, size):
    name = f"mobilenet_v1@resolution={resolution}"
    assert output_sizes(name, "stage5.block2.pointwise") == [size]


@pytest.mark.parametrize("name", ["sqnxt23", "sqnxt23v2", "sqnxt23v3", "sqnxt23v4", "sqnxt23v5"])
def test_squeezenext_has_111_convolutions_21_additions_and_its_layers_in_the_order_of_the_release(name):
    graph = published(name)
    kinds = [operator_of(graph, node).kind for node in graph]
    assert (kinds.count("conv"), kinds.count("add"), kinds.count("fully_connected")) == (111, 21, 1)
    convs = [node.split(".")[-1] for node in graph if operator_of(graph, node).kind == "conv"]
    assert convs[1:7] == ["projection", "squeeze1", "squeeze2", "conv3x1", "conv1x3", "expand"]
    assert convs[7:12] == ["squeeze1", "squeeze2", "conv1x3", "conv3x1", "expand"]


def test_groups_reproduce_the_released_variant_1_0_g_sqnxt_23(tmp_path):
    text = (shipped.find("networks", "sqnxt23")).read_text()
    path = tmp_path / "sqnxt23_g.yaml"
    path.write_text(text.replace("block: sqnxt,", "block: sqnxt, groups: 2,"))
    graph = build(load_network(path))
    assert total_params(graph) == 543_072
    assert total_macs(graph) == 224_191_552


@pytest.mark.parametrize(
    ("width", "depth", "params", "macs"),
    [
        (1.0, (12, 12, 16, 2), 1_238_976, "428.198"),
        (2.0, (12, 12, 16, 2), 4_428_096, "1342.862"),
        (1.0, (9, 9, 12, 2), 1_052_560, "356.711"),
    ],
)
def test_depth_is_data(width, depth, params, macs):
    """1.0-SqNxt-44, 2.0-SqNxt-44 and 1.0-SqNxt-34 are sqnxt23 with other numbers of blocks."""
    base = load_network("sqnxt23").description
    changes = {f"stages.{row}.repeat": repeat for row, repeat in enumerate(depth, start=2)}
    graph = build(configure(vary(base, **changes), width=width))
    assert total_params(graph) == params
    assert f"{total_macs(graph) / 1e6:.3f}" == macs
