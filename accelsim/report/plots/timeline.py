"""When each component worked, during some cycles of a run: the timeline of a trace, on a page.

A bar of the PE array is as high as the array for as long as it is busy, and dark up to the part of its PEs
that multiply: an array that is always busy may do little.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from accelsim.hardware import Hardware
from accelsim.report.files.trace import Timeline, threads_of
from accelsim.report.plots.style import BLUE, GREEN, GREY, ORANGE, PURPLE, YELLOW, set_title
from accelsim.report.text.words import common_off_chip_word
from accelsim.simulation.activity import Component

WIDTH_INCHES: Final = 10.0
OPERAND_COLOURS: Final = {"inputs": ORANGE, "weights": PURPLE, "outputs": GREEN}
BUSY: Final = "#B9D6EA"
"""The array at work, whether its PEs multiply or not: a pale blue."""
_PANEL_INCHES: Final = 1.9
_LEGEND_INCHES: Final = 0.35
_HEIGHT: Final = 0.76
"""Of a bar, where rows are 1 apart."""


@dataclass(frozen=True)
class WorkBar:
    """A component at work for one tile, within the cycles that are shown."""

    component: Component
    memory: str | None
    """Whose channel it is; None for the others."""
    operand: str
    """What the channel moves; empty for the others."""
    start_cycle: int
    """Since the first cycle that is shown."""
    end_cycle: int
    multiplying: float
    """Part of the PEs, on average, that multiply meanwhile; 0 but for the array."""


@dataclass(frozen=True)
class TimelineWindow:
    """A timeline, and the cycles of it to show.

    Example:
        >>> from accelsim import load_hardware, load_network
        >>> from accelsim.pricing import result_of
        >>> from accelsim.run import plan_run
        >>> from accelsim.simulation.events import simulate_events
        >>> hardware = load_hardware("16x16_128k")
        >>> plan = plan_run(load_network("mobilenet_v1@width=0.25,resolution=128"), hardware)
        >>> activity = simulate_events(plan.schedule, hardware, keep_timeline=True)
        >>> timeline = Timeline(result_of(plan, activity), hardware, plan.schedule, activity, [0])
        >>> TimelineWindow(timeline, "conv1", start_cycle=0, cycles=5_000).cycles
        5000
    """

    timeline: Timeline
    """Of a run."""
    title: str
    """Of the panel."""
    start_cycle: int
    """Since the run began."""
    cycles: int
    """How many are shown."""


def work_bars(window: TimelineWindow) -> list[WorkBar]:
    """What happened in the window, in the order in which it ended; bars that reach beyond it are cut."""
    timeline = window.timeline
    pes = timeline.hardware.pe_array.pes
    steps = {layer: list(timeline.mapping(layer).steps()) for layer in timeline.executed_indexes}
    bars = []
    for busy in timeline.activity.timeline:
        start = max(busy.start - window.start_cycle, 0)
        end = min(busy.end - window.start_cycle, window.cycles)
        if busy.layer in steps and start < end:
            operand = busy.operand or ""
            macs = steps[busy.layer][busy.step].array_counts.macs if busy.component == "array" else 0
            multiplying = macs / (pes * (busy.end - busy.start))
            bars.append(WorkBar(busy.component, busy.memory, operand, start, end, multiplying))
    return bars


def timeline_figure(windows: Sequence[TimelineWindow]) -> Figure:
    """When each component worked, during some cycles of runs.

    Args:
        windows: Timelines with the cycles to show.

    Returns:
        A figure with a panel for each window, one below the other; those of equal length have one scale.

    Example:
        >>> from accelsim import load_hardware, load_network
        >>> from accelsim.pricing import result_of
        >>> from accelsim.run import plan_run
        >>> from accelsim.simulation.events import simulate_events
        >>> hardware = load_hardware("16x16_128k")
        >>> plan = plan_run(load_network("mobilenet_v1@width=0.25,resolution=128"), hardware)
        >>> activity = simulate_events(plan.schedule, hardware, keep_timeline=True)
        >>> timeline = Timeline(result_of(plan, activity), hardware, plan.schedule, activity, [0])
        >>> window = TimelineWindow(timeline, "conv1", start_cycle=0, cycles=5_000)
        >>> [axes.get_xlabel() for axes in timeline_figure([window]).axes]
        ['cycles since cycle 0 of the run']
    """
    heights = [_LEGEND_INCHES, *(_PANEL_INCHES for _ in windows)]
    figure = Figure(figsize=(WIDTH_INCHES, sum(heights)))
    grid = figure.add_gridspec(len(windows) + 1, 1, height_ratios=heights, hspace=0)
    legend = figure.add_subfigure(grid[0, 0])
    off_chip = common_off_chip_word(window.timeline.hardware.names_off_chip for window in windows)
    bars = [work_bars(window) for window in windows]
    handles = work_legend([bar for of_window in bars for bar in of_window], f"{off_chip}: ")
    legend.legend(handles=handles, ncols=max(len(handles), 1), loc="center", frameon=False, fontsize="small")
    for row, (window, of_window) in enumerate(zip(windows, bars, strict=True)):
        part = figure.add_subfigure(grid[row + 1, 0])
        axes = part.subplots()
        part.subplots_adjust(left=0.12, right=0.97, top=1 - 0.32 / _PANEL_INCHES, bottom=0.5 / _PANEL_INCHES)
        plot_timeline(of_window, window.timeline.hardware, axes)
        axes.set_xlim(0, window.cycles)
        axes.set_xlabel(f"cycles since cycle {window.start_cycle:,} of the run")
        set_title(window.title, axes)
    return figure


def plot_timeline(
    bars: Sequence[WorkBar], hardware: Hardware, axes: Axes, left_out: Collection[Component] = ()
) -> None:
    """A row for each component but those left out: what channels move, the units at work."""
    threads = threads_of(hardware)
    rows = {row: thread for row, thread in threads.items() if row[0] not in left_out}
    for row, (component, memory) in enumerate(rows):
        low = row - _HEIGHT / 2
        for operand, colour in _colours(component).items():
            spans = [
                (bar.start_cycle, bar.end_cycle - bar.start_cycle)
                for bar in bars
                if (bar.component, bar.memory) == (component, memory) and bar.operand == operand
            ]
            axes.broken_barh(spans, (low, _HEIGHT), facecolors=colour, edgecolors="white", linewidth=0.3)
    multiplying = [bar for bar in bars if bar.multiplying > 0]
    axes.bar(
        [bar.start_cycle for bar in multiplying],
        [-bar.multiplying * _HEIGHT for bar in multiplying],
        width=[bar.end_cycle - bar.start_cycle for bar in multiplying],
        bottom=list(rows).index(("array", None)) + _HEIGHT / 2,
        align="edge",
        color=BLUE,
    )
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.set_yticks(range(len(rows)), [name for _, name in rows.values()])
    axes.tick_params(axis="y", length=0)
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    axes.set_xlabel("cycles")
    axes.spines[["top", "right", "left"]].set_visible(False)


def _colours(component: Component) -> dict[str, str]:
    """Of the bars of a component, by what they say."""
    units = {"array": {"": BUSY}, "vector": {"": GREY}, "host": {"": YELLOW}}
    return {"dram": OPERAND_COLOURS, **units}[component]


def work_legend(bars: Sequence[WorkBar], channel: str = "") -> list[Patch]:
    """What the colours of these bars mean, of those that they have.

    Args:
        bars: Those that are drawn.
        channel: What stands before the operands that channels move.
    """
    moved, units = {bar.operand for bar in bars}, {bar.component for bar in bars}
    patches = [
        Patch(color=colour, label=f"{channel}{operand}")
        for operand, colour in OPERAND_COLOURS.items()
        if operand in moved
    ]
    if "array" in units:
        patches.append(Patch(color=BUSY, label="array: busy"))
    if any(bar.multiplying > 0 for bar in bars):
        patches.append(Patch(color=BLUE, label="array: PEs that multiply"))
    if "vector" in units:
        patches.append(Patch(color=GREY, label="vector unit"))
    return [*patches, Patch(color=YELLOW, label="host")] if "host" in units else patches
