"""From tile sizes and a loop order to the program of a mapping.

The loops over tiles are an odometer. What a step has to load follows from which loops have moved since
the step before: inputs depend on images, groups, input channels and pixels, weights on groups, filters and
input channels. What it frees follows from which loops move next.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
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


@dataclass(frozen=True, slots=True)
class Turn:
    """Successive turns of one loop that are alike, and where in the loop they are."""

    tiles: int
    span: Span
    """Of one of them."""
    first: bool
    last: bool

    @property
    def alone(self) -> bool:
        """Whether the loop has no other turn, so that it never moves."""
        return self.first and self.last


class _Operands(NamedTuple):
    """Which operands are meant."""

    weights: bool
    inputs: bool

    @classmethod
    def of(cls, loop: Loop) -> "_Operands":
        """Those of which another part is needed when the loop moves."""
        return cls(loop in WEIGHT_LOOPS, loop in INPUT_LOOPS)

    def either(self, other: "_Operands") -> "_Operands":
        return _Operands(self.weights or other.weights, self.inputs or other.inputs)


class _At(NamedTuple):
    """Where the outer loops of the odometer are, as far as the steps inside depend on it."""

    spans: tuple[Span, ...]
    """Of the loops that have been entered, outermost first."""
    resumes: bool
    completes: bool
    come: _Operands
    """What is new in the first of the steps inside."""
    go: _Operands
    """What the step after the last of them does not need."""

    def into(self, loop: Loop, turn: Turn) -> "_At":
        """One loop further in.

        From the innermost outwards, a loop at its first turn has wrapped round, if it can move at all, and
        the next one out has moved too; one that is not has moved by one, and those outside stand still.
        """
        moved = _Operands.of(loop)
        come = self.come if turn.alone else self.come.either(moved) if turn.first else moved
        go = self.go if turn.alone else self.go.either(moved) if turn.last else moved
        resumes, completes = self.resumes, self.completes
        if loop == "channel":
            resumes, completes = not turn.first, turn.last
        return _At((*self.spans, turn.span), resumes, completes, come, go)


EVERYTHING = _Operands(weights=True, inputs=True)


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
    outside = _At((), resumes=False, completes=False, come=EVERYTHING, go=EVERYTHING)
    return _Writer(layer, dataflow, order, hardware, footprint, turns).part(outside)


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
        one = Span(1, span.size, span.inputs, span.stored)
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
    parts: dict[_At, tuple[Program, ...]] = field(default_factory=dict)
    repeated: dict[tuple[int, int], Repeat] = field(default_factory=dict)

    def part(self, at: _At) -> tuple[Program, ...]:
        """The steps inside the loops that have been entered."""
        if at not in self.parts:
            self.parts[at] = self._nest(at) if len(at.spans) < len(LOOPS[self.order]) else (self._step(at),)
        return self.parts[at]

    def _nest(self, at: _At) -> tuple[Program, ...]:
        loop = LOOPS[self.order][len(at.spans)]
        bodies = [(turn.tiles, self.part(at.into(loop, turn))) for turn in self.turns[loop]]
        program: list[Program] = []
        for body, alike in groupby(bodies, key=lambda pair: id(pair[1])):
            some = list(alike)
            program += self._repeat(sum(tiles for tiles, _ in some), body, some[0][1])
        return tuple(program)

    def _repeat(self, times: int, identity: int, body: tuple[Program, ...]) -> tuple[Program, ...]:
        if times == 1:
            return body
        return (self.repeated.setdefault((times, identity), Repeat(times, body)),)

    def _step(self, at: _At) -> Step:
        span = dict(zip(LOOPS[self.order], at.spans, strict=True))
        row, column = span["row"], span["column"]
        tile = TileShape(span["group"].size, span["filter"].size, span["channel"].size, row.size, column.size)
        resumes, completes = at.resumes, at.completes
        footprint = self.footprint
        inputs = int(footprint.inputs(tile, row.inputs, column.inputs))
        weights = int(footprint.weights(tile)) + (0 if resumes else int(footprint.biases(tile)))
        shortcut = int(footprint.shortcut(tile)) if completes else 0
        stored = int(footprint.stored(tile, row.stored, column.stored)) if completes else 0
        freed_inputs = inputs if at.go.inputs else 0
        read_by_vector_unit = self.dataflow == VECTOR and completes
        output_space = self._output_space(tile)
        cycles, counts = self._array(tile, inputs, resumes, completes)
        ops = 0
        if completes:
            channels = tile.g * tile.k
            ops = int(vector_ops(self.layer, channels * tile.pixels, channels * row.stored * column.stored))
        return Step(
            weight_bytes=weights if at.come.weights else 0,
            input_bytes=inputs if at.come.inputs else 0,
            shortcut_bytes=shortcut,
            output_space_bytes=0 if resumes else output_space,
            freed_weight_bytes=weights if at.go.weights else 0,
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
        bits = partial_sum_bits(self.layer, self.hardware.precision)
        outputs = bits_to_bytes(tile.g * tile.k * tile.pixels, bits)
        partial_sums = ActionCounts(
            global_buffer_read_bytes=outputs * resumes, global_buffer_write_bytes=outputs * (not completes)
        )
        if self.dataflow == VECTOR:
            return 0, ActionCounts(global_buffer_read_bytes=inputs) + partial_sums
        cost = array_cost(self.layer, self.dataflow, tile, resumes, self.hardware)
        return int(cost.cycles), cost.counts + partial_sums

    def _output_space(self, tile: TileShape) -> int:
        """Outputs, as wide as partial sums where channels are cut, and windows that are not finished."""
        cut: dict[Loop, bool] = {loop: not turns[0].alone for loop, turns in self.turns.items()}
        filters = self.layer.K if self.order == "pixels_outer" else int(tile.k)
        unfinished = self.footprint.unfinished(tile, filters, cut["row"], cut["column"])
        return int(self.footprint.outputs(tile, cut["channel"])) + int(unfinished)
