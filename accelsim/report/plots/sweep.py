"""A sweep's candidates, by its first objective against each of the others, and the Pareto front among them.

What is drawn is what `accelsim sweep --format json` has, so a sweep need not run again to be drawn.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from accelsim.descriptions.phrases import counted
from accelsim.errors import AccelsimError
from accelsim.report.labels.points import LabelledMarker, Marker, label_points
from accelsim.report.plots.style import (
    GREY,
    VERMILION,
    MarkerStyle,
    legend_above,
    plain,
    plain_log_ticks,
    set_title,
)
from accelsim.report.tables.sweep import axis_word, setting_word
from accelsim.report.text.energies import EnergyScale, energy_scale
from accelsim.report.text.table import shortened
from accelsim.search.metrics import AT_A_RATE, METRICS, Metric
from accelsim.search.spec import SweepAxis

SIZE_INCHES: Final = (10.0, 6.25)
"""Of each panel."""
FRONT: Final = MarkerStyle(VERMILION, "D", 30)
BEATEN: Final = MarkerStyle(GREY, "o", 18)
MOST_NAMES: Final = 16
"""Points of the front that have a name; with more, names would be all there is to see."""
_OF_ENERGY: Final = {"energy", "edp"}
"""Metrics in the unit of energy, or in what it makes with another."""
_MOST_OF_TITLE: Final = 70
"""Characters of the sweep's title that a line has room for."""
_WIDE: Final = 5.0
"""Largest over smallest value from which on an axis is logarithmic."""


@dataclass(frozen=True)
class SweepPoint:
    """A candidate in a panel."""

    x: float
    y: float
    name: str
    on_front: bool
    """Of all objectives together, not only the two of the panel."""


@dataclass(frozen=True)
class SweepPanel:
    """The first objective against another one."""

    across: Metric
    up: Metric
    unit: str
    """Of energy."""
    points: tuple[SweepPoint, ...]
    line: tuple[tuple[float, float], ...]
    """Corners of the front, where the panel's objectives are all there are."""


def read_sweep_result(path: Path) -> dict[str, Any]:
    """What `accelsim sweep` wrote. Raises AccelsimError where it did not."""
    try:
        result = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "is no JSON"
        raise AccelsimError(f"{path}: cannot be read: {reason}") from None
    if not isinstance(result, dict) or not {"sweep", "objectives", "axes", "candidates"} <= result.keys():
        raise AccelsimError(f"{path}: is not what `accelsim sweep SPEC --format json` writes")
    return result


def sweep_panels(result: Mapping[str, Any]) -> list[SweepPanel]:
    """A panel for each objective but the first. Raises AccelsimError where there is no other."""
    up, *metrics_across = (METRICS[name] for name in result["objectives"])
    if not metrics_across:
        raise AccelsimError(f"{result['sweep']}: has one objective, {up.name}; a front takes two or more")
    return [_panel(result, across, up) for across in metrics_across]


def _panel(result: Mapping[str, Any], across: Metric, up: Metric) -> SweepPanel:
    axes = [SweepAxis("hardware_parameters", axis["name"], tuple(axis["values"])) for axis in result["axes"]]
    varying = [axis for axis in axes if len(axis.values) > 1]
    ranked = [candidate for candidate in result["candidates"] if candidate["rank"] is not None]
    scale = _energy_scale(result, ranked)
    points = tuple(
        SweepPoint(
            _drawn(candidate["figures"], across, scale),
            _drawn(candidate["figures"], up, scale),
            _name(varying, candidate["settings"]),
            candidate["on_front"],
        )
        for candidate in ranked
    )
    front = [point for point in points if point.on_front]
    line = _corners(front, across, up) if len(result["objectives"]) == 2 else ()
    return SweepPanel(across, up, scale.unit, points, line)


def _energy_scale(result: Mapping[str, Any], candidates: Sequence[Mapping[str, Any]]) -> EnergyScale:
    """In which unit energies are drawn; results of earlier versions do not say what a unit is worth."""
    picojoules = result.get("picojoules_per_unit")
    largest = max((candidate["figures"]["energy"] for candidate in candidates), default=0.0)
    return energy_scale(largest * (picojoules or 0.0), result["energy_unit"], picojoules)


def _drawn(figures: Mapping[str, Any], metric: Metric, scale: EnergyScale) -> float:
    value: float = figures[metric.name]
    return value * scale.factor if metric.name in _OF_ENERGY else value


def _name(varying: list[SweepAxis], settings: Mapping[str, Any]) -> str:
    """`8 rows, 64 KiB buffer, sqnxt23v5`."""
    words = []
    for axis in varying:
        value = setting_word(axis, settings[axis.name])
        words.append(value if not axis.ordered else f"{value} {axis_word(axis)}")
    return ", ".join(words)


def _corners(front: list[SweepPoint], across: Metric, up: Metric) -> tuple[tuple[float, float], ...]:
    """Steps through the front: what is reached at a given cost, up to where the next point begins."""
    corners: list[tuple[float, float]] = []
    for point in sorted(front, key=lambda point: (across.loss(point.x), up.loss(point.y))):
        if corners:
            corners.append((point.x, corners[-1][1]))
        corners.append((point.x, point.y))
    return tuple(corners)


