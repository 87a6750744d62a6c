"""Remedies: one change each of the machine, of the network, or of how layers are mapped."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Final, Literal, assert_never, get_args

from accelsim.choices import AUTO
from accelsim.descriptions import vary
from accelsim.descriptions.limits import MAX_CASCADE_LAYERS
from accelsim.errors import AccelsimError
from accelsim.hardware import Hardware, Memory, dataflow_names
from accelsim.hardware.bandwidth import HERTZ_PER_MEGAHERTZ
from accelsim.hardware.host import Host
from accelsim.hardware.memory import ACTIVATIONS, LAYOUTS, POOL, WRITE, Kept, WayOut, sizes_said
from accelsim.hardware.registry import may_be_added
from accelsim.network.description import Network
from accelsim.search.changes import (
    PARTS_ON_CHIP,
    AddedDataflow,
    Baseline,
    CascadeChange,
    Change,
    DataflowChange,
    HostChange,
    ImpossibleRemedy,
    KeepChange,
    LatencyChange,
    LayoutChange,
    PartChange,
    PoolChange,
    Remedy,
)
from accelsim.search.network_remedies import fewer_bits, rounded_channels

TIMES: Final = 2
"""How much more of a machine's part a remedy gives it."""
CASCADE_LAYERS: Final = 4
"""Of a cascade, at most, on a machine whose file says nothing of them."""
KEPT: Final[tuple[Kept, ...]] = get_args(Kept)


