"""Independent work on all cores of this machine."""

import gc
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

from accelsim.errors import AccelsimError
from accelsim.execution.executor import Workers, streamed
from accelsim.patience import PATIENT, hold_memory

SetupT = TypeVar("SetupT")
WorkT = TypeVar("WorkT")
OutcomeT = TypeVar("OutcomeT")


def in_parallel(
    function: Callable[[WorkT], OutcomeT], work: Sequence[WorkT], step: Callable[[str], None] = lambda _: None
) -> list[OutcomeT]:
    """The outcome of each piece of work, on all cores of this machine.

    Args:
        function: Does a piece; it can be pickled.
        work: The pieces.
        step: Told of each piece that is done, as text.

    Returns:
        The outcomes, in the order of the pieces.

    Raises:
        AccelsimError: A worker is lost.

    Example:
        >>> in_parallel(abs, [-2])
        [2]
    """
    workers = min(cores(), len(work))
    if workers < 2:
        return [_reported(function(piece), piece, step) for piece in work]
    with _pool(workers, _start_worker) as pool:
        futures = {pool.submit(function, piece): piece for piece in work}
        for future in as_completed(futures):
            _reported(future.result(), futures[future], step)
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


def _reported(outcome: OutcomeT, work: object, step: Callable[[str], None]) -> OutcomeT:
    step(str(work))
    return outcome


def cores() -> int:
    """Cores that this process may use.

    Returns:
        One at least.

    Example:
        >>> cores() > 0
        True
    """
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not every system says
        return os.cpu_count() or 1


@dataclass(frozen=True)
class Processes:
    """Processes of this machine; where it is one, the work is done in the process that asks.

    Attributes:
        count: How many; by default as many as there are cores.

    Example:
        >>> Processes(2)
        Processes(count=2)
    """

    count: int = field(default_factory=cores)

    @contextmanager
    def prepared(
        self, prepare: Callable[[SetupT], Callable[[WorkT], OutcomeT]], setup: SetupT
    ) -> Iterator[Workers[WorkT, OutcomeT]]:
        """See Executor."""
        if self.count < 2:
            do_work = prepare(setup)

            def in_this_process(
                work: Iterable[WorkT],
                *,
                in_order: bool = True,  # noqa: ARG001 (it is, either way)
            ) -> Iterator[tuple[WorkT, OutcomeT]]:
                return ((piece, do_work(piece)) for piece in work)

            yield in_this_process
            return
        with _pool(self.count, _prepare_worker, prepare, setup) as pool:

            def workers(work: Iterable[WorkT], *, in_order: bool = True) -> Iterator[tuple[WorkT, OutcomeT]]:
                return streamed(lambda piece: pool.submit(_prepared, piece), work, self.count, in_order)

            yield workers


class _Worker:
    """What the worker that this process is was prepared for."""

    do_work: Callable[[Any], Any]


def _prepare_worker(prepare: Callable[[SetupT], Callable[[WorkT], OutcomeT]], setup: SetupT) -> None:
    _start_worker()
    _Worker.do_work = staticmethod(prepare(setup))


def _prepared(work: Any) -> Any:
    return _Worker.do_work(work)


def _start_worker() -> None:
    """A worker ends without a traceback when Ctrl-C reaches it, and when the process it works for is gone.

    It looks for garbage as seldom as the command line does, whoever started it and however, and keeps memory
    for the next piece of work.
    """
    gc.set_threshold(*PATIENT)
    hold_memory()
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
