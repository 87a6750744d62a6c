"""What accesses, multiply-accumulates, idle chips and areas cost: laws of size, tables by bits, refusals."""

from dataclasses import replace

import pytest
from machines import conv, machine, with_tensor_memory
from pytest import approx

from accelsim import load_hardware, load_network, run_network
from accelsim.descriptions import dump, parse_text, vary
from accelsim.descriptions.description import check
from accelsim.errors import DescriptionError, MappingError
from accelsim.hardware import Hardware, Operand
from accelsim.mapping.search import map_layer
from accelsim.network.overlay import overlaid
from accelsim.report.tables.machines import hardware_report
from accelsim.report.text.table import Style

FILE = """\
name: npu
precision: {weights_bits: 8, activations_bits: 8}
pe_array: {rows: 8, columns: 8}
memories:
- name: dram
  bandwidth: {bytes_per_cycle: 8}
  energy: {read: 100, write: 100}
- name: sram
  size_bytes: 65536
  energy: {read: 2, write: 3, at_bytes: 16384, exponent: 0.5}
  leakage_mw_per_kib: 0.01
energy: {unit: pJ, mac: {8: 0.25, 32: 3.5}}
power: {idle_mw: 1.5}
area:
  process: 28 nm
  pe_mm2: {8: 0.001, 16: 0.003}
  register_file_mm2_per_kib: 0.01
  global_buffer_mm2_per_kib: {at_bytes: 16384, mm2_per_kib: 0.005, exponent: 0.5}
  rest_mm2: 0.1
  leakage_mw_per_mm2: 0.5
"""


def described(text=FILE):
    return check(parse_text(text, "npu.yaml"), Hardware)


def refused(old, new):
    assert old in FILE
    with pytest.raises(DescriptionError) as error:
        described(FILE.replace(old, new))
    return [line.split(": ", 1)[1] for line in error.value.lines]


def with_overlay(folder, text):
    file = folder / "overlay.yaml"
    file.write_text(f"{text}\n")
    return overlaid(load_network("squeezenet_v1_1"), file)


# --- an access by a law of size


def test_an_access_costs_what_the_law_says_at_the_memory_s_size():
    sram, dram = described().prices.memories
    assert (sram.read, sram.write) == approx((2 * 4**0.5, 3 * 4**0.5))
    assert (dram.read, dram.write) == (100, 100)


def test_a_larger_memory_costs_more_by_the_exponent():
    larger = vary(described(), **{"memories.sram.size_bytes": 4 * 65536})
    assert larger.prices.memories[0].read == approx(2 * 16**0.5)


def test_at_its_own_point_and_with_an_exponent_of_zero_the_price_is_the_file_s():
    at_point = vary(described(), **{"memories.sram.size_bytes": 16384})
    flat = vary(described(), **{"memories.sram.energy.exponent": 0})
    assert at_point.prices.memories[0] == flat.prices.memories[0] == ("sram", 2.0, 3.0)


def test_a_machine_s_report_says_what_the_law_comes_to_at_the_memory_s_size():
    lines = hardware_report(described(), Style()).splitlines()
    assert "sram           64 KiB: 4 pJ a read, 6 pJ a write, of 16 bits" in lines
    alike = vary(described(), **{"memories.sram.energy.write": 2})
    assert "64 KiB: 4 pJ an access of 16 bits" in hardware_report(alike, Style())
    assert "access" not in hardware_report(machine(), Style())


def test_a_machine_s_report_says_how_what_is_outside_moves_and_lies():
    code = {"weights": 0.7, "activations": {}}
    changes = {"memories.dram.burst_bytes": 64, "memories.dram.compress": code}
    report = hardware_report(vary(described(), **changes), Style(200))
    assert (
        "8.00 GB/s: bursts of 64 B, activations in nhwc, weights compressed to 0.7, activations by runs"
        in report
    )
    assert "bursts" not in hardware_report(described(), Style())
    npu = vary(load_hardware("npu_int8_psram"), **{"memories.flash.burst_bytes": 64})
    assert "bursts of 64 B\n" in hardware_report(npu, Style(200))


