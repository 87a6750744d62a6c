"""Published accuracy against simulated energy and time: what a point of accuracy costs on a machine.

The accuracy is what each network's paper reports, never computed here, and papers train and crop in different
ways. Networks that no other one beats in both accuracy and cost are joined by a line, the Pareto front.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final, Literal, TypeAlias

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from accelsim.report.labels.points import LabelledMarker, label_points
from accelsim.report.plots.style import GREY, VERMILION, MarkerStyle, plain_log_ticks, set_title
from accelsim.result import RunResult

CostKind: TypeAlias = Literal["energy", "time"]
COSTS: Final[tuple[CostKind, ...]] = ("energy", "time")
SIZE_INCHES: Final = (10.0, 6.4)
"""Of each panel."""
FRONT: Final = MarkerStyle(VERMILION, "D", 30)
BEATEN: Final = MarkerStyle(GREY, "o", 22)


@dataclass(frozen=True)
class AccuracyPoint:
    """One network on one machine.

    Example:
        >>> AccuracyPoint("small", "16x16", 41.5, energy=2.3, energy_unit="mJ", time_ms=0.2).cost("time")
        0.2
    """

    network: str
    """Its name."""
    hardware: str
    """The machine's name."""
    top1: float
    """As published [%]."""
    energy: float
    """Of one image."""
    energy_unit: str
    """What energies are in."""
    time_ms: float
    """Of one image."""

    def cost(self, kind: CostKind) -> float:
        """Energy or time."""
        return self.energy if kind == "energy" else self.time_ms


def accuracy_point(result: RunResult, top1: float) -> AccuracyPoint:
    """A run beside its published accuracy.

    Args:
        result: Of one image, or of a batch, of which the part of one image counts.
        top1: Accuracy as published [%].

    Returns:
        A point of the figure.

    Example:
        >>> from accelsim import run_network
        >>> result = run_network("mobilenet_v1@width=0.25,resolution=128", "16x16_128k")
        >>> accuracy_point(result, top1=41.5).energy_unit
        'MAC'
    """
    energy = result.energy
    return AccuracyPoint(
        result.network,
        result.hardware,
        top1,
        energy=energy.total / result.batch,
        energy_unit=energy.unit,
        time_ms=result.time_ms / result.batch,
    )


def pareto_front(points: Sequence[AccuracyPoint], kind: CostKind) -> list[AccuracyPoint]:
    """Points than which none is both at least as accurate and at most as costly; the cheapest first.

    Of points alike in both, each is there.
    """
    return sorted(
        (point for point in points if not any(_beats(rival, point, kind) for rival in points)),
        key=lambda point: (point.cost(kind), point.network),
    )


def _beats(point: AccuracyPoint, rival: AccuracyPoint, kind: CostKind) -> bool:
    no_worse = point.top1 >= rival.top1 and point.cost(kind) <= rival.cost(kind)
    return no_worse and (point.top1 > rival.top1 or point.cost(kind) < rival.cost(kind))


def front_line(front: Sequence[AccuracyPoint], kind: CostKind) -> list[tuple[float, float]]:
    """The front's corners, cost and accuracy: what a cost affords, up to where the next network begins."""
    corners: list[tuple[float, float]] = []
    for point in front:
        if corners:
            corners.append((point.cost(kind), corners[-1][1]))
        corners.append((point.cost(kind), point.top1))
    return corners


def accuracy_figure(points: Sequence[AccuracyPoint]) -> Figure:
    """Published accuracy against simulated cost, as `accelsim plot accuracy` draws them.

    Args:
        points: Networks, those of a machine after each other.

    Returns:
        A figure with a panel for energy and one for time for each machine, below each other.

    Example:
        >>> from accelsim import run_network
        >>> result = run_network("mobilenet_v1@width=0.25,resolution=128", "16x16_128k")
        >>> figure = accuracy_figure([accuracy_point(result, top1=41.5)])
        >>> [axes.get_xlabel() for axes in figure.axes]
        ['simulated energy of one image [MAC]', 'simulated time of one image [ms]']
    """
    machines = [list(members) for _, members in groupby(points, lambda point: point.hardware)]
    panels = [(members, kind) for members in machines for kind in COSTS]
    width, height = SIZE_INCHES
    total = height * len(panels)
    figure = Figure(figsize=(width, total))
    grid = figure.subplots(len(panels), 1, squeeze=False)[:, 0]
    figure.subplots_adjust(
        left=0.08, right=0.975, top=1 - 0.65 / total, bottom=0.6 / total, hspace=1.25 / (height - 1.25)
    )
    for (members, kind), axes in zip(panels, grid, strict=True):
        title = f"Published top-1 accuracy against simulated {kind} on {members[0].hardware}"
        set_title(title, axes, pad=20)
        plot_accuracy(members, kind, axes)
    return figure


def plot_accuracy(points: Sequence[AccuracyPoint], kind: CostKind, axes: Axes) -> None:
    """One machine's networks, with their names, and the Pareto front; the limits of the axes are set."""
    front = pareto_front(points, kind)
    beaten = [point for point in points if point not in front]
    costs, accuracies = [point.cost(kind) for point in points], [point.top1 for point in points]
    margin = 0.06 * (max(accuracies) - min(accuracies)) or 1.0
    axes.set(xscale="log", xlim=(min(costs) / 1.35, max(costs) * 1.35))
    axes.set_ylim(min(accuracies) - margin, max(accuracies) + margin)
    plain_log_ticks(axes.xaxis)
    line = front_line(front, kind)
    axes.plot(*zip(*line, strict=True), color=FRONT.colour, linewidth=1.0, zorder=1)
    for members, style in ((beaten, BEATEN), (front, FRONT)):
        style.scatter([(point.cost(kind), point.top1) for point in members], axes)
    unit = points[0].energy_unit if kind == "energy" else "ms"
    axes.set_xlabel(f"simulated {kind} of one image [{unit}]")
    axes.set_ylabel("published ImageNet top-1 accuracy [%]")
    axes.text(
        0,
        1.015,
        "Accuracy as each paper reports it, not computed here; papers train and crop in different ways.",
        transform=axes.transAxes,
        fontsize="small",
    )
    axes.grid(color="0.93")
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(
        handles=[
            FRONT.in_legend("Pareto front", linestyle="-"),
            *([BEATEN.in_legend("beaten by another network")] if beaten else []),
        ],
        loc="lower right",
        bbox_to_anchor=(1.0, 0.995),  # above the axes: inside, the legend would hide what is beaten by most
        ncols=2,
        borderaxespad=0.0,
        frameon=False,
        fontsize="small",
    )
    named = [
        LabelledMarker(point.cost(kind), point.top1, style.radius_points, point.network, bold=style is FRONT)
        for members, style in ((front, FRONT), (beaten, BEATEN))
        for point in members
    ]
    label_points(named, axes, lines=[line], font_points=7.0)
