"""Cluster: a Dask distributed cluster as an executor, a running one or one started on this machine.

Dask hands the work of a worker that is lost to the others. What a result follows from is the same everywhere:
a worker of another version of the model refuses to work.
"""

import asyncio
import hashlib
import logging
import pickle
import re
import signal
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import CancelledError, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from accelsim.errors import AccelsimError, missing_extra
from accelsim.execution.executor import Workers, streamed
from accelsim.reuse.model_version import model_version, source_digest

ANSWER_SECONDS: Final = 10.0
"""Within which a scheduler has to answer, and to have a worker."""
PATIENCE_SECONDS: Final = 60.0
"""How long a cluster whose workers are all lost may take to get another."""
_CHECK_SECONDS: Final = 5.0
_MOST_PREPARED: Final = 4
"""Kinds of work that a worker is prepared for at a time: several searches may share it."""
SetupT = TypeVar("SetupT")
WorkT = TypeVar("WorkT")
OutcomeT = TypeVar("OutcomeT")


@dataclass(frozen=True)
class Cluster:
    """A Dask cluster that has answered and has workers; an `Executor`.

    Example:
        >>> from accelsim.execution import started
        >>> with started(1) as cluster:
        ...     cluster.threads
        1
    """

    client: Any
    """distributed.Client, which has no types."""
    name: str
    """What messages call it: the scheduler's address."""

    @contextmanager
    def prepared(
        self, prepare: Callable[[SetupT], Callable[[WorkT], OutcomeT]], setup: SetupT
    ) -> Iterator[Workers[WorkT, OutcomeT]]:
        """See Executor."""
        from distributed import KilledWorker  # noqa: PLC0415

        packed = pickle.dumps((prepare, setup))
        key, model = hashlib.sha256(packed).hexdigest(), (source_digest(), model_version())
        executor = self.client.get_executor(pure=False)
        idle = _Idle(self)

        def workers(work: Iterable[WorkT], *, in_order: bool = True) -> Iterator[tuple[WorkT, OutcomeT]]:
            return streamed(
                lambda piece: executor.submit(_piece, key, packed, model, piece),
                work,
                self.threads,
                in_order,
                idle.check,
                _CHECK_SECONDS,
            )

        try:
            yield workers
        except KilledWorker as error:
            raise AccelsimError(
                f"{self.name}: every worker that a piece of work was given to ended before it was done: were "
                f"they killed, or memory short? ({error.task})"
            ) from None
        except (CancelledError, OSError):
            raise AccelsimError(f"{self.name}: the connection to the scheduler was lost") from None
        except ModuleNotFoundError as error:
            raise AccelsimError(
                f"{self.name}: a worker cannot import {error.name}: install accelsim where workers run"
            ) from None

    @property
    def threads(self) -> int:
        """Of all workers together; new ones may join at any time."""
        return max(1, sum(map(int, self.client.nthreads().values())))


@contextmanager
def connected(address: str, seconds: float = ANSWER_SECONDS) -> Iterator[Cluster]:
    """The cluster of a running scheduler.

    Args:
        address: As `dask scheduler` says it: `tcp://host:8786`.
        seconds: Within which the scheduler has to answer, and to have a worker.

    Returns:
        A context with the cluster.

    Raises:
        AccelsimError: Nobody answers, or there is no worker.

    Example:
        >>> with connected("host:8786") as cluster:
        ...     pass
        Traceback (most recent call last):
        accelsim.errors.AccelsimError: --scheduler host:8786: must be an address such as tcp://host:8786
    """
    if not re.fullmatch(r"tcp://[^/\s]+:\d+", address):
        raise AccelsimError(f"--scheduler {address}: must be an address such as tcp://host:8786")
    distributed = _distributed()
    no_answer = AccelsimError(
        f"--scheduler {address}: no Dask scheduler answered within {seconds:g} s: is one running there "
        "(`dask scheduler`)?"
    )
    with ThreadPoolExecutor(1) as aside:  # of an event loop that may run here already, as in a notebook
        if not aside.submit(lambda: asyncio.run(_is_scheduler(address, seconds))).result():
            raise no_answer
    try:
        client = distributed.Client(address, timeout=seconds, set_as_default=False)
    except (OSError, TimeoutError):
        raise no_answer from None
    with client:
        try:
            client.wait_for_workers(1, timeout=seconds)
        except TimeoutError:
            raise AccelsimError(
                f"--scheduler {address}: has no worker, and got none within {seconds:g} s: start some with "
                f"`dask worker {address} --nthreads 1`"
            ) from None
        yield Cluster(client, address)


