"""Solution: the best way through a programme, of which a plan is made when it is asked for.

To find a network's best product of energy and delay, several are compared by what they cost; of one of them
the plan is wanted.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from accelsim.mapping.staircase import StepCost
from accelsim.mapping.stripes import Cascade
from accelsim.memory_map import Steps
from accelsim.planning.programme.edges import Edge
from accelsim.planning.programme.programme import Arrival, Programme, Tariff, search
from accelsim.planning.programme.stages import ARRIVAL, OUTPUTS, Stage, members
from accelsim.planning.programme.why_not import why_not
from accelsim.planning.residency import DoesNotFit, ResidencyPlan, StepPlan, TensorPlaces


@dataclass(frozen=True)
class Solution:
    """The best way through a programme."""

    programme: Programme
    most_states: int
    """That were followed after a step, at most."""
    best: Arrival
    """After the last step."""
    least_forgotten: float
    """No plan through a state that was not followed has a lower price."""

    @cached_property
    def cost(self) -> StepCost:
        """Of all steps."""
        bytes_of = self.programme.decisions.bytes_of
        costs = [tariff.cost(arrival.moved, bytes_of(arrival.in_pool)) for arrival, _, tariff in self._way()]
        return StepCost.total(costs)

    @cached_property
    def plan(self) -> ResidencyPlan:
        """The plan, which does not say why others do not stay."""
        steps, cascades = self._steps()
        price = self.best.price[0]
        missed = price - self.least_forgotten
        network = self.programme.decisions.network
        return ResidencyPlan(
            network=network,
            pool=self.programme.pool,
            steps=steps,
            places=tuple(_places(self.programme, steps)),
            price=price,
            gap=missed / price if missed > 0 else None,
            why_not=(None,) * len(network.tensors),
            cascades=cascades,
        )

    def plan_with_reasons(self) -> ResidencyPlan:
        """The plan that says why others do not stay, where all states were followed."""
        lives, steps = self.programme.decisions.network.lives, self.plan.steps
        absent = [
            tensor
            for tensor, life in enumerate(lives)
            if life.writes and life.reads and tensor not in steps[life.reads[-1]].in_pool
        ]
        if not absent:
            return self.plan
        # Found once more: to hold the states of all solutions that are compared may take gigabytes.
        found = search(self.programme, self.most_states)
        if isinstance(found, DoesNotFit) or not found.levels:
            return self.plan
        of_absent = why_not(self.programme, found.levels, lives, absent)
        return replace(self.plan, why_not=tuple([of_absent.get(tensor) for tensor in range(len(lives))]))

    def _way(self) -> list[tuple[Arrival, Stage, Tariff]]:
        """Arrivals in running order, each with its step, or its chain as one, and what that costs."""
        programme, way = self.programme, []
        arrival = self.best
        while arrival.previous is not None:
            way.append(arrival)
            arrival = arrival.previous
        steps, step = [], 0
        for arrival in reversed(way):
            if arrival.edge is None:
                steps.append((arrival, programme.decisions.stages[step], programme.tariffs[step]))
                step += 1
            else:
                tariff = Tariff(arrival.edge.stairs, programme.pool.size_bytes)
                steps.append((arrival, arrival.edge.stage, tariff))
                step = arrival.edge.behind
        return steps

    def _steps(self) -> tuple[tuple[StepPlan, ...], tuple[Cascade, ...]]:
        """The steps, and which of them run stripe by stripe."""
        steps: list[StepPlan] = []
        cascades = []
        for arrival, stage, tariff in self._way():
            whole = self._step(arrival, stage, tariff)
            if arrival.edge is None:
                steps.append(whole)
            else:
                cascade, in_cascade = _in_cascade(self.programme, arrival.edge, arrival.moved, whole)
                cascades.append(cascade)
                steps += in_cascade
        return tuple(steps), tuple(cascades)

    def _step(self, arrival: Arrival, stage: Stage, tariff: Tariff) -> StepPlan:
        """A step, or a chain of them as one, with what lies in the pool and what moves."""
        in_pool, moved = arrival.in_pool, arrival.moved
        room_bytes = self.programme.pool.size_bytes - self.programme.decisions.bytes_of(in_pool)
        staircase = tariff.stairs[moved]
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
    staircase = edge.stairs[moved]
    assert staircase is not None
    cascade, taken_bytes = edge.ways[staircase.candidates[whole.stair]]
    steps = []
    for step, inside in zip(cascade.steps, edge.inside, strict=True):
        is_last = step == cascade.steps[-1]
        steps.append(
            replace(
                whole,
                moved=programme.decisions.stages[step].moved[edge.moved(step, moved)],
                room_bytes=whole.room_bytes - taken_bytes,
                in_pool=tuple(sorted({*whole.in_pool, *inside})),
                written=whole.written if is_last else step in edge.stored,
                kept=whole.kept or not is_last,
                cost=whole.cost if step == edge.first else StepCost(),
            )
        )
    return cascade, steps


def _places(programme: Programme, steps: Sequence[StepPlan]) -> Iterator[TensorPlaces]:
    network, pool, end = programme.decisions.network, programme.pool, len(steps) - 1
    stays: dict[int, list[int]] = {}
    for step, plan in enumerate(steps):
        for index in plan.in_pool:
            stays.setdefault(index, []).append(step)
    for index, (tensor, life) in enumerate(zip(network.tensors, network.lives, strict=True)):
        in_pool = Steps(stays[index][0], stays[index][-1]) if index in stays else None
        outside = not pool.image_inside if tensor.is_image else steps[life.first].written
        last = end if tensor.is_result else life.last
        yield TensorPlaces(in_pool, Steps(life.first, last) if outside else None)
