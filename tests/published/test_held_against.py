"""What runs say that their machine was held against is what `accelsim reproduce` finds."""

import json
import statistics

import pytest

from accelsim import load_hardware, run_network
from accelsim.descriptions import vary
from accelsim.held_against import HELD_AGAINST
from accelsim.report.text.held_against import held_sentence
from accelsim.validation import compare_with, load_pinned, load_published

SQUEEZENEXT = ("8x8_32k", "16x16_128k")


@pytest.mark.parametrize("machine", SQUEEZENEXT)
def test_errors_are_those_of_the_table(machine):
    held = HELD_AGAINST[load_hardware(machine).digest]
    reproduction = compare_with(load_published("squeezenext"), load_pinned("squeezenext"))
    assert held.kind == "simulator"
    for errors in held.errors:
        found = [cell.log_error(errors.quantity) for cell in reproduction.cells]
        absolute = [abs(error) for error in found if error is not None]
        assert len(absolute) == errors.cells
        assert round(statistics.median(absolute), 4) == errors.median
        assert round(max(absolute), 4) == errors.largest


@pytest.mark.parametrize(
    "changes",
    [
        {"pe_array.rows": 15},
        {"memories.dram.latency_cycles": 101},
        {"energy.mac": 2},
        {"mapper.tiles": "time"},
        {"pe_array.dataflows.weight_stationary.packing": ("taps",)},
    ],
)
def test_a_machine_that_differs_in_anything_was_held_against_nothing(changes):
    machine = load_hardware("16x16_128k")
    result = run_network("squeezenet_v1_1", vary(machine, **changes))
    assert result.held_against is None
    assert result.to_dict()["held_against"] is None
    assert held_sentence(result.held_against) == "nothing: nobody is known to have measured this machine"


def test_a_machine_of_another_name_is_the_same_machine():
    machine = load_hardware("16x16_128k")
    renamed = vary(machine, name="mine", source="copied")
    assert renamed.digest == machine.digest


def test_results_say_it_in_json():
    held = json.loads(json.dumps(run_network("squeezenet_v1_1", "8x8_32k").to_dict()))["held_against"]
    assert held["kind"] == "simulator"
    assert {errors["quantity"]: errors["cells"] for errors in held["errors"]} == {"time": 24, "energy": 26}
    assert 0 < held["errors"][0]["median"] < held["errors"][0]["largest"] < 0.1
