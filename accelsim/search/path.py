"""A path from a network to one that suits a machine better, step by step, as an engineer would go it.

Again and again: find the stage that leaves the PEs idle for longest, say why, try every change that the
network offers, and take the one that helps most; until nothing helps, or a budget forbids what would.

After SqueezeNext (Gholami et al., arXiv:1803.10615, section 4), whose authors went from a baseline to their
v5 that way: a smaller first kernel, then blocks from stages that the array executes badly to others.
"""

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Literal, TypeAlias, get_args

from accelsim.choices import AUTO
from accelsim.descriptions import vary
from accelsim.descriptions.arguments import check_choice, check_function, whole_number_or_none
from accelsim.descriptions.limits import MAX_STEPS
from accelsim.hardware import Hardware, Objective, hardware_of
from accelsim.network.description import Network, NetworkDescription
from accelsim.network.graph_changes import graph_of
from accelsim.network.load import network_of
from accelsim.planning.plan import Inferences
from accelsim.run import options_for
from accelsim.search.graph_moves import graph_moves
from accelsim.search.path_moves import DesignPoint, MoveOutcome, MoveSimulator, PathState, SizeBudget
from accelsim.search.redesign import (
    Argument,
    Move,
    channel_arguments,
    concrete,
    derived,
    longer_side,
    moved,
    moves,
)
from accelsim.search.space import SpaceError, depths_of
from accelsim.search.words import move_words
from accelsim.search.worst_stage import WorstStage

Stopped: TypeAlias = Literal["nothing helps", "budget", "steps"]
"""Why a path ended: no move helps; those that would help exceed the budget; so many steps were asked for."""
AS_GOOD: Final = 0.003
"""By which part the objective after a move may be above that after the best one for both to be as good:
chosen by hand. The compiler's mappings are within a larger part of the best (mapping/settle.py)."""
MORE_PARAMS: Final = 1.3
"""Times the parameters of the start that a network may have by default. A block has more of them the later it
stands; the authors of SqueezeNext let their v5 have 1.3 times those of the baseline."""
MORE_MACS: Final = 1.05
"""Likewise MACs: no more, but that a block may have a few more elsewhere because sizes are rounded."""
LEAST_PARAMS: Final = 0.95
"""Times the parameters that a network must have by default: that a smaller one is faster is no news."""


@dataclass(frozen=True)
class PathStep:
    """What was worst, which moves were tried, and which was taken.

    Example:
        >>> (step,) = search_path("sqnxt23", "16x16_128k", steps=1).steps
        >>> len(step.moves), step.helping, step.best.move.kind
        (10, 7, 'kernel')
        >>> step.after.cycles < step.before.cycles
        True
    """

    worst: WorstStage
    """Before the move."""
    before: DesignPoint
    """Likewise."""
    moves: tuple[MoveOutcome, ...]
    """The best first."""
    helping: int
    """Moves that make the objective smaller."""
    allowed: int
    """Those of them that keep within the budget."""
    best: MoveOutcome
    """The one that was taken."""
    after: DesignPoint
    """What the network costs then."""
    depths: tuple[int, ...]
    """Of the repeating stages, afterwards."""


@dataclass(frozen=True)
class DesignPath:
    """A path: where it began, each step, and why it ended.

    Example:
        >>> path = search_path("sqnxt23", "16x16_128k", steps=0)
        >>> path.stopped, path.start_depths, path.end == path.start
        ('steps', (6, 6, 8, 1), True)
    """

    network: Network
    """As it was given."""
    hardware: Hardware
    """The machine that it is redesigned for."""
    objective: Objective
    """What each step makes smaller."""
    budget: SizeBudget
    """What each network keeps within."""
    start: DesignPoint
    """What the network costs as it was given."""
    start_depths: tuple[int, ...]
    """Blocks of its repeating stages."""
    steps: tuple[PathStep, ...]
    """One for each move that was taken."""
    worst: WorstStage
    """At the end."""
    last_moves: tuple[MoveOutcome, ...]
    """At the end, where none was taken, the best first; nothing where the number of steps ended the path."""
    stopped: Stopped
    """Why the path ended."""
    final: NetworkDescription
    """What the path came to: `accelsim run` takes it as YAML, and says the same of it."""
    evaluated: int
    """Networks that were simulated."""
    seconds: float = 0.0
    """How long the search took."""
    inferences: Inferences = "steady"
    """Which was judged."""
    min_resolution: int | None = None
    """Sides of the smallest image that was offered; None where none but the network's was."""

    @property
    def is_of_operators(self) -> bool:
        """Whether the network is written out operator by operator, as imported ones are."""
        return graph_of(self.network) is not None

    @property
    def end(self) -> DesignPoint:
        """What the network costs in the end."""
        return self.steps[-1].after if self.steps else self.start


