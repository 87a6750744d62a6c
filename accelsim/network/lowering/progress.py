"""How far lowering has come: the layers so far, and where each published tensor is to be found."""

from collections.abc import Sequence
from itertools import count as counting
from itertools import islice

from accelsim.network.executed import ExecutedGraph, ExecutedNode, Note, Read
from accelsim.network.graph import PublishedGraph, PublishedNode
from accelsim.network.layer import Layer
from accelsim.network.lowering.execution import Execution, ReadRole, TensorRead
from accelsim.network.lowering.layout import Cutter, Layout, Tensor
from accelsim.network.shapes import operator_name


class Progress:
    """What rules may ask; only `take` changes it."""

    def __init__(self, published: PublishedGraph) -> None:
        self.published = published
        self.precision = published.precision
        self.layout = Layout()
        self._layers: dict[str, Layer] = {}
        """In running order."""
        self._order: dict[str, int] = {}
        """The place of each layer in it."""
        self._reads: dict[str, list[TensorRead]] = {}
        self._tensors: dict[str, Tensor] = {}
        self._owner: dict[str, str] = {}
        """Of a published node: the layer whose whole output it is, if only one operator reads it."""
        self._owners: dict[str, tuple[str, ...]] = {}
        """Of a concatenation: the layers whose outputs it is, if only one operator reads it and nothing else
        reads them."""
        self._orders: dict[str, Sequence[int]] = {}
        self._cutters: dict[str, Cutter] = {}
        self._plain: dict[str, bool] = {}
        self._notes: list[Note] = []
        self._image_elements = 0

    # What a rule may ask

    def tensor(self, node: str) -> Tensor:
        """What a published node puts out."""
        return self._tensors[node]

    def reading(self, node: str, role: ReadRole = "input") -> TensorRead:
        """All that a published node puts out, as something to read."""
        return TensorRead(self._tensors[node], role)

    def inputs(self, node: PublishedNode) -> tuple[TensorRead, ...]:
        """All that a node reads, as the inputs of a layer."""
        return tuple([self.reading(source) for source in node.operands])

    def owner(self, node: str) -> Layer | None:
        """The layer that the only reader of a published node may be fused into."""
        name = self._owner.get(node)
        return None if name is None else self._layers[name]

    def owners(self, node: str) -> tuple[Layer, ...]:
        """The layers that a pooling may be fused into which is the only reader of a published node."""
        owner = self.owner(node)
        names = self._owners.get(node, ())
        return tuple(self._layers[name] for name in names) if names or owner is None else (owner,)

    def new_names(self, name: str, count: int) -> list[str]:
        """Names for several layers of one operator: the name with numbers that no published operator has."""
        free = (numbered for number in counting(1) if (numbered := f"{name}.{number}") not in self.published)
        return list(islice(free, count))

    def is_plain(self, node: str) -> bool:
        """Whether a tensor's channels are those of its layers, each with all of its pixels in one piece."""
        if node not in self._plain:
            tensor, shape = self._tensors[node], self.published[node].operator.output
            channels = sum([segment.channels for segment in tensor])
            pixels = {segment.pixels for segment in tensor}
            self._plain[node] = channels == shape.channels and pixels == {shape.pixels}
        return self._plain[node]

    def position(self, layer: str) -> int:
        """The place of a layer in the running order."""
        return self._order[layer]

    def complete_after(self, node: str) -> int:
        """The place of the layer with which a published tensor is complete; -1 for the network's input."""
        producers = (segment.producer for segment in self._tensors[node])
        return max(-1 if name is None else self._order[name] for name in producers)

    def order(self, node: str) -> Sequence[int] | None:
        """Which channel each of a node's should be, where slices are to move them."""
        return self._orders.get(node)

    def cutter(self, node: str) -> Cutter:
        """What cuts the tensor of a published node; several slices of a node share it."""
        if node not in self._cutters:
            self._cutters[node] = Cutter(self._tensors[node])
        return self._cutters[node]

    # What happens

    def take(self, node: PublishedNode, execution: Execution) -> None:
        """Go on by one operator."""
        names = []
        for layer, reads in execution.work:
            name = layer.name
            if name not in self._layers:
                self._order[name] = len(self._layers)
                self._reads[name] = []
                self.layout.add(name, layer.G * layer.K)
            self._layers[name] = layer
            self._reads[name] += reads
            names.append(name)
        if execution.side_by_side:
            self.layout.lay_out(execution.side_by_side)
        self._tensors[node.name] = execution.tensor
        if execution.order is not None:
            self._orders[node.name] = execution.order
        if len(self.published.successors(node.name)) == 1:
            # With one reader, nobody misses the output as it was before something is fused into the layer.
            if execution.whole_output_of is not None:
                self._owner[node.name] = execution.whole_output_of
            if execution.concatenation_of:
                self._owners[node.name] = execution.concatenation_of
        if execution.fate == "input":
            self._image_elements += node.operator.output.elements
        kind = operator_name(node.operator)
        self._notes.append(
            Note(node.name, kind, execution.fate, tuple(names), execution.reason, execution.about)
        )

    # The result

    def executed(self) -> ExecutedGraph:
        """The graph of all layers."""
        ends = (node.name for node in self.published.nodes if not self.published.successors(node.name))
        stored = {segment.producer for end in ends for segment in self._tensors[end]}
        nodes = []
        for name, layer in self._layers.items():
            of_image, reads = _merged(self._reads[name])
            buffer, first_channel = self.layout.address(name)
            node = ExecutedNode(
                layer,
                reads,
                of_image.input_elements,
                of_image.residual_elements,
                name in stored,
                buffer,
                first_channel,
                of_image.weight_elements,
            )
            nodes.append(node)
        return ExecutedGraph(tuple(nodes), self._image_elements, tuple(self._notes))


def _merged(reads: Sequence[TensorRead]) -> tuple[Read, tuple[Read, ...]]:
    """The elements that are read of the image and of each layer, by what they are to the reader."""
    roles: dict[ReadRole, dict[str | None, int]] = {"input": {}, "residual": {}, "weights": {}}
    for tensor, role in reads:
        elements = roles[role]
        for producer, _, channels, pixels in tensor:
            elements[producer] = elements.get(producer, 0) + channels * pixels
    inputs, residuals, weights = roles["input"], roles["residual"], roles["weights"]
    of_image = Read("", inputs.pop(None, 0), residuals.pop(None, 0), weights.pop(None, 0))
    of_layers = [
        Read(producer, inputs.get(producer, 0), residuals.get(producer, 0), weights.get(producer, 0))
        for producer in inputs | residuals | weights
        if producer is not None
    ]
    return of_image, tuple(of_layers)
