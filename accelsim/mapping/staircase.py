"""Staircase: what a layer costs at least, by the room that its tiles have.

The more room, the lower the price, in steps: each stair is the mapping that is the best of those that the
room holds. There is one staircase of a layer for each set of operands that move between the pool and the
memory outside; the others lie in the pool already, and their tensors take room there of their own.
"""

import math
from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple, Self, TypeAlias

import numpy as np

from accelsim.columns import Floats, Ints
from accelsim.hardware.operand import Operand

Moved: TypeAlias = frozenset[Operand]
"""The operands of a step that move between the pool and the memory outside."""


class Arriving(NamedTuple):
    """Operands that move, of which the inputs come to a place in the pool: once, and they stay.

    Example:
        >>> Operand.INPUTS in Arriving(frozenset({Operand.INPUTS})).moved
        True
    """

    moved: Moved


Movement: TypeAlias = Moved | Arriving
"""What of a step moves, and how. A layer's mappings are known for each."""
Column: TypeAlias = "Ints | Floats"


class StepCost(NamedTuple):
    """What a step, or a plan, costs.

    Example:
        >>> StepCost.total([StepCost(100, 6400.0, 64), StepCost(10)])
        StepCost(cycles=110, energy=6400.0, dram_bytes=64)
    """

    cycles: float = 0
    """Of a layer that runs alone."""
    energy: float = 0
    """In the machine's unit."""
    dram_bytes: int = 0
    """Read and written outside."""

    def in_cycles(self, cycles: float, static_per_cycle: float) -> "StepCost":
        """The same in another time, with what the machine draws in a cycle."""
        static = static_per_cycle * (cycles - self.cycles) if static_per_cycle else 0.0
        return self._replace(cycles=cycles, energy=self.energy + static)

    @classmethod
    def total(cls, costs: "Iterable[StepCost]") -> "StepCost":
        """Of several steps, one after the other."""
        cycles, energy, dram_bytes = zip(*costs, strict=True)
        return cls(sum(cycles), sum(energy), sum(dram_bytes))


class Weights(NamedTuple):
    """What is minimised: the sum of each cost times its weight.

    Example:
        >>> Weights(dram_bytes=1).price(StepCost(cycles=100, energy=6400.0, dram_bytes=64))
        64.0
    """

    cycles: float = 0.0
    """Of one cycle."""
    energy: float = 0.0
    """Of one unit of energy."""
    dram_bytes: float = 0.0
    """Of one byte that is read or written outside."""

    def price(self, cost: StepCost) -> float:
        """Of one cost."""
        return float(
            self.cycles * cost.cycles + self.energy * cost.energy + self.dram_bytes * cost.dram_bytes
        )


