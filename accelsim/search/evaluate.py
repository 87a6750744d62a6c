"""What a candidate costs: exactly what `run_network` says of the same network."""

import itertools
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import get_args

from accelsim.choices import AUTO
from accelsim.descriptions.arguments import check_choice
from accelsim.descriptions.limits import MAX_COUNT
from accelsim.energy import energy_by_component
from accelsim.errors import (
    AccelsimError,
    MappingError,
    NetworkError,
    came_of_interrupt,
    problem_text,
    problems_of,
)
from accelsim.hardware import ActionCounts, Hardware, Objective
from accelsim.mapping.options import MappingOptions
from accelsim.mapping.precision import macs_by_bits
from accelsim.network.build import build
from accelsim.network.description import Network
from accelsim.network.graph import total_macs, total_params
from accelsim.network.layer import Layer
from accelsim.network.lowered import LoweredNetwork, lowered_network
from accelsim.planning.plan import Inferences
from accelsim.planning.schedule_cost import schedule_counts
from accelsim.reuse.cache import Cache
from accelsim.run import plan_run
from accelsim.search.assembly import Assembly
from accelsim.search.chains import Chains, TooLargeError
from accelsim.search.graphs import Graphs
from accelsim.search.space import Depths, with_depths
from accelsim.search.units import NotLocalError
from accelsim.simulation.fast import cycles_of


def everyone(candidates: int) -> str:
    """`all 12 candidates`, or `the only candidate`."""
    return "the only candidate" if candidates == 1 else f"all {candidates} candidates"


def none_runs(candidates: int, problem: str) -> str:
    """That none of so many can be executed, and why the first cannot."""
    if candidates == 1:
        return f"the only candidate cannot be executed: {problem}"
    return f"none of {candidates} candidates can be executed, the first because: {problem}"


@dataclass(frozen=True)
class Limits:
    """What a candidate may have at most; None is no limit.

    Example:
        >>> Limits(params=1_000_000).allow(Size(params=930_016, macs=224_916_480))
        True
    """

    params: int | None = None
    """Parameters."""
    macs: int | None = None
    """Multiply-accumulates of one image."""

    def allow(self, size: "Size") -> bool:
        """Whether a candidate is within all of them."""
        return (self.params is None or size.params <= self.params) and (
            self.macs is None or size.macs <= self.macs
        )


@dataclass(frozen=True, slots=True)
class Size:
    """What is known of a candidate without a machine."""

    params: int
    macs: int
    """For one image."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What a candidate costs on a machine."""

    cycles: int
    energy: float
    dram_bytes: int
    """Read and written."""
    executed_macs: int
    """Without those that a skipped zero weight saved."""


def cost_of(
    cycles: int,
    counts: ActionCounts[int],
    hardware: Hardware,
    macs_of_layers: Iterable[tuple[Layer, int]],
) -> Cost:
    """What was observed, priced as `run_network` does; `macs_of_layers` is what each layer multiplied.

    Raises MappingError where it is more than a store can hold, which has 64 bits for a number.
    """
    if max(cycles, counts.largest) > MAX_COUNT:
        raise MappingError(f"takes {cycles:.3g} cycles: what takes more than 2^62 cannot be compared")
    by_bits = macs_by_bits(macs_of_layers, hardware)
    by_component = energy_by_component(counts, hardware.prices, macs_by_bits=by_bits, cycles=cycles)
    energy = math.fsum(by_component.values())
    off_chip = hardware.names_off_chip
    dram_bytes = counts.read_bytes(off_chip) + counts.written_bytes(off_chip)
    return Cost(cycles, energy, dram_bytes, counts.macs)


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What became of a candidate."""

    size: Size | None
    """None where the network cannot be built."""
    cost: Cost | None
    """None where the candidate exceeds a limit, or cannot be built or mapped."""
    problem: str = ""
    """Why it cannot be built or mapped: as a text, since that is what a store keeps, and what comes from a
    store has to equal what is computed anew. Nothing reads it but people."""


def problem_of(error: Exception) -> str:
    """Why a candidate has no result, as stores and files keep it. Raises as `problems_of` does."""
    return problem_text(problems_of(error))


@dataclass(frozen=True)
class SearchTask:
    """What all candidates of a search have in common.

    Example:
        >>> from accelsim import load_hardware, load_network
        >>> SearchTask(load_network("sqnxt23v5"), load_hardware("16x16_128k"), batch=2).options.batch
        2
    """

    network: Network
    """What candidates are made of."""
    hardware: Hardware
    """What they run on."""
    limits: Limits = Limits()
    """What they may have at most."""
    batch: int | None = None
    """Images that run together; None for as many as the network is described for."""
    dataflow: str = AUTO
    """One for every layer of the array; `auto` is the machine's choice, as in `run_network`."""
    objective: Objective | None = None
    """What dataflows and tiles are chosen by, instead of what the machine says."""
    inferences: Inferences = "steady"
    """Which is judged: those in which pinned weights are there, or the first, in which they come."""

    def __post_init__(self) -> None:
        check_choice("inferences", self.inferences, get_args(Inferences))

    @property
    def options(self) -> MappingOptions:
        """How candidates are mapped."""
        return MappingOptions(self.network.images(self.batch), self.dataflow, self.objective)


