"""A second memory off chip is a matter of the machine's file and of nothing else."""

import dataclasses
import json

import pytest

from accelsim import explain_network, load_hardware, load_network, run_network
from accelsim.descriptions import vary
from accelsim.errors import DescriptionError
from accelsim.hardware import Operand
from accelsim.mapping.bounds import compulsory_weight_bytes
from accelsim.pricing import result_of
from accelsim.report.files.trace import Timeline, threads_of, trace_events
from accelsim.report.plots.roofline import roof_of, roofline_points
from accelsim.report.plots.timeline import TimelineWindow, timeline_figure
from accelsim.report.tables.explanation import explanation_report
from accelsim.report.tables.machines import hardware_report
from accelsim.report.tables.run import run_report
from accelsim.report.text.table import Style
from accelsim.run import plan_run, run_plan
from accelsim.search.remedies import most_remedies, remedies
from accelsim.simulation.events import simulate_events
from accelsim.verification.schedules import verify_plan

FILE = """\
name: flash_and_dram
source: made up for a test
pe_array: {rows: 8, columns: 8}
memories:
- name: flash
  holds: [weights]
  bandwidth: {bytes_per_cycle: 1}
  latency_cycles: 40
  prefetch: 4
  energy: {read: 60, write: 70}
- name: dram
  bandwidth: {bytes_per_cycle: 4}
- name: sram
  size_bytes: 65536
"""
POOL = ("  size_bytes: 65536", "  size_bytes: 65536\n  banks: pool\n  keeps: [activations]")
NETWORK = load_network("sqnxt23v5@resolution=64")


def load(tmp_path_factory, *changes):
    text = FILE
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    file = tmp_path_factory.mktemp("machines") / "machine.yaml"
    file.write_text(text)
    return load_hardware(file)


@pytest.fixture(scope="module")
def machine(tmp_path_factory):
    return load(tmp_path_factory)


@pytest.fixture(scope="module")
def pool(tmp_path_factory):
    return load(tmp_path_factory, POOL)


@pytest.fixture(scope="module")
def plan(machine):
    return plan_run(NETWORK, machine)


@pytest.fixture(scope="module")
def pool_plan(pool):
    return plan_run(NETWORK, pool)


@pytest.fixture(scope="module")
def result(plan):
    return run_plan(plan)


# --- the file


def test_an_operand_is_at_home_in_the_outermost_memory_that_holds_it(machine):
    assert [memory.name for memory in machine.off_chip] == ["flash", "dram"]
    assert [memory.name for memory in machine.on_chip] == ["sram"]
    assert [(channel.memory, channel.prefetch) for channel in machine.channels] == [("flash", 4), ("dram", 8)]
    homes = {operand.value: machine.channel_of[operand].memory for operand in Operand}
    assert homes == {"inputs": "dram", "weights": "flash", "outputs": "dram", "residual": "dram"}
    assert machine.input_place == machine.output_place == "dram"


def mistakes(tmp_path, *changes):
    text = FILE
    for old, new in changes:
        assert old in text
        text = text.replace(old, new, 1)
    file = tmp_path / "machine.yaml"
    file.write_text(text)
    with pytest.raises(DescriptionError) as error:
        load_hardware(file)
    return [line.removeprefix(f"{file}:") for line in str(error.value).splitlines()]


NOT_A_HOME = "must name an operand that no memory before it holds: the first that does is its home"


