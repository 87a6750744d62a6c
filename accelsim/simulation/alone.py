"""How long a layer takes by itself, on a machine that has nothing else to do."""

from dataclasses import dataclass, field

from accelsim.hardware import Hardware
from accelsim.mapping.mapping import Mapping
from accelsim.simulation.fast import Transitions, cycles_alone


@dataclass(frozen=True)
class Alone:
    """Times layers on one machine, one by one; what it learns from one serves the next."""

    hardware: Hardware
    transitions: Transitions = field(default_factory=Transitions)

    def __call__(self, mapping: Mapping) -> int:
        """Cycles from the first request to DRAM until the last output is stored there."""
        return cycles_alone(mapping.program, self.hardware, self.transitions)
