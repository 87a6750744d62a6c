"""Legends: what they explain is drawn, each of it and nothing else."""

import pytest
from matplotlib.collections import Collection
from matplotlib.colors import to_rgba
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from accelsim import load_hardware, load_network, run_network
from accelsim.descriptions import vary
from accelsim.pricing import result_of
from accelsim.report.files.trace import Timeline
from accelsim.report.pages import make_page, page_html
from accelsim.report.plots.accuracy import AccuracyPoint, accuracy_figure
from accelsim.report.plots.energy import layer_energy_figure, run_energy_figure
from accelsim.report.plots.layers import layers_figure
from accelsim.report.plots.mapping import mapping_figure
from accelsim.report.plots.memory import memory_figure
from accelsim.report.plots.roofline import roofline_figure
from accelsim.report.plots.sweep import sweep_figure
from accelsim.report.plots.timeline import TimelineWindow, timeline_figure
from accelsim.report.plots.traffic import traffic_figure
from accelsim.report.tables import Case
from accelsim.report.tables.run import run_report
from accelsim.report.text import Style
from accelsim.run import plan_run
from accelsim.simulation.events import simulate_events

NETWORK = "mobilenet_v1@width=0.25,resolution=32"
MACHINES = ("16x16_128k", "npu_int8_2m", "gap9_ne16", "ethos_u55_128", "eyeriss", "mcu_l3_l2_l1")


def parts_of(figure):
    return [figure, *figure.subfigs]


def legends_of(figure):
    return [
        legend
        for part in parts_of(figure)
        for legend in [*part.legends, *(axes.get_legend() for axes in part.axes if axes.get_legend())]
    ]


def colours_drawn(figure):
    """Of all bars, markers and lines that have a size."""
    drawn = set()
    for axes in [axes for part in parts_of(figure) for axes in part.axes]:
        drawn |= {patch.get_facecolor() for patch in axes.patches if _has_size(patch)}
        for collection in axes.collections:
            if len(collection.get_offsets()) and len(collection.get_paths()):
                drawn |= {tuple(colour) for colour in collection.get_facecolor()}
                drawn |= {tuple(colour) for colour in collection.get_edgecolor()}
        drawn |= {to_rgba(line.get_color()) for line in axes.lines if len(line.get_xdata())}
    return {colour[:3] for colour in drawn if colour[3]}


def _has_size(patch):
    width, height = patch.get_extents().size
    return width > 0 and height > 0


def colour_of(handle):
    if isinstance(handle, Line2D):
        return to_rgba(handle.get_color())
    assert isinstance(handle, Patch | Collection)
    return handle.get_facecolor()


def assert_legends_are_of_what_is_drawn(figure):
    drawn = colours_drawn(figure)
    for legend in legends_of(figure):
        texts = [text.get_text() for text in legend.get_texts()]
        for handle, words in zip(legend.legend_handles, texts, strict=True):
            if words != "bound by":
                assert tuple(colour_of(handle))[:3] in drawn, words


@pytest.fixture(scope="module", params=MACHINES)
def run(request):
    """A small network, its machine and its timeline."""
    hardware = load_hardware(request.param)
    plan = plan_run(load_network(NETWORK), hardware)
    activity = simulate_events(plan.schedule, hardware, keep_timeline=True)
    result = result_of(plan, activity)
    return Timeline(result, hardware, plan.schedule, activity, frozenset(range(len(result.layers))))


@pytest.mark.parametrize(
    "draw",
    [
        lambda timeline: layers_figure([timeline.result]),
        lambda timeline: roofline_figure([(timeline.result, timeline.hardware)]),
        lambda timeline: layer_energy_figure([timeline.result]),
        lambda timeline: run_energy_figure([timeline.result]),
        lambda timeline: traffic_figure([timeline.result]),
        lambda timeline: timeline_figure([TimelineWindow(timeline, "run", 0, timeline.result.cycles)]),
        lambda timeline: timeline_figure([TimelineWindow(timeline, "run", 0, 100)]),
    ],
)
def test_a_legend_explains_what_is_drawn(run, draw):
    assert_legends_are_of_what_is_drawn(draw(run))


