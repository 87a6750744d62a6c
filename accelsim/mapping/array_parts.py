"""Parts of the array: rows that are left idle where a layer is better off without them."""

from collections.abc import Iterator
from typing import Final, NamedTuple

from accelsim.hardware import Hardware

PARTS: Final = (24, 16, 12, 8, 6, 4, 3, 2)
"""Of 32 parts of its rows, with how many an array which is taller than wide is tried, beside the whole."""


class ArrayPart(NamedTuple):
    """A part of the array, the other rows of which are left idle."""

    idle_rows: int
    hardware: Hardware
    """The machine as it is without those."""


def smaller_parts(hardware: Hardware) -> Iterator[ArrayPart]:
    """Those of `PARTS` that have no fewer rows than columns.

    Weights come row by row, and those of a tile's first sub-matrix are waited for: where few pixels pass,
    fewer rows are faster. They save no energy, since partial sums are added up in more parts.
    """
    array = hardware.pe_array
    for rows in dict.fromkeys(array.rows * parts // 32 for parts in PARTS):
        if array.columns <= rows < array.rows:
            yield ArrayPart(array.rows - rows, hardware.with_idle_rows(array.rows - rows))
