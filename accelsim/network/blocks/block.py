"""What every block is: the arguments that its row in a stage table gives, and how it adds its layers."""

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias, TypeVar

from pydantic import NonNegativeInt, PositiveInt

from accelsim.descriptions import Description
from accelsim.network.graph import Draft
from accelsim.network.operators import ActivationFunction

Axes: TypeAlias = PositiveInt | tuple[PositiveInt, PositiveInt]
"""One number for both axes, or [vertical, horizontal]."""
Padding: TypeAlias = (
    Literal["same"]
    | NonNegativeInt
    | tuple[NonNegativeInt, NonNegativeInt]
    | tuple[NonNegativeInt, NonNegativeInt, NonNegativeInt, NonNegativeInt]
)
"""`same`, one number, [vertical, horizontal] or [top, bottom, left, right]."""
Activation: TypeAlias = ActivationFunction


@dataclass(frozen=True)
class Position:
    """Where a block stands: the name that its layers begin with, its place among its repetitions."""

    name: str
    index: int = 0
    before: str | None = None
    """The node that the block before this one read: the output of the last block but one. None at first."""

    @property
    def first(self) -> bool:
        """Whether the block begins its stage: it alone carries the stride and changes the channels."""
        return self.index == 0


class Block(Description):
    """The arguments of one row of a stage table."""

    @abstractmethod
    def build(self, draft: Draft, source: str, at: Position) -> str:
        """Add the block's operators to the draft; gives back the node that the next block reads."""


BLOCKS: dict[str, type[Block]] = {}
"""The blocks that have been imported, by the name that a stage table calls each."""

BlockT = TypeVar("BlockT", bound=type[Block])


def block(name: str) -> Callable[[BlockT], BlockT]:
    """Register a block under the name that stage tables use."""

    def register(kind: BlockT) -> BlockT:
        BLOCKS[name] = kind
        return kind

    return register
