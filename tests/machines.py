"""Machines, layers and schedules that tests make for themselves, with every parameter in sight.

Nothing here depends on the files in hardware/: those follow what is published, tests state what is true.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from accelsim.descriptions import read, vary
from accelsim.hardware import ActionCounts, Hardware, Operand
from accelsim.hardware.array import Ports, SidePorts
from accelsim.mapping.loop_order import Order
from accelsim.mapping.mapping import Choice, Mapping, ProgramPart, Step
from accelsim.mapping.program import mappings, program_totals
from accelsim.mapping.schedule import Schedule
from accelsim.mapping.search import as_executed
from accelsim.mapping.tile import whole_image
from accelsim.network.layer import FusedOperator, Layer, Pooling
from accelsim.simulation.activity import Activity

MACHINE: dict[str, Any] = {
    "name": "machine",
    "source": "made up for a test",
    "clock_mhz": 1000,
    "precision": {"weights_bits": 16, "activations_bits": 16, "partial_sums_bits": 32},
    "pe_array": {
        "rows": 16,
        "columns": 16,
        "dataflows": {
            "weight_stationary": {"accumulators_per_column": 256},
            "output_stationary": {"partial_sums_per_pe": 8, "weight_density": 1.0},
        },
        "port_words_per_column": 1,
    },
    "memories": [
        {
            "name": "dram",
            "bandwidth": {"bytes_per_cycle": 16},
            "latency_cycles": 100,
            "prefetch": 64,
            "energy": {"read": 200, "write": 200},
        },
        {
            "name": "global_buffer",
            "size_bytes": 131072,
            "banks": {"shares": {"inputs": 0.25, "weights": 0.5, "outputs": 0.25}},
            "energy": {"read": 6, "write": 6},
        },
    ],
    "vector_unit": {"lanes_per_column": 1},
    "mapper": {"tiles": "time", "dataflow": "time"},
    "energy": {
        "unit": "MAC",
        "word_bits": 16,
        "mac": 1,
        "vector_op": 1,
        "register_file": 1,
        "inter_pe": 2,
    },
}
"""16 x 16 PEs; banks of 32, 64 and 32 KiB, of which a tile takes half; 16 bytes a cycle after 100 cycles."""

_MACHINE = Hardware.model_validate_json(json.dumps(MACHINE))


DRAM = ("dram",)
BUFFER = ("global_buffer",)
"""The machine's memories, as counts of accesses are asked for."""


def bank_bytes(hardware: Hardware) -> dict[str, int]:
    """The size of each bank, by its name."""
    return {bank.name: bank.size_bytes for bank in hardware.banks}


def pooled_machine(
    size_bytes: int, operands: Sequence[Operand] = tuple(Operand), *, own_bytes: int = 4096, **changes: Any
) -> Hardware:
    """The machine above, varied, with a pool for these operands; each of the others has a bank of its own."""
    others = {operand: own_bytes for operand in _WITH_BANKS if operand not in operands}
    outermost, buffer = machine(**changes).model_dump(mode="json", exclude_none=True)["memories"]
    pool = {**buffer, "name": "shared", "holds": list(operands), "size_bytes": size_bytes, "banks": "pool"}
    beside = {**buffer, "holds": list(others), "size_bytes": own_bytes * len(others)}
    if Operand.INPUTS in others:
        beside["holds"] += [Operand.RESIDUAL]
    memories = [outermost, pool, *([{**beside, "banks": {"bytes": others}}] if others else [])]
    return Hardware.model_validate_json(json.dumps({**MACHINE, "memories": memories}))