def sweep_figure(result: Mapping[str, Any]) -> Figure:
    """Candidates of a sweep and their Pareto front, as `accelsim plot sweep` draws them.

    Args:
        result: What `accelsim sweep --format json` has, and `sweep_dict` gives.

    Returns:
        A figure with a panel for each objective but the first, which each panel is up.

    Raises:
        AccelsimError: The sweep has one objective.

    Example:
        >>> figures = {"time_ms": 0.5, "energy": 2e6}
        >>> candidate = {"rank": 1, "on_front": True, "settings": {"rows": 8}, "figures": figures}
        >>> result = {
        ...     "sweep": "small",
        ...     "objectives": ["time_ms", "energy"],
        ...     "energy_unit": "MAC",
        ...     "axes": [{"name": "rows", "values": [8]}],
        ...     "candidates": [candidate],
        ... }
        >>> [axes.get_xlabel() for axes in sweep_figure(result).axes]
        ['energy [MAC]']
    """
    panels = sweep_panels(result)
    width, height = SIZE_INCHES
    total = height * len(panels)
    figure = Figure(figsize=(width, total))
    grid = figure.subplots(len(panels), 1, squeeze=False)[:, 0]
    figure.subplots_adjust(
        left=0.085, right=0.975, top=1 - 0.95 / total, bottom=0.6 / total, hspace=1.6 / (height - 1.6)
    )
    for panel, axes in zip(panels, grid, strict=True):
        *metrics, last = (METRICS[name].meaning for name in result["objectives"])
        title = f"{result['sweep']}: {panel.up.meaning} against {panel.across.meaning}"
        set_title(title, axes, pad=38)
        front = f"the front is that of {', '.join(metrics)} and {last}"
        axes.annotate(
            f"{_about(result)}{counted(len(panel.points), 'candidate')}; {front}.{_rate(result)}",
            xy=(0, 1),
            xycoords="axes fraction",
            xytext=(0, 22),
            textcoords="offset points",
            fontsize="small",
        )
        plot_sweep(panel, axes)
    return figure


def _about(result: Mapping[str, Any]) -> str:
    """The sweep's title, where it has one, as the beginning of a sentence."""
    title = result.get("title") or ""
    return f"{shortened(title, _MOST_OF_TITLE)}: " if title else ""


def _rate(result: Mapping[str, Any]) -> str:
    """At which rate figures of power are; results of earlier versions have none."""
    rate, battery_mwh = result.get("frames_per_second"), result.get("battery_mwh")
    if rate is None or not set(AT_A_RATE) & set(result["objectives"]):
        return ""
    return f" At {rate:g} frames/s" + ("." if battery_mwh is None else f", of {battery_mwh:g} mWh.")


def _axis_label(metric: Metric, energy_unit: str) -> str:
    """`energy x time [mJ ms]`."""
    unit = metric.unit.format(energy=energy_unit)
    return f"{metric.meaning} [{unit}]" if unit else metric.meaning


def plot_sweep(panel: SweepPanel, axes: Axes) -> None:
    """Candidates and front, with the names of the front; the limits of the axes are set."""
    front = [point for point in panel.points if point.on_front]
    beaten = [point for point in panel.points if not point.on_front]
    _set_scale(axes, "x", [point.x for point in panel.points], panel.across.name)
    _set_scale(axes, "y", [point.y for point in panel.points], panel.up.name)
    if panel.line:
        axes.plot(*zip(*panel.line, strict=True), color=FRONT.colour, linewidth=1.0, zorder=1)
    for members, style in ((beaten, BEATEN), (front, FRONT)):
        style.scatter([(point.x, point.y) for point in members], axes)
    axes.set_xlabel(_axis_label(panel.across, panel.unit))
    axes.set_ylabel(_axis_label(panel.up, panel.unit))
    axes.grid(color="0.93")
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    of_front = FRONT.in_legend("Pareto front", linestyle="-" if panel.line else "")
    of_beaten = BEATEN.in_legend("beaten by another candidate")
    legend_above([*([of_front] if front else []), *([of_beaten] if beaten else [])], axes)
    if len(front) <= MOST_NAMES:
        label_points(
            [LabelledMarker(point.x, point.y, FRONT.radius_points, point.name) for point in front],
            axes,
            unlabelled=[Marker(point.x, point.y, BEATEN.radius_points) for point in beaten],
            lines=[panel.line],
            font_points=7.0,
        )


def _set_scale(axes: Axes, which: str, values: list[float], name: str) -> None:
    """Logarithmic where values lie far apart, and a margin on both sides."""
    low, high = min(values), max(values)
    far = name != "top1" and low > 0 and high / low > _WIDE
    margin = (high / low) ** 0.08 if far else 0.08 * (high - low) or abs(high) * 0.1 or 1.0
    limits = (low / margin, high * margin) if far else (low - margin, high + margin)
    axes.set(**{f"{which}scale": "log" if far else "linear", f"{which}lim": limits})
    axis = axes.xaxis if which == "x" else axes.yaxis
    if far:
        plain_log_ticks(axis)
    elif high >= 1000:
        axis.set_major_formatter(FuncFormatter(lambda value, _: plain(value)))
