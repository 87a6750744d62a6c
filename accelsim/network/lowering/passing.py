"""What there is nothing to execute of: the image, dropout, and marks of what is wanted outside."""

from accelsim.network import operators as ops
from accelsim.network.executed import Reason
from accelsim.network.graph import Operator, PublishedNode
from accelsim.network.lowering.execution import Execution, by_nothing
from accelsim.network.lowering.layout import ChannelRange
from accelsim.network.lowering.progress import Progress


def network_input(_progress: Progress, _node: PublishedNode, operator: Operator) -> Execution:
    """No layer makes it."""
    image = (ChannelRange(None, 0, operator.output.channels, operator.output.pixels),)
    return Execution("input", Reason.IMAGE, image)


def dropout(progress: Progress, node: PublishedNode, _operator: ops.Dropout) -> Execution:
    """What may be fused into what it reads may still be."""
    (source,) = node.operands
    owner = progress.owner(source)
    execution = by_nothing(progress.tensor(source), Reason.NOTHING_AT_INFERENCE)
    return execution if owner is None else execution._replace(whole_output_of=owner.name)


def network_output(progress: Progress, node: PublishedNode, _operator: ops.NetworkOutput) -> Execution:
    """Being a reader, it keeps others from being fused into what makes it."""
    return by_nothing(progress.tensor(node.operands[0]), Reason.STORED_OUTSIDE)
