"""Rows of a stage table that read other rows than the one above, and the blocks that read several."""

import pytest

import accelsim
from accelsim.errors import AccelsimError
from accelsim.network.build import build
from accelsim.network.graph import Shape
from accelsim.network.load import load_network
from accelsim.network.lowering import lower
from accelsim.run import plan_run
from accelsim.search.family import but_for_depth
from accelsim.search.redesign import concrete
from accelsim.simulation import simulate, simulate_events

HEAD = """\
name: branches
title: Two branches
source: made up for these tests
input: {channels: 3, height: 8, width: 8}
stages:
  - {block: conv, name: stem, out_channels: 4, kernel: 3, padding: 1}
"""
HOURGLASS = (
    "block: max_pool, name: down, kernel: 2, stride: 2",
    "block: conv, name: deep, out_channels: 6, repeat: 2, activation: relu",
    "block: upsample, name: up",
    "block: concat, name: both, reads: [up, stem]",
    "block: conv, name: last, out_channels: 5",
)


def network(folder, *rows):
    """A network of a stem and the rows."""
    path = folder / "branches.yaml"
    path.write_text(HEAD + "".join(f"  - {{{row}}}\n" for row in rows))
    return load_network(path)


def test_a_row_reads_the_last_block_of_the_rows_that_it_names(tmp_path):
    graph = build(network(tmp_path, *HOURGLASS, "block: conv, name: aside, out_channels: 1, reads: [deep]"))
    assert graph["both"].operands == ("up", "stem")
    assert graph["both"].operator.output == Shape(6 + 4, 8, 8)
    assert graph["up"].operator.output == Shape(6, 8, 8)
    assert graph["aside"].operands == ("deep.block2.relu",)


def test_rows_without_a_name_and_the_image_can_be_read(tmp_path):
    graph = build(
        network(
            tmp_path,
            "block: conv, out_channels: 2",
            "block: conv, name: twice, out_channels: 3, reads: [input], repeat: 2",
            "block: concat, reads: [input, conv2, twice]",
        )
    )
    assert graph["twice.block1"].operands == ("input",)
    assert graph["twice.block2"].operands == ("twice.block1",)
    assert graph["concat4"].operands == ("input", "conv2", "twice.block2")


def test_rows_are_added(tmp_path):
    row = "block: conv, name: more, out_channels: 4"
    graph = build(network(tmp_path, row, "block: add, name: sum, reads: [stem, more], activation: relu"))
    assert graph["sum"].operands == ("stem", "more")
    assert list(graph)[-1] == "sum.relu"


@pytest.mark.parametrize("machine", ["8x8_32k", "npu_int8_256k"])
def test_a_branch_is_computed_once_and_both_engines_agree(tmp_path, machine):
    branches, hardware = network(tmp_path, *HOURGLASS), accelsim.load_hardware(machine)
    assert [layer.name for layer in lower(build(branches)).layers if layer.on_array] == [
        "stem", "deep.block1", "deep.block2", "last",
    ]  # fmt: skip
    schedule = plan_run(branches, hardware).schedule
    assert simulate(schedule, hardware) == simulate_events(schedule, hardware)
    assert accelsim.verify(branches, hardware).proven


@pytest.mark.parametrize(
    ("row", "sentence"),
    [
        (
            "block: conv, out_channels: 2, reads: [stm]",
            "stages.1.reads = [\"stm\"]: no row above is called 'stm'",
        ),
        (
            "block: conv, name: b, out_channels: 2, reads: [b]",
            "stages.1.reads = [\"b\"]: no row above is called 'b'",
        ),
        (
            "block: conv, out_channels: 2, reads: [stem, input]",
            'stages.1.reads = ["stem", "input"]: names 2 rows: the block conv reads one',
        ),
        (
            "block: concat, reads: stem",
            "stages.1.reads = 'stem': must be a list that is not empty "
            "(each a word of at most 200 letters, digits, _ and -)",
        ),
    ],
)
def test_what_cannot_be_read_is_said_with_its_line(tmp_path, row, sentence):
    with pytest.raises(AccelsimError) as error:
        network(tmp_path, row)
    assert str(error.value).partition(":")[2].partition(": ")[2] == sentence


@pytest.mark.parametrize(
    ("row", "sentence"),
    [
        ("block: add, name: sum, reads: [stem]", "branches: sum: adds 1 tensor; give it two or more"),
        (
            "block: add, name: sum, reads: [input, stem]",
            "branches: sum: cannot add 3 x 8 x 8 (input) and 4 x 8 x 8 (stem); make channels and "
            "strides of the two branches equal, or project one of them",
        ),
    ],
)
def test_rows_that_cannot_be_added(tmp_path, row, sentence):
    with pytest.raises(AccelsimError) as error:
        build(network(tmp_path, row))
    assert str(error.value) == sentence


def test_a_table_written_out_reads_the_same(tmp_path):
    branches = network(tmp_path, *HOURGLASS)
    assert build(concrete(branches)) == build(branches)


def test_networks_that_read_other_rows_are_other_networks(tmp_path):
    this = but_for_depth(network(tmp_path, *HOURGLASS))
    renamed = [row.replace("up,", "larger,").replace("name: up", "name: larger") for row in HOURGLASS]
    assert but_for_depth(network(tmp_path, *renamed)) == this
    other = [row.replace("[up, stem]", "[stem, up]") for row in HOURGLASS]
    assert but_for_depth(network(tmp_path, *other)) != this
