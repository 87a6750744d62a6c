"""The mapping of layers: dataflow x tile size x loop order, and the best of them by an objective."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final, TypeAlias

import numpy as np

from accelsim.errors import MappingError
from accelsim.hardware import Hardware, Objective
from accelsim.mapping.banks import why_nothing_fits
from accelsim.mapping.candidates import Bounds, least_of_array
from accelsim.mapping.costs import VECTOR
from accelsim.mapping.grids import Grids, granularity
from accelsim.mapping.look import Look, portions
from accelsim.mapping.mapping import Choice, Mapping
from accelsim.mapping.program import mappings
from accelsim.mapping.ranking import as_good, best_of_each, that_decides, worth_of
from accelsim.mapping.settle import COMPILER, THOROUGH, Bench, Judge, Judged, best_of
from accelsim.mapping.space import cuts_of
from accelsim.mapping.stack import stacked, structure
from accelsim.mapping.transfers import Values
from accelsim.network.layer import Layer

NEARLY: Final = 1.2
"""How much more a dataflow may promise to take than the most promising one to be looked at with it."""
MOST_CUTS: Final = 1 << 14
"""Of layers that are looked at together, so that memory stays constant."""


def map_layer(
    layer: Layer,
    hardware: Hardware,
    *,
    batch: int = 1,
    dataflow: str = "auto",
    objective: Objective | None = None,
    judge: Judge | None = None,
) -> Mapping:
    """The best mapping of a layer: the best tiles of each dataflow, then the best dataflow.

    Best by `objective`; without one, by what the machine's compiler goes by (`hardware.mapper`). `dataflow`
    forces one for layers that run on the array. Raises MappingError if no tile fits; it says which bank is
    too small, and what would help.
    """
    mapping = map_layers([layer], hardware, batch=batch, dataflow=dataflow, objective=objective, judge=judge)[
        0
    ]
    if isinstance(mapping, MappingError):
        raise mapping
    return mapping


def map_layers(
    layers: Sequence[Layer],
    hardware: Hardware,
    *,
    batch: int = 1,
    dataflow: str = "auto",
    objective: Objective | None = None,
    judge: Judge | None = None,
) -> list[Mapping | MappingError]:
    """The best mapping of each layer, or why it has none: what `map_layer` says, many at a time.

    Branch and bound: dataflows and tiles that promise less than others deliver are not evaluated. What bounds
    leave open the judge decides; without one the bounds are believed. Layers of one structure are looked at
    together, because numpy takes no longer for many than for a few.
    """
    offered = tuple(hardware.pe_array.dataflows)
    if dataflow != "auto" and dataflow not in offered:
        listed = ", ".join(offered)
        why = f"the array cannot run the dataflow {dataflow!r}: pe_array.dataflows lists {listed}"
        return [MappingError(why)] * len(layers)
    array_dataflows = offered if dataflow == "auto" else (dataflow,)
    executed = [as_executed(layer, batch) for layer in layers]
    alike: dict[object, list[int]] = {}
    for index, (layer, images) in enumerate(executed):
        alike.setdefault((structure(layer), images), []).append(index)
    tiles, dataflows = (
        that_decides(objective or wanted, hardware)
        for wanted in (hardware.mapper.tiles, hardware.mapper.dataflow)
    )
    grids = Grids(finely=objective is not None)
    found: dict[int, Mapping | MappingError] = {}
    for indices in alike.values():
        together, images = [executed[index][0] for index in indices], executed[indices[0]][1]
        names = array_dataflows if together[0].on_array else (VECTOR,)
        stack = stacked(together)
        least = {name: _least(stack, name, hardware, images, len(together)) for name in names}
        search = _Search(together, hardware, images, names, tiles, dataflows, judge, grids, least)
        found |= dict(zip(indices, search.mappings(), strict=True))
    return [found[index] for index in range(len(layers))]


def _least(stack: Layer, dataflow: str, hardware: Hardware, batch: int, layers: int) -> Bounds:
    """What the array takes at least for each layer of a stack."""
    least = least_of_array(stack, dataflow, hardware, batch)
    return Bounds(*(np.broadcast_to(values, layers) for values in (least.time_cycles, least.energy)))


_Task: TypeAlias = tuple[int, str]
"""A layer, by its place among those that are searched for together, and a dataflow."""


@dataclass(frozen=True, slots=True)
class _Search:
    """The search for the best mappings of layers of one structure."""

    layers: Sequence[Layer]
    hardware: Hardware
    batch: int
    dataflows: tuple[str, ...]
    among_tiles: Objective
    among_dataflows: Objective
    judge: Judge | None
    grids: Grids
    least: dict[str, Bounds]
    """What the array takes at least for each layer, by dataflow."""

    def mappings(self) -> list[Mapping | MappingError]:
        """The best mapping of each layer, or why it has none."""
        winners = self.winners()
        unwritten = [
            Choice(
                layer,
                best.contender.dataflow,
                best.contender.tile,
                best.contender.order,
                int(best.time_cycles),
            )
            for layer, best in zip(self.layers, winners, strict=True)
            if best is not None and best.mapping is None
        ]
        written = iter(mappings(unwritten, self.batch, self.hardware))
        return [
            MappingError(why_nothing_fits(layer, self.hardware))
            if best is None
            else next(written)
            if best.mapping is None
            else replace(best.mapping, estimated_cycles=int(best.time_cycles))
            for layer, best in zip(self.layers, winners, strict=True)
        ]

    def winners(self) -> list[Judged | None]:
        """The best mapping of each layer; None where no tile fits.

        Each layer tries its dataflows from the most promising one on, until none promises to be better. Those
        that promise nearly as much as the first are looked at together with it.
        """
        promised = np.array([worth_of(self.least[name], self.among_dataflows) for name in self.dataflows])
        turns = np.argsort(promised, axis=0, kind="stable")
        promised = np.take_along_axis(promised, turns, axis=0)
        at_once = promised <= promised[0] * NEARLY
        reached = np.full(len(self.layers), np.inf)
        best: list[dict[str, Judged]] = [{} for _ in self.layers]
        for rank in range(len(turns)):
            look = at_once if rank == 0 else ~at_once & (np.arange(len(turns)) == rank)[:, np.newaxis]
            hopeful = np.argwhere(look & as_good(promised, reached)).tolist()
            tasks = [(layer, self.dataflows[turns[place, layer]]) for place, layer in hopeful]
            for layer, found in self._best_of(tasks, reached):
                best[layer][found.contender.dataflow] = found
        return [self._winner(found) for found in best]

    def _winner(self, best: dict[str, Judged]) -> Judged | None:
        contenders = [best[name] for name in self.dataflows if name in best]
        return best_of(contenders, self.among_dataflows) if contenders else None

    def _best_of(self, tasks: Sequence[_Task], reached: Values) -> Iterator[tuple[int, Judged]]:
        """The best of one dataflow for each of some layers, unless it cannot beat what is reached."""
        sizes = [self.grids.of(self.layers[index], granularity(name, self.hardware)) for index, name in tasks]
        for some in portions([grid.cuts for grid in sizes], MOST_CUTS):
            which, names = zip(*tasks[some], strict=True)
            cuts = cuts_of([self.layers[index] for index in which], names, sizes[some], self.hardware)
            look = Look(cuts, self.hardware, self.batch, self.among_tiles, self.among_dataflows)
            for place, judged in self._judged(look, which, reached):
                yield which[place], judged

    def _judged(self, look: Look, which: Sequence[int], reached: Values) -> Iterator[tuple[int, Judged]]:
        """The best of each task of a look; `which` says of which layer it is.

        A layer that has several goes on from the most promising one, as long as another may be better.
        """
        found = look.best(reached[list(which)])
        bench = Bench(
            [self.layers[index] for index in which],
            self.hardware,
            self.batch,
            self.judge,
            self.among_tiles,
            THOROUGH if self.grids.finely else COMPILER,
        )
        places = np.fromiter(found, dtype=np.int64)
        promised = np.array([found[place].worth(self.among_dataflows) for place in found])
        owner = np.array(which, dtype=np.int64)[places]
        first = places[best_of_each(owner, promised, 1)].tolist()
        for turn in (first, [place for place in found if place not in set(first)]):
            hopeful = {
                place: found[place] for place in turn if as_good(look.least[place], reached[which[place]])
            }
            for place, judged in bench.settled(look, hopeful).items():
                layer = which[place]
                reached[layer] = min(reached[layer], judged.worth(self.among_dataflows))
                yield place, judged


def as_executed(layer: Layer, batch: int) -> tuple[Layer, int]:
    """The same work in the form that leaves most freedom to cut it.

    Where a pixel reads one pixel, images are rows like any others. A pooling over the whole picture sums
    its pixels as a convolution sums its input channels, so it can be cut anywhere.
    """
    covers = (layer.FY, layer.FX, layer.pad_top, layer.pad_left) == (layer.IY, layer.IX, 0, 0)
    if not layer.on_array and layer.OY == layer.OX == 1 and covers and layer.C == 1:
        layer = replace(layer, C=layer.IY * layer.IX, IY=1, IX=1, FY=1, FX=1, stride_y=1, stride_x=1)
    pointwise = (layer.FY, layer.FX, layer.stride_y, layer.pad_top, layer.pad_left) == (1, 1, 1, 0, 0)
    pointwise = pointwise and layer.OY == layer.IY  # nothing is padded below either, and nothing is resized
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
