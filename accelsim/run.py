"""run_network: the whole program on one screen, from a network and a machine to a result."""

import math
from dataclasses import dataclass
from typing import get_args

from accelsim import __version__
from accelsim.compiler import make_schedule
from accelsim.energy import ActionCounts, energy_by_component
from accelsim.errors import AccelsimError
from accelsim.hardware import Hardware, Objective
from accelsim.mapping.bounds import compulsory_dram_bytes, lower_bound_cycles
from accelsim.mapping.mapping import Mapping
from accelsim.mapping.schedule import Schedule
from accelsim.memory import KnownCosts, LayersOnMachine, LoweredNetwork, Memory
from accelsim.network.description import Network
from accelsim.network.layer import Layer
from accelsim.network.shapes import layer_shape
from accelsim.result import Bound, Energy, LayerCosts, LayerResult, RunResult, Traffic
from accelsim.simulation.activity import Activity, LayerActivity
from accelsim.simulation.simulate import Engine, simulate


@dataclass(frozen=True)
class Plan:
    """A network, mapped onto a machine."""

    network: Network
    hardware: Hardware
    batch: int
    lowered: LoweredNetwork
    schedule: Schedule
    known: LayersOnMachine
    """What is known of layers on the machine."""


def run_network(
    network: Network,
    hardware: Hardware,
    *,
    batch: int = 1,
    dataflow: str = "auto",
    objective: Objective | None = None,
    engine: Engine = "fast",
    memory: Memory | None = None,
) -> RunResult:
    """Latency, utilization, traffic and energy of one network on one machine.

    `dataflow` forces one for every layer of the array; `objective` is what mappings are chosen by, instead of
    what the machine's compiler goes by; `engine` chooses how to simulate, not what comes out; `memory` keeps
    what is found out for the next run. Raises NetworkError or MappingError, with what would help.
    """
    _check_options(batch, objective, engine)
    plan = plan_run(network, hardware, batch=batch, dataflow=dataflow, objective=objective, memory=memory)
    activity = simulate(plan.schedule, hardware, engine=engine, transitions=plan.known.transitions)
    return result_of(plan, activity)


def plan_run(
    network: Network,
    hardware: Hardware,
    *,
    batch: int = 1,
    dataflow: str = "auto",
    objective: Objective | None = None,
    memory: Memory | None = None,
) -> Plan:
    """What `run_network` simulates, for those who want to simulate it themselves."""
    memory = memory or Memory()
    lowered = memory.lowered(network)
    known = memory.layers(hardware, batch, dataflow, objective)
    schedule = known.schedule(
        lowered.graph,
        lambda: make_schedule(
            lowered.graph,
            hardware,
            batch=batch,
            dataflow=dataflow,
            objective=objective,
            known=known.mappings,
            transitions=known.transitions,
        ),
    )
    return Plan(network, hardware, batch, lowered, schedule, known)


def result_of(plan: Plan, activity: Activity) -> RunResult:
    """What was observed, priced, and beside it what was planned."""
    network, hardware, batch, lowered = plan.network, plan.hardware, plan.batch, plan.lowered
    layers = layer_results(plan.schedule, activity, hardware, batch, plan.known.costs)
    counts = activity.counts
    by_component = energy_by_component(counts, hardware.energy)
    total = math.fsum(by_component.values())
    picojoules = hardware.energy.picojoules_per_unit
    return RunResult(
        accelsim=__version__,
        network=network.name,
        hardware=hardware.name,
        batch=batch,
        clock_mhz=hardware.clock_mhz,
        cycles=activity.cycles,
        macs=batch * lowered.macs,
        params=lowered.params,
        utilization=utilization(counts, hardware.pe_array.pes, activity.cycles),
        energy=Energy(
            total=total,
            unit=hardware.energy.unit,
            by_component=by_component,
            joules=None if picojoules is None else total * picojoules * 1e-12,
        ),
        dram_bytes=Traffic(counts.dram_read_bytes, counts.dram_write_bytes),
        global_buffer_bytes=Traffic(counts.global_buffer_read_bytes, counts.global_buffer_write_bytes),
        peak_global_buffer_bytes=activity.peak_global_buffer_bytes,
        lower_bound_cycles=sum(layer.lower_bound_cycles for layer in layers),
        layers=layers,
    )


