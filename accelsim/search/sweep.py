"""Sweep: machines and networks together, every combination or a sample, by any number of objectives."""

import time
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeVar

from accelsim.descriptions.arguments import check_function
from accelsim.errors import came_of_interrupt
from accelsim.execution.executor import Executor, Workers
from accelsim.execution.processes import Processes
from accelsim.hardware import Hardware
from accelsim.network.description import Network
from accelsim.network.lowered import lowered_network
from accelsim.reuse.cache import Cache
from accelsim.search.evaluate import Evaluation, SearchTask, Size, problem_of, run_cost
from accelsim.search.infeasible import Infeasible
from accelsim.search.metrics import (
    AT_A_RATE,
    METRIC_INDEX,
    METRICS,
    Numbers,
    known_figures,
    simulated_figures,
)
from accelsim.search.pareto import Front
from accelsim.search.sampling import Feedback, SamplingPlan
from accelsim.search.space import SpaceError, depths_of
from accelsim.search.spec import Sweep
from accelsim.search.store import ResultKey, Store, TaskKey

if TYPE_CHECKING:
    import pandas as pd

TOGETHER: Final = 4
"""Candidates of one machine and its siblings that a worker gets at a time: they share what is found out about
layers."""
MOST_NETWORKS: Final = 256
MOST_MACHINES: Final = 16
"""Descriptions of candidates that are kept at a time: each takes some 30 KB, and time to check."""
KeyT = TypeVar("KeyT", bound=Hashable)
ValueT = TypeVar("ValueT")


@dataclass(frozen=True)
class SweepCandidate:
    """A network on a machine, within all constraints.

    Example:
        >>> figures = {"cycles": 1000.0, "pes": 64.0}
        >>> numbers = tuple(figures.get(name) for name in METRICS)
        >>> SweepCandidate(7, numbers, rank=1, on_front=True).figure("cycles")
        1000.0
    """

    index: int
    """Its number in the space."""
    numbers: Numbers
    """Its value for each metric, in the order of METRICS."""
    rank: int | None
    """1 is the best; None where it has no value for an objective."""
    on_front: bool
    """Whether nothing is as good by every objective and better by one."""

    def figure(self, name: str) -> float | None:
        """The value of a metric."""
        return self.numbers[METRIC_INDEX[name]]


@dataclass(frozen=True)
class SweepResult:
    """What a sweep found.

    Example:
        >>> from pathlib import Path
        >>> from tempfile import mkdtemp
        >>> from accelsim.search import plan_for, read_sweep
        >>> file = Path(mkdtemp(), "rows.yaml")
        >>> _ = file.write_text(
        ...     "{networks: [sqnxt23v5], hardware: [16x16_128k], objectives: [cycles, pes],"
        ...     " hardware_parameters: {pe_array.rows: [8, 16]}}"
        ... )
        >>> sweep = read_sweep(file)
        >>> result = run_sweep(sweep, plan_for(sweep))
        >>> [result.row(candidate)["pe_array.rows"] for candidate in result.front]
        [16, 8]
    """

    sweep: Sweep
    """Whose candidates were evaluated."""
    plan: SamplingPlan
    """How they were chosen."""
    evaluated: int
    """Candidates that were looked at; each once."""
    simulated: int
    """Those of them that have a cost, from the store or from workers; the others were excluded before, or
    cannot be executed."""
    candidates: tuple[SweepCandidate, ...]
    """Those within the constraints: by the first objective, the best first; at the end those without rank."""
    problems: tuple[tuple[int, str], ...]
    """Of each candidate that cannot be executed: its number, and why."""
    reused: int
    """Candidates whose result was in the store."""
    seconds: float
    """How long the sweep took."""

    @property
    def feasible(self) -> int:
        """Candidates within the constraints."""
        return len(self.candidates)

    @cached_property
    def ranked(self) -> tuple[SweepCandidate, ...]:
        """Candidates with a value for each objective, best first."""
        return tuple(candidate for candidate in self.candidates if candidate.rank is not None)

    @cached_property
    def front(self) -> tuple[SweepCandidate, ...]:
        """Nothing that was evaluated is as good by every objective and better by one; in order of rank."""
        return tuple(candidate for candidate in self.ranked if candidate.on_front)

    @property
    def best(self) -> SweepCandidate:
        """The first by the first objective."""
        return self.ranked[0]

    def row(self, candidate: SweepCandidate) -> dict[str, Any]:
        """Everything about a candidate: its value on each axis, rank, and all metrics."""
        return {
            "rank": candidate.rank,
            "on_front": candidate.on_front,
            **self.sweep.settings(candidate.index),
            **dict(zip(METRICS, candidate.numbers, strict=True)),
        }

    def to_dataframe(self) -> "pd.DataFrame":
        """A row for each candidate within the constraints, best first (needs pandas)."""
        import pandas as pd  # noqa: PLC0415

        return pd.DataFrame([self.row(candidate) for candidate in self.candidates])


