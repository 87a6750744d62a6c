"""Larger by a factor, as where features of a smaller resolution meet those of a larger one."""

from accelsim.descriptions.quantities import Factor
from accelsim.network import operators
from accelsim.network.blocks.block import Block, Position, block
from accelsim.network.graph import Draft
from accelsim.network.operators import Interpolation


@block("upsample")
class Upsample(Block):
    """Height and width times a factor."""

    factor: Factor = 2
    interpolation: Interpolation = "nearest"

    def build(self, draft: Draft, source: str, position: Position) -> str:
        """One operator."""
        shape = draft.shape(source)
        size = (shape.height * self.factor, shape.width * self.factor)
        return operators.resize(draft, position.name, source, size=size, interpolation=self.interpolation)
