"""Energy and clocks of one layer, as derived by hand: a law of size, a table by bits, static power.

A fully connected layer of 256 inputs and 16 outputs on the 16 x 16 array of tests/machines.py, in one tile:
512 bytes of inputs and 8192 of weights come, 32 bytes of outputs go.
"""

from dataclasses import replace

from machines import fully_connected, machine, mapped
from pytest import approx
from strategies import energy_of

from accelsim.energy import energy_by_component
from accelsim.simulation.alone import Alone

PRICED = {
    "energy.unit": "pJ",
    "energy.mac": {8: 0.25, 16: 1.0, 32: 4.0},
    "global_buffer.size_bytes": 262144,
    "memories.global_buffer.energy": {"read": 3, "write": 3, "at_bytes": 65536, "exponent": 0.5},
    "memories.global_buffer.leakage_mw_per_kib": 0.5,
    "power.idle_mw": 72,
}
"""72 mW and 256 KiB at 0.5 mW are 200 mW: at 1 GHz 200 pJ a cycle. An access costs 3 x (256 / 64)^0.5 = 6."""
LAYER = fully_connected(16, 256)


def test_energy_is_what_is_done_and_what_is_drawn_meanwhile():
    hardware = machine(**PRICED)
    mapping = mapped(LAYER, "weight_stationary", hardware)
    cycles = Alone(hardware)(mapping)
    by_component = energy_by_component(mapping.totals.counts, hardware.prices.of_bits(16), cycles=cycles)
    assert by_component["mac"] == 256 * 16 * 1.0
    # In words of 16 bits: 256 + 4096 are read once by the array, 16 outputs written; transfers cost at DRAM.
    assert by_component["global_buffer"] == 6 * (256 + 4096 + 16)
    assert by_component["dram"] == 200 * (256 + 4096 + 16)
    assert by_component["static"] == 200 * cycles
    assert energy_of(mapping, hardware, cycles) == approx(sum(by_component.values()))


def test_the_wider_operand_says_what_a_product_costs():
    hardware = machine(**PRICED)
    for bits, price in [(8, 0.25), (12, 1.0), (32, 4.0)]:
        layer = replace(LAYER, weight_bits=bits, activation_bits=8)
        mapping = mapped(layer, "weight_stationary", hardware)
        others = energy_of(mapping, machine(**{**PRICED, "energy.mac": 0}), 0)
        assert energy_of(mapping, hardware, 0) - others == approx(4096 * price)


def in_seconds(megahertz, bytes_per_second):
    own_clock = {
        "memories.dram.bandwidth.bytes_per_second": bytes_per_second,
        "memories.dram.latency_seconds": 1e-7,
    }
    return machine(clock_mhz=megahertz, **own_clock)


def test_a_layer_that_waits_for_dram_takes_as_long_whatever_the_clock():
    """544 x 16 bytes at 0.16 GB/s: 54.4 us, in which the array works 0.3 or less."""
    cycles = {}
    for megahertz in (500, 1000, 2000):
        hardware = in_seconds(megahertz, 0.16e9)
        cycles[megahertz] = Alone(hardware)(mapped(LAYER, "weight_stationary", hardware))
    assert cycles[1000] == approx(2 * cycles[500], rel=0.01)
    assert cycles[2000] == approx(2 * cycles[1000], rel=0.01)
    assert cycles[1000] / 1e9 == approx(54.4e-6 + 2e-7 + 0.2e-6, rel=0.02)


def test_a_layer_that_keeps_the_array_busy_takes_half_as_long_at_twice_the_clock():
    """64 GB/s bring more than the array takes up at either clock: it is busy all the time but at the ends."""
    layer = replace(LAYER, OY=4096, IY=4096)
    cycles = {}
    for megahertz in (100, 200):
        hardware = in_seconds(megahertz, 64e9)
        mapping = mapped(layer, "output_stationary", hardware, y=64)
        cycles[megahertz] = Alone(hardware)(mapping)
    assert cycles[200] == approx(cycles[100], rel=0.01)
