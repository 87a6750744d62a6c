"""Notebooks show what the model says now; `python scripts/execute_notebooks.py` mends them."""

import importlib.util
import re
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CLOSING = "## What this showed"


def _script():
    spec = importlib.util.spec_from_file_location("execute_notebooks", ROOT / "scripts/execute_notebooks.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


SCRIPT = _script()
NAMES = sorted(file.stem for file in SCRIPT.NOTEBOOKS.glob("*.ipynb"))


@pytest.fixture(params=NAMES)
def name(request):
    """Each notebook; one that needs an extra which is not installed is skipped."""
    for module in SCRIPT.needs(SCRIPT.read(request.param)):
        pytest.importorskip(module)
    return request.param


def test_a_notebook_runs_within_a_minute_and_its_key_numbers_are_those_of_the_present_model(
    name, monkeypatch
):
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    began = time.perf_counter()
    now = SCRIPT.executed(name)
    seconds = time.perf_counter() - began
    assert SCRIPT.complaints(now) == ""
    assert SCRIPT.key_numbers(now) == SCRIPT.key_numbers(SCRIPT.read(name))
    assert seconds < 60


@pytest.mark.parametrize("name", NAMES)
def test_a_notebook_is_committed_as_the_script_writes_it(name):
    notebook = SCRIPT.read(name)
    text = SCRIPT.path_of(name).read_text(encoding="utf-8")
    assert SCRIPT.nbformat.writes(SCRIPT.cleaned(notebook)) + "\n" == text
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    assert len(text) < 1_000_000


@pytest.mark.parametrize("name", NAMES)
def test_a_notebook_ends_in_what_it_showed_with_figures_from_its_key_numbers(name):
    notebook = SCRIPT.read(name)
    closing = notebook.cells[-1]
    assert closing.cell_type == "markdown"
    assert closing.source.startswith(CLOSING)
    keys = SCRIPT.key_numbers(notebook)
    assert keys
    assert all(keys)
    figures = re.findall(r"\*\*(.+?)\*\*", closing.source)
    assert figures
    for figure in figures:
        assert re.search(rf"(?<!\d)(?<!\d[.,]){re.escape(figure)}(?![.,]?\d)", "".join(keys)), figure
