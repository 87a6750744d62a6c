"""Which distribution of a network's blocks over its stages is best on a machine: all of them are simulated.

After SqueezeNext (Gholami et al., arXiv:1803.10615), whose authors moved blocks from stages that their
accelerator executes badly to others, by hand.
"""

import bisect
import itertools
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Literal, TypeAlias, get_args

from accelsim.descriptions.arguments import check_choice, check_function, whole_number, whole_number_or_none
from accelsim.descriptions.limits import MAX_BATCH, MAX_SAMPLES
from accelsim.execution.executor import Executor
from accelsim.execution.processes import Processes
from accelsim.search.evaluate import Evaluator, Limits, Outcome, Task, everyone, none_runs
from accelsim.search.family import Relative, relatives
from accelsim.search.pareto import Front
from accelsim.search.space import Depths, DepthSpace, SpaceError
from accelsim.search.store import Place, Store, TaskKey

Objective: TypeAlias = Literal["time", "energy", "edp", "pareto"]
"""edp: energy x time. pareto: the front of time, energy and parameters, of which energy x time is best."""
BATCH: Final = 32
"""Candidates that are handed out and written together."""
WORTHWHILE: Final = 1_000
"""Candidates from which on it pays to start more processes: each has to map every layer for itself."""


@dataclass(frozen=True)
class Candidate:
    """A network of other depths, and what it costs."""

    depths: Depths
    params: int
    macs: int
    """For one image."""
    cycles: int
    energy: float

    @property
    def figures(self) -> tuple[float, ...]:
        """What the front is of: time, energy, parameters."""
        return self.cycles, self.energy, self.params


@dataclass(frozen=True)
class Known:
    """A known network that falls on a candidate."""

    name: str
    candidate: Candidate
    rank: int
    """1 is the best."""
    on_front: bool


@dataclass(frozen=True)
class DepthSearch:
    """What a search found."""

    task: Task
    space: DepthSpace
    objective: Objective
    evaluated: int
    """Candidates that were looked at: all that the rules for depths leave."""
    feasible: int
    """Those within the limits."""
    ranked: tuple[Candidate, ...]
    """The best, best first; as many as were asked for."""
    front: tuple[Candidate, ...]
    """Nothing feasible is as good in time, energy and parameters and better in one; in order of time."""
    known: tuple[Known, ...]
    """Best first."""
    excluded: tuple[Relative, ...]
    """Known networks that the limits exclude."""
    not_executable: int
    """Candidates that cannot be built or mapped."""
    first_problem: str
    """Why the first of them cannot; empty where there is none."""
    reused: int
    """Candidates whose cost was in the store."""
    seconds: float

    @property
    def best(self) -> Candidate:
        """The first by the objective."""
        return self.ranked[0]


def search_depth(
    task: Task,
    space: DepthSpace,
    *,
    objective: Objective = "time",
    top: int = 10,
    store: str | Path | None = None,
    executor: Executor | None = None,
    step: Callable[[int], None] = lambda _: None,
) -> DepthSearch:
    """Simulate every candidate; `step` is told how many more are done, `executor` is by default all cores.

    Raises SpaceError where nothing is feasible, StoreError, and AccelsimError where a worker is lost.
    """
    check_choice("objective", objective, get_args(Objective))
    check_function("step", step, "how many more are done")
    task = replace(task, batch=whole_number_or_none("batch", task.batch, 1, MAX_BATCH))
    top = whole_number("top", top, 0, MAX_SAMPLES)
    began = time.perf_counter()
    if executor is None:
        executor = Processes(1) if space.size < WORTHWHILE else Processes()
    related = relatives(task.network)
    key = TaskKey.of(task)
    tally = _Tally(task.limits, objective, top, [one for one in related if one.depths in space])
    with (
        Store(store) if store is not None else nullcontext() as kept,
        executor.prepared(outcomes_of_batch, task) as workers,
    ):
        batches = _batches(key, space, [one.depths for one in tally.related], kept)
        for batch, outcomes in workers(batches):
            if kept is not None:
                kept.keep(batch.new(outcomes, key))
            tally.reused += len(batch.known)
            for depths, outcome in zip(batch.candidates, outcomes, strict=True):
                tally.see(depths, outcome)
            step(len(outcomes))
    tally.check_feasible()
    return DepthSearch(
        task=task,
        space=space,
        objective=objective,
        evaluated=tally.evaluated,
        feasible=tally.feasible,
        ranked=tuple(candidate for _, candidate in tally.ranked),
        front=tuple(sorted(tally.front, key=lambda one: (one.figures, one.depths))),
        known=tally.known(),
        excluded=tuple(one for one in tally.related if one.depths not in tally.costs),
        not_executable=tally.problems,
        first_problem=tally.first_problem,
        reused=tally.reused,
        seconds=time.perf_counter() - began,
    )


@dataclass(frozen=True)
class _Batch:
    """Candidates that are handed out together."""

    candidates: tuple[Depths, ...]
    known: dict[Depths, Outcome]
    """Of those that were evaluated by an earlier search."""

    def new(self, outcomes: Sequence[Outcome], key: TaskKey) -> list[tuple[Place, Outcome]]:
        """What the store does not hold yet."""
        return [
            (Place(key, depths), outcome)
            for depths, outcome in zip(self.candidates, outcomes, strict=True)
            if depths not in self.known
        ]


def outcomes_of_batch(task: Task) -> Callable[[_Batch], list[Outcome]]:
    """The function that a worker evaluates batches with."""
    evaluator = Evaluator(task)

    def outcome(depths: Depths, known: Outcome | None) -> Outcome:
        if known is None:
            return evaluator.outcome(depths)
        allowed = known.size is None or task.limits.allow(known.size)
        return known if allowed else Outcome(known.size, None)

    return lambda batch: [outcome(depths, batch.known.get(depths)) for depths in batch.candidates]


