"""Where tensors lie is proven layer by layer; what is broken is caught, and the layer is named."""

import json
from dataclasses import fields as dataclass_fields
from dataclasses import replace

import pytest
from machines import keeping_machine, machine

from accelsim.hardware import Operand
from accelsim.mapping import Choice, Region, Step, mappings, regions, whole_image
from accelsim.mapping.mapping import PinningStep
from accelsim.network.configuration import configure
from accelsim.network.description import NetworkDescription
from accelsim.run import options_for, plan_run
from accelsim.verification.case import Case
from accelsim.verification.layers import verify_mapping
from accelsim.verification.mismatch import MismatchError
from accelsim.verification.places import place_mismatches, pool_bytes
from accelsim.verification.schedules import verify_plan
from accelsim.verification.storage import Storage

INPUTS, WEIGHTS, OUTPUTS, RESIDUAL = Operand


def conv(name, source, out_channels=8, kernel=3):
    return {
        "name": name,
        "operator": "conv",
        "inputs": [source],
        "out_channels": out_channels,
        "kernel": kernel,
        "padding": "same",
    }


def network(*rows):
    """Of an image of 4 x 8 x 8 elements, two bytes each: 512 bytes."""
    stages = [{"block": "graph", "name": "g", "operators": rows}]
    image = {"channels": 4, "height": 8, "width": 8}
    described = {"name": "drawn", "title": "drawn", "source": "drawn", "input": image, "stages": stages}
    return configure(NetworkDescription.model_validate_json(json.dumps(described)))


RESIDUAL_AND_CONCATENATION = network(
    conv("a", "input"),
    conv("b", "a"),
    conv("c", "b"),
    {"name": "s", "operator": "add", "inputs": ["a", "c"]},
    conv("d", "s", 4, 1),
    conv("e", "s", 12, 3),
    {"name": "f", "operator": "concat", "inputs": ["d", "e"]},
    conv("h", "f", 8, 1),
    conv("r", "h", 4, 1),
)
"""Outputs of a, b, c (with a added) and h take 1024 bytes, those of d and e together 2048, those of r 512."""
ROOMY = keeping_machine(100_000)
"""Everything stays but the image and the result, which lie in dram."""
INSIDE = keeping_machine(100_000, {"inputs": "sram", "outputs": "sram"})
"""Everything stays."""
TIGHT = keeping_machine(2600)
"""The outputs of a stay until b has read them, and are written for c; those of d and e are written only."""


@pytest.fixture(scope="module")
def plans():
    machines = {"roomy": ROOMY, "inside": INSIDE, "tight": TIGHT}
    return {name: plan_run(RESIDUAL_AND_CONCATENATION, hardware) for name, hardware in machines.items()}


def number_of(plan, name):
    return next(number for number, layer in enumerate(plan.schedule.layers) if layer.name == name)


def moving_bytes(plan, name, taken=None, freed=None):
    """The plan with other bytes that a layer takes of the pool, or gives up."""
    changes = list(plan.schedule.pool_changes)
    number = number_of(plan, name)
    before = changes[number]
    changes[number] = before._replace(
        taken_bytes=before.taken_bytes if taken is None else taken,
        freed_bytes=before.freed_bytes if freed is None else freed,
    )
    return replace(plan, schedule=replace(plan.schedule, pool_changes=tuple(changes)))


def placing(plan, name, operand, *, placed, moved, place=None):
    """The plan in which an operand of a layer lies in the pool, or moves, or both; and says so."""
    schedule, number = plan.schedule, number_of(plan, name)
    mappings, places = list(schedule.mappings), list(schedule.places)
    mapping = mappings[number]
    mappings[number] = replace(
        mapping,
        placed=mapping.placed | {operand} if placed else mapping.placed - {operand},
        moved=mapping.moved | {operand} if moved else mapping.moved - {operand},
    )
    places[number] = {**places[number], operand: place or ("sram" if placed else "dram")}
    return replace(plan, schedule=replace(schedule, mappings=tuple(mappings), places=tuple(places)))


def wrong(plan, hardware=None):
    graph, hardware = plan.lowered.graph, hardware or plan.hardware
    return in_words(place_mismatches(graph, plan.schedule, hardware, plan.options.batch))


def in_words(mismatches):
    return {name: str(mismatch) for name, mismatch in mismatches.items()}


# --- what is right passes


@pytest.mark.parametrize("name", ["roomy", "inside", "tight"])
def test_what_is_planned_is_proven(plans, name):
    assert wrong(plans[name]) == {}
    assert verify_plan(plans[name]).mismatches == {}


