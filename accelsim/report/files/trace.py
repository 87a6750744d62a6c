"""The simulated timeline as a trace-event file, which Perfetto and chrome://tracing open.

The format is the JSON of the "Trace Event Format" (Chromium project): slices are complete events (`X`),
contents of buffer banks are counters (`C`), names of tracks are metadata (`M`). One cycle is one microsecond
of the file, so that times are whole numbers and durations read as cycles at every clock.

Two groups of tracks: the layers, and the machine's components. Slices of one track never overlap other than
one within the other, which both viewers need: a layer's time is that by which it moves the finish, below the
stage it belongs to; from its first request to its last byte stored it overlaps others, so those spans lie on
as many tracks as there are layers at the same time.
"""

import fnmatch
import gzip
import io
import json
from collections.abc import Collection, Iterable, Iterator, Sequence
from collections.abc import Mapping as MappingOf
from dataclasses import dataclass
from itertools import accumulate, groupby
from pathlib import Path
from typing import Any, Final, TypeAlias

from accelsim.descriptions.phrases import counted, memory_word, these
from accelsim.errors import AccelsimError
from accelsim.hardware import Hardware, Operand
from accelsim.hardware.memory import POOL, TENSORS
from accelsim.mapping.mapping import Mapping, Step
from accelsim.mapping.schedule import Schedule
from accelsim.report.files.writing import writing
from accelsim.result import LayerResult, RunResult
from accelsim.simulation.activity import Activity, Busy, Component, LayerActivity, Occupancy, Wait

TraceEvent: TypeAlias = dict[str, Any]

LAYERS: Final = 1
"""Process of the layers."""
MACHINE: Final = 2
"""Process of the machine: a thread for each component, a counter for each bank."""
COMPONENT_THREADS: Final[dict[Component, tuple[int, str]]] = {
    "dram": (3, "DRAM channel"),
    "array": (5, "PE array"),
    "vector": (6, "vector unit"),
    "host": (7, "host"),
}
DMA_THREAD: Final = (4, "DMA waits")
TIME_THREAD: Final = (7, "time, by stage and layer")
SPANS_THREAD: Final = (8, "first request to last byte stored")
"""The first of those that have the spans of layers."""
WAITS: Final = {
    "descriptor": "for a descriptor",
    "producer": "for layers it reads from",
    "control": "for its turn",
}
"""Reasons to wait that are no bank without room."""


def _wait_words(wait: Wait) -> str:
    """`for room for weights`."""
    return WAITS.get(wait.resource) or f"for room for {wait.bank}"


@dataclass(frozen=True)
class Timeline:
    """A run, when everything in it happened, and the layers to show.

    Example:
        >>> from accelsim import load_hardware, load_network
        >>> from accelsim.pricing import result_of
        >>> from accelsim.run import plan_run
        >>> from accelsim.simulation.events import simulate_events
        >>> hardware = load_hardware("16x16_128k")
        >>> plan = plan_run(load_network("mobilenet_v1@width=0.25,resolution=128"), hardware)
        >>> activity = simulate_events(plan.schedule, hardware, keep_timeline=True)
        >>> layers = chosen_layers(["conv*"], plan.schedule)
        >>> timeline = Timeline(result_of(plan, activity), hardware, plan.schedule, activity, layers)
    """

    result: RunResult
    """Of the run."""
    hardware: Hardware
    """The machine."""
    schedule: Schedule
    """What was simulated on it."""
    activity: Activity
    """With its timeline."""
    layer_indexes: Collection[int]
    """Of the layers to show, in the schedule."""

    @property
    def executed(self) -> Sequence[LayerActivity]:
        """What each layer, or stripe of one, did, for each of several images in turn."""
        return self.activity.executed or self.activity.layers

    @property
    def executed_indexes(self) -> list[int]:
        """Of the layers to show, among all that were executed."""
        layers = len(self.schedule.layers)
        return [index for index in range(len(self.executed)) if index % layers in self.layer_indexes]

    def name(self, index: int) -> str:
        """Of an executed layer: `conv1`, `conv1, stripe 2 of 14`, of images in turn `conv1, image 2`."""
        image, entry = divmod(index, len(self.schedule.layers))
        name, striped = self.schedule.layers[entry].name, self.schedule.striped
        if striped is not None and striped.entries[entry].cascade is not None:
            stripes = striped.entries_of[striped.entries[entry].layer]
            name = f"{name}, stripe {stripes.index(entry) + 1} of {len(stripes)}"
        return f"{name}, image {image + 1}" if self.schedule.images_in_turn > 1 else name

    def layer(self, index: int) -> int:
        """The layer of the result that an executed one is, or of which it is a stripe."""
        entry, striped = index % len(self.schedule.layers), self.schedule.striped
        return entry if striped is None else striped.entries[entry].layer

    def mapping(self, index: int) -> Mapping:
        """Of an executed layer."""
        image, layer = divmod(index, len(self.schedule.layers))
        later = self.schedule.later_mappings
        return later[layer] if image and later else self.schedule.mappings[layer]


