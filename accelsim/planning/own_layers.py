"""Operators that a machine's vector unit does not apply on the way: layers behind the one that carries them.

Lowering fuses what any machine may fuse. Where a machine's file names an operator under
`vector_unit.unfused`, the layer that carries it is taken apart: what was fused after that operator goes with
it, and a pooling at the end becomes a layer, too. A layer with several residuals stays whole, since it does
not say which tensor is whose. How many operations an element takes is the machine's to say as well
(`vector_unit.operations`).
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace

from accelsim.hardware import Hardware
from accelsim.network.executed import ExecutedGraph, ExecutedNode, Read
from accelsim.network.graph import Shape
from accelsim.network.layer import FusedOperator, Layer
from accelsim.network.lowering.loop_nests import Bits, vector_layer
from accelsim.network.lowering.splitting import pooling_layer


def with_own_layers(graph: ExecutedGraph, hardware: Hardware) -> ExecutedGraph:
    """The same network as a machine's vector unit has it.

    Args:
        graph: As it was lowered.
        hardware: The machine.

    Returns:
        With a layer for each operator that is not fused, and as many operations as the machine's file says;
        the graph itself where that says neither.

    Example:
        >>> from accelsim import load_hardware, load_network
        >>> from accelsim.descriptions import vary
        >>> from accelsim.network.lowered import lowered_network
        >>> graph = lowered_network(load_network("resnet18")).graph
        >>> machine = vary(load_hardware("16x16_128k"), **{"vector_unit.unfused": ["add"]})
        >>> [layer.name for layer in with_own_layers(graph, machine).layers][1:5]
        ['stage1.block1.conv1', 'stage1.block1.conv2', 'stage1.block1.add', 'stage1.block2.conv1']
    """
    unit = hardware.vector_unit
    if unit.operations:
        operations = {str(operator): count for operator, count in unit.operations.items()}
        counted = [replace(node, layer=_with_operations(node.layer, operations)) for node in graph.nodes]
        graph = replace(graph, nodes=tuple(counted))
    if not unit.unfused:
        return graph
    carried = Counter([layer.pooling.name for layer in graph.layers if layer.pooling is not None])
    last_of: dict[str, str] = {}
    """The layer that puts out what each layer of the graph does."""
    taken_apart: list[ExecutedNode] = []
    for node in graph.nodes:
        reads = tuple([read._replace(producer=last_of[read.producer]) for read in node.reads])
        buffer = last_of.get(node.buffer, node.buffer)
        parts = [_named(part, node.layer, carried) for part in _parts(node.layer, unit.unfused)]
        nodes = list(_chain(replace(node, reads=reads, buffer=buffer), parts))
        last_of[node.name] = nodes[-1].name
        taken_apart += nodes
    return replace(graph, nodes=tuple(taken_apart))


def _with_operations(layer: Layer, operations: Mapping[str, int]) -> Layer:
    """With as many for each element as is said of an operator."""
    elements = layer.G * layer.K * layer.OY * layer.OX
    fused = [
        replace(operator, vector_ops=operations[operator.operator] * elements)
        if operator.operator in operations
        else operator
        for operator in layer.fused
    ]
    own = operations.get(layer.operator)
    vector_ops = layer.vector_ops if own is None else own * elements
    return replace(layer, fused=tuple(fused), vector_ops=vector_ops)


def _named(part: Layer, layer: Layer, carried: Counter[str]) -> Layer:
    """A part by a name of its own: several layers side by side may carry a pooling, each for its channels."""
    return replace(part, name=f"{layer.name}.{part.name}") if carried[part.name] > 1 else part


def _parts(layer: Layer, unfused: tuple[str, ...]) -> Iterator[Layer]:
    """The layers that a layer is, one after the other."""
    apart = [index for index, operator in enumerate(layer.fused) if operator.operator in unfused]
    if not apart or sum(operator.residual_elements > 0 for operator in layer.fused) > 1:
        yield layer
        return
    ends = [*apart[1:], len(layer.fused)]
    yield replace(layer, fused=layer.fused[: apart[0]], pooling=None, given_pooling=None, output_density=None)
    for begin, end in zip(apart, ends, strict=True):
        alone = _alone(layer, layer.fused[begin], layer.fused[begin + 1 : end])
        is_last = end == len(layer.fused) and layer.pooling is None
        yield replace(alone, output_density=layer.output_density) if is_last else alone
    if layer.pooling is not None:
        yield replace(pooling_layer(layer), output_density=layer.output_density)


def _alone(layer: Layer, operator: FusedOperator[int], fused: tuple[FusedOperator[int], ...]) -> Layer:
    """An operator as a layer, with those that are applied to its outputs."""
    image = Shape(layer.G * layer.K, layer.OY, layer.OX)
    bits = Bits(activation_bits=layer.activation_bits, partial_sum_bits=layer.partial_sum_bits)
    own = vector_layer(operator.name, operator.operator, image, image, bits, layer.stage, operator.vector_ops)
    whole, rest = divmod(operator.residual_elements, image.elements)
    return replace(own, operands=1 + whole, gate_elements=rest, fused=fused)


def _chain(node: ExecutedNode, parts: list[Layer]) -> Iterator[ExecutedNode]:
    """A node for each part: the first reads what the layer does, each other one the part before it, and the
    residual goes to the part that adds it.
    """
    if len(parts) == 1:
        yield node
        return
    first, *others = parts
    keeps_residual = bool(first.residual_elements)
    inputs = [
        read if keeps_residual else read._replace(residual_elements=0)
        for read in node.reads
        if keeps_residual or read.input_elements
    ]
    image_residual = node.network_residual_elements if keeps_residual else 0
    yield ExecutedNode(
        first, tuple(inputs), node.network_input_elements, image_residual, False, first.name, 0
    )
    before = first
    for part in others:
        elements = before.stored_elements
        reads = [Read(before.name, elements, 0)]
        from_image = 0
        if part.operands > 1 or part.gate_elements:
            reads += [
                Read(read.producer, read.residual_elements, 0)
                for read in node.reads
                if read.residual_elements
            ]
            from_image = node.network_residual_elements
        is_last = part is others[-1]
        shares = is_last and node.buffer != node.name
        yield ExecutedNode(
            part,
            tuple(reads),
            from_image,
            0,
            is_last and node.network_output,
            node.buffer if shares else part.name,
            node.first_channel if shares else 0,
        )
        before = part
