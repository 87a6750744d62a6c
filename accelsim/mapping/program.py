"""From tile sizes and a loop order to the program of a mapping.

The loops over tiles are an odometer. What a step has to load follows from which loops have moved since
the step before: inputs depend on images, groups, input channels, pixels and kernel taps, weights on groups,
output channels, input channels and kernel taps. What it frees follows from which loops move next.
"""

from collections.abc import Mapping as MappingOf
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from operator import mul

from accelsim.hardware.counts import weighted_sum
from accelsim.hardware.host import HOST
from accelsim.hardware.machine import Hardware
from accelsim.hardware.operand import Operand
from accelsim.mapping.banks import brought_anew
from accelsim.mapping.costs import NOTHING, VECTOR, transfer_counts
from accelsim.mapping.hosting import program_on_array, program_on_host
from accelsim.mapping.loop_order import as_named
from accelsim.mapping.loops import KnownLoops, Nest, nest_over_tiles
from accelsim.mapping.mapping import Choice, Mapping, ProgramPart, Repeat, Step, Totals, brought
from accelsim.mapping.odometer import BEFORE, Loop, Position
from accelsim.mapping.work import StackedLayers, StepWork, work_of_tiles


def mappings(
    choices: Sequence[Choice],
    batch: int,
    hardware: Hardware,
    loops: KnownLoops | None = None,
    stack: StackedLayers | None = None,
) -> list[Mapping]:
    """The mappings that choices for layers of one structure stand for.

    Args:
        choices: Made by the search, or by hand; their layers are of one `structure`, and the host runs all of
            them or none.
        batch: Images that each layer goes through.
        hardware: The machine.
        loops: Of mappings before, on any machine; those that are not among them are added.
        stack: The layers, where they are stacked already.

    Returns:
        A mapping for each, its program written out and added up.

    Example:
        >>> from accelsim import load_hardware
        >>> from accelsim.mapping import TileShape
        >>> from accelsim.network.layer import Layer
        >>> layer = Layer("conv1", "conv", K=32, C=3, OY=8, OX=8, FY=3, FX=3, IY=10, IX=10)
        >>> choice = Choice(layer, "weight_stationary", TileShape(1, 1, 16, 3, 8, 8, 3, 3), "filters_outer")
        >>> mappings([choice], 1, load_hardware("16x16_128k"))[0].totals.steps
        2
    """
    if not choices:
        return []
    hosted = choices[0].dataflow == HOST
    known = KnownLoops({}, {}) if loops is None else loops
    nests = [nest_over_tiles(choice, batch, known) for choice in choices]
    unit = hardware.on_host if hosted else hardware
    if stack is None:
        stack = StackedLayers.of([choice.layer for choice in choices], unit.precision)
    works = work_of_tiles(choices, stack, [nest.kinds for nest in nests], unit, batch)
    written = [_mapping(*parts, hardware) for parts in zip(choices, nests, works, strict=True)]
    behind_cache = [memory for memory in hardware.memories if memory.cache is not None]
    if hosted or not behind_cache:
        return written
    from accelsim.mapping.requests import with_requests  # noqa: PLC0415 (few machines have a cache)

    (memory,) = behind_cache
    timed = (with_requests(mapping, memory, batch, hardware.precision) for mapping in written)
    return [replace(mapping, totals=program_totals(mapping.program, hardware)) for mapping in timed]


def _mapping(choice: Choice, nest: Nest, work: Sequence[StepWork], hardware: Hardware) -> Mapping:
    moving, anew = nest.moving, brought_anew(hardware)
    if anew:  # they come with each step, whichever loop has moved
        moving = tuple(
            loop._replace(
                of_weights=loop.of_weights or Operand.WEIGHTS in anew,
                of_inputs=loop.of_inputs or Operand.INPUTS in anew,
            )
            for loop in moving
        )
    start, bringing = BEFORE[brought(choice)]
    of_layer = choice.layer.multiplies_activations
    program = _Writer(choice.dataflow == VECTOR, moving, work, bringing, of_layer).part(start)
    if choice.dataflow == HOST:
        program = program_on_host(program, hardware)
    elif choice.dataflow != VECTOR:
        program = program_on_array(program, hardware)
    return Mapping(
        layer=choice.layer,
        dataflow=choice.dataflow,
        tile=choice.tile,
        order=as_named(choice.order),
        program=program,
        totals=program_totals(program, hardware),
        estimated_cycles=choice.estimated_cycles,
        idle_rows=choice.idle_rows,
        moved=choice.moved,
        placed=choice.placed,
        anew=anew,
        parameters=choice.parameters,
    )


