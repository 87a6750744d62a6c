"""The trace file: what is read back from it is what the simulation observed and the report says."""

import gzip
import json
import re
from collections import Counter, defaultdict

import pytest
from machines import keeping_machine, with_host

import accelsim
from accelsim.hardware import Operand
from accelsim.pricing import result_of
from accelsim.report.files.trace import (
    COMPONENT_THREADS,
    DMA_THREAD,
    LAYERS,
    MACHINE,
    SPANS_THREAD,
    TIME_THREAD,
    WAITS,
    Timeline,
    chosen_layers,
    span_lanes,
    united,
    write_trace,
)
from accelsim.run import options_for, plan_run
from accelsim.simulation.events import simulate_events


@pytest.fixture(scope="module")
def timeline():
    """sqnxt23v5 on 16x16_128k, with all of its layers."""
    hardware = accelsim.load_hardware("16x16_128k")
    plan = plan_run(accelsim.load_network("sqnxt23v5"), hardware)
    activity = simulate_events(plan.schedule, hardware, keep_timeline=True)
    shown = chosen_layers((), plan.schedule)
    return Timeline(result_of(plan, activity), hardware, plan.schedule, activity, shown)


def limited(timeline, *patterns):
    """The timeline of the layers that match."""
    shown = chosen_layers(patterns, timeline.schedule)
    return Timeline(timeline.result, timeline.hardware, timeline.schedule, timeline.activity, shown)


@pytest.fixture(scope="module")
def trace(timeline, tmp_path_factory):
    """The file, read back."""
    file = tmp_path_factory.mktemp("trace") / "timeline.json"
    write_trace(file, timeline)
    return json.loads(file.read_text(encoding="utf-8"))


def slices(trace, process, thread):
    """The slices of a track, in the order of their starts, the longer first."""
    found = [
        event
        for event in trace["traceEvents"]
        if (event["ph"], event["pid"], event.get("tid")) == ("X", process, thread)
    ]
    return sorted(found, key=lambda event: (event["ts"], -event["dur"]))


def of_component(trace, component):
    """The slices of a component of the machine."""
    return slices(trace, MACHINE, COMPONENT_THREADS[component][0])


def test_the_file_has_what_the_format_asks_for(trace):
    assert trace["displayTimeUnit"] in {"ms", "ns"}
    assert trace["otherData"]["cycles"] == 1_235_414
    assert {event["ph"] for event in trace["traceEvents"]} == {"M", "X", "C"}
    for event in trace["traceEvents"]:
        assert isinstance(event["name"], str)
        assert event["pid"] in {LAYERS, MACHINE}
        if event["ph"] != "M":
            assert isinstance(event["ts"], int)
            assert 0 <= event["ts"] + event.get("dur", 0) <= trace["otherData"]["cycles"]


def test_every_track_has_a_name(trace):
    used = {(event["pid"], event["tid"]) for event in trace["traceEvents"] if event["ph"] == "X"}
    named = {
        (event["pid"], event["tid"]): event["args"]["name"]
        for event in trace["traceEvents"]
        if event["name"] == "thread_name"
    }
    assert used == named.keys()
    assert {"DRAM channel", "DMA waits", "PE array", "vector unit"} < set(named.values())


@pytest.mark.parametrize("component", COMPONENT_THREADS)
def test_the_slices_of_a_component_are_its_busy_cycles_of_every_layer(trace, timeline, component):
    busy = Counter()
    for event in of_component(trace, component):
        busy[event["name"].split()[0]] += event["dur"]
    reported = {layer.name: layer.busy_cycles.get(component, 0) for layer in timeline.result.layers}
    assert +busy == +Counter(reported)


