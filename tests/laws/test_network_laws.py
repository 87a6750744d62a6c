"""What holds for every network: shapes, and what lowering may not lose."""

import copy
import json

import hypothesis.strategies as st
import networkx as nx
import pytest
from hypothesis import assume, given, settings

from accelsim.descriptions import check, dump, parse_text, shipped
from accelsim.network import operators as ops
from accelsim.network import windows
from accelsim.network.build import build
from accelsim.network.description import NetworkDescription
from accelsim.network.graph import Draft, Shape, total_macs, total_params
from accelsim.network.load import load_network
from accelsim.network.lowering import lower
from accelsim.network.lowering.layout import ChannelRange

AXIS = {
    "size": st.integers(1, 30),
    "kernel": st.integers(1, 7),
    "dilation": st.integers(1, 3),
    "stride": st.integers(1, 5),
    "padding": st.tuples(st.integers(0, 3), st.integers(0, 3)),
}


@given(**AXIS)
def test_floor_counts_the_windows_that_lie_within_the_padded_input(size, kernel, dilation, stride, padding):
    reach = windows.span(kernel, dilation)
    padded = size + sum(padding)
    starts = [start for start in range(0, padded, stride) if start + reach <= padded]
    assert windows.windows(size, reach, stride, padding, "floor") == len(starts)


@given(**AXIS)
def test_ceil_adds_a_window_that_hangs_over_unless_it_starts_in_the_padding(
    size, kernel, dilation, stride, padding
):
    reach = windows.span(kernel, dilation)
    assume(padding[1] < reach)  # as Caffe demands: else whole windows lie in the padding
    padded = size + sum(padding)
    whole = [start for start in range(0, padded, stride) if start + reach <= padded]
    hanging = [whole[-1] + stride] if whole and whole[-1] + reach < padded else []
    starts = [start for start in whole + hanging if start < size + padding[0]]
    assert windows.windows(size, reach, stride, padding, "ceil") == len(starts)


