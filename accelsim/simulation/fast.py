"""simulate_fast: what repeats is not gone through again.

The machine's state is taken at the start of layers, of loops and of their turns. Everything that happens next
follows from that state and from the steps still to come. So a part of a program that was gone through from a
state before takes the machine through the same again, to the same state, in as many cycles: that is looked up
instead. And where the state at the start of a turn was there at an earlier turn of the same loop, what
happened between the two will happen again and again, as often as the turns that are left allow. Where no
state recurs, every tile is gone through. docs/decisions/fast-engine.md has the argument in full.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from accelsim.hardware import Hardware
from accelsim.mapping.mapping import Program, Repeat, Step
from accelsim.mapping.schedule import Schedule
from accelsim.simulation.activity import Activity, LayerActivity
from accelsim.simulation.stepper import Log, State, Stepper

WORTHWHILE_TURNS: Final = 4
"""A body that is repeated less often is gone through without a look at the states of its turns."""
MOST_TRANSITIONS: Final = 100_000
"""Remembered at a time, so that memory stays constant; then everything is forgotten."""


@dataclass(frozen=True, slots=True)
class Transition:
    """What a part of a program did to the machine from one state on; times from its beginning."""

    cycles: int
    state: int
    """The state after it, by number."""
    start_cycle: int | None
    """When its layer asked for the first byte."""
    end_cycles: tuple[tuple[int, int], ...]
    """Layers that were finished meanwhile, counted back from its own, and when."""
    peak_bytes: tuple[int, int, int, int]


@dataclass
class Transitions:
    """What parts of programs did to one machine. Grows as simulations go on; the answers stay the same."""

    states: list[State] = field(default_factory=list)
    number_of: dict[State, int] = field(default_factory=dict)
    steps: list[Step] = field(default_factory=list)
    number_of_step: dict[int, int] = field(default_factory=dict)
    """By the step's identity: it is cheaper than its value, and tiles that are alike share a step."""
    parts: dict[int, Any] = field(default_factory=dict)
    """Keeps alive what is known by its identity."""
    of_part: dict[tuple[int, int, bool], Transition] = field(default_factory=dict)
    """Part of a program, state, whether it ends the layer."""
    of_entry: dict[tuple[int, tuple[int, ...]], int] = field(default_factory=dict)
    """State before a layer, its producers counted back from it: the state in which it begins."""
    stream_cycles: dict[int, int] = field(default_factory=dict)
    """Of programs, by their identity: cycles in which the DRAM channel streams."""

    def state_number(self, state: State) -> int:
        """The number of a state, the next one if it is new."""
        number = self.number_of.setdefault(state, len(self.states))
        if number == len(self.states):
            self.states.append(state)
        return number

    def step_number(self, step: Step) -> int:
        """The number of a step, the next one if it is new."""
        number = self.number_of_step.setdefault(id(step), len(self.steps))
        if number == len(self.steps):
            self.steps.append(step)
        return number

    def forget_if_full(self) -> None:
        """Between two simulations: keep memory constant however many there are."""
        if len(self.of_part) > MOST_TRANSITIONS:
            for known in (self.states, self.steps):
                known.clear()
            for found in (self.number_of, self.number_of_step, self.parts, self.of_part, self.of_entry):
                found.clear()
            self.stream_cycles.clear()


def simulate_fast(schedule: Schedule, hardware: Hardware, transitions: Transitions | None = None) -> Activity:
    """What a machine does for a schedule; what `simulate_events` observes, without a timeline.

    Counts and busy cycles are the mappings': every step is executed exactly once. `transitions` remembers
    from one schedule to the next; they must all be of the same machine.
    """
    transitions = Transitions() if transitions is None else transitions
    log = _Walk(hardware, transitions).through(schedule)
    bandwidth, known = hardware.dram.bandwidth_bytes_per_cycle, transitions.stream_cycles
    for program in (mapping.program for mapping in schedule.mappings):
        if id(program) not in known:
            known[id(program)] = _stream_cycles(program, bandwidth)
    layers = tuple(
        LayerActivity(
            start_cycle=log.start_cycles.get(index, 0),
            end_cycle=log.end_cycles[index],
            dram_busy_cycles=known[id(mapping.program)],
            array_busy_cycles=mapping.totals.array_cycles,
            vector_busy_cycles=mapping.totals.vector_cycles,
            counts=mapping.totals.counts,
        )
        for index, mapping in enumerate(schedule.mappings)
    )
    weights, inputs, outputs, together = log.peak_bytes
    return Activity(
        layers=layers,
        peak_bank_bytes={"inputs": inputs, "weights": weights, "outputs": outputs},
        peak_global_buffer_bytes=together,
    )


def _stream_cycles(program: Sequence[Program], bandwidth: float) -> int:
    """Cycles in which the DRAM channel streams for a program."""
    cycles = 0
    for part in program:
        if isinstance(part, Repeat):
            cycles += part.times * _stream_cycles(part.body, bandwidth)
        else:
            transfers = (part.weight_bytes, part.input_bytes, part.shortcut_bytes, part.store_bytes)
            cycles += sum(math.ceil(size / bandwidth) for size in transfers)
    return cycles


