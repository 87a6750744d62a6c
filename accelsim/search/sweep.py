"""Sweep: machines and networks together, every combination or a sample, by any number of objectives."""

import time
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

from accelsim.descriptions import flow_text
from accelsim.descriptions.arguments import check_function
from accelsim.errors import came_of_interrupt
from accelsim.execution.executor import Executor, Workers
from accelsim.execution.processes import Processes
from accelsim.hardware import Hardware
from accelsim.network.description import Network
from accelsim.network.lowered import lowered_network
from accelsim.reuse.cache import Cache
from accelsim.search.evaluate import Outcome, Size, Task, everyone, none_runs, problem_of, run_cost
from accelsim.search.metrics import METRICS, known_figures, simulated_figures
from accelsim.search.pareto import Front
from accelsim.search.sampling import Judged, Plan
from accelsim.search.space import SpaceError, depths_of
from accelsim.search.spec import Sweep
from accelsim.search.store import Place, Store, TaskKey

if TYPE_CHECKING:
    import pandas as pd

TOGETHER: Final = 4
"""Candidates of one machine that a worker gets at a time: they share what is found out about layers."""
MOST_NETWORKS: Final = 256
MOST_MACHINES: Final = 16
"""Descriptions of candidates that are kept at a time: each takes some 30 KB, and time to check."""
KeyT = TypeVar("KeyT", bound=Hashable)
ValueT = TypeVar("ValueT")
Numbers = tuple[float | None, ...]
"""A value of each metric, in the order of METRICS."""


@dataclass(frozen=True)
class Candidate:
    """A network on a machine, within all constraints."""

    index: int
    """Its number in the space."""
    numbers: Numbers
    rank: int | None
    """1 is the best; None where it has no value for an objective."""
    on_front: bool

    def figure(self, name: str) -> float | None:
        """The value of a metric."""
        return self.numbers[_PLACES[name]]


_PLACES: Final = {name: place for place, name in enumerate(METRICS)}


@dataclass(frozen=True)
class SweepResult:
    """What a sweep found."""

    sweep: Sweep
    plan: Plan
    evaluated: int
    """Candidates that were looked at; each once."""
    simulated: int
    """Those of them that have a cost, from the store or from workers; the others were excluded before, or
    cannot be executed."""
    candidates: tuple[Candidate, ...]
    """Those within the constraints: by the first objective, the best first; at the end those without rank."""
    problems: tuple[tuple[int, str], ...]
    """Of each candidate that cannot be executed: its number, and why."""
    reused: int
    """Candidates whose result was in the store."""
    seconds: float

    @property
    def feasible(self) -> int:
        """Candidates within the constraints."""
        return len(self.candidates)

    @cached_property
    def ranked(self) -> tuple[Candidate, ...]:
        """Candidates with a value for each objective, best first."""
        return tuple(one for one in self.candidates if one.rank is not None)

    @cached_property
    def front(self) -> tuple[Candidate, ...]:
        """Nothing that was evaluated is as good by every objective and better by one; in order of rank."""
        return tuple(one for one in self.ranked if one.on_front)

    @property
    def best(self) -> Candidate:
        """The first by the first objective."""
        return self.ranked[0]

    def row(self, candidate: Candidate) -> dict[str, Any]:
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

        return pd.DataFrame([self.row(one) for one in self.candidates])


def run_sweep(
    sweep: Sweep,
    plan: Plan,
    *,
    store: str | Path | None = None,
    executor: Executor | None = None,
    step: Callable[[int], None] = lambda _: None,
) -> SweepResult:
    """Evaluate what the plan says; `step` is told how many more are done, `executor` is by default all cores.

    Raises SpaceError where no candidate is within the constraints, StoreError, and AccelsimError where
    workers are lost.
    """
    check_function("step", step, "how many more are done")
    began = time.perf_counter()
    tally = _Tally(sweep)
    sampler = plan.sampler(sweep)
    with (
        Store(store) if store is not None else nullcontext() as kept,
        (executor or Processes()).prepared(evaluator_of, sweep) as workers,
    ):
        evaluation = _Evaluation(sweep, kept, workers)
        for indexes in sampler.generations():
            for index, outcome in evaluation.outcomes(indexes):
                sampler.tell(index, tally.see(index, outcome))
                step(1)
    return SweepResult(
        sweep=sweep,
        plan=plan,
        evaluated=tally.evaluated,
        simulated=tally.simulated,
        candidates=tally.candidates(),
        problems=tuple(sorted(tally.problems)),
        reused=evaluation.reused,
        seconds=time.perf_counter() - began,
    )


