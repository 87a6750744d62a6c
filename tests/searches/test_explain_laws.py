"""Each figure of an explanation is that of a run of the changed network and machine, read from files."""

import pytest

from accelsim import AccelsimError, explain_network, load_hardware, load_network, run_network
from accelsim.descriptions import dump, vary
from accelsim.hardware import dataflow_names
from accelsim.network.overlay import overlaid
from accelsim.report.tables.explanation import explanation_report
from accelsim.report.text import Style
from accelsim.search.remedies import most_remedies
from accelsim.search.words import change_words, obstacle_words

SMALL, LARGE = load_hardware("8x8_32k"), load_hardware("16x16_128k")
ONE_DATAFLOW = vary(SMALL, **{"pe_array.dataflows": ["weight_stationary"]})
PARTS = {
    "bandwidth": lambda machine: {"dram.bandwidth_bytes_per_cycle": 2 * machine.channels[0].bytes_per_cycle},
    "latency": lambda machine: {"dram.latency_cycles": machine.channels[0].latency_cycles // 2},
    "rows": lambda machine: {"pe_array.rows": 2 * machine.pe_array.rows},
    "columns": lambda machine: {"pe_array.columns": 2 * machine.pe_array.columns},
    "buffer": lambda machine: {"global_buffer.size_bytes": 2 * machine.on_chip_bytes},
    "vector_lanes": lambda machine: {
        "vector_unit.lanes_per_column": 2 * machine.vector_unit.lanes_per_column
    },
    "pool": lambda machine: {"memories.global_buffer.banks": "pool"},
    "keep": lambda machine: {
        "memories.global_buffer.banks": "pool",
        "memories.global_buffer.keeps": ["activations"],
    },
    "pin": lambda machine: {
        "memories.global_buffer.banks": "pool",
        "memories.global_buffer.keeps": ["weights"],
    },
}
CASES = [
    ("shufflenet_v2@resolution=96", LARGE, {}),
    ("sqnxt23v5@resolution=64", SMALL, {"batch": 2}),
    ("squeezenet_v1_1@resolution=96", LARGE, {"dataflow": "output_stationary"}),
    ("mobilenet_v1@width=0.3,resolution=96", ONE_DATAFLOW, {"objective": "energy"}),
]


def rerun(remedy, name, hardware, options, folder):
    """What `run` says of files in which the remedy was written by hand."""
    network_file, machine_file = folder / "network.yaml", folder / "machine.yaml"
    network, options = load_network(name), dict(options)
    if remedy in PARTS:
        hardware = vary(hardware, **PARTS[remedy](hardware))
    elif remedy in ("weights_bits", "activations_bits"):
        overlay = folder / "bits.yaml"
        overlay.write_text(f"precision: {{{remedy}: 8}}\n")
        network = overlaid(network, overlay)
    elif remedy == "channels":
        network_file.write_text(dump(explained_network(remedy, name, hardware, options)))
        network = load_network(network_file)
    elif remedy in hardware.pe_array.dataflows or remedy == "auto":
        options["dataflow"] = remedy
    else:  # beside those that the machine has, for the mapper to choose
        options.pop("dataflow", None)
        hardware = vary(hardware, **{"pe_array.dataflows": [*hardware.pe_array.dataflows, remedy]})
    machine_file.write_text(dump(hardware))
    return run_network(network, load_hardware(str(machine_file)), **options)


def explained_network(remedy, name, hardware, options):
    (found,) = [
        one.remedy.network for one in explained(name, hardware, options).outcomes if one.remedy.name == remedy
    ]
    return found.description


KNOWN = {}


def explained(name, hardware, options):
    key = (name, hardware.name, tuple(options.items()))
    if key not in KNOWN:
        KNOWN[key] = explain_network(load_network(name), hardware, layers=4, **options)
    return KNOWN[key]


@pytest.mark.parametrize(("name", "hardware", "options"), CASES)
def test_every_remedy_is_a_run_of_the_changed_files(name, hardware, options, tmp_path):
    found = explained(name, hardware, options)
    assert run_network(load_network(name), hardware, **options) == found.result
    assert len(found.outcomes) + len(found.impossible) <= most_remedies(hardware)
    for outcome in found.outcomes:
        expected = rerun(outcome.remedy.name, name, hardware, options, tmp_path)
        assert (outcome.result.cycles, outcome.result.energy, outcome.result.macs) == (
            expected.cycles,
            expected.energy,
            expected.macs,
        ), change_words(outcome.remedy.change)


@pytest.mark.parametrize(("name", "hardware", "options"), CASES)
def test_a_layers_figures_are_its_own_in_the_same_runs(name, hardware, options):
    found = explained(name, hardware, options)
    runs = {outcome.remedy.name: outcome.result for outcome in found.outcomes}
    assert len(found.worst) == 4
    for worst in found.worst:
        for one in worst.outcomes:
            own = [layer for layer in runs[one.remedy.name].layers if layer.name in worst.names]
            assert one.cycles == sum(layer.cycles for layer in own)
            assert one.macs == sum(layer.macs for layer in own)


def gained(names, found):
    """What the best remedy gains of some layers' cycles, of those with which all of them run."""
    gains = [0]
    for outcome in found.outcomes:
        after = {layer.name: layer.cycles for layer in outcome.result.layers}
        if set(names) <= after.keys():
            before = sum(layer.cycles for layer in found.result.layers if layer.name in names)
            gains.append(before - sum(after[name] for name in names))
    return max(gains)


@pytest.mark.parametrize(("name", "hardware", "options"), CASES)
def test_the_worst_layers_are_those_at_which_the_best_remedy_gains_the_network_most(name, hardware, options):
    found = explained(name, hardware, options)
    gains = [worst.gained_cycles for worst in found.worst]
    assert gains == [gained(worst.names, found) for worst in found.worst] == sorted(gains, reverse=True)
    assert gains[-1] > 0
    shown = {name for worst in found.worst for name in worst.names}
    others = [layer.name for layer in found.result.layers if layer.name not in shown]
    assert max(gained([name], found) for name in others) <= gains[0]


@pytest.mark.parametrize(("name", "hardware", "options"), CASES)
def test_of_layers_that_are_alike_the_one_that_loses_most_stands_for_them(name, hardware, options):
    found = explained(name, hardware, options)
    lost = {layer.name: layer.cycles - layer.lower_bound_cycles for layer in found.result.layers}
    for worst in found.worst:
        assert worst.lost_cycles == sum(lost[layer] for layer in worst.names)
        assert lost[worst.names[0]] == max(lost[layer] for layer in worst.names)
        assert worst.layer.name == worst.names[0]


def test_where_dram_is_slow_to_keep_activations_helps_most():
    slow = vary(LARGE, **{"dram.bandwidth_bytes_per_cycle": 4})
    found = explain_network("sqnxt23v5@resolution=96", slow, layers=2)
    cycles = {one.remedy.name: one.result.cycles for one in found.outcomes}
    assert min(cycles, key=cycles.get) == found.outcomes[0].remedy.name == "keep"
    assert cycles["keep"] < cycles["pool"] < found.result.cycles
    report = explanation_report(found, Style(80))
    bounds = (found.result.lower_bound_cycles, found.outcomes[0].result.lower_bound_if_kept_cycles)
    assert found.lower_bound_if_kept_cycles == bounds[1] < bounds[0]
    for bound in bounds:
        assert f"{found.result.cycles / bound:.2f} times" in report
        assert f" {bound:,}" in report
    assert "global buffer keeps activations" in report
    assert max(map(len, report.splitlines())) <= 80


def test_a_layer_whose_weights_came_before_has_no_cycles_above_its_bound():
    found = explained(*CASES[0])
    below = [worst for worst in found.worst if worst.lost_cycles <= 0]
    report = " ".join(explanation_report(found, Style(80)).split())
    assert report.count("none of them above the lower bound") == len(below) > 0


def test_a_machine_that_keeps_has_nothing_more_to_keep():
    keeping = vary(LARGE, **PARTS["keep"](LARGE))
    found = explain_network("mlperf_tiny_ic", keeping, layers=1)
    assert {"keep", "pool"}.isdisjoint(one.remedy.name for one in found.outcomes)
    (larger,) = [one.remedy.hardware for one in found.outcomes if one.remedy.name == "buffer"]
    assert larger.pool.size_bytes == 2 * keeping.pool.size_bytes
    assert found.lower_bound_if_kept_cycles == found.result.lower_bound_if_kept_cycles
    (worst,) = found.worst
    kept = {layer.name: layer.lower_bound_if_kept_cycles for layer in found.result.layers}
    assert worst.lost_cycles == worst.cycles - sum(kept[name] for name in worst.names)
    assert "if every tensor went outside" in " ".join(explanation_report(found, Style(80)).split())


def test_where_nothing_helps_the_layers_with_most_cycles_above_their_bounds_are_shown(tmp_path):
    file = tmp_path / "one.yaml"
    file.write_text(
        "name: one\ntitle: One product\nsource: made up\ninput: {channels: 1, height: 1, width: 1}\n"
        "stages:\n  - {block: conv, name: c1, out_channels: 1, kernel: 1}\n"
    )
    on_chip = {"weights": ["weights"], "others": ["inputs", "outputs", "residual"]}
    described = [
        {"name": "dram", "bandwidth": {"bytes_per_cycle": 1024}, "latency_cycles": 0},
        *({"name": name, "holds": operands, "size_bytes": 65536} for name, operands in on_chip.items()),
    ]
    wide = vary(LARGE, memories=described, assumed={}, **{"pe_array.dataflows": list(dataflow_names())})
    found = explain_network(load_network(file), wide, objective="time")
    assert min(one.result.cycles for one in found.outcomes) == found.result.cycles
    assert [worst.gained_cycles for worst in found.worst] == [0] * len(found.worst)
    lost = [worst.lost_cycles for worst in found.worst]
    assert lost == sorted(lost, reverse=True)
    words = " ".join(explanation_report(found, Style(80)).split())
    assert "No remedy gains time at any layer; these have the most cycles above their lower bounds" in words
    assert "helps most: none of the remedies" in words


def test_more_remedies_are_offered_to_a_machine_with_one_dataflow():
    found = explained(*CASES[3])
    assert "output_stationary" in {one.remedy.name for one in found.outcomes}
    assert "weight_stationary" not in {one.remedy.name for one in found.outcomes}


def test_a_forced_dataflow_can_be_set_free():
    names = {outcome.remedy.name for outcome in explained(*CASES[2]).outcomes}
    assert {"auto", "weight_stationary"} <= names
    assert "output_stationary" not in names


def test_a_dataflow_that_is_added_is_used_though_another_was_asked_for(tmp_path):
    found = explain_network(
        load_network("squeezenet_v1_1@resolution=64"), ONE_DATAFLOW, layers=0, dataflow="weight_stationary"
    )
    (added,) = [one.result for one in found.outcomes if one.remedy.name == "output_stationary"]
    assert {"weight_stationary", "output_stationary"} <= {layer.dataflow for layer in added.layers}
    both = vary(ONE_DATAFLOW, **{"pe_array.dataflows": ["weight_stationary", "output_stationary"]})
    assert added.cycles == run_network(load_network("squeezenet_v1_1@resolution=64"), both).cycles


def channels_of(network, hardware):
    """Why channels cannot be rounded."""
    (one,) = explain_network(network, hardware, layers=0).impossible
    assert one.name == "channels"
    return obstacle_words(one)


def test_what_is_so_already_is_impossible_and_says_why():
    reason = channels_of(load_network("vgg16@resolution=64"), SMALL)
    assert reason == "every number of channels that can change alone is a multiple already"


def test_what_a_network_puts_out_is_no_number_of_channels_to_round(tmp_path):
    file = tmp_path / "one.yaml"
    file.write_text(
        "name: one\ntitle: One layer\nsource: made up\ninput: {channels: 3, height: 32, width: 32}\n"
        "stages:\n  - {block: conv, name: c1, out_channels: 5, kernel: 3}\n"
    )
    reason = channels_of(load_network(file), SMALL)
    assert reason == "no number of channels of the stage table can change alone"


def test_banks_that_are_given_in_bytes_grow_with_their_memory():
    banks = {"inputs": 8192, "weights": 16384, "outputs": 8192}
    hardware = vary(load_hardware("8x8_32k"), **{"memories.global_buffer.banks": {"bytes": banks}})
    outcomes = explain_network("mlperf_tiny_ic", hardware, layers=0).outcomes
    larger = next(one.remedy.hardware for one in outcomes if one.remedy.name == "buffer")
    assert {bank.name: bank.size_bytes for bank in larger.banks} == {
        name: 2 * size for name, size in banks.items()
    }


def test_a_remedy_that_a_machine_file_may_not_say_is_impossible():
    huge = vary(SMALL, **{"pe_array.rows": 4096})
    found = explain_network("mlperf_tiny_kws", huge, layers=0)
    (one,) = [one for one in found.impossible if one.name == "rows"]
    assert "from 1 to 4096" in obstacle_words(one)


def test_a_negative_number_of_layers_is_refused():
    with pytest.raises(AccelsimError, match="layers = -1: must be a whole number, at least 0"):
        explain_network(load_network("vgg16"), SMALL, layers=-1)
