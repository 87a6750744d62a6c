"""What is known of the tensors of a TensorFlow Lite file, and one operator of it as rules read it.

Tensors are images x rows x columns x channels; the operators of ONNX that slide windows want channels before
rows and columns. A transposition stands before and behind each: it only renames axes and costs nothing.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from accelsim.importers.model import Dims, ModelNode, UnknownValueError

Numbers: TypeAlias = Callable[[int, str, Dims], tuple[float, ...]]
"""Those of a buffer, by its place, the type that numpy calls them by, and their shape."""

_TYPES: Final = {
    0: ("f4", 32),
    1: ("f2", 16),
    2: ("i4", 32),
    3: ("u1", 8),
    4: ("i8", 64),
    6: ("?", 8),
    7: ("i2", 16),
    9: ("i1", 8),
    10: ("f8", 64),
    12: ("u8", 64),
    15: ("u4", 32),
    16: ("u2", 16),
    17: ("", 4),
    18: ("", 16),
}
"""Of each type of the schema (TensorType): what numpy calls it, and its bits."""
_NARROW: Final = 32
"""Bits below which elements are stored as they are for a reason."""
TO_NCHW: Final = (0, 3, 1, 2)
TO_NHWC: Final = (0, 2, 3, 1)


@dataclass
class TfliteTensors:
    """All that is known of tensors, by name."""

    numbers: Numbers
    names: list[str] = field(default_factory=list)
    """In the order of the file."""
    shapes: dict[str, Dims] = field(default_factory=dict)
    constants: set[str] = field(default_factory=set)
    bits: dict[str, int] = field(default_factory=dict)
    origins: dict[str, str] = field(default_factory=dict)
    layouts: list[ModelNode] = field(default_factory=list)
    """What gives the inputs the order of axes that the file has."""
    states_read: list[str] = field(default_factory=list)
    """Tensors that are what an inference before has left: a network reads them as it does its inputs."""
    states_written: list[str] = field(default_factory=list)
    _buffers: dict[str, tuple[int, str]] = field(default_factory=dict)

    def add(self, name: str, dims: Dims, kind: int, buffer: int | None) -> None:
        """A tensor of the file; a constant where it has a buffer."""
        dtype, bits = _TYPES.get(kind, ("", 0))
        self.names.append(name)
        self.shapes[name] = dims
        if 0 < bits < _NARROW:
            self.bits[name] = bits
        if buffer is not None:
            self.constants.add(name)
            self._buffers[name] = (buffer, dtype)

    def begin(self, indices: Iterable[int]) -> list[str]:
        """The inputs of the network: of an image, with channels before rows and columns."""
        inputs = []
        for index in indices:
            name = self.names[index]
            if len(self.shapes[name]) != len(TO_NCHW):
                inputs.append(name)
                continue
            self.layouts.append(ModelNode(name, "Transpose", (f"{name}:nchw",), (name,), {"perm": TO_NHWC}))
            inputs.append(self.derived(name, "nchw", _permuted(self.shapes[name], TO_NCHW)))
        return inputs

    def derived(self, name: str, suffix: str, dims: Dims, maker: str = "") -> str:
        """A tensor of the same elements, or as wide ones, in another form: what an operator makes of it."""
        other = f"{maker or name}:{suffix}"
        self.shapes[other] = dims
        if name in self.bits:
            self.bits[other] = self.bits[name]
        if name in self.constants:
            self.constants.add(other)
            self.origins[other] = self.origins.get(name, name)
        return other

    def value(self, name: str) -> tuple[float, ...]:
        """The numbers of a constant."""
        if name not in self._buffers:
            raise UnknownValueError(f"the value of {name!r} is not in the file")
        buffer, dtype = self._buffers[name]
        try:
            return self.numbers(buffer, dtype, self.shapes[name])
        except UnknownValueError as error:
            raise UnknownValueError(f"{name!r}: {error}") from None


def _permuted(dims: Dims, order: Sequence[int]) -> Dims:
    return tuple(dims[axis] for axis in order)


@dataclass
class Call:
    """One operator, and the nodes that it has become so far."""

    tensors: TfliteTensors
    operator: str
    """TensorFlow Lite's name, or that of a custom operator."""
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    options: Any = None
    """The table of its options."""
    nodes: list[ModelNode] = field(default_factory=list)

    @property
    def name(self) -> str:
        """What messages and rows call it: its output, without the operators that were fused into it."""
        return next(filter(None, self.outputs), self.operator).partition(";")[0]

    def input(self, index: int) -> str:
        """The name of an input; empty where it is left out."""
        return self.inputs[index] if index < len(self.inputs) else ""

    def shape(self, name: str) -> Dims:
        """The shape of a tensor."""
        return self.tensors.shapes[name]

    def is_constant(self, name: str) -> bool:
        """Whether a tensor does not depend on the inputs."""
        return name in self.tensors.constants

    def integers(self, index: int) -> list[int]:
        """The numbers of an input that must be a constant."""
        return [int(number) for number in self.tensors.value(self.input(index))]

    def option(self, key: str, default: Any = 0) -> Any:
        """An option by the schema's name; the default where the operator has none that is called so."""
        field = getattr(self.options, key, None)
        return default if field is None else field()

    def add(
        self, operator: str, inputs: Iterable[str], output: str, suffix: str = "", **attributes: Any
    ) -> str:
        """A node that makes one tensor; gives back the tensor."""
        self.nodes.append(ModelNode(self.name + suffix, operator, tuple(inputs), (output,), attributes))
        return output

    def make(self, operator: str, inputs: Iterable[str], **attributes: Any) -> None:
        """A node that makes the output."""
        self.add(operator, inputs, self.outputs[0], **attributes)

    def part(self, suffix: str, dims: Dims, like: str = "") -> str:
        """A tensor on the way to the output, as wide as that or as another one."""
        return self.tensors.derived(like or self.outputs[0], suffix, dims, maker=self.outputs[0])

    def reshaped(self, name: str, dims: Dims, suffix: str) -> str:
        """A tensor in another shape; itself where it has that."""
        if self.shape(name) == dims:
            return name
        return self.add("Reshape", [name], self.part(suffix, dims, like=name), f"/{suffix}")

    def image(self, name: str) -> str:
        """A tensor with its channels before rows and columns."""
        output = self.part("image", _permuted(self.shape(name), TO_NCHW), like=name)
        return self.add("Transpose", [name], output, "/image", perm=TO_NCHW)

    def filters(self, name: str, order: Sequence[int]) -> str:
        """Weights with their axes in another order, which are the same weights."""
        dims = _permuted(self.shape(name), order)
        output = self.part("oihw", dims, like=name)
        if not self.is_constant(name):
            self.add("Transpose", [name], output, "/oihw", perm=tuple(order))
        return output

    def activated(self, name: str, output: str) -> str:
        """What the activation that is fused into the operator makes of a tensor."""
        operator, attributes = _ACTIVATIONS.get(self.option("FusedActivationFunction"), ("", {}))
        if not operator:
            number = self.option("FusedActivationFunction")
            operator, attributes = f"activation function {number}", {}
        return self.add(operator, [name], output, f"/{operator}", **attributes)

    @property
    def has_activation(self) -> bool:
        """Whether one is fused into it."""
        return bool(self.option("FusedActivationFunction"))

    def elementwise(self, operator: str, inputs: Iterable[str], output: str = "", **attributes: Any) -> None:
        """A node with the output's shape, and the activation that is fused into it."""
        output = output or self.outputs[0]
        if not self.has_activation:
            self.add(operator, inputs, output, **attributes)
            return
        before = self.part("before", self.shape(output), like=output)
        self.activated(self.add(operator, inputs, before, **attributes), output)

    def spatial(self, operator: str, inputs: Iterable[str], **attributes: Any) -> None:
        """A node whose output has channels before rows and columns, the activation, and the file's order."""
        output = self.part("nchw", _permuted(self.shape(self.outputs[0]), TO_NCHW))
        self.elementwise(operator, inputs, output, **attributes)
        self.add("Transpose", [output], self.outputs[0], "/nhwc", perm=TO_NHWC)


_ACTIVATIONS: Final[dict[int, tuple[str, dict[str, Any]]]] = {
    1: ("Relu", {}),
    2: ("Clip", {"min": -1.0, "max": 1.0}),
    3: ("Clip", {"min": 0.0, "max": 6.0}),
    4: ("Tanh", {}),
}
"""Of each `ActivationFunctionType` of the schema: the operator of ONNX."""

TfliteRule: TypeAlias = Callable[[Call], None]
"""What adds the nodes that an operator becomes to its call."""
