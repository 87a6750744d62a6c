"""What was observed of a network on a machine, priced: from an activity to a result."""

import math
from collections.abc import Iterable, MutableMapping, Sequence
from collections.abc import Mapping as MappingOf
from typing import Final

from accelsim.energy import energy_by_component, with_static
from accelsim.hardware import Access, ActionCounts, Direction, Hardware, Memory, Operand
from accelsim.hardware.host import HOST
from accelsim.held_against import HELD_AGAINST
from accelsim.mapping.bounds import compulsory_weight_bytes, least_array_cycles, lower_bounds
from accelsim.mapping.dataflows import least_weight_density
from accelsim.mapping.dataflows.lookup import parameters_of
from accelsim.mapping.letters import tile_order, tile_sizes, tile_words
from accelsim.mapping.mapping import Mapping
from accelsim.mapping.precision import (
    activation_bits,
    layer_prices,
    macs_by_bits,
    partial_sum_bits,
    pruned_index_bits,
    weight_bits,
)
from accelsim.mapping.schedule import Schedule
from accelsim.network.layer import Layer, changed
from accelsim.network.shapes import layer_shape
from accelsim.planning.bounds_if_kept import least_together, lower_bound_if_kept, lower_bounds_if_kept
from accelsim.planning.cascades.cascade_results import in_layers, with_cascades
from accelsim.planning.plan import Plan
from accelsim.power import Energy
from accelsim.result import Bound, FirstInference, LayerResult, RunResult
from accelsim.reuse.cache import LayerCosts
from accelsim.reuse.identity import Identity
from accelsim.simulation.activity import Activity, LayerActivity
from accelsim.simulation.attribution import counts_of_all, counts_of_inputs
from accelsim.traffic import MemoryResult, Traffic
from accelsim.version import __version__

NO_PEAKS: Final[MappingOf[str, int]] = {}
"""Where nobody asks how much memories held."""


def result_of(plan: Plan, activity: Activity, first: Activity | None = None) -> RunResult:
    """What was observed, priced, and beside it what was planned.

    Args:
        plan: What was simulated.
        activity: What was observed of it.
        first: What was observed of the first inference, where weights are pinned.

    Returns:
        The result of the run.

    Example:
        >>> from accelsim.run import plan_run, run_network
        >>> from accelsim.simulation import simulate
        >>> plan = plan_run("squeezenet_v1_1", "16x16_128k")
        >>> result = result_of(plan, simulate(plan.schedule, plan.hardware))
        >>> result == run_network("squeezenet_v1_1", "16x16_128k")
        True
    """
    striped = plan.schedule.striped
    schedule, activity, first = in_layers(plan.schedule, activity, first)
    network, hardware, lowered, batch = plan.network, plan.hardware, plan.lowered, plan.options.batch
    costs = costs_of_layers(schedule, activity, hardware, batch, plan.cache.costs)
    layers = with_cascades(layer_results(schedule, activity, hardware, batch, costs), striped)
    counts = activity.counts
    told = counts_of_all(schedule, activity, hardware)
    by_component = _by_component(schedule, activity, hardware)
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
        energy=_energy(by_component, hardware),
        dram_bytes=_traffic(counts, hardware.names_off_chip),
        global_buffer_bytes=_traffic(counts, (memory.name for memory in hardware.working)),
        peak_global_buffer_bytes=activity.peak_global_buffer_bytes,
        lower_bound_cycles=least_together(schedule, [layer.lower_bound_cycles for layer in layers]),
        layers=layers,
        skipped_macs=sum(layer.skipped_macs for layer in layers),
        nominal_utilization=_per_pe_cycle(
            sum(layer.macs for layer in layers) - counts.host.macs, hardware.pe_array.pes, activity.cycles
        ),
        memories=memory_results(told, hardware, by_component, activity.layers, activity.peak_memory_bytes),
        assumed=network.description.assumed,
        idle_descriptors=schedule.idle_descriptors,
        lower_bound_if_kept_cycles=lower_bound_if_kept(schedule, costs, hardware, batch),
        memory_map=schedule.memory_map,
        first_inference=None if first is None else _first_inference(schedule, first, hardware),
        static_power_mw=hardware.static_power_mw,
        host=None if hardware.host is None else hardware.host.name,
        held_against=HELD_AGAINST.get(hardware.digest),
    )


