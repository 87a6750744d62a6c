"""Whole networks on machines with laws of size, prices by bits, static power and clocks of their own."""

from functools import cache

import pytest
from pytest import approx

from accelsim import load_hardware, load_network, run_network, verify
from accelsim.descriptions import vary
from accelsim.reuse.cache import Cache
from accelsim.run import plan_run, run_plan
from accelsim.search.evaluate import Evaluator, SearchTask, run_cost
from accelsim.search.space import depths_of

LEAKING = {"power.idle_mw": 50, "memories.sram.leakage_mw_per_kib": 0.05}
MACHINES = {
    "npu_int8_2m": LEAKING,
    "npu_int8_psram": LEAKING,
    "mcu_l3_l2_l1": {"power.idle_mw": 20, "memories.l2.leakage_mw_per_kib": 0.01},
}
NETWORK = "sqnxt23v5@resolution=160"


@cache
def machine(name, **changes):
    return vary(load_hardware(name), **MACHINES[name], **changes)


@cache
def plan(name):
    return plan_run(NETWORK, machine(name))


@cache
def result(name):
    return run_plan(plan(name))


@pytest.mark.parametrize("name", MACHINES)
def test_layers_add_up_with_what_is_drawn_at_all_times(name):
    run = result(name)
    for component, energy in run.energy.by_component.items():
        assert sum(layer.energy_by_component[component] for layer in run.layers) == approx(energy)
    assert sum(layer.energy for layer in run.layers) == approx(run.energy.total)
    seconds = run.time_ms * 1e-3
    assert run.energy.by_component["static"] * 1e-12 == approx(machine(name).static_power_mw * 1e-3 * seconds)


@pytest.mark.parametrize("name", MACHINES)
def test_both_engines_say_the_same(name):
    assert run_plan(plan(name), "events") == result(name)


@pytest.mark.parametrize("name", MACHINES)
def test_a_search_prices_as_a_run_does(name):
    cost = run_cost(SearchTask(load_network(NETWORK), machine(name)), Cache())
    assert (cost.cycles, cost.energy) == (result(name).cycles, approx(result(name).energy.total))


@pytest.mark.parametrize("name", MACHINES)
def test_schedules_are_proven(name):
    assert verify("squeezenet_v1_1@resolution=64", machine(name)).proven


def test_a_chip_that_draws_much_power_hurries():
    """By energy, what takes less time costs less: 500 mW beside the 90 mW of what is done."""
    still = load_hardware("npu_int8_psram")
    drawing = vary(still, **{"power.idle_mw": 500})
    knowing, unknowing = (run_network(NETWORK, hardware, objective="energy") for hardware in (drawing, still))
    per_cycle = drawing.prices.static_per_cycle - still.prices.static_per_cycle
    assert knowing.cycles < 0.8 * unknowing.cycles
    assert knowing.energy.total < 0.85 * (unknowing.energy.total + per_cycle * unknowing.cycles)


def test_a_clock_changes_what_it_changes():
    slow, fast = (run_network(NETWORK, machine("npu_int8_2m", clock_mhz=mhz)) for mhz in (100, 1000))
    assert slow.dram_bytes == fast.dram_bytes
    assert 2.5 * fast.time_ms < slow.time_ms < 5 * fast.time_ms
    assert fast.cycles > 1.5 * slow.cycles  # most of which it waits for the flash
    static = [run.energy.by_component["static"] / run.time_ms for run in (slow, fast)]
    assert static[0] == approx(static[1])


@pytest.mark.parametrize("network", ["squeezenet_v1_1", "sqnxt23v5"])
def test_the_least_energy_of_a_buffer_lies_between_16_kb_and_16_mb(network):
    """docs/how-to/sweep.md has all sizes, of four networks."""
    sizes = [1 << 14, 1 << 18, 1 << 24]
    energies = [
        run_network(network, vary(load_hardware("npu_int8_psram"), **{"memories.sram.size_bytes": size}))
        for size in sizes
    ]
    low, between, high = [run.energy.total for run in energies]
    assert between < 0.5 * low
    assert between < 0.5 * high


def test_candidates_of_a_depth_search_are_priced_as_they_run():
    """Put together from pieces, on a machine without a pool."""
    priced = {"energy.unit": "pJ", "energy.mac": {8: 0.25, 16: 1.0}, "power.idle_mw": 100}
    hardware, network = vary(load_hardware("16x16_128k"), **priced), load_network("sqnxt23v5")
    cost = Evaluator(SearchTask(network, hardware)).cost(depths_of(network))
    run = run_network(network, hardware)
    assert (cost.cycles, cost.energy) == (run.cycles, approx(run.energy.total))
    assert run.energy.by_component["mac"] == cost.executed_macs * 1.0
    assert run.energy.by_component["static"] > 0
