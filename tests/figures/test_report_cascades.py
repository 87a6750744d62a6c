"""How a cascade is seen: one band with its layers inside, rows of tensors, stripes in time."""

import json
from itertools import pairwise

import pytest
from cascades import striped_machine, two_kernels, with_cascades
from legible import words_of
from matplotlib.patches import Rectangle

from accelsim import load_hardware, run_network
from accelsim.descriptions import vary
from accelsim.mapping.chosen import chosen_rules
from accelsim.mapping.given_file import CascadeRule
from accelsim.mapping.stripes import Cascade
from accelsim.mapping.together import by_layer
from accelsim.report.files.trace import LAYERS, TIME_THREAD, Timeline, chosen_layers, write_trace
from accelsim.report.pages.memory import memory_section
from accelsim.report.pages.values import layer_columns
from accelsim.report.plots.layers import layers_figure
from accelsim.report.plots.mapping import layer_number, mapping_figure
from accelsim.report.plots.memory import memory_blocks, memory_figure
from accelsim.report.tables.comparison import Case
from accelsim.report.tables.residency import residency_report
from accelsim.report.tables.run import run_report
from accelsim.report.text.cascades import cascades_sentence
from accelsim.report.text.mappings import mapping_text
from accelsim.report.text.table import Style
from accelsim.report.values.cascades import cascades_of
from accelsim.run import run_plan
from accelsim.simulation.events import simulate_events

TINY_ARENA = {"memories.sram.arena_bytes": 20 * 1024}
SENTENCE = (
    "1 cascade, 2 layers stripe by stripe: a to b (4 stripes of 2 rows, 128 bytes of rows between them, "
    "weights of 1 layer stay)"
)


@pytest.fixture(scope="module")
def plan():
    """Two layers in four stripes; the second's weights stay."""
    return with_cascades(two_kernels(), striped_machine(), Cascade(0, 2, 2, frozenset({1})))


@pytest.fixture(scope="module")
def result(plan):
    """What they come to."""
    return run_plan(plan)


@pytest.fixture(scope="module")
def timeline(plan, result):
    """When everything happened."""
    activity = simulate_events(plan.schedule, plan.hardware, keep_timeline=True)
    return Timeline(result, plan.hardware, plan.schedule, activity, chosen_layers([], plan.schedule))


def bands(axes):
    """Frames of cascades: their first and last layers."""
    return [
        (round(patch.get_x()), round(patch.get_x() + patch.get_width()))
        for patch in axes.patches
        if isinstance(patch, Rectangle) and patch.get_linestyle() == "--"
    ]


def test_a_sentence_says_which_layers_and_what_is_on_chip(result):
    assert cascades_sentence(cascades_of(result.layers)) == SENTENCE
    words = " ".join(run_report(result, Style(), "none").split())
    assert SENTENCE in words


def test_the_memory_map_has_rows_and_weights_for_as_long_as_the_cascade(result):
    blocks = {block.name: block for block in memory_blocks(result.memory_map)}
    assert (blocks["a"].kind, blocks["a"].size_bytes) == ("window", 128)
    assert (blocks["b weights"].kind, blocks["b weights"].size_bytes) == ("of_cascade", 144)
    assert {(block.first, block.last) for block in (blocks["a"], blocks["b weights"])} == {(0, 1)}


def test_it_is_one_band_in_pictures(result):
    for figure in (memory_figure([result]), layers_figure([result])):
        assert [bands(axes) for axes in figure.axes] == [[(0, 1)]] * len(figure.axes)
    plain = run_plan(with_cascades(two_kernels(), striped_machine()))
    assert not any(bands(axes) for axes in memory_figure([plain]).axes)


def test_it_is_one_band_in_a_trace_with_its_stripes_inside(timeline, tmp_path):
    write_trace(tmp_path / "trace.json", timeline)
    events = json.loads((tmp_path / "trace.json").read_text(encoding="utf-8"))["traceEvents"]
    band, *inside = [
        event for event in events if (event["pid"], event.get("tid")) == (LAYERS, TIME_THREAD[0])
        and event["ph"] == "X"
    ]  # fmt: skip
    assert (band["name"], band["args"], band["dur"]) == ("cascade 1", {"layers": 2}, timeline.result.cycles)
    assert [event["name"] for event in inside[:3]] == [
        "a, stripe 1 of 4",
        "b, stripe 1 of 4",
        "a, stripe 2 of 4",
    ]
    assert sum(event["dur"] for event in inside) == timeline.result.cycles
    assert inside[0]["args"]["all_stripes"]["cycles"] == timeline.result.layers[0].cycles


