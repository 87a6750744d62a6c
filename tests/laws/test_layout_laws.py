"""Which operands of a concatenation are copied, and where the others lie, is what trying one by one finds."""

import hypothesis.strategies as st
from hypothesis import given, settings

from accelsim.network.lowering.layout import ChannelRange, Cutter, Layout

LAYERS = "abcdefgh"


class LayoutByTrial:
    """The rule, word by word: the first tensor that does not fit is copied, then all are tried again."""

    def __init__(self):
        self.channels, self.buffers = {}, {}

    def add(self, layer, channels):
        self.channels[layer] = channels
        self.buffers[layer] = {layer: 0}

    def address(self, layer):
        buffer = self.buffers[layer]
        first = min(buffer, key=buffer.__getitem__)
        return first, buffer[layer] - buffer[first]

    def misfits(self, tensors):
        copied = set()
        while (misfit := self._misfit(tensors, copied)) is not None:
            copied.add(misfit)
        return copied

    def lay_out(self, tensors):
        joined = {}
        for layer, position in positions(tensors, set()):
            buffer = self.buffers[layer]
            joined.update({member: at + position - buffer[layer] for member, at in buffer.items()})
        for member in joined:
            self.buffers[member] = joined

    def _misfit(self, tensors, copied):
        span = sum(segment.channels for tensor in tensors for segment in tensor)
        wanted, taken, position = {}, {}, 0
        for layer, at in positions(tensors, copied):
            wanted.setdefault(layer, at)
        for index, tensor in enumerate(tensors):
            for segment in tensor:
                if index not in copied and not self._fits(segment, position, span, wanted, taken):
                    return index
                position += segment.channels
        return None

    def _fits(self, segment, position, span, wanted, taken):
        layer = segment.producer
        if layer is None or segment.channels != self.channels[layer] or wanted[layer] != position:
            return False
        if layer in taken:
            return taken[layer] == position
        buffer = self.buffers[layer]
        moved = {member: at + position - buffer[layer] for member, at in buffer.items()}
        for member, first in moved.items():
            end = first + self.channels[member]
            if first < span and end > 0 and wanted.get(member) != first:
                return False
            if any(first < at + self.channels[other] and end > at for other, at in taken.items()):
                return False
        taken.update(moved)
        return True


def positions(tensors, copied):
    """Each layer of the tensors that are not copied, and where it begins."""
    position = 0
    for index, tensor in enumerate(tensors):
        for segment in tensor:
            if index not in copied and segment.producer is not None:
                yield segment.producer, position
            position += segment.channels


def segments(channels):
    """All of a layer, rarely a part of one, or of the image."""
    whole = st.sampled_from(sorted(channels)).map(lambda layer: ChannelRange(layer, 0, channels[layer], 1))
    part = st.sampled_from(sorted(channels)).map(lambda layer: ChannelRange(layer, 0, 1, 1))
    return st.one_of(whole, whole, whole, whole, part, st.just(ChannelRange(None, 0, 2, 1)))


@st.composite
def concatenations(draw):
    """Channels of some layers, and several concatenations of what they put out, one after another."""
    channels = {layer: draw(st.integers(1, 3)) for layer in LAYERS}
    tensors = st.lists(segments(channels), min_size=1, max_size=4).map(tuple)
    return channels, draw(st.lists(st.lists(tensors, min_size=1, max_size=6), min_size=1, max_size=5))


@settings(max_examples=12 * settings.default.max_examples)
@given(concatenations())
def test_the_same_operands_are_copied_as_where_all_are_tried_again_after_each(case):
    channels, joins = case
    layouts = (Layout(), LayoutByTrial())
    for layout in layouts:
        for layer, count in channels.items():
            layout.add(layer, count)
    layout, by_trial = layouts
    for number, tensors in enumerate(joins):
        copied = layout.misfits(tensors)
        assert copied == by_trial.misfits(tensors)
        for index in copied:
            name = f"copy{number}.{index}"
            size = sum(segment.channels for segment in tensors[index])
            tensors[index] = (ChannelRange(name, 0, size, 1),)
            for each in layouts:
                each.add(name, size)
        for each in layouts:
            each.lay_out(tensors)
        for layer in layout.channels:
            assert layout.address(layer) == by_trial.address(layer)


@given(st.lists(st.integers(1, 4), min_size=1, max_size=8), st.data())
def test_a_cut_of_a_tensor_has_the_channels_that_are_asked_for(sizes, data):
    tensor = tuple(ChannelRange(layer, 5, size, 1) for layer, size in zip(LAYERS, sizes, strict=False))
    every = [(part.producer, part.first + at) for part in tensor for at in range(part.channels)]
    first = data.draw(st.integers(0, len(every) - 1))
    channels = data.draw(st.integers(1, len(every) - first))
    cut = Cutter(tensor).cut(first, channels)
    assert [(part.producer, part.first + at) for part in cut for at in range(part.channels)] == every[
        first : first + channels
    ]
    order = data.draw(st.permutations(range(len(every))))
    picked = Cutter(tensor).picked(order[:channels])
    assert {part.producer: part.channels for part in picked} == {
        layer: sum(every[channel][0] == layer for channel in order[:channels])
        for layer in {every[channel][0] for channel in order[:channels]}
    }
