"""Lowering: the published graph -> the graph as executed, and a note on what became of each operator.

The executed graph is in running order; its attribute `notes` says what became of each published operator.
The attributes of a node:
    layer: the `Layer`.
    network_input_elements: elements of the image that it reads.
    network_output: whether somebody outside the network wants what it writes.
    buffer, first_channel: layers whose outputs have to lie side by side in memory share a buffer, named
        after its first layer; and where in the buffer the layer's own channels begin.
The attributes of an edge:
    input_elements: what the target reads of the source as its input.
    shortcut_elements: what it reads as the other operand of an operator that is fused into it.

Five things happen. Batch normalisation is folded into the weights of the convolution before it. Operators
on single elements are fused into the layer that produces them, if nobody else reads what it produced; an
addition into the last of its producers. Concatenations and slices vanish where memory can be laid out so
that they are a matter of addresses: channels lie one after another, so a producer can write straight to its
place. A pooling is fused into the layers that produce what it reads. Whatever is left is a layer.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final, Literal, NamedTuple

from accelsim.errors import NetworkError
from accelsim.network import operators as ops
from accelsim.network.compression import NetworkPrecision, precision_of, weight_form
from accelsim.network.graph import Graph, Operator, Shape, operands, operator_of
from accelsim.network.layer import ARRAY_OPERATORS, FusedOperator, Layer, Pooling
from accelsim.network.layout import Cutter, Layout, Segment, Tensor
from accelsim.network.shapes import operator_name

ACTIVATION_OPS: Final = {
    "relu": 1,  # maximum with 0
    "relu6": 1,  # clamp
    "leaky_relu": 1,  # multiplication by one of two slopes
    "clip": 1,  # clamp
    "linear": 1,  # multiplication or addition
    "elu": 1,  # table look-up
    "softplus": 1,  # table look-up
    "sigmoid": 1,  # table look-up
    "tanh": 1,  # table look-up
    "hard_sigmoid": 2,  # scale and shift, clamp
    "swish": 2,  # table look-up, multiplication
    "gelu": 2,  # table look-up, multiplication
    "mish": 2,  # table look-up, multiplication
    "hard_swish": 3,  # scale and shift, clamp, multiplication
}
"""Operations of the vector unit for each element; assumed: a clamp or a table look-up is one of them."""
BATCH_NORM_OPS: Final = 1
"""For each element, where it cannot be folded into weights: one multiply-add."""
SOFTMAX_OPS: Final = 5
"""For each element: running maximum, difference, table look-up of the exponential, sum, division."""
MOVE_OPS: Final = 1
"""For each element that changes its place, in a shuffle or a copy: one move through the vector unit."""
RESIZE_OPS: Final = {"nearest": 1, "linear": 4, "cubic": 16}
"""For each element that a resizing puts out: a move, or a multiply-add for each neighbour it is made of."""
LRN_EXTRA_OPS: Final = 3
"""For each element, beside the square and the sum over `size` channels (which are `size` operations): scale
and shift, table look-up of the power, multiplication."""

Fate = Literal["input", "layer", "folded", "fused", "vanished", "copied"]


class Note(NamedTuple):
    """What became of one published operator."""

    node: str
    operator: str
    fate: Fate
    layers: tuple[str, ...]
    """The executed layers that do its work; none where it vanished."""
    reason: str
    """In words; of the layers above it says "its layer"."""


class _Read(NamedTuple):
    """Channels that a layer reads, of so many pixels each."""

    segments: Tensor
    pixels: int
    role: Literal["input_elements", "shortcut_elements"]


@dataclass
class _LayerDraft:
    """A layer that may still take on the operators that follow it."""

    name: str
    on_array: bool
    order: int
    """Its place in the running order."""
    output: Tensor
    """The tensor that it puts out, fused operators included."""
    reads: list[_Read]
    layer: partial[Layer]
    """What it is, but for what may still change."""
    bias: bool
    params: int
    fused: list[FusedOperator[int]] = field(default_factory=list)
    pooling: Pooling[int] | None = None

    def finished(self, precision: NetworkPrecision) -> Layer:
        return self.layer(
            bias=self.bias,
            params=self.params,
            activation_bits=precision.activations_bits,
            partial_sum_bits=precision.partial_sums_bits,
            fused=tuple(self.fused),
            pooling=self.pooling,
        )


def lower(published: Graph) -> Graph:
    """The executed graph of a published one; it reads and computes the same, parameters and MACs included."""
    lowering = _Lowering(published)
    for node in published:
        operator = operator_of(published, node)
        rule = _RULES.get(type(operator))
        if rule is None:
            raise NetworkError(f"{node}: no rule says how to execute the operator {operator.kind}")
        rule(lowering, node, operator)
    return lowering.graph()


def layers(executed: Graph) -> tuple[Layer, ...]:
    """The layers of an executed graph in running order."""
    return tuple(executed.nodes[name]["layer"] for name in executed)


def notes(executed: Graph) -> tuple[Note, ...]:
    """What became of each published operator, in the order in which the network lists them."""
    found: tuple[Note, ...] = executed.graph["notes"]
    return found


class _Lowering:
    """The state of one lowering: layers so far, and where each published tensor is to be found."""

    def __init__(self, published: Graph) -> None:
        self.published = published
        self.drafts: dict[str, _LayerDraft] = {}
        self.tensors: dict[str, Tensor] = {}
        self.owners: dict[str, _LayerDraft] = {}
        """Of a published node: the layer whose whole output it is, if only one operator reads it; that
        operator may be fused into the layer."""
        self.concatenated: dict[str, tuple[_LayerDraft, ...]] = {}
        """Of a concatenation that vanished: the layers whose outputs it is, if only one operator reads it and
        nothing else reads them; a pooling may be fused into all of them."""
        self.scattered: dict[str, Sequence[int]] = {}
        """Of a published node whose channels are still where they were, since its slices are to move them:
        which of its operand's channels each of its own is."""
        self.cutters: dict[str, Cutter] = {}
        """Of published nodes whose channels are cut."""
        self.layout = Layout()
        self.notes: list[Note] = []

    # What a rule may ask

    def sources(self, node: str) -> tuple[str, ...]:
        return operands(self.published, node)

    def source(self, node: str) -> str:
        (source,) = self.published.pred[node]
        return source

    def owner(self, node: str) -> _LayerDraft | None:
        """The layer that the operator of a node with one operand may be fused into."""
        return self.owners.get(self.source(node))

    def stage(self, node: str) -> str:
        stage: str = self.published.nodes[node]["stage"]
        return stage

    def last_order(self, node: str) -> int:
        """When the tensor of a published node is complete; -1 for the network's input."""
        producers = (segment.producer for segment in self.tensors[node])
        return max(-1 if name is None else self.drafts[name].order for name in producers)

    def reading(self, source: str, role: Literal["input_elements", "shortcut_elements"]) -> _Read:
        """All of a published tensor, as something to read."""
        shape = operator_of(self.published, source).output
        return _Read(self.tensors[source], shape.height * shape.width, role)

    def cutter(self, node: str) -> Cutter:
        """What cuts the tensor of a published node; several slices of a node share it."""
        if node not in self.cutters:
            self.cutters[node] = Cutter(self.tensors[node])
        return self.cutters[node]

    # What a rule may do

    def add_layer(
        self, layer: partial[Layer], sources: Sequence[str], *, bias: bool = False, params: int = 0
    ) -> _LayerDraft:
        reads = [self.reading(source, "input_elements") for source in sources]
        return self.add_reader(layer, reads, bias=bias, params=params)

    def add_reader(
        self, layer: partial[Layer], reads: list[_Read], *, bias: bool = False, params: int = 0
    ) -> _LayerDraft:
        given = layer.keywords
        name, channels = given["name"], given["G"] * given["K"]
        draft = _LayerDraft(
            name=name,
            on_array=given["operator"] in ARRAY_OPERATORS,
            order=len(self.drafts),
            output=(Segment(name, 0, channels),),
            reads=reads,
            layer=layer,
            bias=bias,
            params=params,
        )
        self.drafts[name] = draft
        self.layout.add(name, channels)
        return draft

    def becomes_layer(self, node: str, draft: _LayerDraft, reason: str) -> None:
        self.tensors[node] = draft.output
        self._own(node, draft)
        self.note(node, "layer", (draft.name,), reason)

    def fuse(self, node: str, draft: _LayerDraft, fused: FusedOperator[int], fate: Fate, reason: str) -> None:
        draft.fused.append(fused)
        draft.params += operator_of(self.published, node).params
        self.tensors[node] = draft.output
        self._own(node, draft)
        self.notes.append(Note(node, fused.operator, fate, (draft.name,), reason))

    def fuse_pooling(self, node: str, drafts: Sequence[_LayerDraft], pooling: Pooling[int]) -> None:
        """Let layers whose outputs lie side by side pool them before they are stored."""
        for draft in drafts:
            draft.pooling = pooling
        self.tensors[node] = self.tensors[self.source(node)]
        names = tuple(draft.name for draft in drafts)
        self.note(node, "fused", names, "is applied to the outputs, so that only its results are stored")

    def vanish(self, node: str, tensor: Tensor, reason: str) -> None:
        self.tensors[node] = tensor
        self.note(node, "vanished", (), reason)

    def pass_on(self, node: str, reason: str) -> None:
        """A node that does nothing: what holds for its source holds for it."""
        source = self.source(node)
        self.vanish(node, self.tensors[source], reason)
        if source in self.owners:
            self._own(node, self.owners[source])

    def note(self, node: str, fate: Fate, layer_names: tuple[str, ...], reason: str) -> None:
        kind = operator_name(operator_of(self.published, node))
        self.notes.append(Note(node, kind, fate, layer_names, reason))

    def _own(self, node: str, draft: _LayerDraft) -> None:
        if len(self.published.succ[node]) == 1:
            self.owners[node] = draft

    # The result

    def graph(self) -> Graph:
        wanted = {
            segment.producer
            for node in self.published
            if not self.published.succ[node]
            for segment in self.tensors[node]
        }
        precision = precision_of(self.published)
        graph = Graph(notes=tuple(self.notes))
        for name, draft in self.drafts.items():
            buffer, first_channel = self.layout.address(name)
            graph.add_node(
                name,
                layer=draft.finished(precision),
                network_input_elements=0,
                network_output=name in wanted,
                buffer=buffer,
                first_channel=first_channel,
            )
            for read in draft.reads:
                self._read(graph, name, read)
        return graph

    def _read(self, graph: Graph, reader: str, read: _Read) -> None:
        """Edges from the layers whose channels are read, with the elements read of each."""
        for segment in read.segments:
            elements = segment.channels * read.pixels
            if segment.producer is None:
                graph.nodes[reader]["network_input_elements"] += elements
                continue
            if segment.producer not in graph.pred[reader]:
                graph.add_edge(segment.producer, reader, input_elements=0, shortcut_elements=0)
            graph.pred[reader][segment.producer][read.role] += elements