def test_a_host_has_a_track_with_what_it_does(tmp_path):
    hardware = with_host(takes=["max_pool", "softmax"], elements_per_cycle=0.5)
    plan = plan_run("squeezenet_v1_1@resolution=64", hardware)
    activity = simulate_events(plan.schedule, hardware, keep_timeline=True)
    result = result_of(plan, activity)
    shown = Timeline(result, hardware, plan.schedule, activity, frozenset(range(len(result.layers))))
    write_trace(tmp_path / "timeline.json", shown)
    trace = json.loads((tmp_path / "timeline.json").read_text(encoding="utf-8"))
    of_host = of_component(trace, "host")
    assert sum(event["dur"] for event in of_host) == sum(layer.busy_cycles["host"] for layer in result.layers)
    assert {event["name"].split()[0] for event in of_host} == {
        layer.name for layer in result.layers if layer.dataflow == "host"
    }


def test_the_transfers_are_the_traffic_of_the_report(trace, timeline):
    moved = defaultdict(Counter)
    for event in of_component(trace, "dram"):
        moved[event["name"].split()[0]][event["args"]["direction"]] += event["args"]["bytes"]
        waited = event["ts"] - event["args"]["asked_at"]
        assert waited >= timeline.hardware.channels[0].latency_cycles
    for layer in timeline.result.layers:
        assert moved[layer.name] == {"read": layer.dram_bytes.read, "write": layer.dram_bytes.write}


def test_the_macs_are_those_that_the_energy_counts(trace, timeline):
    macs = sum(event["args"]["macs"] for event in of_component(trace, "array"))
    price = timeline.hardware.energy.mac
    assert macs * price == timeline.result.energy.by_component["mac"]
    result, pes = timeline.result, timeline.hardware.pe_array.pes
    assert result.utilization == macs / (pes * result.cycles)


def test_reads_and_writes_of_the_buffer_are_the_report_s(trace, timeline):
    work = [*of_component(trace, "array"), *of_component(trace, "vector")]
    reported = timeline.result.global_buffer_bytes
    assert sum(event["args"]["buffer_read_bytes"] for event in work) == reported.read
    assert sum(event["args"]["buffer_write_bytes"] for event in work) == reported.write


def test_the_times_of_layers_are_the_report_s_and_fill_the_run(trace, timeline):
    events = slices(trace, LAYERS, TIME_THREAD[0])
    layers = [event for event in events if "macs" in event["args"]]
    assert [event["name"] for event in layers] == [layer.name for layer in timeline.result.layers]
    assert [event["dur"] for event in layers] == [layer.cycles for layer in timeline.result.layers]
    assert sum(event["dur"] for event in layers) == timeline.result.cycles
    assert [event["args"]["macs"] for event in layers] == [layer.macs for layer in timeline.result.layers]
    stages = {event["name"]: event["dur"] for event in events if "macs" not in event["args"]}
    assert stages.keys() == {"stage1", "stage2", "stage3", "stage4"}
    for name, cycles in stages.items():
        assert cycles == sum(layer.cycles for layer in timeline.result.layers if layer.stage == name)


def test_the_spans_of_layers_are_the_report_s(trace, timeline):
    spans = {
        event["name"]: (event["ts"], event["ts"] + event["dur"])
        for event in trace["traceEvents"]
        if event["ph"] == "X" and event["tid"] >= SPANS_THREAD[0]
    }
    reported = {layer.name: (layer.start_cycle, layer.end_cycle) for layer in timeline.result.layers}
    assert spans == reported


def test_slices_of_a_track_lie_beside_or_within_each_other(trace):
    tracks = {(event["pid"], event["tid"]) for event in trace["traceEvents"] if event["ph"] == "X"}
    for track in tracks:
        open_until = []
        for event in slices(trace, *track):
            while open_until and open_until[-1] <= event["ts"]:
                open_until.pop()
            end = event["ts"] + event["dur"]
            assert not open_until or end <= open_until[-1], event
            open_until.append(end)


def test_counters_reach_the_peak_of_each_bank_and_end_empty(trace, timeline):
    held = defaultdict(list)
    for event in trace["traceEvents"]:
        if event["ph"] == "C":
            held[event["name"].split()[0]].append((event["ts"], event["args"]["held"]))
    peaks = {bank: max(size for _, size in changes) for bank, changes in held.items()}
    assert peaks == timeline.activity.peak_bank_bytes
    for changes in held.values():
        assert changes == sorted(changes)
        assert changes[-1][1] == 0


