"""What comes of each move from a network: all of them run on one machine, within a budget or not."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from accelsim.descriptions import vary
from accelsim.errors import Problem, problems_of
from accelsim.hardware import Hardware, Objective
from accelsim.mapping.options import MappingOptions
from accelsim.network.description import Network
from accelsim.planning.plan import Inferences, Plan
from accelsim.result import RunResult
from accelsim.reuse.cache import Cache
from accelsim.run import plan_run, run_plan
from accelsim.search.evaluate import Evaluator, SearchTask
from accelsim.search.redesign import BlockMove, Move, moved
from accelsim.search.space import depths_of
from accelsim.search.worst_stage import WorstStage, idlest_layers, worst_stage

Quantity: TypeAlias = Literal["params", "MACs"]


@dataclass(frozen=True)
class DesignPoint:
    """What a network costs on the machine, and how large it is.

    Example:
        >>> DesignPoint(cycles=1000, energy=2.5, params=10, macs=100).value("edp")
        2500.0
    """

    cycles: int
    """Of all images that run together."""
    energy: float
    """Of all images, in the machine's unit."""
    params: int
    """Parameters of the network."""
    macs: int
    """Multiply-accumulates of one image."""

    def value(self, objective: Objective) -> float:
        """What the path makes small."""
        return {"time": self.cycles, "energy": self.energy, "edp": self.cycles * self.energy}[objective]


@dataclass(frozen=True)
class Excess:
    """How far a network is outside of one limit of a budget.

    Example:
        >>> Excess("params", 98, above=True).amount
        98
    """

    quantity: Quantity
    """What is limited."""
    amount: int
    """Above the limit, or below it."""
    above: bool
    """Whether the network has too many; otherwise it has too few."""


@dataclass(frozen=True)
class SizeBudget:
    """What every network of a path has to keep within.

    Example:
        >>> budget = SizeBudget(max_params=100, max_macs=1000, min_params=50)
        >>> budget.excesses(DesignPoint(cycles=10, energy=1.0, params=120, macs=900))
        (Excess(quantity='params', amount=20, above=True),)
    """

    max_params: int
    """Parameters, at most."""
    max_macs: int
    """Multiply-accumulates of one image, at most."""
    min_params: int
    """Parameters, at least."""

    def excesses(self, point: DesignPoint) -> tuple[Excess, ...]:
        """The limits that a network does not keep; none where it keeps all."""
        excesses = (
            Excess("params", point.params - self.max_params, above=True),
            Excess("MACs", point.macs - self.max_macs, above=True),
            Excess("params", self.min_params - point.params, above=False),
        )
        return tuple(excess for excess in excesses if excess.amount > 0)


@dataclass(frozen=True)
class MoveOutcome:
    """A move and what came of it."""

    move: Move
    point: DesignPoint | None
    """None where the network cannot be built or mapped."""
    excesses: tuple[Excess, ...] = ()
    """The limits of the budget that it does not keep."""
    problems: tuple[Problem, ...] = ()
    """Why it cannot be built or mapped."""

    def value(self, objective: Objective) -> float:
        """What the path makes small; infinite where there is no such network."""
        return math.inf if self.point is None else self.point.value(objective)


@dataclass(frozen=True)
class PathState:
    """A network on the path."""

    network: Network
    """With its table written out, as `concrete` does."""
    point: DesignPoint
    worst: WorstStage
    idlest: tuple[str, ...] = ()
    """Names of layers, one of each form, those first that leave PEs idle for longest."""


class MoveSimulator:
    """Runs networks on one machine; what it learns from one serves the next."""

    def __init__(
        self, hardware: Hardware, options: MappingOptions, inferences: Inferences = "steady"
    ) -> None:
        self.hardware, self._options, self._inferences = hardware, options, inferences
        self._cache = Cache()
        self._families: dict[str, Evaluator] = {}
        """Evaluators of depths, by the rest of the description."""
        self.evaluated = 0

    def state(self, network: Network) -> PathState:
        """What a network costs, and what is worst in it. Raises NetworkError or MappingError."""
        plan, result = self._run(network)
        worst = worst_stage(result, plan.schedule, self.hardware)
        return PathState(network, _point(result), worst, idlest_layers(result))

    def _run(self, network: Network) -> tuple[Plan, RunResult]:
        plan = plan_run(network, self.hardware, self._options, cache=self._cache).of(self._inferences)
        return plan, run_plan(plan)

    def outcomes(self, network: Network, moves: Sequence[Move], budget: SizeBudget) -> list[MoveOutcome]:
        """What comes of each move from a network."""
        of_depths = self._of_depths(network) if any(isinstance(move, BlockMove) for move in moves) else None
        return [self._outcome(network, move, of_depths, budget) for move in moves]

    def _of_depths(self, network: Network) -> Evaluator:
        """What evaluates the same network with other depths."""
        family = _family(network)
        if family not in self._families:
            self._families = {family: self._evaluator(network)}
        return self._families[family]

    def _evaluator(self, network: Network) -> Evaluator:
        return Evaluator(
            SearchTask(
                network,
                self.hardware,
                batch=self._options.batch,
                dataflow=self._options.dataflow,
                inferences=self._inferences,
            )
        )

    def _outcome(
        self, network: Network, move: Move, of_depths: Evaluator | None, budget: SizeBudget
    ) -> MoveOutcome:
        self.evaluated += 1
        try:
            point = self._cost(moved(network, move), move, of_depths)
        except Exception as error:
            return MoveOutcome(move, None, problems=problems_of(error))
        return MoveOutcome(move, point, budget.excesses(point))

    def _cost(self, network: Network, move: Move, of_depths: Evaluator | None) -> DesignPoint:
        if not isinstance(move, BlockMove) or of_depths is None:
            return _point(self._run(network)[1])
        # The evaluator knows most blocks of a network of other depths: docs/decisions/depth-assembly.md.
        depths = depths_of(network)
        size, cost = of_depths.size(depths), of_depths.cost(depths)
        return DesignPoint(cost.cycles, cost.energy, size.params, size.macs)


def _point(result: RunResult) -> DesignPoint:
    return DesignPoint(result.cycles, result.energy.total, result.params, result.macs // result.batch)


def _family(network: Network) -> str:
    """What networks have in common that differ in depth only."""
    changes = {
        f"stages.{row}.repeat": 1 for row, stage in enumerate(network.stages) if stage.repeat is not None
    }
    return vary(network.description, **changes).model_dump_json()
