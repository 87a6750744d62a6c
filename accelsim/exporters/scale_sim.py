"""SCALE-Sim's topology: a CSV file with a convolution a line (scalesim 3.0.0, topology_utils.py).

A line says what is read of the input, padding included, so that the outputs are those of the layer:
(OY - 1) x stride + FY rows. A name with DP in it is a depthwise convolution there: each channel alone, with
`Num Filter` filters. Other groups are lines of their own.
"""

import re
from collections.abc import Iterator
from typing import Final

from accelsim.errors import Complaint, NetworkError
from accelsim.exporters.workload import Workload
from accelsim.network.layer import Layer

HEADER: Final = (
    "Layer name, IFMAP Height, IFMAP Width, Filter Height, Filter Width, Channels, Num Filter, Strides,"
)
DEPTHWISE: Final = "DP"
"""What SCALE-Sim knows depthwise convolutions by: the letters anywhere in a name."""


def topology(workload: Workload) -> str:
    """The topology of a network.

    Args:
        workload: Its layers.

    Returns:
        The text of the file.

    Raises:
        NetworkError: With a line for each layer that SCALE-Sim cannot be told.

    Example:
        >>> from accelsim import load_network
        >>> from accelsim.exporters.workload import workload_of
        >>> print(topology(workload_of(load_network("squeezenet_v1_1"))).splitlines()[1])
        conv1, 223, 223, 3, 3, 3, 64, 2,
    """
    mistakes = [
        Complaint(
            f"{layer.name}: has the strides {layer.stride_y} and {layer.stride_x}: SCALE-Sim has one",
            workload.name,
        )
        for layer in workload.layers
        if _stride(layer) is None
    ]
    if mistakes:
        raise NetworkError.of(*mistakes)
    lines = [line for layer in workload.layers for line in _lines(layer)]
    return "\n".join([HEADER, *lines]) + "\n"


def unsaid(workload: Workload) -> Iterator[str]:
    """What the file does not say of the layers that are in it."""
    dilated = [layer.name for layer in workload.layers if (layer.dilation_y, layer.dilation_x) != (1, 1)]
    if dilated:
        yield f"dilation is not said ({dilated[0]} and {len(dilated) - 1} more): the taps lie side by side"
    if workload.images > 1:
        yield f"the batch of {workload.images} is not said: each layer is that of one image"


def _lines(layer: Layer) -> Iterator[str]:
    depthwise = layer.G > 1 and layer.C == 1
    name = _name(layer.name)
    stride = _stride(layer) or 1
    height = (layer.OY - 1) * stride + layer.FY
    width = (layer.OX - 1) * stride + layer.FX
    sizes = (height, width, layer.FY, layer.FX, layer.G if depthwise else layer.C, layer.K, stride)
    rest = ", ".join(map(str, sizes))
    if layer.G == 1:
        yield f"{name}, {rest},"
    elif depthwise:
        yield f"{name}_{DEPTHWISE}, {rest},"
    else:
        yield from (f"{name}_group{group + 1}, {rest}," for group in range(layer.G))


def _name(name: str) -> str:
    """A name without the letters that would make it depthwise, and without commas."""
    return re.sub(r"[,\"\s]", "_", name).replace(DEPTHWISE, "Dp")


def _stride(layer: Layer) -> int | None:
    """The one along both axes; that of an axis with one output does not matter."""
    strides = {
        stride for stride, outputs in ((layer.stride_y, layer.OY), (layer.stride_x, layer.OX)) if outputs > 1
    }
    return None if len(strides) > 1 else next(iter(strides), 1)
