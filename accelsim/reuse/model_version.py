"""model_version: which model computed something, for what is kept from one process to the next."""

import ast
import hashlib
import sys
from collections.abc import Iterator
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from accelsim.version import __version__

_ROOMS: Final = (
    "columns.py",
    "energy.py",
    "memory_map.py",
    "pricing.py",
    "run.py",
    "descriptions",
    "hardware",
    "network",
    "mapping",
    "planning",
    "reuse",
    "simulation",
    "search/assembly.py",
    "search/chains.py",
    "search/graphs.py",
    "search/units.py",
    "search/evaluate.py",
    "search/space.py",
)
"""The code that a result follows from."""
_PACKAGE: Final = Path(__file__).parents[1]


@cache
def model_version() -> str:
    """The release, and a digest of the code that a result follows from: any change of it is another model.

    What counts is the syntax tree: comments, docstrings and the look of the source do not. It is the same in
    every version of Python and takes some tenths of a second; `source_digest` takes milliseconds.
    """
    digest = hashlib.sha256()
    for file in source_files(_PACKAGE):
        digest.update(f"{file.relative_to(_PACKAGE).as_posix()}\n{normal_form(file.read_bytes())}".encode())
    return f"{__version__}+{digest.hexdigest()[:12]}"


@cache
def source_digest() -> str:
    """The release, and a digest of the source as it stands: where it is the same, so is `model_version`.

    Returns:
        64 hexadecimal digits; it takes milliseconds.

    Example:
        >>> len(source_digest())
        64
    """
    digest = hashlib.sha256(__version__.encode())
    for file in source_files(_PACKAGE):
        content = file.read_bytes()
        digest.update(f"\n{file.relative_to(_PACKAGE).as_posix()} {len(content)}\n".encode())
        digest.update(content)
    return digest.hexdigest()


def source_files(package: Path) -> list[Path]:
    """The files of a package in which the model is, in an order that is the same everywhere."""
    files = []
    for room in _ROOMS:
        path = package / room
        files += sorted(path.rglob("*.py"), key=Path.as_posix) if path.is_dir() else [path]
    return files


def code_digest(module: str) -> str:
    """A digest of the package that a module of somebody else's is in: any change of what it does is another.

    It is the whole package, since each of its modules may use any other. Of sources the syntax trees count;
    of all other files, such as tables that the code reads or what was compiled, each byte.

    Raises:
        OSError: The module is in no file, as one that was typed in.
    """
    digest = hashlib.sha256()
    for source in _sources(module):
        for name, file in _files(source):
            content = file.read_bytes()
            if file.suffix == ".py":
                content = _normal_form_or_source(content)
            digest.update(f"{name} {len(content)}\n".encode())
            digest.update(content)
    return digest.hexdigest()


def _sources(module: str) -> list[Path]:
    """The folders of the package that a module is in, or its file where it is in none.

    What several distributions share is no package: `company`, where there is `company.arrays` and
    `company.networks` but nothing in it.
    """
    parts = module.split(".")
    for name in (".".join(parts[: length + 1]) for length in range(len(parts))):
        try:
            spec = find_spec(name)
        except (ImportError, ValueError):  # typed in, or what Python was started with
            break
        if spec is not None and spec.has_location and spec.origin is not None:
            return [Path(folder) for folder in spec.submodule_search_locations or (spec.origin,)]
    file = getattr(sys.modules.get(module), "__file__", None)
    if file is None:
        raise OSError(f"{module} is in no file")
    return [Path(file)]


def _files(source: Path) -> Iterator[tuple[str, Path]]:
    """Of a folder, those that code may use, by their names in it; else the file, or the archive it is in."""
    if not source.is_dir():
        yield source.name, next((path for path in (source, *source.parents) if path.is_file()), source)
        return
    for file in sorted(source.rglob("*"), key=Path.as_posix):
        inside = file.relative_to(source)
        if file.is_file() and not any(part == "__pycache__" or part.startswith(".") for part in inside.parts):
            yield inside.as_posix(), file


def _normal_form_or_source(source: bytes) -> bytes:
    try:
        return normal_form(source).encode()
    except (SyntaxError, ValueError):  # of a template, or for another version of Python
        return source


def normal_form(source: bytes) -> str:
    """The syntax tree of a module as text, without what changes nothing: comments, docstrings, places.

    It says the kind of each node and those of its fields that hold something, so that fields which a later
    Python adds for a syntax that is not used make no difference.
    """
    return " ".join(_words(ast.parse(source)))


def _words(node: ast.AST) -> Iterator[str]:
    yield f"({type(node).__name__}"
    for name, value in ast.iter_fields(node):
        parts = [part for part in (value if isinstance(value, list) else [value]) if _counts(part)]
        if parts and value is not None:
            yield f"{name}:"
        for part in parts:
            if isinstance(part, ast.AST):
                yield from _words(part)
            elif part is not None or isinstance(node, ast.Constant) or isinstance(value, list):
                yield repr(part)
    yield ")"


def _counts(part: object) -> bool:
    """Not whether a name is read or written, which its place says, nor a statement that is nothing but text.

    Such a text is a docstring, or what is said below a field.
    """
    if isinstance(part, ast.Expr):
        return not (isinstance(part.value, ast.Constant) and isinstance(part.value.value, str))
    return not isinstance(part, ast.expr_context)