def keeping_machine(
    size_bytes: int,
    io: dict[str, str] | None = None,
    hardware: Hardware = _MACHINE,
    *,
    outside: Sequence[Operand] = tuple(Operand),
    weights_bytes: int | None = None,
    keeps: Sequence[str] = ("activations",),
) -> Hardware:
    """A machine with one pool `sram` on chip, in which activations may stay, or what else is said.

    Outside, `dram` holds these operands; weights may have a memory of their own on chip.
    """
    described = hardware.model_dump(mode="json", exclude_none=True)
    outermost, buffer = described["memories"]
    pool = {**buffer, "name": "sram", "size_bytes": size_bytes, "banks": "pool", "keeps": list(keeps)}
    memories = [holding(outermost, outside), pool]
    if weights_bytes is not None:
        pool["holds"] = [Operand.INPUTS, Operand.OUTPUTS, Operand.RESIDUAL]
        own = {"holds": [Operand.WEIGHTS], "banks": {"bytes": {Operand.WEIGHTS: weights_bytes}}}
        memories.append({**buffer, "name": "weight_buffer", "size_bytes": weights_bytes, **own})
    changes = {"memories": memories, "io": io or {}, "assumed": {}}
    return Hardware.model_validate_json(json.dumps({**described, **changes}))


ACTIVATIONS = (Operand.INPUTS, Operand.OUTPUTS, Operand.RESIDUAL)


def holding(memory: dict[str, Any], operands: Sequence[Operand]) -> dict[str, Any]:
    """A memory off chip that holds these operands: one without activations says nothing of their layout."""
    unsaid = set() if set(ACTIVATIONS) & set(operands) else {"layout"}
    return {key: value for key, value in memory.items() if key not in unsaid} | {"holds": list(operands)}


def with_flash(
    hardware: Hardware,
    bytes_per_cycle: float = 4,
    latency_cycles: int = 50,
    prefetch: int = 4,
    *,
    outermost: bool = True,
    read_energy: float = 60,
    burst_bytes: int = 1,
) -> Hardware:
    """A machine with `flash`, where weights are at home, outside or inside of the memory that was there."""
    described = hardware.model_dump(mode="json", exclude_none=True)
    dram, *on_chip = described["memories"]
    flash = {
        "name": "flash",
        "holds": [Operand.WEIGHTS],
        "bandwidth": {"bytes_per_cycle": bytes_per_cycle},
        "latency_cycles": latency_cycles,
        "prefetch": prefetch,
        "burst_bytes": burst_bytes,
        "energy": {"read": read_energy, "write": read_energy},
    }
    off_chip = [flash, dram] if outermost else [{**dram, "holds": list(ACTIVATIONS)}, flash]
    changes = {"memories": [*off_chip, *on_chip], "assumed": {}}
    return Hardware.model_validate_json(json.dumps({**described, **changes}))


def with_tensor_memory(
    hardware: Hardware,
    size_bytes: int = 4096,
    io: dict[str, str] | None = None,
    *,
    bytes_per_cycle: float = 8,
    latency_cycles: int = 10,
    prefetch: int = 4,
    burst_bytes: int = 1,
    energy: float = 20,
    holds: Sequence[Operand] = tuple(Operand),
    keeps: Sequence[str] = ("activations",),
) -> Hardware:
    """A machine with `l2`, in which these tensors stay, between the memories off chip and those with tiles.

    The outermost memory holds these operands.
    """
    described = hardware.model_dump(mode="json", exclude_none=True)
    off_chip = [memory for memory in described["memories"] if "size_bytes" not in memory]
    on_chip = [{**memory, "keeps": []} for memory in described["memories"] if "size_bytes" in memory]
    tensor_memory = {
        "name": "l2",
        "size_bytes": size_bytes,
        "keeps": list(keeps),
        "bandwidth": {"bytes_per_cycle": bytes_per_cycle},
        "latency_cycles": latency_cycles,
        "prefetch": prefetch,
        "burst_bytes": burst_bytes,
        "energy": {"read": energy, "write": energy},
    }
    if len(off_chip) == 1:
        off_chip[0] = holding(off_chip[0], holds)
    changes = {"memories": [*off_chip, tensor_memory, *on_chip], "io": io or {}, "assumed": {}}
    return Hardware.model_validate_json(json.dumps({**described, **changes}))


