"""What figures show, as values; that their words can be read; that the same figure is the same file."""

import re
import warnings
from dataclasses import replace

import hypothesis.strategies as st
import pytest
from hypothesis import given
from legible import assert_legible, words_of
from machines import machine
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

import accelsim
from accelsim.descriptions import vary
from accelsim.report.labels.points import LabelledMarker, label_points
from accelsim.report.labels.words import apart, fitting
from accelsim.report.plots import style
from accelsim.report.plots.accuracy import (
    AccuracyPoint,
    accuracy_figure,
    accuracy_point,
    front_line,
    pareto_front,
)
from accelsim.report.plots.depths import depth_points, depths_figure, depths_title
from accelsim.report.plots.energy import (
    layer_energy_bars,
    layer_energy_figure,
    run_energy_bars,
    run_energy_figure,
)
from accelsim.report.plots.layers import layers_figure
from accelsim.report.plots.path import path_figure, path_points
from accelsim.report.plots.roofline import (
    LABELLED_POINTS,
    roof_of,
    roofline_figure,
    roofline_points,
    roofline_subtitle,
    roofline_title,
)
from accelsim.report.plots.stages import label_cut, limits
from accelsim.report.plots.style import GREY, plain, plain_linear_ticks, save
from accelsim.report.plots.sweep import sweep_figure, sweep_panels
from accelsim.report.plots.traffic import traffic_bars, traffic_figure, traffic_title
from accelsim.report.text.table import si
from accelsim.report.text.words import COMPONENTS
from accelsim.search.depth import search_depth
from accelsim.search.evaluate import SearchTask
from accelsim.search.path import search_path
from accelsim.search.space import depth_space
from accelsim.search.words import move_words
from accelsim.traffic import Traffic

OKABE_ITO = {"#0072B2", "#56B4E9", "#E69F00", "#D55E00", "#009E73", "#CC79A7", "#F0E442", "#000000"}


@pytest.fixture(scope="module", params=["8x8_32k", "16x16_128k"])
def run(request):
    """A network with layers of every kind, and its machine."""
    hardware = accelsim.load_hardware(request.param)
    return accelsim.run_network(accelsim.load_network("squeezenet_v1_1"), hardware), hardware


# --- roofline


def test_a_layer_s_place_below_the_roof(a_layer, a_result):
    (point,) = roofline_points(a_result(a_layer()), machine())
    executed = 0.588 * 256 * 400_000
    assert point.macs_per_byte == pytest.approx(executed / 900_000)
    assert point.macs_per_cycle == pytest.approx(0.588 * 256)
    assert (point.time_share, point.bound_by) == (1.0, "compute")


def test_the_roof_is_the_pes_or_what_dram_brings():
    roof = roof_of(machine())
    assert (roof.peak_macs_per_cycle, roof.ridge) == (256, 16.0)
    assert roof.height(8.0) == 128
    assert roof.height(16.0) == roof.height(100.0) == 256


def test_no_layer_is_above_the_roof(run):
    result, hardware = run
    points = roofline_points(result, hardware)
    assert len(points) == 26
    for point in points:
        assert point.macs_per_cycle <= roof_of(hardware).height(point.macs_per_byte) * (1 + 1e-9)


NOWHERE_BELOW_THE_ROOF = {
    "without multiplications": {"macs": 0, "utilization": 0.0},
    "on the host": {"dataflow": "host", "utilization": 0.0},
    "all on chip": {"dram_bytes": Traffic(0, 0)},
}


@pytest.mark.parametrize("changes", NOWHERE_BELOW_THE_ROOF.values(), ids=NOWHERE_BELOW_THE_ROOF)
def test_layers_that_have_no_place_are_left_out_and_the_figure_says_so(changes, a_layer, a_result):
    other = a_layer(name="other", cycles=100_000, **changes)
    result = a_result(a_layer(cycles=300_000), other)
    points = roofline_points(result, machine())
    assert [point.name for point in points] == ["conv1"]
    assert roofline_title(result, points).endswith("1 layer")
    subtitle = roofline_subtitle(roof_of(machine()), points)
    left_out = "; layers without MACs of the array or DRAM traffic (25.0% of the time) left out"
    assert subtitle.endswith(left_out)


