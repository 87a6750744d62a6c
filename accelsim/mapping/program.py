"""From tile sizes and a loop order to the program of a mapping.

The loops over tiles are an odometer. What a step has to load follows from which loops have moved since
the step before: inputs depend on images, groups, input channels, pixels and kernel taps, weights on groups,
output channels, input channels and kernel taps. What it frees follows from which loops move next.
"""

from collections.abc import Callable, Iterator, Sequence
from collections.abc import Mapping as MappingOf
from dataclasses import dataclass, field, replace
from functools import cache
from itertools import product
from operator import itemgetter, mul
from typing import Any, NamedTuple, TypeAlias, get_args

from accelsim.hardware.counts import weighted_sum
from accelsim.hardware.host import HOST
from accelsim.hardware.machine import Hardware
from accelsim.hardware.operand import Operand
from accelsim.mapping.banks import brought_anew
from accelsim.mapping.costs import NOTHING, VECTOR, transfer_counts
from accelsim.mapping.hosting import program_on_array, program_on_host
from accelsim.mapping.loop_order import ADDING_UP, OF_INPUTS, OF_WEIGHTS, Dimension, Order, as_named, loops_of
from accelsim.mapping.mapping import Choice, Mapping, ProgramPart, Repeat, Step, Totals, brought
from accelsim.mapping.odometer import BEFORE, Iterations, Loop, Position, TileExtent
from accelsim.mapping.tiling import Axis, channel_spans, column_axes, row_axes, together
from accelsim.mapping.work import StepWork, TileKind, work_of_tiles


