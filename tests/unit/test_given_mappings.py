"""Mapping files: what is given holds, what is not is searched for, and what cannot be is one line."""

import pickle
from dataclasses import replace

import numpy as np
import pytest
from machines import conv, machine

from accelsim import load_hardware, run_network
from accelsim.descriptions import vary
from accelsim.errors import AccelsimError, DescriptionError, MappingError
from accelsim.hardware import Operand
from accelsim.mapping.chosen import chosen_rules
from accelsim.mapping.given_file import GivenMappings, LoopBounds, MappingRule, read_mappings, whole_order
from accelsim.mapping.given_search import shortfall_of_given
from accelsim.mapping.letters import tile_sizes
from accelsim.mapping.options import MappingOptions
from accelsim.report.text.mappings import mapping_text
from accelsim.run import plan_run, run_plan
from accelsim.verification.schedules import verify_plan

NETWORK = "squeezenet_v1_1@resolution=64"
MACHINE = "16x16_128k"


def chosen(rules, name, network=NETWORK, hardware=MACHINE, options=None):
    """The mapping of a layer of a network that is told these rules."""
    schedule = plan_run(network, hardware, options, mapping=rules).schedule
    return next(
        mapping
        for layer, mapping in zip(schedule.layers, schedule.mappings, strict=True)
        if layer.name == name
    )


def file_of(tmp_path, text):
    path = tmp_path / "mine.yaml"
    path.write_text(text)
    return path


def fault_of(tmp_path, text, network=NETWORK, hardware=MACHINE):
    """The lines of the error of a mapping file, without its folder."""
    with pytest.raises(AccelsimError) as caught:
        run_network(network, hardware, mapping=file_of(tmp_path, text))
    return [line.replace(f"{tmp_path}/", "") for line in caught.value.lines]


def test_what_is_given_holds_and_the_rest_is_searched_for():
    free = chosen([MappingRule(layers="conv1")], "fire3.squeeze1x1")
    rule = MappingRule(layers="fire3.squeeze1x1", tile={"K": 8, "OX": 11}, order=("OY", "OX", "C", "K"))
    told = chosen([rule], "fire3.squeeze1x1")
    sizes = tile_sizes(told)
    assert (sizes["K"], sizes["OX"]) == (8, 11)
    assert told.order == "pixels_channels_filters"
    assert tile_sizes(free) != sizes


def test_a_dataflow_alone_is_what_the_option_says_of_all_layers():
    told = run_network(NETWORK, MACHINE, mapping=[MappingRule(layers="*", dataflow="output_stationary")])
    assert told == run_network(NETWORK, MACHINE, dataflow="output_stationary")


def test_what_is_not_told_anything_of_use_is_mapped_as_it_was():
    assert run_network(NETWORK, MACHINE, mapping=[MappingRule(layers="*")]) == run_network(NETWORK, MACHINE)


def test_the_last_rule_that_fits_a_layer_holds_and_no_other():
    rules = [
        MappingRule(layers="fire2.*", dataflow="output_stationary", tile={"K": 4}),
        MappingRule(layers="fire2.expand*", dataflow="weight_stationary"),
    ]
    assert tile_sizes(chosen(rules, "fire2.squeeze1x1"))["K"] == 4
    expand = chosen(rules, "fire2.expand3x3")
    assert expand.dataflow == "weight_stationary"
    assert tile_sizes(expand)["K"] != 4


def test_a_tile_that_no_search_knows_is_proven_and_simulated_alike_by_both_engines():
    tile = {"K": 16, "C": 8, "OY": 3, "OX": 4, "FX": 2}
    rule = MappingRule(layers="fire4.expand3x3", tile=tile, order=("K", "FX", "OX", "C", "OY"))
    plan = plan_run(NETWORK, MACHINE, mapping=[rule])
    assert tile_sizes(chosen([rule], "fire4.expand3x3")) == {**tile, "N": 1, "G": 1, "FY": 3}
    assert verify_plan(plan, layers=["fire4.expand3x3"]).proven
    assert run_plan(plan, "fast") == run_plan(plan, "events")


def test_chosen_mappings_given_back_come_to_the_same(tmp_path):
    plan, given_back = plan_run(NETWORK, MACHINE), tmp_path / "chosen.yaml"
    rules = chosen_rules(plan.schedule, plan.hardware)
    given_back.write_text(mapping_text(rules, plan.schedule, run_plan(plan)))
    assert list(read_mappings(given_back).rules) == rules
    assert run_network(NETWORK, MACHINE, mapping=given_back) == run_plan(plan)


