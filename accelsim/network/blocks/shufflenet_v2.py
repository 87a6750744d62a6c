"""ShuffleNet v2's unit: half of the channels go through three convolutions, the other half around them.

Ma et al., arXiv:1807.11164, figure 3; details as in github.com/megvii-model/ShuffleNet-Series.
"""

from accelsim.descriptions.quantities import Channels, Extent, Factor
from accelsim.errors import NetworkError
from accelsim.network import operators
from accelsim.network.blocks.block import Block, Position, block
from accelsim.network.blocks.channel_split import split_even_and_odd
from accelsim.network.blocks.squeeze_excitation import squeeze_excitation
from accelsim.network.blocks.units import normalised
from accelsim.network.graph import Draft


@block("shufflenet_v2")
class ShuffleNetV2Unit(Block):
    """The first unit of a stage reads all channels on both ways, and may have a stride."""

    out_channels: Channels
    stride: Extent = 2
    halves: bool = False
    """Whether both ways of a stage's first unit end equally wide, as the paper draws it; in the release one
    ends as wide as the unit's input."""
    enlarged: bool = False
    """A depthwise 3x3 before the first 1x1, for a larger receptive field (the paper's v2*)."""
    squeeze_excitation: bool = False
    """Whether there is one of the unit's output."""
    excitation_reduction: Factor = 2
    """By what factor its gate is narrower inside."""

    def build(self, draft: Draft, source: str, position: Position) -> str:
        """Both ways, concatenated."""
        name = position.name
        if position.first:
            skip_channels = self.out_channels // 2 if self.halves else draft.shape(source).channels
            self._check_split(name, skip_channels)
            skip = _depthwise(draft, f"{name}.other.depthwise", source, self.stride)
            skip = normalised(
                draft, operators.conv(draft, f"{name}.other.pointwise", skip, out_channels=skip_channels)
            )
            branch = self._branch(draft, source, name, self.out_channels - skip_channels, self.stride)
        else:
            skip, start = split_even_and_odd(draft, name, source)
            branch = self._branch(draft, start, name, self.out_channels // 2, 1)
        last = operators.concat(draft, f"{name}.concat", (skip, branch))
        if not self.squeeze_excitation:
            return last
        reduced = self.out_channels // self.excitation_reduction
        return squeeze_excitation(draft, f"{name}.se", last, reduced=reduced)

    def _check_split(self, name: str, skip_channels: int) -> None:
        """Refuse a stage that leaves one of its two ways without channels."""
        if self.out_channels < 2 or skip_channels >= self.out_channels:
            raise NetworkError(
                f"{name}: has {self.out_channels} output channels, of which {skip_channels} go around the "
                f"branch and {self.out_channels - skip_channels} through it: give the stage at least "
                f"{max(2, skip_channels + 1)}, "
                "or the one before it fewer"
            )

    def _branch(self, draft: Draft, source: str, name: str, out_channels: int, stride: int) -> str:
        last = _depthwise(draft, f"{name}.enlarge", source, 1) if self.enlarged else source
        last = normalised(
            draft, operators.conv(draft, f"{name}.pointwise1", last, out_channels=self.out_channels // 2)
        )
        last = _depthwise(draft, f"{name}.depthwise", last, stride)
        return normalised(draft, operators.conv(draft, f"{name}.pointwise2", last, out_channels=out_channels))


def _depthwise(draft: Draft, name: str, source: str, stride: int) -> str:
    channels = draft.shape(source).channels
    return normalised(
        draft,
        operators.conv(
            draft, name, source, out_channels=channels, kernel=3, stride=stride, padding=1, groups=channels
        ),
        activation=None,
    )
