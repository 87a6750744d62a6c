"""Ethos-U55-128 beside what its compiler Vela estimates (validation/vela_ethos_u55_128.csv)."""

import math
import statistics

import pytest

from accelsim import run_network
from accelsim.descriptions import vary
from accelsim.errors import MappingError
from accelsim.held_against import HELD_AGAINST
from accelsim.run import plan_peak, plan_run
from accelsim.simulation import simulate, simulate_events
from accelsim.validation.evaluate import shipped_hardware
from accelsim.validation.vela import MACHINE, NETWORKS, load_vela
from accelsim.verification import verify_plan

PERFORMANCE = {estimate.network: estimate for estimate in load_vela() if estimate.mode == "performance"}
SIZE = {estimate.network: estimate for estimate in load_vela() if estimate.mode == "size"}


@pytest.fixture(scope="module")
def results():
    return {network: run_network(network, MACHINE) for network in NETWORKS}


def flash_bytes(result):
    return sum(result.memories["flash"].read_bytes.values())


def test_both_modes_of_every_network_were_kept_with_version_and_day():
    kept = load_vela()
    assert {(estimate.network, estimate.mode) for estimate in kept} == {
        (network, mode) for network in NETWORKS for mode in ("performance", "size")
    }
    assert {estimate.vela for estimate in kept} == {"5.2.0"}
    assert all(len(estimate.date.split("-")) == 3 for estimate in kept)


def test_mobilenet_v2_is_within_ten_percent_of_its_cycles_and_five_of_its_flash(results):
    estimate, result = PERFORMANCE["mobilenet_v2"], results["mobilenet_v2"]
    assert abs(result.cycles / estimate.cycles - 1) <= 0.10
    assert abs(flash_bytes(result) / estimate.flash_bytes - 1) <= 0.05


def test_with_little_sram_mobilenet_v2_runs_in_cascades_and_is_as_near():
    """Vela compiles it for size into 353.5 KiB."""
    estimate = SIZE["mobilenet_v2"]
    small = vary(shipped_hardware(MACHINE), **{"memories.sram.size_bytes": 393_216})
    result = run_network("mobilenet_v2", small)
    assert estimate.sram_bytes < result.memories["sram"].peak_bytes <= 393_216
    assert abs(result.cycles / estimate.cycles - 1) <= 0.10
    assert abs(flash_bytes(result) / estimate.flash_bytes - 1) <= 0.05
    with pytest.raises(MappingError):
        run_network("mobilenet_v2", vary(small, cascade=None))


@pytest.mark.parametrize("network", ["mobilenet_v2", "mlperf_tiny_ic", "mlperf_tiny_vww", "mlperf_tiny_kws"])
def test_the_least_sram_is_at_most_a_tenth_above_what_vela_needs_for_size(network):
    assert plan_peak(network, MACHINE).size_bytes <= 1.1 * SIZE[network].sram_bytes


def test_additions_of_two_tensors_are_in_cascades_where_sram_is_short():
    """In as much as Vela takes for size: each addition is a layer of its own, of the rows of two tensors."""
    arena = {"memories.sram.arena_bytes": SIZE["mlperf_tiny_ic"].sram_bytes}
    plan = plan_run("mlperf_tiny_ic", vary(shipped_hardware(MACHINE), **arena))
    inside = {entry.layer for entry in plan.schedule.striped.entries if entry.cascade is not None}
    assert {plan.schedule.striped.layers[step].operands for step in inside} == {1, 2}
    assert simulate(plan.schedule, plan.hardware) == simulate_events(plan.schedule, plan.hardware)
    assert verify_plan(plan).proven
    with pytest.raises(MappingError):
        plan_run("mlperf_tiny_ic", vary(plan.hardware, cascade=None))


def test_no_network_needs_anything_but_weights_from_outside(results):
    for result in results.values():
        assert not any(result.memories["flash"].written_bytes.values())
        assert {operand for operand, size in result.memories["flash"].read_bytes.items() if size} == {
            "weights"
        }


def test_runs_say_how_far_off_vela_is(results):
    held = HELD_AGAINST[shipped_hardware(MACHINE).digest]
    assert held.kind == "simulator"
    pairs = {
        "time": [(PERFORMANCE[name].cycles, result.cycles) for name, result in results.items()],
        "flash": [(PERFORMANCE[name].flash_bytes, flash_bytes(result)) for name, result in results.items()],
    }
    for errors in held.errors:
        absolute = [abs(math.log(own / kept)) for kept, own in pairs[errors.quantity]]
        assert errors.cells == len(absolute)
        assert round(statistics.median(absolute), 4) == errors.median
        assert round(max(absolute), 4) == errors.largest


@pytest.mark.parametrize("network", [name for name in NETWORKS if name != "mobilenet_v2"])
def test_both_engines_agree_and_the_schedule_is_proved(network):
    plan = plan_run(network, MACHINE)
    assert simulate(plan.schedule, plan.hardware) == simulate_events(plan.schedule, plan.hardware)
    assert verify_plan(plan).proven
