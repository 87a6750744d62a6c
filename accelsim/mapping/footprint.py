"""Bytes of a tile's operands: what DRAM moves and what the global buffer has to hold for it.

Written once for single tiles and for arrays of candidates.
"""

from dataclasses import dataclass

import numpy as np

from accelsim.hardware import Precision
from accelsim.mapping.arithmetic import Count, at_most_one, ceil_div, ceil_scaled, larger, smaller
from accelsim.mapping.precision import activation_bits, partial_sum_bits, pruned_index_bits, weight_bits
from accelsim.mapping.tile import TileShape
from accelsim.mapping.tiling import unfinished_windows
from accelsim.network.layer import Layer


def bits_to_bytes(elements: Count, bits: int) -> Count:
    """Whole bytes that elements of so many bits take, packed."""
    return ceil_div(elements * bits, 8) if bits % 8 else elements * (bits // 8)


@dataclass(frozen=True, slots=True)
class Footprint:
    """Bytes of the operands of one layer's tiles on a machine of some precision."""

    layer: Layer
    machine: Precision

    def inputs(self, tile: TileShape, rows: Count, columns: Count, tiles: Count = 1) -> Count:
        """Input rows x columns (halo included, padding left out) of every operand, and a gate's factors.

        Of several tiles together, where `rows` and `columns` are; each of them reads the factors.
        """
        layer = self.layer
        pixels = layer.operands * tile.g * tile.c * rows * columns
        return bits_to_bytes(
            pixels + tiles * tile.g * (layer.gate_elements // layer.G), activation_bits(layer, self.machine)
        )

    def weights(self, tile: TileShape) -> Count:
        """Weights of every kernel tap."""
        return ceil_div(self.weight_storage_bits(tile), 8)

    def weight_storage_bits(self, tile: TileShape) -> Count:
        """Bits of the weights of every kernel tap, as they are stored.

        Pruned ones as those that are not zero, each with the distance to the next (Han et al., Deep
        Compression, ICLR 2016, section 2), unless all of them take less.
        """
        layer = self.layer
        if not layer.on_array:
            return 0 * tile.g
        weights = tile.g * tile.k * tile.c * layer.FY * layer.FX
        bits = weight_bits(layer, self.machine)
        if layer.weight_density is None:
            return weights * bits
        nonzero = ceil_scaled(weights, layer.weight_density)
        return smaller(weights * bits, nonzero * (bits + pruned_index_bits(layer, self.machine)))

    def least_weight_storage_bits(self) -> Count:
        """What all weights of the layer take at least, however they are cut into tiles.

        Not rounded to whole weights: each tile may keep all of its weights or only those that are not zero.
        """
        layer, bits = self.layer, weight_bits(self.layer, self.machine)
        if layer.weight_density is None:
            return layer.weights * bits
        kept = layer.weight_density * (bits + pruned_index_bits(layer, self.machine))
        return ceil_scaled(layer.weights, np.minimum(bits, kept))

    def biases(self, tile: TileShape) -> Count:
        """Offsets of the tile's outputs; they come with the first input channels."""
        return bits_to_bytes(tile.g * tile.k * self.layer.bias, weight_bits(self.layer, self.machine))

    def outputs(self, tile: TileShape, partial: Count) -> Count:
        """Outputs while they are computed: as wide as a partial sum where the input channels are cut."""
        elements = tile.g * tile.k * tile.pixels
        final = bits_to_bytes(elements, activation_bits(self.layer, self.machine))
        accumulated = bits_to_bytes(elements, partial_sum_bits(self.layer, self.machine))
        return final + partial * (larger(final, accumulated) - final)

    def shortcut(self, tile: TileShape, tiles: Count = 1) -> Count:
        """Second operands of fused operators: as large as the outputs, or a factor for each channel.

        Of several tiles together, where `tile` is their sum; each of them reads the factors.
        """
        layer = self.layer
        if not layer.fused:
            return 0
        full, gate = 0, 0
        channels, pixels = layer.G * layer.K, layer.OY * layer.OX
        for operator in layer.fused:
            per_channel, rest = operator.operand_elements // channels, operator.operand_elements % channels
            is_gate = at_most_one(rest + per_channel % pixels)
            gate = gate + per_channel * is_gate
            full = full + per_channel // pixels * (1 - is_gate)
        elements = tile.g * tile.k * (full * tile.pixels + tiles * gate)
        return bits_to_bytes(elements, activation_bits(layer, self.machine))

    def stored(self, tile: TileShape, rows: Count, columns: Count) -> Count:
        """Complete outputs of the tile: rows x columns of results of each channel."""
        return bits_to_bytes(tile.g * tile.k * rows * columns, activation_bits(self.layer, self.machine))

    def unfinished(self, tile: TileShape, filters: Count, rows_cut: Count, columns_cut: Count) -> Count:
        """Results of pooling windows that a cut between tiles leaves unfinished, kept for `filters` channels.

        Both maximum and average can be kept as what the window gave so far: a result for each window.
        """
        layer = self.layer
        if layer.pooling is None:
            return 0 * tile.g
        rows, columns = unfinished_windows(layer)
        below = rows_cut * rows * layer.pooling.OX
        beside = columns_cut * columns * (ceil_div(tile.y, layer.pooling.stride_y) + rows)
        return bits_to_bytes(tile.g * filters * (below + beside), activation_bits(layer, self.machine))
