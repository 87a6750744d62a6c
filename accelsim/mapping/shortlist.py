"""Shortlist: of all mappings of a layer onto a pool, those that may be chosen, whatever room there is.

There are some ten thousand mappings of a layer. For each set of operands that move, only those count whose
price is, to within a tolerance, the least that fits the room which they need themselves.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final, Self

import numpy as np

from accelsim.columns import Floats, Ints
from accelsim.mapping.arithmetic import entries
from accelsim.mapping.mapping import Choice
from accelsim.mapping.pool import Bounds, Costs, LayerTiles, MappingCuts, TriedCuts
from accelsim.mapping.staircase import Column, Moved, Movement, Staircase, StepCost, Weights
from accelsim.network.layer import Layer

MOST_JUDGED: Final = 16
"""Mappings of a layer that are simulated at most, for one set of operands that move and one room. In banks
fewer do; what lies in a pool moves nothing however it is cut, so that many mappings have the same bounds."""
TOLERANCE: Final = 0.005
"""By which part of the price a mapping may be worse than the best by its bounds, and still be simulated."""
SHELVES: Final = 512
_ALL_SHELVES: Final = np.arange(SHELVES)
_ROUNDING: Final = 1e-9
"""Of sums: what is better by that much less than the tolerance is not ruled out."""
_ENTRY_BYTES: Final = 120
"""Of a shortlist: ten numbers and a name."""
SLOPES: Final = (1 / 16, 1 / 4)
"""What an energy-delay product weighs time against energy with, as multiples of a layer's own ratio: less
than it, since within a network a layer does not wait for its weights as it does by itself."""

_OF_EVERY_PLAN: Final = (Weights(cycles=1), Weights(energy=1))


@dataclass(frozen=True)
class Shortlist:
    """Mappings of one layer with some operands moving: N of them."""

    layer: Layer
    """In the form in which it is executed."""
    images: int
    """That it goes through one after the other."""
    movement: Movement
    cuts: MappingCuts | TriedCuts
    """What the mappings are, N entries."""
    costs: Costs
    """And what they cost."""
    _staircases: dict[Weights, Staircase] = field(default_factory=dict, compare=False, repr=False)
    """By weights that every network is planned by."""

    @property
    def held_bytes(self) -> int:
        """What it takes, estimated."""
        return _ENTRY_BYTES * (1 + len(self.costs.room_bytes))

    def staircase(self, weights: Weights) -> Staircase:
        """The best by a weighted sum, for every room."""
        known = self._staircases.get(weights)
        if known is not None:
            return known
        staircase = Staircase.from_ordered(*self._ordered, weights)
        if weights in _OF_EVERY_PLAN:
            self._staircases[weights] = staircase
        return staircase

    @cached_property
    def _ordered(self) -> tuple[Column, Column, Column, Column, Ints]:
        """Room, time, energy, bytes outside and number of each, as a staircase takes them."""
        costs = self.costs
        order: Ints = np.lexsort((costs.room_bytes, costs.time_cycles, costs.dram_bytes))
        columns = costs.room_bytes, costs.time_cycles, costs.energy, costs.dram_bytes
        room_bytes, cycles, energy, dram_bytes = [column[order] for column in columns]
        return room_bytes, cycles, energy, dram_bytes, order

    def nearly_best(self, room_bytes: int, weights: Weights) -> list[int]:
        """The best mappings that a room holds, the best first: a few within the tolerance.

        Of equal ones those in fewer tiles come first, which begin and end less often; of these the ones that
        need less room. So it does not matter by which sums others were listed.
        """
        costs = self.costs
        fitting = np.flatnonzero(costs.room_bytes <= room_bytes)
        prices = _prices(costs, weights)[fitting]
        within = np.flatnonzero(prices <= prices.min(initial=np.inf) * (1 + TOLERANCE))
        numbers, prices = fitting[within], prices[within]
        keys = costs.room_bytes, costs.tiles, costs.time_cycles, costs.dram_bytes
        ranked = np.lexsort((*[key[numbers] for key in keys], prices))[:MOST_JUDGED]
        return [int(index) for index in numbers[ranked]]

    def cost(self, index: int) -> StepCost:
        """Of one of the mappings."""
        costs = self.costs
        return StepCost(
            float(costs.time_cycles[index]), float(costs.energy[index]), int(costs.dram_bytes[index])
        )

    def choice(self, index: int, moved: Moved, placed: Moved) -> Choice:
        """What the program of one of the mappings follows from."""
        cycles = int(self.costs.time_cycles[index])
        return self.cuts.choice(index, self.layer, cycles, moved, placed)


def shortlist(tiles: LayerTiles, movement: Movement) -> Shortlist:
    """The shortlist of a layer, for every objective that a network is planned by.

    Args:
        tiles: All that a pool can hold.
        movement: Operands that come from outside, or go there; the others lie in the pool.
    """
    first = tiles.in_first_order().costs(movement)
    shelves = _Shelves.of(first, _sums_of(first, tiles.pool_bytes))
    mappings = tiles.mappings(shelves.hopeful(tiles.least(movement)))
    costs = mappings.costs(movement)
    hopeful = shelves.hopeful(costs)
    by_room = hopeful[np.argsort(costs.room_bytes[hopeful], kind="stable")]
    numbers = np.sort(by_room[_best_few(entries(costs, by_room), _sums_of(costs, tiles.pool_bytes))])
    cuts = mappings.cuts_of(numbers)
    return Shortlist(mappings.layer, mappings.images, movement, cuts, entries(costs, numbers))


def _best_few(costs: Costs, sums: Sequence[Weights]) -> Ints:
    """For every room the few best mappings that it holds, by each sum; of mappings by rising room."""
    cycles, energy = (np.array(weights)[:, np.newaxis] for weights in list(zip(*sums, strict=True))[:2])
    prices = cycles * costs.time_cycles + energy * costs.energy
    near = prices <= np.minimum.accumulate(prices, axis=1) * (1 + TOLERANCE)
    numbers = np.flatnonzero(near.any(axis=0))
    near, prices, keys = near[:, numbers], prices[:, numbers], entries(costs, numbers)
    ties = np.lexsort((keys.room_bytes, keys.tiles, keys.time_cycles, keys.dram_bytes))
    rank = np.empty(prices.shape, dtype=np.int64)
    by_price = np.argsort(prices[:, ties], axis=1, kind="stable")
    rank[np.arange(len(sums))[:, np.newaxis], ties[by_price]] = np.arange(len(numbers))
    rank[np.logical_not(near)] = len(numbers)
    # One that needs no less room than `MOST_JUDGED` better ones is no use.
    return numbers[(rank < _least_before(rank, len(numbers))).any(axis=0)]


def _least_before(ranks: Ints, most: int) -> Ints:
    """Before each entry of rows: of those that came, the one that as many as are judged do not exceed."""
    least = np.full_like(ranks, most)
    coming = ranks
    for _ in range(MOST_JUDGED):
        np.minimum.accumulate(coming[:, :-1], axis=1, out=least[:, 1:])
        coming = np.maximum(least, coming)  # what is not among the least so far, one place further down
    return least


@dataclass(frozen=True)
class _Shelves:
    """What rules most mappings out without sorting them: room, divided into shelves.

    A mapping is compared with the best, by some sums, of all shelves below its own: what takes more time and
    more energy than one of these, by the tolerance, is no use by any sum.
    """

    width_bytes: int
    least: "tuple[tuple[Floats, Floats], ...]"
    """By each sum: time and energy that one of those below a shelf takes, and the tolerance."""

    @classmethod
    def of(cls, costs: Costs, sums: Sequence[Weights]) -> Self:
        """Of some mappings, and some of the sums."""
        width_bytes = int(costs.room_bytes.max(initial=0)) // SHELVES + 1
        on = costs.room_bytes // width_bytes
        least = []
        for weights in sums[:: max(1, len(sums) // 2)]:
            prices = _prices(costs, weights)
            best = np.full(SHELVES, np.inf)
            np.minimum.at(best, on, prices)
            is_best = np.flatnonzero(prices == best[on])
            # Of each shelf the one that is best so far, its own included; those below its own are of use.
            so_far = np.maximum.accumulate(np.where(best <= np.minimum.accumulate(best), _ALL_SHELVES, 0))
            below = np.full((2, SHELVES + 1), np.inf)
            for of_shelf, costs_of in zip(below, (costs.time_cycles, costs.energy), strict=True):
                of_shelf[1:][on[is_best]] = costs_of[is_best]
                of_shelf[1:] = of_shelf[1:][so_far] * ((1 + TOLERANCE) * (1 + _ROUNDING))
            least.append((below[0], below[1]))
        return cls(width_bytes, tuple(least))

    def hopeful(self, bounds: Bounds | Costs) -> Ints:
        """Numbers of those that are not ruled out, by what they do not go below."""
        on = np.minimum(bounds.room_bytes // self.width_bytes, SHELVES)
        numbers, time, energy = np.arange(len(on)), bounds.time_cycles, bounds.energy
        for least_time, least_energy in self.least:
            left = np.flatnonzero((time <= least_time[on]) | (energy <= least_energy[on]))
            numbers, on, time, energy = numbers[left], on[left], time[left], energy[left]
        return numbers


def _sums_of(costs: Costs, pool_bytes: int) -> list[Weights]:
    """By which a network may be planned: time, energy, and what changes as their product does.

    What the pool does not hold has no part in it: such mappings are listed where weights may lie in the pool
    for a while, and a layer of which none do is to be planned as on a machine on which none ever do.
    """
    fitting = costs.room_bytes <= pool_bytes
    time, energy = (1.0, 1.0)
    if fitting.any():
        time, energy = (float(column[fitting].min()) for column in (costs.time_cycles, costs.energy))
    between = [Weights(cycles=energy * slope, energy=time) for slope in SLOPES]
    return [Weights(cycles=1), *between, Weights(energy=1)]


def _prices(costs: Costs, weights: Weights) -> Floats:
    prices: Floats = weights.cycles * costs.time_cycles + weights.energy * costs.energy
    return prices
