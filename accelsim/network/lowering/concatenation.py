"""Concatenations: the producers write straight to their places, and what cannot lie there is copied."""

from collections.abc import Iterator
from itertools import count

from accelsim.network import operators as ops
from accelsim.network.executed import Reason
from accelsim.network.graph import PublishedGraph, PublishedNode
from accelsim.network.lowering.execution import Execution, LayerWork, by_layer, output_of
from accelsim.network.lowering.loop_nests import moving
from accelsim.network.lowering.progress import Progress


def concat(progress: Progress, node: PublishedNode, operator: ops.Concat) -> Execution:
    """Nothing is left of it but copies of the operands that have to stay where they are."""
    if operator.axis != "channels":
        layer = moving(node.name, operator.kind, node.stage, operator.output, progress.precision)
        return by_layer(layer, "layer", Reason.ELEMENTS_MOVE, progress.inputs(node))
    tensors = [progress.tensor(source) for source in node.operands]
    copies: list[LayerWork] = []
    scattered = {index for index, source in enumerate(node.operands) if not progress.is_plain(source)}
    misfits = progress.layout.misfits(tensors) | scattered
    names = _free_names(progress.published, node.name)
    for name, index in zip(names, sorted(misfits), strict=False):
        layer = moving(name, operator.kind, node.stage, operator.inputs[index], progress.precision)
        copies.append(LayerWork(layer, (progress.reading(node.operands[index]),)))
        tensors[index] = output_of(layer)
    owners = [progress.owner(source) for source in node.operands]
    together = all(owner is not None for owner in owners) and not copies
    return Execution(
        fate="copied" if copies else "vanished",
        reason=Reason.OPERANDS_STAY if copies else Reason.WRITTEN_IN_PLACE,
        tensor=tuple([segment for tensor in tensors for segment in tensor]),
        work=tuple(copies),
        concatenation_of=tuple([owner.name for owner in owners if owner]) if together else (),
        side_by_side=tuple(tensors),
    )


def _free_names(published: PublishedGraph, name: str) -> Iterator[str]:
    """The concatenation's own name, then numbered ones that no published operator has."""
    yield name
    for number in count(2):
        if (numbered := f"{name}.{number}") not in published:
            yield numbered
