"""Concatenations: the producers write straight to their places, and what cannot lie there is copied."""

from accelsim.network import operators as ops
from accelsim.network.graph import PublishedNode
from accelsim.network.lowering.execution import Execution, Work, output_of
from accelsim.network.lowering.loop_nests import moving
from accelsim.network.lowering.progress import Progress


def concat(progress: Progress, node: PublishedNode, operator: ops.Concat) -> Execution:
    """Nothing is left of it but copies of the operands that have to stay where they are."""
    tensors = [progress.tensor(source) for source in node.operands]
    copies: list[Work] = []
    for index in sorted(progress.layout.misfits(tensors)):
        name = node.name if not copies else f"{node.name}.{len(copies) + 1}"
        layer = moving(name, operator.kind, node.stage, operator.inputs[index], progress.precision)
        copies.append(Work(layer, (progress.reading(node.operands[index]),)))
        tensors[index] = output_of(layer)
    owners = [progress.owner(source) for source in node.operands]
    together = all(owner is not None for owner in owners) and not copies
    return Execution(
        fate="copied" if copies else "vanished",
        reason=_COPIED if copies else "its producers write straight to their places",
        tensor=tuple([segment for tensor in tensors for segment in tensor]),
        work=tuple(copies),
        concatenation_of=tuple([owner.name for owner in owners if owner]) if together else (),
        side_by_side=tuple(tensors),
    )


_COPIED = "some operands have to stay where they are: they are read elsewhere in another order"