def run_sweep(
    sweep: Sweep,
    plan: SamplingPlan,
    *,
    store: str | Path | None = None,
    executor: Executor | None = None,
    step: Callable[[int], None] = lambda _: None,
) -> SweepResult:
    """Evaluate candidates of a sweep, and rank those within the constraints.

    Args:
        sweep: The space, objectives and constraints.
        plan: Which candidates are evaluated, as `plan_for` says.
        store: A file that keeps what each candidate costs, so that a sweep that was stopped goes on.
        executor: Where candidates are evaluated; None is all cores of this machine.
        step: Is told how many more are done.

    Returns:
        The candidates within the constraints, ranked, with their metrics and the Pareto front.

    Raises:
        SpaceError: Where no candidate is within the constraints: the text says by how much.
        StoreError, AccelsimError: Where the file cannot be used, or workers are lost.

    Example:
        >>> from pathlib import Path
        >>> from tempfile import mkdtemp
        >>> from accelsim.search import plan_for, read_sweep
        >>> file = Path(mkdtemp(), "rows.yaml")
        >>> _ = file.write_text(
        ...     "{networks: [sqnxt23v5], hardware: [16x16_128k], objectives: [cycles, pes],"
        ...     " hardware_parameters: {pe_array.rows: [8, 16]}}"
        ... )
        >>> result = run_sweep(read_sweep(file), plan_for(read_sweep(file)))
        >>> result.evaluated, result.row(result.best)["pe_array.rows"]
        (2, 16)
    """
    check_function("step", step, "how many more are done")
    began = time.perf_counter()
    tally = _SweepTally(sweep)
    sampler = plan.sampler(sweep)
    with (
        Store(store) if store is not None else nullcontext() as results,
        (executor or Processes()).prepared(measurer_of, sweep) as workers,
    ):
        evaluations = _Evaluations(sweep, results, workers)
        for indexes in sampler.generations():
            for index, measured in evaluations.of(indexes):
                sampler.tell(index, tally.see(index, measured))
                step(1)
    return SweepResult(
        sweep=sweep,
        plan=plan,
        evaluated=tally.evaluated,
        simulated=tally.simulated,
        candidates=tally.candidates(),
        problems=tuple(sorted(tally.problems)),
        reused=evaluations.reused,
        seconds=time.perf_counter() - began,
    )


class _Latest(OrderedDict[KeyT, ValueT]):
    """Values that were made lately, so that memory stays constant however many are asked for."""

    def __init__(self, capacity: int) -> None:
        super().__init__()
        self._capacity = capacity

    def get_or_make(self, key: KeyT, make: Callable[[], ValueT]) -> ValueT:
        """The value of a key."""
        if key not in self:
            while len(self) >= self._capacity:
                self.popitem(last=False)
            self[key] = make()
        self.move_to_end(key)
        return self[key]


