"""Operators on elements, those that combine tensors, and normalizations, as rows."""

from dataclasses import replace
from math import prod
from typing import Any, Final

from accelsim.importers.arranging import expanded, matched, with_rank
from accelsim.importers.atoms import C, N, axes_of
from accelsim.importers.context import NodeContext, Outputs, Rule
from accelsim.importers.tensors import ModelTensor, NodeError, broadcasts, by


def activation(function: str) -> Rule:
    """A rule for a function of each element."""
    return lambda node: node.same_shape("activation", node.tensor(), function=function)


def prelu(node: NodeContext) -> Outputs:
    """PRelu: its slopes were trained."""
    tensor, dims = node.tensor(), node.weights(1, "slopes")
    of_channels = tuple(dims) == tuple(tensor.dims[1:2])  # as PyTorch has them
    if not (of_channels or broadcasts(dims, tensor.dims)):
        raise NodeError(f"has slopes of {by(dims)} for {by(tensor.dims)}")
    shared = node.shared(slopes=1)
    return node.same_shape("activation", tensor, function="leaky_relu", slopes=prod(dims), shared=shared)


def clip(node: NodeContext) -> Outputs:
    """Clip: relu and relu6 by their limits."""
    low, high = node.values(1, "min"), node.values(2, "max")
    functions: dict[Any, str] = {((0.0,), (6.0,)): "relu6", ((0.0,), None): "relu"}
    return node.same_shape("activation", node.tensor(), function=functions.get((low, high), "clip"))


def softmax(node: NodeContext) -> Outputs:
    """Softmax, along whichever dimension."""
    return node.same_shape("softmax", node.tensor())


def cumulative_sum(node: NodeContext) -> Outputs:
    """CumSum: each element is added to the sum of those before it along a dimension."""
    tensor, rank = node.tensor(), len(node.tensor().view)
    axes = node.integers(1, "axis") or []
    if len(axes) != 1:
        raise NodeError(f"sums along {len(axes)} axes: must be one")
    (axis,) = axes
    if not -rank <= axis < rank:
        raise NodeError(f"axis = {axis}: its input has {rank} dimensions")
    if N in axes_of(tensor.view[axis]):
        raise NodeError("sums over the images of a batch")
    return node.same_shape("activation", tensor, function="cumulative_sum")


# --- normalizations


def batch_norm(node: NodeContext) -> Outputs:
    """BatchNormalization: scale and shift of each channel."""
    tensor = node.tensor()
    if len(tensor.view) < 2 or tensor.view[1] != tensor.axes[C]:
        scales = prod(node.weights(1, "scales"))
        shared = node.shared(slopes=1)
        return node.same_shape("activation", tensor, function="linear", slopes=2 * scales, shared=shared)
    return node.same_shape("batch_norm", tensor, shared=node.shared(scale=1, shift=2))


def lrn(node: NodeContext) -> Outputs:
    """LRN."""
    return node.same_shape("lrn", node.tensor(), size=node.attribute("size"))


def normalization(operator: str, *, shift: int | None = 2) -> Rule:
    """A rule for a normalization with trained scales, and shifts at that place of the inputs."""

    def rule(node: NodeContext) -> Outputs:
        tensor = node.tensor()
        scales = prod(node.weights(1, "scales")) if node.node.input(1) else 0
        parts = {"scale": 1} if shift is None else {"scale": 1, "shift": shift}
        arguments: dict[str, Any] = {"shared": node.shared(**parts)}
        if scales != tensor.shape[0]:
            arguments["scales"] = scales
        if operator == "group_norm":
            arguments["groups"] = node.attribute("num_groups", 1)
        return node.same_shape(operator, tensor, **arguments)

    return rule


# --- several tensors

_WITH_A_CONSTANT: Final = {"maximum": "clip", "compare": "step", "add": "linear", "multiply": "linear"}
"""What an operator on two tensors is to each element where the other is a constant."""


def combined(operator: str, *, places: tuple[int, ...] | None = None) -> Rule:
    """A rule for operators that combine tensors element by element.

    Args:
        operator: Of the row.
        places: Where tensors stand among the inputs; None: all are tensors.
    """

    def rule(node: NodeContext) -> Outputs:
        if node.attribute("broadcast") and prod(node.dims(node.node.input(1))) > 1:
            raise NodeError("broadcasts as ONNX did before opset 7: let the exporter write a later one")
        indices = range(len(node.node.inputs)) if places is None else places
        inputs = [node.tensor(index) for index in indices if not node.is_constant(index)]
        return _combined(node, operator, inputs)

    return rule


def where(node: NodeContext) -> Outputs:
    """Where: elements of one tensor or the other."""
    return _combined(node, "select", node.activations())


def _combined(node: NodeContext, operator: str, inputs: list[ModelTensor]) -> Outputs:
    dims = node.output_dims
    inputs = [with_rank(tensor, len(dims)) for tensor in inputs]
    largest = max(inputs, key=lambda tensor: prod(tensor.dims))
    first = expanded(node, largest, dims)
    if len(inputs) == 1:
        function = _WITH_A_CONSTANT.get(operator, "linear")
        return node.same_shape("activation", first, function=function)
    operands = [first if tensor is largest else matched(node, tensor, first) for tensor in inputs]
    ordered = sorted(operands, key=lambda tensor: tensor.shape != first.shape)
    output = first
    for index, operand in enumerate(ordered[1:] if operator == "multiply" else [None]):
        together = ordered if operand is None else [output, operand]
        made = node.row(operator, together, first.shape, suffix=f".{index + 1}" if index else "")
        output = replace(first, row=made.row, bits=None if operator == "compare" else first.bits)
    return node.becomes(output)


def power(node: NodeContext) -> Outputs:
    """Pow: of each element to one power, or by the elements of another tensor."""
    if node.is_constant(1):
        return node.same_shape(
            "activation", expanded(node, node.tensor(), node.output_dims), function="power"
        )
    return combined("multiply")(node)