def _by_component(schedule: Schedule, activity: Activity, hardware: Hardware) -> dict[str, float]:
    """What was observed of all layers together, priced: each layer's products at the price of their bits."""
    macs = (
        (layer, observed.counts.macs)
        for layer, observed in zip(schedule.layers, activity.layers, strict=True)
        if observed.counts.macs
    )
    by_bits = macs_by_bits(macs, hardware)
    return energy_by_component(activity.counts, hardware.prices, macs_by_bits=by_bits, cycles=activity.cycles)


def _energy(by_component: MappingOf[str, float], hardware: Hardware) -> Energy:
    total, picojoules = math.fsum(by_component.values()), hardware.energy.picojoules
    joules = None if picojoules is None else total * picojoules * 1e-12
    return Energy(total, hardware.energy.unit, by_component, joules)


def _first_inference(schedule: Schedule, first: Activity, hardware: Hardware) -> FirstInference:
    counts = counts_of_all(schedule, first, hardware)
    by_component = _by_component(schedule, first, hardware)
    memories = memory_results(counts, hardware, by_component, first.layers, first.peak_memory_bytes)
    return FirstInference(first.cycles, _energy(by_component, hardware), memories)


def costs_of_layers(
    schedule: Schedule,
    activity: Activity,
    hardware: Hardware,
    batch: int,
    known: MutableMapping[Identity, LayerCosts] | None = None,
) -> list[LayerCosts]:
    """What each layer costs by its mapping alone.

    Args:
        schedule: What was simulated.
        activity: What was observed of it.
        hardware: The machine.
        batch: Images that ran together.
        known: What mappings cost, by their identity, from one run on the machine to the next.

    Returns:
        Of each layer, in running order.
    """
    known = {} if known is None else known
    costs = []
    places = schedule.places or ({},) * len(schedule.layers)
    rows = zip(schedule.layers, schedule.mappings, activity.layers, places, strict=True)
    for layer, mapping, observed, of_operands in rows:
        as_mapped = observed.counts is mapping.totals.counts  # not counted by events, one by one
        key = Identity(mapping)
        of_layer = known.get(key) if as_mapped else None
        if of_layer is None:
            homes = hardware.with_places(of_operands).homes
            of_layer = layer_costs(layer, mapping, observed, hardware, batch, homes)
            if as_mapped:
                known[key] = of_layer
        costs.append(of_layer)
    return costs


def layer_results(
    schedule: Schedule,
    activity: Activity,
    hardware: Hardware,
    batch: int,
    costs: Sequence[LayerCosts] | None = None,
) -> tuple[LayerResult, ...]:
    """One result a layer; cycles, traffic and energy add up to the network's.

    Args:
        schedule: What was simulated.
        activity: What was observed of it.
        hardware: The machine.
        batch: Images that ran together.
        costs: Of each layer, where they are known.

    Returns:
        Results in running order; the cycles of a layer are those by which it moves the finish.
    """
    if costs is None:
        costs = costs_of_layers(schedule, activity, hardware, batch)
    pes = hardware.pe_array.pes
    results = []
    places = schedule.places or (None,) * len(schedule.layers)
    bounds_if_kept = lower_bounds_if_kept(schedule, costs, hardware, batch)
    for layer, mapping, observed, of_layer, of_operands, bound_if_kept in zip(
        schedule.layers, schedule.mappings, activity.layers, costs, places, bounds_if_kept, strict=True
    ):
        result = _layer_result(layer, mapping, of_layer, observed, schedule.images_in_turn, pes)
        if hardware.prices.static_per_cycle:
            result = _with_static(result, hardware)
        if of_operands is not None:
            on_chip_places = _on_chip_places(layer, of_operands, hardware)
            result = result._replace(on_chip_places=on_chip_places, lower_bound_if_kept_cycles=bound_if_kept)
        results.append(result)
    return tuple(results)


def _with_static(result: LayerResult, hardware: Hardware) -> LayerResult:
    """A layer with what the machine draws at all times, for its own cycles, so that layers add up."""
    by_component = with_static(dict(result.energy_by_component), hardware.prices, result.cycles)
    energy, picojoules = math.fsum(by_component.values()), hardware.energy.picojoules
    return result._replace(
        energy=energy,
        energy_by_component=by_component,
        energy_pj=None if picojoules is None else energy * picojoules,
    )


