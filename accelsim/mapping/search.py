"""The mapping of layers: dataflow x tile size x loop order, and the best of them by an objective."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final, TypeAlias

import numpy as np

from accelsim.errors import MappingError
from accelsim.hardware import Hardware, Objective
from accelsim.mapping.arithmetic import Flags, Ints
from accelsim.mapping.candidates import Bounds, Values, at_least, evaluate, least_of_array
from accelsim.mapping.costs import VECTOR
from accelsim.mapping.mapping import Choice, Mapping, Order
from accelsim.mapping.program import mappings
from accelsim.mapping.space import (
    ORDERS,
    Cuts,
    Grid,
    Grids,
    Space,
    cuts_of,
    granularity,
    in_parts,
    why_nothing_fits,
)
from accelsim.mapping.stack import stacked, structure
from accelsim.mapping.tile import TileShape
from accelsim.network.layer import Layer

NEARLY: Final = 1.2
"""How much more a dataflow may promise to take than the most promising one to be looked at with it."""
FIRST_CUTS: Final = 4
"""Cuts of a layer's channels whose tiles are looked at before it is known how good the best is."""
FIRST_PICTURES: Final = 16
"""Cuts of a layer's picture, as well."""
FIRST_LOOK: Final = 1
"""Mappings of a layer that are evaluated before it is known how good the best is: those that promise most."""
FEW_TILES: Final = 1 << 10
"""Tiles that are laid out at once, since it takes longer to rule them out."""
MOST_TILES: Final = 1 << 17
"""Tiles that layers may have that are looked at together, so that memory stays constant."""
_UNBEATABLE: Final = -1.0
"""What no mapping is worth."""
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
        stack = stacked(together)
        least = {name: _least(stack, name, hardware, images, len(together)) for name in names}
        parts = {name: np.broadcast_to(in_parts(stack, name, hardware), len(together)) for name in names}
        search = _Search(together, hardware, images, names, tiles, dataflows, grids, least, parts)
        winners = search.winners()
        choices = [
            Choice(layer, best.dataflow, best.tile, best.order, int(best.time_cycles))
            for layer, best in zip(together, winners, strict=True)
            if best is not None
        ]
        mapped = iter(mappings(choices, images, hardware))
        for index, layer, best in zip(indices, together, winners, strict=True):
            found[index] = next(mapped) if best else MappingError(why_nothing_fits(layer, hardware))
    return [found[index] for index in range(len(layers))]


