"""What one action costs on a machine, as its file says it: a table for the array, and prices of memories."""

from dataclasses import dataclass
from typing import Final, Self

from pydantic import model_validator

from accelsim.descriptions import Description, Mistake, refusal
from accelsim.quantities import Price, PriceWordBits

_PICOJOULES: Final = {"fJ": 1e-3, "pJ": 1.0, "nJ": 1e3, "uJ": 1e6, "mJ": 1e9, "J": 1e12}
"""What units of energy are that say so themselves."""
OFF_CHIP_ENERGY: Final = 200.0
ON_CHIP_ENERGY: Final = 6.0
"""Of an access of memories whose file does not say, relative to a multiply-accumulate of 16 bits: Chen et
al., Eyeriss, ISCA 2016, section VII-A, as are the defaults of the table."""


class EnergyTable(Description):
    """What one action costs, in `unit`; accesses cost per word of `word_bits`."""

    unit: str = "MAC"
    """What the numbers count: `MAC`, the energy of one multiply-accumulate, or `pJ`."""
    picojoules_per_unit: Price | None = None
    """Energy of one unit [pJ], where the source gives it and the unit is not `pJ` or the like; without it no
    joules are reported."""
    word_bits: PriceWordBits = 16
    mac: Price = 1.0
    vector_op: Price = 1.0
    register_file: Price = 1.0
    inter_pe: Price = 2.0

    @model_validator(mode="after")
    def _unit_is_what_it_says(self) -> Self:
        """Refuse a worth of a unit that its own name contradicts."""
        own = _PICOJOULES.get(self.unit)
        if own is not None and self.picojoules_per_unit not in (None, own):
            sentence = f"must be {own:g} or left out: the unit is {self.unit}"
            raise refusal("energy", [Mistake(("picojoules_per_unit",), sentence)])
        return self

    @property
    def picojoules(self) -> float | None:
        """Energy of one unit [pJ]: as the table says, or as the unit's name does; None where neither does."""
        return _PICOJOULES.get(self.unit) if self.picojoules_per_unit is None else self.picojoules_per_unit


@dataclass(frozen=True, slots=True)
class AccessPrice:
    """What an access of a memory costs for a word."""

    memory: str
    read: float
    write: float


@dataclass(frozen=True, slots=True)
class Prices:
    """Every price of a machine, in the unit of its table."""

    table: EnergyTable
    memories: tuple[AccessPrice, ...]
    """The innermost first."""

    @property
    def word_bytes(self) -> float:
        """Bytes of the word that an access is priced for."""
        return self.table.word_bits / 8
