"""Small models of every kind that exporters write, with numbers in all of their weights, so that they run.

Each is a function that makes the model; `KINDS` has all of them by name. `REFUSED` says of those that are no
networks here a part of the sentence why.
"""

import numpy as np
from onnx import TensorProto, helper, numpy_helper
from onnx_models import model, node, numbers

KINDS = {}
REFUSED = {}


def kind(function):
    """A model that becomes a network."""
    KINDS[function.__name__] = function
    return function


def refused(sentence):
    """A model that becomes none, and what is said of it."""

    def noted(function):
        REFUSED[function.__name__] = sentence
        return kind(function)

    return noted


def zeros(name, *dims, dtype=np.float32):
    """A constant that holds its numbers."""
    return numpy_helper.from_array(np.zeros(dims, dtype=dtype), name)


def floats(name, *values):
    """A list of settings."""
    return numpy_helper.from_array(np.array(values, dtype=np.float32), name)


def scalar(name, value, dtype=np.float32):
    """A constant of one number."""
    return numpy_helper.from_array(np.array(value, dtype=dtype), name)


def typed(nodes, constants, inputs, outputs="y", opset=17, functions=(), opsets=()):
    """A model whose inputs have types: {name: (type, shape)}."""
    graph = helper.make_graph(
        nodes,
        "graph",
        [helper.make_tensor_value_info(name, kind, shape) for name, (kind, shape) in inputs.items()],
        [helper.make_tensor_value_info(name, TensorProto.UNDEFINED, None) for name in outputs.split()],
        constants,
    )
    own = [helper.make_opsetid("", opset), *opsets]
    return helper.make_model(graph, opset_imports=own, functions=list(functions), producer_name="tests")


# --- convolutions


@kind
def kernel_as_large_as_the_input():
    return model([node("Conv", "x w", "y")], [zeros("w", 2, 3, 8, 8)])


@kind
def two_strides():
    return model([node("Conv", "x w", "y", strides=[2, 1], pads=[1] * 4)], [zeros("w", 5, 3, 3, 3)])


@kind
def depth_multiplier():
    return model([node("Conv", "x w", "y", group=3)], [zeros("w", 12, 1, 3, 3)])


@kind
def odd_groups_and_primes():
    nodes = [node("Conv", "x a", "t", group=3), node("Conv", "t b", "y", strides=[3, 2])]
    return model(nodes, [zeros("a", 21, 3, 3, 3), zeros("b", 13, 21, 5, 3)], image=(1, 9, 17, 19))


@kind
def same_padding_of_an_even_kernel():
    nodes = [
        node("Conv", "x w", "t", auto_pad="SAME_UPPER", strides=[3, 3]),
        node("Conv", "t v", "y", auto_pad="SAME_LOWER"),
    ]
    return model(nodes, [zeros("w", 4, 3, 2, 2), zeros("v", 4, 4, 4, 4)], image=(1, 3, 14, 14))


@kind
def padding_as_a_node():
    constants = [numbers("pads", 0, 0, 2, 1, 0, 0, 1, 2), zeros("w", 4, 3, 3, 3)]
    return model([node("Pad", "x pads", "p", mode="reflect"), node("Conv", "p w", "y")], constants)


@kind
def padding_of_channels():
    constants = [numbers("pads", 0, 1, 0, 0, 0, 0, 0, 0), zeros("w", 4, 4, 3, 3)]
    return model([node("Pad", "x pads", "p"), node("Conv", "p w", "y")], constants)


@kind
def convolution_over_one_axis():
    return model([node("Conv", "x w", "y", group=4)], [zeros("w", 8, 2, 5)], image=(1, 8, 40))


@kind
def convolution_over_one_axis_with_channels_last():
    nodes = [
        node("Transpose", "x", "t", perm=[0, 2, 1]),
        node("Conv", "t w", "c"),
        node("Transpose", "c", "y", perm=[0, 2, 1]),
    ]
    return model(nodes, [zeros("w", 4, 8, 5)], image=(1, 40, 8))


@kind
def transposed_convolution():
    return model([node("ConvTranspose", "x w", "y", strides=[2, 2])], [zeros("w", 3, 4, 2, 2)])


