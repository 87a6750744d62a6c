"""Changes in words: what a move or a remedy changes, and why a change cannot be had.

The only place that writes them: for reports, for the progress of a search, and for the source of the networks
that it makes.
"""

from collections.abc import Sequence
from typing import Final, assert_never

from accelsim.choices import AUTO
from accelsim.descriptions.phrases import memory_word
from accelsim.errors import problem_text
from accelsim.mapping.dataflows import dataflow_of
from accelsim.search.changes import (
    AddedDataflow,
    BitsChange,
    CascadeChange,
    Change,
    ChannelObstacle,
    ChannelsChange,
    DataflowChange,
    HostChange,
    ImpossibleRemedy,
    KeepChange,
    LatencyChange,
    LayoutChange,
    PartChange,
    PoolChange,
    RedesignChange,
)
from accelsim.search.graph_moves import GraphMove
from accelsim.search.redesign import BlockMove, ChannelsMove, KernelMove, Move

KIB: Final = 1024
_OBSTACLES: Final[dict[ChannelObstacle, str]] = {
    "none_followed": "no number of channels can change and be followed to all that have it",
    "none_alone": "no number of channels of the stage table can change alone",
    "multiples_already": "every number of channels that can change alone is a multiple already",
    "no_multiples_below": "no number of channels that can change has a multiple below it",
}


def move_words(move: Move) -> str:
    """What a move changes.

    Args:
        move: Of a path.

    Returns:
        The end of a sentence, without a full stop.

    Example:
        >>> move_words(BlockMove("stage1", "stage3", changes=()))
        'a block from stage1 to stage3'
    """
    match move:
        case KernelMove():
            return f"{move.new[0]}x{move.new[1]} instead of {move.old[0]}x{move.old[1]} in {move.stage}"
        case BlockMove():
            return f"a block from {move.giver} to {move.taker}"
        case ChannelsMove():
            noun = "channels" if move.key == "out_channels" else move.key.replace("_", " ")
            return f"{move.new} instead of {move.old} {noun} in {move.stage}"
        case GraphMove():
            return _graph_move_words(move)
        case _:
            assert_never(move)


def _graph_move_words(move: GraphMove) -> str:
    new, old = (" x ".join(map(str, numbers)) for numbers in (move.new, move.old))
    match move.kind:
        case "kernel":
            words = f"{new} instead of {old}".replace(" x ", "x")
        case "channels":
            words = f"{new} instead of {old} channels"
        case "groups":
            words = f"{new} groups instead of {old}"
        case "resolution":
            return f"images of {new} instead of {old}"
        case kind:
            assert_never(kind)
    return f"{words} in {names_words(move.layers)}"


def names_words(names: Sequence[str]) -> str:
    """`conv1`; `conv1 and 2 more`."""
    return names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more"


def change_words(change: Change) -> str:
    """What a remedy changes.

    Args:
        change: Of a remedy.

    Returns:
        The end of a sentence, without a full stop.

    Example:
        >>> change_words(LatencyChange("dram", before_cycles=100, after_cycles=50))
        'DRAM latency 100 -> 50 cycles'
    """
    match change:
        case PartChange():
            return _part_words(change)
        case LatencyChange() | PoolChange() | KeepChange() | LayoutChange():
            return f"{memory_word(change.memory)} {_memory_words(change)}"
        case CascadeChange():
            return f"cascades of up to {change.after} layers"
        case HostChange():
            return f"{change.host} in half the time"
        case AddedDataflow() | DataflowChange():
            return _dataflow_words(change)
        case BitsChange() | ChannelsChange() | RedesignChange():
            return _network_words(change)
        case _:
            assert_never(change)


def _network_words(change: BitsChange | ChannelsChange | RedesignChange) -> str:
    match change:
        case BitsChange():
            return f"{change.tensors} of {change.before} -> {change.after} bits"
        case ChannelsChange():
            return f"channels {change.direction} to multiples of {change.multiple}"
        case RedesignChange():
            return move_words(change.move)
        case _:
            assert_never(change)


def _memory_words(change: LatencyChange | PoolChange | KeepChange | LayoutChange) -> str:
    match change:
        case LatencyChange():
            return f"latency {change.before_cycles} -> {change.after_cycles} cycles"
        case PoolChange():
            return "one pool"
        case KeepChange():
            return f"keeps {change.tensors}"
        case LayoutChange():
            return f"layout {change.before} -> {change.after}"
        case _:
            assert_never(change)


def _dataflow_words(change: AddedDataflow | DataflowChange) -> str:
    if change.name == AUTO:
        return "dataflow chosen layer by layer"
    layers = "some layers" if isinstance(change, AddedDataflow) else "every layer"
    return f"{layers} {dataflow_of(change.name).title}"


def _part_words(change: PartChange) -> str:
    before, after = change.before, change.after
    match change.part:
        case "bandwidth":
            (memory,) = change.memories
            return f"{memory_word(memory)} {before:g} -> {after:g} bytes per cycle"
        case "buffer":
            noun = memory_word(change.memories[0]) if len(change.memories) == 1 else "memories on chip"
            return f"{noun} {_sizes_words(before, after)}"
        case "arena":
            return f"arena of {memory_word(change.memories[0])} {_sizes_words(before, after)}"
        case "vector_lanes":
            return f"vector lanes {before:g} -> {after:g}{' per column' if change.of_each_column else ''}"
        case "rows" | "columns":
            return f"{before:g} -> {after:g} {change.part} of PEs"
        case part:
            assert_never(part)


def _sizes_words(before_bytes: float, after_bytes: float) -> str:
    if before_bytes < KIB:
        return f"{before_bytes:g} -> {after_bytes:g} bytes"
    return f"{before_bytes / KIB:.10g} -> {after_bytes / KIB:.10g} KiB"


def obstacle_words(remedy: ImpossibleRemedy) -> str:
    """Why a remedy cannot be had: a line for each thing wrong."""
    if isinstance(remedy.obstacle, str):
        return _OBSTACLES[remedy.obstacle]
    return problem_text(remedy.obstacle)
