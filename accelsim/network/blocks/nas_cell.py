"""What NASNet's and PNASNet's cells have in common: separable units, and the fitting of their two inputs.

As in github.com/tensorflow/models, research/slim/nets/nasnet/nasnet_utils.py. A cell reads the output of the
cell before it (the newer input) and of the one before that (the older), both brought to the cell's channels,
and where they differ in resolution, to the newer's. ReLU precedes every convolution; that of one tensor is
one node, however many convolutions read it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from accelsim.descriptions.quantities import Channels
from accelsim.errors import NetworkError
from accelsim.network import operators
from accelsim.network.blocks.block import Block, Position
from accelsim.network.blocks.separable_conv import separable_unit
from accelsim.network.blocks.units import normalised
from accelsim.network.graph import Draft


class NASCell(Block):
    """The filters of each of the cell's operations."""

    filters: Channels
    before: Literal["cell", "nothing"] = "cell"
    """What stands before the cell that this one follows: `nothing` in the first of a network, which takes its
    one input as both, and the second as it is."""


@dataclass
class CellDraft:
    """A cell under construction."""

    draft: Draft
    name: str
    channels: int
    rectified: dict[str, str] = field(default_factory=dict)

    def inputs(self, source: str, before: str | None) -> tuple[str, str]:
        """Both inputs brought to the cell's channels: the newer, the older."""
        older = source if before is None else self._fitted(before, source)
        return self.projected(source, "here"), older

    def relu(self, source: str) -> str:
        """The source after ReLU."""
        if source not in self.rectified:
            name = f"{self.name}.relu{len(self.rectified) + 1}"
            self.rectified[source] = operators.activation(self.draft, name, source, function="relu")
        return self.rectified[source]

    def projected(self, source: str, name: str, stride: int = 1) -> str:
        """ReLU, 1x1 convolution to the cell's channels, batch normalisation."""
        return normalised(
            self.draft,
            operators.conv(
                self.draft,
                f"{self.name}.{name}",
                self.relu(source),
                out_channels=self.channels,
                stride=stride,
            ),
            activation=None,
        )

    def separable(self, name: str, source: str, kernel: int, stride: int = 1) -> str:
        """Two separable convolutions, each after ReLU; the stride is the first one's."""
        last = source
        for index in (1, 2):
            last = separable_unit(
                self.draft,
                f"{self.name}.{name}.sep{index}",
                self.relu(last),
                out_channels=self.channels,
                kernel=kernel,
                stride=stride if index == 1 else 1,
            )
        return last

    def max_pool(self, name: str, source: str, stride: int = 1) -> str:
        """Maximum over 3x3, brought to the cell's channels."""
        last = operators.max_pool(
            self.draft, f"{self.name}.{name}", source, kernel=3, stride=stride, padding="same"
        )
        if self.draft.shape(last).channels == self.channels:
            return last
        return normalised(
            self.draft,
            operators.conv(self.draft, f"{self.name}.{name}.fit", last, out_channels=self.channels),
            activation=None,
        )

    def average_pool(self, name: str, source: str, stride: int = 1) -> str:
        """Average over 3x3."""
        return operators.average_pool(
            self.draft, f"{self.name}.{name}", source, kernel=3, stride=stride, padding="same"
        )

    def add(self, name: str, *sources: str) -> str:
        """Sum of two branches."""
        return operators.add(self.draft, f"{self.name}.{name}", sources)

    def concat(self, sources: Sequence[str]) -> str:
        """The cell's output."""
        return operators.concat(self.draft, f"{self.name}.concat", sources)

    def _fitted(self, source: str, newer: str) -> str:
        shape, target = self.draft.shape(source), self.draft.shape(newer)
        if (shape.height, shape.width) != (target.height, target.width):
            return self._halved(source)
        return source if shape.channels == self.channels else self.projected(source, "there")

    def _halved(self, source: str) -> str:
        """Every second pixel twice, the second time one further down and right; half the channels each."""
        start, name = self.relu(source), f"{self.name}.there"
        halves = []
        shares = (self.channels // 2, self.channels - self.channels // 2)
        if self.channels < 2:
            raise NetworkError(f"{name}: one filter cannot be halved: give the cell at least 2")
        for index, (share, shift) in enumerate(zip(shares, (0, 1), strict=True), start=1):
            pixels = operators.average_pool(
                self.draft,
                f"{name}.pool{index}",
                start,
                kernel=1,
                stride=2,
                padding=(-shift, shift, -shift, shift),
            )
            halves.append(operators.conv(self.draft, f"{name}.conv{index}", pixels, out_channels=share))
        last = operators.concat(self.draft, f"{name}.concat", halves)
        return operators.batch_norm(self.draft, f"{name}.bn", last)


def begin(draft: Draft, source: str, position: Position, row: NASCell) -> tuple[CellDraft, str, str]:
    """A cell with its two inputs."""
    cell = CellDraft(draft, position.name, row.filters)
    before = None if position.first and row.before == "nothing" else position.before
    return cell, *cell.inputs(source, before)