@pytest.mark.parametrize(
    ("network", "machine"), [("mlperf_tiny_vww", "gap9_ne16"), ("mlperf_tiny_ic", "16x16_128k")]
)
@pytest.mark.parametrize("host", [None, {"takes": ["conv"]}], ids=["as_it_is", "convolutions_on_a_host"])
def test_a_roof_below_which_few_layers_have_a_place_can_be_read(network, machine, host):
    hardware = accelsim.load_hardware(machine)
    if host is not None:
        hardware = vary(hardware, host=host)
    result = accelsim.run_network(network, hardware)
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # matplotlib's, of a logarithm of 0
        assert_legible(roofline_figure([(result, hardware)]))


# --- energy and traffic


def test_the_bars_of_layers_add_up_to_the_energy(run):
    result, _ = run
    bars = layer_energy_bars(result)
    assert len(bars) == len(result.layers)
    assert sum(bar.total for bar in bars) == pytest.approx(result.energy.total)
    for component, energy in result.energy.by_component.items():
        parts = [dict(bar.parts).get(component, 0.0) for bar in bars]
        assert sum(parts) == pytest.approx(energy)
    (whole,) = run_energy_bars([result])
    assert whole.total == pytest.approx(result.energy.total)
    assert dict(whole.parts) == {name: part for name, part in result.energy.by_component.items() if part}


def test_the_bars_of_traffic_are_the_report_s_and_none_is_below_the_minimum(run):
    result, _ = run
    bars = traffic_bars(result)
    assert sum(bar.read_bytes for bar in bars) == result.dram_bytes.read
    assert sum(bar.write_bytes for bar in bars) == result.dram_bytes.write
    assert all(bar.times_compulsory >= 1 for bar in bars)


def test_the_title_says_how_much_more_than_the_minimum_is_moved(a_layer, a_result):
    result = a_result(a_layer())
    title = traffic_title(result, traffic_bars(result))
    assert title == "DRAM traffic of net on machine: 900 kB, 1.25 times the compulsory 720 kB"


def test_bursts_that_are_of_no_use_are_traffic_too():
    scattered = vary(
        accelsim.load_hardware("16x16_128k"),
        **{"memories.dram.burst_bytes": 64, "memories.dram.layout": "nchw"},
    )
    result = accelsim.run_network("mobilenet_v1@width=0.25,resolution=128", scattered)
    bars = traffic_bars(result)
    moved = sum(result.memories["dram"].moved_bytes.values())
    assert sum(bar.total_bytes for bar in bars) == moved > result.dram_bytes.total
    word = "bursts, of no use"
    assert word in [text.get_text() for text, _ in words_of(traffic_figure([result]))]
    in_bytes = accelsim.run_network("mobilenet_v1@width=0.25,resolution=128", "16x16_128k")
    assert word not in [text.get_text() for text, _ in words_of(traffic_figure([in_bytes]))]


def test_panels_share_a_scale_unless_one_could_not_be_read():
    assert limits([[1.0, 2.0], [3.0, 4.0]]) == [1.05 * 4.0] * 2
    assert limits([[1.0, 2.0], [30.0, 40.0]]) == [1.05 * 2.0, 1.05 * 40.0]


# --- accuracy


def a_point(name, top1, energy, time_ms=1.0, hardware="machine"):
    return AccuracyPoint(name, hardware, top1, energy, "MAC", time_ms)


