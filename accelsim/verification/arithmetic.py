"""The integers of a walk: what array and vector unit make of the elements that the buffer holds."""

from collections.abc import Iterator

import numpy as np

from accelsim.mapping.regions import Range, Region, Tile
from accelsim.verification.case import Case
from accelsim.verification.difference import Difference
from accelsim.verification.functions import Integers, is_pooling, keeps_largest
from accelsim.verification.mismatch import refuse
from accelsim.verification.passes import passes_of, vector
from accelsim.verification.passes.tile import ArrayMachine
from accelsim.verification.reference import Reference, number_type
from accelsim.verification.storage import Storage, first_of
from accelsim.verification.uses import ReadTensor, Uses


class Compute:
    """Computes tiles of a layer, and holds them against the direct computation."""

    def __init__(self, case: Case, *, whole: bool) -> None:
        layer = case.mapped
        self.case, self.layer = case, layer
        self.uses = Uses(case)
        mapping = case.mapping
        self.machine = ArrayMachine.of(case.hardware, mapping.dataflow, mapping.idle_rows, mapping.parameters)
        self.passes = passes_of(case.mapping.dataflow) if layer.on_array else None
        self.exact = number_type(layer.C * layer.FY * layer.FX) if layer.on_array else np.float64
        self.reference = Reference(case.tensors, whole=whole)

    def start(self, storage: Storage, tile: Tile) -> Integers:
        """The sums that a tile starts from, n x g x k x y x x: its offsets."""
        shape = tuple(end - start for start, end in (tile.n, tile.g, tile.k, tile.y, tile.x))
        if is_pooling(self.layer.operator) and keeps_largest(self.layer.operator):
            return np.full(shape, vector.OUTSIDE_OF_MAXIMUM)
        sums, offsets = np.zeros(shape), self.uses.region("offsets", tile)
        return sums if offsets is None else sums + storage.read(offsets)[..., None, None]

    def work(self, storage: Storage, tile: Tile, sums: Integers) -> Integers:
        """Add what a visit computes."""
        layer, windows = self.layer, self.uses.windows
        groups, channels = (end - start for start, end in (tile.g, tile.c))
        inputs = self._read(storage, "inputs", tile, (layer.operands, groups, channels, 0, 0))
        if self.passes is None:
            outside = vector.outside(layer.operator)
            patches = windows.patches(inputs, tile, outside, np.float64)
            factors = self._read(storage, "factors", tile, (groups, 0))
            of_images = zip(sums, patches, factors, strict=True)
            return np.stack([vector.accumulate(*operands, layer.operator) for operands in of_images])
        patches = windows.patches(inputs, tile, 0, self.exact)[:, 0]
        weights = storage.read(Region("weights", (tile.g, tile.k, tile.c, tile.fy, tile.fx)))
        weights = weights.reshape(*weights.shape[:3], -1).astype(self.exact)
        self.passes.accumulate(sums, weights, patches, self.machine)
        return sums

    def finish(self, storage: Storage, tile: Tile, sums: Integers) -> Integers:
        """Apply fused operators to complete outputs."""
        _, groups, channels, rows, columns = sums.shape
        residual = self._read(storage, "residual", tile, (0, groups, channels, rows, columns))
        factors = self._read(storage, "residual_factors", tile, (groups, channels, 0))
        return np.stack(
            [
                vector.finish(values, self.case.fused, operands, self._by_row(gates, tile.y))
                for values, operands, gates in zip(sums, residual, factors, strict=True)
            ]
        )

    def _by_row(self, factors: Integers, rows: Range) -> Integers:
        """The factors of each row's image, of those of an image of the mapping's: g x k x y x factors."""
        per_image = (
            factors.shape[2] // self.case.batch if self.case.form.images_are_rows else factors.shape[2]
        )
        images = (
            np.arange(*rows) // self.case.layer.OY if self.case.form.images_are_rows else np.zeros(1, int)
        )
        chosen = images[:, None] * per_image + np.arange(per_image)
        return factors[:, :, chosen]

    def _read(self, storage: Storage, tensor: ReadTensor, tile: Tile, empty: tuple[int, ...]) -> Integers:
        """Elements of each image; those of `empty` shape where the tile reads none."""
        region = self.uses.region(tensor, tile)
        images = tile.n[1] - tile.n[0]
        return np.zeros((images, *empty)) if region is None else storage.read(region)

    def expect_outputs(self, outputs: Region, values: Integers) -> None:
        """Hold complete outputs against the direct computation."""
        for region, of_region in zip(_by_image(outputs), values, strict=True):
            g, k, columns = (slice(*region.ranges[axis]) for axis in (1, 2, 4))
            for image, rows, part in self._images(region):
                expected = self.reference.outputs(image, g, k, rows, columns)
                _expect_same(region, part, of_region[:, :, part], expected)

    def expect_results(self, results: Region, values: Integers, computed: Integers) -> None:
        """Hold results of a pooling against the direct computation, where they are computed."""
        if not computed.any():
            return
        g, k, y, x = (slice(*bounds) for bounds in results.ranges[1:])
        for region, of_region, mask in zip(_by_image(results), values, computed, strict=True):
            expected = self.reference.results(region.ranges[0][0], g, k, y, x)
            compared = np.where(mask, of_region, expected)
            _expect_same(region, slice(0, of_region.shape[2]), compared, expected)

    def _images(self, outputs: Region) -> Iterator[tuple[int, slice, slice]]:
        """The images that outputs of one of the mapping's images lie in.

        Of each the number, its rows, and where they are among the outputs.
        """
        (first, end), height = outputs.ranges[3], self.case.layer.OY
        if not self.case.form.images_are_rows:
            yield outputs.ranges[0][0], slice(first, end), slice(0, end - first)
            return
        for image in range(first // height, -(-end // height)):
            top, bottom = max(first, image * height), min(end, (image + 1) * height)
            rows = slice(top - image * height, bottom - image * height)
            yield image, rows, slice(top - first, bottom - first)


def _by_image(region: Region) -> Iterator[Region]:
    """A region image by image."""
    for image in range(*region.ranges[0]):
        yield Region(region.tensor, ((image, image + 1), *region.ranges[1:]))


def _expect_same(region: Region, part: slice, values: Integers, expected: Integers) -> None:
    """Stop at the first value that differs."""
    different = values != expected
    if not different.any():
        return
    position = np.unravel_index(int(np.argmax(different)), different.shape)
    flags = np.zeros((1, *values.shape[:2], region.ranges[3][1] - region.ranges[3][0], values.shape[3]), bool)
    flags[0, :, :, part] = different
    refuse(
        Difference.VALUE,
        element=first_of(region, flags),
        value=values[position].item(),
        expected=expected[position].item(),
    )
