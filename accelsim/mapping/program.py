"""From tile sizes and a loop order to the program of a mapping.

The loops over tiles are an odometer. What a step has to load follows from which loops have moved since
the step before: inputs depend on images, groups, input channels and pixels, weights on groups, filters and
input channels. What it frees follows from which loops move next.
"""

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, TypeAlias

from accelsim.energy import ActionCounts
from accelsim.hardware import Hardware
from accelsim.mapping.costs import VECTOR, array_cost, completion_counts, dram_counts, vector_ops
from accelsim.mapping.footprint import Footprint, bits_to_bytes
from accelsim.mapping.mapping import Order, Program, Repeat, Step, Totals
from accelsim.mapping.precision import partial_sum_bits
from accelsim.mapping.tile import TileShape
from accelsim.mapping.tiling import Span, channel_spans, column_axis, row_axis
from accelsim.network.layer import Layer

Loop: TypeAlias = Literal["image", "group", "filter", "channel", "row", "column"]

LOOPS: Mapping[Order, tuple[Loop, ...]] = {
    "pixels_outer": ("image", "group", "row", "column", "filter", "channel"),
    "filters_outer": ("image", "group", "filter", "row", "column", "channel"),
}
"""Outermost first."""
INPUT_LOOPS: frozenset[Loop] = frozenset({"image", "group", "channel", "row", "column"})
WEIGHT_LOOPS: frozenset[Loop] = frozenset({"group", "filter", "channel"})


class Extent(NamedTuple):
    """What one tile covers along one loop."""

    size: int
    """Outputs (or channels)."""
    inputs: int
    """Input rows or columns (or channels)."""
    stored: int
    """Output rows or columns that are completed and stored."""


class Turn(NamedTuple):
    """Successive turns of one loop that are alike, and where in the loop they are."""

    tiles: int
    extent: Extent
    """Of one of them."""
    first: bool
    last: bool

    @property
    def alone(self) -> bool:
        """Whether the loop has no other turn, so that it never moves."""
        return self.first and self.last


class _At(NamedTuple):
    """Where the outer loops of the odometer are, as far as the steps inside depend on it."""

    extents: tuple[Extent, ...]
    """Of the loops that have been entered, outermost first."""
    resumes: bool
    completes: bool
    weights_come: bool
    """Whether the first of the steps inside needs other weights than the step before it."""
    inputs_come: bool
    weights_go: bool
    """Whether the step after the last of those inside needs other weights."""
    inputs_go: bool

    def into(self, loop: Loop, turn: Turn) -> "_At":
        """One loop further in; the loop is one that moves.

        From the innermost outwards, a loop at its first turn has wrapped round, and the next one out has
        moved too; one that is not has moved by one, and those outside stand still.
        """
        weights, inputs = loop in WEIGHT_LOOPS, loop in INPUT_LOOPS
        cuts_depth = loop == "channel"
        return _At(
            extents=(*self.extents, turn.extent),
            resumes=cuts_depth and not turn.first,
            completes=turn.last or not cuts_depth,
            weights_come=weights or (turn.first and self.weights_come),
            inputs_come=inputs or (turn.first and self.inputs_come),
            weights_go=weights or (turn.last and self.weights_go),
            inputs_go=inputs or (turn.last and self.inputs_go),
        )


BEFORE_THE_FIRST_LOOP = _At((), False, True, True, True, True, True)
"""The first step needs everything, the last one leaves nothing behind, and none cuts the depth."""


class _Work(NamedTuple):
    """What a step has to do and to hold, whatever comes before and after it."""

    weight_bytes: int
    input_bytes: int
    shortcut_bytes: int
    output_bytes: int
    """Taken from the first visit to the outputs until they are stored."""
    stored_bytes: int
    array_cycles: int
    vector_cycles: int
    array_counts: ActionCounts
    vector_counts: ActionCounts


def build_program(
    layer: Layer, batch: int, dataflow: str, tile: TileShape, order: Order, hardware: Hardware
) -> tuple[Program, ...]:
    """The steps of a layer, cut into tiles of a size and visited in an order."""
    spans: dict[Loop, tuple[Span, ...]] = {
        "image": (Span(batch, 1, 1, 1),),
        "group": channel_spans(layer.G, int(tile.g)),
        "filter": channel_spans(layer.K, int(tile.k)),
        "channel": channel_spans(layer.C, int(tile.c)),
        "row": row_axis(layer).spans(int(tile.y)),
        "column": column_axis(layer).spans(int(tile.x)),
    }
    turns = {loop: tuple(turns_of(spans[loop])) for loop in LOOPS[order]}
    moving = tuple(loop for loop in LOOPS[order] if not turns[loop][0].alone)
    footprint = Footprint(layer, hardware.precision)
    return _Writer(layer, dataflow, order, hardware, footprint, turns, moving).part(BEFORE_THE_FIRST_LOOP)


