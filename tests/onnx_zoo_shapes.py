"""More kinds of models: computed shapes, batches, quantised and halved numbers, versions, wrong files."""

import numpy as np
from onnx import TensorProto, helper, numpy_helper
from onnx_models import model, node, numbers
from onnx_zoo import floats, kind, refused, scalar, typed, zeros

IMAGE = {"x": (TensorProto.FLOAT, (1, 3, 8, 8))}


# --- shapes that are computed


def flattened(opset, *middle):
    """Conv, a shape that is computed from the shape of its output, and a matrix product."""
    nodes = [node("Conv", "x w", "c"), node("Shape", "c", "s"), *middle]
    nodes += [node("Reshape", "c t", "f"), node("Gemm", "f v b", "y")]
    constants = [
        zeros("w", 4, 3, 3, 3),
        zeros("v", 144, 10),
        zeros("b", 10),
        numbers("i", 0),
        numbers("j", -1),
    ]
    return model(nodes, constants, opset=opset)


@kind
def flattening_by_the_size_of_the_batch():
    return flattened(17, node("Gather", "s i", "n"), node("Concat", "n j", "t", axis=0))


@kind
def flattening_by_slices_of_opset_9():
    nodes = [node("Slice", "s", "n", starts=[0], ends=[1]), node("Concat", "n j", "t", axis=0)]
    return flattened(9, *nodes)


@kind
def flattening_by_a_product_of_opset_11():
    nodes = [
        node("Slice", "s one end", "m"),
        node("ReduceProd", "m", "p", keepdims=1),
        node("Squeeze", "p", "q", axes=[0]),
        node("Unsqueeze", "q", "r", axes=[0]),
        node("Concat", "i1 r", "t", axis=0),
    ]
    proto = flattened(11, *nodes)
    proto.graph.initializer.extend([numbers("one", 1), numbers("end", 2**31 - 1), numbers("i1", 1)])
    return proto


@kind
def shape_of_a_computed_constant():
    nodes = [
        node("Range", "a b d", "r"),
        node("Shape", "r", "s"),
        node("Concat", "one s", "t", axis=0),
        node("Flatten", "x", "f"),
        node("Reshape", "f t", "g"),
        node("Gemm", "g w", "y"),
    ]
    bounds = [scalar(name, value, np.int64) for name, value in (("a", 0), ("b", 192), ("d", 1))]
    return model(nodes, [*bounds, numbers("one", 1), zeros("w", 192, 4)])


@refused("is not known")
def range_too_long_to_compute():
    nodes = [
        node("Range", "a b d", "r"),
        node("ReduceMax", "r", "m", keepdims=0),
        node("Unsqueeze", "m i", "t"),
        node("Reshape", "x t", "y"),
    ]
    bounds = [scalar(name, value, np.int64) for name, value in (("a", 0), ("b", 2**33), ("d", 1))]
    return model(nodes, [*bounds, numbers("i", 0)])


@kind
def chain_of_a_thousand_constants():
    nodes = [node("Add", f"c{index} o", f"c{index + 1}") for index in range(1000)]
    nodes += [node("Reshape", "x c1000", "r"), node("Conv", "r w", "y")]
    constants = [numbers("c0", 1, 3, 8, 8), numbers("o", 0), zeros("w", 4, 3, 3, 3)]
    return model(nodes, constants)


@kind
def resizing_by_computed_sizes():
    nodes = [
        node("Shape", "x", "s"),
        node("Slice", "s z t", "n"),
        node("Concat", "n hw", "to", axis=0),
        helper.make_node("Resize", ["x", "", "", "to"], ["r"], mode="nearest"),
        node("Conv", "r w", "y"),
    ]
    constants = [numbers("z", 0), numbers("t", 2), numbers("hw", 16, 12), zeros("w", 4, 3, 3, 3)]
    return model(nodes, constants, opset=13)


@kind
def resizing_of_opset_11():
    nodes = [helper.make_node("Resize", ["x", "", "s"], ["r"], mode="nearest"), node("Conv", "r w", "y")]
    return model(nodes, [floats("s", 1, 1, 2, 2), zeros("w", 4, 3, 3, 3)], opset=11)


