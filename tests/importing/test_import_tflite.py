"""TensorFlow Lite models: each operator is the layer that it is, in the bits of the file, or is refused."""

import random
import sys
from itertools import pairwise

import pytest
from tflite_models import RELU, RELU6, SAME, VALID, TfliteModel

import accelsim
from accelsim.network.build import build
from accelsim.network.graph import total_macs, total_params
from accelsim.network.lowered import lowered_network
from accelsim.network.shapes import operator_name


def small(*shape, type="INT8"):
    """A model with an input `x`."""
    model = TfliteModel()
    model.inputs = [model.tensor("x", *shape, type=type)]
    return model


def convolved(model, source, output, shape, weights, code="CONV_2D", activation=0, **fields):
    """The model with a convolution."""
    channels = weights[-1] if code == "DEPTHWISE_CONV_2D" else weights[0]
    model.tensor(output, *shape, type=model.tensors[source][1])
    constants = (model.weights(f"{output}/w", *weights), model.weights(f"{output}/b", channels, type="INT32"))
    inputs = " ".join([source, *constants])
    options = {"CONV_2D": "Conv2DOptions", "DEPTHWISE_CONV_2D": "DepthwiseConv2DOptions"}[code]
    values = {
        "StrideH": 1,
        "StrideW": 1,
        "DilationHFactor": 1,
        "DilationWFactor": 1,
        "Padding": SAME,
    } | fields
    model.add(code, inputs, output, options, FusedActivationFunction=activation, **values)
    return output


def dense(model, source, output, features, inputs, activation=0):
    model.tensor(output, 1, features, type=model.tensors[source][1])
    weights, bias = f"{output}/w", f"{output}/b"
    operands = (
        f"{source} {model.weights(weights, features, inputs)} {model.weights(bias, features, type='INT32')}"
    )
    return model.add(
        "FULLY_CONNECTED", operands, output, "FullyConnectedOptions", FusedActivationFunction=activation
    )


def keyword_spotting():
    """The DS-CNN of MLPerf Tiny (Banbury et al., 2021): 49 x 10 features, four blocks of 64 channels."""
    model = small(1, 49, 10, 1)
    last = convolved(
        model, "x", "conv", (1, 25, 5, 64), (64, 10, 4, 1), activation=RELU, StrideH=2, StrideW=2
    )
    for block in range(1, 5):
        shape = (1, 25, 5, 64)
        last = convolved(
            model, last, f"dw{block}", shape, (1, 3, 3, 64), "DEPTHWISE_CONV_2D", RELU, DepthMultiplier=1
        )
        last = convolved(model, last, f"pw{block}", shape, (64, 1, 1, 64), activation=RELU)
    model.tensor("pool", 1, 1, 1, 64)
    model.add(
        "AVERAGE_POOL_2D",
        last,
        "pool",
        "Pool2DOptions",
        Padding=VALID,
        StrideH=25,
        StrideW=5,
        FilterHeight=25,
        FilterWidth=5,
    )
    model.tensor("flat", 1, 64)
    model.add("RESHAPE", f"pool {model.numbers('shape', -1, 64)}", "flat", "ReshapeOptions")
    dense(model, "flat", "scores", 12, 64)
    model.tensor("y", 1, 12)
    model.outputs = [model.add("SOFTMAX", "scores", "y", "SoftmaxOptions")]
    return model


def imported(model, folder):
    return accelsim.load_network(model.save(folder))


def test_a_model_of_mlperf_tiny_has_its_macs_its_bits_and_its_layers(tmp_path):
    network = imported(keyword_spotting(), tmp_path)
    published = build(network)
    macs = 25 * 5 * 64 * (10 * 4 + 4 * (9 + 64)) + 64 * 12
    params = 64 * (40 + 1) + 4 * 64 * (9 + 1 + 64 + 1) + 12 * (64 + 1)
    assert (total_macs(published), total_params(published)) == (macs, params) == (2_656_768, 22_604)
    assert network.description.precision.model_dump(exclude_none=True) == {
        "weights_bits": 8,
        "activations_bits": 8,
    }
    layers = [layer.name for layer in lowered_network(network).graph.layers]
    assert layers == [
        "conv",
        *(f"{kind}{block}" for block in range(1, 5) for kind in ("dw", "pw")),
        "scores",
    ]
    assert accelsim.run_network(network, "npu_int8_256k").macs == macs


