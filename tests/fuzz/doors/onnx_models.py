"""ONNX files: small models of many kinds, changed field by field, node by node, and byte by byte."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from random import Random
from typing import Any, Final

from accelsim.network.description import load_network
from accelsim.run import run_network
from fuzz.door import Door
from fuzz.doors.files import machine
from fuzz.judge import check_network, check_result

_INTEGERS: Final = (
    0, 1, -1, 2, 3, 4, 5, 7, 8, 16, 64, 255, 1000, 8193, 10**6, 2**31 - 1, 2**31, -(2**31), 2**62,
    -(2**62),
)  # fmt: skip
_FLOATS: Final = (0.0, 1.0, -1.0, 0.5, 2.0, 1e30, -1e30, float("inf"), float("nan"))
_STRINGS: Final = (
    "", "x", "y", "w", "NOTSET", "SAME_UPPER", "SAME_LOWER", "VALID", "nearest", "linear", "cubic",
    "ai.onnx", "ai.onnx.ml", "com.microsoft", "no.such.domain", "é", "\x1b[31m", "a\nb", "a" * 300,
    "../weights.bin", " ",
)  # fmt: skip
_OPERATORS: Final = (
    "Abs", "Add", "ArgMax", "AveragePool", "BatchNormalization", "Cast", "Clip", "Concat", "Constant",
    "ConstantOfShape", "Conv", "ConvTranspose", "DepthToSpace", "DequantizeLinear", "Div", "Dropout",
    "Einsum", "Elu", "Equal", "Expand", "Flatten", "Gather", "Gemm", "GlobalAveragePool", "HardSwish",
    "Identity", "If", "InstanceNormalization", "LRN", "LSTM", "LayerNormalization", "LeakyRelu", "Loop",
    "MatMul", "Max", "MaxPool", "Mul", "NoSuchOperator", "NonZero", "PRelu", "Pad", "QLinearConv",
    "QuantizeLinear", "Range", "ReduceMean", "Relu", "Reshape", "Resize", "Scan", "ScatterND", "Shape",
    "Sigmoid", "Size", "Slice", "Softmax", "Split", "Squeeze", "Sub", "Sum", "Tile", "TopK",
    "Transpose", "Unsqueeze", "Upsample", "Where",
)  # fmt: skip


@dataclass(frozen=True)
class ModelFile:
    """A file, and the resolution that is asked for."""

    content: bytes
    resolution: int | None


# --- seeds


class _Graph:
    """A model under construction; whatever is added reads what was added before it."""

    def __init__(self, channels: int = 3, size: int = 12, batch: int | str = 1) -> None:
        from onnx import TensorProto, helper  # noqa: PLC0415 (an extra)

        self.helper, self.types = helper, TensorProto
        self.nodes: list[Any] = []
        self.constants: list[Any] = []
        self.last = "x"
        self.channels = channels
        self.image = [batch, channels, size, size]

    def add(
        self, operator: str, *others: str, of: str | None = None, outputs: int = 1, **attributes: Any
    ) -> str:
        """A node that reads `of`, or the last one, and tensors of these names."""
        output = f"t{len(self.nodes)}"
        names = [output, *(f"{output}.{number}" for number in range(1, outputs))]
        inputs = [self.last if of is None else of, *others]
        self.nodes.append(
            self.helper.make_node(operator, inputs, names, name=f"n{len(self.nodes)}", **attributes)
        )
        self.last = output
        return output

    def weights(self, *dims: int, kind: int | None = None) -> str:
        """A constant of zeros."""
        count = 1
        for dim in dims:
            count *= dim
        return self.constant([0.0] * count, dims, self.types.FLOAT if kind is None else kind)

    def integers(self, *values: int) -> str:
        """A constant of these whole numbers."""
        return self.constant(values, [len(values)], self.types.INT64)

    def constant(self, values: Sequence[float], dims: Sequence[int], kind: int) -> str:
        """A constant tensor."""
        name = f"w{len(self.constants)}"
        self.constants.append(self.helper.make_tensor(name, kind, dims, values))
        return name

    def conv(
        self, out: int, kernel: int = 3, groups: int = 1, of: str | None = None, **attributes: Any
    ) -> str:
        """A convolution that keeps the size, unless told otherwise."""
        weights = self.weights(out, self.channels // groups, kernel, kernel)
        self.channels = out
        if "auto_pad" not in attributes:
            attributes.setdefault("pads", [kernel // 2] * 4)
        return self.add("Conv", weights, of=of, group=groups, kernel_shape=[kernel, kernel], **attributes)

    def gemm(self, inputs: int, outputs: int) -> str:
        """A matrix product with a bias."""
        return self.add("Gemm", self.weights(outputs, inputs), self.weights(outputs), transB=1)

    def model(self, opset: int = 17) -> Any:
        """The model, whose output is the last node."""
        value = self.helper.make_tensor_value_info
        inputs = [value("x", self.types.FLOAT, self.image)]
        outputs = [value(self.last, self.types.FLOAT, None)]
        graph = self.helper.make_graph(self.nodes, "graph", inputs, outputs, self.constants)
        opsets = [self.helper.make_opsetid("", opset)]
        return self.helper.make_model(graph, opset_imports=opsets, producer_name="corpus")


def _classifier() -> Any:
    """Convolutions, pooling, and a classifier behind Flatten."""
    graph = _Graph()
    graph.conv(8, strides=[2, 2])
    parts = [graph.weights(8) for _ in range(4)]
    graph.add("BatchNormalization", *parts)
    graph.add("Relu")
    graph.add("MaxPool", kernel_shape=[2, 2], strides=[2, 2])
    graph.add("Dropout")
    graph.add("Flatten", axis=1)
    graph.gemm(72, 10)
    graph.add("Softmax", axis=1)
    return graph.model()


def _residual() -> Any:
    """A sum, a concatenation and squeeze and excitation."""
    graph = _Graph(channels=4)
    first = graph.conv(8)
    graph.add("Clip", graph.constant([0.0], [], 1), graph.constant([6.0], [], 1))
    graph.conv(8, groups=8)
    total = graph.add("Add", first)
    graph.add("GlobalAveragePool")
    graph.conv(2, kernel=1)
    graph.add("Relu")
    graph.conv(8, kernel=1)
    graph.add("Sigmoid")
    gated = graph.add("Mul", total)
    graph.add("Concat", first, of=gated, axis=1)
    graph.add("ReduceMean", axes=[2, 3], keepdims=1)
    return graph.model(opset=13)


def _shuffle() -> Any:
    """Channels in another order, taken apart and put together."""
    graph = _Graph(channels=8, batch="N")
    graph.add("Reshape", graph.integers(0, 2, 4, 12, 12))
    graph.add("Transpose", perm=[0, 2, 1, 3, 4])
    graph.add("Reshape", graph.integers(0, -1, 12, 12))
    half = graph.add("Split", graph.integers(4, 4), axis=1, outputs=2)
    graph.channels = 4
    graph.conv(4)
    graph.add("Concat", f"{half}.1", axis=1)
    graph.add("Slice", graph.integers(2), graph.integers(8), graph.integers(1))
    graph.add("Gather", graph.integers(5, 4, 3, 2, 1, 0), axis=1)
    graph.add("AveragePool", kernel_shape=[3, 3], ceil_mode=1, strides=[2, 2])
    return graph.model()


def _computed_shape() -> Any:
    """A shape that the model computes, as exporters write `view(x.size(0), -1)`."""
    graph = _Graph(channels=4, batch="batch")
    body = graph.conv(6, auto_pad="SAME_UPPER")
    shape = graph.add("Shape")
    graph.add("Gather", graph.constant([0], [], 7), of=shape, axis=0)
    size = graph.add("Unsqueeze", graph.integers(0))
    shape = graph.add("Concat", graph.integers(-1), of=size, axis=0)
    graph.add("Reshape", shape, of=body)
    graph.gemm(864, 5)
    return graph.model()


def _quantised() -> Any:
    """Weights and activations through QuantizeLinear and DequantizeLinear."""
    graph = _Graph(channels=4)
    scale = graph.constant([0.1], [], 1)
    zero = graph.constant([0], [], 3)
    graph.add("QuantizeLinear", scale, zero)
    image = graph.add("DequantizeLinear", scale, zero)
    stored = graph.weights(8, 4, 3, 3, kind=3)
    weights = graph.add("DequantizeLinear", scale, zero, of=stored)
    graph.add("Conv", weights, of=image, kernel_shape=[3, 3])
    graph.add("PRelu", graph.weights(8, 1, 1))
    return graph.model()


def _resized() -> Any:
    """Padding, resizing, and a sum of both branches."""
    graph = _Graph(channels=4)
    wide = graph.conv(4)
    graph.add("Pad", graph.integers(0, 0, 1, 1, 0, 0, 1, 1))
    graph.conv(4, pads=[0, 0, 0, 0], strides=[2, 2])
    empty = ""
    graph.add("Resize", empty, graph.constant([1.0, 1.0, 2.0, 2.0], [4], 1), mode="nearest")
    graph.add("Add", wide)
    graph.add("LRN", size=3)
    graph.add("HardSwish")
    return graph.model()


def _constants() -> Any:
    """Constants as nodes, and a chain of arithmetic on them."""
    graph = _Graph(channels=4)
    body = graph.conv(4)
    tensor = graph.helper.make_tensor("value", 7, [1], [4])
    start = graph.constant([0], [], 7)
    graph.add("Range", graph.constant([4], [], 7), graph.constant([1], [], 7), of=start)
    order = graph.last
    graph.nodes.append(graph.helper.make_node("ConstantOfShape", [order], ["filled"], value=tensor))
    graph.nodes.append(graph.helper.make_node("Constant", [], ["constant"], value=tensor))
    graph.add("Mul", "constant", of="constant")
    graph.add("Gather", order, of=body, axis=1)
    graph.add("GlobalAveragePool")
    graph.add("Squeeze", graph.integers(2, 3))
    graph.add("MatMul", graph.weights(4, 7))
    return graph.model(opset=16)


def _signal() -> Any:
    """One axis instead of two."""
    graph = _Graph(channels=4)
    graph.image = [1, 4, 40]
    graph.add("Conv", graph.weights(8, 4, 5), kernel_shape=[5], strides=[2])
    graph.add("Relu")
    graph.add("GlobalAveragePool")
    graph.add("Flatten")
    graph.gemm(8, 3)
    return graph.model(opset=11)


def _channels_last() -> Any:
    """An image whose channels come last, as TensorFlow's converter writes it."""
    graph = _Graph(channels=3)
    graph.image = [1, 12, 12, 3]
    graph.add("Transpose", perm=[0, 3, 1, 2])
    graph.conv(4)
    graph.add("Transpose", perm=[0, 2, 3, 1])
    graph.add("Relu")
    graph.add("Transpose", perm=[0, 3, 1, 2])
    graph.add("Flatten")
    graph.gemm(576, 3)
    return graph.model(opset=13)


