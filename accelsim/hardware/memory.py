"""Memories: what each of them holds, how large it is, what an access costs, and the channel behind it.

A machine lists its memories from the outermost inwards. An operand's tiles are buffered in its *working
memory*, the one on chip that holds it; they come from its *home*, the outermost memory that holds it, or go
there. Memories off chip have a channel each, over which they move tiles at the same time. Between them and
the working memories there may be one for tensors alone, the *tensor memory*, with a channel of its own: what
lies there is read and written there by tiles, and not at its home.
"""

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Annotated, Any, Final, Literal, NamedTuple, Self, get_args

from pydantic import Field, model_validator

from accelsim.descriptions import Description
from accelsim.descriptions.quantities import (
    BufferBytes,
    BurstBytes,
    Descriptors,
    Exponent,
    LatencyCycles,
    LatencySeconds,
    LeakageMilliwatts,
    Price,
)
from accelsim.hardware.bandwidth import Bandwidth, Latency, Way, in_cycles, refuse_two_latencies
from accelsim.hardware.bank import Bank, Banks
from accelsim.hardware.cache import Cache
from accelsim.hardware.coding import Compress
from accelsim.hardware.operand import Operand
from accelsim.hardware.prices import OFF_CHIP_ENERGY, ON_CHIP_ENERGY, AccessPrice

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


COMPONENTS: Final = ("mac", "register_file", "inter_pe", "vector", "static")
"""What energy is spent on beside memories, and in one mapping with them (energy.py)."""
ROWS: Final = (
    *("macs", "register_files", "between_pes", "vector_unit", "host"),
    *("source", "pe_array", "area"),
    *(
        "time",
        "lower_bound",
        "utilization",
        "zeros",
        "assumed",
        "held_against",
        "on_chip",
        "energy",
        "power",
        "bound_by",
    ),
)
"""What reports have rows for beside memories: energies, what a machine amounts to, what a run adds up to."""
CONTENTS: Final = (
    "image",
    "result",
    "constant",
    "activations",
    "tensor",
    "tensors",
    "tile",
    "tiles",
    "pool",
    "outside",
)
"""What lies in memories or moves between them, and where, in the words of results and reports. Operands are
not among them: a memory for one may go by its name."""
OFF_CHIP, ON_CHIP = "dram", "global_buffer"
"""What results call all traffic of the memories off chip (`dram_bytes`), and of those on chip."""


Layout = Literal["nhwc", "nchw"]
"""In which order the elements of an activation lie: channels innermost, so that those of a pixel are
neighbours, or a plane for each channel, in which the pixels of a row are. Each row begins with a burst."""


LAYOUTS: Final[tuple[Layout, ...]] = get_args(Layout)
LAYOUT: Final[Layout] = "nhwc"
"""Of a memory whose file does not say."""


class AccessEnergy(Description):
    """What an access costs for a word of `energy.word_bits`, in the unit of the energy table.

    With `at_bytes` and `exponent` it is a law of size: `read` and `write` hold at `at_bytes`, and at another
    size of the memory they are times (size / `at_bytes`) ^ `exponent`.

    Example:
        >>> law = AccessEnergy(read=2.5, write=2.5, at_bytes=32768, exponent=0.5)
        >>> law.at_size(131072).read
        5.0
    """

    read: Price
    write: Price
    at_bytes: BufferBytes | None = None
    """Of the memory whose prices these are."""
    exponent: Exponent | None = None

    @model_validator(mode="after")
    def _both_or_neither(self) -> Self:
        if (self.at_bytes is None) != (self.exponent is None):
            absent = "at_bytes" if self.at_bytes is None else "exponent"
            raise ValueError(f"{absent} missing: a law of size has both at_bytes and exponent, else neither")
        return self

    def at_size(self, size_bytes: int | None) -> "AccessEnergy":
        """What an access of a memory of a size costs."""
        if self.at_bytes is None or self.exponent is None or size_bytes is None:
            return self
        factor = math.pow(size_bytes / self.at_bytes, self.exponent)
        # Not checked again: what a file's law comes to is refused where it is too much (served.py).
        return AccessEnergy.model_construct(read=self.read * factor, write=self.write * factor)


