"""Residency: which activations stay in the pool on chip, from when to when, at the least price.

A tensor's first producer decides whether it lies in the pool, outside, or in both; what lies in both may be
given up in the pool later, and what lies outside may arrive there once. What lies in the pool need not be
moved, but takes room there that tiles could have. The least sum of prices over all steps is found by dynamic
programming (`programme.py`); the argument is docs/decisions/residency.md.
"""

from dataclasses import dataclass
from typing import NamedTuple

from accelsim.mapping.schedule import PoolChange
from accelsim.mapping.staircase import Arriving, Moved, Movement, StepCost
from accelsim.mapping.stripes import Cascade
from accelsim.memory_map import Steps, WhyNot
from accelsim.planning.tensors import NetworkTensors


@dataclass(frozen=True)
class Pool:
    """Where tensors may lie.

    Example:
        >>> Pool(size_bytes=262144, image_inside=True, outside=False, results_inside=True).size_bytes
        262144
    """

    size_bytes: int
    """For tensors and tiles together; without what pinned weights take."""
    outside: bool = True
    """Whether the memory outside holds activations."""
    image_inside: bool = False
    """Whether the network's input lies in the pool before the first step; else it lies outside."""
    results_inside: bool = False
    """Whether the network's results have to lie in the pool after the last step; else outside."""
    copies: bool = True
    """Whether a tensor may lie in the pool and outside at the same time; else it lies in one for good."""
    only_ends_outside: bool = False
    """Whether nothing lies outside but the image and the results, as far as these do."""

    def __post_init__(self) -> None:
        if not self.outside and not (self.image_inside and self.results_inside):
            raise ValueError("outside: must be True where the image or the results lie there")


class TensorPlaces(NamedTuple):
    """Where a tensor lies, and when; it may lie in two places at once.

    Example:
        >>> TensorPlaces(in_pool=Steps(0, 3), outside=None).outside is None
        True
    """

    in_pool: Steps | None
    """On chip; None where never."""
    outside: Steps | None
    """In the memory outside."""


class DoesNotFit(NamedTuple):
    """A network cannot run: at a step there is no room for what has to be in the pool.

    Example:
        >>> DoesNotFit(step=1, tensors=(0, 1), needed_bytes=5000, pool_bytes=4096).needed_bytes
        5000
    """

    step: int
    """The first one that cannot run, whatever is done before."""
    tensors: tuple[int, ...]
    """Those that would be in the pool then."""
    needed_bytes: int
    """By them, and by the step's tiles at least."""
    pool_bytes: int
    """Of the pool."""
    layers: int = 1
    """How many steps that are, where they would run as a cascade."""
    rows_bytes: int = 0
    """By what that cascade would keep from stripe to stripe."""


@dataclass(frozen=True, slots=True)
class StepPlan:
    """A step as it is planned.

    Example:
        >>> step = StepPlan(frozenset(), 4096, (1, 2), written=False, kept=True, stair=0, cost=StepCost(100))
        >>> step.in_pool
        (1, 2)
    """

    moved: Moved
    """Operands that move between the pool and the memory outside; those of the staircase that was used."""
    room_bytes: int
    """What tensors leave of the pool to tiles, and what a cascade keeps there from stripe to stripe."""
    in_pool: tuple[int, ...]
    """The tensors that lie there during the step, its output with them; those inside a cascade in part."""
    written: bool
    """Whether its output goes outside."""
    kept: bool
    """Whether its output lies in the pool."""
    stair: int
    """Of the staircase of `moved`; of that of the whole cascade."""
    cost: StepCost
    """Of that stair; that of a cascade is its first step's."""
    arrives: bool = False
    """Whether its inputs, which move, come to a place in the pool and stay."""

    @property
    def movement(self) -> Movement:
        """By which the staircase is known."""
        return Arriving(self.moved) if self.arrives else self.moved


@dataclass(frozen=True)
class ResidencyPlan:
    """Which tensors stay on chip, and what that costs.

    Example:
        >>> from accelsim.planning.tensors import LayerUse, Tensor
        >>> tensors = Tensor("image", 8, is_image=True), Tensor("fc", 4)
        >>> network = NetworkTensors(tensors, (LayerUse((0,), (), 1),))
        >>> step = StepPlan(frozenset(), 96, (1,), written=False, kept=True, stair=0, cost=StepCost(100))
        >>> places = (TensorPlaces(None, Steps(0, 0)), TensorPlaces(Steps(0, 0), None))
        >>> plan = ResidencyPlan(network, Pool(100), (step,), places, 100.0, None, (None, None))
        >>> plan.cost.cycles, plan.pool_changes, plan.peak_bytes
        (100, (PoolChange(taken_bytes=4, freed_bytes=4),), 4)
    """

    network: NetworkTensors
    """What was planned."""
    pool: Pool
    """For which pool."""
    steps: tuple[StepPlan, ...]
    """In running order."""
    places: tuple[TensorPlaces, ...]
    """Of each tensor."""
    price: float
    """The sum over all steps."""
    gap: float | None
    """The part of the price that a better plan may save at most, where not all states were followed; None:
    there is no better plan."""
    why_not: tuple[WhyNot | None, ...]
    """Of each tensor: why it does not stay in the pool to its last reader. None where it does, where nobody
    reads it, of the image, and for all where reasons were not asked for or not all states were followed."""
    cascades: tuple[Cascade, ...] = ()
    """Steps that run stripe by stripe, in running order."""

    @property
    def cost(self) -> StepCost:
        """Of all steps."""
        return StepCost.total([step.cost for step in self.steps])

    @property
    def pool_bytes_at_start(self) -> int:
        """What tensors take of the pool before the first step."""
        return self._image_bytes if self.pool.image_inside else 0

    @property
    def pool_bytes_at_end(self) -> int:
        """What tensors take of the pool after the last step: results that have to lie there."""
        results = [tensor.size_bytes for tensor in self.network.tensors if tensor.is_result]
        return sum(results) if self.pool.results_inside else 0

    @property
    def pool_changes(self) -> tuple[PoolChange, ...]:
        """What tensors of each step take of the pool, and give up when it is finished; without cascades."""
        taken, freed = [0] * len(self.steps), [0] * len(self.steps)
        for tensor, (in_pool, _) in zip(self.network.tensors, self.places, strict=True):
            if in_pool is None:
                continue
            if not (tensor.is_image and self.pool.image_inside):
                taken[in_pool.first] += tensor.size_bytes
            if not (tensor.is_result and self.pool.results_inside):
                freed[in_pool.last] += tensor.size_bytes
        return tuple(map(PoolChange, taken, freed))

    @property
    def peak_bytes(self) -> int:
        """The most that tensors take of the pool at once."""
        return self.pool.size_bytes - min(step.room_bytes for step in self.steps)

    @property
    def _image_bytes(self) -> int:
        return sum(tensor.size_bytes for tensor in self.network.tensors if tensor.is_image)
