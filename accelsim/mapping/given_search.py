"""The best mapping within what is said beforehand, where the search of all tiles does not know what is said:
several images or some taps in a tile, loops in any order, parts of several groups, parameters of a dataflow.

Each mapping that is tried is written out and simulated by itself. Where few are allowed all of them are; of
more, some that lie far apart, and then neighbours of the best for as long as one of them is better: so what
is found need not be the best there is (docs/decisions/given-mappings.md).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice, product
from math import prod
from typing import Any, Final, NamedTuple, TypeAlias

from accelsim.energy import total_energy
from accelsim.hardware import Hardware, Objective, Operand
from accelsim.hardware.host import HOST
from accelsim.mapping.candidates import with_static_energy
from accelsim.mapping.grids import Grids, given_sizes, granularity
from accelsim.mapping.loop_order import NamedOrder
from accelsim.mapping.mapping import ALL_OPERANDS, Choice, Mapping
from accelsim.mapping.precision import layer_prices
from accelsim.mapping.program import mappings
from accelsim.mapping.ranking import objective_value, that_decides
from accelsim.mapping.room import room_in_banks
from accelsim.mapping.settle import Judge
from accelsim.mapping.space import ORDERS, POOL_ORDERS
from accelsim.mapping.tile import TileShape
from accelsim.mapping.unmappable import NothingAsGiven
from accelsim.network.given import GivenMapping
from accelsim.network.layer import Layer

LETTERS: Final = ("N", "G", "K", "C", "OY", "OX", "FY", "FX")
"""Of the loops in the order of a tile's sizes."""
MOST_TRIED: Final = 256
"""Mappings up to which all that are allowed are tried."""


def is_regular(given: GivenMapping, layer: Layer, images: int, orders: Sequence[NamedOrder]) -> bool:
    """Whether the search of all tiles knows what is said.

    Args:
        given: What is said.
        layer: In the form in which it is executed.
        images: That it goes through.
        orders: Those that the search tries.
    """
    groups = given.size("G") or 1
    parts_of_several = groups > 1 and not (given.allows("K", layer.K) and given.allows("C", layer.C))
    taps = {"FY": layer.FY, "FX": layer.FX}
    whole = all(
        given.size(letter) in (None, extent) and given.bounds_of(letter) is None
        for letter, extent in taps.items()
    )
    one_image = given.size("N") in (None, 1) and (images == 1 or given.bounds_of("N") is None)
    order = Grids(given=given).order
    return (
        one_image
        and whole
        and not parts_of_several
        and (order is None or order in orders)
        and not given.parameters
    )


def sizes_allowed(
    given: GivenMapping, layer: Layer, images: int, dataflow: str, unit: Hardware
) -> list[tuple[int, ...]]:
    """Sizes along each loop, in the order of `LETTERS`: of what nothing is said those that the search tries.

    Args:
        given: What is said.
        layer: In the form in which it is executed.
        images: That it goes through.
        dataflow: The one that its array executes.
        unit: The machine, or its host as one.
    """
    passes = granularity(dataflow, unit)
    units = {"K": passes.k, "C": passes.c, "OY": passes.y, "OX": passes.x}
    extents = extents_of(layer, images)
    whole = {"N": (1,), "FY": (layer.FY,), "FX": (layer.FX,)}
    return [
        whole[letter]
        if letter in whole and not given.speaks_of(letter)
        else given_sizes(given, letter, extents[letter], units.get(letter, 1))
        for letter in LETTERS
    ]


def extents_of(layer: Layer, images: int) -> dict[str, int]:
    """All that there is along each loop."""
    return {letter: images if letter == "N" else getattr(layer, letter) for letter in LETTERS}


class Tried(NamedTuple):
    """A mapping that was written out and simulated."""

    mapping: Mapping
    room: "dict[str, int]"
    cycles: float
    energy: float

    def value(self, objective: Objective) -> tuple[float, float]:
        """What is to be as small as possible; of equals the faster one."""
        return objective_value(self.cycles, self.energy, objective), self.cycles


_Place: TypeAlias = tuple[int, ...]
"""A mapping by the number of each of its sizes among those allowed, and of its order."""


