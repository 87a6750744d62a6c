"""What holds of every change of a list of operators: it runs, counts as by hand, and can be taken back."""

import itertools
from collections import Counter

import hypothesis.strategies as st
from graphs import PLAIN, counted_macs, described, graphs, published, rows_of, spelled_out
from hypothesis import assume, event, given, settings

from accelsim.errors import NetworkError
from accelsim.network import operators as ops
from accelsim.network.channel_ties import channel_ties, is_depthwise
from accelsim.network.graph import total_macs
from accelsim.network.graph_changes import GraphChange, changed_network
from accelsim.network.lowering import lower

KERNELS = ((1, 1), (3, 3), (5, 5), (3, 1), (7, 7), (2, 2))


@st.composite
def changes(draw, description):
    """Changes of any of its rows, most of which can be had."""
    graph = published(description)
    makers = [one.makers for one in channel_ties(graph).numbers if one.stop is None]
    convolutions = [node.name for node in graph.nodes if isinstance(node.operator, ops.Convolution)]
    any_row = st.sampled_from(list(graph)[1:])
    channels = [
        (draw(st.sampled_from(number)), draw(st.integers(1, 24))) for number in makers if draw(st.booleans())
    ]
    if draw(st.integers(0, 9)) == 0:
        channels.append((draw(any_row), draw(st.integers(1, 9))))
    pick = st.sampled_from(convolutions) if convolutions else any_row
    groups = [(draw(pick), draw(st.integers(1, 4)))] if draw(st.booleans()) else []
    kernels = [(draw(pick), draw(st.sampled_from(KERNELS)))] if draw(st.booleans()) else []
    side = draw(st.sampled_from([None, None, None, 4, 6, 8, 12, 16]))
    return GraphChange(tuple(channels), tuple(groups), tuple(kernels), side)


def undoing(description, change):
    """The change that makes of the changed description the one before."""
    graph = published(description)
    ties = channel_ties(graph)
    channels = tuple((name, ties.of(name).count) for name, _ in change.channels)
    groups = tuple((name, graph[name].operator.groups) for name, _ in change.groups)
    kernels = tuple((name, graph[name].operator.window.kernel) for name, _ in change.kernels)
    side = None if change.resolution is None else description.input.height
    return GraphChange(channels, groups, kernels, side)


@settings(max_examples=300)
@given(st.data())
def test_a_change_runs_counts_as_by_hand_and_can_be_taken_back(data):
    description = data.draw(graphs())
    change = data.draw(changes(description))
    try:
        after = changed_network(description, change)
    except NetworkError as error:
        event("refused")
        assert str(error).startswith("rows: ")
        return
    event("changed")
    before, graph = published(description), published(after)
    assert list(graph) == list(before)
    assert graph.edges == before.edges
    assert [type(node.operator) for node in graph.nodes] == [type(node.operator) for node in before.nodes]
    assert len(lower(graph).layers) > 0
    for node in before.nodes:
        if node.name == "input" or not before.successors(node.name):
            assert graph[node.name].operator.output.channels == node.operator.output.channels
    assert total_macs(graph) == counted_macs(after)
    for name, count in change.channels:
        assert channel_ties(graph).of(name).count == count
    for name, kernel in change.kernels:
        assert graph[name].operator.window.kernel == kernel
    undone = changed_network(after, undoing(description, change))
    assert spelled_out(undone) == spelled_out(description)


@given(graphs())
def test_to_change_nothing_is_the_same_network(description):
    assert changed_network(description, GraphChange()) == description


def with_counts(description, counts):
    """The network whose convolutions make so many channels, depthwise ones as many as they read; or None."""
    graph, rows = published(description), []
    channels = {"input": description.input.channels}
    for one in rows_of(description).values():
        new, operator = dict(one), graph[one["name"]].operator
        if is_depthwise(operator):
            (read,) = (channels[name] for name in one["inputs"])
            new |= {"groups": read, "out_channels": operator.out_channels // operator.groups * read}
        elif one["name"] in counts:
            new["out_channels" if "out_channels" in one else "out_features"] = counts[one["name"]]
        rows.append(new)
        try:
            found = published(described(rows, description.input.channels, description.input.height))
        except NetworkError:
            return None
        channels[one["name"]] = found[one["name"]].operator.output.channels
    return found


@settings(max_examples=60)
@given(graphs(operators=PLAIN, most=7))
def test_channels_that_are_one_number_are_found_by_trying_all(description):
    graph = published(description)
    ties = channel_ties(graph)
    assume(not any(one.stop and one.stop.kind in ("parts", "single") for one in ties.numbers))
    makers = [maker for one in ties.numbers for maker in one.makers if maker != "input"]
    assume(len(makers) <= 5 and all(maker in graph for maker in makers))  # none has parts
    ends = [name for name in graph if not graph.successors(name)]
    possible = []
    for doubled in itertools.product((False, True), repeat=len(makers)):
        counts = {
            maker: ties.of(maker).count * (2 if twice else 1)
            for maker, twice in zip(makers, doubled, strict=True)
        }
        found = with_counts(description, counts)
        if found and all(found[end].operator.output == graph[end].operator.output for end in ends):
            possible.append(dict(zip(makers, doubled, strict=True)))
    for one, other in itertools.combinations_with_replacement(makers, 2):
        free = any(found[one] for found in possible)
        assert free == (ties.of(one).stop is None)
        together = all(found[one] == found[other] for found in possible)
        if free and ties.of(other).stop is None:
            assert together == (ties.of(one) is ties.of(other))
    counted = Counter(maker for one in ties.numbers for maker in one.makers)
    assert set(counted.values()) == {1}