def program_totals(program: Sequence[ProgramPart], hardware: Hardware) -> Totals:
    """Sums over all steps; those that are alike are added up once."""
    visits: dict[int, int] = {}
    of_identity: dict[int, Step] = {}
    _count_visits(program, 1, visits, of_identity)
    steps, times = list(of_identity.values()), list(visits.values())
    loaded = _moved([step.read for step in steps], times)
    stored = _moved([step.written for step in steps], times)
    overfetched = masked = NOTHING
    if hardware.burst_channels:
        overfetched = _more_than(_moved([step.moved_loads for step in steps], times), loaded)
        masked = _more_than(_moved([step.moved_stores for step in steps], times), stored)
    transfers = transfer_counts(hardware, loaded, stored, overfetched, masked)
    on_chip = [step.array_counts for step in steps] + [step.vector_counts for step in steps]
    return Totals(
        steps=sum(times),
        array_cycles=sum(map(mul, times, [step.array_cycles for step in steps])),
        vector_cycles=sum(map(mul, times, [step.vector_cycles for step in steps])),
        counts=weighted_sum([*on_chip, transfers], [*times, *times, 1]),
    )


def _more_than(moved: MappingOf[Operand, int], sizes: MappingOf[Operand, int]) -> dict[Operand, int]:
    """What is moved beside what is of use."""
    return {operand: size - sizes[operand] for operand, size in moved.items()}


def _moved(sizes: Sequence[MappingOf[Operand, int]], times: Sequence[int]) -> dict[Operand, int]:
    """Bytes of each operand, moved so many times."""
    moved: dict[Operand, int] = {}
    for sizes_of_step, count in zip(sizes, times, strict=True):
        for operand, size in sizes_of_step.items():
            moved[operand] = moved.get(operand, 0) + count * size
    return moved


def _count_visits(
    program: Sequence[ProgramPart], times: int, visits: dict[int, int], steps: dict[int, Step]
) -> None:
    """How often each step is visited, by its identity: a program shares the steps that are alike."""
    for part in program:
        if isinstance(part, Repeat):
            _count_visits(part.body, times * part.times, visits, steps)
        else:
            identity = id(part)
            steps[identity] = part
            visits[identity] = visits.get(identity, 0) + times


@dataclass(slots=True)
class _Writer:
    """Writes the program of a layer down. What is alike is written once and shared."""

    on_vector_unit: bool
    moving: tuple[Loop, ...]
    """Loops of more than one iteration, outermost first."""
    work: Sequence[StepWork]
    """Of each kind of tile."""
    bringing: type[Step]
    """Steps that bring what stays."""
    weights_of_layer: bool
    """Whether weights are what another layer puts out."""
    parts: dict[Position, tuple[ProgramPart, ...]] = field(default_factory=dict)
    steps: dict[tuple[int, ...], Step] = field(default_factory=dict)
    repeated: dict[tuple[int, ...], Repeat] = field(default_factory=dict)

    def part(self, position: Position) -> tuple[ProgramPart, ...]:
        """The steps inside the loops that have been entered."""
        part = self.parts.get(position)
        if part is None:
            part = self._nest(position) if position.depth < len(self.moving) else (self._step(position),)
            self.parts[position] = part
        return part

    def _nest(self, position: Position) -> tuple[ProgramPart, ...]:
        loop = self.moving[position.depth]
        program: list[ProgramPart] = []
        for iterations in loop.iterations:
            self._append(program, iterations.tiles, self.part(position.into(loop, iterations)))
        return tuple(program)

    def _append(self, program: list[ProgramPart], times: int, body: tuple[ProgramPart, ...]) -> None:
        """Have a body gone through so many times more.

        A loop of nothing but a loop is one loop, and what comes once more is another iteration. However steps
        came about, those that are alike and follow each other are iterations of one loop, so that the
        simulation sees how often they repeat.
        """
        if len(body) == 1 and isinstance(body[0], Repeat):
            times, body = times * body[0].times, body[0].body
        before = program[-1] if program else None
        if isinstance(before, Repeat) and before.body == body:
            program[-1] = self._repeat(before.times + times, body)
        elif tuple(program[-len(body) :]) == body:
            program[-len(body) :] = [self._repeat(1 + times, body)]
        elif times > 1:
            program.append(self._repeat(times, body))
        else:
            program += body

    def _repeat(self, times: int, body: tuple[ProgramPart, ...]) -> Repeat:
        key = (times, *map(id, body))
        if key not in self.repeated:
            self.repeated[key] = Repeat(times, body)
        return self.repeated[key]

    def _step(self, position: Position) -> Step:
        work = self.work[position.kind]
        weights_come = work.weights if position.weights_come else {}
        inputs_come = work.inputs if position.inputs_come else {}
        weights_go = work.weights if position.weights_go else {}
        inputs_go = work.inputs if position.inputs_go else {}
        key = position.kind, *map(bool, (weights_come, inputs_come, weights_go, inputs_go))
        step = self.steps.get(key)
        if step is None:
            read_by_vector_unit = self.on_vector_unit and work.completes
            kind = self.bringing if self.bringing.in_place & (weights_come | inputs_come).keys() else Step
            loads = weights_come | inputs_come | work.residual
            step = self.steps[key] = kind(
                loads,
                {} if work.resumes else work.outputs,
                weights_go if read_by_vector_unit else weights_go | inputs_go,
                work.residual | inputs_go if read_by_vector_unit else work.residual,
                work.stored,
                work.outputs if work.completes else {},
                work.array_cycles,
                work.vector_cycles,
                work.array_counts,
                work.vector_counts,
                work.completes,
                None if work.crossing is None else work.crossing.of_loads(loads),
                self.weights_of_layer,
            )
        return step
