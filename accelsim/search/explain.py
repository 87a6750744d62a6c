"""What bounds a network on a machine, and what each remedy would gain: every figure is a run of its own.

A remedy changes one thing of the machine, of the network, or of how layers are mapped, and the whole network
is run again. A layer's figure is what the same layer took in that run; what a remedy does to its neighbours
is in the network's figure.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias

from accelsim.choices import AUTO
from accelsim.descriptions import vary
from accelsim.descriptions.arguments import check_function, whole_number_or_none
from accelsim.errors import AccelsimError
from accelsim.execution.processes import Processes
from accelsim.hardware import Hardware, Objective, dataflow_names, hardware_of
from accelsim.mapping.options import MappingOptions
from accelsim.network.description import Network
from accelsim.network.layer import Layer
from accelsim.network.load import network_of
from accelsim.pricing import result_of
from accelsim.result import LayerResult, RunResult
from accelsim.reuse.cache import Cache
from accelsim.run import options_for, plan_run, run_network
from accelsim.search.diagnosis import Diagnosis, diagnose
from accelsim.search.redesign import channel_arguments, concrete, longer_side, rounded_up
from accelsim.simulation.simulate import simulate

RemedyKind: TypeAlias = Literal["machine", "mapping", "network"]
"""What a remedy changes."""
TOP_LAYERS: Final = 5
"""Of the worst layers, those that are explained unless more or fewer are asked for."""
TIMES: Final = 2
"""How much more of a machine's part a remedy gives it."""
PARTS: Final = ("bandwidth", "rows", "columns", "buffer", "vector_lanes")
"""Remedies that give a machine twice as much of a part."""
REMEDIES_BESIDE_DATAFLOWS: Final = len(PARTS) + 5
"""Parts, latency, the dataflow chosen, bits of weights and of activations, channels."""


@dataclass(frozen=True)
class Remedy:
    """One change: what to run instead."""

    name: str
    """`bandwidth`, `output_stationary`, `channels`."""
    kind: RemedyKind
    words: str
    """`DRAM 16 -> 32 bytes per cycle`."""
    network: Network = field(compare=False)
    hardware: Hardware = field(compare=False)
    dataflow: str


@dataclass(frozen=True)
class Impossible:
    """A remedy that cannot be had, and why."""

    name: str
    kind: RemedyKind
    words: str
    reason: str


@dataclass(frozen=True)
class Outcome:
    """What a remedy came to."""

    remedy: Remedy
    result: RunResult


@dataclass(frozen=True)
class LayerOutcome:
    """What a remedy came to for some layers: their sums in the run of the remedy."""

    remedy: Remedy
    cycles: int
    energy: float
    macs: int


@dataclass(frozen=True)
class WorstLayer:
    """Layers of one form, that run in one way, and what each remedy does to them."""

    names: tuple[str, ...]
    layer: LayerResult
    """The one that loses most of them."""
    cycles: int
    """Of all of them, like the following."""
    lower_bound_cycles: int
    energy: float
    macs: int
    diagnosis: Diagnosis
    outcomes: tuple[LayerOutcome, ...]
    """Of the remedies in which all of the layers run; the fastest first."""

    @property
    def lost_cycles(self) -> int:
        """Cycles above the lower bound; below 0 where weights came while the layer before ran."""
        return self.cycles - self.lower_bound_cycles


@dataclass(frozen=True)
class Explanation:
    """A run, what its worst layers lose and why, and what remedies gain."""

    result: RunResult
    hardware: Hardware
    outcomes: tuple[Outcome, ...]
    """The fastest first."""
    impossible: tuple[Impossible, ...]
    worst: tuple[WorstLayer, ...]
    """The most cycles lost first."""


@dataclass(frozen=True)
class _Setup:
    """What a worker needs for all runs."""

    remedies: tuple[Remedy, ...]
    options: MappingOptions
    """But for the dataflow, which a remedy says."""


