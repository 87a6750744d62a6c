"""Convolutions and poolings of ONNX as rows: windows over one axis or two."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import Any, Literal, NamedTuple, TypeAlias

from accelsim.importers.arranging import arranged, settled, turned
from accelsim.importers.atoms import C, H, N, W, axes_of, whole
from accelsim.importers.context import NodeContext, Outputs, Rule
from accelsim.importers.model import Dims
from accelsim.importers.tensors import NO_MARGIN, Margin, ModelTensor, NodeError, by

Pair: TypeAlias = tuple[int, int]


class Plane(NamedTuple):
    """A tensor with channels, rows and columns of its own, and which dimensions of the model's those are."""

    tensor: ModelTensor
    channels: tuple[int, ...]
    rows: tuple[int, ...]
    """The dimension that is rows, or none; so for columns."""
    columns: tuple[int, ...]
    margins: tuple[Margin, Margin]
    """Before and after rows, and columns: padding that waited for this window."""

    @property
    def is_turned(self) -> bool:
        """Whether the model's rows are the network's columns."""
        view = self.tensor.view
        rows, columns = (
            tuple(atom for index in part for atom in view[index]) for part in (self.rows, self.columns)
        )
        return turned(self.tensor, rows, columns)

    def pair(self, pair: Sequence[int]) -> list[int]:
        """Something of the model's rows and columns, as the network has them."""
        return [*pair][::-1] if self.is_turned else [*pair]

    def dims(self, dims: Dims, channels: int) -> Dims:
        """(channels, height, width) of an output of the model."""
        rows, columns = (prod(dims[index] for index in part) for part in (self.rows, self.columns))
        height, width = self.pair((rows, columns))
        return (channels, height, width)

    def output(self, made: ModelTensor, *, keeps_channels: bool = False) -> ModelTensor:
        """What a row puts out, with the dimensions of the input."""
        view = [*self.tensor.view]
        channels, height, width = made.shape
        by_axis = {H: height, W: width}
        if not keeps_channels:
            for index in self.channels:
                view[index] = ()
            view[self.channels[0]] = whole(C, channels)
        axes = (W, H) if self.is_turned else (H, W)
        for part, axis in zip((self.rows, self.columns), axes, strict=True):
            for index in part:
                view[index] = whole(axis, by_axis[axis])
        return replace(made, view=tuple(view))


def plane_of(node: NodeContext, axes: int, *, ordered: bool, one: bool) -> Plane:
    """The first input, over whose last dimensions windows slide.

    Args:
        node: A convolution or pooling.
        axes: Of its windows.
        ordered: Whether the order of the channels matters.
        one: Whether the channels are one dimension, the second.
    """
    tensor = node.tensor(padded=True)
    rank = len(tensor.view)
    if axes not in {1, 2, 3} or rank not in {axes + 1, axes + 2}:
        raise NodeError(f"slides over {axes} axes of a tensor with {rank}: 1 or 2 are supported")
    slid = [*range(rank - axes, rank)]
    if axes == 3:
        single = next((index for index in slid if tensor.dims[index] == 1 and not tensor.view[index]), None)
        if single is None:
            remedy = "--unsupported host or elementwise lets it pass, without its multiplications"
            raise NodeError(f"slides over 3 axes of {by(tensor.dims)}: 1 or 2 are supported; {remedy}")
        slid.remove(single)
    if any(margin != NO_MARGIN for index, margin in enumerate(tensor.margins) if index not in slid):
        tensor = settled(node, tensor)
    margins = tuple([tensor.margins[index] if tensor.margins else NO_MARGIN for index in slid])
    bare = replace(tensor, margins=())
    before = [index for index in range(rank - axes) if N not in axes_of(bare.view[index])]
    rows, columns = ([slid[0]], slid[1:]) if len(slid) == 2 else ([], slid)
    if one:
        images = [index for index in before if index != rank - axes - 1 and bare.view[index]]
        before = [rank - axes - 1]
        if images and not rows and tensor.batch == 1:
            rows, margins = images, (NO_MARGIN, *margins)
        elif images:
            raise NodeError(
                f"does the same for {bare.dims[images[0]]} images that are not those of the batch"
            )
    if len(margins) == 1:
        margins = (NO_MARGIN, *margins)
    placed = arranged(node, bare, before, rows, columns, ordered=ordered)
    plane = Plane(placed, tuple(before), tuple(rows), tuple(columns), (margins[0], margins[1]))
    if len(rows) > 1:
        raise NodeError(f"slides over {axes} axes of {by(tensor.dims)}: must have fewer before them")
    return plane


@dataclass(frozen=True)
class _Window:
    """Kernel, stride, dilation and padding, in the order in which the network has them."""

    kernel: list[int]
    stride: list[int]
    dilation: list[int]
    padding: list[int] | Literal["same"]

    @property
    def arguments(self) -> dict[str, Any]:
        """Those that rows of all windows have."""
        return {"kernel": self.kernel, "stride": self.stride, "padding": self.padding}


