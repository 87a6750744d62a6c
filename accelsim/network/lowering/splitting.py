"""What is taken apart again: a pooling runs after its layer where a machine cannot do both at once."""

from dataclasses import replace

from accelsim.network.layer import Layer


def unfused(layer: Layer) -> tuple[Layer, Layer]:
    """A layer without the pooling that it carries, and the pooling."""
    return replace(layer, pooling=None), pooling_layer(layer)


def pooling_layer(layer: Layer) -> Layer:
    """The pooling that a layer carries, as a layer of its own."""
    pooling = layer.pooling
    if pooling is None:
        raise ValueError(f"{layer.name} carries no pooling")
    return Layer(
        name=pooling.name,
        operator=pooling.operator,
        stage=layer.stage,
        G=layer.G * layer.K,
        K=1,
        C=1,
        OY=pooling.OY,
        OX=pooling.OX,
        FY=pooling.FY,
        FX=pooling.FX,
        IY=layer.OY,
        IX=layer.OX,
        stride_y=pooling.stride_y,
        stride_x=pooling.stride_x,
        pad_top=pooling.pad_top,
        pad_left=pooling.pad_left,
        vector_ops=layer.stored_elements * pooling.FY * pooling.FX,
        activation_bits=layer.activation_bits,
        partial_sum_bits=layer.partial_sum_bits,
    )
