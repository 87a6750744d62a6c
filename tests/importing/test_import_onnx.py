"""ONNX models by hand: what each operator and attribute becomes, and every sentence about what cannot be."""

import sys

import pytest
from onnx import TensorProto, helper
from onnx_models import model, node, numbers, save, weight

import accelsim
from accelsim.network.build import build
from accelsim.network.graph import Shape, total_macs, total_params
from accelsim.network.lowering import lower
from accelsim.network.shapes import operator_name
from accelsim.network.windows import Padding

CONV = [node("Conv", "x w", "y")]


@pytest.fixture
def graph_of(tmp_path):
    """The published graph of a model: makes one of nodes and constants."""

    def imported(nodes, constants=(), **options):
        return build(accelsim.load_network(save(model(nodes, constants, **options), tmp_path)))

    return imported


@pytest.fixture
def refused(tmp_path):
    """What is said of a model, line by line, without the file's name."""

    def lines(nodes, constants=(), **options):
        path = save(model(nodes, constants, **options), tmp_path)
        with pytest.raises(accelsim.AccelsimError) as error:
            accelsim.load_network(path)
        assert all(line.startswith(f"{path}: ") for line in error.value.lines)
        return [line.removeprefix(f"{path}: ") for line in error.value.lines]

    return lines


def operators(graph):
    """What each node but the image is, in order."""
    return [operator_name(graph[name].operator) for name in list(graph)[1:]]


# --- convolutions


@pytest.mark.parametrize(
    ("attributes", "padding", "size"),
    [
        ({}, (0, 0, 0, 0), (6, 6)),
        ({"auto_pad": "VALID"}, (0, 0, 0, 0), (6, 6)),
        ({"pads": [1, 2, 0, 3]}, (1, 0, 2, 3), (7, 11)),
        ({"strides": [2, 1], "pads": [0, 1, 1, 1]}, (0, 1, 1, 1), (4, 8)),
        ({"strides": [2, 2], "auto_pad": "SAME_UPPER"}, (0, 1, 0, 1), (4, 4)),
        ({"strides": [2, 2], "auto_pad": "SAME_LOWER"}, (1, 0, 1, 0), (4, 4)),
        ({"dilations": [2, 2], "auto_pad": "SAME_UPPER"}, (2, 2, 2, 2), (8, 8)),
    ],
)
def test_a_convolution_is_padded_as_onnx_says(graph_of, attributes, padding, size):
    graph = graph_of([node("Conv", "x w", "y", **attributes)], [weight("w", 4, 3, 3, 3)])
    conv = graph["y"].operator
    assert conv.window.padding == Padding(*padding)
    assert conv.output == Shape(4, *size)


def test_a_convolution_has_the_weights_groups_and_bias_of_its_constants(graph_of):
    nodes = [node("Conv", "x w b", "y", group=4)]
    graph = graph_of(nodes, [weight("w", 12, 2, 1, 1), weight("b", 12)], image=(1, 8, 5, 5))
    conv = graph["y"].operator
    assert (conv.groups, conv.weights, conv.biases, conv.macs) == (4, 24, 12, 24 * 25)


def test_a_convolution_over_one_axis_is_one_over_an_image_of_one_row(graph_of):
    nodes = [
        node("Conv", "x w", "c", strides=[2], pads=[1, 1]),
        node("MaxPool", "c", "y", kernel_shape=[2], strides=[2]),
    ]
    graph = graph_of(nodes, [weight("w", 4, 2, 3)], image=(1, 2, 16))
    assert graph["c"].operator.output == Shape(4, 1, 8)
    assert graph["y"].operator.output == Shape(4, 1, 4)
    assert graph["c"].operator.macs == 4 * 2 * 3 * 8


