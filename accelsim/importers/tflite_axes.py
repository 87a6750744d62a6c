"""Operators of TensorFlow Lite that move, cut and join tensors along axes, and states, as those of ONNX."""

from accelsim.importers.model import ModelNode
from accelsim.importers.tflite_calls import TO_NCHW, TO_NHWC, Call, TfliteRule


def reduce(operator: str) -> TfliteRule:
    """A mean, sum, maximum or minimum over axes."""

    def rule(call: Call) -> None:
        rank = len(call.shape(call.input(0)))
        axes = [axis % rank for axis in call.integers(1)]
        keeps = int(len(call.shape(call.outputs[0])) == rank)
        call.make(operator, [call.input(0)], axes=axes, keepdims=keeps)

    return rule


def concat(call: Call) -> None:
    """Tensors one after another."""
    rank = len(call.shape(call.outputs[0]))
    call.elementwise("Concat", call.inputs, axis=call.option("Axis") % rank)


def pack(call: Call) -> None:
    """Tensors side by side along an axis of their own."""
    dims = call.shape(call.outputs[0])
    axis = call.option("Axis") % len(dims)
    single = (*dims[:axis], 1, *dims[axis + 1 :])
    parts = [call.reshaped(name, single, f"part{index}") for index, name in enumerate(call.inputs)]
    call.make("Concat", parts, axis=axis)


def split(source: int, axis: int) -> TfliteRule:
    """Parts of a tensor along an axis, which is a constant."""

    def rule(call: Call) -> None:
        rank = len(call.shape(call.input(source)))
        (number,) = call.integers(axis)
        call.nodes.append(
            ModelNode(call.name, "Split", (call.input(source),), call.outputs, {"axis": number % rank})
        )

    return rule


def unpack(call: Call) -> None:
    """A tensor for each entry of an axis."""
    dims = call.shape(call.input(0))
    axis = call.option("Axis") % len(dims)
    single = (*dims[:axis], 1, *dims[axis + 1 :])
    parts = tuple(call.part(f"part{index}", single, like=name) for index, name in enumerate(call.outputs))
    call.nodes.append(ModelNode(call.name, "Split", (call.input(0),), parts, {"axis": axis}))
    for part, output in zip(parts, call.outputs, strict=True):
        call.add("Reshape", [part], output, "/squeeze")


def cut(call: Call) -> None:
    """A range of each axis; a size of -1 is all that follows."""
    dims, begins, sizes = call.shape(call.input(0)), call.integers(1), call.integers(2)
    ends = [
        size if count < 0 else begin + count for size, begin, count in zip(dims, begins, sizes, strict=True)
    ]
    axes = list(range(len(dims)))
    call.make("Slice", [call.input(0)], axes=axes, starts=begins, ends=ends, steps=[1] * len(dims))


def strided_slice(call: Call) -> None:
    """Bits of the masks say of an axis that its begin, or end, counts for nothing, or that it goes."""
    dims = call.shape(call.input(0))
    begins, ends, steps = (call.integers(index) for index in (1, 2, 3))
    if call.option("EllipsisMask") or call.option("NewAxisMask"):
        raise LookupError("masks of ellipses and of new axes")
    ranges = []
    for axis, (begin, end, step) in enumerate(zip(begins, ends, steps, strict=True)):
        size = dims[axis]
        first = begin + size if begin < 0 else begin
        if call.option("ShrinkAxisMask") >> axis & 1:
            ranges.append((first, first + 1, 1))
            continue
        if call.option("BeginMask") >> axis & 1:
            first = 0 if step > 0 else size - 1
        last = end + size if end < 0 else end
        if call.option("EndMask") >> axis & 1:
            last = size if step > 0 else -size - 1
        ranges.append((first, last, step))
    sliced = tuple(
        len(range(*slice(first, last, step).indices(size)))
        for size, (first, last, step) in zip(dims, ranges, strict=False)
    )
    part = call.part("slice", (*sliced, *dims[len(ranges) :]), like=call.input(0))
    starts, stops, strides = (list(numbers) for numbers in zip(*ranges, strict=True))
    axes = list(range(len(ranges)))
    call.add("Slice", [call.input(0)], part, axes=axes, starts=starts, ends=stops, steps=strides)
    operator = "Identity" if call.shape(part) == call.shape(call.outputs[0]) else "Reshape"
    call.add(operator, [part], call.outputs[0], "/squeeze")


def pad(call: Call) -> None:
    """Elements before and behind along each axis."""
    pairs = call.integers(1)
    call.make("Pad", [call.input(0)], pads=[*pairs[::2], *pairs[1::2]])


def transpose(call: Call) -> None:
    """Axes in another order."""
    call.make("Transpose", [call.input(0)], perm=call.integers(1))


def reshape(call: Call) -> None:
    """The same elements in another shape."""
    call.make("Reshape", [call.input(0)])


def gather(call: Call) -> None:
    """Entries of an axis."""
    if call.option("BatchDims"):
        raise LookupError("batch dimensions of a gather")
    rank = len(call.shape(call.input(0)))
    call.make("Gather", [call.input(0), call.input(1)], axis=call.option("Axis") % rank)


def arg(operator: str) -> TfliteRule:
    """Where the largest or smallest element along an axis is."""

    def rule(call: Call) -> None:
        rank = len(call.shape(call.input(0)))
        (axis,) = call.integers(1)
        keeps = int(len(call.shape(call.outputs[0])) == rank)
        call.make(operator, [call.input(0)], axis=axis % rank, keepdims=keeps)

    return rule


def tile(call: Call) -> None:
    """A tensor several times."""
    call.make("Tile", [call.input(0), call.input(1)])


# --- states of networks that are given an image after the other


def read_state(call: Call) -> None:
    """What an inference before has left is read as an input is."""
    output = call.outputs[0]
    if len(call.shape(output)) != len(TO_NCHW):
        call.tensors.states_read.append(output)
        return
    source = call.part("nchw", tuple(call.shape(output)[axis] for axis in TO_NCHW))
    call.tensors.states_read.append(source)
    call.add("Transpose", [source], output, "/nhwc", perm=TO_NHWC)


def write_state(call: Call) -> None:
    """What the next inference is to read is stored as an output is."""
    call.tensors.states_written.append(call.input(1))


def nothing(_call: Call) -> None:
    """What prepares a state has nothing to execute."""
