"""Names and titles come from anybody: on terminals, in spreadsheets and in pictures they are text."""

import csv
import io
import json
import re
import unicodedata
from xml.etree import ElementTree

import pytest

from accelsim.descriptions import shipped

MACHINE = shipped.find("hardware", "8x8_32k").read_text()
NAME = "=ev\x1b[31mil\u202egnp\nnext\r\x07"
TITLE = "a $\\foo$ \x1b]0;owned\x07 <b>title</b> \x9b2J"
MACHINES = {"hw.yaml": NAME, "plus.yaml": "+1", "minus.yaml": "-1", "at.yaml": "@SUM(A1)", "tab.yaml": "\t=1"}
RUNS = [
    ("show", "hw.yaml"),
    ("show", "hw.yaml", "--format", "csv"),
    ("check", "hw.yaml"),
    ("run", "--net", "net.yaml", "--hw", "hw.yaml"),
    ("run", "--net", "net.yaml", "--hw", "hw.yaml", "--format", "csv"),
    ("show", "net.yaml"),
    ("show", "net.yaml", "--stats"),
    ("list", "networks"),
    ("list", "hardware"),
    ("compare", "--net", "net.yaml", "--hw", "hw.yaml", "--hw", "8x8_32k"),
    ("compare", "--net", "net.yaml", "--hw", "hw.yaml", "--hw", "8x8_32k", "--format", "csv"),
    ("explain", "--net", "net.yaml", "--hw", "hw.yaml", "--layers", "1"),
    ("sweep", "sweep.yaml"),
    ("run", "--net", NAME, "--hw", "hw.yaml"),
    ("compare", "--net", "net.yaml", "--hw", "hw.yaml", "--relative-to", NAME.upper()),
    ("check", "ev\x1b[31mil.yaml"),
]


@pytest.fixture(autouse=True)
def files(folder):
    text = (folder / "tiny.yaml").read_text()
    (folder / "net.yaml").write_text(text.replace("A network of four layers", json.dumps(TITLE)))
    for file, name in MACHINES.items():
        changed = re.sub(r"(?m)^name: .*$", lambda _, name=name: f"name: {json.dumps(name)}", MACHINE)
        changed = re.sub(r"(?m)^title: .*$", lambda _: f"title: {json.dumps(TITLE)}", changed)
        (folder / file).write_text(changed)
    (folder / "sweep.yaml").write_text(
        f"title: {json.dumps(TITLE)}\nnetworks: [net.yaml]\nhardware: [hw.yaml, 8x8_32k]\n"
        "objectives: [time_ms]\n"
    )
    (folder / "networks").mkdir()
    (folder / "networks" / "mine.yaml").write_text((folder / "net.yaml").read_text())
    (folder / "hardware").mkdir()
    (folder / "hardware" / "mine.yaml").write_text((folder / "hw.yaml").read_text())


def not_text(text):
    return {
        character
        for character in text
        if character != "\n" and (unicodedata.category(character) in {"Cc", "Cs"} or character == "\u202e")
    }


@pytest.mark.parametrize(
    "arguments", RUNS, ids=lambda arguments: " ".join(arguments[:2]) + arguments[-1][-4:]
)
def test_nothing_but_text_reaches_the_terminal(accelsim, arguments):
    outcome = accelsim(*arguments)
    assert outcome.code in (0, 2)
    assert not not_text(outcome.out)
    assert not not_text(outcome.err)


def test_a_name_stays_on_its_line(accelsim):
    outcome = accelsim("run", "--net", "net.yaml", "--hw", "hw.yaml", "--layers", "none")
    assert outcome.out.startswith(
        "tiny on =ev\N{REPLACEMENT CHARACTER}[31mil\N{REPLACEMENT CHARACTER}gnp next"
    )


def test_no_cell_of_a_spreadsheet_is_a_formula(accelsim):
    machines = [option for file in MACHINES for option in ("--hw", file)]
    outcome = accelsim("compare", "--net", "net.yaml", *machines, "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(outcome.out)))
    assert [row["hardware"][:2] for row in rows] == ["'=", "'+", "'-", "'@", "'\N{REPLACEMENT CHARACTER}"]
    for row in rows:
        for name, value in row.items():
            assert name == "hardware" or value[:1] not in ("'", "=", "+", "@")
            assert name != "cycles" or int(value) > 0


def test_json_has_names_as_they_are(accelsim):
    outcome = accelsim("run", "--net", "net.yaml", "--hw", "hw.yaml", "--format", "json")
    assert json.loads(outcome.out)["hardware"] == NAME
    assert outcome.out.isascii()


@pytest.mark.parametrize("kind", ["layers", "roofline", "energy", "traffic"])
def test_a_picture_is_valid_and_takes_no_name_for_a_formula(accelsim, folder, kind):
    (folder / "math.yaml").write_text(re.sub(r"(?m)^name: .*$", r"name: $\\frac$", MACHINE))
    for machine in ("hw.yaml", "math.yaml"):
        outcome = accelsim("plot", kind, "--net", "net.yaml", "--hw", machine, "-o", "a.svg", "--quiet")
        assert (outcome.code, outcome.err) == (0, "")
        ElementTree.fromstring((folder / "a.svg").read_text())


def test_a_page_is_text(accelsim, folder):
    assert accelsim("report", "--net", "net.yaml", "--hw", "hw.yaml", "-o", "a.html", "--quiet").code == 0
    html = (folder / "a.html").read_text(encoding="utf-8")
    assert "\x1b" not in html.partition('<script type="application/json"')[0]
    assert "<b>title</b>" not in html
