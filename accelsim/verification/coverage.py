"""Coverage: which results were stored, and how much of each pooling window has been seen.

Images are gone through one after the other, so that only those in work are remembered.
"""

import math
from dataclasses import dataclass, field

import numpy as np

from accelsim.mapping.regions import Range, Region
from accelsim.network.layer import Layer, Pooling
from accelsim.verification.difference import Difference
from accelsim.verification.functions import Integers, keeps_largest
from accelsim.verification.mismatch import refuse
from accelsim.verification.sizes import elements_of
from accelsim.verification.storage import first_of, slices


@dataclass
class Stored:
    """Results of a layer that are in DRAM: each has to be stored once."""

    images: int
    shape: tuple[int, int, int, int]
    """G, K, rows and columns of results."""
    in_work: dict[int, Integers] = field(default_factory=dict)
    complete: set[int] = field(default_factory=set)

    def store(self, region: Region) -> None:
        """Write results to DRAM."""
        for (start, end), extent in zip(region.ranges, (self.images, *self.shape), strict=True):
            if not 0 <= start <= end <= extent:
                refuse(Difference.STORES_WHAT_IS_NOT, results=region)
        if not elements_of(region):  # where a pooling drops the last outputs
            return
        for image in range(*region.ranges[0]):
            self._store(image, Region(region.tensor, ((image, image + 1), *region.ranges[1:])))

    def _store(self, image: int, region: Region) -> None:
        if image in self.complete:
            refuse(Difference.STORES_AGAIN, results=region)
        stored = self.in_work.setdefault(image, np.zeros(self.shape, dtype=np.bool_))
        box = stored[slices(region.ranges[1:])]
        if box.any():
            refuse(Difference.STORES_AGAIN, results=first_of(region, box[None]))
        box[...] = True
        if region.ranges[1][1] == self.shape[0] and region.ranges[2][1] == self.shape[1] and stored.all():
            self.complete.add(image)
            del self.in_work[image]

    def expect_all(self) -> None:
        """Every result has to be there."""
        for image in range(self.images):
            if image in self.complete:
                continue
            stored = self.in_work.get(image)
            whole = Region("results", ((image, image + 1), *((0, extent) for extent in self.shape)))
            if stored is None:
                refuse(Difference.NEVER_STORES, results=whole)
            if not stored.all():
                refuse(Difference.NEVER_STORES, results=first_of(whole, ~stored[None]))


@dataclass
class _Windows:
    """Windows of some images; each array is images x G x K x rows x columns of results."""

    seen_outputs: Integers
    """How many outputs each has seen."""
    computed: Integers
    """How many of those were computed."""
    so_far: Integers
    """What they reduce to."""
    to_take: int
    """Results that have not been stored yet."""