def _least(stack: Layer, dataflow: str, hardware: Hardware, batch: int, layers: int) -> Bounds:
    """What the array takes at least for each layer of a stack."""
    least = least_of_array(stack, dataflow, hardware, batch)
    return Bounds(*(np.broadcast_to(values, layers) for values in (least.time_cycles, least.energy)))


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
    grids: Grids
    least: dict[str, Bounds]
    """What the array takes at least for each layer, by dataflow."""
    parts: dict[str, Flags]
    """Whether parts of a pass are tried for each layer, by dataflow."""

    def winners(self) -> list[_Best | None]:
        """The best mapping of each layer; None where no tile fits.

        Each layer tries its dataflows from the most promising one on, until none promises to be better. Those
        that promise nearly as much as the first are looked at together with it.
        """
        promised = np.array([_worth(self.least[name], self.among_dataflows) for name in self.dataflows])
        turns = np.argsort(promised, axis=0, kind="stable")
        promised = np.take_along_axis(promised, turns, axis=0)
        at_once = promised <= promised[0] * NEARLY
        reached = np.full(len(self.layers), np.inf)
        best: list[dict[str, _Best]] = [{} for _ in self.layers]
        for rank in range(len(turns)):
            look = at_once if rank == 0 else ~at_once & (np.arange(len(turns)) == rank)[:, np.newaxis]
            hopeful = np.argwhere(look & _as_good(promised, reached)).tolist()
            tasks = [(layer, self.dataflows[turns[place, layer]]) for place, layer in hopeful]
            for layer, found in self._best_of(tasks, reached):
                best[layer][found.dataflow] = found
                reached[layer] = min(reached[layer], found.worth(self.among_dataflows))
        return [self._winner(found) for found in best]

    def _winner(self, best: dict[str, _Best]) -> _Best | None:
        contenders = [best[name] for name in self.dataflows if name in best]
        if len(contenders) < 2:
            return contenders[0] if contenders else None
        time, energy = np.array([(one.time_cycles, one.energy) for one in contenders]).T
        return contenders[int(best_first(time, energy, self.among_dataflows)[0])]

    def _best_of(self, tasks: Sequence[_Task], reached: Values) -> list[tuple[int, _Best]]:
        """The best of one dataflow for each of some layers, unless it cannot beat what is reached."""
        sizes = [
            self.grids.of(self.layers[index], granularity(name, self.hardware), bool(self.parts[name][index]))
            for index, name in tasks
        ]
        best = []
        for some in _portions(sizes):
            which, names = zip(*tasks[some], strict=True)
            cuts = cuts_of([self.layers[index] for index in which], names, sizes[some], self.hardware)
            look = _Look(cuts, self.hardware, self.batch, self.among_tiles, self.among_dataflows)
            best += [(which[place], one) for place, one in look.best(reached[list(which)])]
        return best


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
    """A look for the best tiles of some layers, each by one dataflow."""

    cuts: Cuts
    hardware: Hardware
    batch: int
    among_tiles: Objective
    among_dataflows: Objective

    def best(self, reached: Values) -> list[tuple[int, _Best]]:
        """The best mapping of each layer, unless no tile fits or it cannot be as good as what is reached.

        What the most promising cuts of the channels deliver rules out most of the others before their tiles
        are laid out.
        """
        channels, pictures = np.arange(len(self.cuts.owner)), np.arange(len(self.cuts.owner_of_pictures))
        to_beat = np.full(len(reached), np.inf)
        if self.cuts.tiles > FEW_TILES:
            channels, pictures, to_beat = self._not_ruled_out(reached)
        space = self.cuts.crossed(channels, pictures)
        bounds = self._at_least(space)
        to_beat[~self._may_reach(reached, space, bounds)] = _UNBEATABLE
        promised = _worth(bounds, self.among_tiles)
        some = np.isfinite(promised) & _as_good(promised, to_beat[_owner_of_places(space)])
        return self._winners(space, np.flatnonzero(some))

    def _not_ruled_out(self, reached: Values) -> tuple[Ints, Ints, Values]:
        """Cuts of channels and of the picture that may be part of the best, and what is to be beaten.

        That is infinite for layers of which it is not known whether any tile fits.
        """
        ideal = self.cuts.ideal()
        bounds, cut = self._at_least(ideal.space), len(ideal.channels)
        promised = _worth(bounds, self.among_tiles).reshape(-1, len(ORDERS)).min(axis=1)
        of_channels, of_pictures = promised[:cut], promised[cut:]
        owner, owner_of_pictures = ideal.space.owner[:cut], ideal.space.owner[cut:]
        first = self.cuts.crossed(
            ideal.channels[_best_of_each(owner, of_channels, FIRST_CUTS)],
            ideal.pictures[_best_of_each(owner_of_pictures, of_pictures, FIRST_PICTURES)],
        )
        to_beat = self._delivered(first, len(reached))
        known = np.isfinite(to_beat)
        to_beat[known & ~self._may_reach(reached, ideal.space, bounds)] = _UNBEATABLE
        return (
            ideal.channels[_as_good(of_channels, to_beat[owner])],
            ideal.pictures[_as_good(of_pictures, to_beat[owner_of_pictures])],
            to_beat,
        )

    def _at_least(self, space: Space) -> Bounds:
        return at_least(space, self.hardware, self.batch)

    def _may_reach(self, reached: Values, space: Space, bounds: Bounds) -> Flags:
        """Whether some mapping of each layer may be as good a choice of dataflow as what is reached."""
        least = np.full(len(reached), np.inf)
        np.minimum.at(least, _owner_of_places(space), _worth(bounds, self.among_dataflows))
        return _as_good(least, reached)

    def _delivered(self, space: Space, layers: int) -> Values:
        """The best of the most promising mappings of each layer; infinite where there is none."""
        owner, promised = _owner_of_places(space), _worth(self._at_least(space), self.among_tiles)
        places = _best_of_each(np.repeat(space.of_channels, len(ORDERS)), promised, FIRST_LOOK)
        places = places[np.isfinite(promised[places])]
        some = evaluate(space, self.hardware, self.batch, places)
        delivered = np.full(layers, np.inf)
        np.minimum.at(delivered, owner[places], worth(some.time_cycles, some.energy, self.among_tiles))
        return delivered

    def _winners(self, space: Space, places: Ints) -> list[tuple[int, _Best]]:
        """Between equals the first place decides."""
        if not len(places):
            return []
        seen = evaluate(space, self.hardware, self.batch, places)
        owner = _owner_of_places(space)[places]
        ranked = np.lexsort((*_ranking(seen.time_cycles, seen.energy, self.among_tiles), owner))
        best = []
        for index in ranked[_begins(owner[ranked])].tolist():
            layer, (tile, order) = int(owner[index]), seen.mapping_of(index)
            time, energy = float(seen.time_cycles[index]), float(seen.energy[index])
            best.append((layer, _Best(self.cuts.dataflows[layer], tile, order, time, energy)))
        return best


def _owner_of_places(space: Space) -> Ints:
    """The layer of each place."""
    return np.repeat(space.owner, len(ORDERS))


def _worth(bounds: Bounds, objective: Objective) -> Values:
    return worth(bounds.time_cycles, bounds.energy, objective)


def _as_good(values: Values, others: Values) -> Flags:
    """Where a value may be as small as another, if sums had been added up in another order."""
    return values <= others * (1 + ROUNDING)


def _best_of_each(owner: Ints, values: Values, how_many: int) -> Ints:
    """Indices of the smallest values of each owner."""
    ranked = np.lexsort((values, owner))
    begins = _begins(owner[ranked])
    rank = np.arange(len(ranked)) - np.repeat(begins, np.diff(begins, append=len(ranked)))
    return ranked[rank < how_many]


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