class _Latest(OrderedDict[KeyT, ValueT]):
    """Values that were made lately, so that memory stays constant however many are asked for."""

    def __init__(self, most: int) -> None:
        super().__init__()
        self._most = most

    def get_or_make(self, key: KeyT, make: Callable[[], ValueT]) -> ValueT:
        """The value of a key."""
        if key not in self:
            while len(self) >= self._most:
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

    def task(self, index: int) -> Task:
        """A candidate. Raises DescriptionError where its parameters do not fit each other."""
        sweep = self._sweep
        network = self._networks.get_or_make(sweep.network_key(index), lambda: sweep.network(index))
        hardware = self._machines.get_or_make(sweep.hardware_key(index), lambda: sweep.hardware(index))
        return Task(network, hardware, batch=sweep.batch, dataflow=sweep.dataflow)

    def numbers(self, index: int, outcome: Outcome) -> Numbers:
        """The value of each metric, None where it is not known."""
        if outcome.size is None:
            return (None,) * len(METRICS)
        task = self.task(index)
        top1 = self._sweep.published_top1(task.network, task.hardware, index)
        figures = dict(known_figures(outcome.size, task.hardware, top1))
        if outcome.cost is not None:
            figures |= simulated_figures(outcome.cost, task.hardware)
        return tuple(figures.get(name) for name in METRICS)

    def within_known(self, index: int, size: Size) -> bool:
        """Whether a candidate is within the constraints that need no simulation."""
        numbers = self.numbers(index, Outcome(size, None))
        return not any(
            limit.excess(numbers[_PLACES[limit.metric.name]])
            for limit in self._sweep.constraints
            if not limit.metric.simulated
        )


def evaluator_of(sweep: Sweep) -> Callable[[tuple[int, ...]], list[Outcome]]:
    """The function that a worker evaluates candidates with; what it learns from one serves the next."""
    variants, cache = _Variants(sweep), Cache()

    def outcome(index: int) -> Outcome:
        size = None
        try:
            task = variants.task(index)
            lowered = cache.lowered(task.network, lowered_network)
            size = Size(lowered.params, lowered.macs)
            return Outcome(size, run_cost(task, cache) if variants.within_known(index, size) else None)
        except Exception as error:
            return Outcome(size, None, problem_of(error))

    return lambda indexes: [outcome(index) for index in indexes]