def test_loops_that_are_not_named_have_their_places():
    assert whole_order(["C", "OY", "OX", "K"]) == ("N", "G", "C", "FY", "FX", "OY", "OX", "K")
    assert whole_order(["K"]) == ("N", "G", "K", "OY", "OX", "C", "FY", "FX")
    assert whole_order(["FX", "C", "N"]) == ("G", "FX", "C", "FY", "N", "K", "OY", "OX")


MISTAKES = {
    "- {layers: conv1, tile: {Q: 4}}": "1: tile.Q = 4: no such key: allowed are N, G, K, C, OY, OX, FY, FX",
    "- {layers: conv1, tile: {K: 0}}": "1: tile.K = 0: must be a whole number from 1 to 1000000000",
    "\n- {tile: {K: 4}}": "2: layers: missing, must be text, not empty",
    "- {layers: conv1, order: [K, K]}": '1: order = ["K", "K"]: must name each loop once',
    "- {layers: conv1, tile: {K: 4}, bounds: {K: {max: 8}}}": (
        '1: bounds.K = {"max": 8}: must be left out: tile says the size'
    ),
    "- {layers: conv1, bounds: {K: {min: 5, max: 7, multiple_of: 8}}}": (
        '1: bounds.K = {"min": 5, "max": 7, "multiple_of": 8}: no multiple of 8 is from 5 to 7'
    ),
    "- {layers: conv1, tile: {K: 65}}": "1: tile.K = 65: conv1 has 64 of K",
    "- {layers: conv1, bounds: {K: {multiple_of: 96}}}": (
        '1: bounds.K = {"multiple_of": 96}: conv1 has 64 of K, and 96 is the least allowed'
    ),
    "- {layers: conv1, tile: {K: 64, C: 3, OY: 31, OX: 31}}": (
        "1: tile: conv1 on 16x16_128k: tiles K64 C3 OY31 OX31 FY3 FX3 need 246016 bytes of the bank of "
        "outputs in global_buffer, as many as lie there at a time, which has 32768"
    ),
    "- {layers: conv1, dataflow: row_stationary}": (
        "1: dataflow = 'row_stationary': conv1 may run by weight_stationary or output_stationary "
        "on 16x16_128k"
    ),
    "- {layers: prob, dataflow: weight_stationary}": (
        "1: dataflow = 'weight_stationary': prob is a softmax, which runs on the vector unit (vector)"
    ),
    "- {layers: conv1, homes: {weights: flash}}": "1: homes.weights = 'flash': must be dram on 16x16_128k",
    "- {layers: conv1, dataflow: weight_stationary, parameters: {p: 4}}": (
        "1: parameters.p = 4: no such parameter of weight_stationary"
    ),
    "- {layers: conv1, idle_rows: 16}": "1: idle_rows = 16: must be at most 15 on 16x16_128k",
    "- {layers: conv1, images: in_turn}": "1: images = 'in_turn': must be left out: a single image is run",
    "{layers: conv1}": (
        "1: is a mapping of keys to values: must be a list of rules, each with `layers` and what is said "
        "of their mappings, or with `cascade`"
    ),
    "[]": (
        "1: is an empty list: must be a list of rules, each with `layers` and what is said of their "
        "mappings, or with `cascade`"
    ),
}


@pytest.mark.parametrize("text", MISTAKES)
def test_what_cannot_be_is_one_line(tmp_path, text):
    assert fault_of(tmp_path, text) == [f"mine.yaml:{MISTAKES[text]}"]


@pytest.mark.parametrize(
    ("pattern", "sentence"),
    [
        ("conv10", "conv10 has 513000 bytes of weights, and sram of npu_int8_psram 8192"),
        (
            "fire2.expand*",
            "fire2.expand3x3 has 9280 bytes of weights (10368 with those of 1 other layer), and sram of "
            "npu_int8_psram 8192",
        ),
    ],
)
def test_weights_that_are_to_stay_and_do_not_fit_are_one_line(tmp_path, pattern, sentence):
    keeps = {"memories.sram.size_bytes": 8192, "memories.sram.keeps": ["activations", "weights"]}
    hardware = vary(load_hardware("npu_int8_psram"), **keeps)
    text = f'- {{layers: "{pattern}", homes: {{weights: sram}}}}'
    (line,) = fault_of(tmp_path, text, hardware=hardware)
    assert line == f"mine.yaml:1: homes.weights = 'sram': {sentence}"


