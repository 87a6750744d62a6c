"""An activation that stands alone, where a network has one between its stages."""

from accelsim.network import operators
from accelsim.network.blocks.block import Activation, Block, Position, block
from accelsim.network.graph import Draft


@block("activation")
class ActivationBlock(Block):
    """A function of each element."""

    function: Activation = "relu"

    def build(self, draft: Draft, source: str, at: Position) -> str:
        """One operator."""
        return operators.activation(draft, at.name, source, function=self.function)
