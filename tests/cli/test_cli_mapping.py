"""`--mapping FILE` and `show --mapping`: what is written is given back, and what cannot be is a sentence."""

import json

import pytest

RUN = ("run", "--net", "tiny.yaml", "--hw", "16x16_128k")


def test_a_given_mapping_is_run_and_verified(accelsim, folder):
    (folder / "mine.yaml").write_text("- {layers: conv1, dataflow: weight_stationary, tile: {K: 3}}\n")
    outcome = accelsim(*RUN, "--mapping", "mine.yaml", "--format", "json")
    first = json.loads(outcome.out)["layers"][0]
    assert (outcome.code, first["name"], first["dataflow"]) == (0, "conv1", "weight_stationary")
    assert first["tile_sizes"]["K"] == 3
    proven = accelsim("verify", *RUN[1:], "--mapping", "mine.yaml", "--format", "json")
    assert proven.code == 0
    assert json.loads(proven.out)["proven"]


def test_chosen_mappings_are_a_file_that_runs_to_the_same(accelsim, folder):
    outcome = accelsim("show", "tiny.yaml", "--hw", "16x16_128k", "--mapping", "-o", "chosen.yaml")
    assert (outcome.code, outcome.out, outcome.err) == (0, "", "wrote chosen.yaml\n")
    printed = accelsim("show", "tiny.yaml", "--hw", "16x16_128k", "--mapping")
    assert printed.out == (folder / "chosen.yaml").read_text()
    as_json = accelsim("show", "tiny.yaml", "--hw", "16x16_128k", "--mapping", "--format", "json")
    assert json.loads(as_json.out)[0]["layers"] == "conv1"
    checked = accelsim("check", "chosen.yaml")
    assert checked.out.startswith("chosen.yaml: ok: mapping, ")
    free, told = (
        accelsim(*RUN, "--format", "json", *more).out for more in ((), ("--mapping", "chosen.yaml"))
    )
    assert told == free


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("show", "tiny.yaml", "--mapping"), "needs a network and --hw, and nothing else to show"),
        (("show", "16x16_128k", "--hw", "8x8_32k", "--mapping"), "needs a network and --hw"),
        (("show", "tiny.yaml", "--batch", "2"), "needs a network and --hw"),
        (("show", "tiny.yaml", "--lowered", "--arena", "1KiB"), "--arena: needs a network and --hw"),
        (("show", "16x16_128k", "--objective", "peak"), "--objective: needs a network and --hw"),
        (("show", "tiny.yaml", "--hw", "8x8_32k", "--mapping", "-o", "a.txt"), "must end in .yaml or .yml"),
        ((*RUN, "--mapping", "absent.yaml"), "absent.yaml: no such file"),
        (
            (*RUN, "--mapping", "tiny.yaml"),
            "tiny.yaml:1: is a mapping of keys to values: must be a list of rules",
        ),
        ((*RUN, "--mapping", "a.json", "-o", "a.json"), "must be another file than that of --mapping a.json"),
        (("plot", "mapping", *RUN[1:], "-o", "a.png"), "mapping needs one: the name of an executed layer"),
        (
            ("plot", "layers", *RUN[1:], "--layer", "conv1", "-o", "a.png"),
            "is of all layers; mapping is of one",
        ),
        (("plot", "layers", *RUN[1:], "--mapping", "a", "-o", "a.png"), "takes none; mapping does"),
        (
            ("plot", "mapping", *RUN[1:], "--hw", "8x8_32k", "--layer", "conv1", "-o", "a.png"),
            "mapping takes one",
        ),
        (
            ("plot", "mapping", *RUN[1:], "--layer", "conv9", "-o", "a.png"),
            "--layer: conv9: no such executed layer",
        ),
    ],
)
def test_what_cannot_be_meant_is_said(accelsim, folder, arguments, sentence):
    outcome = accelsim(*arguments)
    assert (outcome.code, outcome.out) == (2, "")
    assert sentence in outcome.err


def test_a_mapping_is_drawn(accelsim, folder):
    outcome = accelsim("plot", "mapping", *RUN[1:], "--layer", "conv1", "-o", "a.svg")
    assert (outcome.code, outcome.out, outcome.err) == (0, "", "wrote a.svg\n")
    assert "</svg>" in (folder / "a.svg").read_text()
