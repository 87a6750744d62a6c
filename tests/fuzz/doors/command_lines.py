"""Command lines: any command with any options, right and wrong, over a folder of right and wrong files.

They are words to the program inside this process. What it prints has to be for people, what it read has to
be as it was, and what it wrote has to be whole.
"""

import contextlib
import csv
import io
import itertools
import json
import os
import shlex
import sqlite3
import sys
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from random import Random
from typing import Any, Final
from unittest.mock import patch

from typer.main import get_command

from accelsim.cli import main
from accelsim.cli.app import app
from accelsim.errors import AccelsimError
from fuzz.door import Door, NonsenseError
from fuzz.doors.files import FIRST, SECOND, lay
from fuzz.judge import require, wrong_with_sentence
from fuzz.mutate import CORPUS

_SWEEP: Final = """\
networks: [second.yaml]
hardware: [small.yaml]
hardware_parameters: {pe_array.rows: [2, 4]}
objectives: [time_ms, energy]
"""
_NETWORKS: Final = ("first.yaml", "second.yaml", "second.yaml@width=2.0", "first.yaml@resolution=20")
_MACHINES: Final = ("small.yaml", "published.yaml")
_OVERLAYS: Final = ("overlay.yaml",)
_SWEEPS: Final = ("sweep.yaml",)
_WRONG: Final = (
    "", "-", "--", ".", "..", "@", "nowhere.yaml", "nowhere/x.yaml", "folder", "broken.yaml",
    "empty.yaml", "bytes.yaml", "model.onnx", "first.yaml@", "first.yaml@a=1", "second.yaml@width=3",
    "sqnxt", "x" * 300, "/dev/null", "/proc/self/mem", "\x1b[31m", "é.yaml",
    "first.yaml@resolution=99999999999", "a\nb", "=1", "0", "overlay.yaml", "sweep.yaml", "small.yaml",
    "first.yaml", "other.sqlite", "\udcff", "second.yaml@thin=x",
)  # fmt: skip
_OUTPUTS: Final = (
    "out.json", "out.csv", "out.txt", "out", "out.xlsx", "-", "folder", "nowhere/out.json",
    "first.yaml", "small.yaml", "old.json", "/dev/full", "/dev/null", "out.json/x", "x" * 300 + ".json",
    "", "out.JSON", "./first.yaml", "folder/../sweep.yaml", "link.json",
)  # fmt: skip
_NUMBERS: Final = ("1", "2", "3", "0", "-1", "1.5", "x", "", "10**9", "9" * 20, "1e3", "0x10", "nan")
_DATABASES: Final = ("other.sqlite", "first.yaml", "folder", "out.json", "/dev/full", "nowhere/x", "old.json")
_CHOICES: Final[dict[str, tuple[str, ...]]] = {
    "--net": _NETWORKS,
    "--hw": _MACHINES,
    "--overlay": _OVERLAYS,
    "--format": ("table", "json", "csv", "xml", "JSON", ""),
    "--output": _OUTPUTS,
    "--write": _OUTPUTS,
    "--yaml": _OUTPUTS,
    "--trace": ("trace.json", "trace.json.gz", *_OUTPUTS),
    "--cache": ("cache.sqlite", *_DATABASES),
    "--memory": ("cache.sqlite", *_DATABASES),
    "--store": ("store.sqlite", *_DATABASES),
    "--max-params": ("1k", "1M", "5G", "-1k", "1e99k", *_NUMBERS),
    "--max-macs": ("1k", "1M", "5G", *_NUMBERS),
    "--min-params": ("1k", "1M", "10", *_NUMBERS),
    "--fix": ("conv2=1", "conv2=0", "conv2", "x=1", "=", "conv2=99999", "conv2=1.5"),
    "--dataflow": ("auto", "weight_stationary", "output_stationary", "none"),
    "--objective": ("time", "energy", "edp", "pareto", "none"),
    "--engine": ("fast", "events", "none"),
    "--layers": ("all", "top", "none", "3", "0", "-1", "x", "10000"),
    "--trace-layers": ("*", "conv*", "", "[", "nowhere", "a,b"),
    "--relative-to": ("first.yaml", "compressed", "family", "small", "nowhere", ""),
    "--sampler": ("exhaustive", "nsga2", "tpe", "none"),
    "--by": ("layer", "network", "none"),
}
"""What may follow an option; after one that is not here, numbers."""
_SKIPPED: Final = ("reproduce", "--workers", "--scheduler")
"""Commands that take long, and options that start other processes."""
_OFTEN: Final = ("run", "run", "run", "compare", "show", "check", "import", "sweep", "search depth")
_ARGUMENTS: Final[dict[str, tuple[str, ...]]] = {
    "list": ("networks", "hardware"),
    "show": (*_NETWORKS, *_MACHINES),
    "check": (*_NETWORKS[:2], *_MACHINES, *_OVERLAYS, *_SWEEPS),
    "verify": _NETWORKS,
    "import": ("model.onnx", "model.onnx@resolution=8"),
    "sweep": _SWEEPS,
    "plot": ("layers", "roofline", "energy", "traffic"),
}
_PICTURES: Final = {
    "plot": ("out.png", "out.svg", "out.pdf", "out.png.gz", *_OUTPUTS),
    "report": ("out.html", "out.htm", "out.html", *_OUTPUTS),
}
"""What is written by commands that always write something."""
_READ_BY: Final = ("--net", "--hw", "--overlay")
_FILES_OF_RESULTS: Final = ("--cache", "--memory", "--store")
_WRITTEN_BY: Final = ("--output", "--write", "--yaml", "--trace")
_CODES: Final = (0, 1, 2)


