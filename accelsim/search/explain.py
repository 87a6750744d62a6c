"""What bounds a network on a machine, and what each remedy would gain: every figure is a run of its own.

A remedy changes one thing of the machine, of the network, or of how layers are mapped, and the whole network
is run again. A layer's figure is what the same layer took in that run; what a remedy does to its neighbours
is in the network's figure.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

from accelsim.choices import AUTO
from accelsim.descriptions import unknown
from accelsim.descriptions.arguments import check_function, check_text, of_kind, whole_number_or_none
from accelsim.errors import AccelsimError
from accelsim.execution.processes import Processes
from accelsim.hardware import Hardware, Objective, hardware_of
from accelsim.mapping.options import MappingOptions
from accelsim.mapping.together import by_layer
from accelsim.network.description import Network, NetworkDescription
from accelsim.network.graph_changes import graph_of
from accelsim.network.layer import Layer
from accelsim.network.load import network_of
from accelsim.result import LayerResult, RunResult
from accelsim.reuse.cache import Cache
from accelsim.run import options_for, plan_run, run_network, run_plan
from accelsim.search.changes import Baseline, ImpossibleRemedy, Remedy
from accelsim.search.diagnosis import Diagnosis, diagnose
from accelsim.search.graph_moves import GraphDesign, graph_design
from accelsim.search.network_remedies import LONGEST, redesigns
from accelsim.search.redesign import concrete, derived
from accelsim.search.remedies import remedies
from accelsim.search.words import change_words, obstacle_words

TOP_LAYERS: Final = 5
"""Of the worst layers, those that are explained unless more or fewer are asked for."""


@dataclass(frozen=True)
class RemedyOutcome:
    """What a remedy came to."""

    remedy: Remedy
    result: RunResult

    @cached_property
    def layers(self) -> dict[str, LayerResult]:
        """Those of the run, by their names."""
        return {layer.name: layer for layer in self.result.layers}


@dataclass(frozen=True)
class LayerOutcome:
    """What a remedy came to for some layers: their sums in the run of the remedy."""

    remedy: Remedy
    cycles: int
    energy: float
    macs: int


@dataclass(frozen=True)
class WorstLayer:
    """Layers of one form, that run in one way, and what each remedy does to them.

    Cycles of layers add up to those of the network, so what a remedy gains at some layers is a part of what
    it gains, or loses, for the network.
    """

    names: tuple[str, ...]
    layer: LayerResult
    """The one that loses most of them."""
    cycles: int
    """Of all of them, like the following."""
    lower_bound_cycles: int
    least_cycles: int
    """The sum of their lower bounds that hold wherever tensors stay (`LayerResult.least_cycles`)."""
    energy: float
    macs: int
    diagnosis: Diagnosis
    outcomes: tuple[LayerOutcome, ...]
    """Of the remedies in which all of the layers run; the fastest first."""

    @property
    def lost_cycles(self) -> int:
        """Cycles above the lower bound; below 0 where weights came while the layer before ran."""
        return self.cycles - self.least_cycles

    @property
    def gained_cycles(self) -> int:
        """Cycles of the network that its best remedy gains at these layers; 0 where none gains any."""
        return max(self.cycles - self.outcomes[0].cycles, 0) if self.outcomes else 0


@dataclass(frozen=True)
class Explanation:
    """A run, what remedies gain, at which layers most, and why these take their time.

    Example:
        >>> explained = explain_network("alexnet", "16x16_128k", layers=1)
        >>> explained.worst[0].names[0], explained.worst[0].diagnosis.bound_by
        ('fc6', 'dram')
    """

    result: RunResult
    """The run as it is."""
    hardware: Hardware
    """The machine as it is."""
    outcomes: tuple[RemedyOutcome, ...]
    """What each remedy came to: the fastest first, or the one of least energy where that is the objective."""
    impossible: tuple[ImpossibleRemedy, ...]
    """Remedies that cannot be had, or with which the network does not run."""
    worst: tuple[WorstLayer, ...]
    """Those first at which the best remedy gains the network most; of those that none helps, those with the
    most cycles above their lower bounds."""
    design: GraphDesign | None = None
    """Of a network that is written out operator by operator: what may be changed in it."""

    @property
    def lower_bound_if_kept_cycles(self) -> int | None:
        """The network's, if all tensors stayed on chip, as its machine or a remedy lets them; else None."""
        keeping = (outcome.result for outcome in self.outcomes if outcome.remedy.name == "keep")
        bounds = (result.lower_bound_if_kept_cycles for result in (self.result, *keeping))
        return next((bound for bound in bounds if bound is not None), None)