def test_a_pattern_that_fits_no_layer_is_said_with_the_nearest(tmp_path):
    (line,) = fault_of(tmp_path, "- {layers: conv2}\n")
    assert line.startswith("mine.yaml:1: layers = 'conv2': no such executed layer, did you mean 'conv1'?")


def test_a_pooling_that_runs_within_a_layer_is_no_layer(tmp_path):
    (line,) = fault_of(tmp_path, "- {layers: pool1}\n")
    assert line.startswith("mine.yaml:1: layers = 'pool1': no such executed layer")


def test_all_mistakes_are_told_at_once(tmp_path):
    rules = ("{layers: conv1, tile: {K: 65}}", "{layers: nothing}", "{layers: conv10, idle_rows: 99}")
    lines = fault_of(tmp_path, "".join(f"- {rule}\n" for rule in rules))
    assert [line.partition(": ")[0] for line in lines] == ["mine.yaml:1", "mine.yaml:2", "mine.yaml:3"]


def test_homes_without_a_plan_are_one_line(tmp_path):
    (line,) = fault_of(
        tmp_path,
        "- {layers: fire2.squeeze1x1, homes: {outputs: sram}}\n"
        "- {layers: fire2.expand1x1, homes: {inputs: psram}}\n",
        NETWORK,
        "npu_int8_psram",
    )
    assert line.startswith(
        "mine.yaml:1: homes: no plan of npu_int8_psram has the operands of fire2.squeeze1x1"
    )


def test_images_that_share_a_tile_do_not_run_in_turn(tmp_path):
    def fault(text):
        path, options = file_of(tmp_path, text), MappingOptions(batch=2)
        with pytest.raises(AccelsimError) as caught:
            plan_run(NETWORK, "npu_int8_256k", options, mapping=path)
        return str(caught.value).replace(f"{tmp_path}/", "")

    squeeze, expand = "layers: fire2.squeeze1x1", "layers: fire2.expand1x1"
    of_one = "a tile of several images needs these together, and {} has them in turn"
    assert fault(f"- {{{squeeze}, images: in_turn, tile: {{N: 2}}}}") == (
        f"mine.yaml:1: tile.N = 2: {of_one.format('this rule')}"
    )
    assert fault(f"- {{{squeeze}, images: in_turn}}\n- {{{expand}, bounds: {{N: {{min: 2}}}}}}") == (
        f'mine.yaml:2: bounds.N = {{"min": 2}}: {of_one.format("another rule")}'
    )
    assert fault(f"- {{{squeeze}, tile: {{N: 2}}}}\n- {{{expand}, images: in_turn}}") == (
        "mine.yaml:2: images = 'in_turn': must be together, as another rule has it: a batch goes one way"
    )


def test_a_batch_goes_together_where_images_share_a_tile_or_the_reason_is_that_of_this_way():
    rule = MappingRule(layers="fire2.squeeze1x1", tile={"N": 2})
    schedule = plan_run(NETWORK, "npu_int8_2m", MappingOptions(batch=2), mapping=[rule]).schedule
    assert schedule.images_in_turn == 1
    with pytest.raises(MappingError, match=r"^conv1 on npu_int8_256k: needs \d+ bytes of sram"):
        plan_run("squeezenet_v1_1@resolution=128", "npu_int8_256k", MappingOptions(batch=4), mapping=[rule])


def test_a_size_that_there_is_not_is_named_as_the_file_has_it():
    given = MappingRule(layers="conv1", tile={"N": 2}, bounds={"K": {"multiple_of": 24, "max": 24}}).given()
    layer, hardware = conv(16, 8, (8, 8)), load_hardware(MACHINE)
    reason = shortfall_of_given(given, layer, 1, hardware, ["weight_stationary"])
    assert reason == ("tile.N = 2", "there is 1 of N")
    without = replace(given, tile=())
    assert shortfall_of_given(without, layer, 1, hardware, ["weight_stationary"]) == (
        "bounds.K",
        "no tile of K, of which there are 16, is at most 24, a multiple of 24",
    )


