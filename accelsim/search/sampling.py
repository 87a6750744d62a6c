"""Sampling: which candidates of a space are evaluated: all, or those that Optuna proposes.

A sampler works in generations of a fixed size: it proposes one, and is told what became of all of it before
it proposes the next. So what it proposes follows from the seed alone, whoever evaluates and in which order;
and a sweep that was stopped proposes the same again, and finds the results in the store.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal, Protocol, TypeAlias, get_args

from accelsim.descriptions.arguments import check_choice, of_kind, whole_number, whole_number_or_none
from accelsim.descriptions.limits import MAX_SAMPLES, MAX_SEED
from accelsim.errors import AccelsimError, missing_extra
from accelsim.search.spec import Sweep

if TYPE_CHECKING:
    import optuna

SamplerName: TypeAlias = Literal["exhaustive", "nsga2", "tpe"]
SMALL: Final = 10_000
"""Candidates up to which a space is evaluated as a whole unless something else is asked for."""
DEFAULT_SAMPLES: Final = 1_000
GENERATIONS: Final = {"nsga2": 50, "tpe": 10}
"""Candidates that are proposed before the next are: Optuna's population, and a few for TPE."""


@dataclass(frozen=True)
class Feedback:
    """What a sampler is told of a candidate."""

    objectives: tuple[float, ...] | None
    """None where one of them is not known."""
    excesses: tuple[float, ...]
    """Of each constraint: by how much it is broken."""


class Sampler(Protocol):
    """Proposes candidates."""

    def generations(self) -> Iterator[Iterator[int]]:
        """Candidates to evaluate, each once; the next are asked for when these have been told."""

    def tell(self, index: int, feedback: Feedback) -> None:
        """What became of a candidate."""


@dataclass(frozen=True)
class SamplingPlan:
    """How candidates are chosen, and how many.

    Example:
        >>> SamplingPlan("nsga2", samples=500).seed
        0
    """

    name: SamplerName
    """All of the space, or those that Optuna proposes by NSGA-II or TPE."""
    samples: int
    """Candidates that are evaluated."""
    seed: int = 0
    """What a sampler's proposals follow from."""

    def sampler(self, sweep: Sweep) -> Sampler:
        """The sampler at its beginning. Raises AccelsimError where Optuna is not installed."""
        return _Exhaustive(sweep) if self.name == "exhaustive" else _Optuna(sweep, self)


def plan_for(
    sweep: Sweep, *, name: SamplerName | None = None, samples: int | None = None, seed: int = 0
) -> SamplingPlan:
    """What was asked for, and the rest by the size of the space.

    Args:
        sweep: Whose candidates are chosen.
        name: The sampler; None is all candidates where the space is small, or where as many samples as it has
            are asked for, else NSGA-II.
        samples: Candidates to evaluate; None is all of them, or `DEFAULT_SAMPLES`.
        seed: What the proposals of a sampler follow from.

    Returns:
        The plan that `run_sweep` takes.

    Raises:
        AccelsimError: Where the wishes contradict each other.

    Example:
        >>> from accelsim.search import read_sweep
        >>> sweep = read_sweep("docs/examples/small_sweep.yaml")
        >>> plan_for(sweep)
        SamplingPlan(name='exhaustive', samples=162, seed=0)
        >>> plan_for(sweep, samples=50)
        SamplingPlan(name='nsga2', samples=50, seed=0)
    """
    sweep = of_kind("sweep", sweep, Sweep)
    check_choice("name", name, (None, *get_args(SamplerName)))
    samples = whole_number_or_none("samples", samples, 1, MAX_SAMPLES)
    seed = whole_number("seed", seed, 0, MAX_SEED)
    whole = sweep.size if samples is None else min(samples, sweep.size)
    if name == "exhaustive" and whole < sweep.size:
        raise AccelsimError(
            f"samples = {samples}: an exhaustive sweep evaluates all {sweep.size} candidates: "
            "give another sampler"
        )
    if name is None:
        small = sweep.size <= SMALL if samples is None else samples >= sweep.size
        name = "exhaustive" if small else "nsga2"
    if name == "exhaustive":
        return SamplingPlan(name, sweep.size, seed)
    return SamplingPlan(name, min(samples or DEFAULT_SAMPLES, sweep.size), seed)


