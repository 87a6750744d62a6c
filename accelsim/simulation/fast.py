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
from collections.abc import Mapping as MappingOf
from dataclasses import dataclass, field
from itertools import chain
from operator import sub
from typing import Any, Final

from accelsim.hardware import Hardware, Operand
from accelsim.mapping.mapping import Program, Repeat, Step
from accelsim.mapping.schedule import Schedule
from accelsim.simulation.activity import Activity, LayerActivity
from accelsim.simulation.stepper import Log, State, Stepper, bank_sums, places_by_memory

WORTHWHILE_TURNS: Final = 4
"""A body that is repeated less often is gone through without a look at the states of its turns."""
SHORT_STATE: Final = 64
"""Entries of a state that is looked at wherever it might be of use; eight descriptors rarely make more."""
ENTRIES_PER_STEP: Final = 4
"""A longer state is looked at after so many steps for each four of its entries, since to read one entry takes
about a quarter of the time of a step: looking never costs more than stepping."""
MOST_ENTRIES: Final = 800_000
"""Remembered at a time, about 60 MB; then everything is forgotten at the next layer."""
MOST_TURN_ENTRIES: Final = 20_000
"""Of the states at the turns of one loop, a few MB; then the comparison begins anew."""
MOST_GLIMPSES: Final = 4_096
"""Of the turns of one loop; then those before are forgotten."""
MOST_STEPS: Final = 20_000
"""Known by number from one simulation to the next, about 20 MB."""
ENTRIES_OF_A_STATE: Final = 16
"""What a state takes beside its queues, and what a transition takes, measured in entries of a queue."""


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
    least_free_bytes: tuple[int, ...]
    waiting_cycles: tuple[tuple[int, MappingOf[Operand, int]], ...]
    """Of layers, counted back from its own, as `LayerActivity` has them."""


@dataclass
class Transitions:
    """What parts of programs did to one machine. Grows as simulations go on; the answers stay the same.

    States are numbered in the order in which they are met, and no number is given twice: what is asked about
    a state that was forgotten has no answer.
    """

    states: dict[int, State] = field(default_factory=dict)
    number_of: dict[State, int] = field(default_factory=dict)
    numbers: int = 0
    """Given to states so far."""
    steps: list[Step] = field(default_factory=list)
    number_of_step: dict[int, int] = field(default_factory=dict)
    """By the step's identity: it is cheaper than its value, and tiles that are alike share a step."""
    parts: dict[int, Any] = field(default_factory=dict)
    """Keeps alive what is known by its identity."""
    of_part: dict[tuple[int, int, bool], Transition] = field(default_factory=dict)
    """Part of a program, state, whether it ends the layer."""
    of_entry: dict[tuple[int, tuple[int, ...]], int] = field(default_factory=dict)
    """State before a layer, its producers counted back from it: the state in which it begins."""
    stream_cycles: dict[int, tuple[Sequence[Program], int]] = field(default_factory=dict)
    """Of programs, by their identity: the program, and cycles in which the DRAM channel streams."""
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

    def step_number(self, step: Step) -> int:
        """The number of a step, the next one if it is new; by identity, since a program shares its steps."""
        number = self.number_of_step.get(id(step))
        if number is None:
            number = self.number_of_step[id(step)] = len(self.steps)
            self.steps.append(step)
        return number

    def remember(self, part: Any, key: tuple[int, int, bool], transition: Transition) -> None:
        """What a part did. The key: its identity, the state before by number, whether it ends a layer.

        A part is kept, so that no other comes to have its identity; to compare two by value would be to go
        through them.
        """
        self.of_part[key] = transition
        self.parts[id(part)] = part
        self.entries += ENTRIES_OF_A_STATE + len(transition.end_cycles) + len(transition.waiting_cycles)

    def remember_entry(self, before: int, back: tuple[int, ...], state: int) -> None:
        """In which state a layer begins: the numbers of it and of the state before, and its producers."""
        self.of_entry[before, back] = state
        self.entries += ENTRIES_OF_A_STATE // 2 + len(back) // 4

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
            self.number_of_step.clear()
            self.stream_cycles.clear()


