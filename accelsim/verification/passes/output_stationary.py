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


class BlockSize(NamedTuple):
    """What lies in the array at a time, along rows or columns."""

    outputs: int
    """Pixels of a block at most."""
    taps: int
    """Taps of the kernel whose inputs are in the array together, at most."""


def blocks(n: int, y: int, x: int, rows: int, columns: int) -> Iterator[PixelBlock]:
    """Every block of a tile, of so many rows and columns at most."""
    return map(PixelBlock._make, product(range(n), folds(y, rows), folds(x, columns)))


def walk(tile: TileWork, machine: ArrayMachine) -> PassCounts:
    """Count what happens at each block."""
    counts = PassCounts()
    port = max(machine.rows * machine.row_words_in, machine.columns * machine.column_words_in)
    rows, columns = block_sizes(tile, machine)
    parts = list(product(folds(tile.fy, rows.taps), folds(tile.fx, columns.taps)))
    broadcasts = drained_rows = drained_columns = first_words = 0
    for _image, (y0, y1), (x0, x1) in blocks(tile.n, tile.y, tile.x, rows.outputs, columns.outputs):
        pixels = (y1 - y0) * (x1 - x0)
        for (f0, f1), (g0, g1) in parts:
            words = _reach(tile, 0, y1 - y0, f1 - f0) * _reach(tile, 1, x1 - x0, g1 - g0)
            first_words = first_words or words
            for _group, _set in product(range(tile.g), folds(tile.k, machine.parameters.partial_sums_per_pe)):
                counts.input_read_words += tile.c * words
                counts.input_hops += tile.c * pixels * ((f1 - f0) * (g1 - g0) - 1)
                counts.input_register_reads += tile.c * pixels * (f1 - f0) * (g1 - g0)
        broadcasts += tile.nonzero
        counts.weight_read_words += tile.nonzero
        counts.weight_reads += 1
        counts.macs += tile.nonzero * pixels
        # Each product reads and writes a sum. The first of an output only writes, but the drain reads it;
        # where a tile resumes, the first reads too, and filling the registers is left out (docs/model.md).
        counts.partial_sum_writes += tile.nonzero * pixels
        counts.partial_sum_reads += tile.nonzero * pixels + tile.g * tile.k * pixels * tile.resumes
        drained_rows += tile.g * tile.k * (y1 - y0)
        drained_columns += tile.g * tile.k * (x1 - x0)
    counts.cycles = -(-first_words // port) + max(-(-counts.input_read_words // port), broadcasts)
    # A row of sums leaves by the columns, a column of them by the rows.
    ways = [_passing(drained_rows, machine.column_words_out, machine.column_words_in, tile.resumes)]
    if machine.row_words_out:
        ways.append(_passing(drained_columns, machine.row_words_out, machine.row_words_in, tile.resumes))
    counts.cycles += min(ways)
    if machine.parameters.block_register == "as_needed":
        counts.input_register_reads = 0
    else:
        counts.input_register_writes = counts.input_read_words
    return counts


def block_sizes(tile: TileWork, machine: ArrayMachine) -> tuple[BlockSize, BlockSize]:
    """Of the rows of a block, and of its columns: as many pixels, and taps, as the registers of inputs hold.

    Args:
        tile: Its windows.
        machine: The array.

    Returns:
        All of the array and all taps, where nothing is said of the registers.
    """
    register = machine.parameters.block_register
    if register == "as_needed":
        return BlockSize(machine.rows, tile.fy), BlockSize(machine.columns, tile.fx)
    return (
        _block_size(tile, 0, machine.rows, tile.fy, register.rows),
        _block_size(tile, 1, machine.columns, tile.fx, register.columns),
    )


def _block_size(tile: TileWork, axis: int, pes: int, kernel: int, register: int) -> BlockSize:
    """Pixels under whose windows the register holds the inputs, and taps of one of them; one at least."""
    outputs = [count for count in range(2, pes + 1) if _reach(tile, axis, count, kernel) <= register]
    taps = [count for count in range(2, kernel + 1) if _reach(tile, axis, 1, count) <= register]
    return BlockSize(max(outputs, default=1), max(taps, default=1))


def _passing(sums: int, words_out: int, words_in: int, resumes: bool) -> int:
    """Cycles in which so many sums leave by a port, and come in before where a tile resumes."""
    return -(-sums // words_out) + (-(-sums // words_in) if resumes else 0)


def _reach(tile: TileWork, axis: int, outputs: int, taps: int) -> int:
    """Input rows (or columns) under some taps of the windows of so many outputs."""
    return (outputs - 1) * tile.stride[axis] + (taps - 1) * tile.dilation[axis] + 1


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
    for image, (y0, y1), (x0, x1) in blocks(n, y, x, machine.rows, machine.columns):
        for group in range(g):
            block = patches[image, group, :, :, y0:y1, x0:x1].reshape(words, -1)
            for k0, k1 in folds(k, machine.parameters.partial_sums_per_pe):
                products = weights[group, k0:k1].reshape(k1 - k0, words) @ block
                sums[image, group, k0:k1, y0:y1, x0:x1] += products.reshape(k1 - k0, y1 - y0, x1 - x0)
