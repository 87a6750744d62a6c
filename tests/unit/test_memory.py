"""What is remembered changes how fast an answer comes, never the answer."""

import copy

import pytest

from accelsim import load_hardware, load_network, run_network
from accelsim.descriptions import vary
from accelsim.memory import MOST_MACHINES, MOST_NETWORKS, Memory

NETWORKS = ("sqnxt23v5", "sqnxt23", "squeezenet_v1_1", "mobilenet_v2")


@pytest.fixture(scope="module")
def machine():
    return load_hardware("16x16_128k")


def test_runs_that_share_a_memory_find_what_they_find_alone(machine):
    memory = Memory()
    networks = [load_network(name) for name in NETWORKS]
    alone = [run_network(network, machine) for network in networks]
    for _ in range(2):
        assert [run_network(network, machine, memory=memory) for network in networks] == alone


@pytest.mark.parametrize(
    "options",
    [{"batch": 2}, {"dataflow": "weight_stationary"}, {"objective": "energy"}, {"engine": "events"}],
)
def test_options_are_not_mixed_up(machine, options):
    memory, network = Memory(), load_network("squeezenet_v1_1")
    plain = run_network(network, machine, memory=memory)
    assert run_network(network, machine, memory=memory, **options) == run_network(network, machine, **options)
    assert run_network(network, machine, memory=memory) == plain


def test_machines_are_not_mixed_up_and_equal_ones_are_one(machine):
    memory, network = Memory(), load_network("squeezenet_v1_1")
    dearer = vary(machine, **{"energy.dram": 2 * machine.energy.dram})
    again = load_hardware("16x16_128k")
    for some in (machine, dearer, again):
        assert run_network(network, some, memory=memory) == run_network(network, some)
    assert memory.layers(machine, 1, "auto", None) is memory.layers(
        load_hardware("16x16_128k"), 1, "auto", None
    )


def test_a_memory_does_not_grow_without_end(machine):
    memory = Memory()
    first = memory.layers(machine, 1, "auto", None)
    for batch in range(2, MOST_MACHINES + 2):
        memory.layers(machine, batch, "auto", None)
    assert memory.layers(machine, 1, "auto", None) is not first
    network = load_network("squeezenet_v1_1")
    kept = memory.lowered(network)
    others = [copy.copy(network) for _ in range(MOST_NETWORKS)]
    for other in others:
        memory.lowered(other)
    assert memory.lowered(network) is not kept
