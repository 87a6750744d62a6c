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

from accelsim.descriptions.arguments import (
    check_choice,
    check_function,
    of_kind,
    whole_number,
    whole_number_or_none,
)
from accelsim.descriptions.limits import MAX_BATCH, MAX_SAMPLES
from accelsim.execution.executor import Executor
from accelsim.execution.processes import Processes
from accelsim.search.evaluate import Evaluation, Evaluator, Limits, SearchTask, everyone, none_runs
from accelsim.search.family import Relative, relatives
from accelsim.search.pareto import Front
from accelsim.search.space import Depths, DepthSpace, SpaceError
from accelsim.search.store import ResultKey, Store, TaskKey

DepthObjective: TypeAlias = Literal["time", "energy", "edp", "pareto"]
"""edp: energy x time. pareto: the front of time, energy and parameters, of which energy x time is best."""
Figures: TypeAlias = tuple[int, float, int]
"""Cycles, energy, parameters."""
CHUNK: Final = 32
"""Candidates that are handed out and written together."""
TOGETHER: Final = 1_024
"""The same where candidates are put together of what is known: what is done once for all of them counts."""
WORTHWHILE: Final = 1_000
"""Candidates from which on it pays to start more processes, where each candidate is built for itself: each
process has to map every layer. Candidates that are put together are done sooner than handed over."""


@dataclass(frozen=True)
class DepthCandidate:
    """A network of other depths, and what it costs.

    Example:
        >>> DepthCandidate((2, 4, 14, 1), 930016, 224916480, cycles=1235414, energy=2035386368.0).figures
        (1235414, 2035386368.0, 930016)
    """

    depths: Depths
    """Blocks of each repeating stage."""
    params: int
    """Parameters of the network."""
    macs: int
    """Multiply-accumulates of one image."""
    cycles: int
    """Of all images that run together."""
    energy: float
    """Of all images, in the machine's unit."""

    @property
    def figures(self) -> tuple[float, ...]:
        """What the front is of: time, energy, parameters."""
        return self.cycles, self.energy, self.params


@dataclass(frozen=True)
class KnownNetwork:
    """A known network that falls on a candidate.

    Example:
        >>> candidate = DepthCandidate((2, 4, 14, 1), 930016, 224916480, 1235414, 2035386368.0)
        >>> KnownNetwork("sqnxt23v5", candidate, rank=1, on_front=True).candidate.depths
        (2, 4, 14, 1)
    """

    name: str
    """As `accelsim list networks` has it."""
    candidate: DepthCandidate
    """What it costs."""
    rank: int
    """1 is the best."""
    on_front: bool
    """Whether no candidate is as good in time, energy and parameters and better in one."""


@dataclass(frozen=True)
class DepthSearch:
    """What a search found.

    Example:
        >>> from accelsim import load_hardware, load_network
        >>> from accelsim.search import depth_space
        >>> network = load_network("sqnxt23v5")
        >>> space = depth_space(network, fixed={"stage1": 2, "stage2": 4})
        >>> found = search_depth(SearchTask(network, load_hardware("16x16_128k")), space, top=1)
        >>> [(known.name, known.rank) for known in found.known]
        [('sqnxt23v5', 14)]
    """

    task: SearchTask
    """What was searched, on which machine."""
    space: DepthSpace
    """The candidates."""
    objective: DepthObjective
    """What they are ranked by."""
    evaluated: int
    """Candidates that were looked at: all that the rules for depths leave."""
    feasible: int
    """Those within the limits."""
    ranked: tuple[DepthCandidate, ...]
    """The best, best first; as many as were asked for."""
    front: tuple[DepthCandidate, ...]
    """Nothing feasible is as good in time, energy and parameters and better in one; in order of time."""
    known: tuple[KnownNetwork, ...]
    """Best first."""
    excluded: tuple[Relative, ...]
    """KnownNetwork networks that the limits exclude."""
    not_executable: int
    """Candidates that cannot be built or mapped."""
    first_problem: str
    """Why the first of them cannot; empty where there is none."""
    reused: int
    """Candidates whose cost was in the store."""
    seconds: float = 0.0
    """How long the search took."""

    @property
    def best(self) -> DepthCandidate:
        """The first by the objective."""
        return self.ranked[0]


