"""Changes of a list of operators: what follows channels, a kernel, an image; what is refused, and why."""

import pytest
from graphs import described, published, row, rows_of

from accelsim import AccelsimError, load_network, run_network
from accelsim.network.build import build
from accelsim.network.channel_ties import channel_ties
from accelsim.network.configuration import configure
from accelsim.network.graph import total_macs, total_params
from accelsim.network.graph_changes import GraphChange, changed_network
from accelsim.network.imported import network_text

EIGHT = (
    row("a", "conv", "input", out_channels=8, kernel=3, padding=1),
    row("relu", "activation", "a", function="relu"),
    row("depthwise", "conv", "relu", out_channels=8, groups=8, kernel=3, padding=1),
    row("b", "conv", "depthwise", out_channels=8),
    row("sum", "add", "b", "relu"),
    row("pool", "global_average_pool", "sum"),
    row("classes", "fully_connected", "pool", out_features=10),
)
"""Eight channels that a sum ties to each other, on an image of 8 x 8 pixels."""


def channels(**counts):
    return GraphChange(channels=tuple(counts.items()))


def kernels(**sides):
    return GraphChange(kernels=tuple((name, (side, side)) for name, side in sides.items()))


def test_eight_channels_become_sixteen_wherever_they_are_the_same_number():
    before = described(list(EIGHT))
    ties = channel_ties(published(before))
    assert ties.of("a").makers == ties.of("b").makers == ("a", "b")
    after = changed_network(before, channels(b=16))
    assert {name: one.get("out_channels") for name, one in rows_of(after).items() if "kernel" in one} == {
        "a": 16,
        "depthwise": 16,
    }
    assert rows_of(after)["depthwise"]["groups"] == rows_of(after)["b"]["out_channels"] == 16
    assert rows_of(after)["classes"] == EIGHT[-1]
    # a, the depthwise one, b, the classes: outputs x inputs of a group x kernel x 64 pixels
    assert total_macs(published(before)) == 64 * (8 * 3 * 9 + 8 * 9 + 8 * 8) + 10 * 8
    assert total_macs(published(after)) == 64 * (16 * 3 * 9 + 16 * 9 + 16 * 16) + 10 * 16
    assert total_params(published(after)) == 16 * 3 * 9 + 16 * 9 + 16 * 16 + 10 * 16 + 10


def test_an_array_of_sixteen_does_sixteen_channels_in_the_time_of_eight():
    before = described(list(EIGHT))
    eight, sixteen = (
        run_network(configure(description), "16x16_128k", dataflow="weight_stationary").layers[2]
        for description in (before, changed_network(before, channels(a=16)))
    )
    assert (eight.name, eight.macs, sixteen.macs) == ("b", 64 * 8 * 8, 64 * 16 * 16)
    assert eight.busy_cycles["array"] == sixteen.busy_cycles["array"]


def test_a_part_of_a_concatenation_moves_those_after_it():
    before = described(
        [
            row("a", "conv", "input", out_channels=4),
            row("b", "conv", "input", out_channels=6),
            row("joined", "concat", "a", "b", "a"),
            row("second", "channel_slice", "joined", first=4, channels=6),
            row("third", "channel_slice", "joined", first=10, channels=4),
            row("c", "conv", "second", out_channels=2),
            row("d", "conv", "third", out_channels=2),
            row("end", "concat", "c", "d"),
        ]
    )
    after = rows_of(changed_network(before, channels(a=7)))
    assert (after["second"]["first"], after["second"]["channels"]) == (7, 6)
    assert (after["third"]["first"], after["third"]["channels"]) == (13, 7)
    both = rows_of(changed_network(before, channels(a=7, b=9)))
    assert (both["second"]["first"], both["third"]["first"]) == (7, 16)


def test_slopes_and_depthwise_convolutions_of_several_outputs_follow():
    before = described(
        [
            row("a", "conv", "input", out_channels=4),
            row("prelu", "activation", "a", function="leaky_relu", slopes=4),
            row("all", "activation", "prelu", function="leaky_relu", slopes=1),
            row("wide", "conv", "all", out_channels=12, groups=4, kernel=3, padding=1),
            row("classes", "fully_connected", "wide", out_features=2),
        ]
    )
    after = rows_of(changed_network(before, channels(a=5)))
    assert (after["prelu"]["slopes"], after["all"]["slopes"]) == (5, 1)
    assert (after["wide"]["out_channels"], after["wide"]["groups"]) == (15, 5)