def test_tensors_are_as_large_as_their_elements(plans):
    # The image; a; a and b; a, b and c; c and all of d and e twice; those and h; h and the result.
    assert pool_bytes(plans["inside"].schedule) == [512 + 1024, 2048, 3072, 3072, 3072, 3072, 1536]


def test_it_does_not_matter_when_tensors_that_nobody_needs_are_given_up(plans):
    later = moving_bytes(moving_bytes(plans["roomy"], "c", freed=1024), "d", freed=1024)
    assert wrong(later) == {}
    at_once = moving_bytes(moving_bytes(plans["roomy"], "c", freed=0), "h", freed=2048 + 2048)
    assert wrong(at_once) == {}


def test_what_was_given_up_may_have_been_one_tensor_or_two_as_large_together(plans):
    late = moving_bytes(moving_bytes(plans["roomy"], "c", freed=0), "e", freed=0)
    for at_h, at_r in ((2048, 1024 + 3 * 1024), (3 * 1024, 3 * 1024), (5 * 1024, 1024)):
        assert wrong(moving_bytes(moving_bytes(late, "h", freed=at_h), "r", freed=at_r)) == {}


def test_of_a_batch_each_tensor_is_of_all_images(plans):
    options = options_for(RESIDUAL_AND_CONCATENATION, batch=3)
    batch = plan_run(RESIDUAL_AND_CONCATENATION, INSIDE, options)
    assert pool_bytes(batch.schedule) == [3 * size for size in pool_bytes(plans["inside"].schedule)]
    assert verify_plan(batch).mismatches == {}
    of_one = replace(batch, schedule=plans["inside"].schedule)
    assert "the schedule says 512, executing it gives 1536" in wrong(of_one)["a"]


@pytest.fixture(scope="module")
def apart():
    """A layer and its pooling one after the other: unfinished windows beside tiles would take 388 bytes."""
    window = {"kernel": 7, "stride": 1, "padding": 3}
    pooling = {"name": "p", "operator": "max_pool", "inputs": ["a"], **window}
    return plan_run(network(conv("a", "input"), pooling, conv("b", "p", 4, 1)), keeping_machine(350))


def test_a_pooling_that_is_not_fused_reads_what_its_layer_left(apart):
    assert [layer.name for layer in apart.schedule.layers] == ["a", "p", "b"]
    assert verify_plan(apart).mismatches == {}


# --- what is broken is caught


def test_a_residual_that_is_given_up_before_it_is_read(plans):
    broken = moving_bytes(moving_bytes(plans["roomy"], "b", freed=1024), "c", freed=1024)
    sentence = "gives up 1024 bytes of sram, among them the output of a, which c uses there"
    assert wrong(broken) == {"b": sentence}
    verified = verify_plan(broken)
    assert in_words(verified.mismatches) == {"b": sentence}
    assert not verified.proven


def test_a_part_of_a_concatenation_that_is_given_up_before_the_other_is_there(plans):
    broken = moving_bytes(moving_bytes(plans["roomy"], "d", freed=2048), "h", freed=0)
    assert wrong(broken)["d"] == "gives up 2048 bytes of sram, among them the output of d, which h uses there"


def test_a_result_that_is_given_up_where_it_has_to_stay(plans):
    broken = moving_bytes(plans["inside"], "r", freed=1024 + 512)
    sentence = "gives up 1536 bytes of sram, among them the output of r, which has to lie there in the end"
    assert wrong(broken) == {"r": sentence}


@pytest.mark.parametrize("freed", [1023, 1025])
def test_bytes_that_are_given_up_and_no_tensor_takes(plans, freed):
    broken = moving_bytes(plans["roomy"], "e", freed=freed)
    sentence = f"gives up {freed} bytes of sram; tensors that nobody uses there afterwards take 1024"
    assert wrong(broken)["e"] == sentence


@pytest.mark.parametrize("taken", [1023, 1025, 0, 2048])
def test_bytes_that_are_taken_and_are_not_those_of_the_tensor(plans, taken):
    broken = moving_bytes(plans["roomy"], "b", taken=taken)
    sentence = f"bytes of sram that its tensors take: the schedule says {taken}, executing it gives 1024"
    assert wrong(broken)["b"] == sentence


def test_a_concatenation_of_which_each_part_takes_room(plans):
    broken = moving_bytes(moving_bytes(plans["roomy"], "d", taken=512), "e", taken=1536)
    assert wrong(broken) == {
        "d": "bytes of sram that its tensors take: the schedule says 512, executing it gives 2048",
        "e": "bytes of sram that its tensors take: the schedule says 1536, executing it gives 0",
    }


