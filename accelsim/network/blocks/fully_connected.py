"""Fully connected layer with its activation."""

from accelsim.descriptions.quantities import Channels
from accelsim.network import operators
from accelsim.network.blocks.block import Activation, Block, Position, block
from accelsim.network.graph import Draft


@block("fully_connected")
class FullyConnected(Block):
    """Matrix product of everything before it."""

    out_features: Channels
    bias: bool = True
    activation: Activation | None = None

    def build(self, draft: Draft, source: str, at: Position) -> str:
        """Matrix product, activation."""
        last = operators.fully_connected(
            draft, at.name, source, out_features=self.out_features, bias=self.bias
        )
        if self.activation is None:
            return last
        return operators.activation(draft, f"{at.name}.{self.activation}", last, function=self.activation)
