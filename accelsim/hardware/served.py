"""What lists of memories ask for that no machine here has, and banks that are too small for a word.

What is off chip, for tensors alone, or for tiles, follows from what each memory has (memory.py); here is what
has to come together for it to be simulated.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from accelsim.descriptions.limits import MAX_BANDWIDTH, MAX_LATENCY_CYCLES, MAX_PRICE, MIN_BANDWIDTH
from accelsim.descriptions.phrases import counted
from accelsim.hardware.bandwidth import in_cycles
from accelsim.hardware.memory import (
    ACTIVATIONS,
    COMPONENTS,
    CONTENTS,
    LAYOUT,
    OFF_CHIP,
    ON_CHIP,
    ROUNDING,
    ROWS,
    Memory,
    bank_shares,
    for_tensors_alone,
    home_of,
    indices_off_chip,
    with_banks_of_their_own,
)
from accelsim.hardware.operand import Operand

CHANNEL_KEYS: Final = (
    *("bandwidth", "latency_cycles", "latency_seconds", "prefetch"),
    *("read", "write", "cache", "burst_bytes", "layout", "compress"),
)
"""Of a memory that has a channel, and of no other."""
WORDS_OF_A_BANK: Final = 2
"""A bank is double buffered, so it holds two words at least."""


class Unserved(NamedTuple):
    """What a list of memories asks for that no machine here has."""

    memory: int
    """By its place in the list."""
    key: str
    """Dotted."""
    sentence: str


def unserved(memories: Sequence[Memory]) -> Iterator[Unserved]:
    """What cannot be simulated, or contradicts itself."""
    off_chip = indices_off_chip(memories)
    of_tensors = [index for index, memory in enumerate(memories) if for_tensors_alone(memory, memories)]
    on_chip = [index for index in range(len(memories)) if index not in off_chip and index not in of_tensors]
    for index, memory in enumerate(memories):
        if memory.name in {earlier.name for earlier in memories[:index]}:
            yield Unserved(index, "name", "must be another name: a memory before it has this one")
        elif conflict := _taken_by(memory.name, off_chip=index in off_chip):
            yield Unserved(index, "name", f"must be another name: {conflict}")
        if len(set(memory.holds)) < len(memory.holds):
            yield Unserved(index, "holds", "must name each operand once")
    yield from _unserved_homes(memories, off_chip, [*of_tensors, *on_chip])
    for index in off_chip:
        yield from (Unserved(index, key, sentence) for key, sentence in _unserved_off_chip(memories[index]))
        of_others = _of_others(memories[index], [memories[place] for place in off_chip])
        yield from (Unserved(index, key, sentence) for key, sentence in of_others)
    if not on_chip:
        yield Unserved(len(memories) - 1, "size_bytes", f"{_NO_SIZE}: no memory before it is on chip")
        return
    for index in on_chip:
        yield from (Unserved(index, key, sentence) for key, sentence in _unserved_on_chip(memories[index]))
    yield from _unserved_together(memories, on_chip)
    yield from _unserved_for_tensors(memories, of_tensors, on_chip)
    yield from _unserved_caches(memories, off_chip)
    yield from _unserved_stops(memories, on_chip)
    yield from _unserved_beside_kept(memories, on_chip)


_NO_BANDWIDTH: Final = "missing, must be a mapping with the key bytes_per_cycle or bytes_per_second"
_NO_SIZE: Final = "missing, must be a whole number of bytes"


def _unserved_for_tensors(
    memories: Sequence[Memory], of_tensors: Sequence[int], on_chip: Sequence[int]
) -> Iterator[Unserved]:
    """Of memories for tensors alone, of which there may be one, before those in which tiles are buffered."""
    for index in of_tensors:
        memory = memories[index]
        if any(place < index for place in on_chip):
            sentence = f"must come before the memories with tiles: what {memory.name} keeps moves to them"
            yield Unserved(index, "name", sentence)
        if memory.banks is not None:
            sentence = "must be left out: tiles are buffered in the memories after it"
            yield Unserved(index, "banks", sentence)
        if not memory.keeps:
            sentence = "must name what stays there: a memory with a size and a channel is for that"
            yield Unserved(index, "keeps", sentence)
        if memory.layout is not None and "activations" not in memory.keeps:
            yield Unserved(index, "layout", "must be left out: no activations stay there")
        if memory.compress is not None:
            yield Unserved(index, "compress", "must be left out: tensors that stay on chip lie as they are")
        yield from (Unserved(index, "keeps", sentence) for sentence in _misplaced(memory))
        of_arena = _unserved_arena(memory, of_tensors=True)
        yield from (Unserved(index, key, sentence) for key, sentence in of_arena)
    for index in [*of_tensors[1:], *[place for place in on_chip if of_tensors and memories[place].keeps]]:
        keeper = memories[of_tensors[0]].name
        sentence = f"must be left out: {keeper} keeps tensors, and one memory of a machine does at most"
        yield Unserved(index, "keeps", sentence)


def _unserved_together(memories: Sequence[Memory], on_chip: Sequence[int]) -> Iterator[Unserved]:
    """Of the memories on chip, which have the operands in common."""
    pools = [index for index in on_chip if memories[index].unit_bytes is not None]
    for index in pools[1:]:
        sentence = (
            f"must be divided: {memories[pools[0]].name} is a pool already, and a machine has one at most"
        )
        yield Unserved(index, "banks", sentence)
    for operand in Operand:
        holders = [index for index in on_chip if operand in memories[index].holds]
        if not holders and operand is not Operand.WEIGHTS:  # which may stream past them into the array
            names = _names([memories[index] for index in on_chip])
            sentence = f"no memory on chip holds the {operand}: must be held by one of {names}"
            yield Unserved(len(memories) - 1, "holds", sentence)
        for index in holders[1:]:
            sentence = (
                f"{memories[holders[0]].name} holds the {operand} too: there is one memory on chip for each "
                "operand, in which its tiles are buffered"
            )
            yield Unserved(index, "holds", sentence)


def _unserved_caches(memories: Sequence[Memory], off_chip: Sequence[int]) -> Iterator[Unserved]:
    """A cache is before the one memory off chip, from which all bytes come as they are."""
    for index in off_chip:
        memory = memories[index]
        if memory.cache is None:
            continue
        if len(off_chip) > 1:
            sentence = "must be left out: there are other memories off chip, and a cache is before one alone"
            yield Unserved(index, "cache", sentence)
        if any(other.keeps for other in memories):
            yield Unserved(index, "cache", "must be left out where tensors stay on chip: their places move")
        for key in ("burst_bytes", "layout", "compress"):
            if getattr(memory, key) not in (None, 1, LAYOUT):
                yield Unserved(index, key, "must be left out: the cache is asked for rows, in lines")


def _unserved_stops(memories: Sequence[Memory], on_chip: Sequence[int]) -> Iterator[Unserved]:
    """Operands that stop the array where they move: they have to move to a memory in which tiles are."""
    for index, memory in enumerate(memories):
        stopping = memory.stops_array
        if not stopping:
            continue
        if index not in on_chip:
            sentence = "must be left out: it is said of the memory on chip that operands move to and from"
            yield Unserved(index, "stops_array", sentence)
        elif len(set(stopping)) < len(stopping):
            yield Unserved(index, "stops_array", "must name each operand once")
        elif strange := [operand for operand in stopping if operand not in memory.holds]:
            sentence = f"must not name {' and '.join(strange)}: the memory does not hold them"
            yield Unserved(index, "stops_array", sentence)


def _unserved_beside_kept(memories: Sequence[Memory], on_chip: Sequence[int]) -> Iterator[Unserved]:
    """What goes together with tiles alone: no machine here has it beside tensors that stay on chip."""
    keeper = next((memory for memory in memories if memory.keeps), None)
    if keeper is None:
        return
    beside = f"{keeper.name} keeps tensors, and no machine with such a memory has that here"
    for index, memory in enumerate(memories):
        for key in ("read", "write", "stops_array"):
            if getattr(memory, key) and (index in on_chip) == (key == "stops_array"):
                yield Unserved(index, key, f"must be left out: {beside}")
    if not any(Operand.WEIGHTS in memories[index].holds for index in on_chip):
        names = _names([memories[index] for index in on_chip])
        sentence = f"no memory on chip holds the weights: must be held by one of {names}, since {keeper.name}"
        yield Unserved(len(memories) - 1, "holds", f"{sentence} keeps tensors")


def unserved_parts(memories: Sequence[Memory], *, control: bool, cascade: bool) -> Iterator[tuple[str, str]]:
    """What else of a machine does not go with its memories: keys, and why.

    Args:
        memories: Of the machine.
        control: Whether tiles are handed over by somebody.
        cascade: Whether layers may run stripe by stripe.
    """
    keeper = next((memory for memory in memories if memory.keeps), None)
    if control and keeper is not None:
        yield "control", f"must be left out: {keeper.name} keeps tensors, and no machine here has both"
    keeper = next((memory for memory in memories if "activations" in memory.keeps), None)
    if cascade and keeper is None:
        yield "cascade", "must be left out: no memory here keeps activations, of which rows would stay"
    elif cascade and keeper is not None and keeper.unit_bytes is None:
        where = f"{keeper.name} keeps whole tensors, and rows stay beside tiles, in a pool, alone"
        yield "cascade", f"must be left out: {where}"


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
    ways = {"read": memory.read, "write": memory.write}
    if all(way is None for way in ways.values()):
        if memory.bandwidth is None:
            yield "bandwidth", _NO_BANDWIDTH
    else:
        yield from ((key, f"{_NO_BANDWIDTH}: the other way is said") for key in ways if ways[key] is None)
        for key in ("bandwidth", "latency_cycles", "latency_seconds"):
            if getattr(memory, key) is not None:
                yield key, "must be left out: read and write say it, each of one way"
    if memory.banks is not None:
        yield "banks", "must be left out: tiles are buffered in the memories on chip"
    if memory.keeps:
        yield "keeps", "must be left out: all that a memory off chip holds stays there"
    if memory.size_bytes is not None:
        yield "size_bytes", "must be left out: a memory off chip is as large as need be"
    if memory.energy is not None and memory.energy.at_bytes is not None:
        yield "energy.at_bytes", "must be left out: a memory off chip has no size that a law could be of"
    if memory.leakage_mw_per_kib is not None:
        yield "leakage_mw_per_kib", "must be left out: a memory off chip has no size, and draws nothing here"
    yield from _unserved_arena(memory, off_chip=True)


def _of_others(memory: Memory, off_chip: Sequence[Memory]) -> Iterator[tuple[str, str]]:
    """Keys of a memory off chip that are about what is at home in another: they would say nothing."""
    compress = memory.compress
    keys = [
        ("layout", memory.layout, Operand.OUTPUTS),
        ("write", memory.write, Operand.OUTPUTS),
        ("compress.activations", compress and compress.activations, Operand.OUTPUTS),
        ("compress.weights", compress and compress.weights, Operand.WEIGHTS),
    ]
    for key, value, operand in keys:
        home = home_of(operand, off_chip)
        if value is not None and home is not memory:
            what = "weights" if operand is Operand.WEIGHTS else "activations"
            where = f"at home in {home.name}" if home else "at home in no memory off chip"
            yield key, f"must be left out: {what} are {where}"


def _unserved_on_chip(memory: Memory) -> Iterator[tuple[str, str]]:
    if memory.size_bytes is None:
        yield "size_bytes", _NO_SIZE
    for key in CHANNEL_KEYS:
        if getattr(memory, key) is not None:
            sentence = "must be left out: only memories off chip, which have no size, have a channel"
            yield key, f"{sentence}, and one before this that keeps tensors"
    if (Operand.RESIDUAL in memory.holds) != (Operand.INPUTS in memory.holds):
        yield "holds", "must name inputs and residual together: their tiles are buffered in one bank"
    yield from _unserved_keeps(memory)
    yield from _unserved_banks(memory)
    yield from _unserved_arena(memory)


def _unserved_arena(
    memory: Memory, *, off_chip: bool = False, of_tensors: bool = False
) -> Iterator[tuple[str, str]]:
    """What is wrong with the part of a memory that networks may take."""
    arena_bytes, size_bytes = memory.arena_bytes, memory.size_bytes
    if arena_bytes is None:
        return
    if off_chip:
        yield "arena_bytes", "must be left out: a memory off chip is as large as need be"
    elif not of_tensors and memory.unit_bytes != 1:
        yield "arena_bytes", "must be left out where banks is not pool: each operand has banks of its own"
    elif size_bytes is not None and arena_bytes > size_bytes:
        yield "arena_bytes", f"must be at most size_bytes, which is {size_bytes}"


def _unserved_keeps(memory: Memory) -> Iterator[tuple[str, str]]:
    if memory.keeps and memory.unit_bytes != 1:
        yield "keeps", "must be left out where banks is not pool: what stays shares the room of tiles"
    yield from (("keeps", sentence) for sentence in _misplaced(memory))


def _misplaced(memory: Memory) -> Iterator[str]:
    """What is wrong with the kinds of tensors that a memory keeps."""
    if len(set(memory.keeps)) < len(memory.keeps):
        yield "must name each kind of tensor once"
    if "weights" in memory.keeps and Operand.WEIGHTS not in memory.holds:
        yield "must not name weights: the memory does not hold weights"
    missing = [operand for operand in ACTIVATIONS if operand not in memory.holds]
    if "activations" in memory.keeps and missing:
        yield f"must not name activations: the memory does not hold {' and '.join(missing)}"


def _unserved_banks(memory: Memory) -> Iterator[tuple[str, str]]:
    unit_bytes, size_bytes = memory.unit_bytes or 1, memory.size_bytes or 0
    if size_bytes % unit_bytes:
        yield "banks.bank_bytes", f"must divide size_bytes, which is {size_bytes}"
    division, own_banks = memory.division, with_banks_of_their_own(memory.holds)
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


def out_of_range(memories: Sequence[Memory], clock_mhz: float) -> Iterator[Unserved]:
    """What is said in seconds or by a law and comes to what is outside the bounds of plain figures, and beats
    of a cache that are wider than its channel.
    """
    for index, memory in enumerate(memories):
        yield from _too_wide_beats(index, memory, clock_mhz)
        ways = {"bandwidth": memory.bandwidth, "read": memory.read, "write": memory.write}
        for key, bandwidth in ways.items():
            if bandwidth is not None and bandwidth.bytes_per_second is not None:
                per_cycle = bandwidth.per_cycle(clock_mhz)
                if not MIN_BANDWIDTH <= per_cycle <= MAX_BANDWIDTH:
                    sentence = f"comes to {per_cycle:.4g} bytes in a cycle of {clock_mhz:g} MHz: must come to"
                    range_words = f"from {MIN_BANDWIDTH:g} to {MAX_BANDWIDTH:g}"
                    yield Unserved(index, f"{key}.bytes_per_second", f"{sentence} {range_words}")
        if memory.energy is not None:
            at_size = memory.energy.at_size(memory.size_bytes)
            price = max(at_size.read, at_size.write)
            if price > MAX_PRICE:
                sentence = f"comes to {price:.4g} for an access at {memory.size_bytes} bytes: must come to"
                yield Unserved(index, "energy", f"{sentence} at most {MAX_PRICE:g}")
        answers = {"latency_seconds": memory, "read.latency_seconds": memory.read}
        for key, said in (answers | {"write.latency_seconds": memory.write}).items():
            cycles = 0 if said is None else in_cycles(said, clock_mhz, 0)
            if cycles > MAX_LATENCY_CYCLES:
                sentence = f"comes to {cycles} cycles of {clock_mhz:g} MHz: must come to"
                yield Unserved(index, key, f"{sentence} at most {MAX_LATENCY_CYCLES}")


def _too_wide_beats(index: int, memory: Memory, clock_mhz: float) -> Iterator[Unserved]:
    """A beat passes the channel in a cycle: mappings are compared by bytes and bandwidth."""
    if memory.cache is None:
        return
    ways = [way for way in (memory.bandwidth, memory.read, memory.write) if way is not None]
    narrowest = min([way.per_cycle(clock_mhz) for way in ways], default=math.inf)
    if memory.cache.beat_bytes > narrowest:
        sentence = f"must be at most the {narrowest:g} bytes that the channel moves in a cycle"
        yield Unserved(index, "cache.beat_bytes", sentence)


def _names(memories: Sequence[Memory]) -> str:
    return ", ".join(memory.name for memory in memories)


class TooSmall(NamedTuple):
    """What of a memory has to be larger."""

    key: tuple[str, ...]
    sentence: str


def too_small(memory: Memory, word_bytes: Callable[[Operand], int]) -> Iterator[TooSmall]:
    """What of a memory with tiles would have to be larger for its banks to hold two words each."""
    if memory.unit_bytes is not None:
        words = [WORDS_OF_A_BANK * word_bytes(operand) for operand in memory.holds]
        least = sum([-(-size // memory.unit_bytes) * memory.unit_bytes for size in words])
        if memory.given_bytes < least:
            key = "size_bytes" if memory.arena_bytes is None else "arena_bytes"
            in_banks = "" if memory.unit_bytes == 1 else ", in banks of its own"
            sentence = f"must be at least {least}: it has to hold two words of each operand{in_banks}"
            yield TooSmall((key,), sentence)
        return
    two_words = {operand: WORDS_OF_A_BANK * word_bytes(operand) for operand in bank_shares(memory)}
    in_words = {operand: f"two words of {counted(size // 2, 'byte')}" for operand, size in two_words.items()}
    if memory.division is not None and memory.division.bytes is not None:
        for operand, size in memory.division.bytes.items():
            if size < two_words[operand]:
                sentence = f"must be at least {two_words[operand]}: it has to hold {in_words[operand]}"
                yield TooSmall(("banks", "bytes", operand.value), sentence)
        return
    least_bytes = {
        operand: math.ceil(two_words[operand] / share) for operand, share in bank_shares(memory).items()
    }
    operand = max(least_bytes, key=least_bytes.__getitem__)
    if (memory.size_bytes or 0) < least_bytes[operand]:
        share = f"the share of {operand} has to hold {in_words[operand]}"
        sentence = f"must be at least {least_bytes[operand]}: {share}"
        yield TooSmall(("size_bytes",), sentence)
