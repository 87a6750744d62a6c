"""Stages: the steps of a network as the programme sees them, in sets of tensors.

A set is an integer with one bit for each tensor, so that a state takes two words and what a step reads is
compared in one operation.
"""

from collections.abc import Collection, Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from itertools import accumulate
from operator import or_
from typing import Final, NamedTuple, TypeAlias

from accelsim.hardware import Operand
from accelsim.mapping.staircase import Arriving, Moved, Movement, Staircase, StepPrices, moved_by
from accelsim.planning.residency import Pool
from accelsim.planning.tensors import Life, NetworkTensors

TensorSet: TypeAlias = int
Stairs: TypeAlias = "tuple[Staircase | None, ...]"
"""Of a step, by combinations of operands that move."""
INPUTS: Final = 1
RESIDUAL: Final = 2
OUTPUTS: Final = 4
"""Bits of a combination of operands that move."""
ARRIVAL: Final = 8
"""Beside `INPUTS`: they come to a place in the pool, and stay."""
COMBINATIONS: Final = range(16)
_OPERANDS: Final = {INPUTS: Operand.INPUTS, RESIDUAL: Operand.RESIDUAL, OUTPUTS: Operand.OUTPUTS}


@dataclass(frozen=True, slots=True)
class Choice:
    """Where the first step that writes a tensor puts it."""

    kept: bool
    """In the pool."""
    written: bool
    """Outside."""


@dataclass(frozen=True, slots=True)
class Stage:
    """A step, whatever it costs."""

    inputs: TensorSet
    residuals: TensorSet
    """What else it reads."""
    output: TensorSet
    choices: tuple[Choice, ...]
    """Of the output; none where an earlier step has written a part of it: all parts lie in one piece."""
    moved: tuple[Moved, ...]
    """The operands of each combination."""
    useless: TensorSet
    """Tensors that nobody needs in the pool afterwards."""
    copies: TensorSet
    """Tensors of which it matters afterwards whether they lie outside as well."""
    may_arrive: bool
    """Whether its inputs may come to a place in the pool and stay."""
    may_arrive_later: TensorSet
    """Tensors that may come so at a later step."""
    beside: TensorSet = 0
    """Tensors that are read in the pool alone: operands beside rows of what a chain has inside."""
    copied: TensorSet = 0
    """Tensors of which a chain writes rows in the pool, and all outside: there they may be read again."""


def members(tensors: TensorSet) -> tuple[int, ...]:
    """The tensors of a set, in order."""
    indices = []
    while tensors:
        lowest = tensors & -tensors
        indices.append(lowest.bit_length() - 1)
        tensors ^= lowest
    return tuple(indices)


def tensor_set(tensors: Sequence[int]) -> TensorSet:
    """The set of tensors."""
    return sum([1 << tensor for tensor in set(tensors)])


def stages(
    network: NetworkTensors, pool: Pool, movements: Sequence[Collection[Movement]]
) -> tuple[Stage, ...]:
    """The steps of a network.

    Args:
        network: Tensors and their uses.
        pool: Where tensors may lie; how large it is is no matter.
        movements: Of each step, what of it may move.
    """
    of_tensors = network.lives
    firsts = [life.first for life in of_tensors]
    inputs = [tensor_set(use.inputs) for use in network.uses]
    may_arrive = [any(isinstance(movement, Arriving) for movement in of_step) for of_step in movements]
    arriving = [tensors if arrives else 0 for tensors, arrives in zip(inputs, may_arrive, strict=True)]
    later = [*accumulate(reversed(arriving), or_, initial=0)][-2::-1]
    return tuple(
        [
            Stage(
                inputs[step],
                tensor_set(use.residuals),
                1 << use.output,
                tuple(_choices(network, pool, use.output)) if firsts[use.output] == step else (),
                _moved(movements[step], step, is_product=use.is_product),
                useless,
                copies,
                may_arrive[step],
                later[step],
            )
            for step, (use, (useless, copies)) in enumerate(
                zip(network.uses, _afterwards(network, pool, of_tensors), strict=True)
            )
        ]
    )


