"""Fire: a 1x1 squeeze feeds a 1x1 and a 3x3 expansion (SqueezeNet, arXiv:1602.07360, figures 1 and 2)."""

from typing import Literal

from accelsim.descriptions.quantities import Channels
from accelsim.network import operators
from accelsim.network.blocks.block import Block, Position, block
from accelsim.network.blocks.units import activated
from accelsim.network.graph import Draft


@block("fire")
class Fire(Block):
    """Output channels of the squeeze and of the two expansions."""

    squeeze: Channels
    expand1x1: Channels
    expand3x3: Channels
    bypass: Literal["none", "identity", "conv"] = "none"
    """What is added to the output: nothing, the block's input, or a 1x1 convolution of it."""

    def build(self, draft: Draft, source: str, position: Position) -> str:
        """Squeeze, both expansions, and their concatenation with the 1x1 first; biased, no batch norm."""
        bypass = self._bypass(draft, f"{position.name}.bypass", source)
        squeeze = _unit(draft, f"{position.name}.squeeze1x1", source, self.squeeze, kernel=1)
        expand1x1 = _unit(draft, f"{position.name}.expand1x1", squeeze, self.expand1x1, kernel=1)
        expand3x3 = _unit(draft, f"{position.name}.expand3x3", squeeze, self.expand3x3, kernel=3)
        last = operators.concat(draft, f"{position.name}.concat", (expand1x1, expand3x3))
        return last if bypass is None else operators.add(draft, f"{position.name}.add", (last, bypass))

    def _bypass(self, draft: Draft, name: str, source: str) -> str | None:
        if self.bypass != "conv":
            return source if self.bypass == "identity" else None
        return operators.conv(draft, name, source, out_channels=self.expand1x1 + self.expand3x3, bias=True)


def _unit(draft: Draft, name: str, source: str, out_channels: int, kernel: int) -> str:
    return activated(
        draft,
        operators.conv(
            draft, name, source, out_channels=out_channels, kernel=kernel, padding=kernel // 2, bias=True
        ),
    )
