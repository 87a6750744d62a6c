"""Convolution and matrix product run on the array."""

from accelsim.network import operators as ops
from accelsim.network.executed import Reason
from accelsim.network.graph import PublishedNode
from accelsim.network.lowering import loop_nests
from accelsim.network.lowering.execution import Execution, by_layer
from accelsim.network.lowering.progress import Progress


def convolution(progress: Progress, node: PublishedNode, operator: ops.Convolution) -> Execution:
    """A layer of its own."""
    layer = loop_nests.convolution(node, operator, progress.precision)
    return by_layer(layer, "layer", Reason.ON_ARRAY, progress.inputs(node))


def fully_connected(progress: Progress, node: PublishedNode, operator: ops.FullyConnected) -> Execution:
    """A layer of its own."""
    layer = loop_nests.fully_connected(node, operator, progress.precision)
    return by_layer(layer, "layer", Reason.ON_ARRAY, progress.inputs(node))
