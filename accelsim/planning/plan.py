"""Plan: a network, mapped onto a machine."""

from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

from accelsim.hardware import Hardware
from accelsim.mapping.options import MappingOptions
from accelsim.mapping.schedule import Schedule
from accelsim.network.description import Network
from accelsim.network.lowered import LoweredNetwork
from accelsim.reuse.cache import LayersOnMachine

Inferences: TypeAlias = Literal["steady", "first"]
"""Which of them is meant: those in which all pinned weights are there, or the first, in which they come."""


@dataclass(frozen=True)
class Plan:
    """A network, mapped onto a machine: what is simulated.

    Attributes:
        network: What was asked for.
        hardware: The machine.
        options: How it was mapped.
        lowered: The network's layers.
        schedule: What is simulated.

    Example:
        >>> from accelsim.run import plan_run
        >>> plan = plan_run("squeezenet_v1_1", "16x16_128k")
        >>> plan.schedule.mappings[0].dataflow, len(plan.lowered.graph) == len(plan.schedule.layers)
        ('output_stationary', True)
    """

    network: Network
    hardware: Hardware
    options: MappingOptions
    lowered: LoweredNetwork
    schedule: Schedule
    cache: LayersOnMachine
    """What runs found out about layers on the machine, of which this is one."""

    def of(self, inferences: Inferences) -> "Plan":
        """The same, where that inference is simulated: one plan for both where nothing is pinned."""
        schedule = self.schedule.first_inference if inferences == "first" else None
        return self if schedule is None else replace(self, schedule=schedule)
