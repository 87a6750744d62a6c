"""Additions and gates: the vector unit combines outputs with other operands as they leave the array."""

from collections.abc import Sequence
from dataclasses import replace

from accelsim.network import operators as ops
from accelsim.network.executed import Reason
from accelsim.network.graph import PublishedNode
from accelsim.network.layer import FusedOperator, Layer
from accelsim.network.lowering.elementwise import fused
from accelsim.network.lowering.execution import Execution, by_layer
from accelsim.network.lowering.loop_nests import on_vector_unit
from accelsim.network.lowering.progress import Progress


def combine(progress: Progress, node: PublishedNode, operator: ops.Several | ops.Multiply) -> Execution:
    """Fuse it into the last of the producers if nobody else reads that one's output; else a layer.

    The other operands are complete by then, since layers run in the order in which they are listed.
    """
    *others, last = sorted(node.operands, key=progress.complete_after)
    vector_ops = (len(node.operands) - 1) * operator.output.elements
    layer = progress.owner(last)
    if layer is None:
        return _unfused(progress, node, vector_ops, Reason.OPERAND_SHARED, last)
    if obstacle := _obstacle(progress, node, layer, last, others):
        return _unfused(progress, node, vector_ops, *obstacle)
    elements = sum(progress.published[source].operator.output.elements for source in others)
    combined = fused(layer, FusedOperator(node.name, operator.kind, vector_ops, elements), operator.params)
    reads = tuple([progress.reading(source, "residual") for source in others])
    return by_layer(combined, "fused", Reason.COMBINES_OUTPUTS, reads)


def _unfused(
    progress: Progress, node: PublishedNode, vector_ops: int, reason: Reason, about: str
) -> Execution:
    """A layer on the vector unit whose operands are as large as its output, but for the factors of a gate."""
    output, inputs = node.operator.output, node.operator.inputs
    layer = replace(
        on_vector_unit(node, vector_ops, progress.precision),
        operands=sum(shape == output for shape in inputs),
        gate_elements=sum(shape.elements for shape in inputs if shape != output),
    )
    return by_layer(layer, "layer", reason, progress.inputs(node), about)


def _obstacle(
    progress: Progress, node: PublishedNode, layer: Layer, last: str, others: Sequence[str]
) -> tuple[Reason, str] | None:
    """Why it cannot be fused into the layer of its last operand, and what that is about."""
    if not layer.on_array:
        return Reason.OPERAND_NOT_ON_ARRAY, layer.name
    if layer.multiplies_activations:
        return Reason.OPERAND_IS_PRODUCT, layer.name
    if progress.published[last].operator.output != node.operator.output:
        return Reason.OPERAND_SMALLER, last
    if not progress.is_plain(last):
        return Reason.OPERAND_INTERLEAVED, last
    if any(progress.complete_after(source) >= progress.position(layer.name) for source in others):
        return Reason.OPERANDS_TOO_LATE, layer.name
    return None