def mappings(choices: Sequence[Choice], batch: int, hardware: Hardware) -> list[Mapping]:
    """The mappings that choices for layers of one structure stand for.

    Args:
        choices: Made by the search, or by hand; their layers are of one `structure`, and the host runs all of
            them or none.
        batch: Images that each layer goes through.
        hardware: The machine.

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
    loop_of: dict[_LoopKey, Loop] = {}
    loops = [_loops(choice, batch, loop_of) for choice in choices]
    kinds = [_kinds(choice.order, layer_loops) for choice, layer_loops in zip(choices, loops, strict=True)]
    works = work_of_tiles(choices, kinds, hardware.on_host if hosted else hardware, batch)
    written = [_mapping(*parts, hardware) for parts in zip(choices, loops, works, strict=True)]
    behind_cache = [memory for memory in hardware.memories if memory.cache is not None]
    if hosted or not behind_cache:
        return written
    from accelsim.mapping.requests import with_requests  # noqa: PLC0415 (few machines have a cache)

    (memory,) = behind_cache
    timed = (with_requests(mapping, memory, batch, hardware.precision) for mapping in written)
    return [replace(mapping, totals=program_totals(mapping.program, hardware)) for mapping in timed]


def _mapping(choice: Choice, loops: Sequence[Loop], work: Sequence[StepWork], hardware: Hardware) -> Mapping:
    moving, anew = tuple(loop for loop in loops if loop.moves), brought_anew(hardware)
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
    steps: dict[int, Step] = {}
    _count_visits(program, 1, visits, steps)
    times = [visits[identity] for identity in steps]
    on_chip = [step.array_counts for step in steps.values()] + [step.vector_counts for step in steps.values()]
    loaded = _moved([step.read for step in steps.values()], times)
    stored = _moved([step.written for step in steps.values()], times)
    overfetched = masked = NOTHING
    if hardware.burst_channels:
        moved_loads = _moved([step.moved_loads for step in steps.values()], times)
        moved_stores = _moved([step.moved_stores for step in steps.values()], times)
        overfetched, masked = _more_than(moved_loads, loaded), _more_than(moved_stores, stored)
    return Totals(
        steps=sum(times),
        array_cycles=sum(map(mul, times, (step.array_cycles for step in steps.values()))),
        vector_cycles=sum(map(mul, times, (step.vector_cycles for step in steps.values()))),
        counts=weighted_sum(on_chip, times * 2)
        + transfer_counts(hardware, loaded, stored, overfetched, masked),
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
            steps[id(part)] = part
            visits[id(part)] = visits.get(id(part), 0) + times


_LoopKey: TypeAlias = tuple[Dimension, int | tuple[Axis, ...], int]
"""What is cut into tiles of which size; rows and columns by an axis for each part of the kernel."""


def _loops(choice: Choice, batch: int, loop_of: dict[_LoopKey, Loop]) -> list[Loop]:
    """The loops over the tiles of a layer, outermost first; layers may have loops in common."""
    layer, tile, once = choice.layer, choice.tile, Operand.INPUTS in brought(choice)
    cuts: dict[Dimension, _LoopKey] = {
        "image": ("image", batch, tile.n),
        "group": ("group", layer.G, tile.g),
        "output_channel": ("output_channel", layer.K, tile.k),
        "input_channel": ("input_channel", layer.C, tile.c),
        "row": ("row", row_axes(layer, tile.fy, once=once), tile.y),
        "column": ("column", column_axes(layer, tile.fx, once=once), tile.x),
        "tap_row": ("tap_row", layer.FY, tile.fy),
        "tap_column": ("tap_column", layer.FX, tile.fx),
    }
    loops = []
    for dimension in loops_of(choice.order):
        cut = cuts[dimension]
        loop = loop_of.get(cut)
        if loop is None:
            loop = loop_of[cut] = _loop(*cut)
        loops.append(loop)
    return loops


def _loop(dimension: Dimension, extent: int | tuple[Axis, ...], size: int) -> Loop:
    kinds: dict[TileExtent, int] = {}
    iterations = _iterations_of(
        list(_equal_tiles(dimension, extent, size)), kinds, adds_up=dimension in ADDING_UP
    )
    return Loop(dimension in OF_INPUTS, dimension in OF_WEIGHTS, tuple(iterations), tuple(kinds))


class _EqualTiles(NamedTuple):
    """Successive tiles along a loop that cover as much; see `TileExtent`."""

    tiles: int
    size: int
    inputs: tuple[int, ...] = ()
    stored: int = 0
    part: int = 0


def _equal_tiles(dimension: Dimension, extent: int | tuple[Axis, ...], size: int) -> Iterator[_EqualTiles]:
    """The tiles of a loop. What a tile reads depends on which taps go over it, so no two parts are alike."""
    if not isinstance(extent, int):
        for spans in together(extent, size):
            yield _EqualTiles(
                spans[0].tiles, spans[0].size, tuple([span.inputs for span in spans]), spans[0].stored
            )
    elif dimension in ("tap_row", "tap_column"):
        for part, first in enumerate(range(0, extent, size)):
            yield _EqualTiles(1, min(size, extent - first), part=part)
    else:
        for span in channel_spans(extent, size):
            yield _EqualTiles(span.tiles, span.size)


def _iterations_of(
    equal_tiles: Sequence[_EqualTiles], kinds: dict[TileExtent, int], *, adds_up: bool
) -> Iterator[Iterations]:
    """Tiles with the first and the last iteration of the loop apart from the others.

    `adds_up` says that all iterations add to the same outputs; what they cover is added to `kinds`, numbered.
    """

    def iterations(tiles: int, tiles_alike: _EqualTiles, first: bool, last: bool) -> Iterations:
        resumes, completes = adds_up and not first, last or not adds_up
        extent = TileExtent(
            tiles_alike.size, tiles_alike.inputs, tiles_alike.stored, tiles_alike.part, resumes, completes
        )
        return Iterations(tiles, extent, kinds.setdefault(extent, len(kinds)), first, last)

    total = sum(tiles_alike.tiles for tiles_alike in equal_tiles)
    n_before = 0
    for tiles_alike in equal_tiles:
        middle = tiles_alike.tiles
        if n_before == 0:
            yield iterations(1, tiles_alike, first=True, last=total == 1)
            middle -= 1
        n_before += tiles_alike.tiles
        ends = n_before == total and middle > 0
        if middle - ends > 0:
            yield iterations(middle - ends, tiles_alike, first=False, last=False)
        if ends:
            yield iterations(1, tiles_alike, first=False, last=True)


@cache
def _by_dimension(order: Order) -> Callable[[tuple[TileExtent, ...]], tuple[TileExtent, ...]]:
    """Brings what is in the order of the loops into that of `Dimension`."""
    loops: Any = loops_of(order)
    return itemgetter(*map(loops.index, get_args(Dimension)))


def _kinds(order: Order, loops: Sequence[Loop]) -> list[TileKind]:
    """Every kind of tile that the loops come to, in the order of their numbers."""
    kinds, by_dimension = [], _by_dimension(order)
    for extents in product(*(loop.kinds for loop in loops)):
        image, group, output_channels, input_channels, row, column, tap_row, tap_column = by_dimension(
            extents
        )
        kinds.append(
            TileKind(
                image.size,
                group.size,
                output_channels.size,
                input_channels.size,
                row.size,
                column.size,
                tap_row.size,
                tap_column.size,
                input_rows=row.inputs[tap_row.part],
                input_columns=column.inputs[tap_column.part],
                stored_rows=row.stored,
                stored_columns=column.stored,
                resumes=input_channels.resumes or tap_row.resumes or tap_column.resumes,
                completes=input_channels.completes and tap_row.completes and tap_column.completes,
            )
        )
    return kinds


@dataclass(frozen=True, slots=True)
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
                loads=loads,
                takes={} if work.resumes else work.outputs,
                freed_by_array=weights_go if read_by_vector_unit else weights_go | inputs_go,
                freed_by_vector_unit=work.residual | inputs_go if read_by_vector_unit else work.residual,
                stores=work.stored,
                freed_by_store=work.outputs if work.completes else {},
                array_cycles=work.array_cycles,
                vector_cycles=work.vector_cycles,
                array_counts=work.array_counts,
                vector_counts=work.vector_counts,
                completes=work.completes,
                crossing=None if work.crossing is None else work.crossing.of_loads(loads),
                weights_of_layer=self.weights_of_layer,
            )
        return step