@kind
def upsampling_of_opset_7():
    nodes = [
        node("Upsample", "x", "u", scales=[1.0, 1.0, 2.0, 2.0], mode="nearest"),
        node("Conv", "u w", "y"),
    ]
    return model(nodes, [zeros("w", 4, 3, 3, 3)], opset=8)


@kind
def batch_that_is_not_first():
    nodes = [
        node("Conv", "x w", "c"),
        node("Transpose", "c", "t", perm=[3, 0, 1, 2]),
        node("Reshape", "t s", "r"),
        node("MatMul", "r v", "y"),
    ]
    constants = [zeros("w", 4, 3, 8, 1), numbers("s", 8, 1, 4), zeros("v", 4, 5)]
    return model(nodes, constants)


@kind
def sequence_of_columns():
    nodes = [
        node("Conv", "x w", "c"),
        node("Squeeze", "c a", "s"),
        node("Transpose", "s", "t", perm=[2, 0, 1]),
        node("MatMul", "t v", "y"),
    ]
    return model(nodes, [zeros("w", 4, 3, 8, 1), numbers("a", 2), zeros("v", 4, 5)])


@refused("takes a batch of images apart")
def images_as_pixels_of_one():
    nodes = [node("Reshape", "x s", "r"), node("Conv", "r w", "y")]
    return model(nodes, [numbers("s", 2, 6, 8, 8), zeros("w", 4, 6, 1, 1)], image=(4, 3, 8, 8))


@kind
def stale_shape_of_the_output():
    proto = model([node("Conv", "x w", "y")], [zeros("w", 4, 3, 3, 3)])
    proto.graph.output[0].CopyFrom(helper.make_tensor_value_info("y", TensorProto.FLOAT, (1, 4, 2, 2)))
    return proto


# --- numbers of fewer bits


def dequantised(weights, zero):
    """A convolution of 8-bit activations and weights of another type."""
    nodes = [
        node("QuantizeLinear", "x s z", "q"),
        node("DequantizeLinear", "q s z", "d"),
        node("DequantizeLinear", "w s v", "e"),
        node("Conv", "d e", "c"),
        node("QuantizeLinear", "c s z", "r"),
        node("DequantizeLinear", "r s z", "y"),
    ]
    return model(nodes, [scalar("s", 1.0), scalar("z", 0, np.uint8), weights, zero], opset=21)


@kind
def int8_weights_between_quantisers():
    return dequantised(zeros("w", 4, 3, 3, 3, dtype=np.int8), scalar("v", 0, np.int8))


@kind
def int4_weights_between_quantisers():
    weights, zero = (TensorProto(name=name, data_type=TensorProto.INT4) for name in ("w", "v"))
    weights.dims.extend([4, 3, 3, 3])
    weights.raw_data, zero.raw_data = bytes(54), bytes(1)
    return dequantised(weights, zero)


@kind
def quantised_convolution_and_product():
    nodes = [
        node("QuantizeLinear", "x s z", "q"),
        node("QLinearConv", "q s z w s v s z", "c"),
        node("Flatten", "c", "f"),
        node("QLinearMatMul", "f s z u s v s z", "m"),
        node("DequantizeLinear", "m s z", "y"),
    ]
    constants = [scalar("s", 1.0), scalar("z", 0, np.uint8), scalar("v", 0, np.int8)]
    constants += [zeros("w", 4, 3, 3, 3, dtype=np.int8), zeros("u", 144, 10, dtype=np.int8)]
    return model(nodes, constants)


@kind
def quantised_as_it_runs():
    nodes = [node("DynamicQuantizeLinear", "x", "q s z"), node("ConvInteger", "q w z", "y")]
    return model(nodes, [zeros("w", 4, 3, 3, 3, dtype=np.int8)])


@kind
def half_precision():
    inputs = {"x": (TensorProto.FLOAT16, (1, 3, 8, 8))}
    return typed([node("Conv", "x w", "y")], [zeros("w", 4, 3, 3, 3, dtype=np.float16)], inputs)


@kind
def weights_of_half_precision_only():
    nodes = [node("Cast", "w", "f", to=TensorProto.FLOAT), node("Conv", "x f", "y")]
    return model(nodes, [zeros("w", 4, 3, 3, 3, dtype=np.float16)])


