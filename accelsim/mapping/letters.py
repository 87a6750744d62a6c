"""Tiles and loops by the letters of a layer's bounds, as results have them."""

from typing import Any

from accelsim.descriptions.phrases import counted
from accelsim.mapping.loop_order import LETTERS, Order, as_named, letters_of
from accelsim.mapping.mapping import Mapping
from accelsim.mapping.room import trips_of


def tile_words(mapping: Mapping) -> str:
    """A tile as a person writes it, with the order of the loops and idle rows if any."""
    idle_rows = mapping.idle_rows
    return f"{mapping} {order_words(mapping.order)}" + (
        f", {counted(idle_rows, 'row')} idle" if idle_rows else ""
    )


def order_words(order: Order) -> str:
    """An order by its name, or its loops by their letters, outermost first."""
    return order if isinstance(order, str) else " ".join(order)


def order_in_words(words: str) -> Order:
    """The inverse of `order_words`."""
    letters: Any = tuple(words.split())
    return as_named(letters) if len(letters) > 1 else letters[0]


def tile_sizes(mapping: Mapping) -> dict[str, int]:
    """What a tile covers of each loop."""
    tile = mapping.tile
    sizes = {"N": tile.n, "G": tile.g, "K": tile.k, "C": tile.c, "OY": tile.y, "OX": tile.x}
    return {**sizes, "FY": tile.fy, "FX": tile.fx}


def tile_order(mapping: Mapping) -> tuple[str, ...]:
    """The loops over tiles, outermost first; those over the kernel's taps where it is cut."""
    layer, tile = mapping.layer, mapping.tile
    whole = {"FY": tile.fy == layer.FY, "FX": tile.fx == layer.FX}
    return tuple(letter for letter in letters_of(mapping.order) if not whole.get(letter))


def tile_trips(mapping: Mapping, images: int) -> dict[str, int]:
    """How many tiles there are along each loop of a layer that so many images go through."""
    return {LETTERS[dimension]: count for dimension, count in trips_of(mapping, images).items()}
