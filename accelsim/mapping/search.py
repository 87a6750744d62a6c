"""The mapping of layers: dataflow x tile size x loop order, and the best of them by an objective."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from accelsim.errors import MappingError
from accelsim.hardware import Hardware, Objective
from accelsim.mapping.arithmetic import Flags, Ints
from accelsim.mapping.candidates import Bounds, Candidates, Values, at_least, evaluate, least_of_array
from accelsim.mapping.costs import VECTOR
from accelsim.mapping.mapping import Mapping, Order
from accelsim.mapping.program import build_program, program_totals
from accelsim.mapping.space import (
    ORDERS,
    Grid,
    Grids,
    Space,
    granularity,
    space_of_many,
    why_nothing_fits,
)
from accelsim.mapping.stack import stacked, structure
from accelsim.mapping.tile import TileShape
from accelsim.network.layer import Layer

FIRST_LOOK: Final = 40
"""Mappings of a layer that are evaluated before it is known how good the best is: those that promise most."""
MOST_TILES: Final = 1 << 14
"""Tiles that are looked at together: enough to keep numpy busy, and few enough for the processor's cache."""
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
    """
    mapping = map_layers([layer], hardware, batch=batch, dataflow=dataflow, objective=objective)[0]
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
) -> list[Mapping | MappingError]:
    """The best mapping of each layer, or why it has none: what `map_layer` says, many at a time.

    Branch and bound: dataflows and tiles that promise less than others deliver are not evaluated. Layers of
    one structure are looked at together, because numpy takes no longer for many than for a few.
    """
    offered = hardware.pe_array.dataflows
    if dataflow != "auto" and dataflow not in offered:
        listed = ", ".join(offered)
        why = f"the array cannot run the dataflow {dataflow!r}: pe_array.dataflows lists {listed}"
        return [MappingError(why)] * len(layers)
    array_dataflows = offered if dataflow == "auto" else (dataflow,)
    executed = [as_executed(layer, batch) for layer in layers]
    alike: dict[object, list[int]] = {}
    for index, (layer, images) in enumerate(executed):
        alike.setdefault((structure(layer), images), []).append(index)
    tiles, dataflows = objective or hardware.mapper.tiles, objective or hardware.mapper.dataflow
    grids = Grids()
    found: dict[int, Mapping | MappingError] = {}
    for indices in alike.values():
        together, images = [executed[index][0] for index in indices], executed[indices[0]][1]
        names = array_dataflows if together[0].on_array else (VECTOR,)
        search = _Search(together, hardware, images, names, tiles, dataflows, grids)
        for index, layer, best in zip(indices, together, search.winners(), strict=True):
            if best is None:
                found[index] = MappingError(why_nothing_fits(layer, hardware))
            else:
                found[index] = best.mapping(layer, hardware, images)
    return [found[index] for index in range(len(layers))]


@dataclass(frozen=True, slots=True)
class _Best:
    """The best tiles and loop order of one layer by one dataflow."""

    dataflow: str
    tile: TileShape
    order: Order
    time_cycles: float
    energy: float

    def worth(self, objective: Objective) -> float:
        return float(worth(np.asarray(self.time_cycles), np.asarray(self.energy), objective))

    def mapping(self, layer: Layer, hardware: Hardware, batch: int) -> Mapping:
        program = build_program(layer, batch, self.dataflow, self.tile, self.order, hardware)
        return Mapping(
            layer=layer,
            dataflow=self.dataflow,
            tile=self.tile,
            order=self.order,
            program=program,
            totals=program_totals(program),
            estimated_cycles=int(self.time_cycles),
        )


@dataclass(frozen=True, slots=True)
class _Search:
    """The search for the best mappings of layers of one structure."""

    layers: Sequence[Layer]
    hardware: Hardware
    batch: int
    dataflows: tuple[str, ...]
    among_tiles: Objective
    among_dataflows: Objective
    grids: Grids

    def winners(self) -> list[_Best | None]:
        """The best mapping of each layer; None where no tile fits.

        Each layer tries its dataflows from the most promising one on, until none promises to be better.
        """
        promised = self._promised()
        turns = np.argsort(promised, axis=0, kind="stable")
        reached = np.full(len(self.layers), np.inf)
        best: list[dict[str, _Best]] = [{} for _ in self.layers]
        for turn in turns:
            hopeful = np.take_along_axis(promised, turn[np.newaxis], axis=0)[0] <= reached * (1 + ROUNDING)
            tasks = [(index, self.dataflows[turn[index]]) for index in np.flatnonzero(hopeful).tolist()]
            for index, found in self._best_of(tasks, reached):
                best[index][found.dataflow] = found
                reached[index] = min(reached[index], found.worth(self.among_dataflows))
        return [self._winner(found) for found in best]

    def _promised(self) -> Values:
        """What no mapping by a dataflow goes below, by what it costs the array alone: dataflows x layers."""
        stack, how_many = stacked(self.layers), len(self.layers)
        promised = []
        for name in self.dataflows:
            cycles, energy = least_of_array(stack, [name] * how_many, self.hardware, self.batch)
            promised.append(worth(cycles, energy, self.among_dataflows))
        return np.array(promised)

    def _winner(self, best: dict[str, _Best]) -> _Best | None:
        contenders = [best[name] for name in self.dataflows if name in best]
        if len(contenders) < 2:
            return contenders[0] if contenders else None
        time, energy = np.array([(one.time_cycles, one.energy) for one in contenders]).T
        return contenders[int(best_first(time, energy, self.among_dataflows)[0])]

    def _best_of(self, tasks: Sequence[tuple[int, str]], reached: Values) -> Iterator[tuple[int, _Best]]:
        """The best of one dataflow for each of some layers, unless it cannot beat what is reached."""
        units = {name: granularity(name, self.hardware) for name in self.dataflows}
        sizes = [self.grids.of(self.layers[index], units[name]) for index, name in tasks]
        for some in _portions(sizes):
            which, names = zip(*tasks[some], strict=True)
            layers = [self.layers[index] for index in which]
            space = space_of_many(layers, names, sizes[some], self.hardware, self.grids)
            look = _Look.of(space, self.hardware, self.batch)
            for place, found in look.best(self.among_tiles, self.among_dataflows, reached[list(which)]):
                yield which[place], found


def _portions(sizes: Sequence[Grid]) -> Iterator[slice]:
    """Successive layers that have few enough tiles together, one at least."""
    begin = tiles = 0
    for end, grid in enumerate(sizes):
        if end > begin and tiles + len(grid) > MOST_TILES:
            yield slice(begin, end)
            begin, tiles = end, 0
        tiles += len(grid)
    if sizes:
        yield slice(begin, len(sizes))


@dataclass(frozen=True, slots=True)
class _Look:
    """A look at a space of mappings, where it is known what each of them costs at least."""

    space: Space
    hardware: Hardware
    batch: int
    bounds: Bounds
    owner: Ints
    """The layer of each place."""
    layers: Ints
    """Those that have a place."""
    begins: Ints
    """The first place of each of them."""

    @classmethod
    def of(cls, space: Space, hardware: Hardware, batch: int) -> "_Look":
        owner = np.repeat(space.owner, len(ORDERS))
        begins = _begins(owner)
        return cls(space, hardware, batch, at_least(space, hardware, batch), owner, owner[begins], begins)

    def best(
        self, among_tiles: Objective, among_dataflows: Objective, reached: Values
    ) -> list[tuple[int, _Best]]:
        """The best mapping of each layer that is promised to be no worse than what is reached.

        All that promise no less than the best of the first look delivers are looked at.
        """
        if not len(self.layers):
            return []
        least = np.minimum.reduceat(self._promised(among_dataflows), self.begins)
        hopeful = least <= reached[self.layers] * (1 + ROUNDING)
        promised = self._promised(among_tiles)
        first = self._first_look(promised, hopeful)
        if not len(first):
            return []
        some = self._evaluated(first)
        delivered = worth(some.time_cycles, some.energy, among_tiles)
        to_beat = np.full(len(reached), -1.0)
        owner = self.owner[first]
        begins = _begins(owner)
        to_beat[owner[begins]] = np.minimum.reduceat(delivered, begins)
        not_ruled_out = promised <= to_beat[self.owner] * (1 + ROUNDING)
        not_ruled_out[first] = False
        rest = self._evaluated(np.flatnonzero(not_ruled_out))
        return self._winners([some, rest], among_tiles)

    def _promised(self, objective: Objective) -> Values:
        return worth(self.bounds.time_cycles, self.bounds.energy, objective)

    def _first_look(self, promised: Values, hopeful: Flags) -> Ints:
        """The places of each hopeful layer that promise most."""
        looks = []
        ends = np.append(self.begins[1:], len(promised))
        for begin, end in zip(self.begins[hopeful], ends[hopeful], strict=True):
            look = np.arange(begin, end)
            if len(look) > FIRST_LOOK:
                look = begin + np.sort(np.argpartition(promised[begin:end], FIRST_LOOK)[:FIRST_LOOK])
            looks.append(look[np.isfinite(promised[look])])
        return np.concatenate(looks) if looks else np.empty(0, dtype=np.int64)

    def _evaluated(self, places: Ints) -> Candidates:
        return evaluate(self.space, self.hardware, self.batch, places)

    def _winners(self, seen: Sequence[Candidates], objective: Objective) -> list[tuple[int, _Best]]:
        """Between equals the first place decides, whatever was promised."""
        places = np.concatenate([some.places for some in seen])
        time = np.concatenate([some.time_cycles for some in seen])
        energy = np.concatenate([some.energy for some in seen])
        owner = self.owner[places]
        ranked = np.lexsort((places, *_ranking(time, energy, objective), owner))
        winners = ranked[_begins(owner[ranked])]
        best = []
        for index in winners:
            which = int(index >= len(seen[0]))
            tile, order = seen[which].mapping_of(int(index) - which * len(seen[0]))
            layer = int(owner[index])
            dataflow = self.space.dataflows[layer]
            best.append((layer, _Best(dataflow, tile, order, float(time[index]), float(energy[index]))))
        return best


def _begins(owner: Ints) -> Ints:
    """Where another owner begins."""
    return np.flatnonzero(np.concatenate(([True], owner[1:] != owner[:-1]))[: len(owner)])


def worth(time: Values, energy: Values, objective: Objective) -> Values:
    """What is to be as small as possible."""
    return {"time": time, "energy": energy, "edp": time * energy}[objective]


def best_first(time: Values, energy: Values, objective: Objective) -> Ints:
    """Indices from the best to the worst; between equals the other quantity decides, then who came first."""
    return np.lexsort(_ranking(time, energy, objective))


def _ranking(time: Values, energy: Values, objective: Objective) -> tuple[Values, Values]:
    """Keys of numpy's lexsort, the last one first."""
    return time if objective == "energy" else energy, worth(time, energy, objective)


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
