"""`accelsim compare`: networks beside each other on machines beside each other."""

import csv
import io
import json

import pytest

NETWORKS = ("--net", "tiny.yaml", "--net", "tiny.yaml@width=2")
MACHINES = ("--hw", "8x8_32k", "--hw", "16x16_128k")


def _rows(outcome):
    assert outcome.code == 0
    return json.loads(outcome.out)["rows"]


def test_every_network_runs_on_every_machine(accelsim):
    rows = _rows(accelsim("compare", *NETWORKS, *MACHINES, "--format", "json"))
    assert [(row["network"], row["hardware"]) for row in rows] == [
        ("tiny", "8x8_32k"),
        ("tiny@width=2.0", "8x8_32k"),
        ("tiny", "16x16_128k"),
        ("tiny@width=2.0", "16x16_128k"),
    ]


def test_a_case_is_what_run_says(accelsim):
    (row,) = _rows(accelsim("compare", "--net", "tiny.yaml", "--hw", "8x8_32k", "--format", "json"))
    alone = json.loads(accelsim("run", "--net", "tiny.yaml", "--hw", "8x8_32k", "--format", "json").out)
    for name in ("cycles", "time_ms", "utilization", "dram_bytes", "macs", "params"):
        assert row[name] == alone[name]
    assert row["energy"] == {"total": alone["energy"]["total"], "unit": "MAC"}


def test_by_default_a_case_is_relative_to_the_first_network_on_its_machine(accelsim):
    rows = _rows(accelsim("compare", *NETWORKS, *MACHINES, "--format", "json"))
    assert [row["relative_time"] for row in rows[::2]] == [1.0, 1.0]
    assert rows[1]["relative_time"] == pytest.approx(rows[1]["cycles"] / rows[0]["cycles"])
    assert rows[3]["relative_energy"] == rows[3]["energy"]["total"] / rows[2]["energy"]["total"]


def test_one_network_is_relative_to_itself_on_the_first_machine(accelsim):
    rows = _rows(accelsim("compare", "--net", "tiny.yaml", *MACHINES, "--format", "json"))
    assert rows[0]["relative_time"] == 1.0
    assert rows[1]["relative_time"] == pytest.approx(rows[1]["cycles"] / rows[0]["cycles"])


@pytest.mark.parametrize(
    ("name", "ones", "words"),
    [
        ("tiny@width=2.0", [1, 3], "relative to tiny@width=2.0 on the same machine"),
        ("16x16_128k", [2, 3], "relative to the same network on the 16x16_128k machine"),
    ],
)
def test_it_can_be_relative_to_any_network_or_machine(accelsim, name, ones, words):
    arguments = ("compare", *NETWORKS, *MACHINES, "--relative-to", name)
    rows = _rows(accelsim(*arguments, "--format", "json"))
    assert [index for index, row in enumerate(rows) if row["relative_time"] == 1.0] == ones
    assert words in " ".join(accelsim(*arguments).out.split())


def test_it_cannot_be_relative_to_what_is_not_compared(accelsim):
    outcome = accelsim("compare", *NETWORKS, *MACHINES, "--relative-to", "alexnet")
    assert (outcome.code, outcome.out) == (2, "")
    assert "'alexnet' must be one of tiny, tiny@width=2.0, 8x8_32k, 16x16_128k" in " ".join(
        outcome.err.split()
    )


def test_the_table_stands_below_its_machines_and_fits_80_columns(accelsim):
    outcome = accelsim("compare", *NETWORKS, *MACHINES)
    lines = outcome.out.splitlines()
    assert (outcome.code, outcome.err) == (0, "")
    assert [line for line in lines if line in ("8x8_32k", "16x16_128k")] == ["8x8_32k", "16x16_128k"]
    assert sum(line.startswith(" tiny") for line in lines) == 4
    assert max(map(len, lines)) <= 80


@pytest.mark.parametrize(
    ("machines", "words"),
    [
        (("npu_int8_2m", "8x8_32k"), "off chip: flash on npu_int8_2m, DRAM on 8x8_32k."),
        (("npu_int8_2m",), "flash: bytes."),
    ],
)
def test_what_is_off_chip_goes_by_its_name_or_the_legend_says_what_it_is(accelsim, machines, words):
    options = [option for machine in machines for option in ("--hw", machine)]
    outcome = accelsim("compare", *NETWORKS, *options)
    assert words in " ".join(outcome.out.split())


def test_csv_has_a_row_for_each_case(accelsim):
    outcome = accelsim("compare", *NETWORKS, *MACHINES, "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(outcome.out)))
    assert len(rows) == 4
    assert {"network", "hardware", "relative_time", "energy_total", "dram_bytes_read"} <= set(rows[0])


def test_what_is_given_twice_runs_once(accelsim):
    rows = _rows(
        accelsim("compare", "--net", "tiny.yaml", "--net", "tiny.yaml", "--hw", "8x8_32k", "--format", "json")
    )
    assert len(rows) == 1


def test_files_of_one_name_are_told_apart_by_their_paths(accelsim, folder):
    (folder / "copy.yaml").write_text(
        (folder / "tiny.yaml").read_text().replace("out_features: 10", "out_features: 20")
    )
    networks = ("--net", "tiny.yaml", "--net", "copy.yaml")
    rows = _rows(accelsim("compare", *networks, "--hw", "8x8_32k", "--format", "json"))
    assert [row["network"] for row in rows] == ["tiny.yaml", "copy.yaml"]


def test_every_mistake_of_every_network_is_reported(accelsim):
    outcome = accelsim("compare", "--net", "alexnett", "--net", "tiny.yaml", "--net", "sqnxt", *MACHINES)
    assert outcome.code == 2
    assert [line.split(":")[0] for line in outcome.err.splitlines()] == ["alexnett", "sqnxt"]


def test_a_network_that_cannot_run_is_reported_once(accelsim):
    networks = ("--net", "tiny.yaml@resolution=1", "--net", "tiny.yaml")
    outcome = accelsim("compare", *networks, *MACHINES, "--output", "rows.csv")
    assert outcome.code == 2
    assert len(outcome.err.splitlines()) == 1
    assert outcome.err.startswith("tiny@resolution=1: conv1: ")