@pytest.mark.parametrize("pads", [(1, 1, 1, 1), (-1, -1, 1, 1)])
def test_padding_on_its_own_becomes_that_of_the_convolution_and_pooling_that_read_it(graph_of, pads):
    top, left, bottom, right = pads
    constants = [weight("w", 4, 3, 3, 3), numbers("pads", 0, 0, top, left, 0, 0, bottom, right)]
    nodes = [
        node("Pad", "x pads", "p"),
        node("Conv", "p w", "y", pads=[1, 1, 1, 1]),
        node("MaxPool", "p", "z", kernel_shape=[2, 2]),
    ]
    graph = graph_of(nodes, constants, outputs="y z")
    assert graph["y"].operator.window.padding == Padding(top + 1, bottom + 1, left + 1, right + 1)
    assert graph["z"].operator.window.padding == Padding(top, bottom, left, right)


def test_rows_and_columns_cut_off_are_padding_of_less_than_nothing(graph_of):
    constants = [
        weight("w", 4, 3, 3, 3),
        numbers("starts", 1, 0),
        numbers("ends", 2**62, -2),
        numbers("axes", 2, -1),
    ]
    nodes = [node("Slice", "x starts ends axes", "s"), node("Conv", "s w", "y")]
    graph = graph_of(nodes, constants)
    assert graph["y"].operator.window.padding == Padding(-1, 0, 0, -2)
    assert graph["y"].operator.output == Shape(4, 5, 4)


def test_an_offset_for_each_channel_that_is_added_is_a_bias(graph_of):
    nodes = [
        node("Conv", "x w", "c"),
        node("Add", "b c", "d"),
        node("Flatten", "d", "f"),
        node("MatMul", "f v", "m"),
        node("Add", "m o", "y"),
    ]
    constants = [weight("w", 4, 3, 8, 8), weight("b", 1, 4, 1, 1), weight("v", 4, 5), weight("o", 5)]
    graph = graph_of(nodes, constants)
    assert operators(graph) == ["conv", "fully_connected"]
    assert total_params(graph) == 4 * 3 * 64 + 4 + 4 * 5 + 5


def test_an_offset_that_is_not_one_for_each_channel_is_an_operator(graph_of):
    nodes = [node("Conv", "x w", "c"), node("Add", "c b", "y")]
    graph = graph_of(nodes, [weight("w", 4, 3, 1, 1), weight("b", 8, 8)])
    assert operators(graph) == ["conv", "linear"]


def test_quantised_convolutions_are_convolutions(graph_of):
    scale = [
        weight("s"),
        weight("z", kind=TensorProto.INT8),
        weight("w", 4, 3, 3, 3, kind=TensorProto.INT8),
        weight("b", 4, kind=TensorProto.INT32),
    ]
    nodes = [
        node("QuantizeLinear", "x s z", "q"),
        node("QLinearConv", "q s z w s z s z b", "c", pads=[1, 1, 1, 1]),
        node("DequantizeLinear", "c s z", "y"),
    ]
    graph = graph_of(nodes, scale)
    assert operators(graph) == ["conv"]
    assert graph["c"].operator.biases == 4


def test_weights_may_be_computed_from_constants(graph_of):
    nodes = [
        node("DequantizeLinear", "q s", "d"),
        node("Transpose", "d", "w", perm=[3, 2, 0, 1]),
        node("Conv", "x w", "y"),
    ]
    graph = graph_of(nodes, [weight("q", 3, 3, 3, 5, kind=TensorProto.INT8), weight("s")])
    assert graph["y"].operator.weights == 135


# --- matrix products


def test_a_matrix_product_is_a_fully_connected_layer(graph_of):
    nodes = [node("Gemm", "x w b", "h", transB=1), node("Relu", "h", "r"), node("MatMul", "r v", "y")]
    graph = graph_of(nodes, [weight("w", 7, 10), weight("b", 7), weight("v", 7, 2)], image=(1, 10))
    assert operators(graph) == ["fully_connected", "relu", "fully_connected"]
    assert (graph["h"].operator.macs, graph["h"].operator.biases) == (70, 7)
    assert (graph["y"].operator.macs, graph["y"].operator.biases) == (14, 0)


