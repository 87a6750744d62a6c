"""Edges: cascades as the programme sees them, each a step in place of several."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import compress
from typing import Final, NamedTuple

from accelsim.hardware import Operand
from accelsim.mapping.staircase import Moved, Staircase
from accelsim.mapping.stripes import Cascade
from accelsim.planning.programme.stages import (
    ARRIVAL,
    COMBINATIONS,
    INPUTS,
    OUTPUTS,
    RESIDUAL,
    Stage,
    Stairs,
    TensorSet,
    members,
    tensor_set,
)
from accelsim.planning.tensors import NetworkTensors

_ENDS: Final = {INPUTS: Operand.INPUTS, RESIDUAL: Operand.RESIDUAL, OUTPUTS: Operand.OUTPUTS}
_ENDS_OF: Final[tuple[Moved | None, ...]] = tuple(
    [
        frozenset(compress(_ENDS.values(), [combination & bit for bit in _ENDS]))
        if combination < ARRIVAL
        else None
        for combination in COMBINATIONS
    ]
)
"""The operands that move at the ends of a chain, by combinations; none comes to stay."""


class StripedWay(NamedTuple):
    """A way in which a chain of steps may run stripe by stripe.

    Example:
        >>> StripedWay(Cascade(first=3, layers=2, stripe_rows=4), taken_bytes=2048).cascade.steps
        range(3, 5)
    """

    cascade: Cascade
    taken_bytes: int
    """Of the pool all the while: windows of rows, and weights that come once and stay."""


class ChainPrices(NamedTuple):
    """What a chain of steps costs that runs stripe by stripe, in the best of several ways.

    Example:
        >>> ChainPrices(first=3, layers=2, ways=(), staircases={}).layers
        2
    """

    first: int
    """Its first step."""
    layers: int
    """How many steps."""
    ways: tuple[StripedWay, ...]
    """That the candidates of staircases are."""
    staircases: Mapping[Moved, Staircase]
    """By what moves of its ends: inputs of its first step, residuals of others' outputs, outputs of its last.
    Their room is that of the whole cascade: windows, weights that stay, and tiles."""


@dataclass(frozen=True)
class Edge:
    """A chain of steps in the programme: from the states before its first step to those after its last."""

    first: int
    layers: int
    stage: Stage
    """The chain as a step: it reads what comes from outside of it, and writes what its last step writes."""
    stairs: Stairs
    """What it costs."""
    ways: tuple[StripedWay, ...]
    inside: tuple[tuple[int, ...], ...]
    """Of each step: the tensors of which rows are in the pool meanwhile, and that no other step knows of."""
    outer_residuals: tuple[TensorSet, ...]
    """Of each step: those residuals that no step of the chain writes."""
    stored: frozenset[int] = frozenset()
    """Steps before the last that write outside as well, for those behind the chain."""

    @property
    def behind(self) -> int:
        """The step before which it ends."""
        return self.first + self.layers

    def moved(self, step: int, combination: int) -> int:
        """The combination of operands that one of its steps moves."""
        moved = combination & INPUTS if step == self.first else 0
        moved |= combination & RESIDUAL if self.outer_residuals[step - self.first] else 0
        moved |= OUTPUTS if step in self.stored else 0
        return moved | (combination & OUTPUTS if step == self.behind - 1 else 0)


def edges(network: NetworkTensors, stages: Sequence[Stage], prices: Sequence[ChainPrices]) -> Iterator[Edge]:
    """The chains of a network as steps.

    Args:
        network: Tensors and their uses.
        stages: Its steps by themselves.
        prices: Of chains. Inner tensors that others read as well are written outside, so chains in which
            these could not be there are left out.
    """
    for first, layers, ways, staircases in prices:
        if not any(staircase.room_bytes for staircase in staircases.values()):
            continue
        steps = range(first, first + layers)
        stored = network.wanted_behind(steps)
        if not all(any(not choice.kept for choice in stages[step].choices) for step in stored):
            continue
        written = {network.uses[step].output for step in steps[:-1]}
        beside = {tensor for step in steps[1:] for tensor in network.uses[step].inputs} - written
        outer = tuple([tensor_set(sorted(set(network.uses[step].residuals) - written)) for step in steps])
        residuals = tensor_set(sorted({tensor for of_step in outer for tensor in members(of_step)}))
        yield Edge(
            first,
            layers,
            replace(
                stages[steps[-1]],
                inputs=stages[first].inputs,
                residuals=residuals,
                may_arrive=False,
                beside=tensor_set(sorted(beside)),
                copied=tensor_set(sorted({network.uses[step].output for step in stored})),
            ),
            tuple([None if ends is None else staircases.get(ends) for ends in _ENDS_OF]),
            ways,
            tuple([tuple(sorted(_alive(network, written, step))) for step in steps]),
            outer,
            stored,
        )


def _alive(network: NetworkTensors, written: set[int], step: int) -> Iterator[int]:
    """The inner tensors that a step writes or that are to be read."""
    for tensor in written:
        life = network.lives[tensor]
        if life.first <= step <= life.last:
            yield tensor
