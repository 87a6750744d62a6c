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
    """A cell that is no longer what it was pinned to."""

    network: str
    hardware: str
    pinned: Cost | None
    """None where nothing was pinned."""
    simulated: Cost


def load_pinned(name: str) -> dict[CellKey, Cost]:
    """The pinned cells of a table, by network and machine."""
    with pinned_file(name).open(encoding="utf-8", newline="") as file:
        return {
            (row["network"], row["hardware"]): Cost(int(row["cycles"]), float(row["energy"]))
            for row in csv.DictReader(file)
        }


def pinned_file(name: str) -> Path:
    """Where the pinned cells of a table stand."""
    return Path(__file__).with_name(f"{name}_pinned.csv")


def moved(costs: Mapping[CellKey, Cost], pinned: Mapping[CellKey, Cost]) -> tuple[MovedCell, ...]:
    """Cells that differ from what they were pinned to, in the slightest."""
    return tuple(
        MovedCell(*key, pinned=pinned.get(key), simulated=cost)
        for key, cost in costs.items()
        if cost != pinned.get(key)
    )
