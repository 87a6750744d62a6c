"""Tables 1 to 9 of MobileNet's paper (Howard et al., arXiv:1704.04861), row by row."""

from functools import cache

import pytest

from accelsim.network import operators as ops
from accelsim.network.analysis import counted_macs, counted_params, shares
from accelsim.network.build import build
from accelsim.network.description import load_network
from accelsim.network.graph import Draft, Shape, total_macs


@cache
def published(name):
    return build(load_network(name))


def millions(name, convention="conv_and_fully_connected"):
    """Mult-adds and weights, as the tables print them."""
    graph = published(name)
    return counted_macs(graph, convention) / 1e6, counted_params(graph, "weights") / 1e6


BODY = [  # type, stride, filter shape (height x width x input x output), input size
    ("conv", 2, (3, 3, 3, 32), (224, 3)),
    ("dw", 1, (3, 3, 32), (112, 32)),
    ("conv", 1, (1, 1, 32, 64), (112, 32)),
    ("dw", 2, (3, 3, 64), (112, 64)),
    ("conv", 1, (1, 1, 64, 128), (56, 64)),
    ("dw", 1, (3, 3, 128), (56, 128)),
    ("conv", 1, (1, 1, 128, 128), (56, 128)),
    ("dw", 2, (3, 3, 128), (56, 128)),
    ("conv", 1, (1, 1, 128, 256), (28, 128)),
    ("dw", 1, (3, 3, 256), (28, 256)),
    ("conv", 1, (1, 1, 256, 256), (28, 256)),
    ("dw", 2, (3, 3, 256), (28, 256)),
    ("conv", 1, (1, 1, 256, 512), (14, 256)),
    *[("dw", 1, (3, 3, 512), (14, 512)), ("conv", 1, (1, 1, 512, 512), (14, 512))] * 5,
    ("dw", 2, (3, 3, 512), (14, 512)),
    ("conv", 1, (1, 1, 512, 1024), (7, 512)),
    ("dw", 1, (3, 3, 1024), (7, 1024)),  # printed with stride 2, which would leave 4 x 4
    ("conv", 1, (1, 1, 1024, 1024), (7, 1024)),
]


def test_table_1_body_architecture():
    graph = published("mobilenet_v1")
    convolutions = [operator for operator in _operators(graph) if isinstance(operator, ops.Convolution)]
    assert [_row(operator) for operator in convolutions] == BODY
    pool, classifier, softmax = (_operator(graph, node) for node in ("pool", "fc", "prob"))
    assert pool.inputs == (Shape(1024, 7, 7),)
    assert (classifier.inputs, classifier.weights) == ((Shape(1024, 1, 1),), 1024 * 1000)
    assert softmax.output == Shape(1000, 1, 1)


def _operators(graph):
    return [node.operator for node in graph.nodes]


def _operator(graph, node):
    return graph[node].operator


def _row(convolution):
    given, window = convolution.inputs[0], convolution.window
    depthwise = convolution.groups > 1
    filters = (given.channels,) if depthwise else (given.channels, convolution.output.channels)
    kind = "dw" if depthwise else "conv"
    return kind, window.stride[0], (*window.kernel, *filters), (given.height, given.channels)


def test_every_convolution_is_followed_by_batch_norm_and_relu():
    """Figure 3, right."""
    graph = published("mobilenet_v1")
    for node in graph:
        if graph[node].operator.kind == "activation":
            (norm,) = graph[node].operands
            (convolution,) = graph[norm].operands
            assert graph[norm].operator.kind == "batch_norm"
            assert graph[convolution].operator.kind == "conv"


@pytest.mark.parametrize(
    ("operator", "macs", "weights"),
    [
        ("conv 1x1", 94.86, 74.59),
        ("depthwise 3x3", 3.06, 1.06),
        ("conv 3x3", 1.91, 0.02),  # printed as 1.19%, which does not add up to 100%
        ("fully connected", 0.18, 24.33),
    ],
)
def test_table_2_resource_per_layer_type(operator, macs, weights):
    found = {share.operator: share for share in shares(published("mobilenet_v1"))}
    assert round(100 * found[operator].macs_share, 2) == macs
    assert round(100 * found[operator].weights_share, 2) == weights


