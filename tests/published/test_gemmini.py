"""Gemmini's RTL (Hong et al., DOSA, MICRO 2023): measured layers, mapped as they were run."""

import pytest

from accelsim import load_hardware
from accelsim.held_against import HELD_AGAINST
from accelsim.validation.gemmini import BARS, missed_gemmini_bars, moved_rows, reproduce_gemmini
from accelsim.validation.gemmini_layers import SHIPPED, load_layers


@pytest.fixture(scope="module")
def reproduction(once_for_all):
    return once_for_all("gemmini", lambda: reproduce_gemmini(load_layers(SHIPPED)))


def test_the_errors_are_within_their_bars(reproduction):
    assert missed_gemmini_bars(reproduction) == ()


def test_the_bars_are_what_is_asked_of_the_machine():
    assert BARS.mean_abs_log_error <= 0.14
    assert BARS.median_abs_log_error <= 0.065
    assert BARS.bias <= 0.12
    assert BARS.within_10_percent >= 0.58
    assert BARS.rank_correlation >= 0.99


def test_every_figure_is_the_one_that_was_pinned(reproduction):
    assert [row.measured.id for row in moved_rows(reproduction)] == []


def test_the_padded_array_alone_never_takes_longer_than_the_rtl(reproduction):
    assert reproduction.above_rtl == ()


def test_timeloop_and_products_per_pe_are_further_off(reproduction):
    assert reproduction.timeloop.mean_abs_log_error > 3 * reproduction.time.mean_abs_log_error
    assert reproduction.macs_per_pe.mean_abs_log_error > reproduction.timeloop.mean_abs_log_error


def test_runs_on_the_machine_say_what_it_was_held_against(reproduction):
    held = HELD_AGAINST[load_hardware("gemmini_16x16").digest]
    (errors,) = held.errors
    assert held.kind == "RTL"
    assert errors.cells == len({row.measured.repeats for row in reproduction.rows})
    assert errors.median == round(reproduction.time.median_abs_log_error, 4)
    assert errors.largest == round(reproduction.time.max_abs_log_error, 4)


def test_repeats_count_once(reproduction):
    assert len(reproduction.rows) == 117
    assert len({row.measured.repeats for row in reproduction.rows}) == 94
    assert len({row.measured.mapped_as for row in reproduction.rows}) == 82


def test_seven_mappings_stand_in_both_halves():
    """The half that constants of the cache were fitted on, and the other one: docs/validation.md."""
    layers = load_layers(SHIPPED)
    groups = sorted({layer.repeats for layer in layers}, key=int)
    halves = [{layer.mapped_as for layer in layers if layer.repeats in groups[start::2]} for start in (0, 1)]
    assert len(halves[0] & halves[1]) == 7


def test_rows_with_larger_accumulators_than_the_machine_has_are_said(reproduction):
    enlarged = {row.measured.id for row in reproduction.rows if row.enlarged_accumulators_bytes}
    assert enlarged == {131, 136, 137}