def test_the_front_is_what_no_other_beats():
    points = [
        a_point("cheap", 60.0, 1.0, 9.0),
        a_point("beaten", 59.0, 2.0, 2.0),
        a_point("good", 70.0, 3.0, 1.0),
        a_point("as good, dearer", 70.0, 4.0, 3.0),
        a_point("best", 71.0, 9.0, 9.0),
    ]
    assert [point.network for point in pareto_front(points, "energy")] == ["cheap", "good", "best"]
    assert [point.network for point in pareto_front(points, "time")] == ["good", "best"]


def test_networks_alike_in_both_are_both_on_the_front():
    points = [a_point("b", 60.0, 1.0), a_point("a", 60.0, 1.0)]
    assert [point.network for point in pareto_front(points, "energy")] == ["a", "b"]


@given(st.lists(st.tuples(st.integers(50, 80), st.integers(1, 20)), min_size=1, max_size=20))
def test_every_network_is_on_the_front_or_beaten_by_one_that_is(values):
    points = [a_point(str(index), top1, energy) for index, (top1, energy) in enumerate(values)]
    front = pareto_front(points, "energy")
    for point in points:
        better = [one for one in front if one.top1 >= point.top1 and one.energy <= point.energy]
        assert better
        assert (point in front) == all((one.top1, one.energy) == (point.top1, point.energy) for one in better)


def test_the_line_goes_up_where_a_cost_affords_more():
    front = [a_point("a", 60.0, 1.0), a_point("b", 70.0, 3.0)]
    assert front_line(front, "energy") == [(1.0, 60.0), (3.0, 60.0), (3.0, 70.0)]


def test_a_batch_costs_each_of_its_images_a_part(a_layer, a_result):
    result = replace(a_result(a_layer()), batch=4)
    point = accuracy_point(result, 59.0)
    assert (point.top1, point.energy, point.time_ms) == (59.0, 271e6 / 4, 0.1)


def test_the_legend_hides_no_network():
    points = [a_point("cheap", 80.0, 1.0), a_point("dear", 50.0, 100.0)]
    figure = accuracy_figure(points)
    FigureCanvasAgg(figure).draw()
    for axes, kind in zip(figure.axes, ("energy", "time"), strict=True):
        legend = axes.get_legend().get_window_extent()
        for point in points:
            assert not legend.contains(*axes.transData.transform((point.cost(kind), point.top1)))


def test_the_figure_says_that_accuracy_is_published():
    words = [
        text.get_text()
        for text, _ in words_of(accuracy_figure([a_point("a", 60.0, 1.0), a_point("b", 70.0, 3.0)]))
    ]
    assert "Published top-1 accuracy against simulated energy on machine" in words
    assert "simulated time of one image [ms]" in words
    assert sum("as each paper reports it, not computed here" in text for text in words) == 2


# --- searches


@pytest.fixture(scope="module")
def searched():
    """All 35 ways to spread ResNet-18's blocks."""
    network = accelsim.load_network("resnet18@resolution=64")
    return search_depth(SearchTask(network, machine()), depth_space(network), top=1000)


@pytest.fixture(scope="module")
def walked():
    """A walk of several steps, and networks beside it."""
    network = accelsim.load_network("sqnxt23@resolution=131")
    others = [accelsim.load_network(f"{name}@resolution=131") for name in ("sqnxt23v2", "sqnxt23v5")]
    return search_path(network, machine()), [accelsim.run_network(other, machine()) for other in others]


def test_every_distribution_is_a_point_once(searched):
    points = depth_points(searched)
    assert len(points) == len({point.depths for point in points}) == searched.feasible == 35
    assert [point.time_ms for point in points] == sorted(point.time_ms for point in points)
    assert sum(point.on_front for point in points) == len(searched.front)
    (known,) = [point for point in points if point.known_as]
    assert (known.depths, known.known_as) == ("2-2-2-2", "resnet18@resolution=64")
    assert depths_title(searched, points).endswith("on machine: all 35 distributions")


def test_of_a_large_space_the_title_says_how_many_are_drawn(searched):
    few = replace(searched, ranked=searched.ranked[:3], front=())
    assert depths_title(few, depth_points(few)).endswith("the fastest 4 of 35 distributions")