def keeping_nothing(network: NetworkTensors, pool: Pool, stages: Sequence[Stage]) -> tuple[Stage, ...]:
    """The same steps, where nothing stays but what cannot be elsewhere: one choice of each that there was."""
    needed, outside = _needed_inside(network, pool), Choice(kept=False, written=True)
    return tuple(
        [
            replace(
                stage,
                choices=(needed.get(stage.output.bit_length() - 1, outside),) if stage.choices else (),
                may_arrive=False,
            )
            for stage in stages
        ]
    )


def _choices(network: NetworkTensors, pool: Pool, output: int) -> Iterator[Choice]:
    """Of a tensor."""
    is_result = network.tensors[output].is_result
    may_stay_inside = not is_result or pool.results_inside
    may_be_outside_only = not is_result or not pool.results_inside
    if pool.only_ends_outside and not is_result:
        yield Choice(kept=True, written=False)
        return
    if may_stay_inside:
        yield Choice(kept=True, written=False)
    if pool.outside:
        if may_be_outside_only:
            yield Choice(kept=False, written=True)
        if pool.copies:
            yield Choice(kept=True, written=True)


def _needed_inside(network: NetworkTensors, pool: Pool) -> dict[int, Choice]:
    """The tensors that cannot be outside only, and where else they have to lie.

    The image, where the pool has it, is read there, and so is all that is read beside it as the same operand.
    Results that have to be in the pool are outside as well where they are read beside what is not.
    """
    tensors = dict(enumerate(network.tensors))
    if not pool.outside:
        return dict.fromkeys(tensors, Choice(kept=True, written=False))
    read_together = [set(operand) for use in network.uses for operand in use.operands]
    beside_image = {index for index in tensors if tensors[index].is_image and pool.image_inside}
    results = {index for index in tensors if tensors[index].is_result}
    beside_image = _read_beside(beside_image, read_together)
    inside = beside_image | (results if pool.results_inside else set())
    if not pool.copies:
        held = held_with(network, pool, frozenset()) - ends_outside(network, pool)
        return dict.fromkeys(held, Choice(kept=True, written=False))
    elsewhere = set() if pool.results_inside else results
    for operand in read_together:
        if operand - inside:
            elsewhere |= operand & inside
    return {index: Choice(kept=True, written=index in elsewhere) for index in inside}


class Torn(NamedTuple):
    """A step that reads, as one operand, what has to be in the pool beside what has to be outside.

    Example:
        >>> Torn(step=3, outside=0).outside
        0
    """

    step: int
    outside: int
    """The latter, by its place among the tensors."""


def torn(network: NetworkTensors, pool: Pool, tensors: AbstractSet[int] = frozenset()) -> Torn | None:
    """Why no plan has some tensors in the pool, and all that has to be there, where nothing can lie in both.

    Args:
        network: Tensors and their uses.
        pool: Where they may lie.
        tensors: Which are to be in the pool, beside the network's ends where these are.

    Returns:
        The first step at which that is in the way; None where there is none.
    """
    if pool.copies or not pool.outside:
        return None
    outside = ends_outside(network, pool)
    inside = held_with(network, pool, tensors) - outside
    for step, use in enumerate(network.uses):
        for operand in use.operands:
            if inside.intersection(operand) and (found := outside.intersection(operand)):
                return Torn(step, min(found))
    return None


def held_with(network: NetworkTensors, pool: Pool, tensors: AbstractSet[int]) -> set[int]:
    """What is in the pool with some tensors, where nothing can lie in both: what is read beside them, too."""
    ends = {index for index, tensor in enumerate(network.tensors) if tensor.is_image or tensor.is_result}
    inside = (ends - ends_outside(network, pool)) | tensors
    return _read_beside(inside, [set(operand) for use in network.uses for operand in use.operands])


def ends_outside(network: NetworkTensors, pool: Pool) -> set[int]:
    """The image and the results, as far as they have to be outside."""
    return {
        index
        for index, tensor in enumerate(network.tensors)
        if (tensor.is_image and not pool.image_inside) or (tensor.is_result and not pool.results_inside)
    }