class _Variants:
    """Networks and machines of a sweep's candidates."""

    def __init__(self, sweep: Sweep) -> None:
        self._sweep = sweep
        self._networks: _Latest[tuple[int, ...], Network] = _Latest(MOST_NETWORKS)
        self._machines: _Latest[tuple[int, ...], Hardware] = _Latest(MOST_MACHINES)

    def task(self, index: int) -> SearchTask:
        """A candidate. Raises DescriptionError where its parameters do not fit each other."""
        sweep = self._sweep
        network = self._networks.get_or_make(sweep.network_key(index), lambda: sweep.network(index))
        hardware = self._machines.get_or_make(sweep.hardware_key(index), lambda: sweep.hardware(index))
        return SearchTask(
            network, hardware, batch=sweep.batch, dataflow=sweep.dataflow, inferences=sweep.inferences
        )

    def numbers(self, index: int, evaluation: Evaluation) -> Numbers:
        """The value of each metric, None where it is not known."""
        if evaluation.size is None:
            return (None,) * len(METRICS)
        task = self.task(index)
        top1 = self._sweep.published_top1(task.network, task.hardware, index)
        figures = dict(known_figures(evaluation.size, task.hardware, top1))
        if evaluation.cost is not None:
            figures |= simulated_figures(
                evaluation.cost, task.hardware, self._sweep.images, self._sweep.demand
            )
        return tuple(figures.get(name) for name in METRICS)

    def within_known(self, index: int, size: Size) -> bool:
        """Whether a candidate is within the constraints that need no simulation."""
        known = [limit for limit in self._sweep.constraints if not limit.metric.simulated]
        numbers = self.numbers(index, Evaluation(size, None)) if known else ()
        return not any(limit.excess(numbers[METRIC_INDEX[limit.metric.name]]) for limit in known)

    def measured(self, index: int, evaluation: Evaluation) -> "Measured":
        """What became of a candidate, with the value of each metric."""
        unknown = (None,) * len(METRICS)
        return Measured(evaluation, unknown if evaluation.problem else self.numbers(index, evaluation))


class Measured(NamedTuple):
    """What became of a candidate, and the value of each metric: worked out where its machine is known."""

    evaluation: Evaluation
    numbers: Numbers
    """None for all of them where the candidate cannot be executed."""


def measurer_of(sweep: Sweep) -> Callable[[tuple[int, ...]], list[Measured]]:
    """The function that a worker evaluates candidates with; what it learns from one serves the next."""
    variants, cache = _Variants(sweep), Cache()

    def measured(index: int) -> Measured:
        size = None
        try:
            task = variants.task(index)
            lowered = cache.lowered(task.network, lowered_network)
            size = Size(lowered.params, lowered.macs)
            cost = run_cost(task, cache) if variants.within_known(index, size) else None
            return variants.measured(index, Evaluation(size, cost))
        except Exception as error:
            return variants.measured(index, Evaluation(size, None, problem_of(error)))

    return lambda indexes: list(map(measured, indexes))


class _Evaluations:
    """What becomes of candidates: from the store, or from workers and then into the store."""

    def __init__(
        self, sweep: Sweep, store: Store | None, workers: Workers[tuple[int, ...], list[Measured]]
    ) -> None:
        self._sweep, self._store, self._workers = sweep, store, workers
        self._variants = _Variants(sweep)
        self._keys: dict[int, ResultKey] = {}
        """Under which results of candidates that workers have are kept in the store."""
        self._from_store: list[tuple[int, Measured]] = []
        """Taken from the store while looking for work."""
        self.reused = 0

    def of(self, indexes: Iterable[int]) -> Iterator[tuple[int, Measured]]:
        """Each candidate with what became of it, the moment that is known."""
        # Workers draw from `_work`; what that takes from the store meanwhile waits in `_from_store`.
        for piece, results in self._workers(self._work(indexes), in_order=False):
            measured = list(zip(piece, results, strict=True))
            if self._store is not None:
                keyed = [(self._keys.pop(index, None), result.evaluation) for index, result in measured]
                self._store.keep((key, evaluation) for key, evaluation in keyed if key is not None)
            yield from measured
            yield from self._drained()
        yield from self._drained()

    def _drained(self) -> list[tuple[int, Measured]]:
        drained, self._from_store = self._from_store, []
        return drained

    def _work(self, indexes: Iterable[int]) -> Iterator[tuple[int, ...]]:
        """Candidates that are not in the store, those of one machine and its siblings together."""
        for piece in _pieces(self._sweep, indexes):
            stored = self._stored(piece)
            self._from_store += [
                (index, self._variants.measured(index, evaluation)) for index, evaluation in stored.items()
            ]
            self.reused += len(stored)
            if rest := tuple(index for index in piece if index not in stored):
                yield rest

    def _stored(self, piece: Sequence[int]) -> dict[int, Evaluation]:
        """What the store says of candidates, without the cost of those that a constraint excludes here."""
        if self._store is None:
            return {}
        keys = {index: key for index in piece if (key := self._key(index))}
        evaluations = self._store.evaluations(list(keys.values()))
        stored = {index: evaluations[key] for index, key in keys.items() if key in evaluations}
        self._keys |= {index: key for index, key in keys.items() if index not in stored}
        return {
            index: evaluation
            if evaluation.size is None or self._variants.within_known(index, evaluation.size)
            else Evaluation(evaluation.size, None)
            for index, evaluation in stored.items()
        }

    def _key(self, index: int) -> ResultKey | None:
        """None where the candidate's parameters do not fit each other: that takes no time to find out."""
        try:
            task = self._variants.task(index)
        except Exception as error:
            if came_of_interrupt(error):
                raise KeyboardInterrupt from error
            return None
        return ResultKey(TaskKey.of(task), depths_of(task.network))


