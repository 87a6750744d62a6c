"""`accelsim search path`: what a user gives, and what comes back."""

import csv
import io
import json

import pytest

STEM = """\
name: stem
title: A large stem and two stages that repeat
source: made up for these tests
input: {channels: 3, height: 48, width: 48}
stages:
  - {block: conv, name: conv1, out_channels: 12, kernel: 7, stride: 2, batch_norm: true, activation: relu}
  - {block: residual_basic, name: stage1, out_channels: 12, repeat: 3}
  - {block: residual_basic, name: stage2, out_channels: 20, repeat: 2, stride: 2}
  - {block: fully_connected, name: fc, out_features: 10}
"""
COUNT = "must be a number such as 720000, 720k, 1.0M or 1e6, from"
WALK = ("search", "path", "--net", "stem.yaml", "--hw", "8x8_32k")


@pytest.fixture(autouse=True)
def network(folder):
    """A network that offers moves of every kind."""
    (folder / "stem.yaml").write_text(STEM)


def values(outcome):
    assert outcome.code == 0
    return json.loads(outcome.out)


def test_the_story_fits_and_tells_each_step(accelsim):
    outcome = accelsim(*WALK, "--steps", "1")
    assert outcome.code == 0
    assert max(map(len, outcome.out.splitlines())) <= 80
    assert outcome.out.startswith("stem on 8x8_32k: a path by time\n")
    assert "\n1  " in outcome.out
    assert "   worst: " in outcome.out
    assert "   why: " in outcome.out
    assert "moves tried" in outcome.out
    assert "after 1 step, as asked for" in outcome.out
    assert "networks simulated in" in outcome.err


def test_the_json_has_every_step_with_its_moves(accelsim):
    found = values(accelsim(*WALK, "--format", "json"))
    assert found["stopped"] in ("nothing helps", "budget")
    cycles = [found["start"]["cycles"], *(step["after"]["cycles"] for step in found["steps"])]
    assert cycles == sorted(cycles, reverse=True)
    assert cycles[-1] == found["end"]["cycles"]
    kinds = {move["kind"] for step in found["steps"] for move in step["moves"]}
    assert kinds == {"kernel", "block", "channels"}
    for step in found["steps"]:
        assert step["move"] in [move["move"] for move in step["moves"]]
        assert step["worst"]["reason"]


def test_the_network_that_is_written_runs_to_the_cycles_of_the_walk(accelsim, folder):
    outcome = accelsim(*WALK, "--objective", "energy", "--write", "better.yaml", "--format", "json")
    assert outcome.err.endswith("wrote better.yaml\n")
    end = values(outcome)["end"]
    assert accelsim("check", "better.yaml").code == 0
    run = values(accelsim("run", "--net", "better.yaml", "--hw", "8x8_32k", "--format", "json"))
    assert {name: run[name] for name in ("cycles", "params", "macs")} | {
        "energy": run["energy"]["total"]
    } == end
    text = (folder / "better.yaml").read_text()
    assert text.startswith("name: stem-path\n")
    assert "redesigned for 8x8_32k" in text
    assert "Changed by accelsim from stem: " in text


def test_budgets_are_kept_and_shown(accelsim):
    start = values(accelsim(*WALK, "--steps", "0", "--format", "json"))["start"]
    budget = ("--max-params", start["params"], "--max-macs", "1G", "--min-params", "1k")
    found = values(accelsim(*WALK, *budget, "--format", "json"))
    assert found["budget"] == {"max_params": start["params"], "max_macs": 10**9, "min_params": 1000}
    assert all(step["after"]["params"] <= start["params"] for step in found["steps"])
    over = [move for step in found["steps"] for move in step["moves"] if move["excess"]]
    assert any(move["excess"].endswith("params too many") for move in over)


def test_csv_has_a_row_for_the_start_and_each_step(accelsim):
    rows = list(csv.DictReader(io.StringIO(accelsim(*WALK, "--steps", "1", "--format", "csv").out)))
    assert [row["step"] for row in rows] == ["0", "1"]
    assert rows[0]["move"] == "start"
    assert rows[0]["depths"] == "3-2"


def test_several_machines_have_a_walk_each(accelsim):
    found = values(accelsim(*WALK, "--hw", "16x16_128k", "--steps", "1", "--format", "json"))
    assert [one["hardware"] for one in found["searches"]] == ["8x8_32k", "16x16_128k"]


def test_quiet_says_nothing_and_a_file_gets_the_result(accelsim, folder):
    outcome = accelsim(*WALK, "--steps", "1", "--quiet", "--output", "walk.json", "--write", "net.yaml")
    assert (outcome.code, outcome.out, outcome.err) == (0, "", "")
    assert json.loads((folder / "walk.json").read_text())["network"] == "stem"


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--steps", "-1"), "--steps"),
        (("--objective", "pareto"), "'time', 'energy', 'edp'"),
        (("--max-params", "many"), "'many' must be a number such as 720000, 720k, 1.0M or 1e6"),
        (("--max-params", "0"), f"--max-params: 0 {COUNT} 1 to 1e+18"),
        (("--min-params", "-1"), f"--min-params: -1 {COUNT} 0 to 1e+18"),
        (("--max-params", "1k"), "max params = 1000: stem has "),
        (("--max-macs", "1k"), "max MACs = 1000: stem has "),
        (("--min-params", "1G"), "min params = 1000000000: stem has "),
        (("--write", "no/such.yaml"), "no/such.yaml: cannot be written: no such folder as no"),
        (("--write", "a.yaml", "--hw", "16x16_128k"), "--write: takes one --hw: each path ends elsewhere"),
        (("--write", "a", "--output", "a"), "--write: must be another file than --output"),
        (("--overlay", "a.yaml"), "--overlay"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_written(accelsim, folder, options, sentence):
    outcome = accelsim(*WALK, *options)
    assert (outcome.code, outcome.out) == (2, "")
    assert sentence in " ".join(outcome.err.split())
    assert sorted(path.name for path in folder.iterdir()) == ["stem.yaml", "tiny.yaml"]


def test_a_network_that_offers_no_move_is_refused(accelsim):
    outcome = accelsim("search", "path", "--net", "squeezenet_v1_1", "--hw", "16x16_128k")
    assert outcome.code == 2
    assert outcome.err.startswith("squeezenet_v1_1: offers no move: no repeating stage has a block to give")
    assert len(outcome.err.splitlines()) == 1


def test_a_single_move_is_said_in_the_singular_and_none_is_said_to_be_left(accelsim, folder):
    (folder / "one.yaml").write_text(
        "name: one\ntitle: A stem\nsource: made up\ninput: {channels: 3, height: 48, width: 48}\nstages:\n"
        "  - {block: conv, name: conv1, out_channels: 12, kernel: 5, stride: 2, padding: 2}\n"
    )
    walked = accelsim("search", "path", "--net", "one.yaml", "--hw", "8x8_32k", "--min-params", "0").out
    assert "\n   1 move tried, 1 helps, within the budget\n" in walked
    assert "\nend            no move is left; worst now: conv1, 100% of the time" in walked
    assert "none of 0" not in walked
