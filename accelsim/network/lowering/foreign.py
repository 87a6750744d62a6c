"""What is no operator here, as a layer that reads all of its inputs once: an operation for each output."""

from accelsim.network import operators as ops
from accelsim.network.executed import Reason
from accelsim.network.graph import PublishedNode
from accelsim.network.layer import FOREIGN_ON_HOST, Layer
from accelsim.network.lowering.execution import Execution, LayerWork, output_of
from accelsim.network.lowering.loop_nests import bits_of
from accelsim.network.lowering.progress import Progress
from accelsim.network.lowering.vector_ops import FOREIGN_OPS


def foreign(progress: Progress, node: PublishedNode, operator: ops.Foreign) -> Execution:
    """Windows side by side over all that is read, as many as there are outputs; the last reads what is left.

    Where inputs and outputs are of as many channels as go evenly into them, each channel is of its own;
    where not, all elements are of one.
    """
    output = operator.output
    read = sum(shape.elements for shape in operator.inputs)
    groups = output.channels if read % output.channels == 0 else 1
    inputs, outputs = read // groups, output.elements // groups
    stride = max(1, inputs // outputs)
    layer = Layer(
        name=node.name,
        operator=FOREIGN_ON_HOST if operator.unit == "host" else operator.kind,
        stage=node.stage,
        G=groups,
        K=1,
        C=1,
        OY=1,
        OX=outputs,
        IY=1,
        IX=inputs,
        FX=max(1, inputs - (outputs - 1) * stride),
        stride_x=stride,
        vector_ops=FOREIGN_OPS * output.elements,
        **bits_of(progress.precision),
    )
    work = (LayerWork(layer, progress.inputs(node)),)
    return Execution("layer", Reason.NO_OPERATOR_HERE, output_of(layer), work)
