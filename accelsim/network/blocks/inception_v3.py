"""Inception V3's five modules, by the names of their release: A, B, C, D and E.

Szegedy et al., arXiv:1512.00567, figures 5 to 7 and 10; as in github.com/keras-team/keras-applications,
inception_v3.py. A way is a chain of convolutions, each (output channels, kernel), or with a stride of 2.
"""

from accelsim.descriptions.quantities import Channels
from accelsim.network import operators
from accelsim.network.blocks.block import Block, BlockPadding, Position, block
from accelsim.network.blocks.units import normalised
from accelsim.network.graph import Draft

ConvSize = tuple[int, tuple[int, int]]
ONE, THREE, FIVE, WIDE, HIGH = (1, 1), (3, 3), (5, 5), (1, 7), (7, 1)


@block("inception_v3_a")
class InceptionA(Block):
    """5x5, and two 3x3 in its stead (figure 5)."""

    pool_channels: Channels

    def build(self, draft: Draft, source: str, position: Position) -> str:
        """Four ways at one resolution."""
        name = position.name
        branches = (
            _chain(draft, f"{name}.way1", source, (64, ONE)),
            _chain(draft, f"{name}.way2", source, (48, ONE), (64, FIVE)),
            _chain(draft, f"{name}.way3", source, (64, ONE), (96, THREE), (96, THREE)),
            _pooled(draft, f"{name}.way4", source, self.pool_channels),
        )
        return operators.concat(draft, f"{name}.concat", branches)


@block("inception_v3_b")
class InceptionB(Block):
    """Half the resolution (figure 10)."""

    def build(self, draft: Draft, source: str, position: Position) -> str:
        """Three ways, each with a stride of 2."""
        name = position.name
        inner = _chain(draft, f"{name}.way2", source, (64, ONE), (96, THREE))
        branches = (
            _halved(draft, f"{name}.way1.last", source, 384),
            _halved(draft, f"{name}.way2.last", inner, 96),
            operators.max_pool(draft, f"{name}.way3.pool", source, kernel=3, stride=2),
        )
        return operators.concat(draft, f"{name}.concat", branches)


@block("inception_v3_c")
class InceptionC(Block):
    """7x7 as 1x7 and 7x1, once and twice (figure 6)."""

    inner_channels: Channels

    def build(self, draft: Draft, source: str, position: Position) -> str:
        """Four ways at one resolution."""
        name, c = position.name, self.inner_channels
        twice = ((c, ONE), (c, HIGH), (c, WIDE), (c, HIGH), (192, WIDE))
        branches = (
            _chain(draft, f"{name}.way1", source, (192, ONE)),
            _chain(draft, f"{name}.way2", source, (c, ONE), (c, WIDE), (192, HIGH)),
            _chain(draft, f"{name}.way3", source, *twice),
            _pooled(draft, f"{name}.way4", source, 192),
        )
        return operators.concat(draft, f"{name}.concat", branches)


@block("inception_v3_d")
class InceptionD(Block):
    """Half the resolution again."""

    def build(self, draft: Draft, source: str, position: Position) -> str:
        """Three ways, each with a stride of 2."""
        name = position.name
        short = _chain(draft, f"{name}.way1", source, (192, ONE))
        long = _chain(draft, f"{name}.way2", source, (192, ONE), (192, WIDE), (192, HIGH))
        branches = (
            _halved(draft, f"{name}.way1.last", short, 320),
            _halved(draft, f"{name}.way2.last", long, 192),
            operators.max_pool(draft, f"{name}.way3.pool", source, kernel=3, stride=2),
        )
        return operators.concat(draft, f"{name}.concat", branches)


@block("inception_v3_e")
class InceptionE(Block):
    """1x3 and 3x1 side by side (figure 7)."""

    def build(self, draft: Draft, source: str, position: Position) -> str:
        """Four ways, of which two end in two."""
        name = position.name
        branches = (
            _chain(draft, f"{name}.way1", source, (320, ONE)),
            _fan(draft, f"{name}.way2", _chain(draft, f"{name}.way2", source, (384, ONE))),
            _fan(draft, f"{name}.way3", _chain(draft, f"{name}.way3", source, (448, ONE), (384, THREE))),
            _pooled(draft, f"{name}.way4", source, 192),
        )
        return operators.concat(draft, f"{name}.concat", branches)


def _chain(draft: Draft, name: str, source: str, *steps: ConvSize) -> str:
    """One convolution after another, each of the size of its input."""
    last = source
    for index, (channels, kernel) in enumerate(steps, start=1):
        last = _unit(draft, f"{name}.conv{index}", last, channels, kernel)
    return last


def _fan(draft: Draft, name: str, source: str) -> str:
    wide = _unit(draft, f"{name}.conv1x3", source, 384, (1, 3))
    high = _unit(draft, f"{name}.conv3x1", source, 384, (3, 1))
    return operators.concat(draft, f"{name}.concat", (wide, high))


def _pooled(draft: Draft, name: str, source: str, channels: int) -> str:
    pooled = operators.average_pool(draft, f"{name}.pool", source, kernel=3, padding="same")
    return _unit(draft, f"{name}.conv", pooled, channels, ONE)


def _halved(draft: Draft, name: str, source: str, channels: int) -> str:
    return _unit(draft, name, source, channels, THREE, stride=2, padding=0)


def _unit(
    draft: Draft,
    name: str,
    source: str,
    channels: int,
    kernel: tuple[int, int],
    *,
    stride: int = 1,
    padding: BlockPadding = "same",
) -> str:
    return normalised(
        draft,
        operators.conv(
            draft, name, source, out_channels=channels, kernel=kernel, stride=stride, padding=padding
        ),
    )
