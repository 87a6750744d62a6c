"""Homes: the memory off chip that each operand comes from or goes to."""

from accelsim.hardware.machine import Hardware
from accelsim.hardware.operand import Operand


def homes_of(hardware: Hardware) -> dict[str, str]:
    """The outermost memory that holds it; of an operand that none off chip holds, which never moves, the
    first.
    """
    names = {operand.value: hardware.memories[0].name for operand in Operand}
    for memory in reversed(hardware.off_chip):
        names |= dict.fromkeys([operand.value for operand in memory.holds], memory.name)
    return names
