"""The table that says which file a block is in."""

import pkgutil
from importlib import import_module

import pytest

from accelsim.network import blocks
from accelsim.network.blocks.block import BLOCKS


@pytest.mark.parametrize("name", blocks.FILES)
def test_a_block_is_in_the_file_that_the_table_says(name):
    assert blocks.block_of(name).__module__ == f"accelsim.network.blocks.{blocks.FILES[name]}"


def test_every_block_is_in_the_table():
    for module in pkgutil.iter_modules(blocks.__path__):
        import_module(f"{blocks.__name__}.{module.name}")
    here = {name for name, kind in BLOCKS.items() if kind.__module__.startswith(blocks.__name__)}
    assert here == set(blocks.FILES)


def test_a_block_that_does_not_exist():
    assert blocks.block_of("brick") is None
