"""What networks that ship with accelsim cost on a machine: one by one, or a column of a table at once."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache

from accelsim import shipped
from accelsim.energy import energy_by_component
from accelsim.errors import AccelsimError
from accelsim.hardware import Hardware, load_hardware
from accelsim.mapping.mapping import Mapping
from accelsim.mapping.schedule import make_schedule
from accelsim.network.build import build
from accelsim.network.description import Network, load_network
from accelsim.network.graph import Graph
from accelsim.network.layer import Layer
from accelsim.network.lowering import lower
from accelsim.run import run_network
from accelsim.simulation.fast import Transitions, simulate_fast
from accelsim.validation.parallel import in_parallel


@dataclass(frozen=True)
class Job:
    """One simulation of a network that ships with accelsim."""

    network: str
    hardware: Hardware
    dataflow: str = "auto"

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


def evaluate_all(
    jobs: Sequence[Job], step: Callable[[str], None] = lambda _: None
) -> list[Cost | AccelsimError]:
    """The outcome of each job, in the order of the jobs; `step` is told of each that is done."""
    return in_parallel(evaluate, jobs, step)


def evaluate_column(job: ColumnJob) -> list[Cost] | AccelsimError:
    """Cycles and energy of each network, as `evaluate` gives them, or why there are none.

    Networks of a family share most of their layers, so each shape is mapped once for all of them, and what
    its tiles did to the machine is remembered from one network to the next.
    """
    known: dict[Layer, Mapping] = {}
    transitions = Transitions()
    try:
        return [_simulated(network, job.hardware, known, transitions) for network in job.networks]
    except AccelsimError as error:
        return error


def evaluate_columns(
    jobs: Sequence[ColumnJob], step: Callable[[str], None] = lambda _: None
) -> list[list[Cost] | AccelsimError]:
    """The outcome of each column, in the order of the jobs; `step` is told of each that is done."""
    for network in {network for job in jobs for network in job.networks}:
        _lowered(network)  # once here, not in every worker: those that are forked know what is known here
    return in_parallel(evaluate_column, jobs, step)


def shipped_hardware(name: str) -> Hardware:
    """The machine that ships with accelsim, whatever ./hardware holds."""
    return load_hardware(str(shipped.packaged("hardware", name)))


def _simulated(
    network: str, hardware: Hardware, known: dict[Layer, Mapping], transitions: Transitions
) -> Cost:
    schedule = make_schedule(_lowered(network), hardware, known=known)
    activity = simulate_fast(schedule, hardware, transitions)
    return Cost(activity.cycles, math.fsum(energy_by_component(activity.counts, hardware.energy).values()))


@cache
def _network(name: str) -> Network:
    return load_network(shipped.packaged("networks", name))


@cache
def _lowered(name: str) -> Graph:
    return lower(build(_network(name)))
