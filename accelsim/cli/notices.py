"""What a command says beside its answer: warnings, a line each on standard error."""

import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, TextIO

import typer

from accelsim.errors import FileWarning, PlugInWarning

OWN: Final = (FileWarning, PlugInWarning)


@contextmanager
def warnings_as_lines() -> Iterator[None]:
    """Say each warning of accelsim's when it comes, in a line of its own; others as Python does."""
    with warnings.catch_warnings():
        for category in OWN:
            warnings.simplefilter("always", category)
        show_as_python = warnings.showwarning

        def show(
            message: Warning | str,
            category: type[Warning],
            filename: str,
            lineno: int,
            file: TextIO | None = None,
            line: str | None = None,
        ) -> None:
            if not issubclass(category, OWN):
                show_as_python(message, category, filename, lineno, file, line)
                return
            before = "\r\x1b[K" if sys.stderr.isatty() else ""  # over a line of progress
            typer.echo(f"{before}{message}", err=True)

        warnings.showwarning = show
        yield
