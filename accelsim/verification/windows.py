"""Windows: which inputs a tile of outputs and taps reads, and how they come to lie under the taps."""

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from accelsim.mapping.regions import Range, Tile
from accelsim.network.layer import Layer
from accelsim.verification.functions import Integers


@dataclass(frozen=True)
class WindowAxis:
    """Rows or columns of a layer."""

    inputs: int
    stride: int
    dilation: int
    pad: int

    def touched(self, outputs: Range, taps: Range) -> Range:
        """From the first to the last input that some taps read at some outputs; none of the padding."""
        starts = np.arange(*outputs) * self.stride - self.pad
        inputs = np.add.outer(starts, np.arange(*taps) * self.dilation)
        inside = inputs[(inputs >= 0) & (inputs < self.inputs)]
        return (int(inside.min()), int(inside.max()) + 1) if inside.size else (0, 0)

    def spanned(self, outputs: Range, taps: Range) -> Range:
        """From the first to the last input under some taps at some outputs, whether read or skipped."""
        first = max(self.first(outputs, taps), 0)
        behind = self.first(outputs, taps) + self.reach(outputs, taps)
        return first, max(first, min(behind, self.inputs))

    def first(self, outputs: Range, taps: Range) -> int:
        """The input under the first of some taps at the first output; negative in the padding."""
        return outputs[0] * self.stride - self.pad + taps[0] * self.dilation

    def reach(self, outputs: Range, taps: Range) -> int:
        """Inputs from the first tap at the first output to the last tap at the last, padding included."""
        return (outputs[1] - outputs[0] - 1) * self.stride + (taps[1] - taps[0] - 1) * self.dilation + 1


class Windows:
    """The windows of a layer."""

    def __init__(self, layer: Layer) -> None:
        self.rows = WindowAxis(layer.IY, layer.stride_y, layer.dilation_y, layer.pad_top)
        self.columns = WindowAxis(layer.IX, layer.stride_x, layer.dilation_x, layer.pad_left)
        self.touched_rows, self.touched_columns = cache(self.rows.touched), cache(self.columns.touched)

    def touched(self, tile: Tile) -> tuple[Range, Range]:
        """Rows and columns of the inputs that a tile reads."""
        return self.touched_rows(tile.y, tile.fy), self.touched_columns(tile.x, tile.fx)

    def spanned(self, tile: Tile) -> tuple[Range, Range]:
        """Rows and columns of the inputs that come for a tile."""
        return self.rows.spanned(tile.y, tile.fy), self.columns.spanned(tile.x, tile.fx)

    def patches(self, inputs: Integers, tile: Tile, outside: float, kind: type[Any]) -> Integers:
        """The input of each of a tile's taps at each of its outputs.

        Args:
            inputs: n x operands x g x c x touched rows x touched columns.
            tile: The tile.
            outside: What stands in the padding.
            kind: The numpy type of the patches.

        Returns:
            n x operands x g x c x taps x y x x.
        """
        rows, columns = self.rows, self.columns
        along_y, along_x = (tile.y, tile.fy), (tile.x, tile.fx)
        height, width = (end - start for start, end in (tile.y, tile.x))
        padded = np.full(
            (*inputs.shape[:-2], rows.reach(*along_y), columns.reach(*along_x)), outside, dtype=kind
        )
        if inputs.size:
            touched_rows, touched_columns = self.touched(tile)
            row, column = touched_rows[0] - rows.first(*along_y), touched_columns[0] - columns.first(*along_x)
            padded[..., row : row + inputs.shape[-2], column : column + inputs.shape[-1]] = inputs
        under = [
            padded[
                ...,
                fy * rows.dilation : fy * rows.dilation + (height - 1) * rows.stride + 1 : rows.stride,
                fx * columns.dilation : fx * columns.dilation
                + (width - 1) * columns.stride
                + 1 : columns.stride,
            ]
            for fy in range(tile.fy[1] - tile.fy[0])
            for fx in range(tile.fx[1] - tile.fx[0])
        ]
        return np.stack(under, axis=-3)
