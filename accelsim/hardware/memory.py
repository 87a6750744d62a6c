"""Memories: what each of them holds, how large it is, what an access costs, and the channel behind it.

A machine lists its memories from the outermost inwards. An operand's tiles are buffered in its *working
memory*, the one on chip that holds it; they come from the outermost memory, or go there.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, Final, Literal, NamedTuple, Self

from pydantic import Field, model_validator

from accelsim.descriptions import Description
from accelsim.descriptions.quantities import (
    BufferBytes,
    BytesPerCycle,
    Descriptors,
    Fraction,
    LatencyCycles,
    Price,
)
from accelsim.hardware.operand import Operand
from accelsim.hardware.prices import OFF_CHIP_ENERGY, ON_CHIP_ENERGY

ROUNDING: Final = 1e-9
"""By how much shares that are meant to add up to one may miss it."""
LATENCY_CYCLES: Final = 100
PREFETCH: Final = 8
"""What the channel of an outermost memory has whose file does not say."""

MemoryName = Annotated[
    str,
    Field(
        pattern=r"^[a-z][a-z0-9_]*$",
        max_length=40,
        description="a name of small letters, digits and underscores",
    ),
]


COMPONENTS: Final = ("mac", "register_file", "inter_pe", "vector")
"""What energy is spent on beside memories, and in one mapping with them (energy.py)."""
ROWS: Final = (
    *("macs", "register_files", "between_pes", "vector_unit"),
    *("source", "pe_array", "area"),
    *("time", "lower_bound", "utilization", "zeros", "assumed", "on_chip", "energy", "bound_by"),
)
"""What reports have rows for beside memories: energies, what a machine amounts to, what a run adds up to."""
OUTERMOST, INNER = "dram", "global_buffer"
"""What results call all traffic of the outermost memory (`dram_bytes`), and of those on chip."""


class Bandwidth(Description):
    """How fast a channel streams."""

    bytes_per_cycle: BytesPerCycle
    """Shared by reads and writes."""


class AccessEnergy(Description):
    """What an access costs for a word of `energy.word_bits`, in the unit of the energy table."""

    read: Price
    write: Price


class Banks(Description):
    """How operands divide a memory on chip; each bank is double buffered.

    A bank is named after its operand. The residual lies with the inputs.
    """

    shares: Mapping[Operand, Fraction] | None = None
    """Parts of the memory."""
    bytes: Mapping[Operand, BufferBytes] | None = None
    """Sizes of the banks."""

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.shares is None) == (self.bytes is None):
            raise ValueError("must give either shares or bytes")
        return self


Kept = Literal["activations", "weights"]
"""Tensors that may stay in a memory: activations from one layer to the next, weights from one inference to
the next."""
ACTIVATIONS: Final = (Operand.INPUTS, Operand.OUTPUTS, Operand.RESIDUAL)
"""As what layers see them."""
POOL: Final = "pool"
"""The name of the one bank of a memory that all of its operands share."""


class Memory(Description):
    """One memory of the machine.

    Attributes:
        name: As results call it.
        holds: The operands.
        energy: Of an access; None is Eyeriss's.

    Example:
        >>> from accelsim.hardware import load_hardware
        >>> [(memory.name, memory.size_bytes) for memory in load_hardware("16x16_128k").memories]
        [('dram', None), ('global_buffer', 131072)]
    """

    name: MemoryName
    holds: tuple[Operand, ...] = Field(default=tuple(Operand), min_length=1)
    size_bytes: BufferBytes | None = None
    """None: as large as need be, which only the outermost memory can be."""
    keeps: tuple[Kept, ...] = ()
    """What may stay in it, so that it need not go outside and come back, or come again."""
    banks: Banks | Literal["pool"] | None = None
    """None: the operands buffered in it have equal shares; `pool`: all of them share the whole of it."""
    bandwidth: Bandwidth | None = None
    """Of the outermost memory's channel to those on chip."""
    latency_cycles: LatencyCycles | None = None
    """Until the first byte of a transfer comes; latencies of several requests overlap."""
    prefetch: Descriptors | None = None
    """Steps whose tiles may be asked for before the array takes up the first of them."""
    energy: AccessEnergy | None = None

    @property
    def division(self) -> Banks | None:
        """How operands divide it, as its file says; None where that is left out, and of a pool."""
        return self.banks if isinstance(self.banks, Banks) else None


class Channel(NamedTuple):
    """What moves tiles between the outermost memory and those on chip.

    Attributes:
        bytes_per_cycle: While it streams.
        latency_cycles: Before the first byte of a transfer.
        prefetch: Steps whose tiles may be asked for before the array takes up the first of them.

    Example:
        >>> Channel(bytes_per_cycle=16.0, latency_cycles=100, prefetch=8).bytes_per_cycle
        16.0
    """

    bytes_per_cycle: float
    latency_cycles: int
    prefetch: int