def test_every_wait_of_the_dma_says_for_what_and_which_tile(trace, timeline):
    waits = slices(trace, MACHINE, DMA_THREAD[0])
    assert [event["dur"] for event in waits] == [wait.end - wait.start for wait in timeline.activity.waits]
    for event in waits:
        reason, _, tile = event["name"].partition(": ")
        assert reason in {*WAITS.values(), *(f"for room for {bank}" for bank in Operand)}
        assert re.fullmatch(r"\S+ \d+/\d+", tile)


def test_a_name_that_ends_in_gz_is_the_same_in_less_space(timeline, tmp_path):
    one = limited(timeline, "stage1.*")
    for name in ("a.json", "a.json.gz", "b.json.gz"):
        write_trace(tmp_path / name, one)
    plain, packed = (tmp_path / "a.json").read_bytes(), (tmp_path / "a.json.gz").read_bytes()
    assert gzip.decompress(packed) == plain
    assert len(packed) < len(plain) / 5
    assert packed == (tmp_path / "b.json.gz").read_bytes()
    assert len(list(tmp_path.iterdir())) == 3


def test_only_the_layers_asked_for_are_shown(trace, timeline, tmp_path):
    write_trace(tmp_path / "part.json", limited(timeline, "conv1", "stage1.block1.*"))
    part = json.loads((tmp_path / "part.json").read_text())
    chosen = [layer for layer in timeline.result.layers if layer.name.startswith(("conv1", "stage1.block1."))]
    work = of_component(part, "array")
    assert {event["name"].split()[0] for event in work} == {layer.name for layer in chosen}
    assert work == [event for event in of_component(trace, "array") if event in work]
    last = max(layer.end_cycle for layer in chosen)
    assert all(event.get("ts", 0) <= last for event in part["traceEvents"])
    counters = [event for event in part["traceEvents"] if event["ph"] == "C"]
    everything = [event for event in trace["traceEvents"] if event["ph"] == "C" and event["ts"] <= last]
    assert counters == everything


def test_a_pattern_that_matches_nothing_is_refused(timeline):
    with pytest.raises(accelsim.AccelsimError) as error:
        chosen_layers(["conv1", "stage9.*", "x"], timeline.schedule)
    first, second = error.value.lines
    assert first.startswith(
        "--trace-layers 'stage9.*': matches none of the 112 layers, which are conv1 to fc"
    )
    assert second.startswith("--trace-layers 'x': ")


def test_spans_share_a_lane_where_they_do_not_overlap():
    assert span_lanes({0: (0, 10), 1: (5, 12), 2: (10, 20), 3: (11, 15)}) == {0: 0, 1: 1, 2: 0, 3: 2}


def test_spans_are_united_where_they_touch():
    assert united([(5, 8), (0, 3), (3, 4), (6, 7)]) == [(0, 4), (5, 8)]
    assert united([]) == []


def test_what_goes_wrong_leaves_no_file(timeline, tmp_path, monkeypatch):
    def fail(_):
        yield {}
        raise KeyboardInterrupt

    monkeypatch.setattr("accelsim.report.files.trace.trace_events", fail)
    for name in ("a.json", "a.json.gz"):
        with pytest.raises(KeyboardInterrupt):
            write_trace(tmp_path / name, timeline)
    assert not list(tmp_path.iterdir())


