"""Attention that a model has as one operator, as rows: two products, and a softmax between them."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

from accelsim.importers.arranging import expanded, matched
from accelsim.importers.atoms import flat, regrouped
from accelsim.importers.axes import permuted
from accelsim.importers.context import NodeContext, Outputs
from accelsim.importers.parts import taken
from accelsim.importers.products import by_weights, contracted
from accelsim.importers.tensors import ModelTensor, NodeError, broadcasts, by

_MASK: Final = 3
_IN_HEADS: Final = ("batch", "heads", "tokens", "features")
"""Dimensions of queries, keys and values of which each head is by itself."""
_OF_THE_PAST: Final = (4, 5)
"""Places of keys and values of earlier calls among the inputs."""
_NO_STATE: Final = "has keys and values of earlier calls: a state from call to call is not supported"


def attention(node: NodeContext) -> Outputs:
    """Attention: softmax(queries x keys, masked) x values, of each head.

    The scale of the scores is one number, whatever it is; a causal mask saves nothing. Where several heads
    share keys and values, these are repeated.
    """
    if any(node.node.input(index) for index in _OF_THE_PAST):
        raise NodeError(_NO_STATE)
    heads = [node.attribute("kv_num_heads" if index else "q_num_heads", 0) for index in range(3)]
    operands = [_in_heads(node.tensor(index), count) for index, count in enumerate(heads)]
    return _attended(node, operands, lambda scores: _masked(node, scores, _MASK))


def _attended(
    node: NodeContext, operands: Sequence[ModelTensor], mask: Callable[[ModelTensor], ModelTensor]
) -> Outputs:
    """Of queries, keys and values in heads, with masked scores."""
    queries, keys, values = operands
    heads = queries.dims[1]
    scores = _multiplied(node, queries, permuted(_for_heads(node, keys, heads, ".keys"), [0, 1, 3, 2]))
    scores = mask(_function(node, "activation", scores, ".scale", function="linear"))
    if node.attribute("softcap", 0.0):
        scores = _function(node, "activation", scores, ".softcap", function="tanh")
    scores = _function(node, "softmax", scores, ".softmax")
    output = _multiplied(node, scores, _for_heads(node, values, heads, ".values"), ".output")
    if len(node.output_dims) == len(output.view):
        return node.becomes(output)
    batch, of_heads, tokens, features = output.view
    return node.becomes(replace(output, view=(batch, tokens, flat((of_heads, features)))))


# --- as onnxruntime's optimiser writes it


def packed_attention(node: NodeContext) -> Outputs:
    """com.microsoft.Attention: a product that makes queries, keys and values, and their attention."""
    if node.node.input(4) or node.attribute("past_present_share_buffer", 0):
        raise NodeError(_NO_STATE)
    if node.attribute("do_rotary", 0):
        raise NodeError("do_rotary = 1: turns queries and keys; let the exporter write RotaryEmbedding apart")
    tensor, heads = node.tensor(0), node.attribute("num_heads", 0)
    inputs, total, sizes = _sizes_of_products(node, tensor)
    made = by_weights(
        replace(node, name=f"{node.name}.projected"), tensor, 2, inputs, total, weights_at=1, bias_at=2
    )
    operands, first = [], 0
    for size, suffix in zip(sizes, (".queries", ".of_keys", ".of_values"), strict=True):
        part = taken(node, made, 2, range(first, first + size), suffix=suffix)
        operands.append(_in_heads(part, heads))
        first += size
    return _attended(node, operands, lambda scores: _with_masks(node, scores, 3, 5))


def _sizes_of_products(node: NodeContext, tensor: ModelTensor) -> tuple[int, int, list[int]]:
    """Features that the weights read and make, and how many of these are queries, keys and values."""
    weights = node.weights(1)
    if len(weights) != 2:
        raise NodeError(f"has weights of {by(weights) or 'one number'}: a matrix is supported")
    inputs, total = weights
    sizes = [*(node.attribute("qkv_hidden_sizes") or [total // 3] * 3)]
    if len(tensor.view) != 3 or len(sizes) != 3 or sum(sizes) != total:
        raise NodeError(f"makes {by(sizes)} features of {by(tensor.dims)} by {inputs} x {total} weights")
    if min(sizes) < 1:
        listed = ", ".join(map(str, sizes))
        raise NodeError(f"makes queries, keys and values of {listed} features: each must have 1 at least")
    if sizes[0] != sizes[1]:
        raise NodeError(f"makes queries of {sizes[0]} features, keys of {sizes[1]}: must be as many")
    node.check_offsets(2, total)
    return inputs, total, sizes


def multi_head_attention(node: NodeContext) -> Outputs:
    """com.microsoft.MultiHeadAttention: attention of queries, keys and values that other nodes have made."""
    if any(node.node.input(index) for index in (6, 7)):
        raise NodeError(_NO_STATE)
    if not node.node.input(1) or not node.node.input(2):
        raise NodeError("has queries, keys and values in one tensor: let the exporter write them apart")
    tensors, heads = [node.tensor(index) for index in range(3)], node.attribute("num_heads", 0)
    _check_operands(tensors, heads)
    if node.node.input(3):
        node.check_offsets(3, sum(_features(tensor) for tensor in tensors))
        shared = node.shared(slopes=3)
        parts = zip(tensors, (".queries", ".of_keys", ".of_values"), strict=True)
        tensors = [
            replace(
                tensor,
                row=node.row(
                    "activation",
                    [tensor],
                    tensor.shape,
                    suffix=suffix,
                    function="linear",
                    slopes=_features(tensor),
                    shared=shared,
                ).row,
                bits=None,
            )
            for tensor, suffix in parts
        ]
    operands = [_in_heads(tensor, heads) for tensor in tensors]
    return _attended(node, operands, lambda scores: _with_masks(node, scores, 4, 5))


def _check_operands(tensors: Sequence[ModelTensor], heads: int) -> None:
    """Refuse queries that are not batch x tokens x features, keys and values in other heads."""
    queries, *others = tensors
    if len(queries.view) != 3:
        raise NodeError(f"has queries of {by(queries.dims)}: must be batch x tokens x features")
    for tensor in others:
        if len(tensor.view) == len(_IN_HEADS) and tensor.dims[1] != heads:
            raise NodeError(f"has keys or values of {by(tensor.dims)}: must have {heads} heads, num_heads")


def _features(tensor: ModelTensor) -> int:
    """Of all heads of queries, keys or values."""
    return tensor.dims[-1] * (tensor.dims[1] if len(tensor.view) == len(_IN_HEADS) else 1)


def _with_masks(node: NodeContext, scores: ModelTensor, tokens_at: int, scores_at: int) -> ModelTensor:
    """Scores with a mask of tokens, and with what is added to each."""
    if node.node.input(tokens_at):
        dims = node.dims(node.node.input(tokens_at))
        lengths = dims == scores.dims[:1] and node.is_constant(tokens_at)
        if len(dims) not in (2, 3) and not lengths:
            raise NodeError(
                f"has a mask of {by(dims) or 'one number'}: one of tokens, of tokens x tokens, or of lengths "
                "that are constants, one for each image, is supported"
            )
        scores = _masked(node, scores, tokens_at, as_numbers=True)
    return _masked(node, scores, scores_at)


# --- heads and scores


def _in_heads(tensor: ModelTensor, heads: int) -> ModelTensor:
    """An operand as batch x heads x tokens x features."""
    if len(tensor.view) == len(_IN_HEADS):
        return tensor
    if len(tensor.view) != 3:
        raise NodeError(
            f"is given {by(tensor.dims)}: must be batch x tokens x features, or {' x '.join(_IN_HEADS)}"
        )
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


def _masked(node: NodeContext, scores: ModelTensor, at: int, *, as_numbers: bool = False) -> ModelTensor:
    """Scores with the mask that the node is given at a place, which is added or selects.

    One of zeros and ones is first made one of numbers that are added: subtracted from one, and multiplied.
    """
    if not node.node.input(at):
        return scores
    _check_mask(node.dims(node.node.input(at)), scores, as_numbers=as_numbers)
    suffix = ".mask" if at == _MASK else f".mask{at}"
    if node.is_constant(at):
        return _function(node, "activation", scores, suffix, function="linear")
    mask = node.tensor(at)
    for step in (".kept", ".masked") if as_numbers else ():
        mask = _function(node, "activation", mask, step, function="linear")
    if len(mask.view) < 4 and as_numbers:  # batch x tokens, batch x tokens x tokens
        batch, *tokens = mask.view
        mask = replace(mask, view=(batch, *[()] * (4 - len(mask.view)), *tokens))
    mask = matched(node, mask, scores)
    return replace(scores, row=node.row("add", [scores, mask], scores.shape, suffix=suffix).row)


def _check_mask(dims: Sequence[int], scores: ModelTensor, *, as_numbers: bool) -> None:
    """Refuse a mask that is not one for scores, whether its numbers are constants or not."""
    rank = len(scores.dims)
    apart = (1,) * (rank - len(dims)) if as_numbers else ()  # batch, batch x tokens, batch x tokens x tokens
    if not broadcasts((*dims[:1], *apart, *dims[1:]), scores.dims):
        raise NodeError(f"has a mask of {by(dims)} for scores of {by(scores.dims)}")


def _function(
    node: NodeContext, operator: str, tensor: ModelTensor, suffix: str, **arguments: str
) -> ModelTensor:
    output = node.row(operator, [tensor], tensor.shape, suffix=suffix, **arguments)
    return replace(tensor, row=output.row, bits=None)
