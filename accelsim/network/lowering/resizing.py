"""A resizing is a layer of its own."""

from dataclasses import replace

from accelsim.network import operators as ops
from accelsim.network.executed import Reason
from accelsim.network.graph import PublishedNode
from accelsim.network.lowering.execution import Execution, by_layer
from accelsim.network.lowering.loop_nests import on_vector_unit
from accelsim.network.lowering.progress import Progress
from accelsim.network.lowering.vector_ops import RESIZE_OPS


def resize(progress: Progress, node: PublishedNode, operator: ops.Resize) -> Execution:
    """A layer that reads its input once, however many outputs are made of an element.

    Inputs come at one row (or column) for each of the outputs, from the first on, until all are read.
    """
    image, output = operator.inputs[0], operator.output
    vector_ops = RESIZE_OPS[operator.interpolation] * output.elements
    layer = replace(
        on_vector_unit(node, vector_ops, progress.precision),
        stride_y=max(1, image.height // output.height),
        stride_x=max(1, image.width // output.width),
    )
    return by_layer(layer, "layer", Reason.RESIZES, progress.inputs(node))
