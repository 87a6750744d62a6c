"""How long a layer takes by itself, on a machine that has nothing else to do."""

from dataclasses import dataclass, field

from accelsim.hardware import Hardware
from accelsim.mapping.mapping import Mapping
from accelsim.simulation.fast import cycles_alone
from accelsim.simulation.transitions import Transitions


@dataclass(frozen=True)
class Alone:
    """Times layers on one machine, one by one; what it learns from one serves the next. A `Judge`.

    Attributes:
        hardware: The machine.
        transitions: What simulations went through.
        pool_bytes: What tensors take of the pool all the while, so that tiles have no room there.

    Example:
        >>> from accelsim import load_hardware
        >>> from accelsim.mapping import map_layer
        >>> from accelsim.network.layer import Layer
        >>> layer = Layer("conv1", "conv", K=64, C=64, OY=56, OX=56, IY=56, IX=56)
        >>> machine = load_hardware("16x16_128k")
        >>> mapping = map_layer(layer, machine, judge=Alone(machine))
        >>> Alone(machine)(mapping) == mapping.estimated_cycles
        True
    """

    hardware: Hardware
    transitions: Transitions = field(default_factory=Transitions)
    pool_bytes: int = 0

    def __call__(self, mapping: Mapping) -> int:
        """Cycles from the first request to DRAM until the last output is stored there."""
        return cycles_alone(mapping, self.hardware, self.transitions, self.pool_bytes)
