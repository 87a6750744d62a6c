"""Cascades that a mapping file says: what is said holds, the rest is searched for; mistakes are one line."""

import json
from functools import partial

import pytest
from cascades import small
from machines import keeping_machine

from accelsim import load_hardware, run_network
from accelsim.descriptions import vary
from accelsim.errors import AccelsimError, DescriptionError
from accelsim.hardware import Hardware, Operand
from accelsim.mapping.chosen import chosen_rules
from accelsim.mapping.given_file import CascadeRule, MappingRule, read_mappings
from accelsim.mapping.given_stripes import for_stripe
from accelsim.mapping.letters import tile_sizes
from accelsim.mapping.options import MappingOptions
from accelsim.network.given import GivenMapping, SizeBounds
from accelsim.network.layer import Layer
from accelsim.planning.cascades import cascading
from accelsim.planning.programme.planner import solved
from accelsim.run import plan_peak, plan_run, run_plan
from accelsim.verification.schedules import verify_plan

IMAGE = "mlperf_tiny_ic"
MOBILE = "mobilenet_v2@width=0.35,resolution=64"
EXPAND, DEPTHWISE = "stage2.block1.expand", "stage2.block1.depthwise"
FIRST_FOUR = ("conv1", "stage1.conv1", "stage1.conv2", "stage1.add")
IN_FOUR = "- {cascade: [conv1, stage1.conv1, stage1.conv2, stage1.add]}\n"


def ethos(size_bytes=36000):
    """Arm's machine with little memory for activations, and weights in flash."""
    return vary(load_hardware("ethos_u55_128"), **{"memories.sram.size_bytes": size_bytes})


def npu(size_bytes=16384):
    """One with PSRAM outside, which holds activations as well, and weights that may be pinned."""
    keeps = {"memories.sram.keeps": ["activations", "weights"]}
    changes = {"memories.sram.size_bytes": size_bytes, "cascade": {"layers": 4}, **keeps}
    return vary(load_hardware("npu_int8_psram"), **changes)


def planned(*rules, network=IMAGE, hardware=None, options=None):
    """The schedule of a network that is told these rules."""
    return plan_run(network, hardware or ethos(), options, mapping=list(rules)).schedule


def cascades_of(schedule):
    return [] if schedule.striped is None else [stripes.cascade for stripes in schedule.striped.cascades]


def fault_of(tmp_path, text, network=IMAGE, hardware=None, options=None):
    """The one line of the error of a mapping file, without its folder."""
    path = tmp_path / "mine.yaml"
    path.write_text(text)
    with pytest.raises(AccelsimError) as caught:
        plan_run(network, hardware or ethos(), options, mapping=path)
    (line,) = [line.replace(f"{tmp_path}/", "") for line in caught.value.lines]
    return line


def test_layers_that_are_said_to_run_stripe_by_stripe_do():
    free = cascades_of(planned(MappingRule(layers="fc"), hardware=ethos(2**20)))
    assert free == []  # there is room for everything
    said = CascadeRule(cascade=FIRST_FOUR, stripe_rows=6, weights_stay=("stage1.conv1",))
    (cascade,) = cascades_of(planned(said, hardware=ethos(2**20)))
    assert (cascade.steps, cascade.stripe_rows, cascade.resident) == (range(4), 6, {1})


def test_of_rows_and_weights_nothing_has_to_be_said():
    (cascade, *_) = cascades_of(planned(CascadeRule(cascade=FIRST_FOUR)))
    assert cascade == cascades_of(plan_run(IMAGE, ethos()).schedule)[0]  # what is chosen anyway
    (cascade, *_) = cascades_of(planned(CascadeRule(cascade=FIRST_FOUR, weights_stay=())))
    assert cascade.resident == frozenset()
    (cascade, *_) = cascades_of(planned(CascadeRule(cascade=FIRST_FOUR, stripe_rows=3)))
    assert cascade.stripe_rows == 3


def test_other_layers_may_be_in_other_cascades_unless_they_have_a_rule():
    said = CascadeRule(cascade=("stage2.conv1", "stage2.conv2"), stripe_rows=4)
    assert len(cascades_of(planned(said))) == 2
    whole = MappingRule(layers="stage1.conv2")
    with pytest.raises(AccelsimError, match=r"needs \d+ bytes of sram, which has 36000"):
        planned(said, whole)  # three tensors around the addition do not fit
    assert len(cascades_of(planned(said, whole, hardware=ethos(2**16)))) == 1