def chosen_layers(patterns: Sequence[str], schedule: Schedule) -> frozenset[int]:
    """The layers whose names match a pattern.

    Args:
        patterns: Names in which `*` and `?` stand for any characters; all layers match where there is none.
        schedule: Of a run.

    Returns:
        Indexes in the schedule.

    Raises:
        AccelsimError: With a line for each pattern that matches nothing.

    Example:
        >>> from accelsim import load_hardware, load_network
        >>> from accelsim.run import plan_run
        >>> plan = plan_run(load_network("mobilenet_v1"), load_hardware("16x16_128k"))
        >>> [plan.schedule.layers[index].name for index in chosen_layers(["f*"], plan.schedule)]
        ['fc']
    """
    names = [layer.name for layer in schedule.layers]
    if not patterns:
        return frozenset(range(len(names)))
    matches = {
        pattern: {index for index, name in enumerate(names) if fnmatch.fnmatchcase(name, pattern)}
        for pattern in patterns
    }
    mistakes = [
        f"--trace-layers {pattern!r}: matches none of {these(names, 'layer')}; "
        "`accelsim show NET --lowered` lists them, * ? [..] are as in file names"
        for pattern, layers in matches.items()
        if not layers
    ]
    if mistakes:
        raise AccelsimError("\n".join(mistakes))
    return frozenset().union(*matches.values())


def write_trace(path: Path, timeline: Timeline) -> None:
    """Write a trace file, complete or not at all.

    Args:
        path: Of the file, which is compressed if its name ends in .gz.
        timeline: What to write.

    Raises:
        OutputError: It cannot be written there.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> from accelsim import load_hardware, load_network
        >>> from accelsim.pricing import result_of
        >>> from accelsim.run import plan_run
        >>> from accelsim.simulation.events import simulate_events
        >>> hardware = load_hardware("16x16_128k")
        >>> plan = plan_run(load_network("mobilenet_v1@width=0.25,resolution=128"), hardware)
        >>> activity = simulate_events(plan.schedule, hardware, keep_timeline=True)
        >>> timeline = Timeline(result_of(plan, activity), hardware, plan.schedule, activity, [0])
        >>> with TemporaryDirectory() as folder:
        ...     file = Path(folder) / "trace.json"
        ...     write_trace(file, timeline)
        ...     sorted(json.loads(file.read_text()))
        ['displayTimeUnit', 'otherData', 'traceEvents']
    """
    with writing(path) as file:
        if path.suffix.lower() != ".gz":
            _write_json(file, timeline)
            return
        with gzip.GzipFile(filename="", fileobj=file, mode="wb", compresslevel=6, mtime=0) as packed:
            _write_json(packed, timeline)


