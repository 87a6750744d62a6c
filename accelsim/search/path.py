"""A walk from a network to one that suits a machine better, as an engineer would take it.

Again and again: find the stage that leaves the PEs idle for longest, say why, try every change that the
network offers, and take the one that helps most; until nothing helps, or a budget forbids what would.

After SqueezeNext (Gholami et al., arXiv:1803.10615, section 4), whose authors went from a baseline to their
v5 that way: a smaller first kernel, then blocks from stages that the array executes badly to others.
"""

import math
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, TypeAlias, get_args

from accelsim.choices import AUTO
from accelsim.descriptions import vary
from accelsim.descriptions.arguments import check_choice, check_function, whole_number_or_none
from accelsim.descriptions.limits import MAX_STEPS
from accelsim.hardware import Hardware, Objective, hardware_of
from accelsim.mapping.options import MappingOptions
from accelsim.network.description import Network, NetworkDescription
from accelsim.network.layer import Layer
from accelsim.network.load import network_of
from accelsim.planning.plan import Plan
from accelsim.pricing import result_of
from accelsim.result import LayerResult, RunResult
from accelsim.reuse.cache import Cache
from accelsim.run import options_for, plan_run
from accelsim.search.diagnosis import diagnose, lost_cycles
from accelsim.search.evaluate import Evaluator, Task, problem_of
from accelsim.search.redesign import Argument, Move, channel_arguments, concrete, moved, moves
from accelsim.search.space import SpaceError, depths_of
from accelsim.simulation.simulate import simulate

Stopped: TypeAlias = Literal["nothing helps", "budget", "steps"]
"""Why a walk ended: no move helps; those that would help exceed the budget; so many steps were asked for."""
AS_GOOD: Final = 0.003
"""By which part the objective after a move may be above that after the best one for both to be as good:
mappings are chosen to within as much (mapping/settle.py), so a smaller difference says nothing."""
MORE_PARAMS: Final = 1.3
"""Times the parameters of the start that a network may have by default. A block has more of them the later it
stands; the authors of SqueezeNext let their v5 have 1.3 times those of the baseline."""
MORE_MACS: Final = 1.05
"""Likewise MACs: no more, but that a block may have a few more elsewhere because sizes are rounded."""
LEAST_PARAMS: Final = 0.95
"""Times the parameters that a network must have by default: that a smaller one is faster is no news."""


@dataclass(frozen=True)
class Budget:
    """What every network of a walk has to keep within."""

    max_params: int
    max_macs: int
    """For one image."""
    min_params: int

    def excess(self, point: "Point") -> str:
        """Which part of the budget a network is not within, and by how much; nothing where it is."""
        parts = (
            ("params", point.params, self.max_params, "more"),
            ("MACs", point.macs, self.max_macs, "more"),
            ("params", self.min_params, point.params, "fewer"),
        )
        return ", ".join(
            f"{one - limit} {what} too {_TOO[how]}" for what, one, limit, how in parts if one > limit
        )


_TOO: Final = {"more": "many", "fewer": "few"}


@dataclass(frozen=True)
class Point:
    """What a network costs on the machine, and how large it is."""

    cycles: int
    energy: float
    params: int
    macs: int
    """For one image."""

    def value(self, objective: Objective) -> float:
        """What the walk makes small."""
        return {"time": self.cycles, "energy": self.energy, "edp": self.cycles * self.energy}[objective]


@dataclass(frozen=True)
class Tried:
    """A move and what came of it."""

    move: Move
    point: Point | None
    """None where the network cannot be built or mapped."""
    excess: str
    """How it exceeds the budget; empty where it does not."""
    problem: str = ""
    """Why it cannot be built or mapped."""


@dataclass(frozen=True)
class WorstStage:
    """Where the PEs are idle for longest."""

    name: str
    cycles: int
    share: float
    """Of the network's cycles."""
    utilization: float
    lost_share: float
    """Of the cycles in which PEs of the whole network are idle."""
    layer: str
    """Of its layers of one form, those that leave most PEs idle together: the worst of them."""
    alike: int
    """How many there are of that form."""
    reason: str
    """Why that layer does."""


@dataclass(frozen=True)
class Step:
    """What was found, tried and taken."""

    worst: WorstStage
    before: Point
    tried: tuple[Tried, ...]
    """The best first."""
    helping: int
    """Moves that make the objective smaller."""
    allowed: int
    """Those of them that keep within the budget."""
    taken: Tried
    after: Point
    depths: tuple[int, ...]
    """Of the repeating stages, afterwards."""


@dataclass(frozen=True)
class Walk:
    """A walk: where it began, each step, and why it ended."""

    network: Network
    """As it was given."""
    hardware: Hardware
    objective: Objective
    budget: Budget
    start: Point
    start_depths: tuple[int, ...]
    steps: tuple[Step, ...]
    worst: WorstStage
    """At the end."""
    last_tried: tuple[Tried, ...]
    """At the end, where none was taken, the best first; nothing where the number of steps ended the walk."""
    stopped: Stopped
    final: NetworkDescription
    """What the walk came to: `accelsim run` takes it as YAML, and says the same of it."""
    evaluated: int
    seconds: float

    @property
    def end(self) -> Point:
        """What the network costs in the end."""
        return self.steps[-1].after if self.steps else self.start


