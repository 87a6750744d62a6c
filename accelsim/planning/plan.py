"""Plan: a network, mapped onto a machine."""

from dataclasses import dataclass

from accelsim.hardware import Hardware
from accelsim.mapping.options import MappingOptions
from accelsim.mapping.schedule import Schedule
from accelsim.network.description import Network
from accelsim.network.lowered import LoweredNetwork
from accelsim.reuse.cache import LayersOnMachine


@dataclass(frozen=True)
class Plan:
    """A network, mapped onto a machine: what is simulated."""

    network: Network
    hardware: Hardware
    options: MappingOptions
    lowered: LoweredNetwork
    schedule: Schedule
    known: LayersOnMachine
    """What is known of layers on the machine."""
