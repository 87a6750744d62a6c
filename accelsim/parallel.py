"""Independent work: on all cores of this machine, or wherever else an `Executor` sends it."""

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, as_completed, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from typing import Any, Final, Protocol, TypeVar

from accelsim.errors import AccelsimError

IN_FLIGHT: Final = 4
"""Pieces of work that each worker has ahead of it, so that it does not wait for the next."""
SetupT = TypeVar("SetupT")
WorkT = TypeVar("WorkT")
OutcomeT = TypeVar("OutcomeT")
Outcome_co = TypeVar("Outcome_co", covariant=True)


def in_parallel(
    how: Callable[[WorkT], OutcomeT], work: Sequence[WorkT], step: Callable[[str], None] = lambda _: None
) -> list[OutcomeT]:
    """The outcome of each piece of work, in the order given; `step` is told of each that is done.

    Raises AccelsimError where a worker is lost.
    """
    workers = min(cores(), len(work))
    if workers < 2:
        return [_told(how(one), one, step) for one in work]
    with _pool(workers, _start_worker) as pool:
        futures = {pool.submit(how, one): one for one in work}
        for future in as_completed(futures):
            _told(future.result(), futures[future], step)
        return [future.result() for future in futures]


@contextmanager
def _pool(
    workers: int, initializer: Callable[..., None], *arguments: object
) -> Iterator[ProcessPoolExecutor]:
    """Processes that end with the block. Raises AccelsimError where one of them is lost."""
    pool = ProcessPoolExecutor(workers, initializer=initializer, initargs=arguments)
    try:
        yield pool
    except BrokenProcessPool:
        raise AccelsimError(
            "a worker process ended before its work was done: was it killed, or memory short?"
        ) from None
    finally:
        pool.shutdown(cancel_futures=True)


def _told(outcome: OutcomeT, work: object, step: Callable[[str], None]) -> OutcomeT:
    step(str(work))
    return outcome


def cores() -> int:
    """Cores that this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not every system says
        return os.cpu_count() or 1


class Workers(Protocol[WorkT, Outcome_co]):
    """Workers that have prepared for one kind of work, and keep what they prepared."""

    def __call__(self, work: Iterable[WorkT], *, in_order: bool = True) -> Iterator[tuple[WorkT, Outcome_co]]:
        """Each piece of work and its outcome, in constant memory however much there is.

        In the order given, or the moment that each is there. Raises AccelsimError where workers are lost.
        """


class Executor(Protocol):
    """Who does the work of a search."""

    def prepared(
        self, prepare: Callable[[SetupT], Callable[[WorkT], OutcomeT]], setup: SetupT
    ) -> AbstractContextManager[Workers[WorkT, OutcomeT]]:
        """Workers each of which does its work by what `prepare` made of `setup`; both can be pickled."""


@dataclass(frozen=True)
class Processes:
    """Processes of this machine; where it is one, the work is done in the process that asks."""

    count: int = field(default_factory=cores)

    @contextmanager
    def prepared(
        self, prepare: Callable[[SetupT], Callable[[WorkT], OutcomeT]], setup: SetupT
    ) -> Iterator[Workers[WorkT, OutcomeT]]:
        """See Executor."""
        if self.count < 2:
            how = prepare(setup)

            def here(
                work: Iterable[WorkT],
                *,
                in_order: bool = True,  # noqa: ARG001 (it is, either way)
            ) -> Iterator[tuple[WorkT, OutcomeT]]:
                return ((one, how(one)) for one in work)

            yield here
            return
        with _pool(self.count, _prepare_worker, prepare, setup) as pool:

            def there(work: Iterable[WorkT], *, in_order: bool = True) -> Iterator[tuple[WorkT, OutcomeT]]:
                return streamed(lambda one: pool.submit(_prepared, one), work, self.count, in_order)

            yield there


def streamed(
    submit: Callable[[WorkT], "Future[OutcomeT]"],
    work: Iterable[WorkT],
    workers: int,
    in_order: bool,
    check: Callable[[], None] | None = None,
    check_seconds: float | None = None,
) -> Iterator[tuple[WorkT, OutcomeT]]:
    """What `Workers` promise, by a function that hands out one piece of work.

    `check` is called whenever nothing was done for so many seconds, and may raise.
    """
    waiting: dict[Future[OutcomeT], WorkT] = {}

    def done() -> list["Future[OutcomeT]"]:
        awaited = [next(iter(waiting))] if in_order else list(waiting)
        while not (found := wait(awaited, check_seconds, FIRST_COMPLETED).done):
            if check is not None:
                check()
        return [future for future in awaited if future in found]

    def taken() -> Iterator[tuple[WorkT, OutcomeT]]:
        return ((waiting.pop(future), future.result()) for future in done())

    for one in work:
        waiting[submit(one)] = one
        while len(waiting) >= IN_FLIGHT * workers:
            yield from taken()
    while waiting:
        yield from taken()


class _Worker:
    """What the worker that this process is was prepared for."""

    how: Callable[[Any], Any]


def _prepare_worker(prepare: Callable[[SetupT], Callable[[WorkT], OutcomeT]], setup: SetupT) -> None:
    _start_worker()
    _Worker.how = staticmethod(prepare(setup))


def _prepared(work: Any) -> Any:
    return _Worker.how(work)


def _start_worker() -> None:
    """A worker ends without a traceback when Ctrl-C reaches it, and when the process it works for is gone."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
