"""Log: what was observed of the machine over some time, and how banks are counted."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from operator import lt

from accelsim.hardware.bank import Bank
from accelsim.hardware.operand import Operand


@dataclass(slots=True)
class Log:
    """What was observed over some time."""

    start_cycles: dict[int, int] = field(default_factory=dict)
    """Of each layer that asked for its first byte."""
    end_cycles: dict[int, int] = field(default_factory=dict)
    """Of each layer whose last output reached DRAM."""
    waiting_cycles: dict[int, dict[Operand, int]] = field(default_factory=dict)
    """Of each layer for which nothing was executed, as `LayerActivity` has them."""
    least_free_bytes: list[int] = field(default_factory=list)
    """The least that was free in each bank, in each of several memories, and in all with tiles together."""

    def of_layer(self, layer: int) -> dict[Operand, int]:
        """What steps of a layer were waited for, to be added to."""
        waiting = self.waiting_cycles.get(layer)
        if waiting is None:
            waiting = self.waiting_cycles[layer] = {}
        return waiting

    def stand_still(self, layer: int, operand: Operand, cycles: int) -> None:
        """Nothing was executed, because a step of a layer lacked an operand."""
        waiting = self.of_layer(layer)
        waiting[operand] = waiting.get(operand, 0) + cycles

    def observe(self, free_bytes: Sequence[int]) -> None:
        """What is free over some time in the banks, and in all of them together."""
        least = self.least_free_bytes
        if True in map(lt, free_bytes, least):  # mostly not; `any` takes twice as long for so few
            least[:] = map(min, free_bytes, least)


def banks_by_memory(banks: Sequence[Bank]) -> tuple[tuple[int, ...], ...]:
    """Which banks each memory has, and at last those of tiles, where there are several memories: one has all
    banks, and none is listed.
    """
    memories = dict.fromkeys(bank.memory for bank in banks)
    if len(memories) == 1:
        return ()
    of_memories = [
        [index for index, bank in enumerate(banks) if bank.memory == memory] for memory in memories
    ]
    of_tiles = [index for index, bank in enumerate(banks) if bank.operands]
    return tuple(map(tuple, [*of_memories, of_tiles]))


def bank_sums(of_banks: Sequence[int], memories: Sequence[Sequence[int]]) -> tuple[int, ...]:
    """Bytes of each bank, then of each of several memories, then of all with tiles together."""
    if not memories:  # as mostly
        return (*of_banks, sum(of_banks))
    return (*of_banks, *(sum([of_banks[index] for index in indices]) for indices in memories))
