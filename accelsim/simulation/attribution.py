"""Whose bytes are whose: what comes as weights and is another layer's output is told as inputs.

The program of a product of two activations moves the second one as the weights of the layer. To whoever reads
what memories were accessed for, it is an activation.
"""

from collections import Counter
from dataclasses import replace

from accelsim.hardware.counts import Access, ActionCounts
from accelsim.hardware.machine import Hardware
from accelsim.hardware.operand import Operand
from accelsim.mapping.schedule import Schedule
from accelsim.simulation.activity import Activity


def counts_of_all(schedule: Schedule, activity: Activity, hardware: Hardware) -> ActionCounts[int]:
    """What was counted of all layers, with weights that are activations among the inputs."""
    accesses = Counter(activity.counts.accesses)
    for layer, observed in zip(schedule.layers, activity.layers, strict=True):
        if layer.multiplies_activations:
            accesses.subtract(observed.counts.accesses)
            accesses.update(counts_of_inputs(observed.counts, hardware).accesses)
    return replace(activity.counts, accesses=accesses)


def counts_of_inputs(counts: ActionCounts[int], hardware: Hardware) -> ActionCounts[int]:
    """What was counted of a layer, with its weights among the inputs where a memory holds these, too."""
    hold_inputs = {memory.name for memory in hardware.memories if Operand.INPUTS in memory.holds}
    accesses: Counter[Access] = Counter()
    for access, count in counts.accesses.items():
        of_weights = access.operand is Operand.WEIGHTS and access.memory in hold_inputs
        accesses[access._replace(operand=Operand.INPUTS) if of_weights else access] += count
    return replace(counts, accesses=accesses)
