"""Operators beyond those of classifiers: what they put out and count, what moves, and what is refused."""

import pytest

from accelsim.errors import NetworkError
from accelsim.network import operators as ops
from accelsim.network.executed import Reason
from accelsim.network.graph import Draft, Shape
from accelsim.network.lowering import lower


@pytest.fixture
def draft():
    draft = Draft()
    ops.network_input(draft, "x", Shape(8, 6, 5))
    return draft


def notes(draft):
    return {note.node: (note.fate, note.reason) for note in lower(draft.graph).notes}


# What they put out, and count


@pytest.mark.parametrize(
    ("kernel", "stride", "padding", "added", "size"),
    [(2, 2, 0, 0, (12, 10)), (3, 2, 1, 1, (12, 10)), (4, 2, 1, 0, (12, 10)), (3, 1, 1, 0, (6, 5))],
)
def test_a_transposed_convolution_multiplies_each_input_by_all_weights(
    draft, kernel, stride, padding, added, size
):
    arguments = {"kernel": kernel, "stride": stride, "padding": padding, "output_padding": added}
    ops.conv_transpose(draft, "up", "x", out_channels=4, **arguments)
    up = draft.graph["up"].operator
    assert (up.output.height, up.output.width) == size
    assert up.weights == 8 * 4 * kernel**2
    assert up.macs == up.weights * 30


def test_a_product_of_activations_has_no_parameters_and_a_product_for_each_pair(draft):
    ops.product(draft, "scores", "x", "x", groups=2)
    ops.product(draft, "context", "scores", "x", groups=2, contract="pixels")
    scores, context = (draft.graph[name].operator for name in ("scores", "context"))
    assert (scores.output, scores.macs, scores.params) == (Shape(60, 6, 5), 30 * 30 * 8, 0)
    assert (context.output, context.macs) == (Shape(8, 6, 5), 30 * 30 * 8)


@pytest.mark.parametrize(
    ("norm", "arguments", "params"),
    [
        (ops.layer_norm, {}, 16),
        (ops.rms_norm, {}, 8),
        (ops.instance_norm, {}, 16),
        (ops.group_norm, {"groups": 4}, 16),
        (ops.layer_norm, {"scales": 240}, 480),
        (ops.layer_norm, {"shared": ("shift",)}, 8),
    ],
)
def test_a_normalization_has_a_scale_and_a_shift_for_each_channel(draft, norm, arguments, params):
    norm(draft, "n", "x", **arguments)
    assert draft.graph["n"].operator.params == params
    assert notes(draft)["n"] == ("layer", Reason.NEEDS_STATISTICS)


def test_a_constant_is_read_from_outside_and_is_a_parameter(draft):
    ops.constant(draft, "token", (), channels=8, height=6)
    ops.concat(draft, "y", ["token", "x"], axis="width")
    assert draft.graph["token"].operator.params == 48
    graph = lower(draft.graph)
    assert graph["y"].network_input_elements == 8 * 6 * 6
    assert graph.image_elements == 8 * 6 * 6


# What is free, and what moves


def test_rows_and_columns_get_other_names_for_nothing_and_functions_are_still_fused(draft):
    ops.conv(draft, "c", "x", out_channels=8)
    ops.reshape(draft, "r", "c", size=(1, 30))
    ops.activation(draft, "a", "r", function="relu")
    assert [layer.name for layer in lower(draft.graph).layers] == ["c"]
    assert notes(draft)["r"] == ("vanished", Reason.SAME_ADDRESSES)


def test_successive_channels_are_addresses_and_every_second_one_moves(draft):
    ops.axis_slice(draft, "half", "x", axis="channels", first=4, size=4)
    ops.axis_slice(draft, "odd", "x", axis="channels", first=1, size=4, step=2)
    ops.add(draft, "y", ["half", "odd"])
    assert notes(draft)["half"] == ("vanished", Reason.PART_IS_READ)
    assert notes(draft)["odd"] == ("layer", Reason.ELEMENTS_MOVE)


