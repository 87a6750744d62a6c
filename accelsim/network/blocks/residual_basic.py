"""Two 3x3 convolutions and a shortcut (ResNet-18 and -34; He et al., arXiv:1512.03385, figure 5, left)."""

from accelsim.descriptions.quantities import Channels, Extent
from accelsim.network import operators
from accelsim.network.blocks.block import Block, Position, block
from accelsim.network.blocks.shortcut import residual_sum, shortcut
from accelsim.network.blocks.units import normalised
from accelsim.network.graph import Draft


@block("residual_basic")
class ResidualBasic(Block):
    """The first 3x3 convolution of a stage carries the stride."""

    out_channels: Channels
    stride: Extent = 1

    def build(self, draft: Draft, source: str, position: Position) -> str:
        """Shortcut, two convolutions, addition, ReLU."""
        name, channels, stride = position.name, self.out_channels, self.stride if position.first else 1
        skip = shortcut(draft, f"{name}.shortcut", source, out_channels=channels, stride=stride)
        last = normalised(
            draft,
            operators.conv(
                draft, f"{name}.conv1", source, out_channels=channels, kernel=3, stride=stride, padding=1
            ),
        )
        last = normalised(
            draft,
            operators.conv(draft, f"{name}.conv2", last, out_channels=channels, kernel=3, padding=1),
            activation=None,
        )
        return residual_sum(draft, name, last, skip)
