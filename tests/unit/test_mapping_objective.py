"""By what mappings are chosen where the objective does not tell them apart."""

import time

import accelsim
from accelsim.descriptions import vary
from accelsim.mapping.ranking import that_decides

ACTIONS = ("mac", "vector_op", "register_file", "inter_pe", "global_buffer", "dram")


def test_where_no_action_costs_energy_time_decides_and_as_quickly():
    machine = accelsim.load_hardware("16x16_128k")
    free = vary(machine, **{f"energy.{action}": 0.0 for action in ACTIONS})
    network = accelsim.load_network("sqnxt23v5")
    by_time = accelsim.run_network(network, free, objective="time")
    for objective in ("energy", "edp"):
        began = time.process_time()
        assert accelsim.run_network(network, free, objective=objective).cycles == by_time.cycles
        assert time.process_time() - began < 3


def test_a_single_price_is_an_objective():
    machine = accelsim.load_hardware("16x16_128k")
    only_dram = vary(machine, **{f"energy.{action}": 0.0 for action in ACTIONS if action != "dram"})
    assert that_decides("energy", only_dram) == "energy"
    assert that_decides("time", only_dram) == "time"
