"""The memory map: which tensor lies at which addresses of the pool, from which layer to which.

Across are layers in running order, up are addresses. Each tensor is a rectangle for as long as it is kept,
and of each layer the tiles are one in the largest part that tensors leave; the rest is free. Below is what
lies outside meanwhile, and nowhere on chip.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final, Literal, TypeAlias

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Rectangle
from matplotlib.ticker import MultipleLocator

from accelsim.memory_map import MemoryMap, PlacedTensor
from accelsim.report.labels.geometry import POINTS_PER_INCH
from accelsim.report.labels.words import size_points
from accelsim.report.plots.bands import band_legend, plot_bands
from accelsim.report.plots.stages import Panel, stage_figure, stage_spans
from accelsim.report.plots.style import BLUE, GREEN, ORANGE, PURPLE, SKY, VERMILION, run_name, text_colour
from accelsim.report.text.residency import map_or_error
from accelsim.report.text.table import kibibytes
from accelsim.report.values.cascades import CascadeOfRun, cascades_of
from accelsim.result import RunResult

BlockKind: TypeAlias = Literal[
    "tensor", "copied", "image", "result", "weights", "window", "of_cascade", "tiles", "waste"
]
"""What lies there: a tensor between layers; one that is written outside as well; the network's input; its
result; pinned weights; rows of a tensor inside a cascade; what that keeps besides; tiles; tiles that have no
room in one piece."""
STYLES: Final[dict[BlockKind, tuple[str, str, str]]] = {
    "tensor": (SKY, "", "tensor that is kept"),
    "copied": (ORANGE, "////", "written outside as well"),
    "image": (GREEN, "", "image"),
    "result": (PURPLE, "", "result"),
    "weights": (BLUE, "", "pinned weights"),
    "window": (SKY, "--", "rows of a tensor"),
    "of_cascade": (BLUE, "...", "kept for a cascade"),
    "tiles": ("#F0E442", "", "tiles of the layer, two steps at once"),
    "waste": ("black", "", "tiles without room in one piece"),
}
"""Colour, hatch and words of each."""
_KIB: Final = 1024
_FONT: Final = "xx-small"
_ROWS_INCHES: Final = (4.2, 0.8)
_OUTSIDE_TICKS: Final = 3
_MARGIN_POINTS: Final = 2.0
"""Between a name and the edges of its rectangle."""
_MOST_TICKS: Final = 8
"""Of an axis of bytes, above its zero."""


@dataclass(frozen=True)
class MapBlock:
    """Something that lies at some addresses of the pool during some layers."""

    name: str
    kind: BlockKind
    first: int
    """The first of the layers, by its place in running order."""
    last: int
    """The last."""
    address: int
    """Its offset in bytes."""
    size_bytes: int


def memory_blocks(memory_map: MemoryMap) -> list[MapBlock]:
    """The tensors of the map, and after them the tiles of each layer; what these lack is above the pool."""
    tensors = [
        MapBlock(
            tensor.name,
            "of_cascade" if tensor in memory_map.kept_by_cascades else _kind(tensor),
            tensor.in_pool.first,
            tensor.in_pool.last,
            tensor.address,
            tensor.size_bytes,
        )
        for tensor in memory_map.placed
        if tensor.in_pool is not None and tensor.address is not None
    ]
    tiles: list[MapBlock] = []
    for step, region in enumerate(memory_map.tiles):
        fitting = region.needed_bytes - region.missing_bytes
        if region.needed_bytes:  # tiles lie elsewhere where tensors have a memory for themselves
            tiles.append(MapBlock("", "tiles", step, step, region.address, fitting))
        if region.missing_bytes:
            tiles.append(MapBlock("", "waste", step, step, memory_map.size_bytes, region.missing_bytes))
    return [*tensors, *tiles]


def outside_bytes(memory_map: MemoryMap) -> list[int]:
    """Of each layer: the tensors that lie outside meanwhile, and not in the pool."""
    outside = [0] * len(memory_map.tiles)
    for tensor in memory_map.activations:
        if tensor.outside is not None:
            in_pool = (
                range(0) if tensor.in_pool is None else range(tensor.in_pool.first, tensor.in_pool.last + 1)
            )
            for step in range(tensor.outside.first, tensor.outside.last + 1):
                outside[step] += 0 if step in in_pool else tensor.size_bytes
    return outside


def _kind(tensor: PlacedTensor) -> BlockKind:
    if tensor.window_rows is not None:
        return "window"
    if tensor.is_image:
        return "image"
    if tensor.is_result:
        return "result"
    if tensor.is_weights:
        return "weights"
    return "copied" if tensor.outside is not None else "tensor"


def memory_figure(results: Sequence[RunResult]) -> Figure:
    """The memory map of runs, as `accelsim plot memory` draws it.

    Args:
        results: Runs on machines with a pool, each a panel below the one before.

    Returns:
        A figure with axes of addresses for each run, and of bytes outside where any tensor lies there.

    Raises:
        AccelsimError: A machine keeps no tensors.

    Example:
        >>> from accelsim import run_network
        >>> result = run_network("mobilenet_v1@width=0.25,resolution=128", "npu_int8_256k")
        >>> [axes.get_ylabel() for axes in memory_figure([result]).axes]
        ['address in sram [KiB]']
    """
    maps = [(result, map_or_error(result.memory_map, result.hardware)) for result in results]
    blocks = [memory_blocks(memory_map) for _, memory_map in maps]
    panels = [
        Panel(
            memory_title(result, memory_map),
            stage_spans((layer.stage, layer.cycles) for layer in result.layers),
            "time",
            partial(_draw, memory_map, of_map, cascades_of(result.layers)),
        )
        for (result, memory_map), of_map in zip(maps, blocks, strict=True)
    ]
    kinds = {block.kind for of_map in blocks for block in of_map}
    legend: list[Artist] = [
        Patch(facecolor=colour, hatch=hatch, edgecolor="black", linewidth=0.4, label=words)
        for kind, (colour, hatch, words) in STYLES.items()
        if kind in kinds
    ]
    legend.append(Line2D([], [], color="black", marker="v", linestyle="", label="peak"))
    legend += band_legend([cascades_of(result.layers) for result, _ in maps])
    if not any(any(outside_bytes(memory_map)) for _, memory_map in maps):
        return stage_figure(panels, legend, rows_inches=_ROWS_INCHES[:1])
    legend.append(Patch(color=VERMILION, label="tensors outside only"))
    return stage_figure(panels, legend, rows_inches=_ROWS_INCHES)


def memory_title(result: RunResult, memory_map: MemoryMap) -> str:
    """`Memory map of sqnxt23v5 on npu: 256 KiB of sram, peak 245 KiB, addresses up to 248 KiB`."""
    waste = memory_map.address_waste_bytes
    span = kibibytes(memory_map.address_span_bytes)
    words = f"addresses waste {kibibytes(waste)}" if waste else f"addresses up to {span}"
    peak = kibibytes(memory_map.peak_bytes)
    size = kibibytes(memory_map.size_bytes)
    return f"Memory map of {run_name(result)}: {size} of {memory_map.memory}, peak {peak}, {words}"


def _draw(
    memory_map: MemoryMap,
    blocks: Sequence[MapBlock],
    cascades: Sequence[CascadeOfRun],
    axes: Sequence[Axes],
) -> None:
    above, *below = axes
    plot_memory(memory_map, blocks, above)
    plot_bands(cascades, axes)
    for row in below:
        plot_outside(outside_bytes(memory_map), row)


def plot_memory(memory_map: MemoryMap, blocks: Sequence[MapBlock], axes: Axes) -> None:
    """A rectangle for each block, with the name of a tensor where it fits, and a mark at the peak."""
    top = max([memory_map.size_bytes, *[block.address + block.size_bytes for block in blocks]]) / _KIB
    layers = len(memory_map.tiles)
    axes.set_xlim(-0.75, layers - 0.25)
    axes.set_ylim(0, top)
    axes.axhline(memory_map.size_bytes / _KIB, color="black", linewidth=1.0, zorder=4)
    for block in blocks:
        colour, hatch, _ = STYLES[block.kind]
        axes.add_patch(
            Rectangle(
                (block.first - 0.5, block.address / _KIB),
                block.last - block.first + 1,
                block.size_bytes / _KIB,
                facecolor=colour,
                hatch=hatch,
                edgecolor="#AAAAAA" if block.kind == "tiles" else "black",
                linewidth=0.2 if block.kind == "tiles" else 0.5,
                zorder=2 if block.kind == "tiles" else 3,
            )
        )
        if block.name:
            _write_name(block, layers, top, axes)
    used = memory_map.used_bytes
    peak = used.index(max(used))
    axes.plot([peak], [1.015], marker="v", color="black", transform=axes.get_xaxis_transform(), clip_on=False)
    _set_kib_ticks(top, _MOST_TICKS, axes)
    axes.set_ylabel(f"address in {memory_map.memory} [KiB]")


def plot_outside(sizes: Sequence[int], axes: Axes) -> None:
    """What lies outside while each layer runs, and nowhere on chip."""
    axes.bar(range(len(sizes)), [size / _KIB for size in sizes], width=1.0, color=VERMILION)
    top = max([*sizes, 1]) / _KIB
    axes.set_ylim(0, 1.05 * top)
    _set_kib_ticks(top, _OUTSIDE_TICKS, axes)
    axes.set_ylabel("outside [KiB]")


def _set_kib_ticks(top_kib: float, most: int, axes: Axes) -> None:
    """Ticks at the multiples of a power of two, so many at most above zero."""
    step = 1 / _KIB
    while top_kib / step > most:
        step *= 2
    axes.yaxis.set_major_locator(MultipleLocator(step))
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:,g}")


def _write_name(block: MapBlock, layers: int, top_kib: float, axes: Axes) -> None:
    """The name of a tensor in its rectangle, without its stage if it is too long; turned where it fits so."""
    width = (block.last - block.first + 1) / (layers + 0.5) * _points(axes.bbox.width, axes)
    height = block.size_bytes / _KIB / top_kib * _points(axes.bbox.height, axes)
    for words in dict.fromkeys([block.name, block.name.partition(".")[2], block.name.rpartition(".")[2]]):
        across, up = (size + _MARGIN_POINTS for size in size_points(words or " ", _FONT, axes.figure.dpi))
        turned = not (across <= width and up <= height)
        if words and (not turned or (up <= width and across <= height)):
            axes.text(
                (block.first + block.last) / 2,
                (block.address + block.size_bytes / 2) / _KIB,
                words,
                rotation=90 if turned else 0,
                ha="center",
                va="center",
                fontsize=_FONT,
                color=text_colour(STYLES[block.kind][0]),
                parse_math=False,
                bbox={"facecolor": STYLES[block.kind][0], "edgecolor": "none", "pad": 1.0},
                zorder=5,
            )
            return


def _points(pixels: float, axes: Axes) -> float:
    return float(pixels) / float(axes.figure.dpi) * POINTS_PER_INCH