@dataclass
class PoolingWindows:
    """Windows of a fused pooling: how many outputs each has seen, and what they gave so far."""

    layer: Layer
    pooling: Pooling[int]
    expected: Integers = field(init=False)
    """Outputs that a window covers: rows x columns of results."""
    unfinished: int = 0
    """Windows that have seen outputs and are not stored yet."""
    in_work: dict[Range, _Windows] = field(default_factory=dict)
    """By images."""

    def __post_init__(self) -> None:
        layer, pooling = self.layer, self.pooling
        rows = _overlaps(pooling.OY, pooling.stride_y, pooling.pad_top, pooling.FY, (0, layer.OY))
        columns = _overlaps(pooling.OX, pooling.stride_x, pooling.pad_left, pooling.FX, (0, layer.OX))
        self.expected = np.outer(rows, columns)

    def add(self, box: Region, values: Integers | None) -> None:
        """Outputs go into the windows that they lie in.

        Args:
            box: The outputs.
            values: Their values, where they are computed.
        """
        images, g, k, y, x = box.ranges
        pooling = self.pooling
        rows = _overlaps(pooling.OY, pooling.stride_y, pooling.pad_top, pooling.FY, y)
        columns = _overlaps(pooling.OX, pooling.stride_x, pooling.pad_left, pooling.FX, x)
        if not (rows.any() and columns.any()):
            return
        windows = self._of(images)
        touched = (*_extent(rows), *_extent(columns))
        box_of = (slice(None), slice(*g), slice(*k), slice(*touched[:2]), slice(*touched[2:]))
        counts = windows.seen_outputs[box_of]  # a view: what is added to it is added to the windows
        self.unfinished += int(np.count_nonzero(counts == 0))
        overlap = np.outer(rows[box_of[3]], columns[box_of[4]])
        counts += overlap
        if values is not None:
            windows.computed[box_of] += overlap
            self._gather(windows.so_far, values, box_of, (y[0], x[0]))

    def take(self, region: Region) -> tuple[Integers, Integers]:
        """Results whose windows are complete, and which of them are computed."""
        images = region.ranges[0]
        windows = self._of(images)
        box = (slice(None), *slices(region.ranges[1:]))
        counts, expected = windows.seen_outputs[box], self.expected[box[3:]]
        self.unfinished -= int(np.count_nonzero(counts))
        if (counts != expected).any():
            refuse(Difference.STORES_UNFINISHED_WINDOW, results=first_of(region, counts != expected))
        windows.to_take -= elements_of(region)
        if windows.to_take <= 0:
            del self.in_work[images]
        return windows.so_far[box], windows.computed[box] == expected

    def _of(self, images: Range) -> _Windows:
        windows = self.in_work.get(images)
        if windows is None:
            layer, pooling = self.layer, self.pooling
            shape = (images[1] - images[0], layer.G, layer.K, pooling.OY, pooling.OX)
            windows = self.in_work[images] = _Windows(
                seen_outputs=np.zeros(shape, dtype=np.int32),
                computed=np.zeros(shape, dtype=np.int32),
                so_far=np.full(shape, -np.inf if keeps_largest(pooling.operator) else 0.0),
                to_take=math.prod(shape),
            )
        return windows

    def _gather(
        self, so_far: Integers, values: Integers, box: tuple[slice, ...], first: tuple[int, int]
    ) -> None:
        """Reduce rows, then columns, of a tile to what it gives each window."""
        pooling = self.pooling
        largest = keeps_largest(pooling.operator)
        rows = _reduced(values, 3, first[0], box[3], (pooling.stride_y, pooling.pad_top, pooling.FY), largest)
        windows = (pooling.stride_x, pooling.pad_left, pooling.FX)
        reduced = _reduced(rows, 4, first[1], box[4], windows, largest)
        combine = np.maximum if largest else np.add
        so_far[box] = combine(so_far[box], reduced)


def _overlaps(results: int, stride: int, pad: int, window: int, outputs: tuple[int, int]) -> Integers:
    """Of each window along an axis: how many of some outputs lie in it."""
    starts = np.arange(results) * stride - pad
    ends = np.minimum(starts + window, outputs[1])
    return np.asarray(np.maximum(ends - np.maximum(starts, outputs[0]), 0))


def _extent(overlaps: Integers) -> tuple[int, int]:
    """The windows that some outputs lie in: the first, and the one behind the last."""
    touched = np.flatnonzero(overlaps)
    return (int(touched[0]), int(touched[-1]) + 1) if len(touched) else (0, 0)


def _reduced(
    values: Integers, axis: int, first: int, results: slice, window: tuple[int, int, int], largest: bool
) -> Integers:
    """One axis of a tile, reduced to the windows that it touches; `first` is the tile's first output.

    Offset by offset within the window: at offset o, result r takes output r * stride - pad + o, if the tile
    has it. So each pass over the offsets adds at most one output to each window, without a loop over windows.
    """
    stride, pad, size = window
    values = np.moveaxis(values, axis, 0)
    reduced = np.full((results.stop - results.start, *values.shape[1:]), -np.inf if largest else 0.0)
    for offset in range(size):
        positions = np.arange(results.start, results.stop) * stride - pad + offset - first
        inside = (positions >= 0) & (positions < len(values))
        outputs = values[positions[inside]]
        reduced[inside] = np.maximum(reduced[inside], outputs) if largest else reduced[inside] + outputs
    return np.asarray(np.moveaxis(reduced, 0, axis))
