"""The benchmarks give every tool the same work, say what went wrong, and their page is theirs."""

import json
import math
import os
import re
import sys

import pytest
from pages import page

import accelsim
import document
import peer_tools
import peers
import scaling
import where_time_goes
from accelsim.network.build import build
from accelsim.network.graph import total_macs
from tflite_model import SAME, VALID, tflite_model
from timing import ProcessError, run_process
from workloads import HARDWARE, synthetic


@pytest.fixture(scope="module")
def workload():
    network, hardware = accelsim.load_network("squeezenet_v1_1"), accelsim.load_hardware("16x16_128k")
    return peer_tools.Workload(network, hardware)


@pytest.fixture(scope="module")
def model(workload):
    return tflite_model(workload.published).to_dict()


def table(text):
    """A file of commas, blanks around them ignored, as dictionaries of numbers."""
    header, *lines = [[cell.strip() for cell in line.split(",")] for line in text.splitlines()]
    return [dict(zip(header[1:], map(int, line[1:-1]), strict=False)) for line in lines]


def test_vela_and_scale_sim_get_as_many_macs_as_accelsim_runs(workload, model):
    macs = 0
    for call in model["operators"]:
        if call["builtin"] == "CONV_2D":
            weights, output = (model["tensors"][number] for number in (call["inputs"][1], call["outputs"][0]))
            macs += math.prod(weights["shape"]) * output["shape"][1] * output["shape"][2]
    assert macs == total_macs(build(workload.network))
    rows = table(peer_tools.scale_sim_topology(workload))
    assert macs == sum(
        ((row["Input height"] - row["Filter height"]) // row["Stride"] + 1)
        * ((row["Input width"] - row["Filter width"]) // row["Stride"] + 1)
        * math.prod(row[key] for key in ("Filter height", "Filter width", "Channels", "Filters"))
        for row in rows
    )
    assert len(rows) == 26


def test_the_model_is_the_network_as_published(model):
    builtins = [call["builtin"] for call in model["operators"]]
    assert {name: builtins.count(name) for name in builtins} == {
        "CONV_2D": 26,
        "MAX_POOL_2D": 3,
        "CONCATENATION": 8,
        "AVERAGE_POOL_2D": 1,
        "SOFTMAX": 1,
    }
    (given,), (wanted,) = model["inputs"], model["outputs"]
    assert model["tensors"][given]["shape"] == (1, 224, 224, 3)
    assert model["tensors"][wanted]["shape"] == (1, 1, 1, 1000)


def test_padding_is_said_in_the_words_of_tensorflow_lite(model):
    kernels = {}
    for call in model["operators"]:
        if call["builtin"] == "CONV_2D":
            kernels.setdefault(call["fields"]["Padding"], set()).add(
                (model["tensors"][call["inputs"][1]]["shape"][1], call["fields"]["StrideH"])
            )
    assert kernels == {VALID: {(3, 2), (1, 1)}, SAME: {(3, 1)}}


@pytest.mark.parametrize(
    ("network", "sentence"),
    [
        ("tiny_darknet", "of activations, only a ReLU right behind its operator is translated"),
        ("alexnet", "no translation of lrn to TensorFlow Lite is written"),
    ],
)
def test_a_network_that_is_not_translated_is_refused(network, sentence):
    with pytest.raises(accelsim.AccelsimError, match=sentence):
        tflite_model(build(accelsim.load_network(network)))


@pytest.mark.parametrize("network", ["mobilenet_v2", "mlperf_tiny_ic", "mlperf_tiny_kws", "mlperf_tiny_ad"])
def test_vela_is_given_every_weight_of_what_it_is_held_against(network):
    """Depthwise kernels have their channels last, and additions two operands."""
    published = build(accelsim.load_network(network))
    translated = tflite_model(published).to_dict()
    weights = [tensor for tensor in translated["tensors"] if tensor["name"].endswith(".weights")]
    assert sum(math.prod(tensor["shape"]) for tensor in weights) == sum(
        node.operator.weights for node in published.nodes
    )
    for call in translated["operators"]:
        shapes = [translated["tensors"][number]["shape"] for number in call["inputs"]]
        if call["builtin"] == "DEPTHWISE_CONV_2D":
            assert shapes[1][0] == 1 and shapes[1][-1] == shapes[0][-1]
            assert translated["tensors"][call["inputs"][1]]["axis"] == 3
        if call["builtin"] == "ADD":
            assert shapes[0] == shapes[1]


def test_a_padding_that_tensorflow_lite_has_no_word_for_is_refused(tmp_path):
    file = tmp_path / "padded.yaml"
    file.write_text(
        "{name: padded, title: Padded, source: this test, input: {channels: 3, height: 9, width: 9}, "
        "stages: [{block: conv, name: conv1, out_channels: 4, kernel: 3, padding: 2}]}"
    )
    with pytest.raises(accelsim.AccelsimError, match="conv1: its padding is neither SAME nor VALID"):
        tflite_model(build(accelsim.load_network(file)))


def test_scale_sim_refuses_depthwise_convolutions():
    hardware = accelsim.load_hardware("16x16_128k")
    workload = peer_tools.Workload(accelsim.load_network("mobilenet_v1"), hardware)
    with pytest.raises(accelsim.AccelsimError, match="SCALE-Sim has no groups"):
        peer_tools.scale_sim_topology(workload)


def test_the_peers_get_the_machine_of_the_file(workload):
    settings = dict(re.findall(r"(\w+) ?= ?(\S+)", peer_tools.scale_sim_configuration(workload.hardware)))
    buffers = [int(settings[f"{name}SramSzkB"]) for name in ("Ifmap", "Filter", "Ofmap")]
    assert (settings["ArrayHeight"], settings["ArrayWidth"], sum(buffers)) == ("16", "16", 64)
    settings = dict(re.findall(r"(\w+)=(\S+)", peer_tools.vela_configuration(workload.hardware)))
    assert settings["arena_cache_size"] == "131072"
    assert settings["Dram_read_latency"] == "100"
    assert float(settings["Dram_clock_scale"]) * float(settings["core_clock"]) * 16 == 16e9


def tool(name, *code):
    """A tool that runs Python code where this runs, in so many processes."""
    return peer_tools.Tool(name, (), lambda *_: (sys.executable, *code), lambda *_: 1_000_000)


def test_a_peer_that_fails_has_a_line_that_says_why(workload, tmp_path):
    tools = [tool("good", "-c", "pass"), tool("bad", "-c", "raise SystemExit('no such layer')")]
    measured = peers.compare(tools, workload, tmp_path, runs=2)
    text = peers.as_table(measured, workload)
    assert re.search(r"\| bad \S+ +\| +failed", text)
    assert "bad failed: exit code 1: no such layer" in text
    assert len(measured[0].samples) == 2
    data = json.loads(json.dumps(peers.as_data(measured, workload)))
    assert [one["problem"] for one in data["tools"]] == [None, "exit code 1: no such layer"]
    assert max(map(len, text.splitlines()[2:6])) <= 80


def test_a_peer_that_cannot_be_installed_has_a_line_too(workload, tmp_path, monkeypatch):
    def no_installation(*_):
        raise ProcessError("cannot be installed: no such package")

    monkeypatch.setattr(peers, "python_of", no_installation)
    (measured,) = peers.compare([tool("peer", "-c", "pass")], workload, tmp_path, runs=1)
    assert measured.problem == "cannot be installed: no such package"


@pytest.mark.parametrize(("broken", "code"), [("peer", None), ("accelsim", 1)])
def test_only_a_failure_of_accelsim_is_one_of_the_script(broken, code, tmp_path, monkeypatch, capsys):
    good, bad = ("-c", "pass"), ("-c", "raise SystemExit(3)")
    monkeypatch.setattr(peers, "ACCELSIM", tool("accelsim", *(bad if broken == "accelsim" else good)))
    monkeypatch.setattr(peers, "PEERS", (tool("peer", *(bad if broken == "peer" else good)),))
    monkeypatch.setattr(sys, "argv", ["peers.py", "--runs", "1", "--environments", str(tmp_path)])
    if code is None:
        peers.main()
    else:
        with pytest.raises(SystemExit) as ended:
            peers.main()
        assert ended.value.code == code
    assert f"{broken} failed: exit code 3" in capsys.readouterr().out


def test_the_memory_of_a_process_is_its_own(tmp_path):
    ballast = bytearray(os.urandom(1 << 20)) * 200  # of this process
    small = run_process([sys.executable, "-c", "pass"], tmp_path)
    large = run_process([sys.executable, "-c", "x = b'x' * (100 << 20)"], tmp_path)
    assert small.peak_bytes < 50 << 20 < len(ballast)
    assert 100 << 20 <= large.peak_bytes < len(ballast)


def test_layers_of_the_synthetic_network_are_all_different():
    layers = accelsim.run_network(synthetic(layers=3, rows=10), accelsim.load_hardware(HARDWARE)).layers
    assert len({layer.shape for layer in layers}) == 3


def test_a_part_is_written_between_its_markers_with_what_made_it():
    text = document.with_part("a\n<!-- begin x -->\nold\n<!-- end x -->\nb", "x", "new\n", "python x.py")
    assert re.fullmatch(
        r"a\n<!-- begin x -->\nMade by `python x.py` with .*\.\n\nnew\n\n<!-- end x -->\nb", text
    )
    with pytest.raises(SystemExit, match="once"):
        document.with_part("nothing", "x", "new", "python x.py")


@pytest.mark.parametrize("name", ["peers", "strange", *scaling.PARTS, *where_time_goes.PARTS])
def test_the_page_has_every_part_and_the_command_that_made_it(name):
    part = re.search(rf"(?s)<!-- begin {name} -->\n(.*?)<!-- end {name} -->", page("performance.md")).group(1)
    assert re.match(r"Made by `python benchmarks/\w+\.py .*--write` with accelsim", part)
    assert "| ---" in part


def test_the_page_shows_identical_results_of_both_engines():
    part = page("performance.md").split("<!-- begin engines -->")[1].split("<!-- end engines -->")[0]
    assert part.count("identical") == 3
