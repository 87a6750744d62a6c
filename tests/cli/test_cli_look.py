"""`accelsim list`, `show` and `check`."""

import csv
import io
import json
import re

import pytest

from accelsim.descriptions import shipped


def _json(outcome):
    assert (outcome.code, outcome.err) == (0, "")
    return json.loads(outcome.out)


def test_list_networks_shows_every_name_and_what_papers_report(accelsim):
    outcome = accelsim("list", "networks")
    assert (outcome.code, outcome.err) == (0, "")
    names = [line.split()[0] for line in outcome.out.splitlines()[1:] if line]
    assert set(shipped.names("networks")) <= set(names)
    assert "1.0-SqNxt-23v5" in outcome.out
    assert re.search(r"^sqnxt23v5 .* 227x227 +930k +225M +59.24$", outcome.out, re.MULTILINE)
    assert max(map(len, outcome.out.splitlines())) <= 80


def test_list_hardware_shows_the_main_figures(accelsim):
    outcome = accelsim("list", "hardware")
    (line,) = (line for line in outcome.out.splitlines() if line.startswith("16x16_128k "))
    assert re.search(r" 256 +128 KiB +16.0 GB/s +1000$", line)
    (line,) = (line for line in outcome.out.splitlines() if line.startswith("npu_int8_256k "))
    assert re.search(r" 64 +256 KiB +500 MB/s +500$", line)


def test_show_leaves_out_what_a_memory_does_not_keep(accelsim):
    assert ".keeps" not in accelsim("show", "16x16_128k").out
    assert "memories.sram.keeps = activations\n" in accelsim("show", "npu_int8_256k").out


def test_lists_are_data_too(accelsim):
    entries = _json(accelsim("list", "networks", "--format", "json"))
    assert [entry["name"] for entry in entries] == list(shipped.names("networks"))
    rows = list(csv.DictReader(io.StringIO(accelsim("list", "hardware", "--format", "csv").out)))
    assert {"name": "8x8_32k", "pes": "64"}.items() <= next(r for r in rows if r["name"] == "8x8_32k").items()


def test_a_broken_file_in_the_folder_does_not_break_the_list(accelsim, folder):
    for kind in ("networks", "hardware"):
        (folder / kind).mkdir()
        (folder / kind / "broken.yaml").write_text("name: [\n")
        outcome = accelsim("list", kind)
        assert outcome.code == 0
        (line,) = (line for line in outcome.out.splitlines() if line.startswith("broken "))
        assert line.split(maxsplit=1)[1].startswith("(not valid)")


def test_there_are_only_two_lists(accelsim):
    outcome = accelsim("list", "layers")
    assert (outcome.code, outcome.out) == (2, "")
    assert "networks" in outcome.err


def test_a_network_of_a_guideline_is_shown_by_its_folder_and_name(accelsim):
    values = _json(accelsim("show", "guidelines/channel_width@c1=9,c2=108", "--format", "json"))
    assert values["input"] == {"channels": 9, "height": 56, "width": 56}
    outcome = accelsim("show", "guidelines/nothing")
    assert (outcome.code, outcome.err) == (2, "guidelines/nothing: no such file\n")


def test_show_lists_published_layers_below_their_stages(accelsim):
    outcome = accelsim("show", "tiny.yaml")
    assert (outcome.code, outcome.err) == (0, "")
    lines = outcome.out.splitlines()
    assert lines[0] == "tiny: A network of four layers"
    assert any(line.startswith("parameter      width = 1.0 (1.0 or 2.0)") for line in lines)
    assert any(line.startswith("body ") and "2 layers" in line for line in lines)
    assert any(line.startswith(" conv2 ") and "16x8x3x3@7" in line for line in lines)
    assert any(line.split()[:2] == ["relu", "relu"] for line in lines)


def test_show_has_counts_beside_those_of_the_paper(accelsim):
    out = accelsim("show", "sqnxt23v5").out
    assert "225M (228M reported)" in out
    assert "59.24% top-1, 82.41% top-5 reported" in out


def test_what_is_reported_of_another_member_of_a_family_is_its_own(accelsim):
    assert "63.7% top-1 reported" in accelsim("show", "mobilenet_v1@width=0.5").out
    assert "reported" not in accelsim("show", "mobilenet_v1@width=0.3").out