def sizes_by_stripe(schedule, name):
    """Of each stripe of a layer, from 1 on, the sizes of its tiles."""
    return {
        entry.stripe.stripe + 1: tile_sizes(mapping)
        for layer, mapping, entry in zip(
            schedule.layers, schedule.mappings, schedule.striped.entries, strict=True
        )
        if layer.name == name
    }


def test_rules_for_its_layers_are_about_stripes_and_of_fewer_rows_a_tile_has_all():
    schedule = planned(
        CascadeRule(cascade=FIRST_FOUR, stripe_rows=5),
        MappingRule(layers="stage1.conv?", dataflow="micro_block", tile={"K": 8, "OY": 5}),
    )
    sizes = sizes_by_stripe(schedule, "stage1.conv2")
    assert {of_stripe["K"] for of_stripe in sizes.values()} == {8}
    assert [of_stripe["OY"] for of_stripe in sizes.values()] == [5, 5, 5, 5, 5, 5, 2]  # of 32


def test_a_rule_may_hold_from_a_stripe_on_and_the_last_in_the_file_wins():
    schedule = planned(
        CascadeRule(cascade=FIRST_FOUR, stripe_rows=5),
        MappingRule(layers="conv1", tile={"K": 16}),
        MappingRule(layers="conv1", tile={"K": 8}, from_stripe=5),
        MappingRule(layers="conv1", tile={"K": 4}, from_stripe=3),
    )
    sizes = sizes_by_stripe(schedule, "conv1")
    assert [of_stripe["K"] for of_stripe in sizes.values()] == [16, 16, 4, 4, 4, 4]


def test_homes_are_those_of_all_stripes():
    chain = EXPAND, DEPTHWISE
    rule = CascadeRule(cascade=chain, stripe_rows=4)
    for home in ("psram", "sram"):
        said = MappingRule(layers=chain[0], homes={Operand.INPUTS: home, Operand.WEIGHTS: "sram"})
        result = run_network(MOBILE, npu(2**16), mapping=[rule, said])
        rows = {row.name: row for row in result.layers}
        assert rows[chain[0]].cascade is not None
        assert rows[chain[0]].places["inputs"] == home
        assert rows[chain[0]].places["weights"] == "sram"  # pinned


def test_weights_of_which_it_is_not_said_that_they_stay_are_not_pinned_either():
    chain = EXPAND, DEPTHWISE
    roomy = npu(2**19)
    free = run_network(MOBILE, roomy)
    assert {row.name: row for row in free.layers}[chain[1]].places["weights"] == "sram"
    said = run_network(MOBILE, roomy, mapping=[CascadeRule(cascade=chain, weights_stay=(chain[0],))])
    rows = {row.name: row for row in said.layers}
    assert [rows[name].places["weights"] for name in chain] == ["flash", "flash"]
    assert [rows[name].cascade.weights_stay for name in chain] == [True, False]


def test_images_of_a_batch_go_in_turn():
    rule = CascadeRule(cascade=FIRST_FOUR, stripe_rows=5)
    schedule = planned(rule, options=MappingOptions(batch=2))
    assert schedule.images_in_turn == 2


def test_the_least_memory_is_that_of_what_is_said():
    free = plan_peak(IMAGE, ethos(2**16))
    said = plan_peak(IMAGE, ethos(2**16), mapping=[CascadeRule(cascade=FIRST_FOUR, stripe_rows=16)])
    assert cascades_of(said.plan.schedule)[0].stripe_rows == 16
    assert said.size_bytes > free.size_bytes
    rules = chosen_rules(free.plan.schedule, free.plan.hardware, free.plan.options)
    again = plan_peak(IMAGE, ethos(2**16), mapping=rules)
    assert again.size_bytes == free.size_bytes
    assert run_plan(again.plan) == run_plan(free.plan)


def test_what_is_said_is_proven_and_simulated_alike_by_both_engines():
    rules = [
        CascadeRule(cascade=FIRST_FOUR, stripe_rows=7, weights_stay=("conv1",)),
        MappingRule(layers="stage1.conv1", tile={"K": 8, "FY": 1}, order=("K", "OY", "OX", "C")),
    ]
    plan = plan_run(IMAGE, ethos(), mapping=rules)
    assert verify_plan(plan, layers=["conv1", "stage1.*"]).proven
    assert run_plan(plan) == run_plan(plan, "events")


