"""Where names of points go so that they can be read, and the line from each point to its name.

Every name has a few hundred places to choose from: beside its point, or further away at the end of a line.
One that lies on a point, or on something else to keep clear of, is none. Of the others no two are chosen of
which a box lies on the other's box or line, or whose lines cross, and the sum of what the places cost is to
be least: a line, the longer the more, or a name as near to another point as to its own. The best places of
a name and its neighbours, while the others stay, are found by branch and bound; each name is dealt with in
turn, until none of them and its neighbours gains any more. A name is left out only where none of the
choices tried has room for it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from accelsim.report.labels.geometry import (
    Booleans,
    Floats,
    box_holds,
    boxes_overlap,
    distance_to_box,
    distance_to_line,
    line_enters_box,
    lines_cross,
)

_REACHES: Final = np.array((0.0, 0.7, 1.2, 1.8, 2.5, 3.3, 4.2, 5.2, 6.5, 8.0, 10.0, 13.0, 17.0))
"""Lengths of a line, in heights of the name; at 0 there is none."""
_PARTS: Final = (0.25, 0.5, 0.75)
_CORNERS: Final = (0, 15, 30, 45, 60, 75, 90)
_SIDES: Final = np.array(
    [
        (0, 0.0, 0.5, 0.0),
        (180, 1.0, 0.5, 0.05),
        *((90, part, 0.0, 0.1 + abs(part - 0.5) / 2) for part in _PARTS),
        *((270, part, 1.0, 0.15 + abs(part - 0.5) / 2) for part in _PARTS),
        *((degrees, 0.0, 0.0, 0.3) for degrees in _CORNERS),
        *((180 - degrees, 1.0, 0.0, 0.3) for degrees in _CORNERS),
        *((180 + degrees, 1.0, 1.0, 0.35) for degrees in _CORNERS),
        *((360 - degrees, 0.0, 1.0, 0.35) for degrees in _CORNERS),
    ]
)
"""Directions [degrees], where the line ends on the name (parts of its width and height), and the costs."""
_LINE_COST: Final = 1.0
"""Of a line of no length; each height of the name costs as much again."""
_CROSSING_COST: Final = 2.0
"""Of a line to a name across another line."""
_AMBIGUITY_COST: Final = 3.0
"""Of a name that touches another point."""
_CLEARLY_NEARER: Final = 1.5
"""A name that is as many times further from other points as from its own is not ambiguous."""
_LEFT_OUT_COST: Final = 1e4
"""Of the last name; about twice as much of the first."""
_MOST_PLACES: Final = 90
"""Of a name, the cheapest."""
_NEIGHBOURS: Final = 6
"""Names that are placed together with one."""
_MOST_STEPS: Final = 2_000
"""Of one search."""
_LEAST_GAIN: Final = 1e-6


@dataclass(frozen=True)
class Box:
    """A rectangle with its sides along the axes."""

    x0: float
    y0: float
    x1: float
    y1: float

    @property
    def centre(self) -> tuple[float, float]:
        """x and y of its middle."""
        return (self.x0 + self.x1) / 2, (self.y0 + self.y1) / 2


@dataclass(frozen=True)
class Disc:
    """What the marker of a point covers."""

    x: float
    y: float
    radius: float


@dataclass(frozen=True)
class Name:
    """What a name needs, and the marker that it belongs to."""

    of: Disc
    width: float
    height: float


@dataclass(frozen=True)
class Surroundings:
    """What names keep clear of, besides each other and their own markers."""

    within: Box
    gap: float
    """To every marker."""
    discs: Sequence[Disc] = ()
    lines: Sequence[Sequence[tuple[float, float]]] = ()
    """The corners of each. No name lies on one; a line to a name does not cross one if it can be helped."""
    boxes: Sequence[Box] = ()


@dataclass(frozen=True)
class Place:
    """The box of a name, and where the line from its point ends; None beside the point."""

    box: Box
    line_end: tuple[float, float] | None


@dataclass(frozen=True)
class _Places:
    """Places of a name, one a row."""

    boxes: Floats
    lines: Floats
    """From the middle of the marker to the box."""
    lengths: Floats
    """Of the line, without the marker and its gap; 0 beside the point."""
    costs: Floats

    def those(self, rows: Booleans | NDArray[np.intp]) -> "_Places":
        """Some of them."""
        return _Places(self.boxes[rows], self.lines[rows], self.lengths[rows], self.costs[rows])


@dataclass(frozen=True)
class _Table:
    """All places by number: those of a name follow each other, the cheapest first and being left out last.

    A set of places is an integer with a bit for each.
    """

    first: Sequence[int]
    """Of each name, and the number of all places."""
    costs: Sequence[float]
    conflicts: Sequence[int]
    """Of each place, the set of those that cannot be chosen with it."""

    def of(self, name: int) -> int:
        """The set of a name's places."""
        return (1 << self.first[name + 1]) - (1 << self.first[name])


