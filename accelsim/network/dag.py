"""Directed acyclic graphs of nodes that stand in an order in which they can run.

A network is listed in such an order, and nearly all that is asked of it is who reads whom. For the rest
there is networkx, which is imported only then: that takes as long as to simulate a small network
(docs/decisions/layer-graph.md).
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from accelsim.errors import NetworkError

if TYPE_CHECKING:
    import networkx as nx


class Node(Protocol):
    """What a node of any graph answers."""

    @property
    def name(self) -> str:
        """Its own; no two nodes of a graph share one."""

    @property
    def predecessors(self) -> tuple[str, ...]:
        """The nodes that it reads, each once, in an order of its own."""

    def attributes(self) -> dict[str, Any]:
        """What networkx's node is told."""

    def edges(self) -> dict[str, dict[str, Any]]:
        """What networkx's edges are told, by the node that is read."""


NodeT = TypeVar("NodeT", bound=Node)


@dataclass(frozen=True)
class Dag(Generic[NodeT]):
    """Nodes, none before those that it reads. NetworkError where one is, or where two share a name.

    `graph["conv1"]` is a node, `"conv1" in graph` whether there is one; iteration is over names.
    """

    nodes: tuple[NodeT, ...]
    """In order."""
    _by_name: dict[str, NodeT] = field(init=False, repr=False, compare=False)
    _successors: dict[str, tuple[str, ...]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        by_name: dict[str, NodeT] = {}
        successors: dict[str, list[str]] = {}
        for node in self.nodes:
            name = node.name
            if name in by_name:
                raise NetworkError(f"{name}: two nodes of a graph have this name")
            for source in node.predecessors:
                if source not in successors:
                    raise NetworkError(f"{name}: reads {source}, which is no node before it")
                successors[source].append(name)
            by_name[name], successors[name] = node, []
        object.__setattr__(self, "_by_name", by_name)
        readers = {name: tuple(of_node) for name, of_node in successors.items()}
        object.__setattr__(self, "_successors", readers)

    def __getitem__(self, name: str) -> NodeT:
        return self._by_name[name]

    def __contains__(self, name: object) -> bool:
        return name in self._by_name

    def __iter__(self) -> Iterator[str]:
        return iter(self._by_name)

    def __len__(self) -> int:
        return len(self.nodes)

    def predecessors(self, name: str) -> tuple[str, ...]:
        """The nodes that a node reads, each once."""
        return self._by_name[name].predecessors

    def successors(self, name: str) -> tuple[str, ...]:
        """The nodes that read a node, in the order in which they run."""
        return self._successors[name]

    @property
    def edges(self) -> tuple[tuple[str, str], ...]:
        """Who is read by whom, in the order of those that are read."""
        return tuple((name, reader) for name in self for reader in self._successors[name])

    def to_networkx(self) -> "nx.DiGraph[str]":
        """The same graph for the algorithms of networkx; nodes, edges and the graph have attributes."""
        import networkx as nx  # noqa: PLC0415 (the module says why)

        of_graph = {
            item.name: getattr(self, item.name) for item in fields(self) if item.name != "nodes" and item.init
        }
        digraph: nx.DiGraph[str] = nx.DiGraph(**of_graph)
        digraph.add_nodes_from((node.name, node.attributes()) for node in self.nodes)
        edges = {node.name: node.edges() for node in self.nodes}
        digraph.add_edges_from((source, reader, edges[reader][source]) for source, reader in self.edges)
        return digraph
