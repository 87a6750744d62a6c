"""Memories: what each of them holds, how large it is, what an access costs, and the channel behind it.

A machine lists its memories from the outermost inwards. An operand's tiles are buffered in its *working
memory*, the one on chip that holds it; they come from its *home*, the outermost memory that holds it, or go
there. Memories off chip have a channel each, over which they move tiles at the same time.
"""

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
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
"""What the channel of a memory off chip has whose file does not say."""

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
CONTENTS: Final = (
    *("image", "result", "constant", "activations", "tensor", "tensors", "tile", "tiles", "pool", "outside"),
    *Operand,
)
"""What lies in memories or moves between them, and where, in the words of results and reports."""
OFF_CHIP, ON_CHIP = "dram", "global_buffer"
"""What results call all traffic of the memories off chip (`dram_bytes`), and of those on chip."""


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
            raise ValueError("must give either shares or bytes, or be the word pool")
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
    """None: as large as need be, which only memories off chip can be."""
    keeps: tuple[Kept, ...] = ()
    """What may stay in it, so that it need not go outside and come back, or come again."""
    banks: Banks | Literal["pool"] | None = None
    """None: the operands buffered in it have equal shares; `pool`: all of them share the whole of it."""
    bandwidth: Bandwidth | None = None
    """Of the channel of a memory off chip to those on chip."""
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
    """What moves tiles between a memory off chip and those on chip.

    Attributes:
        memory: The name of the one off chip.
        operands: Whose home that is.
        bytes_per_cycle: While it streams.
        latency_cycles: Before the first byte of a transfer.
        prefetch: Steps whose tiles may be asked for before the array takes up the first of them.

    Example:
        >>> from accelsim.hardware import load_hardware
        >>> (channel,) = load_hardware("16x16_128k").channels
        >>> channel.memory, channel.bytes_per_cycle, channel.latency_cycles, channel.prefetch
        ('dram', 16.0, 100, 8)
    """

    memory: str
    operands: frozenset[Operand]
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


def memories_off_chip(memories: Sequence[Memory]) -> tuple[Memory, ...]:
    """Those of a list that have no size but a channel; the first of all, whatever its file says."""
    return tuple([memories[index] for index in _off_chip(memories)])


def _off_chip(memories: Sequence[Memory]) -> list[int]:
    """The same, by their places in the list."""
    others = enumerate(memories[1:], 1)
    return [0, *(index for index, memory in others if memory.size_bytes is None and memory.bandwidth)]


def home_of(operand: Operand, off_chip: Sequence[Memory]) -> Memory | None:
    """The outermost memory that holds an operand; None where none off chip does."""
    return next((memory for memory in off_chip if operand in memory.holds), None)


def spelled_out(memory: Memory, *, off_chip: bool) -> Memory:
    """A memory with what is taken where its file says nothing."""
    price = OFF_CHIP_ENERGY if off_chip else ON_CHIP_ENERGY
    defaults: dict[str, Any] = {"energy": memory.energy or AccessEnergy(read=price, write=price)}
    if not off_chip:
        defaults["banks"] = memory.banks or Banks(shares=bank_shares(memory))
    else:
        channel = channel_of(memory, ())
        defaults |= {"latency_cycles": channel.latency_cycles, "prefetch": channel.prefetch}
    return memory.model_copy(update=defaults)


