"""What the tiles of mappings have to do and to hold, whatever comes before and after each of them.

Tiles that are alike do alike, so there are few kinds of them; those of many mappings are worked out together,
because numpy takes no longer for many than for a few.
"""

import math
from collections.abc import Iterable, Sequence
from functools import partial
from itertools import chain, repeat
from typing import NamedTuple, Self

import numpy as np

from accelsim.columns import Count, Ints, Selection
from accelsim.hardware.counts import ActionCounts
from accelsim.hardware.machine import Hardware
from accelsim.hardware.operand import Operand
from accelsim.hardware.parts import Precision
from accelsim.mapping.arithmetic import column_of, cycles_at, entries
from accelsim.mapping.banks import in_units
from accelsim.mapping.bursts import Moving, bytes_outside, coded_part
from accelsim.mapping.costs import (
    ArrayCost,
    array_cost,
    array_costs,
    completion_counts,
    on_chip_counts,
    vector_ops,
)
from accelsim.mapping.footprint import Footprint, bits_to_bytes
from accelsim.mapping.loop_order import lies_inside
from accelsim.mapping.mapping import Choice, Crossing, DataflowParameters
from accelsim.mapping.picking import picked
from accelsim.mapping.precision import partial_sum_bits
from accelsim.mapping.stack import stacked
from accelsim.mapping.tile import TileShape, is_partial, window
from accelsim.network.layer import Layer, LoopNest


class TileKind(NamedTuple):
    """Tiles of a mapping that are alike."""

    n: int
    g: int
    k: int
    c: int
    y: int
    x: int
    fy: int
    fx: int
    input_rows: int
    """That a tile reads, its halo included and padding left out."""
    input_columns: int
    stored_rows: int
    """That a tile completes and stores."""
    stored_columns: int
    resumes: bool
    """Whether a tile adds to the partial sums of an earlier one."""
    completes: bool
    """Whether its outputs are complete."""


class StepWork(NamedTuple):
    """What a tile has to do and to hold; bytes by operand, and nothing where an operand has none."""

    resumes: bool
    completes: bool
    weights: dict[Operand, int]
    inputs: dict[Operand, int]
    residual: dict[Operand, int]
    outputs: dict[Operand, int]
    """What is taken from the first visit to them until they are stored."""
    stored: dict[Operand, int]
    array_cycles: int
    vector_cycles: int
    array_counts: ActionCounts[int]
    vector_counts: ActionCounts[int]
    crossing: Crossing | None = None
    """What it takes on its way, of each operand, if it is loaded; None where every byte moves by itself, as
    it is."""


class StackedLayers(NamedTuple):
    """The layers of some mappings, an entry each, and what tiles of them take."""

    layers: LoopNest[Count]
    footprint: Footprint

    @classmethod
    def of(cls, layers: Sequence[Layer], machine: Precision) -> Self:
        """Of layers of one structure."""
        stack = stacked(layers)
        return cls(stack, Footprint.of(stack, machine))

    def picked(self, which: Selection) -> "StackedLayers":
        """Some of them; the same one may come again."""
        return StackedLayers(picked(self.layers, which), picked(self.footprint, which))


