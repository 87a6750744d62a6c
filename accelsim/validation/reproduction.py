"""A published table beside the simulated one: errors, orderings, and which of them do not hold.

The error of a cell is ln(simulated / published): equally large for a third too much and a third too little.
Times are relative to the table's reference network on the same machine, so the reference's own are 1 by
definition; they count in no error.
"""

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import assert_never

from accelsim.errors import AccelsimError
from accelsim.validation.evaluate import Cost, Job, evaluate_all, shipped_hardware
from accelsim.validation.published import QUANTITIES, CellKey, Ordering, PublishedTable, Quantity


@dataclass(frozen=True)
class TableCell:
    """One network on one machine, as published and as simulated.

    Example:
        >>> from accelsim.validation import load_pinned, load_published
        >>> reproduction = compare_with(load_published("squeezenext"), load_pinned("squeezenext"))
        >>> cell = reproduction.cells[0]
        >>> cell.network, cell.hardware, round(cell.log_error("energy"), 3)
        ('alexnet', '8x8_32k', 0.072)
    """

    network: str
    """Its name."""
    title: str
    """What the paper calls it."""
    hardware: str
    """The machine's name."""
    cycles: int
    """Simulated."""
    relative_time: float
    """Simulated cycles / those of the table's reference network on the same machine."""
    published_relative_time: float
    """As the paper has it."""
    time_log_error: float | None
    """ln(simulated / published); None where the time is 1 by definition."""
    energy: float
    """Simulated, in multiply-accumulates."""
    published_energy: float
    """As the paper has it, likewise."""
    energy_log_error: float
    """ln(simulated / published)."""

    def log_error(self, quantity: Quantity) -> float | None:
        """ln(simulated / published) of one quantity."""
        match quantity:
            case "time":
                return self.time_log_error
            case "energy":
                return self.energy_log_error
            case _:
                assert_never(quantity)


@dataclass(frozen=True)
class Errors:
    """|ln(simulated / published)| over the cells of one quantity; 0 where no cell has one."""

    mean_abs_log_error: float
    max_abs_log_error: float


@dataclass(frozen=True)
class MissedBar:
    """An error that exceeds what it may be.

    Example:
        >>> MissedBar("time", error=0.03, bar=0.02).cell is None
        True
    """

    quantity: Quantity
    """Time or energy."""
    error: float
    """ln(simulated / published), or the mean of its absolute values."""
    bar: float
    """What it must not exceed, either way."""
    cell: TableCell | None = None
    """None where it is the mean over all cells."""


@dataclass(frozen=True)
class Reproduction:
    """A published table beside the simulated one.

    Example:
        >>> from accelsim.validation import load_pinned, load_published
        >>> reproduction = compare_with(load_published("squeezenext"), load_pinned("squeezenext"))
        >>> round(reproduction.time.mean_abs_log_error, 3), len(reproduction.violated)
        (0.015, 0)
    """

    table: PublishedTable
    """As published."""
    cells: tuple[TableCell, ...]
    """Every network on every machine, those of a machine after each other."""
    time: Errors
    """Of relative times."""
    energy: Errors
    """Of energies."""
    orderings: tuple[Ordering, ...]
    """Those that were checked."""
    violated: tuple[Ordering, ...]
    """Those of them that do not hold."""

    @property
    def costs(self) -> Mapping[CellKey, Cost]:
        """What was simulated."""
        return {(cell.network, cell.hardware): Cost(cell.cycles, cell.energy) for cell in self.cells}

    def errors(self, quantity: Quantity) -> Errors:
        """Of one quantity."""
        match quantity:
            case "time":
                return self.time
            case "energy":
                return self.energy
            case _:
                assert_never(quantity)


def jobs_of(table: PublishedTable) -> list[Job]:
    """Every network of a table on every machine of it, as they ship with accelsim."""
    machines = {name: shipped_hardware(name) for name in table.machines}
    return [Job(network, machines[hardware]) for network, hardware in table.cell_keys]


