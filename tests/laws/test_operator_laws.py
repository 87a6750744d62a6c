"""Operators that move, reduce, normalize and multiply activations, in any graph of them, on any machine."""

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import accelsim
from accelsim.descriptions import Document, check
from accelsim.errors import MappingError
from accelsim.network import operators as ops
from accelsim.network.build import build
from accelsim.network.configuration import configure
from accelsim.network.declaration import OPERATORS, arguments_of
from accelsim.network.description import NetworkDescription
from accelsim.network.graph import Draft, Shape, total_macs
from accelsim.network.lowering import lower

MACHINES = ("16x16_128k", "gemmini_16x16", "npu_int8_256k", "npu_int8_psram", "mcu_l3_l2_l1")
FUNCTIONS = ("mean", "max", "sum", "norm", "arg_max")


@st.composite
def graphs(draw):
    """Graphs of operators that are no convolutions, and of convolutions that enlarge."""
    draft = Draft()
    image = Shape(draw(st.integers(1, 6)), draw(st.integers(1, 5)), draw(st.integers(1, 6)))
    nodes = [ops.network_input(draft, "x", image)]
    for index in range(draw(st.integers(1, 7))):
        add = draw(st.sampled_from(ADDERS))
        source = draw(st.sampled_from(nodes[-3:]))
        name = add(draw, draft, f"n{index}", source, nodes)
        if name is not None:
            nodes.append(name)
    if len(nodes) == 1:
        ops.layer_norm(draft, "n", "x")
    return draft.graph


def axis_of(draw, draft, source):
    axis = draw(st.sampled_from(["channels", "height", "width"]))
    return axis, getattr(draft.shape(source), axis)


