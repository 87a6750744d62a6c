"""The programme: the least price over all that may be decided, step by step in running order.

A state is what matters to the steps that follow: the set of tensors in the pool, and those of them that lie
outside as well, where that matters. Why nothing that matters is lost, and what is forgotten where more states
are reached than are followed, is in docs/decisions/residency.md.
"""

import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from heapq import nsmallest
from typing import Final, NamedTuple, TypeAlias

from accelsim.planning.edges import Edge
from accelsim.planning.remainder import Remainder
from accelsim.planning.residency import DoesNotFit, Pool
from accelsim.planning.stages import (
    ARRIVAL,
    INPUTS,
    OUTPUTS,
    RESIDUAL,
    Stage,
    TensorSet,
    keeping_nothing,
    members,
)
from accelsim.planning.tensors import NetworkTensors

State: TypeAlias = tuple[TensorSet, TensorSet]
"""The tensors in the pool, and those of them whose copy outside matters. With the latter are those that were
given up in the pool, where they might come to it once more: they do not."""
Price: TypeAlias = tuple[float, int]
"""Of equal prices the one with fewer bytes outside is lower."""
START: Final[Price] = (0.0, 0)


class Way(NamedTuple):
    """One way to run a step, whether there is room or not."""

    in_pool: TensorSet
    """During the step."""
    copied: TensorSet
    """Those of them that lie outside as well, where that mattered before the step; and what was given up."""
    read: TensorSet
    """What the step reads in the pool."""
    moved: int
    """The combination of operands that move."""


class Transition(NamedTuple):
    """A way to run a step that has room."""

    in_pool: TensorSet
    moved: int
    price: Price
    states: tuple[State, ...]
    """In which the next step may begin: what lies outside as well may be given up in the pool, or not."""


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
class Programme:
    """The stages of a network, on a pool."""

    network: NetworkTensors
    pool: Pool
    stages: tuple[Stage, ...]
    edges: tuple[Edge, ...] = ()
    """Chains of steps that may run as one."""
    _bytes: dict[TensorSet, int] = field(default_factory=lambda: {0: 0}, compare=False, repr=False)

    @property
    def start(self) -> State:
        """The state before the first step."""
        images = [1 << index for index, tensor in enumerate(self.network.tensors) if tensor.is_image]
        return (sum(images) if self.pool.image_inside else 0), 0

    @cached_property
    def kept_to_the_end(self) -> TensorSet:
        """Results that have to lie in the pool after the last step."""
        results = [1 << index for index, tensor in enumerate(self.network.tensors) if tensor.is_result]
        return sum(results) if self.pool.results_inside else 0

    def bytes_of(self, tensors: TensorSet) -> int:
        """The size of tensors together."""
        size = self._bytes.get(tensors)
        if size is None:
            size = sum([self.network.tensors[index].size_bytes for index in members(tensors)])
            self._bytes[tensors] = size
        return size

    @cached_property
    def transitions(self) -> "tuple[Transitions, ...]":
        """Of each step."""
        return tuple([Transitions(self, stage) for stage in self.stages])

    @cached_property
    def of_edges(self) -> "tuple[tuple[tuple[Edge, Transitions], ...], ...]":
        """By the step with which chains begin: the chains, and how they go."""
        beginning: list[list[tuple[Edge, Transitions]]] = [[] for _ in self.stages]
        for edge in self.edges:
            beginning[edge.first].append((edge, Transitions(self, edge.stage)))
        return tuple(map(tuple, beginning))