@kind
def huge_kernel():
    return model([node("Conv", "x w", "y", pads=[15] * 4)], [zeros("w", 2, 3, 31, 31)])


@kind
def weights_as_constant_nodes():
    tensor = numpy_helper.from_array(np.zeros((4, 3, 3, 3), dtype=np.float32))
    return model([helper.make_node("Constant", [], ["w"], value=tensor), node("Conv", "x w", "y")])


@kind
def large_weights_as_constant_nodes():
    tensor = numpy_helper.from_array(np.zeros((512, 3, 8, 8), dtype=np.float32))
    return model([helper.make_node("Constant", [], ["w"], value=tensor), node("Conv", "x w", "y")])


@kind
def weights_of_two_convolutions_shared():
    nodes = [node("Conv", "x w", "t", pads=[1] * 4), node("Conv", "t w", "y", pads=[1] * 4)]
    return model(nodes, [zeros("w", 3, 3, 3, 3)])


# --- matrix products


@kind
def matrix_product_with_a_bias_of_one_number():
    return model([node("Gemm", "x w b", "y")], [zeros("w", 10, 4), zeros("b", 1)], image=(1, 10))


@kind
def matrix_product_of_a_batch():
    return model([node("Gemm", "x w", "y", transB=1)], [zeros("w", 4, 10)], image=(256, 10))


@kind
def convolutions_of_a_batch():
    nodes = [
        node("Conv", "x w", "c"),
        node("GlobalAveragePool", "c", "p"),
        node("Flatten", "p", "f"),
        node("Gemm", "f v", "y"),
    ]
    return model(nodes, [zeros("w", 4, 3, 3, 3), zeros("v", 4, 10)], image=(8, 3, 9, 9))


@kind
def matrix_product_of_a_transposed_input():
    return model([node("Gemm", "x w", "y", transA=1)], [zeros("w", 1, 4)], image=(1, 10))


@kind
def matrix_product_with_the_constant_first():
    return model([node("MatMul", "w x", "y")], [zeros("w", 4, 1)], image=(1, 10))


@kind
def attention():
    nodes = [node("Transpose", "x", "t", perm=[0, 2, 1]), node("MatMul", "x t", "y")]
    return model(nodes, image=(1, 6, 8))


@refused("offsets 'x' are computed from the image")
def matrix_product_that_adds_what_it_read():
    return model([node("Gemm", "x w x", "y")], [zeros("w", 10, 10)], image=(1, 10))


@kind
def matrix_product_of_each_pixel():
    nodes = [node("Transpose", "x", "t", perm=[0, 2, 3, 1]), node("MatMul", "t w", "y")]
    return model(nodes, [zeros("w", 3, 5)])


@kind
def matrix_product_along_the_batch():
    nodes = [node("Transpose", "x", "t", perm=[1, 0]), node("MatMul", "t w", "y")]
    return model(nodes, [zeros("w", 1, 4)], image=(1, 10))


@refused("the shape of 'y' is not known: it would be 1 x 2 x -1 x -1")
def kernel_larger_than_the_input():
    return model([node("Conv", "x w", "y")], [zeros("w", 2, 3, 10, 10)])


# --- poolings


@kind
def pooling_rounded_up():
    nodes = [
        node("MaxPool", "x", "m", kernel_shape=[3, 3], strides=[2, 2], ceil_mode=1),
        node("Conv", "m w", "y"),
    ]
    return model(nodes, [zeros("w", 4, 3, 2, 2)])


@kind
def pooling_rounded_up_whose_last_window_onnx_keeps():
    nodes = [
        node("AveragePool", "x", "m", kernel_shape=[4, 4], strides=[4, 4], ceil_mode=1, pads=[2] * 4),
        node("Conv", "m w", "y"),
    ]
    return model(nodes, [zeros("w", 4, 3, 1, 1)], image=(1, 3, 9, 9), opset=19)


@kind
def unpooling_by_the_second_output_of_a_pooling():
    nodes = [
        node("MaxPool", "x", "m i", kernel_shape=[2, 2], strides=[2, 2]),
        node("MaxUnpool", "m i", "u", kernel_shape=[2, 2], strides=[2, 2]),
        node("Conv", "u w", "y"),
    ]
    return model(nodes, [zeros("w", 4, 3, 3, 3)])


