"""A look for the best tiles of some layers, each by one dataflow: branch and bound.

docs/decisions/branch-and-bound.md has the argument in full.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import reduce
from typing import Final, NamedTuple

import numpy as np

from accelsim.columns import Ints
from accelsim.hardware import Hardware, Objective
from accelsim.mapping.arithmetic import column_of, entries
from accelsim.mapping.candidates import Bounds, at_least, evaluate
from accelsim.mapping.mapping import Order
from accelsim.mapping.ranking import (
    as_good,
    best_first,
    best_of_each,
    rank_within,
    worth,
    worth_of,
)
from accelsim.mapping.space import ORDERS, Cuts, Ideal, Space
from accelsim.mapping.tile import TileShape
from accelsim.mapping.transfers import Values

FIRST_CUTS: Final = 2
"""Cuts of a layer's channels with which mappings are evaluated before it is known how good the best is."""
FIRST_PICTURES: Final = 4
"""Cuts of the picture with each of them."""
FEW_TILES: Final = 1 << 10
"""Tiles that are laid out at once, since it takes longer to rule them out."""
FEW_MAPPINGS: Final = 1 << 10
"""Mappings that are evaluated at once, for the same reason."""
MOST_TILES: Final = 1 << 17
"""Tiles that are laid out together, so that memory stays constant."""
UNBEATABLE: Final = -1.0
"""What no mapping is worth."""


@dataclass(frozen=True, slots=True)
class Contender:
    """A mapping that may be the best of its layer and dataflow."""

    dataflow: str
    tile: TileShape[int]
    order: Order
    time_cycles: float
    """At least."""
    energy: float

    def worth(self, objective: Objective) -> float:
        """What is to be as small as possible."""
        return worth(self.time_cycles, self.energy, objective)


class Promising(NamedTuple):
    """Cuts of channels and of the picture whose tiles are worth to be laid out, and what is to be beaten."""

    channels: Ints
    pictures: Ints
    to_beat: Values
    """Of each layer; infinite where it is not known whether any tile fits."""