def test_of_a_stripe_that_is_too_small_for_bounds_a_tile_has_all():
    stripe = Layer("a", "conv", K=8, C=3, OY=2, OX=16, FY=3, FX=3, IY=4, IX=18)
    given = GivenMapping(bounds=(("K", SizeBounds(4)), ("OY", SizeBounds(multiple_of=4))))
    assert for_stripe(given, stripe) == GivenMapping(tile=(("OY", 2),), bounds=(("K", SizeBounds(4)),))


MISTAKES = {
    "- {cascade: [conv1, stage1.conv1, nope]}": "1: cascade.2 = 'nope': no such executed layer: allowed are "
    "conv1, stage1.conv1, stage1.conv2, stage1.add, stage2.conv1, stage2.conv2, stage2.shortcut, stage2.add, "
    "stage3.conv1, stage3.conv2, stage3.shortcut, stage3.add, pool, fc",
    "- {cascade: [conv1]}": '1: cascade = ["conv1"]: must be a list of at least 2 (each text, not empty)',
    "- {cascade: [conv1, conv1]}": '1: cascade = ["conv1", "conv1"]: must name each layer once',
    "- {cascade: [conv1, stage1.conv1], layers: conv1}": (
        "1: layers = 'conv1': must be said in a rule with layers, not with cascade"
    ),
    "- {layers: conv1, stripe_rows: 3}": (
        "1: stripe_rows = 3: must be said in a rule with cascade, not with layers"
    ),
    "- {stripe_rows: 3}": "1: cascade: missing, must be a list of at least 2 (each text, not empty)",
    "- {cascade: null}": "1: cascade = null: missing, must be a list of at least 2 (each text, not empty)",
    "- {cascade: [conv1, stage1.conv1], stripe_rows: 0}": (
        "1: stripe_rows = 0: must be a whole number from 1 to 1000000000"
    ),
    "- {cascade: [conv1, stage1.conv1], weights_stay: [fc]}": (
        "1: weights_stay.0 = 'fc': must be conv1 or stage1.conv1, of which the cascade is"
    ),
    "- {cascade: [stage1.conv2, stage1.add], weights_stay: [stage1.add]}": (
        "1: weights_stay.0 = 'stage1.add': has no weights"
    ),
    "- {cascade: [conv1, stage1.conv2]}": (
        "1: cascade.1 = 'stage1.conv2': must be stage1.conv1, which runs after conv1"
    ),
    "- {cascade: [fc, conv1]}": "1: cascade.1 = 'conv1': must be left out: nothing runs after fc",
    "- {cascade: [stage2.conv2, stage2.shortcut]}": (
        "1: cascade.0 = 'stage2.conv2': stage2.shortcut does not read what stage2.conv2 writes as its input"
    ),
    "- {cascade: [conv1, stage1.conv1]}": (
        "1: cascade.0 = 'conv1': what it writes is read by stage1.add, too, and would have to be "
        "outside as a "
        "whole, where ethos_u55_128 has no place for it"
    ),
    "- {cascade: [conv1, stage1.conv1, stage1.conv2, stage1.add, stage2.conv1]}": (
        "1: cascade = [...]: has 5 layers: a cascade of ethos_u55_128 has at most 4"
    ),
    f"{IN_FOUR}- {{cascade: [stage1.add, stage2.conv1]}}": (
        "2: cascade.0 = 'stage1.add': is in the cascade of mine.yaml:1, too"
    ),
    "- {cascade: [conv1, stage1.conv1, stage1.conv2, stage1.add], stripe_rows: 33}": (
        "1: stripe_rows = 33: must be at most 32, the rows of stage1.add"
    ),
    "- {cascade: [conv1, stage1.conv1, stage1.conv2, stage1.add], stripe_rows: 31}": (
        "1: cascade: conv1 to stage1.add on ethos_u55_128: needs 68142 bytes of sram at least, which "
        "has 36000: "
        "48640 of rows between layers and of weights that stay, 19456 of what it reads and writes there, and "
        "46 of tiles"
    ),
    "- {layers: conv1, from_stripe: 3}": "1: from_stripe = 3: conv1 is in no cascade of this file",
    f"{IN_FOUR}- {{layers: conv1, from_stripe: 90}}": (
        "2: from_stripe = 90: must be at most 6, the last stripe of conv1"
    ),
    f"{IN_FOUR}- {{layers: conv1, from_stripe: 2, homes: {{outputs: sram}}}}": (
        '2: homes = {"outputs": "sram"}: must be left out of a rule with from_stripe: it is said of '
        "all stripes"
    ),
    f"{IN_FOUR}- {{layers: conv1, tile: {{OY: 40}}}}": "2: tile.OY = 40: conv1 has 32 of OY",
}


