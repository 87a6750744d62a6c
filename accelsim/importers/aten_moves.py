"""ATen operators that put tensors together, take parts of them, or lay them out in another order, in ONNX."""

from collections.abc import Callable, Mapping, Sequence
from math import prod
from typing import Final

from accelsim.importers.model import ModelNode
from accelsim.importers.torch_calls import AtenRule, Call, Nodes, plain


def _cat(call: Call) -> Nodes:
    sources = [call.tensors.name_of(tensor) for tensor in call.argument(0, "tensors")]
    return call.emit("Concat", sources, axis=call.argument(1, "dim", 0))


def _split(call: Call) -> Nodes:
    return call.emit("Split", [call.tensor()], axis=call.argument(2, "dim", 0))


def _slice(call: Call) -> Nodes:
    axis, end = call.argument(1, "dim", 0), call.argument(3, "end")
    size = call.shape(call.tensor())[axis]
    return call.emit(
        "Slice",
        [call.tensor()],
        axes=[axis],
        starts=[call.argument(2, "start", 0)],
        ends=[size if end is None else min(end, size)],
        steps=[call.argument(4, "step", 1)],
    )


def _picked(call: Call, indices: Callable[[int], Sequence[int]], *, dim: int = 0) -> Nodes:
    """Elements of one axis by their places."""
    size = call.shape(call.tensor())[dim]
    return call.emit("Gather", [call.tensor()], axis=dim, indices=list(indices(size)))


def _select(call: Call) -> Nodes:
    return _picked(call, lambda _size: [call.argument(2, "index")], dim=call.argument(1, "dim", 0))


def _index_select(call: Call) -> Nodes:
    return call.emit("Gather", [call.tensor(), call.tensor(2, "index")], axis=call.argument(1, "dim", 0))


def _flip(call: Call) -> Nodes:
    axes = list(call.argument(1, "dims"))
    ends = [-(2**62)] * len(axes)
    starts, steps = [-1] * len(axes), [-1] * len(axes)
    return call.emit("Slice", [call.tensor()], axes=axes, starts=starts, ends=ends, steps=steps)


def _roll(call: Call) -> Nodes:
    """Elements along some axes, from another one on."""
    shifts, dims = call.argument(1, "shifts"), call.argument(2, "dims")
    source, shape = call.tensor(), call.shape(call.tensor())
    for number, (shift, dim) in enumerate(zip(shifts, dims, strict=True), 1):
        size = shape[dim]
        picked = [(place - shift) % size for place in range(size)]
        last = number == len(dims)
        names = call.outputs() if last else (f"{call.node.name}.{number}",)
        call.tensors.shapes.setdefault(names[0], shape)
        yield ModelNode("", "Gather", (source,), names, {"axis": dim, "indices": picked})
        source = names[0]


def _repeat_interleave(call: Call) -> Nodes:
    """Each element along an axis several times, or all elements as one axis."""
    repeats, dim, source = call.argument(1, "repeats"), call.argument(2, "dim"), call.tensor()
    shape = call.shape(source)
    if not isinstance(repeats, int):
        yield from call.emit("repeat_interleave by a tensor of counts", [source])
        return
    if dim is None:
        flat = f"{call.node.name}.flat"
        call.tensors.shapes[flat] = (prod(shape),)
        yield ModelNode("", "Reshape", (source,), (flat,))
        source, shape, dim = flat, (prod(shape),), 0
    picked = [place for place in range(shape[dim]) for _ in range(repeats)]
    yield from call.emit("Gather", [source], axis=dim, indices=picked)


def _unfold(call: Call) -> Nodes:
    """Windows along an axis, whose elements are a new axis behind all others."""
    source, rank = call.tensor(), len(call.shape(call.tensor()))
    dim, size, step = call.argument(1, "dimension") % rank, call.argument(2, "size"), call.argument(3, "step")
    shape = call.shape(source)
    count = (shape[dim] - size) // step + 1
    picked = [window * step + place for window in range(count) for place in range(size)]
    gathered, cut = f"{call.node.name}.picked", f"{call.node.name}.windows"
    call.tensors.shapes[gathered] = (*shape[:dim], count * size, *shape[dim + 1 :])
    call.tensors.shapes[cut] = (*shape[:dim], count, size, *shape[dim + 1 :])
    yield ModelNode("", "Gather", (source,), (gathered,), {"axis": dim, "indices": picked})
    yield ModelNode("", "Reshape", (gathered,), (cut,))
    order = [axis for axis in range(rank + 1) if axis != dim + 1]
    yield from call.emit("Transpose", [cut], perm=[*order, dim + 1])


