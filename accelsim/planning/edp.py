"""The least product of energy and delay, by plans that minimise weighted sums of both.

In the plane of cycles and energy the product is least at a corner of the convex hull of all plans, for it is
quasi-concave; and each corner is the plan of least price by some weights. Corners are looked for between the
fastest plan and the one of least energy: the plan that is best by the weights that make two corners equal is
a corner between them, or there is none. What lies between two corners lies above the lines on which they were
found, and is looked at only where the product at the crossing of these lines is less than the least so far.
"""

from collections.abc import Callable
from typing import Final, NamedTuple, Protocol, TypeVar, assert_never

from accelsim.hardware import Objective
from accelsim.mapping.staircase import StepCost, Weights
from accelsim.planning.residency import DoesNotFit


class Costed(Protocol):
    """What is compared: a plan, or what one may be made of."""

    @property
    def cost(self) -> StepCost:
        """What it costs as a whole."""


PlanT = TypeVar("PlanT", bound=Costed)
_ROUNDING: Final = 1e-12


class _Point(NamedTuple):
    cycles: float
    energy: float

    @property
    def product(self) -> float:
        return self.cycles * self.energy

    def towards(self, end: "_Point", part: float) -> "_Point":
        """So far on the way to another point."""
        return _Point(
            self.cycles + part * (end.cycles - self.cycles), self.energy + part * (end.energy - self.energy)
        )


class _Gap(NamedTuple):
    """Between two corners."""

    faster: _Point
    thriftier: _Point
    crossing: _Point
    """Of the lines below which no plan lies."""

    @property
    def weights(self) -> Weights:
        """By which both have the same price."""
        return Weights(self.faster.energy - self.thriftier.energy, self.thriftier.cycles - self.faster.cycles)


def least_edp(
    plan: Callable[[Weights], PlanT | DoesNotFit], start: StepCost, *, within: float = 0.001
) -> PlanT | DoesNotFit:
    """The plan with the least product of energy and delay.

    Args:
        plan: The plan of least price by weights; it should answer the same each time.
        start: A cost that is planned around first: what it costs to keep nothing.
        within: The part by which the product may exceed the least one; the less, the more plans are made.

    Returns:
        The plan; or why there is none.

    Example:
        >>> import numpy as np
        >>> from accelsim.hardware import Operand
        >>> from accelsim.mapping import Staircase
        >>> from accelsim.planning import LayerUse, NetworkTensors, Pool, Tensor, plan_residency
        >>> tensors = Tensor("image", 6, is_image=True), Tensor("fc", 1, is_result=True)
        >>> network = NetworkTensors(tensors, (LayerUse((0,), (), 1),))
        >>> moved = frozenset({Operand.INPUTS, Operand.OUTPUTS})
        >>> columns = np.array([10, 20]), np.array([90, 30]), np.array([2, 4]), np.array([7, 7])
        >>> def plan(weights):
        ...     stairs = Staircase.from_candidates(*columns, weights)
        ...     return plan_residency(network, Pool(64), [{moved: stairs}])
        >>> least_edp(plan, start=StepCost(cycles=90, energy=2)).cost
        StepCost(cycles=30, energy=4, dram_bytes=7)
    """
    first = plan(Weights(cycles=float(start.energy), energy=float(start.cycles)))
    return first if isinstance(first, DoesNotFit) else _best_corner(plan, first, within)


def best_plan(plan: Callable[[Weights], PlanT | DoesNotFit], objective: Objective) -> PlanT | DoesNotFit:
    """The best plan by an objective.

    Args:
        plan: The plan of least price by weights.
        objective: What is to be small.

    Returns:
        The plan; or why there is none.
    """
    match objective:
        case "time":
            return plan(Weights(cycles=1))
        case "energy":
            return plan(Weights(energy=1))
        case "edp":
            first = plan(Weights(energy=1))
            return first if isinstance(first, DoesNotFit) else least_edp(plan, first.cost)
        case _:
            assert_never(objective)


def _best_corner(plan: Callable[[Weights], PlanT | DoesNotFit], first: PlanT, within: float) -> PlanT:
    best = first

    def corner(weights: Weights) -> _Point:
        nonlocal best
        candidate = plan(weights)
        assert not isinstance(candidate, DoesNotFit), "what fits by some weights fits by all"
        point = _point(candidate)
        if point.product < _point(best).product:
            best = candidate
        return point

    fastest, thriftiest = corner(Weights(cycles=1.0)), corner(Weights(energy=1.0))
    gaps = [_Gap(fastest, thriftiest, _Point(fastest.cycles, thriftiest.energy))]
    while gaps:
        gap = gaps.pop()
        if gap.crossing.product >= _point(best).product * (1 - within) or min(gap.weights) < 0:
            continue
        between = corner(gap.weights)
        height, at_corner, at_crossing = [
            gap.weights.cycles * point.cycles + gap.weights.energy * point.energy
            for point in (gap.faster, between, gap.crossing)
        ]
        if at_corner < height * (1 - _ROUNDING):
            part = (height - at_corner) / (height - at_crossing)
            gaps.append(_Gap(gap.faster, between, gap.faster.towards(gap.crossing, part)))
            gaps.append(_Gap(between, gap.thriftier, gap.thriftier.towards(gap.crossing, part)))
    return best


def _point(plan: Costed) -> _Point:
    cost = plan.cost
    return _Point(cost.cycles, cost.energy)
