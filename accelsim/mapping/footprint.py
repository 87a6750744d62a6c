"""Bytes of a tile's operands: what DRAM moves and what the memory on chip has to hold for it.

Written once for single tiles and for arrays of candidates.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np

from accelsim.columns import Count, CountT, Real
from accelsim.hardware import Precision
from accelsim.mapping.arithmetic import (
    alike,
    at_most_one,
    ceil_div,
    ceil_scaled,
    is_none,
    larger,
    product,
    smaller,
    times,
)
from accelsim.mapping.precision import (
    activation_bits,
    offset_bits,
    partial_sum_bits,
    pruned_index_bits,
    weight_bits,
)
from accelsim.mapping.tile import TileShape
from accelsim.mapping.tiling import unfinished_windows
from accelsim.network.layer import LoopNest


def bits_to_bytes(elements: CountT, bits: int) -> CountT:
    """Whole bytes that elements of so many bits take, packed."""
    return ceil_div(elements * bits, 8) if bits % 8 else times(elements, bits // 8)


@dataclass(frozen=True, slots=True)
class Footprint:
    """Bytes of the operands of one layer's tiles on a machine of some precision.

    What depends on the layer only is worked out once; of a stack of layers it is columns.
    """

    weight_bits: int
    pruned_bits: int
    """Of a weight that is not zero, with the distance to the next."""
    activation_bits: int
    partial_sum_bits: int
    offset_bits: int
    has_weights: bool
    """Whether there are any: not on the vector unit."""
    density: Real | None
    bias: Count
    operands: Count
    gate: Count
    """Factors of each group."""
    residuals_per_output: Count
    """Elements of residuals for each output, and for each output channel."""
    residuals_per_channel: Count
    pooling: tuple[Count, Count, Count, Count, Count, Count] | None
    """Rows and columns of windows that a cut may leave unfinished, results in a column and in a row, vertical
    and horizontal stride."""

    @classmethod
    def of(cls, layer: LoopNest[Count], machine: Precision) -> Self:
        """That of a layer, or of a stack of layers."""
        residuals_per_output, residuals_per_channel = residual_elements(layer)
        pooling = layer.pooling
        bits = weight_bits(layer, machine)
        return cls(
            weight_bits=bits,
            pruned_bits=bits + pruned_index_bits(layer, machine),
            activation_bits=activation_bits(layer, machine),
            partial_sum_bits=partial_sum_bits(layer, machine),
            offset_bits=offset_bits(layer, machine),
            has_weights=layer.on_array,
            density=layer.weight_density,
            bias=layer.bias,
            operands=layer.operands,
            gate=alike(layer.gate_elements // layer.G),
            residuals_per_output=alike(residuals_per_output),
            residuals_per_channel=alike(residuals_per_channel),
            pooling=None
            if pooling is None
            else (*unfinished_windows(layer), pooling.OY, pooling.OX, pooling.stride_y, pooling.stride_x),
        )

    def inputs(self, tile: TileShape[Count], rows: Count, columns: Count, tiles: Count = 1) -> Count:
        """Input rows x columns (halo included, padding left out) of every operand, and a gate's factors.

        Of several tiles together, where `rows` and `columns` are; each of them reads the factors.
        """
        elements = product(self.operands, tile.n, tile.g, tile.c, rows, columns)
        if not is_none(self.gate):
            elements = elements + product(tiles, tile.n, tile.g, self.gate)
        return bits_to_bytes(elements, self.activation_bits)

    @property
    def windows_cut(self) -> Count:
        """Not 0 where a cut may leave windows of a fused pooling unfinished."""
        if self.pooling is None:
            return 0
        rows, columns, *_ = self.pooling
        return rows + columns

    def input_room(self, size_bytes: int) -> Count:
        """Input channels x pixels for which there is room at most; gates and residuals leave less."""
        return size_bytes * 8 // self.activation_bits // larger(self.operands, 1)

    def output_room(self, size_bytes: int) -> Count:
        """Output channels x pixels for which there is room at most; wider partial sums leave less."""
        return size_bytes * 8 // self.activation_bits

    def weights(self, tile: TileShape[Count]) -> Count:
        """Weights of the tile's taps."""
        return ceil_div(self.weight_storage_bits(tile), 8)

    def weight_storage_bits(self, tile: TileShape[Count]) -> Count:
        """Bits of the weights of the tile's taps, as they are stored.

        Pruned ones as those that are not zero, each with the distance to the next (Han et al., Deep
        Compression, ICLR 2016, section 2), unless all of them take less.
        """
        if not self.has_weights:
            return 0
        weights = product(tile.g, tile.k, tile.c, tile.fy, tile.fx)
        if self.density is None:
            return weights * self.weight_bits
        nonzero = ceil_scaled(weights, self.density)
        return smaller(weights * self.weight_bits, nonzero * self.pruned_bits)

    def biases(self, tile: TileShape[Count]) -> Count:
        """Offsets of the tile's outputs; they come with the first input channels and taps."""
        return bits_to_bytes(product(tile.g, tile.k, self.bias), self.offset_bits)

    def outputs(self, tile: TileShape[Count], partial: Count) -> Count:
        """Outputs while they are computed: as wide as a partial sum where others add to them."""
        elements = product(tile.n, tile.g, tile.k, tile.y, tile.x)
        final = bits_to_bytes(elements, self.activation_bits)
        if self.partial_sum_bits <= self.activation_bits:
            return final
        return final + partial * (bits_to_bytes(elements, self.partial_sum_bits) - final)

    def residual(self, tile: TileShape[Count], tiles: Count = 1) -> Count:
        """Residuals of fused operators: as large as the outputs, or a factor for each channel.

        Of several tiles together, where `tile` is their sum; each of them reads the factors.
        """
        if is_none(self.residuals_per_output) and is_none(self.residuals_per_channel):
            return 0
        factors = product(tiles, tile.n, self.residuals_per_channel)
        elements = tile.g * tile.k * (self.residuals_per_output * tile.pixels + factors)
        return bits_to_bytes(elements, self.activation_bits)

    def stored(self, tile: TileShape[Count], rows: Count, columns: Count) -> Count:
        """Complete outputs of the tile: rows x columns of results of each image and channel."""
        return bits_to_bytes(product(tile.n, tile.g, tile.k, rows, columns), self.activation_bits)

    def unfinished(
        self, tile: TileShape[Count], output_channels: Count, rows_cut: Count, columns_cut: Count
    ) -> Count:
        """Results of pooling windows that a cut between tiles leaves unfinished, kept for `output_channels`.

        The order is one in which the loop over columns lies in that over rows, and both lie in those over
        images and groups.
        """
        if self.pooling is None:
            return 0
        channels = tile.n * tile.g * output_channels
        return self.windows(tile, channels * rows_cut, channels * columns_cut, 1)

    def windows(
        self, tile: TileShape[Count], behind_rows: Count, behind_columns: Count, columns_in_rows: Count
    ) -> Count:
        """Results of unfinished pooling windows: a maximum or an average can be kept as what it gave so far.

        Args:
            tile: Its rows and columns.
            behind_rows: Channels of all images for which a cut between rows leaves windows unfinished.
            behind_columns: Likewise, between columns.
            columns_in_rows: 1 where the loop over columns lies in that over rows; 0 where it is the other way
                round.
        """
        if self.pooling is None:
            return 0
        rows, columns, height, width, stride_y, stride_x = self.pooling
        beside, below = ceil_div(tile.y, stride_y) + rows, ceil_div(tile.x, stride_x) + columns
        across_rows = rows * (below + columns_in_rows * (width - below))
        across_columns = columns * (height + columns_in_rows * (beside - height))
        return bits_to_bytes(
            behind_rows * across_rows + behind_columns * across_columns, self.activation_bits
        )


def residual_elements(layer: LoopNest[CountT]) -> tuple[CountT, CountT]:
    """Elements of residuals for each output, and for each output channel."""
    full: CountT = 0
    gate: CountT = 0
    channels, pixels = layer.G * layer.K, layer.OY * layer.OX
    for operator in layer.fused:
        per_channel = operator.residual_elements // channels
        is_gate = at_most_one(operator.residual_elements % channels + per_channel % pixels)
        full = full + per_channel // pixels * (1 - is_gate)
        gate = gate + per_channel * is_gate
    return full, gate


def least_weight_storage_bits(layer: LoopNest[Count], machine: Precision) -> Count:
    """What all weights of a layer take at least, however they are cut into tiles.

    Not rounded to whole weights: each tile may keep all of its weights or only those that are not zero.
    """
    bits = weight_bits(layer, machine)
    if layer.weight_density is None:
        return layer.weights * bits
    nonzero_bits = layer.weight_density * (bits + pruned_index_bits(layer, machine))
    return ceil_scaled(layer.weights, np.minimum(float(bits), nonzero_bits))
