"""How a layer is cut into tiles: sizes to try, and what the tiles of each size read and store.

Tiles divide by ceiling, not only by exact factors: 1000 output channels on 16 columns are 63 folds, the
last one half full.
"""

from collections.abc import Iterator, Sequence
from itertools import groupby
from operator import itemgetter
from typing import NamedTuple

from accelsim.columns import CountT
from accelsim.mapping.arithmetic import ceil_div, larger
from accelsim.network.layer import Layer, LoopNest


class Span(NamedTuple):
    """Successive tiles along one axis that are alike."""

    tiles: int
    size: int
    """Outputs (or channels) of one tile."""
    inputs: int
    """Input rows or columns (or channels) that one tile reads, its halo included and padding left out."""
    stored: int
    """Output rows or columns that one tile completes and stores; fewer than `size` where pooling follows."""


def tile_sizes(extent: int, unit: int, *, finely: bool = False) -> tuple[int, ...]:
    """Sizes to cut `extent` into: its passes of `unit`, and one pass, divided by 1, 2, 3, 4, 6, 8, 12 ...

    All of them are rounded up. The divisors grow by halves and thirds, so there are few of them however large
    the extent is: each size is at least half of the next larger one. `finely` adds the extent itself divided
    by 1 to 16 and by eight numbers for each doubling: sizes that are the same whatever the array is, so that
    a larger array can be given what a smaller one can, or a ninth less.
    """
    passes, one_pass = -(-extent // unit), min(extent, unit)
    sizes = {min(extent, -(-passes // divisor) * unit) for divisor in _divisors(passes)}
    sizes |= {-(-one_pass // divisor) for divisor in _divisors(one_pass)}
    if finely:
        sizes |= {-(-extent // divisor) for divisor in _fine_divisors(extent)}
    return tuple(sorted(sizes, reverse=True))


def _divisors(largest: int) -> Iterator[int]:
    power = 1
    while power < 2 * largest:
        yield power
        if power > 1:
            yield power + power // 2
        power *= 2


def _fine_divisors(largest: int) -> Iterator[int]:
    yield from range(1, 17)
    power = 16
    while power < largest:
        yield from range(power + power // 8, 2 * power + 1, power // 8)
        power *= 2


def channel_spans(extent: int, size: int) -> tuple[Span, ...]:
    """Tiles of `size` channels, the last one smaller where they do not divide."""
    full, rest = divmod(extent, size)
    spans = (Span(full, size, size, size),)
    return (*spans, Span(1, rest, rest, rest)) if rest else spans


class Axis(NamedTuple):
    """One axis of the output plane: windows of `reach` inputs, `stride` apart, the first from -pad on.

    Windows of some of a kernel's taps start further on, so that there `pad` may be negative.
    """

    outputs: int
    inputs: int
    reach: int
    stride: int
    pad: int
    pooled: tuple[int, int, int, int] | None
    """Results, window, stride and padding of a pooling that follows."""
    once: bool = False
    """Whether what a tile before has read is still there, so that no input is read twice."""

    def spans(self, size: int) -> tuple[Span, ...]:
        """Tiles of `size` outputs, the last one smaller where they do not divide."""
        if size >= self.outputs:  # as often as not
            return (Span(1, *self._extent(0, size)),)
        inside = self._equal_tiles(size) or range(0)
        one_by_one = (*range(inside.start), *range(inside.stop, self.tiles(size)))
        tiles = [(1, self._extent(tile, size)) for tile in one_by_one]
        if inside:
            tiles.insert(inside.start, (len(inside), self._extent(inside.start, size)))
        return tuple(
            Span(sum(count for count, _ in group), *extent) for extent, group in groupby(tiles, itemgetter(1))
        )

    def _equal_tiles(self, size: int) -> range:
        """Whole tiles that read the same and store the same.

        Where pooling follows, those that begin at the same place of its windows, and of whose windows none is
        cut off.
        """
        inside = self._inside(size)
        if self.once:  # the first tile has no other before it
            inside = range(max(inside.start, 1), max(inside.stop, 1))
        if self.pooled is None:
            return inside
        results, window, stride, pad = self.pooled
        if size % stride:
            return range(0)
        first = -(-(window - stride - pad) // size)
        if pad >= window:  # the first tile stores what lies in the padding, too
            first = max(first, 1)
        end = min((results * stride - 1 + window - pad) // size, (self.outputs - 1) // size)
        return range(max(inside.start, first), min(inside.stop, end))

    def _extent(self, tile: int, size: int) -> tuple[int, int, int]:
        """Outputs, inputs and results of one tile."""
        start, end = tile * size, min((tile + 1) * size, self.outputs)
        first, behind = self.result_range(tile, size)
        return end - start, self._inputs(tile, size), behind - first

    def _inside(self, size: int) -> range:
        """Whole tiles that padding does not touch: all of them read the same."""
        first = min(self.tiles(size), -(-max(self.pad, 0) // (size * self.stride)))
        covered = max(0, (self.inputs + self.pad - self.reach) // self.stride + 1)
        return range(first, max(first, min(self.outputs, covered) // size))

    def reads(self, size: int) -> tuple[int, int, int]:
        """Inputs of the tile of `size` outputs that reads most, of all tiles together, and of the first.

        Tiles that padding does not touch all read the same, so they are not gone through one by one.
        """
        inside = self._inside(size)
        at_ends = [
            self._inputs(tile, size) for tile in (*range(inside.start), *range(inside.stop, self.tiles(size)))
        ]
        inner_inputs = (size - 1) * self.stride + self.reach if inside else 0
        return (
            max(inner_inputs, *at_ends, 0),
            sum(at_ends) + len(inside) * inner_inputs,
            inner_inputs if 0 in inside else at_ends[0],
        )

    def inside(self, size: int) -> tuple[int, int]:
        """How many tiles of `size` outputs padding does not touch, and the inputs of each."""
        tiles = len(self._inside(size))
        return tiles, (size - 1) * self.stride + self.reach if tiles else 0

    def last_stored(self, size: int) -> int:
        """Results that the last tile of `size` outputs completes."""
        return self.complete(self.outputs) - self.complete((self.tiles(size) - 1) * size)

    def tiles(self, size: int) -> int:
        """Tiles of `size` outputs that the axis is cut into."""
        return -(-self.outputs // size)

    def input_range(self, tile: int, size: int) -> tuple[int, int]:
        """The inputs that come for one tile: the first, and the one behind the last."""
        inputs, behind = self.inputs, (tile + 1) * size
        first = tile * size * self.stride - self.pad
        first = 0 if first < 0 else first if first < inputs else inputs  # `min` and `max` are slow for two
        if self.once and tile:
            first = max(first, self.inputs_end(tile * size))
        end = self.inputs_end(behind if behind < self.outputs else self.outputs)
        return first, end if end > first else first

    def inputs_begin(self, outputs: int) -> int:
        """The first input that those behind the first `outputs` read."""
        begin, inputs = outputs * self.stride - self.pad, self.inputs
        return 0 if begin < 0 else begin if begin < inputs else inputs

    def inputs_end(self, outputs: int) -> int:
        """The input behind those that the first `outputs` read."""
        end, inputs = (outputs - 1) * self.stride - self.pad + self.reach, self.inputs
        return end if end < inputs else inputs

    def result_range(self, tile: int, size: int) -> tuple[int, int]:
        """The results that one tile completes: the first, and the one behind the last."""
        return self.complete(tile * size), self.complete(min((tile + 1) * size, self.outputs))

    def _inputs(self, tile: int, size: int) -> int:
        """Inputs that one tile reads."""
        first, end = self.input_range(tile, size)
        return end - first

    def complete(self, outputs: int) -> int:
        """Results that can be stored once the first `outputs` rows (or columns) are computed."""
        if self.pooled is None or outputs == 0:  # nor is what lies in the padding stored before any is
            return outputs
        results, window, stride, pad = self.pooled
        if outputs == self.outputs:
            return results
        return min(results, max(0, (outputs + pad - window) // stride + 1))


def together(axes: Sequence[Axis], size: int) -> list[tuple[Span, ...]]:
    """Tiles of `size` outputs that are alike by each of some axes of the same outputs: a span by each."""
    if len(axes) == 1:
        return [(span,) for span in axes[0].spans(size)]
    remaining = [list(axis.spans(size)) for axis in axes]
    alike = []
    while remaining[0]:
        tiles = min(spans[0].tiles for spans in remaining)
        alike.append(tuple([spans[0]._replace(tiles=tiles) for spans in remaining]))
        for spans in remaining:
            span = spans.pop(0)
            if span.tiles > tiles:
                spans.insert(0, span._replace(tiles=span.tiles - tiles))
    return alike


def row_axes(layer: Layer, taps: int, *, once: bool = False) -> tuple[Axis, ...]:
    """The vertical axis of a layer, for each part of so many rows of its kernel; of all where `once`."""
    return (
        (row_axis(layer)._replace(once=True),)
        if once
        else _parts(row_axis(layer), layer.FY, layer.dilation_y, taps)
    )


def column_axes(layer: Layer, taps: int, *, once: bool = False) -> tuple[Axis, ...]:
    """The horizontal axis of a layer, for each part of so many columns of its kernel; of all where `once`."""
    return (
        (column_axis(layer)._replace(once=True),)
        if once
        else _parts(column_axis(layer), layer.FX, layer.dilation_x, taps)
    )


def _parts(axis: Axis, kernel: int, dilation: int, taps: int) -> tuple[Axis, ...]:
    if taps == kernel:
        return (axis,)
    return tuple(
        axis._replace(
            reach=(min(taps, kernel - first) - 1) * dilation + 1,
            pad=axis.pad - first * dilation,
        )
        for first in range(0, kernel, taps)
    )


def row_axis(layer: Layer) -> Axis:
    """The vertical axis of a layer."""
    pooling = layer.pooling
    return Axis(
        outputs=layer.OY,
        inputs=layer.IY,
        reach=(layer.FY - 1) * layer.dilation_y + 1,
        stride=layer.stride_y,
        pad=layer.pad_top,
        pooled=None if pooling is None else (pooling.OY, pooling.FY, pooling.stride_y, pooling.pad_top),
    )


def column_axis(layer: Layer) -> Axis:
    """The horizontal axis of a layer."""
    pooling = layer.pooling
    return Axis(
        outputs=layer.OX,
        inputs=layer.IX,
        reach=(layer.FX - 1) * layer.dilation_x + 1,
        stride=layer.stride_x,
        pad=layer.pad_left,
        pooled=None if pooling is None else (pooling.OX, pooling.FX, pooling.stride_x, pooling.pad_left),
    )


def unfinished_windows(layer: LoopNest[CountT]) -> tuple[CountT, CountT]:
    """Rows and columns of pooling windows that a cut between tiles may leave unfinished."""
    pooling = layer.pooling
    if pooling is None:
        return 0, 0
    rows, columns = larger(pooling.FY - 1, 0), larger(pooling.FX - 1, 0)
    return ceil_div(rows, pooling.stride_y), ceil_div(columns, pooling.stride_x)
