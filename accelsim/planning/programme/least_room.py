"""The least pool in which a network runs with nothing outside but weights, its image and its results.

Of a way through the programme, what matters is the step, or the cascade, that takes most of the pool: its
tensors, the rows that it keeps from stripe to stripe, and its smallest tiles. The way in which that is least
is found step by step as the plan is, with the largest need so far in place of the sum of prices.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from accelsim.mapping.staircase import StepPrices
from accelsim.mapping.stripes import Cascade
from accelsim.planning.programme.decisions import Decisions, State, Transitions
from accelsim.planning.programme.edges import ChainPrices, Edge, StripedWay, edges
from accelsim.planning.programme.programme import Programme
from accelsim.planning.programme.stages import Stairs, TensorSet, members
from accelsim.planning.residency import Pool
from accelsim.planning.tensors import NetworkTensors


class LeastRoom(NamedTuple):
    """The least that a network needs of a pool, and who needs it.

    Example:
        >>> LeastRoom(4096, first=3, layers=1, tensors=(2, 3), taken_bytes=0, cascades=()).needed_bytes
        4096
    """

    needed_bytes: int
    """By the step, or the cascade, that needs most."""
    first: int
    """That step, or the first one of the cascade."""
    layers: int
    """How many steps it has."""
    tensors: tuple[int, ...]
    """That are in the pool as a whole then."""
    taken_bytes: int
    """By rows that the cascade keeps, and weights."""
    cascades: tuple[Cascade, ...]
    """Of the whole network."""


class StepRoom(NamedTuple):
    """What a step, or a cascade, needs of the pool.

    Example:
        >>> StepRoom(tensors=(2, 3), needed_bytes=4192).needed_bytes
        4192
    """

    tensors: tuple[int, ...]
    """That are in the pool as a whole then."""
    needed_bytes: int
    """By them, by rows, weights and the smallest tiles."""


class _Reached(NamedTuple):
    """The way to a state that needs least."""

    needed_bytes: int
    """The largest need of all steps."""
    step: int
    edge: Edge | None
    in_pool: TensorSet
    moved: int
    """In the last step, or cascade."""
    its_bytes: int
    """What that needs."""
    previous: "_Reached | None"


def least_room(
    network: NetworkTensors, pool: Pool, prices: Sequence[StepPrices], chains: Sequence[ChainPrices] = ()
) -> LeastRoom | None:
    """What a network needs of a pool at least.

    Args:
        network: Tensors and their uses.
        pool: Where they may lie, but for its size.
        prices: Of each step: its staircases say how small tiles may be.
        chains: The same of steps that may run as cascades.

    Returns:
        The least of all ways, and the first step of it that needs as much; None where a step reads what is
        outside beside what is in the pool, so that nothing but the ends cannot be outside.

    Example:
        >>> from accelsim.hardware import Operand
        >>> from accelsim.mapping.staircase import StepCost, Staircase
        >>> from accelsim.planning.tensors import LayerUse, Tensor
        >>> tensors = Tensor("image", 60, is_image=True), Tensor("fc", 10, is_result=True)
        >>> network = NetworkTensors(tensors, (LayerUse((0,), (), 1),))
        >>> inside = Pool(50, outside=False, image_inside=True, results_inside=True)
        >>> least_room(network, inside, [{frozenset(): Staircase((20,), (1.0,), (StepCost(1),), (0,))}])[:4]
        (90, 0, 1, (0, 1))
    """
    last = _least_way(network, pool, prices, chains)
    return None if last is None else _least(last)


def least_rooms(network: NetworkTensors, pool: Pool, prices: Sequence[StepPrices]) -> list[StepRoom] | None:
    """What each step needs of a pool on the way on which the one that needs most needs least.

    Args:
        network: Tensors and their uses.
        pool: Where they may lie, but for its size.
        prices: Of each step: its staircases say how small tiles may be.

    Returns:
        The needs, in running order; None as `least_room`.

    Example:
        >>> from accelsim.hardware import Operand
        >>> from accelsim.mapping.staircase import StepCost, Staircase
        >>> from accelsim.planning.tensors import LayerUse, Tensor
        >>> tensors = Tensor("image", 60, is_image=True), Tensor("fc", 10, is_result=True)
        >>> network = NetworkTensors(tensors, (LayerUse((0,), (), 1),))
        >>> inside = Pool(50, outside=False, image_inside=True, results_inside=True)
        >>> least_rooms(network, inside, [{frozenset(): Staircase((20,), (1.0,), (StepCost(1),), (0,))}])
        [StepRoom(tensors=(0, 1), needed_bytes=90)]
    """
    last = _least_way(network, pool, prices, ())
    if last is None:
        return None
    return [StepRoom(members(reached.in_pool), reached.its_bytes) for reached in _way(last)]


def _least_way(
    network: NetworkTensors, pool: Pool, prices: Sequence[StepPrices], chains: Sequence[ChainPrices]
) -> _Reached | None:
    """The end of the way that needs least; None where there is none."""
    pool = replace(pool, only_ends_outside=True)
    decisions = Decisions.of(network, pool, prices)
    programme = Programme.of(decisions, pool, prices, [*edges(network, decisions.stages, chains)])
    levels: list[dict[State, _Reached]] = [{} for _ in range(len(decisions.stages) + 1)]
    levels[0][decisions.start] = _Reached(0, 0, None, 0, 0, 0, None)
    for step, (transitions, tariff) in enumerate(zip(decisions.transitions, programme.tariffs, strict=True)):
        _reach(levels[step + 1], transitions, tariff.stairs, levels[step], step, None)
        for edge, of_edge, _ in programme.of_edges[step]:
            _reach(levels[edge.behind], of_edge, edge.stairs, levels[step], step, edge)
    return min(levels[-1].values(), key=lambda reached: reached.needed_bytes, default=None)


def _reach(
    reached: dict[State, _Reached],
    transitions: Transitions,
    stairs: Stairs,
    states: dict[State, _Reached],
    step: int,
    edge: Edge | None,
) -> None:
    """Add the ways to the states after a step, or a chain of them, that need least."""
    for state, previous in states.items():
        for in_pool, moved, in_pool_bytes, states_after in transitions.of(state):
            staircase = stairs[moved]
            if staircase is None or not staircase.room_bytes:
                continue
            its_bytes = in_pool_bytes + staircase.room_bytes[0]
            needed = max(previous.needed_bytes, its_bytes)
            arrival = _Reached(needed, step, edge, in_pool, moved, its_bytes, previous)
            for following in states_after:
                rival = reached.get(following)
                if rival is None or arrival.needed_bytes < rival.needed_bytes:
                    reached[following] = arrival


def _least(last: _Reached) -> LeastRoom:
    """What a way needs, and who does."""
    way = [*_way(last)]
    most = next(reached for reached in way if reached.its_bytes == last.needed_bytes)
    cascades = [_cascade(reached)[0] for reached in way if reached.edge is not None]
    return LeastRoom(
        last.needed_bytes,
        most.step,
        1 if most.edge is None else most.edge.layers,
        members(most.in_pool),
        0 if most.edge is None else _cascade(most)[1],
        tuple(cascades),
    )


def _way(last: _Reached) -> list[_Reached]:
    """The steps, and chains of them, in running order."""
    way = []
    reached: _Reached | None = last
    while reached is not None and reached.previous is not None:
        way.append(reached)
        reached = reached.previous
    return way[::-1]


def _cascade(reached: _Reached) -> StripedWay:
    """As which a chain runs, and what it keeps in the pool."""
    assert reached.edge is not None
    staircase = reached.edge.stairs[reached.moved]
    assert staircase is not None
    return reached.edge.ways[staircase.candidates[0]]
