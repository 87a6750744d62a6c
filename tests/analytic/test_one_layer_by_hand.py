"""One layer on a 16 x 16 array: cycles and counts as derived by hand, in the comments.

The machine is the one of tests/machines.py: 16 words a cycle into the array, accumulators for 256 pixels
below each column, partial sums of 8 output channels in each PE, no zero weights unless a test says so.
"""

import math
from dataclasses import replace

from machines import BUFFER, DRAM, conv, fully_connected, machine, mapped, with_pooling

from accelsim.hardware import Operand
from accelsim.mapping.banks import bank_demand
from accelsim.mapping.tile import whole_image

A_PICTURE = (16, 16)
PIXELS = 256


def cycles_of(layer, dataflow, hardware=None, **tile):
    return mapped(layer, dataflow, hardware or machine(), **tile).totals.array_cycles


def counts_of(layer, dataflow, hardware=None, **tile):
    return mapped(layer, dataflow, hardware or machine(), **tile).totals.counts


def test_a_square_of_weights_is_loaded_once_and_every_pixel_streams_past_it():
    layer = conv(16, 16, A_PICTURE)
    counts = counts_of(layer, "weight_stationary")
    assert cycles_of(layer, "weight_stationary") == 16 + PIXELS  # 16 rows of weights, then a pixel a cycle
    assert counts.macs == 16 * 16 * PIXELS
    assert counts.read_bytes(BUFFER) == 2 * (16 * PIXELS + 16 * 16)  # each input and weight once
    # 256 weights into registers, one read for each product; one accumulation (a write) for each output.
    assert counts.register_file_bytes == 2 * (256 + 256 * PIXELS) + 4 * 16 * PIXELS


def test_a_three_channel_stem_fills_3_of_16_rows_when_weights_are_stationary():
    stem = conv(16, 3, (18, 18), kernel=(3, 3))
    cycles = cycles_of(stem, "weight_stationary")
    assert cycles == 3 + 9 * PIXELS  # 3 rows are loaded; nine taps, each a pass over all pixels
    assert stem.macs / (256 * (cycles - 3)) == 3 / 16


def test_a_three_channel_stem_fills_the_array_when_outputs_are_stationary():
    stem = conv(16, 3, (18, 18), kernel=(3, 3))
    # 18 x 18 inputs of one channel enter in ceil(324 / 16) = 21 cycles; those of 3 channels for 2 sets of 8
    # output channels in ceil(1944 / 16) = 122, behind 16 * 3 * 9 = 432 weights; 16 channels of 16 rows drain
    # in 256.
    assert cycles_of(stem, "output_stationary") == 21 + max(122, 432) + 256
    assert counts_of(stem, "output_stationary").macs == stem.macs


def test_zero_weights_take_no_cycle():
    stem = conv(16, 3, (18, 18), kernel=(3, 3))
    pruned = machine(**{"pe_array.output_stationary.weight_density": 0.6})
    broadcast = math.ceil(432 * 0.6)  # 259.2 weights: 260
    assert cycles_of(stem, "output_stationary", pruned) == 21 + broadcast + 256
    assert counts_of(stem, "output_stationary", pruned).macs == broadcast * PIXELS
    assert counts_of(stem, "weight_stationary", pruned).macs == stem.macs  # nobody skips them here


def test_a_depthwise_layer_leaves_one_pe_busy_when_weights_are_stationary():
    depthwise = conv(1, 1, A_PICTURE, G=32, kernel=(3, 3), padding=(1, 1, 1, 1))
    cycles = cycles_of(depthwise, "weight_stationary")
    assert cycles == 1 + 32 * 9 * PIXELS
    assert depthwise.macs / (256 * (cycles - 1)) == 1 / 256


def test_a_depthwise_layer_waits_for_its_inputs_when_outputs_are_stationary():
    depthwise = conv(1, 1, A_PICTURE, G=32, kernel=(3, 3), padding=(1, 1, 1, 1))
    # 32 channels of 18 x 18 inputs take 648 cycles, their 288 weights only 288; 32 x 16 rows drain in 512.
    assert cycles_of(depthwise, "output_stationary") == 21 + max(648, 288) + 512


def test_groups_are_one_pass_each():
    grouped = conv(16, 16, A_PICTURE, G=4)
    assert cycles_of(grouped, "weight_stationary") == 16 + 4 * PIXELS
    assert counts_of(grouped, "weight_stationary").macs == 4 * 16 * 16 * PIXELS


def test_1000_filters_on_16_columns_are_63_folds():
    assert cycles_of(conv(1000, 16, A_PICTURE), "weight_stationary", k=1000) == 16 + 63 * PIXELS


def test_more_pixels_than_accumulators_bring_the_weights_again():
    layer = conv(16, 16, (20, 20))
    # 400 pixels are 256 and 144: two loads of the same weights, the second behind the first pixels.
    assert cycles_of(layer, "weight_stationary") == 16 + 256 + 144
    assert counts_of(layer, "weight_stationary").read_bytes(BUFFER) == 2 * (16 * 400 + 2 * 256)


