"""Whether what a layer does for a batch can be counted: tiles are costed with 64-bit integers, which wrap.

Nothing that is counted of a layer, in any mapping, exceeds the larger of two numbers: the products of all
loop bounds with as many inputs as a window reaches over (whatever is read again for each tile, pixel, output
channel and tap), and the operations of the vector unit. Each counts twice (read and written), in bits,
or in bursts of which each may bring a single element.
docs/decisions/bounds.md derives it.
"""

from typing import Final

from accelsim.descriptions.limits import MAX_COUNT
from accelsim.hardware import Hardware
from accelsim.mapping.unmappable import Uncountable
from accelsim.network.layer import Layer

WIDEST_BITS: Final = 64
BITS: Final = 2 * WIDEST_BITS
"""Of the widest element, read and written."""


def uncountable(layer: Layer, batch: int, hardware: Hardware) -> Uncountable | None:
    """Why a layer cannot be mapped for so many images; None where it can."""
    longest_bytes = max([channel.burst_bytes for channel in hardware.channels])
    of_an_image = most_counted(layer) * max(1, 8 * longest_bytes // WIDEST_BITS)
    return None if of_an_image * batch <= MAX_COUNT else Uncountable(batch, MAX_COUNT // of_an_image)


def most_counted(layer: Layer) -> int:
    """More than anything that is counted of an image, whatever the mapping."""
    reach_y = max(layer.stride_y, (layer.FY - 1) * layer.dilation_y + 1)
    reach_x = max(layer.stride_x, (layer.FX - 1) * layer.dilation_x + 1)
    loops = layer.operands * layer.G * layer.K * layer.C * layer.OY * layer.OX
    ops = layer.vector_ops + sum(operator.vector_ops + operator.residual_elements for operator in layer.fused)
    if layer.pooling is not None:
        ops += layer.output_elements * layer.pooling.FY * layer.pooling.FX
    return BITS * (loops * reach_y * reach_x + layer.gate_elements * layer.OY * layer.OX + ops)
