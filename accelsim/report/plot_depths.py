"""Every distribution of a network's blocks over its stages: time against energy, and against parameters.

Candidates that no other is as good as in time, energy and parameters and better in one are the Pareto front;
the networks that are known among them are named.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patheffects import withStroke

from accelsim.report.depths import depths_word
from accelsim.report.plot_looks import BLUE, GREY, VERMILION, plain_linear_ticks
from accelsim.report.plot_names import NamedPoint, name_points
from accelsim.search.depth import Candidate, DepthSearch

MOST_POINTS: Final = 2_000
"""Candidates that are drawn; of a larger space, the best."""
SIZE_INCHES: Final = (11.0, 5.6)
"""Of the two panels of a search."""
_TIP: Final = 4.0
"""Pixels from the middle of a diamond to its tips."""
Against: TypeAlias = Literal["energy", "params"]
AGAINST: Final[tuple[Against, ...]] = ("energy", "params")


@dataclass(frozen=True)
class DepthPoint:
    """A candidate: where it is, and what it is."""

    depths: str
    time_ms: float
    energy: float
    params: int
    on_front: bool
    known_as: str
    """Of the known network that it is; empty for others."""

    def value(self, against: Against) -> float:
        """What stands upward."""
        return self.energy if against == "energy" else self.params


def depth_points(search: DepthSearch) -> list[DepthPoint]:
    """The candidates that the search kept, the front and the known networks, each once; the fastest first."""
    front = {one.depths for one in search.front}
    names: dict[tuple[int, ...], list[str]] = {}
    for known in search.known:
        names.setdefault(known.candidate.depths, []).append(known.name)
    kept = (*search.ranked, *search.front, *(known.candidate for known in search.known))
    megahertz = search.task.hardware.clock_mhz

    def point(one: Candidate) -> DepthPoint:
        return DepthPoint(
            depths=depths_word(one),
            time_ms=one.cycles / (megahertz * 1e3),
            energy=one.energy,
            params=one.params,
            on_front=one.depths in front,
            known_as=", ".join(names.get(one.depths, [])),
        )

    points = [point(one) for one in {one.depths: one for one in kept}.values()]
    return sorted(points, key=lambda one: (one.time_ms, one.energy, one.params, one.depths))


def depths_title(search: DepthSearch, points: Sequence[DepthPoint]) -> str:
    """What is drawn, of how many."""
    space, network = search.space, search.task.network
    what = f"{space.total_blocks} blocks of {network.name} over {len(space.stages)} stages"
    drawn = f"all {search.feasible} distributions"
    if len(points) < search.feasible:
        drawn = f"the fastest {len(points)} of {search.feasible} distributions"
    return f"{what}, on {search.task.hardware.name}: {drawn}"


def depths_figure(searches: Sequence[DepthSearch]) -> Figure:
    """Two panels beside each other for each search: energy against time, and parameters against time."""
    width, height = SIZE_INCHES
    total = height * len(searches)
    figure = Figure(figsize=(width, total))
    grid = figure.subplots(len(searches), len(AGAINST), squeeze=False)
    figure.subplots_adjust(
        left=0.085,
        right=0.985,
        wspace=0.2,
        top=1 - 0.45 / total,
        bottom=0.6 / total,
        hspace=1.05 / (height - 1.05),
    )
    for search, row in zip(searches, grid, strict=True):
        points = depth_points(search)
        row[0].set_title(depths_title(search, points), loc="left", pad=12)
        for against, axes in zip(AGAINST, row, strict=True):
            plot_depths(points, against, axes, search.task.hardware.energy.unit)
    return figure


def plot_depths(points: Sequence[DepthPoint], against: Against, axes: Axes, energy_unit: str) -> None:
    """The candidates of one search; known networks and the fastest candidate are named."""
    others = [one for one in points if not one.on_front and not one.known_as]
    front = [one for one in points if one.on_front and not one.known_as]
    known = [one for one in points if one.known_as]
    for members, colour, marker, size in (
        (others, GREY, "o", 9),
        (front, VERMILION, "D", 22),
        (known, BLUE, "s", 40),
    ):
        axes.scatter(
            [one.time_ms for one in members],
            [one.value(against) for one in members],
            color=colour,
            marker=marker,
            s=size,
            edgecolor="white",
            linewidth=0.4,
            zorder=3 if members is known else 2,
        )
    _limits(points, against, axes)
    axes.set_xlabel("simulated time of one image [ms]")
    axes.set_ylabel(f"simulated energy [{energy_unit}]" if against == "energy" else "parameters")
    axes.grid(color="0.93")
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    best = [] if points[0].known_as else [points[0]]
    named = [NamedPoint(one.time_ms, one.value(against), one.known_as, radius_points=4) for one in known]
    named += [NamedPoint(one.time_ms, one.value(against), one.depths) for one in best]
    name_points(
        named,
        axes,
        others=_covered([(one.time_ms, one.value(against)) for one in front], axes),
        size_points=8.0,
    )
    for text in axes.texts:  # other candidates may lie below a name
        text.set_path_effects([withStroke(linewidth=2.5, foreground="white")])
    if against == "energy":
        axes.legend(handles=_legend(bool(known)), loc="upper left", fontsize="small")


def _covered(places: Sequence[tuple[float, float]], axes: Axes) -> list[tuple[float, float]]:
    """The tips of the diamonds at some places, so that no name touches one."""
    to_data = axes.transData.inverted()
    tips = []
    for x, y in axes.transData.transform(places) if places else ():
        tips += [
            (x + across, y + up) for across, up in ((0, 0), (-_TIP, 0), (_TIP, 0), (0, -_TIP), (0, _TIP))
        ]
    return [(float(x), float(y)) for x, y in to_data.transform(tips)] if tips else []


def _limits(points: Sequence[DepthPoint], against: Against, axes: Axes) -> None:
    """Room at the edges for names."""
    for values, set_limits, low, high in (
        ([one.time_ms for one in points], axes.set_xlim, 0.06, 0.1),
        ([one.value(against) for one in points], axes.set_ylim, 0.08, 0.12),
    ):
        span = (max(values) - min(values)) or max(values) or 1.0
        set_limits(min(values) - low * span, max(values) + high * span)
    for axis in (axes.xaxis, axes.yaxis):
        plain_linear_ticks(axis)


def _legend(any_known: bool) -> list[Line2D]:
    looks = [
        (VERMILION, "D", "Pareto front of time, energy and parameters"),
        (GREY, "o", "another is as good or better in all three"),
    ]
    if any_known:
        looks.insert(0, (BLUE, "s", "known networks"))
    return [
        Line2D([], [], color=colour, marker=marker, linestyle="", label=label)
        for colour, marker, label in looks
    ]
