"""Many independent simulations, on all cores of this machine."""

import math
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from functools import cache

from accelsim import shipped
from accelsim.energy import ActionCounts, energy_by_component
from accelsim.errors import AccelsimError
from accelsim.hardware import Hardware, load_hardware
from accelsim.mapping.schedule import make_schedule
from accelsim.network.build import build
from accelsim.network.description import Network, load_network
from accelsim.network.graph import Graph
from accelsim.network.lowering import lower
from accelsim.run import run_network


@dataclass(frozen=True)
class Job:
    """One simulation of a network that ships with accelsim."""

    network: str
    hardware: Hardware
    dataflow: str = "auto"

    def __str__(self) -> str:
        return f"{self.network} on {self.hardware.name}"


@dataclass(frozen=True)
class Cost:
    """What a network costs on a machine."""

    cycles: int
    energy: float


def evaluate(job: Job) -> Cost | AccelsimError:
    """Cycles and energy, or why there are none."""
    try:
        result = run_network(_network(job.network), job.hardware, dataflow=job.dataflow)
    except AccelsimError as error:
        return error
    return Cost(result.cycles, result.energy.total)


def estimate(job: Job) -> Cost | AccelsimError:
    """What the search for mappings takes cycles and energy to be: layers one after another, not simulated."""
    try:
        schedule = make_schedule(_lowered(job.network), job.hardware, dataflow=job.dataflow)
    except AccelsimError as error:
        return error
    counts = sum((mapping.totals.counts for mapping in schedule.mappings), ActionCounts())
    energy = math.fsum(energy_by_component(counts, job.hardware.energy).values())
    return Cost(sum(mapping.estimated_cycles for mapping in schedule.mappings), energy)


def evaluate_all(
    jobs: Sequence[Job],
    step: Callable[[str], None] = lambda _: None,
    how: Callable[[Job], Cost | AccelsimError] = evaluate,
) -> list[Cost | AccelsimError]:
    """The outcome of each job, in the order of the jobs; `step` is told of each that is done."""
    workers = min(_cores(), len(jobs))
    if workers < 2:
        return [_told(how(job), job, step) for job in jobs]
    pool = ProcessPoolExecutor(workers, initializer=_start_worker)
    try:
        futures = {pool.submit(how, job): job for job in jobs}
        for future in as_completed(futures):
            _told(future.result(), futures[future], step)
        return [future.result() for future in futures]
    finally:
        pool.shutdown(cancel_futures=True)


def shipped_hardware(name: str) -> Hardware:
    """The machine that ships with accelsim, whatever ./hardware holds."""
    return load_hardware(str(shipped.packaged("hardware", name)))


@cache
def _network(name: str) -> Network:
    return load_network(shipped.packaged("networks", name))


@cache
def _lowered(name: str) -> Graph:
    return lower(build(_network(name)))


def _told(outcome: Cost | AccelsimError, job: Job, step: Callable[[str], None]) -> Cost | AccelsimError:
    step(str(job))
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