def place_some(names: Sequence[Name], around: Surroundings, most: int) -> dict[int, Place]:
    """Places of so many names, by their places in the list; the first ones for which there is room.

    A name that is hemmed in, by markers or by names before it, makes way for the next one.
    """
    chosen, waiting = list(range(min(most, len(names)))), list(range(most, len(names)))
    while True:
        places = place_names([names[index] for index in chosen], around)
        placed = {index: place for index, place in zip(chosen, places, strict=True) if place is not None}
        missing = most - len(placed)
        if not missing or not waiting:
            return placed
        chosen, waiting = [*placed, *waiting[:missing]], waiting[missing:]


def place_names(names: Sequence[Name], around: Surroundings) -> list[Place | None]:
    """A place for each name, or None where there is no room; the last names are left out first."""
    if not names:
        return []
    discs = (*(name.of for name in names), *around.discs)
    places = [_places(name, discs, around) for name in names]
    table = _table(places, around.gap)
    chosen = _choose(_neighbours(names), table)
    rows = [chosen[name] - first for name, first in enumerate(table.first[:-1])]
    return [_place(one, row) if row < len(one.costs) else None for one, row in zip(places, rows, strict=True)]


def _place(places: _Places, row: int) -> Place:
    x0, y0, x1, y1 = map(float, places.boxes[row])
    end_x, end_y = map(float, places.lines[row, 2:])
    return Place(Box(x0, y0, x1, y1), (end_x, end_y) if places.lengths[row] else None)


def _places(name: Name, discs: Sequence[Disc], around: Surroundings) -> _Places:
    """The cheapest places of a name that touch nothing but, perhaps, other names."""
    middle = np.array((name.of.x, name.of.y))
    at, radii = np.array([(disc.x, disc.y) for disc in discs]), np.array([disc.radius for disc in discs])
    boxes, lines = _boxes(around.boxes), _segments(around.lines)
    found = _anywhere(name, middle, around.gap)
    found = found.those(box_holds(_boxes([around.within]), found.boxes))
    found = found.those(~np.any(boxes_overlap(found.boxes[:, None], boxes), axis=1))
    found = found.those(~np.any(line_enters_box(found.lines[:, None], boxes), axis=1))
    found = found.those(~np.any(line_enters_box(lines, found.boxes[:, None]), axis=1))
    found = found.those(np.all(distance_to_box(at, found.boxes[:, None]) > radii + 0.99 * around.gap, axis=1))
    apart = np.hypot(*(at - middle).T) > radii  # what lies on the point itself cannot be avoided
    at, radii = at[apart], radii[apart]
    found = found.those(np.all(distance_to_line(at, found.lines[:, None]) > radii, axis=1))
    to_others = (distance_to_box(at, found.boxes[:, None]) - radii).min(1, initial=np.inf)
    ambiguous = np.maximum(1 - to_others / (_CLEARLY_NEARER * (found.lengths + around.gap)), 0)
    beside = name.of.radius + around.gap
    start = middle + (found.lines[:, 2:] - middle) * (beside / (beside + found.lengths))[:, None]
    crossed = lines_cross(np.hstack([start, found.lines[:, 2:]])[:, None], lines).sum(1)
    costs = found.costs + _AMBIGUITY_COST * ambiguous + _CROSSING_COST * crossed
    found = _Places(found.boxes, found.lines, found.lengths, costs)
    return found.those(np.argsort(costs, kind="stable")[:_MOST_PLACES])


def _anywhere(name: Name, middle: Floats, gap: float) -> _Places:
    """All places of a name, whatever is there."""
    directions = np.radians(_SIDES[:, 0])
    lengths = np.repeat(name.height * _REACHES, len(_SIDES))
    towards = np.tile(np.stack([np.cos(directions), np.sin(directions)], axis=1), (len(_REACHES), 1))
    ends = middle + (name.of.radius + gap + lengths)[:, None] * towards
    size = np.array((name.width, name.height))
    low = ends - np.tile(_SIDES[:, 1:3], (len(_REACHES), 1)) * size
    costs = np.where(_REACHES > 0, _LINE_COST * (1 + _REACHES), 0)[:, None] + _SIDES[:, 3]
    starts = np.broadcast_to(middle, ends.shape)
    return _Places(np.hstack([low, low + size]), np.hstack([starts, ends]), lengths, costs.reshape(-1))


