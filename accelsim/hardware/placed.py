"""Placed: the memories of a machine as a layer sees them some of whose operands lie in the tensor memory.

To a layer it is no matter that tensors lie on chip and may go elsewhere: the memory for tensors is one more
that tiles come from. So it is written down as a memory off chip that is the home of what lies there.
"""

from collections.abc import Iterator, Sequence
from itertools import combinations

from accelsim.hardware.memory import ACTIVATIONS, Memory, default_energy, spelled_out
from accelsim.hardware.operand import Operand


def placed_memories(
    memories: Sequence[Memory], tensor_memory: Memory | None
) -> Iterator[tuple[frozenset[Operand], tuple[Memory, ...]]]:
    """Memories with fixed homes, for each set of operands that may lie in the one for tensors.

    Args:
        memories: Of a machine.
        tensor_memory: That of them for tensors alone, if there is one.

    Yields:
        The operands that lie there, and the memories: without it where none do.

    Example:
        >>> from accelsim.hardware import load_hardware
        >>> machine = load_hardware("mcu_l3_l2_l1")
        >>> placed = dict(placed_memories(machine.memories, machine.tensor_memory))
        >>> [memory.name for memory in placed[frozenset()]], len(placed)
        (['l3', 'l1'], 16)
    """
    if tensor_memory is None:
        return
    operands = (*ACTIVATIONS, Operand.WEIGHTS)  # those that stay, or are what another layer puts out
    for count in range(len(operands) + 1):
        for inside in map(frozenset[Operand], combinations(operands, count)):
            yield inside, tuple(_with_homes(memories, tensor_memory, inside))


def _with_homes(
    memories: Sequence[Memory], tensor_memory: Memory, inside: frozenset[Operand]
) -> Iterator[Memory]:
    index = memories.index(tensor_memory)
    for memory in memories[:index]:
        outside = tuple([operand for operand in memory.holds if operand not in inside])
        yield memory.model_copy(update={"holds": outside})
    if inside:
        holds = tuple([operand for operand in Operand if operand in inside])
        energy = (tensor_memory.energy or default_energy(off_chip=False)).at_size(tensor_memory.size_bytes)
        sizes = {"size_bytes": None, "arena_bytes": None}
        values = {"holds": holds, **sizes, "keeps": (), "energy": energy}
        yield spelled_out(tensor_memory, off_chip=False, has_activations=True).model_copy(update=values)
    yield from memories[index + 1 :]
