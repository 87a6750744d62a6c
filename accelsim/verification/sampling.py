"""Which tiles have their integers computed: all of a small layer, some of a large one.

Of a large layer: the first and the last tile, one of each kind of edge, and some that are drawn with a
seed. A tile is computed with all its visits, so that its outputs become complete; where a pooling follows,
so are those that reach into the windows that it completes.
"""

from collections.abc import Callable, Iterable
from typing import Final

import numpy as np

from accelsim.mapping.regions import Range, Region, Tile, Visit
from accelsim.verification.case import SEED, Case

MOST_PRODUCTS: Final = 20_000_000
"""Multiply-accumulates of a layer up to which all of its tiles are computed."""
DRAWN_TILES: Final = 32


def outputs_of(tile: Tile) -> Region:
    """The outputs that a tile adds to."""
    return Region("outputs", (tile.n, tile.g, tile.k, tile.y, tile.x))


def sampled_outputs(case: Case, visits: Callable[[], Iterable[Visit]]) -> frozenset[Region] | None:
    """Outputs of the tiles that are computed; None stands for all."""
    if case.products <= MOST_PRODUCTS:
        return None
    tiles: dict[Region, Region | None] = {}
    kinds: dict[object, Region] = {}
    for visit in visits():
        outputs = outputs_of(visit.tile)
        if visit.stores is not None or outputs not in tiles:
            tiles[outputs] = visit.stores
        kinds.setdefault(_kind(case, outputs), outputs)
    listed = list(tiles)
    drawn = np.random.default_rng(SEED).permutation(len(listed))[:DRAWN_TILES]
    chosen = {listed[0], listed[-1], *kinds.values(), *(listed[index] for index in drawn)}
    if case.layer.pooling is not None:
        chosen |= _neighbours(case, tiles, chosen)
    return frozenset(chosen)


def _kind(case: Case, outputs: Region) -> object:
    """Tiles of a kind have one size and lie at the same edges; which images they are of does not matter."""
    layer, (first, behind) = case.mapped, outputs.ranges[0]
    extents = (layer.G, layer.K, layer.OY, layer.OX)
    return behind - first, *(
        (end - start, start == 0, end == extent)
        for (start, end), extent in zip(outputs.ranges[1:], extents, strict=True)
    )


def _neighbours(case: Case, tiles: dict[Region, Region | None], chosen: set[Region]) -> set[Region]:
    """Tiles with outputs under the windows that chosen tiles complete."""
    pooling = case.mapped.pooling
    if pooling is None:
        return set()
    neighbours: set[Region] = set()
    bounds = np.array([region.ranges for region in tiles])  # tiles x axes x (start, end)
    listed = list(tiles)
    for outputs in chosen:
        results = tiles[outputs]
        if results is None:
            continue
        rows = _under(results.ranges[3], pooling.stride_y, pooling.pad_top, pooling.FY)
        columns = _under(results.ranges[4], pooling.stride_x, pooling.pad_left, pooling.FX)
        box = np.array([*outputs.ranges[:3], rows, columns])
        overlap = (bounds[..., 0] < box[:, 1]) & (bounds[..., 1] > box[:, 0])
        neighbours |= {listed[index] for index in np.flatnonzero(overlap.all(axis=1))}
    return neighbours


def _under(results: Range, stride: int, pad: int, window: int) -> Range:
    """Outputs under the windows of some results."""
    return results[0] * stride - pad, (results[1] - 1) * stride - pad + window
