"""MobileNetV2's block with both 1x1 convolutions in groups and a permutation between them.

IGCV3: Sun et al., arXiv:1806.00178, figure 2; details as in github.com/homles11/IGCV3, symbols/igcv3.py: the
expansion is there even at a factor of 1, and has no activation.
"""

from accelsim.descriptions.quantities import Channels, Extent, Factor
from accelsim.network import operators
from accelsim.network.blocks.block import Block, Position, block
from accelsim.network.blocks.units import normalised
from accelsim.network.graph import Draft


@block("igcv3")
class InterleavedGroups(Block):
    """The expansion is a factor on the block's input channels."""

    out_channels: Channels
    expansion: Factor = 6
    stride: Extent = 1
    groups: Channels = 2

    def build(self, draft: Draft, source: str, position: Position) -> str:
        """Three convolutions and a shuffle; repetitions add their input."""
        name = position.name
        expanded = draft.shape(source).channels * self.expansion
        last = normalised(
            draft,
            operators.conv(draft, f"{name}.expand", source, out_channels=expanded, groups=self.groups),
            activation=None,
        )
        last = operators.channel_shuffle(draft, f"{name}.shuffle", last, groups=self.groups)
        last = normalised(
            draft,
            operators.conv(
                draft,
                f"{name}.depthwise",
                last,
                out_channels=expanded,
                kernel=3,
                stride=self.stride if position.first else 1,
                padding=1,
                groups=expanded,
            ),
            activation="relu6",
        )
        last = normalised(
            draft,
            operators.conv(
                draft, f"{name}.project", last, out_channels=self.out_channels, groups=self.groups
            ),
            activation=None,
        )
        return last if position.first else operators.add(draft, f"{name}.add", (last, source))
