"""Offering a machine more never makes a layer or a network worse: what is not needed can be left unused.

`scripts/more_is_never_worse.py` is the same at length; docs/decisions/tile-sizes.md has its table.
"""

import math
import runpy
from pathlib import Path

import hypothesis.strategies as st
import pytest
from hypothesis import assume, given, settings
from machines import with_ports
from strategies import energy_of, layers, machines

from accelsim import load_hardware, load_network, run_network
from accelsim.descriptions import vary
from accelsim.errors import MappingError
from accelsim.mapping.options import MappingOptions
from accelsim.mapping.search import map_layer
from accelsim.simulation.alone import Alone

TOLERANCE = 0.005
"""Of a network, whose layers overlap although each is mapped by itself."""
PORTS = "pe_array.ports"
MORE = {
    "global_buffer.size_bytes": lambda machine: 2 * machine.on_chip_bytes,
    "dram.bandwidth_bytes_per_cycle": lambda machine: 2 * machine.channels[0].bytes_per_cycle,
    "pe_array.weight_stationary.accumulators_per_column": lambda machine: (
        machine.pe_array.dataflows["weight_stationary"].accumulators_per_column + 1
    ),
}
"""Keys of a machine, and how to offer more of each."""


def wider_ports(machine):
    """Twice as many words by each port that there is."""
    words = {
        side: (2 * machine.pe_array.words_in(side), 2 * machine.pe_array.words_out(side))
        for side in ("rows", "columns")
    }
    return with_ports(machine, words["rows"], words["columns"])


def more_of(machine, key):
    """The machine that offers more."""
    return wider_ports(machine) if key == PORTS else vary(machine, **{key: MORE[key](machine)})


def cost(layer, hardware, objective):
    """What the best mapping of a layer costs, simulated by itself."""
    mapping = map_layer(layer, hardware, MappingOptions(objective=objective), judge=Alone(hardware))
    cycles = mapping.estimated_cycles
    energy = energy_of(mapping, hardware, cycles)
    return {"time": cycles, "energy": energy, "edp": cycles * energy}[objective]


@settings(max_examples=settings.default.max_examples * 3 // 2)
@given(
    layers(),
    machines(smallest_buffer=1024),
    st.sampled_from([*sorted(MORE), PORTS]),
    st.sampled_from(["time", "energy", "edp"]),
)
def test_a_layer_is_no_worse_on_a_machine_that_offers_more(layer, hardware, key, objective):
    more = more_of(hardware, key)
    try:
        less = cost(layer, hardware, objective)
    except MappingError:
        assume(False)
    assert cost(layer, more, objective) <= less * (1 + TOLERANCE)


LADDERS = [
    ("mobilenet_v2", "8x8_32k", "pe_array.rows", (8, 32, 128)),
    ("resnet18", "16x16_128k", "pe_array.weight_stationary.accumulators_per_column", (32, 48, 64)),
    ("shufflenet_v2", "16x16_128k", "dram.latency_cycles", (100, 20, 0)),
    ("shufflenet_v2", "16x16_128k", "dma.descriptors", (8, 64)),
]


@pytest.mark.parametrize(("network", "machine", "key", "values"), LADDERS)
def test_a_network_is_no_slower_on_a_machine_that_offers_more(network, machine, key, values):
    """As the machine's compiler maps it; each of these was once slower by 4 to 66%."""
    described, hardware = load_network(network), load_hardware(machine)
    cycles = [run_network(described, vary(hardware, **{key: value})).cycles for value in values]
    assert all(after <= min(cycles[:rung]) * (1 + TOLERANCE) for rung, after in enumerate(cycles) if rung)


BY_OBJECTIVE = [
    ("sqnxt23v5", "8x8_32k", "time", "pe_array.rows", (32, 128)),
    ("resnet18", "8x8_32k", "edp", "pe_array.rows", (24, 32)),
    ("resnet50", "16x16_128k", "edp", "pe_array.rows", (64, 128)),
    ("sqnxt23v5", "16x16_128k", "edp", "dma.descriptors", (8, 16)),
    ("squeezenet_v1_1", "16x16_128k", "time", "dma.descriptors", (4, 64)),
    ("shufflenet_v2", "8x8_32k", "edp", "pe_array.columns", (20, 28, 40, 48, 56, 80, 96, 108, 128)),
]


@pytest.mark.parametrize(("network", "machine", "objective", "key", "values"), BY_OBJECTIVE)
def test_a_network_is_no_worse_by_an_objective_on_a_machine_that_offers_more(
    network, machine, objective, key, values
):
    """Each of these was once worse by 0.5 to 3.9%.

    All rows had to be used, and all descriptors; or the size that was best on fewer columns was not tried.
    """
    described, hardware = load_network(network), load_hardware(machine)
    results = [
        run_network(described, vary(hardware, **{key: value}), objective=objective) for value in values
    ]
    costs = [
        result.cycles
        if objective == "time"
        else math.fsum(layer.energy * layer.cycles for layer in result.layers)
        for result in results
    ]
    assert all(more <= min(costs[:rung]) * (1 + TOLERANCE) for rung, more in enumerate(costs) if rung)


@pytest.mark.parametrize("machine", ["8x8_32k", "16x16_128k"])
@pytest.mark.parametrize("only", ["weight_stationary", "output_stationary"])
def test_a_second_dataflow_makes_no_network_slower(machine, only):
    hardware, network = load_hardware(machine), load_network("sqnxt23v5")
    alone = vary(hardware, **{"pe_array.dataflows": (only,)})
    assert (
        run_network(network, hardware, objective="time").cycles
        <= run_network(network, alone, objective="time").cycles
    )


def test_where_energy_costs_nothing_a_network_is_as_fast_as_it_can_be():
    """The product of energy and delay is the same for all tiles then; time decides."""
    prices = ("mac", "vector_op", "register_file", "inter_pe", "global_buffer", "dram")
    free = vary(load_hardware("16x16_128k"), **{f"energy.{price}": 0 for price in prices})
    network = load_network("squeezenet_v1_1")
    by_product, by_time = (run_network(network, free, objective=name).cycles for name in ("edp", "time"))
    assert by_product == pytest.approx(by_time, rel=TOLERANCE)


SCRIPT = runpy.run_path(str(Path(__file__).parents[2] / "scripts" / "more_is_never_worse.py"))


def test_the_scan_holds_what_depends_on_a_memory_s_size():
    held = SCRIPT["at_held_prices"](load_hardware("npu_int8_2m"))
    larger = vary(held, **{"memories.sram.size_bytes": 1 << 24})
    assert larger.prices == held.prices
    assert held.prices.memories == load_hardware("npu_int8_2m").prices.memories
    assert SCRIPT["at_held_prices"](load_hardware("16x16_128k")) == load_hardware("16x16_128k")