def walk(
    network: Network | str | Path,
    hardware: Hardware | str | Path,
    *,
    objective: Objective = "time",
    max_params: int | None = None,
    max_macs: int | None = None,
    min_params: int | None = None,
    steps: int | None = None,
    batch: int | None = None,
    dataflow: str = AUTO,
    step: Callable[[str], None] = lambda _: None,
) -> Walk:
    """Walk until nothing helps, the budget forbids it, or `steps` are done; `step` is told of each move.

    Network and machine may be given by name or path. Limits that are not given are `MORE_PARAMS`, `MORE_MACS`
    and `LEAST_PARAMS` times what the network has. Raises SpaceError where the network offers no move or
    exceeds the budget itself, and NetworkError or MappingError where it does not run.
    """
    check_choice("objective", objective, get_args(Objective))
    steps = whole_number_or_none("steps", steps, 0, MAX_STEPS)
    check_function("step", step, "each move")
    max_params = whole_number_or_none("max_params", max_params, 0)
    max_macs = whole_number_or_none("max_macs", max_macs, 0)
    min_params = whole_number_or_none("min_params", min_params, 0)
    began = time.perf_counter()
    network, hardware = network_of(network), hardware_of(hardware)
    simulator = _Simulator(hardware, options_for(network, batch, dataflow))
    table = concrete(network)
    arguments = channel_arguments(table)
    place = start = _Place(table, *simulator.look(table))
    budget = Budget(
        int(start.point.params * MORE_PARAMS) if max_params is None else max_params,
        int(start.point.macs * MORE_MACS) if max_macs is None else max_macs,
        int(start.point.params * LEAST_PARAMS) if min_params is None else min_params,
    )
    _check_start(network, start.point, budget)
    if not moves(table, hardware, arguments):
        raise SpaceError(_NO_MOVES.format(network.name))
    taken: list[Step] = []
    choice: _Choice | None = None
    while choice := _choice(simulator, place, arguments, budget, objective, steps, len(taken)):
        if not choice.allowed:
            break
        best = choice.best
        after = moved(place.network, best.move)
        before, place = place, _Place(after, *simulator.look(after))
        taken.append(choice.step(before, place))
        step(best.move.words)
    return Walk(
        network=network,
        hardware=hardware,
        objective=objective,
        budget=budget,
        start=start.point,
        start_depths=depths_of(table),
        steps=tuple(taken),
        worst=place.worst,
        last_tried=choice.tried if choice else (),
        stopped="steps" if choice is None else "budget" if choice.helping else "nothing helps",
        final=_named(place.network.description, network, hardware, taken),
        evaluated=simulator.evaluated,
        seconds=time.perf_counter() - began,
    )


@dataclass(frozen=True)
class _Place:
    """Where a walk is."""

    network: Network
    point: Point
    worst: WorstStage


@dataclass(frozen=True)
class _Choice:
    """What came of all moves from a place, what makes the objective smallest first."""

    objective: Objective
    tried: tuple[Tried, ...]
    helping: tuple[Tried, ...]
    allowed: tuple[Tried, ...]

    @property
    def best(self) -> Tried:
        """The move to take: of those that gain as much as the first, the one with fewest parameters."""
        points = [one.point for one in self.allowed if one.point is not None]
        least = points[0].value(self.objective) * (1 + AS_GOOD)
        alike = [one for one in self.allowed if one.point and one.point.value(self.objective) <= least]
        return min(alike, key=lambda one: one.point.params if one.point else math.inf)

    def step(self, before: _Place, after: _Place) -> Step:
        """Taking the best."""
        return Step(
            worst=before.worst,
            before=before.point,
            tried=self.tried,
            helping=len(self.helping),
            allowed=len(self.allowed),
            taken=self.best,
            after=after.point,
            depths=depths_of(after.network),
        )


def _choice(
    simulator: "_Simulator",
    place: _Place,
    arguments: Sequence[Argument],
    budget: Budget,
    objective: Objective,
    steps: int | None,
    done: int,
) -> _Choice | None:
    """What can be done next; None where enough is done."""
    if steps is not None and done >= steps:
        return None
    offered = moves(place.network, simulator.hardware, arguments)
    found = simulator.try_all(place.network, offered, budget)
    tried = tuple(sorted(found, key=lambda one: one.point.value(objective) if one.point else math.inf))
    least = place.point.value(objective)
    helping = tuple(one for one in tried if one.point is not None and one.point.value(objective) < least)
    return _Choice(objective, tried, helping, tuple(one for one in helping if not one.excess))


_NO_MOVES: Final = (
    "{}: offers no move: no repeating stage has a block to give to another, the table's first row is no "
    "convolution with a large kernel, and every number of channels in the table that can change alone is a "
    "multiple of the array"
)


