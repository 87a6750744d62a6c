"""The examples in docstrings, which the Python reference shows, print what they say."""

import doctest
from importlib import import_module
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "accelsim"
EXAMPLES = sorted(
    ".".join(file.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__")
    for file in PACKAGE.rglob("*.py")
    if ">>> " in file.read_text(encoding="utf-8")
)


def test_functions_have_examples():
    assert {"accelsim.run", "accelsim.network.build", "accelsim.network.lowering.rules"} <= set(EXAMPLES)


@pytest.mark.parametrize("module", EXAMPLES)
def test_examples_print_what_they_say(module, monkeypatch):
    monkeypatch.chdir(PACKAGE.parent)
    assert doctest.testmod(import_module(module)).failed == 0
