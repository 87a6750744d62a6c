"""Tensors: what layers hand on to each other, and which layer reads or writes which.

A step is a layer of the schedule, in running order. Layers whose outputs lie side by side (a concatenation)
write one tensor, which is alive from the first of them to its last reader; slices are views of it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from accelsim.hardware import Precision
from accelsim.mapping.arithmetic import ceil_div
from accelsim.mapping.precision import activation_bits
from accelsim.network.executed import ExecutedGraph, ExecutedNode
from accelsim.network.layer import Layer

IMAGE = "image"
"""The name of the tensor that the network is given."""


class Tensor(NamedTuple):
    """Activations that lie in one piece, of all images of a batch.

    Example:
        >>> Tensor("conv1", size_bytes=200704).is_result
        False
    """

    name: str
    """Of the layers that write it, the first one's."""
    size_bytes: int
    """Of all of it."""
    is_image: bool = False
    """Whether it is what the network is given, and so written by no layer."""
    is_result: bool = False
    """Whether somebody outside the network wants it: it lives to the end."""


class LayerUse(NamedTuple):
    """The tensors that a step reads and writes, by their place among the tensors.

    Example:
        >>> LayerUse(inputs=(1,), residuals=(0,), output=2).reads
        (1, 0)
    """

    inputs: tuple[int, ...]
    """What it reads as its input."""
    residuals: tuple[int, ...]
    """What operators that are fused into it read besides; of a product of two activations, the second."""
    output: int
    """What it writes, or a part of it."""
    is_product: bool = False
    """Whether it multiplies two activations."""

    @property
    def operands(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """What it reads as one operand, and what as the other."""
        return self.inputs, self.residuals

    @property
    def reads(self) -> tuple[int, ...]:
        """All that it reads."""
        return (*self.inputs, *self.residuals)


@dataclass(frozen=True, slots=True)
class Life:
    """When a tensor is written and read.

    Example:
        >>> Life(writes=(0,), reads=(1, 4), beside_others=()).last
        4
    """

    writes: tuple[int, ...]
    """Steps; none of the image."""
    reads: tuple[int, ...]
    """Steps."""
    beside_others: tuple[int, ...]
    """Those that read other tensors as the same operand."""

    @property
    def first(self) -> int:
        """The step with which it begins; the image is there at the start."""
        return min(self.writes, default=0)

    @property
    def last(self) -> int:
        """The step after which nobody in the network needs it."""
        return max([*self.writes, *self.reads], default=0)


@dataclass(frozen=True)
class NetworkTensors:
    """The tensors of a network, and their uses step by step.

    Example:
        >>> tensors = Tensor("image", 8, is_image=True), Tensor("conv1", 4)
        >>> chain = NetworkTensors(tensors, (LayerUse((0,), (), 1),))
        >>> chain.uses[0].output
        1
    """

    tensors: tuple[Tensor, ...]
    """The image first, then in the order in which they are begun."""
    uses: tuple[LayerUse, ...]
    """Of each step."""

    @cached_property
    def lives(self) -> tuple[Life, ...]:
        """Of each tensor."""
        writes: list[list[int]] = [[] for _ in self.tensors]
        reads: list[list[int]] = [[] for _ in self.tensors]
        beside: list[list[int]] = [[] for _ in self.tensors]
        for step, use in enumerate(self.uses):
            writes[use.output].append(step)
            for tensor in set(use.reads):
                reads[tensor].append(step)
                if any(tensor in operand and len(operand) > 1 for operand in (use.inputs, use.residuals)):
                    beside[tensor].append(step)
        return tuple([Life(*map(tuple, of_tensor)) for of_tensor in zip(writes, reads, beside, strict=True)])

    def wanted_behind(self, steps: range) -> frozenset[int]:
        """Of successive steps, those before the last whose outputs somebody wants who is none of them.

        Args:
            steps: A chain.

        Returns:
            Steps whose outputs others read, write parts of, or that are results.

        Example:
            >>> tensors = [Tensor(name, 4) for name in "abcd"]
            >>> uses = LayerUse((0,), (), 1), LayerUse((1,), (), 2), LayerUse((2,), (1,), 3)
            >>> network = NetworkTensors((tensors[0]._replace(is_image=True), *tensors[1:]), uses)
            >>> network.wanted_behind(range(2)), network.wanted_behind(range(3))
            (frozenset({0}), frozenset())
        """
        return frozenset(
            [
                step
                for step in steps[:-1]
                if self.tensors[tensor := self.uses[step].output].is_result
                or self.lives[tensor].last not in steps
            ]
        )

    def __post_init__(self) -> None:
        begun = {index for index, tensor in enumerate(self.tensors) if tensor.is_image}
        for step, use in enumerate(self.uses):
            if missing := [self.tensors[index].name for index in use.reads if index not in begun]:
                raise ValueError(f"step {step} reads {', '.join(missing)}, which no step before it writes")
            begun.add(use.output)


def network_tensors(
    graph: ExecutedGraph,
    precision: Precision,
    batch: int = 1,
    parts: Sequence[tuple[Layer, ...]] | None = None,
) -> NetworkTensors:
    """The tensors of a graph, with their sizes as a machine stores them.

    Args:
        graph: Layers in running order.
        precision: The machine's bits of elements, where the network does not say.
        batch: Images that run together.
        parts: What each layer is executed as, where a machine cannot do all of it at once: layers one after
            the other, each a step, with a tensor between them. None: each layer is one step.

    Returns:
        Tensors and their uses. What no layer reads has a size, too: it has to be written.

    Example:
        >>> from accelsim import load_hardware, load_network
        >>> from accelsim.network import lowered_network
        >>> graph = lowered_network(load_network("squeezenet_v1_1")).graph
        >>> network = network_tensors(graph, load_hardware("16x16_128k").precision)
        >>> network.uses[3], network.tensors[3].name, network.tensors[3].size_bytes == 55 * 55 * 128 * 2
        (LayerUse(inputs=(2,), residuals=(), output=3, is_product=False), 'fire2.expand1x1', True)
    """
    pieces = [(node.layer,) for node in graph.nodes] if parts is None else parts
    tensors = _Tensors(graph, precision, batch)
    uses: list[LayerUse] = []
    for node, layers in zip(graph.nodes, pieces, strict=True):
        inputs, residuals = tensors.reads(node)
        for part, following in zip(layers, [*layers[1:], None], strict=True):
            output = tensors.written(node) if following is None else tensors.between(part, following)
            besides = residuals if part.residual_elements or part.multiplies_activations else ()
            uses.append(LayerUse(inputs, besides, output, part.multiplies_activations))
            inputs = (output,)
    return NetworkTensors(tuple(tensors.tensors), tuple(uses))


class _Tensors:
    """The tensors of a graph that were begun, in order."""

    def __init__(self, graph: ExecutedGraph, precision: Precision, batch: int) -> None:
        self.precision, self.batch = precision, batch
        self.buffer_of = {node.name: node.buffer for node in graph.nodes}
        self.results = {node.buffer for node in graph.nodes if node.network_output}
        self.bits: dict[str, int] = {}
        for node in graph.nodes:
            self.bits[node.buffer] = self.bits.get(node.buffer, 0) + self._stored_bits(node.layer)
        self.index_of: dict[str, int] = {}
        image_bits = max(
            (activation_bits(node.layer, precision) for node in graph.nodes if node.reads_image),
            default=precision.activations_bits,
        )
        size = ceil_div(graph.image_elements * batch * image_bits, 8)
        self.tensors = [Tensor(IMAGE, size, is_image=True)]

    def _stored_bits(self, layer: Layer) -> int:
        return layer.stored_elements * self.batch * activation_bits(layer, self.precision)

    def reads(self, node: ExecutedNode) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """What a layer reads as its input, and besides; each tensor once."""
        inputs = [self.index_of[self.buffer_of[read.producer]] for read in node.reads if read.input_elements]
        residuals = [
            self.index_of[self.buffer_of[read.producer]]
            for read in node.reads
            if read.residual_elements or read.weight_elements
        ]
        if node.network_input_elements:
            inputs.append(0)
        if node.network_residual_elements or node.network_weight_elements:
            residuals.append(0)
        return tuple(sorted(set(inputs))), tuple(sorted(set(residuals)))

    def written(self, node: ExecutedNode) -> int:
        """What a layer writes: a tensor that begins with it, or that an earlier layer began."""
        if node.buffer not in self.index_of:
            self.index_of[node.buffer] = len(self.tensors)
            size = ceil_div(self.bits[node.buffer], 8)
            self.tensors.append(Tensor(node.buffer, size, is_result=node.buffer in self.results))
        return self.index_of[node.buffer]

    def between(self, part: Layer, following: Layer) -> int:
        """What a part of a layer hands on to the next."""
        name = f"{part.name} before {following.name}"
        self.tensors.append(Tensor(name, ceil_div(self._stored_bits(part), 8)))
        return len(self.tensors) - 1
