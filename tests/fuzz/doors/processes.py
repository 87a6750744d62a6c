"""The program as a process: interrupted at any moment, and with nobody who reads what it prints."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Final, Literal

from fuzz.door import Door
from fuzz.doors.files import FIRST, SECOND, lay
from fuzz.judge import require
from fuzz.mutate import CORPUS

_SECONDS: Final = 60
_LINES: Final = (
    ("run", "--net", "first.yaml", "--hw", "published.yaml", "--output", "out.json"),
    ("run", "--net", "first.yaml", "--hw", "published.yaml"),
    ("compare", "--net", "first.yaml", "--net", "second.yaml", "--hw", "published.yaml"),
    ("sweep", "sweep.yaml", "--store", "store.sqlite", "--output", "out.json"),
    ("check", "first.yaml", "second.yaml", "published.yaml"),
    ("list", "networks"),
    ("--help",),
    ("--version",),
)
_SWEEP: Final = """\
networks: [first.yaml, second.yaml]
hardware: [published.yaml]
hardware_parameters: {pe_array.rows: [2, 4, 8, 16], pe_array.columns: [4, 8, 16]}
objectives: [time_ms, energy]
"""
Ending = Literal["SIGINT", "SIGTERM", "stdout closed", "stdout full", "stderr closed", "reader gone"]


@dataclass(frozen=True)
class Command:
    """A command line, and what happens to it."""

    words: tuple[str, ...]
    ending: Ending
    after_seconds: float


def _make(random: Random) -> Command:
    endings: tuple[Ending, ...] = (
        "SIGINT", "SIGINT", "SIGINT", "SIGTERM", "stdout closed", "stdout full", "stderr closed",
        "reader gone",
    )  # fmt: skip
    return Command(random.choice(_LINES), random.choice(endings), random.random() ** 2 * 1.5)


def _feed(command: Command) -> None:
    lay(FIRST, "first.yaml")
    lay(SECOND, "second.yaml")
    lay(CORPUS / "machines" / "published.yaml", "published.yaml")
    Path("sweep.yaml").write_text(_SWEEP)
    with Path("err.txt").open("wb") as err:
        process = _started(command, err.fileno())
        if command.ending in {"SIGINT", "SIGTERM"}:
            time.sleep(command.after_seconds)
            process.send_signal(signal.Signals[command.ending])
        code = process.wait(timeout=_SECONDS)
    _check(command, code, Path("err.txt").read_text(errors="replace"))


def _started(command: Command, err: int) -> "subprocess.Popen[bytes]":
    words = [sys.executable, "-m", "accelsim", *command.words]
    closed = {"stdout closed": 1, "stderr closed": 2}.get(command.ending)
    readable, writable = os.pipe()
    with Path("out.txt" if command.ending != "stdout full" else "/dev/full").open("wb") as out:
        stdout = writable if command.ending == "reader gone" else out.fileno()
        if command.ending == "reader gone":
            os.close(readable)
        shell = f'exec "$@" {closed}>&-' if closed else 'exec "$@"'
        process = subprocess.Popen(["sh", "-c", shell, "sh", *words], stdout=stdout, stderr=err)
    os.close(writable)
    if command.ending != "reader gone":
        os.close(readable)
    return process


def _check(command: Command, code: int, err: str) -> None:
    details = f"exit code {code}\n{err[-3000:]}"
    require("Traceback" not in err and "Exception ignored" not in err, "a traceback", details)
    codes = {"SIGINT": {0, 130, -signal.SIGINT}, "SIGTERM": {0, 143, -signal.SIGTERM}}
    allowed = codes.get(command.ending, {0, 1, 2})
    require(code in allowed, f"exit code {code} after {command.ending}", details)
    left = {path.name for path in Path.cwd().iterdir()} - {"err.txt", "out.txt", "out.json", "sweep.yaml"}
    left -= {"first.yaml", "second.yaml", "published.yaml"}
    own = {name for name in left if name.startswith("store.sqlite")}
    require(left == own, "a file that nobody asked for", f"{left}\n{details}")


DOOR: Final = Door("process", _make, _feed, repr, every=50)
