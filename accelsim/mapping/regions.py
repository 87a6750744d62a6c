"""Which elements each step of a mapping's program uses, loads, frees and stores.

The program says how many bytes move; this says which. It is worked out when it is asked for, since a search
has no use for it: `visits` goes through the tiles in the order of the program, one visit for each of its
steps.

A region is a box of elements of one tensor. The tensors of a layer and their axes:

    inputs            N, operand, G, C, IY, IX    operands of one shape lie one after another
    factors           N, G, factor                a gate of the layer itself
    weights           G, K, C, FY, FX
    offsets           G, K
    residual          N, operand, G, K, OY, OX    of fused operators
    residual_factors  N, G, K, factor             gates among them
    outputs           N, G, K, OY, OX
    results           N, G, K, OY, OX             what is stored: outputs, or what a pooling leaves of them

N is the images that the mapping's own layer goes through; where images are rows of it there is one.
"""

from collections.abc import Iterator
from itertools import pairwise, product
from typing import Final, NamedTuple, TypeAlias

from accelsim.hardware.host import HOST
from accelsim.hardware.operand import Operand
from accelsim.mapping.costs import VECTOR
from accelsim.mapping.footprint import residual_elements
from accelsim.mapping.loop_order import OF_INPUTS, OF_WEIGHTS, Dimension, loops_of
from accelsim.mapping.mapping import Mapping, brought
from accelsim.mapping.tiling import Axis, column_axes, column_axis, row_axes, row_axis

Range: TypeAlias = tuple[int, int]
"""From the first element on, up to and not including the second."""


class Region(NamedTuple):
    """A box of elements of one tensor.

    Attributes:
        tensor: Its name, as the head of the module lists them.

    Example:
        >>> Region("weights", ((0, 1), (0, 16), (0, 3), (0, 3), (0, 3))).tensor
        'weights'
    """

    tensor: str
    ranges: tuple[Range, ...]
    """Along each axis of the tensor."""


class Tile(NamedTuple):
    """The part of the loop nest that a visit goes through."""

    n: Range
    g: Range
    k: Range
    c: Range
    y: Range
    x: Range
    fy: Range
    fx: Range


class Visit(NamedTuple):
    """One step: what it uses, moves and leaves.

    Attributes:
        tile: The part of the loop nest that it goes through.

    Example:
        >>> from accelsim import load_hardware
        >>> from accelsim.mapping import map_layer
        >>> from accelsim.network.layer import Layer
        >>> layer = Layer("fc", "fully_connected", K=10, C=64, OY=1, OX=1, IY=1, IX=1)
        >>> visit = next(visits(map_layer(layer, load_hardware("16x16_128k")), images=1))
        >>> visit.tile.c, [region.tensor for region in visit.loads], visit.completes
        ((0, 4), ['weights', 'inputs'], False)
    """

    tile: Tile
    loads: tuple[Region, ...]
    """From outside into the buffer, before the array begins: of operands that move."""
    resumes: bool
    """Whether it adds to the partial sums of the visit before; else the sums start from the offsets."""
    completes: bool
    """Whether the outputs are complete, so that they go through the vector unit and are stored."""
    frees: tuple[Region, ...]
    """In the buffer, when the array is done."""
    frees_later: tuple[Region, ...]
    """In the buffer, when the vector unit is done."""
    stores: Region | None
    """Results that go outside or to their place on chip; the room of the outputs is free afterwards."""


class _Iteration(NamedTuple):
    """One tile along one loop."""

    number: int
    bounds: Range
    """Of the loop nest."""
    results: Range


_Position: TypeAlias = dict[Dimension, _Iteration]
"""Where each loop over tiles is."""


def visits(mapping: Mapping, images: int) -> Iterator[Visit]:
    """The visits of a mapping, one for each step of its program and in its order.

    Args:
        mapping: A mapping of a layer.
        images: Images that the mapping's own layer goes through, one after the other.

    Returns:
        What each step uses, loads, frees and stores, as boxes of elements.

    Example:
        >>> from accelsim import load_hardware
        >>> from accelsim.mapping import map_layer
        >>> from accelsim.network.layer import Layer
        >>> layer = Layer("conv1", "conv", K=16, C=3, OY=8, OX=8, FY=3, FX=3, IY=10, IX=10)
        >>> mapping = map_layer(layer, load_hardware("16x16_128k"))
        >>> len(list(visits(mapping, images=1))) == mapping.totals.steps
        True
    """
    tensors = _TensorRegions(mapping)
    iterations = _iterations(mapping, images)
    loops = loops_of(mapping.order)
    positions = (
        dict(zip(loops, indices, strict=True)) for indices in product(*(iterations[loop] for loop in loops))
    )
    before: _Position | None = None
    for position, after in pairwise((*positions, None)):
        if position is not None:
            yield _visit(tensors, mapping, before, position, after)
        before = position


