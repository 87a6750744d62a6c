"""What one action costs on a machine, as its file says it: a table for the array, and prices of memories."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Final, NamedTuple, Self, TypeAlias

from pydantic import BeforeValidator, Field, model_validator

from accelsim.descriptions import Description, Mistake, refusal
from accelsim.descriptions.quantities import Bits, Milliwatts, Price, PriceWordBits, UnitPicojoules
from accelsim.hardware.host import Host

EMPTY: Final = "must be a number, or a mapping of bits to numbers that is not empty"
MAX_BITS: Final = 64
"""Of an operand, as `Bits` has it."""
_THOUSANDS: Final = {prefix.strip(): 3 * power for power, prefix in enumerate("qryzafpnum kMGTPEZYRQ", -10)}
_PREFIXES: Final = _THOUSANDS | {"\u00b5": -6, "\u03bc": -6, "c": -2, "d": -1, "da": 1, "h": 2}
"""SI's, with their powers of ten; the sign of a micro is written in three ways."""
_PICOJOULES: Final = {f"{prefix}J": float(f"1e{power + 12}") for prefix, power in _PREFIXES.items()}
"""What units of energy are that say so themselves."""
OFF_CHIP_ENERGY: Final = 200.0
ON_CHIP_ENERGY: Final = 6.0
"""Of an access of memories whose file does not say, relative to a multiply-accumulate of 16 bits: Chen et
al., Eyeriss, ISCA 2016, section VII-A, as are the defaults of the table."""


def bits_as_keys(table: Any) -> Any:
    """Refuse keys of a table that are no bits by their names.

    Args:
        table: What a file has, before it is checked: through JSON, where keys are texts.

    Returns:
        The same. Raises ValidationError, which the reader makes lines of.

    Example:
        >>> bits_as_keys({"8": 0.3})
        {'8': 0.3}
    """
    if isinstance(table, dict):
        wrong = [key for key in map(str, table) if not (key.isascii() and key.isdecimal() and _fits(key))]
        if wrong:
            sentence = f"must be a whole number of bits from 1 to {MAX_BITS}, in place of the key"
            raise refusal("bits", [Mistake((key,), sentence) for key in wrong])
    return table


def _fits(digits: str) -> bool:
    """Whether so many bits are no more than an operand has; of a thousand digits nobody asks which number."""
    return len(digits) <= len(str(MAX_BITS)) and 1 <= int(digits) <= MAX_BITS


BitsKey: TypeAlias = Annotated[Bits, Field(strict=False)]
"""A key of a table, which JSON has as a text."""
PricesByBits: TypeAlias = Annotated[Mapping[BitsKey, Price], BeforeValidator(bits_as_keys)]
"""By bits of the wider operand, weight or activation."""


def least_that_holds(by_bits: Mapping[int, float], bits: int) -> float | None:
    """What a table says of the narrowest words that hold so many bits; None where none do.

    Example:
        >>> least_that_holds({8: 0.3, 32: 3.2}, bits=9), least_that_holds({8: 0.3}, bits=9)
        (3.2, None)
    """
    widths = [width for width in by_bits if width >= bits]
    return by_bits[min(widths)] if widths else None


class StaticPower(Description):
    """What the whole chip draws at all times, whether it computes or waits."""

    idle_mw: Milliwatts | None = None


class EnergyTable(Description):
    """What one action costs, in `unit`; accesses cost per word of `word_bits`.

    Attributes:
        word_bits: Of the word that an access is priced for.
        mac: Of one multiply-accumulate; a number, or by bits of the wider operand.
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
    mac: Price | PricesByBits = 1.0
    """One price, or one by bits of the wider operand: what the narrowest multiplier costs that does it."""
    vector_op: Price = 1.0
    register_file: Price = 1.0
    inter_pe: Price = 2.0

    @model_validator(mode="after")
    def _says_what_it_means(self) -> Self:
        """Refuse a worth of a unit that its own name contradicts, and a table of no prices."""
        picojoules = _PICOJOULES.get(self.unit)
        if picojoules is not None and self.picojoules_per_unit not in (None, picojoules):
            sentence = f"must be {picojoules:g} or left out: the unit is {self.unit}"
            raise refusal("energy", [Mistake(("picojoules_per_unit",), sentence)])
        if self.mac == {}:
            raise refusal("energy", [Mistake(("mac",), EMPTY)])
        return self

    def multiplies(self, bits: int) -> bool:
        """Whether there is a price of a multiply-accumulate whose wider operand has so many bits."""
        return isinstance(self.mac, int | float) or least_that_holds(self.mac, bits) is not None

    @property
    def picojoules(self) -> float | None:
        """Energy of one unit [pJ]: as the table says, or as the unit's name does; None where neither does."""
        return _PICOJOULES.get(self.unit) if self.picojoules_per_unit is None else self.picojoules_per_unit


