"""Shortage: why a network does not fit a pool, and how large a pool, or how small an image, would do."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final, NamedTuple, Self

from accelsim.columns import Ints
from accelsim.descriptions import vary
from accelsim.descriptions.limits import MAX_BUFFER_BYTES
from accelsim.descriptions.phrases import all_of, counted
from accelsim.errors import AccelsimError, MappingError
from accelsim.hardware import Bank, Hardware, Operand
from accelsim.mapping.banks import shortfall
from accelsim.mapping.pool_tiles import operands_of
from accelsim.mapping.staircase import Moved, StepPrices
from accelsim.network.configuration import configure
from accelsim.network.description import Network
from accelsim.network.executed import ExecutedGraph
from accelsim.network.layer import Layer
from accelsim.network.lowering.splitting import unfused
from accelsim.network.parameters import RESOLUTION
from accelsim.planning.network_to_plan import NetworkToPlan
from accelsim.planning.programme.least_room import LeastRoom, least_rooms
from accelsim.planning.programme.planner import nothing_kept
from accelsim.planning.residency import DoesNotFit, Pool
from accelsim.planning.tensors import NetworkTensors, network_tensors

_UNBOUNDED: Final = 2**62
"""Bytes that no network takes."""
_STRIDES: Final = 8
"""What rows and columns that a stride need not round up are a multiple of: sides of images that are tried."""


class StepNeed(NamedTuple):
    """What a step needs of the pool at least.

    Example:
        >>> StepNeed(step=3, tensors=(2, 3), tensor_bytes=4096, tile_bytes=96).size_bytes
        4192
    """

    step: int
    """Its place among all steps."""
    tensors: tuple[int, ...]
    """Those that cannot be elsewhere."""
    tensor_bytes: int
    """Of them."""
    tile_bytes: int
    """Of its smallest tiles."""

    @property
    def size_bytes(self) -> int:
        """Of both."""
        return self.tensor_bytes + self.tile_bytes


def step_needs(network: NetworkTensors, pool: Pool, prices: Sequence[StepPrices]) -> list[StepNeed]:
    """What each step needs of the pool at least, whatever its size.

    Args:
        network: Tensors and their uses.
        pool: Where tensors may lie.
        prices: Of each step.

    Returns:
        The needs, in running order: the pool holds the network if it is as large as the largest.

    Example:
        >>> from accelsim.mapping.staircase import StepCost, Staircase
        >>> from accelsim.planning.tensors import LayerUse, Tensor
        >>> tensors = Tensor("image", 60, is_image=True), Tensor("fc", 10, is_result=True)
        >>> network = NetworkTensors(tensors, (LayerUse((0,), (), 1),))
        >>> fc = {frozenset(): Staircase((20,), (70.0,), (StepCost(9),), (0,))}
        >>> step_needs(network, Pool(50, outside=False, image_inside=True, results_inside=True), [fc])
        [StepNeed(step=0, tensors=(0, 1), tensor_bytes=70, tile_bytes=20)]
    """
    plan = nothing_kept(network, replace(pool, size_bytes=_UNBOUNDED), prices)
    if pool.only_ends_outside or isinstance(plan, DoesNotFit):  # something has to be kept
        rooms = least_rooms(network, pool, prices)
        if rooms is not None:
            return [_need(network, step, *room) for step, room in enumerate(rooms)]
    if isinstance(plan, DoesNotFit):
        return [_need(network, plan.step, plan.tensors, plan.needed_bytes)]
    return [
        StepNeed(number, step.in_pool, _UNBOUNDED - step.room_bytes, of_step[step.moved].room_bytes[0])
        for number, (step, of_step) in enumerate(zip(plan.steps, prices, strict=True))
    ]


def _need(network: NetworkTensors, step: int, tensors: tuple[int, ...], needed_bytes: int) -> StepNeed:
    tensor_bytes = sum([network.tensors[index].size_bytes for index in tensors])
    return StepNeed(step, tensors, tensor_bytes, needed_bytes - tensor_bytes)


def no_tile_sentence(
    layer: Layer, moved: Moved, hardware: Hardware, pool: Bank, rooms_bytes: Callable[[int], Ints]
) -> str:
    """Which memory is too small for the smallest tile of a layer that is tried.

    Args:
        layer: It has none that fits.
        moved: As few of its operands as may move.
        hardware: The machine.
        pool: Its bank in which tensors may stay.
        rooms_bytes: What each mapping takes that is tried where a pool has so many bytes.
    """
    fault, least_bytes, size_bytes = shortfall(layer, hardware), 0, pool.size_bytes
    if fault.bank not in pool.operands and fault.tile_bytes > fault.half_bank_bytes:
        return f"{layer.name} on {hardware.name}: {fault}"
    while not least_bytes and size_bytes < MAX_BUFFER_BYTES:
        size_bytes = min(2 * size_bytes, MAX_BUFFER_BYTES)
        of_mappings = rooms_bytes(size_bytes)
        fitting = of_mappings[of_mappings <= size_bytes]
        least_bytes = int(fitting.min()) if len(fitting) else 0
    moving = [operand for operand in operands_of(layer) if operand in moved]
    return f"{layer.name} on {hardware.name}: {no_tile_words(hardware, pool, moving, least_bytes)}"


def no_tile_words(hardware: Hardware, pool: Bank, moving: Sequence[Operand], least_bytes: int) -> str:
    """Of a layer no tile of which a pool holds: what the smallest take; 0 is more than any pool has."""
    takes = f"{least_bytes} bytes of {pool.memory}" if least_bytes else f"more than {MAX_BUFFER_BYTES} bytes"
    tiles = f"the smallest tiles{f' of {all_of(moving)}' if moving else ''} that are tried take"
    has, larger = room_words(hardware, pool, least_bytes)
    needed = f"no tile fits: {tiles} {takes}, {has} {pool.size_bytes}"
    return f"{needed}; {larger} would hold them" if least_bytes else needed


def room_words(hardware: Hardware, pool: Bank, needed_bytes: int) -> tuple[str, str]:
    """Who has how much, and which value gives so many bytes: of the arena where that is limited."""
    memory = next(memory for memory in hardware.memories if memory.name == pool.memory)
    key = f"memories.{memory.name}"
    if memory.arena_bytes is None:
        return "which has", f"{key}.size_bytes = {needed_bytes}"
    if needed_bytes <= (memory.size_bytes or 0):
        return "whose arena has", f"{key}.arena_bytes = {needed_bytes}"
    return "whose arena has", f"{key}.size_bytes = {needed_bytes} without arena_bytes"


@dataclass(frozen=True)
class Shortage:
    """A network that a machine's pool does not hold.

    Attributes:
        hardware: The machine.
        planned: The network.
        batch: Images that run together.
        fault: The first step that cannot run.
        needs: Of each step, on this machine.
        roomiest: The step that would need most, on a machine whose pool holds all of them.
        smaller: The network with the largest image with which the pool holds it; None where there is none,
            or it was not looked for.
        by_resolution: Whether that is the same network, whose parameter `resolution` is another.
        only_ends_outside: Whether nothing but the network's ends may lie outside, as
            `MappingOptions.activations` asks.
    """

    hardware: Hardware
    planned: NetworkToPlan
    batch: int
    fault: DoesNotFit
    needs: tuple[StepNeed, ...]
    roomiest: StepNeed
    smaller: Network | None = None
    by_resolution: bool = False
    only_ends_outside: bool = False

    @classmethod
    def of(
        cls,
        hardware: Hardware,
        planned: NetworkToPlan,
        batch: int,
        fault: DoesNotFit,
        needs: tuple[StepNeed, ...],
        needs_in: Callable[[int], Sequence[StepNeed]],
    ) -> Self:
        """The shortage where steps need so much here.

        In a larger pool a pooling may be fused that here is a layer of its own: so the size is tried, by what
        steps need there.
        """
        most, holds = max(needs, key=_size_bytes), all(len(parts) == 1 for parts in planned.parts)
        while not holds and most.size_bytes <= MAX_BUFFER_BYTES:
            needed = max(needs_in(most.size_bytes), key=_size_bytes)
            most, holds = max(most, needed, key=_size_bytes), needed.size_bytes <= most.size_bytes
        return cls(hardware, planned, batch, fault, needs, most)

    @classmethod
    def with_cascades(
        cls,
        hardware: Hardware,
        planned: NetworkToPlan,
        batch: int,
        fault: DoesNotFit,
        needs: tuple[StepNeed, ...],
        least: LeastRoom,
    ) -> Self:
        """The shortage where the least that is needed, with cascades, is known."""
        tensor_bytes = sum([planned.tensors.tensors[index].size_bytes for index in least.tensors])
        kept_bytes = tensor_bytes + least.taken_bytes
        most = StepNeed(least.first, least.tensors, kept_bytes, least.needed_bytes - kept_bytes)
        if least.needed_bytes > fault.pool_bytes:
            fault = DoesNotFit(
                least.first,
                least.tensors,
                least.needed_bytes,
                fault.pool_bytes,
                least.layers,
                least.taken_bytes,
            )
        return cls(hardware, planned, batch, fault, needs, most)

    def __str__(self) -> str:
        fault, memory = self.fault, self.memory
        tensor_bytes = sum([self._size_bytes(index) for index in fault.tensors])
        tile_bytes = fault.needed_bytes - fault.rows_bytes - tensor_bytes
        tensors = ", ".join(self._tensor(index) for index in fault.tensors)
        tiles = [f"{counted(fault.rows_bytes, 'byte')} of rows between layers"] if fault.rows_bytes else []
        tiles += [self._tiles(tile_bytes)] if tile_bytes or not tensors else []
        what = all_of([*([tensors] if tensors else []), *tiles])
        last = fault.step + fault.layers - 1
        to = f" to {self.planned.layers[last].name}" if fault.layers > 1 else ""
        needed = counted(fault.needed_bytes, "byte")
        has, _ = self._room_words(fault.needed_bytes)
        who = f"{self.planned.layers[fault.step].name}{to} on {self.hardware.name}"
        return (
            f"{who}: needs {needed} of {memory}, "
            f"{has} {fault.pool_bytes}: {what}{self._why_there()}{self._why_whole()}{self._remedies()}"
        )

    @property
    def memory(self) -> str:
        """The name of the one in which tensors stay."""
        return "" if self.hardware.tensor_bank is None else self.hardware.tensor_bank.memory

    def _room_words(self, needed_bytes: int) -> tuple[str, str]:
        bank = self.hardware.tensor_bank
        assert bank is not None  # there is no shortage of what is not there
        return room_words(self.hardware, bank, needed_bytes)

    def holds(self, graph: ExecutedGraph) -> bool:
        """Whether the pool holds the same network of a smaller image, whose tiles take no more than here."""
        parts = self.planned.parts
        if len(graph.layers) != len(parts):
            return False
        split = [
            (layer,) if len(before) == 1 or layer.pooling is None else unfused(layer)
            for layer, before in zip(graph.layers, parts, strict=True)
        ]
        network = network_tensors(graph, self.hardware.precision, self.batch, split)
        if network.uses != self.planned.tensors.uses:
            return False
        takes = [
            need.tile_bytes + sum([network.tensors[index].size_bytes for index in need.tensors])
            for need in self.needs
        ]
        return max(takes) <= self.fault.pool_bytes

    def with_smaller_image(
        self, network: Network, graph_of: Callable[[Network], ExecutedGraph]
    ) -> "Shortage":
        """The same, with what the largest image is with which the pool holds the network.

        Args:
            network: As it does not fit.
            graph_of: What the machine runs of a network with another image. Raises AccelsimError where the
                image is too small for it.
        """
        best: Network | None = None
        shorter = min(network.image.height, network.image.width)
        too_small, too_large = 0, -(-shorter // _STRIDES)
        while too_small + 1 < too_large:
            middle = (too_small + too_large) // 2
            smaller = _with_image_of(network, middle * _STRIDES / shorter)
            try:
                fits = self.holds(graph_of(smaller))
            except AccelsimError:
                too_small = middle
                continue
            if fits:
                best, too_small = smaller, middle
            else:
                too_large = middle
        return replace(self, smaller=best, by_resolution=RESOLUTION in network.parameters)

    def _size_bytes(self, index: int) -> int:
        return self.planned.tensors.tensors[index].size_bytes

    def _tensor(self, index: int) -> str:
        """A tensor with its size; one that several layers write is more than the first one's outputs."""
        network = self.planned.tensors
        writers = sum(use.output == index for use in network.uses)
        others = f" with {counted(writers - 1, 'layer')} beside it" if writers > 1 else ""
        return f"{network.tensors[index].name}{others} ({counted(self._size_bytes(index), 'byte')})"

    def _tiles(self, size_bytes: int) -> str:
        """Tiles of the operands that move between the pool and the memories outside."""
        use, placed = self.planned.tensors.uses[self.fault.step], set(self.fault.tensors)
        tensors = {
            Operand.INPUTS: use.inputs,
            Operand.WEIGHTS if use.is_product else Operand.RESIDUAL: use.residuals,
            Operand.OUTPUTS: (use.output,),
        }
        if self.fault.layers > 1:
            return f"{counted(size_bytes, 'byte')} of tiles"
        moving = [
            operand
            for operand in operands_of(self.planned.layers[self.fault.step])
            if self.hardware.pool is not None and operand in self.hardware.pool.operands
            if not placed.issuperset(tensors.get(operand, (-1,)))
        ]
        of_operands = f" of {all_of(moving)}" if moving else ""
        return f"{counted(size_bytes, 'byte')} of tiles{of_operands}"

    def _why_there(self) -> str:
        """Why tensors have to lie in the pool."""
        if not self.fault.tensors:
            return ""
        home = self.hardware.home(Operand.OUTPUTS)
        if home is not None and self.only_ends_outside:
            return f", where activations = 'on_chip' wants them and not in {home.name}"
        use = self.planned.tensors.uses[self.fault.step]
        if home is not None and use.is_product and not set(use.residuals).isdisjoint(self.fault.tensors):
            return f", where the second operand of a product has to lie and not in {home.name}"
        if home is not None:
            return f", where io says that the network's ends lie and not in {home.name}"
        return f", and {self.hardware.off_chip[0].name} holds no activations"

    def _why_whole(self) -> str:
        """Which layer near the one that is short a rule keeps out of all cascades: the nearest."""
        cascade, fault = self.hardware.cascade, self.fault
        if cascade is None or self.batch > 1 or fault.layers > 1:
            return ""
        near = [
            (abs(step - fault.step), step, told.position)
            for step, told in self.planned.told_by_rules
            if step not in self.planned.said_of and abs(step - fault.step) < cascade.layers
        ]
        if not near:
            return ""
        _, step, position = min(near)
        name = self.planned.layers[step].name
        return f"; {name} has a rule ({position}) and so runs as a whole, unless a cascade names it"

    def _remedies(self) -> str:
        """What would help, of what there may be."""
        most, remedies = self.roomiest, []
        if most.size_bytes <= MAX_BUFFER_BYTES:
            whose = self.planned.layers[most.step].name
            as_much = f" (as much as {whose} takes)" if most.step != self.fault.step else ""
            _, larger = self._room_words(most.size_bytes)
            remedies.append(f"{larger}{as_much}")
        if self.smaller is not None:
            image, before = self.smaller.image, self.planned.layers[0]
            setting = f" (resolution={image.height})" if self.by_resolution else ""
            sizes = f"{image.height} x {image.width} instead of {before.IY} x {before.IX} pixels"
            remedies.append(f"images of {sizes}{setting}")
        if self.batch > 1:
            remedies.append(f"fewer images than {self.batch} at a time")
        return f"; would help: {' or '.join(remedies)}" if remedies else ""


def _size_bytes(need: StepNeed) -> int:
    return need.size_bytes


def _with_image_of(network: Network, part: float) -> Network:
    """A network with an image of a part of its height and width, in multiples of what strides divide."""
    image = network.image
    height, width = (int(side * part / _STRIDES + 1e-9) * _STRIDES for side in (image.height, image.width))
    if RESOLUTION in network.parameters:
        return configure(network.description, **{**network.parameters, RESOLUTION: height})
    description = vary(network.description, **{"input.height": height, "input.width": width})
    return configure(description, **network.parameters)


class PoolShortageError(MappingError):
    """A pool that does not hold a network; the text is what the shortage says.

    Attributes:
        shortage: What is lacking, and what would help.
    """

    shortage: Shortage

    @classmethod
    def of_shortage(cls, shortage: Shortage) -> Self:
        """The error of a shortage."""
        error = cls(str(shortage))
        error.shortage = shortage
        return error
