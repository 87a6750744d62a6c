"""Do assumptions that were chosen on one machine hold on another?

A coordinate search goes through what the machine files assume, one parameter at a time: its `variants`. It
keeps what brings one machine's simulated column nearer to the published one, until a whole round brings
nothing. The shipped values owe something to both columns, so the search also starts from all numbers halved
and from all doubled, both with equal shares of the buffer; the column says which of the results to take. The
other machine's column, which the search never saw, is the judge.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final

from accelsim.descriptions import value_of, vary
from accelsim.errors import AccelsimError, DescriptionError
from accelsim.hardware import Hardware
from accelsim.validation.evaluate import (
    ColumnJob,
    Cost,
    evaluate_column,
    evaluate_columns,
    shipped_hardware,
)
from accelsim.validation.published import QUANTITIES, PublishedTable
from accelsim.validation.reproduction import Reproduction, compare_with
from accelsim.validation.sensitivity import assumed_values, variants

MAX_ROUNDS: Final = 5
"""A round tries every parameter; searches that have not come to rest by then are cut short."""
NEIGHBOURHOOD: Final = 4.0
"""Numbers stay within this factor of the shipped ones: a partial sum of one bit would be no finding."""
LEAST_GAIN: Final = 2e-4
"""Less is no reason to leave a value: the published digits alone leave errors of a hundredth."""


@dataclass(frozen=True)
class End:
    """Where a search came to rest."""

    machine: Hardware = field(repr=False)
    objective: float
    """Mean time error + mean energy error of the column."""


@dataclass(frozen=True)
class Fit:
    """Assumptions chosen by one machine's column."""

    chosen_on: str
    ends: Mapping[str, End]
    """By starting point."""
    evaluated: int
    """Machines that the search simulated the column on."""

    @property
    def start(self) -> str:
        """The starting point from which the search came nearest to the column."""
        return min(self.ends, key=lambda start: self.ends[start].objective)

    @property
    def best(self) -> End:
        """Where it came to from there."""
        return self.ends[self.start]


def fit(table: PublishedTable, hardware: str, step: Callable[[str], None] = lambda _: None) -> Fit:
    """Choose what a machine assumes by its own column alone."""
    shipped = shipped_hardware(hardware)
    search = _ColumnSearch(of_machine(table, hardware), shipped, step, {})
    ends = {name: search.descend(start) for name, start in starting_points(shipped).items()}
    return Fit(hardware, ends, len(search.objective_of))


def starting_points(shipped: Hardware) -> dict[str, Hardware]:
    """The machine as it ships, with each of its assumptions at its first alternative, and at its last.

    Numbers come first halved and last doubled; shares of the buffer, which can be neither all at once, are
    equal in both. An alternative that makes no machine is left out.
    """
    points = {"shipped": shipped, "halved": shipped, "doubled": shipped}
    for key in shipped.assumed:
        first, last = _extremes(shipped, key)
        for name, changes in (("halved", first), ("doubled", last)):
            with suppress(DescriptionError):
                points[name] = vary(points[name], **changes)
    return points


def _extremes(machine: Hardware, key: str) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    value = assumed_value(machine, key)
    if isinstance(value, dict):
        equal = {key: dict.fromkeys(value, math.fsum(value.values()) / len(value))}
        return equal, equal
    alternatives = variants(machine, key)
    return alternatives[0].changes, alternatives[-1].changes


def machines_beside(machine: Hardware, key: str) -> list[Hardware]:
    """The machines that one assumption's other values make; values that make none are left out."""
    machines: list[Hardware] = []
    for variant in variants(machine, key):
        with suppress(DescriptionError):
            machines.append(vary(machine, **variant.changes))
    return machines


def is_near(machine: Hardware, shipped: Hardware) -> bool:
    """Whether every assumed number is within `NEIGHBOURHOOD` of the shipped one."""
    pairs = zip(_assumed_numbers(machine), _assumed_numbers(shipped), strict=True)
    return all(number <= NEIGHBOURHOOD * base and base <= NEIGHBOURHOOD * number for number, base in pairs)