def _read_beside(tensors: AbstractSet[int], read_together: Sequence[AbstractSet[int]]) -> set[int]:
    """Tensors, and all that are read as one operand with any of them."""
    closed = set(tensors)
    while joining := {
        index for operand in read_together if not operand.isdisjoint(closed) for index in operand - closed
    }:
        closed |= joining
    return closed


def _last_step_copied(life: Life, *, wanted_outside: bool) -> int:
    """Before its end it matters whether a tensor in the pool lies outside as well; -1 where it never does.

    A copy serves whoever reads the tensor after it was given up in the pool, which is after another reader;
    whoever reads it beside tensors that are not in the pool; and those outside the network. Parts that are
    to come are written if the first one was.
    """
    after_another_reader = life.reads[-2] if len(life.reads) > 1 else -1
    wanted = life.last if wanted_outside else -1
    return max(after_another_reader, *life.beside_others[-1:], *life.writes[-1:], wanted)


def _afterwards(
    network: NetworkTensors, pool: Pool, of_tensors: Sequence[Life]
) -> Iterator[tuple[TensorSet, TensorSet]]:
    """For each step: tensors useless in the pool afterwards; and those whose copy outside matters."""
    useless_from: dict[int, TensorSet] = {}
    copied_until: dict[int, TensorSet] = {}
    for index, (tensor, life) in enumerate(zip(network.tensors, of_tensors, strict=True)):
        if not (tensor.is_result and pool.results_inside):
            useless_from[life.last] = useless_from.get(life.last, 0) | 1 << index
        wanted_outside = tensor.is_result and not pool.results_inside
        end = _last_step_copied(life, wanted_outside=wanted_outside)
        copied_until[end] = copied_until.get(end, 0) | 1 << index
    useless, copies = 0, (1 << len(network.tensors)) - 1 & ~copied_until.get(-1, 0)
    for step in range(len(network.uses)):
        useless |= useless_from.get(step, 0)
        copies &= ~copied_until.get(step, 0)
        yield useless, copies


def _moved(movements: Collection[Movement], step: int, *, is_product: bool) -> tuple[Moved, ...]:
    """What moves of a step in each combination."""
    if is_product:
        return _MOVED_OF_PRODUCTS
    move_weights = {Operand.WEIGHTS in moved_by(movement) for movement in movements}
    if len(move_weights) > 1:
        raise ValueError(f"prices of step {step}: weights must move in all staircases, or in none")
    return _MOVED_BESIDE_WEIGHTS if True in move_weights else _MOVED


def stairs_of(moved: tuple[Moved, ...], prices: StepPrices) -> Stairs:
    """The staircases of a step by combinations, of which these operands move."""
    combinations: dict[Movement, int] = _COMBINATIONS_OF[moved]
    stairs: list[Staircase | None] = [None] * len(moved)
    for movement, staircase in prices.items():
        stairs[combinations[movement]] = staircase
    return tuple(stairs)


def _by_bits(*others: Operand) -> tuple[Moved, ...]:
    """What moves in each combination, beside others."""
    return tuple(
        [
            frozenset({*others, *[operand for bit, operand in _OPERANDS.items() if combination & bit]})
            for combination in COMBINATIONS
        ]
    )


_MOVED: Final = _by_bits()
_MOVED_BESIDE_WEIGHTS: Final = _by_bits(Operand.WEIGHTS)
_MOVED_OF_PRODUCTS: Final[tuple[Moved, ...]] = tuple(
    [
        frozenset([Operand.WEIGHTS if operand is Operand.RESIDUAL else operand for operand in moved])
        for moved in _MOVED
    ]
)
"""What else the step reads is what its inputs are multiplied by."""
_COMBINATIONS_OF: Final[dict[tuple[Moved, ...], dict[Movement, int]]] = {
    table: {
        Arriving(operands) if combination & ARRIVAL else operands: combination
        for combination, operands in enumerate(table)
    }
    for table in (_MOVED, _MOVED_BESIDE_WEIGHTS, _MOVED_OF_PRODUCTS)
}
"""By what moves, and how."""