def _layer(alpha=1.0, size=14, separable=True):
    """An internal layer: 3x3, 512 to 512 channels."""
    draft, channels = Draft(), int(512 * alpha)
    ops.network_input(draft, "x", Shape(channels, size, size))
    if separable:
        last = ops.conv(draft, "dw", "x", out_channels=channels, kernel=3, padding=1, groups=channels)
        ops.conv(draft, "pw", last, out_channels=channels)
    else:
        ops.conv(draft, "c", "x", out_channels=channels, kernel=3, padding=1)
    return draft.graph


@pytest.mark.parametrize(
    ("layer", "macs", "weights"),
    [
        (_layer(separable=False), 462, 2.36),
        (_layer(), 52.3, 0.27),
        (_layer(alpha=0.75), 29.6, 0.15),
        (_layer(alpha=0.75, size=10), 15.1, 0.15),  # 0.714 x 14
    ],
)
def test_table_3_resource_usage_for_modifications_to_standard_convolution(layer, macs, weights):
    assert total_macs(layer) / 1e6 == pytest.approx(macs, abs=0.5 if macs > 100 else 0.06)
    assert round(counted_params(layer, "weights") / 1e6, 2) == weights


@pytest.mark.parametrize(
    ("name", "macs", "params"),
    [
        ("mobilenet_v1", 569, 4.2),  # tables 4, 6, 7 and 8
        ("shallow_mobilenet", 307, 2.9),  # table 5
        ("mobilenet_v1@width=0.75", 325, 2.6),  # tables 5 and 6
        ("mobilenet_v1@width=0.5", 149, 1.3),
        ("mobilenet_v1@width=0.25", 41, 0.5),
        ("mobilenet_v1@resolution=192", 418, 4.2),  # table 7
        ("mobilenet_v1@resolution=160", 290, 4.2),  # exactly 290.675: cut off
        ("mobilenet_v1@resolution=128", 186, 4.2),
        ("mobilenet_v1@width=0.5,resolution=160", 76, 1.3),  # table 9, which has 1.32
    ],
)
def test_tables_4_to_9_mult_adds_and_parameters(name, macs, params):
    computed = millions(name)
    assert macs - 0.5 <= computed[0] < macs + 1  # rounded in some rows, cut off in others
    assert round(computed[1], 1) == params
    assert load_network(name).reported.macs == macs * 1e6


def test_table_4_counts_convolutions_only_where_they_are_full():
    macs, params = millions("conv_mobilenet", "conv")
    assert (round(macs), round(params, 1)) == (4866, 29.3)
    assert round(millions("conv_mobilenet")[0]) == 4867  # with the classifier, as all other rows


@pytest.mark.parametrize(
    ("name", "convention", "printed", "exact"),
    [
        ("vgg16", "conv", (15300, 138), (15346.6, 138.3)),
        (
            "googlenet",
            "conv_and_fully_connected",
            (1550, 6.8),
            (1582.7, 7.0),
        ),  # no release has the printed ones
        ("alexnet", "conv_and_fully_connected", (720, 60), (724.4, 61.0)),
        # Multiplications and additions apart, of the release, whose conv10 has a padding.
        ("squeezenet_v1_0@conv10_padding=1", "conv_and_fully_connected", (1700, 1.25), (861.3, 1.2)),
    ],
)
def test_tables_8_and_9_popular_models(name, convention, printed, exact):
    computed = millions(name, convention)
    assert (round(computed[0], 1), round(computed[1], 1)) == exact
    operations = 2 * computed[0] if name.startswith("squeezenet") else computed[0]
    assert operations == pytest.approx(printed[0], rel=0.022)
    assert computed[1] == pytest.approx(printed[1], rel=0.029)


def test_accuracy_falls_with_width_and_with_resolution():
    """Tables 6 and 7: what is reported of a family is of one paper, so that members compare."""
    by_width = [load_network(f"mobilenet_v1@width={width}").reported.top1 for width in (1.0, 0.75, 0.5, 0.25)]
    assert by_width == [70.6, 68.4, 63.7, 50.6]
    sizes = (224, 192, 160, 128)
    by_resolution = [load_network(f"mobilenet_v1@resolution={size}").reported.top1 for size in sizes]
    assert by_resolution == [70.6, 69.1, 67.2, 64.4]
