"""The memory map of a plan: its tensors with their addresses, and what is left to tiles in one piece."""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from accelsim.mapping.stripes import Striped
from accelsim.memory_map import MemoryMap, PlacedTensor, Steps, TooLarge, WhyNot
from accelsim.planning.addresses import Lifetime, assign_addresses
from accelsim.planning.cascades.striping import Kept, places_with_cascades
from accelsim.planning.residency import ResidencyPlan


class LayerWeights(NamedTuple):
    """Weights that may lie in the pool all the while.

    Example:
        >>> LayerWeights("conv1", step=0, size_bytes=864).why_not is None
        True
    """

    layer: str
    """Whose they are."""
    step: int
    """Its place among all steps."""
    size_bytes: int
    why_not: WhyNot | None = None
    """Why they do not; None where they do."""


def memory_map_of(
    plan: ResidencyPlan,
    memory: str,
    tile_bytes: Sequence[int],
    weights: Sequence[LayerWeights] = (),
    striped: Striped | None = None,
    kept_by_cascades: Sequence[Kept] = (),
) -> MemoryMap:
    """What lies where in the pool.

    Args:
        plan: Which tensors lie there when, in what pinned weights leave.
        memory: The name of the pool's memory.
        tile_bytes: Of each step: what its tiles need there.
        weights: Weights that lie there besides, and those that might.
        striped: Which steps run stripe by stripe, if any do.
        kept_by_cascades: What these keep there, beside rows of tensors.

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
    pinned = [of_layer for of_layer in weights if of_layer.why_not is None]
    always, pinned_bytes = Steps(0, len(plan.steps) - 1), sum([of_layer.size_bytes for of_layer in pinned])
    pool_bytes = plan.pool.size_bytes + pinned_bytes
    kept = _kept(plan, striped)
    lifetimes = [
        *kept.values(),
        *[Lifetime(of_layer.size_bytes, always) for of_layer in pinned],
        *[Lifetime(of_cascade.size_bytes, of_cascade.steps) for of_cascade in kept_by_cascades],
    ]
    offsets, regions = assign_addresses(lifetimes, pool_bytes, tile_bytes)
    tensors = _tensors(plan, striped, kept, dict(zip(kept, offsets, strict=False)), pinned_bytes)
    addresses = iter(offsets[len(kept) :])
    placed = [_placed(of_layer, always, addresses, pinned_bytes) for of_layer in weights]
    of_cascades = [_of_cascade(of_cascade, always, next(addresses)) for of_cascade in kept_by_cascades]
    return MemoryMap(
        memory, pool_bytes, (*tensors, *placed), regions, plan.gap, kept_by_cascades=tuple(of_cascades)
    )


def _kept(plan: ResidencyPlan, striped: Striped | None) -> dict[int, Lifetime]:
    """The tensors that lie in the pool, those inside a cascade as windows of rows."""
    windows = {} if striped is None else striped.windows
    return {
        index: Lifetime(windows[index].size_bytes if index in windows else tensor.size_bytes, places.in_pool)
        for index, (tensor, places) in enumerate(
            zip(plan.network.tensors, places_with_cascades(plan, striped), strict=True)
        )
        if places.in_pool is not None
    }


def _tensors(
    plan: ResidencyPlan,
    striped: Striped | None,
    kept: Mapping[int, Lifetime],
    offset_of: Mapping[int, int],
    pinned_bytes: int,
) -> list[PlacedTensor]:
    """All tensors, with offsets of those that are kept."""
    windows = {} if striped is None else striped.windows
    return [
        PlacedTensor(
            name=tensor.name,
            size_bytes=kept[index].size_bytes if index in kept else tensor.size_bytes,
            in_pool=kept[index].steps if index in kept else None,
            address=offset_of.get(index),
            outside=places.outside,
            last_reader=life.reads[-1] if life.reads else None,
            why_not=_beside_weights(reason, pinned_bytes),
            is_image=tensor.is_image,
            is_result=tensor.is_result,
            window_rows=windows[index].rows if index in windows else None,
            whole_bytes=tensor.size_bytes if index in windows else None,
        )
        for index, (tensor, places, life, reason) in enumerate(
            zip(plan.network.tensors, plan.places, plan.network.lives, plan.why_not, strict=True)
        )
    ]


def _of_cascade(kept: Kept, always: Steps, address: int) -> PlacedTensor:
    """What a cascade keeps beside rows; weights lie outside as well."""
    return PlacedTensor(
        name=kept.name,
        size_bytes=kept.size_bytes,
        in_pool=kept.steps,
        address=address,
        outside=always if kept.is_weights else None,
        last_reader=kept.step,
    )


def _placed(
    weights: LayerWeights, always: Steps, addresses: Iterator[int], pinned_bytes: int
) -> PlacedTensor:
    """Weights, at the next of the addresses if they stay; outside they lie as well."""
    stay = weights.why_not is None
    return PlacedTensor(
        name=f"{weights.layer} weights",
        size_bytes=weights.size_bytes,
        in_pool=always if stay else None,
        address=next(addresses) if stay else None,
        outside=always,
        last_reader=weights.step,
        why_not=_beside_weights(weights.why_not, pinned_bytes),
        is_weights=True,
    )


def _beside_weights(reason: WhyNot | None, pinned_bytes: int) -> WhyNot | None:
    """Why a tensor does not stay, in terms of all of the pool: weights are beside it."""
    if not isinstance(reason, TooLarge):
        return reason
    beside_bytes, pool_bytes = reason.beside_bytes + pinned_bytes, reason.pool_bytes + pinned_bytes
    return reason._replace(beside_bytes=beside_bytes, pool_bytes=pool_bytes)
