"""A second memory on chip, for outputs, is a matter of the machine's file and of nothing else."""

import json
import re

import pytest
from machines import machine_with_output_memory
from matplotlib.text import Text

from accelsim import load_hardware, load_network, run_network, verify
from accelsim.hardware import Operand
from accelsim.hardware.memory import COMPONENTS, ROWS
from accelsim.report.files.trace import threads_of
from accelsim.report.pages import make_page, page_html
from accelsim.report.pages.values import script_values
from accelsim.report.plots.energy import layer_energy_figure, run_energy_figure
from accelsim.report.plots.layers import layers_figure
from accelsim.report.plots.roofline import roofline_figure
from accelsim.report.plots.traffic import traffic_figure
from accelsim.report.tables.comparison import Case
from accelsim.report.tables.machines import hardware_report
from accelsim.report.tables.run import run_report
from accelsim.report.text.diagnosis import reason
from accelsim.report.text.table import LABEL_WIDTH, Style, labelled
from accelsim.run import plan_run
from accelsim.search.diagnosis import diagnose
from accelsim.simulation.fast import simulate_fast

NETWORK = load_network("squeezenet_v1_1")


@pytest.fixture(scope="module")
def machine(tmp_path_factory):
    return machine_with_output_memory(tmp_path_factory.mktemp("machines"))


@pytest.fixture(scope="module")
def result(machine):
    return run_network(NETWORK, machine)


def test_both_engines_say_the_same(machine, result):
    assert run_network(NETWORK, machine, engine="events").to_dict() == result.to_dict()


def test_its_schedules_are_proven(machine):
    verified = verify(load_network("sqnxt23v5@resolution=64"), machine)
    assert verified.proven, verified.mismatches


def test_outputs_are_in_their_memory_and_nothing_else_is(result):
    memories = result.to_dict()["memories"]
    assert list(memories) == ["flash", "sram", "output_memory"]
    assert set(memories["output_memory"]["read_bytes"]) == {"outputs"}
    assert set(memories["sram"]["written_bytes"]) == {"inputs", "weights", "residual"}
    assert memories["output_memory"]["written_bytes"]["outputs"] > 0
    assert memories["sram"]["read_bytes"]["weights"] > 0
    assert 0 < memories["output_memory"]["peak_bytes"] <= 32768
    assert 0 < memories["sram"]["peak_bytes"] <= 65536
    assert "peak_bytes" not in memories["flash"]


def test_banks_that_are_full_at_different_times_are_not_added_up(machine):
    activity = simulate_fast(plan_run("mobilenet_v2", machine).schedule, machine)
    banks = activity.peak_bank_bytes
    assert activity.peak_memory_bytes["sram"] < banks["inputs"] + banks["weights"]
    assert activity.peak_memory_bytes["output_memory"] == banks["outputs"]


def test_the_peak_of_one_memory_alone_is_that_of_everything_on_chip():
    result = run_network("squeezenet_v1_1", "8x8_32k")
    assert result.memories["global_buffer"].peak_bytes == result.peak_global_buffer_bytes


@pytest.mark.parametrize("memory", ["flash", "sram", "output_memory"])
def test_energy_is_by_each_memorys_own_prices(machine, result, memory):
    accesses = result.memories[memory]
    price = next(price for price in machine.prices.memories if price.memory == memory)
    words = [sum(moved.values()) / 2 for moved in (accesses.read_bytes, accesses.written_bytes)]
    assert result.energy.by_component[memory] == accesses.energy
    assert accesses.energy == pytest.approx(words[0] * price.read + words[1] * price.write)


def test_layers_add_up_to_the_network(result):
    for name, memory in result.memories.items():
        for direction in ("read_bytes", "written_bytes"):
            for operand, total in getattr(memory, direction).items():
                assert (
                    sum(getattr(layer.memories[name], direction)[operand] for layer in result.layers) == total
                )
    assert result.dram_bytes.read == sum(result.memories["flash"].read_bytes.values())
    on_chip = (result.memories["sram"], result.memories["output_memory"])
    assert result.global_buffer_bytes.write == sum(sum(one.written_bytes.values()) for one in on_chip)


def test_reports_and_plots_call_memories_by_their_names(result):
    text = run_report(result, Style(width=100), "none")
    assert "output memory" in text
    assert "flash" in text
    for figure in (layer_energy_figure([result]), run_energy_figure([result])):
        legends = [legend for part in (figure, *figure.subfigs) for legend in part.legends]
        words = {text.get_text() for legend in legends for text in legend.get_texts()}
        assert {"flash", "sram", "output memory", "MACs"} <= words


def test_a_report_calls_the_outermost_memory_by_one_name(result):
    text = run_report(result, Style(), "none")
    totals = text[text.index("\ntime ") : text.index("\nbound by ")]
    assert re.search(r"(?m)^flash {10}\d.* read, .* written$", totals)
    assert re.search(r"(?m)^on chip {8}\d.* read, .* written; at most ", totals)
    assert re.search(r"(?m)^ flash +\d", totals)
    assert "DRAM" not in totals
    assert "flash, buffer: bytes read and written" in " ".join(text.split())
    assert "DRAM" not in text
    (figure,) = layer_energy_figure([result]).subfigs[-1:]
    titles = " ".join(axes.get_title(loc) for axes in figure.axes for loc in ("left", "center", "right"))
    assert "DRAM" not in titles


