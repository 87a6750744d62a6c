"""A published table beside the simulated one: what is compared, and what is said where they differ."""

import math

import pytest

from accelsim.descriptions import shipped, vary
from accelsim.errors import DescriptionError, MappingError
from accelsim.report.text.reproduction import failures, moved_line
from accelsim.validation.evaluate import Cost, Job, evaluate_all, shipped_hardware
from accelsim.validation.pinned import moved
from accelsim.validation.published import Ordering
from accelsim.validation.reproduction import compare_with, holds, missed_bars

SMALL, LARGE = "8x8_32k", "16x16_128k"


@pytest.fixture
def exact(published):
    """What would have to be simulated to meet every printed value."""
    return {
        (network, hardware): Cost(
            round(1e6 * published.column(hardware, "time")[network]),
            published.column(hardware, "energy")[network],
        )
        for network, hardware in published.cell_keys
    }


def test_the_table_is_the_paper_s(published):
    assert published.column(LARGE, "time")["alexnet"] == 8.26
    assert published.column(SMALL, "energy")["sqnxt23v5_2x"] == 7.4e9
    assert published.titles["sqnxt23_2x"] == "2.0-SqNxt-23"
    assert len(published.cell_keys) == 26


def test_every_network_and_machine_of_the_table_ships(published):
    assert all(shipped.packaged("networks", row.network).is_file() for row in published.rows)
    assert all(shipped.packaged("hardware", name).is_file() for name in published.machines)


def test_a_table_that_is_met_has_no_errors_and_breaks_no_separated_pair(published, exact):
    met = compare_with(published, exact)
    assert met.time.max_abs_log_error == pytest.approx(0)
    assert met.energy.max_abs_log_error == 0
    # But the paper's own digits say only that v2 to v5 take the same time on the small machine.
    assert met.violated == ()


def test_an_error_is_as_large_for_twice_as_for_half(published, exact):
    exact["alexnet", SMALL] = Cost(exact["alexnet", SMALL].cycles, 3.2e10)
    exact["alexnet", LARGE] = Cost(exact["alexnet", LARGE].cycles, 0.75e10)
    errors = [
        cell.energy_log_error for cell in compare_with(published, exact).cells if cell.network == "alexnet"
    ]
    assert errors == [pytest.approx(math.log(2)), pytest.approx(-math.log(2))]


def test_a_table_of_nothing_but_its_reference_network_has_no_error_of_time(published, exact):
    rows = [row for row in published.rows if row.network == published.relative_to]
    alone = compare_with(vary(published, rows=rows, orderings=[]), exact)
    assert (alone.time.mean_abs_log_error, alone.time.max_abs_log_error) == (0, 0)
    assert alone.energy.max_abs_log_error == 0
    assert missed_bars(alone) == ()


def test_the_reference_network_counts_in_no_error_of_time(published, exact):
    cells = compare_with(published, exact).cells
    assert [cell.network for cell in cells if cell.time_log_error is None] == ["sqnxt23v5", "sqnxt23v5"]


def test_a_slower_reference_moves_every_other_time_of_its_machine(published, exact):
    exact["sqnxt23v5", LARGE] = Cost(1_100_000, exact["sqnxt23v5", LARGE].energy)
    errors = {
        (cell.network, cell.hardware): cell.time_log_error for cell in compare_with(published, exact).cells
    }
    assert errors["alexnet", LARGE] == pytest.approx(-math.log(1.1))
    assert errors["alexnet", SMALL] == pytest.approx(0)


def test_pairs_that_a_column_separates_by_5_percent_are_checked_and_closer_ones_are_not(published):
    orderings = published.checked_orderings()
    assert Ordering(LARGE, "time", "sqnxt23v2", "sqnxt23v4") in orderings  # 1.13 and 1.02
    assert Ordering(SMALL, "time", "sqnxt23v4_2x", "sqnxt23v5_2x") not in orderings  # both 3.17
    assert Ordering(LARGE, "time", "sqnxt23v3", "sqnxt23v4") in orderings  # 1.08 and 1.02
    assert Ordering(LARGE, "time", "sqnxt23v4", "sqnxt23v5") in orderings  # 1.02 and 1.00: claimed
    assert Ordering(SMALL, "time", "sqnxt23v4", "sqnxt23v5") not in orderings


def test_no_pair_is_checked_twice_and_the_stricter_check_stays(published):
    keys = [(one.hardware, one.quantity, one.more, one.less) for one in published.checked_orderings()]
    assert len(set(keys)) == len(keys) == 285
    loose = [one for one in published.checked_orderings() if not one.strict]
    assert [(one.more, one.less) for one in loose] == [
        ("sqnxt23v2", "sqnxt23v3"),
        ("sqnxt23v3", "sqnxt23v4"),
        ("sqnxt23v4", "sqnxt23v5"),
    ]
    assert {one.hardware for one in loose} == {SMALL}