def test_a_memory_for_tensors_costs_the_same_wherever_a_layer_s_operands_lie():
    law = {"read": 1, "write": 1, "at_bytes": 1024, "exponent": 1}
    levels = vary(with_tensor_memory(machine(), 4096), **{"memories.l2.energy": law})
    placed = levels.with_places({Operand.INPUTS: "l2"})
    assert {price.memory: price.read for price in placed.prices.memories}["l2"] == 4


# --- multiply-accumulates by bits


def test_the_narrowest_multiplier_that_holds_the_wider_operand_counts():
    layer, npu = conv(8, 8, (8, 8)), described()
    costs = {}
    for weights_bits, activations_bits in [(4, 8), (8, 4), (9, 8), (8, 32), (1, 1)]:
        narrow = replace(layer, weight_bits=weights_bits, activation_bits=activations_bits)
        counts = map_layer(narrow, npu).totals.counts
        costs[weights_bits, activations_bits] = npu.prices.of_bits(max(weights_bits, activations_bits))
        assert counts.macs == layer.macs
    assert [prices.mac for prices in costs.values()] == [0.25, 0.25, 3.5, 3.5, 0.25]


def test_a_network_of_layers_of_several_widths_is_the_sum_of_its_layers(tmp_path):
    network = with_overlay(tmp_path, "compression: [{layers: 'fire*', weight_bits: 16}]")
    result = run_network(network, described())
    expected = sum(layer.macs * (3.5 if layer.name.startswith("fire") else 0.25) for layer in result.layers)
    assert result.energy.by_component["mac"] == approx(expected)
    assert sum(layer.energy for layer in result.layers) == approx(result.energy.total)


def test_wider_words_than_any_in_the_table_are_refused_with_the_layer(tmp_path):
    network = with_overlay(tmp_path, "precision: {activations_bits: 40}")
    with pytest.raises(MappingError) as error:
        run_network(network, described())
    assert str(error.value) == (
        "conv1 on npu: multiplies 40 bits, and energy.mac has prices for 8 and 32 bits: "
        "must have one for 40 or more"
    )
    with pytest.raises(MappingError, match="multiplies 40 bits"):
        run_network(network, vary(load_hardware("npu_int8_2m"), **{"memories.sram.size_bytes": 1 << 24}))
    with pytest.raises(MappingError, match="multiplies 40 bits"):
        map_layer(replace(conv(8, 8, (8, 8)), weight_bits=40), described())


def test_bits_of_layers_that_multiply_nothing_are_no_matter():
    table = machine(**{"energy.mac": {16: 1.0}, "precision.activations_bits": 16})
    from_pooling = [layer for layer in run_network("shufflenet_v2", table).layers if not layer.macs]
    assert from_pooling
    assert all(layer.energy_by_component["mac"] == 0 for layer in from_pooling)


@pytest.mark.parametrize(
    ("new", "line"),
    [
        ("{}", "energy.mac = {}: must be a number, or a mapping of bits to numbers that is not empty"),
        ("cheap", "energy.mac = 'cheap': must be a number from 0 to 1000000000 or a mapping"),
        ("{8: -1}", "energy.mac.8 = -1: must be a number from 0 to 1000000000"),
        (
            "{wide: 1}",
            "energy.mac.wide = 1: must be a whole number of bits from 1 to 64, in place of the key",
        ),
        ("{65: 1}", "energy.mac.65 = 1: must be a whole number of bits from 1 to 64, in place of the key"),
        ("{1.5: 1}", "energy.mac.1.5 = 1: must be a whole number of bits from 1 to 64, in place of the key"),
    ],
)
def test_a_table_that_is_none_is_one_line(new, line):
    assert refused("{8: 0.25, 32: 3.5}", new) == [line]


# --- power


