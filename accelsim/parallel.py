"""Independent work on all cores of this machine."""

import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from typing import Any, Final, TypeVar

from accelsim.errors import AccelsimError

IN_FLIGHT: Final = 4
"""Pieces of work that each worker of a stream has ahead of it, so that it does not wait for the next."""
SetupT = TypeVar("SetupT")
WorkT = TypeVar("WorkT")
OutcomeT = TypeVar("OutcomeT")


def in_parallel(
    how: Callable[[WorkT], OutcomeT], work: Sequence[WorkT], step: Callable[[str], None] = lambda _: None
) -> list[OutcomeT]:
    """The outcome of each piece of work, in the order given; `step` is told of each that is done."""
    workers = min(cores(), len(work))
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


def stream(
    prepare: Callable[[SetupT], Callable[[WorkT], OutcomeT]],
    setup: SetupT,
    work: Iterable[WorkT],
    workers: int | None = None,
) -> Iterator[tuple[WorkT, OutcomeT]]:
    """Each piece of work and its outcome, in the order given, in constant memory however much there is.

    Each worker prepares once and keeps what it has prepared. Raises AccelsimError where a worker is lost.
    """
    workers = cores() if workers is None else workers
    if workers < 2:
        how = prepare(setup)
        yield from ((one, how(one)) for one in work)
        return
    pool = ProcessPoolExecutor(workers, initializer=_prepare_worker, initargs=(prepare, setup))
    waiting: deque[tuple[WorkT, Future[OutcomeT]]] = deque()
    try:
        for one in work:
            waiting.append((one, pool.submit(_prepared, one)))
            if len(waiting) >= IN_FLIGHT * workers:
                yield _first(waiting)
        while waiting:
            yield _first(waiting)
    except BrokenProcessPool:
        raise AccelsimError(
            "a worker process ended before its work was done: was it killed, or memory short?"
        ) from None
    finally:
        pool.shutdown(cancel_futures=True)


def _first(waiting: "deque[tuple[WorkT, Future[OutcomeT]]]") -> tuple[WorkT, OutcomeT]:
    one, future = waiting.popleft()
    return one, future.result()


class _Worker:
    """What the worker that this process is was prepared for."""

    how: Callable[[Any], Any]


def _prepare_worker(prepare: Callable[[SetupT], Callable[[WorkT], OutcomeT]], setup: SetupT) -> None:
    _start_worker()
    _Worker.how = staticmethod(prepare(setup))


def _prepared(work: Any) -> Any:
    return _Worker.how(work)


def _told(outcome: OutcomeT, work: object, step: Callable[[str], None]) -> OutcomeT:
    step(str(work))
    return outcome


def cores() -> int:
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