# --- lines


@cache
def _options() -> dict[str, tuple[str, ...]]:
    """The options of every command; flags end in an exclamation mark."""
    options_of: dict[str, tuple[str, ...]] = {"": ("--version!", "--help!", "--no-such-option")}
    waiting: list[tuple[str, Any]] = list(get_command(app).commands.items())  # type: ignore[attr-defined]
    for name, command in waiting:
        if name in _SKIPPED:
            continue
        if hasattr(command, "commands"):
            waiting += [(f"{name} {inner}", below) for inner, below in command.commands.items()]
            continue
        options = [option for option in command.params if option.param_type_name == "option"]
        words = [max(option.opts, key=len) + "!" * option.is_flag for option in options]
        options_of[name] = tuple(word for word in words if word not in _SKIPPED)
    return options_of


def _make(random: Random) -> tuple[str, ...]:
    options = _options()
    command = random.choice((*_OFTEN, *options))
    words = [*command.split()]
    if command in _ARGUMENTS and random.random() < 0.95:
        words += [_value(random, _ARGUMENTS[command]) for _ in range(random.choice((1, 1, 1, 1, 1, 2)))]
    for option in ("--net", "--hw"):
        if option in options[command] and random.random() < 0.97:
            words += [option, _value(random, _CHOICES[option])]
    if command in _PICTURES and random.random() < 0.9:
        words += ["--output", _value(random, _PICTURES[command])]
    for _ in range(random.choice((0, 1, 1, 2, 2, 3, 5))):
        words += _option(random, options[command])
    if random.random() < 0.03:
        words.insert(random.randrange(len(words) + 1), random.choice((*_WRONG, "run", "--help", "-h", "-x")))
    return tuple(words)


def _option(random: Random, options: tuple[str, ...]) -> list[str]:
    """An option of the command, seldom of another, with what follows it."""
    option = random.choice(tuple(_CHOICES) if not options or random.random() < 0.02 else options)
    if option.endswith("!"):
        return [option.rstrip("!")]
    value = _value(random, _CHOICES.get(option, _NUMBERS))
    return [f"{option}={value}"] if random.random() < 0.25 else [option, value]


def _value(random: Random, choices: tuple[str, ...]) -> str:
    """Mostly one of the first, which are right for most commands."""
    if random.random() < 0.04:
        return random.choice(_WRONG)
    return random.choice(choices[:3] if random.random() < 0.6 else choices)


# --- what they do


def _feed(words: tuple[str, ...]) -> None:
    _lay_files()
    before = _contents()
    code, out, err = call(words)
    details = f"{shlex.join(words)}\nexit code {code}\n{out[-1000:]}\n{err[-2000:]}"
    require(code in _CODES, f"exit code {code}", details)
    require("Traceback" not in err + out, "a traceback", details)
    printed = (out + err).translate(dict.fromkeys(map(ord, "\n\r\t")))
    require(printed.isprintable(), "control characters for the terminal", details)
    require(code != 2 or err.strip() != "", "exit code 2 without a word", details)
    if code == 2 and "Usage:" not in err:
        wrong = wrong_with_sentence(err.rstrip("\n").removeprefix("Error: "))  # as options begin
        require(not wrong, wrong, details)
    _check_files(words, code, before, details)
    if code == 2:
        raise AccelsimError("wrong in words that were judged above")