def _assumed_numbers(machine: Hardware) -> list[float]:
    values = [assumed_value(machine, key) for key in machine.assumed]
    parts = [value.values() if isinstance(value, dict) else (value,) for value in values]
    return [part for of_key in parts for part in of_key if isinstance(part, int | float)]


def changed_between(start: Hardware, end: Hardware) -> dict[str, tuple[str, str]]:
    """The assumed parameters in which two machines differ, as (before, after)."""
    before, after = assumed_values(start), assumed_values(end)
    return {key: (before[key], after[key]) for key in before if before[key] != after[key]}


def with_assumptions_of(source: Hardware, target: Hardware) -> Hardware:
    """A machine with the assumed values of another, and its own array and buffer."""
    return vary(target, **{key: assumed_value(source, key) for key in source.assumed})


def assumed_value(machine: Hardware, key: str) -> Any:
    """The plain value at a dotted key."""
    return value_of(machine.model_dump(mode="json"), key)[1]


def judge(table: PublishedTable, assumptions: Hardware, hardware: str) -> Reproduction:
    """One machine's column, simulated with what another, or the same, assumes. Raises AccelsimError."""
    machine = with_assumptions_of(assumptions, shipped_hardware(hardware))
    column = of_machine(table, hardware)
    costs = evaluate_column(_job(column, machine))
    if isinstance(costs, AccelsimError):
        raise costs
    return _compared(column, costs)


def of_machine(table: PublishedTable, hardware: str) -> PublishedTable:
    """The part of a table that is about one machine."""
    index = table.machines.index(hardware)
    rows = [
        {"network": row.network, "title": row.title, "time": [row.time[index]], "energy": [row.energy[index]]}
        for row in table.rows
    ]
    claims = [claim.model_dump() for claim in table.orderings if claim.hardware == hardware]
    return vary(table, machines=[hardware], rows=rows, orderings=claims)


@dataclass(frozen=True)
class _ColumnSearch:
    """Tries machines on one column, each once."""

    column: PublishedTable
    shipped: Hardware
    step: Callable[[str], None]
    objective_of: dict[str, float]
    """By the machine's JSON: what was simulated."""

    def descend(self, start: Hardware) -> End:
        """The machine that no change of a single assumption makes better."""
        best, least = start, self.objectives([start])[0]
        for _ in range(MAX_ROUNDS):
            before = least
            for key in start.assumed:
                best, least = self.best_value(best, least, key)
            if least >= before - LEAST_GAIN:
                break
        return End(best, least)

    def best_value(self, best: Hardware, least: float, key: str) -> tuple[Hardware, float]:
        """The best of a parameter's value and of those next to it, going on while it gets better."""
        while True:
            candidates = machines_beside(best, key)
            neighbours = [machine for machine in candidates if is_near(machine, self.shipped)]
            objectives = self.objectives(neighbours)
            if min(objectives, default=math.inf) >= least - LEAST_GAIN:
                return best, least
            least, best = min(zip(objectives, neighbours, strict=True), key=lambda pair: pair[0])

    def objectives(self, machines: Sequence[Hardware]) -> list[float]:
        """Mean time error + mean energy error of the column; infinite where a network cannot be mapped."""
        labels = [machine.model_dump_json() for machine in machines]
        new = {
            label: machine
            for label, machine in zip(labels, machines, strict=True)
            if label not in self.objective_of
        }
        jobs = [_job(self.column, machine) for machine in new.values()]
        for label, outcome in zip(new, evaluate_columns(jobs, self.step), strict=True):
            self.objective_of[label] = (
                math.inf if isinstance(outcome, AccelsimError) else self._errors(outcome)
            )
        return [self.objective_of[label] for label in labels]

    def _errors(self, costs: Sequence[Cost]) -> float:
        reproduction = _compared(self.column, costs)
        return math.fsum(reproduction.errors(quantity).mean_abs_log_error for quantity in QUANTITIES)


def _job(column: PublishedTable, machine: Hardware) -> ColumnJob:
    return ColumnJob(tuple(row.network for row in column.rows), machine)


def _compared(column: PublishedTable, costs: Sequence[Cost]) -> Reproduction:
    return compare_with(column, dict(zip(column.cell_keys, costs, strict=True)))
