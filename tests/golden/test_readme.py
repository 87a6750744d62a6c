"""README.md shows what the model computes now; `python scripts/update_readme.py` mends it."""

import importlib.util
from pathlib import Path

ROOT = Path(__file__).parents[2]


def _script():
    spec = importlib.util.spec_from_file_location("update_readme", ROOT / "scripts" / "update_readme.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_outputs_in_the_readme_are_those_of_the_present_model(monkeypatch, tmp_path):
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    assert text.count("\n$ accelsim ") >= 2
    assert _script().up_to_date(text) == text


def test_the_pictures_of_the_readme_are_there():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert "](docs/images/layers.png)" in text
    assert (ROOT / "docs" / "images" / "layers.png").stat().st_size > 10_000
