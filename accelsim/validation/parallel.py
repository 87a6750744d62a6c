"""Independent work on all cores of this machine."""

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from typing import TypeVar

WorkT = TypeVar("WorkT")
OutcomeT = TypeVar("OutcomeT")


def in_parallel(
    how: Callable[[WorkT], OutcomeT], work: Sequence[WorkT], step: Callable[[str], None] = lambda _: None
) -> list[OutcomeT]:
    """The outcome of each piece of work, in the order given; `step` is told of each that is done."""
    workers = min(_cores(), len(work))
    if workers < 2:
        return [_told(how(one), one, step) for one in work]
    pool = ProcessPoolExecutor(workers, initializer=_start_worker)
    try:
        futures = {pool.submit(how, one): one for one in work}
        for future in as_completed(futures):
            _told(future.result(), futures[future], step)
        return [future.result() for future in futures]
    finally:
        pool.shutdown(cancel_futures=True)


def _told(outcome: OutcomeT, work: object, step: Callable[[str], None]) -> OutcomeT:
    step(str(work))
    return outcome


def _cores() -> int:
    """Cores that this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not every system says
        return os.cpu_count() or 1


def _start_worker() -> None:
    """A worker ends without a traceback when Ctrl-C reaches it, and when the process it works for is gone."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
