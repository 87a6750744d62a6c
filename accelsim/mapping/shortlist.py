"""Shortlist: of all mappings of a layer onto a pool, those that may be chosen, whatever room there is.

There are some ten thousand mappings of a layer. For each set of operands that move, only those count whose
price is, to within a tolerance, the least that fits the room which they need themselves.
"""

from bisect import insort
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, assert_never

import numpy as np

from accelsim.columns import Floats, Ints
from accelsim.hardware import Objective
from accelsim.mapping.arithmetic import entries
from accelsim.mapping.mapping import Choice
from accelsim.mapping.pool import Costs, LayerMappings, MappingCuts
from accelsim.mapping.settle import COMPILER
from accelsim.mapping.staircase import Moved, Staircase, StepCost, Weights
from accelsim.network.layer import Layer

MOST_JUDGED: Final = COMPILER.max_judged
"""Mappings of a layer that are simulated at most, for one set of operands that move and one room."""
TOLERANCE: Final = 0.005
"""By which part of the price a mapping may be worse than the best by its bounds, and still be simulated."""
SHELVES: Final = 512
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
    moved: Moved
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
        """The best mappings that a room holds, the best first: a few within the tolerance."""
        costs = self.costs
        fitting = np.flatnonzero(costs.room_bytes <= room_bytes)
        prices = _prices(costs, weights)[fitting]
        ranked = np.lexsort((costs.time_cycles[fitting], costs.dram_bytes[fitting], prices))[:MOST_JUDGED]
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


def shortlist(mappings: LayerMappings, moved: Moved, objective: Objective) -> Shortlist:
    """The shortlist of a layer.

    Args:
        mappings: All that a pool can hold.
        moved: Operands that come from outside, or go there; the others lie in the pool.
        objective: What the network is planned by.
    """
    costs = mappings.costs(moved)
    chosen: set[int] = set()
    for weights in _weights_of(costs, objective):
        chosen.update(_best_few(costs, weights))
    numbers = np.array(sorted(chosen), dtype=np.int64)
    return Shortlist(
        mappings.layer, mappings.images, moved, entries(mappings.cuts, numbers), entries(costs, numbers)
    )


def _best_few(costs: Costs, weights: Weights) -> Iterator[int]:
    """For every room the few best mappings that it holds, by a weighted sum."""
    prices, rooms_bytes = _prices(costs, weights), costs.room_bytes
    hopeful = _hopeful(rooms_bytes, prices)
    by_room = hopeful[np.argsort(rooms_bytes[hopeful], kind="stable")]
    near = by_room[prices[by_room] <= np.minimum.accumulate(prices[by_room]) * (1 + TOLERANCE)]
    keys = (rooms_bytes[near], costs.time_cycles[near], costs.dram_bytes[near], prices[near])
    ranked = near[np.lexsort(keys)]
    # From the best to the worst: one that needs as much room as `MOST_JUDGED` better ones is no use.
    rooms: list[int] = []
    for index, room in zip(ranked.tolist(), rooms_bytes[ranked].tolist(), strict=True):
        if len(rooms) < MOST_JUDGED or room < rooms[-1]:
            yield index
            insort(rooms, room)
            del rooms[MOST_JUDGED:]


def _hopeful(room_bytes: Ints, prices: Floats) -> Ints:
    """Numbers of the mappings than which none that certainly needs less room is better by the tolerance.

    Room is divided into shelves, and a mapping is compared with the best of all shelves below its own: that
    rules out most without sorting them.
    """
    shelf = room_bytes // (int(room_bytes.max(initial=0)) // SHELVES + 1)
    best = np.full(SHELVES + 2, np.inf)
    np.minimum.at(best, shelf + 1, prices)
    return np.flatnonzero(prices <= np.minimum.accumulate(best)[shelf] * (1 + TOLERANCE))


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
