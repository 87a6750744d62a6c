"""What a network asks for before any machine, on graphs small enough to count by hand."""

import math

import pytest

from accelsim.errors import NetworkError
from accelsim.network import operators as ops
from accelsim.network.analysis import (
    arithmetic_intensity,
    counted_macs,
    counted_params,
    frugal_order,
    largest_activations,
    memory_access_cost,
    network_arithmetic_intensity,
    network_memory_access_cost,
    peak_activations,
    shares,
)
from accelsim.network.graph import Draft, Shape
from accelsim.network.lowering import lower

PIXELS = 4 * 4


@pytest.fixture
def draft():
    draft = Draft(stage="s", block="b")
    ops.network_input(draft, "x", Shape(8, 4, 4))
    return draft


def conv(draft, name, source, out_channels=8, **arguments):
    return ops.conv(draft, name, source, out_channels=out_channels, **arguments)


def pointwise(pixels, c1, c2, groups=1):
    draft = Draft()
    ops.network_input(draft, "x", Shape(c1, pixels, 1))
    conv(draft, "c", "x", c2, groups=groups)
    return draft.graph["c"].operator


# Counts


def test_papers_count_with_and_without_the_classifier_and_the_offsets(draft):
    conv(draft, "biased", "x", bias=True)
    ops.batch_norm(draft, "bn", conv(draft, "normalised", "biased"))
    ops.fully_connected(draft, "fc", conv(draft, "bare", "bn"), out_features=10)
    convolutions, classifier, offsets = 3 * 64 * PIXELS, 1280, 2 * 8 * PIXELS + 10
    assert counted_macs(draft.graph) == convolutions + classifier
    assert counted_macs(draft.graph, "conv") == convolutions
    assert counted_macs(draft.graph, "with_offsets") == convolutions + classifier + offsets
    assert counted_params(draft.graph, "weights") == 3 * 64 + 1280
    assert counted_params(draft.graph) == 3 * 64 + 1280 + 8 + 16 + 10


def test_shares_are_of_all_macs_and_weights_by_type_of_operator(draft):
    conv(draft, "dw", "x", kernel=3, padding=1, groups=8)
    conv(draft, "grouped", "dw", groups=2)
    conv(draft, "pw", "grouped")
    found = {share.operator: share for share in shares(draft.graph)}
    assert list(found) == ["depthwise 3x3", "conv 1x1", "grouped 1x1"]
    assert found["conv 1x1"].macs == 64 * PIXELS
    assert found["conv 1x1"].weights_share == 64 / (64 + 72 + 32)
    assert sum(share.macs_share for share in found.values()) == pytest.approx(1)


def test_shares_of_a_network_without_arithmetic_are_zero(draft):
    ops.activation(draft, "r", "x", function="relu")
    (share,) = shares(draft.graph)
    assert (share.operator, share.count, share.macs_share, share.weights_share) == ("activation", 1, 0, 0)


# Memory access


def test_memory_access_cost_is_that_of_shufflenet_v2():
    """MAC = hw(c1 + c2) + c1 c2 / g."""
    assert memory_access_cost(pointwise(100, 16, 32)) == 100 * (16 + 32) + 16 * 32
    assert memory_access_cost(pointwise(100, 16, 32, groups=4)) == 100 * (16 + 32) + 16 * 32 / 4


def least_memory_access_cost(macs, pixels):
    """No 1x1 convolution of so many MACs and pixels has less (equation 1 of the paper)."""
    return 2 * math.sqrt(pixels * macs) + macs / pixels


def test_equal_channels_reach_the_least_memory_access_cost():
    """Equation 1 of the paper, its first guideline."""
    equal, unequal = pointwise(100, 16, 16), pointwise(100, 4, 64)
    assert equal.macs == unequal.macs
    assert memory_access_cost(equal) == least_memory_access_cost(equal.macs, 100)
    assert memory_access_cost(unequal) > least_memory_access_cost(unequal.macs, 100)


def test_arithmetic_intensity_is_macs_for_each_element_moved(draft):
    conv(draft, "c", "x")
    ops.activation(draft, "r", "c", function="relu")
    assert network_memory_access_cost(draft.graph) == 16 * PIXELS + 64
    assert network_arithmetic_intensity(draft.graph) == 64 * PIXELS / (16 * PIXELS + 64)
    assert arithmetic_intensity([]) == 0


# Activations


def test_the_largest_activations_are_those_between_blocks(draft):
    draft.block = "wide"
    conv(draft, "inside", "x", 99)
    conv(draft, "out", "inside", 5)
    draft.block = "down"
    conv(draft, "half", "out", 6, stride=2)
    assert largest_activations(draft.graph)[4, 4] == Shape(8, 4, 4)  # the image, which is block "b"
    assert largest_activations(draft.graph)[2, 2] == Shape(6, 2, 2)


def test_the_peak_of_a_chain_is_its_largest_pair(draft):
    conv(draft, "a", "x", 4)
    conv(draft, "b", "a", 10)
    conv(draft, "c", "b", 2)
    peak = peak_activations(lower(draft.graph))
    assert (peak.layer, peak.elements) == ("b", (4 + 10) * PIXELS)
    assert peak.alive == ("a", "b")
    assert peak.order == ("a", "b", "c")


def test_a_shortcut_waits_in_memory(draft):
    conv(draft, "a", "x", 4)
    conv(draft, "b", "a", 10)
    conv(draft, "c", "b", 4)
    ops.add(draft, "sum", ("c", "a"))
    assert peak_activations(lower(draft.graph)).elements == (4 + 10 + 4) * PIXELS


@pytest.mark.parametrize("operands", [("a", "x"), ("a", "x", "x"), ("x", "x")])
def test_the_image_is_kept_once_however_often_a_layer_reads_it(draft, operands):
    if "a" in operands:
        conv(draft, "a", "x", 8)
    ops.add(draft, "sum", operands)
    assert peak_activations(lower(draft.graph)).elements == (8 + 8) * PIXELS


def two_branches(draft):
    """Both first, or one after the other: the second keeps less at once."""
    conv(draft, "stem", "x", 1)
    wide = [conv(draft, f"wide{index}", "stem", 20) for index in (1, 2)]
    narrow = [conv(draft, f"narrow{index}", source, 1) for index, source in enumerate(wide, start=1)]
    ops.concat(draft, "out", narrow)
    return lower(draft.graph)


def test_the_order_of_execution_decides_the_peak(draft):
    executed = two_branches(draft)
    order = ("stem", "wide1", "narrow1", "wide2", "narrow2")
    assert peak_activations(executed).elements == (1 + 20 + 20) * PIXELS
    assert peak_activations(executed, order).elements == (1 + 20 + 1) * PIXELS
    assert peak_activations(executed, frugal_order(executed)).elements == (1 + 20 + 1) * PIXELS


def test_a_frugal_order_is_the_graphs_own_where_no_other_is_better(draft):
    conv(draft, "b", conv(draft, "a", "x"))
    assert frugal_order(lower(draft.graph)) == ("a", "b")


@pytest.mark.parametrize(
    ("order", "sentence"),
    [
        (("wide1",), "wide1: cannot run here"),
        (("stem", "stem"), "stem: cannot run here"),
        (("stem", "wide1"), "wide2, narrow1: not in the order, but has to run"),
        (("nowhere",), "nowhere: cannot run here"),
    ],
)
def test_an_order_that_is_none_is_refused(draft, order, sentence):
    with pytest.raises(NetworkError, match=sentence):
        peak_activations(two_branches(draft), order)
