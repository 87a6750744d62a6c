"""Sizes that are none: layers without channels are refused where they are made, with what would help."""

import re
from typing import Literal, get_args, get_origin

import pytest

from accelsim import load_network
from accelsim.descriptions.limits import MAX_AXIS, MAX_BLOCKS, MAX_CHANNELS, MAX_OPERATORS
from accelsim.errors import NetworkError
from accelsim.network import operators as ops
from accelsim.network.blocks import FILES
from accelsim.network.build import build
from accelsim.network.graph import Draft, Operator, Shape, Site

HEAD = "name: net\ntitle: t\nsource: s\ninput: {{channels: {channels}, height: 32, width: 32}}\nstages:\n"


@pytest.fixture
def refused(tmp_path):
    """The sentence with which a network is refused that consists of some rows."""

    def sentence(*rows, channels=16):
        file = tmp_path / "net.yaml"
        file.write_text(HEAD.format(channels=channels) + "".join(f"  - {row}\n" for row in rows))
        with pytest.raises(NetworkError) as error:
            build(load_network(file))
        (line,) = error.value.lines
        return line

    return sentence


@pytest.mark.parametrize(
    ("row", "channels", "sentence"),
    [
        (
            "{block: shufflenet_v1, name: l1, out_channels: 64, groups: 2}",
            128,
            "net: l1: has 64 output channels, of which the input's 128 leave -64 for the branch: "
            "give the stage more than 128 channels, or the one before fewer",
        ),
        (
            "{block: shufflenet_v1, name: l1, out_channels: 128, groups: 2}",
            128,
            "net: l1: has 128 output channels, of which the input's 128 leave 0 for the branch: "
            "give the stage more than 128 channels, or the one before fewer",
        ),
        (
            "{block: shufflenet_v2, name: l1, out_channels: 116}",
            128,
            "net: l1: has 116 output channels, of which 128 go around the branch and -12 through it: "
            "give the stage at least 129, or the one before it fewer",
        ),
        (
            "{block: shufflenet_v2, name: l1, out_channels: 1, halves: true}",
            16,
            "net: l1: has 1 output channels, of which 0 go around the branch and 1 through it: "
            "give the stage at least 2, or the one before it fewer",
        ),
        (
            "{block: shufflenet_v2, name: l1, out_channels: 35, repeat: 2}",
            16,
            "net: l1.block2: 35 input channels cannot be split into as many even and odd ones: "
            "give the block before an even number",
        ),
        (
            "{block: shufflenet_v2_residual, name: l1, half_channels: 8}",
            1,
            "net: l1: 1 input channels cannot be split into as many even and odd ones: "
            "give the block before an even number",
        ),
        (
            "{block: sqnxt, name: l1, out_channels: 3}",
            16,
            "net: l1: a quarter of 3 output channels is none: give the block at least 4",
        ),
        (
            "{block: xception_small, name: l1, out_channels: 3}",
            16,
            "net: l1: a quarter of 3 output channels is none: give the block at least 4",
        ),
        (
            "{block: residual_bottleneck, name: l1, reduced_channels: 4, out_channels: 12, "
            "squeeze_excitation: true}",
            16,
            "net: l1.se.reduce: 12 channels are fewer than what the gate divides them by: "
            "lower excitation_reduction, or give the block more channels",
        ),
        (
            "{block: mbconv, name: l1, out_channels: 16, excitation_reduction: 32}",
            16,
            "net: l1.se.reduce: 16 input channels are fewer than what the gate divides them by: "
            "lower excitation_reduction, or give the block before more channels",
        ),
        (
            "{block: c2f, name: l1, out_channels: 5}",
            16,
            "net: l1: 5 output channels cannot be halved; make them a multiple of 2",
        ),
        (
            "{block: sppf, name: l1, out_channels: 16}",
            15,
            "net: l1: 15 input channels cannot be halved; make them a multiple of 2",
        ),
        (
            "{block: transformer_encoder, name: l1, heads: 3}",
            16,
            "net: l1: 16 features cannot be split into 3 heads of equal size; "
            "make the features a multiple of 3",
        ),
        (
            "{block: mobilevit, name: l1, features: 16, layers: 1, patch: 3}",
            16,
            "net: l1: 32 x 32 pixels cannot be cut into patches of 3 x 3; "
            "make the image a multiple of 3 there",
        ),
        (
            "{block: dense_transition, name: l1, compression: 0.001}",
            16,
            "net: l1: 16 channels times a compression of 0.001 are none: "
            "a compression of at least 0.0625 leaves one",
        ),
        (
            "{block: nasnet_normal, name: l1, filters: 1}",
            16,
            "net: l2.there: one filter cannot be halved: give the cell at least 2",
        ),
    ],
)
def test_a_block_that_would_have_no_channels_says_which_and_what_would_help(refused, row, channels, sentence):
    rows = [row]
    if "nasnet" in row:  # halves its older input where that has another resolution
        rows = ["{block: nasnet_reduction, name: l0, filters: 4}", row.replace("l1", "l2")]
    assert refused(*rows, channels=channels) == sentence


