"""Parts of a machine of which its file says little: bits, the compiler, networks' ends, the vector unit."""

from collections.abc import Mapping
from typing import Final, Literal, Self, assert_never

from pydantic import Field, field_validator, model_validator

from accelsim.descriptions import Description, Mistake, refusal
from accelsim.descriptions.quantities import Bits, IndexBits, Lanes, OffsetBits, Operations, PerColumn
from accelsim.hardware.memory import MemoryName
from accelsim.hardware.operand import Operand

Objective = Literal["time", "energy", "edp"]
"""What is to be small: cycles, energy, or their product (energy-delay product)."""
Goal = Literal["time", "energy", "edp", "peak"]
"""The same, or the memory on chip before all (`peak`): the least arena in which nothing but weights, and the
network's ends as io says, lies outside; in that, the least time."""
LANES_PER_COLUMN: Final = 1
"""Of a vector unit of which the machine's file does not say how wide it is."""
RunningOrder = Literal["network", "least_peak"]
"""Of layers."""


ElementwiseOperator = Literal[
    "add",
    "multiply",
    "softmax",
    "lrn",
    "batch_norm",
    "relu",
    "relu6",
    "leaky_relu",
    "clip",
    "elu",
    "softplus",
    "sigmoid",
    "hard_sigmoid",
    "tanh",
    "swish",
    "hard_swish",
    "gelu",
    "mish",
    "linear",
]
"""Operators whose outputs have the shape of an input, as results call them."""


class Precision(Description):
    """Bits of a weight, of an activation, and of a partial sum while it is accumulated.

    A network may say otherwise, for all of its layers or for the weights of some: network/compression.py.

    Attributes:
        weights_bits: Of a weight.
        activations_bits: Of an input or output.
        partial_sums_bits: Of a sum while it is accumulated.

    Example:
        >>> Precision(weights_bits=4).weights_bits
        4
    """

    weights_bits: Bits = 8
    activations_bits: Bits = 8
    partial_sums_bits: Bits = 32
    pruned_index_bits: IndexBits = 0
    """Bits spent on each weight of a pruned layer that is not zero, to tell how far the next one is."""
    offset_bits: OffsetBits | None = None
    """Of what comes with the weights of each output channel that has an offset: the offset, and its scale
    where sums are scaled to fewer bits. None is as many as a weight has."""

    @property
    def widest_operand_bits(self) -> int:
        """Of what is multiplied."""
        return max(self.weights_bits, self.activations_bits)

    def word_bytes(self, operand: Operand) -> int:
        """Whole bytes of one element of an operand, a partial sum's where outputs are unfinished."""
        match operand:
            case Operand.WEIGHTS:
                bits = self.weights_bits
            case Operand.OUTPUTS:
                bits = max(self.partial_sums_bits, self.activations_bits)
            case Operand.INPUTS | Operand.RESIDUAL:
                bits = self.activations_bits
            case _:
                assert_never(operand)
        return -(-bits // 8)


class Mapper(Description):
    """By what the machine's compiler chooses among the mappings of a layer."""

    tiles: Objective = "time"
    """Tile sizes and loop order, for each dataflow."""
    dataflow: Objective = "time"
    """The dataflow, each with its best tiles."""
    order: RunningOrder = "network"
    """In which layers run: as the network lists them, or so that tensors take as little at once as can be."""


class Ends(Description):
    """Where the network's input lies before it runs, and its results afterwards.

    Attributes:
        inputs: A memory; None is the outermost one that holds them.
        outputs: A memory.

    Example:
        >>> Ends(inputs="sram").outputs is None
        True
    """

    inputs: MemoryName | None = None
    outputs: MemoryName | None = None


class VectorUnit(Description):
    """Where bias, activation, addition and pooling happen, on the way from the array to memory.

    Of the two ways to say how wide it is one may be given; neither is a lane for each column.

    Attributes:
        lanes: Operations per cycle, however many columns the array has.

    Example:
        >>> VectorUnit(lanes=32).lanes_for(columns=8), VectorUnit(lanes_per_column=2).lanes_for(columns=8)
        (32, 16)
    """

    lanes_per_column: PerColumn | None = None
    """Operations per cycle, for each column of the array."""
    lanes: Lanes | None = None
    unfused: tuple[ElementwiseOperator, ...] = ()
    """Operators that are layers of their own, and not applied to outputs on their way to memory."""
    operations: Mapping[ElementwiseOperator, Operations] = Field(default_factory=dict)
    """That an element of what an operator puts out takes, where they are not as many as the model counts."""

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if self.lanes is not None and self.lanes_per_column is not None:
            sentence = "must be left out, or null, where lanes_per_column is given: only one of them counts"
            raise refusal("vector_unit", [Mistake(("lanes",), sentence)])
        return self

    @field_validator("unfused")
    @classmethod
    def _each_once(cls, unfused: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(unfused)) < len(unfused):
            raise ValueError("must name each operator once")
        return unfused

    @property
    def spelled_out(self) -> "VectorUnit":
        """With what is taken where a machine's file says nothing."""
        if self.lanes is not None or self.lanes_per_column is not None:
            return self
        return self.model_copy(update={"lanes_per_column": LANES_PER_COLUMN})

    def lanes_for(self, columns: int) -> int:
        """Operations per cycle beside an array of so many columns."""
        return (self.lanes_per_column or LANES_PER_COLUMN) * columns if self.lanes is None else self.lanes