def sliced(draw, draft, name, source, _nodes):
    axis, extent = axis_of(draw, draft, source)
    first, step = draw(st.integers(0, extent - 1)), draw(st.integers(1, 3))
    size = draw(st.integers(1, (extent - 1 - first) // step + 1))
    return ops.axis_slice(draft, name, source, axis=axis, first=first, size=size, step=step)


def gathered(draw, draft, name, source, _nodes):
    axis, extent = axis_of(draw, draft, source)
    indices = draw(st.lists(st.integers(0, extent - 1), min_size=1, max_size=6))
    return ops.gather(draft, name, source, axis=axis, indices=tuple(indices))


def padded(draw, draft, name, source, _nodes):
    shape = draft.shape(source)
    sides = [draw(st.integers(-(extent // 3), 2)) for extent in (*[shape.height] * 2, *[shape.width] * 2)]
    return ops.pad(draft, name, source, padding=tuple(sides))


def reduced(draw, draft, name, source, _nodes):
    axes = draw(st.sets(st.sampled_from(["channels", "height", "width"]), min_size=1))
    return ops.reduce(
        draft, name, source, axes=tuple(sorted(axes)), function=draw(st.sampled_from(FUNCTIONS))
    )


def rearranged(draw, draft, name, source, _nodes):
    shape = draft.shape(source)
    channels, height, width = draw(st.permutations((shape.channels, shape.height, shape.width)))
    return ops.rearrange(draft, name, source, channels=channels, height=height, width=width)


def reshaped(_draw, draft, name, source, _nodes):
    return ops.reshape(draft, name, source, size=(1, draft.shape(source).pixels))


def concatenated(draw, draft, name, source, nodes):
    axis = draw(st.sampled_from(["channels", "height", "width"]))
    kept = [other for other in ("channels", "height", "width") if other != axis]
    shape = draft.shape(source)
    alike = [
        node for node in nodes if all(getattr(draft.shape(node), key) == getattr(shape, key) for key in kept)
    ]
    return ops.concat(draft, name, draw(st.lists(st.sampled_from(alike), min_size=1, max_size=3)), axis=axis)


def normalized(draw, draft, name, source, _nodes):
    norm = draw(st.sampled_from([ops.layer_norm, ops.rms_norm, ops.instance_norm, ops.softmax]))
    return norm(draft, name, source)


def enlarged(draw, draft, name, source, _nodes):
    stride = draw(st.integers(1, 3))
    kernel = draw(st.integers(stride, 4))
    arguments = {"padding": draw(st.integers(0, (kernel - 1) // 2)), "bias": draw(st.booleans())}
    channels = draw(st.integers(1, 4))
    try:
        return ops.conv_transpose(
            draft, name, source, out_channels=channels, kernel=kernel, stride=stride, **arguments
        )
    except accelsim.AccelsimError:
        return None


def multiplied(draw, draft, name, source, nodes):
    first = draft.shape(source)
    fitting = []
    for node in nodes:
        second = draft.shape(node)
        groups = [g for g in range(1, first.channels + 1) if first.channels % g == second.channels % g == 0]
        for group in groups:
            inner = first.channels // group
            if second.channels // group == inner:
                fitting.append((node, group, "channels"))
            if second.pixels == inner:
                fitting.append((node, group, "pixels"))
    if not fitting:
        return None
    other, groups, contract = draw(st.sampled_from(fitting))
    return ops.product(draft, name, source, other, groups=groups, contract=contract)


def combined(draw, draft, name, source, nodes):
    shape = draft.shape(source)
    fitting = [
        node
        for node in nodes
        if draft.shape(node).channels == shape.channels
        and draft.shape(node).height in {1, shape.height}
        and draft.shape(node).width in {1, shape.width}
    ]
    combine = draw(st.sampled_from([ops.add, ops.maximum, ops.compare, ops.select]))
    return combine(draft, name, [source, draw(st.sampled_from(fitting))])


def activated(draw, draft, name, source, _nodes):
    return ops.activation(draft, name, source, function=draw(st.sampled_from(["relu", "exp", "sqrt"])))


def pooled(_draw, draft, name, source, _nodes):
    return ops.average_pool(draft, name, source, kernel=2, stride=2, padding="same")


ADDERS = (
    sliced, gathered, padded, reduced, rearranged, reshaped, concatenated, normalized, enlarged, multiplied,
    multiplied, combined, activated, pooled, enlarged,
)  # fmt: skip


@settings(deadline=None, max_examples=80)
@given(graphs())
def test_lowering_conserves_what_a_network_computes_and_reads(published):
    executed = lower(published)
    assert sum(layer.macs for layer in executed.layers) == total_macs(published)
    assert [note.node for note in executed.notes] == list(published)
    for layer in executed.layers:
        node = executed[layer.name]
        reads = node.reads
        assert (
            sum(read.input_elements for read in reads) + node.network_input_elements == layer.input_elements
        )
        residual = sum(read.residual_elements for read in reads) + node.network_residual_elements
        assert residual == layer.residual_elements
        weights = sum(read.weight_elements for read in reads) + node.network_weight_elements
        assert weights == (layer.weights if layer.multiplies_activations else 0)


def network_of(published):
    """The graph as a description says it, an operator a row."""
    names = {kind: name for name, kind in OPERATORS.items()}
    first, *others = published.nodes
    rows = [
        {
            "name": node.name,
            "operator": names[type(node.operator)],
            "inputs": ["input" if source == first.name else source for source in node.operands],
            **{key: getattr(node.operator, key) for key in arguments_of(names[type(node.operator)])},
        }
        for node in others
    ]
    shape = first.operator.output
    data = {
        "name": "net",
        "title": "A net",
        "source": "a test",
        "input": {"channels": shape.channels, "height": shape.height, "width": shape.width},
        "stages": [{"block": "graph", "operators": rows}],
    }
    return configure(check(Document("net", data, {}), NetworkDescription))


@st.composite
def networks(draw):
    """The same as networks."""
    return network_of(draw(graphs()))


@pytest.mark.parametrize("machine", MACHINES)
@settings(deadline=None, max_examples=8)
@given(network=networks(), batch=st.integers(1, 2))
def test_engines_agree_on_any_graph_and_its_schedule_is_proven(machine, network, batch):
    assume(lower(build(network)))
    try:
        fast = accelsim.run_network(network, machine, batch=batch)
    except MappingError:
        return  # on a machine that has too little room for it
    assert accelsim.run_network(network, machine, batch=batch, engine="events") == fast
    verified = accelsim.verify(network, machine, batch=batch)
    assert [str(layer.mismatch) for layer in verified.layers if layer.mismatch] == []
    for memory, result in fast.memories.items():
        for operand, size in result.read_bytes.items():
            assert size == sum(layer.memories[memory].read_bytes[operand] for layer in fast.layers)