@kind
def second_output_that_nobody_reads():
    return model([node("MaxPool", "x", "y unread", kernel_shape=[2, 2])])


@refused("its output 2, 'mask', is read")
def mask_of_a_dropout():
    nodes = [node("Dropout", "x", "d mask"), node("Cast", "mask", "m", to=1), node("Mul", "d m", "y")]
    return model(nodes)


@kind
def mean_over_channels():
    return model([node("ReduceMean", "x", "m", axes=[1]), node("Conv", "m w", "y")], [zeros("w", 4, 1, 3, 3)])


@kind
def mean_over_the_picture():
    nodes = [node("ReduceMean", "x", "m", axes=[-1, -2], keepdims=0), node("Gemm", "m w", "y")]
    return model(nodes, [zeros("w", 3, 5)])


# --- elements


@kind
def constant_larger_than_a_pixel():
    nodes = [node("GlobalAveragePool", "x", "p"), node("Add", "p b", "a"), node("Conv", "a w", "y")]
    return model(nodes, [zeros("b", 1, 3, 7, 7), zeros("w", 4, 3, 3, 3)])


@kind
def constant_with_more_channels():
    nodes = [node("Add", "x b", "a"), node("Conv", "a w", "y")]
    return model(nodes, [zeros("b", 1, 5, 1, 1), zeros("w", 4, 5, 3, 3)], image=(1, 1, 8, 8))


@refused("does the same for 4 images")
def constant_for_more_images():
    nodes = [node("Add", "x b", "a"), node("Conv", "a w", "y")]
    return model(nodes, [zeros("b", 4, 3, 1, 1), zeros("w", 4, 3, 3, 3)])


@kind
def sum_that_repeats_a_pixel():
    nodes = [node("GlobalAveragePool", "x", "p"), node("Add", "p x", "a"), node("Conv", "a w", "y")]
    return model(nodes, [zeros("w", 4, 3, 3, 3)])


@kind
def square_of_an_activation():
    nodes = [node("Relu", "x", "r"), node("Mul", "r r", "s"), node("Conv", "s w", "y")]
    return model(nodes, [zeros("w", 4, 3, 3, 3)])


@kind
def trained_slopes():
    nodes = [node("PRelu", "x s", "a"), node("Conv", "a w", "c"), node("PRelu", "c t", "y")]
    return model(nodes, [zeros("s", 3, 1, 1), zeros("w", 3, 3, 3, 3), zeros("t", 1)])


@kind
def normalised_input():
    nodes = [node("Sub", "x m", "a"), node("Div", "a d", "b"), node("Conv", "b w", "y")]
    return model(nodes, [zeros("m", 1, 3, 1, 1), floats("d", 2.0), zeros("w", 4, 3, 3, 3)])


@kind
def layer_normalisation():
    nodes = [node("LayerNormalization", "x s", "n"), node("MatMul", "n w", "y")]
    return model(nodes, [zeros("s", 16), zeros("w", 16, 4)], image=(1, 6, 16))


@refused("(my.ops.Relu): is no supported operator")
def operator_of_another_domain():
    own = helper.make_node("Relu", ["x"], ["r"], domain="my.ops")
    opsets = [helper.make_opsetid("my.ops", 1)]
    inputs = {"x": (TensorProto.FLOAT, (1, 3, 8, 8))}
    return typed([own, node("Conv", "r w", "y")], [zeros("w", 4, 3, 3, 3)], inputs, opsets=opsets)


@kind
def function_of_the_file():
    body = [node("Relu", "a", "r"), node("Mul", "r r", "b")]
    squared = helper.make_function("own", "Squared", ["a"], ["b"], body, [helper.make_opsetid("", 17)])
    call = helper.make_node("Squared", ["x"], ["s"], domain="own")
    inputs = {"x": (TensorProto.FLOAT, (1, 3, 8, 8))}
    opsets = [helper.make_opsetid("own", 1)]
    nodes = [call, node("Conv", "s w", "y")]
    return typed(nodes, [zeros("w", 4, 3, 3, 3)], inputs, functions=[squared], opsets=opsets)


# --- channels


