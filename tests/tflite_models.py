"""TensorFlow Lite models made in tests: tensors and operators as plain values, written by the schema."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import flatbuffers
import numpy as np
import tflite

SAME, VALID = 0, 1
RELU, RELU6 = 1, 3
IDENTIFIER = b"TFL3"


class Operator(NamedTuple):
    """One operator, its tensors by name, and its options."""

    code: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    options: str = ""
    fields: Mapping[str, int] = {}


@dataclass
class TfliteModel:
    """A model under construction."""

    tensors: dict[str, tuple[tuple[int, ...], str, bytes | None]] = field(default_factory=dict)
    operators: list[Operator] = field(default_factory=list)
    inputs: list[str] = field(default_factory=list)
    outputs: list[str] = field(default_factory=list)

    def tensor(self, name, *shape, type="INT8", values=None, constant=False):
        """A tensor; a constant where it has values, or is said to be one."""
        dtype = {"INT8": "i1", "UINT8": "u1", "INT16": "i2", "INT32": "i4", "FLOAT32": "f4", "FLOAT16": "f2"}[
            type
        ]
        if values is not None:
            data = np.array(values, dtype=dtype).tobytes()
        else:
            data = bytes(int(np.prod(shape)) * np.dtype(dtype).itemsize) if constant else None
        self.tensors[name] = (shape, type, data)
        return name

    def weights(self, name, *shape, type="INT8"):
        """A constant."""
        return self.tensor(name, *shape, type=type, constant=True)

    def numbers(self, name, *values):
        """A constant of whole numbers."""
        return self.tensor(name, len(values), type="INT32", values=values)

    def add(self, code, inputs, output, options="", **fields):
        """An operator that makes one tensor."""
        self.operators.append(Operator(code, tuple(inputs.split()), (output,), options, fields))
        return output

    def save(self, folder, name="model.tflite"):
        """The model as a file."""
        path = folder / name
        path.write_bytes(self.content())
        return path

    def content(self):
        """The bytes of the model."""
        builder = flatbuffers.Builder(1024)
        names = list(self.tensors)
        buffers, tensors = [_buffer(builder, None)], []
        for tensor, (shape, kind, data) in self.tensors.items():
            if data is not None:
                buffers.append(_buffer(builder, data))
            tensors.append(_tensor(builder, tensor, shape, kind, len(buffers) - 1 if data is not None else 0))
        codes = list(dict.fromkeys(operator.code for operator in self.operators))
        operators = [_operator(builder, operator, codes, names) for operator in self.operators]
        graph = _table(
            builder,
            "SubGraph",
            Tensors=_offsets(builder, tensors),
            Inputs=_int32s(builder, [names.index(tensor) for tensor in self.inputs]),
            Outputs=_int32s(builder, [names.index(tensor) for tensor in self.outputs]),
            Operators=_offsets(builder, operators),
        )
        root = _table(
            builder,
            "Model",
            Version=3,
            OperatorCodes=_offsets(builder, [_code(builder, code) for code in codes]),
            Subgraphs=_offsets(builder, [graph]),
            Description=builder.CreateString("tests"),
            Buffers=_offsets(builder, buffers),
        )
        builder.Finish(root, file_identifier=IDENTIFIER)
        return bytes(builder.Output())


def _tensor(builder, name, shape, kind, buffer):
    return _table(
        builder,
        "Tensor",
        Shape=_int32s(builder, shape),
        Type=getattr(tflite.TensorType, kind),
        Buffer=buffer,
        Name=builder.CreateString(name),
    )


def _operator(builder, operator, codes, names):
    table = {}
    if operator.options:
        table["BuiltinOptions"] = _table(builder, operator.options, **operator.fields)
        table["BuiltinOptionsType"] = getattr(tflite.BuiltinOptions, operator.options)
    return _table(
        builder,
        "Operator",
        OpcodeIndex=codes.index(operator.code),
        Inputs=_int32s(builder, [-1 if name == "-" else names.index(name) for name in operator.inputs]),
        Outputs=_int32s(builder, [names.index(name) for name in operator.outputs]),
        **table,
    )


def _code(builder, code):
    if not hasattr(tflite.BuiltinOperator, code):
        return _table(
            builder,
            "OperatorCode",
            BuiltinCode=tflite.BuiltinOperator.CUSTOM,
            CustomCode=builder.CreateString(code),
        )
    number = getattr(tflite.BuiltinOperator, code)
    return _table(builder, "OperatorCode", DeprecatedBuiltinCode=min(number, 127), BuiltinCode=number)


def _buffer(builder, data):
    return _table(builder, "Buffer", **({} if data is None else {"Data": builder.CreateByteVector(data)}))


def _table(builder, name, **fields: Any):
    getattr(tflite, f"{name}Start")(builder)
    for key, value in fields.items():
        getattr(tflite, f"{name}Add{key}")(builder, value)
    return getattr(tflite, f"{name}End")(builder)


def _int32s(builder, values):
    return _vector(builder, values, builder.PrependInt32)


def _offsets(builder, values):
    return _vector(builder, values, builder.PrependUOffsetTRelative)


def _vector(builder, values, prepend):
    """A vector, which a flatbuffer holds from its end."""
    builder.StartVector(4, len(values), 4)
    for value in reversed(values):
        prepend(value)
    return builder.EndVector()
