"""Siblings: machines that differ in nothing but how fast their channels stream.

A search over machines comes to many of them; layers are cut on all of them into the same tiles.
"""

from accelsim.hardware.host import HOST
from accelsim.hardware.machine import Hardware


def siblings_key(hardware: Hardware) -> str:
    """The same for machines that differ in nothing but how fast their channels stream.

    Where engines have rules of their own, a cache for one, no other machine has the same; nor has a host.

    Args:
        hardware: The machine.

    Returns:
        Its description as text.

    Example:
        >>> from accelsim.descriptions import vary
        >>> from accelsim.hardware import load_hardware
        >>> machine = load_hardware("16x16_128k")
        >>> slower = vary(machine, **{"memories.dram.bandwidth.bytes_per_cycle": 8})
        >>> siblings_key(slower) == siblings_key(machine)
        True
    """
    if HOST in hardware.pe_array.dataflows:  # the host in place of the chip, which no file could describe
        return repr(hardware)
    apart = {"memories": {"__all__": {"bandwidth"}}} if hardware.is_plain else None
    return hardware.model_dump_json(exclude=apart)


def is_bandwidth(key: str) -> bool:
    """Whether machines that differ in the value at a dotted key alone are mostly siblings.

    Example:
        >>> is_bandwidth("dram.bandwidth_bytes_per_cycle"), is_bandwidth("clock_mhz")
        (True, False)
    """
    return all(".bandwidth." in f"{target}." for target in Hardware.renamed(key))
