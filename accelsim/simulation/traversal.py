"""Traversal: through a schedule, from state to state; what repeats is looked up and not gone through again.

The machine's state is taken at the start of layers, of loops and of their iterations. A part of a program
that was gone through from a state before is looked up (`Transitions`). And where the state at the start of an
iteration was there at an earlier one of the same loop, what happened between the two will happen again and
again, as often as the iterations that are left allow. Where no state recurs, every tile is gone through.
docs/decisions/fast-engine.md has the argument in full.
"""

from collections.abc import Callable, Sequence
from collections.abc import Mapping as MappingOf
from typing import Any, Final

from accelsim.hardware import Hardware, Operand
from accelsim.mapping.mapping import ProgramPart, Repeat, Step
from accelsim.simulation.deadlock import DeadlockError
from accelsim.simulation.entry import Entry
from accelsim.simulation.log import Log
from accelsim.simulation.machine_step import MachineStep
from accelsim.simulation.pool_stepper import PoolStepper, entered
from accelsim.simulation.state import State
from accelsim.simulation.stepper import Stepper
from accelsim.simulation.time_stepper import TimeStepper
from accelsim.simulation.transitions import ENTRIES_OF_A_STATE, Transition, Transitions

WORTHWHILE_ITERATIONS: Final = 8
"""A body that is repeated less often is gone through without a look at the states of its iterations."""
WORTHWHILE_STEPS: Final = 4
"""A loop of fewer steps is gone through: to remember what it does takes as long as two or three steps."""
SHORT_STATE: Final = 64
"""Entries of a state that is looked at wherever it might be of use; eight descriptors rarely make more."""
ENTRIES_PER_STEP: Final = 4
"""A longer state is looked at after so many steps for each four of its entries, since to read one entry takes
about a quarter of the time of a step: looking never costs more than stepping."""
MOST_ITERATION_ENTRIES: Final = 20_000
"""Of the states at the iterations of one loop, a few MB; then the comparison begins anew."""
MOST_GLIMPSES: Final = 4_096
"""Of the iterations of one loop; then those before are forgotten."""


def stepper_of(hardware: Hardware, idle_descriptors: int = 0, pool_bytes: int = 0) -> Stepper:
    """The state machine of a machine, where tensors take so much of its pool from the beginning."""
    if not hardware.is_plain:
        from accelsim.simulation.engine_stepper import stepper_of_engines  # noqa: PLC0415 (few machines)

        return stepper_of_engines(hardware, idle_descriptors, pool_bytes)
    if hardware.host is not None:
        from accelsim.simulation.host_stepper import stepper_with_host  # noqa: PLC0415 (few machines have one)

        return stepper_with_host(hardware, idle_descriptors, pool_bytes)
    if len(hardware.channels) > 1:
        from accelsim.simulation.channel_stepper import (  # noqa: PLC0415 (most machines have one)
            ChannelStepper,
            PoolChannelStepper,
        )

        if hardware.tensor_memory is not None:
            from accelsim.simulation.level_stepper import LevelStepper  # noqa: PLC0415 (as above)

            return LevelStepper(hardware, idle_descriptors, pool_bytes)
        several = ChannelStepper if hardware.pool is None else PoolChannelStepper
        return several(hardware, idle_descriptors, pool_bytes)
    return (Stepper if hardware.pool is None else PoolStepper)(hardware, idle_descriptors, pool_bytes)


def time_stepper_of(hardware: Hardware, idle_descriptors: int = 0, pool_bytes: int = 0) -> Stepper:
    """The same where nothing but when layers end is asked for: most machines note nothing else then."""
    kind = TimeStepper if _is_simple(hardware) else stepper_of
    return kind(hardware, idle_descriptors, pool_bytes)


def _is_simple(hardware: Hardware) -> bool:
    """Whether `Stepper` is the state machine of a machine: no rules of its own, one channel and no pool."""
    one_of_each = hardware.host is None and len(hardware.channels) == 1 and hardware.pool is None
    return one_of_each and hardware.is_plain


