"""Stretches: what recurs in many schedules is walked through once for each state it is entered in.

The fast engine remembers layer by layer. Where schedules are put together from the same few stretches of
layers, as those of networks that differ only in depth are, what a whole stretch does to the machine from one
state on is remembered here: the state after it, and the cycles in between. Only the stretch itself is walked
through for that, by the fast engine, whatever came before it. What comes out is when everything is done, to
the cycle; nothing is said of single layers. docs/decisions/depth-assembly.md has the argument.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from accelsim.hardware import Hardware
from accelsim.mapping.mapping import Mapping
from accelsim.mapping.schedule import Schedule
from accelsim.simulation.entry import entries_of
from accelsim.simulation.state import State
from accelsim.simulation.transitions import ENTRIES_OF_A_STATE, MOST_STEPS, Transitions
from accelsim.simulation.traversal import Traversal, time_stepper_of

MOST_REMEMBERED: Final = 400_000
"""In entries of queues or what takes as much, as the engine's own memory has twice; then it is full."""


@dataclass(frozen=True, eq=False)
class Stretch:
    """Successive layers of a schedule. Each is a stretch of its own, whatever it consists of.

    Attributes:
        mappings: Of its layers.

    Example:
        >>> from accelsim.run import plan_run
        >>> schedule = plan_run("squeezenet_v1_1", "16x16_128k").schedule
        >>> Stretch.of(schedule, 1, 3).distances
        ((1,), (1,))
    """

    mappings: tuple[Mapping, ...]
    distances: tuple[tuple[int, ...], ...]
    """Of each layer: those that it waits for, counted back from it."""

    @classmethod
    def of(cls, schedule: Schedule, first: int, end: int) -> "Stretch":
        """The layers of a schedule from one to before another."""
        return cls(
            schedule.mappings[first:end],
            tuple(
                tuple(layer - producer for producer in schedule.waits_for[layer])
                for layer in range(first, end)
            ),
        )


class Passage(NamedTuple):
    """What a stretch did to the machine from one place on; times from its beginning.

    Attributes:
        place: The one after it.

    Example:
        >>> Passage(place=1, cycles=100, last_end=90).cycles
        100
    """

    place: int
    cycles: int
    last_end: int
    """When the last layer that was finished meanwhile was; 0 where none was."""


class _Place(NamedTuple):
    """Where schedules that are alike from here on have come to, between two layers."""

    idle_descriptors: int
    """Of the schedule: not every state says it."""
    state: State
    unfinished: tuple[int, ...]
    """Layers, counted back from the next."""


