"""CACTI's CSV (`out.csv`, or `FILE.cfg.out`): a memory of one design, a row for each capacity.

Balasubramonian et al., CACTI 7, ACM TACO 2017; the columns are those that its function
`output_data_csv` (io.cc) writes.
"""

import csv
import math
from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from accelsim.errors import AccelsimError, DescriptionError
from accelsim.hardware.energy_tables.figures import Figure, Unit, key_of
from accelsim.hardware.memory import Memory

CAPACITY: Final = "Capacity (bytes)"
WIDTH: Final = "Output width (bits)"
READ: Final = "Dynamic read energy (nJ)"
WRITE: Final = "Dynamic write energy (nJ)"
NEEDED: Final = (CAPACITY, WIDTH, READ, WRITE)
NODE: Final = "Tech node (nm)"
WAYS: Final = "Associativity"
_OF_THE_DESIGN: Final = (NODE, WAYS, WIDTH)
"""Columns in which the rows of a file agree: it is one memory, of several capacities."""
_NONE: Final = ("", "n/a", "na")
_PJ_PER_NJ: Final = 1e3


class CactiRow(NamedTuple):
    """A memory as CACTI estimates it."""

    location: str
    """FILE:LINE."""
    values: Mapping[str, float]
    """By the column."""

    @property
    def capacity_bytes(self) -> int:
        """Of the whole memory."""
        return int(self.values[CAPACITY])

    @property
    def bits(self) -> int:
        """That an access moves."""
        return int(self.values[WIDTH])

    @property
    def design(self) -> str:
        """`45 nm`, where the file says."""
        node = self.values.get(NODE)
        return "CACTI" if node is None else f"CACTI, {node:g} nm"


def read_rows(text: str, label: str) -> list[CactiRow]:
    """The memories of a CSV of CACTI's, by capacity.

    Args:
        text: Of the file.
        label: What messages call it.

    Raises:
        DescriptionError: It is no such file, or a row is not what its columns say.
    """
    lines = csv.reader(text.splitlines())
    columns = [" ".join(name.split()) for name in next(lines, [])]
    for name in NEEDED:
        if name not in columns:
            raise DescriptionError.about(
                f"{label}:1", f"has no column {name!r}: must be the CSV that CACTI writes"
            )
    rows = [
        CactiRow(f"{label}:{lines.line_num}", dict(_values(f"{label}:{lines.line_num}", columns, cells)))
        for cells in lines
        if any(cell.strip() for cell in cells)
    ]
    if not rows:
        raise DescriptionError.about(label, "has no row: must have one for each capacity")
    _check_one_design(rows)
    by_capacity = {row.capacity_bytes: row for row in reversed(rows)}
    return [by_capacity[capacity_bytes] for capacity_bytes in sorted(by_capacity)]


def _values(location: str, columns: list[str], cells: list[str]) -> Iterator[tuple[str, float]]:
    for column, cell in zip(columns, cells, strict=False):
        text = cell.strip()
        if not column or (text.lower() in _NONE and column not in NEEDED):
            continue
        try:
            number = float(text)
        except ValueError:
            number = math.nan
        least = 1 if column in (CAPACITY, WIDTH) else 0
        if not least <= number < math.inf:
            if column in NEEDED:
                raise DescriptionError.about(
                    location, f"{column} = {text!r}: must be a number from {least} on"
                )
            continue
        yield column, number
    if missing := [column for column in NEEDED if column in columns[len(cells) :]]:
        raise DescriptionError.about(location, f"{missing[0]}: missing, must be a number")


def _check_one_design(rows: list[CactiRow]) -> None:
    """Refuse rows of different memories, of which one price would be made."""
    first, by_capacity = rows[0], dict[int, CactiRow]()
    for row in rows:
        for column in _OF_THE_DESIGN:
            own, other = (f"{each.values.get(column, math.nan):g}" for each in (row, first))
            if own != other:
                sentence = f"must be {other} as in the first row: a file is of one memory"
                raise DescriptionError.about(row.location, f"{column} = {own}: {sentence}")
        before = by_capacity.setdefault(row.capacity_bytes, row)
        if before.values != row.values:
            sentence = f"is there with other figures on {before.location}: must be once"
            raise DescriptionError.about(row.location, f"{CAPACITY} = {row.capacity_bytes}: {sentence}")


def memory_figure(memory: Memory, rows: list[CactiRow], unit: Unit, component: str) -> Figure:
    """What an access of a memory costs: that of the row of its capacity.

    Args:
        memory: Of the machine.
        rows: Of CACTI's file, by capacity.
        unit: Of the machine.
        component: What the file is called.

    Raises:
        AccelsimError: There is no such row, or of a memory without a size several.
    """
    row = _row_of(memory, rows)
    value = {
        name: unit.word(row.values[column] * _PJ_PER_NJ, row.bits)
        for name, column in (("read", READ), ("write", WRITE))
    }
    return Figure(key_of(memory.name), value, f"{component}: {row.capacity_bytes} bytes, {row.bits} bits")


def _row_of(memory: Memory, rows: list[CactiRow]) -> CactiRow:
    size = memory.size_bytes
    of_size = rows if size is None else [row for row in rows if row.capacity_bytes == size]
    if len(of_size) == 1:
        return of_size[0]
    capacities = ", ".join(str(row.capacity_bytes) for row in rows)
    must = "one row, as its size is not limited" if size is None else f"a row of {size} bytes, its size"
    raise AccelsimError(f"{rows[0].location}: {CAPACITY} = {capacities}: {memory.name} must have {must}")
