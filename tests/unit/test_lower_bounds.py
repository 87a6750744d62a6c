"""Lower bounds of dependencies: what pip is told to install comes from pyproject.toml alone."""

import runpy
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SCRIPT = runpy.run_path(str(ROOT / "scripts" / "lower_bounds.py"))


@pytest.fixture
def bounds(tmp_path):
    """The bounds of a project with these dependencies, and these of an extra."""

    def read(dependencies, extra=()):
        file = tmp_path / "pyproject.toml"
        file.write_text(
            f'[project]\nname = "accelsim"\ndependencies = {list(dependencies)}\n'
            f"[project.optional-dependencies]\nextra = {list(extra)}\n"
        )
        return SCRIPT["lower_bounds"](file)

    return read


def test_each_package_is_there_once_with_its_lowest_version(bounds):
    assert bounds(["numpy>=1.26", "ruamel.yaml>=0.18.6"], ["mkdocstrings[python]>=0.26", "numpy>=1.26"]) == {
        "mkdocstrings": "0.26",
        "numpy": "1.26",
        "ruamel.yaml": "0.18.6",
    }


def test_extras_of_the_project_itself_have_no_version(bounds):
    assert bounds([], ["accelsim[test]", "onnx>=1.16"]) == {"onnx": "1.16"}


@pytest.mark.parametrize("extra", ["numpy", "numpy>=2.0", "numpy==1.26"])
def test_a_dependency_without_a_lower_bound_or_with_two_is_refused(bounds, extra):
    with pytest.raises(SystemExit, match=r"must be NAME>=VERSION, everywhere the same"):
        bounds(["numpy>=1.26"], [extra])


def test_every_dependency_of_this_project_has_one():
    lowest = SCRIPT["lower_bounds"]()
    assert {"numpy", "typer", "pydantic", "onnx", "optuna", "pytest"} <= lowest.keys()
