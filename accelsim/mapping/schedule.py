"""Schedule: the mapped layers in running order, and which of them each one waits for."""

from collections.abc import MutableMapping
from dataclasses import dataclass, replace

from accelsim.errors import MappingError
from accelsim.hardware import Hardware, Objective
from accelsim.mapping.mapping import Mapping
from accelsim.mapping.search import map_layer
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


def make_schedule(
    graph: Graph,
    hardware: Hardware,
    *,
    batch: int = 1,
    dataflow: str = "auto",
    objective: Objective | None = None,
    known: MutableMapping[Layer, Mapping] | None = None,
) -> Schedule:
    """Map every layer of an executed graph. Raises MappingError where one cannot be mapped.

    `known` remembers mappings from one graph to the next; everything else must be the same for all of them.
    """
    mapper = _Mapper(hardware, batch, dataflow, objective, {} if known is None else known)
    layers: list[Layer] = []
    mappings: list[Mapping] = []
    waits_for: list[tuple[int, ...]] = []
    last_part: dict[str, int] = {}
    for name in graph:
        producers = tuple(sorted(last_part[producer] for producer in graph.pred[name]))
        for part, mapping in mapper.parts(graph.nodes[name]["layer"]):
            layers.append(part)
            mappings.append(mapping)
            waits_for.append(producers)
            producers = (len(layers) - 1,)
        last_part[name] = len(layers) - 1
    return Schedule(tuple(layers), tuple(mappings), tuple(waits_for))


@dataclass(frozen=True)
class _Mapper:
    """Maps layers, each shape once."""

    hardware: Hardware
    batch: int
    dataflow: str
    objective: Objective | None
    known: MutableMapping[Layer, Mapping]

    def parts(self, layer: Layer) -> tuple[tuple[Layer, Mapping], ...]:
        """The layer, or the layer and its pooling one after the other where the machine cannot fuse them."""
        try:
            return ((layer, self.mapped(layer)),)
        except MappingError:
            if layer.pooling is None:
                raise
        bare, pool = replace(layer, pooling=None), pooling_layer(layer)
        return (bare, self.mapped(bare)), (pool, self.mapped(pool))

    def mapped(self, layer: Layer) -> Mapping:
        mapping = self.known.get(layer.nameless)
        if mapping is None:
            try:
                mapping = map_layer(
                    layer.nameless,
                    self.hardware,
                    batch=self.batch,
                    dataflow=self.dataflow,
                    objective=self.objective,
                )
            except MappingError as error:
                raise MappingError(f"{layer.name} on {self.hardware.name}: {error}") from None
            self.known[layer.nameless] = mapping
        return mapping


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
