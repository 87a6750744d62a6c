"""The bottleneck of MobileNetV3: MobileNetV2's, with squeeze and excitation and other activations.

Howard et al., arXiv:1905.02244, figure 4 and tables 1 and 2. Squeeze and excitation is a quarter of the
expansion wide (section 5.3), its gate a hard sigmoid (section 5.2). Both are rounded to multiples of 8,
as channels are (github.com/tensorflow/models, research/slim/nets/mobilenet/mobilenet_v3.py).
"""

from accelsim.descriptions.quantities import Channels, Expansion, Extent
from accelsim.network.blocks.block import Activation, Axes, Block, BlockPadding, Position, block
from accelsim.network.blocks.inverted_residual import inverted_bottleneck
from accelsim.network.blocks.squeeze_excitation import squeeze_excitation
from accelsim.network.expressions import round_to_multiple
from accelsim.network.graph import Draft


@block("mobilenet_v3")
class MobileNetV3(Block):
    """The table's columns; an expansion to as many channels as come in is no convolution at all."""

    expansion: Expansion
    """The table's exp size, by the channels that come in at a width of 1: so other widths expand as much."""
    out_channels: Channels
    kernel: Axes = 3
    stride: Extent = 1
    padding: BlockPadding = "same"
    squeeze_excitation: bool = False
    activation: Activation = "hard_swish"

    def build(self, draft: Draft, source: str, position: Position) -> str:
        """Up to three convolutions and the gate; the addition where input and output have one shape."""
        expanded = round_to_multiple(draft.shape(source).channels * self.expansion, 8)

        def gated(node: str) -> str:
            reduced = round_to_multiple(expanded / 4, 8)
            name = f"{position.name}.se"
            return squeeze_excitation(draft, name, node, reduced=reduced, layers="conv", gate="hard_sigmoid")

        return inverted_bottleneck(
            draft,
            position.name,
            source,
            expanded=expanded,
            out_channels=self.out_channels,
            kernel=self.kernel,
            stride=self.stride if position.first else 1,
            padding=self.padding,
            activation=self.activation,
            gated=gated if self.squeeze_excitation else None,
        )
