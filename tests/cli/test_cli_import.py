"""`accelsim import`, and ONNX models wherever a network is asked for."""

import csv
import io
import json
import os

import pytest
from onnx_models import export, model, node, save, weight

from accelsim import load_network


@pytest.fixture
def tiny(folder):
    """The folder's network as an ONNX model in model.onnx."""
    return save(export(load_network(folder / "tiny.yaml")), folder)


@pytest.mark.usefixtures("tiny")
def test_import_shows_the_layers_and_where_they_come_from(accelsim):
    outcome = accelsim("import", "model.onnx")
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out.splitlines()[:5] == [
        "model: model, imported",
        "source         model.onnx: ONNX opset 17, written by tests, open batch taken as",
        "               1",
        "input          3 x 16 x 16",
        "parameter      resolution = 16 (a whole number from 1 to 8192)",
    ]
    assert "conv1.bn" in outcome.out
    assert max(map(len, outcome.out.splitlines())) <= 80


@pytest.mark.usefixtures("tiny")
def test_import_gives_data_of_the_layers_as_published_and_as_executed(accelsim):
    ours = json.loads(accelsim("show", "tiny.yaml", "--format", "json").out)
    theirs = json.loads(accelsim("import", "model.onnx", "--format", "json").out)
    assert (theirs["macs"], theirs["params"]) == (ours["macs"], ours["params"])
    assert [layer["shape"] for layer in theirs["layers"]] == [layer["shape"] for layer in ours["layers"]]
    rows = list(
        csv.DictReader(io.StringIO(accelsim("import", "model.onnx", "--lowered", "--format", "csv").out))
    )
    assert [row["operator"] for row in rows] == ["conv", "conv", "conv", "fully_connected"]


@pytest.mark.usefixtures("tiny")
def test_a_model_is_a_network_for_every_command(accelsim):
    for command in (
        ("run", "--net", "model.onnx", "--hw", "8x8_32k"),
        ("compare", "--net", "model.onnx", "--net", "tiny.yaml", "--hw", "8x8_32k"),
        ("plot", "layers", "--net", "model.onnx", "--hw", "8x8_32k", "-o", "layers.svg"),
        ("report", "--net", "model.onnx", "--hw", "8x8_32k", "-o", "report.html"),
        ("show", "model.onnx"),
        ("show", "model.onnx@resolution=16", "--stats"),
        ("check", "model.onnx"),
    ):
        assert accelsim(*command).code == 0, command


@pytest.mark.usefixtures("tiny")
def test_a_model_costs_what_its_yaml_costs(accelsim):
    costs = [
        json.loads(accelsim("run", "--net", name, "--hw", "16x16_128k", "--format", "json").out)
        for name in ("tiny.yaml", "model.onnx")
    ]
    for key in ("cycles", "macs", "params", "energy", "dram_bytes", "global_buffer_bytes"):
        assert costs[0][key] == costs[1][key]


@pytest.mark.usefixtures("tiny")
def test_the_yaml_of_a_model_runs_as_it_does(accelsim, folder):
    outcome = accelsim("import", "model.onnx", "--yaml", "mine.yaml", "--output", "table.txt")
    assert (outcome.code, outcome.out, outcome.err) == (0, "", "wrote mine.yaml\nwrote table.txt\n")
    lines = (folder / "mine.yaml").read_text().splitlines()
    assert lines[0] == 'name: "model"'
    assert lines[8].startswith('      - {"name": "conv1", "stage": "7x7", "operator": "conv", ')
    runs = [
        json.loads(accelsim("run", "--net", name, "--hw", "8x8_32k", "--format", "json").out)
        for name in ("mine.yaml", "model.onnx")
    ]
    assert runs[0] == runs[1]
    assert accelsim("import", "model.onnx", "--yaml", "mine.yaml", "--quiet").err == ""


