"""Coding: what layers' operands take where a machine's memories hold them compressed.

Weights have the ratio that the network says of the layer, else the machine's. Activations are coded where the
network says which part of a layer's outputs is not zero; who reads them reads the code. What nobody says
anything of, the image among it, lies as it is.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace

from accelsim.hardware import Hardware, Operand
from accelsim.hardware.coding import Compress
from accelsim.mapping.precision import activation_bits
from accelsim.network.executed import ExecutedGraph, ExecutedNode
from accelsim.network.layer import CodedParts


def as_coded(graph: ExecutedGraph, hardware: Hardware) -> ExecutedGraph:
    """The same layers, which say what their operands take outside the chip.

    Args:
        graph: As it was lowered.
        hardware: The machine.

    Returns:
        With that, and with the part of their inputs that is not zero where an array saves products by it; the
        graph itself where no memory compresses anything, and no array does.
    """
    if hardware.pe_array.gates_zeros:
        graph = _with_zeros(graph)
    compress_of = hardware.compress_of
    if not compress_of:
        return graph
    code = _code_of(compress_of)
    parts = {node.name: code(node.layer.output_density, _bits(node, hardware)) for node in graph.nodes}
    nodes = []
    for node in graph.nodes:
        image = code(graph.image_density, _bits(node, hardware))
        nodes.append(replace(node, layer=replace(node.layer, coded=_coded(node, parts, image, compress_of))))
    return replace(graph, nodes=tuple(nodes))


def _with_zeros(graph: ExecutedGraph) -> ExecutedGraph:
    """The same layers, which say how many of their inputs are not zero: what those say that write them."""
    written = {node.name: _or_all(node.layer.output_density) for node in graph.nodes}
    nodes = []
    for node in graph.nodes:
        parts = [(written[read.producer], read.input_elements) for read in node.reads]
        inputs = _mean([*parts, (_or_all(graph.image_density), node.network_input_elements)])
        nodes.append(replace(node, layer=replace(node.layer, input_density=inputs)))
    return replace(graph, nodes=tuple(nodes))


def _or_all(density: float | None) -> float:
    """What nobody says anything of is taken to have no zeros."""
    return 1.0 if density is None else density


def _bits(node: ExecutedNode, hardware: Hardware) -> int:
    return activation_bits(node.layer, hardware.precision)


def _code_of(compress_of: Mapping[Operand, Compress]) -> Callable[[float | None, int], float]:
    """What activations take outside for each byte: by the part that is not zero, and by their bits."""
    compress = compress_of.get(Operand.OUTPUTS)
    code = None if compress is None else compress.activations

    def part(density: float | None, bits: int) -> float:
        return 1.0 if code is None or density is None else code.part(density, bits)

    return part


def _coded(
    node: ExecutedNode, parts: Mapping[str, float], image: float, compress_of: Mapping[Operand, Compress]
) -> CodedParts:
    inputs = [(parts[read.producer], read.input_elements) for read in node.reads]
    residuals = [(parts[read.producer], read.residual_elements) for read in node.reads]
    weights = compress_of.get(Operand.WEIGHTS)
    ratio = 1.0
    if weights is not None and weights.weights is not None:
        ratio = weights.weights if node.layer.weight_ratio is None else node.layer.weight_ratio
    return CodedParts(
        inputs=_mean([*inputs, (image, node.network_input_elements)]),
        weights=ratio if node.layer.on_array else 1.0,
        outputs=parts[node.name],
        residual=_mean([*residuals, (image, node.network_residual_elements)]),
    )


def _mean(parts: list[tuple[float, int]]) -> float:
    """Of what is read of several layers, by elements."""
    elements = sum([count for _, count in parts])
    return sum([part * count for part, count in parts]) / elements if elements else 1.0
