"""A published table: what its paper simulated, what it claims of the order, and how near we want to be."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations, pairwise
from pathlib import Path
from typing import Annotated, Literal, Self, TypeAlias

from pydantic import Field, PositiveFloat, model_validator

from accelsim import descriptions
from accelsim.descriptions import Description

Quantity: TypeAlias = Literal["time", "energy"]
QUANTITIES: tuple[Quantity, ...] = ("time", "energy")
CellKey: TypeAlias = tuple[str, str]
"""A network and a machine: one row of a report, and a cell of each quantity."""


class PublishedRow(Description):
    """One network; a value for each machine of the table."""

    network: str
    title: str
    """What the paper calls it."""
    time: tuple[PositiveFloat, ...]
    """Relative to the table's reference network on the same machine."""
    energy: tuple[PositiveFloat, ...]
    """In multiply-accumulates."""


class Claim(Description):
    """A quantity falls along a series of networks on one machine."""

    hardware: str
    quantity: Quantity
    falls: Literal["strictly", "never_rises"]
    networks: Annotated[tuple[str, ...], Field(min_length=2)]


class Bar(Description):
    """What |ln(simulated / published)| of a quantity's cells may not exceed."""

    mean: PositiveFloat
    largest: PositiveFloat


class Bars(Description):
    """The bar of each quantity."""

    time: Bar
    energy: Bar


@dataclass(frozen=True)
class Ordering:
    """On a machine, one network takes more of a quantity than another; not less, where not `strict`.

    Fields are the names that the JSON has.

    Example:
        >>> Ordering("16x16_128k", "time", more="sqnxt23", less="sqnxt23v5").strict
        True
    """

    hardware: str
    """The machine."""
    quantity: Quantity
    """Time or energy."""
    more: str
    """The network that takes more."""
    less: str
    """The network that takes less."""
    strict: bool = True
    """Whether equal figures violate the ordering."""


class PublishedTable(Description):
    """Networks x machines x (time, energy), as a paper printed it.

    Example:
        >>> table = load_published("squeezenext")
        >>> table.column("16x16_128k", "time")[table.relative_to]
        1.0
    """

    name: str
    """That of the file."""
    title: str
    """What the table shows."""
    source: str
    """The paper, and where in it the table is."""
    machines: Annotated[tuple[str, ...], Field(min_length=1)]
    """Names of machines that ship with accelsim."""
    relative_to: str
    """The network whose time is 1 on each machine."""
    rows: Annotated[tuple[PublishedRow, ...], Field(min_length=1)]
    """One for each network."""
    orderings: tuple[Claim, ...]
    """What the paper claims of the order of networks."""
    bars: Bars
    """How near the simulated figures have to be."""
    pairs_apart_by: Annotated[float, Field(gt=1)]
    """Two networks that a column separates by this factor or more have to be in the column's order."""

    @model_validator(mode="after")
    def _every_row_is_complete(self) -> Self:
        networks = [row.network for row in self.rows]
        for row in self.rows:
            if not len(row.time) == len(row.energy) == len(self.machines):
                raise ValueError(
                    f"{row.network} must have a time and an energy for each of {len(self.machines)} machines"
                )
        for name in (self.relative_to, *(name for claim in self.orderings for name in claim.networks)):
            if name not in networks:
                raise ValueError(f"{name} must be one of the rows: {', '.join(networks)}")
        return self

    @property
    def cell_keys(self) -> tuple[CellKey, ...]:
        """Every network on every machine, those of a machine after each other."""
        return tuple((row.network, machine) for machine in self.machines for row in self.rows)

    @property
    def titles(self) -> Mapping[str, str]:
        """What the paper calls each network."""
        return {row.network: row.title for row in self.rows}

    def column(self, hardware: str, quantity: Quantity) -> Mapping[str, float]:
        """One printed column: the value of each network."""
        index = self.machines.index(hardware)
        return {row.network: getattr(row, quantity)[index] for row in self.rows}

    def checked_orderings(self) -> tuple[Ordering, ...]:
        """Every pair that a column separates clearly, and every step that the paper claims; none twice."""
        orderings: dict[tuple[str, Quantity, str, str], Ordering] = {}
        for ordering in (*self._separated_pairs(), *self._claimed_steps()):
            key = (ordering.hardware, ordering.quantity, ordering.more, ordering.less)
            if key not in orderings or ordering.strict:
                orderings[key] = ordering
        return tuple(orderings.values())

    def _separated_pairs(self) -> Iterator[Ordering]:
        for hardware in self.machines:
            for quantity in QUANTITIES:
                column = sorted(self.column(hardware, quantity).items(), key=lambda cell: -cell[1])
                for (higher, high), (lower, low) in combinations(column, 2):
                    if high / low >= self.pairs_apart_by - 1e-9:
                        yield Ordering(hardware, quantity, higher, lower)

    def _claimed_steps(self) -> Iterator[Ordering]:
        for claim in self.orderings:
            for higher, lower in pairwise(claim.networks):
                yield Ordering(claim.hardware, claim.quantity, higher, lower, claim.falls == "strictly")


def load_published(name: str) -> PublishedTable:
    """One of the tables that ship with accelsim.

    Args:
        name: Of the table: `squeezenext`.

    Returns:
        The table.

    Example:
        >>> len(load_published("squeezenext").cell_keys)
        26
    """
    return descriptions.read(Path(__file__).with_name(f"{name}.yaml"), PublishedTable)
