"""The timeline on a page: what it shows adds up to the run, and its words can be read."""

from itertools import combinations
from typing import get_args

import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

import accelsim
from accelsim.pricing import result_of
from accelsim.report.files.trace import Timeline
from accelsim.report.plots.timeline import TimelineWindow, plot_timeline, timeline_figure, work_bars
from accelsim.run import plan_run
from accelsim.simulation.activity import Component
from accelsim.simulation.events import simulate_events

COMPONENTS = get_args(Component)


@pytest.fixture(scope="module")
def timeline():
    """All layers of a small network."""
    hardware = accelsim.load_hardware("16x16_128k")
    plan = plan_run(accelsim.load_network("mobilenet_v1@width=0.25,resolution=128"), hardware)
    activity = simulate_events(plan.schedule, hardware, keep_timeline=True)
    result = result_of(plan, activity)
    return Timeline(result, hardware, plan.schedule, activity, frozenset(range(len(result.layers))))


def cycles_of(bars, component):
    return sum(bar.end_cycle - bar.start_cycle for bar in bars if bar.component == component)


def test_bars_of_the_whole_run_are_the_cycles_in_which_components_were_busy(timeline):
    result = timeline.result
    bars = work_bars(TimelineWindow(timeline, "", 0, result.cycles))
    for component in COMPONENTS:
        busy_cycles = sum(layer.busy_cycles.get(component, 0) for layer in result.layers)
        assert cycles_of(bars, component) == busy_cycles


def test_the_dark_part_of_the_array_is_its_multiply_accumulates(timeline):
    bars = work_bars(TimelineWindow(timeline, "", 0, timeline.result.cycles))
    dark = sum(bar.multiplying * (bar.end_cycle - bar.start_cycle) for bar in bars)
    assert dark * timeline.hardware.pe_array.pes == pytest.approx(timeline.activity.counts.macs)
    assert all(0 <= bar.multiplying <= 1 for bar in bars)


def test_windows_beside_each_other_show_what_one_shows_and_cut_at_their_ends(timeline):
    middle, end = timeline.result.cycles // 2, timeline.result.cycles
    parts = [work_bars(TimelineWindow(timeline, "", *span)) for span in ((0, middle), (middle, end - middle))]
    whole = work_bars(TimelineWindow(timeline, "", 0, end))
    for component in COMPONENTS:
        assert sum(cycles_of(bars, component) for bars in parts) == cycles_of(whole, component)
    assert all(0 <= bar.start_cycle < bar.end_cycle <= middle for bar in parts[0])
    assert all(0 <= bar.start_cycle < bar.end_cycle <= end - middle for bar in parts[1])


def test_layers_that_are_not_to_be_shown_are_not(timeline):
    one = Timeline(timeline.result, timeline.hardware, timeline.schedule, timeline.activity, {3})
    bars = work_bars(TimelineWindow(one, "", 0, timeline.result.cycles))
    assert cycles_of(bars, "array") == timeline.result.layers[3].busy_cycles["array"]


def test_a_figure_has_a_row_for_each_component_and_words_that_do_not_overlap(timeline):
    layer = timeline.result.layers[5]
    windows = [
        TimelineWindow(timeline, f"{layer.name}, first {cycles} cycles", layer.start_cycle, cycles)
        for cycles in (2_000, 20_000)
    ]
    figure = timeline_figure(windows)
    FigureCanvasAgg(figure).draw()
    panels = [axes for part in figure.subfigs for axes in part.axes]
    assert [axes.get_title("left") for axes in panels] == [window.title for window in windows]
    for axes in panels:
        words = [axes._left_title, axes.xaxis.label, *axes.get_yticklabels()]
        words += [tick for tick in axes.get_xticklabels() if tick.get_position()[0] <= axes.get_xlim()[1]]
        boxes = [word.get_window_extent() for word in words if word.get_text()]
        assert not any(one.overlaps(other) for one, other in combinations(boxes, 2))
        assert all(box.x0 >= 0 and box.x1 <= figure.bbox.x1 for box in boxes)
        rows = [word.get_text() for word in axes.get_yticklabels()]
        assert rows == ["DRAM channel", "PE array", "vector unit"]


def test_the_bars_are_drawn_on_axes_of_the_caller(timeline):
    axes = Figure().subplots()
    bars = work_bars(TimelineWindow(timeline, "", 0, 5_000))
    plot_timeline(bars, timeline.hardware, axes)
    assert sum(len(part.get_paths()) for part in axes.collections) == len(bars)
    assert len(axes.patches) == sum(bar.multiplying > 0 for bar in bars)