Kept = Literal["activations", "weights"]
"""Tensors that may stay in a memory: activations from one layer to the next, weights from one inference to
the next."""
ACTIVATIONS: Final = (Operand.INPUTS, Operand.OUTPUTS, Operand.RESIDUAL)
"""As what layers see them."""
POOL: Final = "pool"
"""The name of the one bank of a memory that all of its operands share."""
TENSORS: Final = "tensors"
"""That of a memory in which no tiles lie."""
WayOut = Literal["read", "write"]
"""Which of the two channels of a memory."""
READ: Final[WayOut] = "read"
WRITE: Final[WayOut] = "write"
STORED: Final = frozenset({Operand.OUTPUTS})
"""What goes out; everything else comes in."""


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
    """What may stay in it, so that it need not go outside and come back, or come again: beside tiles, in a
    pool, or alone, in a memory with a channel."""
    banks: Banks | Literal["pool"] | None = None
    """None: the operands buffered in it have equal shares; `pool`: all of them share the whole of it."""
    arena_bytes: BufferBytes | None = None
    """Of a pool, or of a memory for tensors alone: what networks may take of it, for all that stays there or
    passes through together; None: all of it."""
    bandwidth: Bandwidth | None = None
    """Of the channel to the memories in which tiles are buffered, of one off chip or for tensors alone."""
    read: Way | None = None
    """In place of `bandwidth` and a latency, of one off chip: what is loaded goes one way, what is stored
    another, each at its own pace and in a queue of its own, so that they overlap."""
    write: Way | None = None
    """The other way; both are there or neither."""
    latency_cycles: LatencyCycles | None = None
    """Until the first byte of a transfer comes; latencies of several requests overlap."""
    latency_seconds: LatencySeconds | None = None
    """The same where the channel has a clock of its own: whole cycles of the chip's, rounded up."""
    prefetch: Descriptors | None = None
    """Steps whose tiles may be asked for before the array takes up the first of them."""
    burst_bytes: BurstBytes | None = None
    """What its channel moves at least, and whole multiples of: a run of bytes that follow one another takes
    as many bursts as it needs. 1, which is also None: every byte by itself."""
    layout: Layout | None = None
    """Of the activations in it, which says how long such runs are; no matter where there are no bursts. None
    is nhwc."""
    cache: Cache | None = None
    """Before one off chip: from where what it holds is read, and where it is written to first."""
    compress: Compress | None = None
    """How what it holds is compressed, of one off chip; None: not at all."""
    stops_array: tuple[Operand, ...] = ()
    """Of one on chip: operands that move between it and outside only while the array stands, which computes
    nothing as long as they do."""
    energy: AccessEnergy | None = None
    leakage_mw_per_kib: LeakageMilliwatts | None = None
    """That a kibibyte of a memory on chip draws at all times."""

    @model_validator(mode="after")
    def _one_latency(self) -> Self:
        refuse_two_latencies("memory", self)
        return self

    @property
    def kibibytes(self) -> float:
        """Its size; 0 where it is as large as need be."""
        return (self.size_bytes or 0) / 1024

    @property
    def given_bytes(self) -> int:
        """What networks may take of it; 0 where it is as large as need be."""
        return self.size_bytes or 0 if self.arena_bytes is None else self.arena_bytes

    @property
    def unit_bytes(self) -> int | None:
        """Of a pool: it is given out in whole multiples of it, each to one operand; else None."""
        if isinstance(self.banks, Banks):
            return self.banks.bank_bytes
        return 1 if self.banks == POOL else None

    @property
    def division(self) -> Banks | None:
        """The banks of operands, as its file says; None where that is left out, and of a pool."""
        return self.banks if isinstance(self.banks, Banks) and self.unit_bytes is None else None


