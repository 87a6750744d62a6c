"""The memory map of a plan: its tensors with their addresses, and what is left to tiles in one piece."""

from collections.abc import Sequence

from accelsim.memory_map import MemoryMap, PlacedTensor
from accelsim.planning.addresses import Lifetime, assign_addresses
from accelsim.planning.residency import ResidencyPlan
from accelsim.planning.stages import lives


def memory_map_of(plan: ResidencyPlan, memory: str, tile_bytes: Sequence[int]) -> MemoryMap:
    """What lies where in the pool.

    Args:
        plan: Which tensors lie there when.
        memory: The name of the pool's memory.
        tile_bytes: Of each step: what its tiles need there.

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
    kept = {
        index: Lifetime(tensor.size_bytes, places.in_pool)
        for index, (tensor, places) in enumerate(zip(plan.network.tensors, plan.places, strict=True))
        if places.in_pool is not None
    }
    offsets, regions = assign_addresses(list(kept.values()), plan.pool.size_bytes, tile_bytes)
    offset_of = dict(zip(kept, offsets, strict=True))
    tensors = [
        PlacedTensor(
            name=tensor.name,
            size_bytes=tensor.size_bytes,
            in_pool=places.in_pool,
            address=offset_of.get(index),
            outside=places.outside,
            last_reader=life.reads[-1] if life.reads else None,
            why_not=reason,
            is_image=tensor.is_image,
            is_result=tensor.is_result,
        )
        for index, (tensor, places, life, reason) in enumerate(
            zip(plan.network.tensors, plan.places, lives(plan.network), plan.why_not, strict=True)
        )
    ]
    return MemoryMap(memory, plan.pool.size_bytes, tuple(tensors), regions, plan.gap)
