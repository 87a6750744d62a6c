"""What is said of a layer's tiles, of one of its stripes: of fewer rows a tile has all."""

from dataclasses import replace

from accelsim.mapping.given_search import extents_of
from accelsim.mapping.search import as_executed
from accelsim.network.given import GivenMapping
from accelsim.network.layer import Layer


def for_stripe(given: GivenMapping, stripe: Layer) -> GivenMapping:
    """What is said of tiles, where a stripe may be smaller than these.

    Args:
        given: What is said of stripes of the layer.
        stripe: One of them.

    Returns:
        The same, with sizes of all that there is where more is said; homes are left out.

    Example:
        >>> stripe = Layer("conv1", "conv", K=8, C=3, OY=2, OX=16, FY=3, FX=3, IY=4, IX=18)
        >>> for_stripe(GivenMapping(tile=(("K", 4), ("OY", 6))), stripe).tile
        (('K', 4), ('OY', 2))
    """
    extents = extents_of(*as_executed(replace(stripe, given=given), 1))
    tile = {letter: min(size, extents[letter]) for letter, size in given.tile}
    bounds = dict(given.bounds)
    for letter, of_loop in given.bounds:
        if letter != "N" and not any(map(of_loop.allow, range(of_loop.least, extents[letter] + 1))):
            tile[letter] = extents[letter]
            del bounds[letter]
    return replace(
        given, tile=tuple(sorted(tile.items())), bounds=tuple(sorted(bounds.items())), homes=(), images=None
    )
