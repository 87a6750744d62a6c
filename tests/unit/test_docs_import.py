"""What the guide to foreign models shows works as it stands."""

import subprocess
import sys

import pytest
from pages import blocks, commands, page, printed, rows, section

from accelsim.importers.rules import RULES

GUIDE = page("how-to/import-a-model.md")


@pytest.fixture
def folder(tmp_path):
    """A folder with the guide's model."""
    code = blocks(GUIDE, "python")[0]
    assert code.startswith("# make_model.py\n")
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True)
    return tmp_path


def test_the_outputs_on_the_page_are_those_of_the_present_model(folder):
    shown = commands(GUIDE)
    assert len(shown) == 2
    for command, output in shown:
        assert output == printed(command, folder)


def test_the_table_of_operators_names_all_of_them():
    table = rows(section(GUIDE, "## What is imported"))
    named = {name for cells in table for name in cells[0].split(", ")}
    assert named == set(RULES)