def search_path(
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
    inferences: Inferences = "steady",
    min_resolution: int | None = None,
    step: Callable[[str], None] = lambda _: None,
) -> DesignPath:
    """Redesign a network for a machine, until nothing helps, the budget forbids it, or `steps` are done.

    Args:
        network: Where the path starts: a network, or a name or path as `--net` takes it.
        hardware: A machine, or a name or path as `--hw` takes it.
        objective: What each step makes smaller: time, energy, or their product.
        max_params: Parameters that a network may have; None is `MORE_PARAMS` times those of the start.
        max_macs: Multiply-accumulates of one image that it may have; None is `MORE_MACS` times.
        min_params: Parameters that it must have; None is `LEAST_PARAMS` times.
        steps: At most; None is as many as help.
        batch: Images that run together; None is as many as the network is described for.
        dataflow: As in `run_network`.
        inferences: Which is judged and reported where weights are pinned: those in which they are there, or
            the first, in which they come.
        min_resolution: Sides of the smallest image, for a network of operators; None is the network's own.
        step: Is told of each move that is taken.

    Returns:
        Each step with what was worst, all moves and the one that was taken, and the network at the end.

    Raises:
        SpaceError: Where the network offers no move, or exceeds the budget itself.
        NetworkError, MappingError: Where it does not run on the machine.

    Example:
        >>> path = search_path("sqnxt23", "16x16_128k", steps=1)
        >>> path.steps[0].worst.name, move_words(path.steps[0].best.move)
        ('stage1', '5x5 instead of 7x7 in conv1')
        >>> path.final.name
        'sqnxt23-path'
    """
    check_choice("objective", objective, get_args(Objective))
    check_choice("inferences", inferences, get_args(Inferences))
    most_steps = whole_number_or_none("steps", steps, 0, MAX_STEPS)
    check_function("step", step, "each move")
    limits = _limits(max_params=max_params, max_macs=max_macs, min_params=min_params)
    began = time.perf_counter()
    network, hardware = network_of(network), hardware_of(hardware)
    min_resolution = _least_side(network, min_resolution)
    simulator = MoveSimulator(hardware, options_for(network, batch, dataflow), inferences)
    start = simulator.state(concrete(network))
    budget = _budget(network, start.point, **limits)
    explorer = _Explorer(simulator, channel_arguments(start.network), budget, objective, min_resolution)
    path = explorer.path(network, start, most_steps, step)
    return replace(path, seconds=time.perf_counter() - began, inferences=inferences)


def _limits(**limits: int | None) -> dict[str, int | None]:
    return {name: whole_number_or_none(name, limit, 0) for name, limit in limits.items()}


def _least_side(network: Network, min_resolution: int | None) -> int | None:
    """Of the images that may be taken. Raises SpaceError where a stage table says how large they are."""
    if min_resolution is not None and graph_of(network) is None:
        raise SpaceError(_NO_IMAGES.format(network.name))
    return whole_number_or_none("min_resolution", min_resolution, 1)


@dataclass(frozen=True)
class _MoveRanking:
    """What came of all moves from a network; what makes the objective smallest first."""

    objective: Objective
    outcomes: tuple[MoveOutcome, ...]
    helping: tuple[MoveOutcome, ...]
    """Those that make the objective smaller."""
    allowed: tuple[MoveOutcome, ...]
    """Those of them that keep within the budget."""

    @property
    def best(self) -> MoveOutcome:
        """The move to take: of those that gain as much as the first, the one with fewest parameters.

        Why not simply the first: docs/decisions/path-moves.md.
        """
        bound = self.allowed[0].value(self.objective) * (1 + AS_GOOD)
        as_good = [outcome for outcome in self.allowed if outcome.value(self.objective) <= bound]
        return min(as_good, key=lambda outcome: outcome.point.params if outcome.point else math.inf)

    def step(self, before: PathState, after: PathState) -> PathStep:
        """Taking the best."""
        return PathStep(
            worst=before.worst,
            before=before.point,
            moves=self.outcomes,
            helping=len(self.helping),
            allowed=len(self.allowed),
            best=self.best,
            after=after.point,
            depths=depths_of(after.network),
        )


