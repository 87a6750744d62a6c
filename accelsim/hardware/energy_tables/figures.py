"""Figures: what a table of another tool says of a machine, by the key of the machine's file."""

from collections.abc import Mapping
from typing import Final, NamedTuple, TypeAlias

from accelsim.hardware.machine import Hardware
from accelsim.hardware.prices import EnergyTable

ARRAY_PRICES: Final = ("mac", "vector_op", "register_file", "inter_pe")
"""Prices of the machine's table; all others are of its memories."""
OPERATIONS: Final = ("mac", "vector_op")
"""Those of an operation, however wide; the others are of a word that is moved."""
_DIGITS: Final = 6
"""Of a price that was scaled; tables of other tools have three to six."""

Value: TypeAlias = float | Mapping[str, float]
"""Of a key: a price, or by `read` and `write`."""


class Figure(NamedTuple):
    """One value that a table gives.

    Attributes:
        key: Where it stands in the machine's file, dotted.
        value: In the machine's unit, for a word of its `word_bits`, where it is an energy.
        origin: The component and the actions that it is of, for people.

    Example:
        >>> Figure("energy.mac", 0.5, "chip.mac: compute").key
        'energy.mac'
    """

    key: str
    value: Value
    origin: str
    assumed: str = ""
    """What the table does not say, and is taken; empty where it says all."""


class Unit(NamedTuple):
    """In what a machine counts energy, and for a word of how many bits."""

    picojoules: float
    word_bits: int

    def operation(self, energy_pj: float) -> float:
        """What an operation costs, however wide."""
        return rounded(energy_pj / self.picojoules)

    def word(self, energy_pj: float, bits: int) -> float:
        """What a word costs where an access of so many bits costs this: in proportion to the bits."""
        return rounded(energy_pj / self.picojoules * self.word_bits / bits)


def rounded(value: float) -> float:
    """Without the digits that only scaling has brought."""
    return float(f"{value:.{_DIGITS}g}")


def unit_of(table: EnergyTable) -> Unit:
    """That of a machine; of one whose unit is worth nothing known, picojoules."""
    return Unit(table.picojoules or 1.0, table.word_bits)


def price_names(hardware: Hardware) -> tuple[str, ...]:
    """Every price of a machine: those of the array, then its memories by name, the outermost first."""
    return (*ARRAY_PRICES, *(memory.name for memory in hardware.memories))


def key_of(price: str) -> str:
    """Where a price stands in a machine's file."""
    return f"energy.{price}" if price in ARRAY_PRICES else f"memories.{price}.energy"
