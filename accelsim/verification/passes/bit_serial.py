"""Bit serial, patch by patch.

A patch is a square of output pixels of one image, of some output channels, to which input channels add block
by block: as many as the array has columns, of nine taps at most. The last patch of a row or column may hang
over the edge. Depthwise, the output channels of a patch are as many groups, each with an input of its own.
"""

from collections.abc import Iterator
from math import ceil
from typing import NamedTuple

from accelsim.verification.functions import Integers
from accelsim.verification.passes.tile import ArrayMachine, PassCounts, TileWork

TAPS = 9


class Patch(NamedTuple):
    """Output pixels, from where to where."""

    rows: range
    columns: range


def ranges(extent: int, size: int) -> Iterator[range]:
    """Full ones, and what is left."""
    for start in range(0, extent, size):
        yield range(start, min(start + size, extent))


def side(machine: ArrayMachine, stride: int) -> int:
    """Outputs in a row whose windows begin within the inputs that a patch without stride has."""
    return len(range(0, machine.parameters.patch, stride))


def patches(y: int, x: int, stride: tuple[int, int], machine: ArrayMachine) -> list[Patch]:
    """Of one image."""
    height, width = (side(machine, step) for step in stride)
    return [Patch(rows, columns) for rows in ranges(y, height) for columns in ranges(x, width)]


def channel_blocks(
    g: int, k: int, machine: ArrayMachine, *, depthwise: bool
) -> Iterator[tuple[range, range]]:
    """Groups and output channels that have sums at once."""
    most = machine.parameters.out_channels
    if depthwise:
        for groups in ranges(g, min(machine.columns, most)):
            yield groups, range(1)
    else:
        for group in range(g):
            for channels in ranges(k, most):
                yield range(group, group + 1), channels


def reached(outputs: int, taps: int, stride: int, dilation: int) -> int:
    """Inputs in a row under so many windows side by side; where these leave out many, no more than theirs."""
    last = max(output * stride + tap * dilation for output in range(outputs) for tap in range(taps))
    return min(outputs * taps, last + 1)


def walk(tile: TileWork, machine: ArrayMachine) -> PassCounts:
    """Count what each patch does."""
    own, taps = machine.parameters, tile.taps
    counts = PassCounts()
    turns = ceil(own.patch**2 / machine.rows)  # where the array has fewer rows than a patch has pixels
    load = 10 + own.patch**2 if taps == 1 else 6 + (own.patch + 2) ** 2
    bits = 1 if taps == 1 else own.weight_bits
    pixels_of_patch = side(machine, tile.stride[0]) * side(machine, tile.stride[1])
    for _ in range(tile.n):
        for patch in patches(tile.y, tile.x, tile.stride, machine):
            counts.weight_reads += 1
            pixels = len(patch.rows) * len(patch.columns)
            inputs = reached(len(patch.rows), tile.fy, tile.stride[0], tile.dilation[0]) * reached(
                len(patch.columns), tile.fx, tile.stride[1], tile.dilation[1]
            )
            for groups, channels in channel_blocks(tile.g, tile.k, machine, depthwise=tile.depthwise):
                outputs = len(groups) * len(channels)
                for block in ranges(tile.c, machine.columns):
                    counts.input_read_words += inputs * len(groups) * len(block)
                    counts.weight_read_words += outputs * len(block) * taps
                    counts.macs += outputs * len(block) * taps * pixels
                    for _of_taps in ranges(taps, TAPS):
                        counts.cycles += load + 6 + turns * (6 + bits * outputs) + 2
                        counts.partial_sum_writes += outputs * pixels
                        counts.partial_sum_reads += outputs * pixels
                counts.cycles += 8 + 9 + ceil(outputs / 4) + 8 + ceil(outputs / 8) + 4 + pixels_of_patch
    return counts


def accumulate(sums: Integers, weights: Integers, patches_of: Integers, machine: ArrayMachine) -> None:
    """Add the products of all patches to the sums.

    Args:
        sums: n x g x k x y x x.
        weights: g x k x c x taps.
        patches_of: n x g x c x taps x y x x, the input of each tap at each pixel.
        machine: The array.
    """
    n, g, k, y, x = sums.shape
    c, taps = weights.shape[2:]
    for image in range(n):
        for rows, columns in patches(y, x, (1, 1), machine):
            square = slice(rows.start, rows.stop), slice(columns.start, columns.stop)
            for groups, channels in channel_blocks(g, k, machine, depthwise=k == c == 1):
                for group in groups:
                    for block in ranges(c, machine.columns):
                        for tap in range(taps):
                            stream = patches_of[image, group, block.start : block.stop, tap][:, *square]
                            factors = weights[
                                group, channels.start : channels.stop, block.start : block.stop, tap
                            ]
                            summed = sums[image, group, channels.start : channels.stop]
                            summed[:, *square] += (factors @ stream.reshape(len(block), -1)).reshape(
                                len(channels), len(rows), len(columns)
                            )
