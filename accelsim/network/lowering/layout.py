"""Layout: where in memory layers put their channels, and how tensors are put together and cut.

Each step takes time in proportion to the layers that are read or written there, or less.
"""

from bisect import bisect_left, bisect_right, insort
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import NamedTuple, TypeAlias


class ChannelRange(NamedTuple):
    """Successive channels of what one layer puts out; a tensor is one of them after another."""

    producer: str | None
    """None is the network's input."""
    first: int
    channels: int
    pixels: int
    """Elements of each of them."""


Tensor: TypeAlias = tuple[ChannelRange, ...]
"""Its channels, one segment after another."""


def with_pixels(tensor: Tensor, pixels: int) -> Tensor:
    """The same channels, of each of which so many elements are there, or are read."""
    return tuple([segment._replace(pixels=pixels) for segment in tensor])


class Cutter:
    """Cuts channels out of a tensor; to find the first of them takes no walk through all segments."""

    def __init__(self, tensor: Tensor) -> None:
        self._tensor = tensor
        self._starts = list(accumulate((segment.channels for segment in tensor), initial=0))

    def cut(self, first: int, channels: int) -> Tensor:
        """A range of successive channels."""
        cut: list[ChannelRange] = []
        end = first + channels
        for index in range(self._index(first), len(self._tensor)):
            segment, start = self._tensor[index], self._starts[index]
            if start >= end:
                break
            low, high = max(first, start), min(end, start + segment.channels)
            if low < high:
                cut.append(segment._replace(first=segment.first + low - start, channels=high - low))
        return tuple(cut)

    def picked(self, channels: Iterable[int]) -> Tensor:
        """How many of these channels each producer has; not where in its output they are."""
        ends = [(segment.producer, segment.pixels) for segment in self._tensor]
        starts = self._starts
        counts = Counter([ends[bisect_right(starts, channel) - 1] for channel in channels])
        return tuple(ChannelRange(producer, 0, count, pixels) for (producer, pixels), count in counts.items())

    def _index(self, channel: int) -> int:
        """Of the segment that a channel is in."""
        return bisect_right(self._starts, channel) - 1


@dataclass
class _Buffer:
    """Layers that write side by side, each from a channel of its own on; only differences count."""

    channel_of: dict[str, int]
    first: str
    """The layer that begins at the lowest channel."""

    def take_in(self, buffer: "_Buffer", shift: int) -> None:
        """Hold the layers of another buffer, too, so many channels further on."""
        if buffer.channel_of[buffer.first] + shift < self.channel_of[self.first]:
            self.first = buffer.first
        self.channel_of.update({layer: channel + shift for layer, channel in buffer.channel_of.items()})


class Layout:
    """Where in memory layers put their channels: which of them have to lie side by side, and how.

    Every layer starts in a buffer of its own. A concatenation joins the buffers of its operands, provided
    that this puts no layer in two places and no two layers in one; so nested concatenations (DenseNet's)
    need no copies as long as they agree about the order. The smaller buffers join the largest, so that a
    layer moves only to a buffer of twice as many.
    """

    def __init__(self) -> None:
        self.channels: dict[str, int] = {}
        self.buffers: dict[str, _Buffer] = {}
        """Of each layer; the layers of a buffer share it."""

    def add(self, layer: str, channels: int) -> None:
        """A layer in a buffer of its own."""
        self.channels[layer] = channels
        self.buffers[layer] = _Buffer({layer: 0}, layer)

    def address(self, layer: str) -> tuple[str, int]:
        """The buffer that a layer writes to, named after the first layer in it, and where in it."""
        buffer = self.buffers[layer]
        return buffer.first, buffer.channel_of[layer] - buffer.channel_of[buffer.first]

    def misfits(self, tensors: Sequence[Tensor]) -> set[int]:
        """Which tensors have to be copied before all can lie one after another."""
        return _Fitting(self, tensors).misfits()

    def lay_out(self, tensors: Sequence[Tensor]) -> None:
        """Lay tensors, none of them a misfit, one after another."""
        # Where in the tensors each buffer's channel 0 comes to lie; by identity, for a buffer changes. It is
        # one place, however many of its layers are read: `misfits` sees to that (decisions/lowering.md).
        origins: dict[int, int] = {}
        joined: list[_Buffer] = []
        for layer, position in _positions(tensors):
            buffer = self.buffers[layer]
            if id(buffer) not in origins:
                origins[id(buffer)] = position - buffer.channel_of[layer]
                joined.append(buffer)
        if not joined:
            return
        # Smaller into larger: a layer changes its buffer at most log2(layers) times (decisions/lowering.md).
        largest = max(joined, key=lambda buffer: len(buffer.channel_of))
        for buffer in joined:
            if buffer is not largest:
                largest.take_in(buffer, origins[id(buffer)] - origins[id(largest)])
                self.buffers.update(dict.fromkeys(buffer.channel_of, largest))


