"""The programme: the least price over all that may be decided, step by step in running order.

Of two ways to one state only the cheaper is followed. What is forgotten where more states are reached than
are followed is in docs/decisions/residency.md.
"""

import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from heapq import nsmallest
from typing import Final, NamedTuple, TypeAlias

from accelsim.mapping.staircase import StepCost, StepPrices
from accelsim.planning.programme.decisions import Decisions, State, Transitions
from accelsim.planning.programme.edges import Edge
from accelsim.planning.programme.remainder import Remainder
from accelsim.planning.programme.stages import Stairs, TensorSet, members, stairs_of
from accelsim.planning.residency import DoesNotFit, Pool

Price: TypeAlias = tuple[float, int]
"""Of equal prices the one with fewer bytes outside is lower."""
START: Final[Price] = (0.0, 0)


class TooManyStatesError(Exception):
    """More states are reached than are followed, where some steps run in chains only."""


class Arrival(NamedTuple):
    """The best way to a state."""

    price: Price
    previous: "Arrival | None"
    before: State
    """The state before the last step, or the last chain of steps."""
    in_pool: TensorSet
    """During that."""
    moved: int
    """By it."""
    edge: Edge | None = None
    """The chain; None of a step by itself."""


@dataclass(frozen=True)
class Tariff:
    """What a step costs in a pool, by what moves and what tensors take."""

    stairs: Stairs
    pool_bytes: int
    _prices: dict[tuple[int, int], Price | None] = field(default_factory=dict, compare=False, repr=False)

    @property
    def runs_nowhere(self) -> bool:
        """Whether the step does not run by itself, whatever moves."""
        return all(staircase is None for staircase in self.stairs)

    def price(self, moved: int, in_pool_bytes: int) -> Price | None:
        """None where there is no room."""
        key = moved, in_pool_bytes
        if key not in self._prices:
            found = self._found(moved, in_pool_bytes)
            self._prices[key] = None if found is None else (found[0], found[1].dram_bytes)
        return self._prices[key]

    def cost(self, moved: int, in_pool_bytes: int) -> StepCost:
        """The same as time, energy and bytes, where there is room."""
        found = self._found(moved, in_pool_bytes)
        assert found is not None, "the programme goes no way without room"
        return found[1]

    def _found(self, moved: int, in_pool_bytes: int) -> tuple[float, StepCost] | None:
        staircase = self.stairs[moved]
        stair = None if staircase is None else staircase.stair(self.pool_bytes - in_pool_bytes)
        return (
            None if staircase is None or stair is None else (staircase.prices[stair], staircase.costs[stair])
        )


@dataclass(frozen=True)
class Programme:
    """What may be decided of a network, with what it costs."""

    decisions: Decisions
    pool: Pool
    tariffs: tuple[Tariff, ...]
    """Of each step."""
    edges: tuple[Edge, ...] = ()
    """Chains of steps that may run as one."""

    @classmethod
    def of(
        cls, decisions: Decisions, pool: Pool, prices: Sequence[StepPrices], edges: Sequence[Edge] = ()
    ) -> "Programme":
        """By prices of each step; steps that have the same share them."""
        known: dict[tuple[int, int], Tariff] = {}
        tariffs = []
        for stage, of_step in zip(decisions.stages, prices, strict=True):
            key = id(of_step), id(stage.moved)
            if key not in known:
                known[key] = Tariff(stairs_of(stage.moved, of_step), pool.size_bytes)
            tariffs.append(known[key])
        return cls(decisions, pool, tuple(tariffs), tuple(edges))

    @cached_property
    def of_edges(self) -> "tuple[tuple[tuple[Edge, Transitions, Tariff], ...], ...]":
        """By the step with which chains begin: the chains, how they go, and what they cost."""
        beginning: list[list[tuple[Edge, Transitions, Tariff]]] = [[] for _ in self.tariffs]
        for edge in self.edges:
            transitions = Transitions(self.decisions, edge.stage)
            beginning[edge.first].append((edge, transitions, Tariff(edge.stairs, self.pool.size_bytes)))
        return tuple(map(tuple, beginning))


@dataclass(frozen=True)
class Search:
    """What the programme found."""

    best: Arrival
    """After the last step."""
    levels: tuple[dict[State, Arrival], ...]
    """The states before each step; none where not all states were followed."""
    least_forgotten: float
    """No plan through a state that was not followed has a lower price; infinite where all were."""


