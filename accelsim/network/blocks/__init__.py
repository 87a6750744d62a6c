"""The blocks that a stage table may name, and the file of this folder that each is in.

A file is imported when a network asks for one of its blocks, so that nobody waits for all the others.
"""

from importlib import import_module
from typing import Final

from accelsim.network.blocks.block import BLOCKS, Block, Position

__all__ = ["FILES", "Block", "Position", "block_names", "block_of"]

FILES: Final = {
    "activation": "single",
    "add": "joining",
    "average_pool": "single",
    "batch_norm": "single",
    "c2f": "yolov8",
    "concat": "joining",
    "condense_classifier": "condense_layer",
    "condense_layer": "condense_layer",
    "conv": "single",
    "conv_transpose": "single",
    "dense_layer": "dense_layer",
    "dense_transition": "dense_layer",
    "depthwise_separable": "depthwise_separable",
    "dropout": "single",
    "fire": "fire",
    "fragments": "fragments",
    "fully_connected": "single",
    "global_average_pool": "single",
    "graph": "graph",
    "group_norm": "single",
    "igcv3": "igcv3",
    "inception_v1": "inception_v1",
    "inception_v3_a": "inception_v3",
    "inception_v3_b": "inception_v3",
    "inception_v3_c": "inception_v3",
    "inception_v3_d": "inception_v3",
    "inception_v3_e": "inception_v3",
    "instance_norm": "single",
    "inverted_residual": "inverted_residual",
    "layer_norm": "single",
    "lrn": "single",
    "max_pool": "single",
    "mbconv": "mbconv",
    "mobilenet_v3": "mobilenet_v3",
    "mobilevit": "mobilevit",
    "nasnet_normal": "nasnet",
    "nasnet_reduction": "nasnet",
    "patch_embedding": "transformer",
    "pnasnet": "pnasnet",
    "rearrange": "single",
    "reduce": "single",
    "reshape": "single",
    "residual_basic": "residual_basic",
    "residual_bottleneck": "residual_bottleneck",
    "resize": "single",
    "rms_norm": "single",
    "separable_conv": "separable_conv",
    "shufflenet_v1": "shufflenet_v1",
    "shufflenet_v2": "shufflenet_v2",
    "shufflenet_v2_residual": "shufflenet_v2_residual",
    "slice": "single",
    "softmax": "single",
    "sppf": "yolov8",
    "sqnxt": "sqnxt",
    "transformer_encoder": "transformer",
    "upsample": "upsample",
    "xception": "xception",
    "xception_small": "xception",
    "yolov8_detect": "yolov8",
}


def block_of(name: str) -> type[Block] | None:
    """The block that a stage table calls by a name.

    Args:
        name: As a row has it under `block`.

    Returns:
        The class, whose fields are the block's arguments; None if there is none of that name.

    Example:
        >>> list(block_of("fire").model_fields)
        ['squeeze', 'expand1x1', 'expand3x3', 'bypass']
    """
    if name not in BLOCKS and name in FILES:
        import_module(f"{__name__}.{FILES[name]}")
    return BLOCKS.get(name)


def block_names() -> list[str]:
    """What stage tables may name.

    Returns:
        In alphabetical order; those of other packages too, once they are imported.

    Example:
        >>> "inverted_residual" in block_names()
        True
    """
    return sorted({*FILES, *BLOCKS})
