"""Pages of docs/ hold together: links lead somewhere, outputs are those of today, names are all explained."""

import re
import runpy
import subprocess
from dataclasses import replace

import pytest
from cascades import striped_machine, two_kernels, with_cascades
from pages import DOCS, ROOT, page, rows, section

import accelsim
from accelsim.descriptions import vary
from accelsim.mapping.stripes import Cascade
from accelsim.report.tables.run import run_report
from accelsim.report.text.table import Style
from accelsim.report.text.words import BOUNDS
from accelsim.run import run_plan

PAGES = sorted(str(file.relative_to(DOCS)) for file in DOCS.rglob("*.md"))
SCRIPT = runpy.run_path(str(ROOT / "scripts" / "update_pages.py"))
UPDATED = SCRIPT["PAGES"]
OUTPUT = re.compile(r"(?m)^\$ (?:COLUMNS=\d+ )?accelsim .*\n(?!\$ |```)")
"""A command of accelsim with something below it."""
WITH_OUTPUTS = [
    file
    for file in (*sorted(DOCS.rglob("*.md")), *sorted(ROOT.glob("*.md")))
    if OUTPUT.search(file.read_text(encoding="utf-8"))
]
DECISIONS = [name for name in PAGES if name.startswith("decisions/") and name != "decisions/index.md"]


def anchors(text):
    """The names that headings of a page have as targets of links."""
    headings = re.findall(r"(?m)^#+ (.+)$", re.sub(r"(?ms)^```.*?^```$", "", text))
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("name", PAGES)
def test_links_within_the_documentation_lead_somewhere(name):
    text = re.sub(r"(?ms)^```.*?^```$", "", page(name))
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if target.startswith(("http:", "https:")):
            continue
        path, _, anchor = target.partition("#")
        file = (DOCS / name).parent / path if path else DOCS / name
        assert file.resolve().is_relative_to(ROOT), target
        assert file.exists(), target
        assert not anchor or anchor in anchors(file.read_text(encoding="utf-8")), target


@pytest.mark.parametrize("name", PAGES)
def test_lists_are_lists_on_the_site_too(name):
    text = re.sub(r"(?ms)^```.*?^```$", "", page(name))
    assert not re.search(r"(?m)^ {1,3}(?:[-*]|\d+\.) ", text), "its Markdown nests by four spaces"
    assert not re.search(r"(?m)^(?![-*#|> ]|\d+\. ).+\n(?:[-*]|\d+\.) ", text), "a list follows an empty line"


@pytest.mark.parametrize("name", DECISIONS)
def test_a_decision_says_question_and_choice(name):
    text = page(name)
    assert "**Question.**" in text
    assert "**Choice.**" in text or "**Decision.**" in text


def test_one_script_mends_the_outputs_on_all_pages():
    assert len(WITH_OUTPUTS) > 10
    assert set(WITH_OUTPUTS) - set(UPDATED) == set()


@pytest.mark.parametrize("file", WITH_OUTPUTS, ids=lambda file: str(file.relative_to(ROOT)))
def test_the_outputs_on_a_page_are_those_of_the_present_model(file, tmp_path):
    text = file.read_text(encoding="utf-8")
    SCRIPT["write_files_of"](text, tmp_path)
    assert SCRIPT["up_to_date"](text, tmp_path) == text, f"run `python scripts/update_pages.py {file}`"


OUTDATED = """\
```console
$ accelsim list networks --format json
nothing
```

```console
$ accelsim check net.yaml
net.yaml: ok: network net, 7 layers
$ accelsim show net --stats
MACs        7  other
$ accelsim show net
```

```
$ accelsim show nett
nett: what?
```
"""


def test_outputs_are_mended_whole_or_as_far_as_they_are_shown_and_errors_too(monkeypatch):
    printed = {
        "list networks --format json": "[]\n",
        "check net.yaml": "net.yaml: ok: network net, 8 layers\n",
        "show net --stats": "parameters  1\nMACs        8  other\nbytes  3\n",
        "show net": "net\n",
        "show nett": "nett: no such network\n",
    }

    def run(arguments, **_):
        command = " ".join(arguments[3:])
        refused = command == "show nett"
        streams = ("", printed[command]) if refused else (printed[command], "")
        return subprocess.CompletedProcess(arguments, 2 if refused else 0, *streams)

    monkeypatch.setattr(subprocess, "run", run)
    wanted = OUTDATED.replace("nothing", "[]").replace("7", "8").replace("what?", "no such network")
    assert SCRIPT["up_to_date"](OUTDATED) == wanted
    printed["show net --stats"] = "parameters  1\n"
    with pytest.raises(SystemExit, match="0 lines begin with 'MACs', where a page shows one"):
        SCRIPT["up_to_date"](OUTDATED)


