"""Planner: the plan of least price for what stays on chip, and the plan in which nothing does."""

from collections.abc import Sequence
from typing import Final

from accelsim.mapping.staircase import StepPrices
from accelsim.planning.programme.decisions import Decisions
from accelsim.planning.programme.edges import ChainPrices, edges
from accelsim.planning.programme.programme import Programme, search
from accelsim.planning.programme.solution import Solution
from accelsim.planning.residency import DoesNotFit, Pool, ResidencyPlan
from accelsim.planning.tensors import NetworkTensors

MOST_STATES: Final = 20_000
"""That are followed after a step. Networks as they are published reach a few hundred."""


def plan_residency(
    network: NetworkTensors,
    pool: Pool,
    prices: Sequence[StepPrices],
    *,
    chains: Sequence[ChainPrices] = (),
    reasons: bool = True,
    most_states: int = MOST_STATES,
) -> ResidencyPlan | DoesNotFit:
    """The plan of least price; of equal ones that with fewer bytes outside.

    Args:
        network: Tensors and their uses.
        pool: Where tensors may lie.
        prices: Of each step.
        chains: Prices of steps that may run as a cascade.
        reasons: Whether to find out why tensors do not stay, which takes as long as the plan.
        most_states: How many states are followed after a step, at most; where there are more, the plan may
            not be the best, and says by how much it may miss it.

    Returns:
        The plan; or the first step that cannot be run, whatever stays.

    Example:
        >>> from accelsim.hardware import Operand
        >>> from accelsim.mapping.staircase import StepCost, Staircase
        >>> from accelsim.planning.tensors import LayerUse, Tensor
        >>> image, result = Tensor("image", 60, is_image=True), Tensor("fc", 10, is_result=True)
        >>> tensors = image, Tensor("conv1", 40), result
        >>> network = NetworkTensors(tensors, (LayerUse((0,), (), 1), LayerUse((1,), (), 2)))
        >>> def flat(*moved, bytes):
        ...     cost = StepCost(dram_bytes=bytes)
        ...     return frozenset(moved), Staircase((20,), (float(bytes),), (cost,), (0,))
        >>> moves = Operand.INPUTS, Operand.OUTPUTS
        >>> conv1 = dict([flat(*moves, bytes=100), flat(Operand.INPUTS, bytes=60)])
        >>> fc = dict([flat(*moves, bytes=50), flat(Operand.OUTPUTS, bytes=10)])
        >>> plan = plan_residency(network, Pool(size_bytes=64), [conv1, fc])
        >>> plan.price, plan.places[1]
        (70.0, TensorPlaces(in_pool=Steps(first=0, last=1), outside=None))
        >>> plan_residency(network, Pool(size_bytes=50), [conv1, fc]).why_not[1]
        TooLarge(step=0, size_bytes=40, beside_bytes=20, pool_bytes=50)
    """
    decisions = Decisions.of(network, pool, prices)
    solution = solved(decisions, pool, prices, chains=chains, most_states=most_states)
    if isinstance(solution, DoesNotFit):
        return solution
    return solution.plan_with_reasons() if reasons else solution.plan


def nothing_kept(
    network: NetworkTensors, pool: Pool, prices: Sequence[StepPrices]
) -> ResidencyPlan | DoesNotFit:
    """The plan in which nothing stays in the pool but what cannot be elsewhere.

    Args:
        network: Tensors and their uses.
        pool: Where tensors may lie.
        prices: Of each step.

    Returns:
        The plan; or the first step that cannot be run.

    Example:
        >>> from accelsim.hardware import Operand
        >>> from accelsim.mapping.staircase import StepCost, Staircase
        >>> from accelsim.planning.tensors import LayerUse, Tensor
        >>> tensors = Tensor("image", 60, is_image=True), Tensor("fc", 10, is_result=True)
        >>> network = NetworkTensors(tensors, (LayerUse((0,), (), 1),))
        >>> moved = frozenset({Operand.INPUTS, Operand.OUTPUTS})
        >>> fc = {moved: Staircase((20,), (70.0,), (StepCost(9),), (0,))}
        >>> nothing_kept(network, Pool(size_bytes=64), [fc]).steps[0].written
        True
    """
    solution = solved(Decisions.of(network, pool, prices).keeping_nothing, pool, prices)
    return solution if isinstance(solution, DoesNotFit) else solution.plan


def solved(
    decisions: Decisions,
    pool: Pool,
    prices: Sequence[StepPrices],
    *,
    chains: Sequence[ChainPrices] = (),
    most_states: int = MOST_STATES,
) -> Solution | DoesNotFit:
    """The best by prices of what may be decided.

    Args:
        decisions: Of a network; the same serve all prices of the same movements.
        pool: With its size.
        prices: Of each step.
        chains: Prices of steps that may run as a cascade.
        most_states: As `plan_residency` takes it.

    Returns:
        What is made a plan if it is asked for; or the first step that cannot be run.
    """
    of_chains = edges(decisions.network, decisions.stages, chains)
    programme = Programme.of(decisions, pool, prices, tuple(of_chains))
    found = search(programme, most_states)
    if isinstance(found, DoesNotFit):
        return found
    return Solution(programme, most_states, found.best, found.least_forgotten)
