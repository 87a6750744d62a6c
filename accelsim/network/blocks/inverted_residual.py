"""1x1 expansion, depthwise 3x3, linear 1x1 projection and a shortcut between the narrow ends.

MobileNetV2: Sandler et al., arXiv:1801.04381, table 1 and figure 4d.
"""

from accelsim.descriptions.quantities import Channels, Extent, Factor
from accelsim.network import operators
from accelsim.network.blocks.block import Activation, Axes, Block, BlockPadding, Position, block
from accelsim.network.blocks.units import normalised
from accelsim.network.graph import Draft


@block("inverted_residual")
class InvertedResidual(Block):
    """The expansion is a factor on the block's input channels; a factor of 1 is no convolution at all."""

    out_channels: Channels
    expansion: Factor = 6
    kernel: Axes = 3
    stride: Extent = 1
    padding: BlockPadding = "same"
    activation: Activation = "relu6"

    def build(self, draft: Draft, source: str, position: Position) -> str:
        """Up to three convolutions; the addition only where input and output have one shape."""
        name, stride = position.name, self.stride if position.first else 1
        in_channels = draft.shape(source).channels
        expanded = in_channels * self.expansion
        last = source
        if self.expansion > 1:
            last = normalised(
                draft,
                operators.conv(draft, f"{name}.expand", last, out_channels=expanded),
                activation=self.activation,
            )
        last = normalised(
            draft,
            operators.conv(
                draft,
                f"{name}.depthwise",
                last,
                out_channels=expanded,
                kernel=self.kernel,
                stride=stride,
                padding=self.padding,
                groups=expanded,
            ),
            activation=self.activation,
        )
        last = normalised(
            draft,
            operators.conv(draft, f"{name}.project", last, out_channels=self.out_channels),
            activation=None,
        )
        if stride == 1 and in_channels == self.out_channels:
            return operators.add(draft, f"{name}.add", (last, source))
        return last
