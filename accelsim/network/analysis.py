"""What a network asks for, before any machine: shares by type of operator, memory access, activations alive.

These are the figures that papers on small networks argue with. All are for one image, and in elements; what
an element takes in bytes is the machine's affair.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import assert_never

from accelsim.errors import NetworkError
from accelsim.network.description import MacsConvention, ParamsConvention
from accelsim.network.executed import ExecutedGraph
from accelsim.network.graph import Operator, PublishedGraph, PublishedNode, Shape, total_macs, total_params
from accelsim.network.operators import BatchNorm, Convolution, FullyConnected

# --- what a paper counts


def counted_macs(published: PublishedGraph, convention: MacsConvention = "conv_and_fully_connected") -> int:
    """Multiply-accumulates as a paper counts them."""
    operators = [node.operator for node in published.nodes]
    match convention:
        case "conv_and_fully_connected":
            return total_macs(published)
        case "conv":
            return sum(operator.macs for operator in operators if isinstance(operator, Convolution))
        case "with_offsets":
            offsets = sum(operator.output.elements for operator in operators if _offset(operator))
            return total_macs(published) + offsets
        case _:
            assert_never(convention)


def counted_params(published: PublishedGraph, convention: ParamsConvention = "all") -> int:
    """Parameters as a paper counts them."""
    match convention:
        case "all":
            return total_params(published)
        case "weights":
            return sum(node.operator.counted_weights for node in published.nodes)
        case _:
            assert_never(convention)


def _offset(operator: Operator) -> bool:
    """Whether an operator adds a parameter to each of its outputs."""
    return isinstance(operator, BatchNorm) or operator.biases > 0


# --- shares by type of operator


@dataclass(frozen=True)
class Share:
    """What all operators of one type do together, and which part of the network's total that is."""

    operator: str
    """`conv 3x3`, `depthwise 3x3`, `grouped 1x1`, `fully connected`, or what else an operator is called."""
    count: int
    macs: int
    macs_share: float
    weights: int
    weights_share: float


def shares(published: PublishedGraph) -> tuple[Share, ...]:
    """The network's operators by type, most multiply-accumulates first (MobileNet's table 2)."""
    groups: dict[str, list[Operator]] = {}
    for node in published.nodes:
        if node.operator.inputs:  # not the image
            groups.setdefault(operator_type(node.operator), []).append(node.operator)
    all_macs, all_weights = counted_macs(published), counted_params(published, "weights")
    listed = []
    for name, members in groups.items():
        macs = sum(operator.macs for operator in members)
        weights = sum(operator.counted_weights for operator in members)
        listed.append(
            Share(name, len(members), macs, _part(macs, all_macs), weights, _part(weights, all_weights))
        )
    return tuple(sorted(listed, key=lambda share: (-share.macs, -share.weights)))


def operator_type(operator: Operator) -> str:
    """What papers call the type of an operator."""
    if not isinstance(operator, Convolution):
        return operator.kind.replace("_", " ")
    kernel = "x".join(map(str, operator.window.kernel))
    if operator.groups == 1:
        return f"conv {kernel}"
    depthwise = operator.groups == operator.inputs[0].channels
    return f"depthwise {kernel}" if depthwise else f"grouped {kernel}"


def _part(part: int, of: int) -> float:
    return part / of if of else 0.0


# --- memory access


def memory_access_cost(operator: Operator) -> int:
    """Elements read and written once each: inputs, weights, outputs.

    For a 1x1 convolution this is hw(c1 + c2) + c1 c2 / g, which ShuffleNet v2 (arXiv:1807.11164, section 2)
    calls MAC. An operator that moves nothing of its own, because it is done with its neighbour, counts too.
    """
    inputs = sum(shape.elements for shape in operator.inputs)
    return inputs + operator.weights + operator.output.elements


def network_memory_access_cost(published: PublishedGraph) -> int:
    """Memory access cost of all convolutions and matrix products."""
    return sum(memory_access_cost(operator) for operator in _array_operators(published))


def arithmetic_intensity(operators: Iterable[Operator]) -> float:
    """Multiply-accumulates for each element read or written; 0 where none is."""
    members = tuple(operators)
    access = sum(memory_access_cost(operator) for operator in members)
    return sum(operator.macs for operator in members) / access if access else 0.0


def network_arithmetic_intensity(published: PublishedGraph) -> float:
    """Arithmetic intensity of all convolutions and matrix products."""
    return arithmetic_intensity(_array_operators(published))


def _array_operators(published: PublishedGraph) -> list[Operator]:
    return [
        node.operator for node in published.nodes if isinstance(node.operator, Convolution | FullyConnected)
    ]


# --- activations


def largest_activations(published: PublishedGraph) -> dict[tuple[int, int], Shape]:
    """At each height x width, the largest tensor that one block leaves to the next (MobileNetV2's table 3).

    What is inside a block may be computed piece by piece and need not be in memory as a whole.
    """
    largest: dict[tuple[int, int], Shape] = {}
    for node in published.nodes:
        shape = node.operator.output
        size = (shape.height, shape.width)
        if _leaves_its_block(published, node) and shape.channels > largest.get(size, _NOTHING).channels:
            largest[size] = shape
    return largest


