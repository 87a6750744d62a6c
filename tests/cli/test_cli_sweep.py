"""`accelsim sweep`: what a user gives, and what comes back."""

import csv
import io
import json
import os
import pty
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

SPEC = """\
networks: [tiny.yaml]
hardware: [8x8_32k]
hardware_parameters:
  pe_array.rows: [4, 8, 16]
  pe_array.dataflows: [[weight_stationary], [weight_stationary, output_stationary]]
network_parameters:
  width: [1.0, 2.0]
objectives: [time_ms, energy, area_mm2]
"""
SWEEP = ("sweep", "small.yaml")


@pytest.fixture(autouse=True)
def spec(folder):
    """A sweep of twelve candidates."""
    (folder / "small.yaml").write_text(SPEC)


def values(outcome):
    assert outcome.code == 0, outcome.err
    return json.loads(outcome.out)


def test_the_table_marks_the_front_within_80_columns(accelsim):
    outcome = accelsim(*SWEEP)
    assert outcome.code == 0
    lines = outcome.out.splitlines()
    assert lines[0] == "small: all 12 candidates"
    assert lines[2].split() == ["rank", "rows", "dataflow", "width", "ms", "energy", "mm2"]
    assert lines[3] == "the best by time_ms"
    assert lines[4].startswith("   1 *")
    assert "WS+OS" in outcome.out
    assert "Pareto front of time_ms, energy and area_mm2: " in outcome.out
    assert max(map(len, lines)) <= 80
    assert outcome.err.startswith("small: 12 evaluated in ")


def test_many_axes_still_fit_80_columns(accelsim, folder):
    keys = [
        "dram.latency_cycles",
        "dma.descriptors",
        "vector_unit.lanes_per_column",
        "precision.pruned_index_bits",
    ]
    more = "".join(f"  {key}: [1, 2]\n" for key in keys)
    (folder / "wide.yaml").write_text(SPEC.replace("network_parameters", f"{more}network_parameters"))
    outcome = accelsim("sweep", "wide.yaml", "--samples", "8", "--quiet")
    assert outcome.code == 0
    assert max(map(len, outcome.out.splitlines())) <= 80
    text = " ".join(outcome.out.split())
    hidden = text.partition("Left out for want of space: ")[2].partition(";")[0].split(", ")
    header = outcome.out.splitlines()[2].split()
    assert hidden[-1] == "width"
    assert not set(hidden) & set(header)


def test_a_column_that_is_shown_is_not_said_to_be_left_out(accelsim, folder):
    names = ("a", "b", "c", "a_network_with_a_long_name_that_only_the_last_has")
    for name in names:
        slower = "1.0" if name != names[-1] else "2.0"
        text = (folder / "tiny.yaml").read_text().replace("name: tiny", f"name: {name}")
        (folder / f"{name}.yaml").write_text(text.replace("default: 1.0", f"default: {slower}"))
    axes = "  pe_array.columns: [8, 16]\n  dma.descriptors: [4, 8]\n  dram.latency_cycles: [50, 100]\n"
    spec = SPEC.replace("[tiny.yaml]", f"[{', '.join(f'{name}.yaml' for name in names)}]")
    spec = spec.replace("network_parameters:\n  width: [1.0, 2.0]\n", axes)
    spec = spec.replace("energy, area_mm2", "pes")
    (folder / "wide.yaml").write_text(spec)
    outcome = accelsim("sweep", "wide.yaml", "--top", "2", "--quiet")
    assert outcome.code == 0, outcome.err
    header = outcome.out.splitlines()[2].split()
    assert "network" in header
    hidden = " ".join(outcome.out.split()).partition("Left out for want of space: ")[2].partition(";")[0]
    assert not set(hidden.split(", ")) & set(header)


def test_the_title_is_shown(accelsim, folder):
    (folder / "small.yaml").write_text(f"title: Twelve small machines\n{SPEC}")
    lines = accelsim(*SWEEP).out.splitlines()
    assert lines[:2] == ["small: Twelve small machines", "all 12 candidates"]


def test_a_sweep_of_one_is_said_to_be_one(accelsim, folder):
    only = SPEC.partition("hardware_parameters")[0] + "objectives: [time_ms]\n"
    (folder / "small.yaml").write_text(only)
    assert accelsim(*SWEEP).out.splitlines()[0] == "small: the only candidate"
    (folder / "small.yaml").write_text(f"{only}constraints: [pes <= 1]\n")
    assert "pes <= 1: excludes the only candidate: " in accelsim(*SWEEP).err


