"""Remainder: what the steps that are left cost at least, in whatever state they begin.

By it the states are ranked where more are reached than are followed, and it bounds what a plan may miss.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Final

from accelsim.planning.programme.stages import (
    ARRIVAL,
    COMBINATIONS,
    INPUTS,
    OUTPUTS,
    RESIDUAL,
    Stage,
    Stairs,
    TensorSet,
    members,
)
from accelsim.planning.residency import Pool
from accelsim.planning.tensors import NetworkTensors

_READS: Final = (0, INPUTS, RESIDUAL)


@dataclass(frozen=True)
class Remainder:
    """Of a network on a pool."""

    sums: tuple[float, ...]
    """By the step that comes next: the least prices of all that are left."""
    outside: tuple[dict[int, float], ...]
    """By the step that comes next: what is added, at least, by a tensor that then lies outside only."""

    @classmethod
    def of(
        cls, network: NetworkTensors, pool: Pool, stages: Sequence[Stage], stairs: Sequence[Stairs]
    ) -> "Remainder":
        """The remainders of all steps, with the staircases of each."""
        sizes = [tensor.size_bytes for tensor in network.tensors]
        least = [
            _least_prices(stage, of_stage, sizes, pool.size_bytes)
            for stage, of_stage in zip(stages, stairs, strict=True)
        ]
        sums = [*accumulate((prices[0] for prices in reversed(least)), initial=0.0)][::-1]
        outside: list[dict[int, float]] = [{}]
        for stage, prices in zip(reversed(stages), reversed(least), strict=True):
            outside.append(_added(stage, prices, outside[-1]))
        return cls(tuple(sums), tuple(outside[::-1]))

    def least(self, step: int, in_pool: TensorSet) -> float:
        """From a step on, with these tensors in the pool: all others that live lie outside."""
        added = self.outside[step]
        return self.sums[step] + sum([price for tensor, price in added.items() if not in_pool >> tensor & 1])


def _least_prices(stage: Stage, stairs: Stairs, sizes: Sequence[int], pool_bytes: int) -> dict[int, float]:
    """The least price of a step where no operand, the inputs, or the residual must be moved."""
    prices = dict.fromkeys(_READS, math.inf)
    for combination in COMBINATIONS:
        staircase = stairs[combination]
        if staircase is None:
            continue
        # What is not moved takes room, and what comes to stay.
        inside = 0 if combination & INPUTS and not combination & ARRIVAL else stage.inputs
        inside |= 0 if combination & RESIDUAL else stage.residuals
        inside |= 0 if combination & OUTPUTS else stage.output
        price = staircase.at(pool_bytes - sum([sizes[tensor] for tensor in members(inside)]))
        for forced in _READS:
            if combination & forced == forced:
                prices[forced] = min(prices[forced], price)
    return prices


def _added(stage: Stage, prices: dict[int, float], afterwards: dict[int, float]) -> dict[int, float]:
    """What each tensor outside adds, from this step on.

    Where several that a step reads lie outside, they force the same move: each adds its part, and together
    they never add more than it costs. A tensor that the step begins lies nowhere before it.
    """
    added = dict(afterwards)
    if stage.choices:
        added.pop(stage.output.bit_length() - 1, None)
    readers = len(members(stage.inputs)) + len(members(stage.residuals))
    for operand, tensors in ((INPUTS, stage.inputs), (RESIDUAL, stage.residuals)):
        if prices[operand] > prices[0]:
            for tensor in members(tensors):
                added[tensor] = added.get(tensor, 0.0) + (prices[operand] - prices[0]) / readers
    return added