def channel_of(memory: Memory, operands: Collection[Operand]) -> Channel:
    """Between a memory off chip, the home of some operands, and those on chip."""
    bandwidth, latency, prefetch = memory.bandwidth, memory.latency_cycles, memory.prefetch
    return Channel(
        memory.name,
        frozenset(operands),
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
    off_chip = _off_chip(memories)
    on_chip = [index for index in range(len(memories)) if index not in off_chip]
    for index, memory in enumerate(memories):
        if memory.name in {earlier.name for earlier in memories[:index]}:
            yield Unserved(index, "name", "must be another name: a memory before it has this one")
        elif conflict := _taken_by(memory.name, off_chip=index in off_chip):
            yield Unserved(index, "name", f"must be another name: {conflict}")
        if len(set(memory.holds)) < len(memory.holds):
            yield Unserved(index, "holds", "must name each operand once")
    yield from _unserved_homes(memories, off_chip, on_chip)
    for index in off_chip:
        yield from (Unserved(index, key, sentence) for key, sentence in _unserved_off_chip(memories[index]))
    if not on_chip:
        yield Unserved(len(memories) - 1, "size_bytes", f"{_NO_SIZE}: no memory before it is on chip")
        return
    for index in on_chip:
        yield from (Unserved(index, key, sentence) for key, sentence in _unserved_on_chip(memories[index]))
    yield from _unserved_together(memories, on_chip)


_NO_SIZE: Final = "missing, must be a whole number of bytes"


def _unserved_together(memories: Sequence[Memory], on_chip: Sequence[int]) -> Iterator[Unserved]:
    """Of the memories on chip, which have the operands in common."""
    pools = [index for index in on_chip if memories[index].banks == POOL]
    for index in pools[1:]:
        sentence = (
            f"must be divided: {memories[pools[0]].name} is a pool already, and a machine has one at most"
        )
        yield Unserved(index, "banks", sentence)
    for operand in Operand:
        holders = [index for index in on_chip if operand in memories[index].holds]
        if not holders:
            names = _names([memories[index] for index in on_chip])
            sentence = f"no memory on chip holds the {operand}: must be held by one of {names}"
            yield Unserved(len(memories) - 1, "holds", sentence)
        for index in holders[1:]:
            sentence = (
                f"{memories[holders[0]].name} holds the {operand} too: there is one memory on chip for each "
                "operand, in which its tiles are buffered"
            )
            yield Unserved(index, "holds", sentence)


def _taken_by(name: str, *, off_chip: bool) -> str | None:
    """What else in results or reports goes by the name of a memory; None where nothing does."""
    if name in COMPONENTS:
        return "results have the energy of another component under this one"
    if name in ROWS:
        return "reports have a row of this one"
    if name in CONTENTS:
        return "results and reports say by this one what lies in a memory, or where"
    if name == (ON_CHIP if off_chip else OFF_CHIP):
        where_it_is = "on chip" if off_chip else "outside the chip"
        return f"results call the memory {where_it_is} by this one"
    return None


def _unserved_homes(
    memories: Sequence[Memory], off_chip: Sequence[int], on_chip: Sequence[int]
) -> Iterator[Unserved]:
    """Operands without a home, and memories off chip that are the home of none."""
    outer = [memories[index] for index in off_chip]
    homes = {operand: home_of(operand, outer) for operand in Operand}
    yield from _unserved_inner_homes(memories, off_chip[1:], on_chip, homes)
    missing = [operand for operand, home in homes.items() if home is None]
    kept_on_chip = any("activations" in memories[index].keeps for index in on_chip)
    only_weights = missing == list(ACTIVATIONS)
    if missing and not (only_weights and kept_on_chip):
        everything = "everything, or weights alone" if kept_on_chip else "everything"
        together = f", together with {_names(outer[:-1])}" if len(outer) > 1 else ""
        absent = ", ".join(missing)
        sentence = f"must hold {everything}{together}: {absent} would have no place outside the chip"
        if only_weights:
            sentence = f"{sentence}, and no memory on chip keeps activations"
        yield Unserved(off_chip[-1], "holds", sentence)


def _unserved_inner_homes(
    memories: Sequence[Memory],
    off_chip: Sequence[int],
    on_chip: Sequence[int],
    homes: Mapping[Operand, Memory | None],
) -> Iterator[Unserved]:
    """Memories off chip that are not the first: what they are for, and where they stand."""
    for index in off_chip:
        memory = memories[index]
        if any(place in on_chip for place in range(index)):
            sentence = "must come before the memories on chip: it has no size, so it is off chip"
            yield Unserved(index, "name", sentence)
        if not any(home is memory for home in homes.values()):
            sentence = "must name an operand that no memory before it holds: the first that does is its home"
            yield Unserved(index, "holds", sentence)
        at_home = [operand for operand in ACTIVATIONS if homes[operand] is memory]
        if at_home and None not in homes.values() and len(at_home) < len(ACTIVATIONS):
            elsewhere = " and ".join([operand for operand in ACTIVATIONS if operand not in at_home])
            sentence = (
                f"must be the home of {', '.join(ACTIVATIONS)} or of none of them, but a memory before it is "
                f"that of {elsewhere}: what a layer puts out is what others read"
            )
            yield Unserved(index, "holds", sentence)


def _unserved_off_chip(memory: Memory) -> Iterator[tuple[str, str]]:
    if memory.bandwidth is None:
        yield "bandwidth", "missing, must be a mapping with the key bytes_per_cycle"
    if memory.banks is not None:
        yield "banks", "must be left out: tiles are buffered in the memories on chip"
    if memory.keeps:
        yield "keeps", "must be left out: all that a memory off chip holds stays there"
    if memory.size_bytes is not None:
        yield "size_bytes", "must be left out: a memory off chip is as large as need be"


def _unserved_on_chip(memory: Memory) -> Iterator[tuple[str, str]]:
    if memory.size_bytes is None:
        yield "size_bytes", _NO_SIZE
    for key in ("bandwidth", "latency_cycles", "prefetch"):
        if getattr(memory, key) is not None:
            yield key, "must be left out: only memories off chip, which have no size, have a channel"
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
