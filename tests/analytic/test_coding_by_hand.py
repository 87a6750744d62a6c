"""Compressed weights and coded activations of networks, by hand."""

import pytest

from accelsim import load_hardware, run_network, verify
from accelsim.descriptions import vary
from accelsim.errors import DescriptionError
from accelsim.hardware.coding import RunLength
from accelsim.network import load_network, lowered_network
from accelsim.network.overlay import overlaid
from accelsim.planning.coding import as_coded
from accelsim.report.tables.run import run_report
from accelsim.report.text.table import Style
from accelsim.run import plan_run
from accelsim.simulation import simulate, simulate_events

CODES = {"memories.dram.compress": {"weights": 0.75, "activations": {"run_bits": 5}}}
SMALL = "squeezenet_v1_1@resolution=64"


@pytest.fixture(scope="module")
def coding():
    return vary(load_hardware("16x16_128k"), **CODES)


@pytest.fixture(scope="module")
def sparse(tmp_path_factory):
    file = tmp_path_factory.mktemp("overlays") / "sparse.yaml"
    file.write_text(
        "compression:\n"
        '- {layers: "*", activation_density: 0.5}\n'
        '- {layers: "fire2.expand3x3", weight_ratio: 0.6, activation_density: 1.0}\n'
    )
    return overlaid(load_network(SMALL), file)


def test_a_pair_of_eyeriss_has_five_bits_of_zeros_and_a_third_of_a_bit_that_ends_a_word():
    """Three pairs of 5 + 16 bits and a bit are 64 (Chen et al., Eyeriss, JSSC 2017)."""
    code = RunLength()
    assert code.part(1.0, 16) == pytest.approx(64 / 3 / 16)
    # Half of the elements: a pair for each two of them, but for one in 2^32 that is longer than 32.
    assert code.part(0.5, 16) == pytest.approx(64 / 3 / 32)
    # Nearly all are zero: a pair for each 32.
    assert code.part(1e-9, 16) == pytest.approx(64 / 3 / 16 / 32)


def test_layers_read_what_others_have_written_and_the_image_as_it_is(coding, sparse):
    graph = as_coded(lowered_network(sparse).graph, coding)
    half = RunLength().part(0.5, 16)
    first, squeeze = graph["conv1"].layer.coded, graph["fire2.squeeze1x1"].layer.coded
    assert (first.inputs, first.weights, first.outputs) == (1.0, 0.75, half)
    assert (squeeze.inputs, squeeze.outputs) == (half, half)
    dense = RunLength().part(1.0, 16)
    expand = graph["fire2.expand3x3"].layer.coded
    assert (expand.weights, expand.outputs) == (0.6, dense)
    # fire3 reads 64 channels of each of the two expands.
    assert graph["fire3.squeeze1x1"].layer.coded.inputs == pytest.approx((half + dense) / 2)


def test_traffic_is_as_much_of_itself_as_the_codes_say(coding, sparse):
    plain, coded = run_network(sparse, "16x16_128k"), run_network(sparse, coding)
    for name, part in (("conv1", 0.75), ("fire2.expand3x3", 0.6)):
        before, after = (
            next(layer for layer in result.layers if layer.name == name).compulsory_dram_bytes
            for result in (plain, coded)
        )
        assert after < before, part
    weights = [result.memories["dram"].read_bytes["weights"] for result in (plain, coded)]
    assert 0.55 * weights[0] < weights[1] < 0.8 * weights[0]
    assert coded.cycles < plain.cycles
    assert coded.energy.total < plain.energy.total


def test_a_report_says_what_lies_compressed(coding, sparse):
    report = " ".join(run_report(run_network(sparse, coding), Style(), layers="none").split())
    assert (
        "compressed outside the chip, weights of 26 layers take 60.0% to 75.0% of their bytes and" in report
    )
    assert "compressed" not in run_report(run_network(sparse, "16x16_128k"), Style(), layers="none")


def test_where_nobody_says_anything_activations_lie_as_they_are(coding):
    graph = as_coded(lowered_network(load_network(SMALL)).graph, coding)
    assert {node.layer.coded.outputs for node in graph.nodes} == {1.0}
    assert as_coded(graph, load_hardware("16x16_128k")) is graph


@pytest.mark.parametrize("burst_bytes", [1, 32])
def test_both_engines_and_the_proof(coding, sparse, burst_bytes):
    hardware = vary(coding, **{"memories.dram.burst_bytes": burst_bytes})
    plan = plan_run(sparse, hardware)
    assert simulate(plan.schedule, hardware) == simulate_events(plan.schedule, hardware)
    assert not verify(sparse, hardware).mismatches


@pytest.mark.parametrize(
    ("key", "value", "allowed"),
    [
        ("memories.dram.compress", {}, "must say how weights, activations or both are compressed"),
        ("memories.dram.compress", {"weights": 0}, "must be a number from 1e-06 to 4"),
        ("memories.dram.compress", {"activations": {"run_bits": 0}}, "must be a whole number from 1 to 16"),
        ("memories.global_buffer.compress", {"weights": 0.5}, "only memories off chip"),
    ],
)
def test_what_codes_cannot_be(key, value, allowed):
    with pytest.raises(DescriptionError, match=allowed):
        vary(load_hardware("16x16_128k"), **{key: value})


def test_bounds_of_what_stays_count_codes(coding, sparse):
    keeping = vary(
        coding,
        **{
            "memories.global_buffer.banks": "pool",
            "memories.global_buffer.keeps": ["activations"],
            "memories.global_buffer.size_bytes": 1 << 22,
        },
    )
    for network in (sparse, load_network(SMALL)):
        result = run_network(network, keeping)
        assert result.cycles >= result.lower_bound_if_kept_cycles


def test_outputs_that_stay_on_chip_are_not_said_to_be_compressed(sparse):
    chip = vary(
        load_hardware("npu_int8_psram"),
        **{
            "memories.psram.compress": {"activations": {}},
            "memories.sram.size_bytes": 1 << 21,
            "io": {"inputs": "sram", "outputs": "sram"},
        },
    )
    result = run_network(sparse, chip)
    assert result.dram_bytes.write == 0
    assert "compressed" not in run_report(result, Style(), layers="none")


def test_a_machine_that_compresses_nothing_of_a_network_says_nothing():
    dense = vary(load_hardware("16x16_128k"), **{"memories.dram.compress": {"activations": {}}})
    assert "compressed" not in run_report(run_network(SMALL, dense), Style(), layers="none")
