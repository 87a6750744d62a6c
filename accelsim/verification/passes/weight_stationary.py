"""Weight stationary, pass by pass.

A pass holds a sub-matrix of one kernel tap of one group, input channels on rows and output channels on
columns, while a chunk of pixels streams past, one a cycle. The chunk is as many pixels as there are
accumulators, whichever image they are of; all taps and folds of the input channels add to it before the next
begins.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from accelsim.verification.functions import Integers
from accelsim.verification.passes.tile import ArrayMachine, PassCounts, TileWork, folds


class Pass(NamedTuple):
    """One sub-matrix and the pixels that stream past it."""

    group: int
    output_channels: tuple[int, int]
    channels: tuple[int, int]
    tap: int
    pixels: tuple[int, int]
    begins: bool
    """Whether its products are the first that go to its accumulators."""


def passes(g: int, k: int, c: int, taps: int, pixels: int, machine: ArrayMachine) -> Iterator[Pass]:
    """Every pass over a tile."""
    for group in range(g):
        for output_channels in folds(k, machine.columns):
            for chunk in folds(pixels, machine.parameters.accumulators_per_column):
                begins = True
                for channels in folds(c, machine.rows):
                    for tap in range(taps):
                        yield Pass(group, output_channels, channels, tap, chunk, begins)
                        begins = False


def walk(tile: TileWork, machine: ArrayMachine) -> PassCounts:
    """Count what each pass does."""
    most_rows = max(end - start for start, end in folds(tile.c, machine.rows))
    load_cycles = -(-most_rows // machine.column_words_in)
    counts = PassCounts(cycles=load_cycles)  # nothing hides the first sub-matrix
    for array_pass in passes(tile.g, tile.k, tile.c, tile.taps, tile.n * tile.y * tile.x, machine):
        rows = array_pass.channels[1] - array_pass.channels[0]
        columns = array_pass.output_channels[1] - array_pass.output_channels[0]
        pixels = array_pass.pixels[1] - array_pass.pixels[0]
        counts.cycles += max(load_cycles, pixels)
        counts.macs += rows * columns * pixels
        counts.weight_read_words += rows * columns
        counts.weight_register_writes += rows * columns
        counts.weight_register_reads += rows * columns * pixels
        counts.input_read_words += rows * pixels
        counts.partial_sum_writes += columns * pixels
        if tile.resumes or not array_pass.begins:
            counts.partial_sum_reads += columns * pixels
    counts.weight_reads = counts.weight_read_words // (tile.g * tile.k * tile.c * tile.taps)
    return counts


def accumulate(sums: Integers, weights: Integers, patches: Integers, machine: ArrayMachine) -> None:
    """Add the products of all passes to the sums.

    Args:
        sums: n x g x k x y x x.
        weights: g x k x c x taps.
        patches: n x g x c x taps x y x x, the input of each tap at each pixel.
        machine: The array.
    """
    n, g, k, y, x = sums.shape
    c, taps = weights.shape[2:]
    pixels = n * y * x
    # A pixel is (image, row, column) in that order, so images stream past one after the other.
    accumulators = np.moveaxis(sums, 0, 2).reshape(g, k, pixels)
    streams = np.moveaxis(patches, 0, 3).reshape(g, c, taps, pixels)
    for group, (k0, k1), (c0, c1), tap, (p0, p1), _ in passes(g, k, c, taps, pixels, machine):
        accumulators[group, k0:k1, p0:p1] += (
            weights[group, k0:k1, c0:c1, tap] @ streams[group, c0:c1, tap, p0:p1]
        )
    sums[...] = np.moveaxis(accumulators.reshape(g, k, n, y, x), 2, 0)