def work_of_tiles(
    choices: Sequence[Choice],
    stack: StackedLayers,
    kinds: Sequence[Sequence[TileKind]],
    hardware: Hardware,
    images: int,
) -> list[list[StepWork]]:
    """The work of each kind of tile of each mapping, of layers of one structure that images go through."""
    how_many = [len(group) for group in kinds]
    owner = np.repeat(np.arange(len(choices)), how_many)
    layers, footprint = stack.picked(owner)
    all_kinds = list(chain.from_iterable(kinds))
    table = np.array(all_kinds, dtype=np.int64)
    columns = np.ascontiguousarray(table.T)
    *extents, input_rows, input_columns, stored_rows, stored_columns, resumes, completes = columns
    tile = TileShape(*extents)
    channels = tile.g * tile.k
    outputs = channels * tile.pixels
    inputs = footprint.inputs(tile, input_rows, input_columns)
    residual = footprint.residual(tile) * completes
    stored = footprint.stored(tile, stored_rows, stored_columns) * completes
    ops = vector_ops(layers, outputs, tile.n * channels * stored_rows * stored_columns) * completes
    array = ArrayCost(0, on_chip_counts(hardware, {Operand.INPUTS: inputs}, {}))  # the vector unit reads them
    if layers.on_array:
        array = _array_work(choices, stack, tile, resumes, owner, hardware)
    partial_sums = bits_to_bytes(outputs, partial_sum_bits(layers, hardware.precision))
    array_counts = array.counts + on_chip_counts(
        hardware, {Operand.OUTPUTS: partial_sums * resumes}, {Operand.OUTPUTS: partial_sums * (1 - completes)}
    )
    vector_counts = completion_counts(ops, residual, stored, hardware)
    counts = [_rows(group, len(owner)) for group in (array_counts, vector_counts)]
    weights = footprint.weights(tile) + footprint.biases(tile) * (1 - resumes)
    moved = partial(_moved, choices, owner)
    sizes = (
        (Operand.WEIGHTS, moved(Operand.WEIGHTS, weights)),
        (Operand.INPUTS, moved(Operand.INPUTS, inputs)),
        (Operand.RESIDUAL, moved(Operand.RESIDUAL, residual)),
        (Operand.OUTPUTS, _output_space(choices, layers, footprint, tile, owner, images)),
        (Operand.OUTPUTS, moved(Operand.OUTPUTS, stored)),
    )
    by_operand = [
        [{operand: size} if size else {} for size in column]
        for (operand, _), column in zip(sizes, _lists((size for _, size in sizes), len(owner)), strict=True)
    ]
    cycles = _lists((array.cycles, cycles_at(ops, hardware.vector_lanes)), len(owner))
    flags = [kind.resumes for kind in all_kinds], [kind.completes for kind in all_kinds]
    tiles = Moving(layers, footprint, tile, input_rows, input_columns, stored_rows, stored_columns, resumes)
    in_banks = hardware.pool is not None and hardware.pool.unit_bytes > 1
    crosses = hardware.burst_channels or layers.coded is not None or in_banks
    crossing = _crossing(tiles, by_operand, hardware) if crosses else repeat(None)
    if in_banks:
        by_operand = _in_whole_banks(tiles, by_operand, hardware)
    works = map(StepWork, *flags, *by_operand, *cycles, *counts, crossing)
    return [[next(works) for _ in range(count)] for count in how_many]


def _array_work(
    choices: Sequence[Choice],
    stack: StackedLayers,
    tile: TileShape[Count],
    resumes: Count,
    owner: Ints,
    hardware: Hardware,
) -> ArrayCost:
    """What the array does for each kind of tile, by the dataflow of its mapping."""

    def cost_of(
        layer: LoopNest[Count], execution: tuple[str, int, DataflowParameters], which: Selection
    ) -> ArrayCost:
        dataflow, idle_rows, fixed = execution
        in_use = hardware.with_idle_rows(idle_rows)
        return array_cost(layer, dataflow, entries(tile, which), entries(resumes, which), in_use, fixed)

    executions = [(choice.dataflow, choice.idle_rows, choice.parameters) for choice in choices]
    return array_costs(stack.layers, executions, owner, cost_of)


def _crossing(
    tiles: Moving, by_operand: Sequence[Sequence[dict[Operand, int]]], hardware: Hardware
) -> list[Crossing]:
    """What each kind of tile takes on its way, given what is loaded and stored of it by operand."""
    weights, inputs, residual, _, stored = by_operand
    length = len(weights)
    parts = {operand: coded_part(tiles.layers, operand, hardware) for operand in Operand}
    part_of = {
        operand: [part] * length if isinstance(part, int) else np.broadcast_to(part, length).tolist()
        for operand, part in parts.items()
    }
    in_bursts = {
        operand: column_of(tiles.bytes_of(operand, channel, parts[operand]), length).tolist()
        for operand, channel in hardware.burst_channels.items()
        if operand is not Operand.WEIGHTS or tiles.layers.on_array
    }

    def outside(number: int, sizes: dict[Operand, int]) -> dict[Operand, int]:
        return {
            operand: int(bytes_outside(size, part_of[operand][number])) for operand, size in sizes.items()
        }

    def moved(number: int, sizes: dict[Operand, int]) -> dict[Operand, int]:
        return {
            operand: in_bursts[operand][number] if operand in in_bursts else size
            for operand, size in sizes.items()
        }

    crossings = []
    for number, (of_weights, of_inputs, of_residual, of_stored) in enumerate(
        zip(weights, inputs, residual, stored, strict=True)
    ):
        read = outside(number, {**of_weights, **of_inputs, **of_residual})
        written = outside(number, of_stored)
        crossings.append(Crossing(moved(number, read), moved(number, written), read, written))
    return crossings