def test_the_layers_of_an_autoencoder_are_products_of_vectors(tmp_path):
    """Anomaly detection of MLPerf Tiny: 640 - 4 x 128 - 8 - 4 x 128 - 640."""
    model, last, sizes = small(1, 640), "x", [640, 128, 128, 128, 128, 8, 128, 128, 128, 128, 640]
    for index, (inputs, outputs) in enumerate(pairwise(sizes)):
        last = dense(model, last, f"fc{index}", outputs, inputs, RELU)
    model.outputs = [last]
    published = build(imported(model, tmp_path))
    assert total_macs(published) == 2 * 640 * 128 + 6 * 128 * 128 + 2 * 128 * 8 == 264_192


@pytest.mark.parametrize(
    ("size", "kernel", "stride", "dilation", "padding", "output", "margins"),
    [
        (8, 3, 1, 1, SAME, 8, (1, 1)),
        (8, 3, 2, 1, SAME, 4, (0, 1)),
        (7, 3, 2, 1, SAME, 4, (1, 1)),
        (8, 2, 1, 1, SAME, 8, (0, 1)),
        (8, 3, 1, 2, SAME, 8, (2, 2)),
        (8, 3, 1, 1, VALID, 6, (0, 0)),
        (8, 3, 2, 1, VALID, 3, (0, 0)),
    ],
)
def test_padding_is_what_tensorflow_makes_of_same_and_valid(
    tmp_path, size, kernel, stride, dilation, padding, output, margins
):
    model = small(1, size, size, 4)
    options = {"StrideH": stride, "StrideW": stride, "DilationHFactor": dilation, "DilationWFactor": dilation}
    model.outputs = [
        convolved(model, "x", "y", (1, output, output, 6), (6, kernel, kernel, 4), Padding=padding, **options)
    ]
    operator = build(imported(model, tmp_path))["y"].operator
    given = operator.window.padding
    assert (operator.output.height, operator.macs) == (output, output**2 * 6 * 4 * kernel**2)
    assert ((given.top, given.bottom), (given.left, given.right)) == (margins, margins)


def test_a_depthwise_convolution_may_have_several_outputs_a_channel(tmp_path):
    model = small(1, 8, 8, 4)
    model.outputs = [
        convolved(model, "x", "y", (1, 8, 8, 12), (1, 3, 3, 12), "DEPTHWISE_CONV_2D", DepthMultiplier=3)
    ]
    operator = build(imported(model, tmp_path))["y"].operator
    assert (operator.groups, operator.output.channels, operator.macs) == (4, 12, 64 * 12 * 9)


@pytest.mark.parametrize(
    ("kind", "bits"),
    [
        ("INT8", {"weights_bits": 8, "activations_bits": 8}),
        ("INT16", {"weights_bits": 8, "activations_bits": 16}),
        ("FLOAT32", {"weights_bits": 8}),
    ],
)
def test_bits_are_those_of_the_tensors(tmp_path, kind, bits):
    model = small(1, 8, 8, 4, type=kind)
    model.outputs = [convolved(model, "x", "y", (1, 8, 8, 4), (4, 3, 3, 4))]
    assert imported(model, tmp_path).description.precision.model_dump(exclude_none=True) == bits


