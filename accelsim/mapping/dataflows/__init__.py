"""Dataflows: which operand stays in the PEs while the others move. One file each; `DATAFLOWS` names them.

A dataflow is a module with

    granularity(...)  what one pass of the array covers, so that tiles are cut into whole passes;
    execute(...)      what the array does for one tile: cycles, and counts of every action but those of DRAM;
    least_work(...)   what the array does at least for a layer that is cut into so many tiles, so that the
                      search need not look at tiles that cannot be the best; the nearer to `execute`, the
                      faster it is.

To add one: write the module, name it here and in `hardware.DataflowName`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from accelsim.hardware import Hardware
from accelsim.mapping.arithmetic import Count
from accelsim.mapping.dataflows import output_stationary, weight_stationary
from accelsim.mapping.tile import ArrayWork, Granularity, TileShape, Visits
from accelsim.network.layer import Layer


@dataclass(frozen=True)
class Dataflow:
    """The questions that the mapping search asks of a dataflow."""

    granularity: Callable[[Hardware], Granularity]
    execute: Callable[[Layer, TileShape, Count, Hardware], ArrayWork]
    least_work: Callable[[Layer, TileShape, Visits, Hardware], ArrayWork]


DATAFLOWS: Mapping[str, Dataflow] = MappingProxyType(
    {
        "weight_stationary": Dataflow(
            weight_stationary.granularity, weight_stationary.execute, weight_stationary.least_work
        ),
        "output_stationary": Dataflow(
            output_stationary.granularity, output_stationary.execute, output_stationary.least_work
        ),
    }
)