def test_a_walk_is_its_start_and_its_steps(walked):
    found, _ = walked
    points = path_points(found)
    assert [point.name for point in points] == [str(number) for number in range(len(found.steps) + 1)]
    assert points[0].words == "start: sqnxt23@resolution=131"
    assert [point.params for point in points[1:]] == [step.after.params for step in found.steps]
    assert points[-1].time_ms == found.end.cycles / 1e6


# --- names


def test_a_name_is_no_formula():
    axes = Figure().subplots()
    label_points([LabelledMarker(0.5, 0.5, 3.0, r"$\frac{$")], axes)
    assert r"$\frac{$" in [text.get_text() for text, _ in words_of(axes.figure)]


def test_labels_are_kept_apart():
    assert apart([], [], 0, 1) == []
    assert apart([0, 1, 2], [5, 5, 5], -9, 100) == [-4, 1, 6]
    assert apart([0, 1, 2], [5, 5, 5], 0, 100) == [2.5, 7.5, 12.5]
    assert apart([7, 9, 20], [1, 1, 1], 0, 100) == [7, 9, 20]
    assert apart([0, 98, 99], [2, 4, 6], 0, 100) == [1, 92, 97]


def test_where_not_all_labels_fit_the_heaviest_are_kept():
    assert fitting([4, 4, 4], [1, 3, 2], 12) == [0, 1, 2]
    assert fitting([4, 4, 4], [1, 3, 2], 11) == [1, 2]
    assert fitting([4, 40, 4], [1, 3, 2], 11) == [0, 2]


def test_the_excess_over_the_minimum_starts_at_a_tick(run):
    result, _ = run
    for axes in traffic_figure([result]).axes[1::2]:
        assert (axes.get_ylim()[0], axes.get_yticks()[0]) == (1, 1)


# --- what they look like


@pytest.mark.parametrize("draw", [layers_figure, layer_energy_figure, traffic_figure])
def test_every_word_can_be_read_with_135_layers(draw, a_deep_result, a_layer, a_result):
    stages = ("conv1", "a_long_stage_name", "s", "transition1", "head", "pool", "fc")
    few = [a_layer(name=name, stage=name) for name in stages]
    assert_legible(draw([a_deep_result, a_result(*few)]))


@pytest.mark.parametrize("draw", [layers_figure, layer_energy_figure, traffic_figure])
def test_every_word_can_be_read_with_more_stages_than_have_room(draw, a_layer, a_result):
    stages = [a_layer(name=f"layer{index}", stage=f"stage_number_{index}") for index in range(135)]
    assert_legible(draw([a_result(*stages)]))


def test_the_values_of_cut_bars_can_be_read_beside_each_other_and_beside_the_axis():
    values = [323e6, 323e6, *[1e6] * 100, 323e6, 323e6, 323e6]
    axes = Figure(figsize=(10, 3)).subplots()
    axes.bar(range(len(values)), values)
    axes.set(xlim=(-0.75, len(values) - 0.25), ylim=(0, 2e6))
    plain_linear_ticks(axes.yaxis)
    label_cut(values, 2e6, si, axes)
    assert_legible(axes.figure)
    assert [text.get_text() for text in axes.texts] == ["323M"] * 5


def test_every_word_of_a_roofline_can_be_read(run, a_deep_result):
    result, hardware = run
    assert_legible(roofline_figure([(result, hardware), (a_deep_result, machine())]))