def _check_options(batch: int, objective: str | None, engine: str) -> None:
    """Raise AccelsimError where an option is none that exists; the dataflow is the machine's affair."""
    if isinstance(batch, bool) or not isinstance(batch, int) or batch < 1:
        raise AccelsimError(f"batch = {batch!r}: must be a whole number of at least 1")
    for name, value, allowed in (
        ("objective", objective, (None, *get_args(Objective))),
        ("engine", engine, get_args(Engine)),
    ):
        if value not in allowed:
            raise AccelsimError(f"{name} = {value!r}: must be one of {', '.join(map(str, allowed))}")


def layer_results(
    schedule: Schedule,
    activity: Activity,
    hardware: Hardware,
    batch: int,
    known: KnownCosts | None = None,
) -> tuple[LayerResult, ...]:
    """One result a layer; cycles, traffic and energy add up to the network's."""
    known = {} if known is None else known
    pes = hardware.pe_array.pes
    results = []
    before = 0
    for layer, mapping, observed in zip(schedule.layers, schedule.mappings, activity.layers, strict=True):
        as_mapped = observed.counts is mapping.totals.counts  # not counted by events, one by one
        _, costs = known.get(id(mapping), (mapping, None)) if as_mapped else (mapping, None)
        if costs is None:
            costs = layer_costs(layer, mapping, observed, hardware, batch)
            if as_mapped:
                known[id(mapping)] = (mapping, costs)
        results.append(_layer_result(layer, mapping, costs, observed, observed.end_cycle - before, pes))
        before = observed.end_cycle
    return tuple(results)


def layer_costs(
    layer: Layer, mapping: Mapping, observed: LayerActivity, hardware: Hardware, batch: int
) -> LayerCosts:
    """Energy, traffic and bounds of a mapped layer that did so much."""
    counts = observed.counts
    by_component = energy_by_component(counts, hardware.energy)
    return LayerCosts(
        macs=batch * layer.macs,
        energy=math.fsum(by_component.values()),
        energy_by_component=by_component,
        dram_bytes=Traffic(counts.dram_read_bytes, counts.dram_write_bytes),
        global_buffer_bytes=Traffic(counts.global_buffer_read_bytes, counts.global_buffer_write_bytes),
        compulsory_dram_bytes=compulsory_dram_bytes(layer, hardware, batch),
        lower_bound_cycles=lower_bound_cycles(layer, hardware, batch),
        busy_cycles={
            "array": observed.array_busy_cycles,
            "dram": observed.dram_busy_cycles,
            "vector": observed.vector_busy_cycles,
        },
        shape=layer_shape(layer),
        tile=f"{mapping} {mapping.order}",
    )


def _layer_result(
    layer: Layer,
    mapping: Mapping,
    costs: LayerCosts,
    observed: LayerActivity,
    cycles: int,
    pes: int,
) -> LayerResult:
    return LayerResult(
        name=layer.name,
        stage=layer.stage,
        operator=layer.operator,
        shape=costs.shape,
        dataflow=mapping.dataflow,
        fused=layer.fused_names,
        macs=costs.macs,
        params=layer.params,
        cycles=cycles,
        start_cycle=observed.start_cycle,
        end_cycle=observed.end_cycle,
        utilization=utilization(observed.counts, pes, max(cycles, observed.array_busy_cycles)),
        bound_by=bound_by(observed, cycles, pes),
        energy=costs.energy,
        energy_by_component=costs.energy_by_component,
        dram_bytes=costs.dram_bytes,
        global_buffer_bytes=costs.global_buffer_bytes,
        compulsory_dram_bytes=costs.compulsory_dram_bytes,
        lower_bound_cycles=costs.lower_bound_cycles,
        busy_cycles=costs.busy_cycles,
        tiles=mapping.totals.steps,
        tile=costs.tile,
    )


def utilization(counts: ActionCounts, pes: int, cycles: int) -> float:
    """Multiply-accumulates executed / (PEs x cycles)."""
    return counts.macs / (pes * cycles) if cycles else 0.0


def bound_by(observed: LayerActivity, cycles: int, pes: int) -> Bound:
    """What a layer's time is made of; the words are explained at `Bound`."""
    array, dram, vector = (
        observed.array_busy_cycles,
        observed.dram_busy_cycles,
        observed.vector_busy_cycles,
    )
    busiest = max(array, dram, vector)
    if 2 * busiest < cycles:
        return "latency"
    if busiest == array:
        return "array_fill" if 2 * observed.counts.macs <= pes * array else "compute"
    return "dram" if busiest == dram else "vector"