def with_host(hardware: Hardware = _MACHINE, **host: Any) -> Hardware:
    """A machine with a host of these keys."""
    described = hardware.model_dump(mode="json", exclude_none=True)
    return Hardware.model_validate_json(json.dumps({**described, "host": host}))


def with_engines(
    hardware: Hardware = _MACHINE,
    *,
    control: dict[str, int] | None = None,
    read: dict[str, float] | None = None,
    write: dict[str, float] | None = None,
    stops_array: Sequence[Operand] = (),
    weights_past: bool = False,
) -> Hardware:
    """A machine with engines that have rules of their own.

    `read` and `write` are those of the home of outputs; what stops the array does so where it is held;
    weights may go past the memories on chip, whose banks stay as large.
    """
    described = hardware.model_dump(mode="json", exclude_none=True)
    for memory in described["memories"]:
        if read and write and memory["name"] == hardware.channel_of[Operand.OUTPUTS].memory:
            for key in ("bandwidth", "latency_cycles"):
                del memory[key]
            memory |= {"read": read, "write": write}
        if "size_bytes" in memory:
            if weights_past and Operand.WEIGHTS in memory["holds"]:
                memory["holds"].remove(Operand.WEIGHTS)
                if isinstance(memory.get("banks"), dict):
                    banks = [bank for bank in hardware.banks if bank.memory == memory["name"]]
                    memory["banks"] = {
                        "bytes": {bank.name: bank.size_bytes for bank in banks if bank.name != "weights"}
                    }
            memory["stops_array"] = [operand for operand in stops_array if operand in memory["holds"]]
    changes = {"assumed": {}} | ({"control": control} if control else {})
    return Hardware.model_validate_json(json.dumps({**described, **changes}))


_WITH_BANKS = (Operand.INPUTS, Operand.WEIGHTS, Operand.OUTPUTS)


def pairs_of_counts(first: ActionCounts, second: ActionCounts) -> Iterator[tuple[int, int]]:
    """How often each action happened in one and in the other."""
    for name in ("macs", "vector_ops", "register_file_bytes", "inter_pe_bytes"):
        yield getattr(first, name), getattr(second, name)
    for access in {**first.accesses, **second.accesses}:
        yield first.accesses.get(access, 0), second.accesses.get(access, 0)


def machine(**changes: Any) -> Hardware:
    """The machine above but for the values at dotted keys: `machine(**{"pe_array.rows": 8})`."""
    return vary(_MACHINE, **changes) if changes else _MACHINE


def with_ports(hardware: Hardware, rows: tuple[int, int], columns: tuple[int, int]) -> Hardware:
    """The machine whose rows, and columns, take in and let out so many words a cycle each."""
    sides = [SidePorts(words_in=words_in, words_out=words_out) for words_in, words_out in (rows, columns)]
    ports = {"port_words_per_column": None, "ports": Ports(rows=sides[0], columns=sides[1])}
    array = hardware.pe_array.model_copy(update=ports)
    return Hardware.model_construct(**{**dict(hardware), "pe_array": array})


def engines_may_rest_on(mappings: Sequence[Mapping]) -> bool:
    """Whether programs keep to what both engines take for granted of steps (`Step`)."""
    programs = [tuple(mapping.steps()) for mapping in mappings]
    return all(steps[-1].completes and all(map(_is_as_taken_for_granted, steps)) for steps in programs)


def _is_as_taken_for_granted(step: Step) -> bool:
    of_outputs = {*step.takes, *step.stores, *step.freed_by_store} <= {Operand.OUTPUTS}
    order = Operand.WEIGHTS, Operand.INPUTS, Operand.RESIDUAL
    in_order = list(step.loads) == [operand for operand in order if operand in step.loads]
    done_later = step.stores or step.freed_by_store or step.freed_by_vector_unit or step.vector_cycles
    return of_outputs and in_order and (step.completes or not done_later)


# --- layers


