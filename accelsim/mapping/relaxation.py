"""The relaxation of a space: for each cut alone, a tile that none of its own beats, whether it exists or not.

A tile is a cut of the channels crossed with a cut of the output plane, a few dozen of each, and there are a
thousand crosses. For one cut, take of all partners that fit beside it the least number of tiles, the fewest
bytes, and so on, each number by itself. Every formula of the bounds grows with each of these numbers, so the
bound of a cut with this partner holds for the cut with any. Cuts whose bound is above what an incumbent takes
are never crossed (docs/decisions/branch-and-bound.md, "Before tiles are laid out").
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from accelsim.columns import Count, Flags, Ints, Selection
from accelsim.hardware import Operand
from accelsim.mapping.arithmetic import column_of, entries, larger
from accelsim.mapping.cuts import Cuts
from accelsim.mapping.space import ORDERS, ChannelCuts, PlaneCuts, Space


class Relaxation(NamedTuple):
    """A tile for each cut of some layers that has any partner, and which cuts these are."""

    space: Space
    """The tiles: one for each of `channel_cuts`, then one for each of `plane_cuts`; all fit in both
    orders."""
    channel_cuts: Ints
    """Cuts of the channels with which any cut of the output plane fits, by their number among all."""
    plane_cuts: Ints


def relaxed(cuts: Cuts) -> Relaxation:
    """For each cut of the channels and each of the output plane, its relaxed tile."""
    half_banks = cuts.half_banks
    channels = _Sizes(
        cuts.channel_owner, cuts.channels.g * cuts.channels.c, cuts.channels.g * cuts.channels.k
    )
    planes = _Sizes(cuts.plane_owner, cuts.largest_inputs, cuts.planes.y * cuts.planes.x)
    room = _Room(
        cuts.footprint.input_room(half_banks[Operand.INPUTS]),
        cuts.footprint.output_room(half_banks[Operand.OUTPUTS]),
    )
    least_planes, channel_cuts = _least_partners(channels, planes, cuts.planes.values(), room)
    least_channels, plane_cuts = _least_partners(planes, channels, cuts.channels.values(), room)
    lengths = len(channel_cuts), len(plane_cuts)
    owner = np.concatenate([cuts.channel_owner[channel_cuts], cuts.plane_owner[plane_cuts]])
    own_channels = entries(cuts.channels.values(), _selection(channel_cuts, cuts.channel_owner))
    own_planes = entries(cuts.planes.values(), _selection(plane_cuts, cuts.plane_owner))
    each = np.arange(len(owner))
    space = Space(
        layers=cuts.layers,
        dataflows=cuts.dataflows,
        footprint=cuts.footprint,
        owner=owner,
        channels=ChannelCuts.of_values(list(_joined(own_channels, least_channels, lengths))),
        planes=PlaneCuts.of_values(list(_joined(least_planes, own_planes, lengths))),
        channel_cut=each,
        plane_cut=each,
        fits=np.ones((len(ORDERS), len(owner)), dtype=np.bool_),
        exist=False,
    )
    return Relaxation(space, channel_cuts, plane_cuts)


class _Sizes(NamedTuple):
    """What cuts take of the banks, as a factor: channels x pixels are elements."""

    owner: Ints
    """The layer of each cut."""
    inputs: Count
    outputs: Count


class _Room(NamedTuple):
    """Channels x pixels that half a bank holds, of each layer."""

    inputs: Count
    outputs: Count


def _least_partners(
    cuts: _Sizes, partners: _Sizes, values: Sequence[Count], room: _Room
) -> tuple[list[Count], Ints]:
    """For each cut the least of every number that the partners have which fit beside it.

    Args:
        cuts: N cuts, of the channels or of the output plane.
        partners: M cuts of the other kind.
        values: A numbers of the partners, M entries each.
        room: Of each layer.

    Returns:
        A columns, with an entry for each cut that has a partner; and which of the N cuts these are.
    """
    n_cuts = len(cuts.owner)
    if not len(partners.owner):
        return [np.zeros(0, dtype=np.int64)] * len(values), np.zeros(0, dtype=np.int64)
    inputs, outputs = entries(room.inputs, cuts.owner), entries(room.outputs, cuts.owner)
    limits = (
        (partners.inputs, inputs // larger(cuts.inputs, 1)),  # a window may read nothing but padding
        (partners.outputs, outputs // cuts.outputs),
    )
    table = np.empty((len(values), len(partners.owner)), dtype=np.int64)
    for row, value in zip(table, values, strict=True):
        row[:] = value
    # `apart` exceeds every size and number. So less `owner * apart`, every number of an owner is below every
    # one of the owners before it.
    apart = 1 + max(table.max(), *(np.max(sizes) for sizes, _ in limits))
    table -= partners.owner * apart
    asked = cuts.owner * apart
    layers = np.arange(1 + cuts.owner.max(initial=-1))
    begins = np.searchsorted(partners.owner, layers)[cuts.owner]  # of the partners of each cut
    fit: Flags = np.ones(n_cuts, dtype=np.bool_)
    least = []
    for sizes, largest in limits:
        by_size = np.asarray(sizes) + partners.owner * apart
        # A limit of `apart` or more would reach the next owner.
        ends, of_those = _least_up_to(by_size, table, asked + np.minimum(largest, apart - 1))
        fit &= ends > begins
        least.append(of_those)
    # Who fits both banks is among those that fit either, so the larger of the two least values is a bound.
    both = np.maximum(*least)
    both += asked
    with_partner = np.flatnonzero(fit)
    return list(both if len(with_partner) == n_cuts else both[:, with_partner]), with_partner


def _least_up_to(keys: Ints, table: Ints, limits: Ints) -> tuple[Ints, Ints]:
    """The least of each number among the entries of an owner whose size is no more than a limit.

    All queries are answered by one sort and one binary search, whoever owns what: A numbers, M entries of
    several owners, N queries. docs/decisions/branch-and-bound.md says what it is for.

    Args:
        keys: Of each entry its owner times what no size reaches, and its size, M.
        table: Numbers of the entries, those of an owner below all of the owners before it, A x M.
        limits: Of each query, the largest key, N.

    Returns:
        For each query where the entries end that are small enough, among all by rising key; and the least of
        each number, A x N. Where the owner has no such entry, the column is another's and means nothing.
    """
    # Keys order entries by owner first, then by size, and the running minimum over the sorted entries starts
    # anew with each owner, without a loop over owners: least[a, i] = min(table[a, j] for entries j of the
    # owner of i with sizes[j] <= sizes[i]).
    ranked = np.argsort(keys, kind="stable")  # which is faster: most of them rise or fall for a while
    least = np.minimum.accumulate(table.take(ranked, axis=1), axis=1)  # A x M
    ends = np.searchsorted(keys[ranked], limits, side="right")
    return ends, least.take(ends - 1, axis=1)


def _selection(which: Ints, owner: Ints) -> Selection:
    """Some of all cuts, each with an owner, by rising number; mostly all, which need not be picked."""
    return slice(None) if len(which) == len(owner) else which


def _joined(first: Sequence[Count], second: Sequence[Count], lengths: tuple[int, int]) -> Iterator[Count]:
    """Two tables of columns with so many entries each as one."""
    for upper, lower in zip(first, second, strict=True):
        yield np.concatenate([column_of(upper, lengths[0]), column_of(lower, lengths[1])])
