"""Machines whose engines have rules of their own: what their files say, and what is refused."""

import pytest

from accelsim.errors import DescriptionError
from accelsim.hardware import Operand, load_hardware

GEMMINI = """\
name: machine
pe_array: {rows: 8, columns: 8}
control: {cycles_per_tile: 150, tiles_in_flight: 2, completion_cycles: 12}
memories:
- name: dram
  read: {bytes_per_second: 8.0e+9, latency_seconds: 3.0e-8}
  write: {bytes_per_cycle: 4}
- name: sram
  size_bytes: 65536
  holds: [inputs, weights, residual]
- {name: sums, size_bytes: 16384, holds: [outputs]}
"""
EYERISS = """\
name: machine
pe_array: {rows: 8, columns: 8}
memories:
- {name: dram, bandwidth: {bytes_per_cycle: 8}}
- name: sram
  size_bytes: 65536
  holds: [inputs, outputs, residual]
  stops_array: [inputs, outputs]
"""
POOL = "  banks: pool\n  keeps: [activations]\n"


def load(tmp_path, text):
    file = tmp_path / "m.yaml"
    file.write_text(text)
    return load_hardware(file)


def test_two_ways_are_two_channels_of_what_is_loaded_and_what_is_stored(tmp_path):
    loaded, stored = load(tmp_path, GEMMINI).channels
    assert (loaded.name, loaded.bytes_per_cycle, loaded.latency_cycles) == ("dram.read", 8, 30)
    assert (stored.name, stored.bytes_per_cycle, stored.latency_cycles) == ("dram.write", 4, 100)
    assert stored.operands == {Operand.OUTPUTS}
    assert loaded.operands == set(Operand) - stored.operands
    assert loaded.memory == stored.memory == "dram"


def test_a_latency_that_a_way_leaves_out_is_said_to_be_the_default(tmp_path):
    hardware = load(tmp_path, GEMMINI)
    assert "memories.dram.write.latency_cycles" in hardware.assumed
    assert "memories.dram.read.latency_cycles" not in hardware.assumed
    assert "memories.dram.latency_cycles" not in hardware.assumed
    assert hardware.off_chip[0].write.latency_cycles == 100


def test_what_an_operand_moves_over_both_ways_together(tmp_path):
    hardware = load(tmp_path, GEMMINI)
    assert hardware.bytes_per_cycle_off_chip == 12
    assert hardware.homes == {"dram": ("inputs", "weights", "outputs", "residual")}


def test_weights_may_stream_past_all_memories_on_chip(tmp_path):
    hardware = load(tmp_path, EYERISS)
    assert Operand.WEIGHTS not in hardware.bank_of
    assert not hardware.is_plain


def test_a_plain_machine_has_no_such_rules():
    assert load_hardware("16x16_128k").is_plain


@pytest.mark.parametrize(
    ("text", "old", "new", "line"),
    [
        (
            GEMMINI,
            "  write: {bytes_per_cycle: 4}\n",
            "",
            "5: memories.0.write: missing, must be a mapping with the key bytes_per_cycle or "
            "bytes_per_second: the other way is said",
        ),
        (
            GEMMINI,
            "  write",
            "  latency_cycles: 4\n  write",
            "7: memories.0.latency_cycles = 4: must be left out: read and write say it, each of one way",
        ),
        (
            GEMMINI,
            "  write",
            "  bandwidth: {bytes_per_cycle: 4}\n  write",
            '7: memories.0.bandwidth = {"bytes_per_cycle": 4}: must be left out: read and write say it, '
            "each of one way",
        ),
        (
            GEMMINI,
            "latency_seconds: 3.0e-8",
            "latency_seconds: 3.0e-8, latency_cycles: 30",
            "6: memories.0.read.latency_seconds = 3e-08: must be left out: latency_cycles says it in cycles",
        ),
        (
            GEMMINI,
            "tiles_in_flight: 2, ",
            "",
            "3: control.completion_cycles = 12: must be left out: nobody waits for what is done where "
            "tiles_in_flight is left out",
        ),
        (
            GEMMINI,
            "size_bytes: 65536\n",
            "size_bytes: 65536\n  read: {bytes_per_cycle: 4}\n",
            '10: memories.1.read = {"bytes_per_cycle": 4}: must be left out: only memories off chip, which '
            "have no size, have a channel, and one before this that keeps tensors",
        ),
        (
            EYERISS,
            "[inputs, outputs]\n",
            "[inputs, inputs]\n",
            '8: memories.1.stops_array = ["inputs", "inputs"]: must name each operand once',
        ),
        (
            EYERISS,
            "stops_array: [inputs, outputs]",
            "stops_array: [weights]",
            '8: memories.1.stops_array = ["weights"]: must not name weights: the memory does not hold them',
        ),
        (
            EYERISS,
            "{name: dram,",
            "{name: dram, stops_array: [inputs],",
            '4: memories.0.stops_array = ["inputs"]: must be left out: it is said of the memory on chip that '
            "operands move to and from",
        ),
        (
            EYERISS.replace("  stops_array: [inputs, outputs]\n", ""),
            "  size_bytes: 65536\n",
            f"  size_bytes: 65536\n{POOL}",
            '9: memories.1.holds = ["inputs", "outputs", "residual"]: no memory on chip holds the weights: '
            "must be held by one of sram, since sram keeps tensors",
        ),
        (
            EYERISS.replace("outputs, residual", "outputs, residual, weights"),
            "  size_bytes: 65536\n",
            f"  size_bytes: 65536\n{POOL}",
            '10: memories.1.stops_array = ["inputs", "outputs"]: must be left out: sram keeps tensors, and '
            "no machine with such a memory has that here",
        ),
        (
            EYERISS.replace("outputs, residual", "outputs, residual, weights")
            .replace("  stops_array: [inputs, outputs]\n", "")
            .replace("memories:", "control: {cycles_per_tile: 1}\nmemories:"),
            "  size_bytes: 65536\n",
            f"  size_bytes: 65536\n{POOL}",
            '3: control = {"cycles_per_tile": 1}: must be left out: sram keeps tensors, and no machine here '
            "has both",
        ),
    ],
)
def test_what_no_machine_here_has_is_refused_with_its_place(tmp_path, text, old, new, line):
    assert text.count(old) == 1
    with pytest.raises(DescriptionError) as error:
        load(tmp_path, text.replace(old, new))
    assert [said.removeprefix(f"{tmp_path / 'm.yaml'}:") for said in error.value.lines] == [line]


def test_a_clock_of_a_way_may_not_make_it_too_fast(tmp_path):
    with pytest.raises(DescriptionError) as error:
        load(tmp_path, GEMMINI.replace("8.0e+9", "8.0e+16"))
    (line,) = error.value.lines
    assert "memories.0.read.bytes_per_second = 8e+16: comes to 8e+07 bytes in a cycle of 1000 MHz" in line


def test_beats_of_a_cache_are_no_wider_than_its_channel(tmp_path):
    cached = "{bytes_per_cycle: 8}, cache: {size_bytes: 4096}}"
    text = EYERISS.replace("{bytes_per_cycle: 8}}", cached)
    with pytest.raises(DescriptionError) as error:
        load(tmp_path, text)
    (line,) = error.value.lines
    assert "must be at most the 8 bytes that the channel moves in a cycle" in line
    assert not load(tmp_path, text.replace("4096", "4096, beat_bytes: 8")).is_plain
