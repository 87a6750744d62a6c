"""1x1 expansion, depthwise 3x3, linear 1x1 projection and a shortcut between the narrow ends.

MobileNetV2: Sandler et al., arXiv:1801.04381, table 1 and figure 4d.
"""

from collections.abc import Callable

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
        return inverted_bottleneck(
            draft,
            position.name,
            source,
            expanded=draft.shape(source).channels * self.expansion,
            out_channels=self.out_channels,
            kernel=self.kernel,
            stride=self.stride if position.first else 1,
            padding=self.padding,
            activation=self.activation,
        )


def inverted_bottleneck(
    draft: Draft,
    name: str,
    source: str,
    *,
    expanded: int,
    out_channels: int,
    kernel: Axes,
    stride: int,
    padding: BlockPadding,
    activation: Activation,
    gated: Callable[[str], str] | None = None,
) -> str:
    """Expansion (none to as many channels as there are), depthwise convolution, projection, shortcut.

    `gated` adds a gate to the node of the depthwise convolution's output, where a block has one.
    """
    in_channels = draft.shape(source).channels
    last = source
    if expanded != in_channels:
        last = normalised(
            draft, operators.conv(draft, f"{name}.expand", last, out_channels=expanded), activation=activation
        )
    last = normalised(
        draft,
        operators.conv(
            draft,
            f"{name}.depthwise",
            last,
            out_channels=expanded,
            kernel=kernel,
            stride=stride,
            padding=padding,
            groups=expanded,
        ),
        activation=activation,
    )
    if gated is not None:
        last = gated(last)
    last = normalised(
        draft, operators.conv(draft, f"{name}.project", last, out_channels=out_channels), activation=None
    )
    if stride == 1 and in_channels == out_channels:
        return operators.add(draft, f"{name}.add", (last, source))
    return last
