"""Where results go: standard output or a file, as a table, JSON or CSV; and how errors leave the program."""

import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple, assert_never

import typer

from accelsim.cli.interrupts import end_interrupted
from accelsim.cli.notices import warnings_as_lines
from accelsim.cli.options import Format
from accelsim.errors import AccelsimError, came_of_interrupt
from accelsim.report.text.table import Style, on_one_line

_LEAST_WIDTH: Final = 80
_BLOCKS: Final = "█▏"
_BAR_WIDTH: Final = 20
_REFRESH_SECONDS: Final = 0.2
_BY_SUFFIX: Final = {".json": Format.JSON, ".csv": Format.CSV, ".txt": Format.TABLE, "": Format.TABLE}
"""What the name of a file says of what is in it."""
_YAML: Final = {".yaml", ".yml"}
_OTHERS: Final = _YAML | {
    ".onnx",
    ".tflite",
    ".xlsx",
    ".xls",
    ".ods",
    ".html",
    ".htm",
    ".png",
    ".svg",
    ".pdf",
    ".gz",
    ".zip",
    ".sqlite",
    ".sqlite3",
    ".db",
}
"""Names of what no result is, whatever its format."""
_OF_CHOICES: Final = " is not one of "
"""Typer's words of what is none of a few."""
_PYDANTIC_PREFIX: Final = "Value error, "
"""Typer checks options with pydantic, which starts sentences so that are not its own."""


class Answer(NamedTuple):
    """A result in each of its formats; only the one that is asked for is made."""

    table: Callable[[Style], str]
    values: Callable[[], Any]
    rows: Callable[[], Sequence[Mapping[str, Any]]]


class Destination(NamedTuple):
    """Where an answer goes and what it looks like there."""

    file: Path | None
    format: Format
    quiet: bool

    def deliver(self, answer: Answer) -> None:
        """Write the answer, and say where it is if that is a file."""
        if self.file is None:
            _print(self._text(answer, _terminal_style()))
            return
        from accelsim.report.files.writing import write

        write(self.file, self._text(answer, Style()))
        if not self.quiet:
            say(f"wrote {self.file}")

    def _text(self, answer: Answer, style: Style) -> str:
        match self.format:
            case Format.TABLE:
                return style.rendered(answer.table(style))
            case Format.JSON:
                from accelsim.report.files.formats import to_json

                return to_json(answer.values())
            case Format.CSV:
                from accelsim.report.files.formats import to_csv

                return to_csv(answer.rows())
            case _:
                assert_never(self.format)


def destination(file: Path | None, chosen: Format | None, quiet: bool) -> Destination:
    """A destination that can be written to; asked for before the work, not after it."""
    if file is None or str(file) == "-":
        return Destination(None, chosen or Format.TABLE, quiet)
    from accelsim.report.files.writing import check_writable

    form = _form_of(file, chosen)
    check_writable(file)
    return Destination(file, form, quiet)


def _form_of(file: Path, chosen: Format | None) -> Format:
    """What a file of that name holds. Raises where the name says nothing, or not what was chosen."""
    suffix = file.suffix.lower()
    by_name = _BY_SUFFIX.get(suffix)
    if suffix in _OTHERS or (by_name is None and chosen is None):
        raise AccelsimError(
            f"{file}: the name of a result must end in .json, .csv or .txt (a table), or have no ending"
        )
    if chosen is not None and suffix and by_name not in (None, chosen):
        raise AccelsimError(
            f"{file}: --format {chosen.value} is not what ends in {suffix}: leave one of both out"
        )
    return chosen or by_name or Format.TABLE


def check_yaml(file: Path | None, option: str) -> None:
    """Refuse a name for a YAML file that says it is something else."""
    if file is not None and file.suffix.lower() not in _YAML:
        raise AccelsimError(f"{option} {file}: must end in .yaml or .yml")


@contextmanager
def exits() -> Iterator[None]:
    """Turn what stops a command into an exit code, and what is wrong into lines on standard error."""
    try:
        with warnings_as_lines():
            yield
        sys.stdout.flush()
    except AccelsimError as error:
        complain(error)
        raise typer.Exit(2) from None
    except typer.BadParameter as error:
        if type(error) is not typer.BadParameter:  # an option that is missing: how it is used says more
            raise
        say(_said(error))
        raise typer.Exit(2) from None
    except BrokenPipeError:  # the reader has seen enough
        raise typer.Exit(0) from None
    except (KeyboardInterrupt, Exception) as error:
        if not came_of_interrupt(error):
            raise
        end_interrupted()
        raise typer.Exit(130) from None


