"""`accelsim run`: does a user see the right sentence, and a program the right data?"""

import csv
import io
import json
import re

import pytest

RUN = ("run", "--net", "tiny.yaml", "--hw", "16x16_128k")


def test_the_report_goes_to_stdout_and_nothing_to_stderr(accelsim):
    outcome = accelsim(*RUN)
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out.startswith("tiny on 16x16_128k\n")
    for words in ("conv1", "body", " conv2", " conv3", "fc", "frames/s", "lower bound", "energy", "bound by"):
        assert f"\n{words}" in outcome.out or words in outcome.out


@pytest.mark.parametrize("network", ["sqnxt23v5", "mobilenet_v1", "alexnet"])
def test_a_report_fits_80_columns_where_there_is_no_terminal(accelsim, network):
    outcome = accelsim("run", "--net", network, "--hw", "16x16_128k")
    assert max(map(len, outcome.out.splitlines())) <= 80


def test_a_wider_terminal_gets_more_columns(accelsim, monkeypatch):
    narrow = accelsim(*RUN).out
    more = ({"buffer", "bound", "least"}, {"inputs", "weights", "outputs"}, {"tile"})
    for width, new in zip((110, 140, 170), more, strict=True):
        monkeypatch.setenv("COLUMNS", str(width))
        wide = accelsim(*RUN).out
        assert not new & set(narrow.splitlines()[2].split())
        assert new <= set(wide.splitlines()[2].split())
        assert len(narrow.splitlines()[2]) < max(map(len, wide.splitlines())) <= width
        narrow = wide


def test_layers_none_shows_stages_and_layers_top_no_stages(accelsim):
    stages = accelsim(*RUN, "--layers", "none").out
    assert "body " in stages
    assert "conv2" not in stages
    top = accelsim(*RUN, "--layers", "top").out
    assert "body " not in top
    assert "conv2" in top


def test_json_has_the_documented_names_and_adds_up(accelsim):
    values = json.loads(accelsim(*RUN, "--format", "json").out)
    assert set(values) >= {
        "accelsim",
        "network",
        "hardware",
        "batch",
        "clock_mhz",
        "cycles",
        "time_ms",
        "macs",
        "params",
        "utilization",
        "energy",
        "dram_bytes",
        "global_buffer_bytes",
        "layers",
    }
    assert set(values["energy"]) >= {"total", "unit", "by_component"}
    components = {"mac", "register_file", "inter_pe", "global_buffer", "dram"}
    assert set(values["energy"]["by_component"]) >= components
    assert set(values["dram_bytes"]) == set(values["global_buffer_bytes"]) == {"read", "write"}
    layers = values["layers"]
    assert [layer["name"] for layer in layers] == ["conv1", "conv2", "conv3", "fc"]
    assert set(layers[0]) >= {
        "name",
        "operator",
        "dataflow",
        "macs",
        "params",
        "cycles",
        "utilization",
        "bound_by",
        "energy",
        "dram_bytes",
    }
    for name in ("cycles", "macs", "params"):
        assert sum(layer[name] for layer in layers) == values[name]
    assert sum(layer["dram_bytes"]["read"] for layer in layers) == values["dram_bytes"]["read"]
    assert sum(layer["energy"] for layer in layers) == pytest.approx(values["energy"]["total"])


def test_csv_has_a_row_for_each_layer_and_a_column_for_each_value(accelsim):
    rows = list(csv.DictReader(io.StringIO(accelsim(*RUN, "--format", "csv").out)))
    assert [row["name"] for row in rows] == ["conv1", "conv2", "conv3", "fc"]
    columns = {
        "operator",
        "dataflow",
        "macs",
        "cycles",
        "utilization",
        "bound_by",
        "energy",
        "dram_bytes_read",
    }
    assert columns <= set(rows[0])
    assert rows[0]["fused"] == "conv1.bn conv1.relu"
    assert all(int(row["cycles"]) > 0 for row in rows)


def test_the_same_command_gives_the_same_bytes(accelsim):
    for form in ("table", "json", "csv"):
        assert accelsim(*RUN, "--format", form).out == accelsim(*RUN, "--format", form).out


def test_output_is_a_complete_file_and_says_so_on_stderr(accelsim, folder):
    outcome = accelsim(*RUN, "--output", "result.json")
    assert (outcome.code, outcome.out, outcome.err) == (0, "", "wrote result.json\n")
    assert json.loads((folder / "result.json").read_text())["network"] == "tiny"
    assert sorted(path.name for path in folder.iterdir()) == ["result.json", "tiny.yaml"]