@pytest.fixture(scope="module")
def result():
    return accelsim.run_network(accelsim.load_network("sqnxt23v5"), accelsim.load_hardware("16x16_128k"))


@pytest.fixture(scope="module")
def kept_result():
    """The same network on the same machine, but that activations may stay on chip."""
    return result_where_stay(["activations"], 131072)


@pytest.fixture(scope="module")
def pinned_result():
    """On a larger one, on which weights may stay, too."""
    return result_where_stay(["activations", "weights"], 1048576)


@pytest.fixture(scope="module")
def striped_result():
    """Two layers, stripe by stripe."""
    return run_plan(with_cascades(two_kernels(), striped_machine(), Cascade(0, 2, 2, frozenset({1}))))


def result_where_stay(keeps, size_bytes, batch=1):
    buffer = {"banks": "pool", "keeps": keeps, "size_bytes": size_bytes}
    changes = {f"memories.global_buffer.{key}": value for key, value in buffer.items()}
    machine = vary(accelsim.load_hardware("16x16_128k"), **changes)
    return accelsim.run_network(accelsim.load_network("sqnxt23v5"), machine, batch=batch)


def test_every_column_of_a_report_is_explained(result):
    names = [name for name, _ in rows(section(page("reading-a-report.md"), "## Columns"))]
    wide, narrow = (run_report(result, Style(width=width), "all").splitlines()[2] for width in (250, 80))
    assert "".join(wide.split()) == "".join("".join(names).replace("*", "").replace(",", "").split())
    bold = [name.strip("*") for name in names if name.startswith("**")]
    assert "".join(narrow.replace("MACs", "").split()) == "".join(bold)


def test_every_bound_is_explained():
    explained = rows(section(page("reading-a-report.md"), "## What bounds a layer"))
    assert {json.strip("`"): why for why, json, *_ in explained} == BOUNDS


def test_every_line_of_the_totals_is_explained(result, kept_result, pinned_result, striped_result):
    explained = [name for name, _ in rows(section(page("reading-a-report.md"), "## Totals"))]
    runs = (
        (result, {"tensors", "batch", "cascades", "first", "host", "power"}),
        (replace(result, host="cortex"), {"tensors", "batch", "cascades", "first", "power"}),
        (kept_result, {"batch", "cascades", "first", "host", "power"}),
        (pinned_result, {"batch", "cascades", "host", "power"}),
        (result_where_stay(["activations"], 131072, batch=2), {"cascades", "first", "host", "power"}),
    )
    for run, absent in runs:
        lines = [name for name in explained if name not in absent]
        report = run_report(run, Style(), "none").split("why: what bounds it, see below.\n", 1)[1]
        assert re.findall(r"(?m)^(\w[\w ]*?)  ", report) == lines
    assert "\ncascades       1 cascade, 2 layers" in run_report(striped_result, Style(), "none")


def test_every_name_of_the_json_is_explained(result, kept_result, pinned_result, striped_result):
    explained = set(re.findall(r"`(\w+)`", section(page("reading-a-report.md"), "## As data")))
    batch = result_where_stay(["activations"], 131072, batch=2).to_dict()
    assert {"batch_order", *batch["batch_order"]} <= explained
    values, kept_values, pinned_values = (run.to_dict() for run in (result, kept_result, pinned_result))
    assert values.keys() < kept_values.keys() < pinned_values.keys() <= explained
    assert pinned_values["first_inference"].keys() <= explained
    striped_values = striped_result.to_dict()
    assert striped_values.keys() <= explained
    assert striped_values["layers"][0].keys() <= explained
    for tensor in (*kept_values["tensors"], *pinned_values["tensors"], *striped_values["tensors"]):
        assert tensor.keys() <= explained
    assert values["energy"].keys() <= explained
    assert values["layers"][0].keys() <= explained
    assert values["memories"]["global_buffer"].keys() <= explained
    assert values["memories"]["dram"]["read_bytes"].keys() <= explained