def program_totals(program: Sequence[Program]) -> Totals:
    """Sums over all steps; those that are alike are added up once."""
    visits: dict[int, int] = {}
    steps: dict[int, Step] = {}
    _count_visits(program, 1, visits, steps)
    times = [visits[identity] for identity in steps]
    alike = list(zip(times, steps.values(), strict=True))
    done = [(many, step.array_counts.values(), step.vector_counts.values()) for many, step in alike]
    on_chip = (sum(many * (a[index] + b[index]) for many, a, b in done) for index in range(8))
    loaded = sum(many * step.load_bytes for many, step in alike)
    stored = sum(many * step.store_bytes for many, step in alike)
    return Totals(
        steps=sum(times),
        array_cycles=sum(many * step.array_cycles for many, step in alike),
        vector_cycles=sum(many * step.vector_cycles for many, step in alike),
        counts=ActionCounts(*on_chip) + dram_counts(loaded, stored),
    )


def _count_visits(
    program: Sequence[Program], times: int, visits: dict[int, int], steps: dict[int, Step]
) -> None:
    """How often each step is visited, by its identity."""
    for part in program:
        if isinstance(part, Repeat):
            _count_visits(part.body, times * part.times, visits, steps)
        else:
            steps[id(part)] = part
            visits[id(part)] = visits.get(id(part), 0) + times


def turns_of(spans: Sequence[Span]) -> Iterator[Turn]:
    """Spans with the first and the last turn of the loop apart from the others."""
    total = sum(span.tiles for span in spans)
    done = 0
    for span in spans:
        middle = span.tiles
        one = Extent(span.size, span.inputs, span.stored)
        if done == 0:
            yield Turn(1, one, first=True, last=total == 1)
            middle -= 1
        done += span.tiles
        ends = done == total and middle > 0
        if middle - ends > 0:
            yield Turn(middle - ends, one, first=False, last=False)
        if ends:
            yield Turn(1, one, first=False, last=True)