def test_a_matrix_product_of_the_channels_of_each_pixel_is_a_1x1_convolution(graph_of):
    nodes = [node("Transpose", "x", "t", perm=[0, 2, 3, 1]), node("MatMul", "t w", "y")]
    graph = graph_of(nodes, [weight("w", 3, 5)])
    assert operators(graph) == ["conv"]
    assert graph["y"].operator.output == Shape(5, 8, 8)


# --- pooling


def test_ceil_mode_lets_the_last_window_hang_over(graph_of):
    window = {"kernel_shape": [3, 3], "strides": [2, 2]}
    nodes = [node("MaxPool", "x", "y", **window, ceil_mode=1), node("AveragePool", "x", "z", **window)]
    graph = graph_of(nodes, outputs="y z")
    assert graph["y"].operator.output == Shape(3, 4, 4)
    assert graph["z"].operator.output == Shape(3, 3, 3)


@pytest.mark.parametrize(
    ("pool", "constants", "operator"),
    [
        (node("GlobalAveragePool", "x", "y"), [], "global_average_pool"),
        (node("ReduceMean", "x", "y", axes=[2, 3], keepdims=0), [], "global_average_pool"),
        (node("ReduceMean", "x", "y", axes=[-1, -2]), [], "global_average_pool"),
        (node("GlobalMaxPool", "x", "y"), [], "max_pool"),
        (node("ReduceMax", "x", "y", axes=[2, 3]), [], "max_pool"),
    ],
)
def test_pooling_over_the_whole_picture(graph_of, pool, constants, operator):
    graph = graph_of([pool], constants)
    assert operators(graph) == [operator]
    assert graph["y"].operator.output == Shape(3, 1, 1)


def test_newer_models_give_axes_as_an_input(graph_of):
    graph = graph_of([node("ReduceMean", "x axes", "y")], [numbers("axes", 2, 3)], opset=18)
    assert operators(graph) == ["global_average_pool"]


# --- operators on elements


@pytest.mark.parametrize(
    ("operator", "function"),
    [
        ("Relu", "relu"),
        ("LeakyRelu", "leaky_relu"),
        ("Elu", "elu"),
        ("Selu", "elu"),
        ("Celu", "elu"),
        ("Softplus", "softplus"),
        ("Sigmoid", "sigmoid"),
        ("HardSigmoid", "hard_sigmoid"),
        ("Tanh", "tanh"),
        ("HardSwish", "hard_swish"),
        ("Mish", "mish"),
        ("Softmax", "softmax"),
        ("LogSoftmax", "softmax"),
    ],
)
def test_functions_of_an_element(graph_of, operator, function):
    assert operators(graph_of([node(operator, "x", "y")], opset=18)) == [function]


def scalar(name, value):
    """A constant of one number."""
    return helper.make_tensor(name, TensorProto.FLOAT, [], [value])


@pytest.mark.parametrize(
    ("bounds", "function"),
    [((0.0, 6.0), "relu6"), ((0.0, None), "relu"), ((-1.0, 1.0), "clip"), ((None, 6.0), "clip")],
)
def test_a_clamp_to_0_and_6_is_relu6(graph_of, bounds, function):
    names = ["" if bound is None else f"b{index}" for index, bound in enumerate(bounds)]
    constants = [scalar(name, bound) for name, bound in zip(names, bounds, strict=True) if name]
    clip = helper.make_node("Clip", ["x", *names], ["y"])
    assert operators(graph_of([clip], constants)) == [function]


def test_a_clamp_of_an_older_model_has_attributes(graph_of):
    assert operators(graph_of([node("Clip", "x", "y", min=0.0, max=6.0)], opset=6)) == ["relu6"]


CLAMPED = [node("Add", "three x", "a"), node("Clip", "a zero six", "c")]