def _positions(tensors: Sequence[Tensor]) -> Iterable[tuple[str, int]]:
    """Each layer that tensors consist of, and where it begins when they lie one after another."""
    position = 0
    for tensor in tensors:
        for segment in tensor:
            if segment.producer is not None:
                yield segment.producer, position
            position += segment.channels


class _Fitting:
    """Tries to lay tensors one after another, in order; one that does not fit is to be copied.

    To copy a tensor may take away what made an earlier one fit: a neighbour in its buffer, which is now
    wanted nowhere or elsewhere. Only then is everything tried again. Else the next one is tried, so that all
    takes time in proportion to the layers that are read, however many are copied.
    """

    def __init__(self, layout: Layout, tensors: Sequence[Tensor]) -> None:
        self.layout = layout
        self.tensors = tensors
        self.starts = list(
            accumulate((sum(part.channels for part in tensor) for tensor in tensors), initial=0)
        )
        self.copied: set[int] = set()
        self._begin()

    def _begin(self) -> None:
        self.wanted: dict[str, list[tuple[int, int]]] = {}
        """Of each layer: which of the tensors want it, and where, the first of them last; those that are
        copied do not."""
        for index, tensor in enumerate(self.tensors):
            if index not in self.copied:
                for layer, position in _positions([tensor]):
                    self.wanted.setdefault(layer, []).append((index, self.starts[index] + position))
        for claims in self.wanted.values():
            claims.reverse()
        self.taken: dict[str, int] = {}
        """Layers that have found their place, with all of their buffers."""
        self.occupied: list[tuple[int, int, str]] = []
        """The same by their places: first channel, end, layer, in order."""

    def misfits(self) -> set[int]:
        """The tensors that have to be copied."""
        index = 0
        while index < len(self.tensors):
            if index in self.copied or self._goes_in(index) or self._is_copied_without_harm(index):
                index += 1
            else:
                self._begin()
                index = 0
        return self.copied

    def _goes_in(self, index: int) -> bool:
        """Whether all of a tensor can be where it should; if not, nothing of it is."""
        position = self.starts[index]
        added: list[str] = []
        for segment in self.tensors[index]:
            if not self._fits(segment, position, added):
                for layer in added:
                    self._remove(layer)
                return False
            position += segment.channels
        return True

    def _is_copied_without_harm(self, index: int) -> bool:
        """Have a tensor copied; whether what fitted before it still does."""
        self.copied.add(index)
        for layer, _ in _positions([self.tensors[index]]):
            claims = self.wanted[layer]
            if claims and claims[-1][0] == index:
                if layer in self.taken and self._is_among_the_tensors(layer, self.taken[layer]):
                    return False
                while claims and claims[-1][0] == index:
                    claims.pop()
        return True

    def _fits(self, segment: ChannelRange, position: int, added: list[str]) -> bool:
        """Whether the segment's layer, and with it its whole buffer, can be at this position."""
        layer, channels = segment.producer, self.layout.channels
        if layer is None or segment.channels != channels[layer] or self.wanted[layer][-1][1] != position:
            return False
        if layer in self.taken:
            return self.taken[layer] == position
        # All of the layer's buffer moves with it, by the same shift: none of its layers may come to lie where
        # another one already is, or within the tensors elsewhere than where they want it.
        buffer = self.layout.buffers[layer].channel_of
        shift = position - buffer[layer]
        for member, channel in buffer.items():
            first = channel + shift
            if self._is_among_the_tensors(member, first) and self._wanted_at(member) != first:
                return False
            if self._is_occupied(first, first + channels[member]):
                return False
        for member, channel in buffer.items():
            self.taken[member] = channel + shift
            insort(self.occupied, (channel + shift, channel + shift + channels[member], member))
        added += buffer
        return True

    def _is_among_the_tensors(self, layer: str, first: int) -> bool:
        """Whether a layer that begins there lies where the tensors are to lie, not before or behind them."""
        return first < self.starts[-1] and first + self.layout.channels[layer] > 0

    def _wanted_at(self, layer: str) -> int | None:
        claims = self.wanted.get(layer)
        return claims[-1][1] if claims else None

    def _is_occupied(self, first: int, end: int) -> bool:
        """Whether any layer has a channel between these; those that have a place do not overlap."""
        # Intervals are disjoint and in order, so of those that begin before `end` the last one ends last.
        slot = bisect_left(self.occupied, (end,))
        return slot > 0 and self.occupied[slot - 1][1] > first

    def _remove(self, layer: str) -> None:
        first = self.taken.pop(layer)
        end = first + self.layout.channels[layer]
        del self.occupied[bisect_left(self.occupied, (first, end, layer))]
