"""The reference of the Python API shows whatever a package offers."""

import ast
import re
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages

from pages import page

import accelsim

VOCABULARY = "accelsim.network.operators"
"""What blocks and importers are written in; docs/how-to/add-an-operator.md is its page."""


def defined_at(package, name):
    """Under which path the reference shows what a package offers: that of the file which defines it."""
    tree = ast.parse(Path(import_module(package).__file__).read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and name in {alias.name for alias in node.names}:
            inner = import_module(node.module)
            return defined_at(node.module, name) if hasattr(inner, "__path__") else f"{node.module}.{name}"
    return f"{package}.{name}"


def test_every_name_that_a_package_offers_is_in_the_reference():
    shown = set(re.findall(r"(?m)^::: (\S+)$", page("reference/python.md")))
    packages = [info.name for info in walk_packages(accelsim.__path__, "accelsim.") if info.ispkg]
    packages.remove(VOCABULARY)
    offered = {
        defined_at(package, name)
        for package in ("accelsim", *packages)
        for name in import_module(package).__all__
    }
    assert sorted(offered - shown) == []
