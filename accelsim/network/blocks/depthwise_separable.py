"""Depthwise convolution, then 1x1 convolution (MobileNet, arXiv:1704.04861, figure 3)."""

from accelsim.descriptions.quantities import Channels
from accelsim.network import operators
from accelsim.network.blocks.block import Activation, Axes, Block, BlockPadding, Position, block
from accelsim.network.blocks.units import normalised
from accelsim.network.graph import Draft


@block("depthwise_separable")
class DepthwiseSeparable(Block):
    """The kernel and stride are the depthwise convolution's, the channels the 1x1 convolution's."""

    out_channels: Channels
    kernel: Axes = 3
    stride: Axes = 1
    padding: BlockPadding = "same"
    activation: Activation = "relu"

    def build(self, draft: Draft, source: str, position: Position) -> str:
        """Both convolutions, each with batch normalisation and activation."""
        channels = draft.shape(source).channels
        depthwise = normalised(
            draft,
            operators.conv(
                draft,
                f"{position.name}.depthwise",
                source,
                out_channels=channels,
                kernel=self.kernel,
                stride=self.stride if position.first else 1,
                padding=self.padding,
                groups=channels,
            ),
            activation=self.activation,
        )
        return normalised(
            draft,
            operators.conv(draft, f"{position.name}.pointwise", depthwise, out_channels=self.out_channels),
            activation=self.activation,
        )
