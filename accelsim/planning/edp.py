"""The least product of energy and delay, by plans that minimise sums of prices.

The product is no sum over steps. But around a plan of time T0 and energy E0 it grows as E x T0 + T x E0 does,
which is one; and a plan that has no more of that than the last one has no larger product: the geometric mean of
E x T0 and T x E0 is at most their arithmetic one.
"""

from collections.abc import Callable
from typing import TypeAlias

from accelsim.planning.residency import DoesNotFit, ResidencyPlan
from accelsim.planning.staircase import Cost, Weights

PlanByWeights: TypeAlias = Callable[[Weights], ResidencyPlan | DoesNotFit]


def least_edp(plan: PlanByWeights, start: Cost) -> ResidencyPlan | DoesNotFit:
    """The plan that is found where each is the best around the last one, until none is better.

    Args:
        plan: The plan of least price by weights, which does not depend on anything else.
        start: What is planned around first: what it costs to keep nothing.

    Returns:
        The last plan that was better than the one before; or why there is none.

    Example:
        >>> import numpy as np
        >>> from accelsim.hardware import Operand
        >>> from accelsim.planning.planner import plan_residency
        >>> from accelsim.planning.residency import Pool
        >>> from accelsim.planning.staircase import Staircase
        >>> from accelsim.planning.tensors import LayerUse, NetworkTensors, Tensor
        >>> tensors = Tensor("image", 6, is_image=True), Tensor("fc", 1, is_result=True)
        >>> network = NetworkTensors(tensors, (LayerUse((0,), (), 1),))
        >>> moved = frozenset({Operand.INPUTS, Operand.OUTPUTS})
        >>> columns = np.array([10, 20]), np.array([90, 30]), np.array([2, 4]), np.array([7, 7])
        >>> def plan(weights):
        ...     stairs = Staircase.from_candidates(*columns, weights)
        ...     return plan_residency(network, Pool(64), [{moved: stairs}])
        >>> least_edp(plan, start=Cost(cycles=90, energy=2)).cost
        Cost(cycles=30, energy=4, dram_bytes=7)
    """
    best = plan(_around(start))
    while isinstance(best, ResidencyPlan):
        following = plan(_around(best.cost))
        if isinstance(following, DoesNotFit) or _edp(following.cost) >= _edp(best.cost):
            break
        best = following
    return best


def _around(cost: Cost) -> Weights:
    """Of time the energy, and of energy the time, so that both parts of the price are as large."""
    return Weights(cycles=float(cost.energy), energy=float(cost.cycles))


def _edp(cost: Cost) -> float:
    return cost.energy * cost.cycles
