"""A walk, step by step: time against energy, and against parameters, with other networks beside it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from accelsim.report.labels.points import LabelledMarker, label_points
from accelsim.report.plots.costs import AGAINST, Against, dress
from accelsim.report.plots.style import BLUE, VERMILION, MarkerStyle, legend_above, set_title
from accelsim.report.text.energies import EnergyScale, table_scale
from accelsim.result import RunResult
from accelsim.search.path import DesignPath
from accelsim.search.path_moves import DesignPoint

SIZE_INCHES: Final = (11.0, 5.6)
"""Of the two panels of a walk, without the list of moves."""
LINE_INCHES: Final = 0.2
"""Of the list of moves."""
WALK: Final = MarkerStyle(VERMILION, "o", 30)
BESIDE: Final = MarkerStyle(BLUE, "s", 25)


@dataclass(frozen=True)
class PathPoint:
    """A network on the way, or beside it."""

    name: str
    """The number of the step, or the network."""
    words: str
    """The move that led there."""
    time_ms: float
    """Of the batch."""
    energy: float
    params: int

    def value(self, against: Against) -> float:
        """What stands upward."""
        return self.energy if against == "energy" else self.params


def path_points(walk: DesignPath) -> list[PathPoint]:
    """The start, called 0, and every step by its number."""
    found = [("start: " + walk.network.name, walk.start)]
    found += [(step.best.move.words, step.after) for step in walk.steps]
    factor = walk_scale(walk).factor
    return [
        _path_point(str(number), words, point, walk, factor) for number, (words, point) in enumerate(found)
    ]


def walk_scale(walk: DesignPath) -> EnergyScale:
    """In which unit energies are drawn: that which suits the largest of the walk."""
    points = (walk.start, *(step.after for step in walk.steps))
    return table_scale(max(point.energy for point in points), walk.hardware.energy)


def beside(result: RunResult, factor: float = 1.0) -> PathPoint:
    """Another network, as it is; its energy times the factor."""
    return PathPoint(result.network, "", result.time_ms, result.energy.total * factor, result.params)


def _path_point(name: str, words: str, point: DesignPoint, walk: DesignPath, factor: float) -> PathPoint:
    time_ms = point.cycles / (walk.hardware.clock_mhz * 1e3)
    return PathPoint(name, words, time_ms, point.energy * factor, point.params)


def path_figure(walks: Sequence[tuple[DesignPath, Sequence[RunResult]]]) -> Figure:
    """Two panels for each walk, and below them its moves; other networks are joined in the order given."""
    width, height = SIZE_INCHES
    heights = [height + LINE_INCHES * (len(walk.steps) + 2) / 2 for walk, _ in walks]
    total = sum(heights)
    figure = Figure(figsize=(width, total))
    top = total
    for (walk, results), own in zip(walks, heights, strict=True):
        factor = walk_scale(walk).factor
        _draw(figure, walk, [beside(result, factor) for result in results], top, own)
        top -= own
    return figure


def _draw(figure: Figure, walk: DesignPath, others: Sequence[PathPoint], top: float, own: float) -> None:
    """One walk in the part of the figure that begins at `top` and is `own` inches high."""
    total = figure.get_size_inches()[1]
    points = path_points(walk)
    list_inches = own - SIZE_INCHES[1]
    low, high = top - own + list_inches + 0.6, top - 0.7
    for against, left in zip(AGAINST, (0.085, 0.585), strict=True):
        axes = figure.add_axes((left, low / total, 0.4, (high - low) / total))
        if against == AGAINST[0]:
            by = "energy x time" if walk.objective == "edp" else walk.objective
            title = f"A walk by {by} from {walk.network.name} on {walk.hardware.name}"
            set_title(title, axes, pad=26)
        plot_path(points, others, against, axes, walk_scale(walk).unit)
    rows = -(-len(points) // 2)
    for index, point in enumerate(points):
        column, row = divmod(index, rows)
        place = (low - 0.62 - LINE_INCHES * row) / total
        x = (0.085, 0.585)[column]
        figure.text(x, place, f"{point.name}  {point.words}", fontsize=8.5, va="top")


def plot_path(
    points: Sequence[PathPoint], others: Sequence[PathPoint], against: Against, axes: Axes, energy_unit: str
) -> None:
    """The steps, joined and numbered; other networks, joined and named; the limits of the axes are set."""
    walk, beside_it = ([(one.time_ms, one.value(against)) for one in members] for members in (points, others))
    for places, look, style in ((beside_it, BESIDE, "--"), (walk, WALK, "-")):
        axes.plot(
            [x for x, _ in places],
            [y for _, y in places],
            color=look.colour,
            linestyle=style,
            linewidth=1.2,
            zorder=2,
        )
        look.scatter(places, axes)
    dress([*walk, *beside_it], against, axes, energy_unit, time="time")
    if others and against == "energy":
        legend_above(
            [
                WALK.in_legend("the walk; its moves are below", linestyle="-"),
                BESIDE.in_legend("other networks, as they are", linestyle="--"),
            ],
            axes,
        )
    named = [
        LabelledMarker(one.time_ms, one.value(against), look.radius_points, one.name, bold=look is WALK)
        for members, look in ((points, WALK), (others, BESIDE))
        for one in members
    ]
    label_points(named, axes, lines=[walk, beside_it], font_points=8.0)