@pytest.mark.parametrize(
    ("nodes", "function"),
    [
        ([node("Sigmoid", "x", "s"), node("Mul", "s x", "y")], "swish"),
        ([node("HardSigmoid", "x", "s"), node("Mul", "x s", "y")], "hard_swish"),
        ([*CLAMPED, node("Mul", "x c", "m"), node("Div", "m six", "y")], "hard_swish"),
        ([*CLAMPED, node("Div", "c six", "d"), node("Mul", "d x", "y")], "hard_swish"),
        ([*CLAMPED, node("Div", "c six", "y")], "hard_sigmoid"),
        ([node("Softplus", "x", "s"), node("Tanh", "s", "t"), node("Mul", "x t", "y")], "mish"),
        (
            [
                node("Div", "x six", "d"),
                node("Erf", "d", "e"),
                node("Add", "e three", "a"),
                node("Mul", "x a", "m"),
                node("Mul", "m three", "y"),
            ],
            "gelu",
        ),
    ],
)
def test_what_exporters_write_as_several_nodes_is_one_function(graph_of, nodes, function):
    constants = [scalar("zero", 0.0), scalar("three", 3.0), scalar("six", 6.0)]
    assert operators(graph_of(nodes, constants)) == [function]


def test_a_sigmoid_that_others_read_too_stays_one(graph_of):
    nodes = [node("Sigmoid", "x", "s"), node("Mul", "x s", "y"), node("Relu", "s", "z")]
    assert operators(graph_of(nodes, outputs="y z")) == ["sigmoid", "multiply", "relu"]


def test_sums_products_and_gates(graph_of):
    nodes = [
        node("Conv", "x w", "a"),
        node("Relu", "a", "b"),
        node("Add", "a b", "c"),
        node("GlobalAveragePool", "c", "g"),
        node("Sigmoid", "g", "s"),
        node("Mul", "s c", "y"),
    ]
    graph = graph_of(nodes, [weight("w", 3, 3, 1, 1)])
    assert graph["y"].operands == ("c", "s")
    assert graph["y"].operator.inputs == (Shape(3, 8, 8), Shape(3, 1, 1))
    assert graph["c"].operands == ("a", "b")


def test_a_normalisation_and_its_two_parameters_a_channel(graph_of):
    constants = [weight(name, 3) for name in "abcd"]
    graph = graph_of([node("BatchNormalization", "x a b c d", "y")], constants)
    assert total_params(graph) == 6


def test_what_does_nothing_at_inference_is_left_out(graph_of):
    nodes = [
        node("Identity", "x", "a"),
        node("Dropout", "a", "b"),
        node("Cast", "b", "c", to=TensorProto.FLOAT16),
        node("Relu", "c", "y"),
    ]
    assert operators(graph_of(nodes)) == ["relu"]


# --- channels


def test_parts_of_the_channels(graph_of):
    nodes = [
        node("Split", "x sizes", "a b", axis=1),
        node("Slice", "x one three axis", "c"),
        node("Gather", "x last", "d", axis=1),
        node("Concat", "a c d", "y", axis=1),
        node("Relu", "b", "z"),
    ]
    constants = [numbers("sizes", 2, 4), numbers("one", 1), numbers("three", 3), numbers("axis", 1)]
    graph = graph_of(nodes, [*constants, numbers("last", 4, 5)], image=(1, 6, 8, 8), outputs="y z")
    slices = [graph[name].operator for name in ("a.part1", "a.part2", "c", "d") if name in graph]
    assert [(each.first, each.output.channels) for each in slices] == [(0, 2), (2, 4), (1, 2), (4, 2)]
    assert graph["y"].operator.output == Shape(6, 8, 8)


def shuffle(order):
    """Channels as 2 groups of 3, transposed as an order says, and put together."""
    nodes = [
        node("Reshape", "x split", "g"),
        node("Transpose", "g", "t", perm=order),
        node("Reshape", "t merged", "y"),
    ]
    return nodes, [numbers("split", 1, 2, 3, 8, 8), numbers("merged", 1, -1, 8, 8)]


def test_groups_of_channels_that_change_places_are_a_shuffle(graph_of):
    graph = graph_of(*shuffle([0, 2, 1, 3, 4]), image=(1, 6, 8, 8))
    assert operators(graph) == ["channel_shuffle"]
    assert graph["y"].operator.order == (0, 3, 1, 4, 2, 5)


