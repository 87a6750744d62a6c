"""Static power: what a chip draws at all times, whether it computes or waits, and what that is in energy.

It is the idle power of the whole chip, and the leakage of its memories and of its area, as far as the file
says them; what is off chip draws nothing here. Memories that say their own leakage are no part of the area
that leaks by the square millimetre. Energy is power times time: 1 mW at 1 MHz is 1 nJ a cycle.
"""

from collections.abc import Sequence
from typing import Final

from accelsim.hardware.area import AreaTable
from accelsim.hardware.memory import Memory
from accelsim.hardware.prices import StaticPower

PICOJOULES: Final = 1e3
"""In a cycle of a microsecond, at one milliwatt."""


def static_power_mw(
    power: StaticPower, on_chip: Sequence[Memory], area: AreaTable | None, area_mm2: float | None
) -> float:
    """What a chip draws at all times [mW].

    Args:
        power: What its file says of the whole.
        on_chip: Its memories.
        area: By which its area leaks, without that of the memories that say their own leakage.
        area_mm2: Of all its parts; None where nobody knows.

    Example:
        >>> sram = Memory(name="sram", size_bytes=65536, leakage_mw_per_kib=0.01)
        >>> round(static_power_mw(StaticPower(idle_mw=1.5), [sram], area=None, area_mm2=None), 2)
        2.14
    """
    of_memories = sum([memory.kibibytes * (memory.leakage_mw_per_kib or 0.0) for memory in on_chip])
    of_area = 0.0
    if area is not None and area.leakage_mw_per_mm2 and area_mm2 is not None:
        on_their_own = [memory for memory in on_chip if memory.leakage_mw_per_kib is not None]
        of_area = area.leakage_mw_per_mm2 * (area_mm2 - area.memories_mm2(on_their_own))
    return (power.idle_mw or 0.0) + of_memories + of_area


def energy_per_cycle(power_mw: float, clock_mhz: float, picojoules_per_unit: float | None) -> float:
    """Energy that a power comes to in a cycle, in the unit of a table; 0 where nobody knows what that is.

    Example:
        >>> energy_per_cycle(1.5, clock_mhz=500, picojoules_per_unit=1)
        3.0
    """
    if not power_mw or picojoules_per_unit is None:
        return 0.0
    return power_mw * PICOJOULES / (clock_mhz * picojoules_per_unit)


def without_leakage(memories: Sequence[Memory]) -> tuple[Memory, ...]:
    """Memories whose leakage is counted elsewhere."""
    return tuple([memory.model_copy(update={"leakage_mw_per_kib": None}) for memory in memories])
