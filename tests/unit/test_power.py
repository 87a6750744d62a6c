"""Energy of an image, power and battery hours, where images come at a rate."""

import math

import pytest
from pytest import approx

from accelsim import run_network
from accelsim.errors import AccelsimError
from accelsim.power import BatchEnergy, Energy, FrameRate, frame_rate_of

SPENT = Energy(
    100e6, "pJ", {"mac": 80e6, "static": 20e6}, joules=100e-6
)  # 20 uJ in 10 ms are 2 mW at all times
BATCH = BatchEnergy(time_ms=10.0, energy=SPENT)


def test_dynamic_energy_is_all_but_what_is_drawn_at_all_times():
    assert SPENT.dynamic_joules == approx(80e-6)
    assert Energy(5.0, "pJ", {"mac": 5.0}, joules=5e-12).dynamic_joules == 5e-12
    assert Energy(5.0, "MAC", {"mac": 5.0}).dynamic_joules is None


def test_static_power_is_drawn_from_one_image_to_the_next():
    rate = frame_rate_of(BATCH, 20, static_power_mw=2.0)
    assert rate.energy_uj == approx(80 + 2.0 * 50)
    assert rate.power_mw == approx(180 * 20 * 1e-3)
    assert rate.duty_cycle == approx(10 / 50)


def test_at_the_largest_rate_the_machine_never_waits():
    rate = frame_rate_of(BATCH, 100, static_power_mw=2.0)
    assert rate.duty_cycle == 1
    assert rate.energy_uj == approx(100)


def test_images_of_a_batch_share_its_energy_and_wait_for_each_other():
    rate = frame_rate_of(BATCH, 20, images=4, static_power_mw=2.0)
    assert rate.energy_uj == approx(80 / 4 + 2.0 * 50)
    assert rate.duty_cycle == approx(10 / 200)


def test_without_static_power_a_slower_rate_saves_no_energy_an_image():
    dynamic = BatchEnergy(10.0, Energy(80e6, "pJ", {"mac": 80e6}, joules=80e-6))
    assert frame_rate_of(dynamic, 1).energy_uj == approx(frame_rate_of(dynamic, 100).energy_uj)


def test_the_first_batch_may_take_longer_than_its_period():
    first = BatchEnergy(30.0, Energy(260e6, "pJ", {"mac": 200e6, "static": 60e6}, joules=260e-6))
    assert frame_rate_of(BATCH, 100, static_power_mw=2.0, first=first).first_energy_uj == approx(260)
    assert frame_rate_of(BATCH, 10, static_power_mw=2.0, first=first).first_energy_uj == approx(200 + 200)
    assert frame_rate_of(BATCH, 10).first_energy_uj is None


def test_a_battery_lasts_as_long_as_its_capacity_over_the_power():
    assert FrameRate(30, 0.5, energy_uj=100, power_mw=3.0).battery_hours(675) == 225
    assert FrameRate(30, 0.5, energy_uj=0, power_mw=0.0).battery_hours(675) == math.inf


@pytest.mark.parametrize("capacity_mwh", [0, -1, math.nan, math.inf, "1", True, None])
def test_a_capacity_is_a_positive_number(capacity_mwh):
    with pytest.raises(AccelsimError, match=r"^capacity_mwh = .*: must be a positive number$"):
        FrameRate(30, 0.5, energy_uj=100, power_mw=3.0).battery_hours(capacity_mwh)


@pytest.mark.parametrize("rate", [0, -1, math.nan, math.inf, "30", True])
def test_a_frame_rate_is_a_positive_number(rate):
    with pytest.raises(AccelsimError, match=r"^frames_per_second = .*: must be a positive number$"):
        frame_rate_of(BATCH, rate)


def test_a_rate_that_the_machine_cannot_keep_is_refused_with_the_largest():
    third = BatchEnergy(30.0, SPENT)
    with pytest.raises(AccelsimError) as refused:
        frame_rate_of(third, 34)
    assert str(refused.value) == "frames_per_second = 34: must be at most 33.3333: an image takes 30 ms"
    assert frame_rate_of(third, 33.3333).duty_cycle < 1


@pytest.mark.parametrize("time_ms", [10 / 3, 0.07, 1.1, 7.3, 123.456])
def test_the_rate_that_a_run_reports_is_one_that_it_keeps(time_ms):
    batch = BatchEnergy(time_ms, SPENT)
    for rate in (
        1000 / time_ms,
        math.nextafter(1 / (time_ms * 1e-3), math.inf),
        1000 / time_ms * (1 + 5e-10),
    ):
        assert frame_rate_of(batch, rate).duty_cycle <= 1
    with pytest.raises(AccelsimError, match="must be at most"):
        frame_rate_of(batch, 1000 / time_ms * (1 + 1e-8))


@pytest.mark.parametrize("number", [10**400, 10**5000], ids=["400 digits", "5000 digits"])
def test_a_number_beyond_all_floats_is_one_line(number):
    with pytest.raises(AccelsimError, match=r"^frames_per_second = .*: must be a positive number$"):
        frame_rate_of(BATCH, number)


def test_without_joules_there_is_no_power():
    result = run_network("sqnxt23v5", "16x16_128k")
    with pytest.raises(AccelsimError, match="no joules are known of a machine that counts in MAC"):
        result.at_frame_rate(1)
    assert result.static_power_mw == 0.0


def test_a_run_at_the_rate_of_batch_after_batch_costs_its_average_power():
    result = run_network("squeezenet_v1_1", "npu_int8_2m")
    rate = result.at_frame_rate(result.frames_per_second * (1 - 1e-12))
    assert rate.power_mw == approx(result.average_power_mw)
    assert rate.energy_uj == approx(result.energy.joules * 1e6)
