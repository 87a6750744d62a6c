"""A search over depths: what it ranks, what it marks, what it says when nothing is feasible."""

import itertools
from dataclasses import replace

import numpy as np
import pytest

from accelsim import AccelsimError, load_hardware, load_network, run_network
from accelsim.descriptions import dump, vary
from accelsim.errors import MappingError
from accelsim.execution.processes import Processes
from accelsim.hardware import ActionCounts
from accelsim.network.load import load_network as load
from accelsim.planning import in_room
from accelsim.report.tables.depths import EACH_PLANNED, depth_dict, depth_report, depth_rows, heading, rows
from accelsim.report.text.table import Style
from accelsim.search.assembly import Assembly
from accelsim.search.depth import search_depth
from accelsim.search.evaluate import Evaluator, Limits, SearchTask, cost_of
from accelsim.search.family import relatives
from accelsim.search.pareto import dominates
from accelsim.search.redesign import concrete
from accelsim.search.space import SpaceError, depth_space, with_depths
from accelsim.search.units import NotLocalError

LARGE = load_hardware("16x16_128k")
SQNXT = load_network("sqnxt23v2")
SPACE = depth_space(SQNXT, fixed={"stage4": 1})


@pytest.fixture(scope="module")
def found():
    """All 171 distributions of SqueezeNext's 20 blocks over its first three stages."""
    return search_depth(SearchTask(SQNXT, LARGE), SPACE, top=171)


def test_all_candidates_are_evaluated_and_ranked(found):
    assert found.evaluated == found.feasible == len(found.ranked) == 171
    assert {candidate.depths for candidate in found.ranked} == set(SPACE)
    cycles = [candidate.cycles for candidate in found.ranked]
    assert cycles == sorted(cycles)


def test_a_candidate_of_a_network_with_parameters_is_written_with_their_values(tmp_path):
    network, hardware = load_network("mobilenet_v1@width=0.25,resolution=96"), load_hardware("8x8_32k")
    found = search_depth(SearchTask(network, hardware), depth_space(network, total_blocks=7))
    file = tmp_path / "best.yaml"
    file.write_text(dump(concrete(with_depths(network, found.best.depths)).description))
    run = run_network(load_network(file), hardware)
    assert (run.cycles, run.energy.total, run.params) == (
        found.best.cycles,
        found.best.energy,
        found.best.params,
    )


def test_a_candidate_costs_what_a_run_of_its_yaml_says(found, tmp_path):
    for candidate in found.ranked[::19]:
        file = tmp_path / f"{'-'.join(map(str, candidate.depths))}.yaml"
        file.write_text(dump(with_depths(SQNXT, candidate.depths).description))
        result = run_network(load(file), LARGE)
        assert (result.cycles, result.energy.total) == (candidate.cycles, candidate.energy)
        assert (result.params, result.macs) == (candidate.params, candidate.macs)


def test_candidates_on_a_machine_that_keeps_activations_cost_what_their_runs_say():
    """What stays depends on all layers: no schedule is put together from pieces of others."""
    network, hardware = load_network("sqnxt23v5@resolution=64"), load_hardware("npu_int8_256k")
    with pytest.raises(NotLocalError, match="depends on all layers"):
        Assembly(network, hardware, SearchTask(network, hardware).options)
    space = depth_space(network, fixed={"stage1": 1, "stage2": 2}, total_blocks=6)
    found = search_depth(SearchTask(network, hardware), space)
    assert len(found.ranked) == 2
    for candidate in found.ranked:
        result = run_network(with_depths(network, candidate.depths), hardware)
        assert (result.cycles, result.energy.total) == (candidate.cycles, candidate.energy)
    assert EACH_PLANNED in " ".join(depth_report(found, Style(), 5).split())


def test_the_authors_networks_fall_on_candidates_in_the_order_of_their_versions(found):
    assert [known.name for known in found.known] == ["sqnxt23v5", "sqnxt23v4", "sqnxt23v3", "sqnxt23v2"]
    for better, worse in itertools.pairwise(known.candidate for known in found.known):
        assert better.cycles < worse.cycles
        assert better.energy < worse.energy


def test_a_known_networks_rank_is_its_place_among_all(found):
    for known in found.known:
        assert found.ranked[known.rank - 1] == known.candidate


def test_ranks_do_not_depend_on_how_many_are_kept(found):
    few = search_depth(SearchTask(SQNXT, LARGE), SPACE, top=3)
    assert few.ranked == found.ranked[:3]
    assert few.known == found.known
    assert few.front == found.front


def test_the_front_is_that_of_time_energy_and_parameters(found):
    everything = found.ranked
    assert set(found.front) == {
        one for one in everything if not any(dominates(other.figures, one.figures) for other in everything)
    }


