"""Dropout: listed by published networks, nothing at inference."""

from accelsim.network import operators
from accelsim.network.blocks.block import Block, Position, block
from accelsim.network.graph import Draft


@block("dropout")
class Dropout(Block):
    """Dropout: listed by published networks, nothing at inference."""

    def build(self, draft: Draft, source: str, at: Position) -> str:
        """One operator."""
        return operators.dropout(draft, at.name, source)
