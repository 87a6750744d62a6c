"""What a picture of a layer's mapping says, in values and words."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Final

from accelsim.descriptions.phrases import counted
from accelsim.hardware import Hardware, Operand
from accelsim.hardware.host import HOST
from accelsim.mapping.costs import VECTOR
from accelsim.mapping.dataflows import dataflow_of
from accelsim.mapping.dataflows.array_pass import ArrayPass
from accelsim.mapping.given_search import extents_of
from accelsim.mapping.letters import tile_sizes, tile_trips
from accelsim.mapping.loop_order import LETTERS, OF_INPUTS, OF_OUTPUTS, OF_WEIGHTS, Dimension, loops_of
from accelsim.mapping.mapping import Mapping
from accelsim.mapping.regions import Range, visits
from accelsim.mapping.room import room_of_tiles
from accelsim.network.layer import Layer
from accelsim.report.text.table import kibibytes

NUMBERED: Final = 8
"""Steps that have numbers."""
WORDS: Final[dict[Dimension, str]] = {
    "image": "images",
    "group": "groups",
    "output_channel": "output channels",
    "input_channel": "input channels",
    "row": "output rows",
    "column": "output columns",
    "tap_row": "kernel rows",
    "tap_column": "kernel columns",
}
COMES: Final = {"inputs": OF_INPUTS, "weights": OF_WEIGHTS, "outputs": OF_OUTPUTS}
_TILE_FIELDS: Final[dict[Dimension, int]] = {dimension: place for place, dimension in enumerate(LETTERS)}
"""Where a visit's tile has its part of each loop."""


@dataclass(frozen=True)
class DrawnMapping:
    """What is drawn of one layer."""

    layer: Layer
    """For one image, as it was lowered."""
    mapping: Mapping
    images: int
    """That the mapping's own layer goes through."""
    hardware: Hardware

    @property
    def trips(self) -> dict[Dimension, int]:
        """How many tiles there are along each loop."""
        by_letter = tile_trips(self.mapping, self.images)
        return {dimension: by_letter[letter] for dimension, letter in LETTERS.items()}

    @property
    def loops(self) -> list[Dimension]:
        """Those with more than one tile, outermost first."""
        return [loop for loop in loops_of(self.mapping.order) if self.trips[loop] > 1]

    def first_tiles(self) -> list[tuple[Range, ...]]:
        """The tiles of the first steps: a range along each loop."""
        return [visit.tile for visit in islice(visits(self.mapping, self.images), NUMBERED)]

    def numbers(self, *dimensions: Dimension) -> dict[tuple[Range, ...], list[int]]:
        """Which of the first steps, from 1 on, go through which part along some loops."""
        parts: dict[tuple[Range, ...], list[int]] = {}
        for number, tile in enumerate(self.first_tiles(), 1):
            part = tuple(tile[_TILE_FIELDS[dimension]] for dimension in dimensions)
            parts.setdefault(part, []).append(number)
        return parts


def nest_lines(drawn: DrawnMapping) -> list[tuple[str, list[str]]]:
    """The loops as lines, outermost first, each with the operands that come anew when it goes on."""
    extents, sizes = extents_of(drawn.mapping.layer, drawn.images), tile_sizes(drawn.mapping)
    lines = []
    for depth, loop in enumerate(drawn.loops):
        letter = LETTERS[loop]
        words = f"{'  ' * depth}for {letter} in {drawn.trips[loop]} tiles of {sizes[letter]}"
        of_all = f"{words} of {extents[letter]} {WORDS[loop]}"
        lines.append((of_all, [operand for operand, loops in COMES.items() if loop in loops]))
    return lines


def work_words(drawn: DrawnMapping) -> str:
    """`7,056 MACs in 457 cycles of the array, on average`: what a step has to do."""
    totals, layer = drawn.mapping.totals, drawn.mapping.layer
    if not layer.on_array or drawn.mapping.dataflow == HOST:
        unit = "host" if drawn.mapping.dataflow == HOST else "vector unit"
        return f"{totals.vector_cycles / totals.steps:,.0f} cycles of the {unit}, on average"
    macs = totals.counts.macs / totals.steps
    return f"{macs:,.0f} MACs in {totals.array_cycles / totals.steps:,.0f} cycles of the array, on average"


def full_pass(drawn: DrawnMapping) -> ArrayPass | None:
    """The pass of a full tile in which most PEs work; None where the layer does not run on the array."""
    mapping, hardware = drawn.mapping, drawn.hardware
    if mapping.dataflow in (VECTOR, HOST):
        return None
    dataflow = dataflow_of(mapping.dataflow)
    dataflow = dataflow.fixed(mapping.parameters) if mapping.parameters else dataflow
    return dataflow.array_pass(mapping.layer, mapping.tile, hardware.with_idle_rows(mapping.idle_rows))


def on_chip_lines(drawn: DrawnMapping) -> Iterator[str]:
    """What lies along the array, what stays in its PEs, and the tiles in the memories on chip."""
    mapping, full = drawn.mapping, full_pass(drawn)
    if full is not None:
        yield from full.words
        dataflow = dataflow_of(mapping.dataflow)
        if dataflow.kept:
            kept, streams = (
                " and ".join(operand.value for operand in operands)
                for operands in (dataflow.kept, dataflow.streams)
            )
            yield f"in the PEs stay {kept}, while {streams} stream by"
        density = dataflow.weight_density(mapping.layer, drawn.hardware)
        if dataflow.skips_zeros and density < 1:
            yield f"zero weights are skipped: {density:.0%} of the weights are multiplied"
    elif mapping.dataflow == HOST:
        yield "the array is idle: the host does the work"
    else:
        yield "the array is idle: the vector unit does the work"
    if mapping.idle_rows:
        yield f"{counted(mapping.idle_rows, 'row')} are left idle"
    room = room_of_tiles(mapping, drawn.images, drawn.hardware)
    for operand in (Operand.INPUTS, Operand.WEIGHTS, Operand.OUTPUTS, Operand.RESIDUAL):
        if operand in room:
            bank = drawn.hardware.bank_of[operand]
            size, at_once = kibibytes(room[operand].tile_bytes), room[operand].at_once
            beside = "" if at_once == 1 else f", room for {at_once} at a time"
            yield f"a tile of {operand.value}: {size} in {bank.memory}{beside}"
        elif operand in mapping.placed and (operand is not Operand.RESIDUAL or drawn.layer.residual_elements):
            yield f"{operand.value}: in place in {drawn.hardware.bank_of[operand].memory}, without tiles"
