"""GoogLeNet's module: four ways of different kernels, concatenated.

Szegedy et al., arXiv:1409.4842, figure 2b; as in github.com/BVLC/caffe,
models/bvlc_googlenet/deploy.prototxt.
"""

from accelsim.descriptions.quantities import Channels
from accelsim.network import operators
from accelsim.network.blocks.block import Block, Position, block
from accelsim.network.blocks.units import activated
from accelsim.network.graph import Draft


@block("inception_v1")
class InceptionV1(Block):
    """Output channels, named as in table 1 of the paper; pairs are [reduction, convolution]."""

    conv1x1: Channels
    conv3x3: tuple[Channels, Channels]
    conv5x5: tuple[Channels, Channels]
    pool_projection: Channels

    def build(self, draft: Draft, source: str, position: Position) -> str:
        """1x1; 1x1 and 3x3; 1x1 and 5x5; maximum and 1x1."""
        name = position.name
        pooled = operators.max_pool(draft, f"{name}.pool", source, kernel=3, padding=1)
        branches = (
            _unit(draft, f"{name}.conv1x1", source, self.conv1x1, kernel=1),
            self._pair(draft, name, source, self.conv3x3, kernel=3),
            self._pair(draft, name, source, self.conv5x5, kernel=5),
            _unit(draft, f"{name}.pool_projection", pooled, self.pool_projection, kernel=1),
        )
        return operators.concat(draft, f"{name}.concat", branches)

    def _pair(self, draft: Draft, name: str, source: str, channels: tuple[int, int], kernel: int) -> str:
        reduced = _unit(draft, f"{name}.reduce{kernel}x{kernel}", source, channels[0], kernel=1)
        return _unit(draft, f"{name}.conv{kernel}x{kernel}", reduced, channels[1], kernel)


def _unit(draft: Draft, name: str, source: str, out_channels: int, kernel: int) -> str:
    return activated(
        draft,
        operators.conv(
            draft, name, source, out_channels=out_channels, kernel=kernel, padding=kernel // 2, bias=True
        ),
    )