@pytest.mark.parametrize(
    ("window", "side", "expected"),
    [
        ({"kernel": 3, "padding": 1}, 1, {}),
        ({"kernel": 5, "padding": 2}, 3, {"kernel": 3, "padding": 1}),
        ({"kernel": [5, 5], "padding": [2, 2, 2, 2]}, 3, {"kernel": [3, 3], "padding": [1, 1, 1, 1]}),
        ({"kernel": 5, "padding": [2, 1, 2, 2]}, 3, {"kernel": 3, "padding": [1, 0, 1, 1]}),
        ({"kernel": 3, "padding": 2, "dilation": 2}, 1, {"dilation": 2}),
        ({"kernel": 5, "padding": "same", "stride": 2}, 3, {"kernel": 3, "padding": "same", "stride": 2}),
    ],
)
def test_padding_follows_the_kernel_so_that_planes_keep_their_size(window, side, expected):
    before = described([row("a", "conv", "input", out_channels=4, **window), EIGHT[5] | {"inputs": ["a"]}])
    after = changed_network(before, kernels(a=side))
    assert rows_of(after)["a"] == row("a", "conv", "input", out_channels=4, **expected)
    one, other = (published(description)["a"].operator.output for description in (before, after))
    assert one == other


def decoder(side):
    return described(
        [
            row("down", "conv", "input", out_channels=4, kernel=3, stride=2, padding=1, stage="8x8"),
            row("deep", "conv", "down", out_channels=4, kernel=3, stride=2, padding=1, stage="4x4"),
            row("up", "resize", "deep", size=[side // 2, side // 2], interpolation="nearest", stage="8x8"),
            row("joined", "concat", "up", "down", stage="8x8"),
            row("all", "average_pool", "joined", kernel=[side // 2, side // 2]),
            row("twice", "resize", "joined", size=[2 * side, 2 * side], interpolation="linear"),
        ],
        side=side,
    )


def test_another_image_changes_what_was_as_large_as_a_plane_of_the_old_one():
    after = changed_network(decoder(16), GraphChange(resolution=24))
    rows = rows_of(after)
    assert (after.input.height, after.input.width) == (24, 24)
    assert rows["up"]["size"] == rows["all"]["kernel"] == [12, 12]
    assert rows["twice"]["size"] == [48, 48]
    assert [rows[name]["stage"] for name in ("down", "deep", "joined")] == ["12x12", "6x6", "12x12"]


SENTENCES = [
    (channels(c=4), "rows: c: no such operator of the network: allowed are a, relu, depthwise"),
    (channels(relu=4), "relu: has no number of channels of its own, it has those of a"),
    (channels(depthwise=4), "depthwise: has no number of channels of its own, it has those of a"),
    (
        channels(classes=16),
        r"classes: its 10 channels stay as they are: the network puts them out \(classes\)",
    ),
    (channels(a=1), "a: 1 channels: must be at least 2"),
    (channels(a=16, b=24), "b: 24 and 16 channels: a, b have one number"),
    (GraphChange(groups=(("depthwise", 4),)), "depthwise: is depthwise, or would be"),
    (GraphChange(groups=(("b", 8),)), "b: is depthwise, or would be: its groups are its channels"),
    (GraphChange(groups=(("b", 3),)), "b: 8 input channels cannot be split into 3 groups of equal size"),
    (
        GraphChange(groups=(("sum", 2),)),
        "sum: is no convolution: only the groups and the kernels of those change",
    ),
    (kernels(a=2), "a: a kernel of 2 x 2 instead of 3 x 3: each side must change by an even number"),
    (GraphChange(resolution=0), "rows: input: an image of 3 x 0 x 0 has no elements"),
]


@pytest.mark.parametrize(("change", "sentence"), SENTENCES)
def test_what_cannot_be_changed_is_refused_and_why(change, sentence):
    with pytest.raises(AccelsimError, match=sentence):
        changed_network(described(list(EIGHT)), change)


def test_a_kernel_without_padding_has_no_smaller_one():
    bare = described([row("a", "conv", "input", out_channels=4, kernel=3), EIGHT[5] | {"inputs": ["a"]}])
    with pytest.raises(AccelsimError, match=r"rows: a: .*: its padding leaves no room, the output would be"):
        changed_network(bare, kernels(a=1))


ENDS = (row("classes", "fully_connected", "last", out_features=2),)
STOPS = [
    (
        [row("x", "concat", "a", "b"), row("last", "channel_shuffle", "x", groups=2)],
        "last mixes them with those of other layers",
    ),
    (
        [row("last", "slice", "a", axis="channels", size=2, step=2)],
        "last takes some of them, and which of another number is not said",
    ),
    (
        [row("x", "conv", "b", out_channels=4, groups=2), row("last", "add", "a", "x")],
        "last joins them to parts of other sizes",
    ),
    ([row("last", "reduce", "a", axes=["channels"])], "they cannot be followed through last"),
    (
        [row("last", "conv", "a", out_channels=4, shared=["weights"])],
        "last shares parameters with a layer of so many",
    ),
    ([row("last", "add", "a", "input")], "they are those of the input input"),
    (
        [row("seen", "network_output", "a"), row("last", "max_pool", "a", kernel=2)],
        "the network puts them out",
    ),
]


@pytest.mark.parametrize(("rows", "reason"), STOPS)
def test_channels_stay_where_they_cannot_be_followed(rows, reason):
    parts = [row("a", "conv", "input", out_channels=4), row("b", "conv", "input", out_channels=2)]
    description = described([*parts, *rows, *ENDS], channels=4)
    with pytest.raises(AccelsimError, match=f"rows: a: its 4 channels stay as they are: .*{reason}"):
        changed_network(description, channels(a=8))


def test_a_maker_whose_channels_are_parted_has_a_number_for_each_part():
    """As in YOLOv8's C2f: a half goes on, the other through a residual block, all are concatenated."""
    before = described(
        [
            row("split", "conv", "input", out_channels=8),
            row("one", "channel_slice", "split", first=0, channels=4),
            row("other", "channel_slice", "split", first=4, channels=4),
            row("block", "conv", "other", out_channels=4, kernel=3, padding=1),
            row("sum", "add", "block", "other"),
            row("all", "concat", "one", "other", "sum"),
            *_classes("all"),
        ]
    )
    ties = channel_ties(published(before))
    assert ties.of("split[1]").makers == ("split[1]", "block")
    after = rows_of(changed_network(before, GraphChange(channels=(("split[0]", 6), ("block", 5)))))
    assert (after["split"]["out_channels"], after["block"]["out_channels"]) == (11, 5)
    assert (after["one"]["first"], after["one"]["channels"]) == (0, 6)
    assert (after["other"]["first"], after["other"]["channels"]) == (6, 5)
    with pytest.raises(
        AccelsimError, match=r"split: has no number of channels of its own, it has those of spl"
    ):
        changed_network(before, channels(split=16))


def _classes(source):
    return (row("classes", "fully_connected", source, out_features=2),)


def test_a_sum_with_a_concatenation_parts_what_it_is_added_to():
    before = described(
        [
            row("a", "conv", "input", out_channels=6),
            row("b", "conv", "input", out_channels=2),
            row("c", "conv", "input", out_channels=4),
            row("both", "concat", "b", "c"),
            row("sum", "add", "a", "both"),
            *_classes("sum"),
        ]
    )
    assert [one.makers for one in channel_ties(published(before)).numbers[1:3]] == [
        ("a[0]", "b"),
        ("a[1]", "c"),
    ]
    after = rows_of(changed_network(before, channels(c=10)))
    assert (after["a"]["out_channels"], after["c"]["out_channels"]) == (12, 10)


def test_channels_that_a_shuffle_reorders_alone_are_followed():
    description = described(
        [row("a", "conv", "input", out_channels=4), row("last", "channel_shuffle", "a", groups=2), *ENDS]
    )
    assert channel_ties(published(description)).of("a").multiple_of == 2
    assert published(changed_network(description, channels(a=6)))["last"].operator.output.channels == 6


def test_a_number_that_would_make_a_convolution_depthwise_is_refused():
    description = described(
        [row("a", "conv", "input", out_channels=4), row("last", "conv", "a", out_channels=4, groups=2), *ENDS]
    )
    assert changed_network(description, channels(a=6))
    with pytest.raises(AccelsimError, match=r"rows: .*with so many channels or groups"):
        changed_network(description, channels(a=2))


def test_weights_that_two_layers_share_keep_their_kernels():
    rows = [row("a", "conv", "input", out_channels=3, kernel=3, padding=1)]
    rows += [row("last", "conv", "a", out_channels=3, kernel=3, padding=1, shared=["weights"]), *ENDS]
    for name in ("a", "last"):
        with pytest.raises(AccelsimError, match=f"{name}: its weights may be those of another layer, too"):
            changed_network(described(rows), kernels(**{name: 1}))


def test_images_that_cannot_be_told_are_refused():
    with pytest.raises(AccelsimError, match="rows: its image of 8 x 6 is no square: it has no resolution"):
        changed_network(
            described(list(EIGHT), input={"channels": 3, "height": 8, "width": 6}), GraphChange(resolution=4)
        )
    odd = described([row("a", "conv", "input", out_channels=4), row("up", "resize", "a", size=[9, 9])])
    with pytest.raises(AccelsimError, match="up: resizes 8x8 to 9x9: to what is not said for an image of"):
        changed_network(odd, GraphChange(resolution=4))
    pooled = described([row("a", "max_pool", "input", kernel=4, stride=4)])
    with pytest.raises(AccelsimError, match="a: pools the whole plane of one of the two images"):
        changed_network(pooled, GraphChange(resolution=4))


def test_a_stage_table_is_no_list_of_operators():
    with pytest.raises(AccelsimError, match="alexnet: is no list of operators without parameters"):
        changed_network(load_network("alexnet").description, GraphChange(resolution=112))


def test_a_changed_network_is_written_and_read_as_the_same(tmp_path):
    after = changed_network(described(list(EIGHT)), channels(a=16))
    file = tmp_path / "rows.yaml"
    file.write_text(network_text(after))
    assert build(load_network(file)) == published(after)