def test_the_json_has_everything(accelsim):
    found = values(accelsim(*SWEEP, "--format", "json"))
    assert [found[key] for key in ("size", "evaluated", "simulated", "feasible")] == [12] * 4
    assert found["problems"] == []
    assert found["objectives"] == ["time_ms", "energy", "area_mm2"]
    assert len(found["candidates"]) == 12
    assert found["best"] == found["candidates"][0]
    assert [one for one in found["candidates"] if one["on_front"]] == found["pareto"]
    assert found["best"]["settings"]["pe_array.dataflows"]
    assert {"time_ms", "energy", "area_mm2", "params", "top1"} <= found["best"]["figures"].keys()


def test_a_candidates_figures_are_those_of_run(accelsim, folder):
    best = values(accelsim(*SWEEP, "--format", "json"))["best"]
    shown = values(accelsim("show", "8x8_32k", "--format", "json"))
    shown["pe_array"]["rows"] = best["settings"]["pe_array.rows"]
    described = shown["pe_array"]["dataflows"]
    shown["pe_array"]["dataflows"] = {
        name: described[name] for name in best["settings"]["pe_array.dataflows"]
    }
    (folder / "best.yaml").write_text(json.dumps(shown))  # JSON is YAML
    network = f"tiny.yaml@width={best['settings']['width']}"
    run = values(accelsim("run", "--net", network, "--hw", "best.yaml", "--format", "json"))
    assert run["cycles"] == best["figures"]["cycles"]
    assert run["energy"]["total"] == best["figures"]["energy"]


def test_csv_has_a_row_for_each_candidate(accelsim):
    rows = list(csv.DictReader(io.StringIO(accelsim(*SWEEP, "--format", "csv").out)))
    assert len(rows) == 12
    assert {row["pe_array.dataflows"] for row in rows} == {"WS", "WS+OS"}
    assert [row["rank"] for row in rows] == [str(rank) for rank in range(1, 13)]


def test_a_key_of_format_1_that_a_machine_has_not_is_told_by_the_one_that_it_has(accelsim, folder):
    (folder / "other.yaml").write_text(
        "name: other\npe_array: {rows: 8, columns: 8}\nmemories:\n"
        "- {name: flash, bandwidth: {bytes_per_cycle: 8}}\n- {name: sram, size_bytes: 65536}\n"
    )
    (folder / "sizes.yaml").write_text(
        "networks: [tiny.yaml]\nhardware: [other.yaml]\nobjectives: [time_ms]\n"
        "hardware_parameters: {global_buffer.size_bytes: [32768, 65536]}\n"
    )
    assert accelsim("sweep", "sizes.yaml").err.endswith(
        "global_buffer.size_bytes = [32768, 65536]: other: is a key of format 1; this machine has "
        "memories.sram.size_bytes\n"
    )


