"""Separable convolutions as Xception has them: no batch normalisation between depthwise and 1x1.

Chollet, arXiv:1610.02357; as in github.com/keras-team/keras-applications, xception.py.
"""

from accelsim.descriptions.quantities import Channels, Extent
from accelsim.network import operators
from accelsim.network.blocks.block import Axes, Block, BlockPadding, Position, block
from accelsim.network.blocks.units import normalised
from accelsim.network.graph import Draft


def separable_unit(
    draft: Draft,
    name: str,
    source: str,
    *,
    out_channels: int,
    kernel: Axes = 3,
    stride: int = 1,
    padding: BlockPadding = "same",
    relu: bool = False,
) -> str:
    """Depthwise `name.depthwise`, 1x1 `name.pointwise` with batch normalisation, and ReLU if wanted."""
    channels = draft.shape(source).channels
    last = operators.conv(
        draft,
        f"{name}.depthwise",
        source,
        out_channels=channels,
        kernel=kernel,
        stride=stride,
        padding=padding,
        groups=channels,
    )
    return normalised(
        draft,
        operators.conv(draft, f"{name}.pointwise", last, out_channels=out_channels),
        activation="relu" if relu else None,
    )


@block("separable_conv")
class SeparableConv(Block):
    """Depthwise and 1x1 convolution, BatchNorm and ReLU after the second only."""

    out_channels: Channels
    kernel: Axes = 3
    stride: Extent = 1

    def build(self, draft: Draft, source: str, position: Position) -> str:
        """Two convolutions."""
        return separable_unit(
            draft,
            position.name,
            source,
            out_channels=self.out_channels,
            kernel=self.kernel,
            stride=self.stride if position.first else 1,
            relu=True,
        )