def _write_json(file: Any, timeline: Timeline) -> None:
    """An event a line, written as it is made: a long run has millions."""
    result = timeline.result
    about = {
        "accelsim": result.accelsim,
        "network": result.network,
        "hardware": result.hardware,
        "batch": result.batch,
        "clock_mhz": result.clock_mhz,
        "cycles": result.cycles,
        "unit": "1 us of this file is 1 cycle",
    }
    text = io.TextIOWrapper(file, encoding="utf-8", newline="\n")
    text.write(f'{{"displayTimeUnit": "ms",\n"otherData": {json.dumps(about)},\n"traceEvents": [\n')
    encode = json.JSONEncoder(allow_nan=False, separators=(",", ":")).encode
    separator = ""
    for event in trace_events(timeline):
        text.write(separator + encode(event))
        separator = ",\n"
    text.write("\n]}\n")
    text.detach()


def trace_events(timeline: Timeline) -> Iterator[TraceEvent]:
    """Every event of the file."""
    executed = timeline.executed
    spans = {
        index: (executed[index].start_cycle, executed[index].end_cycle) for index in timeline.executed_indexes
    }
    lanes = span_lanes(spans)
    threads = threads_of(timeline.hardware)
    yield from _track_names(timeline.result, threads.values(), max(lanes.values()) + 1)
    yield from _layer_times(timeline)
    for index, (start, end) in spans.items():
        yield _slice(LAYERS, SPANS_THREAD[0] + lanes[index], timeline.name(index), start, end, {})
    yield from _work(timeline, threads)
    for wait in timeline.activity.waits:
        if wait.layer in spans:
            name = f"{_wait_words(wait)}: {_step_name(timeline, wait.layer, wait.step)}"
            yield _slice(MACHINE, DMA_THREAD[0], name, wait.start, wait.end, {})
    yield from _contents(timeline, united(spans.values()))


def span_lanes(spans: MappingOf[int, tuple[int, int]]) -> dict[int, int]:
    """For each span, given in the order of their starts, the first lane on which it overlaps no other."""
    lanes: dict[int, int] = {}
    ends: list[int] = []  # of the last span on each lane
    for index, (start, end) in sorted(spans.items(), key=lambda item: item[1]):
        lane = next((lane for lane, lane_end in enumerate(ends) if lane_end <= start), len(ends))
        ends[lane : lane + 1] = [end]
        lanes[index] = lane
    return lanes


def united(spans: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """The cycles that lie in any of the spans, as spans that do not touch."""
    merged: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end))
        else:
            merged.append((start, end))
    return merged


def threads_of(hardware: Hardware) -> dict[tuple[Component, str | None], tuple[int, str]]:
    """The track of each component; of each channel, by the memory off chip, where there are several."""
    number, _ = COMPONENT_THREADS["dram"]
    names = [channel.name for channel in hardware.channels]
    threads: dict[tuple[Component, str | None], tuple[int, str]] = {}
    for place, name in enumerate(names):
        own_name = f"{memory_word(name)} channel"
        threads["dram", name] = number - len(names) + 1 + place, own_name
    return {
        **threads,
        ("array", None): COMPONENT_THREADS["array"],
        ("vector", None): COMPONENT_THREADS["vector"],
        **({("host", None): COMPONENT_THREADS["host"]} if hardware.host else {}),
    }


def _track_names(
    result: RunResult, components: Iterable[tuple[int, str]], lanes: int
) -> Iterator[TraceEvent]:
    for process, name in ((LAYERS, f"layers of {result.network}"), (MACHINE, result.hardware)):
        yield _meta(process, 0, "process_name", name=name)
        yield _meta(process, 0, "process_sort_index", sort_index=process)
    first, span = SPANS_THREAD
    threads = [(MACHINE, *thread) for thread in sorted([*components, DMA_THREAD])]
    threads += [(LAYERS, *TIME_THREAD), *((LAYERS, first + lane, span) for lane in range(lanes))]
    for process, thread, name in threads:
        yield _meta(process, thread, "thread_name", name=name)
        yield _meta(process, thread, "thread_sort_index", sort_index=thread)


