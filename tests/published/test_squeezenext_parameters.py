"""Parameter columns of SqueezeNext's classification tables (Gholami et al., arXiv:1803.10615)."""

import pytest

from accelsim.network.build import build
from accelsim.network.graph import total_params
from accelsim.network.load import load_network

ROWS = [  # exact parameters, printed millions
    ("alexnet", 60_965_224, 60.9),  # cut off
    ("squeezenet_v1_0", 1_248_424, 1.2),
    ("sqnxt23", 717_280, 0.72),
    ("sqnxt23_g", 543_072, 0.54),
    ("sqnxt34", 1_052_560, 1.0),
    ("sqnxt44", 1_238_976, 1.2),
    ("sqnxt23@width=1.5", 1_406_384, 1.4),
    ("sqnxt34@width=1.5", 2_156_408, 2.1),
    ("sqnxt44@width=1.5", 2_572_544, 2.6),
    ("vgg19", 143_667_240, 138),  # printed is VGG-16's
    ("sqnxt23_2x", 2_361_728, 2.4),
    ("sqnxt34@width=2.0", 3_691_232, 3.8),
    ("sqnxt44@width=2.0", 4_428_096, 4.4),
    ("mobilenet_v1", 4_231_976, 4.2),
    ("sqnxt23v5_2x", 3_222_912, 3.2),
]
UNATTAINABLE = {"vgg19": 0.042, "sqnxt34": 0.053, "sqnxt34@width=1.5": 0.027, "sqnxt34@width=2.0": 0.029}
"""How far off; no numbers of blocks give 1.0M, 2.1M and 3.8M at the three widths of 1.0-SqNxt-34."""


@pytest.mark.parametrize(("name", "exact", "printed"), ROWS)
def test_parameters(name, exact, printed):
    params = total_params(build(load_network(name)))
    assert params == exact
    step = 0.01 if printed < 1 else 1 if printed > 100 else 0.1
    if name in UNATTAINABLE:
        assert abs(params / 1e6 - printed) > step / 2
        assert params / 1e6 == pytest.approx(printed, rel=UNATTAINABLE[name])
    else:
        assert params / 1e6 == pytest.approx(printed, abs=0.66 * step)  # rounded, or cut off


@pytest.mark.parametrize(("name", "times"), [("sqnxt23", 84), ("sqnxt23_g", 112), ("sqnxt44", 51)])
def test_compression_over_alexnet_is_of_the_rounded_millions(name, times):
    """Exactly 85.0, 112.3 and 49.2 times."""
    printed = {row[0]: row[2] for row in ROWS}
    assert printed["alexnet"] / printed[name] == pytest.approx(times, abs=0.8)
