"""Inputs fed in processes that end where one takes too much time or memory, and are then replaced."""

import faulthandler
import multiprocessing
import os
import re
import resource
import signal
import tempfile
import traceback
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from multiprocessing import forkserver
from multiprocessing.connection import Connection, wait
from multiprocessing.context import ForkServerContext
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import IO, Final
from unittest.mock import patch

from fuzz.door import AnyDoor
from fuzz.judge import PACKAGE, Failure, Verdict, forbid_warnings, judge

_WATCH: Final = "watch.txt"
"""Beside a worker's folder: where it was when its time was over."""


@dataclass(frozen=True)
class Limits:
    """What one input may take."""

    processor_seconds: float = 10.0
    """Of the worker itself: what else the machine does meanwhile does not count."""
    clock_seconds: float = 240.0
    """For whatever waits instead of working."""
    data_bytes: int = 1 << 30
    """Of the worker in all, with what Python and its libraries take themselves."""


def verdicts(
    door: AnyDoor, seed: int, indexes: Sequence[int], workers: int = 1, limits: Limits | None = None
) -> Iterator[Verdict]:
    """What becomes of the inputs of these numbers, each the moment that it is known."""
    with tempfile.TemporaryDirectory(prefix="fuzz-") as folder:
        shares = [deque(share) for first in range(workers) if (share := indexes[first::workers])]
        running = [
            _Worker(door, seed, share, limits or Limits(), Path(folder, str(number)))
            for number, share in enumerate(shares)
        ]
        try:
            while running:
                ready = wait([worker.answers for worker in running])
                for worker in [worker for worker in running if worker.answers in ready]:
                    yield worker.next_verdict()
                running = [worker for worker in running if worker.waiting]
        finally:
            for worker in running:
                worker.stop()


@cache
def _context() -> ForkServerContext:
    """How processes are started: as copies of one that has imported what all of them need."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["fuzz.doors"])
    folders = [str(Path(__file__).parents[1]), *filter(None, [os.environ.get("PYTHONPATH")])]
    with patch.dict(os.environ, {"PYTHONPATH": os.pathsep.join(folders)}):  # it does not get sys.path
        forkserver.ensure_running()
    return context


@dataclass
class _Worker:
    """A process, the inputs that it still has to be fed, and its successors if it does not survive one."""

    door: AnyDoor
    seed: int
    waiting: deque[int]
    limits: Limits
    folder: Path
    answers: Connection = field(init=False)
    process: BaseProcess = field(init=False)

    def __post_init__(self) -> None:
        self.folder.mkdir()
        self._start()

    def _start(self) -> None:
        context = _context()
        self.answers, writable = context.Pipe(duplex=False)
        arguments = (self.door, self.seed, tuple(self.waiting), self.limits, self.folder, writable)
        self.process = context.Process(target=_work, args=arguments)
        self.process.start()
        writable.close()

    def next_verdict(self) -> Verdict:
        """What became of the input at the head of those that are waiting, which is taken from there."""
        try:
            verdict: Verdict = self.answers.recv()
            dead = False
        except EOFError:
            verdict = self._death()
            dead = True
        self.waiting.popleft()
        if not self.waiting:
            self.stop()
        elif dead:
            self._start()
        return verdict

    def _death(self) -> Failure:
        """The failure of an input that ended the process."""
        self.process.join()
        code = self.process.exitcode or 0
        watched = self.folder.with_name(f"{self.folder.name}-{_WATCH}")
        stack = watched.read_text(errors="replace") if watched.exists() else ""
        if code == -signal.SIGPROF:
            kind = f"more than {self.limits.processor_seconds:g} s of processor time, {_innermost(stack)}"
        elif stack.startswith("Timeout"):
            kind = f"more than {self.limits.clock_seconds:g} s by the clock, {_innermost(stack)}"
        else:
            kind = f"the process ended: {signal.Signals(-code).name if code < 0 else f'exit code {code}'}"
        return Failure(self.door.name, self.seed, self.waiting[0], kind, stack)

    def stop(self) -> None:
        """End the process."""
        self.answers.close()
        if self.process.is_alive():
            self.process.terminate()
        self.process.join()


def _innermost(stack: str) -> str:
    """The innermost function of accelsim on a stack as faulthandler prints it."""
    frames = re.findall(r'File "(.*)", line \d+ in (.*)', stack) or [("nowhere", "nothing")]
    inside = [frame for frame in frames if Path(frame[0]).is_relative_to(PACKAGE)] or frames
    file, function = inside[0]
    return f"{os.path.relpath(file, PACKAGE.parent)}:{function}"


def _work(
    door: AnyDoor,
    seed: int,
    indexes: Sequence[int],
    limits: Limits,
    folder: Path,
    answers: Connection,
) -> None:
    """Judge inputs one after another and send what became of each."""
    folder.mkdir(exist_ok=True)
    os.chdir(folder)
    _silence()
    forbid_warnings()
    signal.signal(signal.SIGINT, signal.default_int_handler)  # which a shell in the background ignores
    resource.setrlimit(resource.RLIMIT_DATA, (limits.data_bytes, limits.data_bytes))
    with folder.with_name(f"{folder.name}-{_WATCH}").open("w") as watch:
        faulthandler.register(signal.SIGPROF, file=watch, all_threads=False, chain=True)
        try:
            for index in indexes:
                with _watched(limits, watch):
                    verdict = judge(door, seed, index)
                answers.send(verdict)
        except BaseException:  # of what feeds, not of what is fed
            traceback.print_exc(file=watch)
            raise


def _silence() -> None:
    """Let nothing that libraries print reach the console; doors that look at output catch it themselves."""
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, 1)
    os.dup2(nothing, 2)


@contextmanager
def _watched(limits: Limits, watch: IO[str]) -> Iterator[None]:
    """A block that ends the process where it takes longer than it may, and says in a file where it was.

    Both clocks are the system's, so that they end what does not return to Python, too.
    """
    signal.setitimer(signal.ITIMER_PROF, limits.processor_seconds)
    faulthandler.dump_traceback_later(limits.clock_seconds, file=watch, exit=True)
    try:
        yield
    finally:
        faulthandler.cancel_dump_traceback_later()
        signal.setitimer(signal.ITIMER_PROF, 0)
