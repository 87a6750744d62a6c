"""What may be changed in a network: which arguments are channels, which moves there are, what they keep."""

import json

import pytest

from accelsim import AccelsimError, load_hardware, load_network, run_network
from accelsim.descriptions import shipped, vary
from accelsim.network.build import build
from accelsim.network.configuration import configure
from accelsim.network.description import NetworkDescription
from accelsim.network.graph import total_macs, total_params
from accelsim.search.redesign import channel_arguments, concrete, moved, moves, rounded_up
from accelsim.search.space import depths_of
from accelsim.search.words import move_words

SMALL = load_hardware("8x8_32k")
TABLE = {
    "name": "table",
    "title": "A stem, two stages that repeat, a classifier",
    "source": "made up for these tests",
    "input": {"channels": 3, "height": 32, "width": 32},
    "stages": [
        {"block": "conv", "name": "stem", "out_channels": 12, "kernel": 7, "stride": 2, "padding": 3},
        {"block": "residual_basic", "name": "stage1", "out_channels": 12, "repeat": 2},
        {"block": "residual_basic", "name": "stage2", "out_channels": 20, "repeat": 1, "stride": 2},
        {"block": "fully_connected", "name": "fc", "out_features": 10},
    ],
}


def table(**changes):
    """The network above, with other values at dotted keys."""
    description = NetworkDescription.model_validate_json(json.dumps(TABLE))
    return concrete(configure(vary(description, **changes) if changes else description))


def all_moves(network, hardware=SMALL):
    return moves(network, hardware, channel_arguments(network))


def words(network, kind, hardware=SMALL):
    return [move_words(move) for move in all_moves(network, hardware) if move.kind == kind]


@pytest.mark.parametrize("name", [name for name in shipped.names("networks") if "_compressed" not in name])
def test_a_table_written_out_is_the_same_network(name):
    network = load_network(name)
    one, other = build(network), build(concrete(network))
    assert [node.operator for node in one.nodes] == [node.operator for node in other.nodes]
    assert one.edges == other.edges


@pytest.mark.parametrize("name", ["mobilenet_v1@width=0.5,resolution=160", "squeezenet_v1_0_compressed"])
def test_parameters_precision_and_zeros_are_kept(name):
    network = load_network(name)
    one, other = (run_network(net, SMALL) for net in (network, concrete(network)))
    assert (one.cycles, one.energy, one.params, one.macs) == (
        other.cycles,
        other.energy,
        other.params,
        other.macs,
    )


def test_channels_are_found_and_classes_and_expansions_are_not():
    found = channel_arguments(load_concrete("mobilenet_v2"))
    assert {argument.key for argument in found} == {"out_channels"}
    assert len(found) == 9
    assert [(one.row, one.key) for one in channel_arguments(table())] == [(2, "out_channels")]


def test_hidden_units_are_channels_but_the_classes_are_not():
    found = channel_arguments(load_concrete("alexnet"))
    names = [load_concrete("alexnet").stages[one.row].name for one in found]
    assert {"fc6", "fc7"} <= set(names)
    assert "fc8" not in names


def load_concrete(name):
    return concrete(load_network(name))


def test_the_stem_shrinks_as_long_as_windows_overlap_and_the_image_keeps_its_size():
    network = table()
    sizes = []
    while kernels := [move for move in all_moves(network) if move.kind == "kernel"]:
        (move,) = kernels
        network = moved(network, move)
        stem = build(network)["stem"].operator
        sizes.append((stem.window.kernel, stem.output.height))
    assert sizes == [((5, 5), 16), ((3, 3), 16)]
    assert words(table(), "kernel") == ["5x5 instead of 7x7 in stem"]


@pytest.mark.parametrize(
    ("kernel", "padding", "expected"),
    [
        ([7, 5], [3, 2], ([5, 3], (2, 1))),
        ([7, 3], 0, ([5, 3], 0)),
        (5, "same", (3, "same")),
        (7, [3, 3, 2, 2], (5, (2, 2, 1, 1))),
        (5, 1, (3, (0, 0))),
    ],
)
def test_padding_follows_the_kernel_on_each_side(kernel, padding, expected):
    network = table(**{"stages.0.kernel": kernel, "stages.0.padding": padding})
    (move,) = [move for move in all_moves(network) if move.kind == "kernel"]
    stem = moved(network, move).stages[0].block
    new = list(stem.kernel) if isinstance(stem.kernel, tuple) else stem.kernel
    assert (new, stem.padding) == expected


def test_a_block_goes_from_each_stage_that_has_two_to_each_other():
    assert words(table(), "block") == ["a block from stage1 to stage2"]
    deep = table(**{"stages.2.repeat": 2})
    assert words(deep, "block") == ["a block from stage1 to stage2", "a block from stage2 to stage1"]


def test_a_moved_block_keeps_the_number_of_blocks():
    network = load_concrete("mobilenet_v2")
    for move in all_moves(network):
        if move.kind == "block":
            assert sum(depths_of(moved(network, move))) == sum(depths_of(network))


def test_channels_go_to_the_next_multiples_of_the_longer_side():
    assert words(table(), "channels") == [
        "16 instead of 20 channels in stage2",
        "24 instead of 20 channels in stage2",
    ]
    tall = vary(SMALL, **{"pe_array.rows": 10})
    assert words(table(), "channels", tall) == []


def test_rounding_up_changes_only_what_is_no_multiple():
    rounded = rounded_up(table(), channel_arguments(table()), 8)
    assert rounded.stages[2].block.out_channels == 24
    assert rounded.stages[0].block.out_channels == 12
    fitting = load_concrete("vgg16")
    assert rounded_up(fitting, channel_arguments(fitting), 16) is fitting


def test_rounding_channels_up_adds_parameters_and_macs():
    network = load_concrete("shufflenet_v2")
    one, other = build(network), build(rounded_up(network, channel_arguments(network), 16))
    assert total_macs(other) > total_macs(one)
    assert total_params(other) > total_params(one)


def test_a_change_that_gives_no_network_is_refused():
    network = load_concrete("sqnxt23@groups=2")
    arguments = channel_arguments(network)
    assert arguments
    with pytest.raises(AccelsimError):
        build(configure(vary(network.description, **{"stages.2.out_channels": 31})))


def test_a_move_says_in_numbers_and_names_what_it_changes():
    by_kind = {move.kind: move for move in all_moves(table())}
    kernel, block, channels = by_kind["kernel"], by_kind["block"], by_kind["channels"]
    assert (kernel.stage, kernel.old, kernel.new) == ("stem", (7, 7), (5, 5))
    assert (block.giver, block.taker) == ("stage1", "stage2")
    assert (channels.stage, channels.key, channels.old, channels.new) == ("stage2", "out_channels", 20, 24)
    assert all(set(move.stages) <= {"stem", "stage1", "stage2"} for move in by_kind.values())
