"""Entry: what changes in the machine when a layer begins, beside what it waits for."""

from collections.abc import Mapping as MappingOf
from collections.abc import Sequence
from typing import NamedTuple

from accelsim.hardware.machine import Hardware
from accelsim.hardware.memory import Channel
from accelsim.hardware.operand import Operand
from accelsim.mapping.mapping import Mapping
from accelsim.mapping.schedule import PoolChange, Schedule


class Entry(NamedTuple):
    """What a layer brings with it."""

    taken_bytes: int
    """Of the pool, with the room of its first step: of tensors that begin with it."""
    freed_bytes: int
    """Of the pool, when it is finished: of tensors that nobody reads there afterwards."""
    prefetch: int
    """How many steps may be under way while one of its own is asked for."""
    homes: tuple[int, ...] = ()
    """The channel of each operand, in the order of operands; empty where all layers have the same."""


def channels_of(schedule: Schedule, hardware: Hardware) -> Sequence[MappingOf[Operand, Channel]]:
    """Of each layer of a schedule: over which channel each operand comes or goes."""
    if hardware.tensor_memory is None or not schedule.places:
        return [hardware.channel_of] * len(schedule.mappings)
    return [hardware.with_places(places).channel_of for places in schedule.places]


def entries_of(schedule: Schedule, hardware: Hardware) -> Sequence[Entry]:
    """Of each layer of a schedule.

    Raises RuntimeError where tensors take room of a pool, and the machine has none.
    """
    if schedule.pool_changes and hardware.tensor_bank is None:
        raise RuntimeError(f"the schedule keeps tensors in a pool, and {hardware.name} has none")
    changes = schedule.pool_changes or (PoolChange(0, 0),) * len(schedule.mappings)
    if len(hardware.channels) == 1:
        prefetch = most_descriptors(hardware) - schedule.idle_descriptors
        return [Entry(taken, freed, prefetch) for taken, freed in changes]
    entries = [
        Entry(taken, freed, _prefetch(mapping, hardware, schedule.idle_descriptors))
        for (taken, freed), mapping in zip(changes, schedule.mappings, strict=True)
    ]
    if hardware.tensor_memory is None:
        return entries
    number_of = {channel.memory: number for number, channel in enumerate(hardware.channels)}
    return [
        entry._replace(homes=tuple([number_of[homes[operand].memory] for operand in Operand]))
        for entry, homes in zip(entries, channels_of(schedule, hardware), strict=True)
    ]


def idle_alone(mapping: Mapping, hardware: Hardware) -> int:
    """How many descriptors a layer cannot use that runs by itself."""
    if len(hardware.channels) == 1:
        return 0
    return most_descriptors(hardware) - _prefetch(mapping, hardware, 0)


def most_descriptors(hardware: Hardware) -> int:
    """Of the memory off chip that has most of them; a schedule may leave all but one of these idle."""
    return max([channel.prefetch for channel in hardware.channels])


def _prefetch(mapping: Mapping, hardware: Hardware, idle_descriptors: int) -> int:
    """As each step of a layer needs a descriptor of every memory that the layer moves anything from or to:
    those of the memory with the fewest. One that moves nothing needs one of each.
    """
    accessed = {memory for memory, _, _ in mapping.totals.counts.accesses}
    used = [channel for channel in hardware.channels if channel.memory in accessed] or hardware.channels
    in_use = most_descriptors(hardware) - idle_descriptors
    return min(in_use, *[channel.prefetch for channel in used])
