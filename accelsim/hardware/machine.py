"""Hardware: the machine as its YAML describes it. It knows no network; one file says it all."""

import hashlib
import math
from collections.abc import Mapping
from functools import cached_property
from typing import Any, Self

from pydantic import Field, field_validator, model_validator

from accelsim.descriptions import Description, Mistake, Upgrade, may_hold, one_of, put, refusal
from accelsim.descriptions.quantities import Megahertz
from accelsim.hardware import format1
from accelsim.hardware.area import AreaTable, Words
from accelsim.hardware.array import PEArray, is_parameter
from accelsim.hardware.bank import Bank
from accelsim.hardware.cache import cache_prices
from accelsim.hardware.cascade import Cascade
from accelsim.hardware.changes import alternative_to, is_of_another_dataflow, listed_dataflows
from accelsim.hardware.coding import Compress
from accelsim.hardware.control import Control
from accelsim.hardware.host import Host
from accelsim.hardware.hosted import in_place_of_chip
from accelsim.hardware.memory import (
    POOL,
    TENSORS,
    Channel,
    Kept,
    Memory,
    access_price,
    banks_of,
    channels_of,
    compress_of,
    for_tensors_alone,
    home_of,
    memories_off_chip,
)
from accelsim.hardware.operand import Operand
from accelsim.hardware.parts import Ends, Mapper, Precision, VectorUnit
from accelsim.hardware.prices import EnergyTable, Prices, StaticPower, missing_prices
from accelsim.hardware.served import out_of_range, too_small, unserved, unserved_parts
from accelsim.hardware.static_power import energy_per_cycle, static_power_mw, without_leakage


