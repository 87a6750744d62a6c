"""LevelStepper: the state machine of a machine with a memory for tensors, between those off chip and tiles.

Where an operand is at home depends on the layer: off chip, or where tensors stay. So each layer brings its
homes with it, and they count until it is finished. Its outputs wait for the channel of their own home: layers
may be finished in another order than they began. Room for tensors is taken where they lie, before the room of
the step that begins them.
"""

from collections.abc import Iterable, Sequence

from accelsim.hardware.machine import Hardware
from accelsim.hardware.operand import Operand
from accelsim.simulation.channel_stepper import PoolChannelStepper
from accelsim.simulation.entry import Entry
from accelsim.simulation.machine_step import Load, MachineStep
from accelsim.simulation.state import State
from accelsim.simulation.task_queue import TileTask

_POSITION = {operand: position for position, operand in enumerate(Operand)}


class LevelStepper(PoolChannelStepper):
    """The state of a machine whose tensors have a memory for themselves."""

    def __init__(self, hardware: Hardware, idle_descriptors: int = 0, pool_bytes: int = 0) -> None:
        super().__init__(hardware, idle_descriptors, pool_bytes)
        pool = hardware.pool
        self.pool = None if pool is None else hardware.banks.index(pool)
        """That of tiles."""
        self.homes_of: dict[int, tuple[int, ...]] = {}
        """Of layers that are not finished: the channel of each operand."""

    def _queue_number(self, layer: int, operand: Operand) -> int:
        return self.homes_of[layer][_POSITION[operand]]

    def enter(self, waits_for: Iterable[int], entry: Entry) -> None:
        """Begin a layer, which says where its operands are at home."""
        super().enter(waits_for, entry)
        self.homes_of[self.layer] = entry.homes
        self.queue_of = dict(zip(Operand, entry.homes, strict=True))

    def _take_room(self, task: TileTask) -> Sequence[Load]:
        """What tensors need that begin with a step, then what tiles need of a pool; what is loaded then."""
        free_bytes, tensor_bytes = self.free_bytes, self.taken_bytes
        tile_bytes = task.step.room_bytes
        if not (tensor_bytes or tile_bytes):
            return task.step.loads
        while tensor_bytes > free_bytes[self.tensor_bank]:
            self._go_on()
        free_bytes[self.tensor_bank] -= tensor_bytes
        self.taken_bytes = 0
        self.holds_more = True
        if self.pool is not None:
            while tile_bytes > free_bytes[self.pool]:
                self._go_on()
            free_bytes[self.pool] -= tile_bytes
            self.holds_more = True
        if self.in_array is None and not self.to_array:
            self._stood_still(task, Operand.OUTPUTS)
        return task.step.loads

    def _end_layer(self, layer: int) -> None:
        super()._end_layer(layer)
        del self.homes_of[layer]

    def state(self) -> State:
        """The state between two steps, with the homes of layers that are not finished."""
        homes = [(self.layer - begun, homes) for begun, homes in self.homes_of.items()]
        return super().state()._replace(homes=tuple(homes))

    def put_into(self, state: State, layer: int, cycle: int, steps: Sequence[MachineStep]) -> None:
        """Go on from a state at another place and time."""
        self.homes_of = {layer - distance: homes for distance, homes in state.homes}
        super().put_into(state, layer, cycle, steps)
        if layer in self.homes_of:
            self.queue_of = dict(zip(Operand, self.homes_of[layer], strict=True))
