"""Tiles have sizes along every loop: what is said of them, kept of them, and chosen."""

from dataclasses import replace

import pytest
from machines import addition, conv, machine, mapped, pool

from accelsim.mapping.mapping import Mapping
from accelsim.mapping.options import MappingOptions
from accelsim.mapping.search import map_layer
from accelsim.mapping.tile import TileShape, is_partial, whole_image
from accelsim.pricing import tile_order, tile_sizes
from accelsim.reuse.mapping_file import MappingFile

LAYER = conv(32, 16, (10, 12), kernel=(3, 3), padding=(1, 1, 1, 1))


def cut(**tile: int) -> Mapping:
    return mapped(LAYER, "weight_stationary", machine(), batch=3, **tile)


@pytest.mark.parametrize(
    ("tile", "text"),
    [
        ({}, "K32 C16 Y10 X12"),
        ({"n": 2}, "N2 K32 C16 Y10 X12"),
        ({"fy": 1}, "K32 C16 Y10 X12 FY1"),
        ({"n": 2, "k": 1, "c": 1, "y": 1, "x": 1, "fy": 2, "fx": 1}, "N2 FY2 FX1"),
    ],
)
def test_a_mapping_names_images_where_there_are_several_and_taps_where_they_are_cut(tile, text):
    assert str(cut(**tile)) == text


def test_results_say_what_a_tile_covers_of_each_loop():
    mapping = cut(n=2, k=16, fx=1)
    assert tile_sizes(mapping) == {
        "N": 2, "G": 1, "K": 16, "C": 16, "OY": 10, "OX": 12, "FY": 3, "FX": 1
    }  # fmt: skip
    assert tile_order(mapping) == ("N", "G", "OY", "OX", "K", "C", "FX")
    assert tile_order(cut()) == ("N", "G", "OY", "OX", "K", "C")


def test_a_tile_is_partial_where_others_add_to_its_outputs():
    whole = whole_image(LAYER)
    assert whole == TileShape(n=1, g=1, k=32, c=16, y=10, x=12, fy=3, fx=3)
    for tile in (whole, replace(whole, n=2), replace(whole, k=1, y=1, x=1)):
        assert not is_partial(LAYER, tile)
    for tile in (replace(whole, c=8), replace(whole, fy=2), replace(whole, fx=1)):
        assert is_partial(LAYER, tile)


def test_a_file_of_mappings_gives_back_what_was_cut(tmp_path):
    options, mapping = MappingOptions(batch=3), cut(n=2, k=8, c=4, y=5, x=6, fy=2, fx=1)
    written = MappingFile(tmp_path / "mappings").mappings(machine(), options, {})
    written[LAYER] = mapping
    written.flush()
    read = MappingFile(tmp_path / "mappings").mappings(machine(), options, {})
    assert read[LAYER] == mapping


@pytest.mark.parametrize("layer", [LAYER, pool(5, (7, 7), (3, 3), (2, 2), 1), addition(6, (4, 4))])
def test_the_search_chooses_tiles_of_one_image_with_all_taps(layer):
    tile = map_layer(layer, machine(), MappingOptions(batch=3)).tile
    assert (tile.n, tile.fy, tile.fx) == (1, layer.FY, layer.FX)