def test_groups_of_channels_that_stay_in_place_are_none(graph_of):
    nodes, constants = shuffle([0, 1, 2, 3, 4])
    graph = graph_of([*nodes, node("Relu", "y", "z")], constants, image=(1, 6, 8, 8), outputs="z")
    assert operators(graph) == ["relu"]


def test_a_shape_that_is_computed_is_followed(graph_of):
    nodes = [
        node("Shape", "x", "shape"),
        node("Gather", "shape zero", "batch", axis=0),
        node("Unsqueeze", "batch axis", "first"),
        node("Concat", "first rest", "sizes", axis=0),
        node("Reshape", "x sizes", "flat"),
        node("Gemm", "flat w", "y", transB=1),
    ]
    constants = [numbers("zero", 0, dims=[]), numbers("axis", 0), numbers("rest", -1), weight("w", 5, 192)]
    assert graph_of(nodes, constants, image=("batch", 3, 8, 8))["y"].operator.macs == 960


def test_an_image_with_its_channels_last_is_one(graph_of):
    nodes = [
        node("Transpose", "x", "t", perm=[0, 3, 1, 2]),
        node("Conv", "t w", "c"),
        node("Transpose", "c", "u", perm=[0, 2, 3, 1]),
        node("ReduceMean", "u", "y", axes=[1, 2], keepdims=0),
    ]
    graph = graph_of(nodes, [weight("w", 4, 3, 1, 1)], image=(1, 8, 6, 3))
    assert operators(graph) == ["conv", "global_average_pool"]
    assert graph["c"].operator.output == Shape(4, 8, 6)


@pytest.mark.parametrize(
    ("mode", "scales", "size"), [("nearest", (2, 2), (16, 16)), ("linear", (0.5, 1.5), (4, 12))]
)
def test_resizing_reads_its_input_once_and_writes_its_output(graph_of, mode, scales, size):
    scale = helper.make_tensor("scales", TensorProto.FLOAT, [4], [1, 1, *scales])
    resize = helper.make_node("Resize", ["x", "", "scales"], ["y"], mode=mode)
    graph = graph_of([resize], [scale])
    assert graph["y"].operator.output == Shape(3, *size)
    (layer,) = lower(graph).layers
    assert (layer.input_elements, layer.output_elements) == (3 * 64, 3 * size[0] * size[1])


@pytest.mark.parametrize("machine", ["8x8_32k", "16x16_128k"])
def test_resizing_moves_as_many_bytes_as_it_has_elements(tmp_path, machine):
    scale = helper.make_tensor("scales", TensorProto.FLOAT, [4], [1, 1, 2, 2])
    resize = helper.make_node("Resize", ["x", "", "scales"], ["y"])
    path = save(model([resize], [scale], image=(1, 24, 56, 56)), tmp_path)
    result = accelsim.run_network(accelsim.load_network(path), accelsim.load_hardware(machine))
    assert result.dram_bytes.read == 2 * 24 * 56 * 56
    assert result.dram_bytes.write == 2 * 24 * 112 * 112


# --- the model as a whole


def test_an_output_that_is_read_within_is_stored_all_the_same(graph_of):
    nodes = [node("Conv", "x w", "c"), node("Relu", "c", "y")]
    one = lower(graph_of(nodes, [weight("w", 3, 3, 1, 1)]))
    both = lower(graph_of(nodes, [weight("w", 3, 3, 1, 1)], outputs="y c"))
    assert [layer.name for layer in one.layers] == ["c"]
    assert [layer.name for layer in both.layers] == ["c", "y"]
    assert all(both[name].network_output for name in both)


def test_nodes_and_constants_that_nothing_depends_on_are_left_out(graph_of):
    nodes = [*CONV, node("Einsum", "x x", "unused", equation="abcd,abcd->a")]
    graph = graph_of(nodes, [weight("w", 4, 3, 1, 1), weight("v", 10**6, 10**6)])
    assert list(graph) == ["input", "y"]