@given(size=AXIS["size"], kernel=AXIS["kernel"], dilation=AXIS["dilation"], stride=AXIS["stride"])
def test_same_padding_gives_the_input_size_over_the_stride_rounded_up(size, kernel, dilation, stride):
    draft = Draft()
    ops.network_input(draft, "x", Shape(1, size, size))
    arguments = {"kernel": kernel, "stride": stride, "dilation": dilation, "padding": "same"}
    ops.conv(draft, "c", "x", out_channels=1, **arguments)
    operator = draft.graph["c"].operator
    pad = operator.window.padding
    assert operator.output.height == -(-size // stride)
    assert 0 <= pad.bottom - pad.top <= 1


@st.composite
def published_graphs(draw):
    """Graphs of any operators that fit each other, all of 5 x 4 pixels or 1 x 1."""
    draft = Draft()
    nodes = [ops.network_input(draft, "x", Shape(draw(st.integers(1, 6)), 5, 4))]
    for index in range(draw(st.integers(1, 14))):
        name = f"n{index}"
        source = draw(st.sampled_from(nodes[-4:]))
        shape = draft.shape(source)
        alike = [node for node in nodes if draft.shape(node) == shape]
        level = [node for node in nodes if draft.shape(node).height == shape.height]
        gates = [node for node in nodes if draft.shape(node) == Shape(shape.channels, 1, 1)]
        match draw(st.integers(0, 14)):
            case 0 | 1 | 2:
                out = draw(st.integers(1, 6))
                padding = "same" if shape.height > 1 else 0
                kernel = draw(st.sampled_from([1, 3])) if shape.height > 1 else 1
                ops.conv(draft, name, source, out_channels=out, kernel=kernel, padding=padding, bias=out > 3)
            case 3:
                ops.batch_norm(draft, name, source)
            case 4:
                ops.activation(draft, name, source, function="relu")
            case 5 | 6:
                ops.add(draft, name, draw(st.lists(st.sampled_from(alike), min_size=2, max_size=3)))
            case 7 | 8 | 9:
                ops.concat(draft, name, draw(st.lists(st.sampled_from(level), min_size=1, max_size=4)))
            case 10:
                first = draw(st.integers(0, shape.channels - 1))
                channels = draw(st.integers(1, shape.channels - first))
                ops.channel_slice(draft, name, source, first=first, channels=channels)
            case 11:
                ops.multiply(draft, name, source, draw(st.sampled_from(gates or alike)))
            case 12:
                if draw(st.booleans()) and shape.height > 1:
                    ops.max_pool(draft, name, source, kernel=3, padding=1)
                elif draw(st.booleans()):
                    ops.global_average_pool(draft, name, source)
                else:
                    ops.fully_connected(draft, name, source, out_features=draw(st.integers(1, 6)))
            case 13:
                maker = draw(st.sampled_from([ops.dropout, ops.softmax, ops.lrn, ops.network_output]))
                maker(draft, name, source)
            case 14:
                ops.resize(draft, name, source, size=(5, 4), interpolation="linear")
        nodes.append(name)
    return draft.graph


def tensors(published, executed):
    """Of each published node: which channels of which executed layers it is, told by the notes alone.

    None where a concatenation was copied, since notes do not say which of its operands were.
    """
    found = {}
    by_node = {note.node: note for note in executed.notes}
    for node in published:
        operator, note, sources = published[node].operator, by_node[node], published[node].operands
        if note.fate == "input":
            found[node] = [ChannelRange(None, 0, operator.output.channels, operator.output.pixels)]
        elif note.fate in {"layer", "fused", "folded"}:
            found[node] = [ChannelRange(note.layers[0], 0, operator.output.channels, operator.output.pixels)]
        elif note.fate == "copied" or any(found[source] is None for source in sources):
            found[node] = None
        elif operator.kind == "slice":
            channels = [
                (part.producer, part.first + offset)
                for part in found[sources[0]]
                for offset in range(part.channels)
            ]
            wanted = channels[operator.first : operator.first + operator.output.channels]
            found[node] = [
                ChannelRange(producer, channel, 1, operator.output.pixels) for producer, channel in wanted
            ]
        else:
            found[node] = [segment for source in sources for segment in found[source]]
    return found


@settings(deadline=None, max_examples=60)
@given(published_graphs())
def test_lowering_conserves_what_a_network_computes_and_reads(published):
    executed = lower(published)
    found = executed.layers
    assert sum(layer.macs for layer in found) == total_macs(published)
    assert sum(layer.params for layer in found) == total_params(published)
    assert [note.node for note in executed.notes] == list(published)
    for layer in found:
        node = executed[layer.name]
        inputs = sum(read.input_elements for read in node.reads)
        shortcuts = sum(read.residual_elements for read in node.reads)
        assert inputs + node.network_input_elements == layer.input_elements
        assert shortcuts + node.network_residual_elements == layer.residual_elements


@settings(deadline=None, max_examples=60)
@given(published_graphs())
def test_no_layer_runs_before_what_it_reads(published):
    executed = lower(published)
    order = {name: index for index, name in enumerate(executed)}
    assert all(order[source] < order[target] for source, target in executed.edges)


@settings(deadline=None, max_examples=60)
@given(published_graphs())
def test_layers_that_share_a_buffer_do_not_overlap_in_it(published):
    executed = lower(published)
    taken = set()
    for node in executed.nodes:
        for channel in range(node.first_channel, node.first_channel + node.layer.G * node.layer.K):
            assert (node.buffer, channel) not in taken
            taken.add((node.buffer, channel))


@settings(deadline=None, max_examples=60)
@given(published_graphs())
def test_a_concatenation_that_vanished_lies_in_memory_as_published(published):
    executed = lower(published)
    found = tensors(published, executed)
    for note in executed.notes:
        if note.operator != "concat" or note.fate != "vanished" or found[note.node] is None:
            continue
        channels = [
            (executed[part.producer].buffer, executed[part.producer].first_channel + offset)
            for part in found[note.node]
            for offset in range(part.first, part.first + part.channels)
        ]
        (buffer,) = {buffer for buffer, _ in channels}
        start = channels[0][1]
        assert channels == [(buffer, start + index) for index in range(len(channels))]


@settings(deadline=None, max_examples=40)
@given(published_graphs())
def test_lowering_is_deterministic(published):
    first, second = lower(published), lower(copy.deepcopy(published))
    assert first == second
    assert first.edges == second.edges


@pytest.mark.parametrize("name", shipped.names("networks"))
def test_a_shipped_network_lowers_to_layers_that_all_lead_to_its_output(name):
    published = build(load_network(name))
    executed, last = lower(published), published.nodes[-1]
    assert len(executed.outputs) == (len(last.operands) if last.operator.kind == "concat" else 1)
    graph = executed.to_networkx()
    leading = [nx.ancestors(graph, output) | {output} for output in executed.outputs]
    assert set().union(*leading) == set(executed)
    assert sum(node.network_input_elements for node in executed.nodes) > 0


TEXT = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), min_size=1, max_size=30)
ROWS = st.lists(
    st.one_of(
        st.fixed_dictionaries(
            {"block": st.just("conv"), "out_channels": st.integers(1, 64) | st.just("=8*width")},
            optional={
                "kernel": st.integers(1, 3) | st.tuples(st.integers(1, 3), st.integers(1, 3)),
                "repeat": st.integers(1, 9) | st.just("=2*groups"),
                "padding": st.just("same") | st.integers(0, 2),
                "activation": st.sampled_from(["relu", None]),
            },
        ),
        st.fixed_dictionaries({"block": st.just("max_pool"), "kernel": st.integers(1, 3)}),
    ),
    min_size=1,
    max_size=5,
)


@settings(deadline=None, max_examples=60)
@given(title=TEXT, rows=ROWS, width=st.floats(0.125, 4), top1=st.none() | st.floats(0, 100))
def test_a_description_that_is_dumped_reads_back_equal(title, rows, width, top1):
    description = NetworkDescription.model_validate_json(
        json.dumps(
            {
                "name": "random",
                "title": title,
                "source": title,
                "input": {"channels": 3, "height": 32, "width": 16},
                "parameters": {
                    "width": {"default": 1.0, "allowed": [1.0, width]},
                    "groups": {"default": 1, "minimum": 1.0},
                },
                "reported": {"top1": top1},
                "stages": rows,
            }
        )
    )
    assert check(parse_text(dump(description), "dump"), NetworkDescription) == description
