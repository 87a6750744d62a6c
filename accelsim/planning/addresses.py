"""Addresses of tensors in the pool, by best fit over their lifetimes, and the region left to tiles.

Each tensor gets an offset for all of its life, in turn: where no tensor that is alive at the same time lies,
in the smallest gap that holds it. Which comes first decides how well they pack, and no order is always the
best (Pisarchyk and Lee, Efficient Memory Management for Deep Neural Net Inference, arXiv:2001.03288, compare
orders by size and by breadth), so several are tried, each from the bottom and from both ends: where a layer
reads at one end and writes at the other, the tiles have the middle in one piece. The first packing is taken
that leaves tiles the room that they need; if none does, the one that misses it by least.
"""

from collections.abc import Callable, Iterable, Sequence
from itertools import product
from typing import Final, NamedTuple, TypeAlias

from accelsim.memory_map import Steps, TileRegion


class Lifetime(NamedTuple):
    """A tensor as its address is looked for.

    Example:
        >>> Lifetime(size_bytes=4096, steps=Steps(0, 1)).steps.last
        1
    """

    size_bytes: int
    """Of it."""
    steps: Steps
    """When it lies in the pool."""

    def meets(self, other: "Lifetime") -> bool:
        """Whether both are in the pool at some step."""
        return self.steps.first <= other.steps.last and other.steps.first <= self.steps.last


def _length(lifetime: Lifetime) -> int:
    return lifetime.steps.last - lifetime.steps.first + 1


Order: TypeAlias = Callable[[Lifetime], tuple[int, ...]]
"""What tensors are sorted by: the least has its turn first."""
_ORDERS: Final[tuple[Order, ...]] = (
    lambda lifetime: (-_length(lifetime), -lifetime.size_bytes),
    lambda lifetime: (-lifetime.size_bytes, -_length(lifetime)),
    lambda lifetime: (-lifetime.size_bytes * _length(lifetime),),
    lambda lifetime: lifetime.steps,
)
"""Long lives first; large ones first; large and long ones first; as they begin."""


def assign_addresses(
    lifetimes: Sequence[Lifetime], pool_bytes: int, tile_bytes: Sequence[int]
) -> tuple[tuple[int, ...], tuple[TileRegion, ...]]:
    """Where each tensor lies, and what that leaves in one piece to the tiles of each step.

    Args:
        lifetimes: Of the tensors.
        pool_bytes: Of the pool.
        tile_bytes: Of each step: what its tiles need, beside the tensors.

    Returns:
        Offsets, one a tensor, at which no two overlap that are alive at once, whether or not the pool reaches
        so far; and a region a step, which is too small where there is room, but in several pieces.

    Example:
        >>> lifetimes = [Lifetime(40, Steps(0, 1)), Lifetime(30, Steps(1, 2)), Lifetime(20, Steps(2, 3))]
        >>> offsets, regions = assign_addresses(lifetimes, 100, [60, 30, 50, 80])
        >>> offsets, regions[2]
        ((0, 70, 0), TileRegion(address=20, size_bytes=50, needed_bytes=50))
    """
    best: tuple[int, tuple[int, ...], tuple[TileRegion, ...]] | None = None
    for both_ends, order in product((False, True), _ORDERS):
        offsets = best_fit(lifetimes, pool_bytes, order, both_ends=both_ends)
        regions = _regions(lifetimes, offsets, pool_bytes, tile_bytes)
        waste_bytes = max(
            _height(lifetimes, offsets) - pool_bytes, *[region.missing_bytes for region in regions], 0
        )
        if best is None or waste_bytes < best[0]:
            best = waste_bytes, offsets, regions
        if not waste_bytes:
            break
    assert best is not None
    return best[1:]


def best_fit(
    lifetimes: Sequence[Lifetime], pool_bytes: int, order: Order, *, both_ends: bool = False
) -> tuple[int, ...]:
    """An offset for each tensor, so that no two overlap that are alive at once.

    Args:
        lifetimes: Of the tensors.
        pool_bytes: Of the pool; what has no room there lies above it.
        order: The least comes first; of equal ones that which stands first.
        both_ends: Whether what lies beside others is put at the upper end where that is free; else what is
            above all others is used last.

    Returns:
        Offsets, each in the smallest gap that holds the tensor when its turn comes.

    Example:
        >>> lifetimes = [Lifetime(40, Steps(0, 1)), Lifetime(30, Steps(1, 2)), Lifetime(20, Steps(2, 3))]
        >>> best_fit(lifetimes, 100, lambda lifetime: lifetime.steps)
        (0, 40, 0)
    """
    offsets: dict[int, int] = {}
    for index in sorted(range(len(lifetimes)), key=lambda index: order(lifetimes[index])):
        tensor = lifetimes[index]
        neighbours = [
            (offset, offset + lifetimes[placed].size_bytes)
            for placed, offset in offsets.items()
            if tensor.meets(lifetimes[placed])
        ]
        gaps = _gaps(neighbours, pool_bytes)
        holding = [
            (end == pool_bytes and not both_ends, end - start, start, end)
            for start, end in gaps
            if end - start >= tensor.size_bytes
        ]
        if holding:
            *_, start, end = min(holding)
            at_upper_end = both_ends and start > 0 and end == pool_bytes
            offsets[index] = end - tensor.size_bytes if at_upper_end else start
        else:
            offsets[index] = max([pool_bytes, *[end for _, end in neighbours]])
    return tuple([offsets[index] for index in range(len(lifetimes))])


def _gaps(blocks: Iterable[tuple[int, int]], pool_bytes: int) -> list[tuple[int, int]]:
    """What blocks leave free of the pool."""
    gaps: list[tuple[int, int]] = []
    top = 0
    for start, end in sorted(blocks):
        if start > top:
            gaps.append((top, min(start, pool_bytes)))
        top = max(top, end)
    return [(start, end) for start, end in [*gaps, (top, pool_bytes)] if start < end]


def _regions(
    lifetimes: Sequence[Lifetime], offsets: Sequence[int], pool_bytes: int, tile_bytes: Sequence[int]
) -> tuple[TileRegion, ...]:
    """The largest gap at each step, of equal ones the uppermost."""
    regions = []
    for step, needed_bytes in enumerate(tile_bytes):
        gaps = _gaps(
            [
                (offset, offset + lifetime.size_bytes)
                for lifetime, offset in zip(lifetimes, offsets, strict=True)
                if lifetime.steps.first <= step <= lifetime.steps.last
            ],
            pool_bytes,
        )
        size_bytes, start = max([(end - start, start) for start, end in gaps], default=(0, pool_bytes))
        regions.append(TileRegion(start, size_bytes, needed_bytes))
    return tuple(regions)


def _height(lifetimes: Sequence[Lifetime], offsets: Sequence[int]) -> int:
    """Where the uppermost tensor ends."""
    return max(
        [offset + tensor.size_bytes for tensor, offset in zip(lifetimes, offsets, strict=True)], default=0
    )