def test_names_are_short_and_no_two_alike(graph_of):
    names = ("/f/f.0/f.0.1/Relu", "/f/f.0/f.0.1/Relu", "", "input", "=1", "cat", "cat.2")
    tensors = "xabcdefg"
    nodes = [
        helper.make_node("Relu", [tensors[index]], [tensors[index + 1]], name=name)
        for index, name in enumerate(names)
    ]
    graph = graph_of(nodes, outputs="g")
    assert list(graph)[1:] == ["f.0.1/Relu", "f.0.1/Relu_2", "c", "input_2", "1", "cat", "cat_2"]


def test_a_gate_is_of_the_stage_that_it_gates(graph_of):
    nodes = [
        node("GlobalAveragePool", "x", "g"),
        node("Sigmoid", "g", "s"),
        node("Mul", "x s", "m"),
        node("GlobalAveragePool", "m", "y"),
    ]
    graph = graph_of(nodes)
    stages = [graph[name].stage for name in list(graph)[1:]]
    assert stages == ["8x8", "8x8", "8x8", "1x1"]


def test_a_batch_in_the_file_is_not_the_batch_of_a_run(graph_of):
    graph = graph_of(CONV, [weight("w", 4, 3, 1, 1)], image=(16, 3, 8, 8))
    assert graph["y"].operator.macs == 12 * 64


def test_an_open_batch_is_said_to_be_1(tmp_path):
    path = save(model(CONV, [weight("w", 4, 3, 1, 1)], image=("N", 3, 8, 8)), tmp_path)
    source = accelsim.load_network(path).description.source
    assert source == f"{path}: ONNX opset 17, written by tests, open batch taken as 1"


def test_an_open_size_is_given_as_the_resolution(tmp_path):
    path = save(model(CONV, [weight("w", 4, 3, 1, 1)], image=(1, 3, "h", "w")), tmp_path, "0 net.onnx")
    network = accelsim.load_network(path, resolution=32)
    assert network.name == "_0_net@resolution=32"
    assert network.image == Shape(3, 32, 32)


def test_functions_of_the_file_are_looked_into(tmp_path):
    inner = [node("Relu", "a", "b"), node("Relu", "b", "c")]
    function = helper.make_function("local", "Twice", ["a"], ["c"], inner, [helper.make_opsetid("", 17)])
    proto = model([helper.make_node("Twice", ["x"], ["y"], domain="local")])
    proto.functions.append(function)
    proto.opset_import.append(helper.make_opsetid("local", 1))
    graph = build(accelsim.load_network(save(proto, tmp_path)))
    assert operators(graph) == ["relu", "relu"]


# --- what cannot be


def test_every_node_that_cannot_be_imported_is_named_at_once(refused):
    nodes = [
        helper.make_node("Bernoulli", ["x"], ["a"], name="draw1"),
        helper.make_node("Relu", ["a"], ["b"], name="after"),
        helper.make_node("Det", ["x"], ["c"], name="det"),
    ]
    first, second, remedy = refused(nodes, [], outputs="b c")
    assert first == "draw1 (Bernoulli): is no supported operator"
    assert second == "det (Det): is no supported operator"
    assert remedy.startswith(
        "--until NODE ends before, --unsupported host or elementwise lets such nodes "
        "pass at a price; docs/how-to/import-a-model.md lists the "
    )


@pytest.mark.parametrize(
    ("nodes", "constants", "sentence"),
    [
        (
            [node("Conv", "x x", "y")],
            [],
            "y (Conv): its weights 'x' are computed from the image: must be constants",
        ),
        (CONV, [weight("w", 4, 2, 1, 1)], "y (Conv): has weights for 2 channels, its input has 3"),
        (
            [node("Conv", "w w", "y")],
            [weight("w", 4, 2, 1, 1)],
            "reads no input: a network has to have one, the image",
        ),
        (
            [node("MaxPool", "x", "y", kernel_shape=[2, 2], dilations=[2, 2])],
            [],
            "y (MaxPool): has dilations [2, 2]: poolings without are supported",
        ),
        (
            [node("Flatten", "x", "f"), node("MatMul", "f w", "y")],
            [weight("w", 100, 2)],
            "y (MatMul): has weights for 100 inputs, is given 192",
        ),
        (
            [node("Relu", "nothing", "y"), node("Relu", "x", "z")],
            [],
            "y (Relu): reads 'nothing', which no node before it makes",
        ),
    ],
)
def test_what_cannot_be_a_network_is_said_in_a_sentence(refused, nodes, constants, sentence):
    outputs = "y z" if any("z" in each.output for each in nodes) else "y"
    assert refused(nodes, constants, outputs=outputs)[0] == sentence