@pytest.mark.parametrize("text", MISTAKES)
def test_what_cannot_be_is_one_line(tmp_path, text):
    assert fault_of(tmp_path, text) == f"mine.yaml:{MISTAKES[text]}"


def test_a_machine_without_cascades_runs_none(tmp_path):
    text, hardware = "- {cascade: [conv1, stage1.conv1]}", load_hardware("16x16_128k")
    assert fault_of(tmp_path, text, hardware=hardware) == (
        'mine.yaml:1: cascade = ["conv1", "stage1.conv1"]: must be left out: 16x16_128k runs nothing '
        "stripe by "
        "stripe, it has no cascade"
    )


def test_a_stripe_without_a_tile_as_it_is_said_is_one_line(tmp_path):
    tile = "tile: {K: 16, C: 16, OY: 7, OX: 32}, bounds: {FY: {max: 2}}"
    text = f"{IN_FOUR}- {{layers: stage1.conv1, {tile}}}"
    assert fault_of(tmp_path, text, hardware=ethos(2500)).startswith(
        "mine.yaml:2: tile: stage1.conv1 on ethos_u55_128: "
    )


def test_weights_that_are_pinned_need_not_come(tmp_path):
    chain = "[stage2.block1.expand, stage2.block1.depthwise]"
    text = (
        f"- {{cascade: {chain}, weights_stay: [stage2.block1.expand]}}\n"
        "- {layers: stage2.block1.expand, homes: {weights: sram}}"
    )
    assert fault_of(tmp_path, text, MOBILE, npu()) == (
        "mine.yaml:1: weights_stay.0 = 'stage2.block1.expand': is at home in sram (mine.yaml:2), and "
        "need not come"
    )


def test_inputs_of_a_cascade_do_not_come_to_stay(tmp_path):
    text = (
        "- {cascade: [stage2.block1.expand, stage2.block1.depthwise]}\n"
        "- {layers: stage2.block1.expand, homes: {inputs: [psram, sram]}}"
    )
    assert fault_of(tmp_path, text, MOBILE, npu()) == (
        'mine.yaml:1: cascade = ["stage2.block1.expand", "stage2.block1.depthwise"]: '
        "stage2.block1.expand has its "
        "inputs come to stay (mine.yaml:2), which stripes do not"
    )


def test_what_layers_of_a_cascade_hand_on_lies_on_chip(tmp_path):
    text = (
        "- {cascade: [stage2.block1.expand, stage2.block1.depthwise]}\n"
        "- {layers: stage2.block1.depthwise, homes: {inputs: psram}}"
    )
    assert fault_of(tmp_path, text, MOBILE, npu()) == (
        "mine.yaml:2: homes: no plan of npu_int8_psram has the operands of stage2.block1.depthwise "
        "where they are "
        "said to lie: what a layer reads must lie where the layers before it write it, and there must be room"
    )


def test_images_together_are_in_no_cascade(tmp_path):
    text = f"{IN_FOUR}- {{layers: fc, images: together}}"
    assert fault_of(tmp_path, text, options=MappingOptions(batch=2)) == (
        "mine.yaml:2: images = 'together': must be in_turn, as another rule has it: a batch goes one way"
    )


def test_tiles_of_a_cascade_are_of_one_image_of_a_batch(tmp_path):
    chain = "stage2.block2.expand, stage2.block2.depthwise, stage2.block2.project"
    text = f"- {{cascade: [{chain}]}}\n- {{layers: stage2.block2.expand, tile: {{OY: 30}}}}"
    for batch in (1, 2):  # of a layer that runs as a whole, a tile of rows of both images may be so large
        line = fault_of(tmp_path, text, MOBILE, npu(2**17), MappingOptions(batch=batch))
        assert line == "mine.yaml:2: tile.OY = 30: stage2.block2.expand has 16 of OY"
    text = f"- {{cascade: [{chain}]}}\n- {{layers: stage2.block2.expand, tile: {{N: 2}}}}"
    line = fault_of(tmp_path, text, MOBILE, npu(2**17), MappingOptions(batch=2))
    words = "a tile of several images needs these together, and another rule has them in turn"
    assert line == f"mine.yaml:2: tile.N = 2: {words}"


