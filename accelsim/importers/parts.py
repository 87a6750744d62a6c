"""Operators that put tensors together, take parts of them, or make one element of many, as rows."""

from collections.abc import Sequence
from dataclasses import replace
from math import prod
from typing import Any, Final

from accelsim.importers.arranging import arranged, expanded, rearranged, settled
from accelsim.importers.atoms import Atom, C, H, N, View, W, axes_of, resized
from accelsim.importers.axes import reshaped
from accelsim.importers.context import NodeContext, Outputs, Rule
from accelsim.importers.tensors import NO_MARGIN, ModelTensor, NodeError, by

AXES: Final = {C: "channels", H: "height", W: "width"}
"""What rows call them."""
MOST_PICKED: Final = 65_536
"""Elements that a row may pick one by one."""


# --- together


def concat(first: int = 0, step: int = 1) -> Rule:
    """A rule for Concat and its kin: where tensors stand among the inputs."""

    def rule(node: NodeContext) -> Outputs:
        indices = [index for index in range(first, len(node.node.inputs), step) if node.node.input(index)]
        tensors = [None if node.is_constant(index) else node.tensor(index) for index in indices]
        dims = [node.dims(node.node.input(index)) for index in indices]
        here = [tensor for tensor in tensors if tensor is not None]
        if len(indices) == 1:
            return node.becomes(here[0])
        axis = node.axis(1, len(here[0].view))
        return node.becomes(concatenated(node, tensors, dims, axis))

    return rule


def concatenated(
    node: NodeContext, tensors: Sequence[ModelTensor | None], dims: Sequence[tuple[int, ...]], index: int
) -> ModelTensor:
    """Tensors, and constants of some dimensions where there are none, one after another."""
    here = [tensor for tensor in tensors if tensor is not None]
    axis = _axis_of_concatenation(here, index)
    if axis is None:
        joined = {axis for tensor in here for axis in axes_of(tensor.view[index])}
        as_pixels = bool(joined) and C not in joined
        here = [_arranged_for(node, tensor, index, as_pixels=as_pixels) for tensor in here]
        axis = _axis_of_concatenation(here, index) if as_pixels else C
        if axis is None:
            here = [_arranged_for(node, tensor, index, as_pixels=True, upright=True) for tensor in here]
            axis = _axis_of_concatenation(here, index)
        if axis is None:
            raise NodeError("concatenates tensors whose rows and columns are different dimensions")
    first = here[0]
    inner = first.extents[axis] // first.dims[index]
    waiting = iter(here)
    parts = [
        _constant_like(node, first, axis, size[index] * inner) if tensor is None else next(waiting)
        for tensor, size in zip(tensors, dims, strict=True)
    ]
    total = sum(part.extents[axis] for part in parts)
    shape = tuple([total if letter == axis else first.extents[letter] for letter in (C, H, W)])
    arguments = {} if axis == C else {"axis": AXES[axis]}
    output = node.row("concat", parts, shape, **arguments)
    size = sum(size[index] for size in dims)
    atom = (Atom(axis, inner, size),) if size > 1 else ()
    view = (*first.view[:index], atom, *first.view[index + 1 :])
    return replace(output, view=view, bits=first.bits if None not in tensors else None)


