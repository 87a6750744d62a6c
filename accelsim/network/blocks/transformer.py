"""The two halves of a transformer's encoder: attention of tokens to each other, a perceptron of each token.

Tokens are pixels and features are channels. Both halves normalize first and add what they read, as Vision
Transformers do (Dosovitskiy et al., ICLR 2021, section 3.1); attention is that of Vaswani et al. (NeurIPS
2017, section 3.2.2), its heads groups of channels.
"""

from typing import Literal

from accelsim.descriptions.quantities import Channels
from accelsim.errors import NetworkError
from accelsim.network import operators
from accelsim.network.blocks.block import Activation, Block, Position, block
from accelsim.network.graph import Draft


def attention_unit(
    draft: Draft, name: str, source: str, *, heads: int, head_channels: int, bias: bool
) -> str:
    """Queries, keys and values of a tensor, each query weighing all values; projection `name.proj`."""
    channels, inner = draft.shape(source).channels, heads * head_channels
    qkv = operators.conv(draft, f"{name}.qkv", source, out_channels=3 * inner, bias=bias)
    queries, keys, values = (
        operators.channel_slice(draft, f"{name}.{part}", qkv, first=index * inner, channels=inner)
        for index, part in enumerate(("queries", "keys", "values"))
    )
    scores = operators.product(draft, f"{name}.scores", queries, keys, groups=heads)
    scaled = operators.activation(draft, f"{name}.scale", scores, function="linear")
    weights = operators.softmax(draft, f"{name}.softmax", scaled)
    context = operators.product(draft, f"{name}.context", weights, values, groups=heads, contract="pixels")
    return operators.conv(draft, f"{name}.proj", context, out_channels=channels, bias=bias)


@block("self_attention")
class SelfAttention(Block):
    """Normalization, attention in heads, addition of what was read."""

    heads: Channels
    head_channels: Channels | None = None
    """Features of each; all features divided by the heads where it is not said."""
    norm: Literal["layer_norm", "rms_norm"] = "layer_norm"
    bias: bool = True

    def build(self, draft: Draft, source: str, position: Position) -> str:
        """Norm, products, projection, sum."""
        name, channels = position.name, draft.shape(source).channels
        if self.head_channels is None and channels % self.heads:
            raise NetworkError(
                f"{name}: {channels} channels cannot be divided among {self.heads} heads; make the channels "
                f"a multiple of {self.heads}, or say head_channels"
            )
        normalized = _normalized(draft, f"{name}.norm", source, self.norm)
        last = attention_unit(
            draft,
            name,
            normalized,
            heads=self.heads,
            head_channels=self.head_channels or channels // self.heads,
            bias=self.bias,
        )
        return operators.add(draft, f"{name}.add", [source, last])


@block("feed_forward")
class FeedForward(Block):
    """Normalization, two matrix products of each token, an activation between them, addition of its input."""

    hidden_channels: Channels
    activation: Activation = "gelu"
    norm: Literal["layer_norm", "rms_norm"] = "layer_norm"
    bias: bool = True

    def build(self, draft: Draft, source: str, position: Position) -> str:
        """Norm, products, sum."""
        name, channels = position.name, draft.shape(source).channels
        normalized = _normalized(draft, f"{name}.norm", source, self.norm)
        hidden = operators.conv(
            draft, f"{name}.expand", normalized, out_channels=self.hidden_channels, bias=self.bias
        )
        active = operators.activation(draft, f"{name}.{self.activation}", hidden, function=self.activation)
        last = operators.conv(draft, f"{name}.reduce", active, out_channels=channels, bias=self.bias)
        return operators.add(draft, f"{name}.add", [source, last])


def _normalized(draft: Draft, name: str, source: str, norm: Literal["layer_norm", "rms_norm"]) -> str:
    normalize = operators.layer_norm if norm == "layer_norm" else operators.rms_norm
    return normalize(draft, name, source)
