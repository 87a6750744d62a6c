"""DMA: brings tiles into the global buffer as soon as there is room, and stores outputs.

Loads are issued in the order of the schedule and do not wait for each other. A layer's weights are asked
for before its inputs, so they may come while the layers it reads from are still running; its inputs may not.
"""

from collections.abc import Callable

import simpy

from accelsim.hardware.operand import Operand
from accelsim.mapping.costs import transfer_counts
from accelsim.simulation.activity import Wait
from accelsim.simulation.dram import READ, WRITE
from accelsim.simulation.machine import Machine, Process, Task


def load(machine: Machine) -> Process:
    """Ask for every tile of the schedule, and hand it to the array with the transfers it has to wait for."""
    ready_layer = -1
    for layer, index, step, last in machine.steps():
        transfers: list[tuple[Operand, simpy.Event]] = []
        task = Task(layer, index, step, last, transfers)
        yield from _wait(machine, task, "descriptor", machine.descriptors.get(1))
        for operand, size in step.loads.items():
            if operand.of_layers and layer != ready_layer:
                yield from _wait_for_producers(machine, task)
                ready_layer = layer
            reason = f"room_for_{machine.banks.bank_of(operand)}"
            yield from _wait(machine, task, reason, machine.banks.take(operand, size))
            transfers.append((operand, _read(machine, task, operand, size)))
        if layer != ready_layer:
            yield from _wait_for_producers(machine, task)
            producers = machine.schedule.waits_for[layer]
            transfers += [(Operand.INPUTS, machine.finished[producer]) for producer in producers]
            ready_layer = layer
        machine.to_array.put(task)


def _wait_for_producers(machine: Machine, task: Task) -> Process:
    for producer in machine.schedule.waits_for[task.layer]:
        if not machine.finished[producer].processed:
            yield from _wait(machine, task, "producer", machine.finished[producer])


def store(machine: Machine, task: Task) -> Process:
    """Write a step's complete outputs to DRAM, then free their place.

    The last step may have nothing to store (where a pooling drops the last rows) while outputs of earlier
    steps still wait for the channel: the layer is finished when none do.
    """
    step = task.step
    if not task.last:
        machine.unstored[task.layer] += 1
    for operand, size in step.stores.items():
        yield _transfer(machine, task, operand, size, WRITE)
    machine.banks.give_back(step.freed_by_store)
    machine.unstored[task.layer] -= 1
    if not machine.unstored[task.layer]:
        machine.finished[task.layer].succeed(machine.now)


def _wait(machine: Machine, task: Task, reason: str, event: simpy.Event) -> Process:
    start = machine.now
    yield event
    machine.recorder.waited(Wait(reason, task.layer, task.index, start, machine.now))


def _read(machine: Machine, task: Task, operand: Operand, size_bytes: int) -> simpy.Event:
    machine.recorder.begins(task.layer, machine.now)
    return _transfer(machine, task, operand, size_bytes, READ)


def _transfer(machine: Machine, task: Task, operand: Operand, size_bytes: int, direction: int) -> simpy.Event:
    done = machine.dram.request(size_bytes, direction)
    if done.callbacks is not None:
        done.callbacks.append(_report(machine, task, operand, size_bytes, direction))
    return done


def _report(
    machine: Machine, task: Task, operand: Operand, size_bytes: int, direction: int
) -> Callable[[simpy.Event], None]:
    moved = {operand: size_bytes}
    loaded, stored = (moved, {}) if direction == READ else ({}, moved)
    counts = transfer_counts(machine.hardware, loaded, stored)
    asked = machine.now

    def report(_: simpy.Event) -> None:
        start = machine.now - machine.dram.stream_cycles(size_bytes)
        machine.worked("dram", operand.value, task, start, counts, size_bytes, asked)

    return report