@dataclass(frozen=True, slots=True)
class Staircase:
    """Rising room, falling price. Of equal prices the one with fewer bytes outside counts as lower, then the
    faster one.

    Example:
        >>> stairs = Staircase((1024, 4096), (900.0, 500.0), (StepCost(900), StepCost(500)), (3, 0))
        >>> stairs.at(2048), stairs.at(512), stairs.stair(2048)
        (900.0, inf, 0)
    """

    room_bytes: tuple[int, ...]
    """The least room of each stair, rising."""
    prices: tuple[float, ...]
    """Of each stair, falling."""
    costs: tuple[StepCost, ...]
    """Of each stair."""
    candidates: tuple[int, ...]
    """Which of the candidates each stair is."""

    @classmethod
    def from_candidates(
        cls, room_bytes: Column, cycles: Column, energy: Column, dram_bytes: Column, weights: Weights
    ) -> Self:
        """The staircase of columns of candidate mappings; those whose price is infinite are left out.

        Args:
            room_bytes: What each candidate's tiles take of the pool.
            cycles: Of each, alone.
            energy: Of each.
            dram_bytes: What each moves.
            weights: What is minimised.

        Returns:
            The best of those that need at most a room, for every room.

        Example:
            >>> room, cycles, zeros = np.array([4096, 512, 1024]), np.array([50, 90, 95]), np.zeros(3, int)
            >>> Staircase.from_candidates(room, cycles, zeros, zeros, Weights(cycles=1)).candidates
            (1, 0)
        """
        order = np.lexsort((room_bytes, cycles, dram_bytes))
        columns = room_bytes[order], cycles[order], energy[order], dram_bytes[order]
        return cls.from_ordered(*columns, order, weights)

    @classmethod
    def from_ordered(
        cls,
        room_bytes: Column,
        cycles: Column,
        energy: Column,
        dram_bytes: Column,
        candidates: Ints,
        weights: Weights,
    ) -> Self:
        """The same of columns in the order of equal prices: by bytes outside, then time, then room.

        Args:
            room_bytes: What each candidate's tiles take of the pool.
            cycles: Of each, alone.
            energy: Of each.
            dram_bytes: What each moves.
            candidates: What each is known by.
            weights: What is minimised.

        Returns:
            The best of those that need at most a room, for every room.

        Example:
            >>> room, cycles, zeros = np.array([512, 4096]), np.array([90, 50]), np.zeros(2, int)
            >>> columns = room, cycles, zeros, zeros
            >>> Staircase.from_ordered(*columns, np.array([7, 3]), Weights(cycles=1)).candidates
            (7, 3)
        """
        prices = weights.cycles * cycles + weights.energy * energy + weights.dram_bytes * dram_bytes
        # From the lowest price to the highest; of equal ones none of the others is a stair. Whatever needs no
        # less room than a better one is no stair.
        ranked = np.argsort(prices, kind="stable")
        ranked = ranked[np.isfinite(prices[ranked])]
        rooms_bytes = room_bytes[ranked]
        is_stair = np.ones(len(ranked), dtype=np.bool_)
        is_stair[1:] = rooms_bytes[1:] < np.minimum.accumulate(rooms_bytes)[:-1]
        stairs = ranked[is_stair][::-1]
        costs = zip(*(column[stairs].tolist() for column in (cycles, energy, dram_bytes)), strict=True)
        return cls(
            tuple(room_bytes[stairs].tolist()),
            tuple(prices[stairs].tolist()),
            tuple([StepCost(*cost) for cost in costs]),
            tuple(candidates[stairs].tolist()),
        )

    def beside(self, lost_bytes: int) -> Self:
        """The same beside so many bytes that tiles cannot have.

        Example:
            >>> Staircase((1024,), (900.0,), (StepCost(900),), (3,)).beside(512).at(1024)
            inf
        """
        return replace(self, room_bytes=tuple([lost_bytes + room_bytes for room_bytes in self.room_bytes]))

    def stair(self, room_bytes: int) -> int | None:
        """The best stair that a room holds; None where it holds none."""
        index = bisect_right(self.room_bytes, room_bytes) - 1
        return index if index >= 0 else None

    def at(self, room_bytes: int) -> float:
        """The least price in a room; infinite where no candidate fits."""
        index = self.stair(room_bytes)
        return math.inf if index is None else self.prices[index]


StepPrices: TypeAlias = Mapping[Movement, Staircase]
"""Of one step: the staircase of each set of operands that may move. All of them, or none, name the weights:
those that stay (pins) do not move."""


def moved_by(movement: Movement) -> Moved:
    """The operands that move, whether the inputs stay or not.

    Example:
        >>> moved_by(Arriving(frozenset({Operand.INPUTS}))) == moved_by(frozenset({Operand.INPUTS}))
        True
    """
    return movement.moved if isinstance(movement, Arriving) else movement


def movement_of(moved: Moved, placed: Moved) -> Movement:
    """What moves: inputs that move although they have a place in the pool arrive there.

    Example:
        >>> inputs = frozenset({Operand.INPUTS})
        >>> movement_of(inputs, placed=frozenset()) == inputs, movement_of(inputs, placed=inputs) == inputs
        (True, False)
    """
    return Arriving(moved) if Operand.INPUTS in moved & placed else moved


def beside_pinned_weights(movement: Movement) -> Movement:
    """The same, but that weights do not move.

    Example:
        >>> beside_pinned_weights(frozenset({Operand.WEIGHTS}))
        frozenset()
    """
    moved = moved_by(movement) - {Operand.WEIGHTS}
    return Arriving(moved) if isinstance(movement, Arriving) else moved
