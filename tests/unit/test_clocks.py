"""Channels with a clock of their own: what is said in seconds, and what it comes to in the chip's cycles."""

import math

import pytest
from machines import machine

from accelsim import load_hardware
from accelsim.descriptions import dump, parse_text, vary
from accelsim.descriptions.description import check
from accelsim.errors import DescriptionError
from accelsim.hardware import Hardware
from accelsim.hardware.memory import Bandwidth
from accelsim.report.tables.machines import hardware_report
from accelsim.report.text.table import Style
from accelsim.search.explain import explain_network

FILE = """\
name: npu
clock_mhz: 500
pe_array: {rows: 8, columns: 8}
memories:
- name: dram
  bandwidth: {bytes_per_second: 5.0e+8}
  latency_seconds: 1.28e-7
- name: sram
  size_bytes: 65536
"""


def described(text):
    return check(parse_text(text, "npu.yaml"), Hardware)


def refused(old, new):
    assert old in FILE
    with pytest.raises(DescriptionError) as error:
        described(FILE.replace(old, new))
    return error.value.lines


def test_seconds_are_cycles_of_the_chip_s_clock():
    (channel,) = described(FILE).channels
    assert (channel.bytes_per_cycle, channel.latency_cycles) == (1.0, 64)


@pytest.mark.parametrize(
    ("nanoseconds", "megahertz", "cycles"),
    [(128, 500, 64), (128.1, 500, 65), (0, 500, 0), (100, 1000, 100), (1, 1, 1), (70, 100, 7), (0.1, 10, 1)],
)
def test_a_latency_is_rounded_up_to_whole_cycles_but_not_by_noise(nanoseconds, megahertz, cycles):
    changes = {"memories.dram.latency_seconds": nanoseconds * 1e-9, "clock_mhz": megahertz}
    assert machine(**changes).channels[0].latency_cycles == cycles


@pytest.mark.parametrize(
    ("bytes_per_second", "megahertz", "size_bytes", "cycles"),
    [
        (7e8, 1000, 21, 30),
        (7e8, 1000, 22, 32),
        (2.3e8, 333.3, 230, 334),
        (1e8, 3000, 7, 210),
        (8e8, 1000, 4, 5),
    ],
)
def test_bytes_take_no_cycle_more_because_a_bandwidth_is_no_sum_of_powers_of_two(
    bytes_per_second, megahertz, size_bytes, cycles
):
    changes = {"memories.dram.bandwidth.bytes_per_second": bytes_per_second, "clock_mhz": megahertz}
    assert math.ceil(size_bytes / machine(**changes).channels[0].bytes_per_cycle) == cycles


@pytest.mark.parametrize("tenths", range(1, 60))
def test_multiples_of_a_bandwidth_in_cycles_take_whole_cycles(tenths):
    in_cycles = Bandwidth(bytes_per_cycle=tenths / 10).per_cycle(clock_mhz=1000)
    in_seconds = Bandwidth(bytes_per_second=tenths * 1e8).per_cycle(clock_mhz=1000)
    assert in_cycles == in_seconds == pytest.approx(tenths / 10)
    assert all(math.ceil(tenths * times / in_cycles) == 10 * times for times in range(1, 2000))


def test_a_channel_s_own_clock_stays_where_the_chip_s_changes():
    doubled = vary(described(FILE), clock_mhz=1000)
    assert (doubled.channels[0].bytes_per_cycle, doubled.channels[0].latency_cycles) == (0.5, 128)
    in_cycles = vary(machine(), clock_mhz=2000)
    assert in_cycles.channels == machine().channels


def test_a_key_takes_the_place_of_the_one_that_says_the_same():
    in_seconds = vary(
        load_hardware("16x16_128k"),
        **{"memories.dram.bandwidth.bytes_per_second": 8e9, "memories.dram.latency_seconds": 2e-7},
    )
    assert in_seconds.memories[0].bandwidth.bytes_per_cycle is None
    assert in_seconds.channels[0].bytes_per_cycle == 8
    assert in_seconds.channels[0].latency_cycles == 200
    again = vary(in_seconds, **{"dram.bandwidth_bytes_per_cycle": 4, "dram.latency_cycles": 10})
    assert again.memories[0].bandwidth.bytes_per_second is None
    assert (again.channels[0].bytes_per_cycle, again.channels[0].latency_cycles) == (4, 10)


