"""1x1 reduction, 3x3 convolution, 1x1 expansion and a shortcut, as in ResNet, ResNeXt and SENet.

He et al., arXiv:1512.03385, figure 5, right; with groups, Xie et al., arXiv:1611.05431, figure 3c; with
squeeze and excitation, Hu et al., arXiv:1709.01507, figure 3.
"""

from typing import Literal

from accelsim.descriptions.quantities import Channels, Extent, Factor
from accelsim.network import operators
from accelsim.network.blocks.block import Activation, Block, Position, block
from accelsim.network.blocks.shortcut import residual_sum, shortcut
from accelsim.network.blocks.squeeze_excitation import squeeze_excitation
from accelsim.network.blocks.units import normalised
from accelsim.network.graph import Draft


@block("residual_bottleneck")
class ResidualBottleneck(Block):
    """Channels of the reduction, of the 3x3 convolution (the same if not given), and of the output."""

    reduced_channels: Channels
    inner_channels: Channels | None = None
    out_channels: Channels
    stride: Extent = 1
    stride_on: Literal["1x1", "3x3"] = "1x1"
    """Which convolution of the branch carries it: the reduction (ResNet's release) or the 3x3 (all later)."""
    groups: Channels = 1
    """Of the 3x3 convolution."""
    shortcut_kernel: Extent = 1
    """Of the projection, where it changes the size; where it only changes the channels, it is 1x1."""
    squeeze_excitation: bool = False
    """Whether there is one before the addition."""
    excitation_reduction: Factor = 16
    """By what factor its gate is narrower inside."""
    relu: bool = True
    """Whether there is one after each convolution and the addition."""
    shortcut: bool = True
    """Whether there is one; without, the branch is all (ShuffleNet v2, arXiv:1807.11164, guideline 4)."""

    def build(self, draft: Draft, source: str, position: Position) -> str:
        """Shortcut, three convolutions, squeeze and excitation if asked for, addition, ReLU."""
        name, stride = position.name, self.stride if position.first else 1
        activation: Activation | None = "relu" if self.relu else None
        kernel = self.shortcut_kernel if stride > 1 else 1
        skip = self.shortcut and shortcut(
            draft, f"{name}.shortcut", source, out_channels=self.out_channels, stride=stride, kernel=kernel
        )
        strides = (stride, 1) if self.stride_on == "1x1" else (1, stride)
        last = normalised(
            draft,
            operators.conv(
                draft, f"{name}.reduce", source, out_channels=self.reduced_channels, stride=strides[0]
            ),
            activation=activation,
        )
        last = normalised(
            draft,
            operators.conv(
                draft,
                f"{name}.conv3x3",
                last,
                out_channels=self.inner_channels or self.reduced_channels,
                kernel=3,
                stride=strides[1],
                padding=1,
                groups=self.groups,
            ),
            activation=activation,
        )
        last = normalised(
            draft,
            operators.conv(draft, f"{name}.expand", last, out_channels=self.out_channels),
            activation=None,
        )
        if self.squeeze_excitation:
            reduced = self.out_channels // self.excitation_reduction
            last = squeeze_excitation(draft, f"{name}.se", last, reduced=reduced, layers="conv")
        if skip:
            return residual_sum(draft, name, last, skip, activation)
        return operators.activation(draft, f"{name}.relu", last, function="relu") if self.relu else last
