"""What every block is: the arguments that its row in a stage table gives, and how it adds its layers."""

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, Literal, TypeAlias, TypeVar

from accelsim.descriptions import Description
from accelsim.descriptions.quantities import Margin
from accelsim.errors import NetworkError
from accelsim.network import windows
from accelsim.network.graph import Draft
from accelsim.network.operators import ActivationFunction

Axes: TypeAlias = windows.Axes
"""One number for both axes, or [vertical, horizontal]."""
BlockPadding: TypeAlias = (
    Literal["same"] | Margin | tuple[Margin, Margin] | tuple[Margin, Margin, Margin, Margin]
)
"""`same`, one number, [vertical, horizontal] or [top, bottom, left, right]; never negative."""
Activation: TypeAlias = ActivationFunction


@dataclass(frozen=True)
class Position:
    """Where a block stands: the name that its layers begin with, its place among its repetitions.

    Example:
        >>> Position("stage1.block2", index=1).first
        False
    """

    name: str
    """Of the block, with which the names of its layers begin."""
    index: int = 0
    """Counted from 0 within its stage."""
    before: str | None = None
    """The node that the block before this one read: the output of the last block but one. None at first."""
    others: tuple[str, ...] = ()
    """What the row reads beside the block's source, for blocks that read several."""

    @property
    def first(self) -> bool:
        """Whether the block begins its stage: it alone carries the stride and changes the channels."""
        return self.index == 0


class Block(Description):
    """The arguments of one row of a stage table.

    Example:
        >>> from accelsim.network import Draft, Shape, operators
        >>> from accelsim.network.blocks import block_of
        >>> draft = Draft()
        >>> image = operators.network_input(draft, "input", Shape(64, 55, 55))
        >>> fire = block_of("fire")(squeeze=16, expand1x1=64, expand3x3=64)
        >>> draft.shape(fire.build(draft, image, Position("fire2")))
        Shape(channels=128, height=55, width=55)
    """

    operands: ClassVar[Literal[1, "several"]] = 1
    """How many rows a row may read."""

    @abstractmethod
    def build(self, draft: Draft, source: str, position: Position) -> str:
        """Add the block's operators to the draft; gives back the node that the next block reads."""


def check_quarter(name: str, out_channels: int) -> None:
    """Refuse output channels of which a quarter, to which a block reduces them, is none."""
    if out_channels < 4:
        raise NetworkError(
            f"{name}: a quarter of {out_channels} output channels is none: give the block at least 4"
        )


BLOCKS: dict[str, type[Block]] = {}
"""The blocks that have been imported, by the name that a stage table calls each."""

BlockT = TypeVar("BlockT", bound=type[Block])


def block(name: str) -> Callable[[BlockT], BlockT]:
    """Register a block under the name that stage tables use."""

    def register(kind: BlockT) -> BlockT:
        BLOCKS[name] = kind
        return kind

    return register
