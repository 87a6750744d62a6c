"""`accelsim new` and `accelsim convert`: files that describe machines and networks."""

import json
from pathlib import Path

import pytest

from accelsim import load_hardware, load_network
from accelsim.descriptions import read
from accelsim.hardware import Hardware

FORMAT1 = """\
# A machine of a test.
name: old
title: "{title}"
source: made up for a test
clock_mhz: 500
precision: {weights_bits: 8, activations_bits: 8, partial_sums_bits: 32}
pe_array:
  rows: 4
  columns: 8
  dataflows: [weight_stationary, output_stationary]
  port_words_per_column: 1
  weight_stationary: {accumulators_per_column: 16}
  output_stationary: {partial_sums_per_pe: 2, weight_density: 0.5}
global_buffer: {size_bytes: 65536, shares: {inputs: 0.25, weights: 0.5, outputs: 0.25}}
dram: {latency_cycles: 100, bandwidth_bytes_per_cycle: 4}
dma: {descriptors: 2}
vector_unit: {lanes_per_column: 1}
mapper: {tiles: edp, dataflow: time}
energy:
  {unit: MAC, word_bits: 16, mac: 1, vector_op: 1, register_file: 1, inter_pe: 2, global_buffer: 6, dram: 200}
assumed:
  dram.latency_cycles: as of a slow one
  energy.dram: from another machine
  pe_array.weight_stationary.accumulators_per_column: a guess
""".replace("{title}", "A machine: of two words")


@pytest.fixture
def old(folder):
    (folder / "old.yaml").write_text(FORMAT1)
    return folder / "old.yaml"


@pytest.mark.parametrize(("kind", "load"), [("machine", load_hardware), ("network", load_network)])
def test_a_new_file_is_valid_has_the_name_and_comments(accelsim, folder, kind, load):
    outcome = accelsim("new", kind, "my_own-1")
    assert (outcome.code, outcome.out, outcome.err) == (0, "", "wrote my_own-1.yaml\n")
    assert load("my_own-1.yaml").name == "my_own-1"
    assert (folder / "my_own-1.yaml").read_text().count("#") > 4
    checked = accelsim("check", "my_own-1.yaml")
    assert checked.code == 0
    assert checked.out.startswith("my_own-1.yaml: ok: ")


def test_what_new_writes_runs_as_it_stands(accelsim):
    assert accelsim("new", "machine", "chip", "--quiet").err == ""
    assert accelsim("new", "network", "net", "--output", "networks.yaml").err == "wrote networks.yaml\n"
    outcome = accelsim("run", "--net", "networks.yaml", "--hw", "chip.yaml", "--format", "json")
    assert (outcome.code, outcome.err) == (0, "")
    assert json.loads(outcome.out)["network"] == "net"
    verified = accelsim("verify", "--net", "networks.yaml@width=0.5", "--hw", "chip.yaml", "--quiet")
    assert verified.code == 0


@pytest.mark.parametrize("output", [(), ("-o", "tiny.yaml")])
def test_new_replaces_no_file(accelsim, folder, output):
    before = (folder / "tiny.yaml").read_text()
    outcome = accelsim("new", "network", "tiny", *output)
    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err == ("tiny.yaml: is there already: give another name, or another file with --output\n")
    assert (folder / "tiny.yaml").read_text() == before


@pytest.mark.parametrize("name", ["../x", "a b", "", "x/y", "-"])
def test_a_name_that_can_be_none_of_a_file(accelsim, folder, name):
    before = sorted(folder.iterdir())
    outcome = accelsim("new", "machine", "--", name)
    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err == f"{name!r}: must be a name of letters, digits, _ and -, at most 100\n"
    assert sorted(folder.iterdir()) == before


def test_a_file_of_the_first_format_is_written_as_one_of_the_second(accelsim, old):
    outcome = accelsim("convert", "old.yaml", "-o", "new.yaml")
    assert (outcome.code, outcome.out) == (0, "")
    assert outcome.err == "old.yaml: its comments are not in what was written; source and assumed are\n"
    first, second = read("old.yaml", Hardware), read("new.yaml", Hardware)
    assert first == second
    assert second.source == "made up for a test"
    assert second.assumed == {
        "memories.dram.latency_cycles": "as of a slow one",
        "memories.dram.energy": "from another machine",
        "pe_array.dataflows.weight_stationary.accumulators_per_column": "a guess",
    }
    assert "memories:" in (old.parent / "new.yaml").read_text()
    assert accelsim("convert", "old.yaml", "--quiet").err == ""
    assert accelsim("convert", "old.yaml").out == (old.parent / "new.yaml").read_text()


