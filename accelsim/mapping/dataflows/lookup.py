"""Dataflows by their names, as machines list them."""

from collections.abc import Iterable

from accelsim.hardware.machine import Hardware
from accelsim.hardware.registry import registered
from accelsim.mapping.dataflows.contract import Dataflow
from accelsim.mapping.mapping import Mapping
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


def parameters_of(mapping: Mapping, hardware: Hardware) -> dict[str, int]:
    """The dataflow's own parameters of a mapping, by name: given to it, or found for its tiles.

    Args:
        mapping: Of a layer.
        hardware: The machine.

    Returns:
        None for dataflows that leave nothing to a mapping, and beside the array.

    Example:
        >>> from accelsim import load_hardware
        >>> from accelsim.mapping import map_layer
        >>> machine = load_hardware("16x16_128k")
        >>> layer = Layer("fc", "fully_connected", K=10, C=64, OY=1, OX=1, IY=1, IX=1)
        >>> parameters_of(map_layer(layer, machine), machine)
        {}
    """
    if mapping.dataflow not in hardware.pe_array.dataflows:
        return {}
    dataflow = dataflow_of(mapping.dataflow)
    if mapping.parameters:
        dataflow = dataflow.fixed(mapping.parameters)
    in_use = hardware.with_idle_rows(mapping.idle_rows)
    return dict(dataflow.parameters_for(mapping.layer, mapping.tile, in_use))


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
