"""A network as its plan is made: what each layer is executed as, and what its tiles cannot have of a pool."""

from collections.abc import Hashable
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from accelsim.network.executed import ExecutedGraph
from accelsim.network.given import GivenCascade, GivenMapping
from accelsim.network.layer import Layer
from accelsim.planning.tensors import NetworkTensors


class SaidCascade(NamedTuple):
    """Steps of which it is said that they run stripe by stripe.

    Example:
        >>> SaidCascade(3, GivenCascade(("conv1", "conv2"), weights_stay=("conv2",))).resident
        frozenset({4})
    """

    first: int
    """Their first one."""
    given: GivenCascade
    """What is said."""

    @property
    def steps(self) -> range:
        """Those that run so."""
        return range(self.first, self.first + len(self.given.layers))

    @property
    def resident(self) -> frozenset[int] | None:
        """Those whose weights come once and stay, where it is said."""
        stay = self.given.weights_stay
        return (
            None if stay is None else frozenset([self.first + self.given.layers.index(name) for name in stay])
        )

    def told(self, step: int, stripe: int) -> GivenMapping | None:
        """What is said of one of the stripes of a step, of which the first is 0."""
        return self.given.given(self.given.layers[step - self.first], stripe + 1)


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
    said: tuple[SaidCascade, ...] = ()
    """Cascades in which some steps run because it is said."""

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

    @cached_property
    def told(self) -> tuple[GivenMapping | None, ...]:
        """Of each step: what is said of it as a whole; of one in a cascade, where its operands lie."""
        in_cascades = {
            step: homes
            for cascade in self.said
            for step, homes in zip(cascade.steps, cascade.given.homes, strict=True)
        }
        return tuple([in_cascades.get(step, layer.given) for step, layer in enumerate(self.layers)])

    @property
    def told_by_rules(self) -> list[tuple[int, GivenMapping]]:
        """Steps that rules speak of, each with that: of one in a cascade, what its first stripe is told."""
        told = {step: layer.given for step, layer in enumerate(self.layers)}
        told |= {step: cascade.told(step, 0) for step, cascade in self.said_of.items()}
        return [(step, of_step) for step, of_step in told.items() if of_step is not None]

    @cached_property
    def said_of(self) -> dict[int, SaidCascade]:
        """Of steps that are to run in cascades: these."""
        return {step: cascade for cascade in self.said for step in cascade.steps}

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