def test_quiet_says_nothing(accelsim, folder):
    outcome = accelsim(*RUN, "--output", "result.csv", "--quiet")
    assert (outcome.code, outcome.out, outcome.err) == (0, "", "")
    assert (folder / "result.csv").read_text().startswith("name,stage,operator,")


def test_the_format_is_what_the_file_is_called_unless_it_is_given(accelsim, folder):
    accelsim(*RUN, "--output", "a.dat", "--format", "json")
    accelsim(*RUN, "--output", "a.txt")
    assert (folder / "a.dat").read_text().startswith("{")
    assert (folder / "a.txt").read_text().startswith("tiny on 16x16_128k\n")


def test_a_dash_is_stdout(accelsim, folder):
    assert accelsim(*RUN, "--output", "-").out == accelsim(*RUN).out
    assert [path.name for path in folder.iterdir()] == ["tiny.yaml"]


@pytest.mark.parametrize(
    ("output", "sentence"),
    [
        ("absent/result.json", "absent/result.json: cannot be written: no such folder as absent"),
        (".", ".: is a directory: must be the name of a file"),
        ("tiny.yaml/x", "tiny.yaml/x: cannot be written: Not a directory"),
    ],
)
def test_an_output_that_cannot_be_written_is_refused_before_the_work(accelsim, output, sentence, monkeypatch):
    monkeypatch.setattr("accelsim.run.run_network", lambda *_, **__: pytest.fail("ran all the same"))
    outcome = accelsim(*RUN, "--output", output)
    assert (outcome.code, outcome.out, outcome.err) == (2, "", sentence + "\n")


def test_a_mistake_leaves_an_earlier_output_as_it_was(accelsim, folder):
    (folder / "result.json").write_text("earlier")
    outcome = accelsim(
        "run", "--net", "tiny.yaml@resolution=1", "--hw", "16x16_128k", "--output", "result.json"
    )
    assert outcome.code == 2
    assert (folder / "result.json").read_text() == "earlier"
    assert sorted(path.name for path in folder.iterdir()) == ["result.json", "tiny.yaml"]


def test_a_batch_multiplies_the_work(accelsim):
    one = json.loads(accelsim(*RUN, "--format", "json").out)
    four = json.loads(accelsim(*RUN, "--format", "json", "--batch", 4).out)
    assert (four["batch"], four["macs"], four["params"]) == (4, 4 * one["macs"], one["params"])
    assert accelsim(*RUN, "--batch", 4).out.startswith("tiny on 16x16_128k, batch of 4\n")


@pytest.mark.parametrize("dataflow", ["weight_stationary", "output_stationary"])
def test_a_dataflow_can_be_forced(accelsim, dataflow):
    values = json.loads(accelsim(*RUN, "--format", "json", "--dataflow", dataflow).out)
    assert {layer["dataflow"] for layer in values["layers"]} == {dataflow}


def test_each_objective_is_best_at_what_it_is_for(accelsim):
    values = {
        objective: json.loads(accelsim(*RUN, "--format", "json", "--objective", objective).out)
        for objective in ("time", "energy", "edp")
    }
    assert values["energy"]["energy"]["total"] <= values["time"]["energy"]["total"]


def test_every_engine_says_the_same(accelsim):
    texts = {accelsim(*RUN, "--engine", engine).out for engine in ("fast", "events")}
    assert texts == {accelsim(*RUN).out}


def test_a_trace_is_written_beside_the_same_report(accelsim, folder):
    outcome = accelsim(*RUN, "--trace", "timeline.json")
    assert (outcome.code, outcome.err) == (0, "wrote timeline.json\n")
    assert outcome.out == accelsim(*RUN).out
    trace = json.loads((folder / "timeline.json").read_text())
    values = json.loads(accelsim(*RUN, "--format", "json").out)
    assert trace["otherData"]["cycles"] == values["cycles"]
    assert sorted(path.name for path in folder.iterdir()) == ["timeline.json", "tiny.yaml"]