class _Evaluation:
    """Outcomes of candidates: from the store, or from workers and then into the store."""

    def __init__(
        self, sweep: Sweep, store: Store | None, workers: Workers[tuple[int, ...], list[Outcome]]
    ) -> None:
        self._sweep, self._store, self._workers = sweep, store, workers
        self._variants = _Variants(sweep)
        self._found: list[tuple[int, Outcome]] = []
        """Taken from the store while looking for work."""
        self.reused = 0

    def outcomes(self, indexes: Iterable[int]) -> Iterator[tuple[int, Outcome]]:
        """Each candidate with what became of it, the moment that is known."""
        for piece, outcomes in self._workers(self._work(indexes), in_order=False):
            fresh = list(zip(piece, outcomes, strict=True))
            if self._store is not None:
                self._store.keep((place, one) for index, one in fresh if (place := self._place(index)))
            yield from fresh
            yield from self._drained()
        yield from self._drained()

    def _drained(self) -> list[tuple[int, Outcome]]:
        found, self._found = self._found, []
        return found

    def _work(self, indexes: Iterable[int]) -> Iterator[tuple[int, ...]]:
        """Candidates that are not in the store, those of one machine together."""
        for piece in _pieces(self._sweep, indexes):
            known = self._known(piece)
            self._found += known.items()
            self.reused += len(known)
            if rest := tuple(index for index in piece if index not in known):
                yield rest

    def _known(self, piece: Sequence[int]) -> dict[int, Outcome]:
        if self._store is None:
            return {}
        places = {index: place for index in piece if (place := self._place(index))}
        kept = self._store.known(list(places.values()))
        known = {index: kept[place] for index, place in places.items() if place in kept}
        return {
            index: outcome
            if outcome.size is None or self._variants.within_known(index, outcome.size)
            else Outcome(outcome.size, None)
            for index, outcome in known.items()
        }

    def _place(self, index: int) -> Place | None:
        """None where the candidate's parameters do not fit each other: that takes no time to find out."""
        try:
            task = self._variants.task(index)
        except Exception as error:
            if came_of_interrupt(error):
                raise KeyboardInterrupt from error
            return None
        return Place(TaskKey.of(task), depths_of(task.network))


def _pieces(sweep: Sweep, indexes: Iterable[int]) -> Iterator[tuple[int, ...]]:
    piece: list[int] = []
    for index in indexes:
        other = bool(piece) and sweep.hardware_key(piece[0]) != sweep.hardware_key(index)
        if other or len(piece) == TOGETHER:
            yield tuple(piece)
            piece = []
        piece.append(index)
    if piece:
        yield tuple(piece)


class _Tally:
    """What is kept of all candidates."""

    def __init__(self, sweep: Sweep) -> None:
        self._sweep, self._variants = sweep, _Variants(sweep)
        self.evaluated = self.simulated = 0
        self.problems: list[tuple[int, str]] = []
        self._feasible: list[tuple[int, Numbers]] = []
        self._broken = _Broken(sweep)

    def see(self, index: int, outcome: Outcome) -> Judged:
        """Take note of a candidate."""
        self.evaluated += 1
        self.simulated += outcome.cost is not None
        numbers = self._variants.numbers(index, outcome) if not outcome.problem else (None,) * len(METRICS)
        objectives = self._objectives(numbers)
        if outcome.problem:
            self.problems.append((index, outcome.problem))
            return Judged(None, ())
        excesses = tuple(one.excess(numbers[_PLACES[one.metric.name]]) for one in self._sweep.constraints)
        if not any(excesses):
            self._feasible.append((index, numbers))
        else:
            self._broken.see(index, numbers, outcome.cost is not None)
        return Judged(objectives if outcome.cost is not None else None, excesses)

    def _objectives(self, numbers: Numbers) -> tuple[float, ...] | None:
        """The less the better; None where one is not known."""
        found = []
        for one in self._sweep.objectives:
            value = numbers[_PLACES[one.name]]
            if value is None:
                return None
            found.append(one.sign(value))
        return tuple(found)

    def candidates(self) -> tuple[Candidate, ...]:
        """Ranked, the others behind them. Raises SpaceError if there are none."""
        if not self._feasible:
            raise SpaceError(self._broken.why_none(self.evaluated, self.problems))
        front: Front[int] = Front()
        ranked = []
        for index, numbers in sorted(self._feasible):
            objectives = self._objectives(numbers)
            if objectives is not None:
                front.add(objectives, index)
                ranked.append((objectives, index, numbers))
        on_front = set(front)
        ranked.sort(key=lambda one: one[:2])
        placed = [
            Candidate(index, numbers, rank, index in on_front)
            for rank, (_, index, numbers) in enumerate(ranked, start=1)
        ]
        if not placed:
            raise SpaceError(self._no_objective())
        others = dict(self._feasible)
        for one in placed:
            del others[one.index]
        return (*placed, *(Candidate(index, others[index], None, False) for index in sorted(others)))

    def _no_objective(self) -> str:
        missing = [
            one.name
            for one in self._sweep.objectives
            if all(numbers[_PLACES[one.name]] is None for _, numbers in self._feasible)
        ]
        reasons = {
            "top1": "no top-1 accuracy is published of any candidate, and none is estimated",
            "area_mm2": "every candidate's words are wider than the table of areas is for",
        }
        names = missing or [one.name for one in self._sweep.objectives]
        return f"objectives: {'; '.join(reasons.get(name, f'no candidate has {name}') for name in names)}"


