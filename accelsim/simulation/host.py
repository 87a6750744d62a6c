"""The host: whole steps of its layers, one after the other, while the array goes on with the steps behind."""

from accelsim.simulation.dma import store
from accelsim.simulation.machine import EventTask, Machine
from accelsim.simulation.process import Process


def process(machine: Machine) -> Process:
    """Do one step after the other, and have what is complete stored."""
    while True:
        task: EventTask = yield machine.to_host.get()
        start = machine.now
        if task.step.vector_cycles:
            yield machine.env.timeout(task.step.vector_cycles)
        machine.worked("host", task, start, task.step.vector_counts)
        machine.standstill.leaves_host(machine.now)
        machine.banks.give_back_tiles(task.step.freed_by_vector_unit)
        machine.env.process(store(machine, task))
