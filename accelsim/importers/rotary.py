"""Rotary embeddings (Su et al., RoFormer, 2021), which models have as one operator, as rows."""

from dataclasses import replace

from accelsim.importers.arranging import matched
from accelsim.importers.atoms import flat, regrouped
from accelsim.importers.context import NodeContext, Outputs, Rule
from accelsim.importers.parts import concatenated, taken
from accelsim.importers.tensors import ModelTensor, NodeError, by


def rotary_embedding(*, tables: tuple[int, int], positions: int) -> Rule:
    """A rule for features that are turned in pairs by angles that are constants.

    With x1, x2 the halves of a head's features (or every other one), y = x cos + (-x2, x1) sin: the rows of a
    model that writes it as several nodes.

    Args:
        tables: Places of cosines and sines among the inputs.
        positions: That of the places at which they are looked up.
    """

    def rule(node: NodeContext) -> Outputs:
        if node.node.input(positions):
            node.weights(positions, "positions")
        cosines, sines = (node.weights(table, "angles") for table in tables)
        if not cosines or cosines != sines:
            raise NodeError(f"has cosines of {by(cosines)} and sines of {by(sines)}: must be as many")
        tensor = _in_heads(node, cosines[-1])
        last = len(tensor.view) - 1
        features = tensor.dims[last]
        turned = node.attribute("rotary_embedding_dim", 0) or features
        if turned % 2 or not 0 < turned <= features:
            raise NodeError(f"turns {turned} of {features} features: must be an even number of them")
        if cosines[-1] != turned // 2:
            told = f"turns {turned} features by angles of {by(cosines)}"
            raise NodeError(f"{told}: the last must be {turned // 2}, one for two")
        part = taken(node, tensor, last, range(turned), suffix=".turning")
        made = _turned(node, part, last, interleaved=bool(node.attribute("interleaved", 0)))
        if turned < features:
            rest = taken(node, tensor, last, range(turned, features), suffix=".kept")
            parts = [made, rest]
            made = concatenated(_called(node, ".together"), parts, [each.dims for each in parts], last)
        if len(made.view) == len(node.output_dims):
            return node.becomes(made)
        batch, tokens, heads, of_head = made.view
        return node.becomes(replace(made, view=(batch, tokens, flat((heads, of_head)))))

    return rule


def _in_heads(node: NodeContext, angles: int) -> ModelTensor:
    """The tensor with the features of each head by themselves.

    Where nobody says how many heads there are, each has two features for an angle, as onnxruntime takes it.
    """
    tensor, heads = node.tensor(0), node.attribute("num_heads", 0)
    if len(tensor.view) == len(("batch", "heads", "tokens", "features")):
        return tensor
    if len(tensor.view) != 3:
        raise NodeError(f"turns {by(tensor.dims)}: must have 3 or 4 dimensions")
    features = tensor.dims[-1]
    if not heads and node.attribute("rotary_embedding_dim", 0):
        raise NodeError(f"rotary_embedding_dim without num_heads: heads are not known of {by(tensor.dims)}")
    if not heads:
        if angles < 1 or features % (2 * angles):
            raise NodeError(f"cannot cut heads of {2 * angles} features from {by(tensor.dims)}")
        heads = features // (2 * angles)
    parts = regrouped(tensor.view[-1], (heads, features // heads)) if features % heads == 0 else None
    if parts is None:
        raise NodeError(f"cannot cut {heads} heads from {by(tensor.dims)}")
    return replace(tensor, view=(*tensor.view[:2], *parts))


def _turned(node: NodeContext, tensor: ModelTensor, index: int, *, interleaved: bool) -> ModelTensor:
    size = tensor.dims[index]
    half = size // 2
    places = (range(0, size, 2), range(1, size, 2)) if interleaved else (range(half), range(half, size))
    first, second = (
        taken(node, tensor, index, picked, suffix=suffix)
        for picked, suffix in zip(places, (".first", ".second"), strict=True)
    )
    halves = [_function(node, second, ".negative", "negate"), first]
    other = concatenated(_called(node, ".halves"), halves, [each.dims for each in halves], index)
    if interleaved:
        order = [place for pair in zip(range(half), range(half, size), strict=True) for place in pair]
        other = taken(node, other, index, order, suffix=".pairs")
    by_cosines = _function(node, tensor, ".cosines", "linear")
    by_sines = matched(node, _function(node, other, ".sines", "linear"), by_cosines)
    made = node.row("add", [by_cosines, by_sines], tensor.shape)
    return replace(by_cosines, row=made.row)


def _called(node: NodeContext, suffix: str) -> NodeContext:
    return replace(node, name=node.name + suffix)


def _function(node: NodeContext, tensor: ModelTensor, suffix: str, function: str) -> ModelTensor:
    output = node.row("activation", [tensor], tensor.shape, suffix=suffix, function=function)
    return replace(tensor, row=output.row, bits=None)
