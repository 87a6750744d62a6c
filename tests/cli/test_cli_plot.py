"""`accelsim plot`: a file that shows what was asked for, or a sentence."""

import subprocess
import sys

import pytest

from accelsim.descriptions import shipped

KINDS = ("layers", "roofline", "energy", "traffic", "accuracy", "published", "depths", "path")
REPEATING = """\
name: repeating
title: A stem and two stages that repeat
source: made up for these tests
input: {channels: 3, height: 32, width: 32}
stages:
  - {block: conv, name: conv1, out_channels: 8, kernel: 5, stride: 2}
  - {block: residual_basic, name: stage1, out_channels: 8, repeat: 2}
  - {block: residual_basic, name: stage2, out_channels: 16, repeat: 3, stride: 2}
  - {block: fully_connected, name: fc, out_features: 10}
"""
WITH_ACCURACY = "reported: {top1: 57.0}\n"


@pytest.mark.parametrize("kind", ["layers", "roofline", "energy", "traffic"])
def test_each_kind_is_drawn_and_said_to_be(accelsim, folder, kind):
    outcome = accelsim("plot", kind, "--net", "tiny.yaml", "--hw", "16x16_128k", "-o", "a.png")
    assert (outcome.code, outcome.out, outcome.err) == (0, "", "wrote a.png\n")
    assert (folder / "a.png").read_bytes().startswith(b"\x89PNG")


def test_several_networks_on_several_machines(accelsim, folder):
    nets = ("--net", "tiny.yaml", "--net", "tiny.yaml@width=2")
    machines = ("--hw", "16x16_128k", "--hw", "8x8_32k")
    for options in (("energy",), ("energy", "--by", "layer"), ("layers",), ("roofline",)):
        outcome = accelsim("plot", *options, *nets, *machines, "-o", "a.svg", "--quiet")
        assert (outcome.code, outcome.err) == (0, "")
        assert "</svg>" in (folder / "a.svg").read_text()


@pytest.mark.parametrize("kind", ["energy", "accuracy", "layers"])
def test_machines_of_one_name_are_drawn_apart(accelsim, folder, monkeypatch, kind):
    text = shipped.find("hardware", "8x8_32k").read_text()
    for file, rows in (("a.yaml", 8), ("b.yaml", 16)):
        (folder / file).write_text(text.replace("rows: 8", f"rows: {rows}"))
    (folder / "tiny.yaml").write_text((folder / "tiny.yaml").read_text() + WITH_ACCURACY)
    drawn = []
    monkeypatch.setattr("accelsim.report.plots.style.save", lambda figure, _: drawn.append(figure))
    options = ("--hw", "a.yaml", "--hw", "b.yaml", "-o", "a.png", "--quiet")
    assert accelsim("plot", kind, "--net", "tiny.yaml", *options).code == 0
    titles = " ".join(axes.get_title(loc) for axes in drawn[0].axes for loc in ("left", "center"))
    assert "a.yaml" in titles
    assert "b.yaml" in titles


def test_accuracy_leaves_out_and_names_networks_without_it(accelsim, folder):
    (folder / "known.yaml").write_text(
        (folder / "tiny.yaml").read_text().replace("name: tiny\n", "name: known\n") + WITH_ACCURACY
    )
    networks = ("--net", "tiny.yaml", "--net", "known.yaml")
    outcome = accelsim("plot", "accuracy", *networks, "--hw", "8x8_32k", "-o", "a.pdf")
    assert outcome.code == 0
    assert outcome.err == "left out, as no top-1 accuracy is reported: tiny\nwrote a.pdf\n"
    assert (folder / "a.pdf").read_bytes().startswith(b"%PDF")


def test_a_depth_search_is_drawn_for_each_network_on_each_machine(accelsim, folder):
    (folder / "tiny.yaml").write_text(REPEATING)
    machines = ("--hw", "8x8_32k", "--hw", "16x16_128k")
    outcome = accelsim("plot", "depths", "--net", "tiny.yaml", *machines, "--fix", "stage1=2", "-o", "a.png")
    assert (outcome.code, outcome.err) == (0, "wrote a.png\n")
    assert (folder / "a.png").read_bytes().startswith(b"\x89PNG")


def test_a_walk_is_drawn_with_other_networks_beside_it(accelsim, folder):
    (folder / "tiny.yaml").write_text(REPEATING)
    for others in ((), ("--net", "alexnet", "--net", "vgg16@resolution=64")):
        options = ("--net", "tiny.yaml", *others, "--hw", "8x8_32k", "-o", "a.svg", "--quiet")
        outcome = accelsim("plot", "path", *options)
        assert (outcome.code, outcome.err) == (0, "")
        assert "</svg>" in (folder / "a.svg").read_text()


