"""The blocks that a stage table may name: one file each, which registers itself in `BLOCKS` when imported."""

from accelsim.network.blocks import (  # noqa: F401
    conv,
    depthwise_separable,
    dropout,
    fire,
    fully_connected,
    lrn,
    pool,
    softmax,
    sqnxt,
)
from accelsim.network.blocks.block import BLOCKS, Block, Position

__all__ = ["BLOCKS", "Block", "Position"]
