"""Time against energy, and time against parameters: what the figures of depth searches and paths share."""

from collections.abc import Sequence
from typing import Final, Literal, TypeAlias

from matplotlib.axes import Axes

from accelsim.report.plots.style import plain_linear_ticks

Against: TypeAlias = Literal["energy", "params"]
AGAINST: Final[tuple[Against, ...]] = ("energy", "params")
"""What stands upward in each panel."""
_BELOW: Final = 0.12
_ABOVE: Final = 0.15
"""Room for names at the edges, in parts of what the points span."""


def dress(
    points: Sequence[tuple[float, float]], against: Against, axes: Axes, energy_unit: str, time: str
) -> None:
    """Limits with room for names around these places, ticks, a grid, and what the axes say."""
    for axis, which in ((axes.xaxis, 0), (axes.yaxis, 1)):
        values = [point[which] for point in points]
        span = (max(values) - min(values)) or max(values) or 1.0
        set_limits = axes.set_ylim if which else axes.set_xlim
        set_limits(min(values) - _BELOW * span, max(values) + _ABOVE * span)
        plain_linear_ticks(axis)
    axes.set_xlabel(f"simulated {time} [ms]")
    axes.set_ylabel(f"simulated energy [{energy_unit}]" if against == "energy" else "parameters")
    axes.grid(color="0.93")
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