def call(words: tuple[str, ...]) -> tuple[int, str, str]:
    """Exit code, standard output and standard error of a command line, in this process."""
    buffers = io.BytesIO(), io.BytesIO()
    out, err = (io.TextIOWrapper(buffer, encoding="utf-8", errors="backslashreplace") for buffer in buffers)
    with (
        patch.object(sys, "argv", ["accelsim", *words]),
        patch.object(os, "sched_getaffinity", lambda _: {0}),  # one core: work stays in this process
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        try:
            main()
            code: object = 0
        except SystemExit as stop:
            code = stop.code or 0
    out.flush()
    err.flush()
    printed, complained = (buffer.getvalue().decode() for buffer in buffers)
    return code if isinstance(code, int) else 1, printed, complained


def _check_files(words: tuple[str, ...], code: int, before: dict[str, bytes], details: str) -> None:
    """Raise NonsenseError where a file is other than the line may have made it."""
    after = _contents()
    results, written = (_named(words, options) for options in (_FILES_OF_RESULTS, _WRITTEN_BY))
    arguments = [word.partition("@")[0] for word in words[1:] if not word.startswith("-")]
    read = {name for word in arguments for name in _names(word)} - written - results
    read |= _named([word.partition("@")[0] for word in words], _READ_BY)
    for name, content in before.items():
        kept = after.get(name) == content
        require(
            kept or name in results | written, "a file that nobody named was changed", f"{name}: {details}"
        )
        require(kept or name not in read, "a file that was read was overwritten", f"{name}: {details}")
        require(
            kept or name not in results & written, "one file as output and as store", f"{name}: {details}"
        )
        require(kept or code == 0 or name in results, "a refusal that changed a file", f"{name}: {details}")
    for name in after.keys() - before.keys():
        named = name.removesuffix("-wal").removesuffix("-shm").removesuffix("-journal") in results
        require(named or name in written, "a file that nobody asked for", f"{name}: {details}")
        require(named or code != 2, "a refusal that left a file", f"{name}: {details}")
        _check_whole(name, after[name], details)


def _check_whole(name: str, content: bytes, details: str) -> None:
    """Raise NonsenseError where a file cannot be read back by its name."""
    try:
        if name.endswith(".json"):
            json.loads(content)
        elif name.endswith(".csv"):
            rows = list(csv.reader(io.StringIO(content.decode(), newline="")))
            require(len({len(row) for row in rows}) <= 1, "a CSV file with rows of unequal length", details)
    except ValueError:
        raise NonsenseError(f"a file that is not what its name says\n{name}: {details}") from None


def _named(words: Sequence[str], options: tuple[str, ...]) -> set[str]:
    """Files of the folder that stand after one of the options."""
    values = [after for before, after in itertools.pairwise(words) if before in options]
    values += [word.partition("=")[2] for word in words if word.partition("=")[0] in options]
    return {name for value in values for name in _names(value)}


def _names(word: str) -> set[str]:
    """The file of the folder that a word stands for."""
    try:
        relative = Path(word).resolve().relative_to(Path.cwd().resolve())
    except (ValueError, OSError):
        return set()
    return {str(relative)}


def _contents() -> dict[str, bytes]:
    files = (path for path in Path.cwd().rglob("*") if path.is_file() and not path.is_symlink())
    return {str(path.relative_to(Path.cwd())): path.read_bytes() for path in files}


# --- the folder


def _lay_files() -> None:
    lay(FIRST, "first.yaml")
    lay(SECOND, "second.yaml")
    for name in ("small", "published"):
        lay(CORPUS / "machines" / f"{name}.yaml", f"{name}.yaml")
    lay(CORPUS / "overlays" / "narrow.yaml", "overlay.yaml")
    Path("sweep.yaml").write_text(_SWEEP)
    Path("broken.yaml").write_text("name: [\n")
    Path("empty.yaml").write_text("")
    Path("bytes.yaml").write_bytes(b"\xff\xfe\x00")
    Path("old.json").write_text("{}")
    Path("model.onnx").write_bytes(_model())
    Path("other.sqlite").write_bytes(_database())
    Path("folder").mkdir()
    Path("link.json").symlink_to("old.json")


@cache
def _model() -> bytes:
    from fuzz.doors.onnx_seeds import seeds  # noqa: PLC0415 (an extra)

    return seeds()[0]


@cache
def _database() -> bytes:
    """A database of another program."""
    with contextlib.closing(sqlite3.connect(":memory:")) as connection:
        connection.execute("CREATE TABLE places (id INTEGER, url TEXT)")
        connection.commit()
        return connection.serialize()


DOOR: Final = Door("command", _make, _feed, shlex.join)
