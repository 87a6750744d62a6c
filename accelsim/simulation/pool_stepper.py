"""PoolStepper: the state machine of a machine with a pool, in which steps and tensors share the room.

A step's room is taken in one request before its transfers are asked for, and not by the array; what tensors
take comes with a layer's first step, what they give up with its end (pool.py). Operands that lie elsewhere
take their room as they do without a pool.

`hand_over` and the array's start are written out a second time, with the pool: one for both, with a hook and
the question whether an operand lies in a pool, takes two percent longer for each step of all other machines.
"""

from collections.abc import Iterable, Mapping, Sequence

from accelsim.hardware.machine import Hardware
from accelsim.hardware.operand import Operand
from accelsim.mapping.mapping import Step
from accelsim.simulation.entry import Entry
from accelsim.simulation.pool import room_bytes
from accelsim.simulation.state import State, TensorState
from accelsim.simulation.stepper import Stepper
from accelsim.simulation.task_queue import TileTask


class PoolStepper(Stepper):
    """The state of a machine with a pool."""

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

    def hand_over(self, step: Step, number: int, last: bool) -> None:
        """Until a step has its room, is asked for and waits for the array."""
        task = TileTask(step, number, self.layer, last, reads_due=len(step.loads))
        waiting = self.to_array
        while len(waiting) + (self.in_array is not None) > self.prefetch:
            self._go_on()
        loads = self._take_room(task)
        free_bytes, pooled, crossing = self.free_bytes, self.pooled, step.crossing
        for operand, size_bytes in loads.items():
            while self.waits_for and (operand.of_layers or step.weights_of_layer):
                self._go_on()
            if operand not in pooled:
                bank = self.bank_of[operand]
                while size_bytes > free_bytes[bank]:
                    self._go_on()
                free_bytes[bank] -= size_bytes
            self._read(size_bytes if crossing is None else crossing.loads[operand], task)
        if self.waits_for or not step.loads:
            self._wait_for_producers(task)
        waiting.append(task)
        self.layer += last

    def _take_room(self, task: TileTask) -> Mapping[Operand, int]:
        """All that a step needs of the pool, and the tensors that begin with it; what it loads then."""
        free_bytes, pool = self.free_bytes, self.tensor_bank
        needed_bytes = self.taken_bytes + room_bytes(task.step, self.pooled)
        while needed_bytes > free_bytes[pool]:
            self._go_on()
        free_bytes[pool] -= needed_bytes
        self.taken_bytes = 0
        self.holds_more = True
        if self.in_array is None and not self.to_array:
            self._stood_still(task, Operand.OUTPUTS)
        return task.step.loads

    def _start_array_if_there_is_room(self) -> None:
        """Outputs have their room already where they lie in the pool."""
        task = self.to_array[0]
        for operand, size_bytes in task.step.takes.items():
            if operand not in self.pooled and size_bytes > self.free_bytes[self.bank_of[operand]]:
                return
        for operand, size_bytes in task.step.takes.items():
            if operand not in self.pooled:
                self.free_bytes[self.bank_of[operand]] -= size_bytes
        self._start_array()

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

    def put_into(self, state: State, layer: int, cycle: int, steps: Sequence[Step]) -> None:
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
