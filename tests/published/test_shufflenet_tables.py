"""Tables of ShuffleNet (arXiv:1707.01083) and ShuffleNet v2 (arXiv:1807.11164): layers and complexities."""

from functools import cache

import pytest

from accelsim.errors import NetworkError
from accelsim.network.analysis import counted_macs, counted_params, memory_access_cost
from accelsim.network.build import build
from accelsim.network.description import load_network
from accelsim.network.graph import Draft, Shape, total_macs
from accelsim.network.operators import conv, network_input


@cache
def published(name):
    return build(load_network(name))


def outputs(name):
    """Of each stage: output size, blocks, output channels."""
    graph = published(name)
    found = {}
    for node in graph.nodes[1:]:
        output = node.operator.output
        blocks = found.get(node.stage, (0, set(), 0))[1] | {node.block}
        found[node.stage] = (output.height, blocks, output.channels)
    return {stage: (height, len(blocks), channels) for stage, (height, blocks, channels) in found.items()}


@pytest.mark.parametrize(
    ("groups", "channels", "complexity"),
    [
        (1, (144, 288, 576), 143),
        (2, (200, 400, 800), 140),
        (3, (240, 480, 960), 137),
        (4, (272, 544, 1088), 133),
        (8, (384, 768, 1536), 137),
    ],
)
def test_table_1_of_shufflenet(groups, channels, complexity):
    """Complexity is that of the convolutions alone; with the classifier, 8 groups would have 138M."""
    name = f"shufflenet_v1@groups={groups}"
    assert outputs(name) == {
        "conv1": (112, 1, 24),
        "pool1": (56, 1, 24),
        "stage2": (28, 4, channels[0]),
        "stage3": (14, 8, channels[1]),
        "stage4": (7, 4, channels[2]),
        "pool": (1, 1, channels[2]),
        "fc": (1, 1, 1000),
        "prob": (1, 1, 1000),
    }
    assert round(counted_macs(published(name), "conv") / 1e6) == complexity or groups in {1, 3}
    assert counted_macs(published(name), "conv") / 1e6 == pytest.approx(complexity, abs=0.51)


@pytest.mark.parametrize(
    ("name", "exact", "printed"),
    [
        ("scale=2", "524.0", 524),
        ("scale=2,se=true", "526.9", 527),  # not released: se chosen so
        ("scale=1.5", "292.4", 292),
        ("groups=8", "138.4", 140),  # a class of complexity
        ("groups=4,scale=0.5", "37.9", 38),  # 136 channels in stage 2 have no quarter in 4 groups: 144
        ("scale=0.5", "37.6", 38),
        ("scale=0.25", "13.3", 13),
        ("groups=1,scale=0.5", "38.5", 38),
        ("groups=1,scale=0.25", "13.2", 13),
    ],
)
def test_tables_2_5_and_6_of_shufflenet(name, exact, printed):
    macs = total_macs(published(f"shufflenet_v1@{name}")) / 1e6
    assert f"{macs:.1f}" == exact
    assert macs == pytest.approx(printed, rel=0.025)


GROUPS_AND_SCALES = {  # what goes together: a quarter of a stage's channels has to be split into the groups
    1: (0.25, 0.5, 1.0, 1.5, 2.0),
    2: (1.0, 2.0),
    3: (0.25, 0.5, 1.0, 1.5, 2.0),
    4: (0.5, 1.0, 2.0),
    8: (0.5, 1.0, 1.5, 2.0),
}


@pytest.mark.parametrize("groups", GROUPS_AND_SCALES)
def test_groups_and_scales_of_shufflenet_that_do_not_go_together_are_refused_with_a_remedy(groups):
    for scale in GROUPS_AND_SCALES[1]:
        network = load_network("shufflenet_v1", groups=groups, scale=scale)
        if scale in GROUPS_AND_SCALES[groups]:
            assert build(network)
        else:
            with pytest.raises(NetworkError, match="; make the channels a multiple of"):
                build(network)


def test_a_unit_of_shufflenet_says_what_multiple_its_channels_must_be():
    with pytest.raises(NetworkError) as error:
        build(load_network("shufflenet_v1@groups=2,scale=0.25"))
    assert str(error.value).endswith(
        "stage2.block1: 50 output channels with groups = 2: a quarter of them is split into the groups; "
        "make the channels a multiple of 8 or choose other groups"
    )


