"""Mapping: which part of a layer is computed when, and what moves for it. Plain values, no clock.

A mapping is a program: tiles in the order in which they are visited, with what each of them loads, computes
and stores. Tiles that are alike are written once, as `Repeat`, however many there are.
"""

from collections.abc import Collection, Iterator
from collections.abc import Mapping as MappingOf
from dataclasses import dataclass, field
from typing import ClassVar, Final, NamedTuple, TypeAlias

from accelsim.hardware.counts import ActionCounts
from accelsim.hardware.operand import Operand
from accelsim.mapping.loop_order import Order
from accelsim.mapping.tile import TileShape
from accelsim.network.layer import Layer

ALL_OPERANDS: Final = frozenset(Operand)
_READ: Final = frozenset({Operand.INPUTS, Operand.WEIGHTS})
DataflowParameters: TypeAlias = tuple[tuple[str, int], ...]
"""Names and values of what a dataflow leaves to a mapping."""


class Crossing(NamedTuple):
    """What a step loads and stores on its way, by operand, in the order of its loads.

    Attributes:
        loads: Bytes that channels move for what is loaded: whole bursts, of those that move such.
        stores: The same of what is stored.

    Example:
        >>> crossing = Crossing({Operand.INPUTS: 128}, {}, {Operand.INPUTS: 80}, {})
        >>> crossing.loads[Operand.INPUTS] - crossing.read[Operand.INPUTS]
        48
    """

    loads: MappingOf[Operand, int]
    stores: MappingOf[Operand, int]
    read: MappingOf[Operand, int]
    """Bytes of what is loaded, as it lies outside: coded, or as it is."""
    written: MappingOf[Operand, int]
    """The same of what is stored."""
    load_cycles: MappingOf[Operand, int] | None = None
    """For how long the channel is busy with each load, where that does not follow from bytes and bandwidth:
    no less than what does, which bounds of the search are made of. None: it follows."""
    store_cycles: int | None = None
    """The same of all that is stored."""

    @property
    def takes_its_own_time(self) -> bool:
        """Whether it says for how long a channel is busy."""
        return self.load_cycles is not None or self.store_cycles is not None

    def of_loads(self, operands: Collection[Operand]) -> "Crossing":
        """The same where only some operands are loaded, in another order perhaps."""
        loads, read = ({operand: sizes[operand] for operand in operands} for sizes in (self.loads, self.read))
        cycles = self.load_cycles and {operand: self.load_cycles[operand] for operand in operands}
        return self._replace(loads=loads, read=read, load_cycles=cycles)


@dataclass(frozen=True, slots=True)
class Step:
    """One visit to the array: what has to be there, how long it takes, and what becomes free or is stored.

    Bytes are by operand; an operand that nothing happens to is left out. Operands that stay from the step
    before are not loaded again.

    Both engines rest on what holds of every step that a mapping makes, and neither checks: outputs alone are
    stored, and outputs alone take room when the step runs, in a bank in which nothing that is loaded takes
    any; weights are asked for before inputs, and these before residuals; what is not complete is not stored,
    and no work for the vector unit; the last step of a layer is complete.

    Attributes:
        array_cycles: How long the array takes.
        vector_cycles: How long the vector unit takes; of a step of the host, how long the host does.

    Example:
        >>> from accelsim import load_hardware
        >>> from accelsim.mapping import map_layer
        >>> layer = Layer("conv1", "conv", K=16, C=3, OY=8, OX=8, FY=3, FX=3, IY=10, IX=10)
        >>> first = next(map_layer(layer, load_hardware("16x16_128k")).steps())
        >>> {str(operand): size for operand, size in first.loads.items()}
        {'weights': 216, 'inputs': 600}
    """

    loads: MappingOf[Operand, int]
    """What comes from outside, in the order in which it is asked for: the room that it takes, which is what
    moves where there is no `crossing`."""
    takes: MappingOf[Operand, int]
    """Room for outputs that is taken before the step runs: none where it adds to those of the step before."""
    freed_by_array: MappingOf[Operand, int]
    """Room that is free again when the array is done."""
    freed_by_vector_unit: MappingOf[Operand, int]
    """When the vector unit is done: residuals, and inputs of its own layers; or the host: all it has read."""
    stores: MappingOf[Operand, int]
    """Outputs that go outside when the vector unit is done."""
    freed_by_store: MappingOf[Operand, int]
    """When that is stored; none where outputs are not complete yet."""
    array_cycles: int
    vector_cycles: int
    array_counts: ActionCounts[int]
    """What the array does."""
    vector_counts: ActionCounts[int]
    """What the vector unit does with complete outputs, or the host in its step. Transfers are counted where
    they happen."""
    completes: bool
    """Whether the outputs are complete, so that they go on to the vector unit and outside."""
    crossing: Crossing | None = None
    """Where channels move whole bursts, memories hold something coded, or give out whole banks; None where
    all of them move what is loaded and stored, byte by byte, and it takes as much room."""
    weights_of_layer: bool = False
    """Whether weights are what another layer puts out, for which they have to wait."""

    in_place: ClassVar[frozenset[Operand]] = frozenset()
    """Of what is loaded: operands that come to where they stay, and take no room as tiles."""
    on_host: ClassVar[bool] = False
    """Whether the host does it, in place of array and vector unit."""

    @property
    def store_bytes(self) -> int:
        """Bytes that go outside."""
        return sum(self.stores.values())

    @property
    def moved_loads(self) -> MappingOf[Operand, int]:
        """Bytes that channels move for what is loaded."""
        return self.loads if self.crossing is None else self.crossing.loads

    @property
    def moved_stores(self) -> MappingOf[Operand, int]:
        """Bytes that channels move for what is stored."""
        return self.stores if self.crossing is None else self.crossing.stores

    @property
    def read(self) -> MappingOf[Operand, int]:
        """Bytes of what is loaded, as it lies outside."""
        return self.loads if self.crossing is None else self.crossing.read

    @property
    def written(self) -> MappingOf[Operand, int]:
        """Bytes of what is stored, as it lies outside."""
        return self.stores if self.crossing is None else self.crossing.written


