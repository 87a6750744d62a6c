"""Decisions: what may be decided of a network step by step, whatever it costs, and what follows from it.

A state is what matters to the steps that follow: the set of tensors in the pool, and those of them that lie
outside as well, where that matters. Why nothing that matters is lost is in docs/decisions/residency.md.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Final, NamedTuple, Self, TypeAlias

from accelsim.mapping.staircase import Movement
from accelsim.planning.programme.stages import (
    ARRIVAL,
    INPUTS,
    OUTPUTS,
    RESIDUAL,
    Stage,
    TensorSet,
    keeping_nothing,
    members,
    stages,
)
from accelsim.planning.residency import Pool
from accelsim.planning.tensors import NetworkTensors

State: TypeAlias = tuple[TensorSet, TensorSet]
"""The tensors in the pool, and those of them whose copy outside matters. With the latter are those that were
given up in the pool, where they might come to it once more: they do not."""
KEPT_STATES: Final = 64
"""Of each step: those whose transitions are kept for the next prices. Most networks reach fewer; of those
that reach thousands, to keep all would take gigabytes."""


class Way(NamedTuple):
    """One way to run a step."""

    in_pool: TensorSet
    """During the step."""
    copied: TensorSet
    """Those of them that lie outside as well, where that mattered before the step; and what was given up."""
    read: TensorSet
    """What the step reads in the pool."""
    moved: int
    """The combination of operands that move."""


class Transition(NamedTuple):
    """A way to run a step from a state, and what follows."""

    in_pool: TensorSet
    """During the step."""
    moved: int
    """The combination of operands that move."""
    in_pool_bytes: int
    """What tensors leave no room for."""
    states: tuple[State, ...]
    """In which the next step may begin: what lies outside as well may be given up in the pool, or not."""


@dataclass(frozen=True)
class Decisions:
    """What may be decided of a network, on pools of any size; one serves plans by many prices."""

    network: NetworkTensors
    pool: Pool
    """Where tensors may lie; how large it is is no matter."""
    stages: tuple[Stage, ...]
    _bytes: dict[TensorSet, int] = field(default_factory=lambda: {0: 0}, compare=False, repr=False)

    @classmethod
    def of(cls, network: NetworkTensors, pool: Pool, movements: Sequence[Collection[Movement]]) -> Self:
        """Of a network; of each step's prices it matters only which movements they are of."""
        return cls(network, pool, stages(network, pool, movements))

    @property
    def keeping_nothing(self) -> Self:
        """Those with which nothing stays in the pool but what cannot be elsewhere."""
        return replace(self, stages=keeping_nothing(self.network, self.pool, self.stages))

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


@dataclass(frozen=True)
class Transitions:
    """The ways from the states before a step, or a chain of steps, to those after it."""

    decisions: Decisions
    stage: Stage
    _kept: dict[State, tuple[Transition, ...]] = field(default_factory=dict, compare=False, repr=False)

    def of(self, state: State) -> tuple[Transition, ...]:
        """All that may be decided in a state, whether there is room or not."""
        known = self._kept.get(state)
        if known is not None:
            return known
        bytes_of, following = self.decisions.bytes_of, self.following
        transitions = tuple(
            [
                Transition(way.in_pool, way.moved, bytes_of(way.in_pool), following(way))
                for way in self.ways(state)
            ]
        )
        if len(self._kept) < KEPT_STATES:
            self._kept[state] = transitions
        return transitions

    def ways(self, state: State) -> Iterator[Way]:
        """The same without what follows."""
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

    def following(self, way: Way) -> tuple[State, ...]:
        """The states in which the next step may begin."""
        useless, copies, may_arrive_later = self.stage.useless, self.stage.copies, self.stage.may_arrive_later
        in_pool, copied, read, _ = way
        staying = in_pool & ~useless
        # What is given up in the pool at another time than after it was read there took room for nothing.
        # So it is enough to decide here: for all subsets, in falling order of their bits.
        optional = given_up = read & copied & staying & ~self.decisions.kept_to_the_end
        states = []
        while True:
            left_in_pool = staying & ~given_up
            marked = left_in_pool & copies | may_arrive_later & ~left_in_pool
            states.append((left_in_pool, copied & marked))
            if not given_up:
                break
            given_up = (given_up - 1) & optional
        return tuple(states)
