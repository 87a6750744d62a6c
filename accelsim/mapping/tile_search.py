"""The search for the best tiles of some layers, each by one dataflow: branch and bound.

docs/decisions/branch-and-bound.md has the argument in full.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import reduce
from typing import Final, NamedTuple

import numpy as np

from accelsim.columns import Floats, Ints
from accelsim.hardware import Hardware, Objective
from accelsim.mapping.arithmetic import column_of
from accelsim.mapping.candidates import Beside, Bounds, at_least, beside_array, evaluate
from accelsim.mapping.cuts import Cuts
from accelsim.mapping.groundwork import Groundwork
from accelsim.mapping.loop_order import NamedOrder
from accelsim.mapping.ranking import (
    as_good,
    best_first,
    best_of_each,
    few_of_each,
    lower_bound,
    objective_value,
    rank_within,
)
from accelsim.mapping.relaxation import Relaxation
from accelsim.mapping.space import ORDERS, Space
from accelsim.mapping.tile import TileShape
from accelsim.mapping.whole import Whole

FIRST_CUTS: Final = 2
"""Cuts of a layer's channels with which mappings are evaluated before it is known how good the best is."""
FIRST_PLANES: Final = 4
"""Cuts of the output plane with each of them."""
PLANES_TRIED: Final = 24
"""Cuts of the output plane of which those are taken; the others do not fit."""
FEW_TILES: Final = 1 << 10
"""Tiles that are laid out at once, since it takes longer to rule them out."""
FEW_MAPPINGS: Final = 1 << 10
"""Mappings that are evaluated at once, for the same reason."""
MOST_PROMISING: Final = 128
"""Mappings of each layer, those of the least bounds, that are evaluated before all that may be as good."""
MOST_TILES: Final = 1 << 17
"""Tiles that are laid out together, so that memory stays constant."""
UNBEATABLE: Final = -1.0
"""An objective value that no mapping has."""


class Contender(NamedTuple):
    """A mapping that may be the best of its layer and dataflow."""

    dataflow: str
    tile: TileShape[int]
    order: NamedOrder
    time_cycles: float
    """At least."""
    energy: float

    def lower_bound(self, objective: Objective) -> float:
        """What its objective value is at least."""
        return objective_value(self.time_cycles, self.energy, objective)


class Promising(NamedTuple):
    """Cuts of channels and of the output plane whose tiles are to be laid out, and what these have to
    beat.
    """

    channel_cuts: Ints
    plane_cuts: Ints
    limits: Floats
    """An objective value for each layer; infinite where it is not known whether any tile fits."""