@dataclass(frozen=True, slots=True)
class PinningStep(Step):
    """A step of the first inference, which brings pinned weights to the place where they stay.

    Example:
        >>> Operand.WEIGHTS in PinningStep.in_place, Operand.WEIGHTS in Step.in_place
        (True, False)
    """

    in_place: ClassVar[frozenset[Operand]] = frozenset({Operand.WEIGHTS})


@dataclass(frozen=True, slots=True)
class ArrivingStep(Step):
    """A step that brings inputs, which lie outside, to the place where they stay.

    Example:
        >>> [str(operand) for operand in ArrivingStep.in_place]
        ['inputs']
    """

    in_place: ClassVar[frozenset[Operand]] = frozenset({Operand.INPUTS})


@dataclass(frozen=True, slots=True)
class ArrivingPinningStep(Step):
    """A step of the first inference that brings both.

    Example:
        >>> ArrivingPinningStep.in_place == PinningStep.in_place | ArrivingStep.in_place
        True
    """

    in_place: ClassVar[frozenset[Operand]] = frozenset({Operand.WEIGHTS, Operand.INPUTS})


@dataclass(frozen=True, slots=True)
class HostStep(Step):
    """A step that the host does: it takes no time of the array, which passes it on in the order of steps.

    Example:
        >>> HostStep.on_host, Step.on_host
        (True, False)
    """

    on_host: ClassVar[bool] = True


@dataclass(frozen=True, slots=True)
class HostPinningStep(HostStep, PinningStep):
    """One of the first inference, which brings pinned weights."""


@dataclass(frozen=True, slots=True)
class HostArrivingStep(HostStep, ArrivingStep):
    """One that brings inputs to the place where they stay."""


@dataclass(frozen=True, slots=True)
class HostArrivingPinningStep(HostStep, ArrivingPinningStep):
    """One of the first inference that brings both."""


ON_HOST: Final[MappingOf[type[Step], type[HostStep]]] = {
    Step: HostStep,
    PinningStep: HostPinningStep,
    ArrivingStep: HostArrivingStep,
    ArrivingPinningStep: HostArrivingPinningStep,
}
"""Steps of the host by what they would be on the array."""


@dataclass(frozen=True, slots=True)
class Repeat:
    """A body that is gone through `times` times.

    Attributes:
        times: How often.
        body: Steps, and loops of them.

    Example:
        >>> len(list(unrolled((Repeat(3, (Repeat(2, ()),)),))))
        0
    """

    times: int
    body: tuple["ProgramPart", ...]


ProgramPart: TypeAlias = Step | Repeat
"""A program is a tuple of these."""


@dataclass(frozen=True, slots=True)
class Totals:
    """Sums over all steps of a program: what a simulation of it has to observe.

    Attributes:
        steps: How many.
        array_cycles: Of all steps.
        vector_cycles: Of all steps; of a layer of the host, the host's.

    Example:
        >>> (Totals(steps=2, array_cycles=100) * 3).array_cycles
        300
    """

    steps: int = 0
    array_cycles: int = 0
    vector_cycles: int = 0
    counts: ActionCounts[int] = field(default_factory=ActionCounts)
    """Transfers included."""

    def __add__(self, addend: "Totals") -> "Totals":
        return Totals(
            self.steps + addend.steps,
            self.array_cycles + addend.array_cycles,
            self.vector_cycles + addend.vector_cycles,
            self.counts + addend.counts,
        )

    def __mul__(self, times: int) -> "Totals":
        return Totals(
            self.steps * times, self.array_cycles * times, self.vector_cycles * times, self.counts * times
        )


