"""Energy: the actions that cost energy, and what each costs. Nothing else in accelsim knows a price.

Energy = how often an action happened, times what it costs once (Eyeriss, ISCA 2016, section VII-A). The
costs stand in the `energy:` table of a hardware file, for words of `word_bits`; an access of another width
costs in proportion to its bytes.
"""

from dataclasses import dataclass
from typing import Final, Self

from pydantic import model_validator

from accelsim.descriptions import Description, Mistake, refusal
from accelsim.quantities import Price, PriceWordBits, UnitPicojoules

_THOUSANDS: Final = {prefix.strip(): 3 * power for power, prefix in enumerate("qryzafpnum kMGTPEZYRQ", -10)}
_PREFIXES: Final = _THOUSANDS | {"\u00b5": -6, "\u03bc": -6, "c": -2, "d": -1, "da": 1, "h": 2}
"""SI's, with their powers of ten; the sign of a micro is written in three ways."""
_PICOJOULES: Final = {f"{prefix}J": float(f"1e{power + 12}") for prefix, power in _PREFIXES.items()}
"""What units of energy are that say so themselves."""


@dataclass(frozen=True, slots=True)
class ActionCounts:
    """How often each action happened: a count where the name has no unit, else bytes."""

    macs: int = 0
    """Multiply-accumulates executed: without those that a skipped zero weight saved."""
    vector_ops: int = 0
    register_file_bytes: int = 0
    inter_pe_bytes: int = 0
    """Moved from a PE to its neighbour."""
    global_buffer_read_bytes: int = 0
    global_buffer_write_bytes: int = 0
    dram_read_bytes: int = 0
    dram_write_bytes: int = 0

    def values(self) -> tuple[int, ...]:
        """The counts in the order of the fields."""
        return (
            self.macs,
            self.vector_ops,
            self.register_file_bytes,
            self.inter_pe_bytes,
            self.global_buffer_read_bytes,
            self.global_buffer_write_bytes,
            self.dram_read_bytes,
            self.dram_write_bytes,
        )

    def __add__(self, other: Self) -> "ActionCounts":
        return ActionCounts(
            self.macs + other.macs,
            self.vector_ops + other.vector_ops,
            self.register_file_bytes + other.register_file_bytes,
            self.inter_pe_bytes + other.inter_pe_bytes,
            self.global_buffer_read_bytes + other.global_buffer_read_bytes,
            self.global_buffer_write_bytes + other.global_buffer_write_bytes,
            self.dram_read_bytes + other.dram_read_bytes,
            self.dram_write_bytes + other.dram_write_bytes,
        )

    def __mul__(self, times: int) -> "ActionCounts":
        return ActionCounts(*(count * times for count in self.values()))

    __rmul__ = __mul__


class EnergyTable(Description):
    """What one action costs, in `unit`; accesses cost per word of `word_bits`."""

    unit: str
    """What the numbers count: `MAC`, the energy of one multiply-accumulate, or `pJ`."""
    picojoules_per_unit: UnitPicojoules | None = None
    """Energy of one unit [pJ], where the source gives it and the unit is not `pJ` or the like; without it no
    joules are reported."""
    word_bits: PriceWordBits
    mac: Price
    vector_op: Price
    register_file: Price
    inter_pe: Price
    global_buffer: Price
    dram: Price

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


def energy_by_component(counts: ActionCounts, table: EnergyTable) -> dict[str, float]:
    """Energy of each component, in the table's unit."""
    word_bytes = table.word_bits / 8
    return {
        "mac": counts.macs * table.mac,
        "register_file": counts.register_file_bytes / word_bytes * table.register_file,
        "inter_pe": counts.inter_pe_bytes / word_bytes * table.inter_pe,
        "global_buffer": (counts.global_buffer_read_bytes + counts.global_buffer_write_bytes)
        / word_bytes
        * table.global_buffer,
        "dram": (counts.dram_read_bytes + counts.dram_write_bytes) / word_bytes * table.dram,
        "vector": counts.vector_ops * table.vector_op,
    }


def total_energy(counts: ActionCounts, table: EnergyTable) -> float:
    """Energy of all components, in the table's unit."""
    return sum(energy_by_component(counts, table).values())