# --- rules: one for each operator


def _vector_layer(
    lowering: _Lowering, node: str, operator: Operator, vector_ops: int, **bounds: Any
) -> partial[Layer]:
    """A layer on the vector unit: by default one element in, one element out."""
    given, output = operator.inputs[0], operator.output
    return partial(
        Layer,
        name=node,
        operator=operator_name(operator),
        stage=lowering.stage(node),
        G=output.channels,
        K=1,
        C=1,
        OY=output.height,
        OX=output.width,
        IY=given.height,
        IX=given.width,
        vector_ops=vector_ops,
        **bounds,
    )


def _window_bounds(window: ops.Window) -> dict[str, Any]:
    return {
        "FY": window.kernel[0],
        "FX": window.kernel[1],
        "stride_y": window.stride[0],
        "stride_x": window.stride[1],
        "dilation_y": window.dilation[0],
        "dilation_x": window.dilation[1],
        "pad_top": window.padding.top,
        "pad_left": window.padding.left,
    }


def _weight_form(lowering: _Lowering, node: str) -> dict[str, Any]:
    """What the network says of the bits of an operator's weights and of their zeros."""
    form = weight_form(lowering.published, node)
    return {
        "weight_bits": form.bits,
        "weight_density": form.density,
        "pruned_index_bits": precision_of(lowering.published).pruned_index_bits,
    }


