"""Power at a frame rate: what texts say, and what bars are drawn of."""

import math

import pytest

from accelsim import load_hardware, run_network
from accelsim.descriptions import vary
from accelsim.power import FrameDemand, FrameRate
from accelsim.report.text.power import hours_text, rate_or_none, rate_sentence, rate_values, with_waiting

NETWORK = "mobilenet_v1@width=0.25,resolution=128"
TIGHT = vary(load_hardware("npu_int8_2m"), **{"memories.sram.leakage_mw_per_kib": None})
"""Of known joules, without static power."""
IDLER = vary(TIGHT, **{"power.idle_mw": 2.0})


@pytest.fixture(scope="module")
def result():
    return run_network(NETWORK, IDLER)


def test_a_sentence_says_power_energy_and_what_a_battery_gives():
    rate = FrameRate(30, duty_cycle=0.05, energy_uj=410, power_mw=12.3)
    assert rate_sentence(FrameDemand(30, 675), rate) == (
        "30 frames/s: 12.3 mW, 410 uJ an image, computes for 5.0% of the time; 675 mWh last 54.9 hours"
    )
    assert rate_sentence(FrameDemand(30), rate._replace(first_energy_uj=900)).endswith(
        "of the time (900 uJ for the first, in which pinned weights come)"
    )
    assert hours_text(math.inf) == "for ever"


def test_data_have_no_hours_where_nothing_costs_energy():
    free = FrameRate(30, duty_cycle=0.05, energy_uj=0, power_mw=0)
    assert FrameDemand(30, 675).to_dict(free)["battery_hours"] is None


def test_a_rate_that_is_not_kept_has_no_values(result):
    demand = FrameDemand(1e6)
    assert rate_or_none(result, demand) is None
    assert rate_values(result, demand) == {"at_frame_rate": None}
    assert rate_values(result, None) == {}


@pytest.mark.parametrize("images", [1, 3])
def test_with_waiting_static_power_is_drawn_until_the_next_images_come(images):
    result = run_network(NETWORK, IDLER, batch=images)
    waiting = with_waiting(result, FrameDemand(20))
    period_uj = 2.0 * 1e3 * images / 20  # 2 mW for as long as the images take to come
    assert waiting.energy.by_component["static"] == pytest.approx(period_uj * 1e6)  # pJ
    assert waiting.energy.total == pytest.approx(math.fsum(waiting.energy.by_component.values()))
    assert waiting.energy.joules == pytest.approx(waiting.energy.total * 1e-12)
    assert waiting.energy.joules * 1e6 == pytest.approx(images * result.at_frame_rate(20).energy_uj)


def test_a_machine_without_static_power_spends_nothing_while_it_waits():
    result = run_network(NETWORK, TIGHT)
    assert with_waiting(result, FrameDemand(20)).energy.by_component == result.energy.by_component
