"""CACTI's CSV (`out.csv`, or `FILE.cfg.out`): a memory of one design, a row for each capacity.

Balasubramonian et al., CACTI 7, ACM TACO 2017; the columns are those that its function
`output_data_csv` (io.cc) writes.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from accelsim.descriptions import shown
from accelsim.descriptions.limits import MAX_EXPONENT, MAX_PRICE, MAX_PRICE_WORD_BITS
from accelsim.descriptions.phrases import counted
from accelsim.errors import AccelsimError, DescriptionError
from accelsim.hardware.energy_tables.figures import Figure, Unit, key_of, rounded
from accelsim.hardware.memory import Memory

CAPACITY: Final = "Capacity (bytes)"
WIDTH: Final = "Output width (bits)"
READ: Final = "Dynamic read energy (nJ)"
WRITE: Final = "Dynamic write energy (nJ)"
NEEDED: Final = (CAPACITY, WIDTH, READ, WRITE)
BANKS: Final = "Number of banks"
AREA: Final = "Area (mm2)"
AREA_KEY: Final = "area.global_buffer_mm2_per_kib"
LEAKAGE: Final = "Standby leakage per bank(mW)"
NODE: Final = "Tech node (nm)"
WAYS: Final = "Associativity"
_OF_THE_DESIGN: Final = (NODE, WAYS, WIDTH)
"""Columns in which the rows of a file agree: it is one memory, of several capacities."""
_LARGEST_WHOLE: Final = {CAPACITY: 1 << 50, WIDTH: MAX_PRICE_WORD_BITS}
"""A pebibyte is more than any memory behind one channel has."""
_DIRECTIONS: Final = {"read": READ, "write": WRITE}
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
    header, *lines = text.splitlines() or [""]
    columns = [" ".join(name.split()) for name in header.split(",")]
    for name in NEEDED:
        if name not in columns:
            raise DescriptionError.about(
                f"{label}:1", f"has no column {name!r}: must be the CSV that CACTI writes"
            )
    rows = [
        CactiRow(f"{label}:{number}", dict(_values(f"{label}:{number}", columns, line.split(","))))
        for number, line in enumerate(lines, 2)
        if line.strip(", \t")
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
        if column in NEEDED:
            _check_needed(location, column, text, number)
        if 0 <= number < math.inf:
            yield column, number
    if missing := [column for column in NEEDED if column in columns[len(cells) :]]:
        raise DescriptionError.about(location, f"{missing[0]}: missing, must be a number")


def _check_needed(location: str, column: str, text: str, number: float) -> None:
    """Refuse what cannot be: sizes that are not whole, energies that no access costs."""
    whole = column in _LARGEST_WHOLE
    least, largest = (1, _LARGEST_WHOLE[column]) if whole else (0, MAX_PRICE)
    if not least <= number <= largest or (whole and number != int(number)):
        noun = "whole number" if whole else "number"
        sentence = f"must be a {noun} from {least} to {largest:.0f}"
        raise DescriptionError.about(location, f"{column} = {shown(text)}: {sentence}")


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


def memory_figures(
    memory: Memory, rows: Sequence[CactiRow], unit: Unit, component: str
) -> tuple[Figure, ...]:
    """What an access of a memory costs, and what it leaks.

    Args:
        memory: Of the machine.
        rows: Of CACTI's file, by capacity.
        unit: Of the machine.
        component: What the file is called.

    Returns:
        The price, at the capacity that is nearest to the memory's; with several capacities as a law of size,
        whose exponent is fitted to all rows. Leakage of a memory on chip, where the file has it.

    Raises:
        AccelsimError: No row is of the memory's size and there are too few for a law, or a memory without a
            size has several.
    """
    row = _nearest(memory, rows)
    words = {
        name: unit.word(row.values[column] * _PJ_PER_NJ, row.bits) for name, column in _DIRECTIONS.items()
    }
    origin = f"{component}: {row.capacity_bytes:,} bytes, {row.bits} bits an access"
    price = Figure(key_of(memory.name), words, origin)
    if memory.size_bytes is None:
        return (price,)
    if len(rows) > 1:
        law = fitted(rows, row)
        price = Figure(
            price.key,
            {**words, "at_bytes": row.capacity_bytes, "exponent": law.exponent},
            f"{origin}; fits {len(rows)} rows within {percent_of(law.residual)}",
        )
    if LEAKAGE not in row.values:
        return (price,)
    banks = int(row.values.get(BANKS, 1.0))
    per_kib = rounded(row.values[LEAKAGE] * banks / (row.capacity_bytes / 1024))
    leaks = f"{component}: {counted(banks, 'bank')}"
    return (price, Figure(f"memories.{memory.name}.leakage_mw_per_kib", per_kib, leaks))


def area_figures(
    memory: Memory, rows: Sequence[CactiRow], process: str, component: str
) -> tuple[Figure, ...]:
    """What a kibibyte of memory takes, where the file has it for the process of the machine's areas.

    Args:
        memory: The only one on chip.
        rows: Of CACTI's file, by capacity.
        process: As the machine's file says it: `45 nm`.
        component: What the file is called.

    Returns:
        One figure: of several capacities a law of size, as of energies; none where the process is another.
    """
    row = _nearest(memory, rows)
    if f"{row.values.get(NODE, 0):g} nm" != process or any(not other.values.get(AREA) for other in rows):
        return ()
    per_kib = rounded(row.values[AREA] / (row.capacity_bytes / 1024))
    origin = f"{component}: {row.capacity_bytes:,} bytes"
    if len(rows) == 1:
        return (Figure(AREA_KEY, per_kib, origin),)
    law = fitted(rows, row, (AREA,))
    value = {"at_bytes": row.capacity_bytes, "mm2_per_kib": per_kib, "exponent": law.exponent}
    return (Figure(AREA_KEY, value, f"{origin}; fits {len(rows)} rows within {percent_of(law.residual)}"),)


def _nearest(memory: Memory, rows: Sequence[CactiRow]) -> CactiRow:
    """The row of a memory's size; of several the nearest, from which a law goes to the size."""
    size, location = memory.size_bytes, rows[0].location
    capacities = ", ".join(str(row.capacity_bytes) for row in rows)
    if size is None:
        if len(rows) > 1:
            raise AccelsimError(
                f"{location}: {CAPACITY} = {capacities}: {memory.name} has no size, so there must be one row"
            )
        return rows[0]
    if len(rows) == 1 and rows[0].capacity_bytes != size:
        sentence = "there must be a row of it, or several rows, from which a law of size is fitted"
        raise AccelsimError(
            f"{location}: {CAPACITY} = {capacities}: {memory.name} is of {size} bytes: {sentence}"
        )
    return min(rows, key=lambda row: abs(math.log(row.capacity_bytes / size)))