def test_a_pool_has_a_counter_of_tensors_and_of_tiles(tmp_path):
    hardware = keeping_machine(64 * 1024)
    plan = plan_run("mobilenet_v1@width=0.25,resolution=128", hardware)
    activity = simulate_events(plan.schedule, hardware, keep_timeline=True)
    result = result_of(plan, activity)
    shown = chosen_layers((), plan.schedule)
    write_trace(tmp_path / "a.json", Timeline(result, hardware, plan.schedule, activity, shown))
    events = json.loads((tmp_path / "a.json").read_text())["traceEvents"]
    (name,) = {event["name"] for event in events if event["ph"] == "C"}
    assert name == "pool in the sram, of 65536 bytes"
    held = [event["args"] for event in events if event["ph"] == "C"]
    assert all(values.keys() == {"tensors", "tiles"} and min(values.values()) >= 0 for values in held)
    assert max(map(sum, map(dict.values, held))) == result.memories["sram"].peak_bytes
    # A layer may have room before the one before it has given up its own.
    assert max(values["tensors"] for values in held) >= max(result.memory_map.tensor_bytes)
    assert held[-1] == {"tensors": 0, "tiles": 0}


def test_of_images_in_turn_each_has_its_own_slices(tmp_path):
    hardware = accelsim.load_hardware("npu_int8_256k")
    network = accelsim.load_network("mobilenet_v1@width=0.25,resolution=128")
    plan = plan_run(network, hardware, options_for(network, batch=4))
    assert plan.schedule.images_in_turn == 4
    activity = simulate_events(plan.schedule, hardware, keep_timeline=True)
    shown = chosen_layers(("conv1", "fc"), plan.schedule)
    result = result_of(plan, activity)
    write_trace(tmp_path / "a.json", Timeline(result, hardware, plan.schedule, activity, shown))
    trace = json.loads((tmp_path / "a.json").read_text())
    times = slices(trace, LAYERS, TIME_THREAD[0])
    names = [f"{layer}, image {image}" for image in range(1, 5) for layer in ("conv1", "fc")]
    assert [event["name"] for event in times] == names
    of_layers = {layer.name: layer.cycles for layer in result.layers}
    assert sum(event["dur"] for event in times[::2]) == of_layers["conv1"]
    assert times[-1]["ts"] + times[-1]["dur"] == result.cycles
    first, _ = SPANS_THREAD
    spans = [event["name"] for event in trace["traceEvents"] if event["ph"] == "X" and event["tid"] >= first]
    assert sorted(spans) == sorted(names)
    busy = sum(event["dur"] for event in of_component(trace, "array"))
    assert busy == sum(row.busy_cycles["array"] for row in result.layers if row.name in ("conv1", "fc"))


def test_where_weights_are_pinned_tiles_and_layers_say_so_and_nothing_loads_them(tmp_path):
    hardware = keeping_machine(512 * 1024, keeps=["activations", "weights"])
    plan = plan_run("mobilenet_v1@width=0.25,resolution=96", hardware)
    activity = simulate_events(plan.schedule, hardware, keep_timeline=True)
    result = result_of(plan, activity)
    shown = chosen_layers((), plan.schedule)
    write_trace(tmp_path / "a.json", Timeline(result, hardware, plan.schedule, activity, shown))
    trace = json.loads((tmp_path / "a.json").read_text())
    pinned = {tensor.name.removesuffix(" weights") for tensor in result.memory_map.pinned}
    assert pinned
    loaded = {
        event["name"].split()[0]
        for event in of_component(trace, "dram")
        if event["name"].endswith(" weights") and event["args"]["direction"] == "read"
    }
    at_work = {event["name"].split()[0]: event["name"] for event in of_component(trace, "array")}
    for layer, name in at_work.items():
        assert name.endswith(", weights pinned") == (layer in pinned) == (layer not in loaded)
    layers = {event["name"]: event["args"] for event in slices(trace, LAYERS, TIME_THREAD[0])}
    assert {name for name, said in layers.items() if "weights" in said} == pinned
    assert layers[min(pinned)]["weights"] == "pinned in sram, not loaded"
    held = [event["args"] for event in trace["traceEvents"] if event["ph"] == "C"]
    size_bytes = sum(tensor.size_bytes for tensor in result.memory_map.pinned)
    assert {values["pinned weights"] for values in held} == {size_bytes}
    assert min(values["tensors"] for values in held) == 0
