"""Networks of this decade, held to what other people's definitions of them count, and run.

`independent_counts.csv` is written by scripts/independent_counts.py from torchvision, timm, ultralytics and a
release, without accelsim. Both count multiply-accumulates of convolutions and matrix products, weights,
biases, and scale and shift of normalisations, for one image; nothing is folded.
"""

import csv
from collections import defaultdict
from functools import cache
from pathlib import Path

import pytest

from accelsim import load_hardware, load_network, verify
from accelsim.network.build import build
from accelsim.network.graph import total_macs, total_params
from accelsim.network.lowering import lower
from accelsim.run import plan_run
from accelsim.simulation import simulate, simulate_events

with Path(__file__).with_name("independent_counts.csv").open(encoding="utf-8", newline="") as file:
    COUNTS = list(csv.DictReader(file))
NETWORKS = list(dict.fromkeys(row["network"] for row in COUNTS))
FAMILIES = [name for name in NETWORKS if "@" not in name]


@cache
def published(name):
    return build(load_network(name))


@pytest.mark.parametrize("row", COUNTS, ids=lambda row: f"{row['network']}-{row['tool']}")
def test_macs_and_parameters_are_those_of_other_peoples_definitions(row):
    graph = published(row["network"])
    operators = [node.operator for node in graph.nodes]
    assert graph["input"].operator.output.height == int(row["size"])
    macs = [int(row[f"{kind}_macs"]) for kind in ("conv", "linear", "product")]
    assert total_macs(graph) == sum(macs)
    assert sum(operator.weights for operator in operators) == int(row["weights"])
    assert sum(operator.biases for operator in operators) == int(row["biases"])
    assert sum(operator.norms for operator in operators) == int(row["norms"])
    assert total_params(graph) == sum(
        int(row[kind]) for kind in ("weights", "biases", "norms", "other_params")
    )


@pytest.mark.parametrize("name", FAMILIES)
def test_lowering_loses_nothing_of_them(name):
    """Class token and positions of tokens are parameters of no layer: they are read as a tensor."""
    graph = published(name)
    layers = lower(graph).layers
    assert sum(layer.macs for layer in layers) == total_macs(graph)
    constants = [node.operator.params for node in graph.nodes if node.operator.kind == "constant"]
    assert sum(layer.params for layer in layers) + sum(constants) == total_params(graph)


STAGES = {  # where a stage of the paper's table ends: channels and height of its output
    "mobilenet_v3_large": {  # arXiv:1905.02244, table 1 (its inputs, of the row below)
        "conv1": (16, 112), "bneck1": (16, 112), "bneck2": (24, 56), "bneck4": (40, 28), "bneck7": (80, 14),
        "bneck11": (112, 14), "bneck13": (160, 7), "bneck14": (160, 7), "conv2": (960, 7), "conv3": (1280, 1),
    },
    "mobilenet_v3_small": {  # table 2
        "conv1": (16, 112), "bneck1": (16, 56), "bneck2": (24, 28), "bneck4": (40, 14), "bneck7": (48, 14),
        "bneck9": (96, 7), "bneck10": (96, 7), "conv2": (576, 7), "conv3": (1024, 1),
    },
    "efficientnet_b0": {  # arXiv:1905.11946, table 1 (whose resolutions are those of inputs)
        "conv1": (32, 112), "stage2": (16, 112), "stage3": (24, 56), "stage4": (40, 28), "stage5": (80, 14),
        "stage6": (112, 14), "stage7": (192, 7), "stage8": (320, 7), "conv9": (1280, 7),
    },
    "efficientnet_lite0": {
        "conv1": (32, 112), "stage2": (16, 112), "stage3": (24, 56), "stage4": (40, 28), "stage5": (80, 14),
        "stage6": (112, 14), "stage7": (192, 7), "stage8": (320, 7), "conv9": (1280, 7),
    },
    "regnet_x_200mf": {  # arXiv:2003.13678, figure 15: widths of the stages, each of which halves
        "conv1": (32, 112), "stage1": (24, 56), "stage2": (56, 28), "stage3": (152, 14), "stage4": (368, 7),
    },
}  # fmt: skip


@pytest.mark.parametrize("name", STAGES)
def test_stages_end_with_the_shapes_of_the_papers_table(name):
    ends = {}
    for node in published(name).nodes:
        ends[node.stage] = (node.operator.output.channels, node.operator.output.height)
    assert {stage: ends[stage] for stage in STAGES[name]} == STAGES[name]


@pytest.mark.parametrize(
    ("name", "block", "reduced", "expanded", "gate"),
    [
        ("mobilenet_v3_large", "bneck4", 24, 72, "hard_sigmoid"),  # a quarter is 18, rounded to 24
        ("mobilenet_v3_large", "bneck14.block1", 240, 960, "hard_sigmoid"),
        ("mobilenet_v3_small", "bneck1", 8, 16, "hard_sigmoid"),
        ("efficientnet_b0", "stage2.block1", 8, 32, "sigmoid"),  # a quarter of the block's input of 32
        ("efficientnet_b0", "stage7.block2", 48, 1152, "sigmoid"),
    ],
)
def test_squeeze_and_excitation_stands_behind_the_depthwise_convolution(name, block, reduced, expanded, gate):
    graph = published(name)
    assert graph[f"{block}.se.reduce"].operator.output.channels == reduced
    assert graph[f"{block}.se.expand"].operator.output.channels == expanded
    assert graph[f"{block}.se.expand.{gate}"].operator.function == gate
    (source, factor) = graph[f"{block}.se.scale"].operands
    assert (source.rpartition(".")[0], factor) == (f"{block}.depthwise", f"{block}.se.expand.{gate}")
    assert graph[f"{block}.project"].operands == (f"{block}.se.scale",)


