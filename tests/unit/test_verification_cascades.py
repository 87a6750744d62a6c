"""A cascade that is wrong is refuted, and it is said where."""

from dataclasses import replace

import pytest
from cascades import small, striped_machine, two_kernels, with_cascades

from accelsim import verify
from accelsim.descriptions import vary
from accelsim.mapping.given_file import MappingRule
from accelsim.mapping.stripes import Cascade, Striped
from accelsim.verification.schedules import verify_plan


@pytest.fixture(scope="module")
def plan():
    """Two layers in four stripes; the second's weights stay."""
    return with_cascades(two_kernels(), striped_machine(), Cascade(0, 2, 2, frozenset({1})))


def sentences(plan, **changes):
    schedule = replace(plan.schedule, **changes)
    return {
        name: str(said) for name, said in verify_plan(replace(plan, schedule=schedule)).mismatches.items()
    }


def with_stripes(plan, **changes):
    striped = plan.schedule.striped
    (stripes,) = striped.cascades
    return Striped(striped.layers, (replace(stripes, **changes),))


def edited(values, number, value):
    return (*values[:number], value, *values[number + 1 :])


def test_it_is_right_as_it_is(plan):
    assert sentences(plan) == {}


def test_a_window_of_too_few_rows_loses_one_before_it_is_read(plan):
    (window,) = plan.schedule.striped.cascades[0].windows
    said = sentences(plan, striped=with_stripes(plan, windows=(window._replace(rows=window.rows - 1),)))
    assert said["b"] == "reads row 1 of the output of a, in whose place row 4 lies"


def test_a_stripe_has_to_wait_for_those_that_wrote_its_rows(plan):
    waits_for = edited(plan.schedule.waits_for, 5, (2,))
    assert sentences(plan, waits_for=waits_for)["b"] == "reads the outputs of a, but does not wait for it"


def test_and_for_those_that_read_what_it_overwrites(plan):
    waits_for = edited(plan.schedule.waits_for, 4, ())
    said = sentences(plan, waits_for=waits_for)
    assert said == {"a": "writes where rows lie that b reads, but does not wait for it"}


def test_all_rows_have_to_be_there(plan):
    schedule = plan.schedule
    entries = plan.schedule.striped.cascades[0].entries[:-1]
    fewer = {
        name: getattr(schedule, name)[:-1]
        for name in ("layers", "mappings", "waits_for", "pool_changes", "places")
    }
    said = sentences(plan, striped=with_stripes(plan, entries=entries), **fewer)
    assert said["b"] == "stripe by stripe stores 6 rows of 8"


@pytest.mark.parametrize(
    ("bound", "wrong", "right"), [("pad_top", 1, 0), ("IY", 3, 4), ("OY", 1, 2), ("operands", 2, 1)]
)
def test_a_stripe_is_those_rows_of_its_layer(plan, bound, wrong, right):
    part = replace(plan.schedule.layers[2], **{bound: wrong})
    said = sentences(plan, layers=edited(plan.schedule.layers, 2, part))
    assert f"{bound} = {wrong} where it has {right}" in said["a"] or "is mapped as" in said["a"]


def test_weights_that_stay_come_with_the_first_stripe_and_not_again(plan):
    mappings = plan.schedule.mappings
    said = sentences(plan, mappings=edited(mappings, 3, mappings[1]))
    assert said["b"] == "weights are to lie in the pool in stripe 1, and do not"
    said = sentences(plan, mappings=edited(mappings, 1, mappings[3]))
    assert said["b"] == "weights are to come to the pool in stripe 0, and do not"


def test_the_room_is_that_of_the_rows_and_of_weights_that_stay(plan):
    changes = plan.schedule.pool_changes
    less = edited(changes, 0, changes[0]._replace(taken_bytes=changes[0].taken_bytes - 1))
    said = sentences(plan, pool_changes=less)
    assert said["b"] == "bytes of sram that its tensors take: the schedule says 271, executing it gives 272"


def test_what_is_kept_may_not_be_given_up_before_the_end(plan):
    changes = plan.schedule.pool_changes
    more = edited(changes, 7, changes[7]._replace(freed_bytes=changes[7].freed_bytes + 5))
    assert "gives up 277 bytes of sram" in sentences(plan, pool_changes=more)["b"]


def test_rows_that_an_addition_of_two_tensors_reads_have_to_be_there():
    """a, then b of it, and a + b, where an addition is a layer of its own: it reads rows of both windows."""
    row = {"operator": "conv", "out_channels": 4, "kernel": 3, "padding": "same"}
    network = small(
        {**row, "name": "a", "inputs": ["input"]},
        {**row, "name": "b", "inputs": ["a"]},
        {"name": "sum", "operator": "add", "inputs": ["a", "b"]},
    )
    plan = with_cascades(
        network, vary(striped_machine(), **{"vector_unit.unfused": ["add"]}), Cascade(0, 3, 2)
    )
    assert sentences(plan) == {}
    of_b = plan.schedule.striped.cascades[0].windows[1]
    windows = (plan.schedule.striped.cascades[0].windows[0], of_b._replace(rows=of_b.rows - 1))
    said = sentences(plan, striped=with_stripes(plan, windows=windows))
    assert said["sum"] == "reads row 0 of the output of b, in whose place row 1 lies"
    waits_for = edited(plan.schedule.waits_for, 2, (1,))
    assert sentences(plan, waits_for=waits_for)["sum"] == "reads the outputs of a, but does not wait for it"


def test_verify_plans_as_a_run_does():
    """In the least memory, and with given mappings: a step for each output of the last layer."""
    rule = MappingRule(layers="fc", tile={"K": 1})
    asked = {"objective": "peak", "layers": ["fc"]}
    told, left = (
        verify("mlperf_tiny_kws", "ethos_u55_128", mapping=mapping, **asked) for mapping in ([rule], None)
    )
    assert told.proven
    assert left.proven
    assert told.layers[0].steps == 12
