"""Published and executed graphs, and the networkx graphs that they give."""

from dataclasses import FrozenInstanceError, replace

import networkx as nx
import pytest

from accelsim import load_hardware
from accelsim.errors import NetworkError
from accelsim.network import operators as ops
from accelsim.network.executed import ExecutedGraph, ExecutedNode, Read
from accelsim.network.graph import Draft, PublishedGraph, Shape
from accelsim.network.layer import Layer
from accelsim.network.lowering import lower
from accelsim.planning.compiler import make_schedule

PIXELS = 6 * 5


@pytest.fixture
def published():
    """A branch of two convolutions, joined by an addition."""
    draft = Draft(stage="s", block="b")
    ops.network_input(draft, "x", Shape(8, 6, 5))
    for name, source in (("a", "x"), ("b", "x"), ("c", "b")):
        ops.conv(draft, name, source, out_channels=8)
    ops.add(draft, "sum", ("c", "a"))
    return draft.graph


def test_nodes_stand_in_the_order_in_which_they_were_added(published):
    assert list(published) == ["x", "a", "b", "c", "sum"]
    assert [node.name for node in published.nodes] == list(published)
    assert len(published) == 5
    assert "a" in published
    assert "e" not in published


def test_both_ends_of_an_edge_see_it(published):
    assert published.predecessors("sum") == ("c", "a")
    assert published.successors("x") == ("a", "b")
    assert published.successors("sum") == ()
    assert published.edges == (("x", "a"), ("x", "b"), ("a", "sum"), ("b", "c"), ("c", "sum"))


def test_an_operand_that_is_read_twice_is_one_edge():
    draft = Draft()
    ops.network_input(draft, "x", Shape(8, 6, 5))
    ops.add(draft, "twice", ("x", "x"))
    graph = draft.graph
    assert graph["twice"].operands == ("x", "x")
    assert graph.predecessors("twice") == ("x",)
    assert graph.successors("x") == ("twice",)
    assert graph.to_networkx().edges["x", "twice"] == {"operands": (0, 1)}


def test_what_was_added_to_a_draft_later_is_not_in_the_graph_it_gave_before():
    draft = Draft()
    ops.network_input(draft, "x", Shape(8, 6, 5))
    before = draft.graph
    ops.dropout(draft, "d", "x")
    assert list(before) == ["x"]
    assert before.successors("x") == ()


@pytest.mark.parametrize(("kind", "of_node"), [(PublishedGraph, "operator"), (ExecutedGraph, "layer")])
def test_a_graph_is_a_value(published, kind, of_node):
    graph = published if kind is PublishedGraph else lower(published)
    again = replace(graph)
    assert again == graph
    assert hash(again) == hash(graph)
    assert again != replace(graph, nodes=graph.nodes[:-1])
    with pytest.raises(FrozenInstanceError):
        graph.nodes = ()
    with pytest.raises(FrozenInstanceError):
        setattr(graph.nodes[0], of_node, None)


def test_a_node_stands_behind_those_that_it_reads(published):
    *rest, last = published.nodes
    with pytest.raises(NetworkError, match=r"^sum: reads c, which is no node before it$"):
        PublishedGraph((last, *rest))


def test_two_nodes_do_not_share_a_name():
    node = ExecutedNode(Layer("a", "conv", 8, 8, 6, 5), (), 240, 0, True, "a", 0)
    with pytest.raises(NetworkError, match=r"^a: two nodes of a graph have this name$"):
        ExecutedGraph((node, node), 240)


def test_an_executed_graph_has_layers_what_they_read_outputs_and_notes(published):
    executed = lower(published)
    assert [layer.name for layer in executed.layers] == list(executed) == ["a", "b", "c"]
    assert executed["c"].reads == (Read("b", 240, 0), Read("a", 0, 240))
    assert executed.predecessors("c") == ("b", "a")
    assert executed.successors("a") == ("c",)
    assert executed["a"].network_input_elements == 8 * PIXELS
    assert executed.outputs == ("c",)
    assert [note.node for note in executed.notes] == list(published)


# --- neither is the other


def test_a_graph_that_has_been_lowered_is_not_lowered_again(published):
    with pytest.raises(
        NetworkError,
        match=r"^published: must be a PublishedGraph, as build\(\) makes it, but is of type ExecutedGraph$",
    ):
        lower(lower(published))


def test_a_graph_that_has_not_been_lowered_is_not_scheduled(published):
    with pytest.raises(
        NetworkError,
        match=r"^graph: must be an ExecutedGraph, as lower\(\) makes it, but is of type PublishedGraph$",
    ):
        make_schedule(published, load_hardware("8x8_32k"))


# --- networkx


def test_networkx_sees_the_published_graph(published):
    digraph = published.to_networkx()
    assert digraph.graph == {"precision": published.precision}
    assert list(digraph.nodes(data="operator")) == [(node.name, node.operator) for node in published.nodes]
    assert digraph.nodes["a"]["stage"] == "s"
    assert set(digraph.edges) == set(published.edges)
    assert digraph.edges["a", "sum"] == {"operands": (1,)}
    assert nx.ancestors(digraph, "sum") == {"x", "a", "b", "c"}


def test_networkx_sees_the_executed_graph(published):
    executed = lower(published)
    digraph = executed.to_networkx()
    assert digraph.graph == {
        "image_elements": 240,
        "image_density": None,
        "notes": executed.notes,
        "given_cascades": (),
    }
    assert [layer for _, layer in digraph.nodes(data="layer")] == list(executed.layers)
    assert digraph.nodes["c"]["network_output"]
    assert digraph.edges["a", "c"] == {
        "input_elements": 0,
        "residual_elements": 240,
        "weight_elements": 0,
    }
    assert list(nx.topological_sort(digraph)) == list(executed)
