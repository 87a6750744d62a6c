"""Traffic: what memories were accessed for, of a layer or a run: plain values."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Traffic:
    """Bytes read from and written to a memory."""

    read: int
    write: int

    @property
    def total(self) -> int:
        """Bytes moved either way."""
        return self.read + self.write


@dataclass(frozen=True, slots=True)
class MemoryResult:
    """What one memory was accessed for, by the operands that it holds."""

    read_bytes: Mapping[str, int]
    written_bytes: Mapping[str, int]
    energy: float
    """In the unit of the hardware file's table."""
    peak_bytes: int | None = None
    """The most that it held at any time, of a memory on chip in a whole run."""
    home_of: tuple[str, ...] = ()
    """The operands that come from it, or go to it: of a memory off chip one at least, of one in which tiles
    are buffered none; of one for tensors alone those that lie there, which of a whole run is not said."""
    busy_cycles: int | None = None
    """In which its channel streamed, of one of several memories with a channel."""
    keeps_tensors: bool = False
    """Whether it is on chip and for tensors alone, so that tiles come from it as from one off chip."""
    beside_bytes: Mapping[str, int] = field(default_factory=dict)
    """Read and written by operand beside what is of use, because whole bursts move; empty where all bytes
    move by themselves."""

    missed_bytes: Mapping[str, int] = field(default_factory=dict)
    """By operand, of lines that the cache before it fetched from it; empty where there is no cache."""

    @property
    def is_off_chip(self) -> bool:
        """Whether it is outside the chip."""
        return bool(self.home_of) and not self.keeps_tensors

    @property
    def has_tiles(self) -> bool:
        """Whether it is on chip, and tiles are buffered in it."""
        return not (self.home_of or self.keeps_tensors)

    @property
    def moved_bytes(self) -> dict[str, int]:
        """Read and written by operand, as they move: in whole bursts, where the memory moves such."""
        return {
            operand: self.read_bytes[operand]
            + self.written_bytes[operand]
            + self.beside_bytes.get(operand, 0)
            for operand in self.read_bytes
        }