def test_where_flash_is_off_chip_nobody_speaks_of_dram():
    """Reports said that the DRAM channel streams, plots drew DRAM's traffic, and traces had a track of it."""
    machine = load_hardware("npu_int8_2m")
    network = "mobilenet_v1@width=0.25,resolution=96"
    flash = run_network(network, machine)
    text = run_report(flash, Style(), "all")
    assert "the flash channel streams" in text
    mappings = plan_run(network, machine).schedule.mappings
    reasons = [reason(diagnose(*of_layer, machine)) for of_layer in zip(flash.layers, mappings, strict=True)]
    assert any("flash streams for" in words for words in reasons)
    figures = roofline_figure([(flash, machine)]), traffic_figure([flash]), layers_figure([flash])
    words = [word.get_text() for figure in figures for word in figure.findobj(Text)]
    assert any("flash traffic" in word for word in words)
    page = make_page([Case("a", "b", flash)], "b", {"a": load_network(network)}, {"b": machine})
    assert "flash [byte]" in page_html(page)
    values = script_values(page)
    assert (values["off_chip"], values["bounds"]["dram"]["name"]) == ("flash", "flash")
    tracks = [name for _, name in threads_of(machine).values()]
    assert tracks == ["flash channel", "PE array", "vector unit"]
    assert not [said for said in (text, *reasons, *words) if "DRAM" in said]


def test_one_memory_on_chip_is_called_by_its_name():
    result = run_network(NETWORK, load_hardware("8x8_32k"))
    text = run_report(result, Style(), "none")
    assert re.search(r"(?m)^DRAM {11}\d.* read, ", text)
    assert re.search(r"(?m)^global buffer  \d.* read, ", text)
    assert "outermost" not in text


def test_a_long_name_stays_apart_from_what_is_said_of_it():
    assert labelled("a_memory_of_a_long_name", "8 GB/s", Style()) == ["a_memory_of_a_long_name 8 GB/s"]


def test_what_stands_beside_memories_in_results_and_reports_is_the_name_of_none(machine, result):
    names = {memory.name for memory in machine.memories}
    by_component = {*result.energy.by_component, "static"}  # which machines have that draw power at all times
    assert by_component - names == set(COMPONENTS)
    run, machine_itself = run_report(result, Style(), "none"), hardware_report(machine, Style())
    sums = run[run.index("\ntime ") : run.index("\nbound by ")]
    amounts = machine_itself[: machine_itself.index("\n\n")].partition("\n")[2]
    labels = [line[:LABEL_WIDTH].strip() for line in (*sums.splitlines(), *amounts.splitlines())]
    rows = {label.lower().replace(" ", "_") for label in labels if label}
    assert {"time", "pe_array", "flash"} < rows
    assert rows <= names | {*COMPONENTS, *ROWS}


def test_tiles_are_data(result):
    layer = result.layers[0]
    sizes = layer.tile_sizes
    assert list(sizes) == ["N", "G", "K", "C", "OY", "OX", "FY", "FX"]
    assert (sizes["FY"], sizes["FX"]) == (3, 3)
    assert set(layer.tile_order) == {"N", "G", "K", "C", "OY", "OX"}
    row = json.loads(result.to_dataframe().to_json(orient="records"))[0]
    assert row["tile_sizes_K"] == sizes["K"]
    assert row["tile_order"] == " ".join(layer.tile_order)
    assert row["memories_flash_read_bytes_weights"] == layer.memories["flash"].read_bytes["weights"]


def test_the_order_of_operands_is_that_of_counts():
    assert [operand.value for operand in Operand] == ["inputs", "weights", "outputs", "residual"]


def test_what_moved_is_what_was_read_and_written_and_operands_are_in_the_outermost_memory():
    result = run_network("squeezenet_v1_1", "16x16_128k")
    for layer in result.to_dict()["layers"]:
        for memory in layer["memories"].values():
            moved = {
                operand: read + memory["written_bytes"][operand]
                for operand, read in memory["read_bytes"].items()
            }
            assert memory["moved_bytes"] == moved
        assert set(layer["places"].values()) == {"dram"}
        assert ("weights" in layer["places"]) == (layer["params"] > 0)


def test_what_is_waited_for_stands_at_the_memory_that_it_is_waited_for_at(result):
    waiting = result.to_dict()["waiting_cycles"]
    assert {memory: list(cycles) for memory, cycles in waiting.items()} == {
        "flash": ["inputs", "weights", "residual"],
        "output_memory": ["outputs"],
    }
    first = result.layers[0]
    row = json.loads(result.to_dataframe().to_json(orient="records"))[0]
    for memory, cycles in first.waiting_cycles.items():
        for operand, waited in cycles.items():
            assert waited == row[f"waiting_cycles_{memory}_{operand}"] == first.waited_for.get(operand, 0)
    assert first.waiting_cycles["flash"]["weights"] > 0


def test_an_array_works_or_waits_for_each_layer_until_it_is_done():
    result = run_network("sqnxt23v5", load_hardware("16x16_128k"), batch=2)
    on_array = [layer for layer in result.layers if layer.dataflow != "vector"]
    assert len(on_array) == len(result.layers)
    operands = [cycles for memory in result.waiting_cycles.values() for cycles in memory.values()]
    assert sum(operands) == sum(sum(layer.waited_for.values()) for layer in result.layers)
    busy = sum(layer.busy_cycles["array"] for layer in result.layers)
    last = result.layers[-1].end_cycle
    assert 0 <= last - (busy + sum(operands)) < 1000  # the vector unit, a latency and the last outputs
