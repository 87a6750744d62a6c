"""ONNX files: small models of many kinds, changed field by field, node by node, and byte by byte."""

from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any, Final

from accelsim.network.load import load_network
from accelsim.run import run_network
from fuzz.door import Door
from fuzz.doors.files import machine
from fuzz.doors.onnx_seeds import seeds
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


# --- changes


def _fields(message: Any, depth: int = 0) -> list[tuple[Any, Any]]:
    """Every field that is set, in a message and below, as the message that has it and its descriptor."""
    fields: list[tuple[Any, Any]] = []
    for field, value in message.ListFields():
        fields.append((message, field))
        if field.type == field.TYPE_MESSAGE and depth < 8:
            for inner in [value] if hasattr(value, "ListFields") else value:
                fields += _fields(inner, depth + 1)
    return fields


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
            copied = type(items[0])()
            copied.CopyFrom(items[random.randrange(len(items))])
            items[position].CopyFrom(copied)
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


def _feed(file: ModelFile) -> None:
    Path("model.onnx").write_bytes(file.content)
    settings = "" if file.resolution is None else f"@resolution={file.resolution}"
    network = load_network(f"model.onnx{settings}")
    check_network(network)
    check_result(run_network(network, machine("published")))


def _show(file: ModelFile) -> str:
    import onnx  # noqa: PLC0415 (an extra)

    try:
        model = onnx.ModelProto()
        model.ParseFromString(file.content)
        text = onnx.printer.to_text(model)
    except Exception as error:  # whatever it is, the bytes can be shown
        text = f"{type(error).__name__}: {file.content!r}"
    return f"{text}\n--- resolution {file.resolution}"


DOOR: Final = Door("onnx", _make, _feed, _show)
