"""What one action costs on a machine, as its file says it: a table for the array, and prices of memories."""

from typing import Final, NamedTuple, Self

from pydantic import model_validator

from accelsim.descriptions import Description, Mistake, refusal
from accelsim.descriptions.quantities import Price, PriceWordBits, UnitPicojoules
from accelsim.hardware.host import HostEnergy

_THOUSANDS: Final = {prefix.strip(): 3 * power for power, prefix in enumerate("qryzafpnum kMGTPEZYRQ", -10)}
_PREFIXES: Final = _THOUSANDS | {"\u00b5": -6, "\u03bc": -6, "c": -2, "d": -1, "da": 1, "h": 2}
"""SI's, with their powers of ten; the sign of a micro is written in three ways."""
_PICOJOULES: Final = {f"{prefix}J": float(f"1e{power + 12}") for prefix, power in _PREFIXES.items()}
"""What units of energy are that say so themselves."""
OFF_CHIP_ENERGY: Final = 200.0
ON_CHIP_ENERGY: Final = 6.0
"""Of an access of memories whose file does not say, relative to a multiply-accumulate of 16 bits: Chen et
al., Eyeriss, ISCA 2016, section VII-A, as are the defaults of the table."""


class EnergyTable(Description):
    """What one action costs, in `unit`; accesses cost per word of `word_bits`.

    Attributes:
        word_bits: Of the word that an access is priced for.
        mac: Of one multiply-accumulate.
        vector_op: Of one operation of the vector unit.
        register_file: Of an access of a register file.
        inter_pe: Of a word that moves to the neighbouring PE.

    Example:
        >>> EnergyTable(unit="pJ").picojoules, EnergyTable().picojoules
        (1.0, None)
    """

    unit: str = "MAC"
    """What the numbers count: `MAC`, the energy of one multiply-accumulate, or `pJ`."""
    picojoules_per_unit: UnitPicojoules | None = None
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
        picojoules = _PICOJOULES.get(self.unit)
        if picojoules is not None and self.picojoules_per_unit not in (None, picojoules):
            sentence = f"must be {picojoules:g} or left out: the unit is {self.unit}"
            raise refusal("energy", [Mistake(("picojoules_per_unit",), sentence)])
        return self

    @property
    def picojoules(self) -> float | None:
        """Energy of one unit [pJ]: as the table says, or as the unit's name does; None where neither does."""
        return _PICOJOULES.get(self.unit) if self.picojoules_per_unit is None else self.picojoules_per_unit


class AccessPrice(NamedTuple):
    """What an access of a memory costs for a word."""

    memory: str
    read: float
    write: float


class Prices(NamedTuple):
    """Every price of a machine, in the unit of its table.

    Attributes:
        table: Of the array.

    Example:
        >>> from accelsim.hardware import load_hardware
        >>> prices = load_hardware("16x16_128k").prices
        >>> [(price.memory, price.read) for price in prices.memories], prices.word_bytes
        ([('global_buffer', 6.0), ('dram', 200.0)], 2.0)
    """

    table: EnergyTable
    memories: tuple[AccessPrice, ...]
    """The innermost first."""
    host: HostEnergy | None = None
    """None where the machine has no host."""

    @property
    def all_free(self) -> bool:
        """Whether no action costs any energy."""
        table = self.table
        of_host = () if self.host is None else (self.host.mac, self.host.element, self.host.call)
        actions = (table.mac, table.vector_op, table.register_file, table.inter_pe, *of_host)
        return not any(actions) and not any(price.read or price.write for price in self.memories)

    @property
    def word_bytes(self) -> float:
        """Bytes of the word that an access is priced for."""
        return self.table.word_bits / 8