class Channel(NamedTuple):
    """What moves tiles between a memory off chip, or one for tensors alone, and those where tiles are.

    Attributes:
        memory: The name of the outer one.
        operands: Whose home that is; none where that depends on the layer.
        bytes_per_cycle: While it streams, in cycles of the chip's clock.
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
    burst_bytes: int = 1
    """What it moves whole multiples of."""
    layout: Layout = LAYOUT
    """In which activations lie in the memory."""
    way: WayOut | None = None
    """Of two channels of one memory, which this one is."""

    @property
    def name(self) -> str:
        """That of the memory, and which way it goes where there are two."""
        return self.memory if self.way is None else f"{self.memory}.{self.way}"


def banks_of(memory: Memory) -> Iterator[Bank]:
    """The banks of a memory on chip, in the order of their operands."""
    if memory.unit_bytes is not None:
        padded = isinstance(memory.banks, Banks) and bool(memory.banks.padded)
        yield Bank(memory.name, POOL, memory.given_bytes, memory.holds, memory.unit_bytes, padded)
        return
    if memory.bandwidth is not None:
        yield Bank(memory.name, TENSORS, memory.given_bytes, ())
        return
    sizes = _bank_bytes(memory)
    for operand, size in sizes.items():
        shared = (
            operand is Operand.INPUTS and Operand.RESIDUAL in memory.holds and Operand.RESIDUAL not in sizes
        )
        yield Bank(memory.name, operand.value, size, (operand, Operand.RESIDUAL) if shared else (operand,))


def bank_shares(memory: Memory) -> dict[Operand, float]:
    """The part of a memory on chip that each operand's bank takes."""
    own_banks, banks = with_banks_of_their_own(memory.holds), memory.division
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


def with_banks_of_their_own(holds: Sequence[Operand]) -> set[Operand]:
    """The residual lies with the inputs where they are."""
    return set(holds) - ({Operand.RESIDUAL} if Operand.INPUTS in holds else set())


def sizes_said(memory: Memory) -> Iterator[tuple[str, int]]:
    """The dotted keys of a machine that say how many bytes a memory on chip has, or parts of it have."""
    key = f"memories.{memory.name}"
    yield f"{key}.size_bytes", memory.size_bytes or 0
    if memory.arena_bytes is not None:
        yield f"{key}.arena_bytes", memory.arena_bytes
    if memory.division is not None and memory.division.bytes is not None:
        for operand, size in memory.division.bytes.items():
            yield f"{key}.banks.bytes.{operand}", size


def memories_off_chip(memories: Sequence[Memory]) -> tuple[Memory, ...]:
    """Those of a list that have no size but a channel; the first of all, whatever its file says."""
    return tuple([memories[index] for index in indices_off_chip(memories)])


def indices_off_chip(memories: Sequence[Memory]) -> list[int]:
    """The same, by their places in the list."""
    others = enumerate(memories[1:], 1)
    return [0, *(index for index, memory in others if memory.size_bytes is None and _has_channel(memory))]


def _has_channel(memory: Memory) -> bool:
    return (memory.bandwidth or memory.read or memory.write) is not None


def for_tensors_alone(memory: Memory, memories: Sequence[Memory]) -> bool:
    """Whether a memory of a list has both a size and a channel, and is neither outermost nor last."""
    has_both = memory.size_bytes is not None and memory.bandwidth is not None
    return has_both and memory is not memories[0] and memory is not memories[-1]


def home_of(operand: Operand, off_chip: Sequence[Memory]) -> Memory | None:
    """The outermost memory that holds an operand; None where none off chip does."""
    return next((memory for memory in off_chip if operand in memory.holds), None)


