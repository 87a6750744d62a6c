"""Partial sums that go outside move no fewer bytes than those that are held in a pool of the same size."""

import importlib.util
from pathlib import Path

import pytest

from accelsim.network import load_network, lowered_network
from accelsim.network.layer import Layer


def _script():
    file = Path(__file__).parents[2] / "scripts/spilled_sums.py"
    spec = importlib.util.spec_from_file_location("spilled_sums", file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


SCRIPT = _script()


def test_what_spilling_moves_is_what_is_counted_by_hand():
    """8 x 8 pixels, 4 -> 2 channels, 1x1, input channels in two tiles: sums go out and come back once.

    Room: twice 2 x 64 inputs, 2 x 2 weights and 2 x 64 sums of 2 bytes.
    """
    layer = Layer("conv", "conv", K=2, C=4, OY=8, OX=8, FY=1, FX=1, IY=8, IX=8)
    least = 4 * 64 + 8 + 128 + 2 * 128 * 2
    assert SCRIPT.least_spilled_bytes(layer, 2 * (128 + 4 + 256)) == least
    assert SCRIPT.least_spilled_bytes(layer, 7) is None


@pytest.mark.parametrize("pool_kib", [4, 16, 64])
@pytest.mark.parametrize("network", ["sqnxt23v5", "vgg16"])
def test_to_hold_partial_sums_moves_no_more(network, pool_kib):
    hardware = SCRIPT.machine(pool_kib)
    layers = [
        layer
        for layer in lowered_network(load_network(network)).graph.layers
        if layer.on_array and layer.pooling is None
    ]
    for layer in layers[::7]:
        held_bytes = SCRIPT.least_held_bytes(layer, hardware)
        spilled_bytes = SCRIPT.least_spilled_bytes(layer, pool_kib * 1024)
        if held_bytes is not None and spilled_bytes is not None:
            assert held_bytes <= spilled_bytes
