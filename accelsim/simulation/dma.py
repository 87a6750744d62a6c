"""DMA: brings tiles into the memories on chip as soon as there is room, and stores outputs.

Loads are issued in the order of the schedule and do not wait for each other. A layer's weights are asked
for before its inputs, so they may come while the layers it reads from are still running; its inputs may not.
What a step needs of a pool it takes before any of them is asked for (pool.py).
"""

from collections.abc import Callable

import simpy

from accelsim.hardware.counts import Direction, accesses
from accelsim.hardware.memory import POOL, TENSORS
from accelsim.hardware.operand import Operand
from accelsim.mapping.mapping import Step
from accelsim.simulation.activity import Resource, Wait
from accelsim.simulation.dram import HOST_WRITE, READ, WRITE
from accelsim.simulation.machine import EventTask, Machine
from accelsim.simulation.occupation import load_cycles, store_cycles
from accelsim.simulation.pool import room_bytes
from accelsim.simulation.process import Process


def load(machine: Machine) -> Process:
    """Ask for every tile of the schedule, and hand it to the array with the transfers it has to wait for."""
    ready_layer = -1
    for layer, index, step, last in machine.steps():
        transfers: list[tuple[Operand, simpy.Event]] = []
        task = EventTask(layer, index, step, last, transfers)
        yield from _wait_for_turn(machine, task, transfers)
        yield from _take_descriptor(machine, task)
        if step.weights_of_layer and layer != ready_layer and _streams_past(machine, step):
            yield from _wait_for_producers(machine, task)
            ready_layer = layer
        past = _ask_for_what_streams_past(machine, task)
        yield from _take_room_in_pool(machine, task, transfers)
        transfers += past
        for operand, size in list(step.loads.items())[len(past) :]:
            if (operand.of_layers or step.weights_of_layer) and layer != ready_layer:
                yield from _wait_for_producers(machine, task)
                ready_layer = layer
            bank = None if operand in machine.pooled else machine.banks.bank_of(operand)
            if bank is not None:
                yield from _wait(machine, task, "room", machine.banks.take(bank, size), bank)
            sizes = step.read[operand], step.moved_loads[operand]
            transfers.append((operand, _read(machine, task, operand, *sizes)))
        if layer != ready_layer:
            yield from _wait_for_producers(machine, task)
            producers = machine.schedule.waits_for[layer]
            transfers += [(Operand.INPUTS, machine.finished[producer]) for producer in producers]
            ready_layer = layer
        machine.recorder.begins(layer, machine.now)
        machine.to_array.put(task)


def _ask_for_what_streams_past(machine: Machine, task: EventTask) -> list[tuple[Operand, simpy.Event]]:
    """Weights for which no memory on chip has room, the first of what a step loads: they wait for none."""
    step = task.step
    return [
        (operand, _read(machine, task, operand, step.read[operand], step.moved_loads[operand]))
        for operand in _streams_past(machine, step)
    ]


def _streams_past(machine: Machine, step: Step) -> list[Operand]:
    """What a step loads for which no memory on chip has room."""
    return [operand for operand in step.loads if machine.banks.bank_of(operand) is None]


def _wait_for_turn(machine: Machine, task: EventTask, arrivals: list[tuple[Operand, simpy.Event]]) -> Process:
    """Where somebody hands steps over; a turn arrives before all that a step needs."""
    if machine.turns is None:
        return
    start = machine.now
    yield from machine.turns.take(task.layer, task.index, last=task.last)
    machine.recorder.waited(Wait("control", task.layer, task.index, start, machine.now))
    arrivals.append((Operand.OUTPUTS, machine.env.event().succeed(machine.now)))


def _take_descriptor(machine: Machine, task: EventTask) -> Process:
    """One for the step, as soon as no more steps are under way than its layer has to have."""
    others = machine.descriptors.capacity - machine.entries[task.layer].prefetch
    yield from _wait(machine, task, "descriptor", machine.descriptors.get(1 + others))
    if others:  # which other layers may use, and this one may not
        machine.descriptors.put(others)


