"""Local response normalisation over neighbouring channels (AlexNet)."""

from accelsim.descriptions.quantities import Extent
from accelsim.network import operators
from accelsim.network.blocks.block import Block, Position, block
from accelsim.network.graph import Draft


@block("lrn")
class LocalResponseNorm(Block):
    """Local response normalisation over neighbouring channels (AlexNet)."""

    size: Extent = 5

    def build(self, draft: Draft, source: str, at: Position) -> str:
        """One operator."""
        return operators.lrn(draft, at.name, source, size=self.size)