@kind
def image_of_bytes():
    inputs = {"x": (TensorProto.UINT8, (1, 8, 8, 3))}
    nodes = [
        node("Transpose", "x", "t", perm=[0, 3, 1, 2]),
        node("Cast", "t", "f", to=TensorProto.FLOAT),
        node("Conv", "f w", "y"),
    ]
    return typed(nodes, [zeros("w", 4, 3, 3, 3)], inputs)


# --- inputs and outputs


@kind
def open_batch():
    return model([node("Conv", "x w", "y")], [zeros("w", 4, 3, 3, 3)], x=("batch", 3, 8, 8))


@kind
def many_outputs():
    nodes = [node("Conv", "x w", "a"), node("Relu", "a", "b"), node("Conv", "b v", "c")]
    return model(nodes, [zeros("w", 4, 3, 3, 3), zeros("v", 4, 4, 3, 3)], outputs="a b c")


@kind
def input_that_nobody_reads():
    inputs = {"x": (TensorProto.FLOAT, (1, 3, 8, 8)), "open": (TensorProto.FLOAT, ("a", "b"))}
    return typed([node("Conv", "x w", "y")], [zeros("w", 4, 3, 3, 3)], inputs)


@kind
def two_inputs():
    inputs = dict.fromkeys("xz", (TensorProto.FLOAT, (1, 3, 8, 8)))
    return typed([node("Add", "x z", "a"), node("Relu", "a", "y")], [], inputs)


@refused("reads no input")
def output_that_no_input_reaches():
    return model([node("Relu", "k", "y")], [zeros("k", 1, 3, 8, 8)])


@refused("has nothing to execute")
def nothing_but_axes():
    return model([node("Transpose", "x", "y", perm=[0, 2, 3, 1])])


# --- wrong files


@refused("which is made by a (Relu) too")
def tensor_that_is_made_twice():
    nodes = [node("Relu", "x", "t", name="a"), node("Sigmoid", "x", "t", name="b"), node("Relu", "t", "y")]
    return model(nodes)


@refused("which no node before it makes")
def nodes_in_a_circle():
    return model([node("Add", "x b", "a"), node("Relu", "a", "b"), node("Relu", "a", "y")])


@refused("which no node before it makes")
def nodes_out_of_order():
    return model([node("Relu", "a", "y"), node("Relu", "x", "a")])


@refused("strides = 0, 1: must be at least 1")
def strides_of_nothing():
    return model([node("Conv", "x w", "y", strides=[0, 1])], [zeros("w", 4, 3, 3, 3)])


@refused("pads")
def padding_of_a_wrong_length():
    return model([node("Conv", "x w", "y", pads=[1, 1])], [zeros("w", 4, 3, 3, 3)])


@refused("has 3 pads for 4 dimensions: must have two for each")
def padding_node_of_a_wrong_length():
    return model([node("Pad", "x p", "y")], [numbers("p", 0, 0, 1)])


@refused("broadcasts as ONNX did before opset 7")
def broadcast_of_opset_6():
    nodes = [node("Add", "x b", "a", broadcast=1, axis=1), node("Relu", "a", "y")]
    return model(nodes, [zeros("b", 3)], opset=6)


@refused("opset 999 of ONNX: the package onnx here knows")
def opset_of_the_future():
    return model([node("Relu", "x", "y")], opset=999)


@kind
def branch():
    body = helper.make_graph(
        [node("Relu", "x", "b")], "b", [], [helper.make_tensor_value_info("b", TensorProto.FLOAT, None)]
    )
    choice = helper.make_node("If", ["k"], ["y"], then_branch=body, else_branch=body)
    return model([choice, node("Add", "y x", "z")], [scalar("k", True, np.bool_)], outputs="z")


@kind
def sparse_weights():
    values = numpy_helper.from_array(np.ones(2, dtype=np.float32), "w")
    where = numpy_helper.from_array(np.array([1, 5], dtype=np.int64), "where")
    proto = model([node("Gemm", "x w", "y")], image=(1, 10))
    proto.graph.sparse_initializer.append(helper.make_sparse_tensor(values, where, [10, 4]))
    return proto
