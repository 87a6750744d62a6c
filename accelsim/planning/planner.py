"""Planner: the plan of least price for what stays on chip, and the plan in which nothing does."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

from accelsim.mapping.staircase import StepCost, StepPrices
from accelsim.mapping.stripes import Cascade
from accelsim.memory_map import Steps
from accelsim.planning.edges import ChainPrices, Edge, edges
from accelsim.planning.programme import Arrival, Programme, Search, search
from accelsim.planning.residency import (
    DoesNotFit,
    Pool,
    ResidencyPlan,
    StepPlan,
    TensorPlaces,
)
from accelsim.planning.stages import (
    ARRIVAL,
    OUTPUTS,
    Frame,
    Stage,
    TensorSet,
    keeping_nothing,
    members,
    stages,
)
from accelsim.planning.tensors import Life, NetworkTensors
from accelsim.planning.why_not import why_not

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
    of_steps: Sequence[Frame] | None = None,
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
        of_steps: What of the steps does not depend on prices, as `frames` says it, where it is known.

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
    of_tensors = network.lives
    steps = stages(network, pool, prices, of_steps)
    programme = Programme(network, pool, steps, tuple(edges(network, steps, chains)))
    found = search(programme, most_states)
    if isinstance(found, DoesNotFit):
        return found
    plan = _plan(programme, of_tensors, found)
    if not reasons or not found.levels:
        return plan
    absent = [
        tensor
        for tensor, life in enumerate(of_tensors)
        if life.writes and life.reads and tensor not in plan.steps[life.reads[-1]].in_pool
    ]
    of_absent = why_not(programme, found.levels, of_tensors, absent)
    return replace(plan, why_not=tuple([of_absent.get(tensor) for tensor in range(len(of_tensors))]))


def nothing_kept(
    network: NetworkTensors,
    pool: Pool,
    prices: Sequence[StepPrices],
    of_steps: Sequence[Frame] | None = None,
) -> ResidencyPlan | DoesNotFit:
    """The plan in which nothing stays in the pool but what cannot be elsewhere.

    Args:
        network: Tensors and their uses.
        pool: Where tensors may lie.
        prices: Of each step.
        of_steps: As `plan_residency` takes them.

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
    kept = keeping_nothing(network, pool, stages(network, pool, prices, of_steps))
    programme = Programme(network, pool, kept)
    found = search(programme, MOST_STATES)
    return found if isinstance(found, DoesNotFit) else _plan(programme, network.lives, found)


def _plan(programme: Programme, of_tensors: Sequence[Life], found: Search) -> ResidencyPlan:
    """The plan that was found, without reasons."""
    steps, cascades = _steps(programme, found.best)
    price = found.best.price[0]
    missed = price - found.least_forgotten
    return ResidencyPlan(
        network=programme.network,
        pool=programme.pool,
        steps=steps,
        places=tuple(_places(programme, of_tensors, steps)),
        price=price,
        gap=missed / price if missed > 0 else None,
        why_not=(None,) * len(of_tensors),
        cascades=cascades,
    )


def _steps(programme: Programme, last: Arrival) -> tuple[tuple[StepPlan, ...], tuple[Cascade, ...]]:
    """The steps on the way that arrives so, and which of them run stripe by stripe."""
    arrivals = []
    arrival = last
    while arrival.previous is not None:
        arrivals.append(arrival)
        arrival = arrival.previous
    steps: list[StepPlan] = []
    cascades = []
    for arrival in reversed(arrivals):
        if arrival.edge is None:
            steps.append(_step(programme, programme.stages[len(steps)], arrival.in_pool, arrival.moved))
        else:
            whole = _step(programme, arrival.edge.stage, arrival.in_pool, arrival.moved)
            cascade, in_cascade = _in_cascade(programme, arrival.edge, arrival.moved, whole)
            cascades.append(cascade)
            steps += in_cascade
    return tuple(steps), tuple(cascades)


def _step(programme: Programme, stage: Stage, in_pool: TensorSet, moved: int) -> StepPlan:
    """A step, or a chain of them as one, with what lies in the pool and what moves."""
    room_bytes = programme.pool.size_bytes - programme.bytes_of(in_pool)
    staircase = stage.staircases[moved]
    stair = None if staircase is None else staircase.stair(room_bytes)
    assert staircase is not None and stair is not None, "the programme goes no way without room"
    return StepPlan(
        moved=stage.moved[moved],
        room_bytes=room_bytes,
        in_pool=members(in_pool),
        written=bool(moved & OUTPUTS),
        kept=bool(in_pool & stage.output),
        stair=stair,
        cost=staircase.costs[stair],
        arrives=bool(moved & ARRIVAL),
    )


def _in_cascade(
    programme: Programme, edge: Edge, moved: int, whole: StepPlan
) -> tuple[Cascade, list[StepPlan]]:
    """The cascade that a chain runs as, and its steps: each has the room that is left to tiles."""
    staircase = edge.stage.staircases[moved]
    assert staircase is not None
    cascade, taken_bytes = edge.ways[staircase.candidates[whole.stair]]
    steps = []
    for step, inside in zip(cascade.steps, edge.inside, strict=True):
        is_last = step == cascade.steps[-1]
        steps.append(
            replace(
                whole,
                moved=programme.stages[step].moved[edge.moved(step, moved)],
                room_bytes=whole.room_bytes - taken_bytes,
                in_pool=tuple(sorted({*whole.in_pool, *inside})),
                written=whole.written if is_last else step in edge.stored,
                kept=whole.kept or not is_last,
                cost=whole.cost if step == edge.first else StepCost(),
            )
        )
    return cascade, steps


def _places(
    programme: Programme, of_tensors: Sequence[Life], steps: Sequence[StepPlan]
) -> Iterator[TensorPlaces]:
    pool, end = programme.pool, len(steps) - 1
    stays: dict[int, list[int]] = {}
    for step, plan in enumerate(steps):
        for index in plan.in_pool:
            stays.setdefault(index, []).append(step)
    for index, (tensor, life) in enumerate(zip(programme.network.tensors, of_tensors, strict=True)):
        in_pool = Steps(stays[index][0], stays[index][-1]) if index in stays else None
        outside = not pool.image_inside if tensor.is_image else steps[life.first].written
        last = end if tensor.is_result else life.last
        yield TensorPlaces(in_pool, Steps(life.first, last) if outside else None)