def _said(error: typer.BadParameter) -> str:
    """`--batch: 0 must be a whole number from 1 to 65536`."""
    hint, message = error.param_hint, error.message.removeprefix(_PYDANTIC_PREFIX)
    if hint is None and error.param is not None:
        hint = max(error.param.opts, key=len)
    if _OF_CHOICES in message:
        message = message.replace(_OF_CHOICES, " must be one of ").removesuffix(".")
    message = on_one_line(message)
    return message if hint is None else f"{hint}: {message}"


def complain(error: AccelsimError) -> None:
    """One line on standard error for each mistake."""
    for line in error.lines:
        say(line)


def say(line: str) -> None:
    """One line on standard error, whatever names of files and networks are in it."""
    typer.echo(on_one_line(line), err=True)


@contextmanager
def _line_that_goes() -> Iterator[None]:
    """Clears in the end the line of the terminal that was written to within."""
    try:
        yield
    finally:
        sys.stderr.write("\r\x1b[K")
        sys.stderr.flush()


@contextmanager
def progress(total: int, quiet: bool) -> Iterator[Callable[[str], None]]:
    """A function that says on a terminal what is being done, on one line that is gone in the end."""
    if quiet or total < 2 or not sys.stderr.isatty():
        yield lambda _: None
        return
    finished = 0

    def step(activity: str) -> None:
        nonlocal finished
        sys.stderr.write(f"\r\x1b[K{finished}/{total} {on_one_line(activity)}")
        sys.stderr.flush()
        finished += 1

    with _line_that_goes():
        yield step


@contextmanager
def note(quiet: bool) -> Iterator[Callable[[str], None]]:
    """A function that says on a terminal what was done last, of work that has no known end."""
    if quiet or not sys.stderr.isatty():
        yield lambda _: None
        return
    finished = 0

    def step(activity: str) -> None:
        nonlocal finished
        finished += 1
        sys.stderr.write(f"\r\x1b[K{finished}: {on_one_line(activity)}")
        sys.stderr.flush()

    with _line_that_goes():
        yield step


@contextmanager
def rate_of_progress(total: int, quiet: bool) -> Iterator[Callable[[int], None]]:
    """A function that is told how many more are done, and shows on a terminal rate and time left."""
    if quiet or not sys.stderr.isatty():
        yield lambda _: None
        return
    began = last_shown = time.monotonic()
    finished = 0

    def step(count: int) -> None:
        nonlocal finished, last_shown
        finished += count
        now = time.monotonic()
        if now - last_shown >= _REFRESH_SECONDS:
            last_shown = now
            sys.stderr.write(f"\r\x1b[K{progress_line(finished, total, now - began)}")
            sys.stderr.flush()

    with _line_that_goes():
        yield step


def progress_line(finished: int, total: int, seconds: float) -> str:
    """`[######              ] 300/1000, 150/s, 0:05 left`."""
    filled = _BAR_WIDTH * finished // total
    rate = finished / seconds if seconds else 0.0
    remaining_seconds = round((total - finished) / rate) if rate else 0
    bar = f"[{'#' * filled}{' ' * (_BAR_WIDTH - filled)}]"
    minutes, rest = divmod(remaining_seconds, 60)
    return f"{bar} {finished}/{total}, {rate:.0f}/s, {minutes}:{rest:02} left"


def _print(text: str) -> None:
    encoding = sys.stdout.encoding or "utf-8"
    sys.stdout.write(text.encode(encoding, "replace").decode(encoding))
    sys.stdout.flush()


def _terminal_style() -> Style:
    """As wide as the terminal, 80 where there is none; bold on terminals that have it."""
    width = shutil.get_terminal_size((_LEAST_WIDTH, 24)).columns
    plain = "NO_COLOR" in os.environ or os.environ.get("TERM", "dumb") == "dumb"
    return Style(
        width=max(width, _LEAST_WIDTH),
        ascii_only=not _can_show(_BLOCKS),
        bold=sys.stdout.isatty() and not plain,
    )


def _can_show(characters: str) -> bool:
    try:
        characters.encode(sys.stdout.encoding or "utf-8")
    except UnicodeEncodeError:
        return False
    return True