def simulate_fast(schedule: Schedule, hardware: Hardware, transitions: Transitions | None = None) -> Activity:
    """What a machine does for a schedule; what `simulate_events` observes, without a timeline.

    Counts and busy cycles are the mappings': every step is executed exactly once. `transitions` remembers
    from one schedule to the next; they must all be of the same machine.
    """
    transitions = Transitions() if transitions is None else transitions
    programs = [mapping.program for mapping in schedule.mappings]
    log = _Walk(hardware, schedule.idle_descriptors, transitions).through(programs, schedule.waits_for)
    bandwidth, streamed = hardware.channel.bytes_per_cycle, transitions.stream_cycles
    for program in programs:
        if id(program) not in streamed:
            streamed[id(program)] = program, _stream_cycles(program, bandwidth)
    layers = tuple(
        LayerActivity(
            start_cycle=log.start_cycles.get(index, 0),
            end_cycle=log.end_cycles[index],
            dram_busy_cycles=streamed[id(mapping.program)][1],
            array_busy_cycles=mapping.totals.array_cycles,
            vector_busy_cycles=mapping.totals.vector_cycles,
            counts=mapping.totals.counts,
            waiting_cycles=log.waiting_cycles.get(index, {}),
        )
        for index, mapping in enumerate(schedule.mappings)
    )
    banks, memories = hardware.banks, hardware.on_chip
    sizes = bank_sums([bank.size_bytes for bank in banks], places_by_memory(banks))
    peaks = tuple(map(sub, sizes, log.least_free_bytes or sizes))
    *of_memories, together = peaks[len(banks) :]
    return Activity(
        layers=layers,
        peak_bank_bytes={bank.name: peak for bank, peak in zip(banks, peaks, strict=False)},
        peak_memory_bytes={
            memory.name: peak for memory, peak in zip(memories, of_memories or (together,), strict=True)
        },
        peak_global_buffer_bytes=together,
    )


def cycles_alone(program: Sequence[Program], hardware: Hardware, transitions: Transitions) -> int:
    """When the program of a layer is done on a machine that does nothing else."""
    return _Walk(hardware, 0, transitions).alone(program)


def _stream_cycles(program: Sequence[Program], bandwidth: float) -> int:
    """Cycles in which the DRAM channel streams for a program."""
    cycles = 0
    for part in program:
        if isinstance(part, Repeat):
            cycles += part.times * _stream_cycles(part.body, bandwidth)
        else:
            transfers = chain(part.loads.values(), part.stores.values())
            cycles += sum(math.ceil(size / bandwidth) for size in transfers)
    return cycles


