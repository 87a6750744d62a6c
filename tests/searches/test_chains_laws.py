"""Candidates that are put together cost what runs of them say: every figure, on every kind of machine."""

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, given, settings
from machines import with_engines, with_flash, with_host

from accelsim import Cache, load_hardware, load_network
from accelsim.descriptions import vary
from accelsim.search import chains
from accelsim.search.evaluate import Evaluator, Limits, SearchTask, run_cost
from accelsim.search.space import with_depths

SMALL = load_hardware("8x8_32k")


MACHINES = {
    "plain": SMALL,
    "lean": vary(SMALL, **{"dram.latency_cycles": 7, "global_buffer.size_bytes": 9000, "pe_array.rows": 5}),
    "slow vector unit": vary(SMALL, **{"pe_array.columns": 3, "dram.bandwidth_bytes_per_cycle": 64}),
    "by bits, and at all times": vary(
        SMALL,
        **{
            "precision.weights_bits": 8,
            "precision.activations_bits": 8,
            "energy.unit": "pJ",
            "energy.mac": {"8": 0.3, "16": 0.9, "32": 3.1},
            "power.idle_mw": 0.7,
        },
    ),
    "two channels": with_flash(SMALL, bytes_per_cycle=4, latency_cycles=50, prefetch=2),
    "host": with_host(
        SMALL,
        macs_per_cycle=1.5,
        elements_per_cycle=2,
        cycles_per_call=100,
        energy={"mac": 2, "element": 1, "call": 50},
    ),
    "control": with_engines(
        SMALL,
        control={"cycles_per_tile": 30, "tiles_in_flight": 2, "completion_cycles": 3, "cycles_per_layer": 40},
    ),
}
NETWORKS = ["sqnxt23v2", "mobilenet_v2@resolution=64", "shufflenet_v2", "resnet18", "xception@resolution=96"]
KNOWN = {}


def known(network, machine, objective):
    key = network, machine, objective
    if key not in KNOWN:
        task = SearchTask(load_network(network), MACHINES[machine], batch=1, objective=objective)
        KNOWN[key] = task, Evaluator(task), Cache()
    return KNOWN[key]


def of_run(task, depths, cache):
    """A candidate's cost as a run has it: cycles, energy, bytes, multiply-accumulates."""
    candidate = SearchTask(
        with_depths(task.network, depths), task.hardware, batch=task.batch, objective=task.objective
    )
    return run_cost(candidate, cache)


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.data())
def test_every_figure_of_candidates_is_that_of_their_runs(data):
    network = data.draw(st.sampled_from(NETWORKS))
    machine = data.draw(st.sampled_from(sorted(MACHINES)))
    objective = data.draw(st.sampled_from([None, None, "edp"]))
    task, evaluator, cache = known(network, machine, objective)
    stages = len([stage for stage in task.network.stages if stage.repeat is not None])
    some_depths = st.tuples(*[st.integers(1, 7)] * stages)
    candidates = data.draw(st.lists(some_depths, min_size=1, max_size=5))
    evaluations = evaluator.evaluations(candidates)
    assert evaluator.puts_together
    assert bool(task.hardware.prices.static_per_cycle) == (machine == "by bits, and at all times")
    for depths, evaluation in zip(candidates, evaluations, strict=True):
        assert not evaluation.problem
        assert evaluation.cost == of_run(task, depths, cache), depths


def test_what_floats_do_not_hold_exactly_is_run(monkeypatch):
    task = SearchTask(load_network("resnet18@resolution=64"), SMALL)
    expected = Evaluator(task).evaluations([(2, 2, 2, 2), (1, 3, 1, 1)])
    monkeypatch.setattr(chains, "EXACT", 1000.0)
    evaluator = Evaluator(task)
    assert evaluator.evaluations([(2, 2, 2, 2), (1, 3, 1, 1)]) == expected
    assert evaluator.puts_together


def test_what_is_forgotten_is_found_out_again(monkeypatch):
    task, candidates = SearchTask(load_network("resnet18@resolution=64"), SMALL), [(2, 2, 2, 2), (1, 3, 1, 1)]
    expected = Evaluator(task).evaluations(candidates)
    monkeypatch.setattr(chains, "MOST_ROWS", 3)
    evaluator = Evaluator(task)
    assert [evaluator.evaluation(depths) for depths in candidates * 2] == expected * 2


@pytest.mark.parametrize("limit", [0, 10**9])
def test_what_a_limit_excludes_is_not_costed(limit):
    network = load_network("resnet18@resolution=64")
    free, limited = SearchTask(network, SMALL), SearchTask(network, SMALL, Limits(params=limit))
    candidates = [(1, 1, 1, 1), (2, 1, 1, 2)]
    unlimited, within = Evaluator(free).evaluations(candidates), Evaluator(limited).evaluations(candidates)
    assert [one.size for one in within] == [one.size for one in unlimited]
    assert [one.cost for one in within] == [one.cost if limit else None for one in unlimited]
