"""The memory map of a plan: its tensors with their addresses, and what is left to tiles in one piece."""

from collections.abc import Sequence
from itertools import repeat
from typing import NamedTuple

from accelsim.memory_map import MemoryMap, PlacedTensor, Steps, TooLarge, WhyNot
from accelsim.planning.addresses import Lifetime, assign_addresses
from accelsim.planning.residency import ResidencyPlan


class PinnedWeights(NamedTuple):
    """Weights that lie in the pool all the while.

    Example:
        >>> PinnedWeights("conv1", step=0, size_bytes=864).size_bytes
        864
    """

    layer: str
    """Whose they are."""
    step: int
    """Its place among all steps."""
    size_bytes: int


def memory_map_of(
    plan: ResidencyPlan, memory: str, tile_bytes: Sequence[int], pinned: Sequence[PinnedWeights] = ()
) -> MemoryMap:
    """What lies where in the pool.

    Args:
        plan: Which tensors lie there when, in what pinned weights leave.
        memory: The name of the pool's memory.
        tile_bytes: Of each step: what its tiles need there.
        pinned: Weights that lie there besides.

    Returns:
        Tensors with offsets; the reasons why others do not stay are the plan's.

    Example:
        >>> from accelsim.mapping.staircase import StepCost
        >>> from accelsim.memory_map import Steps
        >>> from accelsim.planning import LayerUse, NetworkTensors, Pool, StepPlan, Tensor, TensorPlaces
        >>> tensors = Tensor("image", 8, is_image=True), Tensor("fc", 4)
        >>> network = NetworkTensors(tensors, (LayerUse((0,), (), 1),))
        >>> step = StepPlan(frozenset(), 96, (1,), written=False, kept=True, stair=0, cost=StepCost(100))
        >>> places = (TensorPlaces(None, Steps(0, 0)), TensorPlaces(Steps(0, 0), None))
        >>> plan = ResidencyPlan(network, Pool(100), (step,), places, 100.0, None, (None, None))
        >>> memory_map_of(plan, "sram", [90]).tensors[1].address
        0
    """
    always, pinned_bytes = Steps(0, len(plan.steps) - 1), sum([weights.size_bytes for weights in pinned])
    pool_bytes = plan.pool.size_bytes + pinned_bytes
    kept = {
        index: Lifetime(tensor.size_bytes, places.in_pool)
        for index, (tensor, places) in enumerate(zip(plan.network.tensors, plan.places, strict=True))
        if places.in_pool is not None
    }
    lifetimes = [*kept.values(), *[Lifetime(weights.size_bytes, always) for weights in pinned]]
    offsets, regions = assign_addresses(lifetimes, pool_bytes, tile_bytes)
    offset_of = dict(zip(kept, offsets, strict=False))
    tensors = [
        PlacedTensor(
            name=tensor.name,
            size_bytes=tensor.size_bytes,
            in_pool=places.in_pool,
            address=offset_of.get(index),
            outside=places.outside,
            last_reader=life.reads[-1] if life.reads else None,
            why_not=_beside_weights(reason, pinned_bytes),
            is_image=tensor.is_image,
            is_result=tensor.is_result,
        )
        for index, (tensor, places, life, reason) in enumerate(
            zip(plan.network.tensors, plan.places, plan.network.lives, plan.why_not, strict=True)
        )
    ]
    weights = map(_placed, pinned, repeat(always), offsets[len(kept) :])
    return MemoryMap(memory, pool_bytes, (*tensors, *weights), regions, plan.gap)


def _placed(weights: PinnedWeights, always: Steps, address: int) -> PlacedTensor:
    """Weights that stay; outside they lie as well."""
    layer, step, size_bytes = weights
    name = f"{layer} weights"
    return PlacedTensor(name, size_bytes, always, address, always, last_reader=step, is_weights=True)


def _beside_weights(reason: WhyNot | None, pinned_bytes: int) -> WhyNot | None:
    """Why a tensor does not stay, in terms of all of the pool: weights are beside it."""
    if not isinstance(reason, TooLarge):
        return reason
    beside_bytes, pool_bytes = reason.beside_bytes + pinned_bytes, reason.pool_bytes + pinned_bytes
    return reason._replace(beside_bytes=beside_bytes, pool_bytes=pool_bytes)