def spelled_out(memory: Memory, *, off_chip: bool, has_activations: bool) -> Memory:
    """A memory with what is taken where its file says nothing: of those with a channel in which activations
    lie between layers also how.
    """
    defaults: dict[str, Any] = {"energy": memory.energy or default_energy(off_chip=off_chip)}
    if not off_chip and memory.bandwidth is None:
        defaults["banks"] = memory.banks or Banks(shares=bank_shares(memory))
    else:
        defaults["prefetch"] = PREFETCH if memory.prefetch is None else memory.prefetch
        defaults |= _default_latencies(memory)
        defaults["burst_bytes"] = memory.burst_bytes or 1
        defaults["layout"] = memory.layout or (LAYOUT if has_activations else None)
    return memory.model_copy(update=defaults)


def silent_latencies(memory: Memory) -> list[str]:
    """The dotted keys of latencies that the file of a memory with a channel, or with two, leaves out."""
    ways = {"read.": memory.read, "write.": memory.write}
    said: Mapping[str, Latency] = {key: way for key, way in ways.items() if way is not None} or {"": memory}
    return [
        f"{key}latency_cycles"
        for key, one in said.items()
        if one.latency_cycles is None and one.latency_seconds is None
    ]


def _default_latencies(memory: Memory) -> dict[str, Any]:
    """What is taken for them."""
    values: dict[str, Any] = {}
    for key in silent_latencies(memory):
        way, _, inner = key.rpartition(".")
        default = {inner: LATENCY_CYCLES}
        values |= {way: getattr(memory, way).model_copy(update=default)} if way else default
    return values


def access_price(memory: Memory, *, off_chip: bool) -> AccessPrice:
    """What an access of a memory costs, at its size."""
    energy = (memory.energy or default_energy(off_chip=off_chip)).at_size(memory.size_bytes)
    return AccessPrice(memory.name, energy.read, energy.write)


def default_energy(*, off_chip: bool) -> AccessEnergy:
    """What an access costs of a memory whose file does not say."""
    price = OFF_CHIP_ENERGY if off_chip else ON_CHIP_ENERGY
    return AccessEnergy(read=price, write=price)


def channels_of(
    memory: Memory, operands: Collection[Operand], clock_mhz: float
) -> tuple[Channel] | tuple[Channel, Channel]:
    """Between a memory, the home of some operands, and those in which tiles are buffered: one, or one for
    what is loaded and one for what is stored.

    Args:
        memory: The outer one.
        operands: Whose home it is.
        clock_mhz: The chip's, in whose cycles all is counted.
    """
    moved = frozenset(operands)
    plain = Channel(
        memory.name,
        moved,
        memory.bandwidth.per_cycle(clock_mhz) if memory.bandwidth else math.inf,
        latency_cycles(memory, clock_mhz),
        PREFETCH if memory.prefetch is None else memory.prefetch,
        memory.burst_bytes or 1,
        memory.layout or LAYOUT,
    )
    if memory.read is None or memory.write is None:
        return (plain,)
    loaded, stored = (
        plain._replace(
            operands=part,
            bytes_per_cycle=said.per_cycle(clock_mhz),
            latency_cycles=in_cycles(said, clock_mhz, LATENCY_CYCLES),
            way=way,
        )
        for part, said, way in ((moved - STORED, memory.read, READ), (moved & STORED, memory.write, WRITE))
    )
    return loaded, stored


def latency_cycles(memory: Memory, clock_mhz: float) -> int:
    """Of a memory with one channel, in whole cycles of the chip's clock."""
    return in_cycles(memory, clock_mhz, LATENCY_CYCLES)


def compress_of(memories: Sequence[Memory], channel_of: Mapping[Operand, Channel]) -> dict[Operand, Compress]:
    """How each operand is compressed in the memory that its channel comes from; those that lie there as they
    are are left out.
    """
    by_memory = {memory.name: memory.compress for memory in memories if memory.compress is not None}
    compressed = {}
    for operand, channel in channel_of.items():
        compress = by_memory.get(channel.memory)
        if compress is None:
            continue
        if (compress.weights if operand is Operand.WEIGHTS else compress.activations) is not None:
            compressed[operand] = compress
    return compressed
