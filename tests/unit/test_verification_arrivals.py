"""Inputs that come to a place in the pool once: proven where they do, caught where they do not."""

from dataclasses import fields as dataclass_fields
from dataclasses import replace

import pytest
from machines import keeping_machine
from test_verification_places import conv, in_words, moving_bytes, network, number_of, placing, wrong

from accelsim.hardware import Operand
from accelsim.mapping import Choice, Step, mappings, whole_image
from accelsim.run import plan_run
from accelsim.simulation.events import simulate_events
from accelsim.simulation.fast import simulate_fast
from accelsim.verification.layers import verify_mapping
from accelsim.verification.mismatch import MismatchError
from accelsim.verification.schedules import verify_plan

INPUTS = Operand.INPUTS
TWO_READERS = network(
    conv("a", "input", 4), conv("b", "input", 4), {"name": "s", "operator": "add", "inputs": ["a", "b"]}
)
"""The image of 512 bytes is read by a, and by b, into which the addition is fused."""
ROOMY = keeping_machine(100_000)
IMAGE_BYTES = 512


def written(plan, name, **sizes):
    """The mapping of a layer of a plan, cut otherwise, its program written anew."""
    mapping = plan.schedule.mappings[number_of(plan, name)]
    (anew,) = mappings(
        [
            Choice(
                mapping.layer,
                mapping.dataflow,
                replace(whole_image(mapping.layer), **sizes),
                "filters_outer",
                moved=mapping.moved,
                placed=mapping.placed,
            )
        ],
        1,
        plan.hardware,
    )
    return replace(anew, room_bytes=10_000)


def with_mapping(plan, name, mapping):
    of_all = list(plan.schedule.mappings)
    of_all[number_of(plan, name)] = mapping
    return replace(plan, schedule=replace(plan.schedule, mappings=tuple(of_all)))


def brought_by(plan, name, place="dram"):
    return placing(plan, name, INPUTS, placed=True, moved=True, place=place)


@pytest.fixture(scope="module")
def arriving():
    """The image comes with a, in tiles of 4 rows for 2 filters, and is read in the pool by b."""
    plan = plan_run(TWO_READERS, ROOMY)
    assert INPUTS in plan.schedule.mappings[0].placed & plan.schedule.mappings[0].moved
    return with_mapping(plan, "a", written(plan, "a", y=4, k=2))


def test_an_image_that_comes_once_is_proven_and_read_there(arriving):
    assert wrong(arriving) == {}
    assert in_words(verify_plan(arriving).mismatches) == {}
    mapping = arriving.schedule.mappings[0]
    # Rows 0 to 4 for the first four rows of outputs, then 5 to 7; the other filters find them there.
    assert [step.loads.get(INPUTS, 0) for step in mapping.steps()] == [320, 192, 0, 0]
    assert [step.in_place for step in mapping.steps()] == [{INPUTS}, {INPUTS}, set(), set()]


def test_both_engines_bring_it_so(arriving):
    schedule, hardware = arriving.schedule, arriving.hardware
    activity = simulate_events(schedule, hardware)
    assert simulate_fast(schedule, hardware) == activity
    assert activity.peak_bank_bytes["pool"] > IMAGE_BYTES


def test_what_comes_to_a_place_takes_its_room(arriving):
    taken_bytes = arriving.schedule.pool_changes[0].taken_bytes
    assert wrong(moving_bytes(arriving, "a", taken=taken_bytes - IMAGE_BYTES))["a"] == (
        f"bytes of sram that its tensors take: the schedule says {taken_bytes - IMAGE_BYTES}, "
        f"executing it gives {taken_bytes}"
    )


def test_what_is_there_does_not_come_again(arriving):
    assert wrong(brought_by(arriving, "b", place="sram"))["b"] == "inputs lie in sram, but are moved"


def test_what_comes_is_read_outside(arriving):
    broken = brought_by(arriving, "a", place="sram")
    assert "inputs" in wrong(broken)["a"]
    assert "sram" in wrong(broken)["a"]


def test_what_never_came_is_not_read_there(arriving):
    broken = placing(arriving, "a", INPUTS, placed=False, moved=True)
    assert "the image" in wrong(broken)["b"]


def refused(plan, mapping):
    with pytest.raises(MismatchError) as raised:
        verify_mapping(plan.schedule.layers[0], mapping, ROOMY)
    return str(raised.value)


def test_a_halo_that_comes_again_is_refused(arriving):
    """A program whose second step loads what the first has brought."""
    mapping = arriving.schedule.mappings[0]
    first, second, *others = mapping.steps()
    again = replace(second, loads={**second.loads, INPUTS: 320})
    sentence = refused(arriving, replace(mapping, program=(first, again, *others)))
    assert "bytes of inputs that are loaded: the schedule says 320, executing it gives 192" in sentence


def test_a_step_that_takes_room_for_inputs_as_if_they_were_a_tile_is_refused(arriving):
    mapping = arriving.schedule.mappings[0]
    first, *others = mapping.steps()
    fields = {field.name: getattr(first, field.name) for field in dataclass_fields(Step)}
    sentence = refused(arriving, replace(mapping, program=(Step(**fields), *others)))
    assert "has nothing come to where it stays, executing it inputs" in sentence