def test_mappings_are_told_as_the_file_has_them(accelsim, folder):
    banks = [
        "{shares: {inputs: 0.25, weights: 0.5, outputs: 0.25}}",
        "{bytes: {inputs: 8192, weights: 16384, outputs: 8192}}",
    ]
    (folder / "banks.yaml").write_text(
        "networks: [tiny.yaml]\nhardware: [8x8_32k]\nobjectives: [time_ms]\n"
        f"hardware_parameters:\n  memories.global_buffer.banks: [{', '.join(banks)}]\n"
        "  mapper: [{}, {tiles: time}]\n"
    )
    assert accelsim("sweep", "banks.yaml", "--output", "found.csv").code == 0
    with (folder / "found.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert {row["memories.global_buffer.banks"] for row in rows} == set(banks)
    assert {row["mapper"] for row in rows} == {"{}", "{tiles: time}"}


def test_what_was_not_simulated_is_said_and_what_cannot_be_is_named(accelsim, folder):
    (folder / "small.yaml").write_text(
        SPEC.replace("[4, 8, 16]", "[4, 8]\n  global_buffer.size_bytes: [64, 32768]")
        + "constraints: [pes <= 40]\n"
    )
    outcome = accelsim(*SWEEP, "--format", "json")
    found = values(outcome)
    assert found["evaluated"] == found["simulated"] + found["not_executable"] + 8 == 16
    assert len(found["problems"]) == found["not_executable"] == 4
    assert {one["settings"]["global_buffer.size_bytes"] for one in found["problems"]} == {64}
    assert ", 8 of them without a simulation\n" in outcome.err
    assert (
        "4 cannot be executed, the first, pe_array.rows = 4, global_buffer.size_bytes = 64, " in outcome.err
    )


def test_a_sample_is_said_to_be_one_and_repeats_itself(accelsim):
    outcome = accelsim(*SWEEP, "--samples", "5", "--sampler", "nsga2", "--seed", "7")
    assert outcome.out.startswith("small: 5 of 12 candidates, chosen by NSGA-II\n")
    assert "small: 12 candidates, of which nsga2 chooses 5 (seed 7); --sampler exhaustive" in outcome.err
    assert accelsim(*SWEEP, "--samples", "5", "--sampler", "nsga2", "--seed", "7").out == outcome.out


def test_a_store_makes_the_second_sweep_a_look_up(accelsim):
    options = ("--store", "found.sqlite", "--format", "json")
    first, second = (values(accelsim(*SWEEP, *options)) for _ in range(2))
    assert (first.pop("from_store"), second.pop("from_store")) == (0, 12)
    assert first.pop("seconds") >= 0 <= second.pop("seconds")
    assert first == second


def test_a_local_cluster_finds_the_same(accelsim):
    here = accelsim(*SWEEP, "--quiet")
    there = accelsim(*SWEEP, "--quiet", "--workers", "1")
    assert (there.code, there.out, there.err) == (0, here.out, "")


def test_a_search_for_depths_runs_on_a_local_cluster(accelsim):
    search = ("search", "depth", "--net", "sqnxt23v5", "--hw", "8x8_32k", "--total-blocks", "6", "--quiet")
    there = accelsim(*search, "--workers", "1")
    assert (there.code, there.out, there.err) == (0, accelsim(*search).out, "")


def test_a_store_of_another_model_is_refused(accelsim, monkeypatch):
    assert accelsim(*SWEEP, "--store", "found.sqlite").code == 0
    monkeypatch.setattr("accelsim.reuse.file.OwnFile.model_version", lambda _: "9.9.9+abc")
    outcome = accelsim(*SWEEP, "--store", "found.sqlite")
    assert (outcome.code, outcome.out) == (2, "")
    assert "found.sqlite: holds results of accelsim 0." in outcome.err
    assert "this is 9.9.9+abc, which may find others" in outcome.err


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        (
            "[4, 8, 16]",
            "[-4]",
            "small.yaml:4: hardware_parameters.pe_array.rows.0 = -4: must be a whole number",
        ),
        (
            "time_ms",
            "speed",
            "small.yaml:8: objectives.0 = 'speed': no such metric: allowed are time_ms, cycles",
        ),
        (
            "objectives",
            "constraints: [area_mm2 <= 0.5]\nobjectives",
            "area_mm2 <= 0.5: excludes all 12 candidates: the nearest, pe_array.rows = 4, "
            "pe_array.dataflows = [weight_stationary], width = 1.0, has 1.206, 0.706 more\n",
        ),
        ("time_ms, energy, area_mm2", "top1", "objectives: no top-1 accuracy is published of any candidate"),
    ],
)
def test_what_is_wrong_with_the_file_is_said(accelsim, folder, old, new, sentence):
    (folder / "small.yaml").write_text(SPEC.replace(old, new, 1))
    outcome = accelsim(*SWEEP)
    assert (outcome.code, outcome.out) == (2, "")
    assert sentence in outcome.err


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--sampler", "random"), "'exhaustive', 'nsga2', 'tpe'"),
        (("--samples", "0"), "--samples"),
        (("--samples", "3", "--sampler", "exhaustive"), "samples = 3: an exhaustive sweep evaluates all 12"),
        (("--workers", "0"), "--workers"),
        (("--workers", "2", "--scheduler", "tcp://here:1"), "give one of --workers and --scheduler"),
        (("--scheduler", "here"), "--scheduler here: must be an address such as tcp://host:8786"),
        (("--store", "no/such.sqlite"), "no/such.sqlite: cannot be used as a store: there is no folder no"),
        (("--output", "no/such.json"), "no/such.json: cannot be written"),
    ],
)
def test_options_that_are_wrong_are_said(accelsim, options, sentence):
    outcome = accelsim(*SWEEP, *options)
    assert (outcome.code, outcome.out) == (2, "")
    assert sentence in outcome.err


