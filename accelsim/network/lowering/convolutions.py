"""Convolutions and matrix products run on the array."""

from collections import Counter
from itertools import product as pairs

from accelsim.network import operators as ops
from accelsim.network.executed import Reason
from accelsim.network.graph import PublishedNode
from accelsim.network.layer import changed
from accelsim.network.lowering import loop_nests
from accelsim.network.lowering.execution import Execution, LayerWork, by_layer, output_of
from accelsim.network.lowering.progress import Progress


def convolution(progress: Progress, node: PublishedNode, operator: ops.Convolution) -> Execution:
    """A layer of its own."""
    layer = loop_nests.convolution(node, operator, progress.precision)
    return by_layer(layer, "layer", Reason.ON_ARRAY, progress.inputs(node))


def fully_connected(progress: Progress, node: PublishedNode, operator: ops.FullyConnected) -> Execution:
    """A layer of its own."""
    layer = loop_nests.fully_connected(node, operator, progress.precision)
    return by_layer(layer, "layer", Reason.ON_ARRAY, progress.inputs(node))


def transposed_convolution(
    progress: Progress, node: PublishedNode, operator: ops.TransposedConvolution
) -> Execution:
    """A convolution for each set of outputs that the same taps make; those of one geometry are one layer."""
    forms = Counter(pairs(*operator.phases))
    names = [node.name] if len(forms) == 1 else progress.new_names(node.name, len(forms))
    layers = [
        loop_nests.phase(node, operator, name, rows, columns, count, progress.precision)
        for name, ((rows, columns), count) in zip(names, forms.items(), strict=True)
    ]
    layers[1:] = [changed(layer, params=0) for layer in layers[1:]]  # all are the first one's
    if len(layers) == 1:
        return by_layer(layers[0], "layer", Reason.ON_ARRAY, progress.inputs(node))
    return Execution(
        fate="layer",
        reason=Reason.INTERLEAVED,
        tensor=tuple([segment for layer in layers for segment in output_of(layer)]),
        work=tuple([LayerWork(layer, progress.inputs(node)) for layer in layers]),
    )


def product(progress: Progress, node: PublishedNode, operator: ops.Product) -> Execution:
    """A layer of its own, whose weights are what another layer puts out."""
    first, second = node.operands
    reads = (progress.reading(first), progress.reading(second, "weights"))
    layer = loop_nests.product(node, operator, progress.precision)
    return by_layer(layer, "layer", Reason.ON_ARRAY, reads)
