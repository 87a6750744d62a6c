"""What is taken apart again: a pooling runs after its layer where a machine cannot do both at once."""

from dataclasses import replace

from accelsim.network.graph import Shape
from accelsim.network.layer import Layer
from accelsim.network.lowering.loop_nests import Bits, vector_layer


def unfused(layer: Layer) -> tuple[Layer, Layer]:
    """A layer without the pooling that it carries, and the pooling.

    Args:
        layer: One that carries a pooling.

    Returns:
        Two layers that compute the same, one after the other; the second runs on the vector unit.

    Raises:
        ValueError: The layer carries no pooling.

    Example:
        >>> from accelsim.network import load_network, lowered_network
        >>> conv1 = lowered_network(load_network("squeezenet_v1_1")).graph["conv1"].layer
        >>> [layer.name for layer in unfused(conv1)]
        ['conv1', 'pool1']
    """
    return replace(layer, pooling=None, given_pooling=None), pooling_layer(layer)


def pooling_layer(layer: Layer) -> Layer:
    """The pooling that a layer carries, as a layer of its own."""
    pooling = layer.pooling
    if pooling is None:
        raise ValueError(f"{layer.name} carries no pooling")
    channels = layer.G * layer.K
    image, output = Shape(channels, layer.OY, layer.OX), Shape(channels, pooling.OY, pooling.OX)
    bits = Bits(activation_bits=layer.activation_bits, partial_sum_bits=layer.partial_sum_bits)
    vector_ops = output.elements * pooling.FY * pooling.FX
    return replace(
        vector_layer(pooling.name, pooling.operator, image, output, bits, layer.stage, vector_ops),
        FY=pooling.FY,
        FX=pooling.FX,
        stride_y=pooling.stride_y,
        stride_x=pooling.stride_x,
        pad_top=pooling.pad_top,
        pad_left=pooling.pad_left,
        given=layer.given_pooling,
    )
