"""One node of a model, with what a rule may ask of it, and the rows that it may add."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import Any, Protocol, TypeAlias

from accelsim.importers.arranging import settled
from accelsim.importers.model import Dims, Model, ModelNode
from accelsim.importers.precision import ArrayBits
from accelsim.importers.tensors import ModelTensor, NodeError, by

Outputs: TypeAlias = "dict[str, ModelTensor]"
"""What each output of a node is."""
Rule: TypeAlias = "Callable[[NodeContext], Outputs]"


class Conversion(Protocol):
    """What rules may ask of the conversion as it stands (conversion.py)."""

    @property
    def model(self) -> Model:
        """The nodes, and what is known of the tensors between them."""

    @property
    def tensors(self) -> "dict[str, ModelTensor | None]":
        """What each tensor of the model is."""

    @property
    def counted(self) -> set[str]:
        """Constants whose elements are parameters of a row so far."""

    @property
    def settings(self) -> set[str]:
        """Scales and zero points that are computed as the network runs."""

    @property
    def bits(self) -> dict[str, ArrayBits]:
        """Of what convolutions and matrix products read."""

    def row(
        self, name: str, operator: str, inputs: Sequence[ModelTensor], shape: Dims, **arguments: Any
    ) -> ModelTensor:
        """Add a row that puts out `shape`."""

    def unknown_shape(self, name: str) -> str:
        """Why a tensor has no shape."""


@dataclass(frozen=True)
class NodeContext:
    """A node, with what a rule may ask and do."""

    conversion: Conversion
    node: ModelNode
    name: str

    # What it reads

    def attribute(self, key: str, default: Any = None) -> Any:
        """An attribute, or what it is where it is not given."""
        return self.node.attributes.get(key, default)

    def is_constant(self, index: int) -> bool:
        """Whether an input does not depend on the image, or only as the scale that numbers have does."""
        name = self.node.input(index)
        return name in self.conversion.model.constants or name in self.conversion.settings

    def tensor(self, index: int = 0, *, padded: bool = False) -> ModelTensor:
        """An input that depends on the image, all padding applied unless the rule takes care of it."""
        name = self.node.input(index)
        tensor = self.conversion.tensors.get(name)
        if tensor is None:
            if self.is_constant(index):
                raise NodeError(f"its input {name!r} is a constant, must be made from the image")
            raise NodeError(f"reads {name!r}, which no node before it makes")
        if tensor.waits and not padded:
            tensor = settled(self, tensor)
            self.conversion.tensors[name] = tensor
        return tensor

    def activations(self) -> list[ModelTensor]:
        """All inputs that depend on the image."""
        count = len(self.node.inputs)
        return [
            self.tensor(index)
            for index in range(count)
            if self.node.input(index) and not self.is_constant(index)
        ]

    def weights(self, index: int, noun: str = "weights") -> Dims:
        """The shape of an input that must be a constant."""
        name = self.node.input(index)
        if not name:
            raise NodeError(f"has no {noun}")
        if name not in self.conversion.model.constants:
            raise NodeError(f"its {noun} {name!r} are computed from the image: must be constants")
        return self.dims(name)

    def has_offsets(self, index: int) -> bool:
        """Whether there is an input that is added to each channel, which must be a constant."""
        if not self.node.input(index):
            return False
        self.weights(index, "offsets")
        return True

    def check_offsets(self, index: int | None, count: int) -> None:
        """Refuse offsets, where there are some, that are not one for each of so many channels or features."""
        if index is None or not self.node.input(index):
            return
        offsets = self.weights(index, "offsets")
        if prod(offsets) != count:
            raise NodeError(f"has offsets of {by(offsets) or 'one number'}: must be {count}, one for each")

    def shared(self, **roles: int) -> tuple[str, ...]:
        """Roles whose constants, given by place, are no further parameters: counted before, or not there."""
        counted = self.conversion.counted
        shared = []
        for role, index in roles.items():
            name = self.node.input(index)
            origin = self.conversion.model.origins.get(name, name)
            if not name or origin in counted:
                shared.append(role)
            counted.add(origin)
        return tuple(shared)

    def dims(self, name: str) -> Dims:
        """The shape of a tensor of the model."""
        dims = self.conversion.model.shapes.get(name)
        if dims is None:
            raise NodeError(self.conversion.unknown_shape(name))
        return dims

    @property
    def output_dims(self) -> Dims:
        """The shape that the model gives the first output."""
        return self.dims(self.node.outputs[0])

    def values(self, index: int, key: str = "") -> tuple[float, ...] | None:
        """Numbers from an attribute (as in older models) or a constant input; None where there are none."""
        if key and (value := self.attribute(key)) is not None:
            return tuple(value) if isinstance(value, Sequence) else (value,)
        name = self.node.input(index)
        if not name:
            return None
        if name not in self.conversion.model.constants:
            raise NodeError(f"its {key or 'setting'} {name!r} is computed from the image: must be a constant")
        return self.conversion.model.value(name)

    def integers(self, index: int, key: str = "") -> list[int] | None:
        """As `values`, but whole numbers."""
        values = self.values(index, key)
        return None if values is None else [int(value) for value in values]

    def axis(self, default: int, rank: int, key: str = "axis") -> int:
        """An attribute that is a dimension, counted from the first."""
        axis = self.attribute(key, default)
        if not -rank <= axis < rank:
            raise NodeError(f"{key} = {axis}: its input has {rank} dimensions")
        return int(axis % rank)

    # What it becomes

    def becomes(self, tensor: ModelTensor) -> dict[str, ModelTensor]:
        """The first output; others (masks, statistics) must not be read."""
        return {self.node.outputs[0]: tensor}

    def array_row(
        self,
        operator: str,
        tensor: ModelTensor,
        shape: Dims,
        *,
        weights: int,
        bias: int | None,
        **arguments: Any,
    ) -> ModelTensor:
        """Add a convolution or matrix product; weights and bias are places of inputs."""
        has_bias = bias is not None and self.has_offsets(bias)
        roles = {"weights": weights}
        if bias is not None and has_bias:
            roles["bias"] = bias
        output = self.row(operator, [tensor], shape, **arguments, bias=has_bias, shared=self.shared(**roles))
        weight_bits = self.conversion.model.bits.get(self.node.input(weights))
        self.conversion.bits[output.row] = ArrayBits(weight_bits, tensor.bits)
        return output

    def row(
        self, operator: str, inputs: Sequence[ModelTensor], shape: Dims, *, suffix: str = "", **arguments: Any
    ) -> ModelTensor:
        """Add a row called after the node."""
        return self.conversion.row(self.name + suffix, operator, inputs, shape, **arguments)

    def same_shape(self, operator: str, tensor: ModelTensor, **arguments: Any) -> dict[str, ModelTensor]:
        """An operator after which all axes are what they were."""
        output = self.row(operator, [tensor], tensor.shape, **arguments)
        return self.becomes(replace(tensor, row=output.row, bits=None))