class Stretches:
    """What stretches did to one machine that keeps no tensors on chip. Places are known by their numbers.

    Args:
        hardware: The machine.

    Example:
        >>> from accelsim.run import plan_run
        >>> plan = plan_run("squeezenet_v1_1", "16x16_128k")
        >>> layers = len(plan.schedule.layers)
        >>> halves = [Stretch.of(plan.schedule, 0, 9), Stretch.of(plan.schedule, 9, layers)]
        >>> from accelsim.simulation import simulate
        >>> Stretches(plan.hardware).cycles(halves) == simulate(plan.schedule, plan.hardware).cycles
        True
    """

    def __init__(self, hardware: Hardware) -> None:
        self._hardware = hardware
        self._transitions = _OfPlaces()
        self._places: list[_Place] = []
        self._numbers: dict[_Place, int] = {}
        self._passages: dict[tuple[int, Stretch], Passage] = {}
        self._drains: dict[int, int] = {}
        """From a place on, where no layer follows: cycles until the last of those under way is done."""
        self._remembered = 0

    @property
    def is_full(self) -> bool:
        """Whether to go on with a new one, so that memory stays constant; numbers of places are lost."""
        return self._remembered > MOST_REMEMBERED or len(self._transitions.steps) > MOST_STEPS

    def start(self, idle_descriptors: int = 0) -> int:
        """The place before the first layer of a schedule that leaves so many descriptors idle."""
        return self._number(
            _Place(idle_descriptors, time_stepper_of(self._hardware, idle_descriptors).state(), ())
        )

    def passage(self, place: int, stretch: Stretch) -> Passage:
        """What a stretch does from a place on."""
        passage = self._passages.get((place, stretch))
        if passage is None:
            passage = self._passages[place, stretch] = self._walked(self._places[place], stretch)
            self._remembered += ENTRIES_OF_A_STATE
        return passage

    def drain(self, place: int) -> int:
        """Cycles until everything is done that is under way at a place; 0 where nothing is."""
        cycles = self._drains.get(place)
        if cycles is None:
            walk = _Walk(self._hardware, self._transitions, self._places[place])
            cycles = self._drains[place] = walk.drained()
        return cycles

    def cycles(self, stretches: Sequence[Stretch], idle_descriptors: int = 0) -> int:
        """When a schedule that consists of these stretches is done.

        Args:
            stretches: Successive ones, all layers of the schedule together.
            idle_descriptors: Those that it leaves idle.

        Returns:
            Cycles until everything is done.
        """
        place, elapsed, end = self.start(idle_descriptors), 0, 0
        for stretch in stretches:
            passage = self.passage(place, stretch)
            end = max(end, elapsed + passage.last_end)
            elapsed += passage.cycles
            place = passage.place
        return max(end, elapsed + self.drain(place))

    def _number(self, place: _Place) -> int:
        number = self._numbers.setdefault(place, len(self._places))
        if number == len(self._places):
            self._places.append(place)
            self._remembered += ENTRIES_OF_A_STATE + place.state.entries
        return number

    def _walked(self, place: _Place, stretch: Stretch) -> Passage:
        walk = _Walk(self._hardware, self._transitions, place)
        idle = place.idle_descriptors
        schedule = Schedule((), stretch.mappings, stretch.distances, idle_descriptors=idle)
        walk.along(stretch, schedule, self._hardware)
        return Passage(self._number(walk.place(idle)), walk.cycle, walk.last_end)


class _OfPlaces(Transitions):
    """States may be forgotten from one walk to the next; steps stay, by whose numbers places are written."""

    def forget_if_full(self) -> None:
        if self.is_half_full:
            self.forget_states()


class _Walk(Traversal):
    """From a place on; layers are numbered so that those that it looks back to have numbers, too."""

    def __init__(self, hardware: Hardware, transitions: Transitions, place: _Place) -> None:
        super().__init__(hardware, place.idle_descriptors, transitions, machine_of=time_stepper_of)
        self.state, self.machine_is_here = place.state, False
        self._unfinished_before = place.unfinished
        self._first = max(place.unfinished, default=0)
        self.last_end = 0

    def along(self, stretch: Stretch, schedule: Schedule, hardware: Hardware) -> None:
        """Until the last layer of a stretch is handed over."""
        furthest = [max(distances, default=0) for distances in stretch.distances]
        self._first = max([self._first, *furthest])
        self.layer = self._first
        self._finish_what_is()
        before = len(self.log.end_cycles)
        programs = [mapping.program for mapping in stretch.mappings]
        layers = range(self._first, self._first + len(programs))
        waits_for = [
            tuple(layer - distance for distance in distances)
            for layer, distances in zip(layers, stretch.distances, strict=True)
        ]
        self._number()
        self._go_through(programs, waits_for, entries_of(schedule, hardware), self._first)
        self.last_end = max(list(self.log.end_cycles.values())[before:], default=0)
        self.layer = layers.stop

    def place(self, idle_descriptors: int) -> _Place:
        """The one that it has come to."""
        finished, following = self.log.end_cycles, self.layer
        unfinished = [following - layer for layer in range(following) if layer not in finished]
        return _Place(idle_descriptors, self._state(), tuple(unfinished))

    def drained(self) -> int:
        """Cycles until everything is done that is under way."""
        self._finish_what_is()
        before = len(self.log.end_cycles)
        self._drain(self._first)
        return max(list(self.log.end_cycles.values())[before:], default=0)

    def _finish_what_is(self) -> None:
        """Note of the layers before the first which are finished."""
        unfinished = {self._first - distance for distance in self._unfinished_before}
        self.log.end_cycles |= {layer: 0 for layer in range(self._first) if layer not in unfinished}