def _input(lowering: _Lowering, node: str, operator: ops.Input) -> None:
    lowering.tensors[node] = (Segment(None, 0, operator.output.channels),)
    lowering.note(node, "input", (), "is there before the first layer runs")


def _conv(lowering: _Lowering, node: str, operator: ops.Convolution) -> None:
    given, output = operator.inputs[0], operator.output
    layer = partial(
        Layer,
        name=node,
        operator="conv",
        stage=lowering.stage(node),
        G=operator.groups,
        K=output.channels // operator.groups,
        C=given.channels // operator.groups,
        OY=output.height,
        OX=output.width,
        IY=given.height,
        IX=given.width,
        **_window_bounds(operator.window),
        **_weight_form(lowering, node),
    )
    draft = lowering.add_layer(layer, lowering.sources(node), bias=operator.bias, params=operator.params)
    lowering.becomes_layer(node, draft, "runs on the array")


def _fully_connected(lowering: _Lowering, node: str, operator: ops.FullyConnected) -> None:
    layer = partial(
        Layer,
        name=node,
        operator="fully_connected",
        stage=lowering.stage(node),
        G=1,
        K=operator.output.channels,
        C=operator.inputs[0].elements,
        OY=1,
        OX=1,
        **_weight_form(lowering, node),
    )
    draft = lowering.add_layer(layer, lowering.sources(node), bias=operator.bias, params=operator.params)
    lowering.becomes_layer(node, draft, "runs on the array")


