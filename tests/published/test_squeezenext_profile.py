"""Does the per-layer profile say what the paper says of it? Gholami et al., arXiv:1803.10615, section 4."""

import pytest

from accelsim import load_network, run_network
from accelsim.report.values.run_profile import profile
from accelsim.validation.evaluate import shipped_hardware


@pytest.fixture(scope="module")
def profiles():
    """v1 and v5 on the 16x16 array."""
    machine = shipped_hardware("16x16_128k")
    return [profile(run_network(load_network(name), machine)) for name in ("sqnxt23", "sqnxt23v5")]


def test_the_first_convolution_takes_about_a_quarter_of_the_baseline_s_time(profiles):
    baseline, _ = profiles
    assert baseline.first_convolution_time_share == pytest.approx(0.26, abs=0.05)  # the paper: 26%


def test_the_first_stage_uses_the_array_worse_than_every_later_stage_of_blocks(profiles):
    for one in profiles:
        first, *later = (one.stage(name).utilization for name in ("stage1", "stage2", "stage3", "stage4"))
        assert first < min(later)


def test_v5_is_flatter_in_time_and_in_utilization(profiles):
    baseline, v5 = profiles
    assert v5.time_variation < baseline.time_variation
    assert v5.time_variation_after_first < baseline.time_variation_after_first
    assert v5.utilization_variation < baseline.utilization_variation


def test_v5_uses_the_array_better_as_a_whole(profiles):
    baseline, v5 = profiles
    assert v5.utilization > baseline.utilization
