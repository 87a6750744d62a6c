"""NE16's patches, cycle by cycle as its authors' model counts them: numbers worked out by hand."""

import pytest
from machines import conv, machine

from accelsim.mapping.dataflows import dataflow_of
from accelsim.mapping.dataflows.bit_serial import patch_side
from accelsim.mapping.tile import TileShape
from accelsim.verification.passes.bit_serial import walk
from accelsim.verification.passes.tile import ArrayMachine, TileWork

BIT_SERIAL = dataflow_of("bit_serial")
NE16 = machine(**{"pe_array.rows": 9, "pe_array.columns": 16, "pe_array.dataflows": ["bit_serial"]})
END = 8 + 9 + 8 + 4
"""Shift, scale, bias and stream, before the first channel of each."""
DENSE, DEPTHWISE = conv(64, 64, (12, 12), kernel=(3, 3)), conv(1, 1, (12, 12), kernel=(3, 3), G=64)
STRIDED = conv(64, 64, (12, 12), kernel=(3, 3), stride=(2, 2))


def tile(**sizes):
    return TileShape(**dict.fromkeys(("n", "g", "k", "c", "y", "x", "fy", "fx"), 1) | sizes)


def walked(layer, shape):
    strides, dilations = (layer.stride_y, layer.stride_x), (layer.dilation_y, layer.dilation_x)
    sizes = (shape.n, shape.g, shape.k, shape.c, shape.y, shape.x, shape.fy, shape.fx)
    work = TileWork(*sizes, strides, dilations, nonzero=0, resumes=False, depthwise=layer is DEPTHWISE)
    return walk(work, ArrayMachine.of(NE16, "bit_serial", idle_rows=0))


@pytest.mark.parametrize(
    ("layer", "sizes", "expected"),
    [
        # A patch of 3x3 outputs of 32 channels of 16: load 31, offset 6, products 6 + 8 x 32, next 2.
        (DENSE, {"k": 32, "c": 16, "y": 3, "x": 3, "fy": 3, "fx": 3}, 31 + 6 + 262 + 2 + END + 8 + 4 + 9),
        # Four blocks of input channels add to the same sums; the end comes once.
        (DENSE, {"k": 32, "c": 64, "y": 3, "x": 3, "fy": 3, "fx": 3}, 4 * 301 + END + 8 + 4 + 9),
        # Two patches, the second of which hangs over; 33 channels are 32 and one.
        (
            DENSE,
            {"k": 33, "c": 16, "y": 3, "x": 4, "fy": 3, "fx": 3},
            2 * (301 + END + 12 + 9 + (31 + 6 + 14 + 2) + END + 1 + 1 + 9),
        ),
        # A kernel of one tap: 10 + 9 to load, a cycle a channel.
        (DENSE, {"k": 32, "c": 17, "y": 3, "x": 3}, 2 * (19 + 6 + 38 + 2) + END + 12 + 9),
        # A fully connected layer is one pixel of a patch.
        (DENSE, {"k": 128, "c": 128}, 4 * (8 * 65 + END + 12 + 9)),
        # Depthwise: 16 channels one after the other.
        (DEPTHWISE, {"g": 64, "y": 3, "x": 3, "fy": 3, "fx": 3}, 4 * (31 + 6 + 134 + 2 + END + 4 + 2 + 9)),
        # Strided, a patch is of 2x2 outputs.
        (STRIDED, {"k": 32, "c": 16, "y": 4, "x": 4, "fy": 3, "fx": 3}, 4 * (301 + END + 12 + 4)),
    ],
)
def test_a_tile_takes_its_patches(layer, sizes, expected):
    shape = tile(**sizes)
    assert BIT_SERIAL.execute(layer, shape, 0, NE16).cycles == expected
    assert walked(layer, shape).cycles == expected


def test_windows_of_a_patch_are_read_once_for_each_block_of_output_channels():
    work = BIT_SERIAL.execute(DENSE, tile(k=64, c=16, y=6, x=4, fy=3, fx=3), 0, NE16)
    # Rows of two patches, 5 inputs each; columns of one patch and of one pixel, 5 and 3.
    assert work.input_read_words == 2 * 16 * (5 + 5) * (5 + 3)
    assert work.weight_read_words == 4 * 64 * 16 * 9


@pytest.mark.parametrize(("patch", "stride", "side"), [(3, 1, 3), (3, 2, 2), (3, 3, 1), (1, 1, 1), (4, 2, 2)])
def test_outputs_of_a_patch_have_their_windows_in_the_buffer(patch, stride, side):
    assert patch_side(patch, stride) == side


@pytest.mark.parametrize(
    ("layer", "why"),
    [
        (conv(8, 8, (9, 9), kernel=(5, 5)), "runs kernels of 1x1 and 3x3, not of 5x5"),
        (conv(64, 1, (25, 5), kernel=(10, 4)), "runs kernels of 1x1 and 3x3, not of 10x4"),
        (conv(8, 8, (9, 9), kernel=(3, 3), stride=(3, 3)), "runs strides of 1 and 2, not of 3x3"),
        (conv(8, 8, (9, 9), kernel=(3, 3), G=2), "runs no groups of several channels"),
    ],
)
def test_what_it_has_no_mode_for_is_refused_in_words(layer, why):
    assert BIT_SERIAL.refusal(layer) == why


@pytest.mark.parametrize("layer", [DENSE, DEPTHWISE, STRIDED, conv(8, 8, (9, 9))])
def test_what_it_has_a_mode_for_is_not(layer):
    assert BIT_SERIAL.refusal(layer) == ""
