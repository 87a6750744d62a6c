"""Systolic weight stationary, pass by pass.

A pass holds a sub-matrix of one kernel tap of one group, input channels on rows and output channels on
columns, while the output pixels pass row by row of the picture, in blocks. Inputs move through the columns,
sums through the rows; below, they are added to those of the passes before.
"""

from collections.abc import Iterator
from math import ceil
from typing import NamedTuple

import numpy as np

from accelsim.verification.functions import Integers
from accelsim.verification.passes.tile import ArrayMachine, PassCounts, TileWork, folds


class Pass(NamedTuple):
    """One sub-matrix."""

    group: int
    output_channels: tuple[int, int]
    tap: int
    channels: tuple[int, int]
    begins: bool
    """Whether its sums are the first of their outputs."""


def passes(g: int, k: int, c: int, taps: int, machine: ArrayMachine) -> Iterator[Pass]:
    """Every pass over a tile."""
    for group in range(g):
        for output_channels in folds(k, machine.columns):
            begins = True
            for tap in range(taps):
                for channels in folds(c, machine.rows):
                    yield Pass(group, output_channels, tap, channels, begins)
                    begins = False


def blocks(pixels: int, size: int) -> list[int]:
    """The blocks of a row of pixels: full ones, and what is left."""
    return [min(size, pixels - start) for start in range(0, pixels, size)]


def walk(tile: TileWork, machine: ArrayMachine) -> PassCounts:
    """Count what each pass does."""
    own = machine.parameters
    of_a_pass = [block for _ in range(tile.n * tile.y) for block in blocks(tile.x, own.block_pixels)]
    *others, last = [max(block, own.least_block_cycles) for block in of_a_pass]
    streaming = sum(others) + max(last, own.block_pixels)
    pass_cycles = max(streaming, ceil(len(of_a_pass) * own.pair_cycles / own.pairs_in_flight))
    pixels = sum(of_a_pass)
    counts = PassCounts(cycles=machine.rows, weight_reads=1)  # what is in the array at the end drains
    for array_pass in passes(tile.g, tile.k, tile.c, tile.taps, machine):
        rows = array_pass.channels[1] - array_pass.channels[0]
        columns = array_pass.output_channels[1] - array_pass.output_channels[0]
        counts.cycles += pass_cycles
        counts.macs += rows * columns * pixels
        counts.weight_read_words += rows * columns
        counts.weight_register_writes += rows * columns
        counts.weight_register_reads += rows * columns * pixels
        counts.input_read_words += rows * pixels
        counts.input_hops += rows * (columns - 1) * pixels
        counts.sum_hops += (rows - 1) * columns * pixels
        if not array_pass.begins:  # what the pass before has written is read again
            counts.sum_written_words += columns * pixels
            counts.sum_read_words += columns * pixels
    return counts


def accumulate(sums: Integers, weights: Integers, patches: Integers, machine: ArrayMachine) -> None:
    """Add the products of all passes to the sums, block by block.

    Args:
        sums: n x g x k x y x x.
        weights: g x k x c x taps.
        patches: n x g x c x taps x y x x, the input of each tap at each pixel.
        machine: The array.
    """
    n, g, k, y, x = sums.shape
    c, taps = weights.shape[2:]
    ends = np.cumsum(blocks(x, machine.parameters.block_pixels)).tolist()
    for group, (k0, k1), tap, (c0, c1), _ in passes(g, k, c, taps, machine):
        sub_matrix = weights[group, k0:k1, c0:c1, tap]
        for image in range(n):
            for row in range(y):
                for start, end in zip([0, *ends[:-1]], ends, strict=True):
                    stream = patches[image, group, c0:c1, tap, row, start:end]
                    sums[image, group, k0:k1, row, start:end] += sub_matrix @ stream
