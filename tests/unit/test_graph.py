"""The layer graph, and the networkx graph that it gives."""

import networkx as nx
import pytest

from accelsim.network.graph import Graph


@pytest.fixture
def diamond():
    graph = Graph(notes=("a note",))
    for name in "abcd":
        graph.add_node(name, stage=name.upper())
    for source, target in ("ab", "ac", "bd", "cd"):
        graph.add_edge(source, target, operands=(0,))
    return graph


def test_nodes_stand_in_the_order_in_which_they_were_added(diamond):
    assert list(diamond) == list("abcd")
    assert len(diamond) == 4
    assert "a" in diamond
    assert "e" not in diamond


def test_both_ends_of_an_edge_see_its_attributes(diamond):
    diamond.pred["d"]["b"]["operands"] = (0, 1)
    assert diamond.succ["b"]["d"] == {"operands": (0, 1)}
    assert diamond.edges["b", "d"] == {"operands": (0, 1)}
    assert set(diamond.edges) == {("a", "b"), ("a", "c"), ("b", "d"), ("c", "d")}


@pytest.mark.parametrize("edge", ["ae", "ea"])
def test_an_edge_has_two_ends(diamond, edge):
    with pytest.raises(KeyError):
        diamond.add_edge(*edge)


def test_networkx_sees_the_same_graph(diamond):
    digraph = diamond.to_networkx()
    assert digraph.graph == {"notes": ("a note",)}
    assert list(digraph.nodes(data="stage")) == [("a", "A"), ("b", "B"), ("c", "C"), ("d", "D")]
    assert {(source, target): edge for source, target, edge in digraph.edges(data=True)} == diamond.edges
    assert nx.ancestors(digraph, "d") == set("abc")
    assert list(nx.topological_sort(digraph)) == list(diamond)
