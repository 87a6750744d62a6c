"""Hardware: the machine as its YAML describes it. It knows no network; one file says it all."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import NoneType
from typing import Annotated, Literal, Self, get_args

from pydantic import Field, field_validator, model_validator

from accelsim import shipped
from accelsim.descriptions import Description, Mistake, check, parse, refusal
from accelsim.energy import EnergyTable
from accelsim.errors import DescriptionError
from accelsim.kinds import FileKind, check_kind
from accelsim.quantities import (
    Bits,
    BufferBytes,
    BytesPerCycle,
    Descriptors,
    Fraction,
    IndexBits,
    LatencyCycles,
    Megahertz,
    PerColumn,
    PerPE,
    Side,
    SquareMillimetres,
)

DataflowName = Literal["weight_stationary", "output_stationary"]
Objective = Literal["time", "energy", "edp"]
"""What is to be small: cycles, energy, or their product (energy-delay product)."""

Words = Annotated[str, Field(min_length=1)]


class Precision(Description):
    """Bits of a weight, of an activation, and of a partial sum while it is accumulated.

    A network may say otherwise, for all of its layers or for the weights of some: network/compression.py.
    """

    weights_bits: Bits
    activations_bits: Bits
    partial_sums_bits: Bits
    pruned_index_bits: IndexBits = 0
    """Bits spent on each weight of a pruned layer that is not zero, to tell how far the next one is."""


class WeightStationary(Description):
    """What the array needs to keep weights in place; see mapping/dataflows/weight_stationary.py."""

    accumulators_per_column: PerPE
    """Output pixels whose partial sums are collected below a column while the weights change."""


class OutputStationary(Description):
    """What a PE needs to keep outputs in place; see mapping/dataflows/output_stationary.py."""

    partial_sums_per_pe: PerPE
    """Output channels whose partial sums a register file holds; one loaded input block serves them all."""
    weight_density: Fraction = 1.0
    """The part of the weights that are not zero; the others are skipped and take no cycle. By default none is
    zero: whoever takes some to be says so."""


class PEArray(Description):
    """rows x columns processing elements; each does one multiply-accumulate per cycle."""

    rows: Side
    columns: Side
    dataflows: tuple[DataflowName, ...]
    """Those the array can run; each layer runs the one that suits the objective."""
    port_words_per_column: PerColumn
    """Words that each column of the array exchanges with the global buffer per cycle, each way."""
    weight_stationary: WeightStationary
    output_stationary: OutputStationary

    @field_validator("dataflows")
    @classmethod
    def _at_least_one_dataflow(cls, dataflows: tuple[DataflowName, ...]) -> tuple[DataflowName, ...]:
        if not dataflows:
            raise ValueError("must name at least one of weight_stationary, output_stationary")
        if len(set(dataflows)) < len(dataflows):
            raise ValueError("must name each dataflow once")
        return dataflows

    @property
    def pes(self) -> int:
        """Processing elements."""
        return self.rows * self.columns


class BankShares(Description):
    """The parts of the global buffer that hold inputs, weights and outputs; each part is double buffered."""

    inputs: Fraction
    weights: Fraction
    outputs: Fraction

    @model_validator(mode="after")
    def _fill_the_buffer(self) -> Self:
        total = self.inputs + self.weights + self.outputs
        if total > 1 + 1e-9:
            raise ValueError(f"must not exceed 1 together; they are {total:g}")
        return self


class GlobalBuffer(Description):
    """The on-chip memory between DRAM and the array, in banks for inputs, weights and outputs."""

    size_bytes: BufferBytes
    shares: BankShares

    @property
    def bank_bytes(self) -> Mapping[str, int]:
        """Bytes of each bank; a tile may take half of one, so that the next can be loaded meanwhile."""
        shares = self.shares
        return {
            "inputs": int(self.size_bytes * shares.inputs),
            "weights": int(self.size_bytes * shares.weights),
            "outputs": int(self.size_bytes * shares.outputs),
        }


class DRAM(Description):
    """Off-chip memory behind one channel: a fixed latency, then a steady stream."""

    latency_cycles: LatencyCycles
    bandwidth_bytes_per_cycle: BytesPerCycle


class DMA(Description):
    """What moves tiles between DRAM and the global buffer."""

    descriptors: Descriptors
    """Steps whose tiles may be asked for before the array takes up the first of them."""


class Mapper(Description):
    """By what the machine's compiler chooses among the mappings of a layer."""

    tiles: Objective
    """Tile sizes and loop order, for each dataflow."""
    dataflow: Objective
    """The dataflow, each with its best tiles."""


class VectorUnit(Description):
    """Where bias, activation, addition and pooling happen, on the way from the array to the global buffer."""

    lanes_per_column: PerColumn
    """Operations per cycle, for each column of the array."""