def _batch_norm(lowering: _Lowering, node: str, operator: ops.BatchNorm) -> None:
    draft = lowering.owner(node)
    if draft is not None and draft.on_array and not draft.fused:
        draft.bias = True
        reason = "its scale goes into the weights, its shift into the offset"
        lowering.fuse(node, draft, FusedOperator(node, operator.kind, vector_ops=0), "folded", reason)
    else:
        _elementwise(lowering, node, operator, BATCH_NORM_OPS)


def _activation(lowering: _Lowering, node: str, operator: ops.Activation) -> None:
    _elementwise(lowering, node, operator, ACTIVATION_OPS[operator.function])


def _lrn(lowering: _Lowering, node: str, operator: ops.LocalResponseNorm) -> None:
    _elementwise(lowering, node, operator, operator.size + LRN_EXTRA_OPS)


def _softmax(lowering: _Lowering, node: str, operator: ops.Softmax) -> None:
    _elementwise(lowering, node, operator, SOFTMAX_OPS)


def _elementwise(lowering: _Lowering, node: str, operator: Operator, ops_per_element: int) -> None:
    """Fuse an operator with one operand into its producer, or make it a layer."""
    vector_ops = ops_per_element * operator.output.elements
    draft = lowering.owner(node)
    if draft is not None:
        fused = FusedOperator(node, operator_name(operator), vector_ops)
        lowering.fuse(node, draft, fused, "fused", "is applied to the outputs on their way to memory")
        return
    layer = _vector_layer(lowering, node, operator, vector_ops)
    draft = lowering.add_layer(layer, lowering.sources(node), params=operator.params)
    lowering.becomes_layer(
        node, draft, f"{lowering.source(node)} is pooled, put together, or read elsewhere too"
    )


def _pool(lowering: _Lowering, node: str, operator: ops.Pool | ops.GlobalAveragePool) -> None:
    """Fuse a pooling into the layers that produce its input, or make it a layer.

    A pooling works on each channel alone, so it may go into every layer whose channels a concatenation put
    side by side. What it needs is that nobody else wants the outputs before they are pooled.
    """
    given, output = operator.inputs[0], operator.output
    window = operator.window if isinstance(operator, ops.Pool) else _whole_picture(given)
    source = lowering.source(node)
    owner = lowering.owners.get(source)
    drafts = lowering.concatenated.get(source, () if owner is None else (owner,))
    if drafts and window.dilation == (1, 1) and all(draft.on_array for draft in drafts):
        pooling = Pooling(
            name=node,
            operator=operator_name(operator),
            OY=output.height,
            OX=output.width,
            FY=window.kernel[0],
            FX=window.kernel[1],
            stride_y=window.stride[0],
            stride_x=window.stride[1],
            pad_top=window.padding.top,
            pad_left=window.padding.left,
        )
        lowering.fuse_pooling(node, drafts, pooling)
        return
    vector_ops = output.elements * window.kernel[0] * window.kernel[1]
    layer = _vector_layer(lowering, node, operator, vector_ops, **_window_bounds(window))
    reason = "runs on the vector unit: its input is not only its own, or no layer of the array makes it"
    lowering.becomes_layer(node, lowering.add_layer(layer, lowering.sources(node)), reason)