def test_a_trace_can_be_of_some_layers(accelsim, folder):
    outcome = accelsim(
        *RUN, "--trace", "t.json", "--trace-layers", "conv1,f*", "--engine", "events", "--quiet"
    )
    assert (outcome.code, outcome.err) == (0, "")
    names = {event["name"] for event in json.loads((folder / "t.json").read_text())["traceEvents"]}
    assert {"conv1", "fc"} <= names
    assert "conv2" not in names


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--trace", "t.json", "--engine", "fast"), "--trace needs every tile's events, which fast skips"),
        (("--trace-layers", "conv1"), "needs --trace FILE"),
        (("--trace", "-"), "must be the name of a file"),
        (("--trace", "t.html"), "t.html must end in .json or .json.gz, or have no ending"),
        (("--trace", "t.csv.gz"), "t.csv.gz must end in .json or .json.gz, or have no ending"),
        (("--trace", "t.json.zip"), "t.json.zip must end in .json or .json.gz, or have no ending"),
        (("--trace", "t.json", "--output", "t.json"), "must be another file than --output"),
        (("--trace", "absent/t.json"), "absent/t.json: cannot be written: no such folder as absent"),
        (
            ("--trace", "t.json", "--trace-layers", "conv9"),
            "--trace-layers 'conv9': matches none of the 4 layers",
        ),
    ],
)
def test_a_trace_that_cannot_be_is_refused_before_the_simulation(
    accelsim, folder, options, sentence, monkeypatch
):
    for engine in ("events.simulate_events", "engines.simulate_fast"):
        monkeypatch.setattr(f"accelsim.simulation.{engine}", lambda *_, **__: pytest.fail("ran all the same"))
    outcome = accelsim(*RUN, *options)
    assert (outcome.code, outcome.out) == (2, "")
    assert sentence in " ".join(outcome.err.replace("│", " ").split())
    assert [path.name for path in folder.iterdir()] == ["tiny.yaml"]


def test_parameters_follow_an_at(accelsim):
    values = json.loads(
        accelsim("run", "--net", "tiny.yaml@width=2", "--hw", "8x8_32k", "--format", "json").out
    )
    assert (values["network"], values["hardware"]) == ("tiny@width=2.0", "8x8_32k")


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--net", "alexnet"), "takes one; `accelsim compare` takes several"),
        (("--overlay", "a.yaml", "--overlay", "b.yaml"), "takes one; `accelsim compare` takes several"),
        (("--format", "xml"), "'xml'"),
        (("--batch", "0"), "--batch"),
        (("--batch", "many"), "--batch"),
        (("--dataflow", "nothing_stationary"), "'nothing_stationary'"),
        (("--engine", "magic"), "'magic'"),
        (("--layers", "some"), "'some'"),
        (("--colour",), "--colour"),
        (("surplus",), "surplus"),
    ],
)
def test_an_option_that_makes_no_sense_is_named(accelsim, options, sentence):
    outcome = accelsim(*RUN, *options)
    assert (outcome.code, outcome.out) == (2, "")
    assert sentence in outcome.err


@pytest.mark.parametrize("missing", ["--net", "--hw"])
def test_a_missing_option_is_named(accelsim, missing):
    other = {"--net": ("--hw", "16x16_128k"), "--hw": ("--net", "tiny.yaml")}[missing]
    outcome = accelsim("run", *other)
    assert (outcome.code, outcome.out) == (2, "")
    assert missing in outcome.err


@pytest.mark.parametrize("command", ["run", "explain"])
@pytest.mark.parametrize("layers", ["all", "top", "none", "0", "1", "2", "1000"])
def test_layers_are_asked_for_alike_wherever_they_are(accelsim, command, layers):
    outcome = accelsim(command, "--net", "tiny.yaml", "--hw", "8x8_32k", "--layers", layers, "--quiet")
    assert (outcome.code, outcome.err) == (0, "")
    shown = sum(name in outcome.out for name in ("conv1 ", "conv2", "conv3", "fc "))
    if command == "explain":
        shown = sum(f"\n{place}  " in outcome.out for place in range(1, 9))
    few = {"none": 0, "0": 0, "1": 1, "2": 2}
    assert layers not in few or command == "run" or shown == few[layers]
    if command == "run" and layers in ("1", "2"):
        assert shown == few[layers]
    if layers in ("all", "1000"):
        assert shown == 4


@pytest.mark.parametrize("command", ["run", "explain"])
@pytest.mark.parametrize("layers", ["most", "-1", "1.5", "", "9" * 40])
def test_what_is_no_choice_of_layers_is_refused(accelsim, command, layers):
    outcome = accelsim(command, "--net", "tiny.yaml", "--hw", "8x8_32k", "--layers", layers)
    assert (outcome.code, outcome.out) == (2, "")
    assert "must be one of all, top, none, or a number of layers such as 3" in outcome.err


def test_a_run_says_what_stays_on_chip_and_both_lower_bounds(accelsim, npu):
    out = accelsim("run", "--net", "tiny.yaml", "--hw", npu, "--layers", "none").out
    values = json.loads(accelsim("run", "--net", "tiny.yaml", "--hw", npu, "--format", "json").out)
    assert re.search(r"^tensors +3 of 3 tensors stay in sram$", out, re.MULTILINE)
    bounds = f"{values['lower_bound_cycles']:,} cycles where every tensor goes outside, "
    bounds += f"{values['lower_bound_if_kept_cycles']:,} where all"
    assert bounds in out
    assert max(map(len, out.splitlines())) <= 80
