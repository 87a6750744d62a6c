"""docs/model.md agrees with the code: its parameters, and every number of its layer computed by hand."""

from dataclasses import replace

import numpy as np
import pytest
from machines import BUFFER, DRAM
from pages import calculated, number, page, rows, section

import accelsim
from accelsim.energy import energy_by_component
from accelsim.hardware import Hardware, Operand
from accelsim.mapping.banks import bank_demand, half_banks
from accelsim.mapping.bounds import compulsory_dram_bytes, lower_bound_cycles
from accelsim.mapping.candidates import Candidates, candidates
from accelsim.mapping.dataflows.output_stationary import OUTPUT_STATIONARY
from accelsim.mapping.dataflows.weight_stationary import WEIGHT_STATIONARY
from accelsim.mapping.ranking import best_first
from accelsim.mapping.schedule import Schedule
from accelsim.mapping.search import map_layer
from accelsim.mapping.tile import TileShape
from accelsim.network.layer import FusedOperator, Layer
from accelsim.simulation.events import simulate_events

NAME = "stage3.block1.projection"
LAYER = Layer(
    NAME,
    "conv",
    K=128,
    C=64,
    OY=14,
    OX=14,
    IY=28,
    IX=28,
    stride_y=2,
    stride_x=2,
    bias=True,
    params=128 * 64 + 2 * 128,
    fused=(
        FusedOperator(f"{NAME}.bn", "batch_norm", 0),
        FusedOperator(f"{NAME}.relu", "relu", 128 * 14 * 14),
    ),
    stage="stage3",
)
WS_TILE = TileShape(n=1, g=1, k=128, c=64, y=14, x=1, fy=1, fx=1)
OS_TILE = TileShape(n=1, g=1, k=128, c=64, y=1, x=14, fy=1, fx=1)
ENERGIES = {
    "energy of MACs": "mac",
    "energy of register files": "register_file",
    "energy of the global buffer": "global_buffer",
    "energy of DRAM": "dram",
    "energy of the vector unit": "vector",
}


@pytest.fixture(scope="module")
def machine():
    return accelsim.load_hardware("16x16_128k")


@pytest.fixture(scope="module")
def result(machine):
    return accelsim.run_network(accelsim.load_network("sqnxt23v5"), machine)


@pytest.fixture(scope="module")
def in_the_network(result):
    return next(layer for layer in result.layers if layer.name == NAME)


def best(machine: Hardware, dataflow: str) -> tuple[Candidates, int]:
    found = candidates(LAYER, machine, dataflow)
    return found, int(best_first(found.time_cycles, found.energy, "edp")[0])


@pytest.fixture(scope="module")
def simulated(machine, in_the_network):
    """What the code says for each line of the tables."""
    mapping = map_layer(LAYER, machine)
    step, *_ = mapping.steps()
    activity = simulate_events(Schedule((LAYER,), (mapping,), ((),)), machine, keep_timeline=True)
    start = next(busy.start for busy in activity.timeline if busy.component == "array")
    work = WEIGHT_STATIONARY.execute(LAYER, WS_TILE, 0, machine)
    demand = bank_demand(LAYER, machine, WS_TILE, 27, 1, 0)
    halves = half_banks(machine)
    counts = mapping.totals.counts
    energy = energy_by_component(counts, machine.prices)
    os_layer = replace(LAYER, bias=False)
    visit = OUTPUT_STATIONARY.execute(os_layer, OS_TILE, 0, machine)
    (ws_found, ws_best), (os_found, os_best) = (
        best(machine, name) for name in ("weight_stationary", "output_stationary")
    )
    return {
        "MACs": LAYER.macs,
        "half of the input bank [bytes]": halves["inputs"],
        "half of the weight bank [bytes]": halves["weights"],
        "half of the output bank [bytes]": halves["outputs"],
        "inputs of a tile [bytes]": demand["inputs"],
        "weights and offsets of a tile [bytes]": demand["weights"],
        "outputs of a tile [bytes]": demand["outputs"],
        "steps": mapping.totals.steps,
        "DRAM bytes read": counts.read_bytes(DRAM),
        "DRAM bytes written": counts.written_bytes(DRAM),
        "sub-matrices": work.cycles // 16 - 1,
        "loading one [cycles]": work.cycles // 33,
        "pixels, in one chunk": WS_TILE.pixels,
        "array cycles of a step": step.array_cycles,
        "array cycles of the layer": mapping.totals.array_cycles,
        "vector operations of a step": step.vector_counts.vector_ops,
        "vector cycles of a step": step.vector_cycles,
        "streaming its weights [cycles]": stream(machine, step.loads[Operand.WEIGHTS]),
        "streaming its inputs [cycles]": stream(machine, step.loads[Operand.INPUTS]),
        "streaming its outputs [cycles]": stream(machine, step.store_bytes),
        "array starts [cycle]": start,
        "finish by itself [cycle]": activity.cycles,
        "cycles in the network": in_the_network.cycles,
        "lower bound [cycles]": lower_bound_cycles(LAYER, machine),
        "utilization in the network [%]": 100 * in_the_network.utilization,
        "words of weight registers": 14 * work.weight_register_words,
        "words of accumulators": 14 * work.partial_sum_register_words,
        "input words read from the buffer": 14 * work.input_read_words,
        "weight words read from the buffer": 14 * work.weight_read_words,
        "output words written to the buffer": counts.written_bytes(BUFFER) // 2,
        **{label: energy[component] for label, component in ENERGIES.items()},
        "energy": in_the_network.energy,
        "non-zero weights of a tile": visit.weight_read_words,
        "loading inputs [cycles]": visit.input_read_words // 16,
        "a step, output stationary [cycles]": visit.cycles,
        "array cycles, output stationary": os_found.array_cycles[os_best],
        "bound, weight stationary [cycles]": ws_found.time_cycles[ws_best],
        "bound, output stationary [cycles]": os_found.time_cycles[os_best],
    }


