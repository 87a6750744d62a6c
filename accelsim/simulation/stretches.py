"""Stretches: what recurs in many schedules is walked through once for each state it is entered in.

The fast engine remembers layer by layer. Where schedules are put together from the same few stretches of
layers, as those of networks that differ only in depth are, the states before and after a whole stretch are
remembered here, with the cycles in between, which follow from the engine's own memory. What comes out is
when everything is done, to the cycle; nothing is said of single layers.
"""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import replace
from typing import Final, NamedTuple

from accelsim.hardware import Hardware
from accelsim.mapping.schedule import Schedule
from accelsim.simulation.entry import entries_of
from accelsim.simulation.fast import simulate_fast
from accelsim.simulation.transitions import Transitions
from accelsim.simulation.traversal import stepper_of

MOST_PASSAGES: Final = 100_000
"""Remembered at a time, about 30 MB; then everything is forgotten."""


class Stretch(NamedTuple):
    """Successive layers of a schedule.

    Attributes:
        layers: How many.

    Example:
        >>> Stretch(key="fire2", layers=3).layers
        3
    """

    key: Hashable
    """Equal only where the programs are, how far back from each layer those are that it waits for, and what
    tensors take of a pool and give up, before the first layer too."""
    layers: int


class _Passage(NamedTuple):
    """What a stretch did to the machine from one state on; times from its beginning."""

    state: int
    cycles: int
    last_end: int
    """When the last layer that was finished meanwhile was."""


class Stretches:
    """What stretches did to one machine. Grows as schedules are walked through; the answers stay the same.

    Args:
        hardware: The machine.

    Example:
        >>> from accelsim.run import plan_run
        >>> plan = plan_run("squeezenet_v1_1", "16x16_128k")
        >>> whole = [Stretch("squeezenet_v1_1", len(plan.schedule.layers))]
        >>> Stretches(plan.hardware).cycles(whole, lambda: plan.schedule) > 0
        True
    """

    def __init__(self, hardware: Hardware) -> None:
        self._hardware = hardware
        self._forget()

    def _forget(self) -> None:
        self._transitions = Transitions()
        self._starts: dict[int, int] = {}
        """The state at the beginning, by how many descriptors are left idle."""
        self._passages: dict[int, dict[tuple[Hashable, int], _Passage]] = {}
        """By how many descriptors are left idle: not every state says it."""
        self._drains: dict[int, int] = {}
        """Of states after the last layer: cycles until the last of what is still under way is done."""

    def cycles(
        self, stretches: Sequence[Stretch], schedule: Callable[[], Schedule], idle_descriptors: int = 0
    ) -> int:
        """When a schedule that consists of these stretches is done.

        Args:
            stretches: Successive ones, all layers of the schedule together.
            schedule: Makes the schedule; called only where a stretch is entered in a state that is not known.
            idle_descriptors: Those that it leaves idle, whatever it says itself.

        Returns:
            Cycles until everything is done.
        """
        cycles = self._remembered(stretches, idle_descriptors)
        if cycles is not None:
            return cycles
        if self._transitions.is_half_full or sum(map(len, self._passages.values())) > MOST_PASSAGES:
            self._forget()
        whole = replace(schedule(), idle_descriptors=idle_descriptors)
        cycles = simulate_fast(whole, self._hardware, self._transitions).cycles
        self._learn(stretches, whole, cycles)
        return cycles

    def _start(self, idle_descriptors: int) -> int:
        start = self._starts.get(idle_descriptors)
        if start is None:
            state = stepper_of(self._hardware, idle_descriptors).state()
            start = self._starts[idle_descriptors] = self._transitions.state_number(state)
        return start

    def _remembered(self, stretches: Sequence[Stretch], idle_descriptors: int) -> int | None:
        state, elapsed, end = self._start(idle_descriptors), 0, 0
        passages = self._passages.get(idle_descriptors, {})
        for stretch in stretches:
            passage = passages.get((stretch.key, state))
            if passage is None:
                return None
            end = max(end, elapsed + passage.last_end)
            elapsed += passage.cycles
            state = passage.state
        drain = self._drains.get(state)
        return None if drain is None else max(end, elapsed + drain)

    def _learn(self, stretches: Sequence[Stretch], schedule: Schedule, cycles: int) -> None:
        """Follow what the engine remembers of a schedule that it has just walked through, while it does."""
        if schedule.pool_bytes_at_start:  # which no state here begins with
            return
        entries = entries_of(schedule, self._hardware)
        state, elapsed, end, first = self._start(schedule.idle_descriptors), 0, 0, 0
        passages = self._passages.setdefault(schedule.idle_descriptors, {})
        for stretch in stretches:
            before, entered, last_end = elapsed, state, 0
            for layer in range(first, first + stretch.layers):
                distances = tuple(layer - producer for producer in schedule.waits_for[layer])
                entry = self._transitions.of_entry.get((state, distances, entries[layer]))
                if entry is None:
                    return
                passed = self._transitions.of_part.get((id(schedule.mappings[layer].program), entry, True))
                if passed is None:
                    return
                ends = (elapsed + cycle - before for _, cycle in passed.end_cycles)
                last_end = max(last_end, *ends) if passed.end_cycles else last_end
                elapsed += passed.cycles
                state = passed.state
            first += stretch.layers
            end = max(end, before + last_end)
            passages[stretch.key, entered] = _Passage(state, elapsed - before, last_end)
        if cycles > end:
            self._drains[state] = cycles - elapsed
