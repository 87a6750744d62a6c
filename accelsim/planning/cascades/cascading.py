"""Cascading: which layers run stripe by stripe, as part of the plan of what stays on chip.

The plan is made by guesses of what chains of layers cost (`chain_prices.py`), the ways that it chooses are
mapped, and it is made again, until it chooses none that is a guess. Where a plan without cascades keeps
everything, or has room for the best tiles of all layers around, no chain is looked at.
"""

from collections.abc import Iterator, Sequence
from typing import Final

from accelsim.errors import MappingError
from accelsim.mapping.staircase import StepPrices, Weights
from accelsim.planning.cascades.chain_prices import ChainPricer
from accelsim.planning.network_to_plan import NetworkToPlan
from accelsim.planning.programme.decisions import Decisions
from accelsim.planning.programme.edges import ChainPrices
from accelsim.planning.programme.least_room import LeastRoom, least_room
from accelsim.planning.programme.planner import MOST_STATES, solved
from accelsim.planning.programme.programme import TooManyStatesError
from accelsim.planning.programme.solution import Solution
from accelsim.planning.residency import DoesNotFit, Pool

MOST_GUESSES: Final = 8
"""Plans that are made by guesses, each with what was found out about what the one before has chosen."""
TIME: Final = Weights(cycles=1)
TIGHT: Final = 0.01
"""By which part a step costs more than in all of the pool, where it has little room."""


def solved_with_cascades(
    network: NetworkToPlan,
    decisions: Decisions,
    pool: Pool,
    prices: Sequence[StepPrices],
    pricer: ChainPricer | None,
    weights: Weights,
    *,
    guess: bool = False,
) -> Solution | DoesNotFit:
    """The best of what may be decided, where some steps may run as cascades.

    Args:
        network: What is planned.
        decisions: Of its steps.
        pool: Where tensors may lie.
        prices: Of each step, by the weights.
        pricer: Of chains of steps; None where none may run as cascades.
        weights: What is minimised.
        guess: Whether a guess will do: the plan is not executed.

    Returns:
        What the plan is made of.
    """
    found = solved(decisions, pool, prices)
    pressed = frozenset() if pricer is None else frozenset(_pressed(found, prices))
    if pricer is None or not (pressed or network.said):
        return found
    alone = _by_themselves(network, prices)
    # First chains of which nobody else reads anything: so the others lead to no worse plan than they do.
    for closed in (False,) if guess or not pricer.open else (True, False):
        for _ in range(MOST_GUESSES):
            chains = list(pricer.prices(prices, weights, pressed, closed=closed))
            found = _solved(network, decisions, pool, alone, chains)
            chosen = set() if isinstance(found, DoesNotFit) else set(found.plan.cascades)
            if isinstance(found, DoesNotFit) and (
                pricer.ask_said() or _asked_for_room(network, pool, prices, pricer, weights)
            ):
                continue
            if guess:
                return found
            if chosen <= pricer.asked:  # it is the best without guesses, too
                break
            pricer.asked.update(chosen)
    chains = list(pricer.prices(prices, weights, pressed, guess=False))
    found = _solved(network, decisions, pool, alone, chains)
    if isinstance(found, DoesNotFit) and pricer.ask_said():  # of what is said of tiles, guesses know nothing
        chains = list(pricer.prices(prices, weights, pressed, guess=False))
        found = _solved(network, decisions, pool, alone, chains)
    return found


def _solved(
    network: NetworkToPlan,
    decisions: Decisions,
    pool: Pool,
    alone: Sequence[StepPrices],
    chains: Sequence[ChainPrices],
) -> Solution | DoesNotFit:
    """As `solved`. Raises MappingError where there are too many states for cascades that are said."""
    try:
        return solved(decisions, pool, alone, chains=chains)
    except TooManyStatesError:
        first = network.said[0].given
        raise MappingError(
            f"{first.position}: cascade: must be left out: between layers more than {MOST_STATES} choices of "
            "what stays on chip are open, and among so many no cascades are planned"
        ) from None


def _by_themselves(network: NetworkToPlan, prices: Sequence[StepPrices]) -> list[StepPrices]:
    """Prices of each step by itself: none of those that are said to run in cascades."""
    nowhere: StepPrices = {}
    return [nowhere if step in network.said_of else of_step for step, of_step in enumerate(prices)]


def _asked_for_room(
    network: NetworkToPlan, pool: Pool, prices: Sequence[StepPrices], pricer: ChainPricer, weights: Weights
) -> bool:
    """Whether ways that need least were guesses till now: of stripes, tiles may need less than of layers."""
    guessed = len(pricer.asked)
    least_with_cascades(network, pool, prices, pricer, weights)
    return len(pricer.asked) > guessed


def least_with_cascades(
    network: NetworkToPlan,
    pool: Pool,
    prices: Sequence[StepPrices],
    pricer: ChainPricer | None,
    weights: Weights = TIME,
) -> LeastRoom | None:
    """The least pool in which a network runs with nothing outside but weights and its ends.

    Args:
        network: What is planned.
        pool: Where tensors may lie; how large it is is no matter.
        prices: Of each step, by the weights.
        pricer: Of chains of steps; None where none may run as cascades.
        weights: By which ways that need the same are told apart.

    Returns:
        As `least_room`, of ways that are no guesses.
    """
    if pricer is None:
        return least_room(network.tensors, pool, prices)
    pricer.ask_said()
    everywhere = frozenset(range(len(network.layers)))
    alone = _by_themselves(network, prices)
    for _ in range(MOST_GUESSES):
        chains = list(pricer.prices(prices, weights, everywhere))
        found = least_room(network.tensors, pool, alone, chains)
        chosen = set() if found is None else set(found.cascades)
        if chosen <= pricer.asked:
            return found
        pricer.asked.update(chosen)
    chains = list(pricer.prices(prices, weights, everywhere, guess=False))
    return least_room(network.tensors, pool, alone, chains)


def _pressed(found: Solution | DoesNotFit, prices: Sequence[StepPrices]) -> Iterator[int]:
    """The steps at which more room would help: all of them where the network does not fit."""
    if isinstance(found, DoesNotFit):
        yield from range(len(prices))
        return
    plan = found.plan
    network = plan.network
    for tensor, places, life in zip(network.tensors, plan.places, network.lives, strict=True):
        in_pool, reads = places.in_pool, life.reads
        if reads and (in_pool is None or in_pool.last < reads[-1]):
            begins = 0 if tensor.is_image else life.first
            yield from range(begins, reads[-1] + 1)
    for step, (of_step, of_plan) in enumerate(zip(prices, plan.steps, strict=True)):
        staircase = of_step[of_plan.movement]
        if staircase.prices[of_plan.stair] > staircase.prices[-1] * (1 + TIGHT):
            yield step
