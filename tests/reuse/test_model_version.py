"""Which model computed something is told by the code that results follow from, by what it does."""

import importlib
import py_compile
import shutil
import subprocess
import sys
import zipfile
from functools import cache
from pathlib import Path

import pytest

from accelsim.reuse import file as files
from accelsim.reuse import model_version as models
from accelsim.reuse.file import OwnFile
from accelsim.reuse.mapping_file import MAPPINGS_FILE
from accelsim.reuse.model_version import code_digest, model_version, normal_form, source_digest

PACKAGE = Path(models.__file__).parents[1]
KNOWN_FORM = cache(normal_form)
"""A source that was seen is not parsed again."""


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A copy of the package that may be changed, and the functions that tell its version."""
    model_version(), source_digest()  # those of the package itself are known before there is a copy
    copy = tmp_path / "accelsim"
    shutil.copytree(PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(models, "_PACKAGE", copy)
    monkeypatch.setattr(models, "normal_form", KNOWN_FORM)
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


DOCSTRING = '"""Bytes at the same price are added up before they are priced, while they are whole numbers."""'
ENERGY_LINES = (
    ('"mac": counts.macs * prices.mac,', '"mac": counts.macs * prices.mac,  # what a MAC costs'),
    ('"mac": counts.macs * prices.mac,', '# what a MAC costs\n        "mac": (counts.macs\n * prices.mac),'),
    (DOCSTRING, '"""Energy, in units."""\n\n'),
    (DOCSTRING, ""),
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
        ("energy.py", "counts.macs * prices.mac,", "counts.macs + prices.mac,"),
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
    without = {"choices", "door", "errors", "held_against", "power", "result", "search", "traffic", "version"}
    """Words, reports of what was found, where names are, and the release, which is told as it is."""
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


# --- code that is not accelsim's own


@pytest.fixture
def others(tmp_path, monkeypatch):
    """A folder of packages of others, on the path of imports."""
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


def written(file, content):
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)
    importlib.invalidate_caches()


CODE = ("def f(a): return a", "# says\ndef f(a):\n    return a", "def f(a): return 2 * a")


@pytest.mark.parametrize(
    ("module", "file"),
    [
        ("others_module", "others_module.py"),
        ("others_package", "others_package/__init__.py"),
        ("others_package.inner.flow", "others_package/helper.py"),
        ("others_shared.part.flow", "others_shared/part/helper.py"),  # nothing is in others_shared itself
    ],
)
def test_code_of_others_is_told_by_what_it_does(others, module, file):
    places = module.split(".")
    for depth in range(1, len(places)):
        if places[depth - 1] != "others_shared":
            written(others.joinpath(*places[:depth], "__init__.py"), b"")
    written(others.joinpath(*places).with_suffix(".py"), b"") if len(places) > 1 else None
    digests = []
    for source in CODE:
        written(others / file, source.encode())
        digests.append(code_digest(module))
    assert digests[0] == digests[1] != digests[2]


def test_a_neighbour_that_shares_a_name_is_not_the_code(others):
    written(others / "others_shared" / "part" / "__init__.py", b"")
    before = code_digest("others_shared.part")
    written(others / "others_shared" / "another" / "__init__.py", b"A = 1")
    written(others / "others_shared" / "part" / "__pycache__" / "a.pyc", b"1")
    assert code_digest("others_shared.part") == before


def test_code_without_source_is_told_by_its_bytes(others):
    for content in (b"A = 1", b"A = 2"):
        written(others / "source.py", content)
        py_compile.compile(
            others / "source.py", others / f"compiled{content[-1:].decode()}.pyc", doraise=True
        )
    (others / "source.py").unlink()
    digests = []
    for name in ("compiled1", "compiled2"):
        (others / f"{name}.pyc").replace(others / "compiled.pyc")
        importlib.invalidate_caches()
        digests.append(code_digest("compiled"))
    assert digests[0] != digests[1]


def test_code_in_an_archive_is_told_by_its_bytes(others, monkeypatch):
    archive = others / "others.zip"
    monkeypatch.syspath_prepend(archive)
    digests = []
    for source in CODE:
        with zipfile.ZipFile(archive, "w") as file:
            file.writestr("zipped/__init__.py", source)
        importlib.invalidate_caches()
        digests.append(code_digest("zipped"))
    assert len({*digests}) == 3


def test_sources_that_no_python_reads_are_told_by_their_bytes(others):
    written(others / "others_broken" / "__init__.py", b"")
    digests = []
    for content in (b"def {{ name }}(): 1", b"def {{ name }}(): 2"):
        written(others / "others_broken" / "template.py", content)
        digests.append(code_digest("others_broken"))
    assert digests[0] != digests[1]


@pytest.mark.parametrize("module", ["typed_in", "typed.in", "sys"])
def test_code_in_no_file_cannot_be_told(module):
    with pytest.raises(OSError, match=f"{module} is in no file"):
        code_digest(module)
