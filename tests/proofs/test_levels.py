"""Three levels are a matter of the machine's file, in results, reports, traces, remedies and verification."""

import json
from collections import Counter
from dataclasses import replace

import pytest
from machines import machine, with_tensor_memory
from test_places_laws import network

from accelsim import explain_network, load_hardware, load_network, run_network, verify
from accelsim.descriptions import vary
from accelsim.errors import AccelsimError, MappingError
from accelsim.hardware import Operand
from accelsim.memory_map import ReadBeside
from accelsim.pricing import result_of
from accelsim.report.files.trace import Timeline, threads_of, trace_events
from accelsim.report.plots.memory import memory_figure
from accelsim.report.plots.roofline import roof_of, roofline_points
from accelsim.report.tables.explanation import explanation_report
from accelsim.report.tables.machines import hardware_report
from accelsim.report.tables.residency import residency_report
from accelsim.report.tables.run import run_report
from accelsim.report.text.residency import kept_sentence
from accelsim.report.text.table import Style
from accelsim.run import plan_run, run_plan
from accelsim.search.changes import Remedy
from accelsim.search.remedies import most_remedies, remedies
from accelsim.simulation.events import simulate_events
from accelsim.verification.places import place_mismatches
from accelsim.verification.schedules import verify_plan

NETWORK = load_network("sqnxt23v5@resolution=96")
LEVELS = vary(load_hardware("mcu_l3_l2_l1"), **{"memories.l2.size_bytes": 40_000})
"""So small that some tensors have no room."""


@pytest.fixture(scope="module")
def plan():
    return plan_run(NETWORK, LEVELS)


@pytest.fixture(scope="module")
def result(plan):
    return run_plan(plan)


# --- results


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"memories.l1.banks": "pool"},
        {"io.inputs": "l2", "io.outputs": "l2"},
        {"memories.l2.keeps": ["activations", "weights"], "memories.l2.size_bytes": 300_000},
        {"mapper.order": "least_peak"},
    ],
)
def test_both_engines_say_the_same_and_the_schedule_is_proven(changes):
    hardware = vary(LEVELS, **changes)
    planned = plan_run(NETWORK, hardware)
    run = run_plan(planned)
    assert run_plan(planned, "events").to_dict() == run.to_dict()
    verified = verify_plan(planned)
    assert verified.proven, verified.mismatches
    assert 0 < run.memories["l2"].peak_bytes <= hardware.tensor_memory.size_bytes


def test_a_batch_lies_there_as_a_whole():
    assert verify(NETWORK, vary(LEVELS, **{"memories.l2.size_bytes": 200_000}), batch=3).proven


def test_each_level_has_its_traffic_its_energy_and_its_time(plan, result):
    values = result.to_dict()
    l3, l2, l1 = values["memories"].values()
    assert values["dram_bytes"] == {
        "read": sum(l3["read_bytes"].values()),
        "write": sum(l3["written_bytes"].values()),
    }
    assert values["global_buffer_bytes"] == {
        "read": sum(l1["read_bytes"].values()),
        "write": sum(l1["written_bytes"].values()),
    }
    assert values["peak_global_buffer_bytes"] == l1["peak_bytes"] <= 65536
    size_bytes = plan.hardware.tensor_memory.size_bytes
    price = 2.5 * (size_bytes / 32768) ** 0.4644  # a law of its size, which is another here than in its file
    assert l2["energy"] == pytest.approx(price * sum(l2["moved_bytes"].values()))
    assert l2["moved_bytes"]["weights"] == 0
    assert sum(l2["moved_bytes"].values()) / 8 <= l2["busy_cycles"] < result.cycles
    assert (result.off_chip, result.tensor_memory, result.on_chip) == (("l3",), "l2", ("l1",))
    assert {"peak_bytes", "busy_cycles"} & l3.keys() == {"busy_cycles"}


def test_each_layer_says_where_its_operands_lie_and_what_was_waited_for_there(plan, result):
    for layer, places in zip(result.layers, plan.schedule.places, strict=True):
        expected = {operand.value: place for operand, place in places.items()}
        assert layer.places.items() <= expected.items()
        for operand, place in layer.places.items():
            elsewhere = {"l2", "l3"} - {place}
            assert all(layer.memories[name].moved_bytes[operand] == 0 for name in elsewhere)
            assert operand == "outputs" or operand in layer.waiting_cycles[place]
    assert {"l2", "l3"} <= {place for layer in result.layers for place in layer.places.values()}
    waited = sum(sum(operands.values()) for operands in result.waiting_cycles.values())
    assert waited == sum(sum(layer.waited_for.values()) for layer in result.layers)
    for name, memory in result.memories.items():
        moved = Counter()
        for layer in result.layers:
            moved.update(layer.memories[name].moved_bytes)
        assert dict(moved) == memory.moved_bytes


