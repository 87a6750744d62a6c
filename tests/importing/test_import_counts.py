"""What an imported network counts is what somebody else counts, who knows nothing of the importer.

Shapes are those of a run by onnxruntime (where it cannot run a model, those that onnx infers), and
multiply-accumulates a formula for each operator that has weights.
"""

from math import prod
from pathlib import Path

import numpy as np
import onnx
import onnx_zoo_layouts  # noqa: F401 (adds its models to the zoo's)
import onnx_zoo_shapes  # noqa: F401 (so does it)
import pytest
from onnx import TensorProto, helper, inliner, shape_inference
from onnx_models import save
from onnx_zoo import KINDS, REFUSED

import accelsim
from accelsim.network.build import build
from accelsim.network.graph import total_macs

PACKAGE = Path(onnx.__file__).parent / "backend/test/data"
MODELS = sorted(PACKAGE.rglob("*.onnx"))
WEIGHTS = {
    "Conv": 1,
    "ConvInteger": 1,
    "ConvTranspose": 1,
    "Gemm": 1,
    "MatMul": 1,
    "MatMulInteger": 1,
    "QLinearConv": 3,
    "QLinearMatMul": 3,
}
"""Operators that multiply and accumulate, and where their weights are."""
LARGE = 200 << 20
"""Bytes of tensors beyond which shapes are inferred, not those of a run."""


def independent_macs(proto):
    """Multiply-accumulates of all nodes between input and outputs, for the batch of the model."""
    proto = inliner.inline_local_functions(proto)
    constants = {tensor.name for tensor in proto.graph.initializer}
    constants |= {tensor.values.name for tensor in proto.graph.sparse_initializer}
    for value in proto.graph.input:
        if value.name not in constants and value.type.tensor_type.shape.dim[0].dim_value == 0:
            value.type.tensor_type.shape.dim[0].dim_value = 1  # an open batch
    shapes = shapes_of(proto, constants)
    return sum(node_macs(node, shapes) for node in live_nodes(proto.graph, constants))


def node_macs(node, shapes):
    """Every output element takes as many as it sums up products."""
    place = WEIGHTS.get(node.op_type)
    if place is None:
        return 0
    weights, output = shapes[node.input[place]], shapes[node.output[0]]
    if node.op_type == "ConvTranspose":
        return transposed_macs(node, shapes)
    if "Conv" in node.op_type:
        return prod(output) * prod(weights[1:])
    transposed = any(each.name == "transB" and each.i for each in node.attribute)
    return prod(output) * weights[1 if transposed else -2]


def transposed_macs(node, shapes):
    """A convolution of the input with zeros stuffed in between, but for the taps that lie on those zeros."""
    (_, channels, *_), weights, output = (shapes[name] for name in (*node.input[:2], node.output[0]))
    given = {each.name: helper.get_attribute_value(each) for each in node.attribute}
    axes = len(weights) - 2
    macs = prod(output[:2]) * channels // given.get("group", 1)
    for axis in range(axes):
        stride, dilation = (given.get(key, [1] * axes)[axis] for key in ("strides", "dilations"))
        pad = given.get("pads", [0] * 2 * axes)[axis]
        places = range(output[2 + axis])
        macs *= sum(
            (y + pad - tap * dilation) % stride == 0 for y in places for tap in range(weights[2 + axis])
        )
    return macs


def live_nodes(graph, constants):
    """The nodes that depend on an input and that an output depends on."""
    moving = {value.name for value in graph.input} - constants
    for node in graph.node:
        if moving & set(node.input):
            moving.update(node.output)
    wanted = {value.name for value in graph.output}
    nodes = []
    for node in reversed(graph.node):
        if wanted & set(node.output) and moving & set(node.output):
            wanted.update(node.input)
            nodes.append(node)
    return nodes


def shapes_of(proto, constants):
    """The shape of every tensor."""
    shapes = {tensor.name: tuple(tensor.dims) for tensor in proto.graph.initializer}
    shapes |= {tensor.values.name: tuple(tensor.dims) for tensor in proto.graph.sparse_initializer}
    inferred = shape_inference.infer_shapes(proto, data_prop=True)
    for value in (*inferred.graph.value_info, *inferred.graph.input, *inferred.graph.output):
        shapes.setdefault(value.name, tuple(dim.dim_value for dim in value.type.tensor_type.shape.dim))
    if sum(4 * prod(shape) for shape in shapes.values()) > LARGE:
        return shapes
    return shapes | run_shapes(proto, constants)


def run_shapes(proto, constants):
    """The shapes of what a run puts out, every tensor in between included; none where it cannot run."""
    runtime = pytest.importorskip("onnxruntime")
    probe = onnx.ModelProto()
    probe.CopyFrom(proto)
    del probe.graph.output[:]
    del probe.graph.value_info[:]
    names = [output for node in probe.graph.node for output in node.output if output]
    probe.graph.output.extend(onnx.ValueInfoProto(name=name) for name in names)
    options = runtime.SessionOptions()
    options.graph_optimization_level = runtime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 4
    options.intra_op_num_threads = 1
    feeds = {
        value.name: zeros_for(value.type.tensor_type)
        for value in probe.graph.input
        if value.name not in constants
    }
    try:
        session = runtime.InferenceSession(
            probe.SerializeToString(), options, providers=["CPUExecutionProvider"]
        )
        outputs = session.run(names, feeds)
    except Exception:  # of onnxruntime's own classes: an operator or a version that it does not have
        return {}
    return {name: output.shape for name, output in zip(names, outputs, strict=True)}


def zeros_for(kind):
    """An input of a type."""
    shape = [dim.dim_value or 1 for dim in kind.shape.dim]
    return np.zeros(shape, dtype=helper.tensor_dtype_to_np_dtype(kind.elem_type or TensorProto.FLOAT))


def imported_macs(path):
    """What the importer counts, for the batch of the file."""
    network = accelsim.load_network(path)
    return total_macs(build(network)) * network.images()


@pytest.mark.parametrize("name", [name for name in KINDS if name not in REFUSED])
def test_a_model_that_is_imported_has_the_macs_of_an_independent_count(name, tmp_path):
    proto = KINDS[name]()
    assert imported_macs(save(proto, tmp_path)) == independent_macs(proto)


@pytest.mark.parametrize("name", REFUSED)
def test_a_model_that_is_no_network_is_refused_in_a_sentence(name, tmp_path):
    path = save(KINDS[name](), tmp_path)
    with pytest.raises(accelsim.AccelsimError) as error:
        accelsim.load_network(path)
    assert REFUSED[name] in str(error.value)
    assert all(line.startswith(f"{path}: ") for line in error.value.lines)


@pytest.mark.parametrize("path", MODELS, ids=lambda path: path.parent.name + path.stem)
def test_the_models_of_the_package_onnx_have_their_macs_or_are_refused(path):
    try:
        macs = imported_macs(path)
    except accelsim.AccelsimError as error:
        sentences = [line.partition(": ")[2] for line in error.lines]
        assert all(sentences)
    else:
        assert macs == independent_macs(onnx.load(path))
