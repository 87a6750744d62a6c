"""What tiles cost on chip: array and vector cycles, and counts of every action but those of DRAM.

The array reads inputs and weights from memory on chip and keeps partial sums there between visits to
the same outputs. Complete outputs pass the vector unit on their way: it reads residuals from the
buffer and writes what is to be stored. Each function serves single tiles and arrays of candidates.
"""

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial, reduce
from operator import add
from typing import Any, Final, TypeVar

import numpy as np

from accelsim.columns import Count, CountT, Ints, Selection
from accelsim.hardware.counts import ActionCounts, Direction, accesses
from accelsim.hardware.machine import Hardware
from accelsim.hardware.operand import Operand
from accelsim.mapping.arithmetic import is_none
from accelsim.mapping.dataflows import dataflow_of
from accelsim.mapping.footprint import Footprint, bits_to_bytes, least_weight_storage_bits
from accelsim.mapping.mapping import DataflowParameters
from accelsim.mapping.picking import picked
from accelsim.mapping.precision import activation_bits, partial_sum_bits, weight_bits
from accelsim.mapping.tile import ArrayWork, TileCounts, TileShape
from accelsim.network.layer import LoopNest

VECTOR = "vector"
"""The name under which layers of the vector unit are listed among the dataflows."""
NOTHING: Final[Mapping[Operand, Any]] = {}
"""What is counted of no operand."""
ExecutionT = TypeVar("ExecutionT", bound=Hashable)
"""How the array executes a layer."""


@dataclass(frozen=True, slots=True)
class ArrayCost:
    """What a visit of the array costs."""

    cycles: Count
    counts: ActionCounts[Count]


def array_cost(
    layer: LoopNest[Count],
    dataflow: str,
    tile: TileShape[Count],
    resumes: Count,
    hardware: Hardware,
    fixed: DataflowParameters = (),
) -> ArrayCost:
    """One visit of the array to a tile, without the partial sums that are buffered on chip.

    `fixed` are parameters of the dataflow's own, if the mapping says any.
    """
    executing = dataflow_of(dataflow)
    work = (executing.fixed(fixed) if fixed else executing).execute(layer, tile, resumes, hardware)
    machine = hardware.precision
    if layer.weight_density is None:
        return _cost_of(work, layer, hardware, None)
    return _cost_of(work, layer, hardware, Footprint.of(layer, machine).weight_storage_bits(tile))


def array_costs(
    layers: LoopNest[Count],
    executions: Sequence[ExecutionT],
    owner: Ints,
    cost_of: Callable[[LoopNest[Count], ExecutionT, Selection], ArrayCost],
) -> ArrayCost:
    """Costs of tiles of stacked layers, an entry each; each layer is executed in a way of its own.

    `executions` says how: a dataflow, and whatever else may differ. `owner` says of which layer each tile is.
    `cost_of` gives the cost of some tiles that are executed in one way, for the layer of each.
    """
    kinds = list(dict.fromkeys(executions))
    if len(kinds) == 1:
        return cost_of(picked(layers, owner), kinds[0], slice(None))
    number = np.array([kinds.index(execution) for execution in executions])[owner]
    cycles = np.zeros(len(owner), dtype=np.int64)
    parts = []
    for index, execution in enumerate(kinds):
        which = np.flatnonzero(number == index)
        cost = cost_of(picked(layers, owner[which]), execution, which)
        cycles[which] = cost.cycles
        parts.append(cost.counts.each(partial(_spread, which, len(owner))))
    return ArrayCost(cycles, reduce(add, parts))


def _spread(which: Ints, length: int, count: Count) -> Count:
    """Entries at some places of a column, and none at the others."""
    if is_none(count):
        return 0
    column = np.zeros(length, dtype=np.int64)
    column[which] = count
    return column


def least_array_cost(
    layer: LoopNest[Count],
    dataflow: str,
    tile: TileShape[Count],
    tiles: TileCounts[Count],
    hardware: Hardware,
) -> ArrayCost:
    """What the array costs at least for an image of a layer that is cut into at least so many tiles.

    Tiles may be larger in rows and columns than the one that is given.
    """
    if dataflow == VECTOR:
        return ArrayCost(0, ActionCounts())
    work, machine = dataflow_of(dataflow).least_work(layer, tile, tiles, hardware), hardware.precision
    pruned = layer.weight_density is not None
    return _cost_of(work, layer, hardware, least_weight_storage_bits(layer, machine) if pruned else None)


