"""The schedule of a network on a machine with a pool, or with a memory for tensors: that of its compiler."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from accelsim.choices import AUTO
from accelsim.errors import MappingError
from accelsim.hardware import Hardware
from accelsim.mapping.options import MappingOptions
from accelsim.mapping.pool_knowledge import PoolKnowledge
from accelsim.mapping.ranking import objective_value, that_decides
from accelsim.mapping.schedule import Schedule
from accelsim.mapping.unmappable import NotListed
from accelsim.memory_map import BatchOrder, CostsMoreTogether
from accelsim.network.executed import ExecutedGraph
from accelsim.planning.pool_compiler import PoolCompiler
from accelsim.planning.schedule_cost import schedule_cost
from accelsim.simulation.fast import simulate_fast
from accelsim.simulation.transitions import Transitions

if TYPE_CHECKING:
    from accelsim.planning.level_compiler import LayersOn


def pool_schedules(
    graph: ExecutedGraph,
    hardware: Hardware,
    options: MappingOptions,
    transitions: Transitions,
    known: PoolKnowledge,
    layers_on: "LayersOn",
) -> list[Schedule]:
    """The schedules of a graph on a machine where tensors stay: the best for each way its images may go.

    A batch may go through each layer; and where activations stay, each image through all layers in turn.

    Args:
        graph: Layers in running order, as lowering makes them.
        hardware: The machine.
        options: How it is mapped.
        transitions: What simulations went through, for the next one.
        known: What is known of layers on this machine by these options, for the next graph.
        layers_on: And what on a machine whose tensors are all in fixed places.

    Raises:
        MappingError: A layer, or what has to be on chip beside it, does not fit, whichever way; says which.
    """
    dataflows = tuple(hardware.pe_array.dataflows)
    if options.dataflow not in (AUTO, *dataflows):
        name = graph.layers[0].name
        raise MappingError(f"{name} on {hardware.name}: {NotListed(options.dataflow, dataflows)}")
    if hardware.tensor_bank is None:
        raise ValueError(f"{hardware.name} has no pool")
    common = hardware, hardware.tensor_bank, options, transitions, known
    if hardware.tensor_memory is not None:  # a batch goes through each layer
        from accelsim.planning.level_compiler import LevelCompiler  # noqa: PLC0415 (most machines have none)

        return [_schedule(LevelCompiler(*common, layers_on=layers_on), graph)]
    compiler = PoolCompiler(*common)
    if options.batch == 1 or not hardware.keeps("activations"):
        return [_schedule(compiler, graph)]
    one_image = replace(options, batch=1)
    in_turn = compiler.other(options=one_image, images_in_turn=options.batch)
    schedules = []
    ways = {"together": compiler, "in_turn": in_turn}
    given = [layer.given for layer in graph.layers if layer.given is not None]
    said = {of_layer.images for of_layer in given} & ways.keys()
    if any(not of_layer.allows("N", 1) for of_layer in given):  # images that share a tile
        said = {"together"}
    if graph.given_cascades:  # a cascade is of one image
        said = {"in_turn"}
    for way in [ways[name] for name in ways if not said or name in said]:
        try:
            schedules.append(_schedule(way, graph))
        except MappingError as error:
            fault = error
    if not schedules:
        raise fault  # that of one image, which needs less
    return schedules


def _schedule(compiler: PoolCompiler, graph: ExecutedGraph) -> Schedule:
    """The best schedule of a graph one way, by what is to be small."""
    schedule = compiler.best(compiler.schedules(graph))
    frugal = compiler.other(options=replace(compiler.options, objective="edp"))
    if compiler.hardware.pool is None or compiler.objective != "time" or frugal.objective != "edp":
        return schedule
    # Layers by themselves wait for their weights, which in a network come meanwhile: a plan in which energy
    # counts, too, may be the faster one (docs/decisions/pool-mapping.md). Of those, too, the fastest is
    # taken: by their own objective one that pins weights may be preferred to one that is faster without.
    other = compiler.best(frugal.schedules(graph))
    cycles, other_cycles = [
        simulate_fast(one, compiler.hardware, compiler.transitions).cycles for one in (schedule, other)
    ]
    if (_wastes(schedule), cycles) <= (_wastes(other), other_cycles):
        return schedule
    if schedule.memory_map is None or other.memory_map is None:
        return other
    # The other plan's own reasons have prices of energy and time; why it is taken is said in cycles.
    reason = None if _wastes(schedule) else CostsMoreTogether(other_cycles, cycles)
    memory_map = other.memory_map.instead_of(schedule.memory_map, reason)
    memory_map = memory_map.instead_of(schedule.memory_map, reason, weights=True)
    return replace(other, memory_map=memory_map)


def better_way(
    schedules: Sequence[Schedule], hardware: Hardware, options: MappingOptions, transitions: Transitions
) -> Schedule:
    """The better of the ways that a batch may go, simulated; it says what the other one takes.

    Args:
        schedules: One for each way that fits; the first of equal ones is taken.
        hardware: The machine.
        options: How it is mapped.
        transitions: What simulations went through, for the next one.
    """
    objective = that_decides(options.objective or hardware.mapper.tiles, hardware)
    costs = [schedule_cost(schedule, hardware, transitions) for schedule in schedules]

    def value(way: int) -> tuple[bool, float, float]:
        cost = costs[way]
        return _wastes(schedules[way]), objective_value(cost.cycles, cost.energy, objective), cost.cycles

    best, *others = sorted(range(len(schedules)), key=value)
    schedule, memory_map = schedules[best], schedules[best].memory_map
    assert memory_map is not None  # as on each machine that keeps activations
    other = costs[others[0]] if others else None
    order = BatchOrder(
        in_turn=schedule.images_in_turn > 1,
        other_cycles=None if other is None else int(other.cycles),
        other_energy=None if other is None else other.energy,
    )
    return replace(schedule, memory_map=replace(memory_map, batch_order=order))


def _wastes(schedule: Schedule) -> bool:
    """Whether tensors and tiles have no room in one piece each."""
    memory_map = schedule.memory_map
    return memory_map is not None and memory_map.address_waste_bytes > 0
