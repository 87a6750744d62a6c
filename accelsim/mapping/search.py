"""The mapping of layers: dataflow x tile size x loop order, and the best of them by an objective."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final, NamedTuple, TypeAlias

import numpy as np

from accelsim.choices import AUTO
from accelsim.columns import Count
from accelsim.errors import MappingError
from accelsim.hardware import Hardware, Objective
from accelsim.mapping.banks import why_nothing_fits
from accelsim.mapping.candidates import Bounds, least_of_array
from accelsim.mapping.costs import VECTOR
from accelsim.mapping.grids import Grids, granularity
from accelsim.mapping.look import Contender, Look, portions
from accelsim.mapping.mapping import Mapping
from accelsim.mapping.options import MappingOptions
from accelsim.mapping.program import mappings
from accelsim.mapping.ranking import as_good, best_of_each, that_decides, worth_of
from accelsim.mapping.settle import COMPILER, THOROUGH, Bench, Care, Judge, Judged, best_of
from accelsim.mapping.space import cuts_of
from accelsim.mapping.stack import stacked, structure
from accelsim.mapping.transfers import Values
from accelsim.network.layer import Layer, LoopNest

NEARLY: Final = 1.2
"""How much more a dataflow may promise to take than the most promising one to be looked at with it."""
MOST_CUTS: Final = 1 << 14
"""Of layers that are looked at together, so that memory stays constant."""
PARTS: Final = (24, 16, 12, 8, 6, 4, 3, 2)
"""Of 32 parts of its rows, with how many an array which is taller than wide is tried, beside the whole."""


def map_layer(
    layer: Layer,
    hardware: Hardware,
    options: MappingOptions = MappingOptions(),
    *,
    judge: Judge | None = None,
) -> Mapping:
    """The best mapping of a layer: the best tiles of each dataflow, then the best dataflow.

    Raises MappingError if no tile fits; it says which bank is too small, and what would help.
    """
    (mapping,) = map_layers([layer], hardware, options, judge=judge)
    if isinstance(mapping, MappingError):
        raise mapping
    return mapping


def map_layers(
    layers: Sequence[Layer],
    hardware: Hardware,
    options: MappingOptions = MappingOptions(),
    *,
    judge: Judge | None = None,
) -> list[Mapping | MappingError]:
    """The best mapping of each layer, or why it has none: what `map_layer` says, many at a time.

    Branch and bound: dataflows and tiles that promise less than others deliver are not evaluated. What bounds
    leave open the judge decides; without one the bounds are believed. Layers of one structure are looked at
    together, because numpy takes no longer for many than for a few. Where an objective is asked for to which
    time matters, rows of the array may be left idle.
    """
    offered = tuple(hardware.pe_array.dataflows)
    dataflow, objective = options.dataflow, options.objective
    if dataflow != AUTO and dataflow not in offered:
        listed = ", ".join(offered)
        why = f"the array cannot run the dataflow {dataflow!r}: pe_array.dataflows lists {listed}"
        return [MappingError(why)] * len(layers)
    array_dataflows = offered if dataflow == AUTO else (dataflow,)
    executed = [as_executed(layer, options.batch) for layer in layers]
    alike: dict[object, list[int]] = {}
    for index, (layer, images) in enumerate(executed):
        alike.setdefault((structure(layer), images), []).append(index)
    tiles, dataflows = (
        that_decides(objective or wanted, hardware)
        for wanted in (hardware.mapper.tiles, hardware.mapper.dataflow)
    )
    thoroughly, whole = objective is not None, _Part(0, hardware)
    grids = Grids(finely=thoroughly)
    parts = [whole, *_parts_of_array(hardware)] if thoroughly and tiles != "energy" else [whole]
    found: dict[int, Mapping | MappingError] = {}
    for indices in alike.values():
        together, images = [executed[index][0] for index in indices], executed[indices[0]][1]
        names, tried = (array_dataflows, parts) if together[0].on_array else ((VECTOR,), [whole])
        search = _Search(together, hardware, images, names, tiles, dataflows, judge, grids, tried)
        found |= dict(zip(indices, search.mappings(), strict=True))
    return [found[index] for index in range(len(layers))]


class _Part(NamedTuple):
    """A part of the array, the other rows of which are left idle."""

    idle_rows: int
    hardware: Hardware
    """The machine as it is without those."""


def _parts_of_array(hardware: Hardware) -> Iterator[_Part]:
    """Those of `PARTS` that have no fewer rows than columns.

    Weights come row by row, and those of a tile's first sub-matrix are waited for: where few pixels pass,
    fewer rows are faster. They save no energy, since partial sums are added up in more parts.
    """
    array = hardware.pe_array
    for rows in dict.fromkeys(array.rows * parts // 32 for parts in PARTS):
        if array.columns <= rows < array.rows:
            yield _Part(array.rows - rows, hardware.with_idle_rows(array.rows - rows))


def _least(stack: LoopNest[Count], dataflow: str, hardware: Hardware, batch: int, layers: int) -> Bounds:
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
    parts: Sequence[_Part]
    """Of the array, that are tried one after the other."""

    @property
    def care(self) -> Care:
        """How much is simulated before a mapping is chosen."""
        return THOROUGH if self.grids.finely else COMPILER

    def mappings(self) -> list[Mapping | MappingError]:
        """The best mapping of each layer, or why it has none."""
        winners = self.winners()
        unwritten = [
            best.choice(layer)
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
        """The best mapping of each layer; None where no tile fits."""
        best: list[Judged | None] = [None] * len(self.layers)
        for part in self.parts:
            to_beat = np.array([self._to_beat(judged) for judged in best])
            for layer, found in enumerate(self._best_by_dataflow(part, to_beat)):
                contenders = [best[layer], *(found.get(name) for name in self.dataflows)]
                judged = [contender for contender in contenders if contender is not None]
                best[layer] = best_of(judged, self.among_dataflows) if judged else None
        return best

    def _to_beat(self, best: Judged | None) -> float:
        """What a smaller part of the array has to deliver: a difference that is left open is none."""
        return math.inf if best is None else best.worth(self.among_dataflows) * (1 - self.care.open)

    def _promised(self, contender: Contender) -> float:
        return contender.worth(self.among_dataflows)

    def _best_by_dataflow(self, part: _Part, reached: Values) -> list[dict[str, Judged]]:
        """Of each layer the best on a part of the array, as far as it may be as good as what is reached.

        Each layer tries its dataflows from the most promising one on, until none promises to be better. Those
        that promise nearly as much as the first are looked at together with it.
        """
        stack, layers = stacked(self.layers), len(self.layers)
        least = [_least(stack, name, part.hardware, self.batch, layers) for name in self.dataflows]
        promised = np.array([worth_of(bounds, self.among_dataflows) for bounds in least])
        turns = np.argsort(promised, axis=0, kind="stable")
        promised = np.take_along_axis(promised, turns, axis=0)
        at_once = promised <= promised[0] * NEARLY
        best: list[dict[str, Judged]] = [{} for _ in self.layers]
        for rank in range(len(turns)):
            look = at_once if rank == 0 else ~at_once & (np.arange(len(turns)) == rank)[:, np.newaxis]
            hopeful = np.argwhere(look & as_good(promised, reached)).tolist()
            tasks = [(layer, self.dataflows[turns[place, layer]]) for place, layer in hopeful]
            for layer, found in self._best_of(tasks, part, reached):
                best[layer][found.contender.dataflow] = found
        return best

    def _best_of(self, tasks: Sequence[_Task], part: _Part, reached: Values) -> Iterator[tuple[int, Judged]]:
        """The best of one dataflow for each of some layers, unless it cannot beat what is reached."""
        sizes = [self.grids.of(self.layers[index], granularity(name, part.hardware)) for index, name in tasks]
        for some in portions([grid.cuts for grid in sizes], MOST_CUTS):
            which, names = zip(*tasks[some], strict=True)
            cuts = cuts_of([self.layers[index] for index in which], names, sizes[some], part.hardware)
            look = Look(cuts, part.hardware, self.batch, self.among_tiles, self.among_dataflows)
            for place, judged in self._judged(look, which, part.idle_rows, reached):
                yield which[place], judged

    def _judged(
        self, look: Look, which: Sequence[int], idle_rows: int, reached: Values
    ) -> Iterator[tuple[int, Judged]]:
        """The best of each task of a look; `which` says of which layer it is.

        A layer that has several goes on from the most promising one, as long as another may be better.
        """
        found = self.care.contenders(look, reached[list(which)])
        bench = Bench(
            [self.layers[index] for index in which],
            self.hardware,
            self.batch,
            self.judge,
            self.among_tiles,
            self.care,
            idle_rows,
        )
        places = np.fromiter(found, dtype=np.int64)
        promised = np.array([self._promised(best) for best, *_ in found.values()])
        owner = np.array(which, dtype=np.int64)[places]
        first = places[best_of_each(owner, promised, 1)].tolist()
        one_objective = self.among_tiles == self.among_dataflows
        # By one objective, what has the best bound bounds all others.
        least = dict(enumerate(look.least))
        if self.care.is_bounded or one_objective:
            least = {place: min(self._promised(one) for one in some) for place, some in found.items()}
        for turn in (first, [place for place in found if place not in set(first)]):
            to_beat = reached[list(which)]
            hopeful = {place: found[place] for place in turn if as_good(least[place], to_beat[place])}
            limits = to_beat if one_objective else np.full(len(which), np.inf)
            for place, judged in bench.settled(look, hopeful, limits).items():
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
            residual_elements=operator.residual_elements * batch,
        )
        for operator in layer.fused
    )
    stacked = replace(layer, OY=layer.OY * batch, IY=layer.IY * batch, fused=fused)
    return replace(stacked, vector_ops=layer.vector_ops * batch), 1
