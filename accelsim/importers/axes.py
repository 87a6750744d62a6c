"""What gives the axes of a tensor other names: reshaping, transposing, padding that waits for its window."""

from dataclasses import replace
from math import prod

from accelsim.importers.model import Dims
from accelsim.importers.rows import (
    ALL,
    GROUP,
    IMAGE,
    MEMBER,
    C,
    H,
    ModelTensor,
    N,
    NodeContext,
    NodeError,
    Outputs,
    W,
    by,
)
from accelsim.importers.windows import plane_of


def transpose(node: NodeContext) -> Outputs:
    """Transpose: the same axes in another order, and what is still to be padded along them."""
    tensor = node.tensor(padded=True)
    order = node.attribute("perm") or list(reversed(range(len(tensor.axes))))
    return node.becomes(replace(tensor, axes=tuple(tensor.axes[axis] for axis in order)))


def reshape(node: NodeContext) -> Outputs:
    """Flattening, dimensions of one, channels seen as groups; groups that changed places are a shuffle."""
    tensor, dims = node.tensor(), node.output_dims
    if dims[1:] == tuple(tensor.sizes[axis] for axis in tensor.axes[1:]):
        return node.becomes(tensor)
    if tensor.axes[1:3] in {(GROUP, MEMBER), (MEMBER, GROUP)} and dims[1] == tensor.shape[0]:
        tensor = _merged(node, tensor)
    channels, *plane = tensor.shape
    long_sizes = tuple(size for size in dims[1:] if size > 1)
    if tensor.axes[0] != N or prod(dims[1:]) != prod(tensor.shape):
        raise _cannot_reshape(tensor, dims)
    if dims[1:] == tensor.shape and tensor.axes[1:] in {(ALL,), (C, H, W)}:
        return node.becomes(replace(tensor, axes=IMAGE))
    ordered = tuple(axis for axis in (C, H, W) if axis in tensor.axes)
    in_order = tensor.axes[1:] in {(ALL,), ordered} or max(plane) == 1
    if in_order and len(dims) == 2:
        return node.becomes(replace(tensor, axes=(N, C if max(plane) == 1 else ALL)))
    if in_order and long_sizes == tuple(size for size in tensor.shape if size > 1) and len(dims) <= 4:
        return node.becomes(replace(tensor, axes=_with_ones(tensor, dims)))
    if (
        tensor.axes == IMAGE
        and len(dims) == 5
        and dims[1] * dims[2] == channels
        and dims[3:] == tensor.shape[1:]
    ):
        return node.becomes(replace(tensor, axes=(N, GROUP, MEMBER, H, W), groups=dims[1]))
    raise _cannot_reshape(tensor, dims)


def _cannot_reshape(tensor: ModelTensor, dims: Dims) -> NodeError:
    sizes = " x ".join(str(tensor.sizes.get(axis, dims[0])) for axis in tensor.axes)
    return NodeError(
        f"reshapes {sizes} to {by(dims)}: only flattening, dimensions of 1 and shuffles of channels are "
        "supported"
    )


def _with_ones(tensor: ModelTensor, dims: Dims) -> tuple[str, ...]:
    """Axes of dimensions that are those of the tensor, but for some of one element."""
    long = [axis for axis in (C, H, W) if tensor.sizes[axis] > 1]
    single = [axis for axis in (C, H, W) if tensor.sizes[axis] == 1]
    return (N, *(long.pop(0) if size > 1 else single.pop(0) for size in dims[1:]))


def _merged(node: NodeContext, tensor: ModelTensor) -> ModelTensor:
    """The channels as one axis again."""
    axes = (N, C, *tensor.axes[3:])
    if tensor.axes[1:3] == (GROUP, MEMBER):
        return replace(tensor, axes=axes, groups=1)
    output = node.row("channel_shuffle", [tensor], tensor.shape, groups=tensor.groups)
    return replace(output, axes=axes)


def alias(node: NodeContext) -> Outputs:
    """What changes nothing at inference, or only how elements are stored."""
    return node.becomes(node.tensor(padded=True))


def cast(node: NodeContext) -> Outputs:
    """The same elements, of which nothing tells any more that they had fewer bits."""
    return node.becomes(replace(node.tensor(padded=True), bits=None))


def pad(node: NodeContext) -> Outputs:
    """Pad: rows and columns, which wait for the window that reads them."""
    tensor = node.tensor(padded=True)
    rank = len(tensor.axes)
    pads = node.integers(1, "pads" if node.attribute("pads") else "paddings") or []
    axes = [axis % rank for axis in node.integers(3) or range(rank)]
    if len(pads) != 2 * len(axes):
        raise NodeError(f"has {len(pads)} pads for {len(axes)} dimensions: must have two for each")
    padding = dict(zip((H, W), (list(tensor.padding[:2]), list(tensor.padding[2:])), strict=True))
    for index, axis in enumerate(axes):
        before, after = pads[index], pads[index + len(axes)]
        letter = tensor.axes[axis]
        if letter in padding:
            padding[letter][0] += before
            padding[letter][1] += after
        elif before or after:
            raise NodeError(f"pads dimension {axis}: only height and width can be padded")
    top, bottom, left, right = *padding[H], *padding[W]
    return node.becomes(replace(tensor, padding=(top, bottom, left, right)))


def resize(node: NodeContext) -> Outputs:
    """Resize, Upsample: another height and width."""
    tensor = node.image()
    channels, height, width = plane_of(node.output_dims)
    if channels != tensor.shape[0]:
        raise NodeError(
            f"resizes the channels from {tensor.shape[0]} to {channels}: only height and width can be"
        )
    if (height, width) == tensor.shape[1:]:
        return node.becomes(tensor)
    mode = node.attribute("mode", "nearest")
    output = node.row("resize", [tensor], (channels, height, width), size=(height, width), interpolation=mode)
    return node.becomes(replace(output, axes=tensor.axes))
