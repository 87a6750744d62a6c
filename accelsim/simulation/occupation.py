"""For how long a channel is busy with what a step moves: as the step says, or as bytes and bandwidth do."""

import math

from accelsim.hardware.operand import Operand
from accelsim.mapping.mapping import Step


def load_cycles(step: Step, operand: Operand, moved_bytes: int, bytes_per_cycle: float) -> int:
    """With one of the loads of a step, for which the channel moves so much."""
    crossing = step.crossing
    if crossing is None or crossing.load_cycles is None:
        return math.ceil(moved_bytes / bytes_per_cycle)
    return crossing.load_cycles[operand]


def store_cycles(step: Step, bytes_per_cycle: float) -> int:
    """With all that a step stores."""
    crossing = step.crossing
    if crossing is None or crossing.store_cycles is None:
        return math.ceil(sum(step.moved_stores.values()) / bytes_per_cycle)
    return crossing.store_cycles
