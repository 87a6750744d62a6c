"""The mapping of a layer: dataflow x tile size x loop order, and the best of them by an objective."""

from dataclasses import replace

import numpy as np

from accelsim.errors import MappingError
from accelsim.hardware import Hardware, Objective
from accelsim.mapping.arithmetic import Ints
from accelsim.mapping.candidates import Values, candidates, why_nothing_fits
from accelsim.mapping.costs import VECTOR
from accelsim.mapping.mapping import Mapping
from accelsim.mapping.program import build_program, program_totals
from accelsim.network.layer import Layer


def map_layer(
    layer: Layer,
    hardware: Hardware,
    *,
    batch: int = 1,
    dataflow: str = "auto",
    objective: Objective | None = None,
) -> Mapping:
    """The best mapping of a layer: the best tiles of each dataflow, then the best dataflow.

    Best by `objective`; without one, by what the machine's compiler goes by (`hardware.mapper`). `dataflow`
    forces one for layers that run on the array. Raises MappingError if no tile fits; it says which bank is
    too small, and what would help.
    """
    layer, batch = as_executed(layer, batch)
    names = _dataflows(layer, hardware, dataflow)
    found = {name: candidates(layer, hardware, name, batch) for name in names}
    best_tiles = {
        name: int(best_first(some.time_cycles, some.energy, objective or hardware.mapper.tiles)[0])
        for name, some in found.items()
        if len(some)
    }
    if not best_tiles:
        raise MappingError(why_nothing_fits(layer, hardware))
    contenders = list(best_tiles.items())
    time = np.array([found[name].time_cycles[index] for name, index in contenders])
    energy = np.array([found[name].energy[index] for name, index in contenders])
    name, index = contenders[int(best_first(time, energy, objective or hardware.mapper.dataflow)[0])]
    tile, order = found[name].mapping_of(index)
    program = build_program(layer, batch, name, tile, order, hardware)
    return Mapping(
        layer=layer,
        dataflow=name,
        tile=tile,
        order=order,
        program=program,
        totals=program_totals(program),
        candidates=sum(len(some) for some in found.values()),
        estimated_cycles=int(found[name].time_cycles[index]),
    )


def best_first(time: Values, energy: Values, objective: Objective) -> Ints:
    """Indices from the best to the worst; between equals the other quantity decides, then who came first."""
    if objective == "time":
        return np.lexsort((energy, time))
    if objective == "energy":
        return np.lexsort((time, energy))
    return np.lexsort((time, time * energy))


def _dataflows(layer: Layer, hardware: Hardware, dataflow: str) -> tuple[str, ...]:
    offered = hardware.pe_array.dataflows
    if dataflow != "auto" and dataflow not in offered:
        raise MappingError(
            f"the array cannot run the dataflow {dataflow!r}: pe_array.dataflows lists {', '.join(offered)}"
        )
    if not layer.on_array:
        return (VECTOR,)
    return offered if dataflow == "auto" else (dataflow,)


def as_executed(layer: Layer, batch: int) -> tuple[Layer, int]:
    """The same work in the form that leaves most freedom to cut it.

    Where a pixel reads one pixel, images are rows like any others. A pooling over the whole picture sums
    its pixels as a convolution sums its input channels, so it can be cut anywhere.
    """
    whole = layer.OY == layer.OX == 1 and (layer.FY, layer.FX) == (layer.IY, layer.IX)
    if not layer.on_array and whole and layer.C == 1:
        layer = replace(layer, C=layer.IY * layer.IX, IY=1, IX=1, FY=1, FX=1, stride_y=1, stride_x=1)
    pointwise = (layer.FY, layer.FX, layer.stride_y, layer.pad_top, layer.pad_left) == (1, 1, 1, 0, 0)
    if batch == 1 or not pointwise or layer.pooling is not None or layer.gate_elements:
        return layer, batch
    fused = tuple(
        replace(
            operator,
            vector_ops=operator.vector_ops * batch,
            operand_elements=operator.operand_elements * batch,
        )
        for operator in layer.fused
    )
    stacked = replace(layer, OY=layer.OY * batch, IY=layer.IY * batch, fused=fused)
    return replace(stacked, vector_ops=layer.vector_ops * batch), 1
