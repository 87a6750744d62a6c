"""Blocks that bring several rows of a stage table together, as its `reads` names them."""

from accelsim.network import operators
from accelsim.network.blocks.block import Activation, Block, Position, block
from accelsim.network.blocks.units import activated
from accelsim.network.graph import Draft


@block("concat")
class Concatenation(Block):
    """What the rows put out, one after another along the channels."""

    operands = "several"

    def build(self, draft: Draft, source: str, position: Position) -> str:
        """One operator."""
        return operators.concat(draft, position.name, (source, *position.others))


@block("add")
class Addition(Block):
    """The sum of what the rows put out, all of one shape."""

    operands = "several"
    activation: Activation | None = None

    def build(self, draft: Draft, source: str, position: Position) -> str:
        """One operator, and the activation that may come after it."""
        total = operators.add(draft, position.name, (source, *position.others))
        return activated(draft, total, self.activation)
