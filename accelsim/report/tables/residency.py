"""Where each tensor of a network lies on a machine, from which layer to which, and why not on chip."""

from collections.abc import Sequence
from typing import Final

from accelsim.descriptions.phrases import counted
from accelsim.memory_map import MemoryMap, PlacedTensor
from accelsim.report.text.cascades import band_column, band_words
from accelsim.report.text.residency import batch_sentence, kept_sentence, why_not_words
from accelsim.report.text.table import Column, Style, kibibytes, table, wrapped
from accelsim.report.text.words import memory_word, name_word

_LEGEND: Final = (
    "A tensor has the name of the first layer that writes it. place: where it lies from then on; address: "
    "where it begins in {memory}, in bytes; until: the last layer during which it is there."
)
_PINNED: Final = " Weights of a layer have its name; in {memory} they stay from one inference to the next."
_WINDOWS: Final = (
    " N rows: so many of a tensor are there at a time, inside a cascade, and the size is theirs; below all "
    "others is what a cascade keeps besides."
)


def residency_report(
    title: str,
    memory_map: MemoryMap,
    outside: str,
    layers: Sequence[str],
    style: Style,
    *,
    weights_outside: str = "",
    order: str = "",
) -> str:
    """The tensors of a network with their places, as `accelsim show NET --hw HW` prints them.

    Args:
        title: Of the network and the machine.
        memory_map: What lies where.
        outside: The name of the memory off chip for activations.
        layers: Names of the layers in running order.
        style: What the place that it goes to can show.
        weights_outside: The name of the memory off chip for weights, where that is another.
        order: What there is to say of the order in which layers run.

    Returns:
        Text that ends in a newline.

    Example:
        >>> from accelsim.memory_map import Steps, TileRegion
        >>> conv1 = PlacedTensor("conv1", 3000, in_pool=Steps(0, 1), address=0, outside=None, last_reader=1)
        >>> memory_map = MemoryMap("sram", 4096, (conv1,), (TileRegion(3000, 1096, 1000),) * 2)
        >>> print(residency_report("a on b", memory_map, "dram", ["conv1", "conv2"], Style()).splitlines()[3])
        conv1  2.93 KiB sram        0 conv2
    """
    tensors = memory_map.placed
    home_of_weights = weights_outside or outside
    of_weights = {*memory_map.pinned, *memory_map.unpinned, *memory_map.kept_by_cascades}
    places = [
        _places(tensor, memory_map.memory, home_of_weights if tensor in of_weights else outside)
        for tensor in tensors
    ]
    columns = [
        Column("tensor", [name_word(tensor.name, "", style.width) for tensor in tensors], "left", least=8),
        Column("size", [kibibytes(tensor.size_bytes) for tensor in tensors]),
        Column("place", places, "left"),
        Column("address", ["-" if tensor.address is None else str(tensor.address) for tensor in tensors]),
        Column("until", [_until(tensor, layers, style.width) for tensor in tensors], "left", least=8),
        Column("why not", [_why_not(tensor, memory_map, layers) for tensor in tensors], "left", least=12),
    ]
    bands = band_column(_cascades(tensors, memory_map, layers), style)
    head, *body = table([*bands, *columns], style.width)
    size, peak = kibibytes(memory_map.size_bytes), kibibytes(memory_map.peak_bytes)
    lines = [style.strong(title), "", style.strong(head), *body, ""]
    lines += [*wrapped((band_words(style) if bands else "") + _legend(memory_map), style), ""]
    with_tiles = any(tiles.needed_bytes for tiles in memory_map.tiles)
    what = "Tensors and tiles of one layer at a time" if with_tiles else "Those of one layer at a time"
    use = f"{what} take at most {peak} of {size}"
    use = f"{use}; addresses go up to {kibibytes(memory_map.address_span_bytes)}."
    batch = f"; {batch_sentence(memory_map.batch_order)}" if memory_map.batch_order else ""
    lines += [*wrapped(f"{kept_sentence(memory_map)}{batch}. {use}{order and ' ' + order}", style)]
    return "\n".join(lines) + "\n"


def _cascades(
    tensors: Sequence[PlacedTensor], memory_map: MemoryMap, layers: Sequence[str]
) -> list[int | None]:
    """Of each tensor the cascade whose layers write it, by where it begins; those of weights are in none."""
    spans = {tensor.in_pool for tensor in tensors if tensor.window_rows is not None}
    step_of = {name: step for step, name in enumerate(layers)}
    written = {tensor: step_of[tensor.name] for tensor in memory_map.activations if tensor.name in step_of}
    return [
        next(
            (
                span.first
                for span in spans
                if span is not None and tensor in written and span.first <= written[tensor] <= span.last
            ),
            None,
        )
        for tensor in tensors
    ]


def _legend(memory_map: MemoryMap) -> str:
    has_weights = memory_map.pinned or memory_map.unpinned
    has_windows = any(tensor.window_rows is not None for tensor in memory_map.tensors)
    legend = _LEGEND + (_PINNED if has_weights else "") + (_WINDOWS if has_windows else "")
    return legend.format(memory=memory_word(memory_map.memory))


def _places(tensor: PlacedTensor, memory: str, outside: str) -> str:
    """The memories in which it lies."""
    places = {memory: tensor.in_pool is not None, outside: tensor.outside is not None}
    rows = "" if tensor.window_rows is None else f", {counted(tensor.window_rows, 'row')}"
    return ", ".join([name for name, lies_there in places.items() if lies_there]) + rows


def _until(tensor: PlacedTensor, layers: Sequence[str], width: int) -> str:
    return "-" if tensor.in_pool is None else name_word(layers[tensor.in_pool.last], "", width)


def _why_not(tensor: PlacedTensor, memory_map: MemoryMap, layers: Sequence[str]) -> str:
    if tensor.why_not is None:
        return ""
    words = why_not_words(tensor.why_not, memory_map.memory, layers)
    return words if tensor.whole_bytes is None else f"all, {kibibytes(tensor.whole_bytes)}: {words}"