@kind
def uneven_split():
    nodes = [
        node("Split", "x s", "a b", axis=1),
        node("Conv", "a w", "c"),
        node("Conv", "b v", "d"),
        node("Concat", "c d", "y", axis=1),
    ]
    constants = [numbers("s", 2, 6), zeros("w", 4, 2, 3, 3), zeros("v", 4, 6, 3, 3)]
    return model(nodes, constants, image=(1, 8, 9, 9))


@kind
def concatenation_of_the_same_twice():
    nodes = [node("Concat", "x x", "c", axis=1), node("Conv", "c w", "y")]
    return model(nodes, [zeros("w", 4, 6, 3, 3)])


@kind
def concatenation_with_a_constant():
    nodes = [node("Concat", "x k", "c", axis=1), node("Conv", "c w", "y")]
    return model(nodes, [zeros("k", 1, 1, 8, 8), zeros("w", 4, 4, 3, 3)])


@kind
def concatenation_of_rows():
    nodes = [node("Concat", "x x", "c", axis=2), node("Conv", "c w", "y")]
    return model(nodes, [zeros("w", 4, 3, 3, 3)])


@kind
def channels_in_reverse():
    nodes = [node("Gather", "x i", "g", axis=1), node("Conv", "g w", "y")]
    return model(nodes, [numbers("i", 2, 1, 0), zeros("w", 4, 3, 3, 3)])


@kind
def channels_twice():
    nodes = [node("Gather", "x i", "g", axis=1), node("Conv", "g w", "y")]
    return model(nodes, [numbers("i", 0, 0, 2), zeros("w", 4, 3, 3, 3)])


@kind
def one_channel_by_its_number():
    nodes = [node("Gather", "x i", "g", axis=1), node("Reshape", "g s", "r"), node("Conv", "r w", "y")]
    constants = [numbers("i", -1, dims=[]), numbers("s", 1, 1, 8, 8), zeros("w", 4, 1, 3, 3)]
    return model(nodes, constants)


@kind
def channel_shuffle():
    nodes = [
        node("Reshape", "x s", "a"),
        node("Transpose", "a", "b", perm=[0, 2, 1, 3, 4]),
        node("Reshape", "b t", "c"),
        node("Conv", "c w", "y", group=4),
    ]
    constants = [numbers("s", 0, 4, 2, 6, 6), numbers("t", 0, -1, 6, 6), zeros("w", 8, 2, 1, 1)]
    return model(nodes, constants, image=(1, 8, 6, 6))


@kind
def channels_counted_from_the_end():
    nodes = [node("Gather", "x i", "g", axis=1), node("Conv", "g w", "y")]
    return model(nodes, [numbers("i", -2, -1), zeros("w", 4, 2, 3, 3)])


@refused("picks elements that are not among the 3 of dimension 1")
def channels_that_are_not_there():
    return model([node("Gather", "x i", "y", axis=1)], [numbers("i", 0, 3)])


@kind
def every_second_row():
    constants = [numbers("a", 0), numbers("b", 8), numbers("c", 2), numbers("d", 2), zeros("w", 4, 3, 3, 3)]
    return model([node("Slice", "x a b c d", "s"), node("Conv", "s w", "y")], constants)


@kind
def cropped_picture():
    constants = [numbers("a", 1, 1), numbers("b", -1, 2**62), numbers("c", 2, 3), zeros("w", 4, 3, 3, 3)]
    return model([node("Slice", "x a b c", "s"), node("Conv", "s w", "y")], constants)


@refused("nothing")
def empty_slice():
    constants = [numbers("a", 5), numbers("b", 2), numbers("c", 2)]
    return model([node("Slice", "x a b c", "s"), node("Relu", "s", "y")], constants)


@refused("takes some of the images of a batch")
def some_images_of_the_batch():
    constants = [numbers("a", 0), numbers("b", 2), numbers("c", 0), zeros("w", 4, 3, 3, 3)]
    nodes = [node("Slice", "x a b c", "s"), node("Conv", "s w", "y")]
    return model(nodes, constants, image=(4, 3, 8, 8))


@kind
def pixels_to_channels():
    return model([node("SpaceToDepth", "x", "s", blocksize=2), node("Relu", "s", "y")])