@pytest.mark.parametrize(
    ("network", "hardware"),
    [
        ("alexnet", "8x8_32k"),
        ("mobilenet_v1", "16x16_128k"),
        ("sqnxt23v5", "8x8_32k"),
        ("sqnxt23v5", "16x16_128k"),
        ("squeezenet_v1_0_simple_bypass", "8x8_32k"),
        ("inception_v3", "16x16_128k"),
        ("sqnxt23_g", "8x8_32k"),
        ("shufflenet_v1", "16x16_128k"),
    ],
)
def test_every_figure_of_a_network_can_be_read(network, hardware):
    machine = accelsim.load_hardware(hardware)
    result = accelsim.run_network(accelsim.load_network(network), machine)
    figure = roofline_figure([(result, machine)])
    assert_legible(figure)
    points = roofline_points(result, machine)
    places = {(f"{one.macs_per_byte:.3g}", f"{one.macs_per_cycle:.3g}") for one in points}
    (axes,) = figure.axes
    assert len(axes.texts) == 1 + min(LABELLED_POINTS, len(places))
    for draw in (layers_figure, layer_energy_figure, traffic_figure):
        assert_legible(draw([result]))


def test_the_energy_of_fifty_networks_can_be_read(a_layer, a_result):
    results = [
        replace(a_result(a_layer()), network=f"network_with_a_long_name_{index}", hardware=name)
        for name in ("one", "two")
        for index in range(25)
    ]
    assert_legible(run_energy_figure(results))


def test_the_accuracy_of_45_networks_can_be_read():
    points = [
        a_point(f"some_network_{index}", 56.0 + (7 * index) % 26, 1e9 * 1.1**index, 1.5 * 1.1**index)
        for index in range(45)
    ]
    figure = accuracy_figure(points)
    assert_legible(figure)
    names = [text.get_text() for text, _ in words_of(figure) if text.get_text().startswith("some_network")]
    assert len(names) == 90


def test_every_word_of_a_depth_search_can_be_read(searched):
    assert_legible(depths_figure([searched, searched]), faint=GREY)


def test_every_word_of_a_walk_can_be_read(walked):
    found, others = walked
    figure = path_figure([(found, others), (found, [])])
    assert_legible(figure)
    words = [text.get_text() for text, _ in words_of(figure)]
    assert words.count("sqnxt23v5@resolution=131") == 2
    assert all(
        f"{number}  {move_words(step.best.move)}" in words for number, step in enumerate(found.steps, 1)
    )


def test_a_walk_that_goes_nowhere_is_a_point(walked):
    found, _ = walked
    assert_legible(path_figure([(replace(found, steps=()), [])]))


def test_ticks_of_linear_axes_are_told_apart():
    axes = Figure().subplots()
    axes.set_ylim(15.2e9, 15.6e9)
    plain_linear_ticks(axes.yaxis)
    labels = [axes.yaxis.get_major_formatter()(place) for place in axes.yaxis.get_majorticklocs()]
    assert len(set(labels)) == len(labels)
    assert {label[-1] for label in labels} == {"G"}


def test_ticks_of_linear_axes_are_where_they_say():
    axes = Figure().subplots()
    axes.set_ylim(60.953e6, 60.966e6)
    plain_linear_ticks(axes.yaxis)
    for place in axes.yaxis.get_majorticklocs():
        label = axes.yaxis.get_major_formatter()(place)
        assert float(label.removesuffix("M")) * 1e6 == pytest.approx(place, rel=1e-8)


@pytest.mark.parametrize(("low", "high"), [(7.4, 13.5), (1.2, 4.1), (11, 20.4), (0.5, 200)])
def test_a_logarithmic_axis_has_ticks_however_short_it_is(low, high):
    axes = Figure().subplots()
    axes.set(xscale="log", xlim=(low, high))
    style.plain_log_ticks(axes.xaxis)
    assert sum(low <= place <= high for place in axes.xaxis.get_majorticklocs()) >= 3


def test_colours_are_those_that_colour_blind_people_can_tell_apart():
    bounds, components = style.BOUND_COLOURS, style.COMPONENT_STYLES
    assert components.keys() == COMPONENTS.keys()
    assert len(set(bounds.values())) == len(bounds) == len(set(style.BOUND_MARKERS.values()))
    assert set(bounds.values()) - OKABE_ITO == {style.GREY}
    assert {colour for colour, _ in components.values()} <= OKABE_ITO
    assert len({colour for colour, _ in components.values()}) == len(components)