@dataclass(slots=True)
class TileSearch:
    """For the best tiles of L layers, each by one dataflow.

    Objective values are those among tiles (`among_tiles`), unless a name says otherwise; arrays of them have
    an entry for each layer. An *incumbent* is the objective value of the best mapping so far, by any
    dataflow.
    """

    groundwork: Groundwork
    """What the search builds upon, of the machine or a sibling."""
    hardware: Hardware
    among_tiles: Objective
    among_dataflows: Objective
    least: Floats = field(init=False)
    """What no mapping of each layer goes below by the objective among dataflows."""
    cuts: Cuts = field(init=False)
    _whole: Whole = field(init=False)
    _relaxation: tuple[Relaxation, Bounds] | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        self.cuts = self.groundwork.cuts
        self.least = np.full(len(self.cuts.dataflows), np.inf)
        self._whole = self.groundwork.whole

    def best(self, incumbents: Floats, tolerance: float, max_count: int) -> dict[int, list[Contender]]:
        """The best mapping of each layer, unless no tile fits or it cannot be as good as the incumbent.

        What the cuts of the channels with the least bounds take rules out most others before their tiles are
        laid out.

        Args:
            incumbents: By the objective among dataflows.
            tolerance: Behind the best come others whose lower bound is above its value by no more than this
                part.
            max_count: Contenders of a layer at most.

        Returns:
            Contenders by the layer's number, the best first.
        """
        promising = self._promising(incumbents, tolerance)
        contenders: dict[int, list[Contender]] = {}
        for space in self._laid_out(promising.channel_cuts, promising.plane_cuts):
            beside, bounds = self._at_least(space)
            if self._relaxation is None:
                self.least = np.minimum(self.least, self._least(space, bounds))
            limits = np.where(as_good(self.least, incumbents), promising.limits, UNBEATABLE)
            if len(self._not_ruled_out(space, bounds, limits)) > FEW_MAPPINGS:
                values = self._values_of_most_promising(beside, bounds)
                limits = np.minimum(limits, values * (1 + tolerance))
            contenders |= self._ranked(beside, bounds, limits, max_count, tolerance)
        return contenders

    def contenders(self, limits: Floats, max_count: int) -> dict[int, list[Contender]]:
        """The best mappings of each layer whose lower bound is not above a limit, the best first.

        Args:
            limits: Of each layer, an objective value.
            max_count: Contenders of a layer at most.

        Returns:
            Contenders by the layer's number.
        """
        channel_cuts, plane_cuts = self._all_cuts()
        if self._relaxation is not None:
            channel_cuts, plane_cuts = self._cuts_up_to(limits, *self._relaxation)
        contenders: dict[int, list[Contender]] = {}
        for space in self._laid_out(channel_cuts, plane_cuts):
            contenders |= self._ranked(*self._at_least(space), limits, max_count)
        return contenders

    def _laid_out(self, channel_cuts: Ints, plane_cuts: Ints) -> Iterator[Space]:
        """Every tile of chosen cuts, of as many layers at a time as have no more than `MOST_TILES`."""
        channel_owner, plane_owner = self.cuts.channel_owner[channel_cuts], self.cuts.plane_owner[plane_cuts]
        layers = len(self.cuts.dataflows)
        tiles = np.bincount(channel_owner, minlength=layers) * np.bincount(plane_owner, minlength=layers)
        for portion in portions(tiles.tolist(), MOST_TILES) if tiles.any() else ():
            yield self.cuts.crossed(
                channel_cuts[(portion.start <= channel_owner) & (channel_owner < portion.stop)],
                plane_cuts[(portion.start <= plane_owner) & (plane_owner < portion.stop)],
            )

    def _all_cuts(self) -> tuple[Ints, Ints]:
        return np.arange(len(self.cuts.channel_owner)), np.arange(len(self.cuts.plane_owner))

    def _promising(self, incumbents: Floats, tolerance: float) -> Promising:
        """Cuts that are not ruled out by what a few mappings of their layer take.

        Few tiles are laid out at once, and nothing is ruled out before.
        """
        layers = len(incumbents)
        if self.cuts.tiles <= FEW_TILES:
            return Promising(*self._all_cuts(), np.full(layers, np.inf))
        relaxation, bounds = self.groundwork.relaxation, self.groundwork.bounds(self.hardware)
        self._relaxation = relaxation, bounds
        self.least = self._least(relaxation.space, bounds)
        channel_bounds, _ = self._bounds_of_cuts(relaxation, bounds)
        channel_owner = relaxation.space.owner[: len(channel_bounds)]
        hopeful = np.isfinite(self.least) & as_good(self.least, incumbents)  # infinite where no tile fits
        if not hopeful.any():
            none = np.zeros(0, dtype=np.int64)
            return Promising(none, none, np.full(layers, UNBEATABLE))
        first = few_of_each(channel_owner, channel_bounds, FIRST_CUTS)
        first = first[hopeful[channel_owner[first]]]
        limits = self._values_of_fewest_tiles(relaxation, first) * (1 + tolerance)
        limits[~hopeful] = UNBEATABLE
        if self.among_tiles == self.among_dataflows:
            limits = np.minimum(limits, incumbents)
        return Promising(*self._cuts_up_to(limits, relaxation, bounds), limits)

    def _cuts_up_to(self, limits: Floats, relaxation: Relaxation, bounds: Bounds) -> tuple[Ints, Ints]:
        """Cuts of the channels and of the output plane whose lower bound is not above their layer's limit."""
        channel_bounds, plane_bounds = self._bounds_of_cuts(relaxation, bounds)
        channel_cuts = len(channel_bounds)
        channel_owner, plane_owner = (
            relaxation.space.owner[:channel_cuts],
            relaxation.space.owner[channel_cuts:],
        )
        return (
            relaxation.channel_cuts[as_good(channel_bounds, limits[channel_owner])],
            relaxation.plane_cuts[as_good(plane_bounds, limits[plane_owner])],
        )

    def _bounds_of_cuts(self, relaxation: Relaxation, bounds: Bounds) -> tuple[Floats, Floats]:
        """Lower bounds of each cut of the channels and of the output plane, in the better order."""
        by_order = lower_bound(bounds, self.among_tiles).reshape(-1, len(ORDERS)).T  # orders x cuts
        of_cuts: Floats = reduce(np.minimum, by_order)  # much faster than along an axis so short
        channel_cuts = len(relaxation.channel_cuts)
        return of_cuts[:channel_cuts], of_cuts[channel_cuts:]

    def _at_least(self, space: Space) -> tuple[Beside, Bounds]:
        beside = beside_array(space, self.hardware, self._whole)
        return beside, at_least(beside, self.hardware)

    def _least(self, space: Space, bounds: Bounds) -> Floats:
        least = np.full(len(self.cuts.dataflows), np.inf)
        np.minimum.at(least, space.mapping_owner(), lower_bound(bounds, self.among_dataflows))
        return least

    def _values_of_fewest_tiles(self, relaxation: Relaxation, first: Ints) -> Floats:
        """The best of a few mappings of each layer: cuts of the channels with the coarsest planes that fit.

        `first` are numbers of a relaxation's tiles, those of the cuts, layer after layer. None of the planes
        that fit beside a cut has fewer tiles than its relaxed partner; of those that have as many or more the
        first few are tried.
        """
        space, planes = relaxation.space, relaxation.plane_cuts
        of_first, least = space.owner[first], column_of(space.planes.tiles, len(space.owner))
        tiles = column_of(self.cuts.planes.tiles, len(self.cuts.plane_owner))[planes]
        apart = 1 + max(tiles.max(), least.max())
        keys = self.cuts.plane_owner[planes] * apart + tiles
        ranked = np.argsort(keys, kind="stable")
        keys = keys[ranked]
        begins = np.searchsorted(keys, of_first * apart + least[first])
        ends = np.searchsorted(keys, (of_first + 1) * apart)
        places = begins[:, np.newaxis] + np.arange(PLANES_TRIED)  # of planes, in the order of tiles
        cut, turn = np.nonzero(places < ends[:, np.newaxis])
        space = self.cuts.paired(relaxation.channel_cuts[first[cut]], planes[ranked[places[cut, turn]]])
        few = space.of(np.flatnonzero(rank_within(space.channel_cut) < FIRST_PLANES))
        return self._best_values(beside_array(few, self.hardware, self._whole), few.fitting())

    def _values_of_most_promising(self, beside: Beside, bounds: Bounds) -> Floats:
        """The best of those mappings of each layer that have the least lower bounds."""
        space = beside.space
        lower_bounds = lower_bound(bounds, self.among_tiles)
        numbers = best_of_each(space.mapping_owner(), lower_bounds, MOST_PROMISING)
        return self._best_values(beside, numbers[np.isfinite(lower_bounds[numbers])])

    def _best_values(self, beside: Beside, numbers: Ints) -> Floats:
        """The best objective value of chosen mappings of each layer; infinite where there is none."""
        costs = evaluate(beside, self.hardware, numbers)
        values = np.full(len(self.cuts.dataflows), np.inf)
        owner = beside.space.owner[numbers // len(ORDERS)]
        np.minimum.at(values, owner, objective_value(costs.time_cycles, costs.energy, self.among_tiles))
        return values

    def _ranked(
        self, beside: Beside, bounds: Bounds, limits: Floats, max_count: int, tolerance: float = math.inf
    ) -> dict[int, list[Contender]]:
        """Of each layer the best that are not ruled out, the bound of each within a tolerance of the best
        value.

        M mappings are evaluated; `ranked` holds indices into these, layer after layer, the best first.
        """
        numbers = self._not_ruled_out(beside.space, bounds, limits)  # M
        if not len(numbers):
            return {}
        owner = beside.space.owner[numbers // len(ORDERS)]
        costs = evaluate(beside, self.hardware, numbers)
        ranked = best_first(costs.time_cycles, costs.energy, self.among_tiles, owner)
        if tolerance < math.inf:
            values = objective_value(costs.time_cycles, costs.energy, self.among_tiles)
            first = ranked[rank_within(owner[ranked]) == 0]
            best = np.empty(len(self.cuts.dataflows))  # filled where a layer has any mapping here
            best[owner[first]] = values[first]
            lower_bounds = lower_bound(bounds, self.among_tiles)[numbers]
            ranked = ranked[as_good(lower_bounds, best[owner] * (1 + tolerance))[ranked]]
        ranked = ranked[rank_within(owner[ranked]) < max_count]
        contenders: dict[int, list[Contender]] = {}
        columns = [column[ranked].tolist() for column in (owner, costs.time_cycles, costs.energy)]
        for layer, time, energy, (tile, order) in zip(*columns, costs.mappings_of(ranked), strict=True):
            contender = Contender(self.cuts.dataflows[layer], tile, order, time, energy)
            contenders.setdefault(layer, []).append(contender)
        return contenders

    def _not_ruled_out(self, space: Space, bounds: Bounds, limits: Floats) -> Ints:
        """Numbers of the mappings of a space that fit and whose lower bound is not above their layer's limit.

        Of T tiles in two orders there are 2 T bounds, infinite where the tile does not fit, and as many
        owners. What is left out cannot be the best of its layer: its value is no less than its bound, which
        is above the value of a mapping that is known (docs/decisions/branch-and-bound.md). `as_good` leaves
        room for rounding, so that ties are kept and the result is that of an evaluation of everything.
        """
        lower_bounds = lower_bound(bounds, self.among_tiles)
        return np.flatnonzero(
            np.isfinite(lower_bounds) & as_good(lower_bounds, limits[space.mapping_owner()])
        )


def portions(sizes: Sequence[int], limit: int) -> Iterator[slice]:
    """Successive entries whose sizes are no more than a limit together, one entry at least.

    Example:
        >>> list(portions([3, 3, 5, 9, 1], 6))
        [slice(0, 2, None), slice(2, 3, None), slice(3, 4, None), slice(4, 5, None)]
    """
    begin = total = 0
    for end, size in enumerate(sizes):
        if end > begin and total + size > limit:
            yield slice(begin, end)
            begin, total = end, 0
        total += size
    if sizes:
        yield slice(begin, len(sizes))
