"""Every distribution of a network's blocks over its stages: time against energy, and against parameters.

Candidates that no other is as good as in time, energy and parameters and better in one are the Pareto front;
the networks that are known among them are named.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from accelsim.descriptions.phrases import counted
from accelsim.report.labels.names import Marked, Named, name_points
from accelsim.report.plots.costs import AGAINST, Against, dress
from accelsim.report.plots.style import BLUE, GREY, VERMILION, MarkerLook, legend_above, set_title
from accelsim.report.tables.depths import depths_word
from accelsim.report.text.energies import EnergyScale, table_scale
from accelsim.search.depth import DepthCandidate, DepthSearch

MOST_POINTS: Final = 2_000
"""Candidates that are drawn; of a larger space, the best."""
SIZE_INCHES: Final = (11.0, 5.8)
"""Of the two panels of a search."""
KNOWN: Final = MarkerLook(BLUE, "s", 40)
FRONT: Final = MarkerLook(VERMILION, "D", 22)
BEATEN: Final = MarkerLook(GREY, "o", 9)


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
    megahertz, scale = search.task.hardware.clock_mhz, _scale(search)

    def point(one: DepthCandidate) -> DepthPoint:
        return DepthPoint(
            depths=depths_word(one),
            time_ms=one.cycles / (megahertz * 1e3),
            energy=one.energy * scale.factor,
            params=one.params,
            on_front=one.depths in front,
            known_as=", ".join(names.get(one.depths, [])),
        )

    return sorted(
        map(point, _kept(search)), key=lambda one: (one.time_ms, one.energy, one.params, one.depths)
    )


def _scale(search: DepthSearch) -> EnergyScale:
    """In which unit energies are drawn."""
    return table_scale(max(one.energy for one in _kept(search)), search.task.hardware.energy)


def _kept(search: DepthSearch) -> list[DepthCandidate]:
    """Candidates that the search kept, the front and the known networks, each once."""
    kept = (*search.ranked, *search.front, *(known.candidate for known in search.known))
    return list({one.depths: one for one in kept}.values())


def depths_title(search: DepthSearch, points: Sequence[DepthPoint]) -> str:
    """What is drawn, of how many."""
    space, network = search.space, search.task.network
    what = (
        f"{counted(space.total_blocks, 'block')} of {network.name} over {counted(len(space.stages), 'stage')}"
    )
    drawn = "the only distribution" if search.feasible == 1 else f"all {search.feasible} distributions"
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
        top=1 - 0.65 / total,
        bottom=0.6 / total,
        hspace=1.25 / (height - 1.25),
    )
    for search, row in zip(searches, grid, strict=True):
        points = depth_points(search)
        set_title(depths_title(search, points), row[0], pad=26)
        for against, axes in zip(AGAINST, row, strict=True):
            plot_depths(points, against, axes, _scale(search).unit)
    return figure


def plot_depths(points: Sequence[DepthPoint], against: Against, axes: Axes, energy_unit: str) -> None:
    """The candidates of one search; known networks and the fastest candidate are named."""
    others = [one for one in points if not one.on_front and not one.known_as]
    front = [one for one in points if one.on_front and not one.known_as]
    known = [one for one in points if one.known_as]
    for members, look in ((others, BEATEN), (front, FRONT), (known, KNOWN)):
        look.scatter([(one.time_ms, one.value(against)) for one in members], axes)
    places = [(one.time_ms, one.value(against)) for one in points]
    dress(places, against, axes, energy_unit, time="time of one image")
    if against == "energy":
        looks = [
            FRONT.in_legend("Pareto front of time, energy and parameters"),
            BEATEN.in_legend("another is as good or better in all three"),
        ]
        legend_above(([KNOWN.in_legend("known networks")] if known else []) + looks, axes)
    named = [Named(one.time_ms, one.value(against), KNOWN.radius_points, one.known_as) for one in known]
    if not points[0].known_as:
        fastest = points[0]
        look = FRONT if fastest.on_front else BEATEN
        named.append(Named(fastest.time_ms, fastest.value(against), look.radius_points, fastest.depths))
    marked = [Marked(one.time_ms, one.value(against), FRONT.radius_points) for one in front]
    faint = [Marked(one.time_ms, one.value(against), BEATEN.radius_points) for one in others]
    name_points(named, axes, others=marked, faint=faint, font_points=8.0)
