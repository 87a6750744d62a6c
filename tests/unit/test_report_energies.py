"""Joules, watts and seconds, with the prefix that suits."""

import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from machines import machine
from pytest import approx

from accelsim.network.load import load_network
from accelsim.report.plots.energy import layer_energy_figure, run_energy_figure
from accelsim.report.text.energies import (
    duration,
    energy_cell,
    energy_scale,
    energy_text,
    engineering,
    in_joules,
    of_largest_layer,
    of_run,
)
from accelsim.report.text.table import percent, ratio, si
from accelsim.run import run_network

finite_numbers = st.floats(allow_nan=False, allow_infinity=False)
POWERS = {
    f"{prefix}J": 10.0**power
    for prefix, power in zip((*"fpnum", "", *"kMGT"), range(-15, 13, 3), strict=True)
}
IN_PICOJOULES = machine(**{"energy.unit": "pJ", "energy.picojoules_per_unit": 1.0})
WORTH_SOME = machine(**{"energy.picojoules_per_unit": 1.5})


@pytest.mark.parametrize(
    ("joules", "text"),
    [
        (0, "0 J"),
        (9.80e-3, "9.80 mJ"),
        (0.99996, "1.00 J"),
        (999.6, "1.00 kJ"),
        (271e-6, "271 uJ"),
        (2.5e-12, "2.50 pJ"),
        (4e-15, "4.00 fJ"),
        (1, "1.00 J"),
        (20e3, "20.0 kJ"),
    ],
)
def test_a_prefix_leaves_one_to_three_digits_before_the_point(joules, text):
    assert engineering(joules, "J") == text


@pytest.mark.parametrize("power", range(-15, 15))
def test_what_is_written_is_the_value(power):
    digits, unit = engineering(3.21 * 10.0**power, "J").split()
    powers = {"f": -15, "p": -12, "n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12}
    written = float(digits) * 10.0 ** powers[unit.removesuffix("J")]
    assert math.isclose(written, 3.21 * 10.0**power, rel_tol=0.01)


@pytest.mark.parametrize(
    ("milliseconds", "text"),
    [
        (1.23, "1.23 ms"),
        (0.4, "0.40 ms"),
        (4.97e-3, "4.97 us"),
        (20_500, "20.5 s"),
        (1.13e6, "1,130 s"),
        (999.7, "1.00 s"),
    ],
)
def test_times_are_in_units_of_their_size(milliseconds, text):
    assert duration(milliseconds) == text


def test_energy_is_told_in_joules_where_a_unit_is_known():
    assert energy_text(2.05e9, "MAC", None) == "2.05G MAC"
    assert energy_text(9.80e9, "pJ", 1.0) == "9.80 mJ"
    assert energy_text(2.05e9, "MAC", 1.5) == "2.05G MAC = 3.08 mJ"
    assert energy_cell(2.05e9, None) == "2.05G"
    assert energy_cell(9.80e9, 1.0) == "9.80mJ"


def test_what_is_drawn_has_the_prefix_of_the_largest():
    scale = energy_scale(9.80e9, "pJ", 1.0)
    assert scale.unit == "mJ"
    assert 9.80e9 * scale.factor == approx(9.80)
    assert energy_scale(0.0, "MAC", None) == energy_scale(1e9, "MAC", None)


@pytest.fixture(scope="module")
def results():
    network = load_network("sqnxt23v5")
    return [run_network(network, hardware) for hardware in (machine(), IN_PICOJOULES, WORTH_SOME)]


def test_results_beside_each_other_have_one_prefix(results):
    plain, in_picojoules, worth_some = in_joules(results, of_run)
    assert plain is results[0]
    assert in_picojoules.energy.unit == worth_some.energy.unit == "mJ"
    assert in_picojoules.energy.total == approx(results[1].energy.joules * 1e3)
    assert worth_some.energy.total == approx(1.5 * in_picojoules.energy.total)
    assert sum(layer.energy for layer in worth_some.layers) == approx(worth_some.energy.total)


def test_layers_have_the_prefix_of_the_largest_layer(results):
    scaled = in_joules(results[1:2], of_largest_layer)[0]
    assert scaled.energy.unit == "uJ"
    assert 1 <= max(layer.energy for layer in scaled.layers) < 1000


def test_axes_are_in_joules(results):
    by_run = run_energy_figure(results[1:2])
    assert [axes.get_xlabel() for axes in by_run.axes if axes.get_xlabel()] == ["energy [mJ]"]
    by_layer = layer_energy_figure(results[1:2])
    assert [axes.get_ylabel() for axes in by_layer.axes if axes.get_ylabel()] == ["energy [uJ]"]


def test_power_is_energy_over_time(results):
    plain, in_picojoules, _ = results
    assert plain.average_power_mw is plain.energy_pj is None
    assert in_picojoules.energy_pj == approx(in_picojoules.energy.total)
    joules, seconds = in_picojoules.energy_pj * 1e-12, in_picojoules.time_ms * 1e-3
    assert in_picojoules.average_power_mw == approx(1e3 * joules / seconds)
    assert sum(layer.energy_pj for layer in in_picojoules.layers) == approx(in_picojoules.energy_pj)


def test_picojoules_need_not_be_said_where_the_unit_says_them():
    assert run_network(load_network("sqnxt23v5"), machine(**{"energy.unit": "nJ"})).energy_pj > 0


# --- huge and tiny


@pytest.mark.parametrize(
    ("joules", "text"),
    [
        (3.83e196, "3.83e+196 J"),
        (1e15, "1.00e+15 J"),
        (999.6e12, "1.00e+15 J"),
        (999e12, "999 TJ"),
        (4.2e-17, "4.20e-17 J"),
        (-3.83e20, "-3.83e+20 J"),
        (math.inf, "inf J"),
    ],
)
def test_beyond_all_prefixes_are_powers_of_ten(joules, text):
    assert engineering(joules, "J") == text
    assert energy_cell(joules, 1e12) == text.replace(" ", "")


@given(finite_numbers.filter(lambda value: abs(value) < 1.79e308))  # three digits of the largest are above it
def test_any_number_is_short_and_says_how_large_it_is(value):
    digits, unit = engineering(value, "J").split()
    assert len(digits) <= 10
    assert math.isclose(float(digits) * POWERS[unit], value, rel_tol=0.006)
    for text in (si(value), percent(value), ratio(value), ratio(value, decimals=3)):
        assert len(text) <= 10


@given(finite_numbers.map(abs))
def test_any_time_is_short(value):
    assert len(duration(value)) <= 15


@given(finite_numbers.filter(bool))
def test_nothing_but_nothing_reads_as_nothing(value):
    digits = re.match(r"[-+.e\d]+", si(value))
    assert float(digits[0]) != 0
    assert float(ratio(value)) != 0
