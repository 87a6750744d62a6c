"""`accelsim import-energy`: a machine with the prices of another tool's table."""

import json

import pytest

from accelsim import load_hardware

TABLE = """\
ERT:
  version: 0.4
  tables:
  - name: chip.glb
    actions:
    - {name: read, arguments: {}, energy: 16}
    - {name: write, arguments: {}, energy: 24}
  - name: chip.PE[0..255].mac
    actions:
    - {name: compute, arguments: {}, energy: 0.5}
"""
COMMAND = ("import-energy", "ERT.yaml", "--hw", "npu_int8_2m", "-o", "new.yaml")


@pytest.fixture(autouse=True)
def table(folder):
    (folder / "ERT.yaml").write_text(TABLE)


def test_it_says_what_is_of_what_and_writes_a_machine_that_runs(accelsim):
    outcome = accelsim(*COMMAND, "--bits", "sram=64")
    assert outcome.out == (
        "price [pJ]      before      now  of\n"
        "mac            by bits      0.5  chip.PE.mac: compute\n"
        "sram read          2.5        2  chip.glb: read, write, 64 bits\n"
        "sram write         2.5        3\n"
        "sram at_bytes    32768  2097152\n"
        "sram exponent   0.4644   0.4644\n"
        "\n"
        "mac: assumed: the same for operands of any bits: the table has one\n"
        "sram: assumed: how it grows with the size is as of npu_int8_2m\n"
        "left as it was: vector_op, register_file, inter_pe, flash\n"
    )
    assert (outcome.code, outcome.err) == (0, "wrote new.yaml\n")
    run = accelsim("run", "--net", "tiny.yaml", "--hw", "new.yaml", "--format", "json")
    result = json.loads(run.out)
    macs = sum(layer["macs"] for layer in result["layers"])
    assert result["energy"]["by_component"]["mac"] == pytest.approx(0.5 * macs)


def test_what_it_wrote_says_where_prices_are_from(accelsim):
    accelsim(*COMMAND)
    shown = accelsim("show", "new.yaml").out
    assert "Imported from ERT.yaml (Accelergy 0.4)" in " ".join(shown.split())
    assert "assumed: an access of chip.glb is taken to be of 8 bits" in " ".join(shown.split())


def test_a_second_table_goes_on_where_the_first_ended(accelsim, folder):
    header = "Capacity (bytes), Output width (bits), Dynamic read energy (nJ), Dynamic write energy (nJ),\n"
    (folder / "out.csv").write_text(header + "2097152, 64, 0.08, 0.16,\n")
    accelsim(*COMMAND)
    outcome = accelsim("import-energy", "out.csv", "--hw", "new.yaml", "-o", "newer.yaml", "--quiet")
    assert (outcome.code, outcome.err) == (0, "")
    machine = load_hardware("newer.yaml")
    assert (machine.energy.mac, machine.memories[1].energy.read) == (0.5, 10.0)
    assert machine.source.count("Imported from") == 2


def test_values_are_data_too(accelsim):
    outcome = accelsim(*COMMAND, "--format", "json", "--map", "inter_pe=mac", "--map", "mac=mac")
    values = json.loads(outcome.out)
    assert values["unit"] == "pJ"
    assert (values["figures"][0]["key"], values["figures"][0]["value"]) == ("energy.mac", 0.5)
    assert values["left"] == ["vector_op", "register_file", "flash"]
    assert accelsim(*COMMAND, "--format", "csv").out.startswith("key,value,origin,assumed,before")


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--map", "sram"), "'sram' must be two words with = between them"),
        (("--map", "sram=a", "--map", "sram=b"), "sram is there twice"),
        (("--bits", "sram=8 bits"), "sram=8 bits: must be a whole number of bits from 1 to 4096"),
        (("--bits", "sram=0"), "sram=0: must be a whole number of bits from 1 to 4096"),
        (("--map", "sram=chip.buf"), "sram=chip.buf: no such component, did you mean 'chip.glb'?"),
        (("--area", "none.yaml", "--process", "45 nm"), "none.yaml: no such file"),
    ],
)
def test_what_is_wrong_is_a_line_and_no_file_is_written(accelsim, folder, options, sentence):
    outcome = accelsim(*COMMAND, *options)
    assert (outcome.code, outcome.out) == (2, "")
    assert sentence in outcome.err
    assert not (folder / "new.yaml").exists()


@pytest.mark.parametrize(
    ("output", "sentence"),
    [
        ("ERT.yaml", "ERT.yaml must be another file than that of ERT.yaml, which is read"),
        ("new.json", "--output new.json: must end in .yaml or .yml"),
        ("none/new.yaml", "none/new.yaml: cannot be written: no such folder as none"),
    ],
)
def test_it_writes_over_nothing_that_it_reads_and_only_what_can_be(accelsim, folder, output, sentence):
    outcome = accelsim(*COMMAND[:4], "-o", output)
    assert (outcome.code, outcome.out) == (2, "")
    assert sentence in " ".join(outcome.err.split())
    assert (folder / "ERT.yaml").read_text() == TABLE


def test_it_does_not_write_over_the_machine_that_it_reads(accelsim, folder):
    accelsim(*COMMAND)
    before = (folder / "new.yaml").read_text()
    outcome = accelsim("import-energy", "ERT.yaml", "--hw", "new.yaml", "-o", "./new.yaml")
    assert (outcome.code, outcome.out) == (2, "")
    assert (folder / "new.yaml").read_text() == before
