"""The memory map as a figure: which rectangle stands for what, and that its words can be read."""

import pytest
from legible import assert_legible, words_of
from machines import keeping_machine

import accelsim
from accelsim.errors import AccelsimError
from accelsim.memory_map import MemoryMap, PlacedTensor, Steps, TileRegion
from accelsim.report.plots.memory import (
    MapBlock,
    memory_blocks,
    memory_figure,
    memory_title,
    outside_bytes,
)

KIB = 1024
IMAGE = PlacedTensor("image", 800, Steps(0, 0), 200, None, last_reader=0, is_image=True)
CONV1 = PlacedTensor("conv1", 400, Steps(0, 1), 1000, Steps(0, 2), last_reader=2)
CONV2 = PlacedTensor("conv2", 600, None, None, Steps(1, 2), last_reader=2)
CONV3 = PlacedTensor("conv3", 50, Steps(2, 2), 0, None, is_result=True)
TILES = (TileRegion(1400, 600, 500), TileRegion(0, 1000, 1030), TileRegion(50, 1950, 2000))
MAP = MemoryMap("sram", 2000, (IMAGE, CONV1, CONV2, CONV3), TILES)


def run(network, size_bytes):
    return accelsim.run_network(network, keeping_machine(size_bytes))


def test_each_tensor_in_the_pool_is_a_block_for_as_long_as_it_lies_there():
    blocks = [block for block in memory_blocks(MAP) if block.name]
    assert blocks == [
        MapBlock("image", "image", first=0, last=0, address=200, size_bytes=800),
        MapBlock("conv1", "copied", first=0, last=1, address=1000, size_bytes=400),
        MapBlock("conv3", "result", first=2, last=2, address=0, size_bytes=50),
    ]


def test_tiles_have_a_block_in_each_layer_and_what_they_lack_one_above_the_pool():
    blocks = [block for block in memory_blocks(MAP) if not block.name]
    assert blocks == [
        MapBlock("", "tiles", first=0, last=0, address=1400, size_bytes=500),
        MapBlock("", "tiles", first=1, last=1, address=0, size_bytes=1000),
        MapBlock("", "waste", first=1, last=1, address=2000, size_bytes=30),
        MapBlock("", "tiles", first=2, last=2, address=50, size_bytes=1950),
        MapBlock("", "waste", first=2, last=2, address=2000, size_bytes=50),
    ]


def test_pinned_weights_are_blocks_from_start_to_end_and_nothing_that_moves_between_places():
    weights = PlacedTensor("conv3 weights", 100, Steps(0, 2), 1900, Steps(0, 2), 2, is_weights=True)
    with_weights = MemoryMap("sram", 2000, (*MAP.tensors, weights), TILES)
    block = MapBlock("conv3 weights", "weights", first=0, last=2, address=1900, size_bytes=100)
    assert block in memory_blocks(with_weights)
    assert outside_bytes(with_weights) == outside_bytes(MAP)


def test_outside_lies_what_is_not_in_the_pool_meanwhile():
    assert outside_bytes(MAP) == [0, 600, 400 + 600]


def test_blocks_of_a_run_do_not_overlap():
    memory_map = run("squeezenet_v1_1", 200 * KIB).memory_map
    blocks = memory_blocks(memory_map)
    for step in range(len(memory_map.tiles)):
        meanwhile = sorted(
            (block.address, block.address + block.size_bytes)
            for block in blocks
            if block.first <= step <= block.last
        )
        ends = [end for _, end in meanwhile]
        assert all(start >= end for (start, _), end in zip(meanwhile[1:], ends, strict=False))
        assert ends[-1] <= memory_map.size_bytes


def test_the_title_says_how_much_is_in_use(a_layer, a_result):
    result = a_result(a_layer())
    memory_map = MemoryMap("sram", 4 * KIB, (), (TileRegion(0, 4 * KIB, 3 * KIB),))
    words = "Memory map of net on machine: 4 KiB of sram, peak 3 KiB"
    assert memory_title(result, memory_map) == f"{words}, addresses up to 3 KiB"
    short = MemoryMap("sram", 4 * KIB, (), (TileRegion(0, 2 * KIB, 3 * KIB),))
    assert memory_title(result, short) == f"{words}, addresses waste 1 KiB"


@pytest.mark.parametrize(
    ("network", "kib"),
    [("sqnxt23v5", 512), ("squeezenet_v1_1", 300), ("mobilenet_v2", 512), ("alexnet", 100)],
)
def test_every_word_of_a_memory_map_can_be_read(network, kib):
    figure = memory_figure([run(network, kib * KIB)])
    assert_legible(figure)
    above, below = figure.axes
    assert (above.get_ylabel(), below.get_ylabel()) == ("address in sram [KiB]", "outside [KiB]")
    assert above.get_ylim() == (0, kib)


def test_names_on_pinned_weights_can_be_read():
    """They were black on dark blue."""
    hardware = keeping_machine(2048 * KIB, keeps=["activations", "weights"])
    figure = memory_figure([accelsim.run_network("squeezenet_v1_1", hardware)])
    assert_legible(figure)
    on_blue = [text for text, _ in words_of(figure) if "weights" in text.get_text() and text.get_bbox_patch()]
    assert on_blue
    assert {text.get_color() for text in on_blue} == {"white"}


def test_names_stand_where_they_fit():
    figure = memory_figure([run("squeezenet_v1_1", 300 * KIB)])
    words = {text.get_text() for text, _ in words_of(figure)}
    assert any("squeeze1x1" in word for word in words)


def test_a_machine_that_keeps_nothing_has_no_memory_map(a_layer, a_result):
    with pytest.raises(AccelsimError, match=r"^machine: keeps no tensor on chip: none of its memories has"):
        memory_figure([a_result(a_layer())])