class _Exhaustive:
    """Every candidate, in order."""

    def __init__(self, sweep: Sweep) -> None:
        self._size = sweep.size

    def generations(self) -> Iterator[Iterator[int]]:
        """See Sampler."""
        yield iter(range(self._size))

    def tell(self, index: int, feedback: Feedback) -> None:
        """Nothing follows from it."""


class _Optuna:
    """What Optuna's NSGA-II or TPE proposes, until there are as many different ones as were asked for.

    In place of a candidate that was proposed before stands a random one, of which Optuna is told, too: so a
    space is never stuck in, and every sample is a new candidate.
    """

    def __init__(self, sweep: Sweep, plan: SamplingPlan) -> None:
        with missing_extra(f"the sampler {plan.name}", "optuna", "search"):
            import optuna  # noqa: PLC0415
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        self._sweep, self._plan, self._random = sweep, plan, random.Random(plan.seed)
        self._feedback: dict[int, Feedback] = {}
        self._study = optuna.create_study(
            directions=["minimize"] * len(sweep.objectives), sampler=_optunas(optuna, plan)
        )
        self._distributions = {
            axis.name: optuna.distributions.IntDistribution(0, len(axis.values) - 1)
            if axis.ordered
            else optuna.distributions.CategoricalDistribution(list(range(len(axis.values))))
            for axis in sweep.varying
        }
        self._failed = optuna.trial.TrialState.FAIL

    def generations(self) -> Iterator[Iterator[int]]:
        """See Sampler."""
        while len(self._feedback) < self._plan.samples:
            # Invariant: a whole generation is proposed before any of it is told, in the order proposed, so
            # that what comes next follows from the seed alone (docs/decisions/sampler.md).
            trials = [self._ask() for _ in range(GENERATIONS[self._plan.name])]
            proposed = set(self._feedback)
            for trial in tuple(trials):
                index = self._index(trial)
                if index in proposed:
                    if len(proposed) >= self._plan.samples:  # there are enough, and perhaps no others
                        continue
                    index = self._unproposed(proposed)
                    trials.append(self._ask(index))
                proposed.add(index)
            new = [index for trial in trials if (index := self._index(trial)) not in self._feedback]
            yield iter(sorted(list(dict.fromkeys(new))[: self._plan.samples - len(self._feedback)]))
            for trial in trials:
                self._tell(trial)

    def tell(self, index: int, feedback: Feedback) -> None:
        """See Sampler."""
        self._feedback[index] = feedback

    def _ask(self, index: int | None = None) -> "optuna.Trial":
        """A trial of what Optuna proposes, or of the candidate that it is to consider."""
        if index is not None:
            digits = zip(self._sweep.axes, self._sweep.digits(index), strict=True)
            self._study.enqueue_trial(
                {axis.name: digit for axis, digit in digits if axis.name in self._distributions}
            )
        return self._study.ask(dict(self._distributions))

    def _unproposed(self, proposed: set[int]) -> int:
        while (index := self._random.randrange(self._sweep.size)) in proposed:
            pass
        return index

    def _index(self, trial: "optuna.Trial") -> int:
        return self._sweep.index(tuple(trial.params.get(axis.name, 0) for axis in self._sweep.axes))

    def _tell(self, trial: "optuna.Trial") -> None:
        feedback = self._feedback.get(self._index(trial))
        if feedback is None or feedback.objectives is None:
            self._study.tell(trial, state=self._failed)
            return
        for index, excess in enumerate(feedback.excesses):
            trial.set_constraint(str(index), excess)
        self._study.tell(trial, list(feedback.objectives))


def _optunas(optuna: Any, plan: SamplingPlan) -> Any:
    if plan.name == "tpe":
        return optuna.samplers.TPESampler(seed=plan.seed)
    return optuna.samplers.NSGAIISampler(population_size=GENERATIONS["nsga2"], seed=plan.seed)
