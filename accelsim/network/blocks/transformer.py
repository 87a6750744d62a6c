"""Transformers of images: patches as tokens, and the encoder's layers.

Dosovitskiy et al., An Image is Worth 16x16 Words, arXiv:2010.11929, figure 1 and equations 1 to 3 and 5 to 7.
Features of a token are channels, tokens columns, and sequences that know nothing of each other are rows; so
the products with weights are 1x1 convolutions.
"""

from accelsim.descriptions.quantities import Channels, Expansion, Extent
from accelsim.errors import NetworkError
from accelsim.network import operators
from accelsim.network.blocks.block import Activation, Block, Position, block
from accelsim.network.graph import Draft, Shape


@block("patch_embedding")
class PatchEmbedding(Block):
    """Patches of the image as tokens, a class token before them, and where each stood added (equation 1)."""

    out_channels: Channels
    patch: Extent = 16
    class_token: bool = True

    def build(self, draft: Draft, source: str, position: Position) -> str:
        """A convolution without overlap; trained numbers are as many as tokens x features, and a token's."""
        name = position.name
        patches = operators.conv(
            draft,
            f"{name}.conv",
            source,
            out_channels=self.out_channels,
            kernel=self.patch,
            stride=self.patch,
            bias=True,
        )
        shape = draft.shape(patches)
        tokens = operators.reshape(draft, f"{name}.tokens", patches, size=(1, shape.height * shape.width))
        if self.class_token:
            token = operators.constant(draft, f"{name}.class_token", (), channels=self.out_channels)
            tokens = operators.concat(draft, f"{name}.concat", (token, tokens), axis="width")
        places = operators.constant(
            draft, f"{name}.positions", (), channels=self.out_channels, width=draft.shape(tokens).width
        )
        return operators.add(draft, f"{name}.add", (tokens, places))


@block("transformer_encoder")
class TransformerEncoder(Block):
    """A layer of the encoder: attention, then two matrix products, each normalised before and added after."""

    heads: Channels
    expansion: Expansion = 4
    """Features between the two matrix products, for each feature of a token."""
    activation: Activation = "gelu"

    def build(self, draft: Draft, source: str, position: Position) -> str:
        """Equations 2 and 3."""
        hidden = round(draft.shape(source).channels * self.expansion)
        return encoder_layer(draft, position.name, source, self.heads, hidden, self.activation)


def encoder_layer(
    draft: Draft, name: str, source: str, heads: int, hidden: int, activation: Activation
) -> str:
    """Attention of each row's columns to each other, and a perceptron of each with features inside."""
    attended = _attention(draft, name, operators.layer_norm(draft, f"{name}.norm1", source), heads)
    source = operators.add(draft, f"{name}.add1", (attended, source))
    last = operators.layer_norm(draft, f"{name}.norm2", source)
    last = operators.conv(draft, f"{name}.fc1", last, out_channels=hidden, bias=True)
    last = operators.activation(draft, f"{name}.fc1.{activation}", last, function=activation)
    features = draft.shape(source).channels
    last = operators.conv(draft, f"{name}.fc2", last, out_channels=features, bias=True)
    return operators.add(draft, f"{name}.add2", (last, source))


def _attention(draft: Draft, name: str, source: str, heads: int) -> str:
    """Queries by keys, softmax, its weights by values; every head of every row is a group of the products."""
    shape = draft.shape(source)
    if shape.channels % heads:
        raise NetworkError(
            f"{name}: {shape.channels} features cannot be split into {heads} heads of equal size; "
            f"make the features a multiple of {heads}"
        )
    qkv = operators.conv(draft, f"{name}.qkv", source, out_channels=3 * shape.channels, bias=True)
    queries, keys, values = (
        _by_rows(
            draft,
            operators.channel_slice(
                draft, f"{name}.{part}", qkv, first=index * shape.channels, channels=shape.channels
            ),
        )
        for index, part in enumerate(("queries", "keys", "values"))
    )
    groups = heads * shape.height
    weights = operators.product(draft, f"{name}.scores", queries, keys, groups=groups)
    weights = operators.activation(draft, f"{name}.scores.scale", weights, function="linear")
    weights = operators.softmax(draft, f"{name}.softmax", weights)
    context = operators.product(draft, f"{name}.context", weights, values, groups=groups, contract="pixels")
    if shape.height > 1:
        context = _rearranged(draft, f"{name}.context.rows", context, shape)
    return operators.conv(draft, f"{name}.projection", context, out_channels=shape.channels, bias=True)


def _by_rows(draft: Draft, node: str) -> str:
    """Rows as channels, so that a product can keep them apart."""
    shape = draft.shape(node)
    if shape.height == 1:
        return node
    return _rearranged(draft, f"{node}.groups", node, Shape(shape.channels * shape.height, 1, shape.width))


def _rearranged(draft: Draft, name: str, node: str, shape: Shape) -> str:
    return operators.rearrange(
        draft, name, node, channels=shape.channels, height=shape.height, width=shape.width
    )