def _whole_picture(given: Shape) -> ops.Window:
    size = (given.height, given.width)
    return ops.Window(kernel=size, stride=size, dilation=(1, 1), padding=ops.Padding(0, 0, 0, 0))


def _dropout(lowering: _Lowering, node: str, _operator: ops.Dropout) -> None:
    lowering.pass_on(node, "does nothing at inference")


def _channel_shuffle(lowering: _Lowering, node: str, operator: ops.ChannelShuffle) -> None:
    _move(lowering, node, operator, operator.order)


def _channel_permutation(lowering: _Lowering, node: str, operator: ops.ChannelPermutation) -> None:
    """The order is part of the trained network, not of its description; any costs the same."""
    _move(lowering, node, operator, range(operator.output.channels))


def _move(lowering: _Lowering, node: str, operator: Operator, order: Sequence[int]) -> None:
    """Move channels to other places; output channel i is input channel order[i]."""
    source = lowering.source(node)
    readers = [operator_of(lowering.published, reader) for reader in lowering.published.succ[node]]
    if readers and all(isinstance(reader, ops.Slice) for reader in readers):
        lowering.vanish(node, lowering.tensors[source], "its slices move, each on its own")
        lowering.scattered[node] = order
        return
    draft = lowering.add_layer(_moving_layer(lowering, node, node, operator, operator.output), (source,))
    lowering.becomes_layer(node, draft, "channels change places, so all of them move")


def _moving_layer(
    lowering: _Lowering, node: str, name: str, operator: Operator, shape: Shape
) -> partial[Layer]:
    """A layer on the vector unit that brings elements of a node to another place."""
    return partial(
        Layer,
        name=name,
        operator=operator.kind,
        stage=lowering.stage(node),
        G=shape.channels,
        K=1,
        C=1,
        OY=shape.height,
        OX=shape.width,
        IY=shape.height,
        IX=shape.width,
        vector_ops=MOVE_OPS * shape.elements,
    )


def _slice(lowering: _Lowering, node: str, operator: ops.Slice) -> None:
    source, first, channels = lowering.source(node), operator.first, operator.output.channels
    cutter = lowering.cutter(source)
    if source not in lowering.scattered:
        lowering.vanish(node, cutter.cut(first, channels), "its readers read a part of the channels")
        return
    picked = cutter.picked(lowering.scattered[source][first : first + channels])
    read = _Read(picked, operator.output.height * operator.output.width, "input_elements")
    mover = operator_of(lowering.published, source)
    draft = lowering.add_reader(_moving_layer(lowering, node, node, mover, operator.output), [read])
    lowering.becomes_layer(node, draft, f"its channels move to the places that {source} gives them")


def _combine(lowering: _Lowering, node: str, operator: ops.Add | ops.Multiply) -> None:
    """Fuse into the last of the producers if nobody else reads that one's output; else a layer.

    The other operands are complete by then, since layers run in the order in which they are listed.
    """
    sources = lowering.sources(node)
    *others, last = sorted(sources, key=lowering.last_order)
    draft = lowering.owners.get(last)
    vector_ops = (len(sources) - 1) * operator.output.elements
    shapes = {source: operator_of(lowering.published, source).output for source in sources}
    reason = _why_not_fused(lowering, last, others, draft, shapes[last] == operator.output)
    if draft is not None and not reason:
        fused = FusedOperator(
            node, operator.kind, vector_ops, sum(shapes[source].elements for source in others)
        )
        draft.reads += [lowering.reading(source, "shortcut_elements") for source in others]
        lowering.fuse(node, draft, fused, "fused", "is applied to the outputs of its layer")
        return
    full = sum(shape == operator.output for shape in operator.inputs)
    gate = sum(shape.elements for shape in operator.inputs if shape != operator.output)
    layer = _vector_layer(lowering, node, operator, vector_ops, operands=full, gate_elements=gate)
    lowering.becomes_layer(node, lowering.add_layer(layer, sources), reason)