EVERYTHING = "must hold everything, together with flash"
BANDWIDTH = "  bandwidth: {bytes_per_cycle: 4}\n"


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ([("  holds: [weights]\n", "")], f"10: memories.1.holds: {NOT_A_HOME}"),
        (
            [("- name: dram\n", "- name: dram\n  holds: [weights]\n")],
            f'12: memories.1.holds = ["weights"]: {NOT_A_HOME}',
        ),
        (
            [("- name: dram\n", "- name: dram\n  holds: [inputs, outputs]\n")],
            f'12: memories.1.holds = ["inputs", "outputs"]: {EVERYTHING}: residual would have no place '
            "outside the chip",
        ),
        (
            [("holds: [weights]", "holds: [weights, inputs]")],
            "11: memories.1.holds: must be the home of inputs, outputs, residual or of none of them, but a "
            "memory before it is that of inputs: what a layer puts out is what others read",
        ),
        (
            [
                (f"- name: dram\n{BANDWIDTH}", ""),
                ("  size_bytes: 65536\n", f"  size_bytes: 65536\n- name: dram\n{BANDWIDTH}"),
            ],
            "13: memories.2.name = 'dram': must come before the memories on chip: it has no size, so it is "
            "off chip",
        ),
        (
            [("- name: sram\n  size_bytes: 65536\n", "")],
            "11: memories.1.size_bytes: missing, must be a whole number of bytes: no memory before it is "
            "on chip",
        ),
        (
            [(BANDWIDTH, f"{BANDWIDTH}  banks: pool\n")],
            "13: memories.1.banks = 'pool': must be left out: tiles are buffered in the memories on chip",
        ),
        (
            [(BANDWIDTH, f"{BANDWIDTH}  keeps: [weights]\n")],
            '13: memories.1.keeps = ["weights"]: must be left out: all that a memory off chip holds stays '
            "there",
        ),
        (
            [("name: dram", "name: global_buffer")],
            "11: memories.1.name = 'global_buffer': must be another name: results call the memory on chip by "
            "this one",
        ),
    ],
)
def test_what_cannot_be_is_refused_with_its_place(tmp_path, changes, line):
    assert mistakes(tmp_path, *changes) == [line]


def test_a_memory_on_chip_without_its_size_is_taken_for_one_off_chip(tmp_path):
    assert mistakes(tmp_path, ("  size_bytes: 65536\n", BANDWIDTH)) == [
        f"13: memories.2.holds: {NOT_A_HOME}",
        "13: memories.2.size_bytes: missing, must be a whole number of bytes: no memory before it is on chip",
    ]


def test_io_may_name_the_memory_that_is_at_home_to_activations(tmp_path):
    (line,) = mistakes(tmp_path, ("memories:", "io: {inputs: flash}\nmemories:"))
    assert line.endswith("io.inputs = 'flash': must be a memory that holds or keeps activations: dram")


def test_each_channel_is_varied_by_the_name_of_its_memory(machine):
    faster = vary(machine, **{"memories.flash.bandwidth.bytes_per_cycle": 3, "dram.latency_cycles": 7})
    assert [channel[2:5] for channel in faster.channels] == [(3, 40, 4), (4, 7, 8)]


# --- the results


def test_both_engines_say_the_same(plan, pool_plan, result):
    assert run_plan(plan, "events").to_dict() == result.to_dict()
    assert run_plan(pool_plan, "events") == run_plan(pool_plan)


def test_schedules_are_proven(plan, pool_plan):
    for planned in (plan, pool_plan):
        verified = verify_plan(planned)
        assert verified.proven, verified.mismatches


def test_each_memory_has_its_traffic_its_energy_and_its_time(machine, result):
    values = result.to_dict()
    flash, dram, sram = values["memories"].values()
    assert values["dram_bytes"] == {
        "read": sum(sum(memory["read_bytes"].values()) for memory in (flash, dram)),
        "write": sum(dram["written_bytes"].values()),
    }
    assert dram["moved_bytes"]["weights"] == 0 < flash["moved_bytes"]["weights"]
    assert flash["energy"] == 60 * flash["moved_bytes"]["weights"] / 2
    assert flash["busy_cycles"] == flash["moved_bytes"]["weights"]  # at a byte a cycle
    assert sum(dram["moved_bytes"].values()) / 4 <= dram["busy_cycles"] < result.cycles
    assert "busy_cycles" not in sram
    for layer in values["layers"]:
        assert layer["busy_cycles"]["dram"] == max(
            layer["memories"][name]["busy_cycles"] for name in ("flash", "dram")
        )
        homes = {"inputs": "dram", "weights": "flash", "outputs": "dram", "residual": "dram"}
        assert layer["places"].items() <= homes.items()
        assert layer["waiting_cycles"].keys() == {"flash", "dram", "sram"}
        assert layer["waiting_cycles"]["flash"].keys() == {"weights"}
    waited = sum(sum(operands.values()) for operands in values["waiting_cycles"].values())
    assert waited == sum(sum(layer.waited_for.values()) for layer in result.layers)


