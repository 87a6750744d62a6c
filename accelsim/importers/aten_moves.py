"""ATen operators that put tensors together, take parts of them, or lay them out in another order, in ONNX."""

from collections.abc import Callable, Mapping, Sequence
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
    "stack": _stack,
    "expand": plain("Expand"),
    "repeat": _repeat,
    "t": plain("Transpose"),
    "permute": _permute,
    "transpose": _transpose,
    **dict.fromkeys(("channel_shuffle", "native_channel_shuffle"), _shuffle),
}
