"""Shortlist: of all mappings of a layer onto a pool, those that may be chosen, whatever room there is.

There are some ten thousand mappings of a layer. For each set of operands that move, only those count whose
price is, to within a tolerance, the least that fits the room which they need themselves.
"""

from dataclasses import dataclass
from typing import Final, assert_never

import numpy as np

from accelsim.columns import Floats
from accelsim.hardware import Objective
from accelsim.mapping.arithmetic import entries
from accelsim.mapping.mapping import Choice
from accelsim.mapping.pool import Costs, LayerMappings, MappingCuts
from accelsim.network.layer import Layer
from accelsim.planning.staircase import Cost, Moved, Staircase, Weights

TOLERANCE: Final = 0.005
"""By which part of the price a mapping may be worse than the best by its bounds, and still be simulated."""
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
    moved: Moved
    cuts: MappingCuts
    """What the mappings are, N entries."""
    costs: Costs
    """And what they cost."""

    def staircase(self, weights: Weights) -> Staircase:
        """The best by a weighted sum, for every room."""
        costs = self.costs
        return Staircase.from_candidates(
            costs.room_bytes, costs.time_cycles, costs.energy, costs.dram_bytes, weights
        )

    def nearly_best(self, room_bytes: int, weights: Weights, most: int) -> list[int]:
        """The best mappings that a room holds, the best first: no more than `most`, within the tolerance."""
        costs = self.costs
        fitting = np.flatnonzero(costs.room_bytes <= room_bytes)
        prices = _prices(costs, weights)[fitting]
        ranked = np.lexsort((costs.dram_bytes[fitting], prices))[:most]
        within = prices[ranked] <= prices[ranked[:1]] * (1 + TOLERANCE)
        return [int(index) for index in fitting[ranked[within]]]

    def cost(self, index: int) -> Cost:
        """Of one of the mappings."""
        costs = self.costs
        return Cost(float(costs.time_cycles[index]), float(costs.energy[index]), int(costs.dram_bytes[index]))

    def choice(self, index: int, moved: Moved, placed: Moved) -> Choice:
        """What the program of one of the mappings follows from."""
        cycles = int(self.costs.time_cycles[index])
        return self.cuts.choice(index, self.layer, cycles, moved, placed)


def shortlist(mappings: LayerMappings, moved: Moved, objective: Objective) -> Shortlist:
    """The shortlist of a layer.

    Args:
        mappings: All that a pool can hold.
        moved: Operands that come from outside, or go there; the others lie in the pool.
        objective: What the network is planned by.
    """
    costs = mappings.costs(moved)
    by_room = np.lexsort((costs.dram_bytes, costs.room_bytes))
    near = np.zeros(len(by_room), dtype=np.bool_)
    for weights in _weights_of(costs, objective):
        prices = _prices(costs, weights)[by_room]
        near |= prices <= np.minimum.accumulate(prices) * (1 + TOLERANCE)
    chosen = by_room[near]
    return Shortlist(
        mappings.layer, mappings.images, moved, entries(mappings.cuts, chosen), entries(costs, chosen)
    )


def _weights_of(costs: Costs, objective: Objective) -> list[Weights]:
    """By which sums a network may be planned for an objective."""
    match objective:
        case "time":
            return [Weights(cycles=1)]
        case "energy":
            return [Weights(energy=1)]
        case "edp":
            time, energy = float(costs.time_cycles.min(initial=1)), float(costs.energy.min(initial=1))
            return [Weights(cycles=energy * slope, energy=time) for slope in SLOPES]
        case _:
            assert_never(objective)


def _prices(costs: Costs, weights: Weights) -> Floats:
    prices: Floats = weights.cycles * costs.time_cycles + weights.energy * costs.energy
    return prices