def test_layers_of_the_host_say_why_no_dataflow_of_the_array_runs_them():
    hardware = machine(host={"takes": ["fully_connected"], "macs_per_cycle": 2.0})
    rules = [MappingRule(layers="fc*", dataflow="weight_stationary")]
    with pytest.raises(DescriptionError, match=r"fc\w* runs on the host, which takes fully_connected"):
        plan_run("mobilenet_v1@width=0.25,resolution=128", hardware, mapping=rules)
    told = chosen(
        [MappingRule(layers="fc*", dataflow="host", tile={"K": 10})],
        "fc",
        "mobilenet_v1@width=0.25,resolution=128",
        hardware,
    )
    assert (told.dataflow, told.tile.k) == ("host", 10)


@pytest.mark.parametrize("given", [4, [], ["conv1"], [{"layers": "conv1"}]])
def test_what_is_no_mapping_is_said_to_be_none(given):
    with pytest.raises(AccelsimError, match=r"mapping = .* must be the path of a mapping file, or a list of"):
        run_network(NETWORK, MACHINE, mapping=given)


IN_PYTHON = {
    "order.0 = 'A': must be 'N', 'G', 'K', 'C', 'OY', 'OX', 'FY' or 'FX'": {"order": ["A"]},
    "tile.K = -1: must be a whole number from 1 to 1000000000": {"tile": {"K": -1}},
    "tile.Z = 1: no such key: allowed are N, G, K, C, OY, OX, FY, FX": {"tile": {"Z": 1}},
    "bounds.K.min = 0: must be a whole number from 1 to 1000000000": {"bounds": {"K": {"min": 0}}},
    'bounds.K = {"min": 3, "max": 2}: min is 3 and max is 2: must not be above it': {
        "bounds": {"K": {"min": 3, "max": 2}}
    },
    'order = ["K", "K"]: must name each loop once': {"order": ("K", "K")},
    "size = 3: no such key: allowed are layers, dataflow, tile, order, bounds, homes, parameters, "
    "idle_rows, images, from_stripe": {"size": 3},
}


@pytest.mark.parametrize("sentence", IN_PYTHON)
def test_a_rule_that_a_program_makes_is_refused_in_the_same_words(sentence):
    with pytest.raises(DescriptionError) as caught:
        MappingRule(layers="conv1", **IN_PYTHON[sentence])
    assert str(caught.value) == f"MappingRule: {sentence}"


def test_bounds_that_a_program_makes_are_refused_in_words_as_are_objects_that_no_file_can_hold():
    with pytest.raises(AccelsimError, match=r"^LoopBounds: min = 0: must be a whole number from 1"):
        LoopBounds(min=0)
    with pytest.raises(AccelsimError, match=r"^MappingRule: <object .*> cannot stand in a description"):
        MappingRule(layers=object())


def test_a_program_may_say_what_a_file_may():
    said = MappingRule(
        layers="conv1",
        order=["K", "C"],
        bounds={"OY": LoopBounds(max=np.int64(8))},
        homes={"weights": "dram"},
    )
    assert said == MappingRule(
        layers="conv1", order=("K", "C"), bounds={"OY": {"max": 8}}, homes={Operand.WEIGHTS: "dram"}
    )
    assert said.order == ("K", "C")
    assert said.bounds["OY"] == LoopBounds(max=8)
    assert pickle.loads(pickle.dumps(said)) == said


def test_a_key_that_is_null_says_as_much_as_one_that_is_left_out(tmp_path):
    keys = [key for key in MappingRule.model_fields if key != "layers"]
    text = f"- {{layers: conv1, {', '.join(f'{key}: null' for key in keys)}}}"
    assert read_mappings(file_of(tmp_path, text)).rules == (MappingRule(layers="conv1"),)
    assert MappingRule(layers="conv1", **dict.fromkeys(keys)) == MappingRule(layers="conv1")


def test_given_mappings_are_given_as_they_are():
    given = GivenMappings.of([MappingRule(layers="conv1", tile={"K": np.int64(8).item()})])
    assert GivenMappings.of(given) is given
    assert chosen(given, "conv1").tile.k == 8


def test_what_a_pool_does_not_hold_is_a_mapping_error():
    rule = MappingRule(layers="conv1", tile={"K": 64, "C": 3, "OY": 63, "OX": 63})
    with pytest.raises(MappingError, match=r"mapping\[0\]: tile: conv1 on npu_int8_psram: .* bytes of sram"):
        plan_run("squeezenet_v1_1@resolution=128", "npu_int8_psram", mapping=[rule])
