"""Shapes, parameters and MACs of each operator, and what it says when its inputs do not fit."""

import re

import pytest

from accelsim.errors import NetworkError
from accelsim.network import operators as ops
from accelsim.network.graph import Draft, Shape


@pytest.fixture
def draft():
    draft = Draft(stage="s", block="b")
    ops.network_input(draft, "x", Shape(8, 14, 10))
    return draft


def made(draft, node):
    return draft.graph[node].operator


def test_convolution_counts_weights_biases_and_macs(draft):
    conv = made(draft, ops.conv(draft, "c", "x", out_channels=6, kernel=(3, 1), groups=2, bias=True))
    assert conv.output == Shape(6, 12, 10)
    assert conv.weights == 6 * 4 * 3
    assert (conv.biases, conv.norms, conv.params) == (6, 0, 78)
    assert conv.macs == 72 * 12 * 10


@pytest.mark.parametrize(
    ("arguments", "height", "width"),
    [
        ({"kernel": 3}, 12, 8),
        ({"kernel": 3, "padding": 1}, 14, 10),
        ({"kernel": 3, "padding": (1, 0)}, 14, 8),
        ({"kernel": 3, "padding": (0, 1, 2, 3)}, 13, 13),
        ({"kernel": 3, "stride": 2}, 6, 4),
        ({"kernel": 3, "stride": (1, 2)}, 12, 4),
        ({"kernel": 3, "dilation": 2}, 10, 6),
        ({"kernel": 3, "dilation": (1, 4), "padding": (0, 4)}, 12, 10),
        ({"kernel": 3, "stride": 2, "padding": "same"}, 7, 5),
        ({"kernel": 5, "stride": 3, "padding": "same"}, 5, 4),
        ({"kernel": 1, "stride": 2, "padding": "same"}, 7, 5),
    ],
)
def test_output_sizes_of_convolution(draft, arguments, height, width):
    conv = made(draft, ops.conv(draft, "c", "x", out_channels=1, **arguments))
    assert (conv.output.height, conv.output.width) == (height, width)


def test_same_padding_puts_the_smaller_half_first_as_tensorflow_does(draft):
    even = made(draft, ops.conv(draft, "c", "x", out_channels=1, kernel=3, stride=2, padding="same"))
    assert even.window.padding == (0, 1, 0, 1)
    odd = made(draft, ops.conv(draft, "d", "x", out_channels=1, kernel=3, padding="same"))
    assert odd.window.padding == (1, 1, 1, 1)
    wide = made(draft, ops.conv(draft, "e", "x", out_channels=1, kernel=3, padding="same", dilation=2))
    assert wide.window.padding == (2, 2, 2, 2)


@pytest.mark.parametrize(
    ("size", "kernel", "stride", "padding", "floor", "ceil"),
    [
        (111, 3, 2, 0, 55, 55),
        (112, 3, 2, 0, 55, 56),
        (55, 3, 2, 0, 27, 27),
        (56, 3, 2, 0, 27, 28),
        (4, 2, 2, 1, 3, 3),
        (5, 2, 2, 1, 3, 3),  # rounding up gives 4, but the fourth window would start in the padding
        (4, 1, 3, 0, 2, 2),
        (5, 1, 3, 0, 2, 2),  # likewise beyond the end of the input
    ],
)
def test_pooling_rounds_down_or_as_caffe_does(size, kernel, stride, padding, floor, ceil):
    draft = Draft()
    ops.network_input(draft, "x", Shape(1, size, size))
    arguments = {"kernel": kernel, "stride": stride, "padding": padding}
    down = ops.max_pool(draft, "down", "x", **arguments)
    up = ops.average_pool(draft, "up", "x", **arguments, rounding="ceil")
    assert (made(draft, down).output.height, made(draft, up).output.height) == (floor, ceil)


def test_negative_padding_shifts_the_window_into_the_input():
    """NASNet reads every second pixel, and again from the second on, with zeros past the end."""
    for size, half in ((111, 56), (56, 28)):
        draft = Draft()
        ops.network_input(draft, "x", Shape(1, size, size))
        shifted = ops.average_pool(draft, "p", "x", kernel=1, stride=2, padding=(-1, 1, -1, 1))
        assert made(draft, shifted).output == Shape(1, half, half)


def test_a_shuffle_spreads_the_channels_of_each_group(draft):
    shuffled = made(draft, ops.channel_shuffle(draft, "s", "x", groups=2))
    assert shuffled.order == (0, 4, 1, 5, 2, 6, 3, 7)
    split = made(draft, ops.channel_shuffle(draft, "t", "x", groups=4))
    assert split.order == (0, 2, 4, 6, 1, 3, 5, 7)


def test_fully_connected_reads_every_element(draft):
    full = made(draft, ops.fully_connected(draft, "fc", "x", out_features=10))
    assert (full.weights, full.biases, full.macs) == (11_200, 10, 11_200)
    assert full.output == Shape(10, 1, 1)


