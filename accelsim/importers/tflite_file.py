"""A TensorFlow Lite file -> a Model: tables of a flatbuffer as plain values, operators as those of ONNX.

The package tflite knows the tables of the schema, and checks nothing: numbers of a damaged file may point
anywhere and count anything. Each count is held against the size of the file before anything is counted, and
whatever the package makes of the rest ends as a sentence.
"""

import mmap
from dataclasses import dataclass
from functools import cached_property
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from accelsim.errors import AccelsimError, DescriptionError, NetworkError
from accelsim.importers.file_kind import other_model
from accelsim.importers.model import (
    Dims,
    Imported,
    Model,
    ModelNode,
    UnknownValueError,
    first_line,
    visible,
)
from accelsim.importers.names import Names
from accelsim.importers.part import imported_part
from accelsim.importers.request import NOTHING_ASKED, ModelRequest
from accelsim.importers.tflite_calls import Call, TfliteTensors
from accelsim.importers.tflite_rules import translated

if TYPE_CHECKING:
    import tflite

INVALID: Final = "is not a valid TensorFlow Lite model: "
IDENTIFIER: Final = b"TFL3"
MAX_FILE_BYTES: Final = 1 << 31
"""Offsets within a flatbuffer have 32 bits, one of them a sign."""
MAX_OPERATORS: Final = 20_000
MAX_TENSORS: Final = 100_000
MAX_OPERANDS: Final = 4096
MOST_AXES: Final = 8
LARGE: Final = 1 << 16
"""Elements of a constant beyond which it is not a list of sizes, settings or channels."""
_SMALLEST_ENTRY_BYTES: Final = 4
MOST_LETTERS: Final = 80
"""Of what a file says of its maker."""


def read_tflite(path: Path, request: ModelRequest = NOTHING_ASKED) -> Imported:
    """The network in a TensorFlow Lite file.

    Args:
        path: The file.
        request: Where the network begins and ends; the file fixes all sizes.

    Returns:
        What a network's YAML would hold, with the bits of the file.

    Raises:
        AccelsimError: With a line for each thing that is wrong, also where the package tflite is not there.

    Example:
        >>> read_tflite(Path("absent.tflite"))
        Traceback (most recent call last):
        ...
        accelsim.errors.DescriptionError: absent.tflite: no such file
    """
    if request.shapes or request.sizes or request.resolution is not None:
        sentence = "fixes all of its sizes: leave those after the @ out; --batch says how many images"
        raise DescriptionError.about(path, sentence)
    content = _content(path)
    try:
        model = _File(path, content).model()
    except AccelsimError:
        raise
    except Exception as error:  # what flatbuffers and numpy raise where a file is damaged
        raise NetworkError.about(path, f"{INVALID}{first_line(error)}") from error
    return imported_part(model, request)


def _content(path: Path) -> memoryview:
    """The bytes of the file, of which only those are read that are looked at."""
    if sentence := other_model(path, ".tflite"):
        raise DescriptionError.about(path, sentence)
    try:
        size = path.stat().st_size
        if size >= MAX_FILE_BYTES:
            raise DescriptionError.about(path, f"has {size:,} bytes: a TensorFlow Lite model has less")
        with path.open("rb") as file:
            if file.read(8)[4:] != IDENTIFIER:
                raise DescriptionError.about(path, "is not a TensorFlow Lite model")
            _check_package(path)
            return memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
    except FileNotFoundError:
        raise DescriptionError.about(path, "no such file") from None
    except OSError as error:
        raise DescriptionError.about(path, f"cannot be read: {error.strerror}") from None
    except ValueError:  # a null character in the name, say
        raise DescriptionError.about(path, "no such file") from None


def _check_package(path: Path) -> None:
    """Say what a model takes that cannot be read."""
    try:
        import tflite  # noqa: F401, PLC0415 (an extra: only who reads a model needs it)
    except ImportError:
        sentence = 'is a TensorFlow Lite model, which takes a package: pip install "accelsim[tflite]"'
        raise DescriptionError.about(path, sentence) from None