def choice(condition):
    """A model that chooses between a convolution of one pixel and one of nine."""
    branches = {
        f"{name}_branch": helper.make_graph(
            [node("Conv", f"x {weights}", "b")],
            name,
            [],
            [helper.make_tensor_value_info("b", TensorProto.FLOAT, None)],
        )
        for name, weights in (("then", "small"), ("else", "large"))
    }
    nodes = [helper.make_node("If", ["condition"], ["c"], **branches), node("Relu", "c", "y")]
    return nodes, [weight("small", 4, 3, 1, 1), weight("large", 4, 3, 3, 3), *condition]


@pytest.mark.parametrize(("condition", "macs"), [(True, 4 * 3 * 64), (False, 4 * 3 * 9 * 36)])
def test_a_choice_that_is_always_the_same_is_made(graph_of, condition, macs):
    nodes, constants = choice([helper.make_tensor("condition", TensorProto.BOOL, [], [condition])])
    assert total_macs(graph_of(nodes, constants)) == macs


def test_a_choice_that_depends_on_the_image_is_refused(refused):
    nodes, constants = choice([weight("zero", 1)])
    nodes = [node("ReduceMean", "x", "m", keepdims=0), node("Greater", "m zero", "condition"), *nodes]
    line, _ = refused(nodes, constants)
    assert line == "c (If): control flow is not supported: a network has to do the same for every image"


@pytest.mark.parametrize(
    ("inputs", "sentence"),
    [
        (
            {"x": (1, 3, "h", "w")},
            "input 'x' is 1 x 3 x h x w: say how large the image is, as in {path}@resolution=224 or "
            "{path}@h=224,w=224",
        ),
        ({"x": (1, "f")}, "input 'x' is 1 x f: say what is open, as in {path}@f=8"),
        (
            {"x": (1, 3, 1, 4, 4, 4)},
            "input 'x' has the shape 1 x 3 x 1 x 4 x 4 x 4: must have 1 to 5 dimensions, as batch x channels "
            "x height x width, batch x channels x length or batch x features",
        ),
    ],
)
def test_an_input_has_to_be_an_image_of_known_size(tmp_path, inputs, sentence):
    path = save(model([node("Relu", "x", "y")], **inputs), tmp_path)
    with pytest.raises(accelsim.AccelsimError) as error:
        accelsim.load_network(path)
    assert str(error.value) == f"{path}: {sentence.format(path=path)}"


def test_a_second_input_is_an_input_of_the_network(tmp_path):
    path = save(model([node("Add", "x z", "y", name="sum")], x=(1, 3, 8, 8), z=(1, 3, 8, 8)), tmp_path)
    network = accelsim.load_network(path)
    published = build(network)
    assert [*published] == ["input", "z", "sum"]
    assert published["sum"].operands == ("input", "z")
    (layer,) = accelsim.run_network(network, "16x16_128k").layers
    assert layer.dram_bytes.read == 2 * 3 * 8 * 8 * 2


def test_inputs_of_different_batches_are_refused(refused):
    (line,) = refused([node("Add", "x z", "y")], x=(2, 3, 8, 8), z=(1, 3, 8, 8))
    assert line == "input 'z' has a batch of 1, input 'x' one of 2"


def test_a_size_that_the_layers_do_not_take_is_refused(tmp_path):
    nodes = [node("Flatten", "x", "f"), node("Gemm", "f w", "y", transB=1)]
    path = save(model(nodes, [weight("w", 5, 192)]), tmp_path)
    with pytest.raises(accelsim.AccelsimError) as error:
        accelsim.load_network(f"{path}@resolution=16")
    assert str(error.value) == f"{path}: y (Gemm): has weights for 192 inputs, is given 768"