def test_operators_without_weights_keep_or_change_the_shape(draft):
    shape = Shape(8, 14, 10)
    for node in (
        ops.batch_norm(draft, "bn", "x"),
        ops.activation(draft, "act", "x", function="relu6"),
        ops.lrn(draft, "lrn", "x"),
        ops.dropout(draft, "drop", "x"),
        ops.softmax(draft, "softmax", "x"),
        ops.channel_shuffle(draft, "shuffle", "x", groups=4),
        ops.add(draft, "add", ("x", "bn")),
    ):
        assert made(draft, node).output == shape
        assert made(draft, node).macs == 0
    assert made(draft, "bn").params == 16
    assert made(draft, ops.global_average_pool(draft, "gap", "x")).output == Shape(8, 1, 1)
    assert made(draft, ops.multiply(draft, "gate", "x", "gap")).output == shape
    assert made(draft, ops.concat(draft, "cat", ("x", "add", "x"))).output == Shape(24, 14, 10)
    assert made(draft, ops.channel_slice(draft, "part", "cat", first=8, channels=3)).output == Shape(
        3, 14, 10
    )


def test_edges_know_the_order_of_operands_even_of_a_tensor_used_twice(draft):
    ops.batch_norm(draft, "bn", "x")
    ops.concat(draft, "cat", ("x", "bn", "x"))
    assert draft.graph["cat"].operands == ("x", "bn", "x")
    assert draft.graph["cat"].stage == "s"
    assert draft.graph["cat"].block == "b"


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (
            lambda draft: ops.conv(draft, "c", "x", out_channels=9, groups=3),
            "c: 8 input channels cannot be split into 3 groups of equal size; "
            "make the channels a multiple of 3 or the groups a divisor of 8",
        ),
        (
            lambda draft: ops.conv(draft, "c", "x", out_channels=9, groups=4),
            "c: 9 output channels cannot be split into 4 groups of equal size; "
            "make the channels a multiple of 4 or the groups a divisor of 9",
        ),
        (
            lambda draft: ops.conv(draft, "c", "x", out_channels=9, kernel=11),
            "c: a kernel of 11 x 11 finds no room in its input of 14 x 10; "
            "enlarge the resolution, or shrink the kernel or the strides before it",
        ),
        (
            lambda draft: ops.conv(draft, "c", "x", out_channels=9, kernel=7, dilation=2, padding=(0, 1)),
            "c: a kernel of 13 x 13 finds no room in its input of 14 x 10 (14 x 12 with padding); enlarge",
        ),
        (
            lambda draft: ops.max_pool(draft, "p", "x", kernel=(1, 12)),
            "p: a kernel of 1 x 12 finds no room in its input of 14 x 10; enlarge",
        ),
        (
            lambda draft: ops.add(draft, "a", ("x", "small")),
            "a: cannot add 8 x 14 x 10 (x) and 4 x 14 x 10 (small); "
            "make channels and strides of the two branches equal, or project one of them",
        ),
        (lambda draft: ops.add(draft, "a", ("x",)), "a: adds 1 tensor; give it two or more"),
        (
            lambda draft: ops.multiply(draft, "m", "x", "small"),
            "m: cannot multiply 8 x 14 x 10 (x) by 4 x 14 x 10 (small); "
            "the factor has to be 8 x 14 x 10 or 8 x 1 x 1",
        ),
        (
            lambda draft: ops.concat(draft, "k", ("x", "gap")),
            "k: cannot concatenate 8 x 14 x 10 (x) and 8 x 1 x 1 (gap); "
            "make the strides and paddings of the branches lead to one height and width",
        ),
        (lambda draft: ops.concat(draft, "k", ()), "k: concatenates nothing; give it one tensor or more"),
        (
            lambda draft: ops.channel_shuffle(draft, "s", "x", groups=3),
            "s: 8 channels cannot be shuffled in 3 groups of equal size; make the channels a multiple of 3",
        ),
        (
            lambda draft: ops.channel_slice(draft, "s", "x", first=6, channels=4),
            "s: channels 6 to 9 are not within the 8 channels of x; choose a range from 0 to 7",
        ),
        (
            lambda draft: ops.dropout(draft, "gap", "x"),
            "gap: two layers have this name; give the rows of the stage table names",
        ),
        (
            lambda draft: ops.network_input(draft, "y", Shape(3, 0, 4)),
            "y: an image of 3 x 0 x 4 has no elements",
        ),
    ],
)
def test_a_misfit_names_the_layer_both_sizes_and_the_remedy(draft, make, sentence):
    ops.conv(draft, "small", "x", out_channels=4)
    ops.global_average_pool(draft, "gap", "x")
    with pytest.raises(NetworkError) as error:
        make(draft)
    assert str(error.value).startswith(sentence)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (
            {"out_channels": 10**42},
            "c: has more channels than the 1,000,000 that a layer",
        ),
        (
            {"out_channels": 10**6, "padding": 20},
            "c: has more output elements than the 1,000,000,000",
        ),
        ({"out_channels": 10**6, "kernel": (14, 10), "stride": 10}, "c: has more weights than the 1,000,000"),
        (
            {"out_channels": 8, "kernel": 10**8, "padding": 10**8},
            "c: kernel, stride and padding may be 10,000 at most",
        ),
        ({"out_channels": 8, "stride": 10**8}, "stride and padding may be 10,000 at most"),
    ],
)
def test_sizes_that_no_machine_runs_are_refused(draft, arguments, sentence):
    with pytest.raises(NetworkError, match=re.escape(sentence)):
        ops.conv(draft, "c", "x", **arguments)


def test_more_multiply_accumulates_than_any_layer_has_are_refused():
    draft = Draft(stage="s", block="b")
    ops.network_input(draft, "x", Shape(10**4, 300, 300))
    with pytest.raises(NetworkError, match=r"c: has more multiply-accumulates than the 10,000,000,000,000"):
        ops.conv(draft, "c", "x", out_channels=10**4, kernel=3, padding=1)
