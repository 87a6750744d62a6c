"""`accelsim explain`: what a user gives, and what comes back."""

import csv
import io
import json
from pathlib import Path

import pytest

from accelsim.hardware import dataflow_names

ROOT = Path(__file__).parents[2]
EXPLAIN = ("explain", "--net", "tiny.yaml", "--hw", "8x8_32k")


def values(outcome):
    assert outcome.code == 0
    return json.loads(outcome.out)


def test_the_table_fits_and_says_what_would_help(accelsim):
    outcome = accelsim(*EXPLAIN, "--layers", "2")
    assert (outcome.code, outcome.err) == (0, "")
    assert max(map(len, outcome.out.splitlines())) <= 80
    assert outcome.out.startswith("tiny on 8x8_32k\n")
    assert "8 -> 16 rows of PEs" in outcome.out
    assert "\n1  " in outcome.out
    assert "\n2  " in outcome.out
    assert "\n3  " not in outcome.out
    assert outcome.out.count("   why: ") == 2


def test_many_layers_leave_out_the_columns_that_do_not_fit(accelsim):
    outcome = accelsim("explain", "--net", "sqnxt23", "--hw", "8x8_32k", "--layers", "20")
    assert max(map(len, outcome.out.splitlines())) <= 80
    assert outcome.out.count("   why: ") == 20


def test_the_remedies_of_the_json_are_runs_of_changed_files(accelsim, folder):
    found = values(accelsim(*EXPLAIN, "--format", "json"))
    as_it_is = values(accelsim("run", "--net", "tiny.yaml", "--hw", "8x8_32k", "--format", "json"))
    assert (found["cycles"], found["energy"]) == (as_it_is["cycles"], as_it_is["energy"])
    assert sum(found["cycles_by_bound"].values()) == found["cycles"]
    remedies = {one["name"]: one for one in found["remedies"]}
    forced = values(
        accelsim(
            "run", "--net", "tiny.yaml", "--hw", "8x8_32k", "--dataflow", "weight_stationary",
            "--format", "json",
        )
    )  # fmt: skip
    assert remedies["weight_stationary"]["cycles"] == forced["cycles"]
    assert remedies["weight_stationary"]["energy"] == forced["energy"]["total"]
    assert {"bandwidth", "latency", "rows", "columns", "buffer", "weights_bits"} <= remedies.keys()


def test_the_csv_has_a_row_for_each_run_of_the_network_and_of_each_layer(accelsim):
    rows = list(csv.DictReader(io.StringIO(accelsim(*EXPLAIN, "--layers", "1", "--format", "csv").out)))
    assert {row["network"] for row in rows} == {"tiny"}
    of_network = [row for row in rows if not row["layer"]]
    of_layer = [row for row in rows if row["layer"]]
    assert of_network[0]["words"] == of_layer[0]["words"] == "as it is"
    assert len({row["layer"] for row in of_layer}) == 1
    assert {row["remedy"] for row in of_layer} <= {row["remedy"] for row in of_network}


def test_no_layers_are_explained_where_none_are_asked_for(accelsim):
    assert values(accelsim(*EXPLAIN, "--layers", "0", "--format", "json"))["worst_layers"] == []


def test_the_result_can_go_to_a_file(accelsim, folder):
    outcome = accelsim(*EXPLAIN, "--output", "why.json", "--quiet")
    assert (outcome.code, outcome.out, outcome.err) == (0, "", "")
    assert json.loads((folder / "why.json").read_text())["network"] == "tiny"


def test_an_overlay_is_explained_too(accelsim, folder):
    (folder / "small.yaml").write_text("precision: {weights_bits: 4}\n")
    found = values(accelsim(*EXPLAIN, "--overlay", "small.yaml", "--format", "json"))
    assert found["network"] == "tiny+small"
    assert "weights of 4 -> 2 bits" in {one["words"] for one in found["remedies"]}


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--layers", "-1"), "--layers"),
        (("--layers", "many"), "--layers: 'many' must be one of all, top, none, or a number of layers"),
        (("--net", "vgg16"), "--net: takes one; `accelsim compare` takes several"),
        (("--dataflow", "nothing_stationary"), ", ".join(map(repr, ("auto", *dataflow_names())))),
        (("--output", "no/such.json"), "no/such.json: cannot be written: no such folder as no"),
        (("--remedy", "rows"), "--remedy"),
    ],
)
def test_what_is_wrong_is_said(accelsim, options, sentence):
    outcome = accelsim(*EXPLAIN, *options)
    assert (outcome.code, outcome.out) == (2, "")
    assert sentence in " ".join(outcome.err.split())


def test_a_network_or_machine_that_is_not_there_is_said(accelsim):
    outcome = accelsim("explain", "--net", "sqnxt32", "--hw", "8x8")
    assert outcome.code == 2
    assert [line.partition(":")[0] for line in outcome.err.splitlines()] == ["sqnxt32", "8x8"]


@pytest.mark.parametrize("changes", [{}, {"holds: [weights]": "holds: [inputs, weights, outputs, residual]"}])
def test_of_a_machine_that_keeps_the_bound_is_one_that_the_time_does_not_undercut(accelsim, folder, changes):
    network = "mlperf_tiny_ic"
    machine = (ROOT / "hardware" / "npu_int8_256k.yaml").read_text()
    for old, new in changes.items():
        machine = machine.replace(old, new)
    (folder / "npu.yaml").write_text(machine)
    run = values(accelsim("run", "--net", network, "--hw", "npu.yaml", "--format", "json"))
    outcome = accelsim("explain", "--net", network, "--hw", "npu.yaml", "--layers", "1")
    bound = run["lower_bound_if_kept_cycles"]
    assert run["cycles"] >= bound
    words = " ".join(outcome.out.split())
    assert f"{run['cycles'] / bound:.2f} times the lower bound of {bound:,}" in words


def test_a_network_that_a_pool_does_not_hold_is_told_what_makes_it_run(accelsim):
    """It was refused with the error of a run."""
    options = ("--net", "mobilenet_v1@width=0.25,resolution=224", "--hw", "npu_int8_256k", "--quiet")
    outcome = accelsim("explain", *options)
    assert (outcome.code, outcome.err) == (0, "")
    assert "what if" in outcome.out
    assert "images of 224 x 224 -> " in outcome.out
    assert values(accelsim("explain", *options, "--format", "json"))["fits"] is False
