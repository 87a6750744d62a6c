"""Where labels of points go so that they can be read, and the line from each point to its label.

Every label has a few hundred positions to choose from: beside its point, or further away at the end of a
line. One that lies on a point, or on something else to keep clear of, is none. Of the others no two are
chosen of which a box lies on the other's box or line, or whose lines cross, and the sum of what the positions
cost is to be least: a line, the longer the more, or a label as near to another point as to its own. The best
positions of a label and its neighbours, while the others stay, are found by branch and bound; each label is
dealt with in turn, until none of them and its neighbours gains any more. A label is left out only where none
of the choices tried has room for it.
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
"""Lengths of a line, in heights of the label; at 0 there is none."""
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
"""Directions [degrees], where the line ends on the label (parts of its width and height), and the costs."""
_LINE_COST: Final = 1.0
"""Of a line of no length; each height of the label costs as much again."""
_CROSSING_COST: Final = 2.0
"""Of a line to a label across another line."""
_AMBIGUITY_COST: Final = 3.0
"""Of a label that touches another point."""
_CLEARLY_NEARER: Final = 1.5
"""A label that is as many times further from other points as from its own is not ambiguous."""
_LEFT_OUT_COST: Final = 1e4
"""Of the last label; about twice as much of the first."""
_MOST_POSITIONS: Final = 90
"""Of a label, the cheapest."""
_NEIGHBOURS: Final = 6
"""Labels that are placed together with one."""
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
class Label:
    """How much room a label needs, and the marker that it belongs to."""

    marker: Disc
    width: float
    height: float


@dataclass(frozen=True)
class Surroundings:
    """What labels keep clear of, besides each other and their own markers."""

    page: Box
    """What labels stay within."""
    gap: float
    """To every marker."""
    discs: Sequence[Disc] = ()
    lines: Sequence[Sequence[tuple[float, float]]] = ()
    """The corners of each. No label lies on one; a line to a label does not cross one if it can be helped."""
    boxes: Sequence[Box] = ()


@dataclass(frozen=True)
class LabelPosition:
    """The box of a label, and where the line from its point ends; None beside the point."""

    box: Box
    line_end: tuple[float, float] | None


@dataclass(frozen=True)
class _Positions:
    """Positions of a label, one a row: boxes and lines are n x 4, lengths and costs n."""

    boxes: Floats
    lines: Floats
    """From the middle of the marker to the box."""
    lengths: Floats
    """Of the line, without the marker and its gap; 0 beside the point."""
    costs: Floats

    def select(self, rows: Booleans | NDArray[np.intp]) -> "_Positions":
        """The positions in these rows."""
        return _Positions(self.boxes[rows], self.lines[rows], self.lengths[rows], self.costs[rows])


@dataclass(frozen=True)
class _PositionTable:
    """All positions by number: those of a label follow each other, the cheapest first, being left out last.

    A set of positions is an integer with a bit for each.
    """

    starts: Sequence[int]
    """The first position of each label, and at the end the number of all positions."""
    costs: Sequence[float]
    conflicts: Sequence[int]
    """Of each position, the set of those that cannot be chosen with it."""

    def positions_of(self, label: int) -> int:
        """The set of a label's positions."""
        return (1 << self.starts[label + 1]) - (1 << self.starts[label])


def place_first(labels: Sequence[Label], around: Surroundings, count: int) -> dict[int, LabelPosition]:
    """Positions of so many labels, by their index in the list; the first ones for which there is room.

    A label that is hemmed in, by markers or by labels before it, makes way for the next one.
    """
    chosen, waiting = list(range(min(count, len(labels)))), list(range(count, len(labels)))
    while True:
        positions = place_labels([labels[index] for index in chosen], around)
        placed = {
            index: position for index, position in zip(chosen, positions, strict=True) if position is not None
        }
        missing = count - len(placed)
        if not missing or not waiting:
            return placed
        chosen, waiting = [*placed, *waiting[:missing]], waiting[missing:]


def place_labels(labels: Sequence[Label], around: Surroundings) -> list[LabelPosition | None]:
    """Positions of labels beside their points, such that all that have room can be read.

    Args:
        labels: In order of importance: the last are left out first.
        around: What they keep clear of.

    Returns:
        A position for each label, None where there is no room.

    Example:
        >>> marker = Disc(50, 50, radius=4)
        >>> (position,) = place_labels([Label(marker, 40, 12)], Surroundings(Box(0, 0, 200, 100), gap=2))
        >>> position.box, position.line_end
        (Box(x0=56.0, y0=44.0, x1=96.0, y1=56.0), None)
    """
    if not labels:
        return []
    discs = (*(label.marker for label in labels), *around.discs)
    positions = [_positions(label, discs, around) for label in labels]
    table = _table(positions, around.gap)
    chosen = _choose(_neighbours(labels), table)
    rows = [chosen[label] - start for label, start in enumerate(table.starts[:-1])]
    return [
        _position(of_label, row) if row < len(of_label.costs) else None  # the row after the last: left out
        for of_label, row in zip(positions, rows, strict=True)
    ]


