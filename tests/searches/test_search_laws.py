"""A search's figures are those of a run, whatever the network, the depths and the machine."""

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, given, settings
from read_once import load_network

from accelsim import Cache, load_hardware, run_network
from accelsim.descriptions import shipped, vary
from accelsim.network.overlay import overlaid
from accelsim.search.assembly import Assembly
from accelsim.search.evaluate import Evaluator, SearchTask
from accelsim.search.space import depths_of, with_depths
from accelsim.search.units import NotLocalError

NAMES = [name for name in shipped.names("networks") if depths_of(load_network(name))]
SMALL = load_hardware("8x8_32k")
LEAN = vary(SMALL, **{"dram.latency_cycles": 7, "global_buffer.size_bytes": 9000, "pe_array.rows": 5})


def run_outcome(network, hardware, cache, **options):
    """(parameters, MACs of one image, cycles, energy)."""
    result = run_network(network, hardware, cache=cache, **options)
    macs = result.macs // options.get("batch", 1)
    return result.params, macs, result.cycles, result.energy.total


def searched_outcome(evaluator, depths):
    outcome = evaluator.evaluation(depths)
    assert not outcome.problem
    return outcome.size.params, outcome.size.macs, outcome.cost.cycles, outcome.cost.energy


@pytest.mark.parametrize("name", [name for name in NAMES if not name.startswith(("dense", "condense"))])
def test_every_shipped_network_that_repeats_costs_at_other_depths_what_a_run_says(name):
    network, cache = load_network(name), Cache()
    evaluator = Evaluator(SearchTask(network, SMALL))
    shallow = tuple(1 for _ in depths_of(network))
    for depths in (shallow, tuple(2 + place % 3 for place in range(len(shallow))), (3, *shallow[1:])):
        expected = run_outcome(with_depths(network, depths), SMALL, cache)
        assert searched_outcome(evaluator, depths) == expected, depths


@pytest.mark.parametrize("name", ["densenet121"])
def test_networks_whose_blocks_depend_on_all_before_them_are_built_one_by_one(name):
    network, cache = load_network(name), Cache()
    evaluator = Evaluator(SearchTask(network, SMALL))
    for depths in ((1, 2, 1, 1), (2, 1, 1, 1), (1, 1, 1, 2)):
        expected = run_outcome(with_depths(network, depths), SMALL, cache)
        assert searched_outcome(evaluator, depths) == expected


def test_tables_with_branches_are_built_one_by_one():
    network, cache = load_network("unet_small", features=8, resolution=16), Cache()
    evaluator = Evaluator(SearchTask(network, SMALL))
    for depths in ((1, 2, 1, 1, 2, 1, 3, 1, 1), (1,) * 9, (2,) * 9):
        expected = run_outcome(with_depths(network, depths), SMALL, cache)
        assert searched_outcome(evaluator, depths) == expected
    with pytest.raises(NotLocalError, match="a row that reads other rows"):
        Assembly(network, SMALL, SearchTask(network, SMALL).options)


def test_a_network_that_can_be_built_at_few_depths_only_is_built_at_those():
    network = load_network("condensenet")
    depths = depths_of(network)
    expected = run_outcome(network, SMALL, Cache())
    assert searched_outcome(Evaluator(SearchTask(network, SMALL)), depths) == expected


@pytest.mark.parametrize("layers", ["stage*", "stage1.block2.conv1"])
def test_a_network_that_says_something_of_layers_by_name_is_built_one_by_one(layers, tmp_path):
    overlay = tmp_path / "pruned.yaml"
    overlay.write_text(f'compression: [{{layers: "{layers}", weight_density: 0.3}}]\n')
    network, cache = overlaid(load_network("resnet18"), overlay), Cache()
    evaluator = Evaluator(SearchTask(network, SMALL))
    for depths in ((2, 1, 1, 1), (3, 2, 1, 1)):
        expected = run_outcome(with_depths(network, depths), SMALL, cache)
        assert searched_outcome(evaluator, depths) == expected
    shallow = evaluator.evaluation((1, 1, 1, 1))
    assert (shallow.cost is None) == (layers == "stage1.block2.conv1")
    assert ("no such layer" in shallow.problem) == (shallow.cost is None)


def test_candidates_that_leave_descriptors_idle_cost_what_a_run_says():
    """With 16 descriptors, loads keep the stores of SqueezeNext's first layer waiting (by edp)."""
    network, cache = load_network("sqnxt23v5"), Cache()
    hardware = vary(load_hardware("16x16_128k"), **{"dma.descriptors": 16})
    evaluator = Evaluator(SearchTask(network, hardware, objective="edp"))
    for depths in (depths_of(network), (1, 1, 1, 1), (3, 2, 4, 1)):
        candidate = with_depths(network, depths)
        assert run_network(candidate, hardware, objective="edp", cache=cache).idle_descriptors
        expected = run_outcome(candidate, hardware, cache, objective="edp")
        assert searched_outcome(evaluator, depths) == expected


EVALUATORS = {}


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_the_order_of_candidates_does_not_matter(data):
    name = data.draw(st.sampled_from(["sqnxt23v2", "mobilenet_v2", "shufflenet_v2", "resnet18"]))
    hardware = data.draw(st.sampled_from([SMALL, LEAN]))
    batch = data.draw(st.sampled_from([1, 2]))
    if (name, hardware.name, hardware.channels[0], batch) not in EVALUATORS:
        network = load_network(name)
        EVALUATORS[name, hardware.name, hardware.channels[0], batch] = (
            Evaluator(SearchTask(network, hardware, batch=batch)),
            network,
            Cache(),
        )
    evaluator, network, cache = EVALUATORS[name, hardware.name, hardware.channels[0], batch]
    depths = tuple(data.draw(st.integers(1, 9)) for _ in depths_of(network))
    expected = run_outcome(with_depths(network, depths), hardware, cache, batch=batch)
    assert searched_outcome(evaluator, depths) == expected
