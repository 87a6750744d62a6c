"""A cache in front of a memory off chip: how it is asked, and what of it is there when a layer begins."""

from collections.abc import Iterable
from typing import Self

from pydantic import model_validator

from accelsim.descriptions import Description, Mistake, refusal
from accelsim.descriptions.quantities import BufferBytes, BurstBytes, Descriptors, LatencyCycles, Price
from accelsim.hardware.prices import AccessPrice


class CacheEnergy(Description):
    """What an access of the cache costs for a word of `energy.word_bits`, whether it hits or misses."""

    read: Price = 0.0
    write: Price = 0.0


class Cache(Description):
    """Lines of a memory off chip that are near, and the requests by which the chip reads and writes them.

    Each row of a tile, which is a run of channels, is asked for by itself, in requests of at most
    `request_bytes`; each is answered in packets of one, two, four ... beats, which lie at multiples of their
    size (docs/decisions/caches.md).

    Attributes:
        size_bytes: Of all lines.
        energy: Of an access.

    Example:
        >>> Cache(size_bytes=524288, ways=8).sets
        1024
    """

    size_bytes: BufferBytes
    line_bytes: BurstBytes = 64
    ways: Descriptors = 8
    """Lines of a set, of which a new one takes the place of any."""
    request_bytes: BurstBytes = 64
    store_request_bytes: BurstBytes = 64
    """The same of what is stored."""
    beat_bytes: BurstBytes = 16
    """What a beat of the channel carries, one a cycle."""
    hit_cycles: LatencyCycles = 0
    """From a packet's request to its answer, where its line is there."""
    requests_in_flight: Descriptors = 1
    """Packets that are asked for and not answered, at most."""
    miss_cycles: LatencyCycles = 0
    """Until a line comes that is not there."""
    misses_in_flight: Descriptors = 1
    """Lines that are on their way at once."""
    line_cycles: LatencyCycles = 0
    """In which a line passes from the memory behind, one after the other."""
    warm: bool = False
    """Whether a layer finds what its own run before has left, rather than nothing."""
    energy: CacheEnergy = CacheEnergy()

    @property
    def sets(self) -> int:
        """Each of `ways` lines."""
        return self.size_bytes // (self.line_bytes * self.ways)

    @model_validator(mode="after")
    def _divides(self) -> Self:
        mistakes = [
            Mistake((key,), "must be a power of two")
            for key in ("line_bytes", "request_bytes", "store_request_bytes", "beat_bytes")
            if getattr(self, key) & (getattr(self, key) - 1)
        ]
        if self.size_bytes % (self.line_bytes * self.ways):
            mistakes.append(Mistake(("size_bytes",), "must be whole sets: a multiple of line_bytes x ways"))
        for key, larger in (
            ("beat_bytes", "request_bytes"),
            ("beat_bytes", "store_request_bytes"),
            ("request_bytes", "line_bytes"),
            ("store_request_bytes", "line_bytes"),
        ):
            if getattr(self, key) > getattr(self, larger):
                mistakes.append(Mistake((key,), f"must be {larger} at most"))
        if mistakes:
            raise refusal("cache", mistakes)
        return self


def cache_prices(caches: Iterable[tuple[str, Cache | None]]) -> tuple[AccessPrice, ...]:
    """What accesses of caches cost, by the names of the memories behind them.

    Args:
        caches: Names of memories, each with the cache before it, if there is one.
    """
    return tuple(
        [
            AccessPrice(name, cache.energy.read, cache.energy.write)
            for name, cache in caches
            if cache is not None
        ]
    )