def _copy(call: Call) -> Nodes:
    """The second tensor in the shape of the first, of which nothing is left."""
    return call.emit("Expand", [call.tensor(1, "src")])


def _unbind(call: Call) -> Nodes:
    axis = call.argument(1, "dim", 0)
    for index, output in enumerate(call.outputs()):
        yield ModelNode("", "Gather", (call.tensor(),), (output,), {"axis": axis, "indices": [index]})


def _stack(call: Call) -> Nodes:
    """Concatenation along a new axis."""
    sources = [call.tensors.name_of(tensor) for tensor in call.argument(0, "tensors")]
    (output,) = call.outputs()
    rank = len(call.shape(output))
    axis = call.argument(1, "dim", 0) % rank
    longer = []
    for index, source in enumerate(sources):
        name, shape = f"{call.node.name}.{index}", call.shape(source)
        call.tensors.shapes[name] = (*shape[:axis], 1, *shape[axis:])
        longer.append(name)
        yield ModelNode("", "Reshape", (source,), (name,))
    yield from call.emit("Concat", longer, axis=axis)


def _repeat(call: Call) -> Nodes:
    repeats = list(call.argument(1, "repeats"))
    missing = len(repeats) - len(call.shape(call.tensor()))
    if missing:
        return call.emit("Expand", [call.tensor()])
    return call.emit("Tile", [call.tensor()], repeats=repeats)


def _shuffled_pixels(operator: str, factor: str) -> AtenRule:
    return lambda call: call.emit(operator, [call.tensor()], blocksize=call.argument(1, factor), mode="CRD")


def _permute(call: Call) -> Nodes:
    rank = len(call.shape(call.tensor()))
    return call.emit("Transpose", [call.tensor()], perm=[axis % rank for axis in call.argument(1, "dims")])


def _transpose(call: Call) -> Nodes:
    order = list(range(len(call.shape(call.tensor()))))
    first, second = call.argument(1, "dim0", 0), call.argument(2, "dim1", 1)
    order[first], order[second] = order[second], order[first]
    return call.emit("Transpose", [call.tensor()], perm=order)


def _shuffle(call: Call) -> Nodes:
    """Channels as groups x members, transposed."""
    (batch, channels, *plane), groups = call.shape(call.tensor()), call.argument(1, "groups")
    split, swapped = f"{call.node.name}.groups", f"{call.node.name}.members"
    call.tensors.shapes[split] = (batch, groups, channels // groups, *plane)
    call.tensors.shapes[swapped] = (batch, channels // groups, groups, *plane)
    yield ModelNode("", "Reshape", (call.tensor(),), (split,))
    yield ModelNode("", "Transpose", (split,), (swapped,), {"perm": [0, 2, 1, 3, 4]})
    yield from call.emit("Reshape", [swapped])


MOVES: Final[Mapping[str, AtenRule]] = {
    "pixel_shuffle": _shuffled_pixels("DepthToSpace", "upscale_factor"),
    "pixel_unshuffle": _shuffled_pixels("SpaceToDepth", "downscale_factor"),
    "cat": _cat,
    **dict.fromkeys(("split", "split_with_sizes", "chunk"), _split),
    "slice": _slice,
    "select": _select,
    "index_select": _index_select,
    "flip": _flip,
    "roll": _roll,
    "unbind": _unbind,
    "repeat_interleave": _repeat_interleave,
    "unfold": _unfold,
    "copy": _copy,
    "stack": _stack,
    "expand": plain("Expand"),
    "repeat": _repeat,
    "t": plain("Transpose"),
    "permute": _permute,
    "transpose": _transpose,
    **dict.fromkeys(("channel_shuffle", "native_channel_shuffle"), _shuffle),
}
