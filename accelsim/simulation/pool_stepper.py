"""PoolStepper: the state machine of a machine with a pool, in which steps and tensors share the room.

A step's room is taken in one request before its transfers are asked for, and not by the array; what tensors
take comes with a layer's first step, what they give up with its end (pool.py). Operands that lie elsewhere
take their room as they do without a pool.
"""

from collections.abc import Iterable, Sequence

from accelsim.hardware.machine import Hardware
from accelsim.hardware.operand import Operand
from accelsim.simulation.entry import Entry
from accelsim.simulation.machine_step import Load, MachineStep
from accelsim.simulation.state import State, TensorState
from accelsim.simulation.stepper import Stepper
from accelsim.simulation.task_queue import TileTask


class PoolStepper(Stepper):
    """The state of a machine with a pool."""

    shares_room = True

    def __init__(self, hardware: Hardware, idle_descriptors: int = 0, pool_bytes: int = 0) -> None:
        super().__init__(hardware, idle_descriptors, pool_bytes)
        of_tensors = hardware.tensor_bank
        assert of_tensors is not None  # else another machine is meant
        self.tensor_bank = hardware.banks.index(of_tensors)
        """The pool, where tensors have no memory for themselves."""
        self.pooled = frozenset(hardware.pool.operands if hardware.pool else ())
        self.taken_bytes = 0
        """What tensors take with the room of the next step."""
        self.freed_bytes: dict[int, int] = {}
        """Of layers that are not finished: what their tensors give up when they are."""

    def enter(self, waits_for: Iterable[int], entry: Entry) -> None:
        """Begin a layer, and perhaps tensors with it."""
        super().enter(waits_for, entry)
        self.taken_bytes = entry.taken_bytes
        if entry.freed_bytes:
            self.freed_bytes[self.layer] = entry.freed_bytes

    def _take_room(self, task: TileTask) -> Sequence[Load]:
        """All that a step needs of the pool, and the tensors that begin with it; what it loads then."""
        free_bytes, pool = self.free_bytes, self.tensor_bank
        needed_bytes = self.taken_bytes + task.step.room_bytes
        while needed_bytes > free_bytes[pool]:
            self._go_on()
        free_bytes[pool] -= needed_bytes
        self.taken_bytes = 0
        self.holds_more = True
        if self.in_array is None and not self.to_array:
            self._stood_still(task, Operand.OUTPUTS)
        return task.step.loads

    def _end_layer(self, layer: int) -> None:
        super()._end_layer(layer)
        self.free_bytes[self.tensor_bank] += self.freed_bytes.pop(layer, 0)

    def state(self) -> State:
        """The state between two steps, with what tensors will take and give up."""
        state = super().state()
        if not self.taken_bytes and not self.freed_bytes:
            return state
        freed_bytes = [(self.layer - layer, size_bytes) for layer, size_bytes in self.freed_bytes.items()]
        return state._replace(tensors=TensorState(self.taken_bytes, tuple(freed_bytes)))

    def put_into(self, state: State, layer: int, cycle: int, steps: Sequence[MachineStep]) -> None:
        """Go on from a state at another place and time."""
        super().put_into(state, layer, cycle, steps)
        self.taken_bytes, freed_bytes = state.tensors
        self.freed_bytes = {layer - distance: size_bytes for distance, size_bytes in freed_bytes}


def entered(state: State, waits_for: tuple[int, ...], entry: Entry) -> State:
    """The state in which a layer begins, from the one before it."""
    freed_bytes = state.tensors.freed_bytes
    if entry.freed_bytes:
        freed_bytes = (*freed_bytes, (0, entry.freed_bytes))
    tensors = TensorState(entry.taken_bytes, freed_bytes)
    homes = (*state.homes, (0, entry.homes)) if entry.homes else state.homes
    return state._replace(waits_for=waits_for, tensors=tensors, prefetch=entry.prefetch, homes=homes)
