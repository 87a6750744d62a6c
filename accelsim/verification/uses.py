"""What a tile of a layer reads: of each operand, the elements that its part of the loop nest touches."""

from typing import Literal, TypeAlias, assert_never

from accelsim.mapping.regions import Range, Region, Tile
from accelsim.verification.case import Case
from accelsim.verification.windows import Windows

ReadTensor: TypeAlias = Literal["weights", "offsets", "inputs", "factors", "residual", "residual_factors"]
"""Tensors that tiles read; their axes are in tensors.py."""


class Uses:
    """What tiles of a layer read."""

    def __init__(self, case: Case) -> None:
        self.layer = case.mapped
        self.windows = Windows(case.mapped)
        arrays = case.tensors.as_mapped(case.form)
        self.factors: int = arrays["factors"].shape[2]
        self.residuals: int = arrays["residual"].shape[1]
        self.residual_factors: int = arrays["residual_factors"].shape[3]

    def region(self, tensor: ReadTensor, tile: Tile) -> Region | None:
        """The elements of a tensor that a tile reads; None where it reads none."""
        n, g, k, c, y, x, fy, fx = tile
        layer = self.layer
        ranges: tuple[Range, ...] | None
        match tensor:
            case "weights":
                ranges = (g, k, c, fy, fx) if layer.on_array else None
            case "offsets":
                ranges = (g, k) if layer.on_array and layer.bias else None
            case "inputs":
                rows, columns = self.windows.touched(tile)
                exist = rows[0] < rows[1] and columns[0] < columns[1]
                ranges = (n, (0, layer.operands), g, c, rows, columns) if exist else None
            case "factors":
                ranges = (n, g, (0, self.factors)) if self.factors else None
            case "residual":
                ranges = (n, (0, self.residuals), g, k, y, x) if self.residuals else None
            case "residual_factors":
                ranges = (n, g, k, (0, self.residual_factors)) if self.residual_factors else None
            case _:
                assert_never(tensor)
        return None if ranges is None else Region(tensor, ranges)

    def brought_inputs(self, tile: Tile) -> int:
        """Elements of inputs and factors that come for a tile: all between its first window and its last."""
        rows, columns = self.windows.spanned(tile)
        sizes = [end - start for start, end in (tile.n, tile.g, tile.c, rows, columns)]
        images, groups, channels, height, width = sizes
        return images * groups * (self.layer.operands * channels * height * width + self.factors)