def test_ports_and_lanes_take_each_other_s_place():
    wide = {"rows": {"words_in": 2, "words_out": 0}, "columns": {"words_in": 1, "words_out": 3}}
    said = load_hardware("16x16_128k")
    otherwise = vary(said, **{"vector_unit.lanes": 8, "pe_array.ports": wide})
    assert (otherwise.vector_unit.lanes_per_column, otherwise.vector_lanes) == (None, 8)
    assert otherwise.pe_array.port_words_per_column is None
    assert otherwise.pe_array.words_in("rows") == 2
    again = vary(otherwise, **{"vector_unit.lanes_per_column": 2, "pe_array.port_words_per_column": 4})
    assert (again.vector_unit.lanes, again.vector_lanes) == (None, 32)
    assert (again.pe_array.ports, again.pe_array.words_in("rows")) == (None, 4)
    wider = vary(otherwise, **{"pe_array.ports.rows.words_in": 5})
    assert wider.pe_array.words_in("rows") == 5
    with pytest.raises(DescriptionError, match=r"must not be set together with vector_unit\.lanes: both say"):
        vary(said, **{"vector_unit.lanes": 8, "vector_unit.lanes_per_column": 1})


def test_null_takes_no_other_key_s_place():
    said = load_hardware("16x16_128k")
    nulls = ["vector_unit.lanes", "pe_array.ports", "memories.dram.latency_seconds"]
    assert vary(said, **dict.fromkeys(nulls)) == said
    both = {"vector_unit.lanes": 8, "vector_unit.lanes_per_column": None}
    assert vary(said, **both) == vary(said, **{"vector_unit.lanes": 8})


def test_both_keys_at_once_are_refused():
    keys = "memories.dram.latency_seconds", "memories.dram.latency_cycles"
    with pytest.raises(DescriptionError) as error:
        vary(described(FILE), **{keys[0]: 1e-7, keys[1]: 50})
    sentence = "must not be set together with"
    assert sorted(error.value.lines) == sorted(
        [
            f"npu: {keys[0]} = 1e-07: {sentence} {keys[1]}: both say the same",
            f"npu: {keys[1]} = 50: {sentence} {keys[0]}: both say the same",
        ]
    )


def test_a_machine_in_seconds_reads_back_as_it_was():
    assert described(dump(described(FILE))) == described(FILE)


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        (
            "{bytes_per_second: 5.0e+8}",
            "{bytes_per_second: 5.0e+8, bytes_per_cycle: 1}",
            'memories.0.bandwidth = {"bytes_per_second": 500000000.0, "bytes_per_cycle": 1}: '
            "must give either bytes_per_cycle or bytes_per_second",
        ),
        (
            "{bytes_per_second: 5.0e+8}",
            "{}",
            "memories.0.bandwidth = {}: must give either bytes_per_cycle or bytes_per_second",
        ),
        (
            "latency_seconds: 1.28e-7",
            "latency_seconds: 1.28e-7\n  latency_cycles: 64",
            "memories.0.latency_seconds = 1.28e-07: must be left out: latency_cycles says it in cycles",
        ),
        (
            "latency_seconds: 1.28e-7",
            "latency_seconds: 2",
            "memories.0.latency_seconds = 2: must be a number from 0 to 1",
        ),
        (
            "latency_seconds: 1.28e-7",
            "latency_seconds: 0.5",
            "memories.0.latency_seconds = 0.5: comes to 250000000 cycles of 500 MHz: must come to at most "
            "1000000",
        ),
        (
            "bytes_per_second: 5.0e+8",
            "bytes_per_second: 1",
            "memories.0.bandwidth.bytes_per_second = 1: comes to 2e-09 bytes in a cycle of 500 MHz: must "
            "come to from 1e-06 to 1e+06",
        ),
        (
            "  size_bytes: 65536",
            "  size_bytes: 65536\n  latency_seconds: 1.0e-9",
            "memories.1.latency_seconds = 1e-09: must be left out: only memories off chip, which have no "
            "size, have a channel, and one before this that keeps tensors",
        ),
    ],
)
def test_a_clock_that_cannot_be_is_one_line(old, new, line):
    (said,) = refused(old, new)
    assert said.split(": ", 1)[1] == line


def test_a_machine_s_report_says_seconds_and_cycles():
    report = hardware_report(described(FILE), Style())
    assert "500 MB/s: 1 B a cycle, latency 64 cycles" in report
    assert "memories.dram.bandwidth.bytes_per_second = 500000000.0" in report
    assert "a cycle" not in hardware_report(machine(), Style())


def test_more_bandwidth_and_less_latency_keep_the_unit_of_the_file():
    npu = described(FILE)
    remedies = {outcome.remedy.name: outcome.remedy for outcome in explained(npu)}
    faster, sooner = remedies["bandwidth"].hardware, remedies["latency"].hardware
    assert faster.memories[0].bandwidth.bytes_per_second == 1e9
    assert sooner.memories[0].latency_cycles is None
    assert sooner.channels[0].latency_cycles == 32


def explained(hardware):
    return explain_network("mlperf_tiny_ic", hardware, layers=0).outcomes
