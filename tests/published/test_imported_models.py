"""Models that others wrote have the counts of the networks they are.

The package onnx brings them, without their weights. The counts are sums over the layers that the networks'
authors released (ResNet-50: with the stride in the 3x3 convolutions).
"""

from pathlib import Path

import onnx
import pytest

import accelsim
from accelsim.network.build import build
from accelsim.network.graph import total_macs, total_params
from accelsim.network.lowering import lower

MODELS = Path(onnx.__file__).parent / "backend/test/data/light"
COUNTS = {
    "light_squeezenet": (1_235_496, 349.152e6),
    "light_resnet50": (25_557_032, 4089.184e6),
    "light_densenet121": (7_978_856, 2834.162e6),
    "light_vgg19": (143_667_240, 19632.062e6),
    "light_bvlc_alexnet": (60_965_224, None),
    "light_inception_v1": (6_998_552, None),
}
"""Parameters and MACs; the last two are at another resolution, and without Caffe's rule for poolings."""
ALIKE = {"light_squeezenet": "squeezenet_v1_1", "light_vgg19": "vgg19", "light_densenet121": "densenet121"}
"""Networks that are shipped, too."""


@pytest.mark.parametrize("name", COUNTS)
def test_a_released_model_has_the_counts_of_its_paper(name):
    graph = build(accelsim.load_network(MODELS / f"{name}.onnx"))
    params, macs = COUNTS[name]
    assert total_params(graph) == params
    assert macs is None or total_macs(graph) == pytest.approx(macs, abs=500)


@pytest.mark.parametrize("name", ALIKE)
def test_a_released_model_has_as_many_layers_as_the_shipped_network(name):
    theirs, ours = (build(accelsim.load_network(which)) for which in (MODELS / f"{name}.onnx", ALIKE[name]))
    assert total_macs(theirs) == total_macs(ours)
    assert len(lower(theirs)) == len(lower(ours))


@pytest.mark.parametrize("name", ["light_shufflenet", "light_inception_v2", "light_zfnet512"])
def test_other_released_models_are_imported(name):
    assert len(lower(build(accelsim.load_network(MODELS / f"{name}.onnx")))) > 5
