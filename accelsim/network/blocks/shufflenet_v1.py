"""ShuffleNet's unit: 1x1 convolutions in groups, with the channels shuffled between them.

Zhang et al., arXiv:1707.01083, figure 2; details as in github.com/megvii-model/ShuffleNet-Series.
"""

from accelsim.descriptions.quantities import Channels, Extent, Factor
from accelsim.errors import NetworkError
from accelsim.network import operators
from accelsim.network.blocks.block import Block, Position, block
from accelsim.network.blocks.shortcut import residual_sum
from accelsim.network.blocks.squeeze_excitation import squeeze_excitation
from accelsim.network.blocks.units import normalised
from accelsim.network.graph import Draft


@block("shufflenet_v1")
class ShuffleNetUnit(Block):
    """The 3x3 convolution is depthwise and a quarter as wide as the output."""

    out_channels: Channels
    stride: Extent = 2
    """Of the stage's first unit, which concatenates where the others add."""
    groups: Channels = 1
    first_groups: Channels | None = None
    """Of the very first 1x1 convolution, if they differ: stage 2 has too few input channels to group them."""
    squeeze_excitation: bool = False
    """Whether there is one of the unit's output."""
    excitation_reduction: Factor = 16
    """By what factor its gate is narrower inside."""

    def build(self, draft: Draft, source: str, position: Position) -> str:
        """Branch and shortcut, added or (first unit of a stage) concatenated."""
        if self.out_channels % (4 * self.groups):
            raise NetworkError(
                f"{position.name}: {self.out_channels} output channels with groups = {self.groups}: "
                "a quarter of them is split into the groups; "
                f"make the channels a multiple of {4 * self.groups} or choose other groups"
            )
        unit = self._downsample if position.first else self._keep
        last = unit(draft, source, position.name)
        if not self.squeeze_excitation:
            return last
        reduced = self.out_channels // self.excitation_reduction
        return squeeze_excitation(draft, f"{position.name}.se", last, reduced=reduced)

    def _keep(self, draft: Draft, source: str, name: str) -> str:
        reduced = self._reduce(draft, f"{name}.reduce", source, self.groups)
        branch = self._branch(draft, reduced, name, self.out_channels, stride=1)
        return residual_sum(draft, name, branch, source)

    def _downsample(self, draft: Draft, source: str, name: str) -> str:
        in_channels = draft.shape(source).channels
        added = self.out_channels - in_channels
        if added < 1:
            raise NetworkError(
                f"{name}: has {self.out_channels} output channels, of which the input's {in_channels} leave "
                f"{added} for the branch: give the stage more than {in_channels} channels, "
                "or the one before fewer"
            )
        pooled = operators.average_pool(
            draft, f"{name}.pool", source, kernel=3, stride=self.stride, padding=1
        )
        reduced = self._reduce(draft, f"{name}.reduce", source, self.first_groups or self.groups)
        branch = self._branch(draft, reduced, name, added, self.stride)
        branch = operators.activation(draft, f"{name}.relu", branch, function="relu")
        return operators.concat(draft, f"{name}.concat", (pooled, branch))

    def _reduce(self, draft: Draft, name: str, source: str, groups: int) -> str:
        return normalised(
            draft, operators.conv(draft, name, source, out_channels=self.out_channels // 4, groups=groups)
        )

    def _branch(self, draft: Draft, source: str, name: str, out_channels: int, stride: int) -> str:
        last, inner = source, self.out_channels // 4
        if self.groups > 1:
            last = operators.channel_shuffle(draft, f"{name}.shuffle", last, groups=self.groups)
        last = normalised(
            draft,
            operators.conv(
                draft,
                f"{name}.depthwise",
                last,
                out_channels=inner,
                kernel=3,
                stride=stride,
                padding=1,
                groups=inner,
            ),
            activation=None,
        )
        return normalised(
            draft,
            operators.conv(draft, f"{name}.expand", last, out_channels=out_channels, groups=self.groups),
            activation=None,
        )
