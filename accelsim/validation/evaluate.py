"""What networks that ship with accelsim cost on a machine: one by one, or a column of a table at once."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache

from accelsim.choices import AUTO
from accelsim.descriptions import shipped
from accelsim.errors import AccelsimError
from accelsim.execution.processes import in_parallel
from accelsim.hardware import Hardware, load_hardware
from accelsim.network.description import Network
from accelsim.network.load import load_network
from accelsim.network.lowered import lowered_network
from accelsim.reuse.cache import cache_of_this_process
from accelsim.run import run_network


@dataclass(frozen=True)
class Job:
    """One simulation of a network that ships with accelsim."""

    network: str
    hardware: Hardware
    dataflow: str = AUTO

    def __str__(self) -> str:
        return f"{self.network} on {self.hardware.name}"


@dataclass(frozen=True)
class ColumnJob:
    """Simulations of several networks on one machine."""

    networks: tuple[str, ...]
    hardware: Hardware

    def __str__(self) -> str:
        return self.hardware.name


@dataclass(frozen=True)
class Cost:
    """What a network costs on a machine.

    Example:
        >>> Cost(cycles=1235414, energy=2035386368.0).cycles
        1235414
    """

    cycles: int
    """Of one image."""
    energy: float
    """In the machine's unit."""


def evaluate(job: Job) -> Cost | AccelsimError:
    """Cycles and energy, or why there are none."""
    try:
        cache = cache_of_this_process()
        result = run_network(_network(job.network), job.hardware, dataflow=job.dataflow, cache=cache)
    except AccelsimError as error:
        return error
    return Cost(result.cycles, result.energy.total)


def evaluate_all(
    jobs: Sequence[Job], step: Callable[[str], None] = lambda _: None
) -> list[Cost | AccelsimError]:
    """The outcome of each job, in the order of the jobs; `step` is told of each that is done."""
    return in_parallel(evaluate, jobs, step)


def evaluate_column(job: ColumnJob) -> list[Cost] | AccelsimError:
    """The outcome of each network, or the first error.

    Networks of a family share most of their layers, so one process finds out about each only once.
    """
    costs: list[Cost] = []
    for network in job.networks:
        outcome = evaluate(Job(network, job.hardware))
        if isinstance(outcome, AccelsimError):
            return outcome
        costs.append(outcome)
    return costs


def evaluate_columns(
    jobs: Sequence[ColumnJob], step: Callable[[str], None] = lambda _: None
) -> list[list[Cost] | AccelsimError]:
    """The outcome of each column, in the order of the jobs; `step` is told of each that is done."""
    for network in {network for job in jobs for network in job.networks}:
        # Once here, not in every worker: forked ones know it, too.
        cache_of_this_process().lowered(_network(network), lowered_network)
    return in_parallel(evaluate_column, jobs, step)


def shipped_hardware(name: str) -> Hardware:
    """The machine that ships with accelsim, whatever ./hardware holds.

    Args:
        name: As `accelsim list hardware` shows it.

    Returns:
        The machine.

    Example:
        >>> shipped_hardware("16x16_128k").pe_array.pes
        256
    """
    return load_hardware(str(shipped.packaged("hardware", name)))


@cache
def _network(name: str) -> Network:
    return load_network(shipped.packaged("networks", name))