def reproduce(table: PublishedTable, step: Callable[[str], None] = lambda _: None) -> Reproduction:
    """Simulate a published table, on all cores.

    Args:
        table: As published.
        step: Is told of each simulation that is done.

    Returns:
        The table beside what was simulated.

    Raises:
        AccelsimError: The first that any of its networks meets.

    Example:
        >>> from accelsim.descriptions import vary
        >>> from accelsim.validation import load_published
        >>> table = load_published("squeezenext")
        >>> rows = [row for row in table.rows if row.network in ("sqnxt23", table.relative_to)]
        >>> reproduction = reproduce(vary(table, rows=rows, orderings=[]))
        >>> [round(cell.time_log_error, 3) for cell in reproduction.cells if cell.network == "sqnxt23"]
        [-0.007, 0.005]
    """
    costs: dict[CellKey, Cost] = {}
    for key, outcome in zip(table.cell_keys, evaluate_all(jobs_of(table), step), strict=True):
        if isinstance(outcome, AccelsimError):
            raise outcome
        costs[key] = outcome
    return compare_with(table, costs)


def compare_with(table: PublishedTable, costs: Mapping[CellKey, Cost]) -> Reproduction:
    """A published table beside what was simulated.

    Args:
        table: As published.
        costs: Of every network on every machine of it, by the names of both.

    Returns:
        Errors of each cell, and which orderings hold.

    Example:
        >>> from accelsim.validation import load_pinned, load_published
        >>> reproduction = compare_with(load_published("squeezenext"), load_pinned("squeezenext"))
        >>> len(reproduction.cells)
        26
    """
    cells = tuple(_cell(table, costs, network, hardware) for network, hardware in table.cell_keys)
    orderings = table.checked_orderings()
    return Reproduction(
        table=table,
        cells=cells,
        time=errors_of(cells, "time"),
        energy=errors_of(cells, "energy"),
        orderings=orderings,
        violated=tuple(ordering for ordering in orderings if not holds(ordering, costs)),
    )


def errors_of(cells: Iterable[TableCell], quantity: Quantity) -> Errors:
    """Mean and largest error over the cells that are not 1 by definition; 0 where there is none."""
    errors = [abs(error) for cell in cells if (error := cell.log_error(quantity)) is not None]
    return Errors(math.fsum(errors) / max(1, len(errors)), max(errors, default=0.0))


def holds(ordering: Ordering, costs: Mapping[CellKey, Cost]) -> bool:
    """Whether the simulated networks are in the order given."""
    higher, lower = simulated_pair(ordering, costs)
    return higher > lower or (higher == lower and not ordering.strict)


def simulated_pair(ordering: Ordering, costs: Mapping[CellKey, Cost]) -> tuple[float, float]:
    """The simulated cycles, or energies, of an ordering's two networks."""
    higher, lower = costs[ordering.more, ordering.hardware], costs[ordering.less, ordering.hardware]
    match ordering.quantity:
        case "time":
            return higher.cycles, lower.cycles
        case "energy":
            return higher.energy, lower.energy
        case quantity:
            assert_never(quantity)


def missed_bars(reproduction: Reproduction) -> tuple[MissedBar, ...]:
    """The bars that are exceeded, by a quantity's mean error or by that of a cell.

    Args:
        reproduction: Whose table says the bars.

    Returns:
        The missed bars; none if all is well.

    Example:
        >>> from accelsim.validation import load_pinned, load_published
        >>> reproduction = compare_with(load_published("squeezenext"), load_pinned("squeezenext"))
        >>> missed_bars(reproduction)
        ()
    """
    missed: list[MissedBar] = []
    for quantity in QUANTITIES:
        mean, bar = (
            reproduction.errors(quantity).mean_abs_log_error,
            getattr(reproduction.table.bars, quantity),
        )
        if mean > bar.mean:
            missed.append(MissedBar(quantity, mean, bar.mean))
        for cell in reproduction.cells:
            error = cell.log_error(quantity)
            if error is not None and abs(error) > bar.largest:
                missed.append(MissedBar(quantity, error, bar.largest, cell))
    return tuple(missed)


def _cell(table: PublishedTable, costs: Mapping[CellKey, Cost], network: str, hardware: str) -> TableCell:
    cost, reference = costs[network, hardware], costs[table.relative_to, hardware]
    relative_time = cost.cycles / reference.cycles
    published_time = table.column(hardware, "time")[network]
    published_energy = table.column(hardware, "energy")[network]
    by_definition = network == table.relative_to
    return TableCell(
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
