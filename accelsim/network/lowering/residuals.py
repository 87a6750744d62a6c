"""Additions and gates: the vector unit combines outputs with other operands as they leave the array."""

from collections.abc import Sequence
from dataclasses import replace

from accelsim.network import operators as ops
from accelsim.network.graph import PublishedNode
from accelsim.network.layer import FusedOperator, Layer
from accelsim.network.lowering.elementwise import fused
from accelsim.network.lowering.execution import Execution, by_layer
from accelsim.network.lowering.loop_nests import on_vector_unit
from accelsim.network.lowering.progress import Progress


def combine(progress: Progress, node: PublishedNode, operator: ops.Add | ops.Multiply) -> Execution:
    """Fuse it into the last of the producers if nobody else reads that one's output; else a layer.

    The other operands are complete by then, since layers run in the order in which they are listed.
    """
    *others, last = sorted(node.operands, key=progress.complete_after)
    vector_ops = (len(node.operands) - 1) * operator.output.elements
    layer = progress.owner(last)
    reason = _why_not_fused(progress, node, layer, last, others)
    if layer is None or reason:
        alone = _combining(node, vector_ops, progress)
        return by_layer(alone, "layer", reason, progress.inputs(node))
    elements = sum(progress.published[source].operator.output.elements for source in others)
    combined = fused(layer, FusedOperator(node.name, operator.kind, vector_ops, elements), operator.params)
    reads = tuple([progress.reading(source, as_shortcut=True) for source in others])
    return by_layer(combined, "fused", "is applied to the outputs of its layer", reads)


def _combining(node: PublishedNode, vector_ops: int, progress: Progress) -> Layer:
    """A layer on the vector unit whose operands are as large as its output, but for the factors of a gate."""
    output, inputs = node.operator.output, node.operator.inputs
    return replace(
        on_vector_unit(node, vector_ops, progress.precision),
        operands=sum(shape == output for shape in inputs),
        gate_elements=sum(shape.elements for shape in inputs if shape != output),
    )


def _why_not_fused(
    progress: Progress, node: PublishedNode, layer: Layer | None, last: str, others: Sequence[str]
) -> str:
    if layer is None:
        return f"{last}, the last of its operands, is no layer's output that only it reads"
    if not layer.on_array:
        return f"{layer.name}, which produces its last operand, does not run on the array"
    if progress.published[last].operator.output != node.operator.output:
        return f"{last}, the last of its operands, is smaller than its output"
    if any(progress.complete_after(source) >= progress.place(layer.name) for source in others):
        return f"its other operands are not complete before {layer.name} runs"
    return ""
