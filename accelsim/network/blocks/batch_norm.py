"""Batch normalisation that does not follow a convolution, as at the end of DenseNet."""

from accelsim.network import operators
from accelsim.network.blocks.block import Activation, Block, Position, block
from accelsim.network.graph import Draft


def norm_unit(draft: Draft, name: str, source: str, activation: Activation | None = "relu") -> str:
    """Batch normalisation `name`, then `name.relu` (or what the activation is called) if wanted."""
    last = operators.batch_norm(draft, name, source)
    if activation is None:
        return last
    return operators.activation(draft, f"{name}.{activation}", last, function=activation)


@block("batch_norm")
class BatchNorm(Block):
    """Scale and shift of each channel, and an activation."""

    activation: Activation | None = None

    def build(self, draft: Draft, source: str, at: Position) -> str:
        """Batch normalisation, activation."""
        return norm_unit(draft, at.name, source, self.activation)
