"""What holds of energy for every machine: laws of size, and what is drawn at all times."""

import hypothesis.strategies as st
import pytest
from hypothesis import assume, given
from strategies import schedules

from accelsim.descriptions import vary
from accelsim.hardware.memory import AccessEnergy
from accelsim.simulation.fast import simulate_fast

PRICES = st.floats(0, 100)
SIZES = st.integers(64, 1 << 24)


@given(PRICES, SIZES, SIZES)
def test_an_exponent_of_zero_is_a_constant_and_one_is_a_proportion(price, at_bytes, size_bytes):
    flat = AccessEnergy(read=price, write=price, at_bytes=at_bytes, exponent=0)
    proportional = AccessEnergy(read=price, write=price, at_bytes=at_bytes, exponent=1)
    assert flat.at_size(size_bytes).read == price
    assert proportional.at_size(size_bytes).read == pytest.approx(price * size_bytes / at_bytes)


@given(PRICES, SIZES, st.floats(0, 2), SIZES, SIZES)
def test_a_law_says_the_same_from_whatever_point_it_is_written(price, at_bytes, exponent, point, size_bytes):
    law = AccessEnergy(read=price, write=price, at_bytes=at_bytes, exponent=exponent)
    there = law.at_size(point).read
    assume(there <= 1e9)
    moved = AccessEnergy(read=there, write=there, at_bytes=point, exponent=exponent)
    assume(law.at_size(size_bytes).read <= 1e9)
    assert moved.at_size(size_bytes).read == pytest.approx(law.at_size(size_bytes).read)


@given(schedules(), st.floats(0, 1e5), st.integers(1, 4000))
def test_static_energy_is_proportional_to_time_and_power(run, idle_mw, clock_mhz):
    hardware, plan = run
    still = vary(hardware, **{"power.idle_mw": None, "clock_mhz": clock_mhz})
    drawing = vary(still, **{"power.idle_mw": idle_mw})
    cycles = simulate_fast(plan, drawing).cycles
    assert cycles == simulate_fast(plan, still).cycles
    seconds = cycles / (clock_mhz * 1e6)
    expected_pj = idle_mw * 1e-3 * seconds * 1e12
    assert drawing.prices.static_per_cycle * cycles == pytest.approx(expected_pj)
