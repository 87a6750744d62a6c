"""The host, which multiplies one pair after the other, and reads what a tile needs once."""

from math import ceil

import numpy as np

from accelsim.verification.functions import Integers
from accelsim.verification.passes.tile import ArrayMachine, PassCounts, TileWork


def walk(tile: TileWork, machine: ArrayMachine) -> PassCounts:
    """Count products, and the inputs under the windows of the tile, each once."""
    rows = _under(tile.y, tile.fy, tile.stride[0], tile.dilation[0])
    columns = _under(tile.x, tile.fx, tile.stride[1], tile.dilation[1])
    weights = tile.g * tile.k * tile.c * tile.taps
    macs = weights * tile.n * tile.y * tile.x
    return PassCounts(
        macs=macs,
        cycles=ceil(macs / machine.parameters.macs_per_cycle),
        input_read_words=tile.n * tile.g * tile.c * rows * columns,
        weight_read_words=weights,
        weight_reads=1,
    )


def _under(outputs: int, taps: int, stride: int, dilation: int) -> int:
    """Rows (or columns) of the input under windows: all up to the last, unless windows leave out many."""
    reach = max(output * stride + tap * dilation for output in range(outputs) for tap in range(taps)) + 1
    return min(outputs * taps, reach)


def accumulate(sums: Integers, weights: Integers, patches: Integers, machine: ArrayMachine) -> None:  # noqa: ARG001 (whatever it is)
    """Add all products to the sums.

    Args:
        sums: n x g x k x y x x.
        weights: g x k x c x taps.
        patches: n x g x c x taps x y x x, the input of each tap at each pixel.
        machine: The host.
    """
    sums += np.einsum("gkct,ngctyx->ngkyx", weights, patches)