def test_mistakes_of_models_are_those_of_commands(accelsim, folder):
    save(model([node("Det", "x", "y")]), folder)
    save(
        model([node("Conv", "x w", "y")], [weight("w", 4, 3, 1, 1)], image=(1, 3, "h", "w")),
        folder,
        "open.onnx",
    )
    outcome = accelsim(
        "compare", "--net", "model.onnx", "--net", "open.onnx", "--net", "none.onnx", "--hw", "nowhere"
    )
    assert (outcome.code, outcome.out) == (2, "")
    lines = outcome.err.splitlines()
    assert lines[0] == "model.onnx: y (Det): is no supported operator"
    assert lines[1].startswith(
        "model.onnx: --until NODE ends before, --unsupported host or elementwise lets such nodes "
        "pass at a price; docs/how-to/import-a-model.md lists the "
    )
    assert lines[2].endswith(
        "say how large the image is, as in open.onnx@resolution=224 or open.onnx@h=224,w=224"
    )
    assert lines[3] == "none.onnx: no such file"
    assert lines[4].startswith("nowhere: no such hardware")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("tiny.yaml",), "tiny.yaml: must be a file that ends in .onnx, .tflite, .csv"),
        (("none.onnx",), "none.onnx: no such file"),
        (
            ("model.onnx@width=2",),
            "model.onnx: width: no input and no axis has this name: there are input, N",
        ),
    ],
)
@pytest.mark.usefixtures("tiny")
def test_what_is_no_model_is_refused(accelsim, arguments, sentence):
    outcome = accelsim("import", *arguments)
    assert (outcome.code, outcome.out, outcome.err) == (2, "", f"{sentence}\n")


@pytest.mark.usefixtures("tiny")
@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_yaml_that_cannot_be_written_is_refused_before_the_work(accelsim, folder):
    (folder / "locked").mkdir(mode=0o500)
    outcome = accelsim("import", "model.onnx", "--yaml", "locked/mine.yaml")
    assert (outcome.code, outcome.out) == (2, "")


@pytest.fixture
def eight(folder):
    """A model of a batch that its file fixes, in eight.onnx."""
    nodes = [node("Conv", "x w", "y")]
    return save(model(nodes, [weight("w", 4, 3, 3, 3)], image=(8, 3, 8, 8)), folder, "eight.onnx")


@pytest.mark.usefixtures("eight")
def test_the_batch_of_a_file_is_said_and_run_unless_another_one_is_asked_for(accelsim):
    assert "batch          8 images run together, unless --batch says otherwise; counts" in (
        accelsim("import", "eight.onnx").out
    )
    assert json.loads(accelsim("import", "eight.onnx", "--format", "json").out)["batch"] == 8
    run = ("run", "--net", "eight.onnx", "--hw", "8x8_32k")
    assert accelsim(*run).out.splitlines()[0] == "eight on 8x8_32k, batch of 8"
    results = [
        json.loads(accelsim(*run, *options, "--format", "json").out)
        for options in ((), ("--batch", "8"), ("--batch", "1"))
    ]
    assert [result["batch"] for result in results] == [8, 8, 1]
    assert results[0] == results[1]
    assert results[0]["macs"] == 8 * results[2]["macs"]


@pytest.mark.usefixtures("eight")
def test_a_comparison_says_which_networks_run_several_images(accelsim):
    command = ("compare", "--net", "eight.onnx", "--net", "tiny.yaml", "--hw", "8x8_32k")
    said = "Images that run together: 8 of eight, one of others."
    assert said in " ".join(accelsim(*command).out.split())
    assert "Images" not in accelsim(*command, "--batch", "2").out


@pytest.mark.usefixtures("eight")
def test_a_sweep_runs_each_network_as_its_file_says(accelsim, folder):
    (folder / "sweep.yaml").write_text("networks: [eight.onnx]\nhardware: [8x8_32k]\nobjectives: [cycles]\n")
    swept = json.loads(accelsim("sweep", "sweep.yaml", "--format", "json").out)
    run = json.loads(accelsim("run", "--net", "eight.onnx", "--hw", "8x8_32k", "--format", "json").out)
    assert swept["batch"] == 8
    assert swept["best"]["figures"]["cycles"] == run["cycles"]