def _batches(
    key: TaskKey, space: DepthSpace, first: Sequence[Depths], store: Store | None
) -> Iterator[_Batch]:
    """Every candidate once: those that others are compared with before all others."""
    before = list(dict.fromkeys(first))
    rest = (depths for depths in space if depths not in before)
    parts = itertools.chain([tuple(before)], iter(lambda: tuple(itertools.islice(rest, BATCH)), ()))

    def known(part: Sequence[Depths]) -> dict[Depths, Outcome]:
        places = [Place(key, depths) for depths in part]
        return {} if store is None else {at.depths: one for at, one in store.known(places).items()}

    return (_Batch(part, known(part)) for part in parts if part)


class _Tally:
    """What is kept of all candidates; no more of a million than of a thousand, but for the front."""

    def __init__(self, limits: Limits, objective: Objective, top: int, related: Sequence[Relative]) -> None:
        self.objective, self.top = objective, max(1, top)
        self.related = related
        self.evaluated = self.feasible = self.reused = 0
        self.ranked: list[tuple[tuple[float, ...], Candidate]] = []
        self.front: Front[Candidate] = Front()
        self.costs: dict[Depths, Candidate] = {}
        """Of the related networks, where they are feasible."""
        self._better: Counter[Depths] = Counter()
        """Than each of those: how many of the other candidates."""
        self._of_related = {one.depths for one in related}
        self._sizes = _Sizes(limits)
        self.problems, self.first_problem = 0, ""

    def see(self, depths: Depths, outcome: Outcome) -> None:
        """Take note of a candidate; related networks come first."""
        self.evaluated += 1
        self._sizes.see(depths, outcome)
        if outcome.problem:
            self.problems += 1
            self.first_problem = self.first_problem or outcome.problem
        if outcome.size is None or outcome.cost is None:
            return
        self.feasible += 1
        size, cost = outcome.size, outcome.cost
        candidate = Candidate(depths, size.params, size.macs, cost.cycles, cost.energy)
        key = _key(candidate, self.objective)
        if depths in self._of_related:
            self.costs[depths] = candidate
        else:
            for other, its in self.costs.items():
                self._better[other] += key < _key(its, self.objective)
        self.front.add(candidate.figures, candidate)
        if len(self.ranked) < self.top or key < self.ranked[-1][0]:
            bisect.insort(self.ranked, (key, candidate), key=lambda entry: entry[0])
            del self.ranked[self.top :]

    def known(self) -> tuple[Known, ...]:
        """The related networks with their places, best first."""
        keys = {depths: _key(candidate, self.objective) for depths, candidate in self.costs.items()}
        on_front = {candidate.depths for candidate in self.front}
        found = [
            Known(
                one.name,
                self.costs[one.depths],
                1 + self._better[one.depths] + sum(key < keys[one.depths] for key in keys.values()),
                one.depths in on_front,
            )
            for one in self.related
            if one.depths in keys
        ]
        return tuple(sorted(found, key=lambda one: one.rank))

    def check_feasible(self) -> None:
        """Raise SpaceError if nothing is, which says why."""
        if not self.feasible:
            raise SpaceError(self._sizes.why_none(self.evaluated))


def _key(candidate: Candidate, objective: Objective) -> tuple[float, ...]:
    """What candidates are ranked by; no two of them have the same."""
    product = candidate.cycles * candidate.energy
    first = {"time": candidate.cycles, "energy": candidate.energy}.get(objective, product)
    return (first, *candidate.figures, *candidate.depths)


class _Sizes:
    """The smallest candidates, so that limits which exclude all can be told by how much."""

    def __init__(self, limits: Limits) -> None:
        self._limits = {"params": limits.params, "macs": limits.macs}
        self._least: dict[tuple[str, bool], tuple[int, Depths]] = {}
        """Of each limited quantity, among all and among those within the other limits."""
        self._problem = ""

    def see(self, depths: Depths, outcome: Outcome) -> None:
        """Take note of a candidate's size."""
        if outcome.problem or outcome.size is None:
            self._problem = self._problem or outcome.problem
            return
        sizes = {"params": outcome.size.params, "macs": outcome.size.macs}
        for name, size in sizes.items():
            others = all(
                limit is None or sizes[other] <= limit
                for other, limit in self._limits.items()
                if other != name
            )
            for among in (False, True) if others else (False,):
                self._least[name, among] = min(self._least.get((name, among), (size, depths)), (size, depths))

    def why_none(self, evaluated: int) -> str:
        """One line for each limit that excludes all; or for those that do so together."""
        if not self._least:
            return none_runs(evaluated, self._problem)
        alone = [
            line
            for name, limit in self._limits.items()
            if (line := self._too_small(name, limit, False, f"excludes {everyone(evaluated)}"))
        ]
        together = [
            self._too_small(name, limit, True, "excludes all candidates that the other limit allows")
            for name, limit in self._limits.items()
        ]
        return "\n".join(alone or filter(None, together)) or (
            f"none of the candidates within the limits can be executed, the first because: {self._problem}"
        )

    def _too_small(self, name: str, limit: int | None, among: bool, what: str) -> str:
        least, depths = self._least.get((name, among), (0, ()))
        if limit is None or least <= limit:
            return ""
        shown = "-".join(map(str, depths))
        return (
            f"max {name} = {limit}: {what}: the smallest of them, {shown}, has {least}, {least - limit} more"
        )