def test_static_power_is_idle_power_and_leakage_of_memories_and_area():
    npu = described()
    sram_mm2 = 16 * 0.005 * 4**0.5
    assert npu.static_power_mw == approx(1.5 + 64 * 0.01 + 0.5 * (npu.area_mm2 - sram_mm2))
    of_area_alone = vary(npu, **{"memories.sram.leakage_mw_per_kib": None})
    assert of_area_alone.static_power_mw == approx(1.5 + 0.5 * npu.area_mm2)
    none_of_its_own = vary(npu, **{"memories.sram.leakage_mw_per_kib": 0})
    assert none_of_its_own.static_power_mw == approx(1.5 + 0.5 * (npu.area_mm2 - sram_mm2))
    assert npu.prices.static_per_cycle == approx(npu.static_power_mw * 1e-3 / 1e9 * 1e12)
    assert machine().static_power_mw == machine().prices.static_per_cycle == 0


def test_the_whole_chip_is_on_whatever_part_of_it_a_layer_sees():
    levels = with_tensor_memory(machine(), 4096)
    leaking = vary(
        levels,
        **{
            "energy.unit": "pJ",
            "memories.l2.leakage_mw_per_kib": 0.5,
            "power.idle_mw": 1,
        },
    )
    assert leaking.static_power_mw == 3
    assert leaking.with_places({Operand.INPUTS: "l2"}).static_power_mw == 3
    assert leaking.with_places({}).static_power_mw == 3
    assert described().with_idle_rows(4).static_power_mw == described().static_power_mw


def test_static_energy_is_power_times_time():
    npu = described()
    result = run_network("squeezenet_v1_1", npu)
    joules = npu.static_power_mw * 1e-3 * result.time_ms * 1e-3
    assert result.static_power_mw == npu.static_power_mw
    assert result.energy.by_component["static"] * 1e-12 == approx(joules)
    assert result.to_dict()["static_power_mw"] == npu.static_power_mw
    assert result.average_power_mw > npu.static_power_mw
    assert "static" not in run_network("squeezenet_v1_1", machine()).energy.by_component


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        (
            "unit: pJ",
            "unit: MAC",
            "energy.picojoules_per_unit: must be given: power is in mW, and a unit of MAC has no worth in "
            "joules",
        ),
        (
            "energy: {unit: pJ, mac: {8: 0.25, 32: 3.5}}\n",
            "",
            "energy: missing, must give picojoules_per_unit: power is in mW, and a unit of MAC has no worth "
            "in joules",
        ),
        (
            "{8: 0.25, 32: 3.5}",
            "{4: 0.1}",
            'energy.mac = {"4": 0.1}: must have a price for 8 bits or more: precision has words of 8',
        ),
        (
            "at_bytes: 16384, exponent: 0.5}\n  leak",
            "at_bytes: 16384}\n  leak",
            'memories.1.energy = {"read": 2, "write": 3, "at_bytes": 16384}: exponent missing: a law of size '
            "has both at_bytes and exponent, else neither",
        ),
        (
            "{read: 100, write: 100}",
            "{read: 100, write: 100, at_bytes: 1024, exponent: 0.5}",
            "memories.0.energy.at_bytes = 1024: must be left out: a memory off chip has no size that a law "
            "could be of",
        ),
        (
            "{read: 100, write: 100}",
            "{read: 100, write: 100}\n  leakage_mw_per_kib: 0.1",
            "memories.0.leakage_mw_per_kib = 0.1: must be left out: a memory off chip has no size, and draws "
            "nothing here",
        ),
        (
            "exponent: 0.5}\n  leak",
            "exponent: 3}\n  leak",
            "memories.1.energy.exponent = 3: must be a number from 0 to 2",
        ),
        (
            "{read: 2, write: 3, at_bytes: 16384, exponent: 0.5}",
            "{read: 1.0e+9, write: 3, at_bytes: 16384, exponent: 1.5}",
            "memories.1.energy = {...}: comes to 8e+09 for an access at 65536 bytes: must come to at most "
            "1e+09",
        ),
        ("idle_mw: 1.5", "idle_mw: -1", "power.idle_mw = -1: must be a number from 0 to 1000000"),
        (
            "{8: 0.001, 16: 0.003}",
            "{4: 0.001}",
            "area.leakage_mw_per_mm2 = 0.5: must be left out: words are wider than the table is for, so the "
            "area is not known",
        ),
        (
            "process: 28 nm",
            "process: 28 nm\n  word_bits: 8",
            "area.word_bits = 8: must be left out: pe_mm2 says areas by bits",
        ),
        (
            "{8: 0.001, 16: 0.003}",
            "0.001",
            "area.word_bits: missing, must be the bits of the PE that pe_mm2 is of",
        ),
        (
            "{8: 0.001, 16: 0.003}",
            "{}",
            "area.pe_mm2 = {}: must be a number, or a mapping of bits to numbers that is not empty",
        ),
    ],
)
def test_what_cannot_be_is_one_line(old, new, line):
    assert refused(old, new) == [line]