def _visit(
    tensors: "_TensorRegions",
    mapping: Mapping,
    before: _Position | None,
    position: _Position,
    after: _Position | None,
) -> Visit:
    layer, tile = mapping.layer, Tile(*(position[dimension].bounds for dimension in _OF_TILE))
    adding_up = ((tile.c, layer.C), (tile.fy, layer.FY), (tile.fx, layer.FX))
    resumes = any(start > 0 for (start, _), _ in adding_up)
    completes = all(end == extent for (_, end), extent in adding_up)
    moved = mapping.moved
    weights = tensors.weights(tile, resumes) if Operand.WEIGHTS in moved else ()
    inputs = tensors.inputs(position, tile) if Operand.INPUTS in moved else ()
    residual = tensors.residual(tile) if completes and Operand.RESIDUAL in moved else ()
    stay, anew = brought(mapping), mapping.anew
    weights_come, inputs_come = (
        _are_new(position, loops) if operand in stay else operand in anew or _moves(loops, before, position)
        for operand, loops in _LOOPS_OF.items()
    )
    weights_go, inputs_go = (
        regions if operand not in stay and (operand in anew or _moves(loops, position, after)) else ()
        for (operand, loops), regions in zip(_LOOPS_OF.items(), (weights, inputs), strict=True)
    )
    frees, frees_later = (*weights_go, *inputs_go), residual
    if mapping.dataflow == HOST:
        frees, frees_later = (), (*frees, *residual)
    elif mapping.dataflow == VECTOR and completes:
        frees, frees_later = weights_go, (*residual, *inputs_go)
    return Visit(
        tile=tile,
        loads=(
            *(weights if weights_come else ()),
            *(inputs if inputs_come else ()),
            *residual,
        ),
        resumes=resumes,
        completes=completes,
        frees=frees,
        frees_later=frees_later,
        stores=_results(position, tile) if completes else None,
    )


_LOOPS_OF: Final = {Operand.WEIGHTS: OF_WEIGHTS, Operand.INPUTS: OF_INPUTS}
_OF_TILE: Final[tuple[Dimension, ...]] = (
    "image",
    "group",
    "output_channel",
    "input_channel",
    "row",
    "column",
    "tap_row",
    "tap_column",
)


def _moves(dimensions: frozenset[Dimension], before: _Position | None, after: _Position | None) -> bool:
    """Whether one of some loops stands elsewhere; before the first step and after the last there is none."""
    if before is None or after is None:
        return True
    return any(before[dimension].number != after[dimension].number for dimension in dimensions)


def _are_new(position: _Position, loops: frozenset[Dimension]) -> bool:
    """Whether no step before had these elements: no loop but theirs has gone on."""
    return not any(iteration.number for dimension, iteration in position.items() if dimension not in loops)


def _results(position: _Position, tile: Tile) -> Region:
    return Region("results", (tile.n, tile.g, tile.k, position["row"].results, position["column"].results))


def _iterations(mapping: Mapping, images: int) -> dict[Dimension, tuple[_Iteration, ...]]:
    layer, tile = mapping.layer, mapping.tile
    return {
        "image": _plain_iterations(images, tile.n),
        "group": _plain_iterations(layer.G, tile.g),
        "output_channel": _plain_iterations(layer.K, tile.k),
        "input_channel": _plain_iterations(layer.C, tile.c),
        "row": _plane_iterations(row_axis(layer), tile.y),
        "column": _plane_iterations(column_axis(layer), tile.x),
        "tap_row": _plain_iterations(layer.FY, tile.fy),
        "tap_column": _plain_iterations(layer.FX, tile.fx),
    }


def _plain_iterations(extent: int, size: int) -> tuple[_Iteration, ...]:
    ranges = [(start, min(start + size, extent)) for start in range(0, extent, size)]
    return tuple(_Iteration(number, bounds, bounds) for number, bounds in enumerate(ranges))


def _plane_iterations(axis: Axis, size: int) -> tuple[_Iteration, ...]:
    return tuple(
        _Iteration(
            tile,
            (tile * size, min((tile + 1) * size, axis.outputs)),
            axis.result_range(tile, size),
        )
        for tile in range(axis.tiles(size))
    )


class _TensorRegions:
    """Regions of a layer's operands; an operand that it does not have is no region."""

    def __init__(self, mapping: Mapping) -> None:
        layer, tile = mapping.layer, mapping.tile
        self.layer, self.tile = layer, tile
        once = Operand.INPUTS in brought(mapping)
        self.rows, self.columns = (
            row_axes(layer, tile.fy, once=once),
            column_axes(layer, tile.fx, once=once),
        )
        self.factors = layer.gate_elements // layer.G
        self.full_residuals, self.residual_factors = residual_elements(layer)

    def weights(self, tile: Tile, resumes: bool) -> tuple[Region, ...]:
        """Weights, and offsets with the first input channels and taps."""
        layer = self.layer
        if not layer.on_array:
            return ()
        weights = Region("weights", (tile.g, tile.k, tile.c, tile.fy, tile.fx))
        if resumes or not layer.bias:
            return (weights,)
        return weights, Region("offsets", (tile.g, tile.k))

    def inputs(self, position: _Position, tile: Tile) -> tuple[Region, ...]:
        """Every operand with the halo of the tile's taps, and all factors of a gate."""
        rows = self.rows[position["tap_row"].number].input_range(position["row"].number, self.tile.y)
        columns = self.columns[position["tap_column"].number].input_range(
            position["column"].number, self.tile.x
        )
        inputs = Region("inputs", (tile.n, (0, self.layer.operands), tile.g, tile.c, rows, columns))
        return (inputs, *_having((Region("factors", (tile.n, tile.g, (0, self.factors))),)))

    def residual(self, tile: Tile) -> tuple[Region, ...]:
        """Residuals of fused operators, for the outputs of a tile."""
        channels = (tile.n, tile.g, tile.k)
        operands = (tile.n, (0, self.full_residuals), tile.g, tile.k, tile.y, tile.x)
        factors = Region("residual_factors", (*channels, (0, self.residual_factors)))
        return _having((Region("residual", operands), factors))


def _having(regions: tuple[Region, ...]) -> tuple[Region, ...]:
    """Regions of operands that there are."""
    return tuple(region for region in regions if all(start < end for start, end in region.ranges))
