"""`accelsim search depth`: what a user gives, and what comes back."""

import csv
import io
import json
import os
import subprocess
import sys

import pytest

REPEATING = """\
name: repeating
title: Three stages, two of which repeat
source: made up for these tests
input: {channels: 3, height: 16, width: 16}
stages:
  - {block: conv, name: conv1, out_channels: 8, kernel: 3, stride: 2, batch_norm: true, activation: relu}
  - {block: residual_basic, name: stage1, out_channels: 8, repeat: 2}
  - {block: residual_basic, name: stage2, out_channels: 16, repeat: 3, stride: 2}
  - {block: fully_connected, name: fc, out_features: 10}
"""
COUNT = "must be a number such as 720000, 720k, 1.0M or 1e6, from"
SEARCH = ("search", "depth", "--net", "repeating.yaml", "--hw", "8x8_32k")


@pytest.fixture(autouse=True)
def network(folder):
    """A network of five blocks in two stages."""
    (folder / "repeating.yaml").write_text(REPEATING)


def values(outcome):
    assert outcome.code == 0
    return json.loads(outcome.out)


def test_the_json_has_the_names_that_were_promised(accelsim):
    found = values(accelsim(*SEARCH, "--format", "json"))
    assert {"evaluated", "feasible", "best", "pareto", "seconds"} <= found.keys()
    assert found["best"].keys() == {"depths", "cycles", "energy", "params", "macs"}
    assert found["evaluated"] == found["feasible"] == 4
    assert [known["name"] for known in found["known"]] == ["repeating"]
    assert found["known"][0]["depths"] == [2, 3]


def test_a_candidates_figures_are_those_of_run_on_its_yaml(accelsim, folder):
    best = values(accelsim(*SEARCH, "--format", "json"))["best"]
    text = REPEATING.replace("repeat: 2", f"repeat: {best['depths'][0]}")
    text = text.replace("repeat: 3", f"repeat: {best['depths'][1]}")
    (folder / "best.yaml").write_text(text)
    run = values(accelsim("run", "--net", "best.yaml", "--hw", "8x8_32k", "--format", "json"))
    assert {name: run[name] for name in ("cycles", "params", "macs")} | {
        "energy": run["energy"]["total"]
    } == {name: best[name] for name in ("cycles", "params", "macs", "energy")}


def test_the_options_make_the_space(accelsim):
    options = ("--total-blocks", "9", "--min-blocks", "2", "--format", "json")
    assert values(accelsim(*SEARCH, *options))["evaluated"] == 6
    assert values(accelsim(*SEARCH, *options, "--fix", "stage1=3"))["best"]["depths"] == [3, 6]


def test_several_machines_are_searched_one_after_another(accelsim):
    found = values(accelsim(*SEARCH, "--hw", "16x16_128k", "--format", "json"))
    assert [one["hardware"] for one in found["searches"]] == ["8x8_32k", "16x16_128k"]
    table = accelsim(*SEARCH, "--hw", "16x16_128k", "--quiet")
    assert table.out.count("repeating on ") == 2
    assert table.err == ""


def test_csv_has_a_row_for_each_candidate_that_the_table_has(accelsim):
    rows = list(csv.DictReader(io.StringIO(accelsim(*SEARCH, "--format", "csv").out)))
    assert {row["depths"] for row in rows} == {"1-4", "2-3", "3-2", "4-1"}
    assert [row["rank"] for row in rows] == ["1", "2", "3", "4"]


def test_the_result_can_go_to_a_file(accelsim, folder):
    outcome = accelsim(*SEARCH, "--output", "found.json", "--quiet")
    assert (outcome.code, outcome.out, outcome.err) == (0, "", "")
    assert json.loads((folder / "found.json").read_text())["evaluated"] == 4


@pytest.mark.parametrize("text", ["1.0M", "1e6", "1000k", "1000000"])
def test_counts_have_suffixes(accelsim, text):
    assert values(accelsim(*SEARCH, "--max-params", text, "--format", "json"))["feasible"] == 4


def test_a_store_makes_the_second_search_a_look_up(accelsim):
    options = ("--store", "found.sqlite", "--format", "json")
    first, second = (values(accelsim(*SEARCH, *options)) for _ in range(2))
    assert (first.pop("from_store"), second.pop("from_store")) == (0, 4)
    assert first.pop("seconds") >= 0 <= second.pop("seconds")
    assert first == second


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (
            ("--max-params", "1k"),
            "max params = 1000: excludes all 4 candidates: the smallest of them, 4-1, has",
        ),
        (("--max-macs", "1"), "max macs = 1: excludes all 4 candidates: the smallest of them, "),
        (("--total-blocks", "1"), "repeating: total blocks = 1: 1 too few: 2 stages of at least 1 take 2"),
        (("--fix", "stage3=1"), "repeating: stage3: no such repeating stage, did you mean 'stage2'?"),
        (("--fix", "stage1"), "'stage1' must be STAGE=BLOCKS such as stage4=1"),
        (("--fix", "stage1=x"), "'stage1=x' must be STAGE=BLOCKS such as stage4=1"),
        (("--fix", "stage1=1", "--fix", "stage1=2"), "stage1 is given twice"),
        (("--max-params", "many"), "'many' must be a number such as 720000, 720k, 1.0M or 1e6"),
        (("--max-params", "-1"), f"--max-params: -1 {COUNT} 1 to 1e+18"),
        (("--max-params", "0"), f"--max-params: 0 {COUNT} 1 to 1e+18"),
        (("--max-macs", "0.9"), f"--max-macs: 0.9 {COUNT} 1 to 1e+18"),
        (("--max-macs", "-1k"), f"--max-macs: '-1k' {COUNT} 1 to 1e+18"),
        (("--objective", "speed"), "'time', 'energy', 'edp', 'pareto'"),
        (("--min-blocks", "0"), "--min-blocks"),
        (("--store", "no/such.sqlite"), "no/such.sqlite: cannot be used as a store: there is no folder no"),
        (("--max-parameters", "1"), "--max-parameters"),
    ],
)
def test_what_is_wrong_is_said(accelsim, options, sentence):
    outcome = accelsim(*SEARCH, *options)
    assert (outcome.code, outcome.out) == (2, "")
    assert sentence in outcome.err


def test_a_search_of_171_networks_takes_seconds(folder):
    """The processor's seconds of the whole process and its workers; others may keep a user waiting longer."""
    command = ["search", "depth", "--net", "sqnxt23v2", "--hw", "16x16_128k", "--fix", "stage4=1"]
    before = os.times()
    done = subprocess.run(
        [sys.executable, "-m", "accelsim", *command, "--format", "json"],
        capture_output=True,
        check=True,
        cwd=folder,
    )
    after = os.times()
    assert json.loads(done.stdout)["evaluated"] == 171
    spent = after.children_user + after.children_system - before.children_user - before.children_system
    assert spent < 9
