"""Layers that were run on Gemmini, with the mapping of each and the cycles of its RTL.

`gemmini_layers.csv` has 117 measurements of 36 layers by Hong et al., DOSA, MICRO 2023: figures, and nothing
else, of ucb-bar/dosa, commit a7a3239 (BSD 2-clause). Each mapping was run twice in FireSim; the cycles are
those of the second run. Timeloop's prediction of each is from there, too.

A file of other layers has a header and these columns, others may be there as well:

    id, kind (conv or matmul), N, K, C, FY, FX, stride      of the layer; matmul: OY, FY and FX are 1
    run_OY, run_OX, run_pad, run_IYX                        outputs, padding and input rows as they were run
    tile_K, tile_C, tile_OY, tile_OX, tile_FY, tile_FX      of a tile
    order_inner_to_outer                                    of the loops over tiles: N>C>FX>FY>K>OX>OY
    rtl_cycles_mapping, timeloop_cycles                     measured, and predicted
    same_layer_and_mapping_group                            repeats of one another have the same

A line without a group stands for itself. Groups are as those who measured numbered them: in the file that
ships several may be of one layer and mapping, so that its 94 groups are of 82 mappings.
"""

import csv
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from accelsim.descriptions.phrases import counted
from accelsim.errors import AccelsimError
from accelsim.mapping.arithmetic import ceil_div
from accelsim.mapping.loop_order import Order, as_named
from accelsim.mapping.tile import TileShape
from accelsim.network.layer import Layer

SHIPPED: Final = Path(__file__).with_name("gemmini_layers.csv")
SOURCE: Final = (
    "RTL in FireSim: Hong et al., DOSA, MICRO 2023; figures of ucb-bar/dosa, commit a7a3239 (BSD 2-clause)"
)
_LOOPS: Final = ("N", "K", "C", "OY", "OX", "FY", "FX")
_NUMBERS: Final = (
    *("id", "N", "K", "C", "FY", "FX", "stride", "run_OY", "run_OX", "run_pad", "run_IYX"),
    *("tile_K", "tile_C", "tile_OY", "tile_OX", "tile_FY", "tile_FX"),
    *("rtl_cycles_mapping", "timeloop_cycles"),
)
_GROUP: Final = "same_layer_and_mapping_group"
_WORDS: Final = ("kind", "order_inner_to_outer", _GROUP)
_MAY_BE_NONE: Final = frozenset({"id", "run_pad"})
_LARGEST: Final = 10**12


@dataclass(frozen=True)
class MeasuredLayer:
    """One measurement: a layer, how it was mapped, and how long that took.

    Attributes:
        id: Its number in the file.
        layer: As it was run.
        tile: Of its mapping.
        order: Of the loops over tiles, outermost first.

    Example:
        >>> first, *_ = load_layers(SHIPPED)
        >>> first.layer.K, first.rtl_cycles, first.name
        (256, 13628, '256x256x1x1@2x2')
    """

    id: int
    layer: Layer
    tile: TileShape[int]
    order: Order
    rtl_cycles: int
    """Measured."""
    timeloop_cycles: int
    """As Timeloop predicts, with no fill, drain or requests."""
    repeats: str | None
    """Measurements with the same are of one layer and mapping; None of one that stands for itself."""

    @property
    def name(self) -> str:
        """`256x256x3x3/2@14x14`: output and input channels, kernel, stride, and outputs."""
        layer = self.layer
        stride = f"/{layer.stride_x}" if layer.stride_x > 1 else ""
        return f"{layer.K}x{layer.C}x{layer.FY}x{layer.FX}{stride}@{layer.OY}x{layer.OX}"

    @property
    def tiles(self) -> int:
        """That the layer is cut into."""
        layer, tile = self.layer, self.tile
        extents = ((layer.K, tile.k), (layer.C, tile.c), (layer.OY, tile.y), (layer.OX, tile.x))
        taps = ((layer.FY, tile.fy), (layer.FX, tile.fx))
        return math.prod(ceil_div(extent, size) for extent, size in (*extents, *taps))

    @property
    def mapped_as(self) -> tuple[Layer, TileShape[int], Order]:
        """What its time depends on."""
        return self.layer, self.tile, self.order


def load_layers(path: Path) -> tuple[MeasuredLayer, ...]:
    """The measurements of a file.

    Args:
        path: With the columns of the file that ships with accelsim.

    Returns:
        In the order of its lines.

    Raises:
        AccelsimError: The file cannot be read, or a line says something impossible; the text says which.

    Example:
        >>> len(load_layers(SHIPPED))
        117
    """
    lines = _read(path)
    layers = [_measured(line) for line in lines]
    _check_groups(lines, layers)
    return tuple(layers)


def _read(path: Path) -> Sequence["_Line"]:
    """The lines of a file, each with a value for each column."""
    columns = (*_NUMBERS, *_WORDS)
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file)
            header, *lines = [(reader.line_num, row) for row in reader if row] or [(1, [])]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise AccelsimError(f"{path}: cannot be read: {error}") from None
    names = header[1]
    if missing := [column for column in columns if column not in names]:
        raise AccelsimError(f"{path}: line {header[0]}: {_are('column', missing)} missing")
    if repeated := [column for column in columns if names.count(column) > 1]:
        raise AccelsimError(f"{path}: line {header[0]}: {_are('column', repeated)} there more than once")
    if not lines:
        raise AccelsimError(f"{path}: has no layers below its header")
    for number, row in lines:
        if len(row) != len(names):
            raise AccelsimError(
                f"{path}: line {number}: has {counted(len(row), 'value')}: must have {len(names)}, "
                "as many as the header has columns"
            )
    return [_Line(f"{path}: line {number}", dict(zip(names, row, strict=True))) for number, row in lines]


