"""Pinned figures: what each cell of a table was simulated to be when the model last changed on purpose.

A change of the model that moves one of them shows up as a difference that has to be explained.
"""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from accelsim.validation.evaluate import Cost
from accelsim.validation.published import CellKey

REMEDY: Final = (
    "if that is meant: run `python scripts/update_golden.py` and write what moved, by how much and why into "
    "CHANGELOG.md under Results"
)


@dataclass(frozen=True)
class MovedCell:
    """A cell that is no longer what it was pinned to.

    Example:
        >>> MovedCell("alexnet", "8x8_32k", pinned=None, simulated=Cost(11, 2.0)).simulated.cycles
        11
    """

    network: str
    """Its name."""
    hardware: str
    """The machine's."""
    pinned: Cost | None
    """None where nothing was pinned."""
    simulated: Cost
    """What it is now."""


def load_pinned(name: str) -> dict[CellKey, Cost]:
    """The pinned cells of a table.

    Args:
        name: Of the table.

    Returns:
        What each network took on each machine, by the names of both.

    Example:
        >>> load_pinned("squeezenext")["sqnxt23v5", "16x16_128k"].cycles
        1235414
    """
    with pinned_file(name).open(encoding="utf-8", newline="") as file:
        return {
            (row["network"], row["hardware"]): Cost(int(row["cycles"]), float(row["energy"]))
            for row in csv.DictReader(file)
        }


def pinned_file(name: str) -> Path:
    """Where the pinned cells of a table stand."""
    return Path(__file__).with_name(f"{name}_pinned.csv")


def moved(costs: Mapping[CellKey, Cost], pinned: Mapping[CellKey, Cost]) -> tuple[MovedCell, ...]:
    """Cells that differ from what they were pinned to, in the slightest.

    Args:
        costs: What was simulated, by network and machine.
        pinned: What was pinned, likewise.

    Returns:
        Those that differ, or were not pinned.

    Example:
        >>> key = ("alexnet", "8x8_32k")
        >>> [cell.network for cell in moved({key: Cost(11, 2.0)}, {key: Cost(10, 2.0)})]
        ['alexnet']
    """
    return tuple(
        MovedCell(*key, pinned=pinned.get(key), simulated=cost)
        for key, cost in costs.items()
        if cost != pinned.get(key)
    )