@dataclass(frozen=True, slots=True)
class _Writer:
    """Writes the program of a layer down. What is alike is written once and shared."""

    layer: Layer
    dataflow: str
    order: Order
    hardware: Hardware
    footprint: Footprint
    turns: Mapping[Loop, tuple[Turn, ...]]
    moving: tuple[Loop, ...]
    """Loops of more than one turn, outermost first."""
    parts: dict[_At, tuple[Program, ...]] = field(default_factory=dict)
    steps: dict[Hashable, Step] = field(default_factory=dict)
    work: dict[Hashable, "_Work"] = field(default_factory=dict)
    array_work: dict[Hashable, tuple[int, ActionCounts]] = field(default_factory=dict)
    repeated: dict[tuple[int, ...], Repeat] = field(default_factory=dict)

    def part(self, at: _At) -> tuple[Program, ...]:
        """The steps inside the loops that have been entered."""
        part = self.parts.get(at)
        if part is None:
            part = self._nest(at) if len(at.extents) < len(self.moving) else (self._step(at),)
            self.parts[at] = part
        return part

    def _nest(self, at: _At) -> tuple[Program, ...]:
        loop = self.moving[len(at.extents)]
        program: list[Program] = []
        for turn in self.turns[loop]:
            self._append(program, turn.tiles, self.part(at.into(loop, turn)))
        return tuple(program)

    def _append(self, program: list[Program], times: int, body: tuple[Program, ...]) -> None:
        """Have a body gone through so many times more.

        A loop of nothing but a loop is one loop, and what comes once more is another turn. However steps came
        about, those that are alike and follow each other are turns of one loop, so that the simulation sees
        how often they repeat.
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

    def _repeat(self, times: int, body: tuple[Program, ...]) -> Repeat:
        key = (times, *map(id, body))
        if key not in self.repeated:
            self.repeated[key] = Repeat(times, body)
        return self.repeated[key]

    def _step(self, at: _At) -> Step:
        work = self._work(at)
        come = (work.weight_bytes * at.weights_come, work.input_bytes * at.inputs_come)
        go = (work.weight_bytes * at.weights_go, work.input_bytes * at.inputs_go)
        key = (at.extents, at.resumes, at.completes, come, go)
        if key not in self.steps:
            read_by_vector_unit = self.dataflow == VECTOR and at.completes
            self.steps[key] = Step(
                weight_bytes=come[0],
                input_bytes=come[1],
                shortcut_bytes=work.shortcut_bytes,
                output_space_bytes=0 if at.resumes else work.output_bytes,
                freed_weight_bytes=go[0],
                freed_input_bytes=0 if read_by_vector_unit else go[1],
                vector_freed_bytes=work.shortcut_bytes + (go[1] if read_by_vector_unit else 0),
                array_cycles=work.array_cycles,
                vector_cycles=work.vector_cycles,
                store_bytes=work.stored_bytes,
                freed_output_bytes=work.output_bytes if at.completes else 0,
                array_counts=work.array_counts,
                vector_counts=work.vector_counts,
                completes=at.completes,
            )
        return self.steps[key]

    def _work(self, at: _At) -> "_Work":
        key = (at.extents, at.resumes, at.completes)
        if key not in self.work:
            self.work[key] = self._work_of(*key)
        return self.work[key]

    def _work_of(self, extents: tuple[Extent, ...], resumes: bool, completes: bool) -> "_Work":
        extent = {loop: turns[0].extent for loop, turns in self.turns.items()}
        extent.update(zip(self.moving, extents, strict=True))
        row, column = extent["row"], extent["column"]
        tile = TileShape(
            extent["group"].size, extent["filter"].size, extent["channel"].size, row.size, column.size
        )
        footprint = self.footprint
        inputs = int(footprint.inputs(tile, row.inputs, column.inputs))
        shortcut = int(footprint.shortcut(tile)) if completes else 0
        stored = int(footprint.stored(tile, row.stored, column.stored)) if completes else 0
        array_cycles, array_counts = self._array(tile, inputs, resumes, completes)
        ops = 0
        if completes:
            channels = tile.g * tile.k
            ops = int(vector_ops(self.layer, channels * tile.pixels, channels * row.stored * column.stored))
        return _Work(
            weight_bytes=int(footprint.weights(tile)) + (0 if resumes else int(footprint.biases(tile))),
            input_bytes=inputs,
            shortcut_bytes=shortcut,
            output_bytes=self._output_space(tile),
            stored_bytes=stored,
            array_cycles=array_cycles,
            vector_cycles=-(-ops // self.hardware.vector_lanes),
            array_counts=array_counts,
            vector_counts=completion_counts(ops, shortcut, stored),
        )

    def _array(
        self, tile: TileShape, inputs: int, resumes: bool, completes: bool
    ) -> tuple[int, ActionCounts]:
        """Cycles and counts of the array; where the vector unit runs the layer, it reads the inputs."""
        key = (tile.g, tile.k, tile.c, tile.y, tile.x, inputs * (self.dataflow == VECTOR), resumes, completes)
        if key not in self.array_work:
            self.array_work[key] = self._array_of(tile, inputs, resumes, completes)
        return self.array_work[key]

    def _array_of(
        self, tile: TileShape, inputs: int, resumes: bool, completes: bool
    ) -> tuple[int, ActionCounts]:
        cycles, counts = 0, ActionCounts(global_buffer_read_bytes=inputs)
        if self.dataflow != VECTOR:
            cost = array_cost(self.layer, self.dataflow, tile, resumes, self.hardware)
            cycles, counts = int(cost.cycles), cost.counts
        if resumes or not completes:
            bits = partial_sum_bits(self.layer, self.hardware.precision)
            outputs = bits_to_bytes(tile.g * tile.k * tile.pixels, bits)
            counts += ActionCounts(
                global_buffer_read_bytes=outputs * resumes,
                global_buffer_write_bytes=outputs * (not completes),
            )
        return cycles, counts

    def _output_space(self, tile: TileShape) -> int:
        """Outputs, as wide as partial sums where channels are cut, and windows that are not finished."""
        moving = self.moving
        filters = self.layer.K if self.order == "pixels_outer" else int(tile.k)
        unfinished = self.footprint.unfinished(tile, filters, "row" in moving, "column" in moving)
        return int(self.footprint.outputs(tile, "channel" in moving)) + int(unfinished)
