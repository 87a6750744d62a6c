"""The MobileViT block: a transformer between convolutions, which sees the whole image.

Mehta and Rastegari, arXiv:2110.02178, figure 1b and section 3.1; the transformer's features are twice as many
inside, it has four heads and Swish, and its end is normalised, as in github.com/apple/ml-cvnets,
cvnets/modules/mobilevit_block.py.
"""

from accelsim.descriptions.quantities import Channels, Expansion, Extent, Repeats
from accelsim.errors import NetworkError
from accelsim.network import operators
from accelsim.network.blocks.block import Activation, Block, Position, block
from accelsim.network.blocks.transformer import encoder_layer
from accelsim.network.blocks.units import normalised
from accelsim.network.graph import Draft


@block("mobilevit")
class MobileViT(Block):
    """`features` of a token, `layers` of the transformer, and sides of the patches."""

    features: Channels
    layers: Repeats
    patch: Extent = 2
    heads: Channels = 4
    expansion: Expansion = 2
    kernel: Extent = 3
    activation: Activation = "swish"

    def build(self, draft: Draft, source: str, position: Position) -> str:
        """Convolutions, the transformer of the pixels that have one place in their patches, convolutions."""
        name, image = position.name, draft.shape(source)
        if image.height % self.patch or image.width % self.patch:
            raise NetworkError(
                f"{name}: {image.height} x {image.width} pixels cannot be cut into patches of "
                f"{self.patch} x {self.patch}; make the image a multiple of {self.patch} there"
            )
        last = self._conv(draft, f"{name}.local", source, image.channels, self.kernel)
        last = operators.conv(draft, f"{name}.expand", last, out_channels=self.features)
        pixels = self.patch**2
        patches = image.height * image.width // pixels
        last = operators.rearrange(
            draft, f"{name}.unfold", last, channels=self.features, height=pixels, width=patches
        )
        for layer in range(1, self.layers + 1):
            hidden = round(self.features * self.expansion)
            last = encoder_layer(draft, f"{name}.layer{layer}", last, self.heads, hidden, self.activation)
        last = operators.layer_norm(draft, f"{name}.norm", last)
        last = operators.rearrange(
            draft, f"{name}.fold", last, channels=self.features, height=image.height, width=image.width
        )
        last = self._conv(draft, f"{name}.project", last, image.channels, 1)
        last = operators.concat(draft, f"{name}.concat", (source, last))
        return self._conv(draft, f"{name}.fusion", last, image.channels, self.kernel)

    def _conv(self, draft: Draft, name: str, source: str, channels: int, kernel: int) -> str:
        conv = operators.conv(draft, name, source, out_channels=channels, kernel=kernel, padding=kernel // 2)
        return normalised(draft, conv, self.activation)