def test_an_input_that_is_read_where_nobody_wrote_it(plans):
    broken = placing(plans["roomy"], "b", INPUTS, placed=False, moved=True)
    assert wrong(broken)["b"] == "reads the output of a as inputs in dram, where it does not lie"
    broken = placing(plans["tight"], "h", INPUTS, placed=True, moved=False)
    assert wrong(broken)["h"] == "reads the output of d as inputs in sram, where it does not lie"
    broken = placing(plans["roomy"], "a", INPUTS, placed=True, moved=False)
    assert wrong(broken)["a"] == "reads the image as inputs in sram, where it does not lie"
    broken = placing(plans["inside"], "a", INPUTS, placed=False, moved=True)
    assert wrong(broken)["a"] == "reads the image as inputs in dram, where it does not lie"


def test_a_pooling_that_reads_elsewhere_than_its_layer_wrote(apart):
    broken = placing(apart, "p", INPUTS, placed=True, moved=False)
    assert wrong(broken) == {
        "p": "reads the output of a before pooling as inputs in sram, where it does not lie"
    }
    kept = moving_bytes(placing(broken, "a", OUTPUTS, placed=True, moved=False), "a", taken=1024)
    assert wrong(moving_bytes(kept, "p", freed=1024), keeping_machine(2000)) == {}


def test_a_residual_that_is_read_where_nobody_wrote_it(plans):
    broken = placing(plans["roomy"], "c", RESIDUAL, placed=False, moved=True)
    assert wrong(broken)["c"] == "reads the output of a as residual in dram, where it does not lie"


def test_a_residual_that_is_read_in_the_pool_after_it_was_given_up_there(plans):
    """On the tight machine the outputs of a are given up when b has read them; c reads what was written."""
    broken = placing(plans["tight"], "c", RESIDUAL, placed=True, moved=False)
    assert wrong(broken)["b"] == "gives up 1024 bytes of sram, among them the output of a, which c uses there"


def test_a_copy_that_is_not_written_outside(plans):
    broken = placing(plans["tight"], "a", OUTPUTS, placed=True, moved=False)
    assert wrong(broken) == {"c": "reads the output of a as residual in dram, where it does not lie"}


def test_a_part_of_a_concatenation_that_lies_elsewhere(plans):
    broken = placing(plans["roomy"], "e", OUTPUTS, placed=False, moved=True)
    assert wrong(broken) == {"h": "reads the output of e as inputs in sram, where it does not lie"}


def test_outputs_for_which_nobody_took_room(plans):
    broken = placing(plans["tight"], "d", OUTPUTS, placed=True, moved=True)
    sentence = "bytes of sram that its tensors take: the schedule says 0, executing it gives 2048"
    assert wrong(broken)["d"] == sentence


def test_outputs_that_go_nowhere(plans):
    broken = placing(plans["roomy"], "r", OUTPUTS, placed=False, moved=False)
    assert wrong(broken)["r"] == "outputs lie neither in sram nor outside"


def test_a_place_that_the_machine_does_not_have(plans):
    broken = placing(plans["roomy"], "b", INPUTS, placed=True, moved=False, place="l2")
    assert wrong(broken) == {"b": "inputs lie in l2; activations may lie in dram or sram"}


def test_a_place_that_is_not_the_mappings(plans):
    broken = placing(plans["roomy"], "b", INPUTS, placed=True, moved=False, place="dram")
    assert wrong(broken) == {"b": "inputs lie in dram, but its mapping has them elsewhere"}


def test_inputs_that_move_though_they_lie_in_the_pool(plans):
    broken = placing(plans["roomy"], "b", INPUTS, placed=True, moved=True)
    assert wrong(broken) == {"b": "inputs lie in sram, but are moved"}


@pytest.mark.parametrize(("placed", "moved"), [(True, True), (False, False), (True, False)])
def test_weights_that_do_not_come_from_outside(plans, placed, moved):
    broken = placing(plans["roomy"], "b", WEIGHTS, placed=placed, moved=moved)
    assert wrong(broken) == {"b": "weights are read elsewhere than in dram, which holds them"}


def test_results_that_do_not_lie_where_the_machine_says(plans):
    kept = moving_bytes(placing(plans["roomy"], "r", OUTPUTS, placed=True, moved=False), "r", 512, 1024 + 512)
    assert wrong(kept) == {"r": "the output of r, a result, does not lie in dram in the end"}
    written = moving_bytes(placing(plans["inside"], "r", OUTPUTS, placed=False, moved=True), "r", taken=0)
    assert wrong(written) == {"r": "the output of r, a result, does not lie in sram in the end"}


