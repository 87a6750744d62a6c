"""Each operator of ONNX as rows: a rule for each says what its outputs are, or what keeps it from being one.

Here are matrix products, operators on elements, and channels that move; windows.py has convolutions and
poolings, axes.py what only gives axes other names.
"""

from collections.abc import Mapping
from dataclasses import replace
from math import prod
from typing import Any, Final

from accelsim.importers import axes, windows
from accelsim.importers.model import Imported, Model, ModelNode
from accelsim.importers.patterns import put_together
from accelsim.importers.rows import (
    ALL,
    GROUP,
    WORDS,
    C,
    Conversion,
    H,
    ModelTensor,
    N,
    NodeContext,
    NodeError,
    Outputs,
    Rule,
    W,
    by,
)


def imported(model: Model) -> Imported:
    """The model as the data of a network's YAML.

    Args:
        model: Nodes with the operators of ONNX, and the shapes of their tensors.

    Returns:
        A row of the block `graph` for each operator that is executed, with all of its arguments.

    Raises:
        NetworkError: With a line for each node that cannot be a row.

    Example:
        >>> relu = ModelNode("relu", "Relu", ("x",), ("y",))
        >>> shapes = {"x": (1, 3, 8, 8), "y": (1, 3, 8, 8)}
        >>> ends = {"inputs": ("x",), "outputs": ("y",)}
        >>> weights = {"constants": frozenset(), "value": lambda name: ()}
        >>> model = Model("net", "net", "an example", (relu,), **ends, shapes=shapes, **weights)
        >>> imported(model).data["stages"][0]["operators"][0]["operator"]
        'activation'
    """
    return Conversion(put_together(_pruned(model)), RULES).result()


def _pruned(model: Model) -> Model:
    """Without the nodes that the outputs do not depend on, and without those that are constant."""
    needed_tensors = set(model.outputs)
    nodes: list[ModelNode] = []
    for node in reversed(model.nodes):
        if needed_tensors & set(node.outputs) and not model.constants.issuperset(filter(None, node.outputs)):
            nodes.append(node)
            needed_tensors.update(node.inputs)
    return replace(model, nodes=tuple(reversed(nodes)))


# --- rules: matrix products


def _gemm(node: NodeContext) -> Outputs:
    if node.attribute("transA", 0):
        raise NodeError("transposes its input (transA = 1): must be 0")
    weights = node.weights(1)
    rows, columns = weights[::-1] if node.attribute("transB", 0) else weights
    return _matrix_product(node, rows, columns, weights_at=1, bias_at=2)


def _matmul(node: NodeContext) -> Outputs:
    if not (node.is_constant(0) or node.is_constant(1)):
        raise NodeError("multiplies two tensors that depend on the image: one has to be a constant")
    return _matrix_product(node, *_matrix(node, 1), weights_at=1, bias_at=2)


def _quantised_matmul(node: NodeContext) -> Outputs:
    return _matrix_product(node, *_matrix(node, 3), weights_at=3, bias_at=None)


def _matrix(node: NodeContext, index: int) -> tuple[int, int]:
    """Rows and columns of weights."""
    weights = node.weights(index)
    if len(weights) != 2:
        raise NodeError(f"has weights of {by(weights)}: a matrix is supported")
    return weights


def _matrix_product(
    node: NodeContext, inputs: int, outputs: int, *, weights_at: int, bias_at: int | None
) -> Outputs:
    """Of everything in the tensor, or of the channels of each pixel."""
    tensor = node.tensor()
    last = tensor.axes[-1]
    if len(tensor.axes) > 2 and (last != C or GROUP in tensor.axes):
        node.not_the_axes(tensor, (N, H, W, C))
    if len(tensor.axes) == 2 and tensor.axes not in {(N, C), (N, ALL)}:
        node.not_the_axes(tensor, (N, C))
    if tensor.sizes.get(last) != inputs:
        raise NodeError(f"has weights for {inputs} inputs, is given {tensor.sizes.get(last)}")
    positions: dict[str, Any] = {"weights": weights_at, "bias": bias_at}
    if len(tensor.axes) == 2:
        output = node.array_row("fully_connected", tensor, (outputs, 1, 1), **positions, out_features=outputs)
        return node.becomes(replace(output, axes=(N, C)))
    output = node.array_row("conv", tensor, (outputs, *tensor.shape[1:]), **positions, out_channels=outputs)
    return node.becomes(replace(output, axes=tensor.axes))


# --- rules: elements


def _batch_norm(node: NodeContext) -> Outputs:
    return node.same_shape("batch_norm", node.image(), shared=node.shared(scale=1, shift=2))


def _prelu(node: NodeContext) -> Outputs:
    slopes = prod(node.weights(1, "slopes"))
    shared = node.shared(slopes=1)
    return node.same_shape("activation", node.tensor(), function="leaky_relu", slopes=slopes, shared=shared)


def _lrn(node: NodeContext) -> Outputs:
    return node.same_shape("lrn", node.image(), size=node.attribute("size"))