class _Broken:
    """How far candidates are from the constraints, to say by how much those that exclude all do so."""

    def __init__(self, sweep: Sweep) -> None:
        self._sweep = sweep
        self._seen = [0] * len(sweep.constraints)
        self._nearest: list[tuple[float, int, float] | None] = [None] * len(sweep.constraints)
        """Of each constraint: the least excess, whose it is, and its value."""
        self._together: tuple[tuple[bool, float, int], Numbers] | None = None

    def see(self, index: int, numbers: Numbers, simulated: bool) -> None:
        """Take note of a candidate that breaks a constraint."""
        total = 0.0
        for place, limit in enumerate(self._sweep.constraints):
            if limit.metric.simulated and not simulated:
                continue
            value = numbers[_PLACES[limit.metric.name]]
            excess = limit.excess(value)
            total += excess / (abs(limit.bound) or 1.0)
            self._seen[place] += 1
            entry = (excess, index, 0.0 if value is None else value)
            self._nearest[place] = min(self._nearest[place] or entry, entry)
        key = (not simulated, total, index)
        if self._together is None or key < self._together[0]:
            self._together = (key, numbers)

    def why_none(self, evaluated: int, problems: Sequence[tuple[int, str]]) -> str:
        """One line for each constraint that excludes all; or for those that do so together."""
        if self._together is None:
            return none_runs(evaluated, min(problems)[1])
        alone = [
            self._line(place) for place, nearest in enumerate(self._nearest) if nearest and nearest[0] > 0
        ]
        return "\n".join(alone) or self._line_together(evaluated)

    def _line(self, place: int) -> str:
        limit, nearest = self._sweep.constraints[place], self._nearest[place]
        assert nearest is not None
        excess, index, value = nearest
        excluded = f"excludes {everyone(self._seen[place])}"
        if limit.metric.simulated and self._seen[place] < max(self._seen):
            excluded += " that the others leave to be simulated"
        if excess == float("inf"):
            return f"{limit.text}: {excluded}: none of them has a published or known {limit.metric.name}"
        side = "more" if limit.at_most else "less"
        return (
            f"{limit.text}: {excluded}: the nearest, {label(self._sweep, index)}, has {_shown(value)}, "
            f"{_shown(excess)} {side}"
        )

    def _line_together(self, evaluated: int) -> str:
        assert self._together is not None
        (_, _, index), numbers = self._together
        missed = []
        for limit in self._sweep.constraints:
            value = numbers[_PLACES[limit.metric.name]]
            if value is not None and (excess := limit.excess(value)) > 0:
                side = "much" if limit.at_most else "little"
                missed.append(f"{limit.metric.name} {_shown(value)}, {_shown(excess)} too {side}")
        texts = ", ".join(limit.text for limit in self._sweep.constraints)
        return (
            f"constraints: together they exclude {everyone(evaluated)}, none alone ({texts}): the "
            f"nearest, {label(self._sweep, index)}, has {' and '.join(missed)}"
        )


def label(sweep: Sweep, index: int) -> str:
    """`pe_array.rows = 8, networks = sqnxt23v5`: what tells a candidate from the others."""
    settings = sweep.settings(index)
    told = {axis.name: settings[axis.name] for axis in sweep.varying} or settings
    texts = {
        name: flow_text(value) if isinstance(value, list | dict) else value for name, value in told.items()
    }
    return ", ".join(f"{name} = {text}" for name, text in texts.items())


def _shown(value: float) -> str:
    return f"{value:.0f}" if value == int(value) else f"{value:.4g}"