@dataclass(slots=True)
class Look:
    """For the best tiles of some layers, each by one dataflow."""

    cuts: Cuts
    hardware: Hardware
    batch: int
    among_tiles: Objective
    among_dataflows: Objective
    least: Values = field(init=False)
    """What no mapping of each layer goes below by the objective among dataflows."""
    _ideal: tuple[Ideal, Bounds] | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        self.least = np.full(len(self.cuts.dataflows), np.inf)

    def best(self, reached: Values, likely: float, most: int) -> dict[int, list[Contender]]:
        """The best mapping of each layer, unless no tile fits or it cannot be as good as what is reached.

        After it come others, the best first, that promise to be worse by no more than the part `likely`. What
        the most promising cuts of the channels deliver rules out most before their tiles are laid out.
        """
        promising = self._promising(reached, likely)
        found: dict[int, list[Contender]] = {}
        for space in self._laid_out(promising.channels, promising.pictures):
            bounds = self._at_least(space)
            if self._ideal is None:
                self.least = np.minimum(self.least, self._least(space, bounds))
            to_beat = np.where(as_good(self.least, reached), promising.to_beat, UNBEATABLE)
            if len(self._that_may_beat(space, bounds, to_beat)) > FEW_MAPPINGS:
                delivered = self._delivered_by_most_promising(space, bounds)
                to_beat = np.minimum(to_beat, delivered * (1 + likely))
            found |= self._ranked(space, bounds, to_beat, most, likely)
        return found

    def contenders(self, to_beat: Values, most: int) -> dict[int, list[Contender]]:
        """The best mappings of each layer that may beat something; those that promise most come first."""
        channels, pictures = self._all_cuts()
        if self._ideal is not None:
            ideal, bounds = self._ideal
            of_channels, of_pictures = self._promised(ideal, bounds)
            cut = len(of_channels)
            channels = ideal.channels[as_good(of_channels, to_beat[ideal.space.owner[:cut]])]
            pictures = ideal.pictures[as_good(of_pictures, to_beat[ideal.space.owner[cut:]])]
        found: dict[int, list[Contender]] = {}
        for space in self._laid_out(channels, pictures):
            found |= self._ranked(space, self._at_least(space), to_beat, most)
        return found

    def _laid_out(self, channels: Ints, pictures: Ints) -> Iterator[Space]:
        """Every tile of some cuts of the channels and of the picture, of many layers at a time."""
        owner, owner_of_pictures = self.cuts.owner[channels], self.cuts.owner_of_pictures[pictures]
        layers = len(self.cuts.dataflows)
        tiles = np.bincount(owner, minlength=layers) * np.bincount(owner_of_pictures, minlength=layers)
        for some in portions(tiles.tolist(), MOST_TILES):
            yield self.cuts.crossed(
                channels[(some.start <= owner) & (owner < some.stop)],
                pictures[(some.start <= owner_of_pictures) & (owner_of_pictures < some.stop)],
            )

    def _all_cuts(self) -> tuple[Ints, Ints]:
        return np.arange(len(self.cuts.owner)), np.arange(len(self.cuts.owner_of_pictures))

    def _promising(self, reached: Values, likely: float) -> Promising:
        layers = len(reached)
        if self.cuts.tiles <= FEW_TILES:
            return Promising(*self._all_cuts(), np.full(layers, np.inf))
        ideal = self.cuts.ideal()
        bounds = self._at_least(ideal.space)
        self._ideal = ideal, bounds
        self.least = self._least(ideal.space, bounds)
        of_channels, of_pictures = self._promised(ideal, bounds)
        cut = len(of_channels)
        owner, owner_of_pictures = ideal.space.owner[:cut], ideal.space.owner[cut:]
        first = ideal.channels[best_of_each(owner, of_channels, FIRST_CUTS)]
        delivered = self._delivered_by_fewest_tiles(self.cuts.crossed(first, ideal.pictures))
        to_beat = delivered * (1 + likely)
        to_beat[np.isfinite(to_beat) & ~as_good(self.least, reached)] = UNBEATABLE
        if self.among_tiles == self.among_dataflows:
            to_beat = np.minimum(to_beat, reached)
        return Promising(
            ideal.channels[as_good(of_channels, to_beat[owner])],
            ideal.pictures[as_good(of_pictures, to_beat[owner_of_pictures])],
            to_beat,
        )

    def _promised(self, ideal: Ideal, bounds: Bounds) -> tuple[Values, Values]:
        """By each cut of the channels and of the picture, with its ideal partner in the better order."""
        of_orders = worth_of(bounds, self.among_tiles).reshape(-1, len(ORDERS)).T
        promised: Values = reduce(np.minimum, of_orders)  # much faster than along an axis so short
        return promised[: len(ideal.channels)], promised[len(ideal.channels) :]

    def _at_least(self, space: Space) -> Bounds:
        return at_least(space, self.hardware, self.batch)

    def _least(self, space: Space, bounds: Bounds) -> Values:
        least = np.full(len(self.cuts.dataflows), np.inf)
        np.minimum.at(least, _owner_of_places(space), worth_of(bounds, self.among_dataflows))
        return least

    def _delivered_by_fewest_tiles(self, space: Space) -> Values:
        """The best of a few mappings of each layer: each cut of the channels with the coarsest pictures."""
        tiles = column_of(entries(space.pictures.tiles, space.of_pictures), len(space.owner))
        first = best_of_each(space.of_channels, tiles, FIRST_PICTURES)
        places = np.ravel(first[:, np.newaxis] * len(ORDERS) + np.arange(len(ORDERS)))
        return self._delivered(space, places[space.fits.T.ravel()[places]])

    def _delivered_by_most_promising(self, space: Space, bounds: Bounds) -> Values:
        """The mapping of each layer that promises most."""
        promised = worth_of(bounds, self.among_tiles)
        places = best_of_each(_owner_of_places(space), promised, 1)
        return self._delivered(space, places[np.isfinite(promised[places])])

    def _delivered(self, space: Space, places: Ints) -> Values:
        """The best of some mappings of each layer; infinite where there is none."""
        some = evaluate(space, self.hardware, self.batch, places)
        delivered = np.full(len(self.cuts.dataflows), np.inf)
        owner = space.owner[places // len(ORDERS)]
        np.minimum.at(delivered, owner, worth(some.time_cycles, some.energy, self.among_tiles))
        return delivered

    def _ranked(
        self, space: Space, bounds: Bounds, to_beat: Values, most: int, likely: float = math.inf
    ) -> dict[int, list[Contender]]:
        """Of each layer the best that may beat something, and that promise nearly as much as the best."""
        places = self._that_may_beat(space, bounds, to_beat)
        if not len(places):
            return {}
        owner = _owner_of_places(space)[places]
        seen = evaluate(space, self.hardware, self.batch, places)
        ranked = best_first(seen.time_cycles, seen.energy, self.among_tiles, owner)
        if likely < math.inf:
            delivered = worth(seen.time_cycles, seen.energy, self.among_tiles)
            first = ranked[rank_within(owner[ranked]) == 0]
            best = np.empty(len(self.cuts.dataflows))
            best[owner[first]] = delivered[first]
            promised = worth_of(bounds, self.among_tiles)[places]
            ranked = ranked[as_good(promised, best[owner] * (1 + likely))[ranked]]
        ranked = ranked[rank_within(owner[ranked]) < most]
        found: dict[int, list[Contender]] = {}
        for index in ranked.tolist():
            layer, (tile, order) = int(owner[index]), seen.mapping_of(index)
            time, energy = float(seen.time_cycles[index]), float(seen.energy[index])
            contender = Contender(self.cuts.dataflows[layer], tile, order, time, energy)
            found.setdefault(layer, []).append(contender)
        return found

    def _that_may_beat(self, space: Space, bounds: Bounds, to_beat: Values) -> Ints:
        promised = worth_of(bounds, self.among_tiles)
        return np.flatnonzero(np.isfinite(promised) & as_good(promised, to_beat[_owner_of_places(space)]))


def portions(sizes: Sequence[int], most: int) -> Iterator[slice]:
    """Successive entries whose sizes are no more than `most` together, one entry at least."""
    begin = together = 0
    for end, size in enumerate(sizes):
        if end > begin and together + size > most:
            yield slice(begin, end)
            begin, together = end, 0
        together += size
    if sizes:
        yield slice(begin, len(sizes))


def _owner_of_places(space: Space) -> Ints:
    """The layer of each place."""
    return np.repeat(space.owner, len(ORDERS))
