"""Model: a network as another tool has it, its nodes with the operators and attributes of ONNX.

Only shapes count. Weights are constants whose values nobody asks for; what is asked for are the few numbers
that say how a tensor is padded, cut or resized.
"""

import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from accelsim.errors import NetworkError

if TYPE_CHECKING:
    import onnx

Dims: TypeAlias = tuple[int, ...]

MOST_LETTERS: Final = 300
"""Of a sentence that another package says."""
NARROW: Final = 32
"""Bits below which elements are stored as they are for a reason; 32 is what all frameworks begin with."""
SAME_ELEMENTS: Final = {
    "Cast", "CastLike", "DequantizeLinear", "Flatten", "Identity", "QuantizeLinear", "Reshape", "Squeeze",
    "Transpose", "Unsqueeze",
}  # fmt: skip
"""Operators whose output is the first input in another form."""


def visible(text: str) -> str:
    """A text of a model as a terminal or a plot may show it."""
    return "".join(letter if letter.isprintable() else "_" for letter in text)


def operator_name(node: "onnx.NodeProto") -> str:
    """ONNX's operators by their names, those of others with their domain: they are other operators."""
    is_onnx = node.domain in {"", "ai.onnx"}
    return visible(node.op_type if is_onnx else f"{node.domain}.{node.op_type}")


def words_of(node: "onnx.NodeProto") -> str:
    """What messages call a node."""
    return f"{visible(node.name or next(iter(node.output), ''))} ({operator_name(node)})"


def first_line(error: Exception) -> str:
    """What an error of another package says, in a line: without the place in the package that says it."""
    lines = (line.strip() for line in str(error).splitlines())
    text = next((line for line in lines if line), type(error).__name__)
    return visible(re.sub(r"^(\[\w+\]|\(op_type:[^)]*\):?|\s)+", "", text))[:MOST_LETTERS]


class UnknownValueError(NetworkError):
    """A constant whose value is not at hand."""


@dataclass(frozen=True)
class ModelNode:
    """One node: operator and attributes as ONNX has them.

    Example:
        >>> conv = ModelNode("conv1", "Conv", ("x", "weights"), ("y",), {"strides": [2, 2]})
        >>> conv.input(1), conv.input(2)
        ('weights', '')
    """

    name: str
    """What messages call it."""
    operator: str
    """ONNX's name of what it does: `Conv`."""
    inputs: tuple[str, ...]
    """Names of tensors and constants; an empty one where an optional input is left out."""
    outputs: tuple[str, ...]
    """Names of the tensors that it makes."""
    attributes: Mapping[str, Any] = field(default_factory=dict)
    """By ONNX's names; those that are left out have ONNX's defaults."""

    def input(self, index: int) -> str:
        """The name of an input; empty where it is left out."""
        return self.inputs[index] if index < len(self.inputs) else ""


@dataclass(frozen=True)
class Model:
    """Nodes in an order in which they can run, and what is known of the tensors between them.

    Example:
        >>> relu = ModelNode("relu", "Relu", ("x",), ("y",))
        >>> shapes = {"x": (1, 3, 8, 8), "y": (1, 3, 8, 8)}
        >>> ends = {"inputs": ("x",), "outputs": ("y",)}
        >>> weights = {"constants": frozenset(), "value": lambda name: ()}
        >>> model = Model("net", "net", "an example", (relu,), **ends, shapes=shapes, **weights)
        >>> model.producers["y"].operator, model.readers["x"]
        ('Relu', 1)
    """

    label: str
    """What messages call it: the file, or the class of the module."""
    name: str
    """What the network is called."""
    source: str
    """Where it comes from, in a few words."""
    nodes: tuple[ModelNode, ...]
    """Each after those that it reads."""
    inputs: tuple[str, ...]
    """Names of the tensors that the model is given."""
    outputs: tuple[str, ...]
    """Names of the tensors that it gives back."""
    shapes: Mapping[str, Dims]
    """Of every tensor and constant whose shape is known, the batch included."""
    constants: frozenset[str]
    """What does not depend on the inputs."""
    value: Callable[[str], tuple[float, ...]]
    """The numbers of a constant, one after another; raises UnknownValueError."""

    problems: Mapping[str, str] = field(default_factory=dict)
    """Of tensors without a shape: what is wrong with the node that makes them."""
    bits: Mapping[str, int] = field(default_factory=dict)
    """Of the elements of tensors and constants that are stored in less than 32."""
    origins: Mapping[str, str] = field(default_factory=dict)
    """Of constants that are another one in another form (transposed, dequantised): that one."""
    batch: str = ""
    """What is to be said of the first dimension of its inputs, where that is images."""
    supported: tuple[str, ...] = ()
    """What operators may be called, where those are not ONNX's names."""

    @cached_property
    def readers(self) -> Counter[str]:
        """How often each tensor is read, by nodes or as an output of the model."""
        return Counter([*(name for node in self.nodes for name in node.inputs), *self.outputs])

    @cached_property
    def producers(self) -> Mapping[str, ModelNode]:
        """The node that makes each tensor."""
        return {output: node for node in self.nodes for output in node.outputs if output}


@dataclass(frozen=True)
class Imported:
    """A model as a network's YAML would have it.

    Example:
        >>> Imported("net.onnx", {"name": "net"}, {}).data["name"]
        'net'
    """

    label: str
    """What messages call the model."""
    data: Mapping[str, Any]
    """What `NetworkDescription` is made of."""
    shapes: Mapping[str, Dims]
    """(channels, height, width) that the model says each row puts out."""
