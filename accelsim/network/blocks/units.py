"""What follows an operator in most networks: batch normalisation and an activation."""

from accelsim.network import operators
from accelsim.network.blocks.block import Activation
from accelsim.network.graph import Draft


def activated(draft: Draft, node: str, activation: Activation | None = "relu") -> str:
    """A node, then `node.relu` (or what the activation is called) if wanted."""
    if activation is None:
        return node
    return operators.activation(draft, f"{node}.{activation}", node, function=activation)


def normalised(draft: Draft, node: str, activation: Activation | None = "relu") -> str:
    """A convolution, its batch normalisation `node.bn`, and `node.relu` (or what it is called) if wanted."""
    last = operators.batch_norm(draft, f"{node}.bn", node)
    if activation is None:
        return last
    return operators.activation(draft, f"{node}.{activation}", last, function=activation)


def normalised_first(draft: Draft, name: str, source: str) -> str:
    """Batch normalisation `name`, then `name.relu`, of what a convolution is to read."""
    return activated(draft, operators.batch_norm(draft, name, source))
