"""The blocks that a stage table may name: one file each, which registers itself in `BLOCKS`."""

import importlib
import pkgutil

from accelsim.network.blocks.block import BLOCKS, Block, Position

for _module in pkgutil.iter_modules(__path__):
    importlib.import_module(f"{__name__}.{_module.name}")

__all__ = ["BLOCKS", "Block", "Position"]