async def _is_scheduler(address: str, seconds: float) -> bool:
    """Whether a Dask scheduler answers there in time.

    Asked before there is a client: one that is never answered, as by a server of another kind, ends neither
    when its time is up nor when it is closed.
    """
    try:
        return await asyncio.wait_for(_identity(address, seconds), seconds) == "Scheduler"
    except Exception:  # whatever comes of reading what another program says
        return False


async def _identity(address: str, seconds: float) -> str:
    """What kind of Dask process is at an address, by its own word."""
    comm = await _distributed().comm.connect(address, timeout=seconds)
    try:
        await comm.write({"op": "identity", "reply": True})
        answer: Mapping[str, Any] = await comm.read()
        return str(answer["type"])
    finally:
        comm.abort()


@contextmanager
def started(workers: int) -> Iterator[Cluster]:
    """A cluster on this machine, which ends with the block.

    Args:
        workers: Its processes.

    Returns:
        A context with the cluster.

    Raises:
        AccelsimError: Dask is not installed; says how it is.

    Example:
        >>> with started(1) as cluster:
        ...     cluster.threads
        1
    """
    distributed = _distributed()
    with (
        distributed.LocalCluster(
            n_workers=workers,
            threads_per_worker=1,
            memory_limit=0,  # the operating system's affair
            dashboard_address="127.0.0.1:0",  # a port that is free
            silence_logs=logging.CRITICAL,
            preload=[__name__],  # calls dask_setup in each worker
        ) as local,
        distributed.Client(local, set_as_default=False) as client,
    ):
        yield Cluster(client, local.scheduler_address)


def _distributed() -> Any:
    with missing_extra("a Dask cluster", "distributed"):
        import distributed  # noqa: PLC0415
    for name in ("distributed", "distributed.client"):  # each has a level of its own
        logging.getLogger(name).setLevel(logging.CRITICAL)  # what goes wrong is said in a line
    return distributed


class _Idle:
    """Notices when a cluster has had no worker for long."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster, self._checks = cluster, 0

    def check(self) -> None:
        """Raise AccelsimError where it has; called every few seconds in which nothing was done."""
        if self._cluster.client.status != "running":
            raise AccelsimError(f"{self._cluster.name}: the connection to the scheduler was lost")
        self._checks = 0 if self._cluster.client.nthreads() else self._checks + 1
        if self._checks * _CHECK_SECONDS >= PATIENCE_SECONDS:
            raise AccelsimError(
                f"{self._cluster.name}: all workers are gone, and none came within {PATIENCE_SECONDS:g} s"
            )


# --- on the worker


def dask_setup(_: object) -> None:
    """Leave Ctrl-C, which reaches all processes of a terminal, to the one that started this worker."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


_lock = threading.Lock()
"""One piece at a time: what a worker prepared is not made for threads, which would share one core anyway."""
_prepared_work: "OrderedDict[str, Callable[[Any], Any]]" = OrderedDict()


def _piece(key: str, packed: bytes, model: tuple[str, str], work: Any) -> Any:
    """Do a piece of work by what was prepared for it, here and now if need be.

    `model`: the digest of the source that asks, and its version, which only has to be compared where the
    source is another.
    """
    source, version = model
    if source != source_digest() and version != model_version():
        raise AccelsimError(
            f"a worker has accelsim {model_version()}, this is {version}, which may find other results: "
            "install the same on both"
        )
    with _lock:
        if key not in _prepared_work:
            prepare, setup = pickle.loads(packed)
            while len(_prepared_work) >= _MOST_PREPARED:
                _prepared_work.popitem(last=False)
            _prepared_work[key] = prepare(setup)
        return _prepared_work[key](work)
