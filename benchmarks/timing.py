"""Time of whole processes and of functions, and what machine it was measured on."""

import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

T = TypeVar("T")

LAUNCHER: Final = Path(__file__).parent / "launcher.py"
LAST_CHARACTERS: Final = 400
"""Of what a process said, when it fails."""


@dataclass(frozen=True)
class Sample:
    """One finished process."""

    wall_s: float
    cpu_s: float
    """Of all its threads and processes, in the program and in the system."""
    peak_bytes: int
    """Resident memory of the largest process of its family."""


class ProcessError(Exception):
    """A process that did not end well, with the last of what it said."""


def run_process(command: Sequence[str], folder: Path) -> Sample:
    """Run a command in a folder, to its end. Raises ProcessError if it fails."""
    with tempfile.TemporaryDirectory() as notes:
        file = Path(notes) / "sample.json"
        done = subprocess.run(
            [sys.executable, "-I", "-S", str(LAUNCHER), str(file), *command],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            check=False,
        )
        if done.returncode:
            raise ProcessError(f"exit code {done.returncode}: {done.stdout.strip()[-LAST_CHARACTERS:]}")
        return Sample(**json.loads(file.read_text(encoding="utf-8")))


def timed(function: Callable[[], T]) -> tuple[float, T]:
    """How long the CPU works on one call [s], and what it gives back.

    On a machine with nothing else to do it is the time on the clock, since one thread does all of it.
    """
    start = time.process_time()
    result = function()
    return time.process_time() - start, result


def median_s(function: Callable[[], T], runs: int) -> tuple[float, T]:
    """The median time of several calls [s], and what the last gave back."""
    calls = [timed(function) for _ in range(runs)]
    return statistics.median(time_s for time_s, _ in calls), calls[-1][1]


def machine() -> str:
    """What the measuring machine is, in words."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return (
        f"{cores} core{'' if cores == 1 else 's'}, {platform.system()} {platform.machine()}, "
        f"{platform.python_implementation()} {platform.python_version()}"
    )
