"""The picture of a layer's mapping: what it says is the mapping's, and its words can be read."""

import pytest
from legible import assert_legible, words_of

import accelsim
from accelsim.errors import AccelsimError
from accelsim.mapping import MappingRule, as_executed
from accelsim.pricing import result_of
from accelsim.report.files.trace import Timeline
from accelsim.report.plots.drawn_mapping import DrawnMapping, full_pass, nest_lines, on_chip_lines
from accelsim.report.plots.mapping import mapping_figure
from accelsim.run import plan_run
from accelsim.simulation.events import simulate_events

NETWORK = "squeezenet_v1_1@resolution=128"
RULES = [
    MappingRule(
        layers="fire2.expand3x3",
        tile={"K": 8, "C": 8, "OY": 11, "OX": 9, "FY": 2},
        order=("OX", "K", "C", "FY", "OY"),
    ),
    MappingRule(layers="fire3.expand1x1", dataflow="weight_stationary", tile={"K": 12, "C": 10, "OY": 1}),
]


def timeline_of(hardware, network=NETWORK, mapping=None):
    machine = accelsim.load_hardware(hardware)
    plan = plan_run(network, machine, mapping=mapping)
    activity = simulate_events(plan.schedule, machine, keep_timeline=True)
    everything = frozenset(range(len(plan.schedule.layers)))
    return Timeline(result_of(plan, activity), machine, plan.schedule, activity, everything)


@pytest.fixture(scope="module")
def timeline():
    return timeline_of("16x16_128k", mapping=RULES)


def drawn_of(timeline, name):
    index = [layer.name for layer in timeline.schedule.layers].index(name)
    layer = timeline.schedule.layers[index]
    return DrawnMapping(layer, timeline.mapping(index), as_executed(layer, 1)[1], timeline.hardware)


def test_the_nest_has_a_line_for_each_loop_of_several_tiles_and_what_comes_with_it(timeline):
    lines = nest_lines(drawn_of(timeline, "fire2.expand3x3"))
    assert [(words.strip(), comes) for words, comes in lines] == [
        ("for OX in 4 tiles of 9 of 31 output columns", ["inputs", "outputs"]),
        ("for K in 8 tiles of 8 of 64 output channels", ["weights", "outputs"]),
        ("for C in 2 tiles of 8 of 16 input channels", ["inputs", "weights"]),
        ("for FY in 2 tiles of 2 of 3 kernel rows", ["inputs", "weights"]),
        ("for OY in 3 tiles of 11 of 31 output rows", ["inputs", "outputs"]),
    ]


def test_numbers_are_the_first_steps_that_go_through_a_part(timeline):
    drawn = drawn_of(timeline, "fire2.expand3x3")
    assert drawn.numbers("input_channel") == {((0, 8),): [1, 2, 3, 4, 5, 6], ((8, 16),): [7, 8]}
    assert drawn.numbers("row", "column") == {
        ((0, 11), (0, 9)): [1, 4, 7],
        ((11, 22), (0, 9)): [2, 5, 8],
        ((22, 31), (0, 9)): [3, 6],
    }


def test_the_array_shows_what_lies_along_it_and_how_much_of_it_works(timeline):
    full = full_pass(drawn_of(timeline, "fire3.expand1x1"))
    assert full.loops == {"rows": ("C",), "columns": ("K",)}
    assert full.blocks == ((0, 0, 10, 12),)
    assert full_pass(drawn_of(timeline, "prob")) is None
    lines = list(on_chip_lines(drawn_of(timeline, "fire3.expand1x1")))
    skipped = "zero weights are skipped: 60% of the weights are multiplied"
    assert skipped in list(on_chip_lines(drawn_of(timeline, "conv1")))
    assert skipped not in lines
    assert "along the rows lie 10 of C of a full tile, in 1 pass: 10 of 16 rows work" in lines
    assert "along the columns lie 12 of K of a full tile, in 1 pass: 12 of 16 columns work" in lines
    assert "in the PEs stay weights, while inputs and outputs stream by" in lines


def test_the_sets_of_a_row_stationary_array_are_drawn_where_they_lie():
    """conv2 as the chip ran it: 27 rows of outputs go on below the 14 columns (JSSC 2017, table V)."""
    rule = MappingRule(
        layers="conv2", tile={"K": 64, "OY": 27}, parameters={"p": 16}, dataflow="row_stationary"
    )
    full = full_pass(drawn_of(timeline_of("eyeriss", "alexnet", [rule]), "conv2"))
    assert full.blocks == ((0, 0, 5, 14), (5, 0, 5, 13))
    assert full.words[0] == (
        "1 set of 5 kernel rows (FY) x 27 output rows (OY), in 2 parts below each other: 135 of 168 PEs work"
    )


def test_units_that_do_not_work_have_no_row():
    def labels(timeline, layer):
        return [text.get_text() for text in mapping_figure(timeline, layer).axes[-1].get_yticklabels()]

    assert labels(timeline_of("eyeriss", "alexnet"), "conv2") == ["DRAM channel", "PE array"]
    assert "vector unit" in labels(timeline_of("16x16_128k"), "conv1")


@pytest.mark.parametrize(
    ("hardware", "layer"),
    [
        ("16x16_128k", "fire2.expand3x3"),
        ("16x16_128k", "fire3.expand1x1"),
        ("16x16_128k", "conv1"),
        ("16x16_128k", "prob"),
        ("npu_int8_2m", "fire5.expand3x3"),
        ("mcu_l3_l2_l1", "fire9.squeeze1x1"),
    ],
)
def test_all_words_can_be_read(timeline, hardware, layer):
    own = timeline if hardware == "16x16_128k" else timeline_of(hardware)
    figure = mapping_figure(own, layer)
    assert_legible(figure)
    words = [text.get_text() for text, _ in words_of(figure)]
    assert any(layer in text for text in words)


def test_a_layer_that_is_none_is_said_with_the_nearest(timeline):
    with pytest.raises(AccelsimError, match="conv2: no such executed layer, did you mean 'conv1'"):
        mapping_figure(timeline, "conv2")
