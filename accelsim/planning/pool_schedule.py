"""The schedule of a network on a machine with a pool: that of its compiler, by what is to be small."""

from dataclasses import replace

from accelsim.choices import AUTO
from accelsim.errors import MappingError
from accelsim.hardware import Hardware
from accelsim.mapping.options import MappingOptions
from accelsim.mapping.pool_knowledge import PoolKnowledge
from accelsim.mapping.schedule import Schedule
from accelsim.mapping.unmappable import NotListed
from accelsim.memory_map import CostsMoreTogether
from accelsim.network.executed import ExecutedGraph
from accelsim.planning.pool_compiler import PoolCompiler
from accelsim.simulation.fast import simulate_fast
from accelsim.simulation.transitions import Transitions


def pool_schedule(
    graph: ExecutedGraph,
    hardware: Hardware,
    options: MappingOptions,
    transitions: Transitions,
    known: PoolKnowledge,
) -> Schedule:
    """The schedule of a graph on a machine with a pool.

    Args:
        graph: Layers in running order, as lowering makes them.
        hardware: The machine.
        options: How it is mapped.
        transitions: What simulations went through, for the next one.
        known: What is known of layers on this machine by these options, for the next graph.

    Raises:
        MappingError: A layer, or what has to be on chip beside it, does not fit; says which.
    """
    dataflows = tuple(hardware.pe_array.dataflows)
    if options.dataflow not in (AUTO, *dataflows):
        name = graph.layers[0].name
        raise MappingError(f"{name} on {hardware.name}: {NotListed(options.dataflow, dataflows)}")
    if hardware.pool is None:
        raise ValueError(f"{hardware.name} has no pool")
    compiler = PoolCompiler(hardware, hardware.pool, options, transitions, known)
    schedule = compiler.best(compiler.schedules(graph))
    frugal = replace(compiler, options=replace(options, objective="edp"))
    if compiler.objective != "time" or frugal.objective != "edp":
        return schedule
    # Layers by themselves wait for their weights, which in a network come meanwhile: a plan in which energy
    # counts, too, may be the faster one (docs/decisions/pool-mapping.md). Of those, too, the fastest is
    # taken: by their own objective one that pins weights may be preferred to one that is faster without.
    other = compiler.best(frugal.schedules(graph))
    cycles, other_cycles = [simulate_fast(one, hardware, transitions).cycles for one in (schedule, other)]
    if (_wastes(schedule), cycles) <= (_wastes(other), other_cycles):
        return schedule
    if schedule.memory_map is None or other.memory_map is None:
        return other
    # The other plan's own reasons have prices of energy and time; why it is taken is said in cycles.
    reason = None if _wastes(schedule) else CostsMoreTogether(other_cycles, cycles)
    return replace(other, memory_map=other.memory_map.instead_of(schedule.memory_map, reason))


def _wastes(schedule: Schedule) -> bool:
    """Whether tensors and tiles have no room in one piece each."""
    memory_map = schedule.memory_map
    return memory_map is not None and memory_map.address_waste_bytes > 0
