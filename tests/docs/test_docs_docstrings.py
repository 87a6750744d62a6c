"""Docstrings of what packages offer: they say all of it, and their examples print what they say.

docs/reference/python.md is made of them.
"""

import ast
import dataclasses
import doctest
import enum
import inspect
import re
import sys
import textwrap
from functools import cache
from importlib import import_module
from itertools import pairwise
from pathlib import Path

import pydantic
import pytest

PACKAGE = Path(__file__).parents[2] / "accelsim"
MODULES = {
    file: ".".join(file.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__")
    for file in sorted(PACKAGE.rglob("*.py"))
}
TORCH = "import torch "
EXAMPLES = [name for file, name in MODULES.items() if ">>> " in file.read_text(encoding="utf-8")]
PACKAGES = [name for file, name in MODULES.items() if file.name == "__init__.py"]


def test_functions_have_examples():
    assert {"accelsim.run", "accelsim.network.build", "accelsim.network.lowering.rules"} <= set(EXAMPLES)


@pytest.mark.parametrize("module", EXAMPLES)
def test_examples_print_what_they_say(module, monkeypatch):
    monkeypatch.chdir(PACKAGE.parent)
    assert doctest.testmod(import_module(module)).failed == 0


# --- what packages offer


VOCABULARY = "accelsim.network.operators"
"""No door: the words of networks' descriptions, whose arguments their fields describe."""


def described():
    """Functions and classes that packages of accelsim offer, each once, by module and name."""
    offered = {}
    for package in PACKAGES:
        if package == VOCABULARY:
            continue
        module = import_module(package)
        for value in (getattr(module, name) for name in getattr(module, "__all__", ())):
            plain = inspect.unwrap(value) if callable(value) else value
            own = getattr(plain, "__module__", "").partition(".")[0] == "accelsim"
            if own and (inspect.isclass(plain) or inspect.isfunction(plain)):
                offered[f"{plain.__module__}.{plain.__qualname__}"] = plain
    return dict(sorted(offered.items()))


OFFERED = described()


def test_the_doors_offer_something():
    assert {"accelsim.run.run_network", "accelsim.hardware.machine.Hardware"} <= OFFERED.keys()


def section(docstring, heading):
    """The lines of a section of a docstring as Google writes them, without the indentation they share."""
    inside = re.search(rf"(?ms)^{heading}:\n((?:[ ]+[^\n]*\n|\n)+)", f"{docstring}\n")
    return textwrap.dedent(inside[1]) if inside else ""


def named_in(docstring, *headings):
    """What sections name, one an entry: `name: what it is`, `name (type): what it is`, `*names: ...`."""
    return {
        name.strip(" *`")
        for heading in headings
        for names in re.findall(r"(?m)^([*`\w][\w*`, ]*)(?: \([^)\n]*\))?:", section(docstring, heading))
        for name in names.split(",")
    }


def lacks(value):
    """What the docstring of a function or class lacks."""
    docstring = inspect.cleandoc(value.__doc__ or "")
    if not docstring:
        return ["a docstring"]
    if inspect.isfunction(value):
        return [*_arguments_not_named(value, docstring), *_result_not_named(value, docstring)]
    if fields := _fields(value):
        documented = _documented_fields(value)
        return [f"what {name} is" for name in fields if name not in documented]
    if _needs_no_example(value) or "__init__" not in vars(value):
        return []
    return _arguments_not_named(
        value.__init__, f"{docstring}\n\n{inspect.cleandoc(value.__init__.__doc__ or '')}"
    )


def _arguments_not_named(function, docstring):
    parameters = [name for name in inspect.signature(function).parameters if name not in {"self", "cls"}]
    return [f"{name} in Args" for name in parameters if name not in named_in(docstring, "Args")]


def _result_not_named(function, docstring):
    nothing = function.__annotations__.get("return") in {None, "None", "NoReturn", "Never"}
    return [] if nothing or section(docstring, "Returns") or section(docstring, "Yields") else ["Returns"]


def _needs_no_example(value):
    """Constants, errors, and what others have to fill in."""
    to_be_filled_in = getattr(value, "_is_protocol", False) or inspect.isabstract(value)
    return to_be_filled_in or issubclass(value, (enum.Enum, BaseException))


def _fields(value):
    """Public fields of a dataclass, a pydantic model, a named tuple or a typed dictionary."""
    if dataclasses.is_dataclass(value):
        names = [field.name for field in dataclasses.fields(value) if field.init]
    elif issubclass(value, pydantic.BaseModel):
        names = list(value.model_fields)
    elif issubclass(value, (tuple, dict)):
        names = list(inspect.get_annotations(value))
    else:
        names = []
    return [name for name in names if not name.startswith("_")]


def _documented_fields(value):
    """Fields with a docstring below them, or named in the class's docstring; those of base classes, too.

    Loop bounds (G, K, C, OY ...) may stand in a sentence of it.
    """
    documented = set()
    for base in value.__mro__:
        if base.__module__.partition(".")[0] != "accelsim":
            continue
        docstring = inspect.cleandoc(base.__doc__ or "")
        documented |= named_in(docstring, "Attributes", "Args") | set(
            re.findall(r"\b[A-Z]{1,2}\b", docstring)
        )
        body = _class_body(base)
        documented |= {
            field.target.id
            for field, below in pairwise(body)
            if isinstance(field, ast.AnnAssign)
            and isinstance(field.target, ast.Name)
            and isinstance(below, ast.Expr)
            and isinstance(below.value, ast.Constant)
            and isinstance(below.value.value, str)
        }
    return documented


@cache
def _tree_of(module):
    return ast.parse(Path(sys.modules[module].__file__).read_text(encoding="utf-8"))


def _class_body(value):
    tree = _tree_of(value.__module__)
    for name in value.__qualname__.split("."):
        (tree,) = (node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == name)
    return tree.body


@cache
def _examples(module):
    """Name -> the examples that doctest finds and runs in its docstring; tests/pytorch runs torch's."""
    found = doctest.DocTestFinder(exclude_empty=True).find(import_module(module))
    return {
        test.name: [
            example
            for example in test.examples
            if not example.options.get(doctest.SKIP) or example.source.startswith(TORCH)
        ]
        for test in found
    }


@pytest.mark.parametrize("name", OFFERED)
def test_what_a_package_offers_is_described(name):
    assert lacks(OFFERED[name]) == []


@pytest.mark.parametrize(
    "name",
    [name for name, value in OFFERED.items() if inspect.isfunction(value) or not _needs_no_example(value)],
)
def test_what_a_package_offers_has_an_example_that_is_run(name):
    assert _examples(OFFERED[name].__module__).get(name)


# --- the rules themselves


def double(
    number: int,
    *others: int,
) -> int:
    """Twice a number.

    Args:
        number: What is doubled.
        *others: Those, too.

    Returns:
        Twice the sum.
    """
    return 2 * (number + sum(others))


def half(number: int) -> float:
    """Half a number.

    Example:
        number: not in Args.
    """
    return number / 2


def silent(number: int) -> float:
    return number / 2


@dataclasses.dataclass(frozen=True)
class Bounds:
    """K filters.

    Attributes:
        stride: Of rows and columns.
    """

    K: int
    stride: int
    pad: int
    """Around it."""
    other: int = 0


class Counter:
    """Counts."""

    def __init__(self, start: int) -> None:
        self.count = start


@pytest.mark.parametrize(
    ("value", "missing"),
    [
        (double, []),
        (half, ["number in Args", "Returns"]),
        (silent, ["a docstring"]),
        (Counter, ["start in Args"]),
    ],
)
def test_what_a_docstring_lacks_is_noticed(value, missing):
    assert lacks(value) == missing


def test_a_field_that_nothing_is_said_of_is_noticed(monkeypatch):
    monkeypatch.setattr(Bounds, "__module__", "accelsim.planted")
    monkeypatch.setitem(sys.modules, "accelsim.planted", sys.modules[__name__])
    assert lacks(Bounds) == ["what other is"]
