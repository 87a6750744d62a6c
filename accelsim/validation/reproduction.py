"""A published table beside the simulated one: errors, orderings, and which of them do not hold.

The error of a cell is ln(simulated / published): equally large for a third too much and a third too little.
Times are relative to the table's reference network on the same machine, so the reference's own are 1 by
definition; they count in no error.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from accelsim.errors import AccelsimError
from accelsim.validation.evaluate import Cost, Job, evaluate_all, shipped_hardware
from accelsim.validation.published import QUANTITIES, Ordering, Place, PublishedTable, Quantity


@dataclass(frozen=True)
class Cell:
    """One network on one machine, as published and as simulated."""

    network: str
    title: str
    hardware: str
    cycles: int
    relative_time: float
    published_relative_time: float
    time_log_error: float | None
    """None where the time is 1 by definition."""
    energy: float
    published_energy: float
    energy_log_error: float

    def log_error(self, quantity: Quantity) -> float | None:
        """ln(simulated / published) of one quantity."""
        return self.time_log_error if quantity == "time" else self.energy_log_error


@dataclass(frozen=True)
class Errors:
    """|ln(simulated / published)| over the cells of one quantity."""

    mean_abs_log_error: float
    max_abs_log_error: float


@dataclass(frozen=True)
class Reproduction:
    """A published table beside the simulated one."""

    table: PublishedTable
    cells: tuple[Cell, ...]
    time: Errors
    energy: Errors
    orderings: tuple[Ordering, ...]
    violated: tuple[Ordering, ...]

    @property
    def costs(self) -> Mapping[Place, Cost]:
        """What was simulated."""
        return {(cell.network, cell.hardware): Cost(cell.cycles, cell.energy) for cell in self.cells}

    def errors(self, quantity: Quantity) -> Errors:
        """Of one quantity."""
        return self.time if quantity == "time" else self.energy


def jobs_of(table: PublishedTable) -> list[Job]:
    """Every network of a table on every machine of it, as they ship with accelsim."""
    machines = {name: shipped_hardware(name) for name in table.machines}
    return [Job(network, machines[hardware]) for network, hardware in table.places]


def reproduce(table: PublishedTable, step: Callable[[str], None] = lambda _: None) -> Reproduction:
    """Simulate a published table. Raises the first AccelsimError that any of its networks meets."""
    costs: dict[Place, Cost] = {}
    for place, outcome in zip(table.places, evaluate_all(jobs_of(table), step), strict=True):
        if isinstance(outcome, AccelsimError):
            raise outcome
        costs[place] = outcome
    return compare_with(table, costs)


def compare_with(table: PublishedTable, costs: Mapping[Place, Cost]) -> Reproduction:
    """A published table beside what was simulated, for every network and machine of it."""
    cells = tuple(_cell(table, costs, network, hardware) for network, hardware in table.places)
    orderings = table.checked_orderings()
    return Reproduction(
        table=table,
        cells=cells,
        time=errors_of(cells, "time"),
        energy=errors_of(cells, "energy"),
        orderings=orderings,
        violated=tuple(ordering for ordering in orderings if not holds(ordering, costs)),
    )


def errors_of(cells: Iterable[Cell], quantity: Quantity) -> Errors:
    """Mean and largest error over the cells that are not 1 by definition."""
    errors = [abs(error) for cell in cells if (error := cell.log_error(quantity)) is not None]
    return Errors(math.fsum(errors) / len(errors), max(errors))


def holds(ordering: Ordering, costs: Mapping[Place, Cost]) -> bool:
    """Whether the simulated networks are in the order given."""
    more, less = simulated_pair(ordering, costs)
    return more > less or (more == less and not ordering.strict)


def simulated_pair(ordering: Ordering, costs: Mapping[Place, Cost]) -> tuple[float, float]:
    """The simulated cycles, or energies, of an ordering's two networks."""
    more, less = costs[ordering.more, ordering.hardware], costs[ordering.less, ordering.hardware]
    return (more.cycles, less.cycles) if ordering.quantity == "time" else (more.energy, less.energy)


def failures(reproduction: Reproduction) -> list[str]:
    """A sentence for each bar that is missed and each ordering that is violated; none if all is well."""
    return [
        *_missed_bars(reproduction),
        *(violation(ordering, reproduction) for ordering in reproduction.violated),
    ]


def violation(ordering: Ordering, reproduction: Reproduction) -> str:
    """`time on 8x8_32k: sqnxt23 (3840529 cycles) must be above sqnxt23v2 (3840530 cycles)`."""
    unit = "cycles" if ordering.quantity == "time" else "MAC"
    more, less = (
        f"{name} ({value:.12g} {unit})"
        for name, value in zip(
            (ordering.more, ordering.less), simulated_pair(ordering, reproduction.costs), strict=True
        )
    )
    relation = "above" if ordering.strict else "at or above"
    return f"{ordering.quantity} on {ordering.hardware}: {more} must be {relation} {less}"


def _missed_bars(reproduction: Reproduction) -> Sequence[str]:
    missed: list[str] = []
    for quantity in QUANTITIES:
        errors, bar = reproduction.errors(quantity), getattr(reproduction.table.bars, quantity)
        if errors.mean_abs_log_error > bar.mean:
            missed.append(
                f"{quantity}: mean error {errors.mean_abs_log_error:.4f} must not exceed {bar.mean:g}"
            )
        for cell in reproduction.cells:
            error = cell.log_error(quantity)
            if error is not None and abs(error) > bar.largest:
                missed.append(
                    f"{quantity} of {cell.network} on {cell.hardware}: error {error:+.4f} "
                    f"must not exceed {bar.largest:g} either way"
                )
    return missed


def _cell(table: PublishedTable, costs: Mapping[Place, Cost], network: str, hardware: str) -> Cell:
    cost, reference = costs[network, hardware], costs[table.relative_to, hardware]
    relative_time = cost.cycles / reference.cycles
    published_time = table.column(hardware, "time")[network]
    published_energy = table.column(hardware, "energy")[network]
    by_definition = network == table.relative_to
    return Cell(
        network=network,
        title=table.titles[network],
        hardware=hardware,
        cycles=cost.cycles,
        relative_time=relative_time,
        published_relative_time=published_time,
        time_log_error=None if by_definition else math.log(relative_time / published_time),
        energy=cost.energy,
        published_energy=published_energy,
        energy_log_error=math.log(cost.energy / published_energy),
    )