def test_shortcuts_stand_where_a_block_keeps_its_shape():
    additions = defaultdict(list)
    for name in FAMILIES:
        for node in published(name).nodes:
            if node.operator.kind == "add":
                additions[name].append(node.block)
    assert additions["mobilenet_v3_large"] == [
        "bneck1", "bneck3", "bneck5.block1", "bneck5.block2", "bneck8", "bneck9.block1", "bneck9.block2",
        "bneck12", "bneck14.block1", "bneck14.block2",
    ]  # fmt: skip
    assert len(additions["mobilenet_v3_small"]) == 6
    assert len(additions["efficientnet_b0"]) == len(additions["efficientnet_lite0"]) == 9
    assert len(additions["regnet_x_200mf"]) == 13  # every block has one


SMALL_IMAGE = {"mobilevit_xxs": 64, "unet_small": 16}
"""Sides of images, where it is not 32: patches and poolings have to find room."""
OTHER_MACHINES = {
    "npu_int8_256k": ("mobilenet_v3_small", "deit_tiny", "mobilevit_xxs", "yolov8n", "unet_small"),
    "gemmini_16x16": ("regnet_x_200mf", "deit_tiny"),
}
"""Machines that plan otherwise, and networks for each: gates, groups, attention, branches."""


@pytest.mark.parametrize(
    ("name", "machine"),
    [
        *((name, "16x16_128k") for name in FAMILIES),
        *((name, machine) for machine, names in OTHER_MACHINES.items() for name in names),
    ],
)
def test_both_engines_agree(name, machine):
    """With a small image: npu_int8_256k keeps activations on chip, where whole ones have no room."""
    hardware = load_hardware(machine)
    plan = plan_run(load_network(name, resolution=SMALL_IMAGE.get(name, 32)), hardware)
    assert simulate(plan.schedule, hardware) == simulate_events(plan.schedule, hardware)


@pytest.mark.parametrize(
    "name", ["mobilenet_v3_small", "regnet_x_200mf", "deit_tiny", "mobilevit_xxs", "yolov8n"]
)
def test_schedules_are_proven(name):
    assert verify(f"{name}@resolution={SMALL_IMAGE.get(name, 32)}", "16x16_128k").proven


def shape(name, node):
    output = published(name)[node].operator.output
    return output.channels, output.height, output.width


def test_tokens_of_a_vision_transformer_are_patches_and_a_class():
    """arXiv:2010.11929, equation 1: (224 / 16)^2 patches; figure 1: the first token is the class's."""
    assert shape("deit_tiny", "patches.conv") == (192, 14, 14)
    assert published("deit_tiny")["patches.concat"].operands == ("patches.class_token", "patches.tokens")
    assert shape("deit_tiny", "patches.add") == (192, 1, 14 * 14 + 1)
    assert shape("deit_tiny", "class_token") == (192, 1, 1)


def test_attention_multiplies_every_token_by_every_other_in_each_head():
    """arXiv:2010.11929, equations 5 to 7: 3 heads of 64 features, 197 tokens; both products are as large."""
    products = [node for node in published("deit_tiny").nodes if node.operator.kind == "product"]
    assert [node.operator.macs for node in products] == [3 * 197 * 197 * 64] * 2 * 12
    assert shape("deit_tiny", "layers.block1.scores") == (3 * 197, 1, 197)
    assert shape("deit_tiny", "layers.block1.context") == (192, 1, 197)


def test_pixels_of_different_places_in_their_patches_do_not_attend_to_each_other():
    """arXiv:2110.02178, section 3.1: patches of 2 x 2 make 4 sequences of 32 x 32 / 4 tokens; 4 heads."""
    scores = published("mobilevit_xxs")["vit3.layer1.scores"].operator
    assert shape("mobilevit_xxs", "vit3.unfold") == (64, 4, 256)
    assert (scores.groups, scores.macs) == (4 * 4, 4 * 4 * 256 * 256 * 16)
    assert shape("mobilevit_xxs", "vit3.fold") == (64, 32, 32)


def test_skip_connections_of_a_u_net_join_where_resolutions_meet():
    graph = published("unet_small")
    joined = {node: graph[node].operands for node in graph if node.startswith("with")}
    assert joined == {f"with{level}": (f"up{level}", f"enc{level}.block2.relu") for level in (4, 3, 2, 1)}
    sizes = [shape("unet_small", f"with{level}") for level in (4, 3, 2, 1)]
    assert sizes == [(512, 32, 32), (256, 64, 64), (128, 128, 128), (64, 256, 256)]
    assert shape("unet_small", "middle.block2") == (512, 16, 16)


def test_a_detector_has_a_column_for_each_place_of_three_scales():
    """Every 8, 16 and 32 pixels of 640 x 640: 80^2 + 40^2 + 20^2 places, 4 sides of 16 bins, 80 classes."""
    assert [shape("yolov8n", name) for name in ("small.cv2", "medium.cv2", "large.cv2")] == [
        (64, 80, 80), (128, 40, 40), (256, 20, 20),
    ]  # fmt: skip
    assert shape("yolov8n", "detect.dfl.sides") == (16, 4, 8400)
    assert published("yolov8n")["detect.dfl.conv"].operator.macs == 4 * 16 * 8400
    assert shape("yolov8n", "detect.concat") == (4 + 80, 1, 8400)