class FittedLaw(NamedTuple):
    """How energies grow with the capacity: those of a row, times (capacity / the row's) ^ exponent."""

    exponent: float
    residual: float
    """By which part that misses the energy of another row at most."""


def fitted(rows: Sequence[CactiRow], row: CactiRow, columns: Sequence[str] = (READ, WRITE)) -> FittedLaw:
    """The law through a row, of one exponent for some columns: least squares of the logarithms of all.

    Raises:
        AccelsimError: An energy is 0, which no power law is, or larger memories cost less.
    """
    sizes = [math.log(other.capacity_bytes) for other in rows]
    middle = math.fsum(sizes) / len(sizes)
    logarithms = [[_logarithm(other, column) for other in rows] for column in columns]
    products = math.fsum(
        (size - middle) * energy
        for energies in logarithms
        for size, energy in zip(sizes, energies, strict=True)
    )
    squares = len(logarithms) * math.fsum((size - middle) ** 2 for size in sizes)
    exponent = float(f"{products / squares:.4f}")
    if not 0 <= exponent <= MAX_EXPONENT:
        raise AccelsimError(
            f"{rows[0].location}: {len(rows)} rows make an exponent of {exponent:.3g}: must be from 0 to "
            f"{MAX_EXPONENT:g}: larger memories cost more"
        )
    misses = [
        row.values[column] * (other.capacity_bytes / row.capacity_bytes) ** exponent / other.values[column]
        - 1
        for column in columns
        for other in rows
    ]
    return FittedLaw(exponent, max(map(abs, misses)))


def _logarithm(row: CactiRow, column: str) -> float:
    if not row.values[column]:
        raise DescriptionError.about(row.location, f"{column} = 0: must be above 0 for a law of size")
    return math.log(row.values[column])


def percent_of(part: float) -> str:
    """`4.1%`."""
    return f"{100 * part:.1f}%"