@dataclass
class _File:
    """The tables of one file."""

    path: Path
    content: memoryview

    @cached_property
    def root(self) -> "tflite.Model":
        """The table that holds all others."""
        import tflite  # noqa: PLC0415

        return tflite.Model.GetRootAs(self.content, 0)

    @cached_property
    def graph(self) -> "tflite.SubGraph":
        """The one that is run; others are bodies of loops and branches."""
        if not self.count(self.root.SubgraphsLength(), "graphs"):
            raise NetworkError.about(self.path, f"{INVALID}it has no graph")
        return self.root.Subgraphs(0)

    def count(self, length: int, noun: str, most: int | None = None) -> int:
        """A count that the file can hold. NetworkError where it says another."""
        if length < 0 or length * _SMALLEST_ENTRY_BYTES > len(self.content):
            raise NetworkError.about(self.path, f"{INVALID}{length:,} {noun} are more than it has")
        if most is not None and length > most:
            raise NetworkError.about(self.path, f"has {length:,} {noun}: at most {most:,} are possible")
        return length

    def model(self) -> Model:
        """The nodes of the graph, as ONNX has them."""
        tensors = self.tensors()
        operators = self.operator_names()
        outputs = self.indices(self.graph.OutputsLength(), self.graph.Outputs, tensors)
        inputs = tensors.begin(self.indices(self.graph.InputsLength(), self.graph.Inputs, tensors))
        nodes: list[ModelNode] = [*tensors.layouts]
        for index in range(self.count(self.graph.OperatorsLength(), "operators", MAX_OPERATORS)):
            nodes += translated(self.call(index, operators, tensors))
        return Model(
            label=str(self.path),
            name=self.path.stem,
            source=self.source(tensors),
            nodes=tuple(nodes),
            inputs=(*inputs, *tensors.states_read),
            outputs=(*(tensors.names[index] for index in outputs), *tensors.states_written),
            shapes=tensors.shapes,
            constants=frozenset(tensors.constants),
            value=tensors.value,
            bits=tensors.bits,
            origins=tensors.origins,
        )

    def operator_names(self) -> list[str]:
        """What each code that operators give means: TensorFlow Lite's name, or that of a custom operator."""
        import tflite  # noqa: PLC0415

        names = {code: name for name, code in vars(tflite.BuiltinOperator).items() if name.isupper()}
        listed = []
        for index in range(self.count(self.root.OperatorCodesLength(), "operator codes")):
            code = self.root.OperatorCodes(index)
            number = max(code.DeprecatedBuiltinCode(), code.BuiltinCode())
            name = names.get(number, f"operator {number}")
            custom = code.CustomCode() if name == "CUSTOM" else None
            listed.append(name if custom is None else visible(custom.decode(errors="replace")))
        return listed

    def tensors(self) -> TfliteTensors:
        """Names, shapes and types of all tensors, and where the constants stand."""
        tensors = TfliteTensors(self.numbers)
        taken = Names()
        for index in range(self.count(self.graph.TensorsLength(), "tensors", MAX_TENSORS)):
            tensor = self.graph.Tensors(index)
            raw = (tensor.Name() or b"").decode(errors="replace")
            name = taken.take(visible(raw) or f"tensor{index}")
            axes = self.count(tensor.ShapeLength(), "axes", MOST_AXES)
            dims = tuple(int(tensor.Shape(axis)) for axis in range(axes))
            if any(size < 0 for size in dims):
                sizes = " x ".join(map(str, dims))
                raise NetworkError.about(self.path, f"{name}: is {sizes}: no size may be negative")
            constant = self.buffer(tensor.Buffer()) is not None
            tensors.add(name, dims, tensor.Type(), tensor.Buffer() if constant else None)
        return tensors

    def buffer(self, index: int) -> tuple[int, int] | None:
        """Where the bytes of a buffer stand, and how many; None where it is empty."""
        if not 0 <= index < self.count(self.root.BuffersLength(), "buffers"):
            raise NetworkError.about(self.path, f"{INVALID}a buffer is not there")
        buffer = self.root.Buffers(index)
        length = buffer.DataLength()
        if length:
            begin = buffer._tab.Vector(buffer._tab.Offset(4))
        elif buffer.Offset() > 1:  # behind the flatbuffer, of a large model
            begin, length = buffer.Offset(), buffer.Size()
        else:
            return None
        if not 0 <= begin <= begin + length <= len(self.content):
            raise NetworkError.about(self.path, "is not all of a model: a constant ends behind it")
        return int(begin), int(length)

    def numbers(self, buffer: int, kind: str, dims: Dims) -> tuple[float, ...]:
        """The numbers of a small constant. UnknownValueError where there are not as many as it says."""
        import numpy as np  # noqa: PLC0415

        where = self.buffer(buffer)
        if where is None or prod(dims) > LARGE or kind == "":
            raise UnknownValueError("its value is not in the file, too large, or not numbers")
        begin, length = where
        dtype = np.dtype(kind)
        if length != prod(dims) * dtype.itemsize:
            raise UnknownValueError("its value has not as many numbers as its shape says")
        return tuple(np.frombuffer(self.content[begin : begin + length], dtype=dtype).tolist())

    def indices(self, length: int, entry: Any, tensors: TfliteTensors) -> list[int]:
        """Numbers of tensors."""
        listed = [int(entry(index)) for index in range(self.count(length, "tensors", MAX_OPERANDS))]
        if any(not -1 <= index < len(tensors.names) for index in listed):
            raise NetworkError.about(self.path, f"{INVALID}a tensor is not there")
        return listed

    def call(self, index: int, operators: list[str], tensors: TfliteTensors) -> Call:
        """One operator."""
        operator = self.graph.Operators(index)
        if not 0 <= operator.OpcodeIndex() < len(operators):
            raise NetworkError.about(self.path, f"{INVALID}an operator has no code")
        inputs = self.indices(operator.InputsLength(), operator.Inputs, tensors)
        outputs = self.indices(operator.OutputsLength(), operator.Outputs, tensors)
        return Call(
            tensors,
            operators[operator.OpcodeIndex()],
            tuple("" if number < 0 else tensors.names[number] for number in inputs),
            tuple("" if number < 0 else tensors.names[number] for number in outputs),
            _options(operator),
        )

    def source(self, tensors: TfliteTensors) -> str:
        """The file, who wrote it, and what is to be said of its states."""
        maker = visible((self.root.Description() or b"").decode(errors="replace"))[:MOST_LETTERS].rstrip(".")
        states = max(len(tensors.states_read), len(tensors.states_written))
        parts = [f"TensorFlow Lite version {self.root.Version()}", maker]
        if states:
            one = "1 state that is read as an input and stored as an output"
            parts += [
                one if states == 1 else f"{states} states that are read as inputs and stored as outputs"
            ]
        return f"{self.path}: {', '.join(part for part in parts if part)}"


def _options(operator: "tflite.Operator") -> Any:
    """The table of an operator's options; None where it has none that is known."""
    import tflite  # noqa: PLC0415

    names = {code: name for name, code in vars(tflite.BuiltinOptions).items() if not name.startswith("_")}
    name = names.get(operator.BuiltinOptionsType(), "NONE")
    table = operator.BuiltinOptions()
    if name == "NONE" or table is None or not hasattr(tflite, name):
        return None
    options = getattr(tflite, name)()
    options.Init(table.Bytes, table.Pos)
    return options
