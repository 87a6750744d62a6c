"""MachineStep: a step as one machine meets it, with banks in place of operands and cycles in place of bytes.

Tiles that are alike share a `Step`, and each is met many times: what of it depends on nothing but the machine
is found once.
"""

from collections.abc import Collection
from collections.abc import Mapping as MappingOf
from dataclasses import dataclass
from math import ceil
from typing import Final, TypeAlias

from accelsim.hardware.operand import Operand
from accelsim.mapping.mapping import Step
from accelsim.simulation.pool import room_bytes

_WEIGHTS: Final = Operand.WEIGHTS
_OUTPUTS: Final = Operand.OUTPUTS
Room: TypeAlias = tuple[tuple[int, int], ...]
"""Bytes of banks, each by its index."""


@dataclass(slots=True, eq=False)
class Load:
    """One operand that a step loads."""

    bank: int
    size_bytes: int
    """Of the room that is taken before it is asked for: none where that is taken for the whole step."""
    moved_bytes: int
    """By the channel."""
    stream_cycles: int
    """Of the channel, where there is one."""
    of_layers: bool
    """Whether it is what other layers put out, and waits for them."""
    operand: Operand


@dataclass(slots=True, eq=False)
class MachineStep:
    """A step on one machine, known by its number."""

    mapped: Step
    """What the mapping says."""
    number: int
    loads: tuple[Load, ...]
    """In the order in which they are asked for."""
    taken_bytes: int
    """Of the bank of outputs before it runs, where that is not taken with the room of its loads."""
    freed_by_array: Room
    freed_by_vector_unit: Room
    freed_by_store: Room
    array_cycles: int
    vector_cycles: int
    completes: bool
    stores: bool
    """Whether anything goes outside."""
    store_cycles: int
    """Of the channel, where there is one: of outputs, which alone are stored."""
    room_bytes: int
    """Of the pool, taken in one request; 0 on a machine without."""


def machine_step(
    step: Step,
    number: int,
    bank_of: MappingOf[Operand, int],
    bytes_per_cycle: float,
    pooled: Collection[Operand],
) -> MachineStep:
    """A step on a machine, where operands have these banks, and some of them share a pool.

    Args:
        step: What the mapping says.
        number: By which it is known.
        bank_of: The index of the bank of each operand.
        bytes_per_cycle: Of the one channel.
        pooled: Operands that lie in a pool.
    """
    # Written out for speed: a machine of a sweep meets a step eleven times.
    moved, freed = step.moved_loads, step.freed_by_vector_unit
    loads = [
        Load(
            bank_of[operand],
            0 if pooled and operand in pooled else size_bytes,
            moved[operand],
            ceil(moved[operand] / bytes_per_cycle),
            operand is not _WEIGHTS or step.weights_of_layer,
            operand,
        )
        for operand, size_bytes in step.loads.items()
    ]
    return MachineStep(
        step,
        number,
        tuple(loads),
        0 if _OUTPUTS in pooled else step.takes.get(_OUTPUTS, 0),
        tuple([(bank_of[operand], size_bytes) for operand, size_bytes in step.freed_by_array.items()]),
        tuple([(bank_of[operand], size_bytes) for operand, size_bytes in freed.items()]) if freed else (),
        tuple([(bank_of[operand], size_bytes) for operand, size_bytes in step.freed_by_store.items()]),
        step.array_cycles,
        step.vector_cycles,
        step.completes,
        bool(step.stores),
        ceil(sum(step.moved_stores.values()) / bytes_per_cycle) if step.stores else 0,
        room_bytes(step, pooled) if pooled else 0,
    )
