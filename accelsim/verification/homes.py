"""Homes: the memory that each operand comes from or goes to."""

from collections.abc import Mapping

from accelsim.hardware.machine import Hardware
from accelsim.hardware.operand import Operand


def homes_of(hardware: Hardware, places: Mapping[Operand, str]) -> dict[str, str]:
    """Of a layer whose operands have these places: the memory for tensors alone of those that lie there.

    Of others the outermost memory that holds it; of an operand that none off chip holds, which never moves,
    the first.
    """
    names = {operand.value: hardware.memories[0].name for operand in Operand}
    for memory in reversed(hardware.off_chip):
        names |= dict.fromkeys([operand.value for operand in memory.holds], memory.name)
    if hardware.tensor_memory is None:
        return names
    inside = [operand.value for operand, place in places.items() if place == hardware.tensor_memory.name]
    return names | dict.fromkeys(inside, hardware.tensor_memory.name)
