"""Shapes as people write them."""

import pytest

from accelsim.network.graph import Draft, Shape
from accelsim.network.layer import Layer, Pooling
from accelsim.network.operators import (
    activation,
    channel_shuffle,
    conv,
    fully_connected,
    max_pool,
    network_input,
)
from accelsim.network.shapes import layer_shape, operator_name, operator_shape

POOLED = Pooling(name="pool", operator="max_pool", OY=13, OX=13, FY=3, FX=3, stride_y=2, stride_x=2)


@pytest.mark.parametrize(
    ("layer", "text"),
    [
        (
            Layer("a", "conv", K=64, C=3, OY=112, OX=112, FY=5, FX=5, stride_y=2, stride_x=2),
            "64x3x5x5/2 -> 112x112",
        ),
        (
            Layer("b", "conv", G=2, K=128, C=48, OY=27, OX=27, FY=5, FX=5, pooling=POOLED),
            "256x96x5x5 g2 -> 27x27 -> 13x13",
        ),
        (Layer("c", "conv", G=32, K=1, C=1, OY=7, OX=9, FY=3, FX=3), "32x32x3x3 g32 -> 7x9"),
        (Layer("d", "conv", K=16, C=8, OY=7, OX=7, FY=3, stride_y=2), "16x8x3x1/2x1 -> 7x7"),
        (
            Layer("g", "conv", K=16, C=16, OY=64, OX=64, FY=3, FX=3, dilation_y=4, dilation_x=4),
            "16x16x3x3 d4 -> 64x64",
        ),
        (
            Layer("h", "conv", G=8, K=1, C=1, OY=9, OX=9, FY=3, FX=3, dilation_y=1, dilation_x=2),
            "8x8x3x3 g8 d1x2 -> 9x9",
        ),
        (Layer("e", "fully_connected", K=1000, C=1024, OY=1, OX=1), "1000x1024x1x1 -> 1x1"),
        (
            Layer("f", "max_pool", G=64, K=1, C=1, OY=56, OX=56, FY=3, FX=3, stride_y=2, stride_x=2),
            "64x3x3/2 -> 56x56",
        ),
    ],
)
def test_a_layer(layer, text):
    assert str(layer_shape(layer)) == text


def test_operators():
    draft = Draft()
    image = network_input(draft, "input", Shape(3, 16, 16))
    last = conv(draft, "conv", image, out_channels=8, kernel=3, stride=2, groups=1)
    last = conv(draft, "grouped", last, out_channels=8, kernel=(3, 1), padding=1, groups=4)
    last = activation(draft, "relu", last, function="relu")
    last = channel_shuffle(draft, "shuffle", last, groups=2)
    last = max_pool(draft, "pool", last, kernel=2, stride=2)
    fully_connected(draft, "fc", last, out_features=10)
    found = {
        node.name: (operator_name(node.operator), str(operator_shape(node.operator)))
        for node in draft.graph.nodes
    }
    assert found == {
        "input": ("input", "3 -> 16x16"),
        "conv": ("conv", "8x3x3x3/2 -> 7x7"),
        "grouped": ("conv", "8x8x3x1 g4 -> 7x9"),
        "relu": ("relu", "8 -> 7x9"),
        "shuffle": ("channel_shuffle", "8 -> 7x9"),
        "pool": ("max_pool", "8x2x2/2 -> 3x4"),
        "fc": ("fully_connected", "10x96x1x1 -> 1x1"),
    }