_SEEDS: Final = (
    _classifier, _residual, _shuffle, _computed_shape, _quantised, _resized, _constants, _signal,
    _channels_last,
)  # fmt: skip


@cache
def seeds() -> tuple[bytes, ...]:
    """The models, as files."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return tuple(make().SerializeToString() for make in _SEEDS)


# --- changes


def _fields(message: Any, depth: int = 0) -> list[tuple[Any, Any]]:
    """Every field that is set, in a message and below, as the message that has it and its descriptor."""
    found: list[tuple[Any, Any]] = []
    for field, value in message.ListFields():
        found.append((message, field))
        if field.type == field.TYPE_MESSAGE and depth < 8:
            for inner in [value] if hasattr(value, "ListFields") else value:
                found += _fields(inner, depth + 1)
    return found


def _scalar(field: Any, random: Random) -> Any:
    """A value of a field's type."""
    if field.type in (field.TYPE_FLOAT, field.TYPE_DOUBLE):
        return random.choice(_FLOATS)
    if field.type == field.TYPE_STRING:
        return random.choice(_STRINGS)
    if field.type == field.TYPE_BYTES:
        return random.choice((b"", b"x", b"SAME_UPPER", b"\xff\xfe", bytes(100)))
    return random.choice((*_INTEGERS, random.randrange(1, 30)))


