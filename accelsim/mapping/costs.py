"""What tiles cost on chip: array and vector cycles, and counts of every action but those of DRAM.

The array reads inputs and weights from the global buffer and keeps partial sums there between visits to
the same outputs. Complete outputs pass the vector unit on their way: it reads second operands from the
buffer and writes what is to be stored. Each function serves single tiles and arrays of candidates.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from accelsim.energy import ActionCounts
from accelsim.hardware import Hardware, Precision
from accelsim.mapping.arithmetic import Count, Ints, count_of
from accelsim.mapping.dataflows import DATAFLOWS
from accelsim.mapping.footprint import Footprint, bits_to_bytes, least_weight_storage_bits
from accelsim.mapping.precision import activation_bits, partial_sum_bits, weight_bits
from accelsim.mapping.stack import entries
from accelsim.mapping.tile import ArrayWork, TileShape, Visits
from accelsim.network.layer import Layer

VECTOR = "vector"
"""The name under which layers of the vector unit are listed among the dataflows."""


@dataclass(frozen=True, slots=True)
class ArrayCost:
    """What a visit of the array costs."""

    cycles: Count
    counts: ActionCounts


def array_cost(layer: Layer, dataflow: str, tile: TileShape, resumes: Count, hardware: Hardware) -> ArrayCost:
    """One visit of the array to a tile, without the partial sums that wait in the global buffer."""
    work = DATAFLOWS[dataflow].execute(layer, tile, resumes, hardware)
    machine = hardware.precision
    if layer.weight_density is None:
        return _cost_of(work, layer, machine, None)
    return _cost_of(work, layer, machine, Footprint(layer, machine).weight_storage_bits(tile))


def array_costs(
    layers: Layer,
    dataflows: Sequence[str],
    owner: Ints,
    cost_of: Callable[[Layer, str, Ints | slice], ArrayCost],
) -> ArrayCost:
    """Costs of tiles of stacked layers, an entry each; each layer has a dataflow of its own.

    `owner` says of which layer each tile is. `cost_of` gives the cost of some tiles of a dataflow, for the
    layer of each.
    """
    names = list(dict.fromkeys(dataflows))
    if len(names) == 1:
        return cost_of(entries(layers, owner), names[0], slice(None))
    number = np.array([names.index(name) for name in dataflows])[owner]
    together = np.zeros((9, len(owner)), dtype=np.int64)
    for index, name in enumerate(names):
        some = np.flatnonzero(number == index)
        cost = cost_of(entries(layers, owner[some]), name, some)
        for total, count in zip(together, (cost.cycles, *cost.counts.values()), strict=True):
            total[some] = count
    cycles, *counts = map(count_of, together)
    return ArrayCost(cycles, ActionCounts(*counts))


def least_array_cost(
    layer: Layer, dataflow: str, tile: TileShape, visits: Visits, hardware: Hardware
) -> ArrayCost:
    """What the array costs at least for an image of a layer that is cut into at least so many tiles.

    Tiles may be larger in rows and columns than the one that is given.
    """
    if dataflow == VECTOR:
        return ArrayCost(0, ActionCounts())
    work, machine = DATAFLOWS[dataflow].least_work(layer, tile, visits, hardware), hardware.precision
    pruned = layer.weight_density is not None
    return _cost_of(work, layer, machine, least_weight_storage_bits(layer, machine) if pruned else None)


def _cost_of(work: ArrayWork, layer: Layer, machine: Precision, stored_bits: Count | None) -> ArrayCost:
    """The price of work in bytes; weights of a pruned layer are read in the form in which they are kept."""
    bits, input_bits = weight_bits(layer, machine), activation_bits(layer, machine)
    if stored_bits is None:
        weight_read_bytes = bits_to_bytes(work.weight_read_words, bits)
    else:
        weight_read_bytes = bits_to_bytes(work.weight_reads * stored_bits, 1)
    counts = ActionCounts(
        macs=work.macs,
        register_file_bytes=bits_to_bytes(work.weight_register_words, bits)
        + bits_to_bytes(work.partial_sum_register_words, partial_sum_bits(layer, machine)),
        inter_pe_bytes=bits_to_bytes(work.input_hop_words, input_bits),
        global_buffer_read_bytes=bits_to_bytes(work.input_read_words, input_bits) + weight_read_bytes,
    )
    return ArrayCost(work.cycles, counts)


def partial_sum_counts(layer: Layer, outputs: Count, visits: Count, hardware: Hardware) -> ActionCounts:
    """Partial sums of outputs that are visited so many times: written after all but the last, read again."""
    moved = bits_to_bytes(outputs * (visits - 1), partial_sum_bits(layer, hardware.precision))
    return ActionCounts(global_buffer_read_bytes=moved, global_buffer_write_bytes=moved)


def completion_counts(ops: Count, shortcut_bytes: Count, stored_bytes: Count) -> ActionCounts:
    """The vector unit's work on complete outputs."""
    return ActionCounts(
        vector_ops=ops, global_buffer_read_bytes=shortcut_bytes, global_buffer_write_bytes=stored_bytes
    )


def vector_ops(layer: Layer, outputs: Count, stored: Count) -> Count:
    """Operations for so many outputs, of which pooling leaves `stored`.

    The layer's own operations and those of fused operators are in proportion to the outputs; those of a
    fused pooling are one for each result and place of its window.
    """
    per_image = layer.vector_ops + sum(operator.vector_ops for operator in layer.fused)
    # Not per_image * outputs first: of large layers that is more than 64 bits hold.
    of_each, beside = per_image // layer.output_elements, per_image % layer.output_elements
    ops = of_each * outputs - (-beside * outputs // layer.output_elements)
    if layer.pooling is not None:
        ops = ops + stored * layer.pooling.FY * layer.pooling.FX
    return ops


def dram_counts(read_bytes: Count, write_bytes: Count) -> ActionCounts:
    """Transfers between DRAM and the global buffer.

    The buffer's end of them is not counted again: the unit costs of Eyeriss are for the whole way from a
    level of the hierarchy to the multiplier (ISCA 2016, table IV).
    """
    return ActionCounts(dram_read_bytes=read_bytes, dram_write_bytes=write_bytes)
