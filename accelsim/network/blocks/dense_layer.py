"""DenseNet's layer and transition: every layer reads what all before it have made.

Huang et al., arXiv:1608.06993, figure 2, with bottleneck and compression (DenseNet-BC); as in
github.com/liuzhuang13/DenseNet, models/densenet.lua.
"""

from accelsim.descriptions.quantities import Channels, Factor, Fraction
from accelsim.errors import NetworkError
from accelsim.network import operators
from accelsim.network.blocks.block import Block, Position, block
from accelsim.network.blocks.units import normalised_first
from accelsim.network.graph import Draft


@block("dense_layer")
class DenseLayer(Block):
    """A 1x1 convolution to `expansion` x growth channels, a 3x3 to growth, both after BatchNorm and ReLU."""

    growth: Channels
    expansion: Factor = 4

    def build(self, draft: Draft, source: str, position: Position) -> str:
        """What was there, and the new channels after it."""
        name = position.name
        last = normalised_first(draft, f"{name}.norm1", source)
        last = operators.conv(draft, f"{name}.conv1x1", last, out_channels=self.expansion * self.growth)
        last = normalised_first(draft, f"{name}.norm2", last)
        last = operators.conv(draft, f"{name}.conv3x3", last, out_channels=self.growth, kernel=3, padding=1)
        return operators.concat(draft, f"{name}.concat", (source, last))


@block("dense_transition")
class DenseTransition(Block):
    """Fewer channels by a factor, then half the height and width."""

    compression: Fraction = 0.5

    def build(self, draft: Draft, source: str, position: Position) -> str:
        """BatchNorm, ReLU, 1x1 convolution, average of 2x2."""
        name = position.name
        in_channels = draft.shape(source).channels
        channels = int(in_channels * self.compression)
        if channels < 1:
            raise NetworkError(
                f"{name}: {in_channels} channels times a compression of {self.compression:g} are none: "
                f"a compression of at least {1 / in_channels:.3g} leaves one"
            )
        last = normalised_first(draft, f"{name}.norm", source)
        last = operators.conv(draft, f"{name}.conv1x1", last, out_channels=channels)
        return operators.average_pool(draft, f"{name}.pool", last, kernel=2, stride=2)
