"""The PE array: one tile after the other, each when its operands are there and its outputs have a place, and
nothing moves that stops it.
"""

from accelsim.simulation.machine import EventTask, Machine
from accelsim.simulation.process import Process


def execute(machine: Machine) -> Process:
    """Run every step in the order of the schedule; complete outputs go on to the vector unit.

    Steps of the host are passed on to it.
    """
    while True:
        task: EventTask = yield machine.to_array.get()
        machine.descriptors.put(1)
        step = task.step
        for _, transfer in task.loaded:
            if not transfer.processed:
                yield transfer
        for operand, size in step.takes.items():
            bank = None if operand in machine.pooled else machine.banks.bank_of(operand)
            if bank is not None:
                yield machine.banks.take(bank, size)
        while step.array_cycles and machine.stops.moves:
            yield machine.stops.still
        start = machine.now
        machine.standstill.begins(task.layer, step, task.loaded, start)
        if step.array_cycles:
            machine.stops.array_begins()
            yield machine.env.timeout(step.array_cycles)
            machine.stops.array_stands()
        machine.worked("array", task, start, step.array_counts)
        machine.standstill.leaves_array(step, machine.now)
        machine.banks.give_back_tiles(step.freed_by_array)
        if step.on_host:
            machine.to_host.put(task)
        elif step.completes:
            machine.to_vector.put(task)
        else:
            machine.ended(task)
