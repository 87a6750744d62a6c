"""Tiles and loops by the letters of a layer's bounds, as results have them."""

from collections.abc import Mapping as MappingOf
from typing import Final

from accelsim.descriptions.phrases import counted
from accelsim.mapping.mapping import Mapping
from accelsim.mapping.program import LOOPS, Dimension

LETTERS: Final[MappingOf[Dimension, str]] = {
    "image": "N",
    "group": "G",
    "output_channel": "K",
    "input_channel": "C",
    "row": "OY",
    "column": "OX",
    "tap_row": "FY",
    "tap_column": "FX",
}
"""The letters of `Layer` for the loops over tiles."""


def tile_words(mapping: Mapping) -> str:
    """A tile as a person writes it, with the order of the loops and idle rows if any."""
    idle_rows = mapping.idle_rows
    return f"{mapping} {mapping.order}" + (f", {counted(idle_rows, 'row')} idle" if idle_rows else "")


def tile_sizes(mapping: Mapping) -> dict[str, int]:
    """What a tile covers of each loop."""
    tile = mapping.tile
    sizes = {"N": tile.n, "G": tile.g, "K": tile.k, "C": tile.c, "OY": tile.y, "OX": tile.x}
    return {**sizes, "FY": tile.fy, "FX": tile.fx}


def tile_order(mapping: Mapping) -> tuple[str, ...]:
    """The loops over tiles, outermost first; those over the kernel's taps where it is cut."""
    layer, tile = mapping.layer, mapping.tile
    whole = {"FY": tile.fy == layer.FY, "FX": tile.fx == layer.FX}
    letters = (LETTERS[dimension] for dimension in LOOPS[mapping.order])
    return tuple(letter for letter in letters if not whole.get(letter))