def _boxes(boxes: Sequence[Box]) -> Floats:
    return np.array([(box.x0, box.y0, box.x1, box.y1) for box in boxes]).reshape(-1, 4)


def _segments(lines: Sequence[Sequence[tuple[float, float]]]) -> Floats:
    return np.array([(*one, *other) for line in lines for one, other in pairwise(line)]).reshape(-1, 4)


def _table(places: Sequence[_Places], gap: float) -> _Table:
    """Places of names in their order of importance, and which of them exclude each other."""
    nowhere = np.full((1, 4), np.nan)  # touches nothing
    boxes = np.concatenate([rows for one in places for rows in (one.boxes, nowhere)])
    lines = np.concatenate([rows for one in places for rows in (one.lines, nowhere)])
    costs: list[float] = []
    for name, one in enumerate(places):
        costs += [*map(float, one.costs), _LEFT_OUT_COST * (2 - name / len(places))]
    first = list(accumulate((len(one.costs) + 1 for one in places), initial=0))
    kept_clear = boxes + gap * np.array((-1, -1, 1, 1))  # lines that end beside each other look like one
    extents = np.hstack(
        [np.minimum(kept_clear[:, :2], lines[:, :2]), np.maximum(kept_clear[:, 2:], lines[:, :2])]
    )
    conflicts = np.zeros((len(boxes), len(boxes)), dtype=bool)
    for start, end in pairwise(first):
        rows, columns = np.nonzero(boxes_overlap(extents[start:end, None], extents[end:]))
        rows, columns = rows + start, columns + end
        conflicts[rows, columns] = (
            boxes_overlap(boxes[rows], boxes[columns])
            | line_enters_box(lines[rows], kept_clear[columns])
            | line_enters_box(lines[columns], kept_clear[rows])
            | lines_cross(lines[rows], lines[columns])
        )
    packed = np.packbits(conflicts | conflicts.T, axis=1, bitorder="little")
    return _Table(first, costs, [int.from_bytes(row.tobytes(), "little") for row in packed])


def _neighbours(names: Sequence[Name]) -> list[list[int]]:
    """Each name with those nearest to it, in names across and in names up."""
    size = np.mean([(name.width, name.height) for name in names], axis=0)
    at = np.array([(name.of.x, name.of.y) for name in names]) / size
    apart = np.linalg.norm(at[:, None] - at, axis=2)
    return [list(map(int, row)) for row in np.argsort(apart, axis=1, kind="stable")[:, : _NEIGHBOURS + 1]]


def _choose(groups: Sequence[Sequence[int]], table: _Table) -> dict[int, int]:
    """A place for each name, such that no group has better ones while the others stay where they are."""
    chosen = {name: following - 1 for name, following in enumerate(table.first[1:])}
    settled = 0
    while settled < len(groups):
        for group in groups:
            better = _better(group, chosen, table)
            settled = 0 if better else settled + 1
            chosen |= better
    return chosen


def _better(group: Sequence[int], chosen: Mapping[int, int], table: _Table) -> dict[int, int]:
    """The best places for a group while the others stay where they are; nothing if it has them already."""
    taken = 0
    for name in chosen.keys() - group:
        taken |= table.conflicts[chosen[name]]
    free = {name: table.of(name) & ~taken for name in group}
    limit = sum(table.costs[chosen[name]] for name in group) - _LEAST_GAIN
    return _cheapest(free, limit, table, iter(range(_MOST_STEPS))) or {}


def _cheapest(
    free: Mapping[int, int], limit: float, table: _Table, steps: Iterator[int]
) -> dict[int, int] | None:
    """The cheapest choice among the places that are free to each name, if it costs less than a limit.

    When there are no more steps it is the cheapest found until then.
    """
    if next(steps, None) is None:
        return None
    best = {name: _lowest(places) for name, places in free.items()}
    bound = sum(table.costs[place] for place in best.values())
    if bound >= limit:
        return None
    if not free:
        return {}
    name = min(free, key=lambda one: free[one].bit_count())
    others = bound - table.costs[best[name]]
    found: dict[int, int] | None = None
    places = free[name]
    while places and others + table.costs[place := _lowest(places)] < limit:
        left = {other: those & ~table.conflicts[place] for other, those in free.items() if other != name}
        further = _cheapest(left, limit - table.costs[place], table, steps)
        if further is not None:
            found = {name: place, **further}
            limit = sum(table.costs[one] for one in found.values())
        places &= places - 1
    return found


def _lowest(places: int) -> int:
    """The number of the first, and so the cheapest, of a set of places of one name."""
    return (places & -places).bit_length() - 1