def test_statistics_put_computed_beside_reported_with_the_difference(accelsim):
    outcome = accelsim("show", "nasnet_a", "--stats")
    assert (outcome.code, outcome.err) == (0, "")
    assert re.search(r"^parameters +5,289,978 +5,300,000 +-0.19%  weights, biases", outcome.out, re.MULTILINE)
    assert re.search(r"^MACs +563,638,816 +564,000,000 +-0.06%  conv, fc$", outcome.out, re.MULTILINE)
    assert re.search(r"^conv 1x1 +195 +482M 85.6 +3.91M 74.4$", outcome.out, re.MULTILINE)
    assert "peak           1.13M kept at once, during stem1." in outcome.out
    assert max(map(len, outcome.out.splitlines())) <= 80


def test_statistics_count_as_the_paper_does(accelsim):
    """SqueezeNext's table counts one operation more for each output with an offset."""
    found = _json(accelsim("show", "sqnxt23v5", "--stats", "--format", "json"))
    macs = next(entry for entry in found["compared"] if entry["what"] == "MACs")
    assert (macs["computed"], macs["reported"], macs["counted_as"]) == (228_017_984, 228e6, "with_offsets")
    rows = accelsim("show", "sqnxt23v5", "--stats", "--format", "csv").out.splitlines()
    assert rows[0] == "operator,count,macs,macs_share,weights,weights_share"


def test_statistics_tell_of_an_order_that_keeps_less(accelsim):
    assert "less) in another order of the layers" in accelsim("show", "pnasnet5", "--stats").out


def test_statistics_without_anything_reported(accelsim):
    out = accelsim("show", "tiny.yaml", "--stats").out
    assert re.search(r"^parameters +\S+ +- +-  weights, biases", out, re.MULTILINE)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("8x8_32k", "--stats"), "8x8_32k is a machine; networks have statistics"),
        (("tiny.yaml", "--stats", "--lowered"), "give one of --lowered and --stats"),
    ],
)
def test_what_has_no_statistics(accelsim, arguments, sentence):
    outcome = accelsim("show", *arguments)
    assert (outcome.code, outcome.out) == (2, "")
    assert sentence in " ".join(outcome.err.replace("│", " ").split())


def test_show_says_how_good_a_network_is_at_another_task(accelsim):
    assert "37.3% mAP 50-95 on COCO val2017 reported" in accelsim("show", "yolov8n").out
    (listed,) = (
        entry
        for entry in _json(accelsim("list", "networks", "--format", "json"))
        if entry["name"] == "yolov8n"
    )
    assert listed["reported"]["accuracy"] == {"percent": 37.3, "metric": "mAP 50-95 on COCO val2017"}


def test_show_lowered_lists_executed_layers_and_what_became_of_the_others(accelsim):
    out = accelsim("show", "tiny.yaml", "--lowered").out
    assert any(line.startswith("conv1 ") and line.endswith("norm relu") for line in out.splitlines())
    assert "1 batch_norm, folded: its scale goes into the weights, its shift into the offset" in " ".join(
        out.split()
    )


@pytest.mark.parametrize("name", ["sqnxt23v5", "mobilenet_v1@width=0.5", "long.yaml"])
@pytest.mark.parametrize("option", [(), ("--lowered",), ("--stats",)], ids=str)
def test_what_is_shown_of_a_network_fits_80_columns(accelsim, folder, name, option):
    title = "title: A title such as papers have them, for which a line of 80 columns is not enough"
    tiny = (folder / "tiny.yaml").read_text()
    (folder / "long.yaml").write_text(tiny.replace("title: A network of four layers", title))
    assert max(map(len, accelsim("show", name, *option).out.splitlines())) <= 80


@pytest.mark.parametrize("name", shipped.names("hardware"))
def test_what_is_shown_of_a_machine_fits_80_columns(accelsim, name):
    assert max(map(len, accelsim("show", name).out.splitlines())) <= 80


def test_a_wider_terminal_gets_full_names(accelsim, monkeypatch):
    monkeypatch.setenv("COLUMNS", "140")
    assert "block1.projection" in accelsim("show", "sqnxt23v5", "--lowered").out


