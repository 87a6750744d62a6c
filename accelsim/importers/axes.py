"""What gives the axes of a tensor other names, and what moves elements for the sake of it."""

from dataclasses import replace
from math import prod

from accelsim.importers.arranging import arranged, expanded, rearranged, turned, with_rank
from accelsim.importers.atoms import C, H, N, View, W, axes_of, flat, regrouped, size_of, whole
from accelsim.importers.context import NodeContext, Outputs
from accelsim.importers.model import Dims
from accelsim.importers.tensors import NO_MARGIN, ModelTensor, NodeError, by


def transpose(node: NodeContext) -> Outputs:
    """Transpose: the same dimensions in another order."""
    tensor = node.tensor(padded=True)
    order = node.attribute("perm") or list(reversed(range(len(tensor.view))))
    if sorted(order) != list(range(len(tensor.view))):
        raise NodeError(f"perm = {order}: must order the {len(tensor.view)} dimensions of its input")
    return node.becomes(permuted(tensor, order))


def permuted(tensor: ModelTensor, order: list[int]) -> ModelTensor:
    """The dimensions in another order."""
    margins = tuple([tensor.margins[index] for index in order]) if tensor.margins else ()
    return replace(tensor, view=tuple([tensor.view[index] for index in order]), margins=margins)


def reshape(node: NodeContext) -> Outputs:
    """Reshape and its kin: the same elements in the same order, cut into other dimensions."""
    return node.becomes(reshaped(node, node.tensor(), node.output_dims))


def reshaped(node: NodeContext, tensor: ModelTensor, dims: Dims) -> ModelTensor:
    """A tensor with other dimensions; channels that come in another order are shuffled at once."""
    if prod(dims) != prod(tensor.dims):
        raise NodeError(f"reshapes {by(tensor.dims)} to {by(dims)}: must stay {prod(tensor.dims)} elements")
    atoms = flat(tensor.view)
    view = regrouped(atoms, dims)
    if view is None:
        return _in_order(node, tensor, dims)
    for part in view:
        if any(atom.axis == N and atom.size != tensor.batch for atom in part):
            raise NodeError(f"reshapes {by(tensor.dims)} to {by(dims)}, which takes a batch of images apart")
    return _shuffled(node, replace(tensor, view=view))


def _in_order(node: NodeContext, tensor: ModelTensor, dims: Dims) -> ModelTensor:
    """A tensor whose elements have to be moved first, so that they lie in the order of its dimensions."""
    images = [index for index, atoms in enumerate(tensor.view) if N in axes_of(atoms)]
    if images and (images[0] != 0 or dims[0] != tensor.batch or len(tensor.view[0]) > 1):
        raise NodeError(f"reshapes {by(tensor.dims)} to {by(dims)}, which mixes the images of a batch")
    rest = dims[1:] if images else dims
    long = [index for index, size in enumerate(rest) if size > 1]
    first, middle = (long[0] + 1 if long else 0), (long[1] + 1 if len(long) > 1 else len(rest))
    parts = {C: rest[:first], H: rest[first:middle], W: rest[middle:]}
    channels, height, width = shape = tuple([prod(part) for part in parts.values()])
    output = node.row(
        "rearrange", [tensor], shape, suffix=".arranged", channels=channels, height=height, width=width
    )
    view = [regrouped(whole(axis, prod(part)), part) or () for axis, part in parts.items()]
    batch: View = (whole(N, tensor.batch),) if images else ()
    return replace(output, view=(*batch, *(atoms for part in view for atoms in part)), bits=tensor.bits)


def _shuffled(node: NodeContext, tensor: ModelTensor) -> ModelTensor:
    """The tensor with channels moved, where a dimension is all of them in another order."""
    for index, atoms in enumerate(tensor.view):
        if len(atoms) < 2 or axes_of(atoms) != {C} or size_of(atoms) != tensor.shape[0]:
            continue
        if len(atoms) == 2:
            output = node.row("channel_shuffle", [tensor], tensor.shape, groups=atoms[1].size)
        else:
            output = node.row("channel_permutation", [tensor], tensor.shape)
        view = (*tensor.view[:index], whole(C, tensor.shape[0]), *tensor.view[index + 1 :])
        return replace(tensor, row=output.row, view=view)
    return tensor


