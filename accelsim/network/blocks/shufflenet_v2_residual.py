"""The unit of the large ShuffleNet v2: a bottleneck in groups on half of the channels, with a shortcut.

Ma et al., arXiv:1807.11164, section 4.3; as in github.com/megvii-model/ShuffleNet-Series, ShuffleNetV2.Large.
"""

from accelsim.descriptions.quantities import Channels, Extent
from accelsim.network import operators
from accelsim.network.blocks.block import Block, Position, block
from accelsim.network.blocks.channel_split import split_even_and_odd
from accelsim.network.blocks.squeeze_excitation import squeeze_excitation
from accelsim.network.blocks.units import normalised
from accelsim.network.graph import Draft


@block("shufflenet_v2_residual")
class ShuffleNetV2Residual(Block):
    """Channels of each half of the output."""

    half_channels: Channels
    stride: Extent = 1
    groups: Channels = 8

    def build(self, draft: Draft, source: str, position: Position) -> str:
        """Both halves; the first unit of a stage projects one and has no shortcut in the other."""
        name, stride = position.name, self.stride if position.first else 1
        skip, start = split_even_and_odd(draft, name, source)
        if position.first:
            skip = self._conv3x3(draft, f"{name}.project", skip, stride)
        branch = normalised(
            draft, operators.conv(draft, f"{name}.reduce", start, out_channels=self.half_channels)
        )
        branch = self._conv3x3(draft, f"{name}.conv3x3", branch, stride, self.groups, relu=True)
        branch = normalised(
            draft,
            operators.conv(draft, f"{name}.expand", branch, out_channels=self.half_channels),
            activation=None,
        )
        branch = squeeze_excitation(draft, f"{name}.se", branch, reduced=self.half_channels)
        if not position.first:
            branch = operators.add(draft, f"{name}.add", (branch, start))
        last = operators.concat(draft, f"{name}.concat", (skip, branch))
        last = operators.activation(draft, f"{name}.relu", last, function="relu")
        if stride == 1:
            return last
        return normalised(
            draft, operators.conv(draft, f"{name}.mix", last, out_channels=2 * self.half_channels)
        )

    def _conv3x3(
        self, draft: Draft, name: str, source: str, stride: int, groups: int = 1, *, relu: bool = False
    ) -> str:
        return normalised(
            draft,
            operators.conv(
                draft,
                name,
                source,
                out_channels=self.half_channels,
                kernel=3,
                stride=stride,
                padding=1,
                groups=groups,
            ),
            activation="relu" if relu else None,
        )