def test_what_is_shown_is_data_too(accelsim):
    published = _json(accelsim("show", "tiny.yaml", "--format", "json"))
    executed = _json(accelsim("show", "tiny.yaml@width=2", "--lowered", "--format", "json"))
    assert [layer["name"] for layer in published["layers"]] == [
        "conv1",
        "conv1.bn",
        "conv1.relu",
        "conv2",
        "conv3",
        "fc",
    ]
    assert sum(layer["macs"] for layer in published["layers"]) == published["macs"] > 0
    assert executed["parameters"] == {"width": 2.0, "resolution": 16}
    assert executed["layers"][0]["fused"] == ["batch_norm", "relu"]
    assert {note["fate"] for note in executed["lowering"]} == {"input", "layer", "folded", "fused"}
    rows = list(csv.DictReader(io.StringIO(accelsim("show", "tiny.yaml", "--format", "csv").out)))
    assert rows[3]["shape"] == "16x8x3x3 -> 7x7"


def test_show_a_machine_says_what_is_assumed_and_why(accelsim):
    out = accelsim("show", "16x16_128k").out
    assert "PE array       16 x 16 PEs, 256 GMAC/s" in out
    assert "dram.latency_cycles = 100" in out
    assert "    assumed: " in out
    assert _json(accelsim("show", "16x16_128k", "--format", "json"))["pe_array"]["rows"] == 16
    rows = list(csv.DictReader(io.StringIO(accelsim("show", "16x16_128k", "--format", "csv").out)))
    assert rows[0]["pe_array_rows"] == "16"


def test_show_tells_a_machine_from_a_network_by_its_file(accelsim):
    path = shipped.find("hardware", "8x8_32k")
    assert accelsim("show", path).out == accelsim("show", "8x8_32k").out


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("sqnxt23v6", "sqnxt23v6: no such network or machine, did you mean sqnxt23v5, "),
        ("8x8_32", "8x8_32: no such network or machine, did you mean 8x8_32k?"),
        ("nothing", "nothing: no such network or machine: `accelsim list networks` and "),
        ("", "'': no such network or machine: "),
        ("absent.yaml", "absent.yaml: no such file"),
        (".", ".: is a directory: must be a YAML file"),
        ("neither.yaml", "neither.yaml: is neither a network (with stages, or preset_of) nor a machine "),
        ("alexnet@width=2", "alexnet: width = "),
    ],
)
def test_show_says_what_is_wrong(accelsim, folder, name, sentence):
    (folder / "neither.yaml").write_text("name: neither\n")
    outcome = accelsim("show", name)
    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err.startswith(sentence)
    assert len(outcome.err.splitlines()) == 1


def test_a_machine_is_not_lowered(accelsim):
    outcome = accelsim("show", "16x16_128k", "--lowered")
    assert outcome.code == 2
    assert "16x16_128k is a machine; networks are lowered" in " ".join(outcome.err.split())


def test_check_has_a_line_for_each_valid_file(accelsim):
    machine = shipped.find("hardware", "16x16_128k")
    outcome = accelsim("check", "tiny.yaml", machine)
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out.splitlines() == [
        "tiny.yaml: ok: network tiny, 4 executed layers, 9.51k parameters, 87.4k MACs",
        f"{machine}: ok: hardware 16x16_128k, 16 x 16 PEs, 128 KiB on chip",
    ]


def test_every_shipped_file_is_valid(accelsim):
    files = [shipped.find(kind, name) for kind in ("networks", "hardware") for name in shipped.names(kind)]
    outcome = accelsim("check", *files)
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out.count(": ok: ") == len(files)


def test_check_goes_on_after_a_mistake_and_exits_2(accelsim, folder):
    (folder / "wrong.yaml").write_text(
        (folder / "tiny.yaml").read_text().replace("channels: 3", "chanels: 3")
    )
    (folder / "small.yaml").write_text(
        (folder / "tiny.yaml").read_text().replace("16, width: 16", "2, width: 2")
    )
    outcome = accelsim("check", "wrong.yaml", "small.yaml", "absent.yaml", "tiny.yaml")
    assert outcome.code == 2
    assert [line.split(":")[0] for line in outcome.out.splitlines()] == ["tiny.yaml"]
    sentences = outcome.err.splitlines()
    assert any(
        line.startswith("wrong.yaml:4: input.chanels = 3: no such key, did you mean 'channels'?")
        for line in sentences
    )
    assert any("conv1: a kernel of 3 x 3 finds no room in its input of 2 x 2" in line for line in sentences)
    assert sentences[-1] == "absent.yaml: no such file"


