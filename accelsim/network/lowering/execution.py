"""What a rule says: how one published operator is executed, as layers and the tensor that it puts out."""

from collections.abc import Sequence
from typing import Literal, NamedTuple, TypeAlias

from accelsim.network.executed import Fate, Reason
from accelsim.network.layer import Layer
from accelsim.network.lowering.layout import ChannelRange, Tensor

ReadRole: TypeAlias = Literal["input", "residual", "weights"]
"""What a tensor is to a layer: its input, the residual of an operator that is fused into it, or what its
input is multiplied by."""


class TensorRead(NamedTuple):
    """Channels that a layer reads."""

    tensor: Tensor
    role: ReadRole = "input"


class LayerWork(NamedTuple):
    """A layer, new or changed, and what it reads for this operator."""

    layer: Layer
    reads: tuple[TensorRead, ...] = ()


class Execution(NamedTuple):
    """How one published operator is executed."""

    fate: Fate
    reason: Reason
    tensor: Tensor
    """What it puts out."""
    work: tuple[LayerWork, ...] = ()
    """The layers that do it. A new one runs after all others; a changed one has the name of what it was."""
    whole_output_of: str | None = None
    """The layer of whose outputs the tensor is all, so that what reads it may be fused into that layer."""
    concatenation_of: tuple[str, ...] = ()
    """The same of several layers side by side, into all of which a pooling may be fused."""
    side_by_side: tuple[Tensor, ...] = ()
    """Tensors that have to lie one after another in memory."""
    order: Sequence[int] | None = None
    """Where the tensor's channels are not where they should be, since slices are to move them: which of its
    channels each should be."""
    about: str = ""
    """The node or layer that the reason is about, where it is about one."""


def output_of(layer: Layer) -> Tensor:
    """All that a layer puts out."""
    channels = layer.G * layer.K
    return (ChannelRange(layer.name, 0, channels, layer.stored_elements // channels),)


def by_layer(
    layer: Layer, fate: Fate, reason: Reason, reads: tuple[TensorRead, ...] = (), about: str = ""
) -> Execution:
    """One layer, new or changed, does it and puts out what it puts out."""
    work, tensor = (LayerWork(layer, reads),), output_of(layer)
    return Execution(fate, reason, tensor, work, whole_output_of=layer.name, about=about)


def by_nothing(tensor: Tensor, reason: Reason, order: Sequence[int] | None = None) -> Execution:
    """Its readers read what is there already."""
    return Execution("vanished", reason, tensor, order=order)
