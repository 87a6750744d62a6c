"""LoweredNetwork: a network as it is executed, beside what it has as it was published."""

from dataclasses import replace
from typing import NamedTuple

from accelsim.errors import NetworkError
from accelsim.network.build import build
from accelsim.network.description import Network
from accelsim.network.executed import ExecutedGraph
from accelsim.network.graph import total_macs, total_params
from accelsim.network.lowering import lower


class LoweredNetwork(NamedTuple):
    """A network as it is executed, and its published totals.

    Example:
        >>> from accelsim.network import load_network
        >>> lowered_network(load_network("squeezenet_v1_1")).params
        1235496
    """

    graph: ExecutedGraph
    """Its layers in running order."""
    macs: int
    """For one image."""
    params: int
    """Weights and other trained parameters, each counted once, as published."""


def lowered_network(network: Network) -> LoweredNetwork:
    """Build and lower a network.

    Args:
        network: As `load_network` gives it.

    Returns:
        Its layers in running order, and its published parameters and multiply-accumulates.

    Raises:
        NetworkError: A layer does not fit, or nothing is left to execute.
        DescriptionError: A pattern of its compression matches no layer.

    Example:
        >>> from accelsim.network import load_network
        >>> [layer.name for layer in lowered_network(load_network("alexnet")).graph.layers][:3]
        ['conv1', 'conv2', 'conv3']
    """
    published = build(network)
    executed = lower(published)
    if density := network.description.input.activation_density:
        executed = replace(executed, image_density=density)
    if not executed:
        raise NetworkError(f"{network.name}: has no layer to execute; it only passes its input on")
    return LoweredNetwork(executed, total_macs(published), total_params(published))