def test_weights_that_are_stored_in_16_bits_have_16(tmp_path):
    model = small(1, 8, 8, 4, type="FLOAT32")
    model.weights("half", 4, 3, 3, 4, type="FLOAT16")
    model.tensor("w", 4, 3, 3, 4, type="FLOAT32")
    model.add("DEQUANTIZE", "half", "w", "DequantizeOptions")
    model.tensor("y", 1, 8, 8, 4, type="FLOAT32")
    model.add("CONV_2D", "x w -", "y", "Conv2DOptions", StrideH=1, StrideW=1, Padding=SAME)
    model.outputs = ["y"]
    network = imported(model, tmp_path)
    assert network.description.precision.weights_bits == 16
    assert total_params(build(network)) == 4 * 9 * 4


def test_residuals_concatenations_and_means_are_themselves(tmp_path):
    model = small(1, 8, 8, 4)
    convolved(model, "x", "left", (1, 8, 8, 4), (4, 3, 3, 4), activation=RELU6)
    model.tensor("sum", 1, 8, 8, 4)
    model.add("ADD", "left x", "sum", "AddOptions", FusedActivationFunction=RELU)
    model.tensor("side", 1, 8, 8, 8)
    model.add("CONCATENATION", "sum left", "side", "ConcatenationOptions", Axis=3)
    model.tensor("mean", 1, 8)
    model.add("MEAN", f"side {model.numbers('axes', 1, 2)}", "mean", "ReducerOptions", KeepDims=0)
    model.outputs = [dense(model, "mean", "y", 2, 8)]
    published = build(imported(model, tmp_path))
    kinds = {node.name: operator_name(node.operator) for node in published.nodes}
    assert kinds == {
        "input": "input",
        "left": "conv",
        "left/Clip": "relu6",
        "sum": "add",
        "sum/Relu": "relu",
        "side": "concat",
        "mean": "global_average_pool",
        "y": "fully_connected",
    }


def test_rows_and_columns_that_are_padded_apart_are_padding_of_the_convolution(tmp_path):
    model = small(1, 8, 8, 4)
    model.tensor("padded", 1, 9, 9, 4)
    pads = model.tensor("pads", 4, 2, type="INT32", values=[0, 0, 0, 1, 0, 1, 0, 0])
    model.add("PAD", f"x {pads}", "padded", "PadOptions")
    model.outputs = [
        convolved(model, "padded", "y", (1, 4, 4, 4), (4, 3, 3, 4), StrideH=2, StrideW=2, Padding=VALID)
    ]
    padding = build(imported(model, tmp_path))["y"].operator.window.padding
    assert (padding.top, padding.bottom, padding.left, padding.right) == (0, 1, 0, 1)


def test_slices_of_one_tensor_are_each_of_their_own(tmp_path):
    model = small(1, 8, 8, 6)
    for name, begin, end in (("left", 0, 2), ("right", 2, 6)):
        model.tensor(name, 1, 8, 8, end - begin)
        bounds = (model.numbers(f"{name}/begin", 0, 0, 0, begin), model.numbers(f"{name}/end", 0, 0, 0, end))
        operands = " ".join(("x", *bounds, model.numbers(f"{name}/steps", 1, 1, 1, 1)))
        model.add("STRIDED_SLICE", operands, name, "StridedSliceOptions", BeginMask=7, EndMask=7)
        model.outputs.append(convolved(model, name, f"{name}/y", (1, 8, 8, 4), (4, 1, 1, end - begin)))
    published = build(imported(model, tmp_path))
    macs = {node.name: node.operator.macs for node in published.nodes if node.operator.macs}
    assert macs == {"left/y": 64 * 2 * 4, "right/y": 64 * 4 * 4}


def test_states_are_read_and_stored(tmp_path):
    """A streaming model keeps rows of the inference before: an input and an output of the network."""
    model = small(1, 1, 8, 4)
    model.tensor("handle", 1)
    model.add("VAR_HANDLE", "", "handle", "VarHandleOptions")
    model.tensor("before", 1, 2, 8, 4)
    model.add("READ_VARIABLE", "handle", "before")
    convolved(model, "before", "a", (1, 2, 8, 4), (4, 1, 1, 4))
    model.tensor("after", 1, 2, 8, 4)
    model.add("TANH", "a", "after")
    model.tensor("none", 1)
    model.operators.append(("ASSIGN_VARIABLE", ("handle", "after"), (), "", {}))
    model.operators[-1] = type(model.operators[0])(*model.operators[-1])
    model.outputs = [convolved(model, "x", "y", (1, 1, 8, 4), (4, 1, 1, 4))]
    network = imported(model, tmp_path)
    assert "1 state that is read as an input and stored as an output" in network.description.source
    inputs = [node.operator.output.elements for node in build(network).nodes if node.operator.kind == "input"]
    assert sorted(inputs) == [1 * 8 * 4, 2 * 8 * 4]


