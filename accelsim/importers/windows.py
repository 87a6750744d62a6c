"""Convolutions and poolings of ONNX as rows: windows over one axis or two, or over the whole plane."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from accelsim.importers.model import Dims
from accelsim.importers.rows import (
    NO_PADDING,
    H,
    ModelTensor,
    NodeContext,
    NodeError,
    Outputs,
    PaddingSides,
    Rule,
    W,
)


@dataclass(frozen=True)
class _Window:
    """Kernel, stride and dilation as (vertical, horizontal); a row of pixels is one pixel high."""

    kernel: tuple[int, int]
    stride: tuple[int, int]
    dilation: tuple[int, int]
    padding: PaddingSides | str


def _window(node: NodeContext, tensor: ModelTensor, kernel: Sequence[int]) -> _Window:
    axes = len(kernel)
    if axes not in {1, 2} or len(tensor.axes) != axes + 2:
        raise NodeError(f"slides over {axes} axes of a tensor with {len(tensor.axes)}: 1 or 2 are supported")
    size = _two(kernel)
    stride = _two(node.attribute("strides") or [1] * axes)
    dilation = _two(node.attribute("dilations") or [1] * axes)
    waiting = tensor.padding
    mode = node.attribute("auto_pad") or "NOTSET"
    if mode == "SAME_UPPER" and waiting == NO_PADDING:
        return _Window(size, stride, dilation, "same")
    if mode.startswith("SAME"):
        padding = _same_padding(tensor, _Window(size, stride, dilation, waiting), lower=mode == "SAME_LOWER")
    elif mode == "NOTSET":
        begin_end = node.attribute("pads") or [0] * 2 * axes
        top, left = _two(begin_end[:axes], fill=0)
        bottom, right = _two(begin_end[axes:], fill=0)
        padding = (top, bottom, left, right)
    else:  # VALID
        padding = NO_PADDING
    top, bottom, left, right = (ours + theirs for ours, theirs in zip(padding, waiting, strict=True))
    return _Window(size, stride, dilation, (top, bottom, left, right))


def _two(values: Sequence[int], fill: int = 1) -> tuple[int, int]:
    vertical, horizontal = values if len(values) == 2 else (fill, values[0])
    return int(vertical), int(horizontal)


def _same_padding(tensor: ModelTensor, window: _Window, *, lower: bool) -> PaddingSides:
    """As much padding as makes the output size / stride, the odd one last, or first if `lower` is asked."""
    margins: list[int] = []
    for axis in range(2):
        size = tensor.shape[1 + axis] + sum(window.padding[2 * axis : 2 * axis + 2])  # type: ignore[arg-type]
        stride, reach = window.stride[axis], (window.kernel[axis] - 1) * window.dilation[axis] + 1
        total = max((-(-size // stride) - 1) * stride + reach - size, 0)
        half = total // 2
        margins += [total - half, half] if lower else [half, total - half]
    top, bottom, left, right = margins
    return top, bottom, left, right


def conv(node: NodeContext) -> Outputs:
    """Conv: the weights are the second input."""
    return _convolution(node, weights_at=1, bias_at=2)


def quantised_conv(node: NodeContext) -> Outputs:
    """QLinearConv: scales and zero points stand between input, weights and bias."""
    return _convolution(node, weights_at=3, bias_at=8)


def _convolution(node: NodeContext, *, weights_at: int, bias_at: int) -> Outputs:
    tensor, weights = node.image(padded=True), node.weights(weights_at)
    window, groups = _window(node, tensor, weights[2:]), node.attribute("group", 1)
    if weights[1] * groups != tensor.shape[0]:
        raise NodeError(f"has weights for {weights[1] * groups} channels, its input has {tensor.shape[0]}")
    output = node.array_row(
        "conv",
        tensor,
        plane_of(node.output_dims),
        weights=weights_at,
        bias=bias_at,
        out_channels=weights[0],
        **_arguments(window),
        dilation=list(window.dilation),
        groups=groups,
    )
    return node.becomes(replace(output, axes=tensor.axes))


def _arguments(window: _Window) -> dict[str, Any]:
    padding = window.padding if isinstance(window.padding, str) else list(window.padding)
    return {"kernel": list(window.kernel), "stride": list(window.stride), "padding": padding}


def plane_of(dims: Dims) -> Dims:
    """(channels, height, width) of a tensor with the batch first, and two axes or one of the plane."""
    return (dims[1], *((1,) * (4 - len(dims))), *dims[2:])


def pool(operator: str) -> Rule:
    """A rule for MaxPool or AveragePool."""

    def rule(node: NodeContext) -> Outputs:
        tensor = node.image(padded=True)
        window = _window(node, tensor, node.attribute("kernel_shape") or ())
        if window.dilation != (1, 1):
            raise NodeError(f"has dilations {list(window.dilation)}: poolings without are supported")
        rounding = "ceil" if node.attribute("ceil_mode", 0) else "floor"
        shape = plane_of(node.output_dims)
        output = node.row(operator, [tensor], shape, **_arguments(window), rounding=rounding)
        return node.becomes(replace(output, axes=tensor.axes))

    return rule


def global_pool(node: NodeContext) -> Outputs:
    """GlobalAveragePool."""
    tensor = node.image()
    output = node.row("global_average_pool", [tensor], (tensor.shape[0], 1, 1))
    return node.becomes(replace(output, axes=tensor.axes))


def global_max_pool(node: NodeContext) -> Outputs:
    """GlobalMaxPool: a window as large as the plane."""
    tensor = node.image()
    output = node.row("max_pool", [tensor], (tensor.shape[0], 1, 1), kernel=list(tensor.shape[1:]))
    return node.becomes(replace(output, axes=tensor.axes))


def reduce(node: NodeContext) -> Outputs:
    """A mean or maximum over the whole plane."""
    tensor = node.tensor()
    rank = len(tensor.axes)
    listed = node.integers(1, "axes")
    axes = {tensor.axes[axis % rank] for axis in (range(rank) if listed is None else listed)}
    if axes - {H, W} or not axes >= {axis for axis in (H, W) if tensor.sizes[axis] > 1}:
        raise NodeError("is supported over height and width together, nothing else")
    if node.node.operator == "ReduceMean":
        output = node.row("global_average_pool", [tensor], (tensor.shape[0], 1, 1))
    else:
        kernel = list(tensor.shape[1:])
        output = node.row("max_pool", [tensor], (tensor.shape[0], 1, 1), kernel=kernel)
    keeps = node.attribute("keepdims", 1)
    return node.becomes(
        replace(
            output, axes=tensor.axes if keeps else tuple(axis for axis in tensor.axes if axis not in axes)
        )
    )
