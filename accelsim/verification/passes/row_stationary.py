"""Row stationary, pass by pass.

A set of PEs has a row for each row of a filter and a column for each row of outputs; where these are more
than the array has columns, its strips lie below each other, and where they are more than it has PEs for, they
are worked on one after the other. Each PE goes through p filters and q channels; t sets have filters of their
own, r sets channels of their own, whose sums are added up. Of all p, q, r, t that are tried, those that take
least time are taken, of equals those that read and write the buffer least, of these the first.
"""

from collections.abc import Iterator
from itertools import product
from math import ceil
from typing import Any, NamedTuple

from accelsim.verification.functions import Integers
from accelsim.verification.passes.tile import ArrayMachine, PassCounts, TileWork, folds

TRIED = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256)
"""Channels of a PE, and sets that have channels of their own."""


class Shape(NamedTuple):
    """What a pass has at most."""

    filters: int
    """That a PE goes through."""
    channels: int
    """Likewise."""
    channel_sets: int
    filter_sets: int
    rows: int
    """Of outputs, of a strip."""
    filter_rows: int
    filter_columns: int


def walk(tile: TileWork, machine: ArrayMachine) -> PassCounts:
    """Count what happens at each pass."""
    best = min(_shapes(tile, machine), key=lambda shape: _price(tile, shape, machine))
    return _walked(tile, best, machine)


def _price(tile: TileWork, shape: Shape, machine: ArrayMachine) -> tuple[int, int]:
    """Cycles of a group, and words that pass between the array and the buffer: all passes are alike."""
    strips = list(folds(tile.y, shape.rows))
    parts = list(_parts(tile, shape))
    filter_passes = ceil(tile.k / (shape.filters * shape.filter_sets))
    sum_passes = ceil(tile.c / (shape.channels * shape.channel_sets)) * len(parts)
    cycles = filter_passes * sum_passes * _pass_cycles(tile, shape, len(strips), machine.parameters)
    read = sum(
        _reach(tile, 0, end - start, f1 - f0) * _reach(tile, 1, tile.x, h1 - h0)
        for (start, end), ((f0, f1), (h0, h1)) in product(strips, parts)
    )
    sums = 2 * (sum_passes - 1) * tile.k * tile.y * tile.x
    return cycles, tile.n * (tile.c * filter_passes * read + sums)


def _parts(tile: TileWork, shape: Shape) -> Iterator[tuple[tuple[int, int], tuple[int, int]]]:
    """Of the rows and columns of a filter, that are worked on one after the other."""
    return product(folds(tile.fy, shape.filter_rows), folds(tile.fx, shape.filter_columns))