def _pieces(sweep: Sweep, indexes: Iterable[int]) -> Iterator[tuple[int, ...]]:
    piece: list[int] = []
    for index in indexes:
        of_others = bool(piece) and sweep.siblings_key(piece[0]) != sweep.siblings_key(index)
        if of_others or len(piece) == TOGETHER:
            yield tuple(piece)
            piece = []
        piece.append(index)
    if piece:
        yield tuple(piece)


class _SweepTally:
    """What is kept of all candidates."""

    def __init__(self, sweep: Sweep) -> None:
        self._sweep = sweep
        self.evaluated = self.simulated = 0
        self.problems: list[tuple[int, str]] = []
        self._feasible: list[tuple[int, Numbers]] = []
        self._infeasible = Infeasible(sweep)

    def see(self, index: int, measured: Measured) -> Feedback:
        """Take note of a candidate."""
        evaluation, numbers = measured
        self.evaluated += 1
        self.simulated += evaluation.cost is not None
        objectives = self._objectives(numbers)
        if evaluation.problem:
            self.problems.append((index, evaluation.problem))
            return Feedback(None, ())
        excesses = tuple(
            limit.excess(numbers[METRIC_INDEX[limit.metric.name]]) for limit in self._sweep.constraints
        )
        if not any(excesses):
            self._feasible.append((index, numbers))
        else:
            self._infeasible.see(index, numbers, evaluation.cost is not None)
        return Feedback(objectives if evaluation.cost is not None else None, excesses)

    def _objectives(self, numbers: Numbers) -> tuple[float, ...] | None:
        """The less the better; None where one is not known."""
        objectives = []
        for metric in self._sweep.objectives:
            value = numbers[METRIC_INDEX[metric.name]]
            if value is None:
                return None
            objectives.append(metric.loss(value))
        return tuple(objectives)

    def candidates(self) -> tuple[SweepCandidate, ...]:
        """Ranked, the others behind them. Raises SpaceError if there are none."""
        if not self._feasible:
            raise SpaceError(self._infeasible.why_none(self.evaluated, self.problems))
        front: Front[int] = Front()
        ranked = []
        for index, numbers in sorted(self._feasible):
            objectives = self._objectives(numbers)
            if objectives is not None:
                front.add(objectives, index)
                ranked.append((objectives, index, numbers))
        on_front = set(front)
        ranked.sort(key=lambda entry: entry[:2])
        placed = [
            SweepCandidate(index, numbers, rank, index in on_front)
            for rank, (_, index, numbers) in enumerate(ranked, start=1)
        ]
        if not placed:
            raise SpaceError(self._no_objective())
        unranked = dict(self._feasible)
        for candidate in placed:
            del unranked[candidate.index]
        return (*placed, *(SweepCandidate(index, unranked[index], None, False) for index in sorted(unranked)))

    def _no_objective(self) -> str:
        missing = [
            metric.name
            for metric in self._sweep.objectives
            if all(numbers[METRIC_INDEX[metric.name]] is None for _, numbers in self._feasible)
        ]
        reasons = {
            "top1": "no top-1 accuracy is published of any candidate, and none is estimated",
            "area_mm2": "every candidate's words are wider than the table of areas is for",
            **dict.fromkeys(AT_A_RATE, "no candidate keeps the frame rate"),
        }
        names = missing or [metric.name for metric in self._sweep.objectives]
        return f"objectives: {'; '.join(reasons.get(name, f'no candidate has {name}') for name in names)}"