def _softmax(node: NodeContext) -> Outputs:
    return node.same_shape("softmax", node.tensor())


def _activation(function: str) -> Rule:
    return lambda node: node.same_shape("activation", node.tensor(), function=function)


def _clip(node: NodeContext) -> Outputs:
    low, high = node.values(1, "min"), node.values(2, "max")
    functions: dict[Any, str] = {((0.0,), (6.0,)): "relu6", ((0.0,), None): "relu"}
    function = functions.get((low, high), "clip")
    return node.same_shape("activation", node.tensor(), function=function)


def _combine(node: NodeContext) -> Outputs:
    """A sum or product of tensors, or of a tensor and a constant."""
    if node.attribute("broadcast") and prod(node.dims(node.node.input(1))) > 1:
        raise NodeError("broadcasts as ONNX did before opset 7: let the exporter write a later one")
    operator = "multiply" if node.node.operator in {"Mul", "Div"} else "add"
    inputs = [node.tensor(index) for index in range(len(node.node.inputs)) if not node.is_constant(index)]
    if len(inputs) == 1:
        return node.same_shape("activation", _grown(node, inputs[0]), function="linear")
    first = max(inputs, key=lambda tensor: prod(tensor.shape))
    for operand in inputs:
        gate = operator == "multiply" and operand.shape == (first.shape[0], 1, 1)
        if (operand.shape != first.shape and not gate) or not _aligned(first, operand):
            raise NodeError(
                f"cannot combine {by(first.shape)} and {by(operand.shape)}: must be alike, or a product "
                "with one factor for each channel"
            )
    ordered = sorted(inputs, key=lambda tensor: tensor.shape != first.shape)
    if operator == "multiply" and len(ordered) != 2:
        raise NodeError(f"multiplies {len(ordered)} tensors: two are supported")
    output = node.row(operator, ordered, first.shape)
    return node.becomes(replace(first, row=output.row))


def _grown(node: NodeContext, tensor: ModelTensor) -> ModelTensor:
    """The tensor with one pixel repeated where a constant is larger than it."""
    dims = node.output_dims
    if len(dims) != len(tensor.axes):
        raise NodeError("a constant gives its result more dimensions than its input has")
    sizes = dict(zip(tensor.axes, dims, strict=True))
    grown = {axis for axis in tensor.axes if sizes[axis] != tensor.sizes[axis]}
    if not grown:
        return tensor
    if grown - {H, W}:
        axis = next(axis for axis in tensor.axes if axis in grown)
        raise NodeError(
            f"a constant makes {by(dims)} of {by(tensor.dims)}: height and width may grow so, "
            f"{WORDS[axis]} not"
        )
    height, width = (sizes.get(axis, tensor.sizes[axis]) for axis in (H, W))
    shape = (tensor.shape[0], height, width)
    output = node.row("resize", [tensor], shape, suffix=".grown", size=(height, width))
    return replace(output, axes=tensor.axes)


def _aligned(first: ModelTensor, operand: ModelTensor) -> bool:
    """Whether the same axes meet; it does not matter what an axis of one element is called."""
    if len(first.axes) != len(operand.axes) or first.groups != operand.groups:
        return len(first.axes) == len(operand.axes) and prod(operand.shape) == 1
    pairs = zip(first.axes, operand.axes, strict=True)
    return all(a == b or first.sizes.get(a) == operand.sizes.get(b) == 1 for a, b in pairs)


# --- rules: channels that move


def _concat(node: NodeContext) -> Outputs:
    inputs = node.tensors()
    first = inputs[0]
    axis = node.attribute("axis", 1) % len(first.axes)
    if len(inputs) == 1:
        return node.becomes(first)
    if any(tensor.axes != first.axes or tensor.groups > 1 for tensor in inputs):
        raise NodeError("concatenates tensors with different axes: must all be channels x height x width")
    if first.axes[axis] != C:
        raise NodeError(f"concatenates along dimension {axis}: only channels can")
    shape = (sum(tensor.shape[0] for tensor in inputs), *first.shape[1:])
    return node.becomes(replace(node.row("concat", inputs, shape), axes=first.axes))


def _split(node: NodeContext) -> Outputs:
    tensor = node.tensor()
    _cuts_channels(tensor, node.attribute("axis", 0))
    parts: Outputs = {}
    first = 0
    for index, output in enumerate(node.node.outputs):
        channels = node.dims(output)[node.attribute("axis", 0)]
        if node.conversion.model.readers[output]:
            parts[output] = _channels_of(node, tensor, first, channels, suffix=f".part{index + 1}")
        first += channels
    return parts


def _cuts_channels(tensor: ModelTensor, axis: int) -> None:
    if tensor.axes[axis % len(tensor.axes)] != C:
        raise NodeError(f"takes a part of dimension {axis}: only of the channels, one can")


def _channels_of(
    node: NodeContext, tensor: ModelTensor, first: int, channels: int, suffix: str = ""
) -> ModelTensor:
    if (first, channels) == (0, tensor.shape[0]):
        return tensor
    shape = (channels, *tensor.shape[1:])
    output = node.row("channel_slice", [tensor], shape, suffix=suffix, first=first, channels=channels)
    return replace(output, axes=tensor.axes)