def run_cost(task: SearchTask, cache: Cache) -> Cost:
    """What the task's network costs as it is. Raises NetworkError or MappingError."""
    plan = plan_run(task.network, task.hardware, task.options, cache=cache).of(task.inferences)
    schedule = plan.schedule
    cycles, counts = cycles_of(schedule, task.hardware, plan.cache.transitions), schedule_counts(schedule)
    images = schedule.images_in_turn
    of_layers = (mapping.totals.counts.macs * images for mapping in schedule.mappings)
    return cost_of(cycles, counts, task.hardware, zip(schedule.layers, of_layers, strict=True))


class Evaluator:
    """Evaluates candidates of a task; what it learns from one serves the next."""

    def __init__(self, task: SearchTask) -> None:
        self._task = task
        self._cache = Cache()
        self._latest: tuple[Depths, Network] | None = None
        self._assembly = assembly = _assembly(task)
        self._chains = None if assembly is None else Chains(assembly, task.hardware, task.options)
        self._graphs = _graphs(task, self._cache) if assembly is None else None

    @property
    def puts_together(self) -> bool:
        """Whether candidates are put together of parts that are known, as far as is known by now."""
        return self._chains is not None

    def size(self, depths: Depths) -> Size:
        """Parameters and MACs of a candidate. Raises NetworkError where it cannot be built."""
        if self._assembly is not None:
            try:
                return Size(*self._assembly.size(depths))
            except NotLocalError:
                self._assembly = self._chains = None
        network = self._candidate(depths)
        if self._graphs is not None or self._task.limits == Limits():  # then it is lowered anyhow
            try:
                lowered = self._cache.lowered(network, lambda network: self._lowered(network, depths))
                return Size(lowered.params, lowered.macs)
            except AccelsimError:
                pass  # what cannot be lowered may have a size
        published = build(network)
        return Size(total_params(published), total_macs(published))

    def _lowered(self, network: Network, depths: Depths) -> LoweredNetwork:
        """A candidate, put together of what is known where that can be."""
        if self._graphs is not None:
            try:
                return self._graphs.lowered(depths)
            except NotLocalError:
                self._graphs = None
            except NetworkError:  # which may say it of other depths
                pass
        return lowered_network(network)

    def costs(self, candidates: Sequence[Depths]) -> list[Cost]:
        """Cycles and energy of candidates. Raises NetworkError or MappingError."""
        if self._chains is not None:
            try:
                return [Cost(*figures) for figures in self._chains.figures(candidates)]
            except NotLocalError:
                self._assembly = self._chains = None
            except TooLargeError:
                pass
        return [self._as_run(depths) for depths in candidates]

    def cost(self, depths: Depths) -> Cost:
        """Of one."""
        return self.costs([depths])[0]

    def _as_run(self, depths: Depths) -> Cost:
        return run_cost(replace(self._task, network=self._candidate(depths)), self._cache)

    def _candidate(self, depths: Depths) -> Network:
        """The network of other depths: the same object for the same depths, by which a cache knows it."""
        if self._latest is None or self._latest[0] != depths:
            self._latest = depths, with_depths(self._task.network, depths)
        return self._latest[1]

    def evaluations(self, candidates: Sequence[Depths]) -> list[Evaluation]:
        """Of each its size, and its cost within the limits, or why there is none."""
        if self._chains is None:
            return list(map(self.evaluation, candidates))
        try:
            sizes = list(map(self.size, candidates))
            allowed = [self._task.limits.allow(size) for size in sizes]
            costs = iter(self.costs(list(itertools.compress(candidates, allowed))) if any(allowed) else ())
        except Exception as error:
            if came_of_interrupt(error):
                raise KeyboardInterrupt from error
            return [self.evaluation(depths) for depths in candidates]  # so that it is only of whom it is
        return [
            Evaluation(size, next(costs) if within else None)
            for size, within in zip(sizes, allowed, strict=True)
        ]

    def evaluation(self, depths: Depths) -> Evaluation:
        """Size, and cost within the limits, or why there is none."""
        size = None
        try:
            size = self.size(depths)
            return Evaluation(size, self.cost(depths) if self._task.limits.allow(size) else None)
        except Exception as error:
            return Evaluation(size, None, problem_of(error))


def _assembly(task: SearchTask) -> Assembly | None:
    try:
        return Assembly(task.network, task.hardware, task.options)
    except NotLocalError:
        return None


def _graphs(task: SearchTask, cache: Cache) -> Graphs | None:
    try:
        return Graphs(task.network, cache.parts)
    except NotLocalError:
        return None
