"""A path of redesigns: time against energy, and against parameters, with other networks beside it."""

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
from accelsim.search.words import move_words

SIZE_INCHES: Final = (11.0, 5.6)
"""Of the two panels of a path, without the list of moves."""
LINE_INCHES: Final = 0.2
"""Of the list of moves."""
PATH: Final = MarkerStyle(VERMILION, "o", 30)
NETWORKS: Final = MarkerStyle(BLUE, "s", 25)
_AXES_LEFT: Final = (0.085, 0.585)
"""Where the two panels begin, in parts of the figure's width."""


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


def path_points(path: DesignPath) -> list[PathPoint]:
    """The start, called 0, and every step by its number."""
    points = [(f"start: {path.network.name}", path.start)]
    points += [(move_words(step.best.move), step.after) for step in path.steps]
    factor = path_scale(path).factor
    return [
        _path_point(str(number), words, point, path, factor) for number, (words, point) in enumerate(points)
    ]


def path_scale(path: DesignPath) -> EnergyScale:
    """In which unit energies are drawn: that which suits the largest of the path."""
    points = (path.start, *(step.after for step in path.steps))
    return table_scale(max(point.energy for point in points), path.hardware.energy)


def network_point(result: RunResult, factor: float = 1.0) -> PathPoint:
    """Another network, as it is; its energy times the factor."""
    return PathPoint(result.network, "", result.time_ms, result.energy.total * factor, result.params)


def _path_point(name: str, words: str, point: DesignPoint, path: DesignPath, factor: float) -> PathPoint:
    time_ms = point.cycles / (path.hardware.clock_mhz * 1e3)
    return PathPoint(name, words, time_ms, point.energy * factor, point.params)


def path_figure(paths: Sequence[tuple[DesignPath, Sequence[RunResult]]]) -> Figure:
    """Paths of redesigns, as `accelsim plot path` draws them.

    Args:
        paths: Each with runs of other networks on its machine, which are joined in the order given.

    Returns:
        A figure with two panels for each path, and below them its moves.

    Example:
        >>> from accelsim.search.path import search_path
        >>> path = search_path("mobilenet_v1@width=0.25,resolution=128", "16x16_128k", steps=0)
        >>> [axes.get_ylabel() for axes in path_figure([(path, [])]).axes]
        ['simulated energy [MAC]', 'parameters']
    """
    width, height = SIZE_INCHES
    heights = [height + LINE_INCHES * (len(path.steps) + 2) / 2 for path, _ in paths]
    total = sum(heights)
    figure = Figure(figsize=(width, total))
    top = total
    for (path, results), path_height in zip(paths, heights, strict=True):
        factor = path_scale(path).factor
        _draw(figure, path, [network_point(result, factor) for result in results], top, path_height)
        top -= path_height
    return figure


def _draw(figure: Figure, path: DesignPath, networks: Sequence[PathPoint], top: float, height: float) -> None:
    """One path in the part of the figure that begins at `top` and is `height` inches high."""
    total = figure.get_size_inches()[1]
    points = path_points(path)
    list_inches = height - SIZE_INCHES[1]
    low, high = top - height + list_inches + 0.6, top - 0.7
    for against, axes_left in zip(AGAINST, _AXES_LEFT, strict=True):
        axes = figure.add_axes((axes_left, low / total, 0.4, (high - low) / total))
        if against == AGAINST[0]:
            by = "energy x time" if path.objective == "edp" else path.objective
            title = f"A path by {by} from {path.network.name} on {path.hardware.name}"
            set_title(title, axes, pad=26)
        plot_path(points, networks, against, axes, path_scale(path).unit)
    rows = -(-len(points) // 2)
    for index, point in enumerate(points):
        column, row = divmod(index, rows)
        y = (low - 0.62 - LINE_INCHES * row) / total
        figure.text(_AXES_LEFT[column], y, f"{point.name}  {point.words}", fontsize=8.5, va="top")


def plot_path(
    points: Sequence[PathPoint], networks: Sequence[PathPoint], against: Against, axes: Axes, energy_unit: str
) -> None:
    """The steps, joined and numbered; other networks, joined and named; the limits of the axes are set."""
    path_line, network_line = (
        [(point.time_ms, point.value(against)) for point in members] for members in (points, networks)
    )
    for line, style, linestyle in ((network_line, NETWORKS, "--"), (path_line, PATH, "-")):
        axes.plot(
            [x for x, _ in line],
            [y for _, y in line],
            color=style.colour,
            linestyle=linestyle,
            linewidth=1.2,
            zorder=2,
        )
        style.scatter(line, axes)
    dress([*path_line, *network_line], against, axes, energy_unit, time="time")
    if networks and against == "energy":
        legend_above(
            [
                PATH.in_legend("the path; its moves are below", linestyle="-"),
                NETWORKS.in_legend("other networks, as they are", linestyle="--"),
            ],
            axes,
        )
    labelled = [
        LabelledMarker(
            point.time_ms, point.value(against), style.radius_points, point.name, bold=style is PATH
        )
        for members, style in ((points, PATH), (networks, NETWORKS))
        for point in members
    ]
    label_points(labelled, axes, lines=[path_line, network_line], font_points=8.0)