def explain_network(
    network: Network | str | Path,
    hardware: Hardware | str | Path,
    *,
    layers: int | None = TOP_LAYERS,
    batch: int | None = None,
    dataflow: str = AUTO,
    objective: Objective | None = None,
    step: Callable[[str], None] = lambda _: None,
) -> Explanation:
    """Run a network as it is and with every remedy, on all cores, and explain its worst layers.

    `layers` says how many, those that are alike being one; None is all.

    Network and machine may be given by name or path; `dataflow` and `objective` are those of `run_network`;
    `step` is told of each run that is done. Raises NetworkError or MappingError where the network does not
    run as it is; a remedy that does not is said to be impossible.
    """
    layers = whole_number_or_none("layers", layers, 0)
    check_function("step", step, "of each run that is done")
    network, hardware = network_of(network), hardware_of(hardware)
    cache = Cache()
    options = options_for(network, batch, dataflow, objective)
    plan = plan_run(network, hardware, options, cache=cache)
    result = result_of(plan, simulate(plan.schedule, hardware, transitions=plan.known.transitions))
    remedies: list[Remedy] = []
    impossible: list[Impossible] = []
    for one in _remedies(network, hardware, dataflow):
        if isinstance(one, Remedy):
            remedies.append(one)
        else:
            impossible.append(one)
    outcomes: list[Outcome] = []
    setup = _Setup(tuple(remedies), options)
    with Processes().prepared(_prepare, setup) as workers:
        for place, found in workers(range(len(remedies))):
            remedy = remedies[place]
            if isinstance(found, RunResult):
                outcomes.append(Outcome(remedy, found))
            else:
                impossible.append(Impossible(remedy.name, remedy.kind, remedy.words, str(found)))
            step(remedy.words)
    outcomes.sort(key=lambda one: (one.result.cycles, one.result.energy.total))
    diagnoses = {
        layer.name: diagnose(layer, mapping, hardware)
        for layer, mapping in zip(result.layers, plan.schedule.mappings, strict=True)
    }
    groups = _worst_groups(result.layers)[:layers]
    worst = tuple(_worst_layer(group, diagnoses, outcomes) for group in groups)
    return Explanation(result, hardware, tuple(outcomes), tuple(impossible), worst)


def _prepare(setup: _Setup) -> Callable[[int], RunResult | AccelsimError]:
    """What a worker runs remedies with, by their places; a network that several have is lowered once."""
    cache = Cache()

    def run(place: int) -> RunResult | AccelsimError:
        remedy = setup.remedies[place]
        try:
            return run_network(
                remedy.network,
                remedy.hardware,
                batch=setup.options.batch,
                dataflow=remedy.dataflow,
                objective=setup.options.objective,
                cache=cache,
            )
        except AccelsimError as error:
            return error

    return run


# --- the layers


def _worst_groups(layers: Sequence[LayerResult]) -> list[list[LayerResult]]:
    """Layers of one form that run in one way, together; those that lose most first, groups and members."""
    groups: dict[tuple[str, Layer, str], list[LayerResult]] = {}
    for layer in layers:
        groups.setdefault((layer.stage, layer.form, layer.dataflow), []).append(layer)
    found = [sorted(members, key=lambda layer: -_lost(layer)) for members in groups.values()]
    return sorted(found, key=lambda members: -sum(map(_lost, members)))


def _lost(layer: LayerResult) -> int:
    return layer.cycles - layer.lower_bound_cycles


def _worst_layer(
    members: Sequence[LayerResult], diagnoses: dict[str, Diagnosis], outcomes: Sequence[Outcome]
) -> WorstLayer:
    names = [layer.name for layer in members]
    found = [_layer_outcome(names, outcome) for outcome in outcomes]
    return WorstLayer(
        names=tuple(names),
        layer=members[0],
        cycles=sum(layer.cycles for layer in members),
        lower_bound_cycles=sum(layer.lower_bound_cycles for layer in members),
        energy=sum(layer.energy for layer in members),
        macs=sum(layer.macs for layer in members),
        diagnosis=diagnoses[names[0]],
        outcomes=tuple(sorted((one for one in found if one is not None), key=lambda one: one.cycles)),
    )


def _layer_outcome(names: Sequence[str], outcome: Outcome) -> LayerOutcome | None:
    """Of the same layers in another run; None where one of them does not run there under its name."""
    by_name = {layer.name: layer for layer in outcome.result.layers}
    if not by_name.keys() >= set(names):
        return None
    own = [by_name[name] for name in names]
    return LayerOutcome(
        outcome.remedy,
        sum(layer.cycles for layer in own),
        sum(layer.energy for layer in own),
        sum(layer.macs for layer in own),
    )


# --- the remedies


