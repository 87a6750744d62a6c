"""Tables of MobileNetV2's paper (Sandler et al., arXiv:1801.04381)."""

from functools import cache

import pytest

from accelsim.network.analysis import counted_params, largest_activations
from accelsim.network.build import build
from accelsim.network.description import load_network
from accelsim.network.expressions import round_to_multiple
from accelsim.network.graph import total_macs


@cache
def published(name):
    return build(load_network(name))


def test_table_1_a_bottleneck_expands_filters_and_projects():
    graph = published("mobilenet_v2")
    block = [graph[f"stage3.block1.{part}"].operator for part in ("expand", "depthwise", "project")]
    given = block[0].inputs[0]
    assert [(conv.output.channels, conv.output.height) for conv in block] == [(144, 56), (144, 28), (32, 28)]
    # h w d' t (d' + k^2 + d'') at stride 1
    block = [graph[f"stage3.block2.{part}"].operator for part in ("expand", "depthwise", "project")]
    assert sum(conv.macs for conv in block) == 28 * 28 * 32 * 6 * (32 + 3**2 + 32)
    assert given.channels == 24


OPERATORS = [  # input, name of the row's last layer, output channels, repetitions
    ((224, 3), "conv1", 32, 1),
    ((112, 32), "stage1", 16, 1),
    ((112, 16), "stage2", 24, 2),
    ((56, 24), "stage3", 32, 3),
    ((28, 32), "stage4", 64, 4),
    ((14, 64), "stage5", 96, 3),
    ((14, 96), "stage6", 160, 3),
    ((7, 160), "stage7", 320, 1),
    ((7, 320), "conv2", 1280, 1),
    ((7, 1280), "pool", 1280, 1),
    ((1, 1280), "fc", 1000, 1),
]


def test_table_2_operators():
    """Seventeen bottlenecks; the text says 19."""
    graph = published("mobilenet_v2")
    found = []
    for _, stage, _, _ in OPERATORS:
        nodes = [node for node in graph.nodes if node.stage == stage]
        given, last = nodes[0].operator.inputs[0], nodes[-1].operator.output
        repetitions = len({node.block for node in nodes})
        found.append(((given.height, given.channels), stage, last.channels, repetitions))
    assert found == OPERATORS
    assert sum(row[3] for row in OPERATORS if row[1].startswith("stage")) == 17


ACTIVATIONS = {  # at each resolution: channels, kilobytes of 16 bits; what is printed where it differs
    "mobilenet_v1": {
        112: (64, 1606),  # 1/O(1): the paper takes these layers as fused with what reads them
        56: (128, 803),
        28: (256, 401),
        14: (512, 201),
        7: (1024, 100),  # 199
        1: (1024, 2),
    },
    "mobilenet_v2": {
        112: (32, 803),  # 1/O(1), likewise
        56: (24, 151),  # 32/200: the channels of the stage that reads this resolution, not of what it reads
        28: (32, 50),  # 64/100
        14: (96, 38),  # 160/62
        7: (1280, 125),  # 320/32: without the last convolution
        1: (1280, 3),  # 2
    },
    "shufflenet_v1@scale=2": {
        112: (48, 1204),  # 1/O(1), likewise
        56: (48, 301),
        28: (480, 753),  # 400/600: the channels of 2 groups, not of 3
        14: (960, 376),  # 800/310
        7: (1920, 188),  # 1600/156
        1: (1920, 4),  # 1600/3
    },
}


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_table_3_channels_and_memory_at_each_resolution(name):
    found = {
        size[0]: (shape.channels, round(shape.elements * 2 / 1000))
        for size, shape in largest_activations(published(name)).items()
    }
    assert found == ACTIVATIONS[name]