def _on_chip_places(layer: Layer, places: MappingOf[Operand, str], hardware: Hardware) -> dict[str, str]:
    """The memories of those of a layer's operands that it has, and that lie on chip."""
    off_chip = hardware.names_off_chip
    return {
        operand.value: place
        for operand, place in places.items()
        if place not in off_chip and (operand is not Operand.RESIDUAL or layer.residual_elements)
    }


def layer_costs(
    layer: Layer,
    mapping: Mapping,
    observed: LayerActivity,
    hardware: Hardware,
    batch: int,
    homes: MappingOf[str, tuple[str, ...]],
) -> LayerCosts:
    """Energy, traffic and bounds of a mapped layer that did so much; operands have homes by memory."""
    counts = observed.counts
    unit = hardware.on_host if mapping.dataflow == HOST else hardware
    prices = hardware.prices if mapping.dataflow == HOST else layer_prices(layer, hardware)
    by_component = energy_by_component(counts, prices)
    energy, picojoules = math.fsum(by_component.values()), hardware.energy.picojoules
    macs, bounds = batch * layer.macs, lower_bounds(layer, unit, batch)
    keeps = hardware.keeps("activations")
    return LayerCosts(
        form=form_of(layer, hardware),
        macs=macs,
        skipped_macs=macs - counts.macs - counts.host.macs,
        weight_density=_weight_density(layer, unit) if layer.on_array else None,
        energy=energy,
        energy_pj=None if picojoules is None else energy * picojoules,
        energy_by_component=by_component,
        dram_bytes=_traffic(counts, hardware.names_off_chip),
        global_buffer_bytes=_traffic(counts, (memory.name for memory in hardware.working)),
        compulsory_dram_bytes=bounds.dram_bytes,
        lower_bound_cycles=bounds.cycles,
        busy_cycles={
            "array": observed.array_busy_cycles,
            "dram": observed.dram_busy_cycles,
            "vector": observed.vector_busy_cycles,
            **({} if hardware.host is None else {"host": observed.host_busy_cycles}),
        },
        shape=str(layer_shape(layer)),
        tile=tile_words(mapping),
        memories=memory_results(
            counts_of_inputs(counts, hardware) if layer.multiplies_activations else counts,
            hardware,
            by_component,
            [observed],
            homes=homes,
        ),
        tile_sizes=tile_sizes(mapping),
        tile_order=tile_order(mapping),
        idle_rows=mapping.idle_rows,
        least_weight_bytes=compulsory_weight_bytes(layer, hardware) if keeps else 0,
        least_array_cycles=least_array_cycles(layer, unit, batch) if keeps else 0,
        parameters=parameters_of(mapping, unit),
    )


def _weight_density(layer: Layer, hardware: Hardware) -> float:
    """The part of a layer's weights that takes cycles: the network's word, else the machine's."""
    if layer.weight_density is not None:
        return layer.weight_density
    return least_weight_density(layer, hardware, hardware.pe_array.dataflows)


def form_of(layer: Layer, hardware: Hardware) -> Layer:
    """What a layer is on a machine: without names, and with the bits that are left to the machine.

    To say that no weight is zero is to say nothing where the machine takes none as zero either.
    """
    machine = hardware.precision
    dense = layer.weight_density is None and _weight_density(layer, hardware) == 1
    return changed(
        layer.nameless,
        weight_bits=weight_bits(layer, machine),
        activation_bits=activation_bits(layer, machine),
        partial_sum_bits=partial_sum_bits(layer, machine),
        pruned_index_bits=pruned_index_bits(layer, machine),
        weight_density=1.0 if dense else layer.weight_density,
        given=None,
        given_pooling=None,
    )


def _layer_result(
    layer: Layer,
    mapping: Mapping,
    costs: LayerCosts,
    observed: LayerActivity,
    images: int,
    pes: int,
) -> LayerResult:
    """Of a layer whose program is executed once for each of so many images in turn."""
    cycles = observed.cycles
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
        waited_for={operand.value: cycles for operand, cycles in observed.waiting_cycles.items()},
        tiles=mapping.totals.steps * images,
        tile=costs.tile,
        form=costs.form,
        memories=costs.memories,
        tile_sizes=costs.tile_sizes,
        tile_order=costs.tile_order,
        parameters=costs.parameters,
        idle_rows=costs.idle_rows,
        skipped_macs=costs.skipped_macs,
        weight_density=costs.weight_density,
        nominal_utilization=_per_pe_cycle(
            costs.macs - observed.counts.host.macs, pes, max(cycles, observed.array_busy_cycles)
        ),
        energy_pj=costs.energy_pj,
    )