def missing_prices(
    table: EnergyTable, bits: int, static_power_mw: float, *, is_said: bool
) -> Iterator[Mistake]:
    """What a machine with a table lacks to be priced.

    Args:
        table: Of its array.
        bits: Of the widest words that it multiplies.
        static_power_mw: What it draws at all times [mW].
        is_said: Whether its file has the table: else the mistake is that it has none.
    """
    if not table.multiplies(bits):
        sentence = f"must have a price for {bits} bits or more: precision has words of {bits}"
        yield Mistake(("energy", "mac"), sentence)
    if static_power_mw and table.picojoules is None:
        why = f"power is in mW, and a unit of {table.unit} has no worth in joules"
        if is_said:
            yield Mistake(("energy", "picojoules_per_unit"), f"must be given: {why}")
        else:
            yield Mistake(("energy",), f"missing, must give picojoules_per_unit: {why}")


class AccessPrice(NamedTuple):
    """What an access of a memory costs for a word."""

    memory: str
    read: float
    write: float


class Prices(NamedTuple):
    """Every price of a machine, in the unit of its table, as they are for multiply-accumulates of some width.

    Attributes:
        table: Of the array.
        static_per_cycle: What is drawn at all times, in a cycle.
        mac_bits: Of the wider operand of multiply-accumulates; no matter where the table has one price.

    Example:
        >>> from accelsim.hardware import load_hardware
        >>> prices = load_hardware("16x16_128k").prices
        >>> [(price.memory, price.read) for price in prices.memories], prices.word_bytes
        ([('global_buffer', 6.0), ('dram', 200.0)], 2.0)
        >>> Prices(EnergyTable(mac={8: 0.3, 16: 0.9}), ()).of_bits(12).mac
        0.9
    """

    table: EnergyTable
    memories: tuple[AccessPrice, ...]
    """The innermost first."""
    static_per_cycle: float = 0.0
    mac_bits: int = 1
    host: Host | None = None
    """Whose energy is another; None where the machine has no host."""
    caches: tuple[AccessPrice, ...] = ()
    """Of the caches before memories, by the names of those; what they read is what the caches miss."""

    @property
    def all_free(self) -> bool:
        """Whether no action costs any energy."""
        table = self.table
        of_macs = [table.mac] if isinstance(table.mac, int | float) else table.mac.values()
        of_host = () if self.host is None else self.host.energy.of_actions
        actions = (*of_macs, table.vector_op, table.register_file, table.inter_pe, *of_host)
        return not any(actions) and not any(price.read or price.write for price in self.memories)

    @property
    def word_bytes(self) -> float:
        """Bytes of the word that an access is priced for."""
        return self.table.word_bits / 8

    @property
    def mac(self) -> float:
        """Of one multiply-accumulate."""
        return self.mac_of(self.mac_bits)

    def of_bits(self, mac_bits: int) -> "Prices":
        """The same for multiply-accumulates of another width."""
        return self if isinstance(self.table.mac, int | float) else self._replace(mac_bits=mac_bits)

    def mac_of(self, bits: int) -> float:
        """Of one multiply-accumulate whose wider operand has so many bits."""
        by_bits = self.table.mac
        if isinstance(by_bits, int | float):
            return by_bits
        price = least_that_holds(by_bits, bits)
        if price is None:
            raise ValueError(f"no multiplier of {max(by_bits)} bits does {bits}")  # such layers are refused
        return price
