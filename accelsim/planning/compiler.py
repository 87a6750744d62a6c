"""What a machine's compiler does: map every layer of a network, and simulate what bounds leave open.

Mapping knows no simulation, and simulation no search; here the one is the other's judge. Whoever wants the
schedule that is run gets it here.
"""

from collections.abc import MutableMapping
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from accelsim.hardware import Hardware
from accelsim.mapping.grids import Grids
from accelsim.mapping.mapping import Mapping
from accelsim.mapping.options import MappingOptions
from accelsim.mapping.pool_knowledge import PoolKnowledge
from accelsim.mapping.schedule import NetworkMapper, Schedule
from accelsim.network.executed import ExecutedGraph
from accelsim.network.layer import Layer
from accelsim.planning.movements import check_products
from accelsim.reuse.cache import Cache
from accelsim.simulation.alone import Alone
from accelsim.simulation.entry import most_descriptors
from accelsim.simulation.fast import cycles_of
from accelsim.simulation.transitions import Transitions

if TYPE_CHECKING:
    from accelsim.planning.level_compiler import LayersOn

IN_USE: Final = (32, 16, 8, 4, 2, 1)
"""Descriptors that a network is simulated with, beside all of them."""


def make_schedule(
    graph: ExecutedGraph,
    hardware: Hardware,
    options: MappingOptions = MappingOptions(),
    *,
    mappings: MutableMapping[Layer, Mapping] | None = None,
    transitions: Transitions | None = None,
    pool: PoolKnowledge | None = None,
    grids: Grids | None = None,
    layers_on: "LayersOn | None" = None,
) -> Schedule:
    """The schedule of an executed graph, mapped as the machine's compiler, or the objective asked for, would.

    Where an objective is asked for, it leaves so many descriptors idle that the network is done soonest.

    Args:
        graph: Layers in running order, as lowering makes them.
        hardware: The machine.
        options: How it is mapped.
        mappings: By layers without names, for the next graph: all else must be the same for all of them.
        transitions: What simulations went through, for the next one.
        pool: What is known of layers on a machine with a pool, for the next graph.
        grids: Sizes that layers were cut into before, on any machine, with an objective or without as here.
        layers_on: And what on the same machine with all tensors in fixed places, as `Cache.layers` says it.

    Returns:
        What is simulated.

    Raises:
        MappingError: A layer cannot be mapped; says which, and what would help. Or the machine keeps nothing
            on chip that is to stay there.

    Example:
        >>> from accelsim import load_hardware, load_network
        >>> from accelsim.network.lowered import lowered_network
        >>> graph = lowered_network(load_network("squeezenet_v1_1")).graph
        >>> schedule = make_schedule(graph, load_hardware("16x16_128k"))
        >>> schedule.layers[0].name, schedule.idle_descriptors
        ('conv1', 0)
    """
    options.check_on(hardware)
    transitions = Transitions() if transitions is None else transitions
    check_products(graph, hardware)
    if hardware.tensor_bank is None:
        mapped = map_network(
            graph, hardware, options, mappings=mappings, transitions=transitions, grids=grids
        )
        return _soonest(mapped, hardware, options, transitions)
    from accelsim.planning.pool_schedule import (  # noqa: PLC0415 (most machines have none)
        better_way,
        pool_schedules,
    )

    known = PoolKnowledge() if pool is None else pool
    ways = pool_schedules(graph, hardware, options, transitions, known, layers_on or Cache().layers)
    schedules = [_soonest(way, hardware, options, transitions) for way in ways]
    tried = options.batch > 1 and hardware.keeps("activations") and hardware.tensor_memory is None
    return better_way(schedules, hardware, options, transitions) if tried else schedules[0]


def _soonest(
    mapped: Schedule, hardware: Hardware, options: MappingOptions, transitions: Transitions
) -> Schedule:
    """With so many descriptors left idle that it is done soonest, where an objective is asked for."""
    schedules = [replace(mapped, idle_descriptors=idle) for idle in idle_descriptors(hardware, options)]
    if len(schedules) == 1:
        return mapped
    return min(schedules, key=lambda schedule: cycles_of(schedule, hardware, transitions))


def idle_descriptors(hardware: Hardware, options: MappingOptions) -> list[int]:
    """How many descriptors a schedule may leave idle: none, or all but so many as `IN_USE` says.

    Loads that are asked for far ahead are served before a store that is asked for later, and for the room
    that the store frees the array may have to wait.

    Args:
        hardware: The machine.
        options: How networks are mapped; only for an objective are any left idle.

    Returns:
        The numbers to try.

    Example:
        >>> from accelsim import load_hardware
        >>> idle_descriptors(load_hardware("16x16_128k"), MappingOptions(objective="time"))
        [0, 4, 6, 7]
    """
    prefetch = most_descriptors(hardware)
    fewer = [prefetch - in_use for in_use in IN_USE if in_use < prefetch]
    return [0, *fewer] if options.objective is not None else [0]


def map_network(
    graph: ExecutedGraph,
    hardware: Hardware,
    options: MappingOptions = MappingOptions(),
    *,
    mappings: MutableMapping[Layer, Mapping] | None = None,
    transitions: Transitions | None = None,
    grids: Grids | None = None,
) -> Schedule:
    """The same as `make_schedule`, but that no descriptor is left idle.

    Args:
        graph: Layers in running order, as lowering makes them.
        hardware: The machine.
        options: How it is mapped.
        mappings: By layers without names, for the next graph.
        transitions: What simulations went through, for the next one.
        grids: As `make_schedule` takes them.

    Returns:
        A schedule with each layer's mapping, judged by a simulation of the layer alone.

    Raises:
        MappingError: A layer cannot be mapped.

    Example:
        >>> from accelsim import load_hardware, load_network
        >>> from accelsim.network.lowered import lowered_network
        >>> graph = lowered_network(load_network("squeezenet_v1_1")).graph
        >>> fastest = map_network(graph, load_hardware("16x16_128k"), MappingOptions(objective="time"))
        >>> fastest.idle_descriptors
        0
    """
    options.check_on(hardware)
    judge = Alone(hardware, Transitions() if transitions is None else transitions)
    known = {} if mappings is None else mappings
    return NetworkMapper(hardware, options, judge, known, grids).schedule(graph)
