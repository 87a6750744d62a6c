"""Why weights are not pinned: there is no room for them, or it costs more than it saves.

Asked of each layer by itself, beside all that stays by the plan: pinned weights take their room at every
step, and of each step it is known what its tiles cost with so much less.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from accelsim.mapping.staircase import StepCost, StepPrices, beside_pinned_weights
from accelsim.memory_map import CostsMore, TooLarge, WhyNot
from accelsim.planning.residency import ResidencyPlan


def why_not_pinned(
    plan: ResidencyPlan,
    moved: Sequence[StepPrices],
    in_place: Sequence[StepPrices],
    size_bytes: Sequence[int],
    unpinned: Collection[int],
    *,
    by_product: bool = False,
) -> dict[int, WhyNot]:
    """The reasons of steps whose weights do not stay.

    Args:
        plan: The plan beside those that do.
        moved: Prices of each step as it is planned.
        in_place: The same of a step whose weights lie in the pool.
        size_bytes: Of the weights of each step.
        unpinned: The steps.
        by_product: Whether the product of energy and delay is to be small, and not the price.

    Returns:
        By step; prices, or products, are of the whole plan.
    """
    weighed = _Weighed(plan, moved, in_place, by_product)
    return {step: weighed.reason(step, size_bytes[step]) for step in unpinned}


@dataclass(frozen=True)
class _Weighed:
    """A plan, beside which weights are weighed."""

    plan: ResidencyPlan
    moved: Sequence[StepPrices]
    in_place: Sequence[StepPrices]
    by_product: bool

    def reason(self, pinned: int, size_bytes: int) -> WhyNot:
        """Of the weights of one step."""
        plan = self.plan
        price, costs = 0.0, []
        for step, (of_step, of_moved) in enumerate(zip(plan.steps, self.moved, strict=True)):
            staircase = of_moved[of_step.movement]
            if step == pinned:
                staircase = self.in_place[step][beside_pinned_weights(of_step.movement)]
            stair = staircase.stair(of_step.room_bytes - size_bytes)
            if stair is None:
                tensor_bytes = plan.pool.size_bytes - of_step.room_bytes
                beside_bytes = tensor_bytes + staircase.room_bytes[0]
                return TooLarge(step, size_bytes, beside_bytes, plan.pool.size_bytes)
            price += staircase.prices[stair]
            costs.append(staircase.costs[stair])
        if not self.by_product:
            return CostsMore(plan.price, price)
        return CostsMore(_product(plan.cost), _product(StepCost.total(costs)))


def _product(cost: StepCost) -> float:
    return float(cost.cycles * cost.energy)
