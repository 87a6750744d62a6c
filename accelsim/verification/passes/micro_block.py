"""Micro blocks, one by one.

A micro block is some pixels of an output row of some output channels, each of which adds up products of so
many multipliers a cycle: in a step of four cycles of four parts of the input channels of one tap, or of one
part of four taps. Where groups have one input channel each, its channels may be of several groups.
"""

from collections.abc import Iterator
from itertools import chain
from math import ceil

from accelsim.verification.functions import Integers
from accelsim.verification.passes.bit_serial import ranges, reached
from accelsim.verification.passes.tile import ArrayMachine, PassCounts, TileWork

STEP = 4


def channels_of(g: int, k: int, c: int, at_once: int) -> Iterator[list[tuple[int, int]]]:
    """Of each micro block, output channels, each with its group."""
    channels = [[(group, channel) for channel in range(k)] for group in range(g)]
    if c == 1:
        channels = [list(chain.from_iterable(channels))]
    for together in channels:
        for block in ranges(len(together), at_once):
            yield together[block.start : block.stop]


def walk(tile: TileWork, machine: ArrayMachine) -> PassCounts:
    """Count what each micro block does."""
    own, counts = machine.parameters, PassCounts()
    pixels_at_once = min(own.pixels, machine.columns)
    channels_at_once = machine.columns // pixels_at_once
    parts = len(list(ranges(tile.c, machine.rows)))
    by_taps = len(list(ranges(tile.taps, STEP))) * parts
    by_channels = tile.taps * len(list(ranges(tile.c, STEP * machine.rows)))
    steps = min(by_taps, by_channels)
    for _ in range(tile.n):
        for _row in range(tile.y):
            for pixels in ranges(tile.x, pixels_at_once):
                for channels in channels_of(tile.g, tile.k, tile.c, channels_at_once):
                    outputs = len(channels) * len(pixels)
                    counts.cycles += STEP * steps
                    counts.macs += outputs * tile.c * tile.taps
                    counts.partial_sum_writes += outputs * tile.taps * parts
                    counts.partial_sum_reads += outputs * tile.taps * parts
        of_image = ceil(tile.y * tile.x / own.block_pixels)
        counts.weight_reads += of_image
        counts.weight_read_words += of_image * tile.g * tile.k * tile.c * tile.taps
        rows = reached(tile.y, tile.fy, tile.stride[0], tile.dilation[0])
        columns = reached(tile.x, tile.fx, tile.stride[1], tile.dilation[1])
        counts.input_read_words += tile.g * tile.c * rows * columns
    leaving = ceil(tile.n * tile.g * tile.k * tile.y * tile.x / own.outputs_per_cycle)
    counts.cycles = max(counts.cycles, leaving)
    return counts


def accumulate(sums: Integers, weights: Integers, patches: Integers, machine: ArrayMachine) -> None:
    """Add the products of all micro blocks to the sums.

    Args:
        sums: n x g x k x y x x.
        weights: g x k x c x taps.
        patches: n x g x c x taps x y x x, the input of each tap at each pixel.
        machine: The array.
    """
    n, g, k, y, x = sums.shape
    c, taps = weights.shape[2:]
    at_once = min(machine.parameters.pixels, machine.columns)
    for image in range(n):
        for row in range(y):
            for pixels in ranges(x, at_once):
                for block in channels_of(g, k, c, machine.columns // at_once):
                    for group, channel in block:
                        for tap in range(taps):
                            stream = patches[image, group, :, tap, row, pixels.start : pixels.stop]
                            products = weights[group, channel, :, tap] @ stream
                            sums[image, group, channel, row, pixels.start : pixels.stop] += products