def test_partial_sums_go_to_the_buffer_and_back_where_the_input_channels_are_cut():
    counts = counts_of(conv(16, 32, A_PICTURE), "weight_stationary", c=16)
    partial_sums = 4 * 16 * PIXELS  # bytes, at 32 bits
    assert counts.read_bytes(BUFFER) == 2 * (32 * PIXELS + 2 * 256) + partial_sums
    assert counts.written_bytes(BUFFER) == partial_sums + 2 * 16 * PIXELS


def test_a_kernel_that_is_cut_into_its_rows_is_three_visits_to_the_same_outputs():
    layer = conv(16, 16, (18, 18), kernel=(3, 3), bias=True)
    mapping = mapped(layer, "weight_stationary", machine(), fy=1)
    # Three taps a visit, each a pass over all pixels behind 16 rows of weights.
    assert [step.array_cycles for step in mapping.steps()] == 3 * [16 + 3 * PIXELS]
    # A row of taps reads 16 of the 18 rows of inputs; the offsets come with the first.
    inputs, weights, offsets = 2 * 16 * 16 * 18, 2 * 16 * 16 * 3, 2 * 16
    assert [step.loads for step in mapping.steps()] == [
        {Operand.WEIGHTS: weights + offsets, Operand.INPUTS: inputs},
        {Operand.WEIGHTS: weights, Operand.INPUTS: inputs},
        {Operand.WEIGHTS: weights, Operand.INPUTS: inputs},
    ]
    partial_sums = 4 * 16 * PIXELS  # bytes, at 32 bits
    assert [step.takes for step in mapping.steps()] == [{Operand.OUTPUTS: partial_sums}, {}, {}]
    counts = mapping.totals.counts
    assert counts.read_bytes(BUFFER) == 3 * (2 * 3 * 16 * PIXELS + weights) + 2 * partial_sums
    assert counts.written_bytes(BUFFER) == 2 * partial_sums + 2 * 16 * PIXELS
    assert counts.macs == layer.macs
    # Registers: weights written, and read for each product; sums read and written but for the first.
    sums = 2 * 16 * PIXELS * 9 - 16 * PIXELS
    assert counts.register_file_bytes == 2 * (layer.weights + layer.macs) + 4 * sums


def test_a_tap_at_the_edge_of_a_padded_picture_reads_a_row_less():
    layer = conv(16, 16, A_PICTURE, kernel=(3, 3), padding=(1, 1, 1, 1))
    mapping = mapped(layer, "output_stationary", machine(), fy=1, fx=1)
    rows, columns = (15, 16, 15), (15, 16, 15)
    loaded = [2 * 16 * height * width for height in rows for width in columns]
    assert [step.loads[Operand.INPUTS] for step in mapping.steps()] == loaded
    # A block of 16 x 16 pixels has no halo: 16 inputs a cycle, of 16 channels for 2 sets of 8 filters, before
    # 256 weights; 256 cycles drain the sums, and as many bring them back.
    first = 16 + max(2 * 16 * 16, 256) + 256
    assert [step.array_cycles for step in mapping.steps()] == [first, *8 * [first + 256]]
    assert mapping.totals.counts.inter_pe_bytes == 0  # nothing moves on to a next tap


def test_images_in_a_tile_share_its_weights():
    layer = conv(32, 16, (10, 10), kernel=(3, 3))  # 8 x 8 outputs
    inputs, weights, outputs = 2 * 16 * 100, 2 * 32 * 16 * 9, 2 * 32 * 64
    one, two = (
        mapped(layer, "weight_stationary", machine(), batch=4, k=16, order="filters_outer", n=n).totals
        for n in (1, 2)
    )
    assert one.counts.read_bytes(DRAM) == 4 * (inputs + weights)
    assert two.counts.read_bytes(DRAM) == 4 * inputs + 2 * weights
    assert one.counts.written_bytes(DRAM) == two.counts.written_bytes(DRAM) == 4 * outputs
    # Nine taps, each a pass over the pixels of one image or of two.
    assert one.array_cycles == 4 * 2 * (16 + 9 * 64)
    assert two.array_cycles == 2 * 2 * (16 + 9 * 128)
    assert two.counts.read_bytes(BUFFER) == one.counts.read_bytes(BUFFER) - 2 * weights


def test_a_block_of_outputs_is_of_one_image():
    layer = conv(8, 16, (10, 10), kernel=(3, 3))
    one, two = (mapped(layer, "output_stationary", machine(), batch=2, n=n).totals for n in (1, 2))
    # 10 x 10 inputs of a block: 7 cycles until the first is there; all 16 channels take 100 cycles, the
    # 8 * 16 * 9 weights 1152; 8 filters of 8 rows drain in 64.
    assert one.array_cycles == 2 * (7 + 1152 + 64)
    assert two.array_cycles == 7 + 2 * 1152 + 2 * 64
    assert two.counts.macs == 2 * layer.macs