def conv(
    K: int,
    C: int,
    size: tuple[int, int],
    *,
    G: int = 1,
    kernel: tuple[int, int] = (1, 1),
    stride: tuple[int, int] = (1, 1),
    dilation: tuple[int, int] = (1, 1),
    padding: tuple[int, int, int, int] = (0, 0, 0, 0),
    bias: bool = False,
) -> Layer:
    """A convolution of a picture of `size`; padding is top, bottom, left, right."""
    top, bottom, left, right = padding
    return Layer(
        name="conv",
        operator="conv",
        G=G,
        K=K,
        C=C,
        OY=windows(size[0] + top + bottom, kernel[0], stride[0], dilation[0]),
        OX=windows(size[1] + left + right, kernel[1], stride[1], dilation[1]),
        FY=kernel[0],
        FX=kernel[1],
        IY=size[0],
        IX=size[1],
        stride_y=stride[0],
        stride_x=stride[1],
        dilation_y=dilation[0],
        dilation_x=dilation[1],
        pad_top=top,
        pad_left=left,
        bias=bias,
    )


def windows(size: int, kernel: int, stride: int, dilation: int = 1) -> int:
    """Windows that lie within a padded size."""
    return (size - (kernel - 1) * dilation - 1) // stride + 1


def fully_connected(K: int, C: int, *, bias: bool = False) -> Layer:
    """A matrix-vector product."""
    return replace(conv(K, C, (1, 1), bias=bias), name="fc", operator="fully_connected")


def pool(
    channels: int, size: tuple[int, int], kernel: tuple[int, int], stride: tuple[int, int], pad: int = 0
) -> Layer:
    """A pooling that is a layer of its own."""
    window = conv(1, 1, size, G=channels, kernel=kernel, stride=stride, padding=(pad, pad, pad, pad))
    operations = window.output_elements * window.FY * window.FX
    return replace(window, name="pool", operator="max_pool", vector_ops=operations)


def addition(channels: int, size: tuple[int, int], operands: int = 2) -> Layer:
    """An addition that is a layer of its own."""
    elements = channels * size[0] * size[1]
    return replace(
        conv(1, 1, size, G=channels),
        name="add",
        operator="add",
        operands=operands,
        vector_ops=(operands - 1) * elements,
    )


def gated(channels: int, size: tuple[int, int]) -> Layer:
    """A multiplication of each channel by a factor of its own."""
    return replace(
        conv(1, 1, size, G=channels),
        name="multiply",
        operator="multiply",
        gate_elements=channels,
        vector_ops=channels * size[0] * size[1],
    )


def with_activation(layer: Layer) -> Layer:
    """One operation for each output, on its way to memory."""
    return _with(layer, FusedOperator("relu", "relu", layer.output_elements))


def with_shortcut(layer: Layer) -> Layer:
    """The addition of a second tensor to the outputs, on their way to memory."""
    return _with(layer, FusedOperator("add", "add", layer.output_elements, layer.output_elements))


def with_gate(layer: Layer) -> Layer:
    """The multiplication of each output channel by a factor of its own, on the way to memory."""
    return _with(layer, FusedOperator("gate", "multiply", layer.output_elements, layer.G * layer.K))


def with_pooling(layer: Layer, kernel: int, stride: int, pad: int = 0, *, ceil: bool = False) -> Layer:
    """A pooling of the outputs, which alone is stored; `ceil` lets the last window hang over."""
    extra = stride - 1 if ceil else 0
    return replace(
        layer,
        pooling=Pooling(
            name="pool",
            operator="max_pool",
            OY=windows(layer.OY + 2 * pad + extra, kernel, stride),
            OX=windows(layer.OX + 2 * pad + extra, kernel, stride),
            FY=kernel,
            FX=kernel,
            stride_y=stride,
            stride_x=stride,
            pad_top=pad,
            pad_left=pad,
        ),
    )


def with_global_pooling(layer: Layer) -> Layer:
    """An average over all outputs of a channel."""
    whole = {"FY": layer.OY, "FX": layer.OX, "stride_y": layer.OY, "stride_x": layer.OX}
    return replace(layer, pooling=Pooling("pool", "average_pool", OY=1, OX=1, **whole))


