"""`accelsim verify` and `run --verify`: a schedule that is proven, and one that is not."""

import csv
import io
import json
import re
from dataclasses import replace

import pytest

from accelsim.hardware import ActionCounts
from accelsim.verification.counting import Counting

VERIFY = ("verify", "--net", "tiny.yaml", "--hw", "8x8_32k")


@pytest.fixture
def one_mac_less(monkeypatch):
    """Execution that counts a product less at each step, so that any schedule differs from it."""
    right = Counting.step

    def step(self, visit, outputs):
        counted = right(self, visit, outputs)
        return replace(counted, array=counted.array + ActionCounts(macs=-1))

    monkeypatch.setattr(Counting, "step", step)


def test_a_proven_schedule_is_a_small_table_and_exit_code_0(accelsim):
    outcome = accelsim(*VERIFY)
    assert outcome.code == 0
    assert re.fullmatch(r"executed 4 layers in \d+\.\d s\n", outcome.err)
    assert outcome.out.startswith("tiny on 8x8_32k: proven\n")
    assert max(map(len, outcome.out.splitlines())) <= 80
    assert re.search(r"(?m)^all +4 +4 ", outcome.out)
    assert re.search(r"(?m)^dram +read \[B\]", outcome.out)


def test_the_json_has_each_layer_with_its_traffic_and_is_the_same_each_time(accelsim):
    first, second = (accelsim(*VERIFY, "--format", "json", "--quiet") for _ in range(2))
    assert (first.code, first.err) == (0, "")
    assert first.out == second.out
    verified = json.loads(first.out)
    assert verified["proven"] is True
    assert verified["computed_macs"] == verified["macs"]
    run = json.loads(accelsim("run", *VERIFY[1:], "--format", "json").out)
    assert [layer["name"] for layer in verified["layers"]] == [layer["name"] for layer in run["layers"]]
    for memory, total in (("dram", run["dram_bytes"]), ("global_buffer", run["global_buffer_bytes"])):
        counted = [layer["traffic"][memory] for layer in verified["layers"]]
        for access, named in (("read", "read"), ("written", "write")):
            assert sum(sum(traffic[access].values()) for traffic in counted) == total[named]


def test_csv_has_a_row_for_each_layer(accelsim):
    rows = list(csv.DictReader(io.StringIO(accelsim(*VERIFY, "--format", "csv").out)))
    assert [row["name"] for row in rows] == ["conv1", "conv2", "conv3", "fc"]
    assert {row["extent"] for row in rows} == {"all"}


def test_patterns_choose_layers(accelsim):
    outcome = accelsim(*VERIFY, "--layers", "conv?,fc", "--batch", "2", "--format", "json")
    assert len(json.loads(outcome.out)["layers"]) == 4
    outcome = accelsim(*VERIFY, "--layers", "conv2", "--format", "json")
    assert [layer["name"] for layer in json.loads(outcome.out)["layers"]] == ["conv2"]


def test_a_pattern_that_matches_no_layer(accelsim):
    outcome = accelsim(*VERIFY, "--layers", "pool*")
    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err.startswith("--layers 'pool*': matches none of the 4 layers, which are conv1 to fc;")


def test_one_layer_is_one_layer(accelsim, one_mac_less):
    outcome = accelsim(*VERIFY, "--layers", "conv1")
    assert "tiny on 8x8_32k: 1 of 1 layer differs" in outcome.out
    assert "executed 1 layer in " in outcome.err


def test_a_schedule_that_differs_is_exit_code_1_with_the_first_access(accelsim, one_mac_less):
    outcome = accelsim(*VERIFY, "--quiet", "--layers", "conv?")
    assert outcome.code == 1
    assert "tiny on 8x8_32k: 3 of 3 layers differ" in outcome.out
    sentence = r"conv1: step 0 \(N0:1 .*\): macs of the array: the schedule says \d+, executing it gives \d+"
    assert re.match(sentence, outcome.err)
    assert len(outcome.err.splitlines()) == 3


def test_a_run_that_is_verified_is_the_same_run(accelsim):
    run = ("run", "--net", "tiny.yaml", "--hw", "8x8_32k")
    verified = accelsim(*run, "--verify")
    assert verified.out == accelsim(*run).out
    assert verified.err.startswith("executed 4 layers in ")


def test_a_run_whose_schedule_differs_has_no_result(accelsim, one_mac_less, folder):
    outcome = accelsim("run", "--net", "tiny.yaml", "--hw", "8x8_32k", "--verify", "--output", "result.json")
    assert (outcome.code, outcome.out) == (1, "")
    assert "conv1: step 0" in outcome.err
    assert not (folder / "result.json").exists()
