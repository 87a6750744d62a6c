"""What holds for whole networks: random graphs, lowered, scheduled and simulated; and results add up."""

import json
import math
import os
import subprocess
import sys

import hypothesis.strategies as st
import pytest
from hypothesis import assume, given
from machines import BUFFER, DRAM, conv, machine, mapped, schedule
from strategies import machines
from test_network_laws import published_graphs

from accelsim.descriptions import vary
from accelsim.energy import energy_by_component
from accelsim.errors import MappingError
from accelsim.hardware import load_hardware
from accelsim.mapping.bounds import compulsory_dram_bytes, compulsory_weight_bytes, least_array_cycles
from accelsim.mapping.options import MappingOptions
from accelsim.mapping.precision import macs_by_bits
from accelsim.network.load import load_network
from accelsim.network.lowering import lower
from accelsim.planning.compiler import make_schedule
from accelsim.pricing import layer_results
from accelsim.run import run_network
from accelsim.simulation.events import simulate_events
from accelsim.simulation.fast import simulate_fast


@st.composite
def runs(draw):
    """A random network on a random machine: (executed graph, machine, batch, schedule)."""
    graph = lower(draw(published_graphs()))
    assume(len(graph))
    hardware, batch = draw(machines(smallest_buffer=512)), draw(st.integers(1, 3))
    try:
        plan = make_schedule(graph, hardware, MappingOptions(batch=batch))
    except MappingError:
        assume(False)
    assume(sum(mapping.totals.steps for mapping in plan.mappings) <= 400)
    return graph, hardware, batch, plan


@given(runs())
def test_every_layer_waits_for_all_that_it_reads(run):
    graph, hardware, _, plan = run
    timeline = simulate_events(plan, hardware, keep_timeline=True).timeline
    first, last = places(graph, plan)
    for producer, consumer in graph.edges:
        written = max(
            entry.end for entry in timeline if (entry.layer, entry.operand) == (last[producer], "outputs")
        )
        read = [
            entry.start
            for entry in timeline
            if first[consumer] <= entry.layer <= last[consumer] and entry.operand in {"inputs", "residual"}
        ]
        assert min(read) >= written + hardware.channels[0].latency_cycles


def places(graph, plan):
    """Of each executed layer: where in the schedule its first and its last part are."""
    first, last = {}, {}
    index = 0
    for layer in graph.layers:
        split = layer.pooling is not None and plan.layers[index].pooling is None
        first[layer.name], last[layer.name] = index, index + split
        index += 1 + split
    assert index == len(plan.layers)
    return first, last


@given(runs())
def test_a_schedule_does_the_work_of_the_graph(run):
    graph, _, batch, plan = run
    assert sum(layer.macs for layer in graph.layers) == sum(layer.macs for layer in plan.layers)
    for layer, mapping in zip(plan.layers, plan.mappings, strict=True):
        assert sum(step.completes for step in mapping.steps()) >= 1
        assert mapping.layer.output_elements in {layer.output_elements, batch * layer.output_elements}


@given(runs())
def test_both_engines_agree_on_networks(run):
    _, hardware, _, plan = run
    assert simulate_fast(plan, hardware) == simulate_events(plan, hardware)


@given(runs())
def test_results_of_layers_add_up(run):
    _, hardware, batch, plan = run
    activity = simulate_fast(plan, hardware)
    results = layer_results(plan, activity, hardware, batch)
    counts = activity.counts
    assert sum(layer.cycles for layer in results) == activity.cycles
    assert sum(layer.dram_bytes.read for layer in results) == counts.read_bytes(DRAM)
    assert sum(layer.dram_bytes.write for layer in results) == counts.written_bytes(DRAM)
    assert sum(layer.global_buffer_bytes.read for layer in results) == counts.read_bytes(BUFFER)
    assert sum(layer.global_buffer_bytes.write for layer in results) == counts.written_bytes(BUFFER)
    macs = zip(plan.layers, (layer.counts.macs for layer in activity.layers), strict=True)
    by_component = energy_by_component(
        counts, hardware.prices, macs_by_bits=macs_by_bits(macs, hardware), cycles=activity.cycles
    )
    for component, energy in by_component.items():
        assert math.fsum(layer.energy_by_component[component] for layer in results) == pytest.approx(energy)
    assert math.fsum(layer.energy for layer in results) == pytest.approx(math.fsum(by_component.values()))


