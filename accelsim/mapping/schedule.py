"""Schedule: the mapped layers in running order, and which of them each one waits for."""

from collections.abc import Hashable, MutableMapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from accelsim.errors import MappingError
from accelsim.hardware import Hardware, Objective
from accelsim.mapping.countable import why_uncountable
from accelsim.mapping.mapping import Mapping
from accelsim.mapping.search import map_layers
from accelsim.mapping.settle import Judge
from accelsim.network.graph import Graph
from accelsim.network.layer import Layer


@dataclass(frozen=True)
class Schedule:
    """What a machine executes. Every layer's inputs and outputs pass through DRAM."""

    layers: tuple[Layer, ...]
    """For one image; a mapping's own layer may be another form of the same work."""
    mappings: tuple[Mapping, ...]
    waits_for: tuple[tuple[int, ...], ...]
    """Of each layer: those whose results it reads, by their place in the schedule."""
    idle_descriptors: int = 0
    """Of the DMA, that are left idle because the schedule is done sooner without them."""


def make_schedule(
    graph: Graph,
    hardware: Hardware,
    *,
    batch: int = 1,
    dataflow: str = "auto",
    objective: Objective | None = None,
    known: MutableMapping[Layer, Mapping] | None = None,
    judge: Judge | None = None,
) -> Schedule:
    """Map every layer of an executed graph. Raises MappingError where one cannot be mapped.

    `known` remembers mappings from one graph to the next; everything else must be the same for all of them.
    `judge` decides what bounds leave open (see `accelsim.compiler`); without one the bounds are believed.
    """
    mapper = _Mapper(hardware, batch, dataflow, objective, {} if known is None else known, judge)
    whole = [graph.nodes[name]["layer"] for name in graph]
    layers: list[Layer] = []
    mappings: list[Mapping] = []
    waits_for: list[tuple[int, ...]] = []
    last_part: dict[str, int] = {}
    for name, parts in zip(graph, mapper.parts(whole), strict=True):
        producers = tuple(sorted(last_part[producer] for producer in graph.pred[name]))
        for part, mapping in parts:
            layers.append(part)
            mappings.append(mapping)
            waits_for.append(producers)
            producers = (len(layers) - 1,)
        last_part[name] = len(layers) - 1
    return Schedule(tuple(layers), tuple(mappings), tuple(waits_for))


Parts: TypeAlias = tuple[tuple[Layer, Mapping], ...]
"""What a layer is executed as, and how."""


@dataclass(frozen=True)
class _Mapper:
    """Maps layers, each shape once."""

    hardware: Hardware
    batch: int
    dataflow: str
    objective: Objective | None
    known: MutableMapping[Layer, Mapping]
    judge: Judge | None

    def parts(self, layers: Sequence[Layer]) -> list[Parts]:
        """Each layer, or a layer and its pooling one after the other where the machine cannot fuse them."""
        choices = self._choices(layers)
        pieces = [
            (layer,) if isinstance(choice, Mapping) or layer.pooling is None else unfused(layer)
            for layer, choice in zip(layers, choices, strict=True)
        ]
        of_pieces = iter(self._choices([piece for some in pieces if len(some) > 1 for piece in some]))
        parts = []
        for some, whole in zip(pieces, choices, strict=True):
            mapped = [whole] if len(some) == 1 else [next(of_pieces) for _ in some]
            parts.append(tuple(map(self._mapped, some, mapped)))
        return parts

    def _mapped(self, layer: Layer, choice: Mapping | MappingError) -> tuple[Layer, Mapping]:
        if isinstance(choice, MappingError):
            raise MappingError(f"{layer.name} on {self.hardware.name}: {choice}")
        return layer, choice

    def _choices(self, layers: Sequence[Layer]) -> list[Mapping | MappingError]:
        """The mapping of each layer, or why it has none. What is not known yet is searched for together."""
        forms = [layer.form for layer in layers]
        first_of: dict[Hashable, Layer] = {}
        for form, layer in zip(forms, layers, strict=True):
            first_of.setdefault(form, layer)
        distinct = [layer.nameless for layer in first_of.values()]
        choices: list[Mapping | MappingError | None] = list(map(self.known.get, distinct))
        unknown = [layer for layer, choice in zip(distinct, choices, strict=True) if choice is None]
        found = self._searched(unknown) if unknown else []
        for layer, choice in zip(unknown, found, strict=True):
            if isinstance(choice, Mapping):
                self.known[layer] = choice
        of_unknown = iter(found)
        choice_of = {
            form: next(of_unknown) if choice is None else choice
            for form, choice in zip(first_of, choices, strict=True)
        }
        return [choice_of[form] for form in forms]

    def _searched(self, layers: Sequence[Layer]) -> list[Mapping | MappingError]:
        """The mapping of each layer, or why it has none; layers that cannot be counted are not looked at."""
        reasons = [why_uncountable(layer, self.batch) for layer in layers]
        mapped = iter(
            map_layers(
                [layer for layer, reason in zip(layers, reasons, strict=True) if not reason],
                self.hardware,
                batch=self.batch,
                dataflow=self.dataflow,
                objective=self.objective,
                judge=self.judge,
            )
        )
        return [MappingError(reason) if reason else next(mapped) for reason in reasons]


def unfused(layer: Layer) -> tuple[Layer, Layer]:
    """A layer without the pooling that it carries, and the pooling."""
    return replace(layer, pooling=None), pooling_layer(layer)


def pooling_layer(layer: Layer) -> Layer:
    """The pooling that a layer carries, as a layer of its own."""
    pooling = layer.pooling
    if pooling is None:
        raise ValueError(f"{layer.name} carries no pooling")
    return Layer(
        name=pooling.name,
        operator=pooling.operator,
        stage=layer.stage,
        G=layer.G * layer.K,
        K=1,
        C=1,
        OY=pooling.OY,
        OX=pooling.OX,
        FY=pooling.FY,
        FX=pooling.FX,
        IY=layer.OY,
        IX=layer.OX,
        stride_y=pooling.stride_y,
        stride_x=pooling.stride_x,
        pad_top=pooling.pad_top,
        pad_left=pooling.pad_left,
        vector_ops=layer.stored_elements * pooling.FY * pooling.FX,
        activation_bits=layer.activation_bits,
        partial_sum_bits=layer.partial_sum_bits,
    )