class _Walk:
    """Through a schedule, from state to state; step by step only where it is not known what happens."""

    def __init__(self, hardware: Hardware, idle_descriptors: int, transitions: Transitions) -> None:
        self.transitions = transitions
        self.transitions.forget_if_full()
        self.machine = Stepper(hardware, idle_descriptors)
        self.layer = 0
        self.now = 0
        self.number: int | None = None
        """Of the state that the walk has come to, if it is one that is remembered."""
        self.state: State | None = None
        """The state itself, if it was looked at; both are None where the machine has gone on since."""
        self.machine_is_here = True
        """Whether the machine is in the state; else it is left behind until it is needed again."""
        self.log = self.machine.log
        self.steps_of_body: dict[int, int] = {}
        """Of bodies of loops, by their identity; the schedule keeps them alive."""

    def through(self, programs: Sequence[Sequence[Program]], waits_for: Sequence[Sequence[int]]) -> Log:
        """What is observed on the way; each layer's program, and the layers that it waits for.

        Raises RuntimeError if the machine comes to a stop.
        """
        for layer, (program, producers) in enumerate(zip(programs, waits_for, strict=True)):
            self._enter(layer, producers, program)
            self._remembered(program, True, self._body)
        self._drain(len(programs))
        return self.log

    def alone(self, program: Sequence[Program]) -> int:
        """When the program of a layer is done by itself.

        Its loops are remembered, for a schedule may come to them in the same state; the whole of it is not,
        since in a schedule the machine is still busy with the layer before.
        """
        self._body(program, True)
        self._drain(1)
        return self.log.end_cycles[0]

    def _drain(self, layers: int) -> None:
        """After so many layers, until everything is done."""
        self.layer = layers
        self._bring_machine().drain()
        for layer in range(layers):
            if layer not in self.log.end_cycles:
                raise RuntimeError(f"the simulation came to a stop in layer {layer}")

    def _enter(self, layer: int, producers: Sequence[int], program: Sequence[Program]) -> None:
        """Begin a layer."""
        self.layer = layer
        transitions = self.transitions
        if transitions.is_full:
            self._bring_machine()
            transitions.forget_states()
            self.number = self.state = None
        if self.number is None and not self._is_worth_a_look(program):
            self.machine.enter(self._unfinished(layer, producers))
            return
        before, back = self._number(), tuple([layer - producer for producer in producers])
        number = transitions.of_entry.get((before, back))
        if number is None:
            waits_for = tuple(self._unfinished(layer, producers))
            number = transitions.state_number(transitions.states[before]._replace(waits_for=waits_for))
            transitions.remember_entry(before, back, number)
        self.number, self.state = number, None
        if self.machine_is_here:
            self.machine.enter(self._state().waits_for)

    def _unfinished(self, layer: int, producers: Sequence[int]) -> list[int]:
        """Those that are not finished yet, counted back from a layer."""
        ends = self.log.end_cycles
        return sorted(layer - producer for producer in producers if producer not in ends)

    def _is_worth_a_look(self, part: Any, times: int = 1) -> bool:
        """Whether the state is short, or going so many times through a part takes longer than looking."""
        entries = self.machine.entries if self.number is None else self._state().entries
        long_entries = entries - SHORT_STATE
        return long_entries <= 0 or long_entries <= ENTRIES_PER_STEP * times * self._steps_of(part)

    def _remembered(self, part: Any, last: bool, go: Callable[[Any, bool], None]) -> None:
        """Go through a part of a program, or look up what that did from this state before."""
        transitions = self.transitions
        pays = self.number is None and self._pays_to_remember(part)
        if pays or self.number is not None:
            key = (id(part), self._number(), last)
            transition = transitions.of_part.get(key)
            if transition is not None:
                self._observe(transition, self.now)
                self.now += transition.cycles
                self.number, self.state, self.machine_is_here = transition.state, None, False
                return
            if pays or self._pays_to_remember(part):
                transitions.remember(part, key, self._gone_through(part, last, go))
                return
        go(part, last)

    def _pays_to_remember(self, part: Any) -> bool:
        return not self.transitions.is_full and self._is_worth_a_look(part)

    def _gone_through(self, part: Any, last: bool, go: Callable[[Any, bool], None]) -> Transition:
        """What a part of a program does from this state on."""
        before, outer, self.log = self.now, self.log, Log()
        self.machine.report_to(self.log)
        go(part, last)
        transition = self._transition(before)
        self.log = outer
        self.machine.report_to(outer)
        self._observe(transition, before)
        return transition

    def _body(self, body: Sequence[Program], last: bool) -> None:
        machine, step_number = self.machine, self.transitions.step_number
        for place, part in enumerate(body, 1):
            ends = last and place == len(body)
            if isinstance(part, Repeat):
                self._remembered(part, ends, self._turns)
            else:
                if not self.machine_is_here:
                    self._bring_machine()
                machine.hand_over(part, step_number(part), ends)
                self.now, self.number, self.state = machine.now, None, None

    def _steps_of(self, part: Any) -> int:
        """How many steps a loop, a body or a program has."""
        if isinstance(part, Step):
            return 1
        if isinstance(part, Repeat):
            return part.times * self._steps_of(part.body)
        steps = self.steps_of_body.get(id(part))
        if steps is None:
            steps = self.steps_of_body[id(part)] = sum(map(self._steps_of, part))
        return steps

    def _turns(self, loop: Repeat, last: bool) -> None:
        """The turns of a loop; those that repeat what earlier ones did are skipped.

        The last turn may end the layer, which the turns before it do not: it is not skipped.
        """
        alike = loop.times - last
        turn = self._turns_until_a_state_recurs(loop, alike) if loop.times >= WORTHWHILE_TURNS else 0
        for _ in range(turn, alike):
            self._body(loop.body, False)
        if last:
            self._body(loop.body, True)

    def _turns_until_a_state_recurs(self, loop: Repeat, alike: int) -> int:
        """Go through turns until one begins in the state of an earlier one; skip what repeats from there on.

        Gives the number of turns that are done; fewer than a period are left, in which no state recurs.
        """
        glimpsed: set[tuple[int, ...]] = set()
        turns_of: dict[State, tuple[int, int, MappingOf[Operand, int]]] = {}
        body = loop.body
        entries = turn_of_look = 0
        for turn in range(alike):
            if self.number is not None or (
                self._was_glimpsed(glimpsed) and self._is_worth_a_look(body, turn - turn_of_look)
            ):
                turn_of_look, state = turn, self._state()
                waits = self._waits()
                earlier, cycle, waits_before = turns_of.setdefault(state, (turn, self.now, waits))
                if earlier < turn:
                    periods = (alike - turn) // (turn - earlier)
                    for operand, cycles in waits.items():
                        self.log.wait(self.layer, operand, periods * (cycles - waits_before.get(operand, 0)))
                    self._wait(periods * (self.now - cycle))
                    return turn + periods * (turn - earlier)
                entries += ENTRIES_OF_A_STATE + state.entries
                if entries > MOST_TURN_ENTRIES:
                    turns_of.clear()
                    entries = 0
            self._body(body, False)
        return alike

    def _waits(self) -> MappingOf[Operand, int]:
        """What steps of the layer have been waited for so far.

        Within a period of its turns no others are: it executes as many steps as it hands over, so all that
        were handed over before the layer's are executed when one begins.
        """
        return self.log.waiting_cycles.get(self.layer, {})

    def _was_glimpsed(self, glimpsed: set[tuple[int, ...]]) -> bool:
        """Whether the part of the state that is quick to compare was there before; else the whole was not."""
        glimpse = self.machine.glimpse()
        if glimpse in glimpsed:
            return True
        if len(glimpsed) >= MOST_GLIMPSES:
            glimpsed.clear()
        glimpsed.add(glimpse)
        return False

    def _wait(self, cycles: int) -> None:
        """Let everything be later by so many cycles."""
        self.now += cycles
        self.machine_is_here = self.machine_is_here and not cycles

    def _state(self) -> State:
        if self.state is None:
            number = self.number
            self.state = self.machine.state() if number is None else self.transitions.states[number]
        return self.state

    def _number(self) -> int:
        if self.number is None:
            self.number = self.transitions.state_number(self._state())
        return self.number

    def _bring_machine(self) -> Stepper:
        """The machine, in the state that the walk has come to."""
        if not self.machine_is_here:
            self.machine.put_into(self._state(), self.layer, self.now, self.transitions.steps)
            self.machine_is_here = True
        return self.machine

    def _transition(self, before: int) -> Transition:
        start = self.log.start_cycles.get(self.layer)
        return Transition(
            cycles=self.now - before,
            state=self._number(),
            start_cycle=None if start is None else start - before,
            end_cycles=tuple(
                [(self.layer - layer, cycle - before) for layer, cycle in self.log.end_cycles.items()]
            ),
            least_free_bytes=self.log.least_free_bytes,
            waiting_cycles=tuple(
                [(self.layer - layer, cycles) for layer, cycles in self.log.waiting_cycles.items()]
            ),
        )

    def _observe(self, transition: Transition, before: int) -> None:
        log = self.log
        if transition.start_cycle is not None:
            log.start_cycles.setdefault(self.layer, before + transition.start_cycle)
        for back, cycle in transition.end_cycles:
            log.end_cycles[self.layer - back] = before + cycle
        for back, cycles_of in transition.waiting_cycles:
            layer = self.layer - back
            if layer not in log.waiting_cycles:
                log.waiting_cycles[layer] = cycles_of
                continue
            for operand, cycles in cycles_of.items():
                log.wait(layer, operand, cycles)
        log.observe(transition.least_free_bytes)
