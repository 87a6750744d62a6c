"""The pool: a bank that all operands of a memory share, tensors that stay from layer to layer included.

A step takes room for all that it needs there in one request, in the order of the schedule, before any of its
transfers is asked for: so the steps before it have theirs, and whoever has room is never waited for in vain.
The first step of a layer asks for the room of the tensors that begin with it too. Where these have a memory
for themselves, it asks for their room there first, and then for that of its tiles.
"""

from collections.abc import Collection
from itertools import chain

from accelsim.hardware.machine import Hardware
from accelsim.hardware.operand import Operand
from accelsim.mapping.mapping import Step


def free_bytes_at_start(hardware: Hardware, pool_bytes: int) -> list[int]:
    """Of each bank, where tensors take so much of theirs. Raises RuntimeError where there is less."""
    of_tensors = hardware.tensor_bank
    if pool_bytes > (0 if of_tensors is None else of_tensors.size_bytes):
        raise RuntimeError(f"the pool has less than the {pool_bytes} bytes that tensors take at the start")
    return [bank.size_bytes - (pool_bytes if bank is of_tensors else 0) for bank in hardware.banks]


def room_bytes(step: Step, pooled: Collection[Operand]) -> int:
    """What a step needs of the pool, which these operands lie in; what comes to its place has its room."""
    takes, in_place = chain(step.loads.items(), step.takes.items()), step.in_place
    return sum([size for operand, size in takes if operand in pooled and operand not in in_place])