@dataclass
class GivenSearch:
    """Tries mappings of one layer by one dataflow, within what is said."""

    given: GivenMapping
    layer: Layer
    images: int
    hardware: Hardware
    dataflow: str
    objective: Objective
    judge: Judge | None
    moved: frozenset[Operand] = ALL_OPERANDS
    placed: frozenset[Operand] = frozenset()
    tried: dict[_Place, Tried | None] = field(default_factory=dict)
    """None where there is no room."""

    def __post_init__(self) -> None:
        unit = self.hardware.on_host if self.dataflow == HOST else self.hardware
        sizes = sizes_allowed(self.given, self.layer, self.images, self.dataflow, unit)
        order = Grids(given=self.given).order
        named = ORDERS if self.hardware.pool is None else POOL_ORDERS
        self.axes: list[tuple[Any, ...]] = [*sizes, named if order is None else (order,)]

    def searched(self) -> list[Tried]:
        """All that were tried and for which there is room; none where none is allowed."""
        lengths = [len(axis) for axis in self.axes]
        if prod(lengths) <= MOST_TRIED:
            self._try(list(product(*map(range, lengths))))
            return self._found()
        # The largest size along each loop and the one in the middle; without room the smallest, too.
        far_apart = [sorted({0, length // 2}) for length in lengths]
        with_smallest = [sorted({0, length // 2, length - 1}) for length in lengths]
        for numbers in (far_apart, with_smallest):
            self._try(list(islice(product(*numbers), MOST_TRIED)))
            if self._found():
                break
        self._climb()
        return self._found()

    def _found(self) -> list[Tried]:
        return [tried for tried in self.tried.values() if tried is not None]

    def _climb(self) -> None:
        """From the best on, as long as a neighbour is better."""
        best: _Place | None = None
        while (found := self._best()) is not None and found != best:
            best = found
            self._try(list(self._neighbours(best)))

    def _best(self) -> _Place | None:
        values = {
            place: tried.value(self.objective) for place, tried in self.tried.items() if tried is not None
        }
        return min(values, key=values.__getitem__, default=None)

    def _neighbours(self, place: _Place) -> Iterator[_Place]:
        """With the next size along one loop, the one after that, or another order."""
        for axis, (at, choices) in enumerate(zip(place, self.axes, strict=True)):
            is_order = axis == len(self.axes) - 1
            steps = range(len(choices)) if is_order else (at - 2, at - 1, at + 1, at + 2)
            for step in steps:
                if 0 <= step < len(choices):
                    yield (*place[:axis], step, *place[axis + 1 :])

    def _try(self, places: Sequence[_Place]) -> None:
        places = [place for place in dict.fromkeys(places) if place not in self.tried]
        choices = list(map(self._choice, places))
        for place, mapping in zip(places, mappings(choices, self.images, self.hardware), strict=True):
            self.tried[place] = self._judged(mapping)

    def _choice(self, place: _Place) -> Choice:
        *sizes, order = (choices[at] for at, choices in zip(place, self.axes, strict=True))
        return Choice(
            self.layer,
            self.dataflow,
            TileShape(*sizes),
            order,
            idle_rows=self.given.idle_rows or 0,
            moved=self.moved,
            placed=self.placed,
            parameters=self.given.parameters,
        )

    def _judged(self, mapping: Mapping) -> Tried | None:
        room = room_in_banks(mapping, self.images, self.hardware)
        if any(needed > bank.size_bytes for bank, needed in room.items()):
            return None
        cycles = mapping.totals.array_cycles if self.judge is None else self.judge(mapping)
        prices = self.hardware.prices if self.dataflow == HOST else layer_prices(self.layer, self.hardware)
        energy = with_static_energy(total_energy(mapping.totals.counts, prices), prices, cycles)
        by_bank = {bank.name: needed for bank, needed in room.items()}
        return Tried(replace(mapping, estimated_cycles=cycles), by_bank, cycles, float(energy))


def best_within(
    given: GivenMapping,
    layer: Layer,
    images: int,
    hardware: Hardware,
    dataflows: Sequence[str],
    objective: Objective | None,
    judge: Judge | None,
) -> Mapping | NothingAsGiven:
    """The best mapping that was found within what is said: the best tiles of each dataflow, then the best of
    those.

    Args:
        given: What is said.
        layer: In the form in which it is executed.
        images: That it goes through.
        hardware: The machine.
        dataflows: Those by which it may run.
        objective: What is to be small; None is what the machine's compiler goes by.
        judge: Says how many cycles a mapping takes.
    """
    among_tiles, among_dataflows = (
        that_decides(objective or of_compiler, hardware)
        for of_compiler in (hardware.mapper.tiles, hardware.mapper.dataflow)
    )
    best = []
    for dataflow in dataflows:
        search = GivenSearch(given, layer, images, hardware, dataflow, among_tiles, judge)
        found = search.searched()
        if found:
            best.append(min(found, key=lambda tried: tried.value(among_tiles)))
    if not best:
        return shortfall_of_given(given, layer, images, hardware, dataflows)
    return min(best, key=lambda tried: tried.value(among_dataflows)).mapping


def shortfall_of_given(
    given: GivenMapping, layer: Layer, images: int, hardware: Hardware, dataflows: Sequence[str]
) -> NothingAsGiven:
    """Why nothing is as it is said: no size along a loop, or no room for the smallest tile.

    Args:
        given: What is said.
        layer: In the form in which it is executed.
        images: That it goes through.
        hardware: The machine.
        dataflows: Those by which it may run.
    """
    dataflow = dataflows[0]
    unit = hardware.on_host if dataflow == HOST else hardware
    sizes, extents = sizes_allowed(given, layer, images, dataflow, unit), extents_of(layer, images)
    for letter, allowed in zip(LETTERS, sizes, strict=True):
        if not allowed:
            size, extent = given.size(letter), extents[letter]
            there = f"there is 1 of {letter}" if extent == 1 else f"there are {extent} of {letter}"
            if size is not None:
                return NothingAsGiven(f"tile.{letter} = {size}", there)
            which = f"no tile of {letter}, of which {there.removesuffix(f' of {letter}')}"
            return NothingAsGiven(f"bounds.{letter}", f"{which}, is {given.bounds_of(letter)}")
    smallest = TileShape(*map(min, sizes))
    order = Grids(given=given).order or "filters_outer"
    choice = Choice(
        layer, dataflow, smallest, order, idle_rows=given.idle_rows or 0, parameters=given.parameters
    )
    (mapping,) = mappings([choice], images, hardware)
    room = room_in_banks(mapping, images, hardware)
    bank, needed = max(room.items(), key=lambda item: item[1] / max(1, item[0].size_bytes))
    words = " ".join(
        f"{letter}{min(allowed)}"
        for letter, allowed in zip(LETTERS, sizes, strict=True)
        if extents[letter] > 1
    )
    is_said = all(
        given.size(letter) is not None or len(allowed) == 1
        for letter, allowed in zip(LETTERS, sizes, strict=True)
    )
    noun = "tiles" if is_said else "the smallest tiles allowed,"
    where = bank.memory if bank is hardware.pool else f"the bank of {bank.name} in {bank.memory}"
    return NothingAsGiven(
        "tile",
        f"{noun} {words} need {needed} bytes of {where}, as many as lie there at a time, "
        f"which has {bank.size_bytes}",
    )
