"""Requests to a memory behind a cache: for how long each step's loads and stores keep the channel busy.

Tensors lie one behind the other, each on a page of its own: activations with their channels innermost (NHWC),
weights by tap, input channel and output channel (as a convolution of Gemmini reads them). A step asks for the
rows of its tiles, a run of channels of a pixel or of a tap and channel, in the order of the program; each row
is cut into requests, and each request into packets of whole beats that lie at multiples of their size.

    cycles of a load, or a store = max( beats, packets x hit_cycles / requests_in_flight )
                                   + missed lines x max( miss_cycles / misses_in_flight, line_cycles )

A line that is stored to comes into the cache first, as one that is read does. Of a layer that finds the cache
warm, the lines are those that the same program has left.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from typing import Final, NamedTuple

import numpy as np

from accelsim.columns import Ints
from accelsim.hardware.cache import Cache
from accelsim.hardware.counts import Direction, accesses
from accelsim.hardware.memory import Memory
from accelsim.hardware.operand import Operand
from accelsim.hardware.parts import Precision
from accelsim.mapping.arithmetic import ceil_div
from accelsim.mapping.cache_lines import CacheLines
from accelsim.mapping.footprint import bits_to_bytes, residual_elements
from accelsim.mapping.mapping import Crossing, Mapping, ProgramPart, Repeat, Step
from accelsim.mapping.precision import activation_bits, offset_bits, weight_bits
from accelsim.mapping.regions import Range, Region, Visit, visits
from accelsim.network.layer import Layer

PAGE_BYTES: Final = 4096
"""On a multiple of which each tensor begins."""
_OPERAND: Final = {
    "inputs": Operand.INPUTS,
    "factors": Operand.INPUTS,
    "weights": Operand.WEIGHTS,
    "offsets": Operand.WEIGHTS,
    "residual": Operand.RESIDUAL,
    "residual_factors": Operand.RESIDUAL,
}
_REMEMBERED: Final = 1 << 22
"""Lines of regions that are remembered, since regions come again: with other tiles of other tensors, in the
run before, and as large elsewhere, beginning at the same place of a line. 32 MB."""


class Tensor(NamedTuple):
    """How a tensor lies.

    Attributes:
        base: Its first byte.
        bits: Of an element.

    Example:
        >>> Tensor(base=0, bits=8, strides=(4, 1), in_row=(1,)).rows(((2, 4), (0, 3))).tolist()
        [8, 12]
    """

    base: int
    bits: int
    strides: tuple[int, ...]
    """In elements, from one to the next along each axis of its regions."""
    in_row: tuple[int, ...]
    """Axes along which a row lies, whose elements are neighbours; each of the others has rows of its own."""

    def rows(self, ranges: Sequence[Range]) -> Ints:
        """The first byte of each row of a region."""
        starts = np.zeros(1, dtype=np.int64)
        for axis, ((start, end), stride) in enumerate(zip(ranges, self.strides, strict=True)):
            steps = np.arange(start, start + 1 if axis in self.in_row else end) * stride
            starts = (starts[:, np.newaxis] + steps).ravel()
        return self.base + starts * self.bits // 8

    def first_bit(self, ranges: Sequence[Range]) -> int:
        """Where the first row of a region begins, in bits."""
        elements = sum(start * stride for (start, _), stride in zip(ranges, self.strides, strict=True))
        return 8 * self.base + elements * self.bits

    def row_bytes(self, ranges: Sequence[Range]) -> int:
        """Of each of them."""
        return bits_to_bytes(math.prod(ranges[axis][1] - ranges[axis][0] for axis in self.in_row), self.bits)


class Asked(NamedTuple):
    """What a region takes if all of it is in the cache, and the lines that it takes from there."""

    cycles: int
    lines: Ints


class Taken(NamedTuple):
    """For how long a transfer keeps the channel busy, and bytes of lines that were not in the cache."""

    cycles: int
    missed_bytes: int


def with_requests(mapping: Mapping, memory: Memory, images: int, bits: Precision) -> Mapping:
    """A mapping whose steps take as long, and miss as much, as its addresses come to.

    Args:
        mapping: As its program follows from its tile and order; `totals` are left as they are.
        memory: Off chip, with a cache; its operands come from there and go there.
        images: That its layer goes through.
        bits: Of elements, where the layer does not say.

    Returns:
        The mapping with a step for each visit, those that are alike and follow each other as one loop.
    """
    cache = memory.cache
    assert cache is not None  # of such a memory alone
    requests = _Requests(cache, tensors_of(mapping.layer, images, bits))
    program = list(zip(mapping.steps(), visits(mapping, images), strict=True))
    if cache.warm:
        for _, visit in program:
            requests.of_visit(visit)
        requests.holds_all = not requests.lines.replaced
    steps: dict[tuple[int, tuple[tuple[Operand, Taken], ...], Taken | None], Step] = {}
    written: list[Step] = []
    for step, visit in program:
        loaded, stored = requests.of_visit(visit)
        key = id(step), tuple(loaded.items()), stored
        if key not in steps:
            steps[key] = _with_times(step, loaded, stored, memory.name)
        written.append(steps[key])
    return replace(mapping, program=tuple(_repeats(written)))


def tensors_of(layer: Layer, images: int, bits: Precision) -> dict[str, Tensor]:
    """Where the tensors of a layer lie, one behind the other.

    Args:
        layer: In the form in which it is executed.
        images: That it goes through.
        bits: Of elements, where the layer does not say.

    Returns:
        By the names that regions have.
    """
    of_activations, of_weights = activation_bits(layer, bits), weight_bits(layer, bits)
    rows, columns = (layer.OY, layer.OX) if layer.pooling is None else (layer.pooling.OY, layer.pooling.OX)
    channels_out = layer.G * layer.K
    residuals, factors = residual_elements(layer)
    gate = layer.gate_elements // layer.G
    of_inputs = (1, layer.operands, layer.G, layer.C, layer.IY, layer.IX)
    of_residual = (1, residuals, layer.G, layer.K, layer.OY, layer.OX)
    shapes = {  # elements of an image, strides by axis, axes of a row
        "inputs": _image(of_inputs),
        "factors": (layer.G * gate, (layer.G * gate, gate, 1), (2,)),
        "residual": _image(of_residual),
        "residual_factors": (
            channels_out * factors,
            (channels_out * factors, layer.K * factors, factors, 1),
            (3,),
        ),
        "results": _image((1, layer.G, layer.K, rows, columns)),
    }
    taps = layer.FY * layer.FX
    weights = (layer.K, 1, channels_out, layer.FX * layer.C * channels_out, layer.C * channels_out)
    tensors, base = {}, 0
    for name, (elements, strides, in_row) in shapes.items():
        tensors[name] = Tensor(base, of_activations, strides, in_row)
        base = _next_page(base + bits_to_bytes(elements * images, of_activations))
    tensors["weights"] = Tensor(base, of_weights, weights, (0, 1) if layer.K == 1 else (1,))
    base = _next_page(base + bits_to_bytes(taps * layer.C * channels_out, of_weights))
    tensors["offsets"] = Tensor(
        base, offset_bits(layer, bits), (layer.K, 1), (0, 1) if layer.K == 1 else (1,)
    )
    return tensors


def _image(shape: tuple[int, ...]) -> tuple[int, tuple[int, ...], tuple[int, ...]]:
    """Of activations with their channels innermost: elements, strides and the axes of a row.

    Axes are images, operands if any, groups, channels of a group, rows and columns. Groups of one channel are
    channels.
    """
    *outer, groups, channels, rows, columns = shape
    pixel = groups * channels
    plane = rows * columns * pixel
    elements = math.prod(outer) * plane
    strides = (elements, plane)[: len(outer)]
    group = len(outer)
    in_row = (group, group + 1) if channels == 1 else (group + 1,)
    return elements, (*strides, channels, 1, columns * pixel, pixel), in_row


def _next_page(end: int) -> int:
    return ceil_div(end, PAGE_BYTES) * PAGE_BYTES


@dataclass
class _Requests:
    """The cache while a program runs."""

    cache: Cache
    tensors: dict[str, Tensor]
    asked: dict[tuple[str, tuple[int, ...], int, int], Asked] = field(default_factory=dict)
    """Of a region, with lines counted from that in which it begins: by its tensor and extents, the bit of the
    line where it begins, and bytes of a request."""

    def __post_init__(self) -> None:
        self.lines = CacheLines(self.cache.sets, self.cache.ways)
        self.remembered = 0
        self.holds_all = False
        """Whether all that is asked for is known to be there."""

    def of_visit(self, visit: Visit) -> tuple[dict[Operand, Taken], Taken | None]:
        """What a step loads, by operand, and what it stores."""
        loaded: dict[Operand, Taken] = {}
        for region in visit.loads:
            operand, taken = _OPERAND[region.tensor], self._taken(region, self.cache.request_bytes)
            before = loaded.get(operand, Taken(0, 0))
            loaded[operand] = Taken(before.cycles + taken.cycles, before.missed_bytes + taken.missed_bytes)
        stored = visit.stores and self._taken(visit.stores, self.cache.store_request_bytes)
        return loaded, stored

    def _taken(self, region: Region, request_bytes: int) -> Taken:
        """What one region takes, with what the cache has now."""
        cache, tensor = self.cache, self.tensors[region.tensor]
        line, bit = divmod(tensor.first_bit(region.ranges), 8 * cache.line_bytes)
        key = region.tensor, tuple([end - start for start, end in region.ranges]), bit, request_bytes
        asked = self.asked.get(key)
        if asked is None:
            cycles, lines = _asked(tensor, region.ranges, request_bytes, cache)
            asked = Asked(cycles, lines - line)
            if self.remembered < _REMEMBERED:
                self.asked[key] = asked
                self.remembered += len(asked.lines)
        missed = 0 if self.holds_all else self.lines.missing(asked.lines + line)
        waiting = max(
            ceil_div(missed * cache.miss_cycles, cache.misses_in_flight), missed * cache.line_cycles
        )
        return Taken(asked.cycles + waiting, missed * cache.line_bytes)


def _asked(tensor: Tensor, ranges: Sequence[Range], request_bytes: int, cache: Cache) -> Asked:
    """The requests for the rows of a region."""
    rows, row_bytes = tensor.rows(ranges), tensor.row_bytes(ranges)
    offsets = np.arange(0, row_bytes, request_bytes)
    starts = (rows[:, np.newaxis] + offsets).ravel()
    sizes = np.broadcast_to(np.minimum(row_bytes - offsets, request_bytes), (len(rows), len(offsets))).ravel()
    packets, beats = packets_of(starts, sizes, cache)
    first, last = starts // cache.line_bytes, (starts + sizes - 1) // cache.line_bytes
    # A request is no longer than a line, so it lies in two at most.
    lines = np.unique(first if (first == last).all() else np.concatenate([first, last]))
    hitting = ceil_div(packets * cache.hit_cycles, cache.requests_in_flight)
    return Asked(max(beats, hitting), lines)


def packets_of(starts: Ints, sizes: Ints, cache: Cache) -> tuple[int, int]:
    """Into how many packets requests are cut, and how many beats these have.

    Each packet is the smallest of those that cover most of what is left; it begins at a multiple of its size
    (Gemmini's StreamReader).

    Args:
        starts: The first byte of each request.
        sizes: Its bytes.
        cache: Whose beats and requests they are.
    """
    if not (starts % cache.request_bytes).any() and (sizes == cache.request_bytes).all():  # as most are
        return len(starts), len(starts) * cache.request_bytes // cache.beat_bytes
    position, left = starts, sizes
    packets = beats = 0
    while len(position):
        most = np.zeros_like(position)
        of_packet = np.zeros_like(position)
        size = cache.beat_bytes
        while size <= cache.request_bytes:
            covered = np.minimum(size - position % size, left)
            of_packet = np.where(covered > most, size, of_packet)
            most = np.maximum(covered, most)
            size *= 2
        packets += len(position)
        beats += int(of_packet.sum()) // cache.beat_bytes
        goes_on = left > most
        position, left = (position + most)[goes_on], (left - most)[goes_on]
    return packets, beats


def _with_times(step: Step, loaded: dict[Operand, Taken], stored: Taken | None, memory: str) -> Step:
    """A step with the cycles of its transfers; what they miss is counted with what the array does."""
    crossing = Crossing(
        step.moved_loads,
        step.moved_stores,
        step.read,
        step.written,
        {operand: loaded[operand].cycles for operand in step.loads},
        stored.cycles if stored is not None and step.stores else None,
    )
    missed = accesses(
        *((memory, operand, Direction.MISS, taken.missed_bytes) for operand, taken in loaded.items()),
        *([] if stored is None else [(memory, Operand.OUTPUTS, Direction.MISS, stored.missed_bytes)]),
    )
    return replace(step, crossing=crossing, array_counts=step.array_counts + missed)


def _repeats(steps: Iterable[Step]) -> Iterator[ProgramPart]:
    """Steps that follow each other and are one and the same, as loops."""
    for _, alike in groupby(steps, id):
        step, *others = alike
        yield Repeat(1 + len(others), (step,)) if others else step
