"""Row stationary and whole banks, by hand: passes of AlexNet's layers on Eyeriss (Chen et al., JSSC 2017)."""

from dataclasses import replace

import pytest

from accelsim import load_hardware
from accelsim.descriptions import vary
from accelsim.hardware import Direction, Operand
from accelsim.mapping.dataflows.row_stationary import ROW_STATIONARY
from accelsim.mapping.mapping import Choice
from accelsim.mapping.program import mappings
from accelsim.mapping.tile import TileShape
from accelsim.network.layer import Layer

CHIP = load_hardware("eyeriss")
CONV1 = Layer("conv1", "conv", K=96, C=3, OY=55, OX=55, FY=11, FX=11, IY=227, IX=227, stride_y=4, stride_x=4)
CONV3 = Layer("conv3", "conv", K=384, C=256, OY=13, OX=13, FY=3, FX=3, IY=13, IX=13, pad_top=1, pad_left=1)
TOLD = {
    "conv1": (CONV1, TileShape(1, 1, 96, 1, 7, 55, 11, 11), (16, 1, 1, 2)),
    "conv3": (CONV3, TileShape(4, 1, 64, 6, 13, 13, 3, 3), (16, 3, 2, 2)),
}


def told(parameters):
    return ROW_STATIONARY.fixed(tuple(zip("pqrt", parameters, strict=True)))


@pytest.mark.parametrize(("name", "pes"), [("conv1", 154), ("conv3", 156)])
def test_as_many_pes_work_as_table_iii_says(name, pes):
    layer, tile, parameters = TOLD[name]
    assert told(parameters).folding(layer, tile, CHIP).pes == pes


def test_a_pass_of_conv1():
    """Three passes of 32 filters: 7 rows of outputs from a strip of (7 - 1) 4 + 11 = 35 rows of 227."""
    layer, tile, parameters = TOLD["conv1"]
    filters = 16 * 1 * 1 * 2 * 11 * 11 // 4
    first_windows = 1 * 1 * 35 * 11
    products = max(1 * 16 * 1 * 11 * 55, 1 * 1 * 1 * 35 * 227, -(-1 * 16 * 2 * 7 * 55 // 4))
    last_sums = 16 * 2 * 7 // 4
    work = told(parameters).execute(layer, tile, 0, CHIP)
    assert work.cycles == 3 * (filters + first_windows + products + last_sums)
    assert work.input_read_words == 3 * 35 * 227
    assert work.sum_read_words == work.sum_written_words == 0  # one pass over the channels
    assert work.sum_hop_words == 96 * 7 * 55 * (11 - 1)


def test_passes_that_follow_each_other_leave_their_sums_in_the_buffer():
    layer, tile, parameters = TOLD["conv3"]
    once, thrice = (told(parameters).execute(layer, replace(tile, c=c), 0, CHIP) for c in (6, 18))
    assert thrice.cycles == 3 * once.cycles
    assert once.sum_read_words == 0
    assert thrice.sum_read_words == thrice.sum_written_words == 2 * 64 * 4 * 13 * 13


def test_what_is_not_told_is_chosen_as_the_chip_was_told():
    for layer, tile, parameters in TOLD.values():
        assert ROW_STATIONARY.folding(layer, tile, CHIP)[:4] == parameters


def test_a_zero_saves_its_product_and_no_cycle():
    layer, tile, _ = TOLD["conv3"]
    dense, sparse = (
        ROW_STATIONARY.execute(replace(layer, input_density=density), tile, 0, CHIP)
        for density in (1.0, 0.275)
    )
    assert sparse.cycles == dense.cycles
    assert sparse.macs == -(-dense.macs * 275 // 1000)
    ungated = vary(CHIP, **{"pe_array.dataflows.row_stationary.zero_gating": False})
    assert ROW_STATIONARY.execute(replace(layer, input_density=0.275), tile, 0, ungated).macs == dense.macs


def test_operands_take_whole_banks_and_inputs_with_their_padding():
    """CONV3: 4 images of 6 channels of 15 x 15 in 3 banks, of 64 filters of 13 x 13 sums in 22: all 25."""
    layer, tile, parameters = TOLD["conv3"]
    fixed = tuple(zip("pqrt", parameters, strict=True))
    choice = Choice(layer, "row_stationary", tile, "filters_outer", parameters=fixed)
    (mapping,) = mappings([choice], 4, CHIP)
    first = next(mapping.steps())
    assert first.loads[Operand.INPUTS] == 3 * 4096 >= 4 * 6 * 15 * 15 * 2
    assert first.takes[Operand.OUTPUTS] == 22 * 4096 >= 4 * 64 * 13 * 13 * 2
    # What moves has neither.
    assert first.moved_loads[Operand.INPUTS] == 4 * 6 * 13 * 13 * 2
    assert first.moved_loads[Operand.WEIGHTS] == 64 * 6 * 9 * 2


def test_the_buffer_is_read_and_written_as_the_paper_counts():
    """2 [2 (C / q r) N M E^2 + (M / p t) N C H^2] bytes, less the read of outputs that leave."""
    layer, tile, parameters = TOLD["conv3"]
    fixed = tuple(zip("pqrt", parameters, strict=True))
    choice = Choice(layer, "row_stationary", tile, "filters_outer", parameters=fixed)
    (mapping,) = mappings([choice], 4, CHIP)
    passes, outputs = -(-256 // 6), 4 * 384 * 13 * 13
    accesses = mapping.totals.counts.accesses
    of_buffer = {
        (access.operand, access.direction): count
        for access, count in accesses.items()
        if access.memory == "global_buffer"
    }
    assert of_buffer == {
        (Operand.INPUTS, Direction.READ): 2 * 384 // 32 * 4 * 256 * 15 * 15,
        (Operand.OUTPUTS, Direction.READ): 2 * (passes - 1) * outputs,
        (Operand.OUTPUTS, Direction.WRITE): 2 * passes * outputs,
    }


@pytest.mark.parametrize(
    ("parameters", "sentence"),
    [
        ((("s", 2),), "row stationary leaves p, q, r, t to a mapping, 1 at least each, not s = 2"),
        ((("p", 0),), "row stationary leaves p, q, r, t to a mapping, 1 at least each, not p = 0"),
    ],
)
def test_other_parameters_are_refused(parameters, sentence):
    with pytest.raises(ValueError, match=sentence):
        ROW_STATIONARY.fixed(parameters)
