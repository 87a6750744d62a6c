"""Weight stationary, pass by pass.

A pass holds a sub-matrix of weights, what is summed on rows and output channels on columns, while a chunk of
pixels streams past, one a cycle. The chunk is as many pixels as there are accumulators, whichever image they
are of; all sub-matrices with other rows add to it before the next begins. Without packing the rows of a
sub-matrix are input channels of one tap and one group; an array that packs has taps side by side with them,
or several groups on the diagonal, where all passes over the tile together are faster so.
"""

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

import numpy as np

from accelsim.verification.functions import Integers
from accelsim.verification.passes.tile import ArrayMachine, PassCounts, TileWork, folds


class Packing(NamedTuple):
    """What of a tile lies side by side in the array."""

    taps: bool
    """All taps, on the rows."""
    groups: int
    """At most so many, on the diagonal."""


PLAIN: Final = Packing(taps=False, groups=1)
"""One tap of one group at a time."""


class Pass(NamedTuple):
    """One sub-matrix and the pixels that stream past it."""

    groups: tuple[int, int]
    output_channels: tuple[int, int]
    """Of each group."""
    rows: slice
    """Of each group: which of its input channels x taps."""
    pixels: tuple[int, int]
    begins: bool
    """Whether its products are the first that go to its accumulators."""

    @property
    def n_groups(self) -> int:
        """That lie side by side."""
        return self.groups[1] - self.groups[0]

    @property
    def group_rows(self) -> int:
        """Rows of each group."""
        return len(range(self.rows.start, self.rows.stop, self.rows.step))


def passes(
    g: int, k: int, c: int, taps: int, pixels: int, machine: ArrayMachine, packing: Packing
) -> Iterator[Pass]:
    """Every pass over a tile."""
    if packing.taps:
        sub_matrices = [slice(start, end, 1) for start, end in folds(c * taps, machine.rows)]
    else:
        sub_matrices = [
            slice(start * taps + tap, (end - 1) * taps + tap + 1, taps)
            for start, end in folds(c, machine.rows)
            for tap in range(taps)
        ]
    for groups in folds(g, packing.groups):
        for output_channels in folds(k, machine.columns):
            for chunk in folds(pixels, machine.parameters.accumulators_per_column):
                for rows in sub_matrices:
                    yield Pass(groups, output_channels, rows, chunk, begins=rows is sub_matrices[0])


def walk(tile: TileWork, machine: ArrayMachine) -> PassCounts:
    """Count what each pass does."""
    pixels = tile.n * tile.y * tile.x
    packing = _packing_of(tile.g, tile.k, tile.c, tile.taps, pixels, machine)
    all_passes = list(passes(tile.g, tile.k, tile.c, tile.taps, pixels, machine, packing))
    counts = PassCounts(cycles=_cycles(all_passes, machine))
    for array_pass in all_passes:
        groups, rows = array_pass.n_groups, array_pass.group_rows
        columns = array_pass.output_channels[1] - array_pass.output_channels[0]
        chunk = array_pass.pixels[1] - array_pass.pixels[0]
        counts.macs += groups * rows * columns * chunk
        counts.weight_read_words += groups * rows * columns
        counts.weight_register_writes += groups * rows * columns
        counts.weight_register_reads += groups * rows * columns * chunk
        counts.input_read_words += groups * rows * chunk
        counts.partial_sum_writes += groups * columns * chunk
        if tile.resumes or not array_pass.begins:
            counts.partial_sum_reads += groups * columns * chunk
    counts.weight_reads = counts.weight_read_words // (tile.g * tile.k * tile.c * tile.taps)
    return counts


def _packing_of(g: int, k: int, c: int, taps: int, pixels: int, machine: ArrayMachine) -> Packing:
    """Whichever is fastest; of those that take as long the one that packs less."""
    allowed = machine.parameters.packing
    if not allowed:
        return PLAIN
    packings = [PLAIN]
    if "taps" in allowed:
        packings.append(Packing(taps=True, groups=1))
    if "groups" in allowed:
        packings += [Packing(each.taps, _on_diagonal(g, k, c, taps, each, machine)) for each in packings]

    def cycles(packing: Packing) -> int:
        return _cycles(list(passes(g, k, c, taps, pixels, machine, packing)), machine)

    return min(packings, key=cycles)


def _on_diagonal(g: int, k: int, c: int, taps: int, packing: Packing, machine: ArrayMachine) -> int:
    """How many groups there is room for."""
    rows, groups = c * taps if packing.taps else c, 1
    while groups < g and (groups + 1) * rows <= machine.rows and (groups + 1) * k <= machine.columns:
        groups += 1
    return groups


def _cycles(all_passes: Sequence[Pass], machine: ArrayMachine) -> int:
    """Of passes that follow one another; nothing hides the loading of the first."""
    most_rows = max(array_pass.n_groups * array_pass.group_rows for array_pass in all_passes)
    load_cycles = -(-most_rows // machine.column_words_in)
    chunks = (array_pass.pixels[1] - array_pass.pixels[0] for array_pass in all_passes)
    return load_cycles + sum(max(load_cycles, chunk) for chunk in chunks)


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
    streams = np.moveaxis(patches, 0, 3).reshape(g, c * taps, pixels)
    matrices = weights.reshape(g, k, c * taps)
    packing = _packing_of(g, k, c, taps, pixels, machine)
    for (g0, g1), (k0, k1), rows, (p0, p1), _ in passes(g, k, c, taps, pixels, machine, packing):
        for group in range(g0, g1):
            accumulators[group, k0:k1, p0:p1] += matrices[group, k0:k1, rows] @ streams[group, rows, p0:p1]
    sums[...] = np.moveaxis(accumulators.reshape(g, k, n, y, x), 2, 0)