def test_no_memory_is_called_static():
    assert refused("name: sram", "name: static") == [
        "memories.1.name = 'static': must be another name: results have the energy of another component "
        "under this one"
    ]


# --- area


def test_pes_are_as_wide_as_words_and_memories_grow_by_their_law():
    parts = described().area_mm2_by_part
    assert parts["pe_array"] == approx(64 * 0.001)
    assert parts["global_buffer"] == approx(16 * 0.005 * 4**0.5)
    wide = vary(described(), **{"precision.weights_bits": 12})
    assert wide.area_mm2_by_part["pe_array"] == approx(64 * 0.003)
    wider = vary(described(), **{"precision.weights_bits": 17, "area.leakage_mw_per_mm2": None})
    assert wider.area_mm2 is None


def test_an_exponent_of_one_is_the_plain_number():
    law = {"at_bytes": 16384, "mm2_per_kib": 0.005, "exponent": 1}
    proportional = vary(described(), **{"area.global_buffer_mm2_per_kib": law})
    plain = vary(described(), **{"area.global_buffer_mm2_per_kib": 0.005})
    assert proportional.area_mm2 == approx(plain.area_mm2)


def test_such_a_machine_reads_back_as_it_was():
    assert described(dump(described())) == described()


# --- machines that ship


@pytest.mark.parametrize("name", ["npu_int8_256k", "npu_int8_2m", "npu_int8_psram", "mcu_l3_l2_l1"])
def test_a_sweep_may_put_one_price_in_the_place_of_a_table_or_a_law(name):
    changes = {"energy.mac": 0.5, "memories.1.energy": {"read": 1, "write": 1}, "clock_mhz": 250}
    plain = vary(load_hardware(name), **changes)
    assert plain.prices.mac == plain.prices.of_bits(32).mac == 0.5
    assert plain.memories[1].energy.at_bytes is None


@pytest.mark.parametrize(
    ("name", "cycles"),
    [
        ("npu_int8_256k", [(1.0, 64)]),
        ("npu_int8_2m", [(1.0, 64)]),
        ("npu_int8_psram", [(1.0, 64), (0.8, 64)]),
        ("mcu_l3_l2_l1", [(1.0, 50), (8.0, 10)]),
    ],
)
def test_seconds_of_machines_that_ship_are_the_cycles_that_they_said_before(name, cycles):
    channels = load_hardware(name).channels
    assert [(channel.bytes_per_cycle, channel.latency_cycles) for channel in channels] == cycles


@pytest.mark.parametrize(("size_bytes", "picojoules"), [(32768, 2.5), (1 << 20, 12.5)])
def test_the_law_of_machines_that_ship_goes_through_horowitz_s_two_points(size_bytes, picojoules):
    """20 pJ for 64 bits of 32 KB, 100 pJ of 1 MB."""
    npu = vary(load_hardware("npu_int8_2m"), **{"memories.sram.size_bytes": size_bytes})
    assert npu.prices.memories[0].read == approx(picojoules, rel=1e-3)