@dataclass(frozen=True)
class _WorkerSetup:
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

    Args:
        network: A network, or a name or path as `--net` takes it.
        hardware: A machine, or a name or path as `--hw` takes it.
        layers: How many of the worst layers, those that are alike being one; None is all.
        batch: Images that run together; None is as many as the network is described for.
        dataflow: As in `run_network`.
        objective: What mappings are chosen by: time, energy or edp, as in `run_network`; if that is energy,
            remedies are ranked by it, too.
        step: Is told of each run that is done.

    Returns:
        The run as it is, that of every remedy, and the worst layers, each with why it is and what helps it.

    Raises:
        NetworkError, MappingError: Where the network does not run as it is. A remedy that does not is among
            the impossible ones.

    Example:
        >>> explained = explain_network("mlperf_tiny_ic", "16x16_128k", layers=1)
        >>> change_words(explained.outcomes[0].remedy.change)
        '16 -> 32 columns of PEs'
        >>> explained.outcomes[0].result.cycles < explained.result.cycles
        True
    """
    layers = whole_number_or_none("layers", layers, 0)
    check_function("step", step, "of each run that is done")
    network, hardware = network_of(network), hardware_of(hardware)
    cache = Cache()
    options = options_for(network, batch, dataflow, objective)
    plan = plan_run(network, hardware, options, cache=cache)
    result = run_plan(plan)
    alike = _groups(result.layers)
    candidates = [
        *remedies(network, hardware, dataflow),
        *redesigns(Baseline(network, hardware, dataflow), _longest(alike)),
    ]
    outcomes, impossible = _outcomes(candidates, options, step)
    diagnoses = {
        layer.name: diagnose(layer, mapping, hardware)
        for layer, mapping in zip(result.layers, by_layer(plan.schedule).mappings, strict=True)
    }
    worst = [_worst_layer(group, diagnoses, outcomes) for group in alike]
    worst.sort(key=lambda group: (-group.gained_cycles, -group.lost_cycles))
    design = None if graph_of(network) is None else graph_design(concrete(network))
    return Explanation(result, hardware, tuple(outcomes), tuple(impossible), tuple(worst[:layers]), design)


def written_remedy(explained: Explanation, name: str) -> NetworkDescription:
    """The network with one of its remedies, under a name of its own, saying where it comes from.

    Args:
        explained: Of the network.
        name: Of a remedy that changes the network and has been run.

    Returns:
        A description of which a run says what the remedy's does.

    Raises:
        AccelsimError: There is no such remedy, or it is not possible.

    Example:
        >>> explained = explain_network("shufflenet_v2@width=0.5,resolution=64", "16x16_128k", layers=0)
        >>> written_remedy(explained, "channels").name
        'shufflenet_v2-channels'
    """
    explained = of_kind("explained", explained, Explanation)
    check_text("name", name, "which remedy")
    of_network = {
        outcome.remedy.name: outcome.remedy
        for outcome in explained.outcomes
        if outcome.remedy.kind == "network"
    }
    if name not in of_network:
        impossible = [remedy for remedy in explained.impossible if remedy.name == name]
        noun = f"change of {explained.result.network}"
        why = obstacle_words(impossible[0]) if impossible else unknown(name, noun, of_network)
        raise AccelsimError.about(name, why)
    remedy = of_network[name]
    description = concrete(remedy.network).description
    return derived(description, explained.result.network, name, change_words(remedy.change))


def _outcomes(
    candidates: Sequence[Remedy | ImpossibleRemedy], options: MappingOptions, step: Callable[[str], None]
) -> tuple[list[RemedyOutcome], list[ImpossibleRemedy]]:
    """What each remedy came to, the best first; and those that cannot be had, or do not run."""
    outcomes: list[RemedyOutcome] = []
    impossible = [remedy for remedy in candidates if isinstance(remedy, ImpossibleRemedy)]
    setup = _WorkerSetup(tuple(remedy for remedy in candidates if isinstance(remedy, Remedy)), options)
    with Processes().prepared(_prepare, setup) as workers:
        for index, result in workers(range(len(setup.remedies))):
            remedy = setup.remedies[index]
            if isinstance(result, RunResult):
                outcomes.append(RemedyOutcome(remedy, result))
            else:
                impossible.append(ImpossibleRemedy(remedy.change, result.complaints))
            step(change_words(remedy.change))
    outcomes.sort(key=_by_energy if options.objective == "energy" else _by_time)
    return outcomes, impossible


def _by_time(outcome: RemedyOutcome) -> tuple[float, float]:
    return outcome.result.cycles, outcome.result.energy.total


def _by_energy(outcome: RemedyOutcome) -> tuple[float, float]:
    return outcome.result.energy.total, outcome.result.cycles


def _prepare(setup: _WorkerSetup) -> Callable[[int], RunResult | AccelsimError]:
    """What a worker runs remedies with, by their numbers; a network that several have is lowered once."""
    cache = Cache()

    def run(index: int) -> RunResult | AccelsimError:
        remedy = setup.remedies[index]
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


def _groups(layers: Sequence[LayerResult]) -> list[list[LayerResult]]:
    """Layers of one form that run in one way, together; of each group those that lose most first."""
    groups: dict[tuple[str, Layer, str], list[LayerResult]] = {}
    for layer in layers:
        groups.setdefault((layer.stage, layer.form, layer.dataflow), []).append(layer)
    return [
        sorted(members, key=lambda layer: layer.least_cycles - layer.cycles) for members in groups.values()
    ]


def _longest(groups: Sequence[Sequence[LayerResult]]) -> list[list[str]]:
    """The names of the alike layers that take longest."""
    ranked = sorted(groups, key=lambda layers: -sum(layer.cycles for layer in layers))
    return [[layer.name for layer in layers] for layers in ranked[:LONGEST]]


def _worst_layer(
    members: Sequence[LayerResult], diagnoses: dict[str, Diagnosis], outcomes: Sequence[RemedyOutcome]
) -> WorstLayer:
    names = [layer.name for layer in members]
    of_layers = [_layer_outcome(names, outcome) for outcome in outcomes]
    comparable = [outcome for outcome in of_layers if outcome is not None]
    return WorstLayer(
        names=tuple(names),
        layer=members[0],
        cycles=sum(layer.cycles for layer in members),
        lower_bound_cycles=sum(layer.lower_bound_cycles for layer in members),
        least_cycles=sum(layer.least_cycles for layer in members),
        energy=sum(layer.energy for layer in members),
        macs=sum(layer.macs for layer in members),
        diagnosis=diagnoses[names[0]],
        outcomes=tuple(sorted(comparable, key=lambda outcome: outcome.cycles)),
    )


def _layer_outcome(names: Sequence[str], outcome: RemedyOutcome) -> LayerOutcome | None:
    """Of the same layers in another run; None where one of them does not run there under its name."""
    if not outcome.layers.keys() >= set(names):
        return None
    layers = [outcome.layers[name] for name in names]
    return LayerOutcome(
        outcome.remedy,
        sum(layer.cycles for layer in layers),
        sum(layer.energy for layer in layers),
        sum(layer.macs for layer in layers),
    )