def alias(node: NodeContext) -> Outputs:
    """What changes nothing at inference, or only how elements are stored."""
    return node.becomes(node.tensor(padded=True))


def cast(node: NodeContext) -> Outputs:
    """The same elements, of which nothing tells any more that they had fewer bits."""
    return node.becomes(replace(node.tensor(padded=True), bits=None))


def quantize(node: NodeContext) -> Outputs:
    """DynamicQuantizeLinear: the scale and zero point that it finds are no tensors of the network."""
    tensor = node.tensor()
    output = node.row("activation", [tensor], tensor.shape, function="quantize")
    node.conversion.settings.update(filter(None, node.node.outputs[1:]))
    return node.becomes(replace(tensor, row=output.row))


def pad(node: NodeContext) -> Outputs:
    """Pad: elements around a tensor, which wait for the window that reads them."""
    tensor = node.tensor(padded=True)
    rank = len(tensor.view)
    pads = node.integers(1, "pads" if node.attribute("pads") else "paddings") or []
    axes = [axis % rank for axis in node.integers(3) or range(rank)]
    if len(pads) != 2 * len(axes):
        raise NodeError(f"has {len(pads)} pads for {len(axes)} dimensions: must have two for each")
    margins = [*(tensor.margins or (NO_MARGIN,) * rank)]
    for index, axis in enumerate(axes):
        before, after = pads[index], pads[index + len(axes)]
        margins[axis] = (margins[axis][0] + before, margins[axis][1] + after)
    for axis, margin in enumerate(margins):
        if margin != NO_MARGIN and not _may_wait(tensor, axis):
            tensor = _padded_channels(node, tensor, axis, margin)
            margins[axis] = NO_MARGIN
    return node.becomes(replace(tensor, margins=tuple(margins)))


def _may_wait(tensor: ModelTensor, index: int) -> bool:
    """Whether a window may take care of padding along a dimension: one that is no channels."""
    return not axes_of(tensor.view[index]) & {C, N} and not (
        index == 1 and tensor.shape[0] == 1 and len(tensor.view) == 4
    )


def _padded_channels(
    node: NodeContext, tensor: ModelTensor, index: int, margin: tuple[int, int]
) -> ModelTensor:
    """Channels of zeros before and after those that there are."""
    if min(margin) < 0 or N in axes_of(tensor.view[index]):
        raise NodeError(f"pads dimension {index} by {margin[0]} and {margin[1]}: only channels can grow so")
    others = [other for other, atoms in enumerate(tensor.view) if other != index and N not in axes_of(atoms)]
    if tensor.view[index] != tensor.axes[C]:
        tensor = arranged(node, replace(tensor, margins=()), [index], others)
    channels, *plane = tensor.shape
    parts = [
        node.row(
            "constant",
            [],
            (count, *plane),
            suffix=suffix,
            channels=count,
            height=plane[0],
            width=plane[1],
            trained=False,
        )
        if count
        else None
        for count, suffix in zip(margin, (".before", ".after"), strict=True)
    ]
    sources = [part for part in (parts[0], tensor, parts[1]) if part is not None]
    shape = (channels + sum(margin), *plane)
    output = node.row("concat", sources, shape)
    view = (*tensor.view[:index], whole(C, shape[0]), *tensor.view[index + 1 :])
    return replace(tensor, row=output.row, shape=shape, view=view)