def _position(positions: _Positions, row: int) -> LabelPosition:
    x0, y0, x1, y1 = map(float, positions.boxes[row])
    end_x, end_y = map(float, positions.lines[row, 2:])
    return LabelPosition(Box(x0, y0, x1, y1), (end_x, end_y) if positions.lengths[row] else None)


def _positions(label: Label, discs: Sequence[Disc], around: Surroundings) -> _Positions:
    """The cheapest positions of a label that touch nothing but, perhaps, other labels.

    Each test compares n positions (rows) with m obstacles (columns): n x 1 x 4 with m x 4, or m x 2.
    """
    middle = np.array((label.marker.x, label.marker.y))
    points = np.array([(disc.x, disc.y) for disc in discs])
    radii = np.array([disc.radius for disc in discs])
    boxes, lines = _boxes(around.boxes), _segments(around.lines)
    clear = _all_positions(label, middle, around.gap)
    clear = clear.select(box_holds(_boxes([around.page]), clear.boxes))
    clear = clear.select(~np.any(boxes_overlap(clear.boxes[:, None], boxes), axis=1))
    clear = clear.select(~np.any(line_enters_box(clear.lines[:, None], boxes), axis=1))
    clear = clear.select(~np.any(line_enters_box(lines, clear.boxes[:, None]), axis=1))
    far = distance_to_box(points, clear.boxes[:, None]) > radii + 0.99 * around.gap
    clear = clear.select(np.all(far, axis=1))
    apart = np.hypot(*(points - middle).T) > radii  # what lies on the point itself cannot be avoided
    points, radii = points[apart], radii[apart]
    clear = clear.select(np.all(distance_to_line(points, clear.lines[:, None]) > radii, axis=1))
    costs = clear.costs + _AMBIGUITY_COST * _ambiguity(clear, points, radii, around.gap)
    costs = costs + _CROSSING_COST * _crossings(clear, middle, label.marker.radius + around.gap, lines)
    clear = _Positions(clear.boxes, clear.lines, clear.lengths, costs)
    return clear.select(np.argsort(costs, kind="stable")[:_MOST_POSITIONS])


def _ambiguity(positions: _Positions, points: Floats, radii: Floats, gap: float) -> Floats:
    """From 0, where no other point is nearly as near as the label's own, to 1, where one is touched."""
    to_points = (distance_to_box(points, positions.boxes[:, None]) - radii).min(1, initial=np.inf)
    ambiguity: Floats = np.maximum(1 - to_points / (_CLEARLY_NEARER * (positions.lengths + gap)), 0)
    return ambiguity


def _crossings(positions: _Positions, middle: Floats, reach: float, lines: Floats) -> NDArray[np.intp]:
    """How many lines the line to each position crosses after it has left its marker."""
    ends = positions.lines[:, 2:]
    starts = middle + (ends - middle) * (reach / (reach + positions.lengths))[:, None]
    crossings: NDArray[np.intp] = lines_cross(np.hstack([starts, ends])[:, None], lines).sum(1)
    return crossings


def _all_positions(label: Label, middle: Floats, gap: float) -> _Positions:
    """All positions of a label, whatever is there: each reach in each direction, a row each."""
    directions = np.radians(_SIDES[:, 0])
    lengths = np.repeat(label.height * _REACHES, len(_SIDES))
    towards = np.tile(np.stack([np.cos(directions), np.sin(directions)], axis=1), (len(_REACHES), 1))
    ends = middle + (label.marker.radius + gap + lengths)[:, None] * towards
    size = np.array((label.width, label.height))
    low = ends - np.tile(_SIDES[:, 1:3], (len(_REACHES), 1)) * size
    costs = np.where(_REACHES > 0, _LINE_COST * (1 + _REACHES), 0)[:, None] + _SIDES[:, 3]
    starts = np.broadcast_to(middle, ends.shape)
    return _Positions(np.hstack([low, low + size]), np.hstack([starts, ends]), lengths, costs.reshape(-1))


def _boxes(boxes: Sequence[Box]) -> Floats:
    return np.array([(box.x0, box.y0, box.x1, box.y1) for box in boxes]).reshape(-1, 4)


def _segments(lines: Sequence[Sequence[tuple[float, float]]]) -> Floats:
    return np.array([(*start, *end) for line in lines for start, end in pairwise(line)]).reshape(-1, 4)