SWEEP = "networks: [tiny.yaml]\nhardware: [8x8_32k]\nobjectives: [time_ms, energy]\n"


def test_check_knows_sweeps_and_overlays(accelsim, folder):
    (folder / "small.yaml").write_text(SWEEP)
    (folder / "int8.yaml").write_text("precision: {weights_bits: 8}\n")
    outcome = accelsim("check", "small.yaml", "int8.yaml")
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out.splitlines() == [
        "small.yaml: ok: sweep, 1 candidate, by time_ms, energy",
        "int8.yaml: ok: overlay, 1 entry of precision, 0 of compression",
    ]


def test_check_says_of_a_file_of_neither_kind_what_it_may_be(accelsim, folder):
    for text, found in {"16x16": "'16x16'", "": "empty"}.items():
        (folder / "neither.yaml").write_text(text)
        sentence = f"is {found}: must be a mapping of keys to values, or a list of rules for mappings"
        assert f"neither.yaml:1: {sentence}" in accelsim("check", "neither.yaml").err


def test_check_of_one_layer(accelsim, folder):
    tiny = (folder / "tiny.yaml").read_text()
    (folder / "one.yaml").write_text(
        tiny[: tiny.index("  - {block: conv, name: conv2")].replace("name: tiny", "name: one")
    )
    assert accelsim("check", "one.yaml").out.startswith("one.yaml: ok: network one, 1 executed layer, ")


def test_check_finds_the_mistakes_of_a_sweep(accelsim, folder):
    (folder / "small.yaml").write_text(SWEEP.replace("time_ms", "time").replace("tiny.yaml", "absent.yaml"))
    outcome = accelsim("check", "small.yaml")
    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err.splitlines() == [
        "small.yaml:1: networks.0 = 'absent.yaml': no such file",
        "small.yaml:3: objectives.0 = 'time': no such metric, did you mean 'time_ms'? allowed are time_ms, "
        "cycles, energy, edp, energy_mj, power_mw, uj_per_inference, battery_hours, dram_bytes, utilization, "
        "area_mm2, pes, buffer_bytes, register_file_bytes, params, macs, top1",
    ]


def test_check_needs_a_file(accelsim):
    outcome = accelsim("check")
    assert (outcome.code, outcome.out) == (2, "")
    assert "FILE" in outcome.err


def test_what_became_of_operators_is_said_alike_whatever_layers_are_called(accelsim, folder):
    for name in ("conv1", "a"):
        (folder / f"{name}.yaml").write_text(
            (folder / "tiny.yaml").read_text().replace("name: conv1", f"name: {name}")
        )
    fates = [
        accelsim("show", f"{name}.yaml", "--lowered").out.partition("what became of")[2]
        for name in ("conv1", "a")
    ]
    assert "is applied to the outputs on their way to memory" in fates[0]
    assert fates[0] == fates[1]


def test_show_says_where_tensors_lie_on_a_machine_that_keeps_them(accelsim, npu):
    outcome = accelsim("show", "tiny.yaml", "--hw", npu)
    assert (outcome.code, outcome.err) == (0, "")
    lines = outcome.out.splitlines()
    assert lines[0] == "tiny on npu"
    assert [line.split()[0] for line in lines[2:8]] == ["tensor", "image", "conv1", "conv2", "conv3", "fc"]
    assert lines[3].split() == ["image", "768", "bytes", "dram", "-", "-"]
    assert lines[4].split() == ["conv1", "392", "bytes", "sram", "784", "conv2"]
    words = "3 of 3 tensors stay in sram. Tensors and tiles of one layer at a time take at most "
    sizes = "1.719 KiB of 3 KiB; addresses go up to 2.053 KiB."
    assert " ".join(outcome.out.split()).partition(words)[2] == sizes
    assert max(map(len, lines)) <= 80