class _Walk:
    """Through a schedule, from state to state; step by step only where it is not known what happens."""

    def __init__(self, hardware: Hardware, transitions: Transitions) -> None:
        self.known = transitions
        self.known.forget_if_full()
        self.machine = Stepper(hardware)
        self.layer = 0
        self.now = 0
        self.state: int | None = None
        """The state's number, or None where the machine has gone on since it was known."""
        self.machine_is_here = True
        """Whether the machine is in the state; else it is left behind until it is needed again."""
        self.log = self.machine.log

    def through(self, schedule: Schedule) -> Log:
        """What is observed on the way. Raises RuntimeError if the machine comes to a stop."""
        for layer, (mapping, producers) in enumerate(zip(schedule.mappings, schedule.waits_for, strict=True)):
            self._enter(layer, producers)
            self._remembered(mapping.program, True, self._body)
        self.layer = len(schedule.mappings)
        self._bring_machine().drain()
        for layer in range(len(schedule.mappings)):
            if layer not in self.log.end_cycles:
                raise RuntimeError(f"the simulation came to a stop in layer {layer}")
        return self.log

    def _enter(self, layer: int, producers: Sequence[int]) -> None:
        known, before, back = self.known, self._state(), tuple([layer - producer for producer in producers])
        state = known.of_entry.get((before, back))
        if state is None:
            state = known.state_number(known.states[before].entering(back))
            known.of_entry[before, back] = state
        if self.machine_is_here:
            self.machine.enter(known.states[state].waits_for)
        self.layer, self.state = layer, state

    def _remembered(self, part: Any, last: bool, go: Callable[[Any, bool], None]) -> None:
        """Go through a part of a program, or look up what that did from this state before."""
        key = (id(part), self._state(), last)
        transition = self.known.of_part.get(key)
        if transition is None:
            before, outer, self.log = self.now, self.log, Log()
            self.machine.report_to(self.log)
            go(part, last)
            transition = self._transition(before)
            self.log = outer
            self.machine.report_to(outer)
            self.known.of_part[key] = transition
            self.known.parts[id(part)] = part
            self._observe(transition, before)
        else:
            self._observe(transition, self.now)
            self.now += transition.cycles
            self.state, self.machine_is_here = transition.state, False

    def _body(self, body: Sequence[Program], last: bool) -> None:
        for left, part in zip(range(len(body) - 1, -1, -1), body, strict=True):
            ends = last and not left
            if isinstance(part, Repeat):
                self._remembered(part, ends, self._turns)
            else:
                machine = self._bring_machine()
                machine.hand_over(part, self.known.step_number(part), ends)
                self.now, self.state = machine.now, None

    def _turns(self, loop: Repeat, last: bool) -> None:
        """The turns of a loop; those that repeat what earlier ones did are skipped.

        The last turn may end the layer, which the turns before it do not: it is not skipped.
        """
        alike, turn = loop.times - last, 0
        glimpsed: set[tuple[int, ...]] = set()
        seen: dict[int, tuple[int, int]] = {}
        while turn < alike:
            if loop.times >= WORTHWHILE_TURNS and self._was_glimpsed(glimpsed):
                earlier, cycle = seen.setdefault(self._state(), (turn, self.now))
                if earlier < turn:
                    periods = (alike - turn) // (turn - earlier)
                    self._wait(periods * (self.now - cycle))
                    turn += periods * (turn - earlier)
                    seen.clear()
                    continue
            self._body(loop.body, False)
            turn += 1
        if last:
            self._body(loop.body, True)

    def _was_glimpsed(self, glimpsed: set[tuple[int, ...]]) -> bool:
        """Whether the part of the state that is quick to compare was there before; else the whole was not."""
        if self.state is not None:
            return True
        glimpse = self.machine.glimpse()
        known = glimpse in glimpsed
        glimpsed.add(glimpse)
        return known

    def _wait(self, cycles: int) -> None:
        """Let everything be later by so many cycles."""
        self.now += cycles
        self.machine_is_here = self.machine_is_here and not cycles

    def _state(self) -> int:
        if self.state is None:
            self.state = self.known.state_number(self.machine.state())
        return self.state

    def _bring_machine(self) -> Stepper:
        """The machine, in the state that the walk has come to."""
        if not self.machine_is_here:
            state = self.known.states[self._state()]
            self.machine.put_into(state, self.layer, self.now, self.known.steps)
            self.machine_is_here = True
        return self.machine

    def _transition(self, before: int) -> Transition:
        start = self.log.start_cycles.get(self.layer)
        return Transition(
            cycles=self.now - before,
            state=self._state(),
            start_cycle=None if start is None else start - before,
            end_cycles=tuple(
                (self.layer - layer, cycle - before) for layer, cycle in self.log.end_cycles.items()
            ),
            peak_bytes=self.log.peak_bytes,
        )

    def _observe(self, transition: Transition, before: int) -> None:
        log = self.log
        if transition.start_cycle is not None:
            log.start_cycles.setdefault(self.layer, before + transition.start_cycle)
        for back, cycle in transition.end_cycles:
            log.end_cycles[self.layer - back] = before + cycle
        log.observe(transition.peak_bytes)