@given(runs())
def test_results_of_layers_are_possible(run):
    _, hardware, batch, plan = run
    for layer in layer_results(plan, simulate_fast(plan, hardware), hardware, batch):
        assert layer.cycles >= 0
        assert 0 <= layer.utilization <= 1
        assert layer.dram_bytes.total >= layer.compulsory_dram_bytes
        assert layer.compulsory_dram_bytes <= layer.lower_bound_cycles * hardware.channels[0].bytes_per_cycle


@given(runs())
def test_no_network_is_faster_than_its_work_and_its_traffic(run):
    """Layers overlap, so a layer may take less than its own bound; all of them together may not."""
    _, hardware, batch, plan = run
    activity = simulate_fast(plan, hardware)
    compulsory = sum(compulsory_dram_bytes(layer, hardware, batch) for layer in plan.layers)
    assert activity.cycles * hardware.channels[0].bytes_per_cycle >= compulsory
    assert activity.cycles * hardware.pe_array.pes >= activity.counts.macs


def test_a_layer_that_works_in_the_time_of_the_one_before_is_no_busier_than_always():
    """One PE. The second layer's 8100 products are done while the first's outputs drain into slow DRAM."""
    one_pe = machine(**{"pe_array.rows": 1, "pe_array.columns": 1, "dram.bandwidth_bytes_per_cycle": 1})
    first = mapped(conv(16, 1, (512, 1)), "weight_stationary", one_pe)
    second = mapped(conv(1, 1, (32, 32), kernel=(3, 3)), "weight_stationary", one_pe)
    plan = schedule(first, second, waits_for=[(), ()])
    _, after = layer_results(plan, simulate_fast(plan, one_pe), one_pe, batch=1)
    assert after.cycles == 1800  # its own outputs follow those of the first
    assert after.busy_cycles["array"] == 1 + 8100
    assert after.utilization == 8100 / 8101


# --- the same input, the same bytes


NETWORK = load_network("squeezenet_v1_1@resolution=64")
"""Branches and concatenations; small enough to be run several times."""


def as_json(**options):
    return json.dumps(run_network(NETWORK, machine(), **options).to_dict())


def test_both_engines_give_the_same_bytes():
    assert as_json(engine="fast") == as_json(engine="events")


@pytest.mark.parametrize("hardware", ["8x8_32k", "16x16_128k"])
def test_both_engines_give_the_same_result_of_a_compressed_network(hardware):
    network, reference = load_network("squeezenet_v1_0_compressed"), load_hardware(hardware)
    fast, events = (run_network(network, reference, engine=engine) for engine in ("fast", "events"))
    assert fast == events


def test_results_of_a_run_add_up():
    result = run_network(NETWORK, machine(), batch=2)
    assert sum(layer.cycles for layer in result.layers) == result.cycles
    assert sum(layer.macs for layer in result.layers) == result.macs
    assert sum(layer.params for layer in result.layers) == result.params
    assert sum(layer.dram_bytes.total for layer in result.layers) == result.dram_bytes.total
    assert sum(layer.global_buffer_bytes.total for layer in result.layers) == result.global_buffer_bytes.total
    assert math.fsum(layer.energy for layer in result.layers) == pytest.approx(result.energy.total)
    assert math.fsum(result.energy.by_component.values()) == pytest.approx(result.energy.total)


def test_a_process_of_its_own_gives_the_same_bytes_whatever_the_order_of_sets_is():
    program = "import test_run_laws; print(test_run_laws.as_json())"
    for seed in ("1", "2"):
        environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": os.pathsep.join(sys.path)}
        other = subprocess.run(
            [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True
        )
        assert other.stdout.strip() == as_json()


@pytest.mark.parametrize("size_bytes", [1 << 16, 1 << 18, 1 << 22])
def test_what_weights_a_memory_cannot_hold_comes_with_each_inference(size_bytes):
    """Flash sends a byte a cycle, and nothing but weights."""
    keeping = {"memories.sram.keeps": ["activations", "weights"], "memories.sram.size_bytes": size_bytes}
    pinning = vary(load_hardware("npu_int8_256k"), **keeping)
    result = run_network("mobilenet_v1@width=0.25,resolution=96", pinning)
    weight_bytes = sum(compulsory_weight_bytes(layer.form, pinning) for layer in result.layers)
    array_cycles = sum(least_array_cycles(layer.form, pinning) for layer in result.layers)
    least = max(array_cycles, weight_bytes - size_bytes)
    assert array_cycles < weight_bytes < 1 << 22
    assert least == result.lower_bound_if_kept_cycles <= result.cycles