def _traffic(counts: ActionCounts[int], memories: Iterable[str]) -> Traffic:
    """What some memories were accessed for, all operands together."""
    names = frozenset(memories)
    return Traffic(counts.read_bytes(names), counts.written_bytes(names))


def memory_results(
    counts: ActionCounts[int],
    hardware: Hardware,
    energies: MappingOf[str, float],
    layers: Sequence[LayerActivity],
    peak_bytes: MappingOf[str, int] = NO_PEAKS,
    homes: MappingOf[str, tuple[str, ...]] | None = None,
) -> dict[str, MemoryResult]:
    """What each memory was accessed for by layers that have these homes, and, if known, the most it held."""
    homes = hardware.homes if homes is None else homes
    accesses, tensor_memory = counts.accesses, hardware.tensor_memory
    channels_of = _channels_of(hardware)
    return {
        memory.name: MemoryResult(
            read_bytes={
                operand.value: accesses.get(Access(memory.name, operand, Direction.READ), 0)
                for operand in memory.holds
            },
            written_bytes={
                operand.value: accesses.get(Access(memory.name, operand, Direction.WRITE), 0)
                for operand in memory.holds
            },
            energy=energies[memory.name],
            peak_bytes=peak_bytes.get(memory.name),
            home_of=homes.get(memory.name, ()),
            busy_cycles=_streamed(layers, channels_of[memory.name])
            if len(hardware.channels) > 1 and memory.name in channels_of
            else None,
            keeps_tensors=memory is tensor_memory,
            beside_bytes=_beside(accesses, memory),
            missed_bytes=_missed(accesses, memory),
        )
        for memory in hardware.memories
    }


def _missed(accesses: MappingOf[Access, int], memory: Memory) -> dict[str, int]:
    """What the cache before a memory fetched from it, by operand."""
    if memory.cache is None:
        return {}
    return {
        operand.value: accesses.get(Access(memory.name, operand, Direction.MISS), 0)
        for operand in memory.holds
    }


def _channels_of(hardware: Hardware) -> dict[str, list[str]]:
    """The names of the channels of each memory that has any."""
    channels_of: dict[str, list[str]] = {}
    for channel in hardware.channels:
        channels_of.setdefault(channel.memory, []).append(channel.name)
    return channels_of


def _streamed(layers: Sequence[LayerActivity], channels: Sequence[str]) -> int:
    """Cycles in which the channel of a memory streams for layers: of two, the one that is busier."""
    return max([sum([layer.busy_cycles_by_memory[name] for layer in layers]) for name in channels])


def _beside(accesses: MappingOf[Access, int], memory: Memory) -> dict[str, int]:
    """What moved beside what was of use, by operand, of a memory that moves whole bursts."""
    if (memory.burst_bytes or 1) == 1:
        return {}
    return {
        operand.value: accesses.get(Access(memory.name, operand, Direction.OVERFETCH), 0)
        + accesses.get(Access(memory.name, operand, Direction.MASKED), 0)
        for operand in memory.holds
    }


def utilization(counts: ActionCounts[int], pes: int, cycles: int) -> float:
    """Multiply-accumulates executed / (PEs x cycles)."""
    return _per_pe_cycle(counts.macs, pes, cycles)


def _per_pe_cycle(macs: int, pes: int, cycles: int) -> float:
    return macs / (pes * cycles) if cycles else 0.0


def bound_by(observed: LayerActivity, cycles: int, pes: int) -> Bound:
    """What a layer's time is made of; the words are explained at `Bound`."""
    array, dram, vector = (
        observed.array_busy_cycles,
        observed.dram_busy_cycles,
        observed.vector_busy_cycles,
    )
    busiest = max(array, dram, vector, observed.host_busy_cycles)
    if 2 * busiest < cycles:
        return "latency"
    if busiest == array:
        return "array_fill" if 2 * observed.counts.macs <= pes * array else "compute"
    if busiest == dram:
        return "dram"
    return "vector" if busiest == vector else "host"