def stream(machine, size_bytes):
    return -(-size_bytes // machine.channels[0].bytes_per_cycle)


TABLES = rows(section(page("model.md"), "## A layer by hand"))


def test_the_layer_is_the_one_of_the_network(in_the_network, machine):
    assert in_the_network.shape == "128x64x1x1/2 -> 14x14"
    assert in_the_network.tile == "K128 C64 Y14 filters_outer"
    assert in_the_network.dataflow == "weight_stationary"
    assert in_the_network.bound_by == "compute"
    assert in_the_network.params == LAYER.params
    assert in_the_network.compulsory_dram_bytes == compulsory_dram_bytes(LAYER, machine)


@pytest.mark.parametrize(("what", "by_hand", "value"), TABLES, ids=[label for label, *_ in TABLES])
def test_a_number_by_hand_is_what_its_formula_gives(what, by_hand, value):
    assert round(calculated(by_hand), value[::-1].find(".") if "." in value else 0) == number(value)


@pytest.mark.parametrize(("what", "value"), [(what, value) for what, _, value in TABLES])
def test_a_number_by_hand_is_what_the_code_gives(what, value, simulated):
    assert simulated[what] == pytest.approx(number(value), abs=0.05 if "." in value else 0)


def test_every_number_that_the_test_knows_is_on_the_page(simulated):
    assert [what for what, *_ in TABLES] == list(simulated)


@pytest.mark.parametrize(
    ("dataflow", "tile"), [("weight_stationary", WS_TILE), ("output_stationary", OS_TILE)]
)
def test_the_tiles_of_the_example_are_the_best_ones(dataflow, tile, machine):
    found, index = best(machine, dataflow)
    assert found.mappings_of(np.array([index])) == [(tile, "filters_outer")]


def test_the_prices_of_other_objectives_are_as_the_decision_says(machine):
    found = candidates(LAYER, machine, "weight_stationary")
    chosen, fastest, thriftiest = (
        int(best_first(found.time_cycles, found.energy, objective)[0])
        for objective in ("edp", "time", "energy")
    )
    text = " ".join(page("decisions/tile-objective.md").split())
    time, energy = found.time_cycles / found.time_cycles[chosen], found.energy / found.energy[chosen]
    assert f"the {len(found):,} weight stationary mappings" in text
    assert f"{100 * (1 - time[fastest]):.1f}% faster than the chosen one" in text
    assert f"takes {100 * (energy[fastest] - 1):.1f}% more energy" in text
    assert f"takes {100 * (1 - energy[thriftiest]):.1f}% less energy" in text
    assert f"is {100 * (time[thriftiest] - 1):.1f}% slower" in text


def test_what_a_layer_boundary_costs_is_as_the_decision_says(in_the_network):
    text = " ".join(page("decisions/layer-dependencies.md").split())
    waiting = in_the_network.cycles - in_the_network.busy_cycles["array"]
    assert f"Of the {in_the_network.cycles:,} cycles of the layer" in text
    assert f", {waiting:,} are that" in text


def keys(value, prefix=""):
    """(key, value) of every number and choice of a machine; memories go by their names."""
    for key, inner in value.items():
        if isinstance(inner, list) and inner and isinstance(inner[0], dict):
            for item in inner:
                yield from keys({**item, "name": None}, f"{prefix}{key}.{item['name']}.")
        elif isinstance(inner, dict):
            yield from keys(inner, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", inner


def test_every_key_of_a_machine_is_among_the_parameters_with_its_values():
    machines = [accelsim.load_hardware(name) for name in ("8x8_32k", "16x16_128k")]
    table = rows(section(page("model.md"), "## Parameters"))
    listed = {key.strip("`"): (values, source) for key, _, *values, source in table}
    small, large = (dict(keys(machine.model_dump(mode="json", exclude={"assumed"}))) for machine in machines)
    given = {key for key, value in small.items() if value not in (None, [])} | {"energy.picojoules_per_unit"}
    for key in given - {"name", "title", "source"}:
        values, source = listed.pop(key)
        assert values == [shown(small[key]), shown(large[key])], key
        inside = {key, *(key.rsplit(".", depth)[0] for depth in range(1, key.count(".") + 1))}
        assert (source == "assumed") == bool(inside & machines[1].assumed.keys()), key
    assert not listed


def shown(value):
    if isinstance(value, list):
        return ", ".join(value)
    if value is None:
        return "not given"
    return f"{value:.15g}" if isinstance(value, int | float) else value
