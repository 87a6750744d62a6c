"""The guide to foreign models says what is imported; test_docs_pages.py compares its outputs."""

from pages import page, rows, section

from accelsim.importers.rules import RULES

GUIDE = page("how-to/import-a-model.md")


def test_the_table_of_operators_names_all_of_them():
    table = rows(section(GUIDE, "## What is imported"))
    named = {name for cells in table for name in cells[0].split(", ")}
    assert named == set(RULES)