@pytest.mark.parametrize(
    ("objective", "figure"),
    [
        ("energy", lambda one: one.energy),
        ("edp", lambda one: one.energy * one.cycles),
        ("pareto", lambda one: one.energy * one.cycles),
    ],
)
def test_candidates_are_ranked_by_the_objective(found, objective, figure):
    other = search_depth(SearchTask(SQNXT, LARGE), SPACE, objective=objective, top=171)
    figures = [figure(candidate) for candidate in other.ranked]
    assert figures == sorted(figures)
    assert other.front == found.front
    assert other.best in other.front


def test_limits_leave_only_what_is_within_them(found):
    limited = search_depth(SearchTask(SQNXT, LARGE, Limits(params=750_000)), SPACE, top=171)
    assert limited.evaluated == 171
    assert limited.ranked == tuple(one for one in found.ranked if one.params <= 750_000)
    assert limited.feasible == len(limited.ranked)
    assert [one.name for one in limited.excluded] == ["sqnxt23v4", "sqnxt23v5"]


def test_a_limit_that_excludes_all_is_named_with_what_would_have_to_be_given_up():
    with pytest.raises(SpaceError) as error:
        search_depth(SearchTask(SQNXT, LARGE, Limits(params=400_000, macs=100)), SPACE)
    assert str(error.value).splitlines() == [
        "max params = 400000: excludes all 171 candidates: "
        "the smallest of them, 18-1-1-1, has 452608, 52608 more",
        "max macs = 100: excludes all 171 candidates: "
        "the smallest of them, 1-1-18-1, has 224916480, 224916380 more",
    ]


def test_limits_that_exclude_all_only_together_are_named_together():
    mobilenet = load_network("shufflenet_v1")
    space = depth_space(mobilenet, total_blocks=6)
    every = search_depth(SearchTask(mobilenet, LARGE), space, top=99).ranked
    params, macs = min(one.params for one in every), min(one.macs for one in every)
    with pytest.raises(SpaceError) as error:
        search_depth(SearchTask(mobilenet, LARGE, Limits(params, macs)), space)
    lines = str(error.value).splitlines()
    assert [line.partition(":")[0] for line in lines] == [f"max params = {params}", f"max macs = {macs}"]
    assert all("excludes all candidates that the other limit allows" in line for line in lines)


def test_depths_with_which_a_network_cannot_be_built_are_not_feasible():
    condensenet = load_network("condensenet")
    space = depth_space(condensenet, total_blocks=5)
    with pytest.raises(SpaceError, match=r"the only candidate cannot be executed: .*fc\.select"):
        search_depth(SearchTask(condensenet, LARGE), space)


GROWING = """\
name: growing
title: A network whose classifier reads 50 of its features
source: made up for a test
input: {channels: 16, height: 8, width: 8}
stages:
  - {block: dense_layer, name: narrow, growth: 4, repeat: 3}
  - {block: dense_layer, name: wide, growth: 8, repeat: 3}
  - {block: global_average_pool, name: pool}
  - {block: condense_classifier, name: fc, out_features: 10, kept: 50}
"""


def test_depths_that_cannot_be_built_are_counted_beside_those_that_can(tmp_path):
    (tmp_path / "growing.yaml").write_text(GROWING)
    network = load_network(tmp_path / "growing.yaml")
    result = search_depth(SearchTask(network, LARGE), depth_space(network))
    assert (result.evaluated, result.feasible, result.not_executable) == (5, 3, 2)
    assert result.first_problem.startswith("growing-")
    assert ": fc.select: channels 0 to 49 are not within the " in result.first_problem
    assert depth_dict(result)["not_executable"] == 2
    assert "3 are feasible; 2 cannot be executed, the first because: growing-" in " ".join(
        depth_report(result, Style(), 10).split()
    )


def test_candidates_that_are_planned_write_each_program_once(monkeypatch):
    """However each plan weighs time against energy; in each room it is simulated alone."""
    written, simulated = [], []
    mappings, cycles = in_room.mappings, in_room.Alone.__call__
    monkeypatch.setattr(
        in_room, "mappings", lambda choices, *given: written.extend(choices) or mappings(choices, *given)
    )
    monkeypatch.setattr(
        in_room.Alone, "__call__", lambda alone, mapping: simulated.append(mapping) or cycles(alone, mapping)
    )
    network, hardware = load_network("sqnxt23v5@resolution=64"), load_hardware("npu_int8_256k")
    evaluations = Evaluator(SearchTask(network, hardware)).evaluations([(1, 1, 1, 1), (2, 1, 1, 1)])
    assert all(evaluation.cost for evaluation in evaluations)
    assert 0 < len(written) == len(set(written)) <= len(simulated)


def test_a_fault_in_one_candidate_does_not_end_a_search(monkeypatch):
    costs = Evaluator.costs

    def faulty(self, candidates):
        if any(depths[0] == 1 for depths in candidates):
            raise IndexError("list index out of range")
        return costs(self, candidates)

    monkeypatch.setattr(Evaluator, "costs", faulty)
    network = load_network("resnet18@resolution=64")
    result = search_depth(
        SearchTask(network, LARGE), depth_space(network, total_blocks=6), executor=Processes(1)
    )
    assert (result.evaluated, result.feasible, result.not_executable) == (10, 4, 6)
    assert result.first_problem.startswith("a fault of accelsim itself, please report it: IndexError at ")