def test_tensors_are_data_too(accelsim, npu):
    values = _json(accelsim("show", "tiny.yaml", "--hw", npu, "--format", "json"))
    assert (values["network"], values["hardware"], values["address_waste_bytes"]) == ("tiny", "npu", 0)
    run = _json(accelsim("run", "--net", "tiny.yaml", "--hw", npu, "--format", "json"))
    assert values["tensors"] == run["tensors"]
    rows = list(
        csv.DictReader(io.StringIO(accelsim("show", "tiny.yaml", "--hw", npu, "--format", "csv").out))
    )
    assert [row["name"] for row in rows] == [tensor["name"] for tensor in values["tensors"]]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("tiny.yaml", "--hw", "8x8_32k"), "8x8_32k: keeps no tensor on chip"),
        (("npu.yaml", "--hw", "npu.yaml"), "npu.yaml is a machine; networks have tensors"),
        (("tiny.yaml", "--hw", "npu.yaml", "--stats"), "give one of --hw, --lowered and --stats"),
    ],
)
def test_where_there_are_no_tensors_to_show_it_says_so(accelsim, npu, arguments, sentence):
    outcome = accelsim("show", *arguments)
    assert (outcome.code, outcome.out) == (2, "")
    assert sentence in outcome.err


@pytest.fixture
def pinning(folder, npu):
    """A machine on which weights stay, too, in room for all of them."""
    text = (folder / npu).read_text().replace("3072", "65536")
    text = text.replace("[activations]", "[activations, weights]")
    (folder / "pinning.yaml").write_text(text)
    return "pinning.yaml"


def test_show_says_whose_weights_stay(accelsim, pinning):
    outcome = accelsim("show", "tiny.yaml", "--hw", pinning)
    assert (outcome.code, outcome.err) == (0, "")
    words = " ".join(outcome.out.split())
    assert "conv2 weights" in words
    assert "weights of 4 layers are pinned" in words
    assert "Weights of a layer have its name; in sram they stay from one inference to the next." in words
    values = _json(accelsim("show", "tiny.yaml", "--hw", pinning, "--format", "json"))
    rows = list(
        csv.DictReader(io.StringIO(accelsim("show", "tiny.yaml", "--hw", pinning, "--format", "csv").out))
    )
    assert [row["name"] for row in rows] == [tensor["name"] for tensor in values["tensors"]]
    assert [tensor["name"] for tensor in values["tensors"] if tensor.get("pinned")] == [
        "conv1 weights",
        "conv2 weights",
        "conv3 weights",
        "fc weights",
    ]


def test_pinned_weights_lie_in_the_flash_besides_where_there_is_one(accelsim, folder, pinning):
    text = (folder / pinning).read_text()
    flash = "memories:\n  - {name: flash, holds: [weights], bandwidth: {bytes_per_cycle: 1}}\n"
    assert "memories:\n" in text
    (folder / "flash.yaml").write_text(text.replace("memories:\n", flash))
    outcome = accelsim("show", "tiny.yaml", "--hw", "flash.yaml")
    assert (outcome.code, outcome.err) == (0, "")
    assert re.search(r"^conv2 weights .* sram, flash ", outcome.out, re.MULTILINE)
    assert re.search(r"^image .* dram ", outcome.out, re.MULTILINE)


def test_both_inferences_are_run_and_proven(accelsim, pinning):
    run = _json(accelsim("run", "--net", "tiny.yaml", "--hw", pinning, "--format", "json"))
    events = accelsim("run", "--net", "tiny.yaml", "--hw", pinning, "--format", "json", "--engine", "events")
    assert _json(events) == run
    assert run["memories"]["dram"]["read_bytes"]["weights"] == 0
    assert run["first_inference"]["memories"]["dram"]["read_bytes"]["weights"] > 0
    assert run["first_inference"]["cycles"] > run["cycles"]
    traced = accelsim(
        "run", "--net", "tiny.yaml", "--hw", pinning, "--format", "json", "--quiet", "--trace", "t.json"
    )
    assert _json(traced) == run
    outcome = accelsim("verify", "--net", "tiny.yaml", "--hw", pinning, "--quiet", "--format", "json")
    verified = _json(outcome)
    assert verified["proven"]
    assert len(verified["first_inference"]) == len(verified["layers"])


def test_searches_judge_the_first_inference_if_asked(accelsim, pinning):
    case = ("--net", "mobilenet_v1@width=0.25,resolution=64", "--hw", pinning, "--quiet", "--format", "json")
    run = _json(accelsim("run", *case))
    arguments = ("search", "path", *case, "--steps", "0")
    steady, first = _json(accelsim(*arguments)), _json(accelsim(*arguments, "--inferences", "first"))
    assert (steady["inferences"], steady["start"]["cycles"]) == ("steady", run["cycles"])
    assert (first["inferences"], first["start"]["cycles"]) == ("first", run["first_inference"]["cycles"])
