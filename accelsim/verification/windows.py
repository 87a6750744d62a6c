"""Windows: which inputs a range of outputs reads, and how they come to lie under the kernel taps."""

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from accelsim.mapping.regions import Range
from accelsim.network.layer import Layer
from accelsim.verification.functions import Integers


@dataclass(frozen=True)
class WindowAxis:
    """Rows or columns of a layer."""

    inputs: int
    kernel: int
    stride: int
    dilation: int
    pad: int

    def touched(self, outputs: Range) -> Range:
        """From the first to the last input that the windows of some outputs read; none of the padding."""
        taps = np.arange(self.kernel) * self.dilation
        starts = np.arange(*outputs) * self.stride - self.pad
        inputs = np.add.outer(starts, taps)
        inside = inputs[(inputs >= 0) & (inputs < self.inputs)]
        return (int(inside.min()), int(inside.max()) + 1) if inside.size else (0, 0)

    def spanned(self, outputs: Range) -> Range:
        """From the first to the last input under the windows of some outputs, whether read or skipped."""
        first = max(self.first(outputs), 0)
        return first, max(first, min(self.first(outputs) + self.reach(outputs), self.inputs))

    def first(self, outputs: Range) -> int:
        """The input under the first tap of the first output; negative in the padding."""
        return outputs[0] * self.stride - self.pad

    def reach(self, outputs: Range) -> int:
        """Inputs from the first tap of the first output to the last tap of the last, padding included."""
        return (outputs[1] - outputs[0] - 1) * self.stride + (self.kernel - 1) * self.dilation + 1


class Windows:
    """The windows of a layer."""

    def __init__(self, layer: Layer) -> None:
        self.rows = WindowAxis(layer.IY, layer.FY, layer.stride_y, layer.dilation_y, layer.pad_top)
        self.columns = WindowAxis(layer.IX, layer.FX, layer.stride_x, layer.dilation_x, layer.pad_left)
        self.touched_rows, self.touched_columns = cache(self.rows.touched), cache(self.columns.touched)

    def touched(self, y: Range, x: Range) -> tuple[Range, Range]:
        """Rows and columns of the inputs that a tile of outputs reads."""
        return self.touched_rows(y), self.touched_columns(x)

    def spanned(self, y: Range, x: Range) -> tuple[Range, Range]:
        """Rows and columns of the inputs that come for a tile of outputs."""
        return self.rows.spanned(y), self.columns.spanned(x)

    def patches(self, inputs: Integers, y: Range, x: Range, outside: float, kind: type[Any]) -> Integers:
        """The input of each tap at each output.

        Args:
            inputs: operands x g x c x touched rows x touched columns.
            y: Output rows.
            x: Output columns.
            outside: What stands in the padding.
            kind: The numpy type of the patches.

        Returns:
            operands x g x c x taps x y x x.
        """
        rows, columns = self.rows, self.columns
        touched_rows, touched_columns = self.touched(y, x)
        padded = np.full((*inputs.shape[:3], rows.reach(y), columns.reach(x)), outside, dtype=kind)
        if inputs.size:
            top, left = touched_rows[0] - rows.first(y), touched_columns[0] - columns.first(x)
            padded[..., top : top + inputs.shape[3], left : left + inputs.shape[4]] = inputs
        under = [
            padded[
                ...,
                fy * rows.dilation : fy * rows.dilation + (y[1] - y[0] - 1) * rows.stride + 1 : rows.stride,
                fx * columns.dilation : fx * columns.dilation
                + (x[1] - x[0] - 1) * columns.stride
                + 1 : columns.stride,
            ]
            for fy in range(rows.kernel)
            for fx in range(columns.kernel)
        ]
        return np.stack(under, axis=3)