def remedies(network: Network, hardware: Hardware, dataflow: str) -> Iterator[Remedy | ImpossibleRemedy]:
    """Every remedy for a network on a machine, where layers run by a dataflow or `auto`."""
    baseline = Baseline(network, hardware, dataflow)
    several, memories = len(hardware.channels) > 1, {memory.name: memory for memory in hardware.memories}
    for channel in hardware.channels:
        before = channel.bytes_per_cycle
        faster = PartChange("bandwidth", before, TIMES * before, (channel.name,), several)
        yield _changed_machine(baseline, faster, **_more_bandwidth(memories[channel.memory], channel.way))
    for part in PARTS_ON_CHIP:
        if part == "buffer":
            yield from _larger_buffers(baseline)
        else:
            yield _more_of(baseline, part)
    for channel in hardware.channels:
        if latency := channel.latency_cycles:
            shorter = LatencyChange(channel.name, latency, latency // TIMES, several)
            values = _latency(memories[channel.memory], channel.way, shorter.after_cycles, hardware.clock_mhz)
            yield _changed_machine(baseline, shorter, **values)
    yield from _layouts(baseline)
    if hardware.host is not None:
        yield _faster_host(baseline, hardware.host)
    yield from _pools(baseline)
    yield from _more_kept(baseline)
    yield from deeper_cascades(baseline)
    yield from _dataflows(baseline)
    yield from fewer_bits(baseline)
    yield from rounded_channels(baseline)


def most_remedies(hardware: Hardware) -> int:
    """How many there are at most: bandwidth, latency and layout of each channel, parts on chip, the host,
    kinds of tensors that stay, cascades, a pool, each dataflow, the dataflow chosen, bits of weights and of
    activations, channels of layers up and down.
    """
    of_dataflows = len(dataflow_names()) + 1
    parts = len(PARTS_ON_CHIP) + (hardware.tensor_memory is not None) + (hardware.host is not None)
    return 3 * len(hardware.channels) + parts + len(KEPT) + of_dataflows + 5


def _more_bandwidth(memory: Memory, way: WayOut | None) -> dict[str, float]:
    """The key that says how fast a channel of a memory streams, in its own unit, and more of it."""
    bandwidth = memory.bandwidth if way is None else getattr(memory, way)
    key = f"memories.{memory.name}.{way or 'bandwidth'}"
    if bandwidth is None:  # of a channel without bounds
        return {}
    if bandwidth.bytes_per_second is not None:
        return {f"{key}.bytes_per_second": TIMES * bandwidth.bytes_per_second}
    return {f"{key}.bytes_per_cycle": TIMES * (bandwidth.bytes_per_cycle or 0.0)}


def _latency(memory: Memory, way: WayOut | None, cycles: int, clock_mhz: float) -> dict[str, float]:
    """The key that says how long a channel of a memory takes to answer, in its own unit, with cycles."""
    key = f"memories.{memory.name}" if way is None else f"memories.{memory.name}.{way}"
    said = memory if way is None else getattr(memory, way)
    if said.latency_seconds is not None:
        return {f"{key}.latency_seconds": cycles / (clock_mhz * HERTZ_PER_MEGAHERTZ)}
    return {f"{key}.latency_cycles": cycles}


def _larger_buffers(baseline: Baseline) -> Iterator[Remedy | ImpossibleRemedy]:
    """Of the memories with tiles all at once; of the one for tensors by itself."""
    hardware = baseline.hardware
    of_tensors = [] if hardware.tensor_memory is None else [(hardware.tensor_memory,)]
    for memories in [hardware.working, *of_tensors]:
        if limited := next((memory for memory in memories if _has_more_than_arena(memory)), None):
            yield _larger_arena(baseline, limited)
            continue
        before = sum([memory.size_bytes or 0 for memory in memories])
        names = tuple([memory.name for memory in memories])
        change = PartChange("buffer", before, TIMES * before, names, bool(of_tensors))
        sizes = dict([said for memory in memories for said in sizes_said(memory)])
        yield _changed_machine(baseline, change, **{key: TIMES * size for key, size in sizes.items()})


def _has_more_than_arena(memory: Memory) -> bool:
    """Whether networks may take but a part of a memory on chip."""
    return memory.arena_bytes is not None and memory.arena_bytes < (memory.size_bytes or 0)


def _larger_arena(baseline: Baseline, memory: Memory) -> Remedy | ImpossibleRemedy:
    """More of a memory that is there: its accesses cost what they do."""
    before = memory.given_bytes
    after = min(TIMES * before, memory.size_bytes or 0)
    change = PartChange("arena", before, after, (memory.name,))
    return _changed_machine(baseline, change, **{f"memories.{memory.name}.arena_bytes": after})


def _more_of(
    baseline: Baseline, part: Literal["rows", "columns", "vector_lanes"]
) -> Remedy | ImpossibleRemedy:
    """More of another part on chip."""
    array, lanes = baseline.hardware.pe_array, baseline.hardware.vector_unit.lanes
    of_each_column = part == "vector_lanes" and lanes is None
    match part:
        case "vector_lanes" if lanes is not None:
            key, before = "vector_unit.lanes", lanes
        case "vector_lanes":
            key, before = "vector_unit.lanes_per_column", baseline.hardware.vector_unit.lanes_for(columns=1)
        case "rows":
            key, before = "pe_array.rows", array.rows
        case "columns":
            key, before = "pe_array.columns", array.columns
        case _:
            assert_never(part)
    change = PartChange(part, before, TIMES * before, of_each_column=of_each_column)
    return _changed_machine(baseline, change, **{key: change.after})


def _faster_host(baseline: Baseline, host: Host) -> Remedy | ImpossibleRemedy:
    values = {
        "host.macs_per_cycle": TIMES * host.macs_per_cycle,
        "host.elements_per_cycle": TIMES * host.elements_per_cycle,
        "host.cycles_per_call": host.cycles_per_call // TIMES,
        "host.cycles_per_tile": host.cycles_per_tile // TIMES,
    }
    return _changed_machine(baseline, HostChange(host.name), **values)


def _changed_machine(baseline: Baseline, change: Change, **values: Any) -> Remedy | ImpossibleRemedy:
    """The remedy of a machine with other values at dotted keys."""
    try:
        hardware = vary(baseline.hardware, **values)
    except AccelsimError as error:
        return ImpossibleRemedy(change, error.complaints)
    return baseline.remedy(change, hardware=hardware)


def _layouts(baseline: Baseline) -> Iterator[Remedy | ImpossibleRemedy]:
    """The others of each memory that moves activations in whole bursts."""
    hardware = baseline.hardware
    for channel in hardware.channels:
        of_tensors = hardware.tensor_memory is not None and channel.memory == hardware.tensor_memory.name
        in_bursts = channel.burst_bytes > 1 and channel.way != WRITE  # what is read says it of both ways
        if not (in_bursts and (of_tensors or channel.operands & frozenset(ACTIVATIONS))):
            continue
        for layout in LAYOUTS:
            if layout != channel.layout:
                change = LayoutChange(channel.memory, channel.layout, layout)
                yield _changed_machine(baseline, change, **{f"memories.{channel.memory}.layout": layout})


def _pools(baseline: Baseline) -> Iterator[Remedy | ImpossibleRemedy]:
    """The largest memory with tiles as a pool, where there is none: a machine has one at most."""
    if baseline.hardware.pool is None:
        memory = max(baseline.hardware.working, key=lambda memory: memory.size_bytes or 0).name
        yield _changed_machine(baseline, PoolChange(memory), **{f"memories.{memory}.banks": POOL})


def _more_kept(baseline: Baseline) -> Iterator[Remedy]:
    """Each kind of tensors that may stay on chip and does not yet, where activations pass through.

    Which kinds a machine may keep is the machine's to say: what it refuses is no remedy.
    """
    for memory in baseline.hardware.on_chip:
        if not set(ACTIVATIONS) <= set(memory.holds):
            continue
        for tensors in KEPT:
            if tensors not in memory.keeps:
                key, change = f"memories.{memory.name}", KeepChange(memory.name, tensors)
                values: dict[str, Any] = {f"{key}.keeps": [*memory.keeps, tensors]}
                if memory in baseline.hardware.working:
                    values[f"{key}.banks"] = POOL
                remedy = _changed_machine(baseline, change, **values)
                if isinstance(remedy, Remedy):
                    yield remedy


def deeper_cascades(baseline: Baseline) -> Iterator[Remedy]:
    """Layers that run stripe by stripe, where activations stay in a pool; more of them together, if some do.

    What a machine refuses is no remedy.
    """
    cascade = baseline.hardware.cascade
    before = 0 if cascade is None else cascade.layers
    after = min(TIMES * before, MAX_CASCADE_LAYERS) or CASCADE_LAYERS
    if after > before and baseline.hardware.keeps("activations"):
        remedy = _changed_machine(baseline, CascadeChange(before, after), cascade={"layers": after})
        if isinstance(remedy, Remedy):
            yield remedy


def _dataflows(baseline: Baseline) -> Iterator[Remedy | ImpossibleRemedy]:
    """Each dataflow alone, if the array has it and has others; and beside the others, if it has it not.

    Beside the others it is for the mapper to choose, even where one of them was asked for.
    """
    dataflows, chosen = tuple(baseline.hardware.pe_array.dataflows), baseline.dataflow
    for name in dataflow_names():
        if name not in dataflows:
            if may_be_added(name):
                free = replace(baseline, dataflow=AUTO)
                changed = {"pe_array.dataflows": [*dataflows, name]}
                yield _changed_machine(free, AddedDataflow(name), **changed)
        elif (chosen == AUTO and len(dataflows) > 1) or chosen not in (AUTO, name):
            yield baseline.remedy(DataflowChange(name), dataflow=name)
    if chosen != AUTO and len(dataflows) > 1:
        yield baseline.remedy(DataflowChange(AUTO), dataflow=AUTO)
