"""The vector unit: activation, addition and pooling of complete outputs, and layers without products."""

from accelsim.simulation.dma import store
from accelsim.simulation.machine import EventTask, Machine
from accelsim.simulation.process import Process


def finish(machine: Machine) -> Process:
    """Finish the outputs of one tile after the other, and have them stored."""
    while True:
        task: EventTask = yield machine.to_vector.get()
        start = machine.now
        if task.step.vector_cycles:
            yield machine.env.timeout(task.step.vector_cycles)
        machine.worked("vector", task, start, task.step.vector_counts)
        machine.standstill.leaves_vector_unit(task.step, machine.now)
        machine.banks.give_back_tiles(task.step.freed_by_vector_unit)
        machine.env.process(store(machine, task))
