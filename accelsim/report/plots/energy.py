"""Energy by component, stacked: a bar for each layer of a run, or a bar for each run."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from typing import Any, Final

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from accelsim.power import Energy, FrameDemand
from accelsim.report.plots.stages import Panel, label_cut, limits, stage_figure, stage_spans
from accelsim.report.plots.style import COMPONENT_STYLES, component_styles, plain, run_name, set_title
from accelsim.report.text.energies import energy_text, in_joules, of_largest_layer, of_run
from accelsim.report.text.power import with_waiting
from accelsim.report.text.table import percent, si
from accelsim.report.text.words import component_word, off_chip_word
from accelsim.result import LayerResult, RunResult

WIDTH_INCHES: Final = 10.0
_BAR_INCHES: Final = 0.27
_AROUND_INCHES: Final = 1.0
"""Title above, and axis below, the bars of a machine."""
_LEGEND_INCHES: Final = 0.4
_EDGE: Final[dict[str, Any]] = {"edgecolor": "white", "linewidth": 0.3}


@dataclass(frozen=True)
class EnergyBar:
    """One layer or one run: the energy of each component, in the unit of the machine's table."""

    name: str
    group: str
    """Stage of a layer, machine of a run."""
    parts: tuple[tuple[str, float], ...]
    """Component and energy, in the order in which they are stacked; those of no energy are left out."""

    @property
    def total(self) -> float:
        """The length of the bar."""
        return sum(energy for _, energy in self.parts)


def layer_energy_bars(result: RunResult) -> list[EnergyBar]:
    """A bar for each layer, in running order."""
    return [EnergyBar(layer.name, layer.stage, _parts(layer)) for layer in result.layers]


def run_energy_bars(results: Sequence[RunResult]) -> list[EnergyBar]:
    """A bar for each run, in the order given."""
    return [EnergyBar(result.network, result.hardware, _parts(result.energy)) for result in results]


def _parts(values: LayerResult | Energy) -> tuple[tuple[str, float], ...]:
    energies = values.energy_by_component if isinstance(values, LayerResult) else values.by_component
    return tuple((name, energies[name]) for name in component_styles(energies) if energies.get(name))


def layer_energy_figure(results: Sequence[RunResult]) -> Figure:
    """Energy of every layer by component, as `accelsim plot energy --by layer` draws it.

    Args:
        results: Runs, each a panel below the one before; on one scale where that can be read.

    Returns:
        A figure with a bar for each layer.

    Example:
        >>> from accelsim import run_network
        >>> result = run_network("mobilenet_v1@width=0.25,resolution=128", "16x16_128k")
        >>> [axes.get_ylabel() for axes in layer_energy_figure([result]).axes]
        ['energy [MAC]']
    """
    drawn = in_joules(results, of_largest_layer)
    bars = [layer_energy_bars(result) for result in drawn]
    cuts = limits([[bar.total for bar in of_result] for of_result in bars])
    panels = [
        Panel(
            f"Energy of {run_name(result)}: {_total(result)}, {_off_chip(result)}",
            stage_spans((bar.group, bar.total) for bar in of_result),
            "energy",
            partial(_draw_layers, of_result, limit, scaled.energy.unit),
        )
        for result, scaled, of_result, limit in zip(results, drawn, bars, cuts, strict=True)
    ]
    return stage_figure(panels, _legend([bar for of_result in bars for bar in of_result]), rows_inches=(2.2,))


def _total(result: RunResult) -> str:
    energy = result.energy
    return energy_text(energy.total, energy.unit, energy.picojoules_per_unit)


def _off_chip(result: RunResult) -> str:
    """`63.1% of it DRAM`."""
    return f"{percent(dram_share(result))} of it {off_chip_word(result.off_chip)}"


def dram_share(result: RunResult) -> float:
    """The part of the energy that the memories off chip take."""
    return result.off_chip_energy / result.energy.total if result.energy.total else 0.0


def _draw_layers(bars: Sequence[EnergyBar], limit: float, unit: str, axes: Sequence[Axes]) -> None:
    plot_layer_energy(bars, axes[0], limit, unit)


