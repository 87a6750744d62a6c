"""Bursts that regions take, counted from the addresses of their elements.

Written from docs/model.md ("Bursts"), not from the formulas of the mapping: every element of a row of a
region has an address, addresses without a gap between them are a run, and each run begins with a burst.
"""

from collections.abc import Iterable, Mapping

import numpy as np

from accelsim.hardware.memory import Memory
from accelsim.mapping.regions import Range, Region
from accelsim.network.layer import Layer
from accelsim.verification.functions import Integers
from accelsim.verification.sizes import OPERAND, Sizes, elements_of


def moved_bytes(
    regions: Iterable[Region], layer: Layer, sizes: Sizes, homes: Mapping[str, Memory]
) -> dict[str, int]:
    """Bytes that move for regions, by operand: what they take, or whole bursts of it.

    Args:
        regions: Of tensors of a layer.
        layer: The layer, in the form in which it was mapped.
        sizes: Bits of its elements.
        homes: The memory that each operand comes from or goes to.

    Returns:
        Of each operand that has regions among these.
    """
    by_operand: dict[str, list[Region]] = {}
    for region in regions:
        by_operand.setdefault(OPERAND[region.tensor], []).append(region)
    useful_bytes = sizes.by_operand([region for group in by_operand.values() for region in group])
    moved = {}
    for operand, group in by_operand.items():
        burst_bits, layout = 8 * (homes[operand].burst_bytes or 1), homes[operand].layout or "nhwc"
        if burst_bits == 8:
            moved[operand] = useful_bytes.get(operand, 0)
        elif operand == "weights":  # as the program lays them down: all that comes with a step, in one run
            moved[operand] = burst_bits // 8 * -(-8 * useful_bytes.get(operand, 0) // burst_bits)
        else:
            bursts = sum(
                _bursts(region, layer, sizes.activation_bits, layout, burst_bits) for region in group
            )
            moved[operand] = burst_bits // 8 * bursts
    return moved


def _bursts(region: Region, layer: Layer, bits: int, layout: str, burst_bits: int) -> int:
    """Of a part of an activation."""
    images, *ranges = region.ranges
    factor_run = elements_of(region) // _extent(images)
    if region.tensor in ("factors", "residual_factors"):
        return _extent(images) * -(-factor_run * bits // burst_bits)
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
    of_row = int(-(-runs * bits // burst_bits).sum()) if runs.size else 0
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