class Bank(NamedTuple):
    """A part of a memory on chip, in which tiles of some operands are buffered.

    A bank of one operand is double buffered: a tile takes half of it at most, and room for it is taken when
    its transfer is asked for (of outputs, when the array is ready). In a pool a step takes room for all that
    it needs there in one request, in the order of the schedule.

    Attributes:
        memory: The name of the one that it is a part of.
        name: That of its operand, or `pool`.
        size_bytes: Of the whole bank.
        operands: Whose tiles are buffered here.

    Example:
        >>> from accelsim.hardware import load_hardware
        >>> [bank.name for bank in load_hardware("16x16_128k").banks]
        ['inputs', 'weights', 'outputs']
    """

    memory: str
    name: str
    size_bytes: int
    operands: tuple[Operand, ...]


def banks_of(memory: Memory) -> Iterator[Bank]:
    """The banks of a memory on chip, in the order of their operands."""
    if memory.banks == POOL:
        yield Bank(memory.name, POOL, memory.size_bytes or 0, memory.holds)
        return
    sizes = _bank_bytes(memory)
    for operand, size in sizes.items():
        shared = (
            operand is Operand.INPUTS and Operand.RESIDUAL in memory.holds and Operand.RESIDUAL not in sizes
        )
        yield Bank(memory.name, operand.value, size, (operand, Operand.RESIDUAL) if shared else (operand,))


def bank_shares(memory: Memory) -> dict[Operand, float]:
    """The part of a memory on chip that each operand's bank takes."""
    own_banks, banks = _with_banks_of_their_own(memory.holds), memory.division
    shares: Mapping[Operand, float] = dict.fromkeys(own_banks, 1 / len(own_banks))
    if banks is not None and banks.shares is not None:
        shares = banks.shares
    if banks is not None and banks.bytes is not None:
        shares = {operand: size / (memory.size_bytes or 1) for operand, size in banks.bytes.items()}
    return {operand: shares[operand] for operand in Operand if operand in shares}


def _bank_bytes(memory: Memory) -> dict[Operand, int]:
    banks = memory.division
    if banks is not None and banks.bytes is not None:
        return {operand: banks.bytes[operand] for operand in bank_shares(memory)}
    return {operand: int((memory.size_bytes or 0) * share) for operand, share in bank_shares(memory).items()}


def _with_banks_of_their_own(holds: Sequence[Operand]) -> set[Operand]:
    """The residual lies with the inputs where they are."""
    return set(holds) - ({Operand.RESIDUAL} if Operand.INPUTS in holds else set())


def spelled_out(memory: Memory, outermost: bool) -> Memory:
    """A memory with what is taken where its file says nothing."""
    price = OFF_CHIP_ENERGY if outermost else ON_CHIP_ENERGY
    defaults: dict[str, Any] = {"energy": memory.energy or AccessEnergy(read=price, write=price)}
    if not outermost:
        defaults["banks"] = memory.banks or Banks(shares=bank_shares(memory))
    else:
        channel = channel_of(memory)
        defaults |= {"latency_cycles": channel.latency_cycles, "prefetch": channel.prefetch}
    return memory.model_copy(update=defaults)


def channel_of(outermost: Memory) -> Channel:
    """Between the outermost memory and those on chip."""
    bandwidth, latency, prefetch = outermost.bandwidth, outermost.latency_cycles, outermost.prefetch
    return Channel(
        bandwidth.bytes_per_cycle if bandwidth else math.inf,
        LATENCY_CYCLES if latency is None else latency,
        PREFETCH if prefetch is None else prefetch,
    )


class Unserved(NamedTuple):
    """What a list of memories asks for that no machine here has."""

    memory: int
    """By its place in the list."""
    key: str
    """Dotted."""
    sentence: str


def unserved(memories: Sequence[Memory]) -> Iterator[Unserved]:
    """What cannot be simulated, or contradicts itself."""
    for index, memory in enumerate(memories):
        if memory.name in {earlier.name for earlier in memories[:index]}:
            yield Unserved(index, "name", "must be another name: a memory before it has this one")
        elif conflict := _taken_by(memory.name, outermost=not index):
            yield Unserved(index, "name", f"must be another name: {conflict}")
        if len(set(memory.holds)) < len(memory.holds):
            yield Unserved(index, "holds", "must name each operand once")
    kept_on_chip = any("activations" in memory.keeps for memory in memories[1:])
    yield from _unserved_outermost(memories[0], kept_on_chip)
    for index, memory in enumerate(memories[1:], 1):
        yield from (Unserved(index, key, sentence) for key, sentence in _unserved_on_chip(memory))
    pools = [index for index, memory in enumerate(memories) if memory.banks == POOL]
    for index in pools[1:]:
        sentence = (
            f"must be divided: {memories[pools[0]].name} is a pool already, and a machine has one at most"
        )
        yield Unserved(index, "banks", sentence)
    for operand in Operand:
        holders = [index for index, memory in enumerate(memories[1:], 1) if operand in memory.holds]
        if not holders:
            sentence = f"no memory on chip holds the {operand}: must be held by one of {_names(memories[1:])}"
            yield Unserved(len(memories) - 1, "holds", sentence)
        for index in holders[1:]:
            sentence = (
                f"{memories[holders[0]].name} holds the {operand} too: there is one memory on chip for each "
                "operand, in which its tiles are buffered"
            )
            yield Unserved(index, "holds", sentence)


