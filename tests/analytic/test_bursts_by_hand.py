"""Bursts by hand: what memories move that move whole bursts, here of 64 bytes, for elements of 2 bytes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from machines import DRAM, conv, layer_of, machine, mapped, schedule, step, with_gate, with_shortcut

from accelsim.hardware import Access, Direction, Operand
from accelsim.hardware.memory import Channel
from accelsim.mapping.bursts import Box, bursts_of_box
from accelsim.simulation import simulate, simulate_events

PICTURE = conv(16, 16, (8, 8))


def bursting(layout="nhwc", **changes):
    return machine(**{"memories.dram.burst_bytes": 64, "memories.dram.layout": layout, **changes})


def moved(counts, operand):
    """Bytes of use that are moved for an operand, and those beside them."""
    read, write, overfetch, masked = (
        counts.accesses.get(Access("dram", operand, direction), 0)
        for direction in (Direction.READ, Direction.WRITE, Direction.OVERFETCH, Direction.MASKED)
    )
    return read + write, overfetch + masked


@pytest.mark.parametrize(
    ("layout", "tile", "bursts"),
    [
        ("nhwc", {}, 8 * 4),  # 8 rows of 8 pixels x 16 channels, 256 bytes each
        ("nchw", {}, 16 * 8),  # 16 channels of 8 rows of 16 bytes, a burst each
        ("nhwc", {"x": 2}, 4 * 8),  # four tiles of rows of 2 pixels, 64 bytes
        ("nchw", {"x": 2}, 4 * 16 * 8),  # 4 bytes in each burst
        ("nhwc", {"c": 8}, 2 * 64),  # half of the channels of each pixel, 16 bytes
        ("nchw", {"c": 8}, 16 * 8),  # it does not matter which channels come together
    ],
)
def test_inputs_come_in_as_many_bursts_as_their_runs_take(layout, tile, bursts):
    counts = mapped(PICTURE, "weight_stationary", bursting(layout), **tile).totals.counts
    assert moved(counts, Operand.INPUTS) == (2048, 64 * bursts - 2048)


@pytest.mark.parametrize(("layout", "bursts"), [("nhwc", 4 * 64), ("nchw", 16 * 8)])
def test_outputs_of_some_channels_are_scattered_where_channels_are_innermost(layout, bursts):
    counts = mapped(PICTURE, "weight_stationary", bursting(layout), k=4).totals.counts
    assert moved(counts, Operand.OUTPUTS) == (2048, 64 * bursts - 2048)
    assert counts.written_bytes(DRAM) == 2048
    assert counts.moved_in_bytes(DRAM) == 64 * bursts


def test_weights_of_a_tile_are_one_run_with_their_offsets():
    layer = conv(16, 16, (8, 8), bias=True)
    counts = mapped(layer, "weight_stationary", bursting(), k=4).totals.counts
    # Four tiles of 64 weights and 4 offsets: 136 bytes, three bursts.
    assert moved(counts, Operand.WEIGHTS) == (4 * 136, 4 * (192 - 136))


def test_residuals_and_factors_have_runs_of_their_own():
    with_second_operand = mapped(with_shortcut(PICTURE), "weight_stationary", bursting(), k=8).totals.counts
    assert moved(with_second_operand, Operand.RESIDUAL) == (2048, 2 * 64 * 64 - 2048)  # 16 bytes of a pixel
    gated = mapped(with_gate(PICTURE), "weight_stationary", bursting(), k=8).totals.counts
    assert moved(gated, Operand.RESIDUAL) == (32, 2 * 64 - 32)  # a factor for each of 8 channels, twice


def test_the_channel_streams_whole_bursts_and_energy_pays_for_them():
    plain = mapped(PICTURE, "weight_stationary", machine(), c=8)
    hardware = bursting()
    mapping = mapped(PICTURE, "weight_stationary", hardware, c=8)
    on_both = [
        engine(schedule(mapping), hardware).layers[0].dram_busy_cycles
        for engine in (simulate, simulate_events)
    ]
    bandwidth = hardware.channels[0].bytes_per_cycle
    beside = sum(moved(mapping.totals.counts, operand)[1] for operand in Operand)
    assert on_both[0] == on_both[1]
    assert on_both[0] * bandwidth == plain.totals.counts.moved_out_bytes(DRAM) + beside + 2048


def test_a_step_without_bursts_moves_what_it_loads():
    plain = step(inputs=40, store=30)
    assert (plain.moved_loads, plain.moved_stores) == (plain.loads, plain.stores)
    assert layer_of(plain).totals.counts.moved_out_bytes(DRAM) == 40


@given(
    st.sampled_from(["nhwc", "nchw"]),
    st.integers(1, 128),
    st.integers(1, 32),
    st.tuples(st.integers(1, 40), st.integers(1, 40), st.integers(0, 9), st.integers(1, 40)),
)
def test_no_burst_is_spared_and_none_moved_for_nothing(layout, burst_bytes, bits, sizes):
    """At least what is of use, and less than a burst more for each run."""
    some, others, rows, columns = sizes
    channel = Channel("dram", frozenset(Operand), 1.0, 0, 1, burst_bytes, layout)
    box = Box(some, some + others - 1, rows, columns)
    bursts = bursts_of_box(box, bits, channel)
    of_use = some * rows * columns * bits
    runs = rows * (some if layout == "nchw" else 1 if others == 1 else columns)
    assert of_use <= 8 * burst_bytes * bursts < of_use + 8 * burst_bytes * max(runs, 1)


def test_some_channels_of_several_groups_are_runs_of_their_own():
    grouped = conv(4, 4, (8, 8), G=2)
    counts = mapped(grouped, "weight_stationary", bursting(), g=2, k=2).totals.counts
    # Twice two of four channels of each of two groups: 4 bytes a run, two runs a pixel, 2 x 2 x 64 bursts.
    assert moved(counts, Operand.OUTPUTS) == (1024, 64 * 256 - 1024)