def _layer_times(timeline: Timeline) -> Iterator[TraceEvent]:
    """Stages, and in each its layers: by how much each moves the finish, image by image."""
    ends = list(accumulate([activity.cycles for activity in timeline.executed]))
    layers = timeline.result.layers

    def band_of(index: int) -> tuple[int, int, str]:
        """A stage, or a cascade as a whole, whatever stages it has layers of."""
        layer, image = layers[timeline.layer(index)], index // len(timeline.schedule.layers)
        return (image, -1, layer.stage) if layer.cascade is None else (image, layer.cascade.number, "")

    for (_, cascade, stage), members in groupby(timeline.executed_indexes, band_of):
        indexes = list(members)
        spans = [(ends[index] - timeline.executed[index].cycles, ends[index]) for index in indexes]
        if len(indexes) > 1:
            counted_layers = {"layers": len({timeline.layer(index) for index in indexes})}
            name = stage if cascade < 0 else f"cascade {cascade + 1}"
            yield _slice(LAYERS, TIME_THREAD[0], name, spans[0][0], spans[-1][1], counted_layers)
        for index, (start, end) in zip(indexes, spans, strict=True):
            layer = layers[timeline.layer(index)]
            arguments = _layer_arguments(layer) | _pinned_arguments(timeline, layer)
            if cascade >= 0:
                arguments = {"cycles": end - start, "all_stripes": arguments}
            if timeline.schedule.images_in_turn > 1:
                arguments = {"cycles": end - start, "all_images": arguments}
            yield _slice(LAYERS, TIME_THREAD[0], timeline.name(index), start, end, arguments)


def _layer_arguments(layer: LayerResult) -> dict[str, Any]:
    return {
        "operator": layer.operator,
        "shape": layer.shape,
        "dataflow": layer.dataflow,
        "bound_by": layer.bound_by,
        "cycles": layer.cycles,
        "macs": layer.macs,
        "utilization": layer.utilization,
        "energy": layer.energy,
        "dram_read_bytes": layer.dram_bytes.read,
        "dram_write_bytes": layer.dram_bytes.write,
        "compulsory_dram_bytes": layer.compulsory_dram_bytes,
        "lower_bound_cycles": layer.lower_bound_cycles,
        "tile": layer.tile,
    }


def _pinned_arguments(timeline: Timeline, layer: LayerResult) -> dict[str, Any]:
    """Of a layer whose weights are there from the inference before: where."""
    pool = timeline.hardware.pool
    if pool is None or layer.name not in _pinned_layers(timeline):
        return {}
    return {"weights": f"pinned in {pool.memory}, not loaded"}


def _pinned_layers(timeline: Timeline) -> dict[str, int]:
    """Those whose weights are pinned, with the bytes that they take."""
    memory_map = timeline.schedule.memory_map
    if memory_map is None or not memory_map.pinned:
        return {}
    layers = timeline.result.layers
    return {
        layers[tensor.last_reader].name: tensor.size_bytes
        for tensor in memory_map.pinned
        if tensor.last_reader is not None
    }


def _work(
    timeline: Timeline, threads: MappingOf[tuple[Component, str | None], tuple[int, str]]
) -> Iterator[TraceEvent]:
    """What the components did, step by step."""
    steps: dict[int, list[Step]] = {}
    shown = set(timeline.executed_indexes)
    pinned = _pinned_layers(timeline)
    for busy in timeline.activity.timeline:
        if busy.layer not in shown:
            continue
        mapping = timeline.mapping(busy.layer)
        if id(mapping) not in steps:
            steps[id(mapping)] = list(mapping.steps())
        name = _step_name(timeline, busy.layer, busy.step)
        if busy.component == "dram":
            name = f"{name} {busy.operand}"
        elif busy.component == "array" and timeline.result.layers[timeline.layer(busy.layer)].name in pinned:
            name = f"{name}, weights pinned"
        on_chip = [memory.name for memory in timeline.hardware.on_chip]
        arguments = _work_arguments(busy, steps[id(mapping)][busy.step], on_chip)
        thread, _ = threads[busy.component, busy.memory]
        yield _slice(MACHINE, thread, name, busy.start, busy.end, arguments)


