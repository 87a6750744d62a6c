"""Do assumptions that were chosen on one machine hold on another?

A coordinate search goes through what the machine files assume, one parameter at a time: halved, doubled, or
another choice. It keeps what brings one machine's column of the published table nearer, until a whole round
brings nothing. The shipped values owe something to both columns, so the search also starts from all numbers
halved and from all doubled; the column says which of the results to take. The other machine's column, which
the search never saw, is the judge.
"""

import math
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field

from accelsim.descriptions import vary
from accelsim.errors import AccelsimError, DescriptionError
from accelsim.hardware import Hardware
from accelsim.validation.evaluate import Cost, Job, estimate, evaluate, evaluate_all, shipped_hardware
from accelsim.validation.published import QUANTITIES, Place, PublishedTable
from accelsim.validation.reproduction import Cell, compare_with, errors_of
from accelsim.validation.sensitivity import assumed_values, variants

MAX_ROUNDS = 5
"""A round tries every parameter; searches that have not come to rest by then are cut short."""


@dataclass(frozen=True)
class Fit:
    """Assumptions chosen by one machine's column."""

    chosen_on: str
    machine: Hardware = field(repr=False)
    objective: float
    """Mean time error + mean energy error of the column, estimated."""
    by_start: Mapping[str, float]
    """The objective that the search came to from each of its starting points."""
    tried: int
    """Machines that the search estimated the column on."""


def fit(table: PublishedTable, hardware: str, step: Callable[[str], None] = lambda _: None) -> Fit:
    """Choose what a machine assumes by its own column alone."""
    search = _ColumnSearch(table, hardware, step, {})
    ends = {
        name: search.descend(start) for name, start in starting_points(shipped_hardware(hardware)).items()
    }
    machine, objective = min(ends.values(), key=lambda end: end[1])
    by_start = {name: reached for name, (_, reached) in ends.items()}
    return Fit(hardware, machine, objective, by_start, len(search.known))


def starting_points(shipped: Hardware) -> dict[str, Hardware]:
    """The machine as it ships, with each of its assumptions at its first alternative, and at its last.

    Numbers come first halved and last doubled. An alternative that makes no machine is left out.
    """
    points = {"shipped": shipped, "halved": shipped, "doubled": shipped}
    for key in shipped.assumed:
        others = variants(shipped, key)
        for name, variant in (("halved", others[0]), ("doubled", others[-1])):
            with suppress(DescriptionError):
                points[name] = vary(points[name], **variant.changes)
    return points


def changed_between(start: Hardware, end: Hardware) -> dict[str, tuple[str, str]]:
    """The assumed parameters in which two machines differ, as (before, after)."""
    before, after = assumed_values(start), assumed_values(end)
    return {key: (before[key], after[key]) for key in before if before[key] != after[key]}


def with_assumptions_of(source: Hardware, target: Hardware) -> Hardware:
    """A machine with the assumed values of another, and its own array and buffer."""
    dumped = source.model_dump(mode="json")
    changes: dict[str, object] = {}
    for key in source.assumed:
        value: object = dumped
        for part in key.split("."):
            value = value[part] if isinstance(value, dict) else value
        changes[key] = value
    return vary(target, **changes)


def judge(
    table: PublishedTable, chosen: Fit, hardware: str, step: Callable[[str], None] = lambda _: None
) -> tuple[Cell, ...]:
    """One machine's column, simulated with the assumptions that were chosen on another."""
    machine = with_assumptions_of(chosen.machine, shipped_hardware(hardware))
    cells = column_cells(table, hardware, machine, step)
    if isinstance(cells, AccelsimError):
        raise cells
    return cells


def column_cells(
    table: PublishedTable,
    name: str,
    machine: Hardware,
    step: Callable[[str], None] = lambda _: None,
    how: Callable[[Job], Cost | AccelsimError] = evaluate,
) -> tuple[Cell, ...] | AccelsimError:
    """The cells of one machine's column on a variant of that machine, simulated or estimated."""
    column = of_machine(table, name)
    costs: dict[Place, Cost] = {}
    jobs = [Job(row.network, machine) for row in column.rows]
    for place, outcome in zip(column.places, evaluate_all(jobs, step, how), strict=True):
        if isinstance(outcome, AccelsimError):
            return outcome
        costs[place] = outcome
    return compare_with(column, costs).cells


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

    table: PublishedTable
    hardware: str
    step: Callable[[str], None]
    known: dict[str, float]

    def descend(self, start: Hardware) -> tuple[Hardware, float]:
        """The machine that no change of a single assumption makes better, and its objective."""
        best, least = start, self.objective(start)
        for _ in range(MAX_ROUNDS):
            before = least
            for key in start.assumed:
                best, least = self.best_value(best, least, key)
            if least >= before:
                break
        return best, least

    def best_value(self, best: Hardware, least: float, key: str) -> tuple[Hardware, float]:
        """The best of a parameter's value and of those next to it, going on while it gets better."""
        while True:
            better = best
            for variant in variants(best, key):
                try:
                    candidate = vary(best, **variant.changes)
                except DescriptionError:
                    continue
                value = self.objective(candidate)
                if value < least:
                    better, least = candidate, value
            if better is best:
                return best, least
            best = better

    def objective(self, machine: Hardware) -> float:
        """Mean time error + mean energy error of the column, by the estimate that mappings are chosen by.

        Infinite where a network cannot be mapped.
        """
        label = machine.model_dump_json()
        if label not in self.known:
            cells = column_cells(self.table, self.hardware, machine, self.step, estimate)
            if isinstance(cells, AccelsimError):
                self.known[label] = math.inf
            else:
                errors = [errors_of(cells, quantity).mean_abs_log_error for quantity in QUANTITIES]
                self.known[label] = math.fsum(errors)
        return self.known[label]