def plot_layer_energy(bars: Sequence[EnergyBar], axes: Axes, limit: float, unit: str) -> None:
    """Upright bars in running order; one that is cut has its value above it."""
    below = [0.0] * len(bars)
    for component, (colour, _) in component_styles(_components(bars)).items():
        heights = [dict(bar.parts).get(component, 0.0) for bar in bars]
        axes.bar(range(len(bars)), heights, bottom=below, width=0.85, color=colour)
        below = [start + height for start, height in zip(below, heights, strict=True)]
    axes.set_ylim(0, limit)
    axes.yaxis.set_major_formatter(lambda value, _: plain(value))
    axes.set_ylabel(f"energy [{unit}]")
    label_cut([bar.total for bar in bars], limit, si, axes)


def run_energy_figure(results: Sequence[RunResult], demand: FrameDemand | None = None) -> Figure:
    """Energy of networks by component, as `accelsim plot energy --by network` draws it.

    Args:
        results: Runs, those of a machine after each other.
        demand: How often images come, where energy until the next ones come is asked for.

    Returns:
        A figure with a bar for each run, those of a machine together, on one scale for all machines of one
        unit.

    Raises:
        AccelsimError: A machine does not keep the rate, or its joules are not known.

    Example:
        >>> from accelsim import run_network
        >>> result = run_network("mobilenet_v1@width=0.25,resolution=128", "16x16_128k")
        >>> [axes.get_xlabel() for axes in run_energy_figure([result]).axes]
        ['energy [MAC]']
    """
    if demand is not None:
        results = [with_waiting(result, demand) for result in results]
    results = in_joules(results, of_run)
    machines = [list(members) for _, members in groupby(results, lambda result: result.hardware)]
    heights = [_AROUND_INCHES + _BAR_INCHES * len(members) for members in machines]
    figure = Figure(figsize=(WIDTH_INCHES, _LEGEND_INCHES + sum(heights)))
    grid = figure.add_gridspec(len(machines) + 1, 1, height_ratios=[_LEGEND_INCHES, *heights], hspace=0)
    figure.add_subfigure(grid[0, 0]).legend(
        handles=_legend(run_energy_bars(results), hatched=True),
        ncols=max(len(COMPONENT_STYLES), len(_components(run_energy_bars(results)))),
        loc="center",
        frameon=False,
        fontsize="small",
    )
    letters = max(len(result.network) for result in results)
    for row, members in enumerate(machines):
        part = figure.add_subfigure(grid[row + 1, 0])
        axes = part.subplots()
        part.subplots_adjust(
            left=min(0.4, 0.03 + 0.0066 * letters),
            right=0.97,
            top=1 - 0.38 / heights[row],
            bottom=0.55 / heights[row],
        )
        unit = members[0].energy.unit
        longest = max(result.energy.total for result in results if result.energy.unit == unit)
        plot_run_energy(run_energy_bars(members), axes, longest, unit)
        what = f"{_batch(members[0])}{_rate(demand)}"
        set_title(f"Energy of a {what} on {members[0].hardware}, by component", axes)
    return figure


def _rate(demand: FrameDemand | None) -> str:
    return "" if demand is None else f" at {demand.frames_per_second:g} frames/s"


def _batch(result: RunResult) -> str:
    return "single image" if result.batch == 1 else f"batch of {result.batch}"


def plot_run_energy(bars: Sequence[EnergyBar], axes: Axes, longest: float, unit: str) -> None:
    """Bars from left to right below each other, each with its total; hatches say the same as colours."""
    longest, styles = longest or 1.0, component_styles(_components(bars))
    for row, bar in enumerate(bars):
        start = 0.0
        for component, energy in bar.parts:
            colour, hatch = styles[component]
            axes.barh(row, energy, left=start, height=0.75, color=colour, hatch=hatch, **_EDGE)
            start += energy
        axes.text(start + 0.006 * longest, row, si(bar.total), va="center", fontsize="small")
    axes.set_yticks(range(len(bars)), [bar.name for bar in bars], fontsize="small")
    axes.set(xlim=(0, 1.08 * longest), ylim=(len(bars) - 0.5, -0.5))
    axes.xaxis.set_major_formatter(lambda value, _: plain(value))
    axes.set_xlabel(f"energy [{unit}]")
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(axis="y", length=0)


def _legend(bars: Sequence[EnergyBar], *, hatched: bool = False) -> list[Patch]:
    return [
        Patch(
            facecolor=colour,
            hatch=hatch if hatched else "",
            edgecolor="white",
            label=component_word(component),
        )
        for component, (colour, hatch) in component_styles(_components(bars)).items()
    ]


def _components(bars: Sequence[EnergyBar]) -> list[str]:
    """Those that some bar has."""
    return list(dict.fromkeys(component for bar in bars for component, _ in bar.parts))