@dataclass(frozen=True, slots=True)
class Choice:
    """What the search chooses: how a layer is cut and in which order; its program follows.

    Attributes:
        layer: In the form in which it is executed.
        tile: Its size.
        order: Of the loops over tiles.
        estimated_cycles: What the search takes the layer's time to be.

    Example:
        >>> from accelsim import load_hardware
        >>> from accelsim.mapping import mappings, whole_image
        >>> layer = Layer("fc", "fully_connected", K=10, C=64, OY=1, OX=1, IY=1, IX=1)
        >>> choice = Choice(layer, "weight_stationary", whole_image(layer), "filters_outer")
        >>> mappings([choice], 1, load_hardware("16x16_128k"))[0].totals.steps
        1
    """

    layer: Layer
    dataflow: str
    """A dataflow of the array, `vector` or `host`."""
    tile: TileShape[int]
    order: Order
    estimated_cycles: int = 0
    idle_rows: int = 0
    """Of the array."""
    moved: frozenset[Operand] = ALL_OPERANDS
    """What comes from outside, or goes there."""
    placed: frozenset[Operand] = frozenset()
    """What lies in the memory that the array works on: it takes no room as tiles. Weights and inputs that are
    placed and moved come there once."""
    parameters: DataflowParameters = ()
    """Those of the dataflow's own that are fixed; it finds the others."""


@dataclass(frozen=True)
class Mapping:
    """One layer on one machine: how it is cut, and the program that follows.

    As text it is the bounds of its tile, those of 1 and all taps left out: `K4 C3 Y8 X8`.

    Attributes:
        layer: In the form in which it is executed.
        tile: The size of all but those at the edges.
        order: Of the loops over tiles.
        program: Its steps; what repeats is written once.
        totals: Sums over all steps.

    Example:
        >>> from accelsim import load_hardware
        >>> from accelsim.mapping import map_layer
        >>> layer = Layer("conv1", "conv", K=16, C=3, OY=8, OX=8, FY=3, FX=3, IY=10, IX=10)
        >>> mapping = map_layer(layer, load_hardware("16x16_128k"))
        >>> str(mapping), mapping.dataflow, mapping.order
        ('K4 C3 Y8 X8', 'output_stationary', 'filters_outer')
    """

    layer: Layer
    dataflow: str
    """A dataflow of the array, `vector` or `host`."""
    tile: TileShape[int]
    order: Order
    program: tuple[ProgramPart, ...]
    totals: "Totals"
    estimated_cycles: int = field(default=0, compare=False)
    """What the search took the layer's time to be; the simulation says what it is."""
    idle_rows: int = 0
    """Of the array, that are left idle because the layer is better off without them."""
    moved: frozenset[Operand] = ALL_OPERANDS
    """What comes from outside, or goes there."""
    placed: frozenset[Operand] = frozenset()
    """What lies in the memory that the array works on: it takes no room as tiles. Weights and inputs that are
    placed and moved come there once."""
    anew: frozenset[Operand] = frozenset()
    """What each step brings although the step before had the same: operands that stream past the memories on
    chip, and all where the machine's control has them reloaded."""
    room_bytes: int = field(default=0, compare=False)
    """What its tiles need of a pool, of two steps at once; 0 where it was not mapped onto one."""
    parameters: DataflowParameters = ()
    """Those of the dataflow's own that are fixed."""

    def steps(self) -> Iterator[Step]:
        """Every step in order."""
        return unrolled(self.program)

    def __str__(self) -> str:
        layer, tile = self.layer, self.tile
        sizes = {"N": tile.n, "G": tile.g, "K": tile.k, "C": tile.c, "Y": tile.y, "X": tile.x}
        cut = [f"{letter}{size}" for letter, size in sizes.items() if size != 1]
        taps = (("FY", tile.fy, layer.FY), ("FX", tile.fx, layer.FX))
        cut += [f"{letter}{size}" for letter, size, all_taps in taps if size != all_taps]
        return " ".join(cut) or "1"


def unrolled(program: tuple[ProgramPart, ...]) -> Iterator[Step]:
    """Every step of a program in order."""
    for part in program:
        if isinstance(part, Step):
            yield part
        else:
            for _ in range(part.times):
                yield from unrolled(part.body)


def brought(mapping: Choice | Mapping) -> frozenset[Operand]:
    """The operands that come from outside to a place where they stay, so that they come once."""
    return mapping.placed & mapping.moved & _READ if mapping.placed else mapping.placed