def _taken_by(name: str, *, outermost: bool) -> str | None:
    """What else in results or reports goes by the name of a memory; None where nothing does."""
    if name in COMPONENTS:
        return "results have the energy of another component under this one"
    if name in ROWS:
        return "reports have a row of this one"
    if name == (INNER if outermost else OUTERMOST):
        where_it_is = "on chip" if outermost else "outside the chip"
        return f"results call the memory {where_it_is} by this one"
    return None


def _unserved_outermost(memory: Memory, kept_on_chip: bool) -> Iterator[Unserved]:
    missing = [operand for operand in Operand if operand not in memory.holds]
    only_weights = memory.holds == (Operand.WEIGHTS,)
    if missing and not (only_weights and kept_on_chip):
        everything = "everything, or weights alone" if kept_on_chip else "everything"
        sentence = f"must hold {everything}: {', '.join(missing)} would have no place outside the chip"
        if only_weights:
            sentence = f"{sentence}, and no memory on chip keeps activations"
        yield Unserved(0, "holds", sentence)
    if memory.bandwidth is None:
        yield Unserved(0, "bandwidth", "missing, must be a mapping with the key bytes_per_cycle")
    if memory.banks is not None:
        yield Unserved(0, "banks", "must be left out: tiles are buffered in the memories on chip")
    if memory.keeps:
        yield Unserved(0, "keeps", "must be left out: all that the outermost memory holds stays there")
    if memory.size_bytes is not None:
        yield Unserved(0, "size_bytes", "must be left out: the outermost memory is as large as need be")


def _unserved_on_chip(memory: Memory) -> Iterator[tuple[str, str]]:
    if memory.size_bytes is None:
        yield "size_bytes", "missing, must be a whole number of bytes"
    for key in ("bandwidth", "latency_cycles", "prefetch"):
        if getattr(memory, key) is not None:
            yield key, "must be left out: only the outermost memory has a channel"
    if (Operand.RESIDUAL in memory.holds) != (Operand.INPUTS in memory.holds):
        yield "holds", "must name inputs and residual together: their tiles are buffered in one bank"
    yield from _unserved_keeps(memory)
    yield from _unserved_banks(memory)


def _unserved_keeps(memory: Memory) -> Iterator[tuple[str, str]]:
    if len(set(memory.keeps)) < len(memory.keeps):
        yield "keeps", "must name each kind of tensor once"
    if memory.keeps and memory.banks != POOL:
        yield "keeps", "must be left out where banks is not pool: what stays shares the room of tiles"
    if "weights" in memory.keeps and Operand.WEIGHTS not in memory.holds:
        yield "keeps", "must not name weights: the memory does not hold weights"
    missing = [operand for operand in ACTIVATIONS if operand not in memory.holds]
    if "activations" in memory.keeps and missing:
        yield "keeps", f"must not name activations: the memory does not hold {' and '.join(missing)}"


def _unserved_banks(memory: Memory) -> Iterator[tuple[str, str]]:
    division, own_banks = memory.division, _with_banks_of_their_own(memory.holds)
    if division is None:
        return
    banks = division.shares or division.bytes or {}
    if missing := [operand for operand in Operand if operand in own_banks and operand not in banks]:
        yield "banks", f"must have a bank for the {' and the '.join(missing)}, which it holds"
    if Operand.RESIDUAL in banks:
        yield "banks", "must have no bank for the residual: its tiles are buffered with the inputs"
    if strange := [operand for operand in banks if operand not in memory.holds]:
        yield "banks", f"must have no bank for the {' and the '.join(strange)}, which it does not hold"
    if division.shares is not None and math.fsum(division.shares.values()) > 1 + ROUNDING:
        total = sum(division.shares.values())
        yield "banks.shares", f"must not exceed 1 together; they are {total:g}"
    if division.bytes is not None and sum(division.bytes.values()) > (memory.size_bytes or 0):
        total_bytes = sum(division.bytes.values())
        yield "banks.bytes", f"must not exceed size_bytes together; they take {total_bytes} bytes"


def _names(memories: Sequence[Memory]) -> str:
    return ", ".join(memory.name for memory in memories)