WITH_OTHER = FORMAT1.replace("[weight_stationary, output_stationary]", "[output_stationary]")
"""A machine whose file goes on to describe a dataflow that its array does not run."""


def test_what_is_said_of_a_dataflow_that_is_not_run_is_left_out_with_a_note(accelsim, old):
    assert WITH_OTHER != FORMAT1
    old.write_text(WITH_OTHER)
    outcome = accelsim("convert", "old.yaml", "-o", "new.yaml")
    assert outcome.code == 0
    assert outcome.err.splitlines()[0] == (
        "old.yaml: what it says of weight_stationary is left out, with what is assumed of it: the array does "
        "not run it"
    )
    assert "weight_stationary" not in Path("new.yaml").read_text()
    assert accelsim("convert", "old.yaml", "--quiet").err == ""


def test_a_table_of_a_dataflow_that_is_not_run_is_checked_like_any(accelsim, old):
    old.write_text(WITH_OTHER.replace("accumulators_per_column: 16", "accumulators_per_column: nonsense"))
    for command in ("check", "convert"):
        outcome = accelsim(command, "old.yaml")
        assert (outcome.code, outcome.out) == (2, "")
        assert outcome.err == (
            "old.yaml:12: pe_array.weight_stationary.accumulators_per_column = 'nonsense': must be a whole "
            "number from 1 to 65536\n"
        )


def test_a_converted_machine_gives_the_same_results(accelsim, old):
    accelsim("convert", "old.yaml", "-o", "new.yaml")
    first, second = (
        accelsim("run", "--net", "tiny.yaml", "--hw", name, "--format", "json", "--quiet").out
        for name in ("old.yaml", "new.yaml")
    )
    assert first == second


def test_a_file_of_the_second_format_is_not_converted(accelsim):
    accelsim("new", "machine", "chip")
    outcome = accelsim("convert", "chip.yaml")
    assert (outcome.code, outcome.out, outcome.err) == (2, "", "chip.yaml: is of format 2 already\n")


def test_mistakes_of_a_file_are_said_instead_of_converting_it(accelsim, old, folder):
    old.write_text(FORMAT1.replace("rows: 4", "rows: 0"))
    outcome = accelsim("convert", "old.yaml", "-o", "new.yaml")
    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err == "old.yaml:8: pe_array.rows = 0: must be a whole number from 1 to 4096\n"
    assert not (folder / "new.yaml").exists()
    assert accelsim("convert", "tiny.yaml").err == "tiny.yaml: is a network, not a machine: --net takes it\n"


def test_convert_does_not_write_over_what_it_reads(accelsim, old):
    outcome = accelsim("convert", "old.yaml", "-o", "./old.yaml")
    assert (outcome.code, outcome.out) == (2, "")
    assert old.read_text() == FORMAT1


def test_a_command_that_reads_the_first_format_says_so_in_a_line(accelsim, old):
    line = "old.yaml: is of format 1, which is read for ever; `accelsim convert old.yaml` writes format 2\n"
    run = ("run", "--net", "tiny.yaml", "--hw", "old.yaml")
    assert accelsim(*run).err == line
    assert accelsim(*run, "--quiet").err == ""
    assert accelsim("show", "old.yaml").err == line
    checked = accelsim("check", "old.yaml").out
    assert checked.startswith("old.yaml: ok: hardware old, 4 x 8 PEs, 64 KiB on chip; format 1: ")
    assert checked.endswith("`accelsim convert` writes format 2\n")


TEN_LINES = """\
name: ten
pe_array:
  rows: 8
  columns: 8
memories:
- name: dram
  bandwidth: {bytes_per_cycle: 4}
- name: sram
  size_bytes: 65536
"""


def test_a_machine_of_ten_lines_runs_and_show_says_what_is_taken(accelsim, folder):
    (folder / "ten.yaml").write_text(TEN_LINES)
    assert accelsim("run", "--net", "tiny.yaml", "--hw", "ten.yaml").code == 0
    shown = " ".join(accelsim("show", "ten.yaml").out.split())
    for key, value in (
        ("clock_mhz", "1000.0"),
        ("memories.dram.latency_cycles", "100"),
        ("memories.dram.prefetch", "8"),
    ):
        assert f"{key} = {value} assumed: default: " in shown
    for about in (
        "precision",
        "vector_unit",
        "mapper",
        "energy",
        "memories.sram.banks",
        "memories.sram.energy",
    ):
        assert f"{about} assumed: default: " in shown, about