def _axis_of_concatenation(tensors: Sequence[ModelTensor], index: int) -> str | None:
    """The axis along which tensors lie one after another, alike along all others; None where they do not."""
    long = [tensor for tensor in tensors if tensor.view[index]]
    letters = {atom.axis for tensor in long for atom in tensor.view[index]}
    rest = [(*tensor.view[:index], *tensor.view[index + 1 :]) for tensor in tensors]
    for axis in letters or (C, W, H):
        inner = {tensor.extents[axis] // tensor.dims[index] for tensor in tensors}
        others = {
            tuple(tensor.extents[letter] for letter in (C, H, W) if letter != axis) for tensor in tensors
        }
        if len(inner) != 1 or len(others) != 1 or len(set(rest)) != 1 or axis == N:
            continue
        (stride,) = inner
        if all(tensor.view[index] == (Atom(axis, stride, tensor.dims[index]),) for tensor in long) and all(
            tensor.extents[axis] == stride * tensor.dims[index] for tensor in tensors
        ):
            return axis
    return None


def _arranged_for(
    node: NodeContext, tensor: ModelTensor, index: int, *, as_pixels: bool, upright: bool = False
) -> ModelTensor:
    """The tensor with a dimension as its columns, where it is pixels and others are channels, or as channels.

    Of those, what is before it are rows and what is after it columns.
    """
    others = [i for i, atoms in enumerate(tensor.view) if i != index and N not in axes_of(atoms)]
    if as_pixels:
        channels = [i for i in others if C in axes_of(tensor.view[i])]
        return arranged(node, tensor, channels, _but(others, channels), [index], upright=upright)
    before, after = ([i for i in others if (i < index) == first] for first in (True, False))
    return arranged(node, tensor, [index], before, after)


def _but(dimensions: Sequence[int], others: Sequence[int]) -> list[int]:
    return [index for index in dimensions if index not in others]


def _constant_like(node: NodeContext, like: ModelTensor, axis: str, size: int) -> ModelTensor:
    """A constant with the axes of another tensor, but for one."""
    channels, height, width = (size if axis == letter else like.extents[letter] for letter in (C, H, W))
    shape = (channels, height, width)
    return node.row("constant", [], shape, suffix=".constant", channels=channels, height=height, width=width)


def tile(node: NodeContext) -> Outputs:
    """Tile: a tensor several times along some dimensions."""
    tensor, repeats = node.tensor(), node.integers(1, "repeats") or []
    for index, count in enumerate(repeats):
        if count > 1 and tensor.dims[index] > 1:
            size = (tensor.dims,) * count
            tensor = concatenated(node, [tensor] * count, size, index)
    return node.becomes(expanded(node, tensor, node.output_dims))


# --- parts


def split(node: NodeContext) -> Outputs:
    """Split: parts one after another along a dimension."""
    tensor = node.tensor()
    index = node.axis(0, len(tensor.view))
    parts: Outputs = {}
    first = 0
    for number, output in enumerate(node.node.outputs):
        size = node.dims(output)[index]
        if node.conversion.model.readers[output]:
            picked = range(first, first + size)
            parts[output] = taken(node, tensor, index, picked, suffix=f".part{number + 1}")
        first += size
    return parts


def slice_(node: NodeContext) -> Outputs:
    """Slice: a range along each of some dimensions."""
    tensor = node.tensor(padded=True)
    rank = len(tensor.view)
    starts, ends = node.integers(1, "starts"), node.integers(2, "ends")
    axes = node.integers(3, "axes") or list(range(len(starts or ())))
    steps = node.integers(4, "steps") or [1] * len(axes)
    if starts is None or ends is None:
        raise NodeError("has no starts and ends")
    for axis, start, end, step in zip(axes, starts, ends, steps, strict=True):
        index = axis % rank
        picked = range(*slice(start, end, step).indices(tensor.dims[index]))
        if not picked:
            raise NodeError(f"takes nothing of dimension {index}, of {tensor.dims[index]} elements")
        tensor = taken(node, tensor, index, picked, may_wait=True)
    return node.becomes(tensor)


def gather(node: NodeContext) -> Outputs:
    """Gather: elements along a dimension, picked one by one."""
    if node.is_constant(0):
        raise NodeError("looks its input up in a table: an index has to be a constant")
    tensor = node.tensor()
    rank = len(tensor.view)
    index = node.axis(0, rank)
    size = tensor.dims[index]
    picked = [place + size if place < 0 else place for place in node.integers(1, "indices") or []]
    if not picked or not all(0 <= place < size for place in picked):
        raise NodeError(f"picks elements that are not among the {size} of dimension {index}")
    output = taken(node, tensor, index, picked)
    if len(node.output_dims) < rank:  # a number: the dimension goes with it
        return node.becomes(replace(output, view=(*output.view[:index], *output.view[index + 1 :])))
    return node.becomes(reshaped(node, output, node.output_dims))


def gather_nd(node: NodeContext) -> Outputs:
    """GatherND: parts of a tensor, picked by their places along several dimensions."""
    if node.is_constant(0):
        raise NodeError("looks its input up in a table: an index has to be a constant")
    tensor, first = node.tensor(), node.attribute("batch_dims", 0)
    values = node.integers(1, "indices")
    if values is None:
        raise NodeError("has no indices")
    shape = node.dims(node.node.input(1))
    _check_indices(tensor.dims, shape, first)
    sizes = tensor.dims[first : first + shape[-1]]
    places = [values[start : start + shape[-1]] for start in range(0, len(values), shape[-1])]
    if any(not -size <= at < size for place in places for at, size in zip(place, sizes, strict=True)):
        raise NodeError(f"picks elements that are not among {by(sizes)}")
    picked = [_place(place, sizes) for place in places]
    count = prod(shape[first:-1])
    if picked != picked[:count] * (len(picked) // count):
        raise NodeError(f"picks others for each place of the first {first} dimensions: must be alike for all")
    dims = (*tensor.dims[:first], prod(sizes), *tensor.dims[first + shape[-1] :])
    output = taken(node, reshaped(node, tensor, dims), first, picked[:count])
    return node.becomes(reshaped(node, output, node.output_dims))


def _check_indices(dims: Sequence[int], shape: Sequence[int], first: int) -> None:
    """Refuse indices by which GatherND picks nothing of a tensor, or nothing that it has."""
    fewest = min(len(dims), len(shape))
    if not fewest:
        raise NodeError("picks from, or by, a single number: both must have dimensions")
    if not 0 <= first < fewest:
        allowed = f"from 0 to {fewest - 1}" if fewest > 1 else "0"
        raise NodeError(f"batch_dims = {first}: must be {allowed} for {by(dims)} and indices of {by(shape)}")
    if tuple(dims[:first]) != tuple(shape[:first]):
        raise NodeError(f"batch_dims = {first}: {by(dims)} and indices of {by(shape)} must begin alike")
    if not 1 <= shape[-1] <= len(dims) - first:
        most = len(dims) - first
        raise NodeError(f"picks by indices of {by(shape)}: the last must be 1 to {most} for {by(dims)}")
    if 0 in shape:
        raise NodeError(f"picks nothing: its indices are {by(shape)}")


def _place(indices: Sequence[int], sizes: Sequence[int]) -> int:
    """The place along dimensions that are one, counted from the first element."""
    place = 0
    for index, size in zip(indices, sizes, strict=True):
        place = place * size + index % size
    return place


def _is_run(picked: Sequence[int], first: int, count: int) -> bool:
    """Whether these are successive elements; a range is not gone through, however long it is."""
    run = range(first, first + count)
    if isinstance(picked, range):
        return picked == run
    return len(picked) == count and list(picked) == list(run)


def taken(
    node: NodeContext,
    tensor: ModelTensor,
    index: int,
    picked: Sequence[int],
    suffix: str = "",
    *,
    may_wait: bool = False,
) -> ModelTensor:
    """Elements of a dimension, in the order in which they are picked."""
    size = tensor.dims[index]
    if _is_run(picked, 0, size):
        return tensor
    in_turn = _is_run(picked, picked[0], len(picked))
    atoms = tensor.view[index]
    if N in axes_of(atoms):
        raise NodeError(f"takes some of the images of a batch: dimension {index} of {by(tensor.dims)}")
    waits = tensor.margins[index] if tensor.margins else NO_MARGIN
    if may_wait and in_turn and (atoms in (tensor.axes[H], tensor.axes[W]) and (atoms or waits != NO_MARGIN)):
        margins = [*(tensor.margins or (NO_MARGIN,) * len(tensor.view))]
        margins[index] = (waits[0] - picked[0], waits[1] - (size - picked[0] - len(picked)))
        return replace(tensor, margins=tuple(margins))
    tensor = settled(node, tensor)
    if size == 1:
        dims = (*tensor.dims[:index], len(picked), *tensor.dims[index + 1 :])
        return expanded(node, tensor, dims, suffix)
    if len(tensor.view[index]) != 1:
        others = [i for i, part in enumerate(tensor.view) if i != index and N not in axes_of(part)]
        tensor = arranged(node, tensor, [index], [], others)
    (atom,) = tensor.view[index]
    operator, arguments, count = _picking(tensor, atom, picked, in_turn=in_turn)
    extents = {**tensor.extents, atom.axis: count}
    shape = (extents[C], extents[H], extents[W])
    output = node.row(operator, [tensor], shape, suffix=suffix, **arguments)
    return replace(tensor, row=output.row, shape=shape, view=resized(tensor.view, atom, len(picked)))


def _picking(
    tensor: ModelTensor, atom: Atom, picked: Sequence[int], *, in_turn: bool
) -> tuple[str, dict[str, Any], int]:
    """The row that picks elements of a part of an axis, its arguments, and how long the axis is then."""
    extent = tensor.extents[atom.axis]
    count = extent // atom.size * len(picked)
    is_axis = atom.size == extent
    if atom.axis == C and in_turn and atom.size * atom.stride == extent:
        return "channel_slice", {"first": picked[0] * atom.stride, "channels": count}, count
    whole = len(picked) == extent <= MOST_PICKED
    if atom.axis == C and is_axis and whole and sorted(picked) == list(range(extent)):
        return "channel_permutation", {}, count
    step = picked[1] - picked[0] if len(picked) > 1 else 1
    steps = range(picked[0], picked[-1] + 1, step) if step > 0 else range(0)
    if is_axis and (picked == steps if isinstance(picked, range) else list(picked) == list(steps)):
        arguments = {"axis": AXES[atom.axis], "first": picked[0], "size": len(picked), "step": step}
        return "slice", arguments, count
    if count > MOST_PICKED:
        raise NodeError(f"picks {count:,} {AXES[atom.axis]} one by one: at most {MOST_PICKED:,} are possible")
    outer = extent // (atom.size * atom.stride)
    indices = tuple(
        (block * atom.size + place) * atom.stride + rest
        for block in range(outer)
        for place in picked
        for rest in range(atom.stride)
    )
    return "gather", {"axis": AXES[atom.axis], "indices": indices}, count


# --- whole dimensions as one element


def reduce(function: str) -> Rule:
    """A rule for what makes one element of some dimensions."""

    def rule(node: NodeContext) -> Outputs:
        tensor = node.tensor()
        rank = len(tensor.view)
        is_place = function.startswith("arg")
        listed = [node.attribute("axis", 0)] if is_place else node.integers(1, "axes") or []
        if not listed and node.attribute("noop_with_empty_axes", 0):
            return node.becomes(tensor)
        indices = sorted({axis % rank for axis in listed or range(rank)})
        output = _reduced(node, tensor, indices, function)
        view = tuple(
            [atoms for index, atoms in enumerate(output.view) if index not in indices]
            if not node.attribute("keepdims", 1)
            else output.view
        )
        return node.becomes(replace(output, view=view, bits=None))

    return rule


def global_pool(function: str) -> Rule:
    """A rule for what makes one pixel of all rows and columns."""

    def rule(node: NodeContext) -> Outputs:
        tensor = node.tensor()
        return node.becomes(_reduced(node, tensor, range(2, len(tensor.view)), function))

    return rule


def _reduced(node: NodeContext, tensor: ModelTensor, indices: Sequence[int], function: str) -> ModelTensor:
    atoms = [atom for index in indices for atom in tensor.view[index]]
    axes = axes_of(atoms)
    if N in axes:
        raise NodeError("is one for all images of a batch")
    if any(prod(atom.size for atom in atoms if atom.axis == axis) != tensor.extents[axis] for axis in axes):
        others = [i for i, part in enumerate(tensor.view) if i not in indices and N not in axes_of(part)]
        tensor, axes = rearranged(node, tensor, others, [], list(indices)), {W}
    view: View = tuple([() if index in indices else part for index, part in enumerate(tensor.view)])
    if C not in axes and axes >= {axis for axis in (H, W) if tensor.extents[axis] > 1}:
        shape = (tensor.shape[0], 1, 1)
        if function == "mean":
            return replace(node.row("global_average_pool", [tensor], shape), view=view)
        if function == "max":
            return replace(node.row("max_pool", [tensor], shape, kernel=list(tensor.shape[1:])), view=view)
    if not axes:
        return replace(tensor, view=view)
    left = tuple([1 if axis in axes else tensor.extents[axis] for axis in (C, H, W)])
    listed = [AXES[axis] for axis in (C, H, W) if axis in axes]
    output = node.conversion.row(node.name, "reduce", [tensor], left, axes=tuple(listed), function=function)
    return replace(output, view=view)