def refusal(path, **settings):
    with pytest.raises(accelsim.AccelsimError) as error:
        accelsim.load_network(path, **settings)
    return error.value.lines


def test_an_operator_that_nothing_here_is_is_named_as_tensorflow_names_it(tmp_path):
    model = small(1, 8, 8, 4)
    model.tensor("y", 1, 8, 8, 4)
    model.outputs = [model.add("UNIDIRECTIONAL_SEQUENCE_LSTM", "x", "y")]
    path = model.save(tmp_path)
    assert "UNIDIRECTIONAL_SEQUENCE_LSTM" in refusal(path)[0]


def test_tensors_that_contradict_each_other_are_named_by_their_shapes(tmp_path):
    model = small(1, 8, 8, 4)
    model.tensor("y", 1, 6)
    size, weights = model.weights("size", 4, type="INT32"), model.weights("w", 6, 3, 3, 4)
    options = {"StrideH": 2, "StrideW": 2, "Padding": SAME}
    model.outputs = [
        model.add("TRANSPOSE_CONV", f"{size} {weights} x", "y", "TransposeConvOptions", **options)
    ]
    (line,) = refusal(model.save(tmp_path))
    assert "TRANSPOSE_CONV): its options and tensors contradict each other: of 4, 6 x 3 x 3 x 4, " in line
    assert line.endswith("it makes 1 x 6")


def test_sizes_are_the_files(tmp_path):
    path = keyword_spotting().save(tmp_path)
    sentence = "fixes all of its sizes: leave those after the @ out; --batch says how many images"
    assert refusal(f"{path}@x=1x98x10x1") == [f"{path}: {sentence}"]
    assert [*build(accelsim.load_network(f"{path}@until=dw1"))] == [
        "input",
        "conv",
        "conv/Relu",
        "dw1",
        "dw1/Relu",
    ]


def test_without_the_package_its_extra_is_named(tmp_path, monkeypatch):
    path = keyword_spotting().save(tmp_path)
    monkeypatch.setitem(sys.modules, "tflite", None)
    sentence = 'is a TensorFlow Lite model, which takes a package: pip install "accelsim[tflite]"'
    assert refusal(path) == [f"{path}: {sentence}"]


@pytest.mark.parametrize("content", [b"", b"\x1c\0\0\0", b"ONNX" * 9, b"\x1c\0\0\0TFL3"])
def test_what_is_no_model_is_one_line(tmp_path, content):
    path = tmp_path / "model.tflite"
    path.write_bytes(content)
    (line,) = refusal(path)
    assert line.startswith(f"{path}: is not a")


def test_a_damaged_file_is_refused_or_another_network_and_nothing_else(tmp_path):
    """Cut anywhere, or with any bytes changed: never another exception, and no count that takes long."""
    content = keyword_spotting().content()
    path = tmp_path / "model.tflite"
    draw = random.Random(21)
    for trial in range(400):
        damaged = bytearray(content[: draw.randrange(8, len(content))] if trial % 4 == 0 else content)
        for _ in range(0 if trial % 4 == 0 else draw.choice((1, 2, 8, 60))):
            damaged[draw.randrange(8, len(damaged))] = draw.choice(
                (0, 1, 0x7F, 0x80, 0xFF, draw.randrange(256))
            )
        path.write_bytes(damaged)
        try:
            accelsim.load_network(path)
        except accelsim.AccelsimError as error:
            assert error.lines
