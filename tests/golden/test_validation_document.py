"""docs/validation.md shows what the present model gives; `python scripts/validation.py` mends it."""

import importlib.util
import re
from pathlib import Path

import pytest

from accelsim.validation.pinned import load_pinned
from accelsim.validation.reproduction import compare_with

ROOT = Path(__file__).parents[2]
DOCUMENT = (ROOT / "docs" / "validation.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def script():
    spec = importlib.util.spec_from_file_location("validation", ROOT / "scripts" / "validation.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _part(name):
    (text,) = re.findall(rf"(?s)<!-- begin {name} -->(.*?)<!-- end {name} -->", DOCUMENT)
    return text


def test_every_part_is_of_the_cells_that_are_pinned(script):
    stale = [name for name in script.PARTS if script.stamp() not in _part(name)]
    assert not stale, f"run `python scripts/validation.py --only {','.join(stale)}`"


def test_every_machine_that_ships_is_in_the_leading_table(script, published):
    assert script.machines_part(published).strip() in _part("machines")


def test_the_table_is_the_one_that_is_pinned(script, published):
    text = script.reproduction_text(compare_with(published, load_pinned(published.name)))
    assert text.strip() in _part("table")


def test_the_assumptions_are_those_of_the_machine_files(script, published):
    assert script.assumptions_part(published).strip() in _part("assumptions")


def test_the_pictures_are_there():
    pictures = re.findall(r"!\[[^]]+\]\((.*?)\)", DOCUMENT)
    assert len(pictures) == 3
    assert all((ROOT / "docs" / picture).stat().st_size > 10_000 for picture in pictures)


def test_a_document_without_the_markers_is_left_alone(script):
    with pytest.raises(
        SystemExit, match=r"must have `<!-- begin table -->` \.\.\. `<!-- end table -->` once"
    ):
        script.with_part("no markers", "table", "text")
