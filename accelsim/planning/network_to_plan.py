"""A network as its plan is made: what each layer is executed as, and what its tiles cannot have of a pool."""

from collections.abc import Hashable
from dataclasses import dataclass
from functools import cached_property

from accelsim.network.executed import ExecutedGraph
from accelsim.network.layer import Layer
from accelsim.planning.tensors import NetworkTensors


@dataclass(frozen=True)
class NetworkToPlan:
    """What is planned."""

    graph: ExecutedGraph
    parts: tuple[tuple[Layer, ...], ...]
    """What each layer is executed as."""
    tensors: NetworkTensors
    lost_bytes: tuple[int, ...]
    """Of each step: room that tensors leave, but not in one piece, so that tiles cannot have it."""
    arrivals: frozenset[int] = frozenset()
    """Steps whose inputs may come to a place in the pool, and stay there for others."""

    @cached_property
    def layers(self) -> tuple[Layer, ...]:
        """Of each step."""
        return tuple([part for parts in self.parts for part in parts])

    @cached_property
    def forms(self) -> tuple[int, ...]:
        """Of each step a number, the same for layers that are alike."""
        numbers: dict[Hashable, int] = {}
        return tuple([numbers.setdefault(layer.form, len(numbers)) for layer in self.layers])

    @cached_property
    def with_weights(self) -> frozenset[int]:
        """Steps that have weights, which are not another layer's outputs."""
        return frozenset(
            [
                step
                for step, layer in enumerate(self.layers)
                if layer.on_array and not layer.multiplies_activations
            ]
        )

    @property
    def waits_for(self) -> tuple[tuple[int, ...], ...]:
        """Of each step: those whose results it reads."""
        waits: list[tuple[int, ...]] = []
        last_part: dict[str, int] = {}
        for node, parts in zip(self.graph.nodes, self.parts, strict=True):
            producers = tuple(sorted(last_part[producer] for producer in node.predecessors))
            for _ in parts:
                waits.append(producers)
                producers = (len(waits) - 1,)
            last_part[node.name] = len(waits) - 1
        return tuple(waits)
