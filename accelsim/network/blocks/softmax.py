"""Softmax: class probabilities."""

from accelsim.network import operators
from accelsim.network.blocks.block import Block, Position, block
from accelsim.network.graph import Draft


@block("softmax")
class Softmax(Block):
    """Softmax: class probabilities."""

    def build(self, draft: Draft, source: str, at: Position) -> str:
        """One operator."""
        return operators.softmax(draft, at.name, source)
