"""The published graph: the network as its paper draws it, one node an operator, shapes inferred.

A graph is a `networkx.DiGraph` whose node names are layer names, in the order in which the paper lists
them, which is an order in which they can run. A node has the attributes `operator` (an `Operator`),
`stage` and `block` (labels for reports); an edge has `operands`, the positions at which the target reads
the source's output (more than one when a tensor is added to itself).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Final, TypeAlias

import networkx as nx

from accelsim.errors import NetworkError

Graph: TypeAlias = "nx.DiGraph[str]"

MAX_ELEMENTS: Final = 10**9
MAX_MACS: Final = 10**13
"""Of one layer and one image: far beyond any network for such machines, far from the end of 64 bits."""


@dataclass(frozen=True, slots=True)
class Shape:
    """A tensor for one image: channels x height x width, in elements."""

    channels: int
    height: int
    width: int

    @property
    def elements(self) -> int:
        """All elements, for one image."""
        return self.channels * self.height * self.width

    def __str__(self) -> str:
        return f"{self.channels} x {self.height} x {self.width}"


@dataclass(frozen=True, kw_only=True)
class Operator:
    """Everything about one operator of a published graph, for one image."""

    kind: ClassVar[str]
    inputs: tuple[Shape, ...]
    output: Shape

    @property
    def weights(self) -> int:
        """Weights of convolution or matrix product."""
        return 0

    @property
    def biases(self) -> int:
        """Offsets that belong to a convolution or matrix product."""
        return 0

    @property
    def norms(self) -> int:
        """Scale and shift of batch normalisation; its running statistics are not counted."""
        return 0

    @property
    def params(self) -> int:
        """Weights, biases, and scale and shift of batch normalisation."""
        return self.weights + self.biases + self.norms

    @property
    def macs(self) -> int:
        """Multiply-accumulates of convolution or matrix product."""
        return 0


@dataclass
class Draft:
    """A published graph under construction: what the functions of `operators` add their nodes to."""

    graph: Graph = field(default_factory=nx.DiGraph)
    stage: str = ""
    block: str = ""

    def shape(self, node: str) -> Shape:
        """What a node puts out."""
        output: Shape = self.graph.nodes[node]["operator"].output
        return output

    def add(self, name: str, operator: Operator, sources: Sequence[str]) -> str:
        """A new node that reads the sources, in order; gives back its name."""
        if name in self.graph:
            raise NetworkError(f"{name}: two layers have this name; give the rows of the stage table names")
        _check_size(name, operator)
        self.graph.add_node(name, operator=operator, stage=self.stage, block=self.block)
        for source in dict.fromkeys(sources):
            positions = tuple(index for index, other in enumerate(sources) if other == source)
            self.graph.add_edge(source, name, operands=positions)
        return name


def _check_size(name: str, operator: Operator) -> None:
    """Refuse what no machine runs: a slip of the pen would otherwise take hours, or more than 64 bits."""
    sizes = {
        "output elements": (operator.output.elements, MAX_ELEMENTS),
        "weights": (operator.weights, MAX_ELEMENTS),
        "multiply-accumulates": (operator.macs, MAX_MACS),
    }
    for what, (size, largest) in sizes.items():
        if size > largest:
            raise NetworkError(f"{name}: has more {what} than the {largest:,} that a layer may have")


def operator_of(graph: Graph, node: str) -> Operator:
    """The operator of a node of a published graph."""
    operator: Operator = graph.nodes[node]["operator"]
    return operator


def operands(graph: Graph, node: str) -> tuple[str, ...]:
    """The nodes that a node reads, in the order of its operands."""
    edges = graph.pred[node]
    if len(edges) == 1:  # nearly all nodes
        ((source, edge),) = edges.items()
        return (source,) * len(edge["operands"])
    return tuple(
        source for _, source in sorted((at, source) for source in edges for at in edges[source]["operands"])
    )


def total_params(graph: Graph) -> int:
    """Weights, biases, and scale and shift of batch normalisation of a published graph."""
    return sum(operator_of(graph, node).params for node in graph)


def total_macs(graph: Graph) -> int:
    """Multiply-accumulates of the convolutions and matrix products of a published graph, for one image."""
    return sum(operator_of(graph, node).macs for node in graph)
