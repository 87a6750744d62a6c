"""What ShuffleNet v2's guidelines vary: fragments of a convolution; bottlenecks without ReLU or shortcut."""

import pytest
from pydantic import ValidationError

from accelsim.network.blocks import Position, block_of
from accelsim.network.graph import Draft, Shape, total_macs
from accelsim.network.operators import network_input


@pytest.fixture
def build():
    """The graph of one block after an image of 8 channels."""

    def build(name, **arguments):
        draft = Draft()
        block = block_of(name)(**arguments)
        block.build(draft, network_input(draft, "x", Shape(8, 4, 4)), Position("b"))
        return draft.graph

    return build


def kinds(graph):
    return [node.operator.kind for node in graph.nodes][1:]


def test_fragments_in_series_read_each_other(build):
    graph = build("fragments", fragments=3, inner_channels=24, out_channels=8)
    assert graph.edges == (("x", "b.conv1"), ("b.conv1", "b.conv2"), ("b.conv2", "b.conv3"))
    assert [node.operator.output.channels for node in graph.nodes] == [8, 24, 24, 8]
    assert total_macs(graph) == 16 * (8 * 24 + 24 * 24 + 24 * 8)


def test_fragments_in_parallel_read_the_source_and_are_added(build):
    graph = build("fragments", fragments=4, arrangement="parallel", out_channels=8)
    assert set(graph.successors("x")) == {f"b.conv{index}" for index in (1, 2, 3, 4)}
    assert set(graph.predecessors("b.add")) == set(graph.successors("x"))
    assert kinds(graph) == ["conv"] * 4 + ["add"]


def test_one_fragment_is_a_convolution_however_it_is_arranged(build):
    for arrangement in ("series", "parallel"):
        assert kinds(build("fragments", fragments=1, arrangement=arrangement, out_channels=8)) == ["conv"]


def test_parallel_fragments_have_no_inside():
    with pytest.raises(ValidationError, match="inner_channels must not be given: parallel"):
        block_of("fragments")(fragments=2, arrangement="parallel", out_channels=8, inner_channels=4)


@pytest.mark.parametrize(
    ("relu", "shortcut", "activations", "additions"),
    [(True, True, 3, 1), (True, False, 3, 0), (False, True, 0, 1), (False, False, 0, 0)],
)
def test_a_bottleneck_without_relu_or_shortcut(build, relu, shortcut, activations, additions):
    graph = build("residual_bottleneck", reduced_channels=2, out_channels=8, relu=relu, shortcut=shortcut)
    found = kinds(graph)
    assert (found.count("activation"), found.count("add"), found.count("conv")) == (activations, additions, 3)


def test_without_a_shortcut_there_is_no_projection_either(build):
    graph = build("residual_bottleneck", reduced_channels=2, out_channels=16, stride=2, shortcut=False)
    assert kinds(graph).count("conv") == 3
