"""The stage of a run that leaves the PEs idle for longest, and the layers in it that do."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from accelsim.hardware import Hardware
from accelsim.mapping.schedule import Schedule
from accelsim.mapping.together import by_layer
from accelsim.network.layer import Layer
from accelsim.result import LayerResult, RunResult
from accelsim.search.diagnosis import Diagnosis, diagnose, idle_array_cycles


@dataclass(frozen=True)
class WorstStage:
    """Where the PEs are idle for longest."""

    name: str
    cycles: int
    share: float
    """Of the network's cycles."""
    utilization: float
    lost_share: float
    """Of the cycles in which PEs of the whole network are idle."""
    layer: str
    """Of its layers of one form, those that leave most PEs idle together: the worst of them."""
    layer_count: int
    """How many there are of that form."""
    diagnosis: Diagnosis
    """Why that layer does."""


def worst_stage(result: RunResult, schedule: Schedule, hardware: Hardware) -> WorstStage:
    """The worst stage of a run, whose schedule has a mapping for each layer of the result, or its stripes."""
    worst_layers = layers_of_worst_form(result)
    worst = worst_layers[0]
    layered = by_layer(schedule)
    mappings = {layer.name: mapping for layer, mapping in zip(layered.layers, layered.mappings, strict=True)}
    stage = _by_stage(result.layers)[worst.stage]
    cycles, lost = sum(layer.cycles for layer in stage), idle_array_cycles(stage)
    return WorstStage(
        name=worst.stage,
        cycles=cycles,
        share=cycles / result.cycles,
        utilization=1 - lost / cycles if cycles else 0.0,
        lost_share=lost / idle_array_cycles(result.layers),
        layer=worst.name,
        layer_count=len(worst_layers),
        diagnosis=diagnose(worst, mappings[worst.name], hardware),
    )


def layers_of_worst_form(result: RunResult) -> Sequence[LayerResult]:
    """Of the stage that leaves most PEs idle, the layers of one form that do; the worst of them first."""
    stage = max(_by_stage(result.layers).values(), key=idle_array_cycles)
    return sorted(max(_by_form(stage), key=idle_array_cycles), key=lambda layer: -idle_array_cycles([layer]))


def idlest_layers(result: RunResult) -> tuple[str, ...]:
    """Of each form the layer that leaves most PEs idle; those forms first whose layers do so together."""
    forms = sorted(_by_form(result.layers), key=lambda layers: -idle_array_cycles(layers))
    return tuple([max(layers, key=lambda layer: idle_array_cycles([layer])).name for layers in forms])


def _by_form(layers: Iterable[LayerResult]) -> Iterable[list[LayerResult]]:
    forms: dict[Layer, list[LayerResult]] = {}
    for layer in layers:
        forms.setdefault(layer.form, []).append(layer)
    return forms.values()


def _by_stage(layers: Iterable[LayerResult]) -> Mapping[str, list[LayerResult]]:
    stages: dict[str, list[LayerResult]] = {}
    for layer in layers:
        stages.setdefault(layer.stage, []).append(layer)
    return stages
