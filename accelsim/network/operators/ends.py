"""Where a network begins and ends: what it is given, what it holds, and what somebody outside wants."""

from dataclasses import dataclass
from typing import ClassVar

from accelsim.descriptions.quantities import AxisLength, Channels
from accelsim.errors import NetworkError
from accelsim.network.declaration import operator, reads_one, reads_several
from accelsim.network.graph import Draft, Operator, Shape, Site


@dataclass(frozen=True, kw_only=True)
class Input(Operator):
    """The image that the network is given."""

    kind: ClassVar[str] = "input"
    shape: Shape

    def output_at(self, site: Site) -> Shape:
        """The image."""
        if min(self.shape.channels, self.shape.height, self.shape.width) < 1:
            raise NetworkError(f"{site.name}: an image of {self.shape} has no elements")
        return self.shape


@dataclass(frozen=True, kw_only=True)
class _Source(Operator):
    """A tensor that no operator makes."""

    operands = 0
    channels: Channels
    height: AxisLength = 1
    width: AxisLength = 1

    def output_at(self, site: Site) -> Shape:  # noqa: ARG002 (nothing is read)
        """As it is said to be."""
        return Shape(self.channels, self.height, self.width)


@operator("input")
@dataclass(frozen=True, kw_only=True)
class FurtherInput(_Source):
    """A tensor that the network is given beside its first input."""

    kind: ClassVar[str] = "input"


@operator("constant")
@dataclass(frozen=True, kw_only=True)
class Constant(_Source):
    """A tensor that is part of the network, and that is no weight: a class token, a table of positions."""

    kind: ClassVar[str] = "constant"
    trained: bool = True
    """Whether its elements are parameters; zeros that fill a place are not."""

    @property
    def slopes(self) -> int:
        """Every element was trained."""
        return self.output.elements if self.trained else 0


@operator("network_output")
class NetworkOutput(Operator):
    """What has to be stored for somebody outside the network, whoever else reads it."""

    kind: ClassVar[str] = "network_output"


def network_input(draft: Draft, name: str, shape: Shape) -> str:
    """The image."""
    return draft.add(name, Input(draft.site(name, ()), shape=shape), ())


further_input = reads_several(FurtherInput)
constant = reads_several(Constant)
network_output = reads_one(NetworkOutput)