@pytest.mark.parametrize(
    ("more", "strictly", "at_least"), [(2, True, True), (1, False, True), (0, False, False)]
)
def test_equal_values_are_in_order_unless_the_order_is_strict(more, strictly, at_least):
    costs = {("a", "m"): Cost(more, 0.0), ("b", "m"): Cost(1, 0.0)}
    assert holds(Ordering("m", "time", "a", "b"), costs) is strictly
    assert holds(Ordering("m", "time", "a", "b", strict=False), costs) is at_least


def test_a_missed_bar_names_the_cell_and_the_bar(published, exact):
    exact["alexnet", SMALL] = Cost(exact["alexnet", SMALL].cycles, 1.6e10 * math.exp(0.13))
    assert failures(compare_with(published, exact)) == [
        "energy of alexnet on 8x8_32k: error +0.1300 must not exceed 0.12 either way"
    ]


def test_a_missed_bar_is_a_quantity_an_error_and_a_cell_or_all_of_them(published, exact):
    exact["alexnet", SMALL] = Cost(exact["alexnet", SMALL].cycles, 1.6e10 * math.exp(2.0))
    mean, of_cell = missed_bars(compare_with(published, exact))
    assert (mean.quantity, mean.cell, mean.bar) == ("energy", None, published.bars.energy.mean)
    assert mean.error == pytest.approx(2.0 / 26)
    assert (of_cell.cell.network, of_cell.bar) == ("alexnet", published.bars.energy.largest)
    assert of_cell.error == pytest.approx(2.0)


def test_a_violated_ordering_names_both_networks_and_their_values(published, exact):
    exact["sqnxt23v5", LARGE] = Cost(1_020_000, exact["sqnxt23v5", LARGE].energy)
    assert failures(compare_with(published, exact)) == [
        "time on 16x16_128k: sqnxt23v4 (1020000 cycles) must be above sqnxt23v5 (1020000 cycles)"
    ]


def test_a_cell_has_moved_when_it_differs_in_the_slightest():
    place = ("alexnet", SMALL)
    assert moved({place: Cost(10, 2.0)}, {place: Cost(10, 2.0)}) == ()
    (difference,) = moved({place: Cost(10, 2.0)}, {place: Cost(10, math.nextafter(2.0, 3.0))})
    assert moved_line(difference) == (
        "alexnet on 8x8_32k: pinned 10 cycles and 2.0000000000000004 MAC, simulated 10 cycles and 2.0 MAC"
    )


def test_a_cell_that_was_never_pinned_has_moved():
    (difference,) = moved({("net", SMALL): Cost(10, 2.0)}, {})
    assert moved_line(difference) == "net on 8x8_32k: pinned nothing, simulated 10 cycles and 2.0 MAC"


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"relative_to": "vgg"}, "vgg must be one of the rows: alexnet, "),
        ({"orderings.0.networks.0": "vgg"}, "vgg must be one of the rows: alexnet, "),
        ({"rows.0.time": [1.0]}, "alexnet must have a time and an energy for each of 2 machines"),
        ({"pairs_apart_by": 1.0}, "pairs_apart_by = 1.0: must be a number greater than 1"),
    ],
)
def test_a_table_that_contradicts_itself(published, changes, sentence):
    with pytest.raises(DescriptionError) as error:
        vary(published, **changes)
    assert sentence in str(error.value)


def test_simulations_come_back_in_the_order_of_the_jobs_and_errors_in_their_places():
    machine = shipped_hardware(LARGE)
    tiny = vary(machine, **{"global_buffer.size_bytes": 64})
    told = []
    jobs = [Job("squeezenet_v1_1", machine), Job("alexnet", tiny), Job("squeezenet_v1_1", machine)]
    first, failed, again = evaluate_all(jobs, told.append)
    assert isinstance(failed, MappingError)
    assert first == again
    assert first.cycles > 0
    assert sorted(told) == ["alexnet on 16x16_128k", *["squeezenet_v1_1 on 16x16_128k"] * 2]


def test_a_single_simulation_starts_no_process(monkeypatch):
    monkeypatch.setattr("accelsim.execution.processes.ProcessPoolExecutor", None)
    (cost,) = evaluate_all([Job("squeezenet_v1_1", shipped_hardware(LARGE))])
    assert cost.energy > 0