def _change_field(model: Any, random: Random) -> None:
    """Another value, one more, one less, or none, in a field that is picked at random."""
    message, field = random.choice(_fields(model))
    value = getattr(message, field.name)
    if random.random() < 0.1:
        message.ClearField(field.name)
    elif hasattr(value, "ListFields"):
        _change_field(value if value.ListFields() else model, random)
    elif isinstance(value, str | bytes | int | float):
        setattr(message, field.name, _scalar(field, random))
    else:
        _change_items(value, field, random)


def _change_items(items: Any, field: Any, random: Random) -> None:
    position = random.randrange(len(items))
    match random.randrange(4):
        case 0:
            del items[position]
        case 1 if field.type == field.TYPE_MESSAGE:
            items.add().CopyFrom(items[position])
        case 1:
            items.append(_scalar(field, random))
        case 2 if field.type == field.TYPE_MESSAGE:
            other = type(items[0])()
            other.CopyFrom(items[random.randrange(len(items))])
            items[position].CopyFrom(other)
        case _ if field.type != field.TYPE_MESSAGE:
            items[position] = _scalar(field, random)


def _names(graph: Any) -> list[str]:
    """Every tensor of a graph, and one that is not there."""
    names = [tensor.name for tensor in (*graph.input, *graph.initializer)]
    return [*names, *(output for node in graph.node for output in node.output), "nowhere"]


