"""`explain` and `search path` for networks of operators: what a user sees, and the files that come of it."""

import json

import pytest
from graphs import described, row

from accelsim.network.imported import to_yaml

ROWS = [
    row("stem", "conv", "input", out_channels=12, kernel=5, stride=2, padding=2),
    row("body", "conv", "stem", out_channels=20, kernel=3, padding=1),
    row("body/relu", "activation", "body", function="relu"),
    row("pool", "global_average_pool", "body/relu"),
    row("fc", "fully_connected", "pool", out_features=10),
]
EXPLAIN = ("explain", "--net", "rows.yaml", "--hw", "16x16_128k")
PATH = ("search", "path", "--net", "rows.yaml", "--hw", "16x16_128k")


@pytest.fixture(autouse=True)
def network(folder):
    """A network as `accelsim import --yaml` writes it."""
    (folder / "rows.yaml").write_text(to_yaml(described(ROWS, side=32)))


def values(outcome):
    assert outcome.code == 0
    return json.loads(outcome.out)


def run(accelsim, file):
    return values(accelsim("run", "--net", file, "--hw", "16x16_128k", "--format", "json"))


def test_the_report_names_the_changes_and_says_what_is_not_kept(accelsim):
    outcome = accelsim(*EXPLAIN, "--layers", "1")
    assert (outcome.code, outcome.err) == (0, "")
    assert max(map(len, outcome.out.splitlines())) <= 80
    text = " ".join(outcome.out.split())
    assert "Changes of the network: --write NAME=FILE writes one as YAML that `accelsim run` takes." in text
    assert "channels channels up to multiples of 16" in text
    assert "1x1 instead of 3x3 in body" in text
    assert "3x3 instead of 5x5 in stem" in text
    assert "2 groups instead of 1 in body" in text
    assert "images of 28 x 28 instead of 32 x 32" in text
    assert "the accuracy is not kept" in text
    assert "the weights have to be trained again" in text
    assert "channels of fc (10) stay: the network puts them out (fc)" in text


def test_the_network_that_is_written_runs_to_the_figures_of_the_remedy(accelsim):
    outcome = accelsim(*EXPLAIN, "--write", "channels=wider.yaml", "--format", "json")
    assert outcome.err == "wrote wider.yaml\n"
    explained = values(outcome)
    remedy = {one["name"]: one for one in explained["remedies"]}["channels"]
    assert remedy["change"] == {"channels": {"stem": 16, "body": 32}}
    assert "accuracy" in remedy["not_kept"]
    ran = run(accelsim, "wider.yaml")
    assert ran["network"] == "rows-channels"
    figures = {name: ran[name] for name in ("cycles", "macs", "params")} | {"energy": ran["energy"]["total"]}
    assert figures == {name: remedy[name] for name in figures}
    assert explained["channels_that_stay"] == [
        {"layers": ["fc"], "channels": 10, "reason": "the network puts them out (fc)"}
    ]


def test_the_remedies_of_a_stage_table_can_be_written_too(accelsim):
    explain = ("explain", "--net", "tiny.yaml@width=2.0", "--hw", "16x16_128k", "--format", "json")
    explained = values(accelsim(*explain, "--write", "weights_bits=b.yaml"))
    remedy = {one["name"]: one for one in explained["remedies"]}["weights_bits"]
    assert "change" not in remedy
    assert "channels_that_stay" not in explained
    assert run(accelsim, "b.yaml")["cycles"] == remedy["cycles"]


@pytest.mark.parametrize(
    ("write", "sentence"),
    [
        ("better.yaml", "'better.yaml' must be NAME=FILE, as in channels=better.yaml"),
        ("chanels=a.yaml", "chanels: no such change of rows, did you mean 'channels'? allowed are "),
        ("bandwidth=a.yaml", "bandwidth: no such change of rows"),
        ("channels=rows.yaml", "rows.yaml must be another file than that of --net rows.yaml, which is read"),
        ("channels=a.json", "--write"),
        ("channels=no/a.yaml", "no/a.yaml: cannot be written: no such folder as no"),
    ],
)
def test_what_is_wrong_with_write_is_said_and_nothing_is_written(accelsim, folder, write, sentence):
    before = sorted(folder.iterdir())
    outcome = accelsim(*EXPLAIN, "--write", write)
    assert (outcome.code, outcome.out) == (2, "")
    assert sentence in " ".join(outcome.err.split())
    assert sorted(folder.iterdir()) == before


def test_a_path_of_operators_is_told_and_its_end_is_a_file_that_runs(accelsim, folder):
    options = ("--min-resolution", "24", "--write", "better.yaml")
    outcome = accelsim(*PATH, *options)
    assert outcome.code == 0
    assert max(map(len, outcome.out.splitlines())) <= 80
    text = " ".join(outcome.out.split())
    assert "images of at least 24 x 24" in text
    assert "the weights have to be trained again" in text
    told = values(accelsim(*PATH, *options, "--format", "json"))
    assert told["budget"]["min_resolution"] == 24
    assert {"kernel", "groups", "channels", "resolution"} >= {step["kind"] for step in told["steps"]}
    assert all(step["change"] for step in told["steps"])
    ran = run(accelsim, "better.yaml")
    figures = {name: ran[name] for name in ("cycles", "params", "macs")} | {"energy": ran["energy"]["total"]}
    assert figures == told["end"]
    assert "Changed by accelsim from rows: " in (folder / "better.yaml").read_text()


def test_a_path_of_a_stage_table_has_no_other_image(accelsim):
    outcome = accelsim("search", "path", "--net", "tiny.yaml", "--hw", "16x16_128k", "--min-resolution", "8")
    assert (outcome.code, outcome.out) == (2, "")
    assert "tiny: its stage table says how large its image is" in outcome.err