def test_so_does_that_of_each_layer_s_mapping(run):
    for layer in ("conv1", "stage1.block1.depthwise", "avgpool"):
        if layer in [each.name for each in run.result.layers]:
            assert_legends_are_of_what_is_drawn(mapping_figure(run, layer))


@pytest.mark.parametrize("machine", [name for name in MACHINES if load_hardware(name).keeps("activations")])
def test_a_legend_of_a_memory_map_explains_what_is_drawn(machine):
    assert_legends_are_of_what_is_drawn(memory_figure([run_network(NETWORK, machine)]))


def words_of_legends(figure):
    return [[text.get_text() for text in legend.get_texts()] for legend in legends_of(figure)]


def test_where_nothing_is_beaten_nobody_is_said_to_be():
    alone = AccuracyPoint("net", "machine", 70.0, 1.0, "MAC", 1.0)
    figure = accuracy_figure([alone])
    assert words_of_legends(figure) == [["Pareto front"], ["Pareto front"]]
    candidate = {
        "rank": 1,
        "on_front": True,
        "settings": {"rows": 8},
        "figures": {"time_ms": 0.5, "energy": 2e6},
    }
    sweep = {
        "sweep": "small",
        "objectives": ["time_ms", "energy"],
        "energy_unit": "MAC",
        "axes": [{"name": "rows", "values": [8]}],
        "candidates": [candidate],
    }
    assert words_of_legends(sweep_figure(sweep)) == [["Pareto front"]]


def test_a_figure_without_the_host_or_the_vector_unit_does_not_explain_them():
    hardware = load_hardware("16x16_128k")
    plan = plan_run(load_network(NETWORK), hardware)
    activity = simulate_events(plan.schedule, hardware, keep_timeline=True)
    timeline = Timeline(result_of(plan, activity), hardware, plan.schedule, activity, frozenset([0]))
    (words,) = words_of_legends(timeline_figure([TimelineWindow(timeline, "run", 0, 60)]))
    assert words == []  # DRAM's latency
    first_load = next(busy for busy in timeline.activity.timeline if busy.component == "dram")
    window = TimelineWindow(timeline, "run", first_load.start, 1)
    assert words_of_legends(timeline_figure([window])) == [[f"DRAM: {first_load.operand}"]]


@pytest.mark.parametrize(
    ("machine", "dataflow", "words"),
    [
        ("16x16_128k", "auto", "WS = weight stationary, OS = output stationary, neither"),
        ("16x16_128k", "output_stationary", "OS = output stationary, no letters"),
        ("ethos_u55_128", "auto", "MB = by micro blocks, no letters"),
    ],
)
def test_a_report_explains_the_dataflows_that_its_layers_have(machine, dataflow, words):
    text = run_report(run_network(NETWORK, machine, dataflow=dataflow), Style(200))
    assert f"op: {words} = on the vector unit" in " ".join(text.split())


def test_a_page_explains_what_bounds_its_layers():
    network, hardware = load_network(NETWORK), load_hardware("16x16_128k")
    case = Case("net", "machine", run_network(network, hardware))
    text = page_html(make_page([case], "net", {"net": network}, {"machine": hardware}))
    assert "<dt>host</dt>" not in text
    bounds = {layer.bound_by for layer in case.result.layers}
    assert text.count("<dt>") == len(bounds)


def test_of_a_machine_whose_memory_keeps_no_copies_none_is_explained():
    hardware = vary(load_hardware("npu_int8_2m"), **{"memories.sram.keeps": ["activations"]})
    (words,) = words_of_legends(memory_figure([run_network(NETWORK, hardware)]))
    assert "pinned weights" not in words