def search(programme: Programme, most_states: int) -> Search | DoesNotFit:
    """The best way through all stages.

    Args:
        programme: What may be decided, and what it costs.
        most_states: How many states are followed after a step, at most.

    Returns:
        The best way, or where there is none the step that cannot be run.

    Raises:
        TooManyStatesError: There are more, and steps that run in chains only.
    """
    decisions = programme.decisions
    levels: list[dict[State, Arrival]] = [{} for _ in range(len(decisions.stages) + 1)]
    levels[0][decisions.start] = Arrival(START, None, decisions.start, 0, 0)
    remainder: Remainder | None = None
    least_forgotten = float("inf")
    kept: Sequence[State] = ()
    for step, (transitions, tariff) in enumerate(zip(decisions.transitions, programme.tariffs, strict=True)):
        states = levels[step]
        _arrive(levels[step + 1], transitions, tariff, states, None)
        for edge, of_edge, tariff_of_edge in programme.of_edges[step]:
            _arrive(levels[edge.behind], of_edge, tariff_of_edge, states, edge)
        arrivals = levels[step + 1]
        if not (arrivals or programme.edges):
            return _does_not_fit(programme, step, states)
        if len(arrivals) > most_states:
            if programme.edges:
                if any(tariff.runs_nowhere for tariff in programme.tariffs):
                    raise TooManyStatesError
                # What is left to a step costs no less than by itself only where it runs by itself.
                return search(replace(programme, edges=()), most_states)
            if remainder is None:
                stairs = [tariff.stairs for tariff in programme.tariffs]
                remainder = Remainder.of(decisions.network, programme.pool, decisions.stages, stairs)
                kept = _states_with_nothing_kept(programme)
            always = kept[step + 1] if kept else min(arrivals, key=_count)
            levels[step + 1], forgotten = _followed(remainder, step + 1, arrivals, always, most_states)
            least_forgotten = min(least_forgotten, forgotten)
        if remainder is not None:
            levels[step] = {}
    if not levels[-1]:
        last = max(step for step, states in enumerate(levels) if states)
        return _does_not_fit(programme, last, levels[last])
    best = min(levels[-1].values(), key=lambda arrival: arrival.price)
    return Search(best, () if remainder else tuple(levels), least_forgotten)


def _arrive(
    arrivals: dict[State, Arrival],
    transitions: Transitions,
    tariff: Tariff,
    states: dict[State, Arrival],
    edge: Edge | None,
) -> None:
    """Add the best ways to the states after a step, or after a chain of them."""
    for state, previous in states.items():
        price, dram_bytes = previous.price
        for in_pool, moved, in_pool_bytes, following in transitions.of(state):
            added = tariff.price(moved, in_pool_bytes)
            if added is None:
                continue
            arrival = Arrival(
                (price + added[0], dram_bytes + added[1]), previous, state, in_pool, moved, edge
            )
            for following_state in following:
                rival = arrivals.get(following_state)
                if rival is None or arrival.price < rival.price:
                    arrivals[following_state] = arrival


def _states_with_nothing_kept(programme: Programme) -> list[State]:
    """Before each step and after the last, where nothing is kept that could be elsewhere.

    None where that does not fit.
    """
    found = search(replace(programme, decisions=programme.decisions.keeping_nothing), sys.maxsize)
    if isinstance(found, DoesNotFit):
        return []
    states = [next(state for state, arrival in found.levels[-1].items() if arrival is found.best)]
    arrival = found.best
    while arrival.previous is not None:
        states.append(arrival.before)
        arrival = arrival.previous
    return states[::-1]


def _count(state: State) -> int:
    """Of tensors in the pool and of their copies."""
    return state[0].bit_count() + state[1].bit_count()


def _followed(
    remainder: Remainder, step: int, arrivals: dict[State, Arrival], always: State, most_states: int
) -> tuple[dict[State, Arrival], float]:
    """The states that are followed, through which a plan may cost least; and the least of the others.

    One is always followed: of the plan in which nothing is kept, so that a plan is there, and never worse.
    """
    bounds = {
        state: arrival.price[0] + remainder.least(step, state[0]) for state, arrival in arrivals.items()
    }
    best = nsmallest(most_states + 1, arrivals, key=lambda state: (bounds[state], arrivals[state].price))
    followed = {state: arrivals[state] for state in [*best[: most_states - 1], always]}
    forgotten = next(bounds[state] for state in best if state not in followed)
    return followed, forgotten


def least_needed(
    programme: Programme, step: int, states: Iterable[State], tensors: TensorSet = 0
) -> tuple[int, TensorSet]:
    """What a step takes of the pool in the state that leaves it most room, whether it has that room or not.

    Args:
        programme: What may be decided, and what it costs.
        step: Which of them.
        states: In which it may begin.
        tensors: Which have to be in the pool during the step.

    Returns:
        Bytes of tensors and of the least tiles, and the tensors that then are in the pool.
    """
    decisions, tariff = programme.decisions, programme.tariffs[step]
    stage, needs = decisions.stages[step], []
    for state in states:
        for in_pool, _, _, moved in decisions.transitions[step].ways(state):
            staircase = tariff.stairs[moved]
            if not tensors & ~in_pool and staircase is not None and staircase.room_bytes:
                needs.append((decisions.bytes_of(in_pool) + staircase.room_bytes[0], in_pool))
    # Where no way is open, an operand lies in two places: all of them would have to be in the pool.
    everything = stage.inputs | stage.residuals | stage.output | tensors
    return min(needs, default=(decisions.bytes_of(everything), everything))


def _does_not_fit(programme: Programme, step: int, states: Iterable[State]) -> DoesNotFit:
    needed_bytes, in_pool = least_needed(programme, step, states)
    return DoesNotFit(step, members(in_pool), needed_bytes, programme.pool.size_bytes)
