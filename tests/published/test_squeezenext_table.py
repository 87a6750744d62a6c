"""Do we get the paper's table? Gholami et al., arXiv:1803.10615, table of simulated hardware performance."""

import pytest

from accelsim.report.text.reproduction import violation

SERIES = ("sqnxt23", "sqnxt23v2", "sqnxt23v3", "sqnxt23v4", "sqnxt23v5")
"""v1 to v5: each moves work to where the array is used better."""


@pytest.fixture(scope="module")
def cycles(reproduction):
    return {place: cost.cycles for place, cost in reproduction.costs.items()}


@pytest.fixture(scope="module")
def energy(reproduction):
    return {place: cost.energy for place, cost in reproduction.costs.items()}


def _on(machine, values):
    return [values[network, machine] for network in SERIES]


def test_the_table_has_13_networks_on_two_machines(reproduction):
    assert len(reproduction.cells) == 26
    assert sum(cell.time_log_error is None for cell in reproduction.cells) == 2


def test_time_is_within_3_5_percent_on_average_and_10_percent_everywhere(reproduction):
    assert reproduction.time.mean_abs_log_error <= 0.035
    assert reproduction.time.max_abs_log_error <= 0.10


def test_energy_is_within_5_percent_on_average_and_12_percent_everywhere(reproduction):
    assert reproduction.energy.mean_abs_log_error <= 0.05
    assert reproduction.energy.max_abs_log_error <= 0.12


def test_networks_that_the_paper_separates_by_5_percent_are_in_its_order(reproduction):
    assert len(reproduction.orderings) == 285
    assert [violation(ordering, reproduction) for ordering in reproduction.violated] == []


def test_on_the_large_machine_every_version_is_faster_than_the_one_before(cycles):
    v1, v2, v3, v4, v5 = _on("16x16_128k", cycles)
    assert v1 > v2 > v3 > v4 > v5


def test_on_the_large_machine_every_version_needs_less_energy_than_the_one_before(energy):
    v1, v2, v3, v4, v5 = _on("16x16_128k", energy)
    assert v1 > v2 > v3 > v4 > v5


def test_on_the_small_machine_the_baseline_is_the_slowest(cycles):
    v1, *others = _on("8x8_32k", cycles)
    assert v1 > max(others)


def test_on_the_small_machine_energy_never_rises_from_version_to_version(energy):
    v1, v2, v3, v4, v5 = _on("8x8_32k", energy)
    assert v1 >= v2 >= v3 >= v4 >= v5
