"""Forms: a layer may be mapped as another loop nest that does the same work on the same elements.

Where a pixel reads one pixel, the images of a batch are rows of one plane; and a pooling over the whole
plane is a sum (or maximum) over as many input channels as the plane has pixels. Here is which of the
two a mapping's own layer is, found by comparing loop bounds, and how the elements of the one lie in the
other.
"""

from dataclasses import dataclass
from typing import Any

import numpy.typing as npt

from accelsim.network.layer import Layer
from accelsim.verification.difference import Difference
from accelsim.verification.mismatch import refuse


@dataclass(frozen=True)
class Form:
    """How the elements of a layer's tensors lie in the layer that was mapped."""

    batch: int
    images_are_rows: bool
    pixels_are_channels: bool

    @property
    def images(self) -> int:
        """Images that the mapped layer goes through one after the other."""
        return 1 if self.images_are_rows else self.batch

    def view(self, tensor: str, array: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """A tensor of the layer as a tensor of the mapped layer."""
        if tensor == "inputs" and self.pixels_are_channels:
            array = array.reshape(*array.shape[:3], -1, 1, 1)
        if not self.images_are_rows or tensor in {"weights", "offsets", "factors"}:
            return array
        if tensor == "residual_factors":
            _, groups, channels, factors = array.shape
            return array.transpose(1, 2, 0, 3).reshape(1, groups, channels, self.batch * factors)
        images, *outer, rows, columns = array.shape
        axes = (*range(1, array.ndim - 2), 0, array.ndim - 2, array.ndim - 1)
        return array.transpose(axes).reshape(1, *outer, images * rows, columns)


def form_of(layer: Layer, mapped: Layer, batch: int) -> Form:
    """The form that a mapped layer is of a layer; refuses one that is not the same work."""
    rows = mapped.OY != layer.OY
    channels = mapped.C != layer.C
    _check_bounds(layer, mapped, batch if rows else 1, channels)
    pixel = (mapped.stride_y, mapped.pad_top, mapped.FY, mapped.FX, mapped.IY)
    if rows and pixel != (1, 0, 1, 1, mapped.OY):
        refuse(Difference.IMAGES_ARE_NO_ROWS)
    return Form(batch, rows, channels)


def _check_bounds(layer: Layer, mapped: Layer, stacked: int, flattened: bool) -> None:
    pixels = layer.IY * layer.IX
    kernel = (1, 1) if flattened else (layer.FY, layer.FX)
    plane = (stacked, 1) if flattened else (stacked * layer.IY, layer.IX)
    expected = {
        "G": layer.G,
        "K": layer.K,
        "C": pixels if flattened else layer.C,
        "OY": stacked * layer.OY,
        "OX": layer.OX,
        "FY": kernel[0],
        "FX": kernel[1],
        "IY": plane[0],
        "IX": plane[1],
        "operands": layer.operands,
        "dilation_y": layer.dilation_y,
        "dilation_x": layer.dilation_x,
        "pad_top": layer.pad_top,
        "pad_left": layer.pad_left,
    }
    if not flattened and layer.OY > 1:
        expected["stride_y"] = layer.stride_y
    if not flattened and layer.OX > 1:
        expected["stride_x"] = layer.stride_x
    whole = (layer.C, layer.OY, layer.OX, layer.FY, layer.FX) == (1, 1, 1, layer.IY, layer.IX)
    if flattened and not (whole and layer.pad_top == layer.pad_left == 0):
        refuse(Difference.PIXELS_ARE_NO_CHANNELS)
    for bound, value in expected.items():
        if (of_mapped := getattr(mapped, bound)) != value:
            refuse(Difference.OTHER_BOUND, bound=bound, mapped=of_mapped, expected=value)
