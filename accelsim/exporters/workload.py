"""What other tools are told of a network: the layers of its array, and what of it they do not hear of."""

from collections import Counter
from dataclasses import dataclass
from typing import Final

from accelsim.network.build import build
from accelsim.network.description import Network
from accelsim.network.executed import ExecutedGraph, ExecutedNode
from accelsim.network.layer import Layer
from accelsim.network.lowering import lower
from accelsim.network.precision import NetworkPrecision

UNSAID_BITS: Final = 8
"""Bits of elements where the network gives none: those of the workloads that ZigZag's authors publish."""


@dataclass(frozen=True)
class Workload:
    """The layers of a network that multiply, in running order.

    Example:
        >>> from accelsim import load_network
        >>> squeezenet = workload_of(load_network("squeezenet_v1_1"))
        >>> len(squeezenet.layers), squeezenet.layers[0].name, squeezenet.producer("fire2.squeeze1x1")
        (26, 'conv1', 'conv1')
    """

    name: str
    """Of the network."""
    graph: ExecutedGraph
    """Layers as a machine executes them."""
    images: int
    """That run together."""
    precision: NetworkPrecision
    """Bits, where the network gives them."""

    @property
    def nodes(self) -> tuple[ExecutedNode, ...]:
        """Of the layers that run on the array."""
        return tuple(node for node in self.graph.nodes if node.layer.on_array)

    @property
    def layers(self) -> tuple[Layer, ...]:
        """Those that run on the array."""
        return tuple(node.layer for node in self.nodes)

    @property
    def omitted(self) -> Counter[str]:
        """How many layers there are besides, by operator."""
        return Counter(node.layer.operator for node in self.graph.nodes if not node.layer.on_array)

    def producer(self, name: str) -> str | None:
        """The layer of the array whose outputs are all that a layer reads; None where there is none."""
        node = self.graph[name]
        if node.reads_image or len(node.reads) != 1:
            return None
        (read,) = node.reads
        source = self.graph[read.producer].layer
        complete = read.input_elements == node.layer.input_elements == source.stored_elements
        return source.name if source.on_array and complete else None

    def weight_bits(self, layer: Layer) -> int | None:
        """Where the network gives them."""
        return layer.weight_bits or self.precision.weights_bits

    def activation_bits(self, layer: Layer) -> int | None:
        """Where the network gives them."""
        return layer.activation_bits or self.precision.activations_bits


def workload_of(network: Network, batch: int | None = None) -> Workload:
    """What other tools are told of a network.

    Args:
        network: The network.
        batch: Images that run together; None is as many as the network is described for.

    Returns:
        Its layers as a machine executes them, in running order.

    Raises:
        NetworkError: Layers do not fit each other.

    Example:
        >>> from accelsim import load_network
        >>> workload_of(load_network("inception_v3")).omitted
        Counter({'average_pool': 9, 'max_pool': 2, 'global_average_pool': 1})
    """
    graph = lower(build(network))
    return Workload(network.name, graph, network.images(batch), network.description.precision)