class AreaTable(Description):
    """What the parts of a chip take [mm2], in one process; nothing is scaled to another."""

    process: Words
    """In which the figures are: `65 nm`."""
    word_bits: Bits
    """Of the PEs that the source measured."""
    pe_mm2: SquareMillimetres
    """A PE with its multiplier, adder and operand registers, without its register file of partial sums."""
    register_file_mm2_per_kib: SquareMillimetres
    """Partial sums in the PEs and accumulators below the columns."""
    global_buffer_mm2_per_kib: SquareMillimetres
    rest_mm2: SquareMillimetres
    """What is there whatever the size of the rest: control."""


class Hardware(Description):
    """A machine: what networks are mapped onto, simulated on, and priced by."""

    name: Words
    title: str = ""
    source: Words
    clock_mhz: Megahertz
    precision: Precision
    pe_array: PEArray
    global_buffer: GlobalBuffer
    dram: DRAM
    dma: DMA
    vector_unit: VectorUnit
    mapper: Mapper
    energy: EnergyTable
    area: AreaTable | None = None
    assumed: Mapping[str, str] = Field(default_factory=dict)
    """Keys (with dots) whose values no source gives, and why they are what they are."""

    @field_validator("assumed")
    @classmethod
    def _assumed_keys_exist(cls, assumed: Mapping[str, str]) -> Mapping[str, str]:
        mistakes = [
            Mistake((key,), f"explains {key!r}, which is no key of a hardware file")
            for key in assumed
            if not cls._has(key.split("."))
        ]
        if mistakes:
            raise refusal("assumed", mistakes)
        return assumed

    @classmethod
    def _has(cls, keys: Sequence[str]) -> bool:
        """Whether a hardware file may have the key that is reached by these."""
        model: type[Description] | None = cls
        for key in keys:
            field = model.model_fields.get(key) if model else None
            if field is None:
                return False
            inner = [kind for kind in get_args(field.annotation) if kind is not NoneType] or [
                field.annotation
            ]
            model = inner[0] if isinstance(inner[0], type) and issubclass(inner[0], Description) else None
        return True

    @model_validator(mode="after")
    def _banks_hold_a_word(self) -> Self:
        word_bytes = {
            "inputs": -(-self.precision.activations_bits // 8),
            "weights": -(-self.precision.weights_bits // 8),
            "outputs": -(-max(self.precision.partial_sums_bits, self.precision.activations_bits) // 8),
        }
        needed = {
            bank: math.ceil(2 * size / getattr(self.global_buffer.shares, bank))
            for bank, size in word_bytes.items()
        }
        bank = max(needed, key=needed.__getitem__)
        if self.global_buffer.size_bytes < needed[bank]:
            sentence = (
                f"must be at least {needed[bank]}: "
                f"the share of {bank} has to hold two words of {word_bytes[bank]} bytes"
            )
            raise refusal("hardware", [Mistake(("global_buffer", "size_bytes"), sentence)])
        return self

    @property
    def vector_lanes(self) -> int:
        """Operations of the vector unit per cycle."""
        return self.vector_unit.lanes_per_column * self.pe_array.columns

    @property
    def register_file_bytes(self) -> float:
        """Partial sums that the PEs hold, and accumulators below the columns."""
        array = self.pe_array
        in_pes = array.pes * array.output_stationary.partial_sums_per_pe
        below = array.columns * array.weight_stationary.accumulators_per_column
        return (in_pes + below) * self.precision.partial_sums_bits / 8

    @property
    def area_mm2_by_part(self) -> Mapping[str, float] | None:
        """What each part takes; None without an area table, or where words are wider than the table's.

        PEs of narrower words are taken to be as large as the table's: its source gives no other.
        """
        area, widest = self.area, max(self.precision.weights_bits, self.precision.activations_bits)
        if area is None or widest > area.word_bits:
            return None
        return {
            "pe_array": self.pe_array.pes * area.pe_mm2,
            "register_file": self.register_file_bytes / 1024 * area.register_file_mm2_per_kib,
            "global_buffer": self.global_buffer.size_bytes / 1024 * area.global_buffer_mm2_per_kib,
            "rest": area.rest_mm2,
        }

    @property
    def area_mm2(self) -> float | None:
        """Of the whole chip; None where that cannot be told."""
        parts = self.area_mm2_by_part
        return None if parts is None else math.fsum(parts.values())


def hardware_of(hardware: Hardware | str | Path) -> Hardware:
    """A machine, or the one of a name or path. Raises DescriptionError where there is none."""
    if isinstance(hardware, Hardware):
        return hardware
    if isinstance(hardware, str | Path):
        return load_hardware(str(hardware))
    raise DescriptionError(
        f"hardware = {hardware!r}: must be a Hardware, or a name or path of one, such as '16x16_128k'"
    )


def load_hardware(name: str) -> Hardware:
    """The machine of a path, of ./hardware/NAME.yaml or of that name among those shipped.

    Raises DescriptionError, with one line for each mistake in the file.
    """
    document = parse(shipped.find("hardware", name))
    check_kind(document, FileKind.MACHINE)
    return check(document, Hardware)