@pytest.mark.parametrize("shape", [Shape(0, 4, 4), Shape(-3, 4, 4), Shape(4, 0, 4), Shape(4, 4, -1)])
def test_no_operator_is_added_that_puts_out_nothing(shape):
    draft = Draft()
    with pytest.raises(NetworkError, match=r"^x: would put out (0|-3|-1) (channels|rows|columns) \("):
        draft.add("x", Operator(Site("x", (), (shape,))), ())
    assert not draft.graph.nodes


@pytest.mark.parametrize("make", [ops.conv, ops.fully_connected])
def test_a_layer_of_no_channels_is_refused_before_anything_is_divided_by_them(make):
    draft = Draft()
    ops.network_input(draft, "image", Shape(4, 8, 8))
    size = {"out_channels": 0, "groups": 2} if make is ops.conv else {"out_features": 0}
    with pytest.raises(NetworkError, match=r"^x: would have 0 output channels, must have at least one: give"):
        make(draft, "x", "image", **size)


@pytest.mark.parametrize(
    ("shape", "sentence"),
    [
        (Shape(MAX_CHANNELS + 1, 1, 1), "x: has more channels than the 1,000,000 that a layer may have"),
        (Shape(1, MAX_AXIS + 1, 1), "x: has more rows or columns than the 1,048,576 that a layer may have"),
        (Shape(1000, 1000, 1001), "x: has more output elements than the 1,000,000,000 that a layer may have"),
    ],
)
def test_a_tensor_larger_than_any_is_refused(shape, sentence):
    with pytest.raises(NetworkError, match=f"^{re.escape(sentence)}$"):
        Draft().add("x", Operator(Site("x", (), (shape,))), ())


@pytest.mark.parametrize("name", sorted(set(FILES) - {"graph"}))
@pytest.mark.parametrize("size", [1, 2, 3, 5])
def test_every_block_makes_layers_of_at_least_one_channel_or_says_why_not(tmp_path, name, size):
    from accelsim.network.blocks import block_of  # noqa: PLC0415

    fields = {}
    for key, field in block_of(name).model_fields.items():
        if field.annotation is int and key not in {"stride", "kernel", "groups"}:
            fields[key] = size
        elif field.is_required() and get_origin(field.annotation) is Literal:
            fields[key] = get_args(field.annotation)[0]
        elif field.is_required() and "Literal" in str(field.annotation):  # a list of words
            fields[key] = [get_args(get_args(field.annotation)[0])[0]]
        elif field.is_required():
            annotation = str(field.annotation)
            pair = annotation.startswith("tuple[int, int]") or "Annotated" in annotation
            fields[key] = [size, size] if (pair and "..." in annotation) or pair else size
    row = ", ".join(f"{key}: {value}" for key, value in {"block": name, "name": "l1", **fields}.items())
    file = tmp_path / "net.yaml"
    file.write_text(HEAD.format(channels=size) + f"  - {{{row}, {'repeat: 2' if name != 'graph' else ''}}}\n")
    try:
        published = build(load_network(file))
    except NetworkError as error:
        assert re.match(r"^net: l1[.\w]*: .+", str(error))
        return
    for node in published.nodes:
        shape = node.operator.output
        assert min(shape.channels, shape.height, shape.width) > 0


def test_too_many_blocks_are_refused_before_any_is_built(refused, monkeypatch):
    def built(*_):
        raise AssertionError("built")

    monkeypatch.setattr("accelsim.network.build._assemble", built)
    rows = [
        f"{{block: conv, name: s{stage}, out_channels: 8, repeat: 1000}}"
        for stage in range(MAX_BLOCKS // 1000 + 1)
    ]
    assert refused(*rows) == f"net: has 6,000 blocks, of at most {MAX_BLOCKS:,}: repeat fewer"


def test_too_many_operators_are_refused_at_the_first_that_is_too_many():
    draft = Draft()
    last = ops.network_input(draft, "image", Shape(1, 1, 1))
    for index in range(MAX_OPERATORS - 1):
        last = ops.dropout(draft, f"d{index}", last)
    with pytest.raises(
        NetworkError, match=r"^one: is operator 20,001, of at most 20,000; repeat blocks less"
    ):
        ops.dropout(draft, "one", last)


def test_a_tensor_may_be_added_to_itself_thousands_of_times():
    draft = Draft()
    ops.network_input(draft, "image", Shape(1, 1, 1))
    ops.add(draft, "sum", ["image"] * 20_000)
    assert draft.graph["sum"].operands == ("image",) * 20_000