def _window(node: NodeContext, plane: Plane, kernel: Sequence[int]) -> _Window:
    axes = len(kernel)
    size = _two(kernel)
    stride = _two(node.attribute("strides") or [1] * axes)
    dilation = _two(node.attribute("dilations") or [1] * axes)
    waiting = plane.margins
    mode = node.attribute("auto_pad") or "NOTSET"
    turn = plane.pair
    if mode == "SAME_UPPER" and waiting == (NO_MARGIN, NO_MARGIN):
        return _Window(turn(size), turn(stride), turn(dilation), "same")
    if mode.startswith("SAME"):
        extents = turn(plane.tensor.shape[1:])
        sides = [
            _same(extent + sum(margin), step, (taps - 1) * spacing + 1, lower=mode == "SAME_LOWER")
            for extent, margin, step, taps, spacing in zip(
                extents, waiting, stride, size, dilation, strict=True
            )
        ]
    elif mode == "NOTSET":
        begin_end = node.attribute("pads") or [0] * 2 * axes
        begin, end = _two(begin_end[:axes], fill=0), _two(begin_end[axes:], fill=0)
        sides = [(begin[0], end[0]), (begin[1], end[1])]
    else:  # VALID
        sides = [NO_MARGIN, NO_MARGIN]
    total = [(own[0] + added[0], own[1] + added[1]) for own, added in zip(sides, waiting, strict=True)]
    if plane.is_turned:
        total.reverse()
    return _Window(turn(size), turn(stride), turn(dilation), [*total[0], *total[1]])


def _two(values: Sequence[int], fill: int = 1) -> Pair:
    *vertical, horizontal = values[-2:]
    return int(vertical[0]) if vertical else fill, int(horizontal)


def _same(size: int, stride: int, reach: int, *, lower: bool) -> Margin:
    """As much padding as makes the output size / stride, the odd one last, or first if `lower` is asked."""
    total = max((-(-size // stride) - 1) * stride + reach - size, 0)
    half = total // 2
    return (total - half, half) if lower else (half, total - half)


def conv(weights: int = 1, bias: int | None = 2) -> Rule:
    """A rule for Conv and its kin: where weights and bias stand among the inputs."""
    return lambda node: _convolution(node, weights_at=weights, bias_at=bias)


def _convolution(node: NodeContext, *, weights_at: int, bias_at: int | None) -> Outputs:
    weights, groups = node.weights(weights_at), node.attribute("group", 1)
    plane = plane_of(node, len(weights) - 2, ordered=groups > 1, one=True)
    window = _window(node, plane, weights[2:])
    if weights[1] * groups != plane.tensor.shape[0]:
        raise NodeError(
            f"has weights for {weights[1] * groups} channels, its input has {plane.tensor.shape[0]}"
        )
    node.check_offsets(bias_at, weights[0])
    output = node.array_row(
        "conv",
        plane.tensor,
        plane.dims(node.output_dims, weights[0]),
        weights=weights_at,
        bias=bias_at,
        out_channels=weights[0],
        **window.arguments,
        dilation=window.dilation,
        groups=groups,
    )
    return node.becomes(plane.output(output))


def conv_transpose(node: NodeContext) -> Outputs:
    """ConvTranspose: its pads say what is left out of the output."""
    weights, groups = node.weights(1), node.attribute("group", 1)
    axes = len(weights) - 2
    node.tensor()  # with all padding applied
    plane = plane_of(node, axes, ordered=groups > 1, one=True)
    window = _window(node, plane, weights[2:])
    node.check_offsets(2, weights[1] * groups)
    shape = plane.dims(node.output_dims, weights[1] * groups)
    padding: list[int] = []
    added: list[int] = []
    begin_end = node.attribute("pads") or [0] * 2 * axes
    begins = plane.pair(_two(begin_end[:axes], fill=0))
    mode = node.attribute("auto_pad") or "NOTSET"
    for axis in range(2):
        reach = (window.kernel[axis] - 1) * window.dilation[axis] + 1
        full = (plane.tensor.shape[1 + axis] - 1) * window.stride[axis] + reach
        cut = full - shape[1 + axis]
        before = begins[axis] if mode == "NOTSET" else max(cut, 0) // 2 + (mode == "SAME_LOWER") * (cut % 2)
        padding += [before, max(cut - before, 0)]
        added.append(max(before - cut, 0))
    output = node.array_row(
        "conv_transpose",
        plane.tensor,
        shape,
        weights=1,
        bias=2,
        out_channels=weights[1] * groups,
        kernel=window.kernel,
        stride=window.stride,
        padding=padding,
        output_padding=added,
        dilation=window.dilation,
        groups=groups,
    )
    return node.becomes(plane.output(output))


def pool(operator: str) -> Rule:
    """A rule for a pooling; the places of a maximum are what a second pooling puts out."""

    def rule(node: NodeContext) -> Outputs:
        kernel = node.attribute("kernel_shape") or ()
        plane = plane_of(node, len(kernel), ordered=False, one=False)
        window = _window(node, plane, kernel)
        if window.dilation != [1, 1]:
            raise NodeError(f"has dilations {window.dilation}: poolings without are supported")
        rounding = "ceil" if node.attribute("ceil_mode", 0) else "floor"
        shape = plane.dims(node.output_dims, plane.tensor.shape[0])
        results: Outputs = {}
        for name, suffix in zip(node.node.outputs[:2], ("", ".indices"), strict=False):
            if name and (not suffix or node.conversion.model.readers[name]):
                output = node.row(
                    operator, [plane.tensor], shape, suffix=suffix, **window.arguments, rounding=rounding
                )
                results[name] = plane.output(output, keeps_channels=True)
        return results

    return rule


def max_unpool(node: NodeContext) -> Outputs:
    """MaxUnpool: elements go to the places that the second input says."""
    kernel = node.attribute("kernel_shape") or ()
    plane = plane_of(node, len(kernel), ordered=False, one=False)
    shape = plane.dims(node.output_dims, plane.tensor.shape[0])
    places = node.tensor(1)
    if places.view != plane.tensor.view or places.shape != plane.tensor.shape:
        raise NodeError("has places with other axes than its input")
    output = node.row("max_unpool", [plane.tensor, places], shape, size=shape[1:])
    return node.becomes(plane.output(output, keeps_channels=True))
