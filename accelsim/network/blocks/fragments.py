"""Several 1x1 convolutions where one would do, as ShuffleNet v2 measures what fragmentation costs.

Ma et al., arXiv:1807.11164, guideline 3 and figure 1 of the appendix. The figure's caption does not say how
parallel convolutions come together; added, they need fewer channels for the same multiply-accumulates, which
is what the caption of table 3 says was done, while concatenated they would not.
"""

from typing import Literal, Self

from pydantic import model_validator

from accelsim.descriptions.quantities import Channels, Repeats
from accelsim.network import operators
from accelsim.network.blocks.block import Block, Position, block
from accelsim.network.graph import Draft


@block("fragments")
class Fragments(Block):
    """How many convolutions there are, how they are arranged, and their output channels."""

    fragments: Repeats
    arrangement: Literal["series", "parallel"] = "series"
    out_channels: Channels
    inner_channels: Channels | None = None
    """Of all but the last of a series; the same if not given."""

    @model_validator(mode="after")
    def _only_a_series_has_an_inside(self) -> Self:
        if self.arrangement == "parallel" and self.inner_channels is not None:
            raise ValueError("inner_channels must not be given: parallel convolutions are added")
        return self

    def build(self, draft: Draft, source: str, position: Position) -> str:
        """The convolutions, neither normalised nor activated; an addition if there are parallel ones."""
        if self.arrangement == "series":
            return self._series(draft, source, position.name)
        parts = [
            operators.conv(draft, f"{position.name}.conv{index}", source, out_channels=self.out_channels)
            for index in range(1, self.fragments + 1)
        ]
        return parts[0] if len(parts) == 1 else operators.add(draft, f"{position.name}.add", parts)

    def _series(self, draft: Draft, source: str, name: str) -> str:
        inside = self.inner_channels or self.out_channels
        channels = [inside] * (self.fragments - 1) + [self.out_channels]
        for index, out_channels in enumerate(channels, start=1):
            source = operators.conv(draft, f"{name}.conv{index}", source, out_channels=out_channels)
        return source
