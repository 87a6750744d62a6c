"""Zeros that are skipped are said: how many, where, and on whose word."""

import pytest
from machines import machine

from accelsim import run_network
from accelsim.descriptions import dump, shipped
from accelsim.hardware import load_hardware
from accelsim.network.load import load_network
from accelsim.network.overlay import overlaid
from accelsim.report.tables.run import run_report
from accelsim.report.text.table import Style
from accelsim.report.text.zeros import zeros_sentence

SPARSE = machine(**{"pe_array.output_stationary.weight_density": 0.6})
NETWORK = load_network("squeezenet_v1_1")


def lines(text):
    return " ".join(text.split())


@pytest.fixture(scope="module")
def sparse():
    return run_network(NETWORK, SPARSE)


def test_a_machine_that_does_not_mention_density_is_dense(tmp_path):
    file = tmp_path / "machine.yaml"
    file.write_text(dump(machine()))
    assert "weight_density" not in file.read_text()
    hardware = load_hardware(str(file))
    assert hardware.pe_array.dataflows["output_stationary"].weight_density == 1.0
    result = run_network(NETWORK, hardware)
    assert result.skipped_macs == 0
    assert result.nominal_utilization == result.utilization
    assert zeros_sentence(result) == ""


@pytest.mark.parametrize("name", ["8x8_32k", "16x16_128k"])
def test_the_shipped_machines_say_what_they_take_as_zero(name):
    text = shipped.find("hardware", name).read_text()
    assert "weight_density: 0.6" in text
    assert load_hardware(name).pe_array.dataflows["output_stationary"].weight_density == 0.6


def test_what_is_skipped_is_what_is_not_executed(sparse):
    pes, cycles = SPARSE.pe_array.pes, sparse.cycles
    executed = sparse.utilization * pes * cycles
    assert sparse.macs - sparse.skipped_macs == pytest.approx(executed)
    assert sparse.nominal_utilization == pytest.approx(sparse.macs / (pes * cycles))
    assert sum(layer.skipped_macs for layer in sparse.layers) == sparse.skipped_macs
    for layer in sparse.layers:
        if layer.dataflow == "output_stationary":
            assert 0 < layer.skipped_macs <= 0.4 * layer.macs
            assert layer.nominal_utilization > layer.utilization
        else:
            assert layer.skipped_macs == 0


def test_the_report_says_how_much_was_skipped_where_and_why(sparse):
    skipping = [layer for layer in sparse.layers if layer.skipped_macs]
    text = lines(run_report(sparse, Style(200)))
    share = 100 * sparse.skipped_macs / sparse.macs
    assert (
        f"zeros {share:.1f}% of the MACs are skipped, in {len(skipping)} layers (output stationary), as the "
        f"machine takes 40% of the weights as zero; a PE executes {sparse.utilization:.2f} MACs per cycle, "
        f"{sparse.nominal_utilization:.2f} if those skipped are counted "
    ) in text
    assert sparse.nominal_utilization < 1


def test_more_macs_per_cycle_than_a_pe_can_execute_are_said_to_be_more(tmp_path):
    file = tmp_path / "pruned.yaml"
    file.write_text('compression:\n  - {layers: "*", weight_density: 0.05}\n')
    result = run_network(overlaid(load_network("vgg16"), file), SPARSE, dataflow="output_stationary")
    assert result.utilization < 1 < result.nominal_utilization
    executed, counted = result.utilization, result.nominal_utilization
    assert zeros_sentence(result).endswith(
        f"; a PE executes {executed:.2f} MACs per cycle, {counted:.2f} if those skipped are counted, "
        "more than the 1 that it can execute"
    )


def test_the_report_marks_the_layers_that_skip(sparse):
    text = run_report(sparse, Style(200))
    skipping = sum(1 for layer in sparse.layers if layer.skipped_macs)
    assert text.count(" OS* ") == skipping > 0
    assert "conv OS " not in text
    assert "* = skips zero weights" in lines(text)


def test_nothing_is_said_of_zeros_where_none_is_skipped():
    text = run_report(run_network(NETWORK, SPARSE, dataflow="weight_stationary"), Style(200))
    assert "zero" not in text
    assert "OS*" not in text


def test_a_pruned_network_is_named_as_the_one_who_says_so(tmp_path):
    file = tmp_path / "pruned.yaml"
    file.write_text('compression:\n  - {layers: "*", weight_density: 0.5}\n')
    result = run_network(overlaid(NETWORK, file), SPARSE)
    assert "as the network says how many of its weights are zero;" in zeros_sentence(result)
    assert "the machine" not in zeros_sentence(result)


def test_both_are_named_where_both_say_so(tmp_path):
    file = tmp_path / "pruned.yaml"
    file.write_text('compression:\n  - {layers: "fire*.expand3x3", weight_density: 0.5}\n')
    sentence = zeros_sentence(run_network(overlaid(NETWORK, file), SPARSE))
    assert "the machine takes 40% of the weights as zero and the network says how many" in sentence


def test_the_values_have_names_of_their_own(sparse):
    values = sparse.to_dict()
    assert values["skipped_macs"] == sparse.skipped_macs
    assert values["nominal_utilization"] == sparse.nominal_utilization
    frame = sparse.to_dataframe()
    assert frame["skipped_macs"].sum() == sparse.skipped_macs
    assert set(frame["weight_density"].dropna()) == {0.6}
