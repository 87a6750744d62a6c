"""Transformers of images: patches as tokens, and the encoder's layers.

Dosovitskiy et al., An Image is Worth 16x16 Words, arXiv:2010.11929, figure 1 and equations 1 to 3. Tokens are
the columns of one row, features are channels; products with weights are 1x1 convolutions.
"""

from accelsim.descriptions.quantities import Channels, Expansion, Extent
from accelsim.network import operators
from accelsim.network.blocks.block import Activation, Block, Position, block
from accelsim.network.blocks.transformer import FeedForward, SelfAttention
from accelsim.network.graph import Draft


@block("patch_embedding")
class PatchEmbedding(Block):
    """Patches of the image as tokens, a class token before them, and where each stood added (equation 1)."""

    out_channels: Channels
    patch: Extent = 16
    class_token: bool = True

    def build(self, draft: Draft, source: str, position: Position) -> str:
        """A convolution without overlap; trained numbers are as many as tokens x features, and a token's."""
        name, features = position.name, self.out_channels
        patches = operators.conv(
            draft,
            f"{name}.conv",
            source,
            out_channels=features,
            kernel=self.patch,
            stride=self.patch,
            bias=True,
        )
        tokens = operators.reshape(draft, f"{name}.tokens", patches, size=(1, draft.shape(patches).pixels))
        if self.class_token:
            token = operators.constant(draft, f"{name}.class_token", (), channels=features)
            tokens = operators.concat(draft, f"{name}.concat", (token, tokens), axis="width")
        width = draft.shape(tokens).width
        places = operators.constant(draft, f"{name}.positions", (), channels=features, width=width)
        return operators.add(draft, f"{name}.add", (tokens, places))


@block("transformer_encoder")
class TransformerEncoder(Block):
    """A layer of the encoder: the blocks `self_attention` and `feed_forward`, one after the other."""

    heads: Channels
    expansion: Expansion = 4
    """Features between the two matrix products of `feed_forward`, for each feature of a token."""
    activation: Activation = "gelu"
    by_row: bool = False
    """Whether tokens attend only to those of their row."""

    def build(self, draft: Draft, source: str, position: Position) -> str:
        """Equations 2 and 3."""
        name, hidden = position.name, round(draft.shape(source).channels * self.expansion)
        attention = SelfAttention(heads=self.heads, by_row=self.by_row)
        attended = attention.build(draft, source, Position(f"{name}.attention"))
        perceptron = FeedForward(hidden_channels=hidden, activation=self.activation)
        return perceptron.build(draft, attended, Position(f"{name}.mlp"))