def _why_not_fused(
    lowering: _Lowering, last: str, others: Sequence[str], draft: _LayerDraft | None, full: bool
) -> str:
    if draft is None:
        return f"{last}, the last of its operands, is no layer's output that only it reads"
    if not draft.on_array:
        return f"{draft.name}, which produces its last operand, does not run on the array"
    if not full:
        return f"{last}, the last of its operands, is smaller than its output"
    if any(lowering.last_order(source) >= draft.order for source in others):
        return f"its other operands are not complete before {draft.name} runs"
    return ""


def _resize(lowering: _Lowering, node: str, operator: ops.Resize) -> None:
    """A layer of its own, which reads its input once however many outputs are made of an element.

    Inputs come at one row (or column) for each of the outputs, from the first on, until all are read.
    """
    given, output = operator.inputs[0], operator.output
    layer = _vector_layer(
        lowering,
        node,
        operator,
        RESIZE_OPS[operator.interpolation] * output.elements,
        stride_y=max(1, given.height // output.height),
        stride_x=max(1, given.width // output.width),
    )
    draft = lowering.add_layer(layer, lowering.sources(node))
    lowering.becomes_layer(node, draft, "its outputs are others than its inputs")


def _network_output(lowering: _Lowering, node: str, _operator: ops.NetworkOutput) -> None:
    """Being a reader, it keeps others from being fused into what makes it."""
    lowering.vanish(node, lowering.tensors[lowering.source(node)], "is stored for somebody outside, too")


def _concat(lowering: _Lowering, node: str, operator: ops.Concat) -> None:
    """Let the producers write straight to their places; copy those that cannot."""
    sources = lowering.sources(node)
    tensors = [lowering.tensors[source] for source in sources]
    copies: list[str] = []
    for index in sorted(lowering.layout.misfits(tensors)):
        name = node if not copies else f"{node}.{len(copies) + 1}"
        layer = _moving_layer(lowering, node, name, operator, operator.inputs[index])
        lowering.add_layer(layer, (sources[index],))
        tensors[index] = (Segment(name, 0, operator.inputs[index].channels),)
        copies.append(name)
    lowering.layout.place(tensors)
    tensor = tuple(segment for operand in tensors for segment in operand)
    if not copies:
        lowering.vanish(node, tensor, "its producers write straight to their places")
        owners = tuple(lowering.owners[source] for source in sources if source in lowering.owners)
        if len(owners) == len(sources) and len(lowering.published.succ[node]) == 1:
            lowering.concatenated[node] = owners
        return
    lowering.tensors[node] = tensor
    reason = "some operands have to stay where they are: they are read elsewhere in another order"
    lowering.note(node, "copied", tuple(copies), reason)


_RULES: Final[dict[type[Operator], Callable[[_Lowering, str, Any], None]]] = {
    ops.Input: _input,
    ops.Convolution: _conv,
    ops.FullyConnected: _fully_connected,
    ops.BatchNorm: _batch_norm,
    ops.Activation: _activation,
    ops.Pool: _pool,
    ops.GlobalAveragePool: _pool,
    ops.LocalResponseNorm: _lrn,
    ops.Dropout: _dropout,
    ops.Softmax: _softmax,
    ops.Add: _combine,
    ops.Multiply: _combine,
    ops.Concat: _concat,
    ops.ChannelShuffle: _channel_shuffle,
    ops.ChannelPermutation: _channel_permutation,
    ops.Slice: _slice,
    ops.Resize: _resize,
    ops.NetworkOutput: _network_output,
}
"""How each operator is executed; an operator that is not here is an error, never left out."""