class Traversal:
    """Through a schedule, from state to state; step by step only where it is not known what happens.

    Where it is, is said in one of three ways, of which one holds at any time (`_bring_machine`, `_state` and
    `_number` lead from each to the others):
        the machine is here, and `number` and `state` are None: it has gone on since its state was read;
        the machine is here, and `state` (and perhaps `number`) says what it is in;
        the machine was left behind at an earlier cycle, and `number` says which state it would be in.
    `cycle` is right in all of them; the machine's own clock, its skipped cycles behind, where it is here.
    docs/decisions/fast-engine.md has the argument.
    """

    def __init__(
        self,
        hardware: Hardware,
        idle_descriptors: int,
        transitions: Transitions,
        pool_bytes: int = 0,
        *,
        machine_of: Callable[[Hardware, int, int], Stepper] = stepper_of,
    ) -> None:
        self.transitions = transitions
        self.transitions.forget_if_full()
        self.machine = machine_of(hardware, idle_descriptors, pool_bytes)
        self.layer = 0
        self.cycle = 0
        self.number: int | None = None
        """Of the state that the walk has come to, if it is one that is remembered."""
        self.state: State | None = None
        """The state itself, if it was looked at; both are None where the machine has gone on since."""
        self.machine_is_here = True
        """Whether the machine is in the state; else it is left behind until it is needed again."""
        self.log = self.machine.log
        self.steps_of_body: dict[int, int] = {}
        """Of bodies of loops, by their identity; the schedule keeps them alive."""

    def through(
        self,
        programs: Sequence[Sequence[ProgramPart]],
        waits_for: Sequence[Sequence[int]],
        entries: Sequence[Entry],
    ) -> Log:
        """What is observed on the way; each layer's program, the layers that it waits for, what it brings.

        Raises DeadlockError if the machine comes to a stop.
        """
        self._go_through(programs, waits_for, entries)
        self._drain(len(programs))
        return self.log

    def _go_through(
        self,
        programs: Sequence[Sequence[ProgramPart]],
        waits_for: Sequence[Sequence[int]],
        entries: Sequence[Entry],
        first_layer: int = 0,
    ) -> None:
        """Until the last of these layers is handed over; they are numbered from the first on."""
        of_layers = zip(programs, waits_for, entries, strict=True)
        for layer, (program, producers, entry) in enumerate(of_layers, first_layer):
            self._enter(layer, producers, entry, program)
            self._remembered(program, True, self._program)

    def cycles_of_layer(self, program: Sequence[ProgramPart]) -> int:
        """When the program of a layer is done by itself.

        Its loops are remembered, for a schedule may come to them in the same state; the whole of it is not,
        since in a schedule the machine is still busy with the layer before.
        """
        self._program(program, True)
        self._drain(1)
        return self.log.end_cycles[0]

    def _drain(self, layers: int) -> None:
        """After so many layers, until everything is done."""
        self._run_dry(layers)
        for layer in range(layers):
            self._check_ended(layer)

    def _run_dry(self, layers: int) -> None:
        self.layer = layers
        self._bring_machine().drain()

    def _check_ended(self, layer: int) -> None:
        if layer not in self.log.end_cycles:
            raise DeadlockError(layer)

    def _enter(
        self, layer: int, producers: Sequence[int], entry: Entry, program: Sequence[ProgramPart]
    ) -> None:
        """Begin a layer."""
        self.layer = layer
        transitions = self.transitions
        if transitions.is_full:
            self._bring_machine()
            transitions.forget_states()
            self.number = self.state = None
        if self.number is None and not self._is_worth_a_look(program):
            self.machine.enter(self._unfinished(layer, producers), entry)
            return
        before, distances = self._number(), tuple([layer - producer for producer in producers])
        number = transitions.of_entry.get((before, distances, entry))
        if number is None:
            waits_for = tuple(self._unfinished(layer, producers))
            number = transitions.state_number(entered(transitions.states[before], waits_for, entry))
            transitions.remember_entry(before, distances, entry, number)
        self.number, self.state = number, None
        if self.machine_is_here:
            self.machine.enter(self._state().waits_for, entry)

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
        transitions, number = self.transitions, self.number
        pays = number is None and self._pays_to_remember(part)
        if number is None:
            if not pays:
                go(part, last)
                return
            number = self._number()
        # The identity of a part will do, since programs share what is alike and `transitions.parts` keeps
        # it alive; `last` is in the key, since the last step of a layer ends it.
        key = (id(part), number, last)
        transition = transitions.of_part.get(key)
        if transition is not None:
            # From one state the same steps lead to the same state in as many cycles: the machine stays
            # where it is, and is put into that state when a step has to be gone through again.
            self._observe(transition, self.cycle)
            self.cycle += transition.cycles
            self.number, self.state, self.machine_is_here = transition.state, None, False
        elif pays or self._pays_to_remember(part):
            transitions.remember(part, key, self._gone_through(part, last, go))
        else:
            go(part, last)

    def _pays_to_remember(self, part: Any) -> bool:
        return not self.transitions.is_full and self._is_worth_a_look(part)

    def _gone_through(self, part: Any, last: bool, go: Callable[[Any, bool], None]) -> Transition:
        """What a part of a program does from this state on.

        It is observed in a log of its own, so that it can be told apart, and added to the outer one as any
        other transition: logs are nested as parts are.
        """
        before, outer, self.log = self.cycle, self.log, Log()
        self.machine.report_to(self.log)
        go(part, last)
        transition = self._transition(before)
        self.log = outer
        self.machine.report_to(outer)
        self._observe(transition, before)
        return transition

    def _program(self, program: Sequence[ProgramPart], last: bool) -> None:
        """A layer's own parts. A loop of one step is gone through: its state soon recurs, and the layer as a
        whole is remembered, so that the loop is met seldom again.
        """
        self._body(program, last, fewest_parts=2)

    def _body(self, body: Sequence[ProgramPart], last: bool, fewest_parts: int = 1) -> None:
        """The parts of a program or a loop; of loops, those with as many parts are remembered."""
        left = len(body)
        for part in body:
            left -= 1
            ends = last and not left
            if not isinstance(part, Repeat):
                self._step(part, 1, ends)
            elif len(part.body) < fewest_parts or (
                part.times < WORTHWHILE_STEPS and self._steps_of(part) < WORTHWHILE_STEPS
            ):
                self._iterate(part, ends)
            else:
                self._remembered(part, ends, self._iterate)

    def _step(self, step: Step, times: int, last: bool = False) -> None:
        """A step, or as many that are alike, of which the last may end the layer."""
        machine = self.machine if self.machine_is_here else self._bring_machine()
        on_machine = self._on_machine(step)
        while times > 1:
            machine.hand_over(on_machine, False)
            times -= 1
        machine.hand_over(on_machine, last)
        self.cycle = machine.cycle + machine.skipped_cycles
        self.number = self.state = None

    def _on_machine(self, step: Step) -> MachineStep:
        known = self.transitions.of_step.get(id(step))
        return self.transitions.on_machine(step, self.machine) if known is None else known

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

    def _iterate(self, loop: Repeat, last: bool) -> None:
        """The iterations of a loop; those that repeat what earlier ones did are skipped.

        The last iteration may end the layer, which the iterations before it do not: it is not skipped.
        """
        body, n_alike = loop.body, loop.times - last
        step = body[0]
        done = self._iterate_until_a_state_recurs(loop, n_alike) if loop.times >= WORTHWHILE_ITERATIONS else 0
        if len(body) == 1 and isinstance(step, Step):
            if done < loop.times:
                self._step(step, loop.times - done, last)
            return
        for _ in range(done, n_alike):
            self._body(body, False)
        if last:
            self._body(body, True)

    def _iterate_until_a_state_recurs(self, loop: Repeat, n_alike: int) -> int:
        """Go through iterations until one begins in the state of an earlier one; skip what repeats.

        Gives the number of iterations that are done; fewer than a period are left, in which no state recurs.
        """
        # Invariant: at the beginning of an iteration i < n_alike, i have been done; a state in `iteration_of`
        # was that at the beginning of iteration j <= i, at a cycle, when the layer had been waited for so
        # long. If the state of i is that of j < i, iterations i, i + 1 ... do what j, j + 1 ... did, so i - j
        # of them are a period: as many whole periods as are left take as long each, and wait as long for each
        # operand.
        glimpsed: set[tuple[int, ...]] = set()
        iteration_of: dict[State, tuple[int, int, MappingOf[Operand, int]]] = {}
        body, machine = loop.body, self.machine
        step = self._on_machine(body[0]) if len(body) == 1 and isinstance(body[0], Step) else None
        # A state is seen to recur a period later where it has to be glimpsed first: a short one is looked at.
        few_entries = ENTRIES_PER_STEP * (self._steps_of(body) - 1)
        entries = last_compared = 0
        for iteration in range(n_alike):
            if self.number is not None or (
                ((few_entries and machine.entries <= few_entries) or self._was_glimpsed(glimpsed))
                and self._is_worth_a_look(body, iteration - last_compared)
            ):
                last_compared, state = iteration, self._state()
                standstills = self._standstills()
                earlier, cycle, before = iteration_of.setdefault(state, (iteration, self.cycle, standstills))
                if earlier < iteration:
                    periods = (n_alike - iteration) // (iteration - earlier)
                    for operand, cycles in standstills.items():
                        of_a_period = cycles - before.get(operand, 0)
                        self.log.stand_still(self.layer, operand, periods * of_a_period)
                    self._advance(periods * (self.cycle - cycle))
                    return iteration + periods * (iteration - earlier)
                entries += ENTRIES_OF_A_STATE + (machine.entries if self.number is None else state.entries)
                if entries > MOST_ITERATION_ENTRIES:
                    iteration_of.clear()
                    entries = 0
            if step is None:
                self._body(body, False)
                continue
            if not self.machine_is_here:
                self._bring_machine()
            machine.hand_over(step, False)
            self.cycle = machine.cycle + machine.skipped_cycles
            self.number = self.state = None
        return n_alike

    def _standstills(self) -> MappingOf[Operand, int]:
        """What steps of the layer have been waited for so far.

        Within a period of its iterations no others are: it executes as many steps as it hands over, so all
        that were handed over before the layer's are executed when one begins.
        """
        return dict(self.log.waiting_cycles.get(self.layer, ()))

    def _was_glimpsed(self, glimpsed: set[tuple[int, ...]]) -> bool:
        """Whether the part of the state that is quick to compare was there before; else the whole was not."""
        glimpses = len(glimpsed)
        glimpsed.add(self.machine.glimpse())
        if len(glimpsed) == glimpses:
            return True
        if glimpses >= MOST_GLIMPSES:
            glimpsed.clear()
        return False

    def _advance(self, cycles: int) -> None:
        """Let everything be later by so many cycles: the machine, if it is here, is as it is."""
        self.cycle += cycles
        self.machine.skipped_cycles += cycles

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
            self.machine.put_into(self._state(), self.layer, self.cycle, self.transitions.steps)
            self.machine_is_here = True
        return self.machine

    def _transition(self, before: int) -> Transition:
        log, layer = self.log, self.layer
        start, ends = log.start_cycles.get(layer), log.end_cycles
        return Transition(
            self.cycle - before,
            self._number() if self.number is None else self.number,
            None if start is None else start - before,
            tuple([(layer - ended, cycle - before) for ended, cycle in ends.items()]) if ends else (),
            tuple(log.least_free_bytes),
            tuple([(layer - waiting, cycles) for waiting, cycles in log.waiting_cycles.items()]),
        )

    def _observe(self, transition: Transition, before: int) -> None:
        log = self.log
        _, _, start_cycle, end_cycles, least_free_bytes, waiting_cycles = transition
        if start_cycle is not None:
            log.start_cycles.setdefault(self.layer, before + start_cycle)
        for distance, cycle in end_cycles:
            log.end_cycles[self.layer - distance] = before + cycle
        for distance, cycles_of in waiting_cycles:
            layer = self.layer - distance
            waiting = log.waiting_cycles.get(layer)
            if waiting is None:
                log.waiting_cycles[layer] = dict(cycles_of)
                continue
            for operand, cycles in cycles_of.items():
                waiting[operand] = waiting.get(operand, 0) + cycles
        log.observe(least_free_bytes)
