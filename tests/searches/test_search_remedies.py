"""What a remedy and a budget say in numbers, and the words that are made of them."""

import pytest
from machines import machine

from accelsim import AccelsimError, load_hardware, load_network
from accelsim.descriptions import vary
from accelsim.report.tables.explanation import explanation_report
from accelsim.report.text.excess import excess_words
from accelsim.report.text.table import Style
from accelsim.report.text.zeros import zeros_sentence
from accelsim.search.changes import ImpossibleRemedy, PartChange
from accelsim.search.explain import explain_network
from accelsim.search.path_moves import DesignPoint, Excess, SizeBudget
from accelsim.search.remedies import remedies
from accelsim.search.words import change_words, obstacle_words

NETWORK, MACHINE = load_network("alexnet"), machine()


def changes(hardware=MACHINE, dataflow="auto"):
    return {remedy.name: remedy.change for remedy in remedies(NETWORK, hardware, dataflow)}


def test_a_buffer_whose_law_of_size_comes_to_too_much_is_impossible():
    law = {"read": 9e8, "write": 1, "at_bytes": 131_072, "exponent": 1}
    steep = vary(MACHINE, **{"memories.global_buffer.energy": law})
    (buffer,) = [remedy for remedy in remedies(NETWORK, steep, "auto") if remedy.name == "buffer"]
    assert isinstance(buffer, ImpossibleRemedy)
    assert "comes to 1.8e+09 for an access at 262144 bytes" in obstacle_words(buffer)


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
        ("pool", "global buffer one pool"),
        ("keep", "global buffer keeps activations"),
    ],
)
def test_words_are_made_of_the_numbers(name, words):
    assert change_words(changes()[name]) == words


@pytest.mark.parametrize(
    ("vector_unit", "words", "lanes"),
    [
        ({"lanes_per_column": 2}, "vector lanes 2 -> 4 per column", 64),
        ({"lanes": 24}, "vector lanes 24 -> 48", 48),
        ({}, "vector lanes 1 -> 2 per column", 32),
    ],
)
def test_twice_the_lanes_are_those_of_the_machine_or_of_each_column(vector_unit, words, lanes):
    hardware = machine(vector_unit=vector_unit)
    (remedy,) = [remedy for remedy in remedies(NETWORK, hardware, "auto") if remedy.name == "vector_lanes"]
    assert change_words(remedy.change) == words
    assert remedy.hardware.vector_lanes == lanes


@pytest.mark.parametrize(
    ("before", "words"),
    [
        (600, "global buffer 600 -> 1200 bytes"),
        (1023, "global buffer 1023 -> 2046 bytes"),
        (1024, "global buffer 1 -> 2 KiB"),
        (1536, "global buffer 1.5 -> 3 KiB"),
    ],
)
def test_memories_below_a_kibibyte_are_said_in_bytes(before, words):
    assert change_words(PartChange("buffer", before, 2 * before, ("global_buffer",))) == words


@pytest.mark.parametrize(
    ("arena_bytes", "changes", "words"),
    [
        (20_480, {"memories.sram.arena_bytes": 40_960}, "arena of sram 20 -> 40 KiB"),
        (1_572_864, {"memories.sram.arena_bytes": 2_097_152}, "arena of sram 1536 -> 2048 KiB"),
        (
            2_097_152,
            {"memories.sram.arena_bytes": 4_194_304, "memories.sram.size_bytes": 4_194_304},
            "sram 2048 -> 4096 KiB",
        ),
    ],
)
def test_networks_are_given_more_of_a_memory_before_there_is_more_of_it(arena_bytes, changes, words):
    limited = vary(load_hardware("ethos_u55_128"), **{"memories.sram.arena_bytes": arena_bytes})
    found = {change_words(remedy.change): remedy for remedy in remedies(NETWORK, limited, "auto")}
    assert found[words].hardware == vary(limited, **changes)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"memories.global_buffer.banks": "pool"},
        {"memories.global_buffer.banks": "pool", "memories.global_buffer.keeps": ["activations"]},
    ],
)
@pytest.mark.parametrize(("tensors", "name"), [("activations", "keep"), ("weights", "pin")])
def test_to_keep_tensors_is_offered_where_the_machine_may_and_does_not_yet(changes, tensors, name):
    hardware = machine(**changes)
    keeps = [*changes.get("memories.global_buffer.keeps", ())]
    values = {"memories.global_buffer.banks": "pool", "memories.global_buffer.keeps": [*keeps, tensors]}
    try:
        expected = vary(hardware, **values)
    except AccelsimError:
        expected = None
    found = {
        remedy.name: remedy.hardware for remedy in remedies(NETWORK, hardware, "auto") if remedy.name == name
    }
    assert found == ({} if expected is None else {name: expected})
    assert (expected is None) >= (tensors in keeps)


def test_a_machine_has_one_pool_at_most_and_is_offered_it_once():
    assert "pool" in changes()
    assert "pool" not in changes(machine(**{"memories.global_buffer.banks": "pool"}))


def test_activations_that_lie_in_several_memories_are_not_offered_to_stay():
    parts = [("input_memory", ["inputs", "residual"]), ("others", ["weights", "outputs"])]
    on_chip = [{"name": name, "size_bytes": 65536, "holds": holds} for name, holds in parts]
    outermost = {"name": "dram", "bandwidth": {"bytes_per_cycle": 16}}
    split = machine(memories=[outermost, *on_chip])
    assert changes(split)["pool"].memory in {"input_memory", "others"}
    assert "keep" not in changes(split)


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