def test_a_layer_larger_than_any_is_refused(tmp_path):
    nodes = [node("Flatten", "x", "f"), node("Gemm", "f w", "y")]
    path = save(model(nodes, [weight("w", 192, 10**10)]), tmp_path)
    with pytest.raises(accelsim.AccelsimError) as error:
        accelsim.load_network(path)
    assert str(error.value) == (
        f"{path}: stages.0.operators.0.out_features = 10000000000: "
        "must be a whole number from 1 to 1000000 (in y)"
    )


@pytest.mark.parametrize("content", [b"", b"no model", b"\x08\x08\x12", b"\x00" * 100])
def test_a_file_that_is_no_model_is_refused(tmp_path, content):
    path = tmp_path / "broken.onnx"
    path.write_bytes(content)
    with pytest.raises(accelsim.AccelsimError, match="is not an ONNX model"):
        accelsim.load_network(path)


def test_half_a_model_is_refused(tmp_path):
    path = save(model(CONV, [weight("w", 4, 3, 1, 1)]), tmp_path)
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(accelsim.AccelsimError, match="is not an ONNX model"):
        accelsim.load_network(path)


def test_a_file_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(accelsim.AccelsimError, match=r"none\.onnx: no such file$"):
        accelsim.load_network(tmp_path / "none.onnx")
    (tmp_path / "folder.onnx").mkdir()
    with pytest.raises(accelsim.AccelsimError, match=r"folder\.onnx: cannot be read: Is a directory$"):
        accelsim.load_network(tmp_path / "folder.onnx")


@pytest.mark.parametrize(
    ("parameters", "sentence"),
    [
        ({"width": 0.5}, "width = '0.5': must be a size as 8, or a shape as 1x3x224x224"),
        ({"width": 8}, "width: no input and no axis has this name: there are x"),
        ({"resolution": 0}, "resolution = 0: must be a whole number from 1 to 8192"),
        ({"resolution": "many"}, "resolution = 'many': must be a whole number from 1 to 8192"),
    ],
)
def test_a_model_has_one_parameter(tmp_path, parameters, sentence):
    path = save(model(CONV, [weight("w", 4, 3, 1, 1)]), tmp_path)
    with pytest.raises(accelsim.AccelsimError) as error:
        accelsim.load_network(path, **parameters)
    assert str(error.value) == f"{path}: {sentence}"


def test_without_the_package_its_extra_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(accelsim.AccelsimError) as error:
        accelsim.load_network(tmp_path / "model.onnx")
    assert str(error.value).endswith(
        'model.onnx: reading ONNX models takes the package onnx: pip install "accelsim[onnx]"'
    )


def test_names_that_no_terminal_or_plot_could_show_are_made_visible(tmp_path):
    nodes = [node("Conv", "x w", "y", name="red\x1b[31m\nline")]
    network = accelsim.load_network(save(model(nodes, [weight("w", 8, 3, 3, 3)]), tmp_path))
    (name, *_) = (layer.name for layer in lower(build(network)).layers)
    assert name == "red_[31m_line"


def test_a_padding_of_nothing_and_one_that_is_cut_off_again_leave_a_tensor_as_it_was(tmp_path):
    nodes = [
        node("Pad", "x p", "a"),
        node("Pad", "a q", "b"),
        node("Slice", "b one last axis", "c"),
        node("Unsqueeze", "c zero", "d"),
        node("Conv", "d w", "y"),
    ]
    constants = [
        numbers("p", 0, 0, 0, 0),
        numbers("q", 0, 1, 0, 1),
        *(numbers(name, value) for name, value in {"one": 1, "last": 65, "axis": 1, "zero": 0}.items()),
        weight("w", 2, 1, 3),
    ]
    path = save(model(nodes, constants, x=(1, 64)), tmp_path)
    assert total_macs(build(accelsim.load_network(path))) == 62 * 2 * 3