class Hardware(Description):
    """A machine: what networks are mapped onto, simulated on, and priced by.

    Attributes:
        name: As results call it.
        title: For people.
        source: Where its figures are from.
        clock_mhz: Of the whole chip [MHz].
        precision: Bits of elements, where a network does not say.
        pe_array: The processing elements.
        io: Where the network's input and results lie.
        vector_unit: What finishes outputs.
        mapper: By what its compiler chooses.
        energy: What actions cost.
        power: What the whole chip draws at all times.
        area: What its parts take; None where no source says.
        host: A processor for what the array cannot do; None where there is none.
        control: Who hands tiles to the engines; None where that takes no time.
        cascade: What may run stripe by stripe; None where every layer ends before the next begins.

    Example:
        >>> from accelsim.hardware import load_hardware
        >>> machine = load_hardware("16x16_128k")
        >>> machine.pe_array.pes, [(channel.memory, channel.bytes_per_cycle) for channel in machine.channels]
        (256, [('dram', 16.0)])
    """

    name: Words
    title: str = ""
    source: str = ""
    clock_mhz: Megahertz = 1000.0
    precision: Precision = Precision()
    pe_array: PEArray
    memories: tuple[Memory, ...] = Field(min_length=2)
    """The outermost first."""
    io: Ends = Ends()
    vector_unit: VectorUnit = VectorUnit()
    mapper: Mapper = Mapper()
    energy: EnergyTable = EnergyTable()
    power: StaticPower = StaticPower()
    area: AreaTable | None = None
    host: Host | None = None
    control: Control | None = None
    cascade: Cascade | None = None
    assumed: Mapping[str, str] = Field(default_factory=dict)
    """Keys (with dots) whose values no source gives, and why they are what they are."""

    @classmethod
    def upgraded(cls, data: dict[str, Any]) -> Upgrade:
        """Files of format 1 are read for ever."""
        if not format1.is_format1(data):
            return Upgrade(data)
        upgrade = format1.upgraded(data)
        mistakes = [Mistake(fault.path, format1.absence(fault, Hardware)) for fault in format1.missing(data)]
        return upgrade._replace(mistakes=(*upgrade.mistakes, *mistakes))

    @classmethod
    def put(cls, data: dict[str, Any], key: str, value: Any) -> bool:
        """Set the value at a dotted key; keys of format 1 mean what they meant."""
        if key == "pe_array.dataflows" and isinstance(value, list | tuple):
            value = listed_dataflows(data, list(map(str, value)))
        targets = cls.renamed(key)
        of_others = {target for target in targets if is_of_another_dataflow(data, target)}
        return all(target in of_others or put(data, target, value) for target in targets)

    @classmethod
    def instead_of(cls, data: dict[str, Any], key: str) -> str | None:
        """A key of format 1 means a memory of a name that this machine's need not have."""
        off_chip = [memory["name"] for memory in data["memories"] if memory["size_bytes"] is None]
        on_chip = [memory["name"] for memory in data["memories"] if memory["name"] not in off_chip]
        keys = format1.in_place_of(key, off_chip, on_chip)
        return f"is a key of format 1; this machine has {one_of(keys)}" if keys else None

    @classmethod
    def excluded_by(cls, key: str) -> str | None:
        """What is said in cycles is not said in seconds, too; ports and lanes in one way of two."""
        return alternative_to(key)

    @classmethod
    def renamed(cls, key: str) -> tuple[str, ...]:
        """Keys of format 1 are keys for ever."""
        return format1.renamed(key)

    @field_validator("memories")
    @classmethod
    def _can_be_served(cls, memories: tuple[Memory, ...]) -> tuple[Memory, ...]:
        mistakes = [
            Mistake((fault.memory, *fault.key.split(".")), fault.sentence) for fault in unserved(memories)
        ]
        if mistakes:
            raise refusal("memories", mistakes)
        return memories

    @model_validator(mode="after")
    def _parts_go_together(self) -> Self:
        """Networks' ends have a place, control hands over tiles alone, and rows stay in pools."""
        places = self.activation_places
        mistakes = [
            Mistake(("io", key), f"must be a memory that holds or keeps activations: {one_of(places)}")
            for key, name in (("inputs", self.io.inputs), ("outputs", self.io.outputs))
            if name is not None and name not in places
        ]
        has = {key: getattr(self, key) is not None for key in ("control", "cascade")}
        mistakes += [Mistake((key,), sentence) for key, sentence in unserved_parts(self.memories, **has)]
        if mistakes:
            raise refusal("hardware", mistakes)
        return self

    @model_validator(mode="after")
    def _assumed_keys_exist(self) -> Self:
        values = self.model_dump(mode="json")
        mistakes = [
            Mistake(("assumed", key), f"explains {key!r}, which is no key of a hardware file")
            for key in self.assumed
            if not (may_hold(Hardware, values, key) or is_parameter(key))
        ]
        if mistakes:
            raise refusal("hardware", mistakes)
        return self

    @model_validator(mode="after")
    def _banks_hold_two_words(self) -> Self:
        """A bank is double buffered, so it has to hold a word of its widest operand twice."""
        mistakes = [
            Mistake(("memories", index, *fault.key), fault.sentence)
            for index, memory in enumerate(self.memories)
            if memory in self.working
            for fault in too_small(memory, self.word_bytes)
        ]
        if mistakes:
            raise refusal("hardware", mistakes)
        return self

    @model_validator(mode="after")
    def _what_follows_is_in_range(self) -> Self:
        """What is said in seconds, or by a law of size, comes to what is within the same bounds."""
        mistakes = [
            Mistake(("memories", fault.memory, *fault.key.split(".")), fault.sentence)
            for fault in out_of_range(self.memories, self.clock_mhz)
        ]
        if mistakes:
            raise refusal("hardware", mistakes)
        return self

    @model_validator(mode="after")
    def _prices_and_power_are_known(self) -> Self:
        bits, is_said = self.precision.widest_operand_bits, "energy" in self.model_fields_set
        mistakes = list(missing_prices(self.energy, bits, self.static_power_mw, is_said=is_said))
        if self.area and self.area.leakage_mw_per_mm2 and self.area_mm2 is None:
            sentence = "must be left out: words are wider than the table is for, so the area is not known"
            mistakes.append(Mistake(("area", "leakage_mw_per_mm2"), sentence))
        if mistakes:
            raise refusal("hardware", mistakes)
        return self

    @cached_property
    def on_host(self) -> "Hardware":
        """The machine as a layer of its host sees it: one in place of array and vector unit, at its rates."""
        return self._with(**in_place_of_chip(self.host, self.energy, self.static_power_mw, self.on_chip))

    @cached_property
    def of_stripes(self) -> "Hardware":
        """The machine as a stripe of a layer sees it: its host competes for none of them."""
        return self._with(host=None if self.host is None else self.host.model_copy(update={"may_take": ()}))

    def with_idle_rows(self, rows: int) -> "Hardware":
        """The machine as it is where so many rows of its array are left idle."""
        if not rows:
            return self
        return self._seen(pe_array=self.pe_array.model_copy(update={"rows": self.pe_array.rows - rows}))

    def with_size(self, memory: str, size_bytes: int) -> "Hardware":
        """The machine with another size of a memory on chip, all of which its banks have."""
        sizes = {"size_bytes": size_bytes, "arena_bytes": None}
        resized = [own.model_copy(update=sizes) if own.name == memory else own for own in self.memories]
        return self._with(memories=tuple(resized))

    def _seen(self, **fields: Any) -> "Hardware":
        """The machine as a layer sees it: whatever part that is, the whole chip is on."""
        if self.static_power_mw:
            memories = without_leakage(fields.get("memories", self.memories))
            power = StaticPower(idle_mw=self.static_power_mw)
            fields |= {"memories": memories, "power": power, "area": None}
        return self._with(**fields)

    def _with(self, **fields: Any) -> "Hardware":
        """The machine with other values, that are right: they are not checked, since layers see some machines
        that no file may describe.
        """
        return Hardware.model_construct(
            **{name: getattr(self, name) for name in type(self).model_fields} | fields
        )

    def word_bytes(self, operand: Operand) -> int:
        """Whole bytes of one element of an operand, a partial sum's where outputs are unfinished."""
        return self.precision.word_bytes(operand)

    @cached_property
    def digest(self) -> str:
        """Of all that results follow from: machines that differ in nothing else have the same."""
        said = self.model_dump_json(exclude={"name", "title", "source", "assumed"}, exclude_defaults=True)
        return hashlib.sha256(said.encode()).hexdigest()[:16]

    @cached_property
    def names_off_chip(self) -> tuple[str, ...]:
        """Of the memories outside the chip."""
        return tuple([memory.name for memory in memories_off_chip(self.memories)])

    @property
    def off_chip(self) -> tuple[Memory, ...]:
        """The memories outside the chip: where networks' inputs, weights and outputs lie."""
        return self.memories[: len(self.names_off_chip)]

    def home(self, operand: Operand) -> Memory | None:
        """The memory off chip that an operand comes from or goes to; None where none holds it."""
        return home_of(operand, self.off_chip)

    @property
    def on_chip(self) -> tuple[Memory, ...]:
        """The others."""
        return self.memories[len(self.names_off_chip) :]

    @property
    def tensor_memory(self) -> Memory | None:
        """The one on chip in which tensors stay and no tiles lie; None where there is none."""
        return next((memory for memory in self.memories if for_tensors_alone(memory, self.memories)), None)

    @property
    def working(self) -> tuple[Memory, ...]:
        """Those on chip in which tiles are buffered."""
        return tuple([memory for memory in self.on_chip if memory is not self.tensor_memory])

    def with_places(self, places: Mapping[Operand, str]) -> "Hardware":
        """The machine as a layer sees it whose operands lie in these memories: the homes of its tiles.

        Example:
            >>> from accelsim.hardware import load_hardware
            >>> machine = load_hardware("mcu_l3_l2_l1")
            >>> kept = machine.with_places({Operand.INPUTS: "l2", Operand.OUTPUTS: "l3"})
            >>> [channel.memory for channel in kept.channels], kept.channel_of[Operand.INPUTS].memory
            (['l3', 'l2'], 'l2')
        """
        tensor_memory = self.tensor_memory
        if tensor_memory is None:
            return self
        return self._by_places[
            frozenset([operand for operand, place in places.items() if place == tensor_memory.name])
        ]

    @cached_property
    def _by_places(self) -> Mapping[frozenset[Operand], "Hardware"]:
        """The machine as layers see it, by those of their operands that lie in the tensor memory."""
        from accelsim.hardware.placed import placed_memories  # noqa: PLC0415 (most machines have none)

        return {
            inside: self._seen(memories=memories)
            for inside, memories in placed_memories(self.memories, self.tensor_memory)
        }

    @cached_property
    def banks(self) -> tuple[Bank, ...]:
        """The parts of the memories on chip, in which tiles are buffered."""
        return tuple(bank for memory in self.on_chip for bank in banks_of(memory))

    @cached_property
    def bank_of(self) -> Mapping[Operand, Bank]:
        """The bank in which each operand's tiles are buffered."""
        return {operand: bank for bank in self.banks for operand in bank.operands}

    @cached_property
    def pool(self) -> Bank | None:
        """The bank that all operands of a memory share; None where each operand has its own."""
        return next((bank for bank in self.banks if bank.name == POOL), None)

    @property
    def tensor_bank(self) -> Bank | None:
        """The bank in which tensors may stay: that of the memory for them alone, else the pool."""
        return next((bank for bank in self.banks if bank.name == TENSORS), self.pool)

    @property
    def activations_pool(self) -> Bank | None:
        """The pool in which activations stay beside tiles; None where none does."""
        return self.pool if self.tensor_memory is None and self.keeps("activations") else None

    def keeps(self, kind: Kept) -> bool:
        """Whether a memory on chip keeps tensors of a kind."""
        return any(kind in memory.keeps for memory in self.on_chip)

    @property
    def activation_places(self) -> tuple[str, ...]:
        """The memories in which activations may lie between layers, the outermost first."""
        home = self.home(Operand.OUTPUTS)
        outside = [] if home is None else [home.name]
        return (*outside, *(memory.name for memory in self.on_chip if "activations" in memory.keeps))

    @property
    def input_place(self) -> str:
        """The memory in which the network's input lies before it runs."""
        return self.io.inputs or self.activation_places[0]

    @property
    def output_place(self) -> str:
        """The memory in which the network's results lie afterwards."""
        return self.io.outputs or self.activation_places[0]

    @property
    def on_chip_bytes(self) -> int:
        """Of all memories on chip."""
        return sum(memory.size_bytes or 0 for memory in self.on_chip)

    @cached_property
    def channels(self) -> tuple[Channel, ...]:
        """Of each memory off chip, and of one for tensors alone, to those with tiles."""
        of_tensors = () if self.tensor_memory is None else channels_of(self.tensor_memory, (), self.clock_mhz)
        return (*self.channels_off_chip, *of_tensors)

    @property
    def channels_off_chip(self) -> tuple[Channel, ...]:
        """Of each memory off chip."""
        homes = [
            [operand for operand in memory.holds if self.home(operand) == memory] for memory in self.off_chip
        ]
        of_memories = zip(self.off_chip, homes, strict=True)
        return tuple(channel for pair in of_memories for channel in channels_of(*pair, self.clock_mhz))

    @cached_property
    def is_plain(self) -> bool:
        """Whether engines have no rules of their own: control, ways, stops, caches, weights past memories."""
        ways = any(channel.way for channel in self.channels)
        rules = any(memory.stops_array or memory.cache for memory in self.memories)
        return not (self.control or ways or rules or Operand.WEIGHTS not in self.bank_of)

    @property
    def bytes_per_cycle_off_chip(self) -> float:
        """Of all memories outside the chip, while all of them stream, both ways where there are two."""
        return sum([channel.bytes_per_cycle for channel in self.channels_off_chip])

    @cached_property
    def homes(self) -> Mapping[str, tuple[str, ...]]:
        """The operands that are at home in each memory off chip, in the order in which it holds them."""
        return {
            memory.name: tuple([operand.value for operand in memory.holds if self.home(operand) == memory])
            for memory in self.off_chip
        }

    @cached_property
    def channel_of(self) -> Mapping[Operand, Channel]:
        """Over which each operand comes from its home, or goes there; of one without a home the first."""
        first, *_ = self.channels
        by_operand = dict.fromkeys(Operand, first)
        return by_operand | {operand: channel for channel in self.channels for operand in channel.operands}

    @cached_property
    def burst_channels(self) -> Mapping[Operand, Channel]:
        """The channels of operands that move in bursts; none where all bytes move by themselves."""
        return {operand: channel for operand, channel in self.channel_of.items() if channel.burst_bytes > 1}

    @cached_property
    def compress_of(self) -> Mapping[Operand, Compress]:
        """How each operand is compressed at its home; those that lie as they are are left out."""
        return compress_of(self.off_chip, self.channel_of)

    @cached_property
    def prices(self) -> Prices:
        """What each action costs, accesses of memories included."""
        prices = [access_price(memory, off_chip=memory in self.off_chip) for memory in self.memories]
        static = energy_per_cycle(self.static_power_mw, self.clock_mhz, self.energy.picojoules)
        caches = cache_prices((memory.name, memory.cache) for memory in self.memories)
        return Prices(self.energy, tuple(reversed(prices)), static, 1, self.host, caches)

    @cached_property
    def static_power_mw(self) -> float:
        """What the chip draws at all times [mW]; 0 where its file says nothing of it."""
        area_mm2 = self.area_mm2 if self.area and self.area.leakage_mw_per_mm2 else None
        return static_power_mw(self.power, self.on_chip, self.area, area_mm2)

    @property
    def vector_lanes(self) -> int:
        """Operations of the vector unit per cycle."""
        return self.vector_unit.lanes_for(self.pe_array.columns)

    @property
    def register_file_bytes(self) -> float:
        """Of partial sums in the PEs, accumulators below the columns, and block registers of a given size."""
        array, precision = self.pe_array, self.precision
        sums, inputs = array.partial_sums, array.input_words
        return (sums * precision.partial_sums_bits + inputs * precision.activations_bits) / 8

    @property
    def area_mm2_by_part(self) -> Mapping[str, float] | None:
        """What each part takes; None without an area table, or where words are wider than the table's."""
        if self.area is None:
            return None
        bits, register_file_bytes = self.precision.widest_operand_bits, self.register_file_bytes
        return self.area.mm2_by_part(
            pes=self.pe_array.pes, bits=bits, register_file_bytes=register_file_bytes, memories=self.on_chip
        )

    @property
    def area_mm2(self) -> float | None:
        """Of the whole chip; None where that cannot be told."""
        parts = self.area_mm2_by_part
        return None if parts is None else math.fsum(parts.values())