@dataclass(frozen=True)
class Transitions:
    """The ways from the states before a step to those after it."""

    programme: Programme
    stage: Stage
    _prices: dict[tuple[TensorSet, int], Price | None] = field(
        default_factory=dict, compare=False, repr=False
    )
    """Of what lies in the pool, and what moves: many states have these in common."""

    def ways(self, state: State) -> Iterator[Way]:
        """All that may be decided in a state, whether there is room or not."""
        stage = self.stage
        in_pool, copied = state[0], state[1] | stage.copied
        if stage.beside & ~in_pool:
            return
        moved, read = 0, stage.beside
        for operand, tensors in ((INPUTS, stage.inputs), (RESIDUAL, stage.residuals)):
            if not tensors & ~in_pool:
                read |= tensors
            elif tensors & in_pool & ~copied:
                return  # some of the operand lies in the pool only, some outside only
            else:
                moved |= operand
        yield from self._written(Way(in_pool, copied, read, moved))
        given_up = copied & ~in_pool
        if moved & INPUTS and stage.may_arrive and not stage.inputs & given_up:
            come = stage.inputs
            yield from self._written(Way(in_pool | come, copied | come, read | come, moved | ARRIVAL))

    def _written(self, way: Way) -> Iterator[Way]:
        """All that may be decided about the output."""
        stage = self.stage
        in_pool, copied, read, moved = way
        for choice in stage.choices:
            yield Way(
                in_pool | stage.output if choice.kept else in_pool,
                copied | stage.output if choice.kept and choice.written else copied,
                read,
                moved | OUTPUTS if choice.written else moved,
            )
        if not stage.choices:
            only_in_pool = stage.output & in_pool & ~copied
            yield Way(in_pool, copied, read, moved if only_in_pool else moved | OUTPUTS)

    def of(self, state: State) -> Iterator[Transition]:
        """All ways to run the step from a state that have room."""
        prices = self._prices
        for way in self.ways(state):
            key = in_pool, moved = way.in_pool, way.moved
            price = prices[key] if key in prices else prices.setdefault(key, self._price(in_pool, moved))
            if price is not None:
                yield Transition(in_pool, moved, price, self.following(way))

    def following(self, way: Way) -> tuple[State, ...]:
        """The states in which the next step may begin."""
        useless, copies, may_arrive_later = self.stage.useless, self.stage.copies, self.stage.may_arrive_later
        in_pool, copied, read, _ = way
        staying = in_pool & ~useless
        # What is given up in the pool at another time than after it was read there took room for nothing.
        # So it is enough to decide here: for all subsets, in falling order of their bits.
        optional = given_up = read & copied & staying & ~self.programme.kept_to_the_end
        states = []
        while True:
            left_in_pool = staying & ~given_up
            marked = left_in_pool & copies | may_arrive_later & ~left_in_pool
            states.append((left_in_pool, copied & marked))
            if not given_up:
                break
            given_up = (given_up - 1) & optional
        return tuple(states)

    def _price(self, in_pool: TensorSet, moved: int) -> Price | None:
        """None where there is no room."""
        staircase = self.stage.staircases[moved]
        if staircase is None:
            return None
        stair = staircase.stair(self.programme.pool.size_bytes - self.programme.bytes_of(in_pool))
        return None if stair is None else (staircase.prices[stair], staircase.costs[stair].dram_bytes)


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
        programme: The stages.
        most_states: How many states are followed after a step, at most.

    Returns:
        The best way, or where there is none the step that cannot be run.
    """
    levels: list[dict[State, Arrival]] = [{} for _ in range(len(programme.stages) + 1)]
    levels[0][programme.start] = Arrival(START, None, programme.start, 0, 0)
    remainder: Remainder | None = None
    least_forgotten = float("inf")
    kept: Sequence[State] = ()
    for step, transitions in enumerate(programme.transitions):
        states = levels[step]
        _arrive(levels[step + 1], transitions, states, None)
        for edge, of_edge in programme.of_edges[step]:
            _arrive(levels[edge.behind], of_edge, states, edge)
        arrivals = levels[step + 1]
        if not (arrivals or programme.edges):
            return _does_not_fit(programme, step, states)
        if len(arrivals) > most_states:
            if programme.edges:
                # What is left to a step costs no less than by itself only where it runs by itself.
                return search(Programme(programme.network, programme.pool, programme.stages), most_states)
            if remainder is None:
                remainder = Remainder.of(programme.network, programme.pool, programme.stages)
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
    arrivals: dict[State, Arrival], transitions: Transitions, states: dict[State, Arrival], edge: Edge | None
) -> None:
    """Add the best ways to the states after a step, or after a chain of them."""
    for state, previous in states.items():
        price, dram_bytes = previous.price
        for in_pool, moved, (added, added_bytes), following in transitions.of(state):
            arrival = Arrival(
                (price + added, dram_bytes + added_bytes), previous, state, in_pool, moved, edge
            )
            for following_state in following:
                rival = arrivals.get(following_state)
                if rival is None or arrival.price < rival.price:
                    arrivals[following_state] = arrival


def _states_with_nothing_kept(programme: Programme) -> list[State]:
    """Before each step and after the last, where nothing is kept that could be elsewhere.

    None where that does not fit.
    """
    kept = keeping_nothing(programme.network, programme.pool, programme.stages)
    found = search(Programme(programme.network, programme.pool, kept), sys.maxsize)
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
        programme: The stages.
        step: Which of them.
        states: In which it may begin.
        tensors: Which have to be in the pool during the step.

    Returns:
        Bytes of tensors and of the least tiles, and the tensors that then are in the pool.
    """
    stage, transitions = programme.stages[step], programme.transitions[step]
    needs = []
    for state in states:
        for in_pool, _, _, moved in transitions.ways(state):
            staircase = stage.staircases[moved]
            if not tensors & ~in_pool and staircase is not None and staircase.room_bytes:
                needs.append((programme.bytes_of(in_pool) + staircase.room_bytes[0], in_pool))
    # Where no way is open, an operand lies in two places: all of them would have to be in the pool.
    everything = stage.inputs | stage.residuals | stage.output | tensors
    return min(needs, default=(programme.bytes_of(everything), everything))


def _does_not_fit(programme: Programme, step: int, states: Iterable[State]) -> DoesNotFit:
    needed_bytes, in_pool = least_needed(programme, step, states)
    return DoesNotFit(step, members(in_pool), needed_bytes, programme.pool.size_bytes)