def search_depth(
    task: SearchTask,
    space: DepthSpace,
    *,
    objective: DepthObjective = "time",
    top: int = 10,
    store: str | Path | None = None,
    executor: Executor | None = None,
    step: Callable[[int], None] = lambda _: None,
) -> DepthSearch:
    """Simulate every distribution of a network's blocks over its stages, and rank them.

    Args:
        task: The network, the machine, limits, and how candidates are mapped.
        space: The candidates.
        objective: What they are ranked by.
        top: How many of the best are kept.
        store: A file that keeps what each candidate costs, so that a search that was stopped goes on.
        executor: Where candidates are simulated; None is all cores of this machine.
        step: Is told how many more are done.

    Returns:
        The best candidates, the Pareto front of time, energy and parameters, and known networks among them.

    Raises:
        SpaceError: Where no candidate is within the limits: the text says by how much the nearest is not.
        StoreError: Where the file cannot be used.
        AccelsimError: Where a worker is lost.

    Example:
        >>> from accelsim import load_hardware, load_network
        >>> from accelsim.search import depth_space
        >>> network = load_network("sqnxt23v5")
        >>> space = depth_space(network, fixed={"stage1": 2, "stage2": 4})
        >>> found = search_depth(SearchTask(network, load_hardware("16x16_128k")), space)
        >>> found.evaluated, found.best.depths, found.best.cycles
        (14, (2, 4, 1, 14), 1235102)
    """
    task, space = of_kind("task", task, SearchTask), of_kind("space", space, DepthSpace)
    check_choice("objective", objective, get_args(DepthObjective))
    check_function("step", step, "how many more are done")
    task = replace(task, batch=whole_number_or_none("batch", task.batch, 1, MAX_BATCH))
    top = whole_number("top", top, 0, MAX_SAMPLES)
    began = time.perf_counter()
    few = space.size < WORTHWHILE
    quick = not few and _is_put_together(task, space)
    if executor is None:
        executor = Processes(1) if few or quick else Processes()
    related = [relative for relative in relatives(task.network) if relative.depths in space]
    tally = _DepthTally(task.limits, objective, top, related)
    _see_all(tally, task, space, store, executor, step, TOGETHER if quick else CHUNK)
    return replace(tally.search(task, space), seconds=time.perf_counter() - began)


def _is_put_together(task: SearchTask, space: DepthSpace) -> bool:
    """Whether candidates are put together of the same parts; seen from one that is quick to build."""
    evaluator = Evaluator(task)
    if evaluator.puts_together:
        evaluator.evaluation((2,) * len(space.stages))
    return evaluator.puts_together


def _see_all(
    tally: "_DepthTally",
    task: SearchTask,
    space: DepthSpace,
    store: str | Path | None,
    executor: Executor,
    step: Callable[[int], None],
    at_once: int,
) -> None:
    """Evaluate every candidate, unless the store has it."""
    key = TaskKey.of(task)
    with (
        Store(store) if store is not None else nullcontext() as results,
        executor.prepared(chunk_evaluator, task) as workers,
    ):
        chunks = _chunks(key, space, [relative.depths for relative in tally.related], results, at_once)
        for chunk, evaluations in workers(chunks):
            if results is not None:
                results.keep(chunk.new(evaluations, key))
            tally.reused += len(chunk.stored)
            tally.see(chunk.candidates, evaluations)
            step(len(evaluations))


@dataclass(frozen=True)
class _Chunk:
    """Candidates that are handed out together."""

    candidates: tuple[Depths, ...]
    stored: dict[Depths, Evaluation]
    """Of those that were evaluated by an earlier search."""

    def new(self, evaluations: Sequence[Evaluation], key: TaskKey) -> list[tuple[ResultKey, Evaluation]]:
        """What the store does not hold yet."""
        return [
            (ResultKey(key, depths), evaluation)
            for depths, evaluation in zip(self.candidates, evaluations, strict=True)
            if depths not in self.stored
        ]