def test_an_image_that_takes_no_room_where_it_lies_in_the_pool(plans):
    sentence = (
        "bytes of sram that the image takes before the first layer: the schedule says 0, executing it "
        "gives 512"
    )
    without = replace(plans["inside"].schedule, pool_bytes_at_start=0)
    assert wrong(replace(plans["inside"], schedule=without))["a"] == sentence


def test_a_tensor_that_is_never_given_up(plans):
    broken = moving_bytes(plans["roomy"], "r", freed=0)
    sentence = "bytes of sram that tensors take in the end: the schedule says 1024, executing it gives 0"
    assert wrong(broken) == {"r": sentence}


def test_tensors_that_the_pool_does_not_hold(plans):
    smaller = keeping_machine(3000)
    assert wrong(plans["roomy"], smaller)["c"] == "tensors take 3072 bytes of sram; it has 3000"


def test_tensors_on_a_machine_without_a_pool(plans):
    assert wrong(plans["roomy"], machine())["a"] == ("outputs lie in sram; activations may lie in dram")


def test_activations_that_go_where_only_weights_lie(plans):
    outermost, sram = INSIDE.memories
    flash = INSIDE.model_copy(update={"memories": (outermost.model_copy(update={"holds": (WEIGHTS,)}), sram)})
    assert wrong(plans["inside"], flash) == {}
    broken = placing(plans["inside"], "b", OUTPUTS, placed=True, moved=True)
    assert wrong(broken, flash) == {"b": "outputs are moved, but dram does not hold them"}


def test_tiles_that_find_no_room_beside_tensors(plans):
    schedule = plans["roomy"].schedule
    layer, mapping = schedule.layers[0], schedule.mappings[0]
    beside = 100_000 - 1000
    with pytest.raises(MismatchError, match=r"bytes of the bank of pool together with what is there; it has"):
        verify_mapping(layer, mapping, ROOMY, pool_bytes=beside)
    verify_mapping(layer, mapping, ROOMY, pool_bytes=1024)


def test_a_layer_that_is_not_the_networks(plans):
    plan = plans["roomy"]
    schedule = plan.schedule
    longer = replace(
        schedule,
        layers=(*schedule.layers, replace(schedule.layers[-1], name="more")),
        mappings=(*schedule.mappings, schedule.mappings[-1]),
        waits_for=(*schedule.waits_for, ()),
        pool_changes=(*schedule.pool_changes, schedule.pool_changes[-1]),
        places=(*schedule.places, schedule.places[-1]),
    )
    verified = verify_plan(replace(plan, schedule=longer))
    assert in_words(verified.mismatches) == {"more": "is scheduled, but is no layer of the network"}


def test_an_outcome_answers_for_layers_that_have_as_much_room_and_no_less():
    """All four convolutions are alike; beside the second and third the outputs of a lie for the fourth."""
    rows = [conv("a", "input", 4), conv("b", "a", 4), conv("c", "b", 4), conv("d", "c", 4)]
    plan = plan_run(network(*rows, {"name": "s", "operator": "add", "inputs": ["a", "d"]}), INSIDE)
    schedule = plan.schedule
    assert schedule.mappings[0] == schedule.mappings[1] == schedule.mappings[2]
    assert pool_bytes(schedule) == [1024, 1024, 1536, 1536]
    assert [layer.like for layer in verify_plan(plan).layers] == [None, "a", None, None]


# --- weights that stay

PINNING = keeping_machine(100_000, keeps=("activations", "weights"))
"""All weights stay, too: of 8, 8, 8, 4, 12, 8 and 4 filters, two bytes each."""


@pytest.fixture(scope="module")
def pinned():
    return plan_run(RESIDUAL_AND_CONCATENATION, PINNING)


def in_first(plan):
    """What is wrong with places in the first inference."""
    schedule, hardware = plan.schedule.first_inference, plan.hardware
    return in_words(place_mismatches(plan.lowered.graph, schedule, hardware, 1, first=True))


def with_first(plan, name, mapping):
    """The plan in whose first inference a layer runs by another mapping."""
    number, mappings = number_of(plan, name), list(plan.schedule.first_mappings)
    mappings[number] = mapping
    return replace(plan, schedule=replace(plan.schedule, first_mappings=tuple(mappings)))