def test_inputs_are_read_for_every_tile_of_filters_where_filters_are_outer():
    layer = conv(64, 16, A_PICTURE)
    inputs, weights, outputs = 2 * 16 * PIXELS, 2 * 64 * 16, 2 * 64 * PIXELS
    outer_filters = counts_of(layer, "weight_stationary", k=16, y=8, order="filters_outer")
    assert outer_filters.read_bytes(DRAM) == 4 * inputs + weights
    outer_pixels = counts_of(layer, "weight_stationary", k=16, y=8, order="pixels_outer")
    assert outer_pixels.read_bytes(DRAM) == inputs + 2 * weights
    assert outer_filters.written_bytes(DRAM) == outer_pixels.written_bytes(DRAM) == outputs


def test_a_halo_is_read_by_both_tiles_that_need_it():
    layer = conv(16, 16, A_PICTURE, kernel=(3, 3), padding=(1, 1, 1, 1))
    # Two tiles of 8 rows read 9 rows each: padding above the first and below the second is not in DRAM.
    counts = counts_of(layer, "output_stationary", y=8)
    assert counts.read_bytes(DRAM) == 2 * (16 * 2 * 9 * 16) + 2 * 2 * 16 * 16 * 9 - 2 * 16 * 16 * 9


def test_pooling_stores_its_results_only():
    pooled = with_pooling(conv(16, 16, A_PICTURE), 3, 2)
    counts = counts_of(pooled, "weight_stationary")
    assert counts.written_bytes(DRAM) == 2 * 16 * 7 * 7
    assert counts.vector_ops == 16 * 7 * 7 * 9


def test_a_batch_of_a_fully_connected_layer_reads_its_weights_once():
    counts = counts_of(fully_connected(16, 512), "weight_stationary", batch=4)
    assert counts.read_bytes(DRAM) == 2 * (16 * 512 + 4 * 512)
    assert counts.macs == 4 * 16 * 512


def test_a_pruned_layer_moves_its_weights_that_are_left_and_where_they_are():
    layer = replace(conv(16, 16, A_PICTURE, bias=True), weight_density=0.3, weight_bits=6)
    index = machine(**{"precision.pruned_index_bits": 4})
    kept = 77  # 256 * 0.3 = 76.8
    weights = math.ceil(kept * (6 + 4) / 8)  # 97 bytes where 256 weights of 16 bits are 512
    offsets = 16 * 6 // 8
    assert bank_demand(layer, index, whole_image(layer), 16, 16, 0)["weights"] == weights + offsets

    stationary = counts_of(layer, "weight_stationary", index)
    assert stationary.read_bytes(DRAM) == weights + offsets + 2 * 16 * PIXELS
    assert stationary.read_bytes(BUFFER) == weights + 2 * 16 * PIXELS  # once: the pixels are one chunk
    assert stationary.macs == layer.macs  # zeros are multiplied, as in a dense layer
    assert cycles_of(layer, "weight_stationary", index) == 16 + PIXELS
    # In the registers, and at each product, there are all weights, of 6 bits.
    assert stationary.register_file_bytes == 6 * (256 + 256 * PIXELS) // 8 + 4 * 16 * PIXELS

    skipping = counts_of(layer, "output_stationary", index)
    assert skipping.read_bytes(DRAM) == stationary.read_bytes(DRAM)
    assert skipping.macs == kept * PIXELS
    assert skipping.register_file_bytes == 2 * 4 * kept * PIXELS
    # 16 inputs of 16 x 16 enter 16 words a cycle, for 2 sets of 8 output channels; 77 weights hide behind.
    assert cycles_of(layer, "output_stationary", index) == 16 + max(16 * 16 * 2, kept) + 16 * 16
    assert skipping.read_bytes(BUFFER) == weights + 2 * 2 * 16 * PIXELS


def test_zeros_that_are_no_fewer_bytes_to_leave_out_are_kept():
    half = replace(conv(16, 16, A_PICTURE), weight_density=0.5, weight_bits=6)
    index = machine(**{"precision.pruned_index_bits": 8})
    dense = 256 * 6 // 8  # 192 bytes, where 128 weights of 6 + 8 bits would be 224
    counts = counts_of(half, "output_stationary", index)
    assert counts.read_bytes(DRAM) == dense + 2 * 16 * PIXELS
    assert counts.macs == 128 * PIXELS  # they are skipped all the same


def test_narrow_activations_and_partial_sums_take_their_own_bytes():
    narrow = replace(conv(16, 32, A_PICTURE), activation_bits=4, partial_sum_bits=24)
    counts = counts_of(narrow, "weight_stationary", c=16)
    inputs, outputs, partial_sums = 32 * PIXELS // 2, 16 * PIXELS // 2, 3 * 16 * PIXELS
    assert counts.read_bytes(DRAM) == inputs + 2 * 16 * 32
    assert counts.written_bytes(DRAM) == outputs
    assert counts.read_bytes(BUFFER) == inputs + 2 * 2 * 256 + partial_sums
    assert counts.written_bytes(BUFFER) == partial_sums + outputs
