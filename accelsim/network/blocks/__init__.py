"""The blocks that a stage table may name: one file each, which registers itself in `BLOCKS` when imported."""

from accelsim.network.blocks import (  # noqa: F401
    activation,
    batch_norm,
    condense_layer,
    conv,
    dense_layer,
    depthwise_separable,
    dropout,
    fire,
    fragments,
    fully_connected,
    igcv3,
    inception_v1,
    inception_v3,
    inverted_residual,
    lrn,
    nasnet,
    pnasnet,
    pool,
    residual_basic,
    residual_bottleneck,
    separable_conv,
    shufflenet_v1,
    shufflenet_v2,
    shufflenet_v2_residual,
    softmax,
    sqnxt,
    xception,
)
from accelsim.network.blocks.block import BLOCKS, Block, Position

__all__ = ["BLOCKS", "Block", "Position"]
