"""What a tile takes in the banks of the memories on chip, and what is missing where it takes too much."""

import math
from typing import Final

from accelsim.columns import Count
from accelsim.hardware.bank import Bank
from accelsim.hardware.machine import Hardware
from accelsim.hardware.memory import Memory, bank_shares
from accelsim.hardware.operand import Operand
from accelsim.mapping.arithmetic import at_most_one, ceil_div
from accelsim.mapping.footprint import Footprint
from accelsim.mapping.tile import TileShape, is_partial
from accelsim.mapping.tiling import column_axis, row_axis
from accelsim.mapping.unmappable import NoTileFits
from accelsim.network.layer import Layer

BANKS: Final = (Operand.INPUTS, Operand.WEIGHTS, Operand.OUTPUTS)
"""Operands with a bank of their own in a divided memory."""


def input_demand(footprint: Footprint, tile: TileShape[Count], pixels: Count) -> Count:
    """Bytes that a tile takes in the bank of inputs, where it reads so many pixels."""
    return footprint.inputs(tile, pixels, 1) + footprint.residual(tile)


def weight_demand(footprint: Footprint, tile: TileShape[Count]) -> Count:
    """Bytes that a tile takes in the bank of weights."""
    return footprint.weights(tile) + footprint.biases(tile)


def bank_demand(
    layer: Layer, hardware: Hardware, tile: TileShape[Count], rows: Count, columns: Count, pixels_outer: Count
) -> dict[Operand, Count]:
    """Bytes that a tile takes in each bank of the memories on chip; `rows` x `columns` inputs."""
    footprint = Footprint.of(layer, hardware.precision)
    output_channels = tile.k + pixels_outer * (layer.K - tile.k)
    unfinished = footprint.unfinished(
        tile, output_channels, at_most_one(layer.OY - tile.y), at_most_one(layer.OX - tile.x)
    )
    return {
        Operand.INPUTS: input_demand(footprint, tile, rows * columns),
        Operand.WEIGHTS: weight_demand(footprint, tile),
        Operand.OUTPUTS: footprint.outputs(tile, is_partial(layer, tile)) + unfinished,
    }


NO_BOUND: Final = 1 << 62
"""Bytes that a tile may take of an operand which no memory on chip holds."""
_WEIGHTS: Final = frozenset({Operand.WEIGHTS})


def brought_anew(hardware: Hardware) -> frozenset[Operand]:
    """What each step brings, whether or not the step before had the same."""
    reloads = hardware.control is not None and hardware.control.reloads
    return frozenset({Operand.INPUTS, Operand.WEIGHTS}) if reloads else streamed(hardware)


def streamed(hardware: Hardware) -> frozenset[Operand]:
    """Operands that no memory on chip holds: they stream past, into the array, with each step again."""
    return frozenset() if Operand.WEIGHTS in hardware.bank_of else _WEIGHTS


def half_banks(hardware: Hardware) -> dict[Operand, int]:
    """Bytes that a tile may take in each bank: half, so that the next tile can be loaded meanwhile.

    A bank is named after its operand; the residual lies with the inputs. Of a pool a tile of one operand may
    take all, as far as the other operands leave it (see pool.py). What no memory on chip holds takes no room.
    """
    banks = {operand: hardware.bank_of[operand] for operand in BANKS if operand in hardware.bank_of}
    halves = {
        operand: bank.size_bytes // (1 if bank is hardware.pool else 2) for operand, bank in banks.items()
    }
    return halves | dict.fromkeys(streamed(hardware), NO_BOUND)


def in_units(size: Count, bank: Bank | None) -> Count:
    """What so many bytes take of a bank that is given out in whole multiples of so many."""
    if bank is None or bank.unit_bytes == 1:
        return size
    return ceil_div(size, bank.unit_bytes) * bank.unit_bytes


def alone_in_turn(hardware: Hardware) -> frozenset[Operand]:
    """Operands of which there is one tile at a time: the array stands while the next one comes, or goes."""
    return frozenset([operand for memory in hardware.on_chip for operand in memory.stops_array])


def shortfall(layer: Layer, hardware: Hardware) -> NoTileFits:
    """Which bank is too small for the smallest tile that is tried, and what would help."""
    smallest = TileShape(1, 1, 1, 1, 1, 1, layer.FY, layer.FX)
    rows, columns = (axis.reads(1)[0] for axis in (row_axis(layer), column_axis(layer)))
    demand, half = bank_demand(layer, hardware, smallest, rows, columns, 0), half_banks(hardware)
    bank = max(demand, key=lambda bank: demand[bank] / max(half[bank], 1))
    memory, tile_bytes = _memory_of(bank, hardware), int(demand[bank])
    key, needed_bytes = _what_would_hold(tile_bytes, bank, memory)
    return NoTileFits(bank, memory.name, tile_bytes, half[bank], key, needed_bytes)


def _memory_of(bank: Operand, hardware: Hardware) -> Memory:
    """The memory on chip that a bank is a part of."""
    name = hardware.bank_of[bank].memory
    return next(memory for memory in hardware.on_chip if memory.name == name)


def _what_would_hold(tile_bytes: int, bank: Operand, memory: Memory) -> tuple[str, int]:
    """The key that says how large a bank is, and its value where half of the bank holds a tile."""
    if memory.division is not None and memory.division.bytes is not None:
        return f"banks.bytes.{bank}", 2 * tile_bytes
    return "size_bytes", _size_for(tile_bytes, bank_shares(memory)[bank])


def _size_for(tile_bytes: int, share: float) -> int:
    """The size of a memory of which half a share holds a tile."""
    size = math.ceil(2 * tile_bytes / share)
    return size if int(size * share) >= 2 * tile_bytes else size + 1
