"""Write the flatbuffer of a TensorFlow Lite model, in the environment of Vela, which carries the schema.

    python write_tflite.py MODEL.json MODEL.tflite [even]

MODEL.json is what `tflite_model.Model.to_dict` gives. Constants are drawn from a bell curve, since Vela
compresses them and trained weights have one: always the same. With `even` they are drawn evenly from all
values, which no code makes shorter.
"""

import json
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, Final

import flatbuffers
import numpy as np
from ethosu.vela.tflite.BuiltinOperator import BuiltinOperator
from ethosu.vela.tflite.BuiltinOptions import BuiltinOptions
from ethosu.vela.tflite.TensorType import TensorType

SCHEMA_VERSION: Final = 3
IDENTIFIER: Final = b"TFL3"
SPREAD: Final = 25
"""Standard deviation of constants; 8 bits hold 5 of them to either side."""
LARGEST: Final = 127
"""Of constants, which are as large to either side."""


def main() -> None:
    """Translate one file."""
    given, wanted = (Path(argument) for argument in sys.argv[1:3])
    evenly = sys.argv[3:] == ["even"]
    wanted.write_bytes(flatbuffer(json.loads(given.read_text(encoding="utf-8")), evenly=evenly))


def flatbuffer(model: dict[str, Any], *, evenly: bool = False) -> bytes:
    """The bytes of the model."""
    builder = flatbuffers.Builder(1 << 20)
    generator = np.random.default_rng(0)
    constants = [_constant(tensor, generator, evenly) for tensor in model["tensors"] if tensor["constant"]]
    buffers = [b"", *constants]  # the first one is empty and belongs to whatever is no constant
    numbers = iter(range(1, len(buffers)))
    tensors = [
        _tensor(builder, tensor, next(numbers) if tensor["constant"] else 0) for tensor in model["tensors"]
    ]
    builtins = sorted({operator["builtin"] for operator in model["operators"]})
    operators = [_operator(builder, operator, builtins) for operator in model["operators"]]
    subgraph = _table(
        builder,
        "SubGraph",
        Tensors=_offsets(builder, tensors),
        Inputs=_int32s(builder, model["inputs"]),
        Outputs=_int32s(builder, model["outputs"]),
        Operators=_offsets(builder, operators),
    )
    codes = [_operator_code(builder, builtin) for builtin in builtins]
    root = _table(
        builder,
        "Model",
        Version=SCHEMA_VERSION,
        OperatorCodes=_offsets(builder, codes),
        Subgraphs=_offsets(builder, [subgraph]),
        Buffers=_offsets(builder, [_buffer(builder, content) for content in buffers]),
    )
    builder.Finish(root, file_identifier=IDENTIFIER)
    return bytes(builder.Output())


def _constant(tensor: dict[str, Any], generator: np.random.Generator, evenly: bool) -> bytes:
    if evenly:
        values = generator.integers(-LARGEST, LARGEST, tensor["shape"], endpoint=True)
    else:
        values = np.clip(np.rint(generator.normal(0, SPREAD, tensor["shape"])), -LARGEST, LARGEST)
    content: bytes = values.astype(np.dtype(tensor["type"].lower())).tobytes()
    return content


def _tensor(builder: flatbuffers.Builder, tensor: dict[str, Any], buffer: int) -> int:
    scales = tensor["scales"]
    quantization = _table(
        builder,
        "QuantizationParameters",
        Scale=_vector(builder, scales, 4, builder.PrependFloat32),
        ZeroPoint=_vector(builder, [tensor["zero_point"]] * len(scales), 8, builder.PrependInt64),
        QuantizedDimension=tensor["axis"],
    )
    return _table(
        builder,
        "Tensor",
        Shape=_int32s(builder, tensor["shape"]),
        Type=getattr(TensorType, tensor["type"]),
        Buffer=buffer,
        Name=builder.CreateString(tensor["name"]),
        Quantization=quantization,
    )


def _operator(builder: flatbuffers.Builder, operator: dict[str, Any], builtins: Sequence[str]) -> int:
    options = operator["options"]
    return _table(
        builder,
        "Operator",
        OpcodeIndex=builtins.index(operator["builtin"]),
        Inputs=_int32s(builder, operator["inputs"]),
        Outputs=_int32s(builder, operator["outputs"]),
        BuiltinOptionsType=getattr(BuiltinOptions, options),
        BuiltinOptions=_table(builder, options, **operator["fields"]),
    )


def _operator_code(builder: flatbuffers.Builder, builtin: str) -> int:
    code = getattr(BuiltinOperator, builtin)
    return _table(builder, "OperatorCode", DeprecatedBuiltinCode=code, BuiltinCode=code, Version=1)


def _buffer(builder: flatbuffers.Builder, content: bytes) -> int:
    data = {"Data": builder.CreateByteVector(content)} if content else {}
    return _table(builder, "Buffer", **data)


def _table(builder: flatbuffers.Builder, name: str, **fields: int | float) -> int:
    """One table of the schema; fields are numbers, or offsets of what was written before."""
    schema = import_module(f"ethosu.vela.tflite.{name}")
    getattr(schema, f"{name}Start")(builder)
    for field, value in fields.items():
        getattr(schema, f"{name}Add{field}")(builder, value)
    offset: int = getattr(schema, f"{name}End")(builder)
    return offset


def _int32s(builder: flatbuffers.Builder, values: Sequence[int]) -> int:
    return _vector(builder, values, 4, builder.PrependInt32)


def _offsets(builder: flatbuffers.Builder, values: Sequence[int]) -> int:
    return _vector(builder, values, 4, builder.PrependUOffsetTRelative)


def _vector(
    builder: flatbuffers.Builder, values: Sequence[Any], size: int, prepend: Callable[[Any], None]
) -> int:
    """A vector, which a flatbuffer holds from its end."""
    builder.StartVector(size, len(values), size)
    for value in reversed(values):
        prepend(value)
    offset: int = builder.EndVector()
    return offset


if __name__ == "__main__":
    main()
