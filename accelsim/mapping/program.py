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


@dataclass(frozen=True, slots=True)
class Turn:
    """Successive turns of one loop that are alike, and where in the loop they are."""

    span: Span
    first: bool
    last: bool

    @property
    def alone(self) -> bool:
        """Whether the loop has no other turn, so that it never moves."""
        return self.first and self.last


Turns: TypeAlias = Mapping[Loop, Turn]


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
    footprint = Footprint(layer, hardware.precision)
    turns = {loop: tuple(turns_of(loop_spans)) for loop, loop_spans in spans.items()}
    return _nest(LOOPS[order], turns, {}, _StepMaker(layer, dataflow, order, hardware, footprint))


def program_totals(program: Sequence[Program]) -> Totals:
    """Sums over all steps; those that are alike are added up once."""
    visits: dict[int, int] = {}
    steps: dict[int, Step] = {}
    _count_visits(program, 1, visits, steps)
    total = Totals()
    for identity, step in steps.items():
        counts = step.array_counts + step.vector_counts + dram_counts(step.load_bytes, step.store_bytes)
        total += Totals(1, step.array_cycles, step.vector_cycles, counts) * visits[identity]
    return total


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
        if done == 0:
            yield Turn(Span(1, span.size, span.inputs, span.stored), first=True, last=total == 1)
            middle -= 1
        done += span.tiles
        ends = done == total and middle > 0
        if middle - ends > 0:
            yield Turn(Span(middle - ends, span.size, span.inputs, span.stored), first=False, last=False)
        if ends:
            yield Turn(Span(1, span.size, span.inputs, span.stored), first=False, last=True)


def _nest(
    loops: Sequence[Loop], turns: Mapping[Loop, tuple[Turn, ...]], at: Turns, maker: "_StepMaker"
) -> tuple[Program, ...]:
    if not loops:
        return (maker.step(at),)
    loop, *inner = loops
    program: list[Program] = []
    for turn in turns[loop]:
        body = _nest(inner, turns, {**at, loop: turn}, maker)
        if turn.span.tiles == 1:
            program += body
        else:
            program.append(maker.repeat(turn.span.tiles, body))
    return tuple(program)


class _Moves(NamedTuple):
    """Which operands of a step are new, and which the next one does not need."""

    weights_come: bool
    inputs_come: bool
    weights_go: bool
    inputs_go: bool


@dataclass(frozen=True, slots=True)
class _StepMaker:
    """Makes the step at one position of the odometer. What is alike is made once and shared."""

    layer: Layer
    dataflow: str
    order: Order
    hardware: Hardware
    footprint: Footprint
    made: dict[Hashable, Step] = field(default_factory=dict)
    repeated: dict[Hashable, Repeat] = field(default_factory=dict)

    def repeat(self, times: int, body: tuple[Program, ...]) -> Repeat:
        key = (times, *map(id, body))
        if key not in self.repeated:
            self.repeated[key] = Repeat(times, body)
        return self.repeated[key]

    def step(self, at: Turns) -> Step:
        arrived, leaving = self._moved(at, "first"), self._moved(at, "last")
        moves = _Moves(
            weights_come=bool(arrived & WEIGHT_LOOPS),
            inputs_come=bool(arrived & INPUT_LOOPS),
            weights_go=bool(leaving & WEIGHT_LOOPS),
            inputs_go=bool(leaving & INPUT_LOOPS),
        )
        row, column, channel = at["row"].span, at["column"].span, at["channel"]
        sizes = (at["group"].span.size, at["filter"].span.size, channel.span.size)
        pictures = (row.size, row.inputs, row.stored, column.size, column.inputs, column.stored)
        key = (sizes, pictures, channel.first, channel.last, moves)
        if key not in self.made:
            self.made[key] = self._made(at, moves)
        return self.made[key]

    def _made(self, at: Turns, moves: "_Moves") -> Step:
        row, column = at["row"].span, at["column"].span
        tile = TileShape(
            at["group"].span.size, at["filter"].span.size, at["channel"].span.size, row.size, column.size
        )
        resumes, completes = not at["channel"].first, at["channel"].last
        footprint = self.footprint
        inputs = int(footprint.inputs(tile, row.inputs, column.inputs))
        weights = int(footprint.weights(tile)) + (0 if resumes else int(footprint.biases(tile)))
        shortcut = int(footprint.shortcut(tile)) if completes else 0
        stored = int(footprint.stored(tile, row.stored, column.stored)) if completes else 0
        freed_inputs = inputs if moves.inputs_go else 0
        read_by_vector_unit = self.dataflow == VECTOR and completes
        output_space = self._output_space(at, tile, footprint)
        cycles, counts = self._array(tile, inputs, resumes, completes)
        ops = 0
        if completes:
            channels = tile.g * tile.k
            ops = int(vector_ops(self.layer, channels * tile.pixels, channels * row.stored * column.stored))
        return Step(
            weight_bytes=weights if moves.weights_come else 0,
            input_bytes=inputs if moves.inputs_come else 0,
            shortcut_bytes=shortcut,
            output_space_bytes=0 if resumes else output_space,
            freed_weight_bytes=weights if moves.weights_go else 0,
            freed_input_bytes=0 if read_by_vector_unit else freed_inputs,
            vector_freed_bytes=shortcut + (freed_inputs if read_by_vector_unit else 0),
            array_cycles=cycles,
            vector_cycles=-(-ops // self.hardware.vector_lanes),
            store_bytes=stored,
            freed_output_bytes=output_space if completes else 0,
            array_counts=counts,
            vector_counts=completion_counts(ops, shortcut, stored),
            completes=completes,
        )

    def _array(
        self, tile: TileShape, inputs: int, resumes: bool, completes: bool
    ) -> tuple[int, ActionCounts]:
        """Cycles and counts of the array; where the vector unit runs the layer, it reads the inputs."""
        precision = self.hardware.precision
        outputs = bits_to_bytes(tile.g * tile.k * tile.pixels, precision.partial_sums_bits)
        partial_sums = ActionCounts(
            global_buffer_read_bytes=outputs * resumes, global_buffer_write_bytes=outputs * (not completes)
        )
        if self.dataflow == VECTOR:
            return 0, ActionCounts(global_buffer_read_bytes=inputs) + partial_sums
        cost = array_cost(self.layer, self.dataflow, tile, resumes, self.hardware)
        return int(cost.cycles), cost.counts + partial_sums

    def _moved(self, at: Turns, end: Literal["first", "last"]) -> frozenset[Loop]:
        """Loops that moved since the step before (`first`), or that move before the next one (`last`).

        From the innermost outwards: those that are at that end have wrapped round, if they can move at all,
        and the first one that is not has moved by one. At the very first and the very last step of the
        layer, everything does.
        """
        moved: set[Loop] = set()
        for loop in reversed(LOOPS[self.order]):
            turn = at[loop]
            if not getattr(turn, end):
                return frozenset({*moved, loop})
            if not turn.alone:
                moved.add(loop)
        return frozenset(LOOPS[self.order])

    def _output_space(self, at: Turns, tile: TileShape, footprint: Footprint) -> int:
        filters = self.layer.K if self.order == "pixels_outer" else int(tile.k)
        unfinished = footprint.unfinished(tile, filters, not at["row"].alone, not at["column"].alone)
        return int(footprint.outputs(tile, not at["channel"].alone)) + int(unfinished)