def test_an_unknown_kind_gets_the_kinds(accelsim):
    outcome = accelsim("plot", "pie", "-o", "a.png")
    assert (outcome.code, outcome.out) == (2, "")
    assert "'pie'" in outcome.err
    assert all(f"'{kind}'" in outcome.err for kind in KINDS)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("layers", "-o", "a.jpg"), "a.jpg: must end in .png, .svg or .pdf"),
        (("layers", "-o", "png"), "png: must end in .png, .svg or .pdf"),
        (("layers", "--hw", "8x8_32k", "-o", "a.png"), "--net: layers needs at least one"),
        (("roofline", "--net", "tiny.yaml", "-o", "a.png"), "--hw: roofline needs at least one"),
        (("accuracy", "-o", "a.png"), "--hw: accuracy needs at least one"),
        (("layers", "--by", "layer", "-o", "a.png"), "--by: layers has no choice; energy has"),
        (("layers", "--fix", "stage1=1", "-o", "a.png"), "--fix: layers has no choice; depths has"),
        (("path", "--objective", "energy", "-o", "a.png"), "--objective: path goes by time"),
        (
            ("depths", "--net", "tiny.yaml", "--hw", "8x8_32k", "-o", "a.png"),
            "tiny: none of its stages repeats: there is no depth to redistribute",
        ),
        (("depths", "--fix", "stage1", "--net", "sqnxt23", "--hw", "8x8_32k", "-o", "a.png"), "STAGE=BLOCKS"),
        (("path", "--net", "squeezenet_v1_1", "--hw", "8x8_32k", "-o", "a.png"), "offers no move"),
        (("published", "--net", "tiny.yaml", "-o", "a.png"), "--net: the table says which networks"),
        (("published", "--batch", "2", "-o", "a.png"), "--batch: the table says how they run"),
        (("published", "--objective", "energy", "-o", "a.png"), "--objective: the table says how they run"),
        (
            ("published", "--dataflow", "weight_stationary", "-o", "a.png"),
            "--dataflow: the table says how they run",
        ),
        (("published", "-o", "absent/a.png"), "absent/a.png: cannot be written: no such folder as absent"),
        (("layers", "--net", "alexnt", "--hw", "8x8_32k", "-o", "a.png"), "did you mean alexnet"),
        (
            ("accuracy", "--net", "tiny.yaml", "--hw", "8x8_32k", "-o", "a.png"),
            "tiny: no top-1 accuracy is reported (`reported:` in the network's YAML)",
        ),
        (("layers", "--net", "tiny.yaml", "--hw", "8x8_32k"), "--output"),
    ],
)
def test_what_cannot_be_drawn_is_said_before_the_work(accelsim, folder, arguments, sentence, monkeypatch):
    monkeypatch.setattr("accelsim.run.run_network", lambda *_, **__: pytest.fail("ran all the same"))
    outcome = accelsim("plot", *arguments)
    assert (outcome.code, outcome.out) == (2, "")
    assert sentence in " ".join(outcome.err.split())
    assert [path.name for path in folder.iterdir()] == ["tiny.yaml"]


def test_a_run_does_not_wait_for_matplotlib(folder):
    code = (
        "import sys, atexit;"
        "atexit.register(lambda: print(*sys.modules, file=sys.stderr));"
        "from accelsim.cli import main;"
        "sys.argv = 'accelsim run --net tiny.yaml --hw 8x8_32k'.split(); main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=True, timeout=120
    )
    assert "accelsim.run" in done.stderr.split()
    assert not {name for name in done.stderr.split() if name.startswith(("matplotlib", "simpy", "PIL"))}


def test_the_memory_map_of_a_machine_that_keeps_tensors(accelsim, folder, npu):
    outcome = accelsim("plot", "memory", "--net", "tiny.yaml", "--hw", npu, "-o", "a.svg")
    assert (outcome.code, outcome.out, outcome.err) == (0, "", "wrote a.svg\n")
    assert "</svg>" in (folder / "a.svg").read_text()


def test_a_machine_that_keeps_nothing_has_no_memory_map(accelsim, folder):
    outcome = accelsim("plot", "memory", "--net", "tiny.yaml", "--hw", "8x8_32k", "-o", "a.png", "--quiet")
    assert (outcome.code, outcome.out) == (2, "")
    sentence = "keeps no tensor on chip: none of its memories has `banks: pool` and `keeps`, "
    sentence += "of activations, weights or both"
    assert outcome.err == f"8x8_32k: {sentence}\n"
    assert not (folder / "a.png").exists()