def _cost_of(
    work: ArrayWork[Count], layer: LoopNest[Count], hardware: Hardware, stored_bits: Count | None
) -> ArrayCost:
    """Cycles of work, and its counts in bytes; weights of a pruned layer are read as they are kept."""
    machine = hardware.precision
    bits, input_bits = weight_bits(layer, machine), activation_bits(layer, machine)
    if stored_bits is None:
        weight_read_bytes = bits_to_bytes(work.weight_read_words, bits)
    else:
        weight_read_bytes = bits_to_bytes(work.weight_reads * stored_bits, 1)
    register_bytes = bits_to_bytes(work.weight_register_words, bits) + bits_to_bytes(
        work.partial_sum_register_words, partial_sum_bits(layer, machine)
    )
    if not is_none(work.input_register_words):  # few machines describe such registers
        register_bytes = register_bytes + bits_to_bytes(work.input_register_words, input_bits)
    inter_pe_bytes = bits_to_bytes(work.input_hop_words, input_bits)
    read = {
        Operand.INPUTS: bits_to_bytes(work.input_read_words, input_bits),
        Operand.WEIGHTS: weight_read_bytes,
    }
    written: dict[Operand, Count] = {}
    sums = work.sum_hop_words, work.sum_read_words, work.sum_written_words
    if not all(map(is_none, sums)):  # few dataflows hand sums on, or add them up outside the array
        sum_bits = partial_sum_bits(layer, machine)
        read[Operand.OUTPUTS] = bits_to_bytes(work.sum_read_words, sum_bits)
        written[Operand.OUTPUTS] = bits_to_bytes(work.sum_written_words, sum_bits)
        inter_pe_bytes = inter_pe_bytes + bits_to_bytes(work.sum_hop_words, sum_bits)
    counts = ActionCounts(
        macs=work.macs,
        register_file_bytes=register_bytes,
        inter_pe_bytes=inter_pe_bytes,
        accesses=on_chip_counts(hardware, read, written).accesses,
    )
    return ArrayCost(work.cycles, counts)


def on_chip_counts(
    hardware: Hardware, read: Mapping[Operand, CountT], written: Mapping[Operand, CountT]
) -> ActionCounts[CountT]:
    """Bytes of operands that array and vector unit read from, or write to, their working memories; none of
    what streams past them.
    """
    of = hardware.bank_of
    return accesses(
        *(
            (of[operand].memory, operand, Direction.READ, count)
            for operand, count in read.items()
            if operand in of  # else it streams past them
        ),
        *((of[operand].memory, operand, Direction.WRITE, count) for operand, count in written.items()),
    )


def transfer_counts(
    hardware: Hardware,
    loaded: Mapping[Operand, CountT],
    stored: Mapping[Operand, CountT],
    overfetched: Mapping[Operand, CountT] = NOTHING,
    masked: Mapping[Operand, CountT] = NOTHING,
) -> ActionCounts[CountT]:
    """Transfers between memories off chip and those on chip, counted at the home of each operand.

    Of bursts, what is of use is counted apart from what is read or written beside it.

    The other end is not counted again: the unit costs of Eyeriss are for the whole way from a level of the
    hierarchy to the multiplier (ISCA 2016, table IV).
    """
    of = hardware.channel_of
    return accesses(
        *((of[operand].memory, operand, Direction.READ, count) for operand, count in loaded.items()),
        *((of[operand].memory, operand, Direction.WRITE, count) for operand, count in stored.items()),
        *(
            (of[operand].memory, operand, Direction.OVERFETCH, count)
            for operand, count in overfetched.items()
        ),
        *((of[operand].memory, operand, Direction.MASKED, count) for operand, count in masked.items()),
    )


def partial_sum_counts(
    layer: LoopNest[Count], outputs: Count, visits: Count, hardware: Hardware
) -> ActionCounts[Count]:
    """Partial sums of outputs that are visited so many times: written after all but the last, read again."""
    moved = bits_to_bytes(outputs * (visits - 1), partial_sum_bits(layer, hardware.precision))
    return on_chip_counts(hardware, {Operand.OUTPUTS: moved}, {Operand.OUTPUTS: moved})


def completion_counts(
    ops: Count, residual_bytes: Count, stored_bytes: Count, hardware: Hardware
) -> ActionCounts[Count]:
    """The vector unit's work on complete outputs."""
    accessed = on_chip_counts(hardware, {Operand.RESIDUAL: residual_bytes}, {Operand.OUTPUTS: stored_bytes})
    return ActionCounts(vector_ops=ops, accesses=accessed.accesses)


def vector_ops(layer: LoopNest[Count], outputs: Count, stored: Count) -> Count:
    """Operations for so many outputs, of which pooling leaves `stored`.

    The layer's own operations and those of fused operators are in proportion to the outputs; those of a
    fused pooling are one for each result and place of its window.
    """
    per_image = layer.vector_ops + sum(operator.vector_ops for operator in layer.fused)
    # Not per_image * outputs first: of large layers that is more than 64 bits hold.
    of_each, remainder = per_image // layer.output_elements, per_image % layer.output_elements
    ops = of_each * outputs - (-remainder * outputs // layer.output_elements)
    if layer.pooling is not None:
        ops = ops + stored * layer.pooling.FY * layer.pooling.FX
    return ops
