"""DMA: brings tiles into the global buffer as soon as there is room, and stores outputs.

Loads are issued in the order of the schedule and do not wait for each other. A layer's weights are asked
for before its inputs, so they may come while the layers it reads from are still running; its inputs may not.
"""

from collections.abc import Callable

import simpy

from accelsim.mapping.costs import dram_counts
from accelsim.simulation.activity import Wait, WaitReason
from accelsim.simulation.dram import READ, WRITE
from accelsim.simulation.machine import Machine, Process, Task


def load(machine: Machine) -> Process:
    """Ask for every tile of the schedule, and hand it to the array with the transfers it has to wait for."""
    ready_layer = -1
    for layer, index, step, last in machine.steps():
        transfers: list[simpy.Event] = []
        task = Task(layer, index, step, last, transfers)
        yield from _wait(machine, task, "descriptor", machine.descriptors.get(1))
        if step.weight_bytes:
            room = machine.banks.take("weights", step.weight_bytes)
            yield from _wait(machine, task, "room_for_weights", room)
            transfers.append(_read(machine, task, "weights", step.weight_bytes))
        if layer != ready_layer:
            for producer in machine.schedule.waits_for[layer]:
                if not machine.finished[producer].processed:
                    yield from _wait(machine, task, "producer", machine.finished[producer])
            ready_layer = layer
        for what, size in (("inputs", step.input_bytes), ("shortcut", step.shortcut_bytes)):
            if size:
                yield from _wait(machine, task, "room_for_inputs", machine.banks.take("inputs", size))
                transfers.append(_read(machine, task, what, size))
        machine.to_array.put(task)


def store(machine: Machine, task: Task) -> Process:
    """Write a step's complete outputs to DRAM, then free their place.

    The last step may have nothing to store (where a pooling drops the last rows) while outputs of earlier
    steps still wait for the channel: the layer is finished when none do.
    """
    step = task.step
    if not task.last:
        machine.unstored[task.layer] += 1
    if step.store_bytes:
        yield _transfer(machine, task, "outputs", step.store_bytes, WRITE)
    machine.banks.give_back("outputs", step.freed_output_bytes)
    machine.unstored[task.layer] -= 1
    if not machine.unstored[task.layer]:
        machine.finished[task.layer].succeed()


def _wait(machine: Machine, task: Task, reason: WaitReason, event: simpy.Event) -> Process:
    start = machine.now
    yield event
    machine.recorder.waited(Wait(reason, task.layer, task.index, start, machine.now))


def _read(machine: Machine, task: Task, what: str, size_bytes: int) -> simpy.Event:
    machine.recorder.begins(task.layer, machine.now)
    return _transfer(machine, task, what, size_bytes, READ)


def _transfer(machine: Machine, task: Task, what: str, size_bytes: int, direction: int) -> simpy.Event:
    done = machine.dram.request(size_bytes, direction)
    if done.callbacks is not None:
        done.callbacks.append(_report(machine, task, what, size_bytes, direction))
    return done


def _report(
    machine: Machine, task: Task, what: str, size_bytes: int, direction: int
) -> Callable[[simpy.Event], None]:
    counts = dram_counts(size_bytes, 0) if direction == READ else dram_counts(0, size_bytes)
    asked = machine.now

    def report(_: simpy.Event) -> None:
        start = machine.now - machine.dram.stream_cycles(size_bytes)
        machine.worked("dram", what, task, start, counts, size_bytes, asked)

    return report
