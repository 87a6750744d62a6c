"""Bytes of a tile's operands: what DRAM moves and what the global buffer has to hold for it.

Written once for single tiles and for arrays of candidates.
"""

from typing import Self

import numpy as np

from accelsim.hardware import Precision
from accelsim.mapping.arithmetic import (
    Count,
    Ints,
    at_most_one,
    ceil_div,
    ceil_scaled,
    larger,
    smaller,
    taken,
)
from accelsim.mapping.precision import activation_bits, partial_sum_bits, pruned_index_bits, weight_bits
from accelsim.mapping.tile import TileShape
from accelsim.mapping.tiling import unfinished_windows
from accelsim.network.layer import Layer


def bits_to_bytes(elements: Count, bits: int) -> Count:
    """Whole bytes that elements of so many bits take, packed."""
    return ceil_div(elements * bits, 8) if bits % 8 else elements * (bits // 8)


class Footprint:
    """Bytes of the operands of one layer's tiles on a machine of some precision.

    What depends on the layer only is worked out once; of a stack of layers it is an array.
    """

    __slots__ = (
        "_activation_bits",
        "_bias",
        "_density",
        "_gate",
        "_operands",
        "_partial_sum_bits",
        "_pooling",
        "_pruned_bits",
        "_shortcut",
        "_shortcut_gate",
        "_taps",
        "_weight_bits",
    )

    def __init__(self, layer: Layer, machine: Precision) -> None:
        self._weight_bits = weight_bits(layer, machine)
        self._pruned_bits = self._weight_bits + pruned_index_bits(layer, machine)
        self._activation_bits = activation_bits(layer, machine)
        self._partial_sum_bits = partial_sum_bits(layer, machine)
        self._taps = layer.FY * layer.FX if layer.on_array else 0
        self._density = layer.weight_density
        self._bias: Count = layer.bias
        self._operands = layer.operands
        self._gate = layer.gate_elements // layer.G  # of each group
        self._shortcut, self._shortcut_gate = shortcut_elements(layer)
        pooling = layer.pooling
        self._pooling = (
            None if pooling is None else (*unfinished_windows(layer), pooling.OX, pooling.stride_y)
        )

    def at(self, which: Ints) -> Self:
        """Those of some layers of a stack, an entry each."""
        some = object.__new__(type(self))
        for name in ("_weight_bits", "_pruned_bits", "_activation_bits", "_partial_sum_bits"):
            setattr(some, name, getattr(self, name))
        for name in ("_taps", "_bias", "_operands", "_gate", "_shortcut", "_shortcut_gate"):
            setattr(some, name, taken(getattr(self, name), which))
        some._density = None if self._density is None else taken(self._density, which)
        if self._pooling is None:
            some._pooling = None
        else:
            rows, columns, results, stride = (taken(number, which) for number in self._pooling)
            some._pooling = (rows, columns, results, stride)
        return some

    def inputs(self, tile: TileShape, rows: Count, columns: Count, tiles: Count = 1) -> Count:
        """Input rows x columns (halo included, padding left out) of every operand, and a gate's factors.

        Of several tiles together, where `rows` and `columns` are; each of them reads the factors.
        """
        elements = self._operands * tile.g * tile.c * rows * columns
        if not _is_none(self._gate):
            elements = elements + tiles * tile.g * self._gate
        return bits_to_bytes(elements, self._activation_bits)

    def input_room(self, size_bytes: int) -> Count:
        """Input channels x pixels for which there is room at most; gates and second operands leave less."""
        return size_bytes * 8 // self._activation_bits // larger(self._operands, 1)

    def output_room(self, size_bytes: int) -> Count:
        """Output channels x pixels for which there is room at most; wider partial sums leave less."""
        return size_bytes * 8 // self._activation_bits

    def weights(self, tile: TileShape) -> Count:
        """Weights of every kernel tap."""
        return ceil_div(self.weight_storage_bits(tile), 8)

    def weight_storage_bits(self, tile: TileShape) -> Count:
        """Bits of the weights of every kernel tap, as they are stored.

        Pruned ones as those that are not zero, each with the distance to the next (Han et al., Deep
        Compression, ICLR 2016, section 2), unless all of them take less.
        """
        weights = tile.g * tile.k * tile.c * self._taps
        if self._density is None:
            return weights * self._weight_bits
        nonzero = ceil_scaled(weights, self._density)
        return smaller(weights * self._weight_bits, nonzero * self._pruned_bits)

    def biases(self, tile: TileShape) -> Count:
        """Offsets of the tile's outputs; they come with the first input channels."""
        return bits_to_bytes(tile.g * tile.k * self._bias, self._weight_bits)

    def outputs(self, tile: TileShape, partial: Count) -> Count:
        """Outputs while they are computed: as wide as a partial sum where the input channels are cut."""
        elements = tile.g * tile.k * tile.pixels
        final = bits_to_bytes(elements, self._activation_bits)
        if self._partial_sum_bits <= self._activation_bits:
            return final
        return final + partial * (bits_to_bytes(elements, self._partial_sum_bits) - final)

    def shortcut(self, tile: TileShape, tiles: Count = 1) -> Count:
        """Second operands of fused operators: as large as the outputs, or a factor for each channel.

        Of several tiles together, where `tile` is their sum; each of them reads the factors.
        """
        if _is_none(self._shortcut) and _is_none(self._shortcut_gate):
            return 0
        elements = tile.g * tile.k * (self._shortcut * tile.pixels + tiles * self._shortcut_gate)
        return bits_to_bytes(elements, self._activation_bits)

    def stored(self, tile: TileShape, rows: Count, columns: Count) -> Count:
        """Complete outputs of the tile: rows x columns of results of each channel."""
        return bits_to_bytes(tile.g * tile.k * rows * columns, self._activation_bits)

    def unfinished(self, tile: TileShape, filters: Count, rows_cut: Count, columns_cut: Count) -> Count:
        """Results of pooling windows that a cut between tiles leaves unfinished, kept for `filters` channels.

        Both maximum and average can be kept as what the window gave so far: a result for each window.
        """
        if self._pooling is None:
            return 0
        rows, columns, results, stride = self._pooling
        below = rows_cut * rows * results
        beside = columns_cut * columns * (ceil_div(tile.y, stride) + rows)
        return bits_to_bytes(tile.g * filters * (below + beside), self._activation_bits)


def _is_none(count: Count) -> bool:
    """Whether a number is zero for all layers."""
    return isinstance(count, int) and not count


def shortcut_elements(layer: Layer) -> tuple[Count, Count]:
    """Elements of second operands for each output, and for each output channel."""
    full: Count = 0
    gate: Count = 0
    channels, pixels = layer.G * layer.K, layer.OY * layer.OX
    for operator in layer.fused:
        per_channel = operator.operand_elements // channels
        is_gate = at_most_one(operator.operand_elements % channels + per_channel % pixels)
        full = full + per_channel // pixels * (1 - is_gate)
        gate = gate + per_channel * is_gate
    return full, gate


def least_weight_storage_bits(layer: Layer, machine: Precision) -> Count:
    """What all weights of a layer take at least, however they are cut into tiles.

    Not rounded to whole weights: each tile may keep all of its weights or only those that are not zero.
    """
    bits = weight_bits(layer, machine)
    if layer.weight_density is None:
        return layer.weights * bits
    kept = layer.weight_density * (bits + pruned_index_bits(layer, machine))
    return ceil_scaled(layer.weights, np.minimum(float(bits), kept))