def _check_start(network: Network, point: Point, budget: Budget) -> None:
    """Refuse a budget that the network itself does not keep."""
    for name, limit, size in (
        ("max params", budget.max_params, point.params),
        ("max MACs", budget.max_macs, point.macs),
    ):
        if size > limit:
            raise SpaceError(
                f"{name} = {limit}: {network.name} has {size}, {size - limit} more: no walk starts there"
            )
    if point.params < budget.min_params:
        raise SpaceError(
            f"min params = {budget.min_params}: {network.name} has {point.params}, "
            f"{budget.min_params - point.params} fewer: no walk starts there"
        )


def _named(
    description: NetworkDescription, network: Network, hardware: Hardware, taken: Sequence[Step]
) -> NetworkDescription:
    """The description under a name of its own, saying where it comes from."""
    changes = "; ".join(step.taken.move.words for step in taken) or "nothing"
    return vary(
        description,
        name=f"{description.name}-path",
        title=f"{description.title}, redesigned for {hardware.name}",
        source=f"{description.source.rstrip('. ')}. Changed by accelsim from {network.name}: {changes}",
    )


class _Simulator:
    """Runs networks on one machine; what it learns from one serves the next."""

    def __init__(self, hardware: Hardware, options: MappingOptions) -> None:
        self.hardware, self._options = hardware, options
        self._cache = Cache()
        self._families: dict[str, Evaluator] = {}
        """Evaluators of depths, by the rest of the description."""
        self.evaluated = 0

    def look(self, network: Network) -> tuple[Point, WorstStage]:
        """What a network costs, and what is worst in it. Raises NetworkError or MappingError."""
        plan, result = self._run(network)
        mappings = {
            layer.name: mapping
            for layer, mapping in zip(plan.schedule.layers, plan.schedule.mappings, strict=True)
        }
        layers = _worst_layers(result)
        reason = diagnose(layers[0], mappings[layers[0].name], self.hardware).reason
        return self._point(result), _worst_stage(result, layers, reason)

    def _run(self, network: Network) -> tuple[Plan, RunResult]:
        plan = plan_run(network, self.hardware, self._options, cache=self._cache)
        activity = simulate(plan.schedule, self.hardware, transitions=plan.known.transitions)
        return plan, result_of(plan, activity)

    def try_all(self, network: Network, offered: Sequence[Move], budget: Budget) -> list[Tried]:
        """What comes of each move."""
        family = _family(network)
        if family not in self._families:
            self._families = {family: self._evaluator(network)}
        return [self._tried(network, move, self._families[family], budget) for move in offered]

    def _evaluator(self, network: Network) -> Evaluator:
        return Evaluator(
            Task(network, self.hardware, batch=self._options.batch, dataflow=self._options.dataflow)
        )

    def _tried(self, network: Network, move: Move, of_depths: Evaluator, budget: Budget) -> Tried:
        self.evaluated += 1
        try:
            point = self._cost(moved(network, move), move, of_depths)
        except Exception as error:
            return Tried(move, None, "", problem_of(error))
        return Tried(move, point, budget.excess(point))

    def _cost(self, network: Network, move: Move, of_depths: Evaluator) -> Point:
        if move.kind != "block":
            return self._point(self._run(network)[1])
        depths = depths_of(network)
        size, cost = of_depths.size(depths), of_depths.cost(depths)
        return Point(cost.cycles, cost.energy, size.params, size.macs)

    def _point(self, result: RunResult) -> Point:
        return Point(result.cycles, result.energy.total, result.params, result.macs // result.batch)


def _family(network: Network) -> str:
    """What networks have in common that differ in depth only."""
    changes = {
        f"stages.{place}.repeat": 1 for place, stage in enumerate(network.stages) if stage.repeat is not None
    }
    return vary(network.description, **changes).model_dump_json()


def _by_stage(layers: Iterable[LayerResult]) -> Mapping[str, list[LayerResult]]:
    found: dict[str, list[LayerResult]] = {}
    for layer in layers:
        found.setdefault(layer.stage, []).append(layer)
    return found


def _worst_layers(result: RunResult) -> list[LayerResult]:
    """Of the stage that leaves most PEs idle, the layers of one form that do; the worst of them first."""
    stage = max(_by_stage(result.layers).values(), key=lost_cycles)
    forms: dict[Layer, list[LayerResult]] = {}
    for layer in stage:
        forms.setdefault(layer.form, []).append(layer)
    return sorted(max(forms.values(), key=lost_cycles), key=lambda layer: -lost_cycles([layer]))


def _worst_stage(result: RunResult, alike: Sequence[LayerResult], reason: str) -> WorstStage:
    layers = _by_stage(result.layers)[alike[0].stage]
    cycles, lost = sum(layer.cycles for layer in layers), lost_cycles(layers)
    return WorstStage(
        name=alike[0].stage,
        cycles=cycles,
        share=cycles / result.cycles,
        utilization=1 - lost / cycles if cycles else 0.0,
        lost_share=lost / lost_cycles(result.layers),
        layer=alike[0].name,
        alike=len(alike),
        reason=reason,
    )