@pytest.mark.parametrize(
    ("name", "exact", "fused", "printed", "of"),
    [  # kilobytes; channels and resolution that what is printed is of
        ("mobilenet_v1", 1606, 803, 800, (128, 56)),
        ("mobilenet_v2", 803, 151, 200, (32, 56)),  # where there are 24 channels
        ("shufflenet_v1@scale=2", 1204, 753, 600, (400, 28)),  # of 2 groups; of 3 there are 480
    ],
)
def test_table_3_maximum_leaves_out_the_layers_that_the_paper_takes_as_fused(name, exact, fused, printed, of):
    """With 112 x 112, the maximum is there in all three; the paper has O(1) in that row and goes on below."""
    kilobytes = {size: memory for size, (_, memory) in ACTIVATIONS[name].items()}
    assert max(kilobytes.values()) == kilobytes[112] == exact
    assert max(memory for size, memory in kilobytes.items() if size < 112) == fused
    channels, size = of
    assert channels * size**2 * 2 / 1000 == pytest.approx(printed, rel=0.046)


@pytest.mark.parametrize(
    ("size", "channels", "kilobytes"), [(56, 32, 200), (28, 64, 100), (14, 160, 62), (7, 320, 32)]
)
def test_table_3_of_mobilenet_v2_pairs_what_a_stage_reads_with_what_it_puts_out(size, channels, kilobytes):
    (stage,) = [row for row in OPERATORS if row[0][0] == size and row[2] == channels]
    assert stage[2] * size * size * 2 / 1000 == pytest.approx(kilobytes, rel=0.021)


def test_table_3_of_shufflenet_has_the_channels_of_two_groups():
    found = largest_activations(published("shufflenet_v1@scale=2,groups=2"))
    assert [found[size, size].channels for size in (28, 14, 7)] == [400, 800, 1600]


@pytest.mark.parametrize(
    ("name", "params", "macs"),
    [  # exact weights and mult-adds in millions; the printed ones beside them
        ("mobilenet_v1", 4.21, 568.7),  # 4.2 and 575, 0.2% more than with one operation for each offset
        ("shufflenet_v1@scale=1.5", 3.40, 292.4),  # 3.4 and 292
        ("shufflenet_v1@scale=2", 5.40, 524.0),  # 5.4 and 524
        ("nasnet_a", 5.25, 563.6),  # 5.3 and 564
        ("mobilenet_v2", 3.47, 300.8),  # 3.4 and 300; 3.47 and 300 in the release
        ("mobilenet_v2@width=1.4", 6.06, 582.2),  # 6.9 and 585: not attainable; 6.06 and 582 in the release
        ("mobilenet_v2@width=0.35", 1.66, 59.3),  # of the release
        ("mobilenet_v2@width=0.5", 1.95, 97.1),
        ("mobilenet_v2@width=0.75", 2.61, 209.1),
        ("mobilenet_v2@width=1.3", 5.34, 509.4),
    ],
)
def test_table_4_parameters_and_mult_adds(name, params, macs):
    graph = published(name)
    assert round(counted_params(graph, "weights") / 1e6, 2) == params
    assert round(total_macs(graph) / 1e6, 1) == macs


@pytest.mark.parametrize(
    ("member", "kept", "narrowed"),
    [("width=0.6", "150.96", "145.63"), ("width=0.75,resolution=192", "153.94", "150.86")],
)
def test_the_last_convolution_keeps_its_1280_channels_below_a_width_of_1(member, kept, narrowed):
    """As in the release. Where only the classifier and it have 1280 channels, each counts its share."""
    graph = published(f"mobilenet_v2@{member}")
    last, classifier = graph["conv2"].operator, graph["fc"].operator
    assert last.output.channels == 1280
    total = total_macs(graph)
    assert f"{total / 1e6:.2f}" == kept
    width = round_to_multiple(1280 * load_network(f"mobilenet_v2@{member}").parameters["width"], 8)
    less = (last.macs + classifier.macs) * (1280 - width) // 1280
    assert f"{(total - less) / 1e6:.2f}" == narrowed
