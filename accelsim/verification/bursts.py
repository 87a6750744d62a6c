"""What regions take outside: bursts, counted from the addresses of their elements, of as much as lies there.

Written from docs/model.md ("Bursts"), not from the formulas of the mapping: every element of a row of a
region has an address, addresses without a gap between them are a run, and each run begins with a burst.
"""

from collections.abc import Iterable, Mapping
from fractions import Fraction
from math import ceil
from typing import NamedTuple

import numpy as np

from accelsim.hardware.memory import LAYOUT, Memory
from accelsim.mapping.regions import Range, Region
from accelsim.network.layer import Layer
from accelsim.verification.functions import Integers
from accelsim.verification.sizes import OPERAND, Sizes, elements_of


class Outside(NamedTuple):
    """What regions take outside, by operand."""

    bytes: dict[str, int]
    """As they lie there: as they are, or coded."""
    moved_bytes: dict[str, int]
    """Whole bursts of it, where such move."""


def outside_of(regions: Iterable[Region], layer: Layer, sizes: Sizes, homes: Mapping[str, Memory]) -> Outside:
    """What regions take outside, of each operand that has any among them.

    Args:
        regions: Of tensors of a layer.
        layer: The layer, in the form in which it was mapped.
        sizes: Bits of its elements.
        homes: The memory that each operand comes from or goes to.
    """
    by_operand: dict[str, list[Region]] = {}
    for region in regions:
        by_operand.setdefault(OPERAND[region.tensor], []).append(region)
    plain_bytes = sizes.by_operand([region for group in by_operand.values() for region in group])
    outside, moved = {}, {}
    for operand, group in by_operand.items():
        home, plain = homes[operand], plain_bytes.get(operand, 0)
        part = _part(operand, layer, home)
        outside[operand] = plain if part is None else _rounded_up(plain * part)
        burst_bytes, bits = home.burst_bytes or 1, Fraction(sizes.activation_bits) * (part or 1)
        if burst_bytes == 1:
            moved[operand] = outside[operand]
        elif operand == "weights":  # as the program lays them down: all that comes with a step, in one run
            moved[operand] = burst_bytes * -(-outside[operand] // burst_bytes)
        else:
            layout = home.layout or LAYOUT
            bursts = sum(_bursts(region, layer, bits / (8 * burst_bytes), layout) for region in group)
            moved[operand] = burst_bytes * bursts
    return Outside(outside, moved)


def _part(operand: str, layer: Layer, home: Memory) -> Fraction | None:
    """What an operand takes there for each byte that it is; None where it lies there as it is."""
    if home.compress is None or layer.coded is None:
        return None
    code = home.compress.weights if operand == "weights" else home.compress.activations
    return None if code is None else Fraction(getattr(layer.coded, operand))


def _rounded_up(count: Fraction) -> int:
    """Parts of a bit that come of a ratio's digits, of which it has fifteen, are none."""
    return ceil(count - Fraction(1, 10**9) - count / 10**15)


def _bursts(region: Region, layer: Layer, bursts_of_element: Fraction, layout: str) -> int:
    """Of a part of an activation, of whose elements each takes a part of a burst."""
    images, *ranges = region.ranges
    factor_run = elements_of(region) // _extent(images)
    if region.tensor in ("factors", "residual_factors"):
        return _extent(images) * _rounded_up(factor_run * bursts_of_element)
    tensors = 1
    if region.tensor in ("inputs", "residual"):
        tensors, ranges = _extent(ranges[0]), ranges[1:]
    groups, channels, rows, columns = ranges
    inner = layer.C if region.tensor == "inputs" else layer.K
    numbers = np.add.outer(inner * np.arange(*groups), np.arange(*channels)).ravel()
    pixels = np.arange(*columns)
    if region.tensor == "inputs" and not layer.on_array:  # channels are pixels of a plane
        numbers, inner = np.arange(*groups), 1
        pixels = np.add.outer(layer.C * pixels, np.arange(*channels)).ravel()
    runs = _runs_of_row(numbers, pixels, layer.G * inner, layout)
    lengths, counts = np.unique(runs, return_counts=True)
    of_row = 0
    for length, count in zip(lengths.tolist(), counts.tolist(), strict=True):
        of_row += int(count) * _rounded_up(int(length) * bursts_of_element)
    return _extent(images) * tensors * _extent(rows) * of_row


def _runs_of_row(channels: Integers, pixels: Integers, all_channels: int, layout: str) -> Integers:
    """Elements of each run of one row: of all its channels, where these are innermost, or of each."""
    if layout == "nhwc":
        return _runs(np.add.outer(all_channels * pixels, channels).ravel())
    return np.tile(_runs(pixels), len(channels))


def _runs(addresses: Integers) -> Integers:
    """How many addresses follow one another without a gap; they rise."""
    if not addresses.size:
        return addresses
    ends = np.flatnonzero(np.diff(addresses, append=addresses[-1] + 2) != 1)
    return np.diff(ends, prepend=-1)


def _extent(bounds: Range) -> int:
    start, end = bounds
    return end - start
