"""Inputs that come once: from outside to a place in a pool, where they stay to their last reader."""

from typing import Final

from accelsim.hardware import Hardware, Operand
from accelsim.mapping.precision import activation_bits
from accelsim.mapping.tiling import Axis, column_axis, row_axis
from accelsim.network.layer import Layer

_BYTE_BITS: Final = 8


def may_arrive(layer: Layer, hardware: Hardware) -> bool:
    """Whether a layer, in the form in which it is executed, may bring its inputs to a place in the pool.

    It has to read all of them, and each tile has to continue what the tile before has read: others read there
    what this one has brought. Elements that share a byte would come with either tile.
    """
    return (
        hardware.pool is not None
        and Operand.INPUTS in hardware.pool.operands
        and hardware.home(Operand.INPUTS) is not None
        and layer.on_array
        and layer.operands == 1
        and not layer.gate_elements
        and activation_bits(layer, hardware.precision) % _BYTE_BITS == 0
        and all(map(_reads_all, (row_axis(layer), column_axis(layer))))
    )


def _reads_all(axis: Axis) -> bool:
    """Whether tiles of any size read all inputs of an axis, and each begins where others end."""
    return axis.pad < axis.reach >= axis.stride and axis.input_range(0, axis.outputs) == (0, axis.inputs)