def _change_wiring(model: Any, random: Random) -> None:
    """Another input or output for a node, from anywhere in the graph."""
    if model.graph.node:
        node = random.choice(model.graph.node)
        ends = random.choice((node.input, node.input, node.input, node.output))
        if ends:
            ends[random.randrange(len(ends))] = random.choice(_names(model.graph))


def _change_operator(model: Any, random: Random) -> None:
    if model.graph.node:
        random.choice(model.graph.node).op_type = random.choice(_OPERATORS)


def _add_node(model: Any, random: Random) -> None:
    """One more node, between a tensor and those that read it, or at the end."""
    names = _names(model.graph)
    source, extra = random.choice(names), [random.choice(names) for _ in range(random.choice((0, 0, 1, 2)))]
    node = model.graph.node.add()
    node.op_type = random.choice(_OPERATORS)
    node.input.extend([source, *extra])
    node.output.append("added")
    if random.random() < 0.3 and model.graph.output:
        model.graph.output[0].name = "added"


def _change_dim(model: Any, random: Random) -> None:
    """Another size for the image or a constant."""
    shaped = [value.type.tensor_type.shape.dim for value in model.graph.input]
    if shaped and random.random() < 0.5:
        dims = random.choice(shaped)
        if dims:
            dims[random.randrange(len(dims))].dim_value = random.choice(_INTEGERS)
    elif model.graph.initializer:
        tensor = random.choice(model.graph.initializer)
        if tensor.dims:
            tensor.dims[random.randrange(len(tensor.dims))] = random.choice(_INTEGERS)


def _change_opset(model: Any, random: Random) -> None:
    for opset in model.opset_import:
        opset.version = random.choice((*range(-1, 30), 2**40))


_CHANGES: Final = (
    _change_field, _change_field, _change_field, _change_field, _change_wiring, _change_wiring,
    _change_operator, _add_node, _change_dim, _change_opset,
)  # fmt: skip


def _make(random: Random) -> ModelFile:
    import onnx  # noqa: PLC0415 (an extra)

    model = onnx.ModelProto()
    model.ParseFromString(random.choice(seeds()))
    for _ in range(random.choice((0, 1, 1, 1, 2, 3, 6))):
        change = random.choice(_CHANGES)
        try:
            change(model, random)
        except (ValueError, TypeError):  # protobuf checks ranges and encodings: this one stays as it was
            continue
    content = model.SerializeToString()
    if random.random() < 0.1:
        content = _damaged(content, random)
    return ModelFile(content, random.choice((None, None, None, None, 8, 12, 33, 0, -1, 8192)))


def _damaged(content: bytes, random: Random) -> bytes:
    changed = bytearray(content)
    for _ in range(random.choice((1, 2, 10))):
        if changed:
            changed[random.randrange(len(changed))] = random.randrange(256)
    return bytes(changed[: random.choice((len(changed), len(changed), random.randrange(len(changed) + 1)))])


def _feed(given: ModelFile) -> None:
    Path("model.onnx").write_bytes(given.content)
    settings = "" if given.resolution is None else f"@resolution={given.resolution}"
    network = load_network(f"model.onnx{settings}")
    check_network(network)
    check_result(run_network(network, machine("published")))


def _show(given: ModelFile) -> str:
    import onnx  # noqa: PLC0415 (an extra)

    try:
        model = onnx.ModelProto()
        model.ParseFromString(given.content)
        text = onnx.printer.to_text(model)
    except Exception as error:  # whatever it is, the bytes can be shown
        text = f"{type(error).__name__}: {given.content!r}"
    return f"{text}\n--- resolution {given.resolution}"


DOOR: Final = Door("onnx", _make, _feed, _show)
