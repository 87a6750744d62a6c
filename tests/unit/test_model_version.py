"""Which model computed something is told by the code that results follow from, by what it does."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from accelsim import model_version as models
from accelsim.mapping.kept import MAPPINGS_FILE
from accelsim.model_version import model_version, normal_form, source_digest
from accelsim.reuse import file as files
from accelsim.reuse.file import OwnFile

PACKAGE = Path(models.__file__).parent


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A copy of the package that may be changed, and the functions that tell its version."""
    model_version(), source_digest()  # those of the package itself are known before there is a copy
    copy = tmp_path / "accelsim"
    shutil.copytree(PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(models, "_PACKAGE", copy)
    return copy


def versions():
    """As a new process would find them."""
    return model_version.__wrapped__(), source_digest.__wrapped__()


def test_it_is_the_release_and_a_digest():
    release, _, digest = model_version().partition("+")
    assert release == "0.1.0"
    assert len(digest) == 12
    assert all((PACKAGE / room).exists() for room in models._ROOMS)


def test_it_is_the_same_wherever_the_package_is(package):
    assert versions() == (model_version(), source_digest())


ENERGY_LINES = (
    ('"mac": counts.macs * table.mac,', '"mac": counts.macs * table.mac,  # what a MAC costs'),
    ('"mac": counts.macs * table.mac,', '# what a MAC costs\n        "mac": (counts.macs\n * table.mac),'),
    ('"""Energy of all components, in the unit of the machine\'s table."""', '"""Energy, in units."""\n\n'),
    ('"""Energy of all components, in the unit of the machine\'s table."""', ""),
)


@pytest.mark.parametrize(("line", "other"), ENERGY_LINES)
def test_what_is_said_of_code_and_how_it_looks_is_no_other_model(package, line, other):
    change(package / "energy.py", line, other)
    version, digest = versions()
    assert version == model_version()
    assert digest != source_digest()


def change(file, line, other):
    text = file.read_text()
    assert line in text
    file.write_text(text.replace(line, other, 1))


@pytest.mark.parametrize(
    ("file", "line", "other"),
    [
        ("energy.py", "read / word_bytes", "2 * read / word_bytes"),
        ("energy.py", "counts.macs * table.mac", "counts.macs + table.mac"),
        ("energy.py", "price.memory: _of", "price.memory + _of"),
        ("pricing.py", "if 2 * busiest < cycles", "if 2 * busiest <= cycles"),
        ("reuse/recent.py", "len(self.entries) > 1", "len(self.entries) > 2"),
    ],
)
def test_what_code_does_is_the_model(package, file, line, other):
    change(package / file, line, other)
    version, digest = versions()
    assert version != model_version()
    assert digest != source_digest()


@pytest.mark.parametrize("room", [room for room in models._ROOMS if not room.endswith(".py")])
def test_a_new_file_in_a_room_of_the_model_is_another_model(package, room):
    (package / room / "new.py").write_text("NEW = 1\n")
    assert versions()[0] != model_version()


def test_a_file_of_another_room_is_not_the_model(package):
    (package / "report" / "new.py").write_text("NEW = 1\n")
    assert versions() == (model_version(), source_digest())


def test_the_model_is_told_by_all_that_an_evaluation_imports():
    listed = (
        "import sys, accelsim.search.evaluate; print(*(m for m in sys.modules if m.startswith('accelsim.')))"
    )
    imported = subprocess.run([sys.executable, "-c", listed], capture_output=True, text=True, check=True)
    names = {name.removeprefix("accelsim.").replace(".", "/") for name in imported.stdout.split()}
    rooms = {room.removesuffix(".py") for room in models._ROOMS}
    without = {"arguments", "choices", "errors", "phrases", "result", "search", "shipped", "version"}
    """Words, reports of what was found, where files are, and the release, which is told as it is."""
    assert {name for name in names if not {name, name.partition("/")[0]} & rooms} == without


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        ("a = 1", "a  =  1  # one", True),
        ("a = 1", "a = (1)", True),
        ("a = [1, 2]", "a = [\n    1,\n    2,\n]", True),
        ("a = 'b'", 'a = "b"', True),
        ("a = 1_000", "a = 1000", True),
        ("def f():\n    'Says.'\n    return 1", "def f():\n    return 1", True),
        ("class A:\n    b: int\n    'Of it.'", "class A:\n    b: int", True),
        ("a = 1", "a = 1.0", False),
        ("a = 1", "a = True", False),
        ("a = 1", "a = '1'", False),
        ("a = None", "a = 'None'", False),
        ("a = {**b}", "a = {None: b}", False),
        ("a = b\nc = d", "a = c\nb = d", False),
        ("a = f'{b}'", "a = f'{b!r}'", False),
        ("a = f'{b:3}'", "a = f'{b:4}'", False),
        ("a = b.c", "a = b.d", False),
        ("def f(a, *, b): pass", "def f(a, b): pass", False),
        ("def f(a, /, b): pass", "def f(a, b): pass", False),
        ("def f(a, b=1): pass", "def f(a=1, *, b): pass", False),
        ("if a:\n    b()\nc()", "if a:\n    b()\n    c()", False),
        ("for a in b:\n    c()\nelse:\n    d()", "for a in b:\n    c()\n    d()", False),
        ("a < b < c", "a < b and b < c", False),
        ("a -= 1", "a = -1", False),
        ("import a", "import a as b", False),
        ("async def f(): pass", "def f(): pass", False),
    ],
)
def test_the_normal_form_tells_programs_apart_that_differ(first, second, same):
    assert (normal_form(first.encode()) == normal_form(second.encode())) == same


def test_a_file_notes_the_version_for_the_next_process(tmp_path, monkeypatch):
    path = tmp_path / "kept.sqlite"
    first = OwnFile(path, MAPPINGS_FILE)
    assert first.model_version() == model_version()
    first.note_model_version()
    monkeypatch.setattr(files, "model_version", None)  # nothing is parsed
    again = OwnFile(path, MAPPINGS_FILE)
    again.note_model_version()
    assert again.model_version() == model_version()
    monkeypatch.setattr(files, "source_digest", lambda: "another source")
    monkeypatch.setattr(files, "model_version", lambda: "another version")
    assert again.model_version() == "another version"
