"""Shortlist: of all mappings of a layer onto a pool, those that may be chosen, whatever room there is.

There are some ten thousand mappings of a layer. For each set of operands that move, only those count whose
price is, to within a tolerance, the least that fits the room which they need themselves.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, assert_never

import numpy as np

from accelsim.columns import Floats, Ints
from accelsim.hardware import Objective
from accelsim.mapping.arithmetic import entries
from accelsim.mapping.mapping import Choice
from accelsim.mapping.pool import Costs, LayerMappings, MappingCuts
from accelsim.mapping.staircase import Moved, Movement, Staircase, StepCost, Weights
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
SLOPES: Final = tuple(2.0**power for power in range(-4, 5))
"""What an energy-delay product weighs time against energy with, as multiples of a layer's own ratio: that of
the whole network, which is what is planned for, may differ from it."""


@dataclass(frozen=True)
class Shortlist:
    """Mappings of one layer with some operands moving: N of them."""

    layer: Layer
    """In the form in which it is executed."""
    images: int
    """That it goes through one after the other."""
    movement: Movement
    cuts: MappingCuts
    """What the mappings are, N entries."""
    costs: Costs
    """And what they cost."""

    @property
    def held_bytes(self) -> int:
        """What it takes, estimated."""
        return _ENTRY_BYTES * (1 + len(self.costs.room_bytes))

    def staircase(self, weights: Weights) -> Staircase:
        """The best by a weighted sum, for every room."""
        costs = self.costs
        return Staircase.from_candidates(
            costs.room_bytes, costs.time_cycles, costs.energy, costs.dram_bytes, weights
        )

    def nearly_best(self, room_bytes: int, weights: Weights) -> list[int]:
        """The best mappings that a room holds, the best first: a few within the tolerance.

        Of equal ones those in fewer tiles come first, which begin and end less often.
        """
        costs = self.costs
        fitting = np.flatnonzero(costs.room_bytes <= room_bytes)
        prices = _prices(costs, weights)[fitting]
        keys = costs.tiles, costs.time_cycles, costs.dram_bytes
        ranked = np.lexsort((*[key[fitting] for key in keys], prices))[:MOST_JUDGED]
        within = prices[ranked] <= prices[ranked[:1]] * (1 + TOLERANCE)
        return [int(index) for index in fitting[ranked[within]]]

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


def shortlist(mappings: LayerMappings, movement: Movement, objective: Objective) -> Shortlist:
    """The shortlist of a layer.

    Args:
        mappings: All that a pool can hold.
        movement: Operands that come from outside, or go there; the others lie in the pool.
        objective: What the network is planned by.
    """
    costs = mappings.costs(movement)
    sums = _weights_of(costs, objective)
    hopeful = _hopeful(costs, sums)
    by_room = hopeful[np.argsort(costs.room_bytes[hopeful], kind="stable")]
    hopeful_costs = entries(costs, by_room)
    chosen = np.zeros(len(by_room), dtype=np.bool_)
    for weights in sums:
        chosen[_best_few(hopeful_costs, weights)] = True
    numbers = np.sort(by_room[chosen])
    return Shortlist(
        mappings.layer, mappings.images, movement, mappings.cuts_of(numbers), entries(costs, numbers)
    )


def _best_few(costs: Costs, weights: Weights) -> Ints:
    """For every room the few best mappings that it holds, by a weighted sum; of mappings by rising room."""
    prices = _prices(costs, weights)
    near = np.flatnonzero(prices <= np.minimum.accumulate(prices) * (1 + TOLERANCE))
    # One that needs no less room than `MOST_JUDGED` better ones is no use: first by prices, of which many may
    # be equal, then by ranks.
    near = near[prices[near] <= _least_before(prices[near])]
    keys = costs.room_bytes, costs.tiles, costs.time_cycles, costs.dram_bytes
    rank = np.empty(len(near))
    rank[np.lexsort((*[key[near] for key in keys], prices[near]))] = np.arange(len(near))
    by_room = np.lexsort((rank, costs.room_bytes[near]))
    return near[by_room[rank[by_room] < _least_before(rank[by_room])]]


def _least_before(values: Floats) -> Floats:
    """Before each of some values: of those that came, the one that as many as are judged do not exceed."""
    coming = values
    for _ in range(MOST_JUDGED):
        least = np.concatenate(([np.inf], np.minimum.accumulate(coming)))[:-1]
        coming = np.maximum(least, coming)  # what is not among the least so far, one place further down
    return least


def _hopeful(costs: Costs, sums: Sequence[Weights]) -> Ints:
    """Numbers of the mappings than which none that certainly needs less room is better by the tolerance.

    Room is divided into shelves. A mapping is compared with the best, by some sums, of all shelves below its
    own: what takes more time and more energy than one of these is no use by any sum. That rules out most
    without sorting them.
    """
    rooms_bytes = costs.room_bytes
    shelf = rooms_bytes // (int(rooms_bytes.max(initial=0)) // SHELVES + 1)
    hopeful, time, energy, on = np.arange(len(rooms_bytes)), costs.time_cycles, costs.energy, shelf
    for weights in sums[:: max(1, len(sums) // 2)]:
        prices = weights.cycles * time + weights.energy * energy
        best = np.full(SHELVES, np.inf)
        np.minimum.at(best, on, prices)
        is_best = prices == best[on]
        best_cost = np.full((2, SHELVES), np.inf)
        best_cost[:, on[is_best]] = time[is_best], energy[is_best]
        # Of each shelf the one that is best so far, its own included; a mapping has those below its own.
        so_far = np.maximum.accumulate(np.where(best <= np.minimum.accumulate(best), _ALL_SHELVES, 0))
        below = np.full((2, SHELVES), np.inf)
        below[:, 1:] = best_cost[:, so_far[:-1]] * ((1 + TOLERANCE) * (1 + _ROUNDING))
        least_time, least_energy = below[:, on]
        left = np.flatnonzero((time <= least_time) | (energy <= least_energy))
        hopeful, time, energy, on = hopeful[left], time[left], energy[left], on[left]
    return hopeful


def _weights_of(costs: Costs, objective: Objective) -> list[Weights]:
    """By which sums a network may be planned for an objective."""
    match objective:
        case "time":
            return [Weights(cycles=1)]
        case "energy":
            return [Weights(energy=1)]
        case "edp":
            time, energy = float(costs.time_cycles.min(initial=1)), float(costs.energy.min(initial=1))
            between = [Weights(cycles=energy * slope, energy=time) for slope in SLOPES]
            return [Weights(cycles=1), *between, Weights(energy=1)]
        case _:
            assert_never(objective)


def _prices(costs: Costs, weights: Weights) -> Floats:
    prices: Floats = weights.cycles * costs.time_cycles + weights.energy * costs.energy
    return prices
