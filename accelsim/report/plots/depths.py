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
from accelsim.report.labels.points import LabelledMarker, Marker, label_points
from accelsim.report.plots.costs import AGAINST, Against, dress
from accelsim.report.plots.style import BLUE, GREY, VERMILION, MarkerStyle, legend_above, set_title
from accelsim.report.tables.depths import depths_word
from accelsim.report.text.energies import EnergyScale, table_scale
from accelsim.search.depth import DepthCandidate, DepthSearch

MOST_POINTS: Final = 2_000
"""Candidates that are drawn; of a larger space, the best."""
SIZE_INCHES: Final = (11.0, 5.8)
"""Of the two panels of a search."""
KNOWN: Final = MarkerStyle(BLUE, "s", 40)
FRONT: Final = MarkerStyle(VERMILION, "D", 22)
BEATEN: Final = MarkerStyle(GREY, "o", 9)


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
    front = {candidate.depths for candidate in search.front}
    names: dict[tuple[int, ...], list[str]] = {}
    for network in search.known:
        names.setdefault(network.candidate.depths, []).append(network.name)
    megahertz, scale = search.task.hardware.clock_mhz, _scale(search)

    def point_of(candidate: DepthCandidate) -> DepthPoint:
        return DepthPoint(
            depths=depths_word(candidate),
            time_ms=candidate.cycles / (megahertz * 1e3),
            energy=candidate.energy * scale.factor,
            params=candidate.params,
            on_front=candidate.depths in front,
            known_as=", ".join(names.get(candidate.depths, [])),
        )

    return sorted(
        map(point_of, _candidates(search)),
        key=lambda point: (point.time_ms, point.energy, point.params, point.depths),
    )


def _scale(search: DepthSearch) -> EnergyScale:
    """In which unit energies are drawn."""
    largest = max(candidate.energy for candidate in _candidates(search))
    return table_scale(largest, search.task.hardware.energy)


def _candidates(search: DepthSearch) -> list[DepthCandidate]:
    """Candidates that the search kept, the front and the known networks, each once."""
    candidates = (*search.ranked, *search.front, *(network.candidate for network in search.known))
    return list({candidate.depths: candidate for candidate in candidates}.values())


def depths_title(search: DepthSearch, points: Sequence[DepthPoint]) -> str:
    """What is drawn, of how many."""
    space, network = search.space, search.task.network
    subject = (
        f"{counted(space.total_blocks, 'block')} of {network.name} over {counted(len(space.stages), 'stage')}"
    )
    drawn = "the only distribution" if search.feasible == 1 else f"all {search.feasible} distributions"
    if len(points) < search.feasible:
        drawn = f"the fastest {len(points)} of {search.feasible} distributions"
    return f"{subject}, on {search.task.hardware.name}: {drawn}"


def depths_figure(searches: Sequence[DepthSearch]) -> Figure:
    """Distributions of a network's blocks, as `accelsim plot depths` draws them.

    Args:
        searches: What searches found.

    Returns:
        A figure with two panels beside each other for each search: energy against time, and parameters
        against time.

    Example:
        >>> from accelsim import load_hardware, load_network
        >>> from accelsim.search.depth import search_depth
        >>> from accelsim.search.evaluate import SearchTask
        >>> from accelsim.search.space import depth_space
        >>> network = load_network("xception_small")
        >>> space = depth_space(network, fixed={"stage2": 4, "stage3": 8})
        >>> search = search_depth(SearchTask(network, load_hardware("16x16_128k")), space)
        >>> [axes.get_ylabel() for axes in depths_figure([search]).axes]
        ['simulated energy [MAC]', 'parameters']
    """
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
    beaten = [point for point in points if not point.on_front and not point.known_as]
    front = [point for point in points if point.on_front and not point.known_as]
    known_points = [point for point in points if point.known_as]
    for members, style in ((beaten, BEATEN), (front, FRONT), (known_points, KNOWN)):
        style.scatter([(point.time_ms, point.value(against)) for point in members], axes)
    positions = [(point.time_ms, point.value(against)) for point in points]
    dress(positions, against, axes, energy_unit, time="time of one image")
    if against == "energy":
        groups = (
            (known_points, KNOWN, "known networks"),
            (front, FRONT, "Pareto front of time, energy and parameters"),
            (beaten, BEATEN, "another is as good or better in all three"),
        )
        legend_above([style.in_legend(words) for members, style, words in groups if members], axes)
    labelled = [
        LabelledMarker(point.time_ms, point.value(against), KNOWN.radius_points, point.known_as)
        for point in known_points
    ]
    if not points[0].known_as:
        fastest = points[0]
        style = FRONT if fastest.on_front else BEATEN
        time_ms, height = fastest.time_ms, fastest.value(against)
        labelled.append(LabelledMarker(time_ms, height, style.radius_points, fastest.depths))
    unlabelled = [Marker(point.time_ms, point.value(against), FRONT.radius_points) for point in front]
    faint = [Marker(point.time_ms, point.value(against), BEATEN.radius_points) for point in beaten]
    label_points(labelled, axes, unlabelled=unlabelled, faint=faint, font_points=8.0)