def chunk_evaluator(task: SearchTask) -> Callable[[_Chunk], list[Evaluation]]:
    """The function that a worker evaluates chunks of candidates with."""
    evaluator = Evaluator(task)

    def within_limits(stored: Evaluation) -> Evaluation:
        allowed = stored.size is None or task.limits.allow(stored.size)
        return stored if allowed else Evaluation(stored.size, None)

    def evaluations(chunk: _Chunk) -> list[Evaluation]:
        stored = chunk.stored
        new = iter(evaluator.evaluations([depths for depths in chunk.candidates if depths not in stored]))
        return [
            within_limits(stored[depths]) if depths in stored else next(new) for depths in chunk.candidates
        ]

    return evaluations


def _chunks(
    key: TaskKey, space: DepthSpace, first: Sequence[Depths], store: Store | None, at_once: int
) -> Iterator[_Chunk]:
    """Every candidate once, so many together: those that others are compared with before all others."""
    before = dict.fromkeys(first)
    rest = (depths for depths in space if depths not in before)
    parts = itertools.chain([tuple(before)], iter(lambda: tuple(itertools.islice(rest, at_once)), ()))

    def stored(part: Sequence[Depths]) -> dict[Depths, Evaluation]:
        if store is None:
            return {}
        evaluations = store.evaluations([ResultKey(key, depths) for depths in part])
        return {result_key.depths: evaluation for result_key, evaluation in evaluations.items()}

    return (_Chunk(part, stored(part)) for part in parts if part)


class _DepthTally:
    """What is kept of all candidates; no more of a million than of a thousand, but for the front."""

    def __init__(
        self, limits: Limits, objective: DepthObjective, top: int, related: Sequence[Relative]
    ) -> None:
        self.objective, self.top = objective, max(1, top)
        self.related = related
        self.evaluated = self.feasible = self.reused = 0
        self.ranked: list[tuple[tuple[float, ...], DepthCandidate]] = []
        self._front: Front[tuple[Figures, Depths, int]] = Front()
        """With multiply-accumulates."""
        self.costs: dict[Depths, DepthCandidate] = {}
        """Of the related networks, where they are feasible."""
        self._keys: dict[Depths, tuple[float, ...]] = {}
        """What those are ranked by."""
        self._better_counts: Counter[Depths] = Counter()
        """Of each of those: how many of the other candidates are better."""
        self._related_depths = {relative.depths for relative in related}
        self._smallest = _SmallestCandidates(limits)
        self.problems, self.first_problem = 0, ""

    def see(self, candidates: Sequence[Depths], evaluations: Sequence[Evaluation]) -> None:
        """Take note of candidates; related networks come first."""
        entries = []
        for depths, evaluation in zip(candidates, evaluations, strict=True):
            self.evaluated += 1
            if not self.feasible:
                self._smallest.see(depths, evaluation)
            if evaluation.problem:
                self.problems += 1
                self.first_problem = self.first_problem or evaluation.problem
            size, cost = evaluation.size, evaluation.cost
            if size is None or cost is None:
                continue
            self.feasible += 1
            figures = cost.cycles, cost.energy, size.params
            self._rank(figures, depths, size.macs)
            entries.append((figures, (figures, depths, size.macs)))
        self._front.add_all(entries)

    def _rank(self, figures: Figures, depths: Depths, macs: int) -> None:
        key = _key(figures, depths, self.objective)
        if depths in self._related_depths:
            self.costs[depths], self._keys[depths] = _candidate(figures, depths, macs), key
        else:
            for related, key_of_related in self._keys.items():
                if key < key_of_related:
                    self._better_counts[related] += 1
        if len(self.ranked) < self.top or key < self.ranked[-1][0]:
            bisect.insort(self.ranked, (key, _candidate(figures, depths, macs)), key=lambda entry: entry[0])
            del self.ranked[self.top :]

    @property
    def front(self) -> list[DepthCandidate]:
        """Those that no other dominates."""
        return [_candidate(figures, depths, macs) for figures, depths, macs in self._front]

    def known_networks(self) -> tuple[KnownNetwork, ...]:
        """The related networks with their ranks, best first."""
        keys = self._keys
        on_front = {candidate.depths for candidate in self.front}
        networks = [
            KnownNetwork(
                relative.name,
                self.costs[relative.depths],
                1
                + self._better_counts[relative.depths]
                + sum(key < keys[relative.depths] for key in keys.values()),
                relative.depths in on_front,
            )
            for relative in self.related
            if relative.depths in keys
        ]
        return tuple(sorted(networks, key=lambda network: network.rank))

    def search(self, task: SearchTask, space: DepthSpace) -> DepthSearch:
        """What was found. Raises SpaceError if nothing is feasible, which says why."""
        if not self.feasible:
            raise SpaceError(self._smallest.why_none(self.evaluated))
        return DepthSearch(
            task=task,
            space=space,
            objective=self.objective,
            evaluated=self.evaluated,
            feasible=self.feasible,
            ranked=tuple(candidate for _, candidate in self.ranked),
            front=tuple(sorted(self.front, key=lambda candidate: (candidate.figures, candidate.depths))),
            known=self.known_networks(),
            excluded=tuple(relative for relative in self.related if relative.depths not in self.costs),
            not_executable=self.problems,
            first_problem=self.first_problem,
            reused=self.reused,
        )


