"""What a remedy and a budget say in numbers, and the words that are made of them."""

import pytest
from machines import machine

from accelsim import load_network
from accelsim.report.tables.explanation import explanation_report
from accelsim.report.text.excess import excess_words
from accelsim.report.text.table import Style
from accelsim.report.text.zeros import zeros_sentence
from accelsim.search.explain import explain_network
from accelsim.search.path_moves import DesignPoint, Excess, SizeBudget
from accelsim.search.remedies import ImpossibleRemedy, remedies
from accelsim.search.words import change_words, obstacle_words

NETWORK, MACHINE = load_network("alexnet"), machine()


def changes(hardware=MACHINE, dataflow="auto"):
    return {remedy.name: remedy.change for remedy in remedies(NETWORK, hardware, dataflow)}


def test_parts_are_doubled_and_latency_is_halved():
    found = changes()
    assert (found["rows"].before, found["rows"].after) == (16, 32)
    assert (found["buffer"].before, found["buffer"].after) == (131_072, 262_144)
    assert (found["latency"].before_cycles, found["latency"].after_cycles) == (100, 50)
    assert (found["weights_bits"].before, found["weights_bits"].after) == (16, 8)
    assert found["channels"].multiple == 16


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("bandwidth", "DRAM 16 -> 32 bytes per cycle"),
        ("rows", "16 -> 32 rows of PEs"),
        ("columns", "16 -> 32 columns of PEs"),
        ("buffer", "global buffer 128 -> 256 KiB"),
        ("latency", "DRAM latency 100 -> 50 cycles"),
        ("weight_stationary", "every layer weight stationary"),
        ("activations_bits", "activations of 16 -> 8 bits"),
        ("channels", "channels up to multiples of 16"),
    ],
)
def test_words_are_made_of_the_numbers(name, words):
    assert change_words(changes()[name]) == words


def test_a_machine_of_one_dataflow_gets_the_other_beside_it():
    change = changes(machine(**{"pe_array.dataflows": ["weight_stationary"]}))["output_stationary"]
    assert (change.kind, change_words(change)) == ("machine", "some layers output stationary")


def test_a_remedy_that_a_machine_cannot_have_says_what_it_would_be_and_why_not():
    tall = machine(**{"pe_array.rows": 4096})
    (impossible,) = [remedy for remedy in remedies(NETWORK, tall, "auto") if remedy.name == "rows"]
    assert isinstance(impossible, ImpossibleRemedy)
    assert (impossible.change.after, "from 1 to 4096" in obstacle_words(impossible)) == (8192, True)


def test_a_budget_is_exceeded_by_each_limit_that_a_network_does_not_keep():
    budget = SizeBudget(max_params=100, max_macs=1000, min_params=50)
    assert budget.excesses(DesignPoint(1, 1.0, params=100, macs=1000)) == ()
    over = budget.excesses(DesignPoint(1, 1.0, params=101, macs=1003))
    assert over == (Excess("params", 1, above=True), Excess("MACs", 3, above=True))
    assert excess_words(over) == "1 params too many, 3 MACs too many"
    under = budget.excesses(DesignPoint(1, 1.0, params=49, macs=1))
    assert (under, excess_words(under)) == ((Excess("params", 1, above=False),), "1 params too few")


def test_an_explanation_says_that_zeros_are_skipped():
    sparse = machine(**{"pe_array.output_stationary.weight_density": 0.6})
    explained = explain_network("squeezenet_v1_1", sparse, layers=0)
    text = explanation_report(explained, Style(200))
    assert zeros_sentence(explained.result) in " ".join(text.split())
