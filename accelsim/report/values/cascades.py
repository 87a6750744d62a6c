"""Cascades of a run, as reports and pictures have them: successive layers that run stripe by stripe."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from accelsim.result import LayerResult


@dataclass(frozen=True)
class CascadeOfRun:
    """Layers of a run that run stripe by stripe together."""

    number: int
    """In running order, from 0 on."""
    first: int
    """Its first layer, by its place among the run's."""
    layers: tuple[LayerResult, ...]

    @property
    def last(self) -> int:
        """Its last layer."""
        return self.first + len(self.layers) - 1

    @property
    def stripes(self) -> int:
        """Of the layer that has most of them."""
        return max([layer.cascade.stripes for layer in self.layers if layer.cascade is not None])

    @property
    def stripe_rows(self) -> int:
        """Of the last layer's outputs in one stripe."""
        return max([layer.cascade.stripe_rows for layer in self.layers if layer.cascade is not None])

    @property
    def window_bytes(self) -> int:
        """What the rows between its layers take."""
        parts = [layer.cascade for layer in self.layers if layer.cascade is not None]
        return sum([part.window_bytes or 0 for part in parts])

    @property
    def staying(self) -> int:
        """How many of its layers' weights stay on chip from the first stripe to the last."""
        parts = [layer.cascade for layer in self.layers if layer.cascade is not None]
        return sum([part.weights_stay for part in parts])


def cascades_of(layers: Sequence[LayerResult]) -> list[CascadeOfRun]:
    """The cascades of a run's layers, in running order; none where each layer runs as a whole."""
    cascades, first = [], 0
    for number, group in groupby(
        layers, lambda layer: None if layer.cascade is None else layer.cascade.number
    ):
        members = tuple(group)
        if number is not None:
            cascades.append(CascadeOfRun(number, first, members))
        first += len(members)
    return cascades
