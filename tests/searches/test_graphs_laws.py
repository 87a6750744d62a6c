"""A candidate's graph that is put together of units is the one that lowering makes of it."""

from dataclasses import replace

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings
from read_once import load_network

from accelsim import load_hardware, run_network
from accelsim.descriptions import shipped
from accelsim.network import lowered_network
from accelsim.search.evaluate import Evaluator, SearchTask
from accelsim.search.graphs import Graphs
from accelsim.search.space import depths_of, with_depths
from accelsim.search.units import NotLocalError

NAMES = [
    name
    for name in shipped.names("networks")
    if depths_of(load_network(name)) and not any(stage.reads for stage in load_network(name).stages)
    if not name.startswith(("dense", "condense"))
]


def lowered(network, depths):
    whole = lowered_network(with_depths(network, depths))
    return whole._replace(graph=replace(whole.graph, notes=()))


@pytest.mark.parametrize("name", NAMES)
def test_graphs_of_shipped_networks_at_other_depths_are_those_of_lowering(name):
    network = load_network(name)
    graphs, count = Graphs(network, {}), len(depths_of(network))
    shallow = (1,) * count
    for depths in (shallow, tuple(2 + place % 3 for place in range(count)), (6, *shallow[1:]), (3,) * count):
        assert graphs.lowered(depths) == lowered(network, depths), depths


SQNXT = load_network("sqnxt23v5@resolution=64")


@given(depths=st.lists(st.tuples(*[st.integers(1, 9)] * 4), min_size=1, max_size=4), forgetful=st.booleans())
@settings(max_examples=25, deadline=None)
def test_graphs_of_any_depths_are_those_of_lowering_whatever_was_forgotten(depths, forgetful):
    known = {}
    graphs = Graphs(SQNXT, known)
    for candidate in depths:
        assert graphs.lowered(candidate) == lowered(SQNXT, candidate)
        if forgetful:
            known.clear()


def test_layers_of_one_name_in_the_same_surroundings_are_one_object():
    graphs = Graphs(SQNXT, {})
    one, other = (graphs.lowered(depths).graph for depths in ((2, 4, 6, 1), (2, 4, 7, 1)))
    assert one["stage2.block2.conv3x1"] is other["stage2.block2.conv3x1"]


def test_networks_whose_blocks_depend_on_all_before_them_have_no_such_graphs():
    graphs = Graphs(load_network("densenet121"), {})
    with pytest.raises(NotLocalError):
        for depths in ((1, 2, 1, 1), (2, 1, 1, 1), (3, 2, 1, 2)):
            graphs.lowered(depths)


def test_candidates_on_a_machine_that_plans_cost_what_a_run_says():
    hardware = load_hardware("npu_int8_256k")
    evaluator = Evaluator(SearchTask(SQNXT, hardware))
    for depths in ((2, 1, 1, 3), (1, 1, 1, 1), (2, 5, 3, 1)):
        run = run_network(with_depths(SQNXT, depths), hardware)
        evaluation = evaluator.evaluation(depths)
        assert (evaluation.size.params, evaluation.size.macs) == (run.params, run.macs)
        assert (evaluation.cost.cycles, evaluation.cost.energy) == (run.cycles, run.energy.total)
