"""`--overlay`: a network with other bits and other zeros, and what can be wrong with the file."""

import csv
import io
import json
import re

import pytest

OVERLAY = """\
precision: {weights_bits: 8, pruned_index_bits: 4}
compression:
  - {layers: "*", weight_density: 0.25}
"""


@pytest.fixture
def overlay(folder):
    """Writes an overlay; gives back its name."""

    def to(text=OVERLAY, name="lean.yaml"):
        (folder / name).write_text(text)
        return name

    return to


def test_run_takes_an_overlay(accelsim, overlay):
    arguments = ("run", "--net", "tiny.yaml", "--hw", "16x16_128k", "--format", "json")
    plain, lean = (json.loads(accelsim(*arguments, *more).out) for more in ((), ("--overlay", overlay())))
    assert (plain["network"], lean["network"]) == ("tiny", "tiny+lean")
    assert lean["dram_bytes"]["read"] < plain["dram_bytes"]["read"]
    assert lean["energy"]["total"] < plain["energy"]["total"]
    assert (lean["macs"], lean["params"]) == (plain["macs"], plain["params"])


def test_compare_runs_a_network_as_it_is_and_with_each_overlay(accelsim, overlay):
    overlay("precision: {activations_bits: 8}\n", "int8.yaml")
    arguments = ("--net", "tiny.yaml", "--overlay", overlay(), "--overlay", "int8.yaml", "--hw", "8x8_32k")
    outcome = accelsim("compare", *arguments, "--format", "csv")
    assert (outcome.code, outcome.err) == (0, "")
    rows = list(csv.DictReader(io.StringIO(outcome.out)))
    assert [row["network"] for row in rows] == ["tiny", "tiny+lean", "tiny+int8"]
    assert float(rows[0]["relative_energy"]) == 1 > float(rows[1]["relative_energy"])


def test_overlays_of_one_name_are_told_apart(accelsim, overlay, folder):
    (folder / "other").mkdir()
    overlay("precision: {weights_bits: 4}\n", "other/lean.yaml")
    arguments = ("--net", "tiny.yaml", "--overlay", overlay(), "--overlay", "other/lean.yaml")
    outcome = accelsim("compare", *arguments, "--hw", "8x8_32k", "--format", "csv")
    names = [row["network"] for row in csv.DictReader(io.StringIO(outcome.out))]
    assert names == ["tiny", "tiny+lean", "tiny+other/lean.yaml"]


def test_plots_show_a_network_as_it_is_and_with_each_overlay(accelsim, overlay, folder):
    arguments = ("--net", "tiny.yaml", "--overlay", overlay(), "--hw", "8x8_32k", "-o", "energy.svg")
    outcome = accelsim("plot", "energy", *arguments)
    assert (outcome.code, outcome.err) == (0, "wrote energy.svg\n")
    assert "tiny+lean" in (folder / "energy.svg").read_text()
    published = accelsim("plot", "published", "--overlay", "lean.yaml", "-o", "published.svg")
    assert (published.code, published.out) == (2, "")
    assert "--overlay: the table says which networks" in published.err


def test_show_says_what_is_left_and_its_bytes(accelsim, overlay):
    outcome = accelsim("show", "tiny.yaml", "--overlay", overlay(), "--stats")
    assert (outcome.code, outcome.err) == (0, "")
    lines = [line.split() for line in outcome.out.splitlines()]
    kept = 54 + 16 + 288 + 16 + 64 + 1960 + 10  # a quarter of the weights; offsets and norms are all there
    stored = (54 + 288 + 64 + 1960) * 12 // 8 + (16 + 16 + 10)
    assert ["kept", f"{kept:,}", "-", "-", "after", "pruning"] in lines
    assert ["bytes", f"{stored:,}", "-", "-", "as", "stored"] in lines
    assert max(map(len, outcome.out.splitlines())) <= 80


@pytest.mark.parametrize("more", [(), ("--lowered",)])
def test_show_lists_bits_and_density_of_each_layer(accelsim, overlay, more):
    outcome = accelsim("show", "tiny.yaml", "--overlay", overlay(), *more, "--format", "json")
    shown = json.loads(outcome.out)
    layer = next(layer for layer in shown["layers"] if layer["name"] == "conv2")
    assert (layer["weight_bits"], layer["weight_density"]) == (8, 0.25)
    assert layer["kept_params"] == 288 + 16
    assert shown["precision"] == {"weights_bits": 8, "pruned_index_bits": 4}
    table = accelsim("show", "tiny.yaml", "--overlay", "lean.yaml", *more).out
    assert max(map(len, table.splitlines())) <= 80
    assert "after pruning" in table
    assert "25.0%" in table


