"""The house: how long functions and files may be, what names say, how a match ends, what packages offer."""

import ast
import re
import textwrap
from functools import cache
from importlib import import_module
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "accelsim"
FILES = sorted(PACKAGE.rglob("*.py"))
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
MOST_LINES_OF_A_FUNCTION = 60
MOST_LINES_OF_A_FILE = 450


@cache
def tree_of(file):
    return ast.parse(file.read_text(encoding="utf-8"))


def shown(file):
    return file.relative_to(PACKAGE.parent)


# --- lengths


def test_a_function_fits_on_a_screen():
    lengths = {
        f"{shown(file)}:{node.lineno} {node.name}": node.end_lineno - node.lineno + 1
        for file in FILES
        for node in ast.walk(tree_of(file))
        if isinstance(node, FUNCTIONS)
    }
    assert {name: lines for name, lines in lengths.items() if lines > MOST_LINES_OF_A_FUNCTION} == {}


def test_a_file_is_about_one_subject():
    lengths = {str(shown(file)): len(file.read_text(encoding="utf-8").splitlines()) for file in FILES}
    assert {name: lines for name, lines in lengths.items() if lines > MOST_LINES_OF_A_FILE} == {}


# --- names


WORDS = """
one ones other others both each some several many most more few much little enough
it that these those what who whose how why where there here
everything something nothing anything thing things place places way ways
at same alike alone like again back beside within without now own such good better bad fresh
found given known made said asked told taken done kept left seen shown held tried
used needed wanted offered possible likely
"""
VAGUE = frozenset(WORDS.split())
"""Words that say nothing of what a name is bound to: a reader has to remember it. Nouns of the field do.

Words that say which of several (`first`, `last`, `best`, `before`, `rest`, `kind`) are not among them.
"""
MOST_VAGUE_PERCENT = 3.0
"""Of all names that are bound; simpy has 2.5, attrs 1.4, nn_dataflow 1.3."""


def bindings(tree):
    """Every name that code binds: variables, attributes, parameters, functions, classes, errors."""
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name, ctx=ast.Store()) | ast.Attribute(attr=name, ctx=ast.Store()):
                yield name
            case ast.arg(arg=name) | ast.ExceptHandler(name=str(name)):
                yield name
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                yield name


def test_every_kind_of_binding_is_counted():
    code = """
    class One(Base):
        place: int = 0
        def given(self, known, *rest, found=0):
            self.at = known.other
            for thing, (index, _) in known.items():
                pass
            with open(found) as file:
                [some for some in file if (made := some)]
            try:
                pass
            except KeyError as error:
                lambda key: key
    """
    names = "One place given self known rest found at thing index _ file some made error key"
    assert sorted(bindings(ast.parse(textwrap.dedent(code)))) == sorted(names.split())


def test_names_say_what_they_are_bound_to():
    names = [name for file in FILES for name in bindings(tree_of(file)) if name not in {"self", "cls"}]
    vague = [name for name in names if name.strip("_").lower() in VAGUE]
    percent = 100 * len(vague) / len(names)
    assert percent < MOST_VAGUE_PERCENT, f"{len(vague)} of {len(names)} names that are bound are vague"


# --- matches


def is_of_a_kind(pattern):
    """Whether a pattern is a member of an enumeration, a string of a Literal, or several of them."""
    match pattern:
        case ast.MatchValue(value=ast.Attribute() | ast.Constant(value=str())):
            return True
        case ast.MatchOr(patterns=patterns):
            return all(map(is_of_a_kind, patterns))
    return False


def swallows_kinds(node):
    """Whether a match on kinds takes whatever else there is, or will be, for one of them."""
    *cases, last = node.cases
    takes_all = isinstance(last.pattern, ast.MatchAs) and last.pattern.pattern is None and last.guard is None
    if not takes_all or not all(is_of_a_kind(case.pattern) for case in cases):
        return False
    match last.body:
        case [ast.Expr(value=ast.Call(func=ast.Name(id="assert_never")))]:
            return False
    return True


@pytest.mark.parametrize(
    ("cases", "swallows"),
    [
        ("case 'a': pass\n case _: pass", True),
        ("case Kind.A | Kind.B: pass\n case other: draw(other)", True),
        ("case Kind.A: pass\n case _: assert_never(kind)", False),
        ("case Kind.A: pass\n case Kind.B: pass", False),
        ("case 0: pass\n case _: pass", False),
        ("case ['a', name]: pass\n case _: pass", False),
    ],
)
def test_a_match_that_swallows_kinds_is_noticed(cases, swallows):
    (node,) = ast.parse(f"match kind:\n {cases}").body
    assert swallows_kinds(node) == swallows


def test_a_match_on_kinds_takes_no_other_for_one_of_them():
    """Mypy's `exhaustive-match` then finds each match that a new kind is missing from."""
    swallowing = [
        f"{shown(file)}:{node.lineno}"
        for file in FILES
        for node in ast.walk(tree_of(file))
        if isinstance(node, ast.Match) and swallows_kinds(node)
    ]
    assert swallowing == []


# --- doors


PACKAGES = [".".join(shown(file).parent.parts) for file in FILES if file.name == "__init__.py"]


@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_says_what_it_offers(package):
    module = import_module(package)
    assert hasattr(module, "__all__")
    assert list(module.__all__) == list(dict.fromkeys(module.__all__))
    for name in module.__all__:
        assert hasattr(module, name), name
    assert set(module.__all__) <= set(dir(module))
    files = {path.stem for path in Path(module.__file__).parent.iterdir()}
    assert not set(module.__all__) & files, "once it is imported, a file hides what is offered under its name"


# --- tests


TESTS = Path(__file__).parents[1]
FOLDERS = sorted({file.parent.name for file in TESTS.glob("*/test_*.py")})
CI = (TESTS.parent / ".ci" / "run").read_text(encoding="utf-8")
NEWEST_ONLY = {
    *("analytic", "browser", "docs", "fuzz", "golden", "growth", "laws", "notebooks", "proofs", "published"),
    *("pytorch", "site"),
    "reuse",
    "searches",  # but those that have dependencies of their own
}
"""Folders that are not run with every dependency at its lower bound."""


@pytest.mark.parametrize("name", ["CONTRIBUTING.md", "docs/architecture.md"])
def test_each_folder_of_tests_is_explained(name):
    text = (TESTS.parent / name).read_text(encoding="utf-8")
    assert [folder for folder in FOLDERS if f"`{folder}/`" not in text] == []


def test_no_folder_of_tests_falls_out_of_those_at_the_lower_bounds():
    (folders,) = re.findall(r"lowest pytest tests/\{([a-z,]+)\}", CI)
    assert sorted({*folders.split(","), *NEWEST_ONLY}) == FOLDERS
    assert not NEWEST_ONLY & {*folders.split(",")}