def test_a_pooling_that_its_layer_carries_is_no_layer_of_a_cascade(tmp_path):
    network = "squeezenet_v1_1@resolution=64"
    text = "- {cascade: [conv1, pool1, fire2.squeeze1x1]}"
    assert fault_of(tmp_path, text, network, npu(2**17)) == (
        "mine.yaml:1: cascade.1 = 'pool1': must be left out: it runs within conv1 on npu_int8_psram"
    )


def test_names_are_proposed_without_poolings_that_layers_carry(tmp_path):
    text = "- {cascade: [first, stage1.conv1]}"
    proposed = "stage3.conv1, stage3.conv2, stage3.shortcut, fc"  # with `pool` within the last but one
    assert fault_of(tmp_path, text, hardware=npu()).endswith(proposed)
    host = {"macs_per_cycle": 1, "elements_per_cycle": 1, "takes": ["global_average_pool"]}
    line = fault_of(tmp_path, text, hardware=vary(npu(), host=host))
    assert line.endswith("stage3.shortcut, pool, fc")


def test_what_the_host_runs_is_in_no_cascade(tmp_path):
    hardware = vary(
        ethos(), host={"macs_per_cycle": 1, "elements_per_cycle": 1, "takes": ["global_average_pool"]}
    )
    text = "- {cascade: [stage3.add, pool]}"
    assert fault_of(tmp_path, text, hardware=hardware) == (
        "mine.yaml:1: cascade.1 = 'pool': must be left out: it runs on the host, and cascades on the array"
    )


def test_the_host_runs_no_stripes(tmp_path):
    hardware = vary(ethos(), host={"macs_per_cycle": 1, "elements_per_cycle": 1, "may_take": ["conv"]})
    text = f"{IN_FOUR}- {{layers: conv1, dataflow: host}}"
    assert fault_of(tmp_path, text, hardware=hardware) == (
        "mine.yaml:2: dataflow = 'host': conv1 is in a cascade, of which the host runs nothing"
    )


def test_on_a_machine_whose_weights_have_a_memory_of_their_own_none_stay_beside_activations(tmp_path):
    described = keeping_machine(6000, {}, weights_bytes=4096).model_dump(mode="json", exclude_none=True)
    described["precision"] = {"weights_bits": 8, "activations_bits": 8, "partial_sums_bits": 32}
    hardware = Hardware.model_validate_json(json.dumps({**described, "cascade": {"layers": 4}}))
    plan = plan_run("mobilenet_v2@width=0.35,resolution=32", hardware)
    assert [cascade.resident for cascade in cascades_of(plan.schedule)] == [frozenset()]
    assert run_plan(plan) == run_plan(plan, "events")  # it came to a stop, once
    text = "- {cascade: [conv1, stage1.block1.depthwise], weights_stay: [conv1]}"
    assert fault_of(tmp_path, text, plan.network, hardware) == (
        "mine.yaml:1: weights_stay.0 = 'conv1': must be left out: sram of machine holds no weights"
    )


def test_where_more_states_are_open_than_are_followed_none_are_planned(tmp_path, monkeypatch):
    monkeypatch.setattr(cascading, "solved", partial(solved, most_states=1))
    text = "- {cascade: [stage2.block1.expand, stage2.block1.depthwise]}"
    assert fault_of(tmp_path, text, MOBILE, npu()) == (
        "mine.yaml:1: cascade: must be left out: between layers more than 20000 choices of what "
        "stays on chip are "
        "open, and among so many no cascades are planned"
    )


def test_a_program_is_refused_in_the_same_words():
    with pytest.raises(DescriptionError, match=r"CascadeRule: weights_stay\.0: must be a or b, of which"):
        CascadeRule(cascade=("a", "b"), weights_stay=("c",))
    with pytest.raises(AccelsimError, match=r"mapping\[0\]: cascade\.0 = 'a': no such executed layer"):
        run_network(IMAGE, ethos(), mapping=[CascadeRule(cascade=("a", "b"))])