def test_a_spec_that_is_not_there_is_said(accelsim):
    outcome = accelsim("sweep", "none.yaml")
    assert (outcome.code, outcome.out, outcome.err) == (2, "", "none.yaml: no such file\n")


# --- plots


def test_a_sweep_is_drawn_from_its_result(accelsim, folder):
    assert accelsim(*SWEEP, "--output", "found.json", "--quiet").code == 0
    outcome = accelsim("plot", "sweep", "--result", "found.json", "-o", "front.png", "--quiet")
    assert (outcome.code, outcome.out, outcome.err) == (0, "", "")
    assert (folder / "front.png").stat().st_size > 10_000


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("sweep", "-o", "x.png"), "sweep needs one"),
        (("sweep", "--result", "none.json", "-o", "x.png"), "none.json: cannot be read: No such file"),
        (("sweep", "--result", "small.yaml", "-o", "x.png"), "small.yaml: cannot be read: is no JSON"),
        (("sweep", "--result", "other.json", "-o", "x.png"), "other.json: is not what `accelsim sweep"),
        (
            ("sweep", "--result", "single.json", "-o", "x.png"),
            "has one objective, energy; a front",
        ),
        (
            ("sweep", "--result", "other.json", "--hw", "8x8_32k", "-o", "x.png"),
            "the sweep says which networks",
        ),
        (("layers", "--result", "other.json", "-o", "x.png"), "layers takes none; sweep does"),
    ],
)
def test_what_cannot_be_drawn_is_said(accelsim, folder, arguments, sentence):
    (folder / "other.json").write_text("{}")
    single = {"sweep": "small", "objectives": ["energy"], "axes": [], "candidates": []}
    (folder / "single.json").write_text(json.dumps(single))
    outcome = accelsim("plot", *arguments)
    assert (outcome.code, outcome.out) == (2, "")
    assert sentence in outcome.err
    assert not (folder / "x.png").exists()


# --- processes


COMMAND = [sys.executable, "-m", "accelsim", "sweep", "long.yaml", "--store", "found.sqlite"]
LONG = SPEC.replace("[tiny.yaml]", "[sqnxt23]").replace("[4, 8, 16]", str(list(range(1, 1000))))


@pytest.mark.parametrize("options", [(), ("--workers", "2")])
def test_an_interrupt_is_one_line_and_leaves_no_result(folder, options):
    (folder / "long.yaml").write_text(LONG)
    command = [*COMMAND, *options, "--output", "found.json"]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    while not (folder / "found.sqlite").exists() and process.poll() is None:
        time.sleep(0.05)
    time.sleep(0.5)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to all that the command started
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err) == (130, "", "interrupted\n")
    assert not (folder / "found.json").exists()


def test_a_terminal_sees_rate_and_time_left_unless_it_is_to_be_quiet(folder):
    (folder / "long.yaml").write_text(SPEC.replace("[4, 8, 16]", str(list(range(1, 26)))))
    shown = _in_a_terminal([*COMMAND[:-2], "--format", "csv", "--output", "found.csv"])
    assert "/100, " in shown
    assert "/s, 0:0" in shown
    assert "/100" not in _in_a_terminal([*COMMAND[:-2], "--quiet", "--output", "found.csv"])


def _in_a_terminal(command):
    """What a command shows on a terminal."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(command, stdout=theirs, stderr=theirs, env=os.environ | {"TERM": "xterm"})
    os.close(theirs)
    shown = b""
    while True:
        try:
            chunk = os.read(ours, 65536)
        except OSError:  # the other side is closed
            break
        if not chunk:
            break
        shown += chunk
    os.close(ours)
    assert process.wait(timeout=60) == 0
    return shown.decode()


def test_killed_at_any_moment_a_sweep_ends_with_the_same_answer(folder):
    """The small version of scripts/kill_tests.py, on a network of four layers."""
    script = Path(__file__).parents[2] / "scripts" / "kill_tests.py"
    options = [
        "--net",
        str(folder / "tiny.yaml"),
        "--candidates",
        "200",
        "--kills",
        "3",
        "--worker-kills",
        "1",
    ]
    done = subprocess.run(
        [sys.executable, script, *options], capture_output=True, text=True, check=False, timeout=120
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith("every result is that of the undisturbed sweep\n")
    rows = [line.split() for line in done.stdout.splitlines()[2:-1]]
    assert [what for what, *_ in rows] == ["begin", "sweep", "sweep", "worker"]
    for what, _, kept in rows:
        assert what == "begin" or 0 < int(kept) < 200
