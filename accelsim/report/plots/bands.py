"""Bands: which layers of a figure run stripe by stripe together."""

from collections.abc import Sequence
from typing import Final

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.patches import Patch, Rectangle

from accelsim.report.values.cascades import CascadeOfRun

_COLOUR: Final = "#FFF2CC"
_EDGE: Final = "#7F6000"
_INSIDE: Final = 0.04
"""By how much a band is narrower than its layers, so that two beside each other are two."""


def plot_bands(cascades: Sequence[CascadeOfRun], axes: Sequence[Axes]) -> None:
    """A band around the layers of each cascade, through all axes above each other.

    Args:
        cascades: Of the run whose layers are drawn, one a unit across.
        axes: With layers in running order.
    """
    for cascade in cascades:
        left, width = cascade.first - 0.5 + _INSIDE, len(cascade.layers) - 2 * _INSIDE
        for row in axes:
            below = Rectangle((left, 0), width, 1, facecolor=_COLOUR, edgecolor="none", zorder=0.5)
            above = Rectangle(
                (left, 0), width, 1, facecolor="none", edgecolor=_EDGE, linestyle="--", zorder=6
            )
            for band in (below, above):
                band.set_transform(row.get_xaxis_transform())
                row.add_patch(band)


def band_legend(cascades: Sequence[Sequence[CascadeOfRun]]) -> list[Artist]:
    """What the bands mean, where any run has one."""
    if not any(cascades):
        return []
    return [Patch(facecolor=_COLOUR, edgecolor=_EDGE, linestyle="--", label="cascade")]