def _shapes(tile: TileWork, machine: ArrayMachine) -> Iterator[Shape]:
    """Every one that is tried and that the PEs have room for."""
    own = machine.parameters
    filter_rows = max(end - start for start, end in folds(tile.fy, machine.rows))
    filter_columns = max(end - start for start, end in folds(tile.fx, min(own.input_words, own.filter_words)))
    sets_above = machine.rows // filter_rows
    rows = max(end - start for start, end in folds(tile.y, sets_above * machine.columns))
    strips_above = ceil(rows / machine.columns)
    sets = max(machine.columns // rows, 1) * (sets_above // strips_above)
    fixed = machine.fixed
    tried = [(fixed[name],) if name in fixed else TRIED for name in ("q", "r")]
    for most_channels, channel_sets in product(*tried):
        words = most_channels * filter_columns
        if words > min(own.input_words, own.filter_words) or channel_sets > sets:
            continue
        channel_sets_used = min(channel_sets, tile.c)
        channels = _equal(ceil(tile.c / channel_sets_used), most_channels)
        filter_sets = min(fixed.get("t", sets // channel_sets), tile.k)
        filters_of_a_set = ceil(tile.k / filter_sets)
        most_filters = min(fixed.get("p", own.sum_words), own.filter_words // (channels * filter_columns))
        for passes in range(2):
            filters = ceil(filters_of_a_set / (ceil(filters_of_a_set / most_filters) + passes))
            yield Shape(filters, channels, channel_sets_used, filter_sets, rows, filter_rows, filter_columns)


def _equal(whole: int, most: int) -> int:
    return max(end - start for start, end in folds(whole, most))


def _walked(tile: TileWork, shape: Shape, machine: ArrayMachine) -> PassCounts:
    """Every pass of one shape. Each takes as long as a full one, however little is left for it."""
    own, counts = machine.parameters, PassCounts()
    strips = list(folds(tile.y, shape.rows))
    parts = list(_parts(tile, shape))
    filter_chunks = list(_chunks(tile.k, shape.filters * shape.filter_sets))
    channel_chunks = list(_chunks(tile.c, shape.channels * shape.channel_sets))
    outputs = tile.n * tile.y * tile.x
    for filters, channels, ((f0, f1), (h0, h1)) in product(filter_chunks, channel_chunks, parts):
        filter_sets, channel_sets = ceil(filters / shape.filters), ceil(channels / shape.channels)
        columns = _reach(tile, 1, tile.x, h1 - h0)
        counts.cycles += _pass_cycles(tile, shape, len(strips), own)
        weights = filters * channels * (f1 - f0) * (h1 - h0)
        counts.weight_read_words += weights
        counts.weight_register_writes += weights * shape.rows
        counts.macs += weights * outputs
        counts.sum_hops += filters * outputs * ((f1 - f0) * channel_sets - 1)
        for start, end in strips:
            rows = _reach(tile, 0, end - start, f1 - f0)
            counts.input_read_words += tile.n * channels * rows * columns
            rows_in_pes = filter_sets * (end - start) * (f1 - f0)
            counts.input_register_writes += tile.n * channels * rows_in_pes * columns
    sums_between = (len(channel_chunks) * len(parts) - 1) * tile.k * outputs
    counts.sum_read_words = counts.sum_written_words = sums_between
    for name, count in vars(counts).items():
        setattr(counts, name, count * tile.g)
    if own.zero_gating:
        counts.macs = ceil(counts.macs * tile.input_density - 1e-9)
    counts.weight_register_reads = counts.input_register_reads = counts.macs
    counts.partial_sum_reads = counts.partial_sum_writes = counts.macs
    counts.weight_reads = 1
    return counts


def _pass_cycles(tile: TileWork, shape: Shape, strips: int, own: Any) -> int:
    """Filters come; strip by strip first windows, products while the rest comes and goes, last sums."""
    filters = shape.filters * shape.filter_sets
    channels = shape.channels * shape.channel_sets
    ways_in, words = own.input_words_per_cycle, own.sum_words_per_cycle
    rows, columns = (
        _reach(tile, 0, shape.rows, shape.filter_rows),
        _reach(tile, 1, tile.x, shape.filter_columns),
    )
    taps = shape.filter_rows * shape.filter_columns
    products = tile.n * shape.filters * shape.channels * shape.filter_columns * tile.x
    coming = ceil(tile.n * channels * rows * columns / ways_in)
    sums = ceil(tile.n * filters * shape.rows * tile.x / words)
    first, last = ceil(channels * rows * shape.filter_columns / ways_in), ceil(filters * shape.rows / words)
    loading = ceil(filters * channels * taps / own.filter_words_per_cycle)
    cycles: int = loading + strips * (first + max(products, coming, sums) + last)
    return cycles


def _chunks(extent: int, size: int) -> Iterator[int]:
    """Sizes of the parts of a loop: full ones, and what is left."""
    return (min(size, extent - start) for start in range(0, extent, size))


def _reach(tile: TileWork, axis: int, outputs: int, taps: int) -> int:
    """Input rows (or columns) under some taps of the windows of so many outputs."""
    return (outputs - 1) * tile.stride[axis] + (taps - 1) * tile.dilation[axis] + 1


def accumulate(sums: Integers, weights: Integers, patches: Integers, machine: ArrayMachine) -> None:  # noqa: ARG001
    """Add the products row by row: each PE has a row of a filter, of a channel and of outputs.

    Args:
        sums: n x g x k x y x x.
        weights: g x k x c x taps.
        patches: n x g x c x taps x y x x, the input of each tap at each pixel.
        machine: The array.
    """
    n, g, _, y, x = sums.shape
    for image, group, row in product(range(n), range(g), range(y)):
        of_row = patches[image, group, :, :, row, :]
        for channel in range(weights.shape[2]):
            sums[image, group, :, row, :] += weights[group, :, channel] @ of_row[channel].reshape(-1, x)
