"""How each operator is executed: the table of rules, and the walk along a network that asks them."""

from collections.abc import Callable
from typing import Any, Final, TypeAlias

from accelsim.errors import NetworkError
from accelsim.network import operators as ops
from accelsim.network.executed import ExecutedGraph
from accelsim.network.graph import Operator, PublishedGraph, PublishedNode
from accelsim.network.lowering.channels import channel_permutation, channel_shuffle, channel_slice
from accelsim.network.lowering.concatenation import concat
from accelsim.network.lowering.convolutions import (
    convolution,
    fully_connected,
    product,
    transposed_convolution,
)
from accelsim.network.lowering.elementwise import (
    activation,
    batch_norm,
    local_response_norm,
    normalization,
    softmax,
)
from accelsim.network.lowering.execution import Execution
from accelsim.network.lowering.foreign import foreign
from accelsim.network.lowering.moves import axis_slice, gather, max_unpool, pad, rearrange, reshape
from accelsim.network.lowering.passing import dropout, network_input, network_output
from accelsim.network.lowering.pooling import global_average_pool, pool, reduce
from accelsim.network.lowering.progress import Progress
from accelsim.network.lowering.residuals import combine
from accelsim.network.lowering.resizing import resize

Rule: TypeAlias = Callable[[Progress, PublishedNode, Any], Execution]
"""From what there is so far, a node, and its operator, which is of the kind that the rule is for."""

RULES: Final[dict[type[Operator], Rule]] = {
    ops.Input: network_input,
    ops.Convolution: convolution,
    ops.FullyConnected: fully_connected,
    ops.BatchNorm: batch_norm,
    ops.Activation: activation,
    ops.MaxPool: pool,
    ops.AveragePool: pool,
    ops.GlobalAveragePool: global_average_pool,
    ops.LocalResponseNorm: local_response_norm,
    ops.Dropout: dropout,
    ops.Softmax: softmax,
    ops.Add: combine,
    ops.Multiply: combine,
    ops.Maximum: combine,
    ops.Compare: combine,
    ops.Select: combine,
    ops.Concat: concat,
    ops.ChannelShuffle: channel_shuffle,
    ops.ChannelPermutation: channel_permutation,
    ops.Slice: channel_slice,
    ops.Resize: resize,
    ops.NetworkOutput: network_output,
    ops.FurtherInput: network_input,
    ops.Constant: network_input,
    ops.TransposedConvolution: transposed_convolution,
    ops.Product: product,
    ops.LayerNorm: normalization,
    ops.RmsNorm: normalization,
    ops.InstanceNorm: normalization,
    ops.GroupNorm: normalization,
    ops.LpPool: pool,
    ops.Reduce: reduce,
    ops.Reshape: reshape,
    ops.Rearrange: rearrange,
    ops.AxisSlice: axis_slice,
    ops.Gather: gather,
    ops.Pad: pad,
    ops.MaxUnpool: max_unpool,
    ops.Foreign: foreign,
}
"""An operator that is not here is an error, never left out."""


def lower(published: PublishedGraph) -> ExecutedGraph:
    """The executed graph of a published one; it reads and computes the same, parameters and MACs included.

    Args:
        published: What a paper or the file of a model says, as `network.build.build` makes it.

    Returns:
        Layers in running order, who reads whom, and a note on each published operator.

    Raises:
        NetworkError: No rule says how to execute an operator.

    Example:
        >>> from accelsim import load_network
        >>> from accelsim.network.build import build
        >>> executed = lower(build(load_network("squeezenet_v1_1")))
        >>> len(executed), executed.layers[0].fused_names
        (27, ('conv1.relu', 'pool1'))
    """
    if not isinstance(published, PublishedGraph):
        kind = type(published).__name__
        raise NetworkError(f"published: must be a PublishedGraph, as build() makes it, but is of type {kind}")
    progress = Progress(published)
    for node in published.nodes:
        rule = RULES.get(type(node.operator))
        if rule is None:
            raise NetworkError(f"{node.name}: no rule says how to execute the operator {node.operator.kind}")
        progress.take(node, rule(progress, node, node.operator))
    return progress.executed()