def test_weights_that_stay_are_proven_in_both_inferences(pinned):
    assert {mapping.placed >= {WEIGHTS} for mapping in pinned.schedule.mappings} == {True}
    verification = verify_plan(pinned)
    assert verification.proven, in_words(verification.mismatches)
    assert len(verification.first_inference) == len(verification.layers)
    assert "first_inference" in verification.to_dict()


def test_without_the_room_of_weights_the_pool_is_fuller_than_it_says(pinned):
    schedule = replace(pinned.schedule, pool_bytes_at_start=0)
    weight_bytes = pinned.schedule.pool_bytes_at_start
    assert wrong(replace(pinned, schedule=schedule)) == {
        "a": "bytes of sram that the image and pinned weights take before the first layer: the schedule says "
        f"0, executing it gives {weight_bytes}",
        "r": "bytes of sram that tensors take in the end: the schedule says 0, executing it gives "
        f"{weight_bytes}",
    }


def test_weights_that_nothing_brings_in_the_first_inference(pinned):
    broken = with_first(pinned, "b", pinned.schedule.mappings[number_of(pinned, "b")])
    sentence = "weights are read in sram, where nothing brings them in the first inference"
    assert in_first(broken) == {"b": sentence}
    assert in_words(verify_plan(broken).mismatches) == {"b (first inference)": sentence}


def test_weights_that_are_there_and_come_again(pinned):
    first = pinned.schedule.first_mappings
    broken = replace(pinned, schedule=replace(pinned.schedule, mappings=first))
    assert wrong(broken)["b"] == "weights lie in sram already, but are moved"


def cut(plan, **sizes):
    """Of layer b: how it runs in the first inference, cut into tiles, pixels outermost."""
    mapping = plan.schedule.first_mappings[number_of(plan, "b")]
    choice = Choice(
        mapping.layer,
        mapping.dataflow,
        replace(whole_image(mapping.layer), **sizes),
        "pixels_outer",
        moved=mapping.moved,
        placed=mapping.placed,
    )
    (first,) = mappings([choice], 1, PINNING)
    return plan.schedule.layers[number_of(plan, "b")], first


def refused(layer, mapping):
    with pytest.raises(MismatchError) as raised:
        verify_mapping(layer, mapping, PINNING)
    return str(raised.value)


def test_each_tile_of_weights_is_brought_by_the_first_step_that_uses_it(pinned):
    layer, mapping = cut(pinned, k=4, y=4)
    brought = [step.loads.get(WEIGHTS, 0) for step in mapping.steps()]
    assert brought == [4 * 8 * 9 * 2] * 2 + [0, 0]
    verify_mapping(layer, mapping, PINNING)


def test_a_step_that_lacks_weights_that_a_step_before_it_should_have_brought(pinned):
    layer, mapping = cut(pinned, k=4, y=4)
    first, *others = mapping.steps()
    lacking = replace(first, loads={})
    sentence = refused(layer, replace(mapping, program=(lacking, *others)))
    assert "bytes of weights that are loaded: the schedule says 0, executing it gives 576" in sentence


def test_a_step_that_takes_room_for_weights_as_if_they_were_tiles(pinned):
    layer, mapping = cut(pinned, k=4, y=4)
    first, *others = mapping.steps()
    fields = {field.name: getattr(first, field.name) for field in dataclass_fields(Step)}
    sentence = refused(layer, replace(mapping, program=(Step(**fields), *others)))
    assert "has nothing come to where it stays, executing it weights" in sentence


def test_weights_that_come_with_each_visit_though_they_stay(pinned, monkeypatch):
    """The walk believes no program: told that all tiles of weights are new, it refuses the second visit."""
    layer, mapping = cut(pinned, k=4, y=4)
    monkeypatch.setattr(regions, "_are_new", lambda *_: True)
    steps = list(mapping.steps())
    fields = [field.name for field in dataclass_fields(Step)]
    again = [
        PinningStep(**{name: getattr(step, name) for name in fields} | {"loads": steps[0].loads})
        for step in steps
    ]
    assert "once more, which stays" in refused(layer, replace(mapping, program=tuple(again)))


def test_weights_of_which_a_part_never_comes(pinned):
    layer, mapping = cut(pinned, k=4, y=4)
    case = Case(layer, mapping, PINNING, 1)
    storage = Storage(case.tensors.as_mapped(case.form), PINNING.banks)
    storage.pin(Region("weights", ((0, 1), (0, 4), (0, 8), (0, 3), (0, 3))))
    with pytest.raises(
        MismatchError, match="brings 288 of 576 elements of weights, all of which are to stay"
    ):
        storage.leave_pinned(["weights"])
