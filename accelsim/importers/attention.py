"""Attention that a model has as one operator, as rows: two products, and a softmax between them."""

from dataclasses import replace
from typing import Final

from accelsim.importers.arranging import expanded, matched
from accelsim.importers.atoms import flat, regrouped
from accelsim.importers.axes import permuted
from accelsim.importers.context import NodeContext, Outputs
from accelsim.importers.products import contracted
from accelsim.importers.tensors import ModelTensor, NodeError, by

_MASK: Final = 3
_OF_THE_PAST: Final = (4, 5)
"""Places of keys and values of earlier calls among the inputs."""


def attention(node: NodeContext) -> Outputs:
    """Attention: softmax(queries x keys, masked) x values, of each head.

    The scale of the scores is one number, whatever it is; a causal mask saves nothing. Where several heads
    share keys and values, these are repeated.
    """
    if any(node.node.input(index) for index in _OF_THE_PAST):
        raise NodeError("has keys and values of earlier calls: a state from call to call is not supported")
    queries, keys, values = (_in_heads(node, index) for index in range(3))
    heads = queries.dims[1]
    scores = _multiplied(node, queries, permuted(_for_heads(node, keys, heads, ".keys"), [0, 1, 3, 2]))
    scores = _masked(node, _function(node, "activation", scores, ".scale", function="linear"))
    if node.attribute("softcap", 0.0):
        scores = _function(node, "activation", scores, ".softcap", function="tanh")
    scores = _function(node, "softmax", scores, ".softmax")
    output = _multiplied(node, scores, _for_heads(node, values, heads, ".values"), ".output")
    if len(node.output_dims) == len(output.view):
        return node.becomes(output)
    batch, of_heads, tokens, features = output.view
    return node.becomes(replace(output, view=(batch, tokens, flat((of_heads, features)))))


def _in_heads(node: NodeContext, index: int) -> ModelTensor:
    """An operand as batch x heads x tokens x features."""
    tensor = node.tensor(index)
    if len(tensor.view) == len(("batch", "heads", "tokens", "features")):
        return tensor
    heads = node.attribute("kv_num_heads" if index else "q_num_heads", 0)
    features = tensor.dims[-1]
    parts = (
        regrouped(tensor.view[-1], (heads, features // heads)) if heads and features % heads == 0 else None
    )
    if parts is None:
        raise NodeError(f"cannot cut {heads} heads from {by(tensor.dims)}")
    batch, tokens, _ = tensor.view
    return replace(tensor, view=(batch, parts[0], tokens, parts[1]))


def _for_heads(node: NodeContext, tensor: ModelTensor, heads: int, suffix: str) -> ModelTensor:
    """Keys or values, repeated for as many heads as there are queries for."""
    batch, own, tokens, features = tensor.view
    if tensor.dims[1] == heads:
        return tensor
    if heads % tensor.dims[1]:
        raise NodeError(f"has {heads} heads of queries for {tensor.dims[1]} of keys")
    apart = replace(tensor, view=(batch, own, (), tokens, features))
    dims = [*apart.dims]
    dims[2] = heads // tensor.dims[1]
    repeated = expanded(node, apart, tuple(dims), suffix)
    batch, own, again, tokens, features = repeated.view
    return replace(repeated, view=(batch, flat((own, again)), tokens, features))


def _multiplied(node: NodeContext, first: ModelTensor, second: ModelTensor, suffix: str = "") -> ModelTensor:
    return contracted(node, first, second, range(2), 2, 3, 2, 3, suffix=suffix)


def _masked(node: NodeContext, scores: ModelTensor) -> ModelTensor:
    """Scores with the mask that the node is given, which is added or selects."""
    if not node.node.input(_MASK):
        return scores
    if node.is_constant(_MASK):
        return _function(node, "activation", scores, ".mask", function="linear")
    mask = matched(node, node.tensor(_MASK), scores)
    return replace(scores, row=node.row("add", [scores, mask], scores.shape, suffix=".mask").row)


def _function(
    node: NodeContext, operator: str, tensor: ModelTensor, suffix: str, **arguments: str
) -> ModelTensor:
    output = node.row(operator, [tensor], tensor.shape, suffix=suffix, **arguments)
    return replace(tensor, row=output.row, bits=None)
