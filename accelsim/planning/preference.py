"""Preference: the best of several schedules as they are simulated, and what that is a reason for."""

from collections.abc import Sequence
from dataclasses import replace
from operator import attrgetter
from typing import NamedTuple

from accelsim.mapping.schedule import Schedule
from accelsim.memory_map import CostsMoreTogether


class Rival(NamedTuple):
    """A schedule, and what it takes when it is simulated."""

    value: tuple[float, float]
    """What is to be small, and cycles."""
    keeping: bool
    """Whether activations may stay."""
    schedule: Schedule

    @property
    def pinned(self) -> int:
        """Of how many layers weights stay."""
        memory_map = self.schedule.memory_map
        return 0 if memory_map is None else len(memory_map.pinned)


def preferred(rivals: Sequence[Rival]) -> Schedule:
    """The best, of equal ones the first. Where in others more would have stayed, it says that it is better.

    Args:
        rivals: Schedules of one network on one machine.
    """
    best = min(rivals, key=attrgetter("value"))
    schedule = best.schedule
    if not best.keeping:
        schedule = _instead_of(schedule, best, [rival for rival in rivals if rival.keeping], weights=False)
    more_pinned = [rival for rival in rivals if rival.keeping == best.keeping and rival.pinned > best.pinned]
    return _instead_of(schedule, best, more_pinned, weights=True)


def _instead_of(schedule: Schedule, best: Rival, rivals: Sequence[Rival], *, weights: bool) -> Schedule:
    """A schedule that was preferred to others in which more activations, or more weights, may stay."""
    if not rivals:
        return schedule
    rival = min(rivals, key=attrgetter("value"))
    if schedule.memory_map is None or rival.schedule.memory_map is None:
        return schedule
    together = CostsMoreTogether(best.value[0], rival.value[0])
    memory_map = schedule.memory_map.instead_of(rival.schedule.memory_map, together, weights=weights)
    return replace(schedule, memory_map=memory_map)
