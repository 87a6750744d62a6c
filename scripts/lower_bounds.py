"""Every dependency at its lower bound, as constraints for pip; extras are the groups of pyproject.toml.

    python scripts/lower_bounds.py > lowest.txt
    pip install -c lowest.txt -e ".[test]"
    python scripts/lower_bounds.py --installed     # exit code 1 unless those versions are the installed ones

A lower bound that nobody ran is a guess: .ci/run installs these and runs tests against them.
"""

import argparse
import re
import sys
import tomllib
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

PYPROJECT: Final = Path(__file__).parents[1] / "pyproject.toml"
_REQUIREMENT: Final = re.compile(r"(?P<name>[A-Za-z0-9._-]+)(?:\[[^\]]*\])?(?:>=(?P<lowest>[0-9][0-9.]*))?")


def lower_bounds(pyproject: Path = PYPROJECT) -> dict[str, str]:
    """The lowest version of each package that the project or one of its extras asks for.

    Args:
        pyproject: The file that says so.

    Raises:
        SystemExit: A package has no lower bound, or two.
    """
    project = tomllib.loads(pyproject.read_text(encoding="utf-8"))["project"]
    groups = (project["dependencies"], *project["optional-dependencies"].values())
    lowest: dict[str, str] = {}
    for requirement in (text for group in groups for text in group):
        match = _REQUIREMENT.match(requirement)
        if match is None or match["name"] == project["name"]:
            continue
        bound = match["lowest"]
        if bound is None or lowest.setdefault(match["name"], bound) != bound:
            raise SystemExit(f"{pyproject}: {requirement!r}: must be NAME>=VERSION, everywhere the same")
    return dict(sorted(lowest.items()))


def main() -> int:
    """Print the constraints, or what is installed beside them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--installed", action="store_true", help="compare with what is installed here")
    bounds = lower_bounds()
    if not parser.parse_args().installed:
        sys.stdout.writelines(f"{name}=={lowest}\n" for name, lowest in bounds.items())
        return 0
    others = [line for name, lowest in bounds.items() if (line := _other_version(name, lowest))]
    sys.stdout.writelines(f"{line}\n" for line in others)
    return 1 if others else 0


def _other_version(name: str, lowest: str) -> str:
    """A line that says so where another version is installed; a package of an extra may be missing."""
    try:
        installed = version(name)
    except PackageNotFoundError:
        return ""
    same = re.fullmatch(rf"{re.escape(lowest)}(\.0)*", installed)
    return "" if same else f"{name} {installed} is installed; the lower bound is {lowest}"


if __name__ == "__main__":
    sys.exit(main())
