"""The published graph: the network as its paper draws it, one node an operator, shapes inferred.

The names of its nodes are layer names, in the order in which the paper lists them, which is an order in
which they can run. A node has the attributes `operator` (an `Operator`), `stage` and `block` (labels for
reports); an edge has `operands`, the positions at which the target reads the source's output (more than one
when a tensor is added to itself).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Final, Literal, TypeAlias

from accelsim.errors import NetworkError
from accelsim.limits import MAX_AXIS, MAX_CHANNELS, MAX_ELEMENTS, MAX_MACS, MAX_OPERATORS

if TYPE_CHECKING:
    import networkx as nx

Attributes: TypeAlias = dict[str, Any]


class Graph:
    """Nodes in an order in which they can run, and who reads whom; both have attributes, by name.

    It reads like a `networkx.DiGraph`, and `to_networkx` gives one, for what networkx computes. It is none
    because to import networkx takes as long as to simulate a small network (docs/decisions/layer-graph.md).
    """

    def __init__(self, **attributes: Any) -> None:
        """An empty graph with attributes of its own."""
        self.graph: Attributes = attributes
        self.nodes: dict[str, Attributes] = {}
        self.pred: dict[str, dict[str, Attributes]] = {}
        """Of each node: the nodes that it reads, with the attributes of the edges."""
        self.succ: dict[str, dict[str, Attributes]] = {}
        """Of each node: its readers, with the attributes of the edges."""

    def add_node(self, name: str, **attributes: Any) -> None:
        """A new node, after all others."""
        self.nodes[name] = attributes
        self.pred[name] = {}
        self.succ[name] = {}

    def add_edge(self, source: str, target: str, **attributes: Any) -> None:
        """A new edge between two nodes. KeyError where one is missing: sources come first."""
        self.succ[source][target] = self.pred[target][source] = attributes

    @property
    def edges(self) -> dict[tuple[str, str], Attributes]:
        """The attributes of every edge, by its source and its target."""
        return {(source, target): edge for source in self for target, edge in self.succ[source].items()}

    def to_networkx(self) -> "nx.DiGraph[str]":
        """The same nodes, edges and attributes, for the algorithms of networkx; the attributes are shared."""
        import networkx as nx  # noqa: PLC0415 (the class says why)

        digraph: nx.DiGraph[str] = nx.DiGraph(**self.graph)
        digraph.add_nodes_from(self.nodes.items())
        digraph.add_edges_from((source, target, edge) for (source, target), edge in self.edges.items())
        return digraph

    def __iter__(self) -> Iterator[str]:
        return iter(self.nodes)

    def __len__(self) -> int:
        return len(self.nodes)

    def __contains__(self, name: object) -> bool:
        return name in self.nodes


SharedPart: TypeAlias = Literal["weights", "bias", "scale", "shift", "slopes"]
"""Parameters of an operator that may be those of another one, too."""


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
    shared: tuple[SharedPart, ...] = ()
    """What of its parameters is also an operator's before it: used here, counted there."""

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
    def slopes(self) -> int:
        """Factors of an activation that have been trained."""
        return 0

    @property
    def counted_weights(self) -> int:
        """Weights that are parameters of no operator before."""
        return 0 if "weights" in self.shared else self.weights

    @property
    def params(self) -> int:
        """Weights, biases, scale and shift of batch normalisation, and slopes, each counted once."""
        if not self.shared:  # nearly all operators
            return self.weights + self.biases + self.norms + self.slopes
        parts = {
            "weights": self.weights,
            "bias": self.biases,
            **dict.fromkeys(("scale", "shift"), self.norms // 2),
            "slopes": self.slopes,
        }
        return sum(count for part, count in parts.items() if part not in self.shared)

    @property
    def macs(self) -> int:
        """Multiply-accumulates of convolution or matrix product."""
        return 0


@dataclass
class Draft:
    """A published graph under construction: what the functions of `operators` add their nodes to."""

    graph: Graph = field(default_factory=Graph)
    stage: str = ""
    block: str = ""

    def shape(self, node: str) -> Shape:
        """What a node puts out."""
        output: Shape = self.graph.nodes[node]["operator"].output
        return output

    def add(self, name: str, operator: Operator, sources: Sequence[str]) -> str:
        """A new node that reads the sources, in order; gives back its name."""
        if name in self.graph.nodes:
            raise NetworkError(f"{name}: two layers have this name; give the rows of the stage table names")
        if len(self.graph) >= MAX_OPERATORS:
            raise NetworkError(
                f"{name}: is operator {len(self.graph) + 1:,}, of at most {MAX_OPERATORS:,}; "
                "repeat blocks less often"
            )
        _check_size(name, operator)
        self.graph.add_node(name, operator=operator, stage=self.stage, block=self.block)
        positions: dict[str, list[int]] = {}
        for index, source in enumerate(sources):
            positions.setdefault(source, []).append(index)
        for source, read_at in positions.items():
            self.graph.add_edge(source, name, operands=tuple(read_at))
        return name


_MORE: Final = {
    "channels": "give its block, or the one before, more channels",
    "rows": "enlarge the resolution, or shrink kernels and strides",
    "columns": "enlarge the resolution, or shrink kernels and strides",
}
"""What helps where a layer would have none."""


def _check_size(name: str, operator: Operator) -> None:
    """Refuse what no machine runs.

    A slip of the pen would otherwise take hours, or more than 64 bits; and layers without outputs, which
    blocks come to when they divide or subtract, would make a network look small.
    """
    output = operator.output
    axes = {"channels": output.channels, "rows": output.height, "columns": output.width}
    for what, size in axes.items():
        if size < 1:
            raise NetworkError(
                f"{name}: would put out {size} {what} ({output}); every layer has to have at least one: "
                f"{_MORE[what]}"
            )
    if output.channels > MAX_CHANNELS:
        raise _too_large(name, "channels", MAX_CHANNELS)
    if max(output.height, output.width) > MAX_AXIS:
        raise _too_large(name, "rows or columns", MAX_AXIS)
    if operator.output.elements > MAX_ELEMENTS:
        raise _too_large(name, "output elements", MAX_ELEMENTS)
    if operator.weights > MAX_ELEMENTS:
        raise _too_large(name, "weights", MAX_ELEMENTS)
    if operator.macs > MAX_MACS:
        raise _too_large(name, "multiply-accumulates", MAX_MACS)


def _too_large(name: str, what: str, largest: int) -> NetworkError:
    return NetworkError(f"{name}: has more {what} than the {largest:,} that a layer may have")


def operator_of(graph: Graph, node: str) -> Operator:
    """The operator of a node of a published graph."""
    operator: Operator = graph.nodes[node]["operator"]
    return operator


def operators_of(graph: Graph) -> list[Operator]:
    """The operators of a published graph, in the order of its nodes."""
    return [attributes["operator"] for attributes in graph.nodes.values()]


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
    """Parameters of a published graph: those that several operators have, once."""
    return sum([operator.params for operator in operators_of(graph)])


def total_macs(graph: Graph) -> int:
    """Multiply-accumulates of the convolutions and matrix products of a published graph, for one image."""
    return sum([operator.macs for operator in operators_of(graph)])