def test_the_bound_of_a_layer_is_by_its_slowest_channel(result):
    for layer in result.layers:
        weights = layer.memories["flash"].moved_bytes["weights"]
        assert layer.lower_bound_cycles <= max(layer.cycles, layer.busy_cycles["array"], weights)
    fc = result.layers[-1]
    assert fc.lower_bound_cycles == fc.memories["flash"].moved_bytes["weights"] == 1000 * 128


def test_tensors_that_stay_on_chip_leave_flash_to_the_weights(pool, result):
    kept = run_network(NETWORK, pool, objective="edp")
    assert sum(kept.memories["dram"].moved_bytes.values()) < sum(result.memories["dram"].moved_bytes.values())
    assert {place for layer in kept.layers for place in layer.places.values()} == {"flash", "dram", "sram"}
    assert all(layer.places["weights"] == "flash" for layer in kept.layers if layer.params)
    weights = sum(compulsory_weight_bytes(layer.form, pool) for layer in kept.layers)
    assert kept.lower_bound_if_kept_cycles == weights <= kept.memories["flash"].moved_bytes["weights"]


# --- reports


def test_reports_name_each_memory(machine, result):
    text = " ".join(run_report(result, Style(200)).split())
    flash = result.memories["flash"].busy_cycles / result.cycles
    assert f"flash 945 kB read, 0 B written; its channel streams for {flash:.1%} of the time" in text
    assert "off chip 2.24 MB read, 196 kB written" in text
    assert "off chip: flash and DRAM together." in text
    assert "a channel off chip streams" in text
    lines = hardware_report(machine, Style()).splitlines()
    assert [line.split() for line in lines if "GB/s" in line] == [
        ["flash", "1.00", "GB/s"],
        ["DRAM", "4.00", "GB/s"],
    ]


def test_no_layer_is_above_the_roof_of_both_channels_together(machine, result):
    roof = roof_of(machine)
    assert roof.dram_bytes_per_cycle == 5
    for point in roofline_points(result, machine):
        assert point.macs_per_cycle <= roof.height(point.macs_per_byte) * (1 + 1e-9)


def test_a_trace_has_a_track_for_each_channel(machine, plan):
    activity = simulate_events(plan.schedule, machine, keep_timeline=True)
    result = result_of(plan, activity)
    timeline = Timeline(result, machine, plan.schedule, activity, range(len(result.layers)))
    names = [name for _, name in threads_of(machine).values()]
    assert names == ["flash channel", "DRAM channel", "PE array", "vector unit"]
    events = list(trace_events(timeline))
    for memory in ("flash", "dram"):
        thread, _ = threads_of(machine)["dram", memory]
        busy = sum(event["dur"] for event in events if (event["ph"], event.get("tid")) == ("X", thread))
        assert busy == result.memories[memory].busy_cycles
    figure = timeline_figure([TimelineWindow(timeline, "conv1", 0, 2_000)])
    (axes,) = [axes for part in figure.subfigs for axes in part.axes]
    assert [word.get_text() for word in axes.get_yticklabels()] == names


def test_remedies_are_of_each_channel(machine):
    found = list(remedies(NETWORK, machine, "auto"))
    names = [remedy.name for remedy in found]
    assert len(names) == len(set(names)) <= most_remedies(machine)
    channels = {"flash_bandwidth", "dram_bandwidth", "flash_latency", "dram_latency"}
    assert channels <= set(names)
    for name in channels:
        (remedy,) = [remedy for remedy in found if remedy.name == name]
        changed = [
            before.memory
            for before, after in zip(machine.channels, remedy.hardware.channels, strict=True)
            if before != after
        ]
        assert changed == [name.partition("_")[0]]


def test_what_bounds_a_layer_is_said_of_the_memory_whose_channel_is_busiest(machine):
    explained = explain_network("mlperf_tiny_ic", machine, layers=9)
    of_flash = [worst for worst in explained.worst if worst.diagnosis.bound_by == "dram"]
    assert of_flash
    for worst in of_flash:
        moved = {name: memory.busy_cycles or 0 for name, memory in worst.layer.memories.items()}
        assert worst.diagnosis.memory == max(moved, key=moved.get)
        assert worst.diagnosis.balance == pytest.approx(
            64 * max(moved.values()) / worst.layer.dram_bytes.total, rel=0.01
        )
    json.dumps([dataclasses.asdict(worst.diagnosis) for worst in explained.worst])
    assert "flash 1 -> 2 bytes per cycle" in explanation_report(explained, Style())