def test_a_layer_is_drawn_as_most_of_its_stripes_are(plan, timeline):
    assert layer_number(plan.schedule, "a") == 2  # not the first, which is larger
    figure = mapping_figure(timeline, "a")
    assert "Mapping of a, stripe 2 of 4" in figure.texts[0].get_text()
    words = " ".join(text.get_text() for text, _ in words_of(figure))
    assert "outputs: in place in sram, without tiles" in words  # rows of them alone
    assert "whole tensor" not in words


def test_its_tensors_are_listed_with_their_rows(plan):
    names = [layer.name for layer in by_layer(plan.schedule).layers]
    report = residency_report("small", plan.schedule.memory_map, "dram", names, Style())
    assert "128 bytes sram, 4 rows" in report
    assert "b weights 144 bytes sram, dram" in " ".join(report.split())
    assert "so many of a tensor are there at a time" in " ".join(report.split())


def test_it_is_one_band_in_the_table_of_layers(result):
    lines = run_report(result, Style()).splitlines()
    assert [line[:3] for line in lines[2:6]] == ["  l", "  g", "┌  ", "└  "]
    assert "┌ to └: a cascade, stripe by stripe. op: " in " ".join(lines)
    plain = run_report(result, Style(ascii_only=True)).splitlines()
    assert [line[:1] for line in plain[4:6]] == ["/", "\\"]
    by_time = run_report(result, Style(), "top").splitlines()
    assert [line[:2] for line in by_time[3:5]] == ["│ ", "│ "]
    assert max(map(len, [*lines, *by_time])) <= 80
    alone = run_report(run_plan(with_cascades(two_kernels(), striped_machine())), Style())
    assert not any(mark in alone for mark in ("┌", "│", "└", "a cascade"))


def test_the_line_of_a_stage_between_its_layers_lies_in_the_band():
    result = run_network(
        "mobilenet_v1@width=0.25,resolution=64", vary(load_hardware("ethos_u55_128"), **TINY_ARENA)
    )
    marks = [line[:1] for line in run_report(result, Style()).splitlines()[3:]]
    table = marks[: marks.index("└") + 1]
    assert table[0] == "┌" and set(table[1:-1]) == {"│"}
    [first, *_] = cascades_of(result.layers)
    stages = [layer.stage for layer in first.layers]
    inside = sum(stage != before for before, stage in pairwise(stages))
    assert len(table) == len(first.layers) + inside


def test_it_is_one_band_in_the_table_of_tensors(plan):
    names = [layer.name for layer in by_layer(plan.schedule).layers]
    lines = residency_report("small", plan.schedule.memory_map, "dram", names, Style()).splitlines()
    assert [line[:3] for line in lines[3:7]] == ["  i", "┌ a", "└ b", "  b"]  # b's weights are the last
    assert lines[6].startswith("  b weights")


def test_a_page_numbers_cascades_in_its_table(result):
    assert layer_columns(result, striped_machine())["cascade"] == [1, 1]
    alone = run_plan(with_cascades(two_kernels(), striped_machine()))
    assert "cascade" not in layer_columns(alone, striped_machine())


def test_a_page_says_what_the_colours_of_rows_are(result):
    assert "rows of a tensor" in memory_section([Case("small", "machine", result)])
    plain = run_plan(with_cascades(two_kernels(), striped_machine()))
    assert "rows of a tensor" not in memory_section([Case("small", "machine", plain)])


def test_chosen_mappings_name_its_layers_in_one_rule(plan, result):
    cascade, *of_layers = chosen_rules(plan.schedule, plan.hardware, plan.options)
    assert cascade == CascadeRule(cascade=("a", "b"), stripe_rows=2, weights_stay=("b",))
    assert {rule.layers for rule in of_layers} == {"a", "b"}
    text = mapping_text([cascade, *of_layers], plan.schedule, result)
    assert "# a to b (4 stripes of 2 rows, 128 bytes of rows between them, weights of 1 layer stay)" in text
    assert "# most of its stripes: " in text
    assert "the same cycles, energy and bytes" in text