_NOTHING = Shape(0, 0, 0)


def _leaves_its_block(published: PublishedGraph, node: PublishedNode) -> bool:
    readers = published.successors(node.name)
    elsewhere = not readers or any(published[reader].block != node.block for reader in readers)
    return bool(node.block) and elsewhere


@dataclass(frozen=True)
class Peak:
    """The most that has to be kept at once when layers run in an order: inputs, outputs, and what waits."""

    elements: int
    layer: str
    """The layer during which it is reached."""
    alive: tuple[str, ...]
    """The layers whose outputs are kept then; `input` is the image."""
    order: tuple[str, ...]


def peak_activations(executed: ExecutedGraph, order: Sequence[str] | None = None) -> Peak:
    """The peak of the executed layers, in their own order or another.

    A layer's output is kept from when the layer starts until the last layer that reads it has run; the
    network's output to the end. Nothing is computed in place.

    Args:
        executed: The layers, and who reads whom.
        order: Their names in another order in which they can run.

    Returns:
        The peak, in elements for one image, the layer during which it is reached, and what is kept then.

    Raises:
        NetworkError: A layer of the order cannot run where it stands, or is missing.

    Example:
        >>> from accelsim.network import load_network, lowered_network
        >>> peak = peak_activations(lowered_network(load_network("squeezenet_v1_1")).graph)
        >>> peak.layer, peak.elements
        ('fire2.expand3x3', 435600)
        >>> peak.alive
        ('fire2.squeeze1x1', 'fire2.expand1x1', 'fire2.expand3x3')
    """
    names = tuple(executed) if order is None else tuple(order)
    memory = _LiveActivations(executed)
    peak = Peak(0, "", (), names)
    for name in names:
        if name not in memory.ready():
            raise NetworkError(
                f"{name}: cannot run here: it has run already, or what it reads is not there yet"
            )
        memory.start(name)
        if memory.elements > peak.elements:
            peak = Peak(memory.elements, name, tuple(memory.alive), names)
        memory.finish(name)
    if missing := memory.ready():
        raise NetworkError(f"{', '.join(missing)}: not in the order, but has to run")
    return peak


def frugal_order(executed: ExecutedGraph) -> tuple[str, ...]:
    """An order that keeps little at once: always the layer next that leaves the least behind.

    A rule of thumb, not the best order; the graph's own is given back where it is no worse.

    Args:
        executed: The layers, and who reads whom.

    Returns:
        The names of all layers, none before one that it reads.

    Example:
        >>> from accelsim.network import load_network, lowered_network
        >>> executed = lowered_network(load_network("googlenet")).graph
        >>> peak_activations(executed, frugal_order(executed)).elements <= peak_activations(executed).elements
        True
    """
    memory = _LiveActivations(executed)
    order: list[str] = []
    while ready := memory.ready():
        name = min(ready, key=memory.left_behind)
        memory.start(name)
        memory.finish(name)
        order.append(name)
    peak = peak_activations(executed)
    return peak.order if peak.elements <= peak_activations(executed, order).elements else tuple(order)


_IMAGE = "input"


class _LiveActivations:
    """Which outputs are kept, while layers run one after another."""

    def __init__(self, executed: ExecutedGraph) -> None:
        self.size = {layer.name: layer.stored_elements for layer in executed.layers}
        self.reads = {
            node.name: [*node.predecessors, *([_IMAGE] if node.reads_image else [])]
            for node in executed.nodes
        }
        self.readers = {name: set(executed.successors(name)) for name in executed}
        self.readers[_IMAGE] = {node.name for node in executed.nodes if node.reads_image}
        self.size[_IMAGE] = executed.image_elements if self.readers[_IMAGE] else 0
        for name in executed.outputs:
            self.readers[name].add("")  # somebody outside, who never runs
        self.waiting = {name: set(executed.predecessors(name)) for name in executed}
        self.alive: dict[str, int] = {_IMAGE: self.size[_IMAGE]}
        self.elements = self.size[_IMAGE]

    def ready(self) -> list[str]:
        """Layers that have not run, and whose inputs are there; in the graph's order."""
        return [name for name, before in self.waiting.items() if not before]

    def left_behind(self, name: str) -> int:
        """What a layer adds to what is kept, once it has run."""
        freed = sum(self.size[source] for source in self.reads[name] if self.readers[source] == {name})
        return self.size[name] - freed

    def start(self, name: str) -> None:
        self.alive[name] = self.size[name]
        self.elements += self.size[name]

    def finish(self, name: str) -> None:
        del self.waiting[name]
        for before in self.waiting.values():
            before.discard(name)
        for source in self.reads[name]:
            self.readers[source].discard(name)
            if not self.readers[source]:
                self.elements -= self.alive.pop(source)
