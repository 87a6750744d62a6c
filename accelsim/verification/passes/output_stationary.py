"""Output stationary, block by block.

A block of pixels of one image lies in the array, one in each PE. For each group, each set of output channels
whose partial sums the PEs hold and each input channel, the block's inputs are loaded with their halo and move
on to the neighbouring PE from tap to tap, while the weights that are not zero are broadcast one a cycle.
"""

from collections.abc import Iterator
from itertools import product
from typing import NamedTuple

from accelsim.verification.functions import Integers
from accelsim.verification.passes.tile import ArrayMachine, PassCounts, TileWork, folds


class PixelBlock(NamedTuple):
    """Pixels that lie in the array together."""

    image: int
    rows: tuple[int, int]
    columns: tuple[int, int]


def blocks(n: int, y: int, x: int, machine: ArrayMachine) -> Iterator[PixelBlock]:
    """Every block of a tile."""
    return map(PixelBlock._make, product(range(n), folds(y, machine.rows), folds(x, machine.columns)))


def walk(tile: TileWork, machine: ArrayMachine) -> PassCounts:
    """Count what happens at each block."""
    counts = PassCounts()
    port = machine.columns * machine.port_words
    broadcasts = drained_rows = first_words = 0
    for _image, (y0, y1), (x0, x1) in blocks(tile.n, tile.y, tile.x, machine):
        pixels = (y1 - y0) * (x1 - x0)
        block_words = _reach(tile, 0, y1 - y0) * _reach(tile, 1, x1 - x0)
        first_words = first_words or block_words
        for _group, _set in product(range(tile.g), folds(tile.k, machine.parameters.partial_sums_per_pe)):
            counts.input_read_words += tile.c * block_words
            counts.input_hops += tile.c * pixels * (tile.taps - 1)
        broadcasts += tile.nonzero
        counts.weight_read_words += tile.nonzero
        counts.weight_reads += 1
        counts.macs += tile.nonzero * pixels
        # Each product reads and writes a sum. The first of an output only writes, but the drain reads it;
        # where a tile resumes, the first reads too, and filling the registers is left out (docs/model.md).
        counts.partial_sum_writes += tile.nonzero * pixels
        counts.partial_sum_reads += tile.nonzero * pixels + tile.g * tile.k * pixels * tile.resumes
        drained_rows += tile.g * tile.k * (y1 - y0)
    drain = -(-drained_rows // machine.port_words)
    counts.cycles = -(-first_words // port) + max(-(-counts.input_read_words // port), broadcasts)
    counts.cycles += drain * (2 if tile.resumes else 1)
    return counts


def _reach(tile: TileWork, axis: int, outputs: int) -> int:
    """Input rows (or columns) under the windows of so many outputs."""
    kernel = (tile.fy, tile.fx)[axis]
    return (outputs - 1) * tile.stride[axis] + (kernel - 1) * tile.dilation[axis] + 1


def accumulate(sums: Integers, weights: Integers, patches: Integers, machine: ArrayMachine) -> None:
    """Add the products of all blocks to the sums.

    Args:
        sums: n x g x k x y x x.
        weights: g x k x c x taps.
        patches: n x g x c x taps x y x x, the input of each tap at each pixel.
        machine: The array.
    """
    n, g, k, y, x = sums.shape
    words = weights.shape[2] * weights.shape[3]
    for image, (y0, y1), (x0, x1) in blocks(n, y, x, machine):
        for group in range(g):
            block = patches[image, group, :, :, y0:y1, x0:x1].reshape(words, -1)
            for k0, k1 in folds(k, machine.parameters.partial_sums_per_pe):
                products = weights[group, k0:k1].reshape(k1 - k0, words) @ block
                sums[image, group, k0:k1, y0:y1, x0:x1] += products.reshape(k1 - k0, y1 - y0, x1 - x0)
