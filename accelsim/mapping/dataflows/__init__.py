"""Dataflows: which operand stays in the PEs while the others move. One file each, one contract.

To add one: a file with a class of `contract.Dataflow` and an object of it, and a line in
accelsim/hardware/registry.py (or an entry point `accelsim.dataflows` of another package).
"""

from collections.abc import Iterable

from accelsim.hardware.machine import Hardware
from accelsim.hardware.registry import registered
from accelsim.mapping.dataflows.contract import Dataflow
from accelsim.network.layer import Layer

__all__ = ["Dataflow", "dataflow_of", "least_weight_density"]


def dataflow_of(name: str) -> Dataflow:
    """The dataflow of a name. Raises KeyError where there is none."""
    dataflow: Dataflow = registered(name)
    return dataflow


def least_weight_density(layer: Layer, hardware: Hardware, dataflows: Iterable[str]) -> float:
    """The least part of a layer's weights that takes cycles in some of the machine's dataflows."""
    return min(float(dataflow_of(name).weight_density(layer, hardware)) for name in dataflows)