def _work_arguments(busy: Busy, step: Step, on_chip: Sequence[str]) -> dict[str, Any]:
    if busy.component == "dram":
        direction = "write" if busy.operand is Operand.OUTPUTS else "read"
        return {"bytes": busy.bytes, "direction": direction, "asked_at": busy.request_cycle}
    counts = step.array_counts if busy.component == "array" else step.vector_counts
    work = {"macs": counts.macs} if busy.component == "array" else {"vector_ops": counts.vector_ops}
    return work | {
        "buffer_read_bytes": counts.read_bytes(on_chip),
        "buffer_write_bytes": counts.written_bytes(on_chip),
    }


def _contents(timeline: Timeline, spans: Sequence[tuple[int, int]]) -> Iterator[TraceEvent]:
    """What the banks hold during the spans: at the beginning of each, and whenever it changes."""
    pinned_bytes = sum(_pinned_layers(timeline).values())
    for bank in timeline.hardware.banks:
        name = f"{bank.name} in the {bank.memory.replace('_', ' ')}, of {counted(bank.size_bytes, 'byte')}"
        of_bank = (change for change in timeline.activity.occupancy if change.bank == bank.name)
        changes = [(change.cycle, _held(change, pinned_bytes)) for change in of_bank]
        at_start = pinned_bytes if bank.name == POOL else 0
        held, position = _held(Occupancy(0, bank.name, at_start, at_start), pinned_bytes), 0
        for start, end in spans:  # `held` is what the changes before `position` left there
            while position < len(changes) and changes[position][0] <= start:
                held = changes[position][1]
                position += 1
            yield _counter(name, start, held)
            while position < len(changes) and changes[position][0] <= end:
                yield _counter(name, *changes[position])
                held = changes[position][1]
                position += 1


def _held(change: Occupancy, pinned_bytes: int) -> dict[str, int]:
    """What a bank holds, and of a pool how much of it is of pinned weights, of tensors and of tiles."""
    if change.bank == TENSORS:
        pinned = {"pinned weights": pinned_bytes} if pinned_bytes else {}
        return {**pinned, "tensors": change.tensor_bytes - pinned_bytes}
    if change.bank != POOL:
        return {"held": change.bytes}
    pinned = {"pinned weights": pinned_bytes} if pinned_bytes else {}
    tensor_bytes = change.tensor_bytes - pinned_bytes
    return {**pinned, "tensors": tensor_bytes, "tiles": change.bytes - change.tensor_bytes}


def _step_name(timeline: Timeline, layer: int, step: int) -> str:
    """`conv1 12/168`: the layer, and which of its tiles."""
    return f"{timeline.name(layer)} {step + 1}/{timeline.mapping(layer).totals.steps}"


def _slice(
    process: int, thread: int, name: str, start: int, end: int, arguments: dict[str, Any]
) -> TraceEvent:
    return {
        "ph": "X",
        "pid": process,
        "tid": thread,
        "name": name,
        "ts": start,
        "dur": end - start,
        "args": arguments,
    }


def _counter(name: str, cycle: int, held: dict[str, int]) -> TraceEvent:
    return {"ph": "C", "pid": MACHINE, "name": name, "ts": cycle, "args": held}


def _meta(process: int, thread: int, kind: str, **arguments: Any) -> TraceEvent:
    return {"ph": "M", "pid": process, "tid": thread, "name": kind, "args": arguments}
