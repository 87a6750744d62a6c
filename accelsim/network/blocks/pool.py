"""Pooling over a window, and over the whole of each channel."""

from typing import Literal

from accelsim.network import operators
from accelsim.network.blocks.block import Axes, Block, Padding, Position, block
from accelsim.network.graph import Draft


class _Pool(Block):
    """A window; `rounding: ceil` is Caffe's rule for the output size, floor everybody else's."""

    kernel: Axes
    stride: Axes = 1
    padding: Padding = 0
    rounding: Literal["floor", "ceil"] = "floor"


@block("max_pool")
class MaxPool(_Pool):
    """Maximum over a window."""

    def build(self, draft: Draft, source: str, at: Position) -> str:
        """One pooling layer."""
        return operators.max_pool(
            draft,
            at.name,
            source,
            kernel=self.kernel,
            stride=self.stride,
            padding=self.padding,
            rounding=self.rounding,
        )


@block("average_pool")
class AveragePool(_Pool):
    """Average over a window."""

    def build(self, draft: Draft, source: str, at: Position) -> str:
        """One pooling layer."""
        return operators.average_pool(
            draft,
            at.name,
            source,
            kernel=self.kernel,
            stride=self.stride,
            padding=self.padding,
            rounding=self.rounding,
        )


@block("global_average_pool")
class GlobalAveragePool(Block):
    """Average of each channel, whatever its size."""

    def build(self, draft: Draft, source: str, at: Position) -> str:
        """One pooling layer."""
        return operators.global_average_pool(draft, at.name, source)
