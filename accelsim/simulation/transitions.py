"""Transitions: what parts of programs did to one machine, for whoever comes to them in the same state.

Everything that happens next follows from the machine's state and from the steps still to come: so a part of a
program takes the machine from one state always to the same other, in as many cycles. What is remembered stays
within limits. docs/decisions/fast-engine.md has the argument in full.
"""

from collections.abc import Mapping as MappingOf
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from accelsim.hardware import Operand
from accelsim.mapping.mapping import ProgramPart, Step
from accelsim.simulation.entry import Entry
from accelsim.simulation.machine_step import MachineStep
from accelsim.simulation.state import State
from accelsim.simulation.stepper import Stepper

MOST_ENTRIES: Final = 800_000
"""Remembered at a time, about 60 MB; then everything is forgotten at the next layer."""
MOST_STEPS: Final = 20_000
"""Known by number from one simulation to the next, about 30 MB."""
ENTRIES_OF_A_STATE: Final = 16
"""What a state takes beside its queues, and what a transition takes, measured in entries of a queue."""


class Transition(NamedTuple):
    """What a part of a program did to the machine from one state on; times from its beginning."""

    cycles: int
    state: int
    """The state after it, by number."""
    start_cycle: int | None
    """When its layer asked for the first byte."""
    end_cycles: tuple[tuple[int, int], ...]
    """Layers that were finished meanwhile, counted back from its own, and when."""
    least_free_bytes: tuple[int, ...]
    waiting_cycles: tuple[tuple[int, MappingOf[Operand, int]], ...]
    """Of layers, counted back from its own, as `LayerActivity` has them."""


@dataclass
class Transitions:
    """What parts of programs did to one machine. Grows as simulations go on; the answers stay the same.

    States are numbered in the order in which they are met, and no number is given twice: what is asked about
    a state that was forgotten has no answer.

    Attributes:
        states: By their numbers.
        number_of: Numbers by the states.
        steps: By their numbers.

    Example:
        >>> Transitions().is_full
        False
    """

    states: dict[int, State] = field(default_factory=dict)
    number_of: dict[State, int] = field(default_factory=dict)
    numbers: int = 0
    """Given to states so far."""
    steps: list[MachineStep] = field(default_factory=list)
    of_step: dict[int, MachineStep] = field(default_factory=dict)
    """By the step's identity: it is cheaper than its value, and tiles that are alike share a step."""
    parts: dict[int, Any] = field(default_factory=dict)
    """Keeps alive what is known by its identity."""
    of_part: dict[tuple[int, int, bool], Transition] = field(default_factory=dict)
    """Part of a program, state, whether it ends the layer."""
    of_entry: dict[tuple[int, tuple[int, ...], Entry], int] = field(default_factory=dict)
    """State before a layer, its producers counted back from it, what it brings: the state in which it
    begins."""
    stream_cycles: dict[
        tuple[int, tuple[int, ...]], tuple[Sequence[ProgramPart], int, MappingOf[str, int]]
    ] = field(default_factory=dict)
    """Of programs, by their identity and their layers' homes: the program, cycles in which the busiest
    channel streams, and in which each of several does."""
    entries: int = 0
    """How much is remembered, in entries of queues or what takes as much."""

    @property
    def is_full(self) -> bool:
        """Whether nothing more is to be remembered before the rest is forgotten."""
        return self.entries > MOST_ENTRIES

    @property
    def is_half_full(self) -> bool:
        """Whether a simulation that begins now may have to forget before its end."""
        return 2 * self.entries > MOST_ENTRIES or len(self.steps) > MOST_STEPS

    def state_number(self, state: State) -> int:
        """The number of a state, the next one if it is new."""
        number = self.number_of.setdefault(state, self.numbers)
        if number == self.numbers:
            self.states[number] = state
            self.numbers += 1
            self.entries += ENTRIES_OF_A_STATE + state.entries
        return number

    def on_machine(self, step: Step, stepper: Stepper) -> MachineStep:
        """A step as the machine meets it, with its number, the next one if it is new; by identity, since a
        program shares its steps.
        """
        known = self.of_step.get(id(step))
        if known is None:
            known = self.of_step[id(step)] = stepper.on_machine(step, len(self.steps))
            self.steps.append(known)
        return known

    def remember(self, part: Any, key: tuple[int, int, bool], transition: Transition) -> None:
        """What a part did. The key: its identity, the state before by number, whether it ends a layer.

        A part is kept, so that no other comes to have its identity; to compare two by value would be to go
        through them.
        """
        self.of_part[key] = transition
        self.parts[id(part)] = part
        self.entries += ENTRIES_OF_A_STATE + len(transition.end_cycles) + len(transition.waiting_cycles)

    def remember_entry(self, before: int, distances: tuple[int, ...], entry: Entry, state: int) -> None:
        """In which state a layer begins: the numbers of it and of the state before, and what of the layer."""
        self.of_entry[before, distances, entry] = state
        self.entries += ENTRIES_OF_A_STATE // 2 + len(distances) // 4

    def forget_states(self) -> None:
        """Keep memory constant however long a simulation is. The steps stay, by whose numbers it goes on."""
        for table in (self.states, self.number_of, self.parts, self.of_part, self.of_entry):
            table.clear()
        self.entries = 0

    def forget_if_full(self) -> None:
        """Between two simulations: keep memory constant however many there are."""
        if self.is_half_full:
            self.forget_states()
            self.steps.clear()
            self.of_step.clear()
            self.stream_cycles.clear()