def _take_room_in_pool(
    machine: Machine, task: EventTask, arrivals: list[tuple[Operand, simpy.Event]]
) -> Process:
    """All that a step needs there, and the tensors that begin with it; it arrives before its operands do."""
    taken_bytes = 0 if task.index else machine.entries[task.layer].taken_bytes
    tile_bytes = room_bytes(task.step, machine.pooled)
    needs = [(POOL, taken_bytes + tile_bytes, taken_bytes)]
    if machine.hardware.tensor_memory is not None:
        needs = [(TENSORS, taken_bytes, taken_bytes), (POOL, tile_bytes, 0)]
    for bank, needed_bytes, tensor_bytes in needs:
        if needed_bytes:
            room = machine.banks.take(bank, needed_bytes, tensor_bytes)
            yield from _wait(machine, task, "room", room, bank)
    if taken_bytes or tile_bytes:
        arrivals.append((Operand.OUTPUTS, machine.env.event().succeed(machine.now)))


def _wait_for_producers(machine: Machine, task: EventTask) -> Process:
    for producer in machine.schedule.waits_for[task.layer]:
        if not machine.finished[producer].processed:
            yield from _wait(machine, task, "producer", machine.finished[producer])


def store(machine: Machine, task: EventTask) -> Process:
    """Write a step's complete outputs to where they go, then free their place.

    The last step may have nothing to store (where a pooling drops the last rows) while outputs of earlier
    steps still wait for the channel: the layer is finished when none do.
    """
    step = task.step
    if not task.last:
        machine.unstored[task.layer] += 1
    direction = HOST_WRITE if step.on_host else WRITE
    for operand, size in step.written.items():
        yield _transfer(machine, task, operand, size, step.moved_stores[operand], direction)
    machine.banks.give_back_tiles(step.freed_by_store)
    machine.ended(task)
    machine.unstored[task.layer] -= 1
    if not machine.unstored[task.layer]:
        if freed_bytes := machine.entries[task.layer].freed_bytes:
            of_tensors = POOL if machine.hardware.tensor_memory is None else TENSORS
            machine.banks.give_back(of_tensors, freed_bytes, freed_bytes)
        machine.finished[task.layer].succeed(machine.now)


def _wait(
    machine: Machine, task: EventTask, resource: Resource, event: simpy.Event, bank: str | None = None
) -> Process:
    start = machine.now
    yield event
    machine.recorder.waited(Wait(resource, task.layer, task.index, start, machine.now, bank))


def _read(
    machine: Machine, task: EventTask, operand: Operand, size_bytes: int, moved_bytes: int
) -> simpy.Event:
    machine.recorder.begins(task.layer, machine.now)
    return _transfer(machine, task, operand, size_bytes, moved_bytes, READ)


def _transfer(
    machine: Machine, task: EventTask, operand: Operand, size_bytes: int, moved_bytes: int, direction: int
) -> simpy.Event:
    """So many bytes as they lie outside, for which the channel moves so many."""
    channel = machine.channels[task.layer][operand]
    cycles = _stream_cycles(task.step, operand, moved_bytes, direction, channel.bytes_per_cycle)
    transfer = channel.request(cycles, direction, stops_array=operand in machine.stopping)
    if transfer.callbacks is not None:
        sizes = size_bytes, moved_bytes - size_bytes
        transfer.callbacks.append(_report(machine, task, operand, sizes, direction, cycles))
    return transfer


def _stream_cycles(
    step: Step, operand: Operand, moved_bytes: int, direction: int, bytes_per_cycle: float
) -> int:
    if direction == READ:
        return load_cycles(step, operand, moved_bytes, bytes_per_cycle)
    return store_cycles(step, bytes_per_cycle)


def _report(
    machine: Machine,
    task: EventTask,
    operand: Operand,
    sizes: tuple[int, int],
    direction: int,
    cycles: int,
) -> Callable[[simpy.Event], None]:
    """When it has ended: of use, and beside that, so many bytes, and for how long the channel was busy."""
    request_cycle, channel = machine.now, machine.channels[task.layer][operand]
    size_bytes, beside_bytes = sizes
    way, beside = (
        (Direction.READ, Direction.OVERFETCH) if direction == READ else (Direction.WRITE, Direction.MASKED)
    )
    counts = accesses(
        (channel.memory, operand, way, size_bytes),
        (channel.memory, operand, beside, beside_bytes),
    )

    def report(_: simpy.Event) -> None:
        start = machine.now - cycles
        machine.worked("dram", task, start, counts, operand, channel.name, size_bytes, request_cycle)

    return report