def test_a_tensor_lies_in_one_place_and_no_two_overlap(plan):
    memory_map = plan.schedule.memory_map
    assert memory_map.address_waste_bytes == 0
    inside = [tensor for tensor in memory_map.tensors if tensor.in_pool is not None]
    assert all((tensor.in_pool is None) != (tensor.outside is None) for tensor in memory_map.tensors)
    for index, tensor in enumerate(inside):
        assert tensor.end_address <= 40_000
        for other in inside[:index]:
            together = max(tensor.in_pool.first, other.in_pool.first) <= min(
                tensor.in_pool.last, other.in_pool.last
            )
            apart = tensor.end_address <= other.address or other.end_address <= tensor.address
            assert apart or not together
    for tensor in memory_map.activations:
        assert (tensor.why_not is None) == (tensor.stays or tensor.is_image or tensor.last_reader is None)


def test_bounds_are_with_everything_off_chip_and_without(result):
    assert result.lower_bound_if_kept_cycles < result.lower_bound_cycles
    for layer in result.layers:
        assert layer.lower_bound_if_kept_cycles <= layer.lower_bound_cycles
        assert layer.cycles == 0 or layer.busy_cycles["dram"] <= layer.end_cycle - layer.start_cycle


# --- networks of a few layers


def conv(name, source, channels=4):
    arguments = {"out_channels": channels, "kernel": 1, "padding": "same"}
    return {"name": name, "operator": "conv", "inputs": [source], **arguments}


def test_what_is_read_beside_the_image_lies_where_it_does():
    # A layer of the vector unit adds conv1, which conv2 has read before, and the image, as one operand.
    rows = [
        conv("conv1", "input"),
        conv("conv2", "conv1"),
        {"name": "sum", "operator": "add", "inputs": ["input", "conv1"]},
        conv("conv3", "sum"),
        {"name": "last", "operator": "add", "inputs": ["conv3", "conv2"]},
    ]
    hardware = with_tensor_memory(machine(), 4096)
    run = run_network(network(4, 4, 4, rows), hardware)
    assert [layer.name for layer in run.layers] == ["conv1", "conv2", "sum", "conv3"]
    tensors = {tensor.name: tensor for tensor in run.memory_map.tensors}
    assert tensors["conv1"].why_not == ReadBeside(step=2, tensor="image")
    assert tensors["conv2"].stays and tensors["sum"].stays
    of_conv1 = next(tensor for tensor in run.to_dict()["tensors"] if tensor["name"] == "conv1")
    assert of_conv1["why_not"] == {"reason": "read_beside", "layer": "sum", "tensor": "image"}
    assert "read beside what lies outside: 1 (conv1 of 128 bytes)" in kept_sentence(run.memory_map)
    in_l2 = with_tensor_memory(machine(), 4096, {"inputs": "l2"})
    assert all(tensor.stays for tensor in run_network(network(4, 4, 4, rows), in_l2).memory_map.tensors[:4])


def test_ends_that_are_read_together_have_to_lie_together():
    rows = [conv("conv1", "input"), conv("conv2", "conv1"), {"name": "sum", "operator": "add"}]
    rows[2]["inputs"] = ["input", "conv1"]
    results = [{"name": "out", "operator": "network_output", "inputs": ["conv1"]}]
    hardware = with_tensor_memory(machine(), 4096, {"inputs": "l2"})
    last = {"name": "last", "operator": "add", "inputs": ["sum", "conv2"]}
    torn = network(4, 4, 4, [*rows, conv("conv3", "sum"), *results, {**last, "inputs": ["conv3", "conv2"]}])
    with pytest.raises(MappingError, match=r"^sum on machine: .*; would help: io.inputs = dram$"):
        run_network(torn, hardware)


def test_what_has_no_room_is_refused_with_the_room_that_it_needs():
    hardware = vary(LEVELS, **{"io.inputs": "l2", "memories.l2.size_bytes": 20_000})
    with pytest.raises(
        MappingError, match=r"needs 27648 bytes of l2, which has 20000: image \(27648 bytes\),"
    ):
        run_network(NETWORK, hardware)


# --- reports


def test_reports_name_each_level(result):
    text = " ".join(run_report(result, Style(200)).split())
    busy = result.memories["l2"].busy_cycles / result.cycles
    assert f"its channel streams for {busy:.1%} of the time; at most" in text
    assert "What l3 bounds may wait for l2 instead." in text
    lines = hardware_report(LEVELS, Style()).splitlines()
    assert [line.split() for line in lines if "KiB" in line and "=" not in line] == [
        ["l2", "39.06", "KiB:", "2.74", "pJ", "an", "access", "of", "8", "bits"],
        ["l1", "64", "KiB:", "3.45", "pJ", "an", "access", "of", "8", "bits"],
    ]
    assert "in l2" in kept_sentence(result.memory_map)


def test_the_list_of_tensors_speaks_of_no_tiles(plan):
    layers = [layer.name for layer in plan.schedule.layers]
    text = residency_report("a on b", plan.schedule.memory_map, "l3", layers, Style())
    assert "Those of one layer at a time take at most" in " ".join(text.split())
    (figure_axes, _) = memory_figure([run_network(NETWORK, LEVELS)]).axes
    assert figure_axes.get_ylabel() == "address in l2 [KiB]"


