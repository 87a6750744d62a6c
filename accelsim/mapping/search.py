"""The mapping of a layer: dataflow x tile size x loop order, and the best of them by an objective."""

import math
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from accelsim.energy import energy_by_component
from accelsim.errors import MappingError
from accelsim.hardware import Hardware, Objective
from accelsim.mapping.arithmetic import Ints
from accelsim.mapping.candidates import Candidates, Values, at_least, evaluate
from accelsim.mapping.costs import VECTOR, least_array_cost
from accelsim.mapping.mapping import Mapping, Order
from accelsim.mapping.program import build_program, program_totals
from accelsim.mapping.space import Space, space_of, why_nothing_fits
from accelsim.mapping.tile import TileShape
from accelsim.network.layer import Layer

FIRST_LOOK: Final = 48
"""Mappings that are evaluated before it is known how good the best is: those that promise most."""
ROUNDING: Final = 1e-9
"""Sums of the same numbers in another order differ by less."""


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

    Branch and bound: dataflows and tiles that promise less than others deliver are not evaluated.
    """
    layer, batch = as_executed(layer, batch)
    among_tiles, among_dataflows = objective or hardware.mapper.tiles, objective or hardware.mapper.dataflow
    names = _dataflows(layer, hardware, dataflow)
    promised = {name: _promised(layer, hardware, name, batch, among_dataflows) for name in names}
    best: dict[str, _Best] = {}
    reached = math.inf
    for name in sorted(names, key=promised.__getitem__):
        if promised[name] > reached * (1 + ROUNDING):
            continue
        choice = _Choice.of(layer, hardware, name, batch)
        if len(choice.places) and choice.promised(among_dataflows).min() <= reached * (1 + ROUNDING):
            best[name] = choice.best(among_tiles)
            reached = min(reached, best[name].worth(among_dataflows))
    if not best:
        raise MappingError(why_nothing_fits(layer, hardware))
    contenders = [best[name] for name in names if name in best]
    time, energy = np.array([(one.time_cycles, one.energy) for one in contenders]).T
    winner = contenders[int(best_first(time, energy, among_dataflows)[0])]
    program = build_program(layer, batch, winner.dataflow, winner.tile, winner.order, hardware)
    return Mapping(
        layer=layer,
        dataflow=winner.dataflow,
        tile=winner.tile,
        order=winner.order,
        program=program,
        totals=program_totals(program),
        estimated_cycles=int(winner.time_cycles),
    )


def _promised(layer: Layer, hardware: Hardware, dataflow: str, batch: int, objective: Objective) -> float:
    """What no mapping by a dataflow goes below, by what it costs the array alone."""
    least = least_array_cost(layer, dataflow, hardware)
    energy = sum(energy_by_component(least.counts * batch, hardware.energy).values())
    return float(worth(np.asarray(least.cycles * batch), np.asarray(energy), objective))


@dataclass(frozen=True, slots=True)
class _Best:
    """The best tiles and loop order of one dataflow."""

    dataflow: str
    tile: TileShape
    order: Order
    time_cycles: float
    energy: float

    def worth(self, objective: Objective) -> float:
        return float(worth(np.asarray(self.time_cycles), np.asarray(self.energy), objective))


@dataclass(frozen=True, slots=True)
class _Choice:
    """The mappings of a layer by one dataflow that fit, and what each of them costs at least."""

    layer: Layer
    hardware: Hardware
    dataflow: str
    batch: int
    space: Space
    places: Ints
    least_time_cycles: Values
    least_energy: Values

    @classmethod
    def of(cls, layer: Layer, hardware: Hardware, dataflow: str, batch: int) -> "_Choice":
        space = space_of(layer, hardware, dataflow)
        bound = at_least(layer, hardware, dataflow, batch, space)
        time, energy = space.where_it_fits(bound.time_cycles), space.where_it_fits(bound.energy)
        return cls(layer, hardware, dataflow, batch, space, space.places(), time, energy)

    def promised(self, objective: Objective) -> Values:
        return worth(self.least_time_cycles, self.least_energy, objective)

    def best(self, objective: Objective) -> _Best:
        """All that promise no less than the best of the first look delivers are looked at."""
        promised = self.promised(objective)
        look = np.arange(len(promised))
        if len(look) > FIRST_LOOK:
            look = np.argpartition(promised, FIRST_LOOK)[:FIRST_LOOK]
        some = self.evaluated(look)
        reached = worth(some.time_cycles, some.energy, objective).min()
        not_ruled_out = np.flatnonzero(promised <= reached * (1 + ROUNDING))
        if len(not_ruled_out) > len(look):  # else the first look, which promised most, has seen them all
            look, some = not_ruled_out, self.evaluated(not_ruled_out)
        # Between equals the first place decides, whatever was promised.
        in_order = np.argsort(look)
        index = in_order[best_first(some.time_cycles[in_order], some.energy[in_order], objective)[0]]
        tile, order = some.mapping_of(int(index))
        return _Best(self.dataflow, tile, order, float(some.time_cycles[index]), float(some.energy[index]))

    def evaluated(self, which: Ints) -> Candidates:
        tiles = self.space.at(self.places[which])
        return evaluate(self.layer, self.hardware, self.dataflow, self.batch, tiles)


def worth(time: Values, energy: Values, objective: Objective) -> Values:
    """What is to be as small as possible."""
    return {"time": time, "energy": energy, "edp": time * energy}[objective]


def best_first(time: Values, energy: Values, objective: Objective) -> Ints:
    """Indices from the best to the worst; between equals the other quantity decides, then who came first."""
    return np.lexsort((time if objective == "energy" else energy, worth(time, energy, objective)))


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
