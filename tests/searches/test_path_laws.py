"""A walk gets better at every step, keeps its budget, and says of its networks what a run of them says."""

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

from accelsim import AccelsimError, load_hardware, load_network, run_network
from accelsim.descriptions import dump, vary
from accelsim.errors import problem_text
from accelsim.search.path import AS_GOOD, search_path
from accelsim.search.redesign import concrete, moved
from accelsim.search.space import SpaceError
from accelsim.search.words import move_words

SMALL, LARGE = load_hardware("8x8_32k"), load_hardware("16x16_128k")
LEAN = vary(SMALL, **{"dram.latency_cycles": 7, "pe_array.rows": 6, "dram.bandwidth_bytes_per_cycle": 3})
NETWORKS = {
    name: load_network(name)
    for name in ("sqnxt23@resolution=131", "shufflenet_v2@width=0.5,resolution=96", "resnet18@resolution=64",
                 "mobilenet_v1@width=0.3,resolution=96", "alexnet")
}  # fmt: skip


def point_of(network, hardware, batch=1, dataflow="auto"):
    result = run_network(network, hardware, batch=batch, dataflow=dataflow)
    return result.cycles, result.energy.total, result.params, result.macs // batch


def figures(point):
    return point.cycles, point.energy, point.params, point.macs


def checked(found, steps=None):
    """What holds of every walk."""
    budget, before = found.budget, found.start
    for step in found.steps:
        assert step.before == before
        assert step.after.value(found.objective) < before.value(found.objective)
        assert step.after.params <= budget.max_params
        assert step.after.macs <= budget.max_macs
        assert step.after.params >= budget.min_params
        assert step.best.point == step.after
        allowed = [one for one in step.moves if one.point and not one.excesses]
        least = min(one.point.value(found.objective) for one in allowed)
        alike = [one for one in allowed if one.point.value(found.objective) <= least * (1 + AS_GOOD)]
        assert step.best in alike
        assert step.best.point.params == min(one.point.params for one in alike)
        assert step.allowed <= step.helping <= len(step.moves)
        before = step.after
    if steps is not None:
        assert len(found.steps) <= steps
    helping = [
        one
        for one in found.last_moves
        if one.point and one.point.value(found.objective) < found.end.value(found.objective)
    ]
    assert all(one.excesses for one in helping)
    assert (found.stopped == "budget") == bool(helping)


@settings(max_examples=12)
@given(st.data())
def test_walks_get_better_within_their_budget_and_come_to_what_a_run_says(tmp_path_factory, data):
    name = data.draw(st.sampled_from(sorted(NETWORKS)))
    hardware = data.draw(st.sampled_from([SMALL, LEAN, LARGE]))
    objective = data.draw(st.sampled_from(["time", "energy", "edp"]))
    steps = data.draw(st.sampled_from([0, 1, 3]))
    batch = data.draw(st.sampled_from([1, 2]))
    network = NETWORKS[name]
    more = data.draw(st.sampled_from([None, 1.0, 1.1]))
    params = run_network(network, hardware).params
    limit = None if more is None else int(more * params)
    found = search_path(network, hardware, objective=objective, steps=steps, batch=batch, max_params=limit)
    checked(found, steps)
    assert figures(found.start) == point_of(network, hardware, batch)
    file = tmp_path_factory.mktemp("walked") / "walked.yaml"
    file.write_text(dump(found.final))
    assert figures(found.end) == point_of(load_network(file), hardware, batch)


@pytest.mark.parametrize(("name", "hardware"), [("shufflenet_v2", LARGE), ("sqnxt23", SMALL)])
def test_every_move_that_was_tried_costs_what_a_run_of_it_says(name, hardware):
    found = search_path(load_network(name), hardware, steps=1)
    (step,) = found.steps
    table = concrete(load_network(name))
    for one in step.moves:
        assert figures(one.point) == point_of(moved(table, one.move), hardware), move_words(one.move)


FIVES = """\
name: fives
title: Five groups, and a layer that is named
source: made up for these tests
input: {channels: 5, height: 32, width: 32}
compression: [{layers: stage1.block2.conv1, weight_density: 0.5}]
stages:
  - {block: conv, name: fives, out_channels: 20, kernel: 3, stride: 2, groups: 5}
  - {block: residual_basic, name: stage1, out_channels: 24, repeat: 2}
  - {block: residual_basic, name: stage2, out_channels: 32, repeat: 1, stride: 2}
  - {block: fully_connected, name: fc, out_features: 10}
"""


def test_a_move_that_gives_no_network_is_said_to_be_impossible(tmp_path):
    file = tmp_path / "fives.yaml"
    file.write_text(FIVES)
    found = search_path(load_network(file), SMALL, steps=1)
    tried = found.steps[0].moves if found.steps else found.last_moves
    problems = {move_words(one.move): problem_text(one.problems) for one in tried if one.problems}
    assert problems.keys() == {
        "a block from stage1 to stage2",
        "16 instead of 20 channels in fives",
        "24 instead of 20 channels in fives",
    }
    assert "groups" in problems["16 instead of 20 channels in fives"]
    assert "stage1.block2.conv1" in problems["a block from stage1 to stage2"]
    assert all(one.point is None for one in tried if one.problems)
    checked(found, 1)


def test_a_walk_is_the_same_each_time():
    walks = [search_path(NETWORKS["resnet18@resolution=64"], SMALL) for _ in range(2)]
    assert walks[0].steps == walks[1].steps
    assert dump(walks[0].final) == dump(walks[1].final)


def test_no_steps_end_where_the_walk_starts():
    found = search_path(load_network("sqnxt23"), SMALL, steps=0)
    assert (found.steps, found.stopped, found.end) == ((), "steps", found.start)
    assert found.last_moves == ()


def test_networks_without_a_move_and_budgets_that_the_start_exceeds_are_refused():
    no_move = "squeezenet_v1_1: offers no move: no repeating stage .*every number of channels .* can"
    with pytest.raises(SpaceError, match=no_move):
        search_path(load_network("squeezenet_v1_1"), LARGE)
    network = load_network("sqnxt23")
    for limit, sentence in (
        ({"max_params": 700_000}, "max params = 700000: sqnxt23 has 717280, 17280 more"),
        ({"max_macs": 10**8}, "max MACs = 100000000: sqnxt23 has 277999808, 177999808 more"),
        ({"min_params": 10**6}, "min params = 1000000: sqnxt23 has 717280, 282720 fewer"),
    ):
        with pytest.raises(SpaceError, match=sentence):
            search_path(network, LARGE, **limit)
    with pytest.raises(AccelsimError, match="objective = 'speed': must be one of time, energy, edp"):
        search_path(network, LARGE, objective="speed")
    with pytest.raises(AccelsimError, match="steps = -1: must be a whole number from 0 to 10000"):
        search_path(network, LARGE, steps=-1)