def test_no_layer_is_above_the_roof_of_what_is_off_chip(result):
    assert roof_of(LEVELS).dram_bytes_per_cycle == 1
    for point in roofline_points(result, LEVELS):
        assert point.macs_per_cycle <= roof_of(LEVELS).height(point.macs_per_byte) * (1 + 1e-9)


def test_a_trace_has_a_track_for_each_channel_and_says_what_tensors_take(plan):
    activity = simulate_events(plan.schedule, LEVELS, keep_timeline=True)
    result = result_of(plan, activity)
    timeline = Timeline(result, LEVELS, plan.schedule, activity, range(len(result.layers)))
    assert [name for _, name in threads_of(LEVELS).values()][:2] == ["l3 channel", "l2 channel"]
    events = list(trace_events(timeline))
    held = [event["args"]["tensors"] for event in events if event["name"].startswith("tensors in the l2")]
    assert max(held) == result.memories["l2"].peak_bytes
    thread, _ = threads_of(LEVELS)["dram", "l2"]
    busy = sum(event["dur"] for event in events if (event["ph"], event.get("tid")) == ("X", thread))
    assert busy == result.memories["l2"].busy_cycles


def test_remedies_are_of_each_level(result):
    found = list(remedies(NETWORK, LEVELS, "auto"))
    names = [remedy.name for remedy in found]
    assert len(names) == len(set(names)) <= most_remedies(LEVELS)
    assert {"l3_bandwidth", "l2_bandwidth", "l3_latency", "l2_latency"} <= set(names)
    by_name = {remedy.name: remedy for remedy in found if isinstance(remedy, Remedy)}
    assert by_name["l2_buffer"].hardware.tensor_memory.size_bytes == 80_000
    assert by_name["l1_buffer"].hardware.working[0].size_bytes == 2 * 65536
    assert by_name["pool"].hardware.pool.memory == "l1"
    assert by_name["pin"].hardware.tensor_memory.keeps == ("activations", "weights")


def test_explanations_hold_for_them():
    explained = explain_network("mlperf_tiny_ic", LEVELS, layers=2)
    text = " ".join(explanation_report(explained, Style(200)).split())
    assert "l2 39.0625 -> 78.125 KiB" in text
    assert "l2 8 -> 16 bytes per cycle" in text
    json.dumps([worst.diagnosis.memory for worst in explained.worst])


# --- what is wrong is found


def number_of(plan, wanted):
    """The first layer of which an operand lies in a place."""
    operand, place = wanted
    return next(
        number
        for number, places in enumerate(plan.schedule.places)
        if number and places.get(operand) == place and places.get(Operand.INPUTS)
    )


def with_place(plan, number, operand, place):
    places = list(plan.schedule.places)
    places[number] = {**places[number], operand: place}
    return replace(plan, schedule=replace(plan.schedule, places=tuple(places)))


def wrong(plan, number):
    mismatches = place_mismatches(plan.lowered.graph, plan.schedule, plan.hardware, plan.options.batch)
    return str(mismatches.get(plan.schedule.layers[number].name, ""))


@pytest.mark.parametrize(("there", "instead"), [("l2", "l3"), ("l3", "l2")])
def test_a_tensor_that_is_read_where_it_was_not_written_is_found(plan, there, instead):
    number = number_of(plan, (Operand.INPUTS, there))
    sentence = wrong(with_place(plan, number, Operand.INPUTS, instead), number)
    assert f"as inputs in {instead}, where it does not lie" in sentence


def test_places_that_no_tensor_has_are_found(plan):
    assert "l1" in wrong(with_place(plan, 3, Operand.OUTPUTS, "l1"), 3)
    assert "weights are read elsewhere than in l3" in wrong(with_place(plan, 3, Operand.WEIGHTS, "l2"), 3)


def test_transfers_that_are_counted_at_another_memory_are_found(plan):
    number = number_of(plan, (Operand.INPUTS, "l2"))
    moved = with_place(plan, number, Operand.INPUTS, "l3")
    name = plan.schedule.layers[number].name
    assert verify_plan(moved, layers=[name]).mismatches.keys() == {name}


def test_more_tensors_than_l2_holds_are_found(plan):
    small = replace(plan, hardware=vary(LEVELS, **{"memories.l2.size_bytes": 20_000}))
    assert any(
        "20000" in str(mismatch)
        for mismatch in place_mismatches(
            plan.lowered.graph, plan.schedule, small.hardware, plan.options.batch
        ).values()
    )


def test_room_that_is_given_up_too_early_is_found(plan):
    changes = list(plan.schedule.pool_changes)
    number = next(index for index, change in enumerate(changes) if change.taken_bytes)
    changes[number] = changes[number]._replace(freed_bytes=changes[number].taken_bytes)
    early = replace(plan, schedule=replace(plan.schedule, pool_changes=tuple(changes)))
    assert "gives up" in wrong(early, number)


def test_a_machine_without_one_has_no_such_map():
    with pytest.raises(AccelsimError, match="keeps no tensor on chip"):
        memory_figure([run_network(NETWORK, LEVELS.with_places({}))])
