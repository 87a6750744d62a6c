"""Peak: a plan in the least arena in which its tensors, rows of cascades and tiles have addresses, too."""

from collections.abc import Callable
from typing import Final, NamedTuple

from accelsim.descriptions import vary
from accelsim.descriptions.phrases import all_of, counted
from accelsim.errors import MappingError
from accelsim.hardware import Bank, Hardware
from accelsim.mapping.options import MappingOptions
from accelsim.network.executed import ExecutedGraph
from accelsim.planning.least_arena import LeastArena, least_arena
from accelsim.planning.plan import Plan
from accelsim.planning.programme.shortage import room_words

_MOST_ROUNDS: Final = 16
"""Arenas that are tried, each larger by what the one before was too small by."""


class InLeastArena(NamedTuple):
    """A plan in the least arena that holds it.

    Example:
        >>> from accelsim.run import plan_peak
        >>> small = plan_peak("mobilenet_v1@width=0.25,resolution=32", "npu_int8_256k")
        >>> small.size_bytes == small.plan.hardware.memories[1].arena_bytes, small.least.layers
        (True, ('stage1.block1.pointwise',))
    """

    plan: Plan
    """On the machine with that arena."""
    least: LeastArena
    """Who needs it, counted in bytes."""
    size_bytes: int
    """Of it; more than that where addresses take more."""


def in_least_arena(
    graph: ExecutedGraph, hardware: Hardware, options: MappingOptions, plan_on: Callable[[Hardware], Plan]
) -> InLeastArena:
    """The plan in the least arena that holds it.

    Args:
        graph: Layers in running order, as lowering makes them.
        hardware: A machine with a pool that keeps activations.
        options: How the network is mapped, an image after the other.
        plan_on: The plan on a machine with a limited arena.

    Raises:
        MappingError: There is none in the machine's pool; says what would be needed, and by which layer.
    """
    least = least_arena(graph, hardware, options)
    pool = hardware.pool
    assert pool is not None  # else it would have been said
    if least is None:
        sentence = (
            "reads what lies outside beside what does not: not all that is between layers can be on chip"
        )
        raise MappingError(f"{hardware.name}: {pool.memory} has no least arena: a layer {sentence}")
    size_bytes = least.size_bytes
    for _ in range(_MOST_ROUNDS):
        if size_bytes > pool.size_bytes:
            break
        plan = plan_on(vary(hardware, **{f"memories.{pool.memory}.arena_bytes": size_bytes}))
        memory_map = plan.schedule.memory_map
        waste_bytes = 0 if memory_map is None else memory_map.address_waste_bytes
        if not waste_bytes:
            return InLeastArena(plan, least, size_bytes)
        size_bytes += waste_bytes
    raise MappingError(_too_small(least, size_bytes, hardware, pool))


def _too_small(least: LeastArena, size_bytes: int, hardware: Hardware, pool: Bank) -> str:
    """Which step, or cascade, needs more than there is."""
    tensors = [f"{name} ({counted(size, 'byte')})" for name, size in least.tensors]
    rows = [f"{counted(least.rows_bytes, 'byte')} of rows between layers"] if least.rows_bytes else []
    tiles = [f"{counted(least.tile_bytes, 'byte')} of tiles"]
    layers = least.layers[0] if len(least.layers) == 1 else f"{least.layers[0]} to {least.layers[-1]}"
    has, _ = room_words(hardware, pool, size_bytes)
    needed = f"needs {counted(size_bytes, 'byte')} of {pool.memory}, {has} {pool.size_bytes}"
    parts = all_of([*tensors, *rows, *tiles])
    return f"{layers} on {hardware.name}: {needed}, with nothing outside but weights: {parts}"