def test_plain_numbers():
    assert [plain(value) for value in (0, 0.05, 1.5, 20, 999, 5_000, 2.5e9)] == [
        "0", "0.05", "1.5", "20", "999", "5k", "2.5G",
    ]  # fmt: skip


# --- files


@pytest.mark.parametrize("suffix", [".png", ".svg", ".pdf"])
def test_the_same_figure_is_the_same_file(suffix, a_deep_result, tmp_path):
    for name in ("one", "two"):
        save(run_energy_figure([a_deep_result]), tmp_path / f"{name}{suffix}")
    one, two = (tmp_path / f"{name}{suffix}" for name in ("one", "two"))
    assert one.read_bytes() == two.read_bytes()
    assert one.stat().st_size > 5_000
    assert len(list(tmp_path.iterdir())) == 2


def test_another_ending_is_refused(a_deep_result, tmp_path):
    with pytest.raises(accelsim.AccelsimError, match=re.escape("must end in .png, .svg or .pdf")):
        save(run_energy_figure([a_deep_result]), tmp_path / "a.gif")
    assert not list(tmp_path.iterdir())


# --- sweeps


OBJECTIVES = ["time_ms", "energy", "area_mm2"]


def swept(points, objectives=("time_ms", "energy")):
    """What a sweep's JSON has: (rows, time, energy, area, on the front) of each candidate."""
    return {
        "sweep": "some",
        "objectives": list(objectives),
        "energy_unit": "MAC",
        "axes": [
            {"name": "pe_array.rows", "values": [8, 16, 32]},
            {"name": "networks", "values": ["sqnxt23v5", "mobilenet_v1"]},
            {"name": "hardware", "values": ["8x8_32k"]},
        ],
        "candidates": [
            {
                "rank": rank,
                "on_front": front,
                "settings": {"pe_array.rows": rows, "networks": "sqnxt23v5", "hardware": "8x8_32k"},
                "figures": {"time_ms": time, "energy": energy, "area_mm2": area},
            }
            for rank, (rows, time, energy, area, front) in enumerate(points, start=1)
        ],
    }


POINTS = [(32, 1.0, 4e9, 6.0, True), (16, 2.0, 2e9, 4.0, True), (8, 3.0, 3e9, 2.0, False)]


def test_a_sweep_has_a_panel_for_each_objective_but_the_first():
    panels = sweep_panels(swept(POINTS, OBJECTIVES))
    assert [(panel.up.name, panel.across.name) for panel in panels] == [
        ("time_ms", "energy"),
        ("time_ms", "area_mm2"),
    ]
    assert [(point.x, point.y, point.on_front) for point in panels[0].points] == [
        (energy, time, front) for _, time, energy, _, front in POINTS
    ]
    assert [point.name for point in panels[0].points] == [
        "32 rows, sqnxt23v5",
        "16 rows, sqnxt23v5",
        "8 rows, sqnxt23v5",
    ]
    assert panels[0].line == ()


def test_the_front_of_two_objectives_is_a_line_of_steps():
    (panel,) = sweep_panels(swept(POINTS))
    assert panel.line == ((2e9, 2.0), (4e9, 2.0), (4e9, 1.0))


def test_candidates_without_rank_are_not_drawn():
    found = swept(POINTS)
    found["candidates"][1]["rank"] = None
    assert len(sweep_panels(found)[0].points) == 2


@pytest.mark.parametrize("spread", [1.0, 100.0])
def test_a_sweep_can_be_read(spread):
    points = [
        (rows, time, energy * (spread if rows == 8 else 1), area, on)
        for rows, time, energy, area, on in POINTS
    ]
    assert_legible(sweep_figure(swept(points, OBJECTIVES)))
    assert_legible(sweep_figure(swept(points)))