def _with(layer: Layer, operator: FusedOperator) -> Layer:
    return replace(layer, fused=(*layer.fused, operator))


# --- mappings and schedules


def mapped(
    layer: Layer,
    dataflow: str,
    hardware: Hardware,
    *,
    order: Order = "pixels_outer",
    batch: int = 1,
    **tile: int,
) -> Mapping:
    """The mapping with tiles of a given size, `k=16, y=8`.

    In the directions that are not named they are whole, and of one image.
    """
    layer, batch = as_executed(layer, batch)
    shape = replace(whole_image(layer), **tile)
    return mappings([Choice(layer, dataflow, shape, order)], batch, hardware)[0]


def step(
    *,
    weights: int = 0,
    inputs: int = 0,
    array: int = 0,
    vector: int = 0,
    store: int = 0,
    shortcut: int = 0,
    copy: int = 0,
    completes: bool = True,
) -> Step:
    """A step that frees all it brings: bytes of what it loads and stores, cycles of array and vector unit.

    A `copy` is stored of outputs that stay on chip: no room is taken or freed for them.
    """
    return Step(
        loads=_more_than_none(weights=weights, inputs=inputs, residual=shortcut),
        takes=_more_than_none(outputs=store),
        freed_by_array=_more_than_none(weights=weights, inputs=inputs),
        freed_by_vector_unit=_more_than_none(residual=shortcut),
        stores=_more_than_none(outputs=store + copy),
        freed_by_store=_more_than_none(outputs=store),
        array_cycles=array,
        vector_cycles=vector,
        array_counts=ActionCounts(),
        vector_counts=ActionCounts(),
        completes=completes,
    )


def _more_than_none(**size_bytes: int) -> dict[Operand, int]:
    return {Operand(operand): size for operand, size in size_bytes.items() if size}


def layer_of(*steps: ProgramPart, hardware: Hardware = _MACHINE) -> Mapping:
    """A mapping that is these steps, of a layer that does not matter."""
    layer = fully_connected(1, 1)
    totals = program_totals(steps, hardware)
    return Mapping(layer, "weight_stationary", whole_image(layer), "pixels_outer", steps, totals, 1)


def schedule(
    *mappings: Mapping, waits_for: Sequence[Sequence[int]] | None = None, **tensors: Any
) -> Schedule:
    """Layers one after another, each waiting for the one before unless told otherwise.

    What tensors take of a pool is none unless told otherwise: `pool_changes`, `pool_bytes_at_start`.
    """
    chain = [(index - 1,) if index else () for index in range(len(mappings))]
    return Schedule(
        layers=tuple(mapping.layer for mapping in mappings),
        mappings=mappings,
        waits_for=tuple(tuple(layers) for layers in (chain if waits_for is None else waits_for)),
        **tensors,
    )


WITH_OUTPUT_MEMORY = """\
name: with_accumulators
source: made up for a test
pe_array: {rows: 8, columns: 8}
memories:
- name: flash
  bandwidth: {bytes_per_cycle: 8}
  energy: {read: 150, write: 160}
- name: sram
  holds: [inputs, weights, residual]
  size_bytes: 65536
  banks: {bytes: {inputs: 32768, weights: 32768}}
  energy: {read: 6, write: 7}
- name: output_memory
  holds: [outputs]
  size_bytes: 32768
  energy: {read: 2, write: 3}
"""
"""A second memory on chip, of its own prices, for outputs alone."""


def machine_with_output_memory(folder: Path) -> Hardware:
    """The machine of a file that is written into a folder."""
    file = folder / "machine.yaml"
    file.write_text(WITH_OUTPUT_MEMORY, encoding="utf-8")
    return read(file, Hardware)


def transfers(activity: Activity) -> list[tuple[str, str, int, int]]:
    """Memory, operand, start and end of each that a timeline has."""
    return [
        (busy.memory, str(busy.operand), busy.start, busy.end)
        for busy in activity.timeline
        if busy.component == "dram"
    ]