@pytest.mark.usefixtures("eight")
def test_a_sweep_compares_only_networks_that_run_as_many_images(accelsim, folder):
    sweep = "networks: [eight.onnx, tiny.yaml]\nhardware: [8x8_32k]\nobjectives: [cycles]\n"
    (folder / "sweep.yaml").write_text(sweep)
    outcome = accelsim("sweep", "sweep.yaml")
    said = "sweep.yaml:1: batch: must be given: images that run together are 8 of eight, 1 of tiny\n"
    assert (outcome.code, outcome.err) == (2, said)
    (folder / "sweep.yaml").write_text(sweep + "batch: 2\n")
    assert accelsim("sweep", "sweep.yaml", "--quiet").code == 0


# --- parts, and workloads of other tools


def test_options_say_what_may_stand_after_the_at(accelsim, folder):
    save(model([node("Relu", "x", "a", name="a,b"), node("Det", "a", "y", name="det")]), folder)
    outcome = accelsim(
        "run", "--net", "model.onnx", "--until", "a,b", "--hw", "16x16_128k", "--format", "json"
    )
    assert outcome.code == 0
    result = json.loads(outcome.out)
    assert result["network"] == 'model@until="a,b"'
    assert result["assumed"]["stages"] == "cut until a,b: 1 node of the model is left out (1 Det)"
    again = accelsim("run", "--net", 'model.onnx@until="a,b"', "--hw", "16x16_128k", "--format", "json")
    assert again.out == outcome.out
    twice = accelsim("import", "model.onnx@resolution=16", "--until", "a", "--from", "x")
    assert twice.out.startswith("model@resolution=16,from=x,until=a: ")


def test_an_import_says_beside_its_counts_what_is_not_among_them(accelsim, folder):
    save(
        model([node("Conv", "x w", "y", name="deep")], [weight("w", 4, 3, 3, 3, 3)], image=(1, 3, 4, 8, 8)),
        folder,
    )
    lines = accelsim("import", "model.onnx", "--unsupported", "host").out.splitlines()
    said = " ".join(line.strip() for line in lines[: lines.index("")])
    assert "MACs 0" in " ".join(said.split())
    assert "without weights: 1 Conv (deep)" in said
    as_json = json.loads(accelsim("import", "model.onnx", "--unsupported", "host", "--format", "json").out)
    assert as_json["assumed"]["stages"].endswith("without weights: 1 Conv (deep)")


def test_a_workload_goes_to_a_file_to_stdout_or_into_a_folder(accelsim, folder):
    outcome = accelsim("export", "squeezenet_v1_1", "--format", "scale-sim")
    assert (outcome.code, outcome.out.splitlines()[1]) == (0, "conv1, 223, 223, 3, 3, 3, 64, 2,")
    outcome = accelsim("export", "squeezenet_v1_1", "--format", "zigzag", "-o", "net.yaml", "--quiet")
    assert (outcome.code, outcome.out, outcome.err) == (0, "", "")
    assert (folder / "net.yaml").read_text(encoding="utf-8").startswith("# squeezenet_v1_1\n- {")
    outcome = accelsim("export", "squeezenet_v1_1", "--format", "timeloop", "-o", "problems")
    assert outcome.err.endswith("wrote problems: 26 files\n")
    assert len([*(folder / "problems").iterdir()]) == 26


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("squeezenet_v1_1", "--format", "timeloop"), "says which folder is to hold a file for each layer"),
        (("no_such_net", "--format", "zigzag"), "no such network"),
        (("squeezenet_v1_1", "--format", "zigzag", "-o", "none/net.yaml"), "no such folder as none"),
        (("model.onnx", "--format", "scale-sim", "-o", "model.onnx"), "must be another file than that of"),
        (("model.onnx", "--format", "scale-sim"), "has no convolution or matrix product"),
        (("squeezenet_v1_1", "--format", "timeloop", "-o", "model.onnx"), "must be the name of a folder"),
    ],
)
def test_what_cannot_be_exported_is_refused(accelsim, folder, arguments, words):
    save(model([node("Relu", "x", "y")]), folder)
    outcome = accelsim("export", *arguments)
    assert (outcome.code, outcome.out) == (2, "")
    assert words in outcome.err
