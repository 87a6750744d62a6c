"""Dataflows by their names, as machines list them."""

from collections.abc import Iterable

from accelsim.hardware.machine import Hardware
from accelsim.hardware.registry import registered
from accelsim.mapping.dataflows.contract import Dataflow
from accelsim.network.layer import Layer


def dataflow_of(name: str) -> Dataflow:
    """The dataflow of a name.

    Args:
        name: As a machine's file has it.

    Returns:
        The object that computes it.

    Raises:
        KeyError: No package brings one of that name.
        AccelsimError: What a package brings cannot be used.

    Example:
        >>> dataflow_of("output_stationary").short
        'OS'
    """
    dataflow: Dataflow = registered(name)
    return dataflow


def least_weight_density(layer: Layer, hardware: Hardware, dataflows: Iterable[str]) -> float:
    """The least part of a layer's weights that takes cycles in any of some dataflows.

    Args:
        layer: On the array.
        hardware: The machine, which may say that weights are zero.
        dataflows: By name; one at least.

    Returns:
        From 0 to 1; 1 where none of them skips zeros.

    Example:
        >>> from accelsim import load_hardware
        >>> layer = Layer("conv1", "conv", K=8, C=8, OY=7, OX=7, IY=7, IX=7)
        >>> least_weight_density(layer, load_hardware("16x16_128k"), ["weight_stationary"])
        1.0
    """
    return min(float(dataflow_of(name).weight_density(layer, hardware)) for name in dataflows)