ROW = {"operator": "conv", "out_channels": 2, "kernel": 3, "padding": "same"}
A, B = {**ROW, "name": "a", "inputs": ["input"]}, {**ROW, "name": "b", "inputs": ["a"]}
OBSTACLES = {
    "cascade.1 = 'c': c reads several tensors as one, or factors that belong to all rows": [
        *(A, B, {"name": "c", "operator": "product", "inputs": ["b", "a"]}),
    ],
    "cascade.0 = 'b': what b writes is a part of a tensor that others write as well": [
        *(A, B, {"name": "both", "operator": "concat", "inputs": ["a", "b"]}),
        {**ROW, "name": "c", "inputs": ["both"]},
    ],
    "cascade.0 = 'b': c reads what b writes in another shape, or a part of it": [
        *(A, B, {"name": "c", "operator": "fully_connected", "inputs": ["b"], "out_features": 3}),
    ],
    "cascade.1 = 'c': some rows of c depend on padding alone": [
        *(A, B, {**ROW, "name": "c", "inputs": ["b"], "padding": 3}),
    ],
    "cascade.1 = 'c': what c has to do for a row is no whole number, or depends on all rows": [
        *(A, {"name": "gate", "operator": "global_average_pool", "inputs": ["a"]}, B),
        *(
            {**ROW, "name": "c", "inputs": ["b"]},
            {"name": "d", "operator": "multiply", "inputs": ["c", "gate"]},
        ),
    ],
}


@pytest.mark.parametrize("sentence", OBSTACLES)
def test_layers_that_cannot_hand_on_rows_are_one_line(tmp_path, sentence):
    text = "- {cascade: [b, c]}"
    network = small(*OBSTACLES[sentence])
    assert fault_of(tmp_path, text, network, npu()) == f"mine.yaml:1: {sentence}"


@pytest.mark.parametrize("rule", ["", "- {layers: stage1.conv2, homes: {weights: flash}}\n"])
def test_a_shortage_is_not_laid_to_homes_without_which_there_is_no_room_either(tmp_path, rule):
    text = f"- {{cascade: [stage1.conv2, stage1.add], weights_stay: []}}\n{rule}"
    sentence = "stage1.conv2 to stage1.add on ethos_u55_128: needs 49710 bytes of sram, which has 48000: "
    assert fault_of(tmp_path, text, hardware=ethos(48000)).startswith(sentence)


@pytest.mark.parametrize(("pattern", "named"), [("*", "stage1.conv2"), ("stage1.conv1", "stage1.conv1")])
def test_a_shortage_names_the_rule_by_which_a_layer_is_in_no_cascade(tmp_path, pattern, named):
    line = fault_of(tmp_path, f'\n- {{layers: "{pattern}", tile: {{}}}}', hardware=ethos(30000))
    assert line.startswith("stage1.conv2 on ethos_u55_128: needs 49198 bytes of sram, which has 30000: ")
    sentence = (
        f"; {named} has a rule (mine.yaml:2) and so runs as a whole, unless a cascade names it; would help"
    )
    assert sentence in line


def test_no_rule_is_named_where_it_keeps_nothing_from_a_cascade(tmp_path):
    with pytest.raises(AccelsimError) as free:
        plan_run(IMAGE, ethos(20000))
    assert "has a rule" not in str(free.value)
    line = fault_of(tmp_path, f"{IN_FOUR}- {{layers: conv1, tile: {{K: 16}}}}", hardware=ethos(20000))
    assert "has a rule" not in line


def test_homes_without_which_there_is_a_plan_are_named_with_their_rule(tmp_path):
    text = (
        f"- {{cascade: [{EXPAND}, {DEPTHWISE}], weights_stay: []}}\n"
        "- {layers: stage2.block2.expand, homes: {inputs: psram}}\n"
        "- {layers: stage2.block1.project, homes: {outputs: sram}}\n"
    )
    assert fault_of(tmp_path, text, MOBILE, npu(2**16)).startswith(
        "mine.yaml:3: homes: no plan of npu_int8_psram has the operands of stage2.block1.project and others"
    )


def test_a_file_of_it_is_read_and_checked_by_itself(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text(IN_FOUR)
    assert read_mappings(path).rules == (CascadeRule(cascade=FIRST_FOUR),)