def test_channels_of_an_interleaved_tensor_are_put_together_before_they_are_cut(draft):
    ops.conv_transpose(draft, "up", "x", out_channels=4, kernel=3, stride=2, padding=1)
    ops.channel_slice(draft, "half", "up", first=0, channels=2)
    ops.activation(draft, "y", "half", function="relu")
    graph = lower(draft.graph)
    assert notes(draft)["half"][0] == "copied"
    assert [layer.operator for layer in graph.layers] == ["conv"] * 4 + ["slice", "relu"]


def test_nothing_that_reads_a_tensor_besides_is_fused_into_a_product(draft):
    ops.product(draft, "p", "x", "x", groups=8, contract="channels")
    ops.add(draft, "y", ["p", "p"])
    ops.product(draft, "q", "x", "x", groups=8, contract="channels")
    ops.add(draft, "z", ["y", "q"])
    assert notes(draft)["z"] == ("layer", Reason.OPERAND_IS_PRODUCT)


# What does not fit


@pytest.mark.parametrize(
    ("add", "arguments", "sentence"),
    [
        (
            ops.conv_transpose,
            {"out_channels": 3, "groups": 3},
            "y: 8 input channels cannot be split into 3 groups of equal size; make the channels a multiple "
            "of 3 or the groups a divisor of 8",
        ),
        (
            ops.conv_transpose,
            {"out_channels": 3, "kernel": 1, "padding": 3},
            "y: would put out 0 x -1; give it less padding",
        ),
        (
            ops.group_norm,
            {"groups": 3},
            "y: 8 channels cannot be normalized in 3 groups of equal size; make the channels a multiple of 3",
        ),
        (
            ops.reshape,
            {"size": (4, 4)},
            "y: the 6 x 5 pixels of x cannot be 4 x 4; their number must stay 30",
        ),
        (
            ops.rearrange,
            {"channels": 8, "height": 6},
            "y: 8 x 6 x 5 (x) cannot be 8 x 6 x 1; it has 240 elements, not 48",
        ),
        (
            ops.axis_slice,
            {"axis": "height", "first": 2, "size": 3, "step": 2},
            "y: height 2 to 6 are not within the 6 of x; choose a range from 0 to 5",
        ),
        (
            ops.gather,
            {"axis": "width", "indices": (0, 5)},
            "y: width 5 is not among the 5 of x; choose from 0 to 4",
        ),
    ],
)
def test_what_does_not_fit_is_said_with_both_sizes(draft, add, arguments, sentence):
    with pytest.raises(NetworkError) as error:
        add(draft, "y", "x", **arguments)
    assert str(error.value) == sentence


@pytest.mark.parametrize(
    ("groups", "contract", "sentence"),
    [
        (1, "pixels", "1 groups: each has 8 channels of the first and 30 pixels of the second"),
        (3, "channels", "8 input channels cannot be split into 3 groups of equal size"),
    ],
)
def test_matrices_that_do_not_fit_are_said(draft, groups, contract, sentence):
    with pytest.raises(NetworkError) as error:
        ops.product(draft, "y", "x", "x", groups=groups, contract=contract)
    assert sentence in str(error.value)


def test_places_of_maxima_are_as_many_as_maxima(draft):
    ops.max_pool(draft, "p", "x", kernel=2, stride=2)
    with pytest.raises(NetworkError) as error:
        ops.max_unpool(draft, "y", "p", "x", size=(6, 5))
    assert str(error.value) == (
        "y: 8 x 3 x 2 elements (p) have 8 x 6 x 5 places (x); there must be one for each"
    )


@pytest.mark.parametrize(
    ("combine", "does"),
    [(ops.maximum, "compares"), (ops.compare, "compares"), (ops.select, "selects among"), (ops.add, "adds")],
)
def test_what_combines_tensors_takes_two_or_more(draft, combine, does):
    with pytest.raises(NetworkError) as error:
        combine(draft, "y", ["x"])
    assert str(error.value) == f"y: {does} 1 tensor; give it two or more"
