"""MBConv: MobileNetV2's block with squeeze and excitation, of which EfficientNet is made.

Tan and Le, arXiv:1905.11946, section 4 and table 1; the block is MnasNet's (Tan et al., arXiv:1807.11626,
figure 7b) with Swish as the activation. The gate's first layer has a quarter of the block's *input* channels,
as in github.com/tensorflow/tpu, models/official/efficientnet/efficientnet_model.py.
"""

from accelsim.descriptions.quantities import Channels, Extent, Factor
from accelsim.errors import NetworkError
from accelsim.network.blocks.block import Activation, Axes, Block, BlockPadding, Position, block
from accelsim.network.blocks.inverted_residual import inverted_bottleneck
from accelsim.network.blocks.squeeze_excitation import squeeze_excitation
from accelsim.network.graph import Draft


@block("mbconv")
class MBConv(Block):
    """MBConv1 and MBConv6 have an `expansion` of 1 (no convolution) and 6 times the input channels."""

    out_channels: Channels
    expansion: Factor = 6
    kernel: Axes = 3
    stride: Extent = 1
    padding: BlockPadding = "same"
    activation: Activation = "swish"
    excitation_reduction: Factor = 4
    """By what factor the gate's first layer is narrower than the block's input."""

    def build(self, draft: Draft, source: str, position: Position) -> str:
        """Up to three convolutions and the gate; the addition where input and output have one shape."""
        in_channels = draft.shape(source).channels
        name = f"{position.name}.se"
        reduced = in_channels // self.excitation_reduction
        if reduced < 1:
            raise NetworkError(
                f"{name}.reduce: {in_channels} input channels are fewer than what the gate divides them by: "
                "lower excitation_reduction, or give the block before more channels"
            )

        def gated(node: str) -> str:
            return squeeze_excitation(
                draft, name, node, reduced=reduced, layers="conv", inner=self.activation
            )

        return inverted_bottleneck(
            draft,
            position.name,
            source,
            expanded=in_channels * self.expansion,
            out_channels=self.out_channels,
            kernel=self.kernel,
            stride=self.stride if position.first else 1,
            padding=self.padding,
            activation=self.activation,
            gated=gated,
        )
