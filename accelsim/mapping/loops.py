"""The loops over the tiles of a layer: how many tiles each comes to, what those cover, which kinds there are.

They follow from a layer, its tile and their order, not from the machine: machines have them in common. A
loop follows from what is cut and the size of a tile, so few of them differ: layers have loops in common, too.
"""

from collections.abc import Callable, MutableMapping, Sequence
from functools import cache
from itertools import product
from operator import itemgetter
from typing import Any, NamedTuple, TypeAlias, get_args

from accelsim.hardware.operand import Operand
from accelsim.mapping.loop_order import ADDING_UP, OF_INPUTS, OF_WEIGHTS, Dimension, Order, loops_of
from accelsim.mapping.mapping import Choice, brought
from accelsim.mapping.odometer import Iterations, Loop, TileExtent
from accelsim.mapping.tile import TileShape
from accelsim.mapping.tiling import Axis, channel_spans, column_axes, row_axes, together
from accelsim.mapping.work import TileKind
from accelsim.network.layer import Layer

LoopKey: TypeAlias = tuple[Dimension, int | tuple[Axis, ...], int]
"""What is cut into tiles of which size; rows and columns by an axis for each part of the kernel."""
NestKey: TypeAlias = tuple[Layer, TileShape[int], Order, int, bool]
"""Of how many images, and whether inputs come once."""


class Nest(NamedTuple):
    """The loops over the tiles of a layer."""

    moving: tuple[Loop, ...]
    """Those of more than one iteration, outermost first."""
    kinds: tuple[TileKind, ...]
    """Every kind of tile that they come to, in the order of their numbers."""


class KnownLoops(NamedTuple):
    """Of mappings before, on any machine; what is found out is added."""

    loops: MutableMapping[LoopKey, Loop]
    nests: MutableMapping[NestKey, Nest]


def nest_over_tiles(choice: Choice, batch: int, known: KnownLoops) -> Nest:
    """The loops over the tiles of a layer, for so many images."""
    once = Operand.INPUTS in brought(choice)
    key = choice.layer, choice.tile, choice.order, batch, once
    nest = known.nests.get(key)
    if nest is None:
        loops = _loops(choice, batch, known.loops, once=once)
        moving = tuple([loop for loop in loops if loop.moves])
        nest = known.nests[key] = Nest(moving, tuple(_kinds(choice.order, loops)))
    return nest


def _loops(choice: Choice, batch: int, known: MutableMapping[LoopKey, Loop], *, once: bool) -> list[Loop]:
    """All loops, outermost first."""
    layer, tile = choice.layer, choice.tile
    cuts: dict[Dimension, LoopKey] = {
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
        loop = known.get(cut)
        if loop is None:
            loop = known[cut] = _loop(*cut)
        loops.append(loop)
    return loops


def _loop(dimension: Dimension, extent: int | tuple[Axis, ...], size: int) -> Loop:
    adds_up, kinds = dimension in ADDING_UP, dict[TileExtent, int]()
    runs = _ends_apart(_equal_tiles(dimension, extent, size))
    iterations = []
    for number, (tiles, covered) in enumerate(runs, 1):
        first, last = number == 1, number == len(runs)
        of_one = TileExtent(*covered, adds_up and not first, last or not adds_up)
        iterations.append(Iterations(tiles, of_one, kinds.setdefault(of_one, len(kinds)), first, last))
    return Loop(dimension in OF_INPUTS, dimension in OF_WEIGHTS, tuple(iterations), tuple(kinds))


_Run: TypeAlias = tuple[int, tuple[int, tuple[int, ...], int, int]]
"""Successive tiles along a loop that cover as much: how many, and what `TileExtent` says first of each."""


def _equal_tiles(dimension: Dimension, extent: int | tuple[Axis, ...], size: int) -> list[_Run]:
    """The tiles of a loop. What a tile reads depends on which taps go over it, so no two parts are alike."""
    if not isinstance(extent, int):
        return [
            (spans[0].tiles, (spans[0].size, tuple([span.inputs for span in spans]), spans[0].stored, 0))
            for spans in together(extent, size)
        ]
    if dimension in ("tap_row", "tap_column"):
        parts = enumerate(range(0, extent, size))
        return [(1, (min(size, extent - first), (), 0, part)) for part, first in parts]
    return [(span.tiles, (span.size, (), 0, 0)) for span in channel_spans(extent, size)]


def _ends_apart(runs: list[_Run]) -> list[_Run]:
    """The same with the first and the last tile of the loop apart from the others."""
    tiles, covered = runs[0]
    if tiles > 1:
        runs[:1] = [(1, covered), (tiles - 1, covered)]
    tiles, covered = runs[-1]
    if tiles > 1:
        runs[-1:] = [(tiles - 1, covered), (1, covered)]
    return runs


@cache
def _by_dimension(order: Order) -> Callable[[tuple[TileExtent, ...]], tuple[TileExtent, ...]]:
    """Brings what is in the order of the loops into that of `Dimension`."""
    loops: Any = loops_of(order)
    return itemgetter(*map(loops.index, get_args(Dimension)))


def _kinds(order: Order, loops: Sequence[Loop]) -> list[TileKind]:
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
