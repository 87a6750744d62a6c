"""LoweredNetwork: a network as it is executed, beside what it has as it was published."""

from dataclasses import dataclass

from accelsim.errors import NetworkError
from accelsim.network.build import build
from accelsim.network.description import Network
from accelsim.network.executed import ExecutedGraph
from accelsim.network.graph import total_macs, total_params
from accelsim.network.lowering import lower


@dataclass(frozen=True)
class LoweredNetwork:
    """A network as it is executed, and its published totals."""

    graph: ExecutedGraph
    macs: int
    """For one image."""
    params: int


def lowered_network(network: Network) -> LoweredNetwork:
    """Build and lower a network. Raises NetworkError, also where nothing is left to execute."""
    published = build(network)
    executed = lower(published)
    if not executed:
        raise NetworkError(f"{network.name}: has no layer to execute; it only passes its input on")
    return LoweredNetwork(executed, total_macs(published), total_params(published))
