"""Energy is how often something happened, times what it costs once."""

import json
import re

import pytest
from machines import machine

from accelsim.energy import energy_by_component
from accelsim.errors import DescriptionError
from accelsim.hardware import Access, ActionCounts, Direction, EnergyTable, Operand, Prices
from accelsim.hardware.prices import AccessPrice

COUNTS = ActionCounts(
    macs=1000,
    vector_ops=100,
    register_file_bytes=400,
    inter_pe_bytes=60,
    accesses={
        Access("global_buffer", Operand.INPUTS, Direction.READ): 50,
        Access("global_buffer", Operand.WEIGHTS, Direction.READ): 30,
        Access("global_buffer", Operand.OUTPUTS, Direction.WRITE): 20,
        Access("dram", Operand.WEIGHTS, Direction.READ): 6,
        Access("dram", Operand.OUTPUTS, Direction.WRITE): 4,
    },
)
PRICES = {"mac": 1, "vector_op": 0.5, "register_file": 1, "inter_pe": 2}
OF_MEMORIES = {"global_buffer": 6, "dram": 200}


def energy_table(**changes):
    values = {"unit": "MAC", "word_bits": 16, **PRICES, **changes}
    return EnergyTable.model_validate_json(json.dumps(values))


def table(**changes):
    memories = {name: changes.pop(name, price) for name, price in OF_MEMORIES.items()}
    prices = tuple(AccessPrice(name, read=price, write=price) for name, price in memories.items())
    return Prices(energy_table(**changes), prices)


def test_accesses_cost_by_the_word_and_operations_each():
    assert energy_by_component(COUNTS, table()) == {
        "mac": 1000,
        "register_file": 400 / 2 * 1,
        "inter_pe": 60 / 2 * 2,
        "global_buffer": (80 + 20) / 2 * 6,
        "dram": (6 + 4) / 2 * 200,
        "vector": 100 * 0.5,
    }


def test_words_of_twice_the_width_halve_the_number_of_accesses():
    narrow, wide = energy_by_component(COUNTS, table()), energy_by_component(COUNTS, table(word_bits=32))
    assert wide == {
        component: energy if component in {"mac", "vector"} else energy / 2
        for component, energy in narrow.items()
    }


@pytest.mark.parametrize(
    ("cost", "component"),
    [
        ("mac", "mac"),
        ("vector_op", "vector"),
        ("register_file", "register_file"),
        ("inter_pe", "inter_pe"),
        ("global_buffer", "global_buffer"),
        ("dram", "dram"),
    ],
)
def test_a_price_that_doubles_doubles_its_component_and_no_other(cost, component):
    before = energy_by_component(COUNTS, table())
    after = energy_by_component(COUNTS, table(**{cost: 2 * (PRICES | OF_MEMORIES)[cost]}))
    assert after == {**before, component: 2 * before[component]}


def test_reads_and_writes_may_have_prices_of_their_own():
    buffer, dram = AccessPrice("global_buffer", read=6, write=7), AccessPrice("dram", read=200, write=300)
    energy = energy_by_component(COUNTS, Prices(energy_table(), (buffer, dram)))
    assert energy["global_buffer"] == 80 / 2 * 6 + 20 / 2 * 7
    assert energy["dram"] == 6 / 2 * 200 + 4 / 2 * 300


def test_what_happens_twice_as_often_costs_twice_as_much():
    once = energy_by_component(COUNTS, table())
    assert energy_by_component(COUNTS + COUNTS, table()) == {
        name: 2 * energy for name, energy in once.items()
    }
    assert COUNTS + COUNTS == COUNTS * 2 == 2 * COUNTS


def test_nothing_costs_nothing():
    assert set(energy_by_component(ActionCounts(), table()).values()) == {0}
    assert COUNTS + ActionCounts() == COUNTS


def test_a_unit_that_says_what_it_is_needs_no_picojoules():
    assert energy_table().picojoules is None
    assert energy_table(picojoules_per_unit=1.5).picojoules == 1.5
    assert (
        energy_table(unit="pJ").picojoules
        == energy_table(unit="pJ", picojoules_per_unit=1.0).picojoules
        == 1.0
    )
    assert energy_table(unit="nJ").picojoules == 1000.0


def test_picojoules_that_contradict_the_unit_are_refused():
    with pytest.raises(DescriptionError, match=r"per_unit = 5.*must be 1 or left out: the unit is pJ"):
        machine(**{"energy.unit": "pJ", "energy.picojoules_per_unit": 5.0})


@pytest.mark.parametrize(
    ("unit", "picojoules"),
    [
        *(("qJ", 1e-18), ("rJ", 1e-15), ("yJ", 1e-12), ("zJ", 1e-9), ("aJ", 1e-6), ("fJ", 1e-3), ("pJ", 1)),
        *(
            ("nJ", 1e3),
            ("uJ", 1e6),
            ("\u00b5J", 1e6),
            ("\u03bcJ", 1e6),
            ("mJ", 1e9),
            ("cJ", 1e10),
            ("dJ", 1e11),
        ),
        *(("J", 1e12), ("daJ", 1e13), ("hJ", 1e14), ("kJ", 1e15), ("MJ", 1e18), ("GJ", 1e21), ("TJ", 1e24)),
        *(("PJ", 1e27), ("EJ", 1e30), ("ZJ", 1e33), ("YJ", 1e36), ("RJ", 1e39), ("QJ", 1e42)),
    ],
)
def test_each_prefix_of_a_joule_says_what_it_is(unit, picojoules):
    assert energy_table(unit=unit).picojoules == pytest.approx(picojoules, rel=1e-12)
    machine(**{"energy.unit": unit, "energy.picojoules_per_unit": picojoules})
    with pytest.raises(DescriptionError, match=rf"must be .* or left out: the unit is {unit}"):
        machine(**{"energy.unit": unit, "energy.picojoules_per_unit": 5.0})


def test_the_worth_that_a_message_asks_for_is_taken():
    for unit in ("qJ", "pJ", "J", "MJ", "QJ"):
        with pytest.raises(DescriptionError) as refused:
            machine(**{"energy.unit": unit, "energy.picojoules_per_unit": 5.0})
        (worth,) = re.findall(r"must be (\S+) or left out", str(refused.value))
        machine(**{"energy.unit": unit, "energy.picojoules_per_unit": float(worth)})


@pytest.mark.parametrize("picojoules", [0, -1, 1e-19, 1e43])
def test_what_a_unit_is_worth_is_bounded(picojoules):
    with pytest.raises(DescriptionError, match=r"picojoules_per_unit = .*: must be"):
        machine(**{"energy.picojoules_per_unit": picojoules})


@pytest.mark.parametrize("unit", ["MAC", "Wh", "joule", "xJ", "pj"])
def test_another_unit_is_worth_what_is_said(unit):
    assert energy_table(unit=unit).picojoules is None
    assert machine(**{"energy.unit": unit, "energy.picojoules_per_unit": 4.0}).energy.picojoules == 4.0