def _remedies(network: Network, hardware: Hardware, dataflow: str) -> Iterator[Remedy | Impossible]:
    as_it_is = Remedy("", "machine", "", network, hardware, dataflow)
    for name in PARTS:
        before = _parts_of(hardware, name)
        after = {key: TIMES * value for key, value in before.items()}
        words = _of_part(name, sum(before.values()), sum(after.values()))
        if name == "buffer":
            after |= {key: TIMES * size for key, size in _banks_in_bytes(hardware).items()}
        yield _changed_machine(as_it_is, name, words, **after)
    if hardware.channel.latency_cycles:
        latency = hardware.channel.latency_cycles
        words = f"DRAM latency {latency} -> {latency // TIMES} cycles"
        key = f"memories.{hardware.off_chip.name}.latency_cycles"
        yield _changed_machine(as_it_is, "latency", words, **{key: latency // TIMES})
    yield from _dataflows(as_it_is)
    yield from _fewer_bits(as_it_is)
    yield from _rounded(as_it_is)


def _of_part(name: str, before: float, after: float) -> str:
    """`buffer 128 -> 256 KiB`."""
    match name:
        case "bandwidth":
            return f"DRAM {before:g} -> {after:g} bytes per cycle"
        case "buffer":
            return f"global buffer {before / 1024:.10g} -> {after / 1024:.10g} KiB"
        case "vector_lanes":
            return f"vector lanes {before:g} -> {after:g} per column"
        case _:
            return f"{before:g} -> {after:g} {name} of PEs"


def _parts_of(hardware: Hardware, name: str) -> dict[str, float]:
    """The keys that say how much a machine has of a part, and what they say."""
    match name:
        case "bandwidth":
            key = f"memories.{hardware.off_chip.name}.bandwidth.bytes_per_cycle"
            return {key: hardware.channel.bytes_per_cycle}
        case "buffer":
            return {
                f"memories.{memory.name}.size_bytes": memory.size_bytes or 0 for memory in hardware.on_chip
            }
        case "vector_lanes":
            return {"vector_unit.lanes_per_column": hardware.vector_unit.lanes_per_column}
        case "rows":
            return {"pe_array.rows": hardware.pe_array.rows}
        case _:
            return {"pe_array.columns": hardware.pe_array.columns}


def _banks_in_bytes(hardware: Hardware) -> dict[str, int]:
    """The keys of banks whose sizes do not follow that of their memory, and what they say."""
    return {
        f"memories.{memory.name}.banks.bytes.{operand}": size
        for memory in hardware.on_chip
        if memory.banks is not None and memory.banks.bytes is not None
        for operand, size in memory.banks.bytes.items()
    }


def _changed_machine(as_it_is: Remedy, name: str, words: str, **changes: Any) -> Remedy | Impossible:
    try:
        hardware = vary(as_it_is.hardware, **changes)
    except AccelsimError as error:
        return Impossible(name, "machine", words, str(error))
    return replace(as_it_is, name=name, kind="machine", words=words, hardware=hardware)


def _dataflows(as_it_is: Remedy) -> Iterator[Remedy | Impossible]:
    """Each dataflow alone, if the array has it and has others; and beside the others, if it has it not.

    Beside the others it is for the mapper to choose, even where one of them was asked for.
    """
    own = tuple(as_it_is.hardware.pe_array.dataflows)
    for name in dataflow_names():
        words = name.replace("_", " ")
        if name not in own:
            free = replace(as_it_is, dataflow=AUTO)
            yield _changed_machine(free, name, f"some layers {words}", **{"pe_array.dataflows": [*own, name]})
        elif (as_it_is.dataflow == AUTO and len(own) > 1) or as_it_is.dataflow not in (AUTO, name):
            yield replace(as_it_is, name=name, kind="mapping", words=f"every layer {words}", dataflow=name)
    if as_it_is.dataflow != AUTO and len(own) > 1:
        yield replace(
            as_it_is, name=AUTO, kind="mapping", words="dataflow chosen layer by layer", dataflow=AUTO
        )


def _fewer_bits(as_it_is: Remedy) -> Iterator[Remedy]:
    """Half as many, said by the network, whose word goes before the machine's."""
    network, machine = as_it_is.network, as_it_is.hardware.precision
    for what in ("weights", "activations"):
        key = f"{what}_bits"
        own = getattr(network.description.precision, key)
        before = getattr(machine, key) if own is None else own
        if before > 1:
            after = before // 2
            description = vary(network.description, **{f"precision.{key}": after})
            yield replace(
                as_it_is,
                name=key,
                kind="network",
                words=f"{what} of {before} -> {after} bits",
                network=replace(network, description=description),
            )


def _rounded(as_it_is: Remedy) -> Iterator[Remedy | Impossible]:
    """Channels rounded up to the array; nothing where they are so already."""
    side = longer_side(as_it_is.hardware)
    words = f"channels up to multiples of {side}"
    try:
        table = concrete(as_it_is.network)
        arguments = channel_arguments(table)
        rounded = rounded_up(table, arguments, side)
    except AccelsimError as error:
        yield Impossible("channels", "network", words, str(error))
        return
    if not arguments:
        yield Impossible(
            "channels", "network", words, "no number of channels of the stage table can change alone"
        )
    elif rounded is table:
        reason = "every number of channels that can change alone is a multiple already"
        yield Impossible("channels", "network", words, reason)
    else:
        yield replace(as_it_is, name="channels", kind="network", words=words, network=rounded)
