"""Is GAP9 what was measured of it? MLPerf Tiny v1.0; two networks are measured, two predicted."""

import statistics

import pytest

from accelsim.descriptions import vary
from accelsim.held_against import HELD_AGAINST
from accelsim.run import plan_run
from accelsim.simulation import simulate, simulate_events
from accelsim.validation.evaluate import shipped_hardware
from accelsim.validation.gap9 import load_gap9, reproduce_gap9
from accelsim.verification import verify_plan

NETWORKS = [network.network for network in load_gap9().networks]


@pytest.fixture(scope="module")
def chip():
    return shipped_hardware("gap9_ne16")


def test_every_network_takes_what_it_was_pinned_to(gap9):
    assert [row.network for row in gap9.rows] == NETWORKS
    assert not gap9.moved
    assert not gap9.missed_bars


def test_the_measured_networks_are_within_five_percent_and_the_others_have_no_figure(gap9):
    errors = {row.network: row.error for row in gap9.rows}
    assert abs(errors["mlperf_tiny_kws"]) <= 0.05
    assert abs(errors["mlperf_tiny_ad"]) <= 0.05
    assert errors["mlperf_tiny_ic"] is errors["mlperf_tiny_vww"] is None


def test_runs_say_how_far_off_the_chip_is(chip, gap9):
    held = HELD_AGAINST[chip.digest]
    (errors,) = held.errors
    absolute = [abs(row.log_error) for row in gap9.rows if row.log_error is not None]
    assert (held.kind, errors.cells) == ("silicon", len(absolute))
    assert round(statistics.median(absolute), 4) == errors.median
    assert round(max(absolute), 4) == errors.largest


def test_one_value_is_what_a_layer_takes_beside_its_tiles_wherever_it_runs(chip):
    assert chip.pe_array.cycles_per_call == chip.host.cycles_per_call


def test_layers_run_where_they_take_less_time(chip):
    """The array uses one channel at a time of a depthwise layer, and has no kernel of 10 x 4."""
    on_host = {
        layer.name for layer, mapping in _mapped("mlperf_tiny_kws", chip) if mapping.dataflow == "host"
    }
    assert {"conv1", "conv2_depthwise", "pool", "prob"} <= on_host
    assert not any("pointwise" in name for name in on_host)


def _mapped(network, hardware):
    schedule = plan_run(network, hardware).schedule
    return list(zip(schedule.layers, schedule.mappings, strict=True))


def test_to_choose_the_faster_is_never_slower(chip, gap9):
    alone = reproduce_gap9(vary(chip, **{"host.may_take": ()}))
    for chosen, array in zip(gap9.rows, alone.rows, strict=True):
        assert chosen.simulated_cycles <= array.simulated_cycles


@pytest.mark.parametrize("network", NETWORKS)
def test_both_engines_agree_and_the_schedule_is_proved(network, chip):
    plan = plan_run(network, chip)
    assert simulate(plan.schedule, plan.hardware) == simulate_events(plan.schedule, plan.hardware)
    assert verify_plan(plan).proven