def test_a_network_that_says_nothing_is_shown_as_ever(accelsim):
    for more in ((), ("--stats",), ("--lowered",)):
        outcome = accelsim("show", "tiny.yaml", *more)
        assert not re.search("bits|after pruning|as stored|precision", outcome.out)


def test_check_knows_overlays(accelsim, overlay):
    outcome = accelsim("check", overlay())
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out == "lean.yaml: ok: overlay, 2 entries of precision, 1 of compression\n"
    wrong = accelsim("check", overlay(OVERLAY.replace("0.25", "0"), "wrong.yaml"))
    assert (wrong.code, wrong.out) == (2, "")
    assert wrong.err.startswith("wrong.yaml:3: compression.0.weight_density = 0: must be a number from 1e-06")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (OVERLAY.replace("0.25", "0"), "lean.yaml:3: compression.0.weight_density = 0: must be a number "),
        (
            OVERLAY.replace("0.25", "1.5"),
            "lean.yaml:3: compression.0.weight_density = 1.5: must be a number",
        ),
        (
            OVERLAY.replace("8", "0"),
            "lean.yaml:1: precision.weights_bits = 0: must be a whole number",
        ),
        (OVERLAY.replace("*", "fire*"), "lean.yaml:3: compression.0.layers = 'fire*': no such layer with "),
        ("- 1\n", "lean.yaml:1: is a list: must be a mapping of keys to values"),
        ("precision: [\n", "lean.yaml:2: is not YAML: "),
        ("", "lean.yaml:1: is empty: must be a mapping of keys to values"),
        ("title: nothing\n", "lean.yaml:1: changes nothing: must have precision, compression or both"),
    ],
)
@pytest.mark.parametrize("command", ["run", "compare", "show"])
def test_a_wrong_overlay_is_one_line_and_leaves_no_file(accelsim, overlay, folder, command, text, line):
    network = ("tiny.yaml",) if command == "show" else ("--net", "tiny.yaml", "--hw", "8x8_32k")
    outcome = accelsim(command, *network, "--overlay", overlay(text), "--output", "result.json")
    assert (outcome.code, outcome.out) == (2, "")
    (said,) = outcome.err.splitlines()
    assert said.startswith(line)
    assert not list(folder.glob("*result*"))


@pytest.mark.parametrize("command", ["run", "compare", "show"])
def test_an_overlay_that_is_not_there(accelsim, command):
    network = ("tiny.yaml",) if command == "show" else ("--net", "tiny.yaml", "--hw", "8x8_32k")
    outcome = accelsim(command, *network, "--overlay", "absent.yaml")
    assert (outcome.code, outcome.out, outcome.err) == (2, "", "absent.yaml: no such file\n")


def test_mistakes_in_network_machine_and_overlay_are_reported_together(accelsim, overlay):
    outcome = accelsim(
        "run", "--net", "sqnxt", "--hw", "16x16", "--overlay", overlay(OVERLAY.replace("0.25", "2"))
    )
    assert [line.split(":")[0] for line in outcome.err.splitlines()] == ["sqnxt", "16x16", "lean.yaml"]


def test_of_several_networks_the_message_says_which_one_an_overlay_does_not_fit(accelsim, overlay):
    text = OVERLAY.replace("*", "fc")
    arguments = ("--net", "tiny.yaml", "--net", "squeezenet_v1_1", "--overlay", overlay(text))
    outcome = accelsim("compare", *arguments, "--hw", "8x8_32k")
    assert (outcome.code, outcome.out) == (2, "")
    (line,) = outcome.err.splitlines()
    assert "compression.0.layers = 'fc': no such layer with weights in squeezenet_v1_1" in line


def test_a_machine_takes_no_overlay(accelsim, overlay):
    outcome = accelsim("show", "8x8_32k", "--overlay", overlay())
    assert (outcome.code, outcome.out) == (2, "")
    assert "8x8_32k is a machine; overlays are for networks" in outcome.err


def test_an_overlay_is_nothing_to_show_by_itself(accelsim, overlay):
    outcome = accelsim("show", overlay())
    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err == "lean.yaml: is an overlay: give it with --overlay, beside a network\n"