def resize(node: NodeContext) -> Outputs:
    """Resize, Upsample: other sizes of one dimension or two."""
    tensor, dims = node.tensor(), node.output_dims
    changed = [index for index, size in enumerate(dims) if size != tensor.dims[index]]
    if not changed:
        return node.becomes(tensor)
    if len(changed) > 2 or any(axes_of(tensor.view[index]) & {N} for index in changed):
        raise NodeError(
            f"resizes {by(tensor.dims)} to {by(dims)}: two dimensions can be resized, not the batch"
        )
    if 1 in changed and len(dims) == 4 and tensor.view[1] == tensor.axes[C]:
        raise NodeError(
            f"resizes the channels from {tensor.dims[1]} to {dims[1]}: only height and width can be"
        )
    mode = node.attribute("mode", "nearest")
    rows, columns = ([], changed) if len(changed) == 1 else (changed[:1], changed[1:])
    rest = [i for i, atoms in enumerate(tensor.view) if i not in changed and N not in axes_of(atoms)]
    if not rows:
        rows = [i for i in rest if tensor.view[i] in (tensor.axes[H], tensor.axes[W]) and tensor.view[i]][:1]
        rest = [i for i in rest if i not in rows]
    placed = arranged(node, tensor, rest, rows, columns, ordered=False)
    places = [flat(placed.view[i] for i in part) for part in (rows, columns)]
    parts = (columns, rows) if turned(placed, *places) else (rows, columns)
    size = [prod(dims[i] for i in part) for part in parts]
    output = node.row("resize", [placed], (placed.shape[0], *size), size=tuple(size), interpolation=mode)
    view = [*placed.view]
    for part, axis, length in zip(parts, (H, W), size, strict=True):
        for index in part:
            view[index] = whole(axis, length)
    return node.becomes(replace(output, view=tuple(view)))


def depth_to_space(node: NodeContext) -> Outputs:
    """DepthToSpace: channels become rows and columns of squares."""
    size, tensor = node.attribute("blocksize", 1), node.tensor()
    images, channels, height, width = _of_four(tensor)
    if channels % size**2:
        raise NodeError(f"makes squares of {size} x {size} of {channels} channels: must be a multiple")
    few = channels // size**2
    if node.attribute("mode", "DCR") == "DCR":
        cut, order = (images, size, size, few, height, width), [0, 3, 4, 1, 5, 2]
    else:
        cut, order = (images, few, size, size, height, width), [0, 1, 4, 2, 5, 3]
    parts = reshaped(node, tensor, cut)
    moved = permuted(parts, order)
    return node.becomes(_moved(node, moved, (images, few, height * size, width * size), [1], [2, 3], [4, 5]))


def space_to_depth(node: NodeContext) -> Outputs:
    """SpaceToDepth: squares of rows and columns become channels."""
    size, tensor = node.attribute("blocksize", 1), node.tensor()
    images, channels, height, width = _of_four(tensor)
    if height % size or width % size:
        raise NodeError(f"cuts {height} x {width} into squares of {size} x {size}: must be a multiple")
    cut = (images, channels, height // size, size, width // size, size)
    moved = permuted(reshaped(node, tensor, cut), [0, 3, 5, 1, 2, 4])
    dims = (images, channels * size**2, height // size, width // size)
    return node.becomes(_moved(node, moved, dims, [1, 2, 3], [4], [5]))


def _of_four(tensor: ModelTensor) -> Dims:
    if len(tensor.dims) != 4:
        raise NodeError(f"its input is {by(tensor.dims)}: must have 4 dimensions")
    return tensor.dims


def _moved(
    node: NodeContext,
    tensor: ModelTensor,
    dims: Dims,
    channels: list[int],
    rows: list[int],
    columns: list[int],
) -> ModelTensor:
    moved = rearranged(node, tensor, channels, rows, columns, suffix="")
    view = regrouped(flat(moved.view), dims)
    assert view is not None  # what has just been put so
    return replace(moved, view=view)


def expand(node: NodeContext) -> Outputs:
    """Expand: dimensions of one element repeated."""
    tensor, dims = node.tensor(), node.output_dims
    return node.becomes(expanded(node, with_rank(tensor, len(dims)), dims))
