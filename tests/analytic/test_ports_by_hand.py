"""Ports of other widths, and block registers: cycles and counts as derived by hand, in the comments.

The array is that of tests/machines.py: 16 x 16 PEs, accumulators for 256 pixels below each column, partial
sums of 8 output channels in each PE, words of 2 bytes.
"""

import pytest
from machines import conv, machine, mapped, with_activation, with_ports

from accelsim.descriptions import vary

STEM = conv(16, 3, (18, 18), kernel=(3, 3))
"""16 x 16 outputs of 16 channels: a block of the array, in 2 sets of 8 channels, 16 * 3 * 9 = 432 weights. Of
each of 3 channels 18 x 18 = 324 inputs, for each set: 1944."""
SQUARE = conv(16, 16, (16, 16))
"""16 x 16 weights and 256 pixels."""
ALEXNET_CONV1 = conv(96, 3, (227, 227), kernel=(11, 11), stride=(4, 4))
"""55 x 55 outputs."""
REGISTER = "pe_array.output_stationary.block_register"


def cycles_of(layer, dataflow, hardware, **tile):
    return mapped(layer, dataflow, hardware, **tile).totals.array_cycles


@pytest.mark.parametrize(
    ("rows", "columns", "load"),
    [
        ((1, 0), (1, 1), 16),
        ((8, 8), (1, 8), 16),
        ((1, 0), (4, 1), 4),
        ((1, 0), (5, 1), 4),
        ((1, 1), (16, 1), 1),
    ],
)
def test_stationary_weights_come_by_the_columns(rows, columns, load):
    """A column takes 16 weights; only words in of its own port shorten that. Then pixels stream."""
    hardware = with_ports(machine(), rows, columns)
    assert cycles_of(SQUARE, "weight_stationary", hardware) == load + 256


@pytest.mark.parametrize(
    ("rows", "columns", "words"),
    [((1, 0), (1, 1), 16), ((4, 0), (1, 1), 64), ((1, 0), (4, 1), 64), ((4, 0), (3, 1), 64)],
)
def test_blocks_of_inputs_come_by_the_side_that_takes_more_words_in(rows, columns, words):
    hardware = with_ports(machine(), rows, columns)
    first, rest = -(-324 // words), -(-1944 // words)
    # One word a column lets out the sums of 16 rows of 16 channels in 256 cycles.
    assert cycles_of(STEM, "output_stationary", hardware) == first + max(rest, 432) + 256


def test_rows_of_a_tall_array_bring_its_inputs():
    tall = machine(**{"pe_array.rows": 32, "pe_array.columns": 8})
    layer = conv(8, 1, (32, 8))  # an input for each of 32 x 8 outputs: 256, for one set of 8 channels
    # 32 words a cycle by the rows, which are more than the columns: 8 cycles, and all 8 behind 8 weights. The
    # sums of 32 rows of 8 channels leave by the columns.
    assert cycles_of(layer, "output_stationary", tall) == 8 + 8 + 256


@pytest.mark.parametrize(
    ("rows", "columns", "drain"),
    [((1, 0), (1, 4), 64), ((1, 1), (1, 1), 64), ((1, 2), (1, 1), 32), ((1, 3), (1, 16), 16)],
)
def test_sums_leave_by_the_side_that_takes_less_time(rows, columns, drain):
    """Of 16 x 4 outputs of 16 channels a column lets out 256 sums, a row 64."""
    layer = conv(16, 3, (18, 6), kernel=(3, 3))
    hardware = with_ports(machine(), rows, columns)
    # 18 x 6 = 108 inputs, of 3 channels for 2 sets 648: 7 and 41 cycles of 16 words.
    assert cycles_of(layer, "output_stationary", hardware) == 7 + 432 + drain


def test_sums_of_earlier_tiles_come_in_by_the_side_by_which_they_leave():
    """Two tiles of 8 input channels, each of 8 * 16 weights."""
    hardware = with_ports(machine(), (1, 0), (2, 8))
    # 256 inputs of 8 channels for 2 sets, 32 words a cycle: 128 cycles, as many as weights; 8 for the first
    # block. Sums of 16 channels of 16 rows leave in 32 cycles, twice, and come in in 128, once.
    assert cycles_of(SQUARE, "output_stationary", hardware, c=8) == 2 * (8 + 128 + 32) + 128


def test_the_block_of_alexnets_first_layer_takes_20_kilobytes_of_registers():
    """(16 - 1) * 4 + 11 = 71 rows and columns of words of 2 bytes, twice."""
    as_needed = machine()
    held = vary(as_needed, **{REGISTER: {"rows": 71, "columns": 71}})
    assert held.register_file_bytes - as_needed.register_file_bytes == 2 * 71 * 71 * 2
    same = [
        cycles_of(ALEXNET_CONV1, "output_stationary", hardware, y=16, x=16) for hardware in (held, as_needed)
    ]
    assert same[0] == same[1]


def test_a_block_register_that_is_too_small_makes_smaller_blocks():
    # (43 - 11) / 4 + 1 = 9 rows and columns of pixels instead of 16: 55 are 7 blocks instead of 4.
    small = machine(**{REGISTER: {"rows": 43, "columns": 43}})
    # Of the first block, of 8 x 8, 39 x 39 inputs are waited for. 7 blocks load 55 * 4 + 7 * (11 - 4) = 269
    # rows, and as many columns; of 3 channels for 12 sets of 8.
    first, inputs = -(-39 * 39 // 16), -(-269 * 269 * 3 * 12 // 16)
    drain = 96 * 55 * 7  # a row of each of 7 blocks
    broadcast = 49 * 96 * 3 * 121
    assert inputs < broadcast
    assert cycles_of(ALEXNET_CONV1, "output_stationary", small) == first + broadcast + drain


def test_a_window_that_is_larger_than_the_block_register_is_loaded_in_parts():
    small = machine(**{REGISTER: {"rows": 8, "columns": 8}})
    work = mapped(ALEXNET_CONV1, "output_stationary", small).totals
    # A pixel at a time: 11 taps are loaded as 6 and 5, in both directions, first 6 x 6.
    broadcast, drain = 55 * 55 * 96 * 3 * 121, 96 * 55 * 55
    assert work.array_cycles == -(-36 // 16) + broadcast + drain
    # Of 121 taps four begin with what has come from the buffer, and the others with what a neighbour had.
    assert work.counts.inter_pe_bytes == 2 * 55 * 55 * 3 * 12 * (121 - 4)


def test_a_described_block_register_is_written_with_what_is_loaded_and_read_for_each_tap():
    held = machine(**{REGISTER: {"rows": 18, "columns": 18}})
    counts, free = (
        mapped(STEM, "output_stationary", hardware).totals.counts for hardware in (held, machine())
    )
    accesses = 1944 + 256 * 3 * 2 * 9
    assert counts.register_file_bytes - free.register_file_bytes == 2 * accesses


def test_lanes_of_the_machine_stay_where_columns_change():
    layer = with_activation(conv(16, 16, (16, 16)))
    for columns in (8, 16, 32):
        own = machine(**{"pe_array.columns": columns, "vector_unit": {"lanes": 32}})
        of_each_column = machine(**{"pe_array.columns": columns, "vector_unit": {"lanes_per_column": 2}})
        outputs = 16 * 256
        step, other = (
            next(iter(mapped(layer, "weight_stationary", hardware).steps()))
            for hardware in (own, of_each_column)
        )
        assert step.vector_cycles == outputs // 32
        assert other.vector_cycles == outputs // (2 * columns)