def _slice(node: NodeContext) -> Outputs:
    """Successive channels, or fewer rows and columns: padding of less than nothing."""
    tensor = node.tensor(padded=True)
    rank = len(tensor.axes)
    starts, ends = node.integers(1, "starts"), node.integers(2, "ends")
    axes = node.integers(3, "axes") or list(range(len(starts or ())))
    steps = node.integers(4, "steps") or [1] * len(axes)
    if starts is None or ends is None or set(steps) != {1}:
        raise NodeError("takes every so many elements: steps of 1 are supported")
    padding = dict(zip(("top", "bottom", "left", "right"), tensor.padding, strict=True))
    before_after = {H: ("top", "bottom"), W: ("left", "right")}
    for axis, start, end in zip((axis % rank for axis in axes), starts, ends, strict=True):
        letter = tensor.axes[axis]
        before, after = before_after.get(letter, ("", ""))
        size = tensor.sizes.get(letter, 0) + padding.get(before, 0) + padding.get(after, 0)
        first, last = _bounded(start, size), _bounded(end, size)
        if letter in before_after:
            padding[before] -= first
            padding[after] -= size - last
        elif letter == C and tensor.groups == 1:
            tensor = _channels_of(node, tensor, first, last - first)
        elif letter != N:
            raise NodeError(f"takes a part of dimension {axis}: only of channels, height or width, one can")
    top, bottom, left, right = padding.values()
    return node.becomes(replace(tensor, padding=(top, bottom, left, right)))


def _bounded(index: int, size: int) -> int:
    return min(max(index + size if index < 0 else index, 0), size)


def _gather(node: NodeContext) -> Outputs:
    """Channels in another order, or successive ones."""
    tensor, axis = node.tensor(), node.attribute("axis", 0)
    _cuts_channels(tensor, axis)
    channels = tensor.shape[0]
    order = [index + channels if index < 0 else index for index in node.integers(1) or []]
    if not all(0 <= index < channels for index in order):
        raise NodeError(f"picks channels that are not among the {channels} of its input")
    first = order[0] if order else 0
    if len(order) == 1 and len(node.output_dims) == len(tensor.axes) - 1:  # a number: the axis goes with it
        axes = tuple(axis for axis in tensor.axes if axis != C)
        return node.becomes(replace(_channels_of(node, tensor, first, 1), axes=axes))
    if order == list(range(first, first + len(order))) and len(node.output_dims) == len(tensor.axes):
        return node.becomes(_channels_of(node, tensor, first, len(order)))
    if sorted(order) != list(range(channels)):
        raise NodeError("picks single channels: only all of them in another order, or successive ones")
    return node.same_shape("channel_permutation", tensor)


RULES: Final[Mapping[str, Rule]] = {
    "Conv": windows.conv,
    "QLinearConv": windows.quantised_conv,
    "Gemm": _gemm,
    "MatMul": _matmul,
    "QLinearMatMul": _quantised_matmul,
    "BatchNormalization": _batch_norm,
    "MaxPool": windows.pool("max_pool"),
    "AveragePool": windows.pool("average_pool"),
    "GlobalAveragePool": windows.global_pool,
    "GlobalMaxPool": windows.global_max_pool,
    "ReduceMean": windows.reduce,
    "ReduceMax": windows.reduce,
    "LRN": _lrn,
    "Softmax": _softmax,
    "LogSoftmax": _softmax,
    "Clip": _clip,
    "Relu": _activation("relu"),
    "LeakyRelu": _activation("leaky_relu"),
    "PRelu": _prelu,
    "Elu": _activation("elu"),
    "Selu": _activation("elu"),
    "Celu": _activation("elu"),
    "Softplus": _activation("softplus"),
    "Sigmoid": _activation("sigmoid"),
    "HardSigmoid": _activation("hard_sigmoid"),
    "Tanh": _activation("tanh"),
    "Swish": _activation("swish"),
    "HardSwish": _activation("hard_swish"),
    "Gelu": _activation("gelu"),
    "Mish": _activation("mish"),
    "Add": _combine,
    "Sub": _combine,
    "Sum": _combine,
    "Mul": _combine,
    "Div": _combine,
    "Concat": _concat,
    "Split": _split,
    "Slice": _slice,
    "Gather": _gather,
    "Transpose": axes.transpose,
    "Reshape": axes.reshape,
    "Flatten": axes.reshape,
    "Squeeze": axes.reshape,
    "Unsqueeze": axes.reshape,
    "Pad": axes.pad,
    "Resize": axes.resize,
    "Upsample": axes.resize,
    "Identity": axes.alias,
    "Dropout": axes.alias,
    "Cast": axes.cast,
    "QuantizeLinear": axes.alias,
    "DequantizeLinear": axes.alias,
}
"""How each operator of ONNX becomes rows; one that is not here is a mistake, never left out."""