def _candidate(figures: Figures, depths: Depths, macs: int) -> DepthCandidate:
    cycles, energy, params = figures
    return DepthCandidate(depths, params, macs, cycles, energy)


def _key(figures: Figures, depths: Depths, objective: DepthObjective) -> tuple[float, ...]:
    """What candidates are ranked by; no two of them have the same."""
    cycles, energy, _ = figures
    if objective == "time":
        return (cycles, *figures, *depths)
    return (energy if objective == "energy" else cycles * energy, *figures, *depths)


class _SmallestCandidates:
    """The smallest candidates, so that limits which exclude all can be told by how much."""

    def __init__(self, limits: Limits) -> None:
        self._limits = {"params": limits.params, "macs": limits.macs}
        self._least: dict[tuple[str, bool], tuple[int, Depths]] = {}
        """Of each limited quantity, among all and among those within the other limits."""
        self._problem = ""

    def see(self, depths: Depths, evaluation: Evaluation) -> None:
        """Take note of a candidate's size."""
        if evaluation.problem or evaluation.size is None:
            self._problem = self._problem or evaluation.problem
            return
        sizes = {"params": evaluation.size.params, "macs": evaluation.size.macs}
        for name, size in sizes.items():
            within_other_limits = all(
                limit is None or sizes[limited] <= limit
                for limited, limit in self._limits.items()
                if limited != name
            )
            for among in (False, True) if within_other_limits else (False,):
                self._least[name, among] = min(self._least.get((name, among), (size, depths)), (size, depths))

    def why_none(self, evaluated: int) -> str:
        """One line for each limit that excludes all; or for those that do so together."""
        if not self._least:
            return none_runs(evaluated, self._problem)
        by_themselves = [
            line
            for name, limit in self._limits.items()
            if (line := self._too_small(name, limit, False, f"excludes {everyone(evaluated)}"))
        ]
        together = [
            self._too_small(name, limit, True, "excludes all candidates that the other limit allows")
            for name, limit in self._limits.items()
        ]
        return "\n".join(by_themselves or filter(None, together)) or (
            f"none of the candidates within the limits can be executed, the first because: {self._problem}"
        )

    def _too_small(self, name: str, limit: int | None, among: bool, effect: str) -> str:
        least, depths = self._least.get((name, among), (0, ()))
        if limit is None or least <= limit:
            return ""
        label = "-".join(map(str, depths))
        excess = f"has {least}, {least - limit} more"
        return f"max {name} = {limit}: {effect}: the smallest of them, {label}, {excess}"