def test_what_a_store_could_not_hold_is_no_cost():
    with pytest.raises(
        MappingError, match=r"^takes 1e\+19 cycles: what takes more than 2\^62 cannot be comp"
    ):
        cost_of(10**19, ActionCounts(), LARGE, [])


def test_depths_may_be_numbers_of_numpy():
    space = depth_space(
        SQNXT, total_blocks=np.int64(20), min_blocks=np.int8(1), fixed={"stage4": np.int32(1)}
    )
    assert space == depth_space(SQNXT, total_blocks=20, fixed={"stage4": 1})


def test_a_batch_may_be_a_number_of_numpy(tmp_path):
    task, space = SearchTask(SQNXT, LARGE, batch=np.int64(2)), depth_space(SQNXT, total_blocks=4)
    result = search_depth(task, space, top=np.int64(3), store=tmp_path / "found.sqlite")
    assert result.best == search_depth(replace(task, batch=2), space).best


def test_an_unknown_objective_is_answered_by_those_there_are():
    with pytest.raises(AccelsimError, match="'speed': must be one of time, energy, edp, pareto"):
        search_depth(SearchTask(SQNXT, LARGE), SPACE, objective="speed")


def test_relatives_are_found_by_what_they_consist_of(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "networks").mkdir()
    described = with_depths(SQNXT, (5, 5, 5, 5)).description
    (tmp_path / "networks" / "elsewhere.yaml").write_text(dump(vary(described, name="elsewhere")))
    (tmp_path / "networks" / "broken.yaml").write_text("preset_of: broken sqnxt conv [")
    wide = vary(described, name="wide", **{"stages.0.kernel": 7})
    (tmp_path / "networks" / "wide.yaml").write_text(dump(wide))
    names = {one.name: one.depths for one in relatives(SQNXT)}
    assert names["elsewhere"] == (5, 5, 5, 5)
    assert names["sqnxt23v5"] == (2, 4, 14, 1)
    assert names.keys().isdisjoint({"wide", "broken", "sqnxt23", "sqnxt23v5_2x", "sqnxt34"})


def test_several_processes_find_what_one_does(monkeypatch):
    monkeypatch.setattr("accelsim.search.depth.WORTHWHILE", 1)
    network = load_network("shufflenet_v1")
    space = depth_space(network, total_blocks=12)
    done = []
    two = search_depth(SearchTask(network, LARGE), space, executor=Processes(2), step=done.append)
    one = search_depth(SearchTask(network, LARGE), space, executor=Processes(1))
    assert sum(done) == space.size
    assert replace(two, seconds=0.0) == replace(one, seconds=0.0)


def test_the_values_are_those_that_the_search_found(found):
    values = depth_dict(found)
    assert values["evaluated"] == values["feasible"] == 171
    assert values["best"].keys() == {"depths", "cycles", "energy", "params", "macs"}
    assert values["best"]["depths"] == list(found.ranked[0].depths)
    assert len(values["pareto"]) == len(found.front)
    assert [known["name"] for known in values["known"]] == [known.name for known in found.known]
    assert values["seconds"] >= 0


def test_a_table_shows_the_best_the_known_networks_and_the_front(found):
    few = replace(found, ranked=found.ranked[:2])
    sections = dict.fromkeys(row.section for row in rows(few))
    assert [heading(section, few) for section in sections] == [
        "the best by time",
        "known networks",
        f"Pareto front of time, energy and parameters: {len(found.front)}",
    ]
    text = depth_report(few, Style(), row_limit=4)
    assert all(len(line) <= 80 for line in text.splitlines())
    assert f"... and {len(found.front) - 4} more" in text
    assert "sqnxt23v5" in text


def test_a_row_of_the_csv_is_a_candidate_and_no_candidate_is_there_twice(found):
    names = [row["depths"] for row in depth_rows(found)]
    assert len(names) == len(set(names)) == 171


def test_a_network_with_one_candidate_is_compared_with_itself():
    xception = load_network("xception_small")
    space = depth_space(xception, fixed={"stage2": 4, "stage3": 8})
    text = depth_report(search_depth(SearchTask(xception, LARGE), space), Style(), row_limit=5)
    assert "xception_small on 16x16_128k: 1 way to distribute 16 blocks" in text
    assert "relative to xception_small." in text.replace("\n", " ")


def test_candidates_pay_for_what_lies_compressed_as_runs_do():
    compressing = vary(LARGE, **{"memories.dram.compress": {"weights": 0.3}})
    network = load_network("sqnxt23@resolution=64")
    space = depth_space(network, total_blocks=6)
    best = search_depth(SearchTask(network, compressing), space).best
    result = run_network(with_depths(network, best.depths), compressing)
    assert (best.cycles, best.energy) == (result.cycles, pytest.approx(result.energy.total))
    assert best.energy < search_depth(SearchTask(network, LARGE), space).best.energy
