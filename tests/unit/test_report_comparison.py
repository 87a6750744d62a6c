"""Cases beside each other, on results whose every number is known."""

from dataclasses import replace

from accelsim.power import Energy
from accelsim.report.tables.comparison import Case, compare, comparison_report, to_dict
from accelsim.report.text.table import Style


def _cases(a_layer, a_result):
    slow = a_result(a_layer(cycles=600_000))
    fast = a_result(a_layer(cycles=400_000))
    return [
        Case(network, machine, result)
        for machine in ("m1", "m2")
        for network, result in (("slow", slow), ("fast", fast))
    ]


def test_relative_to_a_network_is_on_the_same_machine(a_layer, a_result):
    cases = _cases(a_layer, a_result)
    cases[2] = replace(cases[2], result=replace(cases[2].result, clock_mhz=500.0))
    assert [one.relative_time for one in compare(cases, "fast")] == [1.5, 1.0, 3.0, 1.0]


def test_relative_to_a_machine_is_the_same_network(a_layer, a_result):
    cases = _cases(a_layer, a_result)
    cases[0] = replace(cases[0], result=replace(cases[0].result, clock_mhz=2000.0))
    assert [one.relative_time for one in compare(cases, "m1")] == [1.0, 1.0, 2.0, 1.0]


def test_energies_of_different_units_are_not_compared(a_layer, a_result):
    cases = _cases(a_layer, a_result)
    other = Energy(1e9, "pJ", {"mac": 1e9})
    cases[1] = replace(cases[1], result=replace(cases[1].result, energy=other))
    compared = compare(cases, "slow")
    assert [one.relative_energy for one in compared] == [1.0, None, 1.0, 1.0]
    assert to_dict(compared[1])["relative_energy"] is None
    assert " - " in comparison_report(compared, "slow", Style())


def test_nothing_is_relative_to_no_energy(a_layer, a_result):
    free = replace(a_result(a_layer()), energy=Energy(0.0, "MAC", {"mac": 0.0}))
    assert compare([Case("n", "m", free)], "n")[0].relative_energy is None


def test_a_long_name_does_not_break_the_table(a_layer, a_result):
    case = Case("shufflenet_v1@groups=8,scale=0.5,resolution=160,and=more", "m", a_result(a_layer()))
    lines = comparison_report(compare([case], "m"), "m", Style()).splitlines()
    assert max(map(len, lines)) <= 80
