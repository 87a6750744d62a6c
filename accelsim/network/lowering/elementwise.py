"""Operators on single elements ride along with the layer whose outputs they read, if only they read them."""

from accelsim.network import operators as ops
from accelsim.network.executed import Reason
from accelsim.network.graph import PublishedNode
from accelsim.network.layer import FusedOperator, Layer, changed
from accelsim.network.lowering.execution import Execution, by_layer
from accelsim.network.lowering.loop_nests import on_vector_unit
from accelsim.network.lowering.progress import Progress
from accelsim.network.lowering.vector_ops import (
    ACTIVATION_OPS,
    BATCH_NORM_OPS,
    LRN_EXTRA_OPS,
    NORMALIZATION_OPS,
    SOFTMAX_OPS,
)
from accelsim.network.shapes import operator_name


def fused(layer: Layer, operator: FusedOperator[int], params: int) -> Layer:
    """The layer that applies an operator, with so many parameters, to its outputs, too."""
    return changed(layer, fused=(*layer.fused, operator), params=layer.params + params)


def folded(layer: Layer, operator: FusedOperator[int], params: int) -> Layer:
    """The layer with a batch normalisation in its weights, of which an offset of each channel is left."""
    return changed(layer, fused=(*layer.fused, operator), params=layer.params + params, bias=True)


def batch_norm(progress: Progress, node: PublishedNode, operator: ops.BatchNorm) -> Execution:
    """Fold it into the weights of the layer right before it, or execute it like others."""
    layer = progress.owner(node.operands[0])
    if layer is None or not layer.on_array or layer.fused:
        return _elementwise(progress, node, BATCH_NORM_OPS)
    norm = FusedOperator(node.name, operator.kind, vector_ops=0)
    return by_layer(folded(layer, norm, operator.params), "folded", Reason.INTO_WEIGHTS)


def activation(progress: Progress, node: PublishedNode, operator: ops.Activation) -> Execution:
    """Fuse it, or make it a layer."""
    return _elementwise(progress, node, ACTIVATION_OPS[operator.function])


def local_response_norm(
    progress: Progress, node: PublishedNode, operator: ops.LocalResponseNorm
) -> Execution:
    """Fuse it, or make it a layer; its neighbours are channels of one pixel."""
    return _elementwise(progress, node, operator.size + LRN_EXTRA_OPS)


def softmax(progress: Progress, node: PublishedNode, _operator: ops.Softmax) -> Execution:
    """Fuse it, or make it a layer."""
    return _elementwise(progress, node, SOFTMAX_OPS)


def normalization(progress: Progress, node: PublishedNode, operator: ops.Normalization) -> Execution:
    """A layer: nothing is normalized before all of which mean and variance are taken is there."""
    layer = on_vector_unit(
        node, NORMALIZATION_OPS[operator.kind] * operator.output.elements, progress.precision
    )
    return by_layer(layer, "layer", Reason.NEEDS_STATISTICS, progress.inputs(node))


def _elementwise(progress: Progress, node: PublishedNode, ops_per_element: int) -> Execution:
    (source,) = node.operands
    vector_ops = ops_per_element * node.operator.output.elements
    layer = progress.owner(source)
    if layer is None:
        unfused = on_vector_unit(node, vector_ops, progress.precision)
        reads = progress.inputs(node)
        return by_layer(unfused, "layer", Reason.NO_LAYER_OF_ITS_OWN, reads, about=source)
    operator = FusedOperator(node.name, operator_name(node.operator), vector_ops)
    return by_layer(fused(layer, operator, node.operator.params), "fused", Reason.ON_THE_WAY)
