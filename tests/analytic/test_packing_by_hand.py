"""Taps and groups side by side in a weight-stationary array: cycles and counts as derived by hand.

The array is that of tests/machines.py: 16 x 16 PEs, accumulators for 256 pixels below each column, a word by
the port of each column and cycle.
"""

import pytest
from machines import conv, machine, mapped

from accelsim.errors import DescriptionError
from accelsim.verification import verify_mapping

PACKING = "pe_array.weight_stationary.packing"
STEM = conv(16, 3, (18, 18), kernel=(3, 3))
"""16 x 16 outputs, 3 x 9 = 27 products each: two folds, of 14 and 13 rows."""
DEPTHWISE = conv(1, 1, (18, 18), G=32, kernel=(3, 3))
"""16 x 16 outputs of 32 groups, of a channel in and a channel out each."""
GROUPED = conv(4, 2, (16, 16), G=4)
"""Of 4 groups, each with 2 rows and 4 columns."""
ONE_PIXEL = conv(16, 3, (3, 3), kernel=(3, 3))


def totals_of(layer, *packing):
    return mapped(layer, "weight_stationary", machine(**{PACKING: packing})).totals


@pytest.mark.parametrize(
    ("layer", "packing", "cycles"),
    [
        (STEM, (), 3 + 9 * 256),
        (STEM, ("groups",), 3 + 9 * 256),
        (STEM, ("taps",), 14 + 2 * 256),
        (DEPTHWISE, (), 1 + 32 * 9 * 256),
        (DEPTHWISE, ("taps",), 9 + 32 * 256),
        (DEPTHWISE, ("groups",), 16 + 2 * 9 * 256),
        # Of 9 rows each, one group has room, which takes as long as taps alone; groups alone are faster.
        (DEPTHWISE, ("taps", "groups"), 16 + 2 * 9 * 256),
        (GROUPED, (), 2 + 4 * 256),
        (GROUPED, ("groups",), 8 + 256),
        # Loading binds: a row of weights a cycle, and 27 rows either way, but two folds of 14 take 28.
        (ONE_PIXEL, (), 3 + 9 * 3),
        (ONE_PIXEL, ("taps",), 3 + 9 * 3),
    ],
)
def test_cycles(layer, packing, cycles):
    assert totals_of(layer, *packing).array_cycles == cycles


def test_packing_moves_no_word_more_and_adds_up_less_often():
    plain, packed = totals_of(STEM).counts, totals_of(STEM, "taps").counts
    assert packed.macs == plain.macs == STEM.macs
    assert packed.accesses == plain.accesses
    # 32-bit sums of 16 x 256 outputs: read and written for each sub-matrix, but the first time only written.
    sums = {count: 4 * (2 * count - 1) * 16 * 256 for count in (9, 2)}
    assert plain.register_file_bytes - packed.register_file_bytes == sums[9] - sums[2]


@pytest.mark.parametrize("layer", [STEM, DEPTHWISE, GROUPED, ONE_PIXEL])
@pytest.mark.parametrize("packing", [("taps",), ("groups",), ("groups", "taps")])
def test_what_is_packed_is_proven_on_integers(layer, packing):
    hardware = machine(**{PACKING: packing})
    executed, is_whole = verify_mapping(layer, mapped(layer, "weight_stationary", hardware), hardware)
    assert is_whole
    assert executed.products == layer.macs


def test_what_is_packed_is_named_once():
    with pytest.raises(DescriptionError, match=r"packing = .*: must name each once"):
        machine(**{PACKING: ("taps", "taps")})
