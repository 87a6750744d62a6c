"""Who may not begin before the host is done, because it would write where the host still reads.

The host works at a layer while the array goes on with those behind it. A tensor that nobody reads after the
host's layer has given its addresses up by then in the plan, and others may lie there: the layer with which
they begin waits for the host.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import NamedTuple

from accelsim.hardware.host import HOST
from accelsim.mapping.schedule import Schedule
from accelsim.memory_map import MemoryMap


class _Range(NamedTuple):
    """Addresses, the end not included."""

    address: int
    end_address: int

    def overlaps(self, other: "_Range") -> bool:
        return self.address < other.end_address and other.address < self.end_address


def waiting_for_host(schedule: Schedule) -> Schedule:
    """A schedule whose layers do not write, or load tiles, where the host still reads or writes.

    Args:
        schedule: Of a machine with a host; where addresses are not known, it is left as it is.

    Returns:
        The same, of which some layers wait for layers of the host before them, too.
    """
    memory_map = schedule.memory_map
    if memory_map is None:
        return schedule
    waits_for = [set(producers) for producers in schedule.waits_for]
    striped = schedule.striped
    steps = range(len(waits_for)) if striped is None else [entry.layer for entry in striped.entries]
    for on_host, mapping in enumerate(schedule.mappings):
        if mapping.dataflow != HOST:
            continue
        in_use = [*_tensors(memory_map, steps[on_host]), *_tiles(memory_map, steps[on_host])]
        for later in range(on_host + 1, len(waits_for)):
            if _any_overlap(in_use, [*_begun(memory_map, steps[later]), *_tiles(memory_map, steps[later])]):
                waits_for[later].add(on_host)
    return replace(schedule, waits_for=tuple([tuple(sorted(producers)) for producers in waits_for]))


def _any_overlap(ranges: Iterable[_Range], others: Iterable[_Range]) -> bool:
    listed = list(others)
    return any(own.overlaps(other) for own in ranges for other in listed)


def _tensors(memory_map: MemoryMap, step: int) -> Iterator[_Range]:
    """Those that lie there during a step."""
    for tensor in memory_map.placed:
        if tensor.in_pool is not None and tensor.in_pool.first <= step <= tensor.in_pool.last:
            yield _Range(tensor.address or 0, tensor.end_address or 0)


def _begun(memory_map: MemoryMap, step: int) -> Iterator[_Range]:
    """Those that a step begins, or all of its cascade; pinned weights lie there all the while."""
    for tensor in memory_map.placed:
        if tensor.in_pool is not None and tensor.in_pool.first == step and not tensor.is_weights:
            yield _Range(tensor.address or 0, tensor.end_address or 0)


def _tiles(memory_map: MemoryMap, step: int) -> Iterator[_Range]:
    """What the tiles of a step take, at the beginning of the part that is left to them."""
    tiles = memory_map.tiles[step]
    if tiles.needed_bytes:
        yield _Range(tiles.address, tiles.address + tiles.needed_bytes)