@dataclass(frozen=True)
class _Line:
    """A line of the file, and how an error calls it."""

    place: str
    values: Mapping[str, str]

    @property
    def group(self) -> str | None:
        """Of repeats."""
        return self.values[_GROUP].strip() or None

    def number(self, column: str) -> int:
        """A whole number, of most columns one or more."""
        text, least = self.values[column], 0 if column in _MAY_BE_NONE else 1
        try:
            value = int(text)
        except ValueError:
            value = -1
        if not least <= value <= _LARGEST:
            raise self.mistake(column, f"must be a whole number from {least} to {_LARGEST:,}")
        return value

    def order(self) -> Order:
        """The loops over tiles, outermost first; groups around all."""
        loops = tuple(self.values["order_inner_to_outer"].split(">"))
        if sorted(loops) != sorted(_LOOPS):
            raise self.mistake(
                "order_inner_to_outer", f"must name each of {', '.join(_LOOPS)} once, with > between"
            )
        outermost_first: Any = ("G", *reversed(loops))
        return as_named(outermost_first)

    def mistake(self, column: str, sentence: str) -> AccelsimError:
        """What is wrong with a column."""
        return AccelsimError(f"{self.place}: {column} = {self.values[column]!r}: {sentence}")


def _check_groups(lines: Sequence[_Line], layers: Sequence[MeasuredLayer]) -> None:
    """Repeats are of one layer and mapping."""
    first_of: dict[str, tuple[_Line, MeasuredLayer]] = {}
    for line, layer in zip(lines, layers, strict=True):
        if layer.repeats is None:
            continue
        first_line, first = first_of.setdefault(layer.repeats, (line, layer))
        if layer.mapped_as != first.mapped_as:
            where = first_line.place.rpartition(": ")[2]
            raise line.mistake(_GROUP, f"must be of one layer and mapping; that of {where} is another")


def _are(noun: str, names: Sequence[str]) -> str:
    """`the column K is`, `the columns K, C are`."""
    return f"the {noun}{'s' * (len(names) > 1)} {', '.join(names)} {'is' if len(names) == 1 else 'are'}"


def _measured(line: _Line) -> MeasuredLayer:
    kind = line.values["kind"]
    if kind not in ("conv", "matmul"):
        raise line.mistake("kind", "must be conv or matmul")
    sizes = {column: line.number(column) for column in _NUMBERS}
    if sizes["N"] != 1:
        raise line.mistake("N", "must be 1: what was measured are single images")
    layer = _layer(sizes, is_matmul=kind == "matmul")
    tile = TileShape(
        n=1,
        g=1,
        k=sizes["tile_K"],
        c=sizes["tile_C"],
        y=sizes["tile_OY"],
        x=sizes["tile_OX"],
        fy=sizes["tile_FY"],
        fx=sizes["tile_FX"],
    )
    bounds = (layer.K, layer.C, layer.OY, layer.OX, layer.FY, layer.FX)
    for loop, size, bound in zip(
        _LOOPS[1:], (tile.k, tile.c, tile.y, tile.x, tile.fy, tile.fx), bounds, strict=True
    ):
        if size > bound:
            raise line.mistake(f"tile_{loop}", f"must be {bound} at most, as large as the layer is there")
    _check_windows(line, layer)
    return MeasuredLayer(
        id=sizes["id"],
        layer=layer,
        tile=tile,
        order=line.order(),
        rtl_cycles=sizes["rtl_cycles_mapping"],
        timeloop_cycles=sizes["timeloop_cycles"],
        repeats=line.group,
    )


def _layer(sizes: Mapping[str, int], *, is_matmul: bool) -> Layer:
    return Layer(
        "layer",
        "conv",
        K=sizes["K"],
        C=sizes["C"],
        OY=sizes["run_OY"],
        OX=sizes["run_OX"],
        FY=sizes["FY"],
        FX=sizes["FX"],
        IY=1 if is_matmul else sizes["run_IYX"],
        IX=sizes["run_IYX"],
        stride_y=sizes["stride"],
        stride_x=sizes["stride"],
        pad_top=sizes["run_pad"],
        pad_left=sizes["run_pad"],
    )


def _check_windows(line: _Line, layer: Layer) -> None:
    """Each output has a window of which some part lies on the inputs."""
    axes: Sequence[tuple[str, int, int, int]] = (
        ("run_OY", layer.OY, layer.IY, layer.FY),
        ("run_OX", layer.OX, layer.IX, layer.FX),
    )
    for column, outputs, inputs, kernel in axes:
        if (outputs - 1) * layer.stride_x - layer.pad_left >= inputs or layer.pad_left >= kernel:
            sentence = (
                f"must be fewer: the last windows lie beside the {inputs} inputs of run_IYX and run_pad"
            )
            raise line.mistake(column, sentence)