@dataclass(frozen=True)
class _Explorer:
    """Goes from network to network, each time by the best move."""

    simulator: MoveSimulator
    arguments: Sequence[Argument]
    """Numbers of channels in the table, which stay the same along the path."""
    budget: SizeBudget
    objective: Objective
    min_resolution: int | None

    def path(
        self, network: Network, start: PathState, most_steps: int | None, step: Callable[[str], None]
    ) -> DesignPath:
        """The path from a network. Raises SpaceError where there is no move at all."""
        hardware = self.simulator.hardware
        if not self._moves(start):
            reason = _NO_MOVES if graph_of(network) is None else _NO_GRAPH_MOVES
            raise SpaceError(reason.format(network.name))
        path_steps, state, ranking = self._descend(start, most_steps, step)
        return DesignPath(
            network=network,
            hardware=hardware,
            objective=self.objective,
            budget=self.budget,
            start=start.point,
            start_depths=depths_of(start.network),
            steps=tuple(path_steps),
            worst=state.worst,
            last_moves=ranking.outcomes if ranking else (),
            stopped="steps" if ranking is None else "budget" if ranking.helping else "nothing helps",
            final=_named(state.network.description, network, hardware, path_steps),
            evaluated=self.simulator.evaluated,
            min_resolution=self.min_resolution,
        )

    def _descend(
        self, start: PathState, most_steps: int | None, step: Callable[[str], None]
    ) -> tuple[list[PathStep], PathState, _MoveRanking | None]:
        """The steps, the network at the end, and the moves from there; None where enough steps are done."""
        state, path_steps = start, list[PathStep]()
        while most_steps is None or len(path_steps) < most_steps:
            ranking = self._ranking(state)
            if not ranking.allowed:
                return path_steps, state, ranking
            move = ranking.best.move
            after = self.simulator.state(moved(state.network, move))
            path_steps.append(ranking.step(state, after))
            state = after
            step(move_words(move))
        return path_steps, state, None

    def _ranking(self, state: PathState) -> _MoveRanking:
        """What comes of each move from a network."""
        outcomes = self.simulator.outcomes(state.network, self._moves(state), self.budget)
        ranked = tuple(sorted(outcomes, key=lambda outcome: outcome.value(self.objective)))
        incumbent = state.point.value(self.objective)
        helping = tuple(outcome for outcome in ranked if outcome.value(self.objective) < incumbent)
        allowed = tuple(outcome for outcome in helping if not outcome.excesses)
        return _MoveRanking(self.objective, ranked, helping, allowed)

    def _moves(self, state: PathState) -> Sequence[Move]:
        """What a network offers: its stage table, or the layers of its operators that leave PEs idle."""
        hardware = self.simulator.hardware
        if graph_of(state.network) is None:
            return moves(state.network, hardware, self.arguments)
        return graph_moves(state.network, longer_side(hardware), state.idlest, self.min_resolution)


_NO_MOVES: Final = (
    "{}: offers no move: no repeating stage has a block to give to another, the table's first row is no "
    "convolution with a large kernel, and every number of channels in the table that can change alone is a "
    "multiple of the array"
)

_NO_GRAPH_MOVES: Final = (
    "{}: offers no move: at the layers that leave most PEs idle, no kernel and no groups can change, and no "
    "number of channels that is no multiple of the array can be followed to all that have it"
)
_NO_IMAGES: Final = (
    "{}: its stage table says how large its image is, which no move changes: give the network another one, "
    "as in NAME@resolution=160, instead of a smallest resolution"
)


def _budget(
    network: Network, start: DesignPoint, max_params: int | None, max_macs: int | None, min_params: int | None
) -> SizeBudget:
    """The limits that were given; for the others, parts of what the network at the start has."""
    budget = SizeBudget(
        int(start.params * MORE_PARAMS) if max_params is None else max_params,
        int(start.macs * MORE_MACS) if max_macs is None else max_macs,
        int(start.params * LEAST_PARAMS) if min_params is None else min_params,
    )
    _check_start(network, start, budget)
    return budget


def _check_start(network: Network, point: DesignPoint, budget: SizeBudget) -> None:
    """Refuse a budget that the network itself does not keep."""
    for name, limit, size in (
        ("max params", budget.max_params, point.params),
        ("max MACs", budget.max_macs, point.macs),
    ):
        if size > limit:
            raise SpaceError(
                f"{name} = {limit}: {network.name} has {size}, {size - limit} more: no path starts there"
            )
    if point.params < budget.min_params:
        raise SpaceError(
            f"min params = {budget.min_params}: {network.name} has {point.params}, "
            f"{budget.min_params - point.params} fewer: no path starts there"
        )


def _named(
    description: NetworkDescription, network: Network, hardware: Hardware, steps: Sequence[PathStep]
) -> NetworkDescription:
    """The description under a name of its own, saying where it comes from."""
    changes = "; ".join(move_words(step.best.move) for step in steps) or "nothing"
    final = derived(description, network.name, "path", changes)
    return vary(final, title=f"{description.title}, redesigned for {hardware.name}")
