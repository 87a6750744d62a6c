"""Xception's blocks: separable convolutions with a shortcut (Chollet, arXiv:1610.02357, figure 5)."""

from typing import Annotated

from pydantic import Field

from accelsim.descriptions.quantities import Channels, Extent
from accelsim.network import operators
from accelsim.network.blocks.block import Block, Position, block, check_quarter
from accelsim.network.blocks.separable_conv import separable_unit
from accelsim.network.blocks.shortcut import residual_sum, shortcut
from accelsim.network.graph import Draft


@block("xception")
class XceptionBlock(Block):
    """Output channels of each separable convolution; ReLU precedes it, and nothing follows the addition."""

    channels: Annotated[tuple[Channels, ...], Field(min_length=1)]
    stride: Extent = 1
    """With 2, the branch ends in a maximum over 3x3, and the shortcut is a projection."""
    first_activation: bool = True
    """Whether ReLU precedes the first convolution too."""

    def build(self, draft: Draft, source: str, position: Position) -> str:
        """Shortcut, separable convolutions, pooling, addition."""
        name = position.name
        skip = shortcut(draft, f"{name}.shortcut", source, out_channels=self.channels[-1], stride=self.stride)
        last = source
        for index, channels in enumerate(self.channels, start=1):
            if index > 1 or self.first_activation:
                last = operators.activation(draft, f"{name}.relu{index}", last, function="relu")
            last = separable_unit(draft, f"{name}.sep{index}", last, out_channels=channels)
        if self.stride > 1:
            last = operators.max_pool(
                draft, f"{name}.pool", last, kernel=3, stride=self.stride, padding="same"
            )
        return residual_sum(draft, name, last, skip, activation=None)


@block("xception_small")
class SmallXceptionBlock(Block):
    """A bottleneck of three separable convolutions, a quarter as wide inside, ReLU after each and the sum.

    As in github.com/yu-changqian/TorchSeg, furnace/base_model/xception.py, but with a 1x1 shortcut, with
    which the MACs of ShuffleNet v2's comparison come out.
    """

    out_channels: Channels
    stride: Extent = 1

    def build(self, draft: Draft, source: str, position: Position) -> str:
        """Shortcut, three separable convolutions, addition, ReLU."""
        name, stride, inner = position.name, self.stride if position.first else 1, self.out_channels // 4
        check_quarter(name, self.out_channels)
        skip = shortcut(draft, f"{name}.shortcut", source, out_channels=self.out_channels, stride=stride)
        last = separable_unit(
            draft, f"{name}.sep1", source, out_channels=inner, stride=stride, padding=1, relu=True
        )
        last = separable_unit(draft, f"{name}.sep2", last, out_channels=inner, padding=1, relu=True)
        last = separable_unit(draft, f"{name}.sep3", last, out_channels=self.out_channels, padding=1)
        return residual_sum(draft, name, last, skip)
