"""CondenseNet's layer: DenseNet's with learned groups, as it is after training.

Huang et al., arXiv:1711.09224, figure 2; as in github.com/ShichenLiu/CondenseNet,
models/condensenet_converted.py.
"""

from accelsim.descriptions.quantities import Channels, Factor
from accelsim.network import operators
from accelsim.network.blocks.block import Block, Position, block
from accelsim.network.blocks.units import normalised_first
from accelsim.network.graph import Draft


@block("condense_layer")
class CondenseLayer(Block):
    """Both convolutions have groups; training found which channels go to which group of the first."""

    growth: Channels
    groups: Channels
    expansion: Factor = 4

    def build(self, draft: Draft, source: str, position: Position) -> str:
        """What was there, and the new channels after it."""
        name = position.name
        last = operators.channel_permutation(draft, f"{name}.select", source)
        last = normalised_first(draft, f"{name}.norm1", last)
        last = operators.conv(
            draft, f"{name}.conv1x1", last, out_channels=self.expansion * self.growth, groups=self.groups
        )
        last = operators.channel_shuffle(draft, f"{name}.shuffle", last, groups=self.groups)
        last = normalised_first(draft, f"{name}.norm2", last)
        last = operators.conv(
            draft, f"{name}.conv3x3", last, out_channels=self.growth, kernel=3, padding=1, groups=self.groups
        )
        return operators.concat(draft, f"{name}.concat", (source, last))


@block("condense_classifier")
class CondenseClassifier(Block):
    """A fully connected layer that reads the part of the features that training chose."""

    out_features: Channels
    kept: Channels
    """How many of the features it reads."""

    def build(self, draft: Draft, source: str, position: Position) -> str:
        """Choice, matrix product."""
        last = operators.channel_permutation(draft, f"{position.name}.order", source)
        last = operators.channel_slice(draft, f"{position.name}.select", last, first=0, channels=self.kept)
        return operators.fully_connected(draft, position.name, last, out_features=self.out_features)
