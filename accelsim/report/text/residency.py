"""What stays on chip, in words: how many tensors do, which do not, and why."""

from collections.abc import Sequence
from typing import Final, assert_never

from accelsim.descriptions.phrases import counted
from accelsim.errors import AccelsimError
from accelsim.memory_map import (
    BatchOrder,
    CostsMore,
    CostsMoreTogether,
    MemoryMap,
    PlacedTensor,
    ReadBeside,
    ResultOutside,
    ToldOutside,
    TooLarge,
    WhyNot,
)
from accelsim.report.text.table import kibibytes, percent, ratio
from accelsim.report.text.words import memory_word

_MOST_NAMES: Final = 2
"""Of tensors that do not stay for one kind of reason; where there are more, the largest."""

_ABSENT: Final[dict[type[WhyNot] | type[None], str]] = {
    TooLarge: "no room for {names}",
    CostsMore: "not worth their room: {names}",
    ReadBeside: "read beside what lies outside: {names}",
    ResultOutside: "results, which have to be outside: {names}",
    CostsMoreTogether: "keeping any of {names} takes more, all simulated together",
    ToldOutside: "told by the mapping file to lie outside: {names}",
    type(None): "for reasons not looked for, {names} do not",
}
"""What is said of tensors that do not stay, by the kind of their reason, in this order."""


def map_or_error(memory_map: MemoryMap | None, hardware: str) -> MemoryMap:
    """The memory map of a run or a schedule. Raises AccelsimError where the machine has no pool."""
    if memory_map is None:
        raise AccelsimError(
            f"{hardware}: keeps no tensor on chip: none of its memories has `banks: pool` and `keeps`, "
            "of activations, weights or both"
        )
    return memory_map


def kept_sentence(memory_map: MemoryMap) -> str:
    """`43 of 52 tensors stay in sram; no room for 7 (conv1, ...); not worth their room: 2 (a, b)`.

    Counted are tensors that a layer writes and a layer reads.
    """
    between = [
        tensor for tensor in memory_map.activations if not tensor.is_image and tensor.last_reader is not None
    ]
    absent = [tensor for tensor in between if not tensor.stays]
    stay = len(between) - len(absent)
    verb = "stays" if stay == 1 else "stay"
    memory = memory_word(memory_map.memory)
    text = f"{stay} of {counted(len(between), 'tensor')} {verb} in {memory}"
    if absent == between and not any(tensor.why_not for tensor in absent):
        text, absent = f"none of {counted(len(between), 'tensor')} stays in {memory}", []
    parts = _reasons(absent)
    waste = memory_map.address_waste_bytes
    if waste and any(tiles.needed_bytes for tiles in memory_map.tiles):
        parts.append(f"their addresses leave {counted(waste, 'byte')} too few to tiles in one piece")
    elif waste:
        parts.append(f"their addresses reach {counted(waste, 'byte')} too far")
    parts += _pinned_words(memory_map)
    if memory_map.plan_gap is not None:
        parts.append(f"a better plan may save {100 * memory_map.plan_gap:.2g}% at most")
    return "; ".join([text, *parts])


def batch_sentence(order: BatchOrder, own: tuple[int, float] | None = None) -> str:
    """Which way a batch goes, and how it does the other way; `own` are its cycles and energy, where known.

    Example:
        >>> order = BatchOrder(in_turn=True, other_cycles=1200, other_energy=2.5)
        >>> batch_sentence(order, (1000, 2.0)).partition("; ")[2]
        'all through each layer would take 1.20 times the time and 1.25 times the energy'
    """
    ways = ["all images go through each layer", "each image goes through all layers in turn"]
    others = ["each image through all layers in turn", "all through each layer"]
    way, other = ways[order.in_turn], others[order.in_turn]
    if order.other_cycles is None or order.other_energy is None:
        return f"{way}; {other} does not fit"
    if own is None:
        return way
    time = ratio(order.other_cycles / (own[0] or 1))
    energy = ratio(order.other_energy / (own[1] or 1))
    return f"{way}; {other} would take {time} times the time and {energy} times the energy"


def order_sentence(peak_bytes: int, bound_bytes: int) -> str:
    """Of an order in which tensors take at most so much at once, where none takes less than the bound.

    Example:
        >>> order_sentence(501760, 501760)
        'In this order of layers tensors take at most 490 KiB at once, chip or not; no order takes less.'
    """
    peak, bound = kibibytes(peak_bytes), kibibytes(bound_bytes)
    less = "no order takes less" if peak_bytes == bound_bytes else f"no order takes less than {bound}"
    return f"In this order of layers tensors take at most {peak} at once, chip or not; {less}."


def _pinned_words(memory_map: MemoryMap) -> list[str]:
    """Of how many layers weights are pinned, and why others are not."""
    pinned, unpinned = memory_map.pinned, memory_map.unpinned
    if not (pinned or unpinned):
        return []
    size = kibibytes(sum(weights.size_bytes for weights in pinned))
    layers = f"{counted(len(pinned), 'layer')} are pinned, {size}" if pinned else "no layer are pinned"
    return [f"weights of {layers}", *_reasons(unpinned)]


def _reasons(absent: Sequence[PlacedTensor]) -> list[str]:
    """Of what does not stay, for each kind of reason."""
    return [
        words
        for kind in _ABSENT
        if (words := _absent_words(kind, [tensor for tensor in absent if isinstance(tensor.why_not, kind)]))
    ]


def _absent_words(kind: type[WhyNot] | type[None], tensors: Sequence[PlacedTensor]) -> str:
    if not tensors:
        return ""
    # Rows of a cascade's tensor may lie there: what does not stay is the whole.
    sizes = [(tensor.whole_bytes or tensor.size_bytes, tensor.name) for tensor in tensors]
    largest = sorted(sizes, key=lambda size: -size[0])[:_MOST_NAMES]
    listed = ", ".join([f"{name} of {kibibytes(size)}" for size, name in largest])
    names = f"{len(tensors)} ({listed}{', ...' if len(tensors) > len(largest) else ''})"
    return _ABSENT[kind].format(names=names)


def why_not_words(reason: WhyNot, memory: str, layers: Sequence[str]) -> str:
    """`no room beside 12 KiB at conv1`, of one tensor; `layers` are the names of the steps."""
    match reason:
        case TooLarge(step, size_bytes, beside_bytes, pool_bytes):
            if size_bytes > pool_bytes:
                return f"larger than {memory_word(memory)}"
            return f"no room beside {kibibytes(beside_bytes)} at {layers[step]}"
        case CostsMore(price, price_if_kept):
            return _more(price, price_if_kept)
        case ReadBeside(step, tensor):
            return f"read beside {tensor} at {layers[step]}"
        case ResultOutside(step) | ToldOutside(step):
            is_result = isinstance(reason, ResultOutside)
            return f"a result, read at {layers[step]}, too" if is_result else f"told so at {layers[step]}"
        case CostsMoreTogether(simulated, simulated_if_kept):
            return f"keeping any {_more(simulated, simulated_if_kept)}"
        case _:
            assert_never(reason)


def _more(price: float, price_if_kept: float) -> str:
    """`costs 3.2% more`, and `saves nothing` where that is what it comes to."""
    part = price_if_kept / price - 1 if price else 0.0
    return f"costs {percent(part)} more" if part >= 0.0005 else "saves nothing"
