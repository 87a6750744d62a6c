"""Why a layer takes its time, in facts of the mapping and of the simulation."""

import json

import pytest
from machines import conv, machine

from accelsim import load_network
from accelsim.descriptions import vary
from accelsim.mapping.mapping import Choice
from accelsim.mapping.options import MappingOptions
from accelsim.mapping.program import mappings
from accelsim.mapping.search import map_layer
from accelsim.mapping.tile import TileShape
from accelsim.pricing import result_of
from accelsim.report.text.diagnosis import loop_words, reason
from accelsim.run import plan_run
from accelsim.search.diagnosis import diagnose, fills, idle_array_cycles
from accelsim.simulation.engines import simulate
from accelsim.traffic import Traffic

LARGE = machine(**{"pe_array.output_stationary.weight_density": 0.6})
SMALL = machine(
    **{"pe_array.rows": 8, "pe_array.columns": 8, "pe_array.output_stationary.weight_density": 0.6}
)


def diagnosed(network, layer, hardware=LARGE, options=None):
    """What is said of a layer in a run."""
    plan = plan_run(load_network(network), hardware, options)
    result = result_of(plan, simulate(plan.schedule, hardware))
    for one, mapping in zip(result.layers, plan.schedule.mappings, strict=True):
        if one.name == layer:
            return diagnose(one, mapping, hardware)
    raise AssertionError(layer)


def by_direction(mapping, hardware):
    return {loop_words(fill): fill for fill in fills(mapping, hardware)}


def test_three_input_channels_fill_3_of_16_rows_when_weights_are_stationary():
    found = diagnosed("alexnet", "conv1", options=MappingOptions(dataflow="weight_stationary"))
    worst = found.fills[0]
    assert (worst.loop, worst.of_group, worst.extent, worst.of_a_pass) == ("c", False, 3, 16)
    assert worst.filled == 3 / 16
    assert "a pass has room for 16 input channels, the layer has 3" in reason(found)
    assert found.array_utilization == pytest.approx(3 / 16, rel=0.02)


def test_seven_by_seven_pixels_fill_49_of_256_pes_when_outputs_are_stationary():
    layer = conv(64, 64, (7, 7))
    found = by_direction(map_layer(layer, LARGE, MappingOptions(dataflow="output_stationary")), LARGE)
    assert found["output rows"].filled * found["output columns"].filled == 49 / 256


