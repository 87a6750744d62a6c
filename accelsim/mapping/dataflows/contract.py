"""Dataflow: which operand stays in the PEs while the others move, as a contract.

A dataflow is one file here, or one object in another package; accelsim.hardware.registry says where each is.
The laws of tests/laws hold every registered one to what stands below.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from functools import reduce
from math import prod
from types import MappingProxyType
from typing import TYPE_CHECKING, ClassVar, Literal, NamedTuple, TypeAlias

from accelsim.columns import Count, Real
from accelsim.descriptions import Description
from accelsim.hardware.array import ArraySide, PEArray
from accelsim.hardware.machine import Hardware
from accelsim.hardware.operand import Operand
from accelsim.mapping.arithmetic import ceil_div, is_none, larger, smaller, times
from accelsim.mapping.mapping import DataflowParameters
from accelsim.mapping.tile import ArrayWork, Granularity, TileCounts, TileShape
from accelsim.network.layer import Layer, LoopNest

if TYPE_CHECKING:
    from accelsim.mapping.dataflows.array_pass import ArrayPass

ArrayAxis: TypeAlias = Literal["rows", "columns"]
"""Along which PEs lie."""


class Port(NamedTuple):
    """How an operand passes the ports of the array: one for each row at one side, for each column at another.

    Example:
        >>> port = Port(sides=("rows", "columns"), any_port=True, hidden=True)
        >>> port.cycles(100, PEArray(rows=8, columns=16))
        7
    """

    sides: tuple[ArraySide, ...]
    """By which it may pass: where there are two, by the one that takes less time."""
    any_port: bool
    """Whether a word may take any port of a side; else it takes that of the row or column that it is for."""
    hidden: bool
    """Whether the array computes meanwhile; else it stands still."""

    def words_per_cycle(self, array: PEArray) -> int:
        """That come in: through all ports of a side where a word may take any of them, else through one."""
        return max(
            array.words_in(side) * (array.ports_of(side) if self.any_port else 1) for side in self.sides
        )

    def cycles(self, words: Count, array: PEArray) -> Count:
        """How long so many words take to come in: those of all rows or columns, or of one."""
        return ceil_div(words, self.words_per_cycle(array))

    def sum_cycles(
        self, words: Mapping[ArraySide, Count], array: PEArray, *, out: Count = 1, in_again: Count = 0
    ) -> Count:
        """How long sums take that leave, and of earlier tiles come in, by the ports of the rows or columns.

        Args:
            words: That pass the port of one row, if they leave by the rows, and of one column.
            array: Its ports; a side that lets nothing out takes no sums in either.
            out: How often they leave.
            in_again: How often they come in.

        Returns:
            Cycles by the side that takes fewest.

        Example:
            >>> port = Port(("rows", "columns"), any_port=False, hidden=False)
            >>> port.sum_cycles({"rows": 100, "columns": 200}, PEArray(rows=8, columns=8), in_again=1)
            400
        """
        by_side = [
            _times_passed(words[side], array.words_out(side), out)
            + _times_passed(words[side], array.words_in(side), in_again)
            for side in self.sides
            if array.words_out(side)
        ]
        return reduce(smaller, by_side)


def _times_passed(words: Count, words_per_cycle: int, often: Count) -> Count:
    """Cycles in which so many words pass a port so often."""
    return 0 if is_none(often) else times(ceil_div(words, words_per_cycle), often)


class Dataflow(ABC):
    """How an array executes a tile: what a machine's file may name under `pe_array.dataflows`.

    docs/how-to/add-a-dataflow.md writes one; the laws of tests/laws hold every registered one to what stands
    here.

    Example:
        >>> from accelsim.mapping.dataflows import dataflow_of
        >>> dataflow = dataflow_of("weight_stationary")
        >>> str(dataflow.stationary), dataflow.axes
        ('weights', {'rows': ('C',), 'columns': ('K',)})
    """

    name: ClassVar[str]
    """As files and options have it: `weight_stationary`."""
    short: ClassVar[str]
    """As narrow tables have it: `WS`."""
    title: ClassVar[str]
    """As a sentence has it: `weight stationary`."""
    axes: ClassVar[Mapping[ArrayAxis, tuple[str, ...]]]
    """Loops that lie across the array, by the letters of their bounds in `Layer`: twice a bound takes hardly
    longer while there is room, and a cycle computes no more products than the bounds fill PEs."""
    stationary: ClassVar[Operand | None]
    """What stays in registers, from which each product takes its weight, or to which it adds: weights or
    outputs; None where products do neither."""
    ports: ClassVar[Mapping[Operand, Port]] = MappingProxyType({})
    """Operands that pass between the array and the memories on chip by the ports of rows or columns, and may
    hold the array up. The others never do: they pass a word a cycle, or have ways of their own."""
    skips_zeros: ClassVar[bool] = False
    """Whether a weight that is zero takes no product and no cycle: `weight_density` says how many do."""
    parameters: ClassVar[type[Description]]
    """What a machine's file says of it."""
    of_any_array: ClassVar[bool] = True
    """Whether any array may be given it for trying: False where its PEs are others than those of most."""
    takes_images: ClassVar[bool] = False
    """Whether the search tries tiles of several images, too: where they share what comes to the array."""
    mapping_parameters: ClassVar[tuple[str, ...]] = ()
    """Names of whole numbers that a mapping may say; where it is silent the dataflow finds them by itself."""

    @property
    def kept(self) -> tuple[Operand, ...]:
        """What stays in registers: what is stationary, of most dataflows; of some both."""
        return () if self.stationary is None else (self.stationary,)

    @property
    def streams(self) -> tuple[Operand, ...]:
        """What passes by the PEs or through them: the operands that do not stay."""
        operands = (Operand.INPUTS, Operand.WEIGHTS, Operand.OUTPUTS)
        return tuple(operand for operand in operands if operand not in self.kept)

    def cycles_with_ports(self, computing: Count, passing: Mapping[Operand, Count]) -> Count:
        """How long the array takes that computes for so many cycles, with operands that pass the ports."""
        hidden = [cycles for operand, cycles in passing.items() if self.ports[operand].hidden]
        exposed = [cycles for operand, cycles in passing.items() if not self.ports[operand].hidden]
        return sum(exposed, start=reduce(larger, hidden, computing))

    def loops_on(self, axis: ArrayAxis, array: PEArray) -> tuple[str, ...]:  # noqa: ARG002 (for those that pack)
        """The loops that lie along an axis of an array: those of `axes`, and what its file lets join them."""
        return self.axes[axis]

    def refusal(self, layer: Layer) -> str:  # noqa: ARG002 (for those that refuse any)
        """Why the array cannot run a layer: a few words for an error; nothing where it can, as most can all.

        What no dataflow of a machine can run goes to its host.
        """
        return ""

    def fixed(self, parameters: DataflowParameters) -> "Dataflow":
        """The same dataflow where a mapping says its parameters, instead of having it find them.

        Args:
            parameters: Names among `mapping_parameters`, each with its value; one at least.

        Returns:
            A dataflow whose `execute` takes these for every tile.

        Raises:
            ValueError: It has no such parameter, or not of that value; the text says which.
        """
        known = ", ".join(self.mapping_parameters) or "no parameters"
        raise ValueError(f"{self.title} leaves {known} to a mapping, not {parameters[0][0]}")

    def parameters_for(
        self,
        layer: Layer,  # noqa: ARG002 (for those that have some)
        tile: TileShape[int],  # noqa: ARG002
        hardware: Hardware,  # noqa: ARG002
    ) -> DataflowParameters:
        """The values of `mapping_parameters` that a tile is executed with, as results say them, if any."""
        return ()

    def array_pass(
        self,
        layer: Layer,  # noqa: ARG002 (for those that look at it)
        tile: TileShape[int],
        hardware: Hardware,
    ) -> "ArrayPass":
        """The PEs that work in the fullest pass of a tile, and on what; by default as `loops_on` has it.

        Args:
            layer: In the form in which it is executed.
            tile: Its bounds.
            hardware: The machine, without the rows of its array that are left idle.

        Returns:
            As many PEs as the multiply-accumulates of `execute` take a cycle, or more.
        """
        from accelsim.mapping.dataflows.array_pass import lying, pass_of  # noqa: PLC0415 (only pictures ask)

        array = hardware.pe_array
        bounds = {"N": tile.n, "G": tile.g, "K": tile.k, "C": tile.c, "OY": tile.y, "OX": tile.x}
        bounds |= {"FY": tile.fy, "FX": tile.fx}
        lengths: dict[ArrayAxis, int] = {"rows": array.rows, "columns": array.columns}
        along = {axis: (self.loops_on(axis, array), length) for axis, length in lengths.items()}
        return pass_of(
            {
                axis: lying(loops, prod(bounds[loop] for loop in loops), length)
                for axis, (loops, length) in along.items()
            },
            array,
        )

    @abstractmethod
    def granularity(self, hardware: Hardware) -> Granularity:
        """What one pass of the array covers, so that tiles are cut into whole passes, or parts of one."""

    @abstractmethod
    def execute(
        self, layer: LoopNest[Count], tile: TileShape[Count], resumes: Count, hardware: Hardware
    ) -> ArrayWork[Count]:
        """What the array does for one tile: cycles, and every action but those of the outermost memory.

        Args:
            layer: The layer, or a stack of layers whose numbers are columns.
            tile: Bounds of the tile, or columns of them: as many images and taps as it has.
            resumes: 1 where the tile adds to partial sums of an earlier one, else 0.
            hardware: The machine, without the rows of its array that are left idle.

        Returns:
            Work; at any bounds the multiply-accumulates take no more than the PEs have cycles.
        """

    @abstractmethod
    def least_work(
        self, layer: LoopNest[Count], tile: TileShape[Count], tiles: TileCounts[Count], hardware: Hardware
    ) -> ArrayWork[Count]:
        """What the array does at least for an image of a layer that is cut into so many tiles, with all taps.

        The search does not look at tiles that cannot be the best by this; the nearer it is to the sum of
        `execute`, the faster the search, but it must not be above.
        """

    @abstractmethod
    def partial_sums(self, array: PEArray) -> int:
        """Partial sums for which the array has registers or accumulators."""

    def input_words(self, array: PEArray) -> int:  # noqa: ARG002 (for those that have some)
        """Words of inputs for which the array has registers that take area: most dataflows have none."""
        return 0

    def gates_zeros(self, array: PEArray) -> bool:  # noqa: ARG002 (for those that do)
        """Whether products with inputs that are zero are not done: each takes its cycle, and no energy."""
        return False

    def weight_density(self, layer: LoopNest[Count], hardware: Hardware) -> Real:  # noqa: ARG002 (for those that skip)
        """The part of a layer's weights that takes cycles: 1 unless the dataflow skips zeros."""
        return 1.0