def _in_whole_banks(
    tiles: Moving, by_operand: Sequence[list[dict[Operand, int]]], hardware: Hardware
) -> list[list[dict[Operand, int]]]:
    """The same, each as the room that it takes; what is stored takes none of its own.

    Inputs may lie there with their padding: as many as all windows of a tile cover.
    """
    weights, inputs, *others, stored = by_operand
    if hardware.pool is not None and hardware.pool.padded:
        of_windows = tiles.footprint.inputs(tiles.tile, *window(tiles.layers, tiles.tile))
        sizes = column_of(of_windows, len(inputs)).tolist()
        inputs = [dict.fromkeys(loaded, size) for loaded, size in zip(inputs, sizes, strict=True)]
    taking = [weights, inputs, *others]
    rooms = [
        [
            {operand: int(in_units(size, hardware.bank_of.get(operand))) for operand, size in sizes.items()}
            for sizes in column
        ]
        for column in taking
    ]
    return [*rooms, stored]


def _moved(choices: Sequence[Choice], owner: Ints, operand: Operand, sizes: Count) -> Count:
    """Bytes of tiles of an operand that come from outside or go there: none where it lies on chip."""
    moves = [operand in choice.moved for choice in choices]
    if all(moves):
        return sizes
    moved: Ints = sizes * np.array(moves, dtype=np.int64)[owner]
    return moved


def _rows(counts: ActionCounts[Count], length: int) -> list[ActionCounts[int]]:
    """Counts that are columns of so many entries, entry by entry."""
    plain = (counts.macs, counts.vector_ops, counts.register_file_bytes, counts.inter_pe_bytes)
    kinds = tuple(counts.accesses)
    columns = zip(*_lists(plain, length), strict=True)
    accessed = zip(*_lists(counts.accesses.values(), length), strict=True) if kinds else repeat((), length)
    return [
        ActionCounts(macs, ops, registers, hops, {kind: n for kind, n in zip(kinds, entry, strict=True) if n})
        for (macs, ops, registers, hops), entry in zip(columns, accessed, strict=True)
    ]


def _lists(counts: Iterable[Count], length: int) -> list[list[int]]:
    """Numbers of all kinds of tiles, an entry each."""
    return [count.tolist() if isinstance(count, np.ndarray) else [count] * length for count in counts]


def _output_space(
    choices: Sequence[Choice],
    layers: LoopNest[Count],
    footprint: Footprint,
    tile: TileShape[Count],
    owner: Ints,
    images: int,
) -> Count:
    """What is taken for outputs: as wide as partial sums where others add to them, and unfinished windows.

    Complete outputs that lie on chip take no room as tiles.
    """
    cuts = [(is_partial(choice.layer, choice.tile), Operand.OUTPUTS in choice.placed) for choice in choices]
    adds_up, placed = np.array(cuts, dtype=np.int64)[owner].T
    outputs: Count = footprint.outputs(tile, adds_up) * (1 - placed * (1 - adds_up))
    if layers.pooling is None:
        return outputs
    return outputs + _window_space(choices, layers, footprint, tile, owner, images)


def _window_space(
    choices: Sequence[Choice],
    layers: LoopNest[Count],
    footprint: Footprint,
    tile: TileShape[Count],
    owner: Ints,
    images: int,
) -> Count:
    """What is taken for windows of a fused pooling that cuts between tiles leave unfinished.

    Until the tiles on the other side come, all loops inside the one that goes there are gone through.
    """
    flags = [
        (
            choice.tile.y < choice.layer.OY,
            choice.tile.x < choice.layer.OX,
            *(lies_inside(choice.order, inner, "row") for inner in ("image", "group", "output_channel")),
            *(lies_inside(choice.order, inner, "column") for inner in ("image", "group", "output_channel")),
            lies_inside(choice.order, "column", "row"),
        )
        for choice in choices
    ]
    rows_cut, columns_cut, *inside, columns_in_rows = np.array(flags, dtype=np.int64)[owner].T
    each, of_all = (tile.n, tile.g, tile.k), (images, layers.G, layers.K)
    behind_rows, behind_columns = (
        math.prod(
            [
                size + is_inside * (extent - size)
                for size, extent, is_inside in zip(each, of_all, flags_of, strict=True)
            ]
        )
        for flags_of in (inside[:3], inside[3:])
    )
    return footprint.windows(tile, behind_rows * rows_cut, behind_columns * columns_cut, columns_in_rows)
