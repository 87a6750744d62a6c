"""Shuffles move channels to other places; slices read a part of them.

Where only slices read what a shuffle puts out, each moves its own channels, and straight to their places.
"""

from collections.abc import Sequence

from accelsim.network import operators as ops
from accelsim.network.executed import Reason
from accelsim.network.graph import PublishedNode
from accelsim.network.lowering.execution import Execution, TensorRead, by_layer, by_nothing
from accelsim.network.lowering.layout import Cutter
from accelsim.network.lowering.loop_nests import moving
from accelsim.network.lowering.moves import in_one_piece
from accelsim.network.lowering.progress import Progress


def channel_shuffle(progress: Progress, node: PublishedNode, operator: ops.ChannelShuffle) -> Execution:
    """Every channel moves."""
    return _move(progress, node, operator.order)


def channel_permutation(
    progress: Progress, node: PublishedNode, operator: ops.ChannelPermutation
) -> Execution:
    """The order is part of the trained network, not of its description; any costs the same."""
    return _move(progress, node, range(operator.output.channels))


def _move(progress: Progress, node: PublishedNode, order: Sequence[int]) -> Execution:
    """Move channels to other places; output channel i is input channel order[i]."""
    published, (source,) = progress.published, node.operands
    readers = [published[reader].operator for reader in published.successors(node.name)]
    if readers and all(isinstance(reader, ops.Slice) for reader in readers):
        return by_nothing(progress.tensor(source), Reason.SLICES_MOVE, order)
    layer = moving(node.name, node.operator.kind, node.stage, node.operator.output, progress.precision)
    return by_layer(layer, "layer", Reason.CHANNELS_MOVE, progress.inputs(node))


def channel_slice(progress: Progress, node: PublishedNode, operator: ops.Slice) -> Execution:
    """Nothing, unless its channels have to move first."""
    (source,) = node.operands
    first, channels = operator.first, operator.output.channels
    if not progress.is_plain(source):
        copies, whole = in_one_piece(progress, node)
        return Execution("copied", Reason.ELEMENTS_MOVE, Cutter(whole).cut(first, channels), copies)
    cutter, order = progress.cutter(source), progress.order(source)
    if order is None:
        return by_nothing(cutter.cut(first, channels), Reason.PART_IS_READ)
    shape, kind = operator.output, progress.published[source].operator.kind
    layer = moving(node.name, kind, node.stage, shape, progress.precision)
    picked = TensorRead(cutter.picked(order[first : first + channels]))
    return by_layer(layer, "layer", Reason.MOVES_AS_SOURCE, (picked,), about=source)
