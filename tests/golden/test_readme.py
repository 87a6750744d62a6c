"""README.md shows what the model computes now; `python scripts/update_pages.py` mends it."""

import importlib.util
from pathlib import Path

from accelsim.validation.pinned import load_pinned
from accelsim.validation.reproduction import compare_with

ROOT = Path(__file__).parents[2]


def _script():
    spec = importlib.util.spec_from_file_location("update_pages", ROOT / "scripts" / "update_pages.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_table_in_the_readme_is_that_of_the_pinned_cells():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert "| 1.0-SqNxt-23v5 |" in text
    assert _script().with_agreement(text) == text


def test_the_readme_and_the_changelog_name_the_agreement_that_is_pinned(published):
    found = compare_with(published, load_pinned(published.name))
    time, energy = (
        (f"{100 * errors.mean_abs_log_error:.1f}%", f"{100 * errors.max_abs_log_error:.1f}%")
        for errors in (found.time, found.energy)
    )
    readme, changelog = (
        " ".join((ROOT / name).read_text(encoding="utf-8").split()) for name in ("README.md", "CHANGELOG.md")
    )
    assert (
        f"times are off by {time[0]} on average and {time[1]} at most, energies by {energy[0]} and" in readme
    )
    assert f"and {energy[1]}, and all {len(found.orderings)} orderings" in readme
    assert found.violated == ()
    assert f"Mean errors are {time[0]} in time and {energy[0]} in energy." in changelog


def test_the_pictures_of_the_readme_are_there():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    for name in ("layers.png", "accuracy.png"):
        assert f"](docs/images/{name})" in text
        assert (ROOT / "docs" / "images" / name).stat().st_size > 10_000