def test_passes_are_counted_tile_by_tile():
    layer = conv(40, 16, (20, 16))
    mapping = map_layer(layer, LARGE, MappingOptions(dataflow="output_stationary"))
    found = by_direction(mapping, LARGE)
    rows = -(-20 // mapping.tile.y)
    assert found["output rows"].passes >= max(rows, 2)
    assert found["output rows"].filled == 20 / (16 * found["output rows"].passes)
    assert found["output columns"].filled == 1


def test_a_depthwise_convolution_has_one_channel_of_a_group_where_a_pass_takes_more():
    layer = conv(1, 1, (14, 14), G=32, kernel=(3, 3), padding=(1, 1, 1, 1))
    mapping = map_layer(layer, LARGE, MappingOptions(dataflow="output_stationary"))
    found = by_direction(mapping, LARGE)
    assert found["output channels of a group"].filled == 1 / 8


FAST = vary(
    LARGE,
    **{
        "pe_array.dataflows": ["output_stationary"],
        "pe_array.output_stationary.weight_density": 1.0,
        "dram.bandwidth_bytes_per_cycle": 1024,
        "vector_unit.lanes_per_column": 64,
    },
)
"""Outputs stay in place, and DRAM and the vector unit do not bound."""


def of_convolution(folder, channels, **arguments):
    """What is said of a convolution of 16 x 16 pixels on that machine."""
    row = {"block": "conv", "name": "conv", "padding": "same", **arguments}
    network = {
        "name": "one",
        "title": "One convolution",
        "source": "made up for this test",
        "input": {"channels": channels, "height": 16, "width": 16},
        "stages": [row],
    }
    file = folder / "one.yaml"
    file.write_text(json.dumps(network))
    return diagnosed(file, "conv", FAST)


def test_output_channels_in_turn_leave_no_pe_idle_when_outputs_are_stationary(tmp_path):
    found = of_convolution(tmp_path, 64, out_channels=9, kernel=7)
    channels = {loop_words(fill): fill for fill in found.fills}["output channels"]
    assert (channels.filled, channels.across) == (9 / 16, False)
    assert found.array_utilization > 0.9
    assert "output channels" not in reason(found)


def test_few_output_channels_for_each_loaded_block_of_inputs_are_a_reason_to_load(tmp_path):
    found = of_convolution(tmp_path, 32, out_channels=32, kernel=3, groups=32)
    assert "a loaded block of inputs can serve 8 output channels of a group, the layer has 1" in reason(found)
    assert reason(found).endswith("the rest loads operands and drains results")
    assert "a pass has room" not in reason(found)


def test_rows_that_are_left_idle_are_told_and_passes_are_of_the_others():
    layer = conv(512, 512, (7, 7), kernel=(3, 3), padding=(1, 1, 1, 1))
    tall = vary(SMALL, **{"pe_array.rows": 64})
    tile = {"k": 8, "c": 24, "y": 7, "x": 7}
    choice = Choice(
        layer, "weight_stationary", TileShape(n=1, g=1, fy=3, fx=3, **tile), "filters_outer", idle_rows=40
    )
    (mapping,) = mappings([choice], 1, tall)
    channels = by_direction(mapping, tall)["input channels"]
    assert (channels.of_a_pass, channels.passes) == (24, 22)


def test_what_streams_from_dram_is_told_in_macs_a_byte():
    found = diagnosed("alexnet", "fc6")
    assert found.bound_by == "dram"
    assert found.balance == 256 / 16
    assert found.macs_per_byte == pytest.approx(0.5, rel=0.02)
    assert "0.5 MACs a byte, where a full array needs 16" in reason(found)


def test_zero_weights_that_are_multiplied_are_told():
    found = diagnosed("mobilenet_v1", "stage5.block2.pointwise", SMALL)
    assert found.by_zero == pytest.approx(0.4)
    assert "40% of them by a weight of zero" in reason(found)


def test_an_array_that_cannot_skip_has_no_zero_weights_to_tell_of():
    only = vary(SMALL, **{"pe_array.dataflows": ["weight_stationary"]})
    found = diagnosed("mobilenet_v1", "stage5.block2.pointwise", only)
    assert found.by_zero == pytest.approx(0)
    assert "weight of zero" not in reason(found)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (
            {"bound_by": "dram", "dram_bytes": Traffic(1_000_000, 440_000)},
            "DRAM streams for 95% of the time, 2.00 times the least traffic",
        ),
        (
            {"bound_by": "dram", "dram_bytes": Traffic(300_000, 60_000)},
            "0.50 times the least traffic of a layer of which nothing stays on chip",
        ),
        ({"bound_by": "vector"}, "the vector unit works for 95% of the time"),
        (
            {"bound_by": "latency"},
            "its 168 tiles wait for DRAM and each other: nothing works for more than 95%",
        ),
        ({"bound_by": "latency", "tiles": 1}, "its only tile waits for DRAM and each other"),
        ({"bound_by": "array_fill"}, "the array works for 95% of the time; while it works, 6"),
        ({"bound_by": "dram", "macs": 0, "utilization": 0.0}, "it multiplies nothing"),
    ],
)
def test_each_bound_has_its_sentence(a_layer, changes, words):
    mapping = map_layer(conv(64, 3, (227, 227), kernel=(5, 5), stride=(2, 2)), LARGE)
    assert words in reason(diagnose(a_layer(**changes), mapping, LARGE))


def test_lost_cycles_are_those_of_idle_pes(a_layer):
    layers = [a_layer(cycles=1000, utilization=0.25), a_layer(cycles=100, utilization=1.0)]
    assert idle_array_cycles(layers) == 750
    assert idle_array_cycles([layers[0]._replace(utilization=0.0)]) == 1000