def _table(positions: Sequence[_Positions], gap: float) -> _PositionTable:
    """Positions of labels in their order of importance, and which of them exclude each other."""
    left_out = np.full((1, 4), np.nan)  # touches nothing
    boxes = np.concatenate([rows for of_label in positions for rows in (of_label.boxes, left_out)])
    lines = np.concatenate([rows for of_label in positions for rows in (of_label.lines, left_out)])
    costs: list[float] = []
    for label, of_label in enumerate(positions):
        costs += [*map(float, of_label.costs), _LEFT_OUT_COST * (2 - label / len(positions))]
    starts = list(accumulate((len(of_label.costs) + 1 for of_label in positions), initial=0))
    roomy = boxes + gap * np.array((-1, -1, 1, 1))  # lines that end beside each other look like one
    # what a position covers altogether: only positions whose extents overlap can be in each other's way
    extents = np.hstack([np.minimum(roomy[:, :2], lines[:, :2]), np.maximum(roomy[:, 2:], lines[:, :2])])
    conflicts = np.zeros((len(boxes), len(boxes)), dtype=bool)  # above the diagonal; mirrored in the end
    for start, end in pairwise(starts):  # the positions of a label against those of all labels after it
        rows, columns = np.nonzero(boxes_overlap(extents[start:end, None], extents[end:]))
        rows, columns = rows + start, columns + end
        conflicts[rows, columns] = (
            boxes_overlap(boxes[rows], boxes[columns])
            | line_enters_box(lines[rows], roomy[columns])
            | line_enters_box(lines[columns], roomy[rows])
            | lines_cross(lines[rows], lines[columns])
        )
    packed = np.packbits(conflicts | conflicts.T, axis=1, bitorder="little")
    return _PositionTable(starts, costs, [int.from_bytes(row.tobytes(), "little") for row in packed])


def _neighbours(labels: Sequence[Label]) -> list[list[int]]:
    """Each label with those nearest to it, in labels across and in labels up."""
    size = np.mean([(label.width, label.height) for label in labels], axis=0)
    points = np.array([(label.marker.x, label.marker.y) for label in labels]) / size
    apart = np.linalg.norm(points[:, None] - points, axis=2)
    return [list(map(int, row)) for row in np.argsort(apart, axis=1, kind="stable")[:, : _NEIGHBOURS + 1]]


def _choose(groups: Sequence[Sequence[int]], table: _PositionTable) -> dict[int, int]:
    """A position for each label, such that no group has better ones while the others stay where they are."""
    chosen = {label: end - 1 for label, end in enumerate(table.starts[1:])}  # all left out, at first
    settled = 0
    while settled < len(groups):
        for group in groups:
            moved = _improved(group, chosen, table)
            settled = 0 if moved else settled + 1
            chosen |= moved
    return chosen


def _improved(group: Sequence[int], chosen: Mapping[int, int], table: _PositionTable) -> dict[int, int]:
    """The best positions for a group while the others stay; nothing if it has them already."""
    excluded = 0
    for label in chosen.keys() - group:
        excluded |= table.conflicts[chosen[label]]
    free = {label: table.positions_of(label) & ~excluded for label in group}
    limit = sum(table.costs[chosen[label]] for label in group) - _LEAST_GAIN
    return _cheapest(free, limit, table, iter(range(_MOST_STEPS))) or {}


def _cheapest(
    free: Mapping[int, int], limit: float, table: _PositionTable, steps: Iterator[int]
) -> dict[int, int] | None:
    """The cheapest choice among the positions that are free to each label, if it costs less than a limit.

    Branch and bound: the label with the fewest free positions is tried in each of them, the cheapest first.
    Its lower bound takes of every other label the cheapest position, whatever it is in the way of. When there
    are no more steps it is the cheapest found until then.
    """
    if next(steps, None) is None:
        return None
    best = {label: _lowest(positions) for label, positions in free.items()}
    lower_bound = sum(table.costs[position] for position in best.values())
    if lower_bound >= limit:
        return None
    if not free:
        return {}
    branching = min(free, key=lambda label: free[label].bit_count())
    bound_of_rest = lower_bound - table.costs[best[branching]]
    incumbent: dict[int, int] | None = None
    positions = free[branching]
    while positions and bound_of_rest + table.costs[position := _lowest(positions)] < limit:
        conflicts = table.conflicts[position]
        rest = {label: bits & ~conflicts for label, bits in free.items() if label != branching}
        choice = _cheapest(rest, limit - table.costs[position], table, steps)
        if choice is not None:
            incumbent = {branching: position, **choice}
            limit = sum(table.costs[chosen] for chosen in incumbent.values())
        positions &= positions - 1  # without the lowest bit
    return incumbent


def _lowest(positions: int) -> int:
    """The number of the first, and so the cheapest, of a set of positions of one label."""
    return (positions & -positions).bit_length() - 1
