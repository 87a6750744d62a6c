"""Whole networks on machines whose memories move whole bursts."""

import json
from dataclasses import replace

import pytest

from accelsim import explain_network, load_hardware, run_network
from accelsim.descriptions import vary
from accelsim.descriptions.limits import MAX_COUNT
from accelsim.errors import DescriptionError
from accelsim.mapping.countable import most_counted, uncountable
from accelsim.report.tables.explanation import explanation_report
from accelsim.report.tables.run import run_report
from accelsim.report.text.table import Style
from accelsim.run import plan_run
from accelsim.search.changes import LayoutChange
from accelsim.search.remedies import most_remedies, remedies
from accelsim.simulation import simulate, simulate_events
from accelsim.verification.schedules import verify_plan

BURSTS = {"memories.dram.burst_bytes": 64}
SMALL = "sqnxt23v5@resolution=64"


@pytest.fixture(scope="module")
def in_bursts():
    return vary(load_hardware("16x16_128k"), **BURSTS)


@pytest.mark.parametrize(
    "network", ["sqnxt23v5", "squeezenet_v1_1", "mobilenet_v1", "mobilenet_v2", "shufflenet_v2"]
)
def test_tiles_that_know_of_bursts_lose_little_by_them(in_bursts, network):
    """docs/decisions/bursts.md: chosen without them, tiles take up to six times the time."""
    plain, result = run_network(network, "16x16_128k"), run_network(network, in_bursts)
    assert result.cycles <= 1.08 * plain.cycles
    assert result.energy.total <= 1.2 * plain.energy.total
    dram = result.memories["dram"]
    beside = sum(dram.moved_bytes.values()) - result.dram_bytes.total
    assert 0 < beside < 0.1 * result.dram_bytes.total


@pytest.mark.parametrize("layout", ["nhwc", "nchw"])
@pytest.mark.parametrize(
    "machine", ["16x16_128k", "npu_int8_256k", "npu_int8_psram", "mcu_l3_l2_l1"]
)  # banks, a pool, two memories off chip, three levels
def test_schedules_in_bursts_are_proved_and_both_engines_agree(machine, layout):
    hardware = load_hardware(machine)
    changes = {}
    for channel in hardware.channels:
        changes[f"memories.{channel.memory}.burst_bytes"] = 32
        if channel.memory != "flash":  # in which only weights lie
            changes[f"memories.{channel.memory}.layout"] = layout
    hardware = vary(hardware, **changes)
    plan = plan_run(SMALL, hardware)
    assert simulate(plan.schedule, hardware) == simulate_events(plan.schedule, hardware)
    assert not verify_plan(plan).mismatches


def test_bursts_of_a_byte_are_none():
    plain, result = (
        run_network(SMALL, machine)
        for machine in ("16x16_128k", vary(load_hardware("16x16_128k"), **{"memories.dram.burst_bytes": 1}))
    )
    assert plain.held_against is not None  # as the file that ships is; another file says it in other words
    assert replace(plain, held_against=None) == result


def test_results_say_what_is_of_use_and_what_moves(in_bursts):
    result = run_network(SMALL, in_bursts)
    report = run_report(result, Style(), layers="none")
    assert "moved in bursts, " in report
    assert "DRAM, buffer: bytes of use read and written" in " ".join(report.split())
    assert "of use" not in run_report(run_network(SMALL, "16x16_128k"), Style(), layers="none")
    dram = json.loads(json.dumps(result.to_dict()))["memories"]["dram"]
    for operand, moved_bytes in dram["moved_bytes"].items():
        assert moved_bytes >= dram["read_bytes"][operand] + dram["written_bytes"][operand]
        assert moved_bytes % 64 == 0
    for layer in result.layers:
        assert sum(layer.memories["dram"].moved_bytes.values()) >= layer.dram_bytes.total


def test_another_layout_is_a_remedy(in_bursts):
    scattered = vary(in_bursts, **{"memories.dram.layout": "nchw"})
    explanation = explain_network("mlperf_tiny_ic", scattered, layers=0)
    assert "DRAM layout nchw -> nhwc" in explanation_report(explanation, Style())
    offered = [remedy.change for remedy in remedies(plan_run(SMALL, scattered).network, scattered, "auto")]
    assert LayoutChange("dram", "nchw", "nhwc") in offered
    assert len(offered) <= most_remedies(scattered)
    plain = remedies(plan_run(SMALL, "16x16_128k").network, load_hardware("16x16_128k"), "auto")
    assert not any(isinstance(remedy.change, LayoutChange) for remedy in plain)


@pytest.mark.parametrize(
    ("key", "value", "allowed"),
    [
        ("memories.dram.burst_bytes", 0, "must be a whole number from 1 to 65536"),
        ("memories.dram.burst_bytes", 65537, "must be a whole number from 1 to 65536"),
        ("memories.dram.layout", "chwn", "must be 'nhwc' or 'nchw'"),
        ("memories.global_buffer.burst_bytes", 64, "only memories off chip, which have no size"),
        ("memories.global_buffer.layout", "nhwc", "only memories off chip, which have no size"),
    ],
)
def test_what_bursts_cannot_be(key, value, allowed):
    with pytest.raises(DescriptionError, match=allowed):
        vary(load_hardware("16x16_128k"), **{key: value})


def test_bursts_of_a_memory_for_tensors_are_seen_too():
    """Its channel is the home of no operand until it is known what lies there."""
    machine = vary(
        load_hardware("mcu_l3_l2_l1"), **{"memories.l2.burst_bytes": 64, "memories.l2.layout": "nchw"}
    )
    result = run_network(SMALL, machine)
    l2 = result.memories["l2"]
    of_use = sum(l2.read_bytes.values()) + sum(l2.written_bytes.values())
    assert sum(l2.moved_bytes.values()) > of_use
    assert "moved in bursts" in run_report(result, Style(), layers="none")
    offered = [remedy.change for remedy in remedies(plan_run(SMALL, machine).network, machine, "auto")]
    assert LayoutChange("l2", "nchw", "nhwc") in offered


def test_weights_in_flash_have_no_layout():
    flash = vary(load_hardware("npu_int8_256k"), **{"memories.flash.burst_bytes": 64})
    offered = [remedy.change for remedy in remedies(plan_run(SMALL, flash).network, flash, "auto")]
    assert not any(isinstance(change, LayoutChange) for change in offered)


def test_counts_in_long_bursts_stay_below_64_bits(in_bursts):
    """Each element may come with a whole burst."""
    longest = vary(in_bursts, **{"memories.dram.burst_bytes": 65536})
    plain = most_counted(plan_run(SMALL, in_bursts).schedule.layers[0])
    batch = MAX_COUNT // plain
    layer = plan_run(SMALL, in_bursts).schedule.layers[0]
    assert uncountable(layer, batch, in_bursts) is not None
    assert uncountable(layer, batch // 16, in_bursts) is None
    assert uncountable(layer, batch // 16, longest) is not None