@pytest.mark.parametrize(
    ("width", "channels", "conv5", "macs", "weights"),
    [
        (0.5, (48, 96, 192), 1024, ("40.5", 41), (1.36, 1.4)),  # 41.5 with one operation for each offset
        (1.0, (116, 232, 464), 1024, ("145.8", 146), (2.26, 2.3)),
        (1.5, (176, 352, 704), 1024, ("299.0", 299), (3.48, 3.5)),
        (2.0, (244, 488, 976), 2048, ("590.8", 591), (7.37, 7.4)),
    ],
)
def test_table_5_of_shufflenet_v2(width, channels, conv5, macs, weights):
    name = f"shufflenet_v2@width={width}"
    graph = published(name)
    assert outputs(name) == {
        "conv1": (112, 1, 24),
        "pool1": (56, 1, 24),
        "stage2": (28, 4, channels[0]),
        "stage3": (14, 8, channels[1]),
        "stage4": (7, 4, channels[2]),
        "conv5": (7, 1, conv5),
        "pool": (1, 1, conv5),
        "fc": (1, 1, 1000),
        "prob": (1, 1, 1000),
    }
    computed = total_macs(graph) / 1e6
    assert f"{computed:.1f}" == macs[0]
    assert computed == pytest.approx(macs[1], rel=0.013)
    assert round(counted_params(graph, "weights") / 1e6, 2) == weights[0]
    assert round(counted_params(graph, "weights") / 1e6, 1) == weights[1]


@pytest.mark.parametrize(
    ("name", "convention", "exact", "printed"),
    [
        (
            "shufflenet_v2@width=2,se=true",
            "conv_and_fully_connected",
            "596.7",
            597,
        ),  # not released: se chosen so
        ("xception_small@width=0.5", "conv_and_fully_connected", "39.5", 40),
        ("xception_small", "conv_and_fully_connected", "144.8", 145),
        ("xception_small@width=1.5", "conv_and_fully_connected", "304.6", 305),
        ("xception_small@width=2", "conv_and_fully_connected", "525.4", 525),
        ("igcv3", "conv_and_fully_connected", "313.0", 318),
        ("igcv3@width=1.4", "conv_and_fully_connected", "590.0", 610),
        ("igcv3@width=0.7", "conv_and_fully_connected", "174.6", 210),  # 0.78 would give 210
        (
            "condensenet",
            "conv_and_fully_connected",
            "516.6",
            529,
        ),  # the release's counter adds ReLU and pooling
        ("condensenet@groups=8", "conv_and_fully_connected", "261.5", 274),
        ("nasnet_a", "conv_and_fully_connected", "563.6", 564),
        ("pnasnet5", "conv_and_fully_connected", "587.3", 588),
        ("resnet50", "conv_and_fully_connected", "3858.0", 3800),  # cut off
        ("senet154", "conv_and_fully_connected", "20688.4", 20700),
        ("shufflenet_v2_50", "conv_and_fully_connected", "2304.2", 2300),
        ("se_shufflenet_v2_164", "conv", "12744.7", 12700),
    ],
)
def test_tables_6_and_8_of_shufflenet_v2(name, convention, exact, printed):
    macs = counted_macs(published(name), convention) / 1e6
    assert f"{macs:.1f}" == exact
    unexplained = {"igcv3@width=0.7": 0.17, "igcv3@width=1.4": 0.034, "condensenet@groups=8": 0.05}
    assert macs == pytest.approx(printed, rel=unexplained.get(name, 0.025))


@pytest.mark.parametrize(("groups", "printed"), [(4, "529.33"), (8, "274.23")])
def test_condensenets_release_counts_relu_and_pooling_too(groups, printed):
    """An operation for each element of a ReLU, as many as the window has for each output of a pooling."""
    graph = published(f"condensenet@groups={groups}")
    total = total_macs(graph) + 1000  # the classifier's biases
    for node in graph:
        operator = graph[node].operator
        if operator.kind == "activation":
            total += operator.output.elements
        elif operator.kind == "pool":
            total += operator.output.elements * 4
        elif operator.kind == "global_average_pool":
            total += operator.inputs[0].elements
    assert f"{total / 1e6:.2f}" == printed


def _pair(c1, c2, groups=1):
    draft = Draft()
    network_input(draft, "x", Shape(c1, 56, 56))
    conv(draft, "c", "x", out_channels=c2, groups=groups)
    return draft.graph["c"].operator


def test_blocks_of_guideline_1_have_nearly_the_same_macs_and_more_memory_access():
    """Table 1: "the total FLOPs is fixed", which the channels allow to 5.1%."""
    blocks = [_pair(*channels) for channels in ((128, 128), (90, 180), (52, 312), (36, 432))]
    assert min(block.macs for block in blocks) / max(block.macs for block in blocks) > 0.949
    access = [memory_access_cost(block) for block in blocks]
    assert access == sorted(access)


def test_blocks_of_guideline_2_have_nearly_the_same_macs_and_more_memory_access():
    """Table 2: likewise to 1.2%."""
    blocks = [_pair(c, c, groups) for groups, c in ((1, 128), (2, 180), (4, 256), (8, 360))]
    assert min(block.macs for block in blocks) / max(block.macs for block in blocks) > 0.988
    access = [memory_access_cost(block) for block in blocks]
    assert access == sorted(access)
