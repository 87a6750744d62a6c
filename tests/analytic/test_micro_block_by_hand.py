"""Micro blocks of Ethos-U55-128, as Vela estimates them: numbers worked out by hand."""

import pytest
from machines import conv, machine

from accelsim.mapping.dataflows import dataflow_of
from accelsim.mapping.tile import TileShape
from accelsim.verification.passes.micro_block import walk
from accelsim.verification.passes.tile import ArrayMachine, TileWork

MICRO_BLOCK = dataflow_of("micro_block")
ETHOS = machine(**{"pe_array.rows": 8, "pe_array.columns": 16, "pe_array.dataflows": ["micro_block"]})
LAYER = conv(64, 64, (16, 16), kernel=(3, 3))
"""Dense; what a tile takes is in its own bounds."""


def tile(**sizes):
    return TileShape(**dict.fromkeys(("n", "g", "k", "c", "y", "x", "fy", "fx"), 1) | sizes)


def walked(shape):
    sizes = (shape.n, shape.g, shape.k, shape.c, shape.y, shape.x, shape.fy, shape.fx)
    work = TileWork(*sizes, (1, 1), (1, 1), nonzero=0, resumes=False)
    return walk(work, ArrayMachine.of(ETHOS, "micro_block", idle_rows=0))


@pytest.mark.parametrize(
    ("sizes", "expected"),
    [
        # 8 channels of 2 pixels, 32 input channels of one tap: a step of four cycles; 16 outputs leave in 8.
        ({"k": 8, "c": 64, "x": 2}, 2 * 4),
        ({"k": 8, "c": 32, "x": 2}, 8),
        # Nine taps: of 32 channels nine steps, one for each; of 8 channels three, of four taps each.
        ({"k": 8, "c": 32, "x": 2, "fy": 3, "fx": 3}, 9 * 4),
        ({"k": 8, "c": 8, "x": 2, "fy": 3, "fx": 3}, 3 * 4),
        ({"k": 8, "c": 3, "x": 2, "fy": 3, "fx": 3}, 3 * 4),
        # Depthwise, eight groups share a micro block.
        ({"g": 16, "x": 2, "fy": 3, "fx": 3}, 2 * 3 * 4),
        # Groups of more than one channel do not.
        ({"g": 4, "k": 2, "c": 16, "x": 2, "fy": 3, "fx": 3}, 4 * 6 * 4),
        # Nine channels and three pixels are two micro blocks each; rows never share one.
        ({"k": 9, "c": 96, "y": 5, "x": 3}, 5 * 2 * 2 * 3 * 4),
        # Two outputs leave in a cycle: 96 channels of 112 x 112 pixels take longer than their products.
        ({"k": 96, "c": 16, "y": 112, "x": 112}, 96 * 112 * 112 // 2),
    ],
)
def test_a_tile_takes_its_micro_blocks(sizes, expected):
    shape = tile(**sizes)
    assert MICRO_BLOCK.execute(LAYER, shape, 0, ETHOS).cycles == expected
    assert walked(shape).cycles == expected


def test_weights_are_read_once_for_each_block_of_outputs():
    work = MICRO_BLOCK.execute(LAYER, tile(k=8, c=8, y=16, x=16), 0, ETHOS)
    assert work.weight_read_words == 2 * 64
