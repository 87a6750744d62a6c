"""The short words of reports, and what they stand for."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Final

from accelsim.descriptions import phrases
from accelsim.mapping.costs import VECTOR
from accelsim.mapping.dataflows import dataflow_of
from accelsim.network.shapes import WrittenShape
from accelsim.result import Bound

ROOMY: Final = 110
"""The width from which on names and shapes are written in full."""
SHAPE_LEGEND: Final = (
    "shape: output x input channels x kernel / stride, groups (dw: one for each channel), dilation (d2), and "
    "after each @ or -> the height and width of outputs and of pooled outputs."
)
OPERATORS: Final = {
    "fully_connected": "fc",
    "max_pool": "maxpool",
    "average_pool": "avgpool",
    "global_average_pool": "gavgpool",
    "channel_shuffle": "shuffle",
    "channel_permutation": "permute",
    "batch_norm": "norm",
    "foreign_on_host": "foreign",
}
"""Operators whose names are too long for a column; the others stand for themselves."""
OFF_CHIP: Final = "off chip"
"""What several memories are called together."""
BOUNDS: Final[dict[Bound, str]] = {
    "compute": "MACs",
    "array_fill": "fill",
    "dram": "DRAM",
    "latency": "wait",
    "vector": "vec",
    "host": "host",
}
BOUND_NAMES: Final[dict[Bound, str]] = {
    "compute": "MACs",
    "array_fill": "array fill",
    "dram": "DRAM",
    "latency": "waiting",
    "vector": "vector unit",
    "host": "host",
}
"""Where there is room for more than a column of a table has."""
BOUND_SENTENCES: Final[dict[Bound, str]] = {
    "compute": "the array is busy, mostly multiplying",
    "array_fill": "the array is busy, mostly not multiplying",
    "dram": "the DRAM channel streams",
    "latency": "waiting for DRAM's latency or each other",
    "vector": "the vector unit works",
    "host": "the host works",
}
COMPONENTS: Final = {
    "mac": "MACs",
    "register_file": "register files",
    "inter_pe": "between PEs",
    "global_buffer": "global buffer",
    "dram": phrases.memory_word("dram"),
    "vector": "vector unit",
    "host": "host",
    "static": "static power",
}
AREAS: Final = {
    "pe_array": "PEs",
    "register_file": "register files",
    "global_buffer": "global buffer",
    "rest": "rest",
}


def component_word(component: str) -> str:
    """What a component of energy is called; memories have names of their own."""
    return COMPONENTS.get(component) or memory_word(component)


def memory_word(memory: str) -> str:
    """`DRAM`, and `weight memory` for `weight_memory`; `DRAM read` for the channel `dram.read`."""
    name, _, way = memory.partition(".")
    word = COMPONENTS.get(name) or phrases.memory_word(name)
    return f"{word} {way}" if way else word


def on_chip_word(memories: Sequence[str]) -> str:
    """What the memories on chip are called together: one by its name."""
    return memory_word(memories[0]) if len(memories) == 1 else "on chip"


def off_chip_word(memories: Sequence[str]) -> str:
    """What the memories off chip are called together: one by its name."""
    return memory_word(memories[0]) if len(memories) == 1 else OFF_CHIP


def off_chip_words(off_chip: Sequence[str], tensor_memory: str | None = None) -> str:
    """What a legend says of several memories off chip, which have one column, and of one for tensors."""
    names = " and ".join(map(memory_word, off_chip))
    together = f" off chip: {names} together." if len(off_chip) > 1 else ""
    if tensor_memory is None:
        return together
    waits = f"What {off_chip_word(off_chip)} bounds may wait for {memory_word(tensor_memory)} instead."
    return f"{together} {waits}"


def common_off_chip_word(machines: Iterable[Sequence[str]]) -> str:
    """The same, of the memories off chip of several machines: by a name, if all have one of that name."""
    words = {off_chip_word(memories) for memories in machines}
    return words.pop() if len(words) == 1 else OFF_CHIP


def bound_word(bound: Bound, off_chip: str) -> str:
    """In a column of a table; memories off chip go by what they are called."""
    return off_chip if bound == "dram" else BOUNDS[bound]


def bound_name(bound: Bound, off_chip: str) -> str:
    """Where there is more room."""
    return off_chip if bound == "dram" else BOUND_NAMES[bound]


def bound_sentence(bound: Bound, off_chip: str) -> str:
    """What it means; of several memories off chip a channel."""
    if bound == "dram":
        return "a channel off chip streams" if off_chip == OFF_CHIP else f"the {off_chip} channel streams"
    if bound == "latency":
        latency = "latency off chip" if off_chip == OFF_CHIP else f"{off_chip}'s latency"
        return f"waiting for {latency} or each other"
    return BOUND_SENTENCES[bound]


def operator_word(operator: str) -> str:
    """`fc` for `fully_connected`."""
    return OPERATORS.get(operator, operator)


def dataflow_word(dataflow: str) -> str:
    """`WS` for `weight_stationary`; nothing for what the vector unit executes."""
    return "" if dataflow == VECTOR else dataflow_of(dataflow).short


def dataflow_title(dataflow: str) -> str:
    """`weight stationary`, as the dataflow calls itself in sentences; `vector` for the vector unit."""
    return dataflow if dataflow == VECTOR else dataflow_of(dataflow).title


def name_word(name: str, stage: str, width: int) -> str:
    """A layer's name below its stage: `block3.expand`, or `3.expand` where space is short."""
    name = name.removeprefix(f"{stage}.")
    return name if width >= ROOMY else re.sub(r"\bblock(?=\d+\.)", "", name)


def shape_word(shape: WrittenShape, width: int) -> str:
    """`64x3x5x5/2 -> 112x112`, or `64x3x5x5/2@112` where space is short; `512x3x3 dw@14` if depthwise."""
    if width >= ROOMY:
        return str(shape)
    if shape.is_depthwise:
        channels = f"{shape.outputs}{shape.window} dw{shape.taps}"
    else:
        channels = str(replace(shape, sizes=()))
    return channels + "".join(
        f"@{rows}" if rows == columns else f" -> {rows}x{columns}" for rows, columns in shape.sizes
    )


def inferences_words(inferences: str) -> str:
    """`, the first inference`, where that is judged; most machines have no other."""
    return ", the first inference" if inferences == "first" else ""
